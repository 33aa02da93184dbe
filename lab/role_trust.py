# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may assume a role: its trust policy, which moto does not read.

Sources: "AssumeRole" and "AssumeRoleWithWebIdentity" of the STS API Reference; "Access to AWS accounts owned by third
parties" of the IAM User Guide for the external id. Tokens of identity providers are not verified.

Another account is there from the first call about it, with the role that AWS Organizations makes in a member account,
which trusts the lab's account and may do everything ("Accessing member accounts" of its User Guide).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends

from lab.faults import Answer, error_answer
from lab.iam_policies import as_list, condition_holds, is_like
from lab.request import ApiRequest

MEMBER_ROLE = "OrganizationAccountAccessRole"
OPERATIONS = {"AssumeRole": "AWS", "AssumeRoleWithWebIdentity": "Federated"}


def refusal(request: ApiRequest, given: Mapping[str, Any], caller: str | None) -> Answer | None:
    """The error for a role that does not trust the caller, or does not exist; None where it may be assumed."""
    arn = str(given.get("RoleArn"))
    account = "".join(arn.split(":")[4:5])
    if is_member_role(arn):
        return None
    roles = iam_backends[account]["aws"].roles.values() if account in iam_backends else []
    role = next((one for one in roles if one.arn == arn), None)
    who = caller or f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:root"
    if role and any(trusts(one, request.operation, who, given) for one in statements_of(role)):
        return None
    message = f"User: {who} is not authorized to perform: sts:{request.operation} on resource: {arn}"
    if request.operation == "AssumeRoleWithWebIdentity":
        message = f"Not authorized to perform sts:{request.operation}"
    return error_answer(request, 403, "AccessDenied", message)


def is_member_role(arn: str) -> bool:
    """Whether it is the role that AWS Organizations makes in another account."""
    account, _, name = arn.removeprefix("arn:aws:iam::").partition(":")
    return account != DEFAULT_ACCOUNT_ID and name == f"role/{MEMBER_ROLE}"


def statements_of(role: Any) -> list[dict[str, Any]]:
    """The statements of a role's trust policy."""
    found = role.assume_role_policy_document
    return as_list((json.loads(found) if isinstance(found, str) else found)["Statement"])


def trusts(statement: Mapping[str, Any], operation: str, who: str, given: Mapping[str, Any]) -> bool:
    """Whether a statement of a trust policy allows the caller to assume the role."""
    actions = [str(one) for one in as_list(statement["Action"])]
    if statement["Effect"] != "Allow" or not any(is_like(f"sts:{operation}", one) for one in actions):
        return False
    principal = statement["Principal"]
    named = ["*"] if principal == "*" else as_list(principal.get(OPERATIONS[operation], []))
    number = who.split(":")[4]
    account = (number, f"arn:aws:iam::{number}:root")
    if operation == "AssumeRole" and not {"*", who, *account} & {*named}:
        return False
    context = {"sts:externalid": [str(given["ExternalId"])]} if given.get("ExternalId") else {}
    return bool(named) and condition_holds(statement.get("Condition") or {}, context)
