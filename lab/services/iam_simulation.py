"""IAM's policy simulator for one principal, which moto lacks.

Follows: API reference SimulatePrincipalPolicy (policies of the user with its groups, or of the role; every action is
tried on every resource, by default on `*`) and EvaluationResult; IAM User Guide, "Policy evaluation logic" (an explicit
deny wins, what nothing allows is denied). Of conditions StringEquals and StringLike are computed from ContextEntries; a
statement with any other is taken not to apply. The lab itself goes on letting everybody do everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import moto.iam.urls
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse

ANYTHING = "*"
# How a value of the context is compared with one of the condition.
COMPARISONS = {"StringEquals": lambda value, wanted: value == wanted, "StringLike": fnmatchcase}


def condition_holds(condition: dict[str, Any], context: dict[str, list[str]]) -> bool:
    """Whether a statement's Condition holds for the context keys of the simulation."""
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            values, patterns = context.get(key.lower(), []), wanted if isinstance(wanted, list) else [wanted]
            compare = COMPARISONS.get(operator)
            if not compare or not any(compare(value, pattern) for value in values for pattern in patterns):
                return False
    return True


def applicable(document: str, context: dict[str, list[str]]) -> IAMPolicy:
    """The policy without the statements whose conditions do not hold, and without the conditions."""
    policy = json.loads(document)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    kept = [one for one in statements if condition_holds(one.get("Condition") or {}, context)]
    plain = [{key: value for key, value in one.items() if key != "Condition"} for one in kept]
    return IAMPolicy(json.dumps({**policy, "Statement": plain}))


def decision(policies: list[IAMPolicy], action: str, resource: str) -> str:
    found = {policy.is_action_permitted(action, resource) for policy in policies}
    if PermissionResult.DENIED in found:
        return "explicitDeny"
    return "allowed" if PermissionResult.PERMITTED in found else "implicitDeny"


class LabIamResponse(IamResponse):
    """Dispatches every IAM request."""

    def simulate_principal_policy(self) -> ActionResult:
        context = {
            entry["ContextKeyName"].lower(): [str(value) for value in entry.get("ContextKeyValues", [])]
            for entry in self._get_param("ContextEntries", [])
        }
        arn, resources = self._get_param("PolicySourceArn"), self._get_param("ResourceArns", []) or [ANYTHING]
        policies = [applicable(document, context) for document in self._documents(arn)]
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": decision(policies, action, resource),
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in self._get_param("ActionNames", [])
            for resource in resources
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _documents(self, arn: str) -> Iterator[str]:
        """The policies of a user with its groups, of a group or of a role."""
        backend = self.backend
        owners = (*backend.users.values(), *backend.groups.values(), *backend.roles.values())
        owner = next((one for one in owners if one.arn == arn), None)
        if owner is None:
            raise NotFoundException(f"The principal {arn} does not exist.")
        groups = backend.get_groups_for_user(owner.name) if owner in backend.users.values() else []
        for holder in (owner, *groups):
            yield from holder.policies.values()
            for managed in holder.managed_policies.values():
                yield next(version.document for version in managed.versions if version.is_default)


def install() -> None:
    moto.iam.urls.url_paths["{0}/$"] = LabIamResponse.dispatch
