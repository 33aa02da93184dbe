# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM's policy simulator for one principal, which moto lacks.

Follows: API reference SimulatePrincipalPolicy (policies of the user with its groups, or of the role with its
permissions boundary; every action is tried on every resource, by default on `*`; condition keys are those of
ContextEntries) and EvaluationResult. lab/iam_policies.py evaluates the policies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import moto.iam.urls
from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from lab.iam_policies import ALLOWED, decide

ANYTHING = "*"


def documents_of(backend: IAMBackend, arn: str) -> Iterator[dict[str, Any]]:
    """The policies of a user with its groups, of a group or of a role; raises NotFoundException where there is none."""
    owners = (*backend.users.values(), *backend.groups.values(), *backend.roles.values())
    owner = next((one for one in owners if one.arn == arn), None)
    if owner is None:
        raise NotFoundException(f"The principal {arn} does not exist.")
    groups = backend.get_groups_for_user(owner.name) if owner in backend.users.values() else []
    for holder in (owner, *groups):
        yield from map(json.loads, holder.policies.values())
        for managed in holder.managed_policies.values():
            yield json.loads(next(version.document for version in managed.versions if version.is_default))


def boundary_of(backend: IAMBackend, arn: str) -> dict[str, Any] | None:
    """The permissions boundary of a role; None for a principal without one."""
    role = next((one for one in backend.roles.values() if one.arn == arn), None)
    boundary = role and role.permissions_boundary_arn
    if not boundary:
        return None
    versions = backend.managed_policies[boundary].versions
    return json.loads(next(version.document for version in versions if version.is_default))


class LabIamResponse(IamResponse):
    """Dispatches every IAM request."""

    def simulate_principal_policy(self) -> ActionResult:
        context = {
            entry["ContextKeyName"].lower(): [str(value) for value in entry.get("ContextKeyValues", [])]
            for entry in self._get_param("ContextEntries", [])
        }
        principal = self._get_param("PolicySourceArn")
        documents, boundary = list(documents_of(self.backend, principal)), boundary_of(self.backend, principal)
        bounds = [documents] if boundary is None else [documents, [boundary]]
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": next(
                    (found for one in bounds if (found := decide(one, action, resource, context)) != ALLOWED), ALLOWED
                ),
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in self._get_param("ActionNames", [])
            for resource in self._get_param("ResourceArns", []) or [ANYTHING]
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def install() -> None:
    moto.iam.urls.url_paths["{0}/$"] = LabIamResponse.dispatch
