# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a permissions boundary forbids for certain of what policies allow.

A boundary allows nothing by itself; what it does not allow is denied, whatever other policies say ("Permissions
boundaries for IAM entities" of the IAM User Guide). It is read and judged here because the policy simulator denies what
depends on a condition key that it was not given, such as aws:RequestedRegion (amazon-ecs-exec-checker #44). A condition
is assumed to be met where it allows, and not to be where it denies, so that nothing is refused wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.principals import (
    ASSUMED_ROLE,
    ROOT,
    get_policy_document,
    get_policy_version,
    get_role,
    get_user,
    listed,
    read_caller,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed

USER = re.compile(r"^arn:[^:]+:iam::[0-9]+:user/(?:.*/)?(?P<user>[^/]+)$")
# "Amazon Resource Names" of the IAM User Guide: arn, partition, service, region, account, resource.
ARN_PARTS = 6
# How many forbidden actions a sentence names.
NAMED = 5
# A policy variable of IAM: its value is known when a request is made.
VARIABLE = re.compile(r"\$\{[^}]*\}")


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    body = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in text)
    return re.compile(body, re.DOTALL)


def contains(pattern: str, text: str) -> bool:
    """Return whether a pattern contains everything that a text, which may be a pattern itself, stands for. Pure."""
    return not VARIABLE.search(pattern) and _pattern(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def may_meet(one: str, other: str) -> bool:
    """Return whether there is a text that both patterns stand for. Pure."""
    if contains(one, other) or contains(other, one):
        return True
    # Row by row from the ends: whether the rest of one and the rest of the other have a text in common.
    below: list[bool] = []
    for first in range(len(one), -1, -1):
        row = [False] * (len(other) + 1)
        for second in range(len(other), -1, -1):
            a, b = one[first : first + 1], other[second : second + 1]
            if a == "*":
                row[second] = below[second] or (b != "" and row[second + 1])
            elif b == "*":
                row[second] = row[second + 1] or (a != "" and below[second])
            elif a and b:
                row[second] = (a == b or "?" in (a, b)) and below[second + 1]
            else:
                row[second] = a == b
        below = row
    return below[0]


def arns_may_meet(one: str, other: str) -> bool:
    """Return whether there is a resource that both stand for, part by part of their ARNs if both have all six. Pure."""
    known = [VARIABLE.sub("*", text) for text in (one, other)]
    parts = [text.split(":", ARN_PARTS - 1) for text in known]
    if any(len(found) < ARN_PARTS for found in parts):
        return may_meet(*known)
    return all(map(may_meet, *parts))


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    """Return whether a statement is about an action. Its names of actions may be in any case. Pure."""
    excluded = "NotAction" in statement
    patterns = listed(statement.get("NotAction" if excluded else "Action"))
    return any(contains(one.lower(), action.lower()) for one in patterns) != excluded


def may_allow(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    """Return whether a statement allows an action on something that a resource stands for, if it can be met. Pure."""
    if statement.get("Effect") != "Allow" or not _names_action(statement, action):
        return False
    if "NotResource" in statement:
        return not any(contains(one, resource) for one in listed(statement["NotResource"]))
    return any(arns_may_meet(one, resource) for one in listed(statement.get("Resource")))


def denies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    """Return whether a statement denies an action on all that a resource stands for, whatever the request. Pure."""
    if statement.get("Effect") != "Deny" or statement.get("Condition") or not _names_action(statement, action):
        return False
    if "NotResource" in statement:
        return not any(arns_may_meet(one, resource) for one in listed(statement["NotResource"]))
    return any(contains(one, resource) for one in listed(statement.get("Resource")))


def forbidden_by(boundary: Mapping[str, Any], policies: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield {action, resource, is_denied} of everything that policies allow and a boundary forbids for certain. Pure.

    is_denied: by a statement of the boundary; otherwise none allows it.
    """
    limits = listed(boundary.get("Statement"))
    needed = {
        (action, resource): None
        for policy in policies
        for statement in listed(policy.get("Statement"))
        if statement.get("Effect", "Allow") == "Allow"
        for action in listed(statement.get("Action"))
        for resource in listed(statement.get("Resource") or "*")
    }
    for action, resource in needed:
        is_denied = any(denies(one, action, resource) for one in limits)
        if is_denied or not any(may_allow(one, action, resource) for one in limits):
            yield {"action": action, "resource": resource, "is_denied": is_denied}


def boundary_of(clients: Any, region: str | None) -> tuple[str, str | None]:
    """Return the caller's user or role, and the ARN of its permissions boundary, None if it has none."""
    caller, iam = read_caller(clients, [region]), clients("iam", region)
    session, user = ASSUMED_ROLE.match(caller), USER.match(caller)
    if ROOT.match(caller):
        return caller, None
    if not session and not user:
        raise MultiRegionError(f"{caller} is neither a user nor a session of a role")
    found = get_role(iam, session["role"]) if session else get_user(iam, user["user"])
    return found["Arn"], (found.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")


def sentence(boundary: str, forbidden: list[dict[str, Any]]) -> str:
    """Return what a boundary forbids. Pure."""
    actions = list(dict.fromkeys(one["action"] for one in forbidden))
    if not actions:
        return f"The permissions boundary {boundary} forbids nothing of this."
    shown = ", ".join(
        next(f"{name} on {one['resource']}" for one in forbidden if one["action"] == name) for name in actions[:NAMED]
    )
    more = f" and {len(actions) - NAMED} more actions" if len(actions) > NAMED else ""
    return f"The permissions boundary {boundary} forbids {shown}{more}."


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return changed (False), reason, principal, boundary, is_missing, forbidden, unknown."""
    region, policies = params.get("region"), params["policies"]
    found: dict[str, Any] = {"changed": False, "principal": None, "boundary": params.get("boundary_arn") or None}
    found |= {"is_missing": False, "forbidden": [], "unknown": None}
    try:
        if not found["boundary"]:
            found["principal"], found["boundary"] = boundary_of(clients, region)
        if not found["boundary"]:
            return found | {"reason": f"{found['principal']} has no permissions boundary."}
        iam = clients("iam", region)
        version = get_policy_version(iam, found["boundary"])
        forbidden = list(forbidden_by(get_policy_document(iam, found["boundary"], version), policies))
    except AwsCallError as error:
        if found["boundary"] and error.code == "NoSuchEntity":
            return found | {"is_missing": True, "reason": f"The policy {found['boundary']} does not exist."}
        return found | _unknown(error)
    except MultiRegionError as error:
        return found | _unknown(error)
    return found | {"forbidden": forbidden, "reason": sentence(found["boundary"], forbidden)}


def _unknown(error: Exception) -> dict[str, str]:
    return {"unknown": str(error), "reason": f"What a permissions boundary forbids is unknown: {error}"}
