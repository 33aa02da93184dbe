# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM policies allow: one action on one resource, in the context of one request. Pure.

Follows the IAM User Guide: "Policy evaluation logic" (an explicit deny wins, what nothing allows is denied), "IAM JSON
policy elements: Action", "... Resource" (`*` any text, `?` one character; actions whatever their case) and "...
Condition operators". What cannot be computed here never
widens a permission: an Allow with it does not apply, a Deny does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

ALLOWED, EXPLICIT_DENY, IMPLICIT_DENY = "allowed", "explicitDeny", "implicitDeny"

# Context: lower-case condition key to the request's values. A key that is not in it is one the request does not have.
Context = Mapping[str, list[str]]


@lru_cache(maxsize=4096)
def pattern_of(text: str, ignore_case: bool = False) -> re.Pattern[str]:
    """A text of a policy as a pattern for whole texts."""
    body = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in text)
    return re.compile(body, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def is_like(value: str, wanted: str) -> bool:
    """Whether a value matches a text with wildcards."""
    return pattern_of(wanted).fullmatch(value) is not None


COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": is_like,
    "ArnEquals": is_like,
    "ArnLike": is_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}


class Undecidable(Exception):
    """A condition that is not computed here."""


def condition_holds(condition: Mapping[str, Any], context: Context) -> bool:
    """Whether every operator of a statement's Condition is met; raises Undecidable for an unknown one."""
    return all(
        _operator_holds(operator, context.get(key.lower(), []), [str(one) for one in as_list(wanted)])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _operator_holds(operator: str, values: list[str], wanted: list[str]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (not values) == (wanted == ["true"])
    is_optional = name.endswith("IfExists")
    compare = COMPARISONS.get(name.removesuffix("IfExists"))
    if compare is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise Undecidable(operator)
    if not values:
        return is_optional or quantifier == "ForAllValues"
    found = [any(compare(value, one) for one in wanted) for value in values]
    return all(found) if quantifier == "ForAllValues" else any(found)


def as_list(value: Any) -> list[Any]:
    """A list of a value that a policy may give as one or several."""
    return value if isinstance(value, list) else [value]


def statements_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A policy's statements."""
    return as_list(document["Statement"])


def covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    """Whether a statement covers an action on a resource, whatever its effect and its conditions."""
    named = any(pattern_of(one, True).fullmatch(action) for one in as_list(statement.get("Action", [])))
    if "NotAction" in statement:
        named = not any(pattern_of(one, True).fullmatch(action) for one in as_list(statement["NotAction"]))
    if "NotResource" in statement:
        return named and not any(is_like(resource, one) for one in as_list(statement["NotResource"]))
    return named and any(is_like(resource, one) for one in as_list(statement.get("Resource", [])))


def applies(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    """Whether a statement decides on an action, on a resource, in a context."""
    if not covers(statement, action, resource):
        return False
    try:
        return condition_holds(statement.get("Condition") or {}, context)
    except Undecidable:
        return statement["Effect"] == "Deny"


def decide(documents: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context) -> str:
    """`allowed`, `explicitDeny` or `implicitDeny`: IAM's names for the result of all policies."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in statements_of(document)
        if applies(statement, action, resource, context)
    }
    if "Deny" in effects:
        return EXPLICIT_DENY
    return ALLOWED if "Allow" in effects else IMPLICIT_DENY
