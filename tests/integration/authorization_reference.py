# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS's Service Authorization Reference says against a policy, as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lab.iam_reference import access_level, keys_of, resource_types

READING = ("Read", "List")
# Of every request, whatever its action ("AWS global condition context keys" of the IAM User Guide).
GLOBAL_KEYS = {"aws:RequestedRegion"}
# With these a request that lacks the key passes.
LENIENT = ("Null", "IfExists", "ForAllValues")


def is_writing(action: str) -> bool:
    return access_level(action) not in READING


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
            if kind.required:  # listener/app and listener/net are two kinds of one thing: one of them is enough
                needed.setdefault(name.partition("/")[0], []).append(kind.pattern)
        for name, patterns in needed.items():
            if not any(pattern.fullmatch(resource) for pattern in patterns for resource in resources):
                yield f"{action} is never allowed: it needs a resource of type {name}"


def _objections_to(statement: dict, action: str) -> Iterator[str]:
    kinds, resources = resource_types(action), statement["Resource"]
    if "*" in resources:
        if kinds:
            yield f"{statement['Sid']}: {action} on * could be bound to {', '.join(kinds)}"
        fitting = [keys_of(action)]
    else:
        matched = [kind for kind in kinds.values() if any(kind.pattern.fullmatch(one) for one in resources)]
        fitting = [kind.keys for kind in matched]
        if not matched:
            yield f"{statement['Sid']}: {action} does nothing on {resources}"
    for operator, keys in statement.get("Condition", {}).items():
        if not any(word in operator for word in LENIENT):
            unknown = [key for key in keys if not any(_has(key, known) for known in fitting)]
            if unknown:
                yield f"{statement['Sid']}: {action} never has the condition {', '.join(unknown)}"


def _has(key: str, known: Iterable[str]) -> bool:
    family = key.partition("/")[0].lower()
    # kms:EncryptionContext:${EncryptionContextKey} has its variable part after a colon.
    families = {one.partition("/")[0].partition("${")[0].lower() for one in known}
    return key in GLOBAL_KEYS or any(family == one or (one[-1] == ":" and family.startswith(one)) for one in families)


def _idle_resources(statement: dict) -> Iterator[str]:
    patterns = [kind.pattern for action in statement["Action"] for kind in resource_types(action).values()]
    for resource in statement["Resource"]:
        if resource != "*" and not any(pattern.fullmatch(resource) for pattern in patterns):
            yield f"{statement['Sid']}: no action is for {resource}"
