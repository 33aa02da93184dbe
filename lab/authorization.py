# SPDX-License-Identifier: GPL-3.0-or-later
"""Access control by IAM policies, for callers that have policies.

A request signed with an access key of a user made in the lab's IAM, or of a session of such a role, may do what the
policies of that user or role allow; any other key may do everything. Only identity policies
and a role's permissions boundary are evaluated, not the policies of buckets and keys, nor session policies.
"""

from __future__ import annotations

import re
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from lab import role_trust
from lab.faults import Answer, error_answer
from lab.iam_parameters import parameters_of
from lab.iam_policies import ALLOWED, EXPLICIT_DENY, decide
from lab.request import ApiRequest, Form, read_form
from lab.services.iam_simulation import boundary_of, documents_of

PARTITION = "aws"
BOUNDARY = "boundary"
ACCESS_KEY = re.compile(r"Credential=(?P<key>[^/]+)/")

# {service or protocol: (HTTP status, error code)}, the service's own entry first. "Common Errors" of each service's API
# reference; EC2: "Error codes for the Amazon EC2 API".
ERRORS = {
    "ec2": (403, "UnauthorizedOperation"),
    "sns": (403, "AuthorizationError"),
    "json": (400, "AccessDeniedException"),
    "rest-json": (403, "AccessDeniedException"),
    "other": (403, "AccessDenied"),
}


def refusal(request: ApiRequest, environ: dict[str, Any], body: bytes) -> Answer | None:
    """The service's error for a call that its caller may not make; None for an allowed call."""
    form = read_form(environ, body)
    caller = caller_of(access_key_of(form))
    if request.service == "sts" and request.operation in role_trust.OPERATIONS:
        refused = role_trust.refusal(request, parameters_of(request, form, body), caller)
        if refused or request.operation != "AssumeRole":
            return refused
    if caller is None:
        return None
    from lab.iam_needs import needs_of  # imported late: reading the reference takes half a second

    iam = iam_backends[caller.split(":")[4]][PARTITION]
    documents, boundary = list(documents_of(iam, caller)), boundary_of(iam, caller)
    for need in needs_of(request, form, body):
        asked = (need.action, need.resource, need.context)
        decision = decide(documents, *asked)
        if decision == ALLOWED and boundary and decide([boundary], *asked) != ALLOWED:
            return _denied(request, caller, need.action, need.resource, BOUNDARY)
        if decision != ALLOWED:
            return _denied(request, caller, need.action, need.resource, decision)
    return None


def access_key_of(form: Form) -> str:
    """The access key that signed a request; empty for an unsigned one."""
    if by_version_2 := form.query.get("AWSAccessKeyId"):
        return by_version_2
    presigned = form.query.get("X-Amz-Credential")
    found = ACCESS_KEY.search(f"Credential={presigned}" if presigned else form.headers.get("authorization", ""))
    return found["key"] if found else ""


def caller_of(access_key: str) -> str | None:
    """The ARN of the user or the role an access key belongs to; None for a key that no IAM user or session has."""
    for account in list(iam_backends.values()):
        for user in account[PARTITION].users.values():
            if any(key.access_key_id == access_key for key in user.access_keys):
                return user.arn
    sessions = (one[PARTITION].get_assumed_role_from_access_key(access_key) for one in list(sts_backends.values()))
    taken = next(filter(None, sessions), None)
    return taken.role_arn if taken and not role_trust.is_member_role(taken.role_arn) else None


def _denied(request: ApiRequest, caller: str, action: str, resource: str, decision: str) -> Answer:
    # "Troubleshoot access denied error messages" of the IAM User Guide.
    why = {
        BOUNDARY: f"because no permissions boundary allows the {action} action",
        EXPLICIT_DENY: "with an explicit deny",
    }.get(decision, "because no identity-based policy allows the action")
    message = f"User: {caller} is not authorized to perform: {action} on resource: {resource} {why}"
    known = next((name for name in (request.service, request.protocol) if name in ERRORS), "other")
    return error_answer(request, *ERRORS[known], message)
