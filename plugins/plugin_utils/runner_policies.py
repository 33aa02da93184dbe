# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM policies from statements that contain placeholders for resources, one for each region if they differ. Pure.

A statement is {sid, actions, resources, condition, only_with, also_existing}. In resources and in the values of
condition ``{name}`` is replaced by a name; a value that consists only of a placeholder may be replaced by a list or a
mapping. only_with maps names to the values that they must have for the statement to be included. also_existing: that it
holds where others have made the layer too, because it only reads, or names what is ours beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError

# Maximum size of a managed policy, without white space ("IAM and AWS STS quotas" of the IAM User Guide).
SIZE_LIMIT = 6144
VERSION = "2012-10-17"


def build_policies(
    statements: Sequence[Mapping[str, Any]],
    name: str,
    names: Mapping[str, Any],
    regions: Sequence[Mapping[str, Any]],
    is_short: bool = False,
    existing: Sequence[str] = (),
    absent: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return [{name, document}]: one policy, or several if one would exceed IAM's limit.

    names: values that are the same in all regions. regions: values that differ, a mapping for each. The second policy's
    name ends in -2, and so on. is_short: resources that differ in their region only are named once, with a condition on
    the requested region, so that the policies hardly grow with the number of regions. existing, absent: placeholders
    of layers that others have made, and of those that the platform does not have; resources with them are left out.

    Raises MultiRegionError for an unknown placeholder, and for a resource that does not fit into any policy.
    """
    wanted = [
        {**one, "resources": resources}
        for one in statements
        if all(names.get(key) == value for key, value in one.get("only_with", {}).items())
        if (resources := owned(one, existing, absent))
    ]
    parts: list[list[dict[str, Any]]] = []
    for statement in wanted:
        for piece in pieces(build_statement(statement, names, regions, is_short)):
            room = next((part for part in parts if fits([*part, piece])), None)
            if room is None:
                parts.append(room := [])
            room.append(piece)
    return [
        {"name": name if number == 1 else f"{name}-{number}", "document": document_of(part)}
        for number, part in enumerate(parts, 1)
    ]


def owned(statement: Mapping[str, Any], existing: Sequence[str], absent: Sequence[str]) -> list[str]:
    """Return a statement's resources without those of layers that it is not for."""
    left = [*absent, *([] if statement.get("also_existing") else existing)]
    return [one for one in statement["resources"] if not any(f"{{{name}}}" in one for name in left)]


def build_statement(
    statement: Mapping[str, Any],
    names: Mapping[str, Any],
    regions: Sequence[Mapping[str, Any]],
    is_short: bool = False,
) -> dict[str, Any]:
    """Return an IAM statement that allows the actions on the resources of every region."""
    places = [{**names, **region} for region in regions]
    found, is_bounded = [], False
    for pattern in statement["resources"]:
        # Where an ARN names its region and nothing else of it: a request in a region is for nothing in another.
        anywhere = [listed(pattern, {**place, "region": "*"}) for place in places] if is_short else []
        if "{region}" in pattern and anywhere and all(one == anywhere[0] for one in anywhere):
            found, is_bounded = found + anywhere[0], True
        else:
            found += [resource for place in places for resource in listed(pattern, place)]
    condition: dict[str, Any] = {
        operator: filled(keys, names)
        if isinstance(keys, str)
        else {key: filled(one, names) for key, one in keys.items()}
        for operator, keys in statement.get("condition", {}).items()
    }
    if is_bounded:
        bound = {"aws:RequestedRegion": [region["region"] for region in regions]}
        condition["StringEquals"] = {**condition.get("StringEquals", {}), **bound}
    return {
        "Sid": statement["sid"],
        "Effect": "Allow",
        "Action": sorted(statement["actions"]),
        "Resource": list(dict.fromkeys(found)),
        **({"Condition": condition} if condition else {}),
    }


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """Return a text with its placeholders replaced, a list with those of its texts replaced."""
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    if value.startswith("{") and value.endswith("}") and value[1:-1] in names:
        return names[value[1:-1]]
    try:
        return value.format_map(names)
    except KeyError as error:
        raise MultiRegionError(f"{value} has the placeholder {error}; allowed: {', '.join(sorted(names))}.") from error


def listed(pattern: str, names: Mapping[str, Any]) -> list[str]:
    """Return the resources for a pattern: one for each name, if a part of it is a list of names, such as of groups."""
    found = filled(pattern, names)
    if isinstance(found, list):
        return found
    several = next(
        (name for name, value in names.items() if isinstance(value, list) and f"{{{name}}}" in pattern), None
    )
    if several is None:
        return [found]
    return [one for value in names[several] for one in listed(pattern, {**names, several: value})]


def pieces(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the statement, or several with a part of its resources each if a policy could not contain it."""
    if fits([statement]):
        yield statement
        return
    resources = statement["Resource"]
    if len(resources) == 1:
        raise MultiRegionError(f"{statement['Sid']} on {resources[0]} exceeds the size of a policy, {SIZE_LIMIT}.")
    middle = len(resources) // 2
    for suffix, share in (("A", resources[:middle]), ("B", resources[middle:])):
        yield from pieces({**statement, "Sid": statement["Sid"] + suffix, "Resource": share})


def document_of(statements: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the policy document with some statements."""
    return {"Version": VERSION, "Statement": statements}


def size_of(document: Mapping[str, Any]) -> int:
    """Return the size of a document as IAM counts it."""
    return sum(not letter.isspace() for letter in json.dumps(document))


def fits(statements: list[dict[str, Any]]) -> bool:
    """Return whether the statements fit into one policy."""
    return size_of(document_of(statements)) <= SIZE_LIMIT
