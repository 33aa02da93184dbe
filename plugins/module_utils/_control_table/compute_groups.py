# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wrong with the groups and services that an inventory names beside the platform's own. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AT_ONCE,
    AUTOSCALING,
    OWN,
    RESOURCE_MEMBERS,
    WHEN_HEALTHY,
)
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal, shown

MEMBERS: Mapping[str, rules.Rule] = {
    "name": rules.GROUP,
    "compute": rules.one_of(tuple(RESOURCE_MEMBERS)),
    "autoscaling_group_name": rules.NAME,
    "ecs_service": rules.ECS_SERVICE,
    "start_next": rules.one_of((WHEN_HEALTHY, AT_ONCE)),
}


class ComputeGroups:
    """The rule for the list of one region."""

    def problems(self, path: str, value: Any) -> list[str]:
        """Return the problems of a list, each named by its path."""
        if not isinstance(value, list):
            return [refusal(path, value, "a list of groups")]
        found = [one for place, entry in enumerate(value) for one in _problems_of(f"{path}[{place}]", entry)]
        if found:
            return found
        for what, names in (
            ("name", [one["name"] for one in value]),
            (
                "what AWS calls it",
                [one[member] for one in value for member in RESOURCE_MEMBERS.values() if member in one],
            ),
        ):
            twice = ", ".join(name for name, count in Counter(names).items() if count > 1)
            if twice:
                found.append(refusal(f"{what} in {path}", f"{twice} for more than one group", "each once"))
        return found


def _problems_of(path: str, entry: Any) -> list[str]:
    if not isinstance(entry, Mapping):
        return [refusal(path, entry, f"a dictionary with {', '.join(MEMBERS)}")]
    allowed = tuple(MEMBERS) if entry.get("name") != OWN else ("name", "start_next")
    found = [
        f"{path} has the key {shown(key)}; allowed: {', '.join(allowed)}"
        + (f" for {OWN}, the platform's own." if entry.get("name") == OWN else ".")
        for key in entry
        if key not in allowed
    ]
    found += rules.Members(MEMBERS, frozenset({"name"})).problems(path, entry)
    if found or entry["name"] == OWN:
        return found
    compute = entry.get("compute") or AUTOSCALING
    for kind, member in RESOURCE_MEMBERS.items():
        if kind == compute and not entry.get(member):
            found.append(refusal(f"{path}.{member}", entry.get(member), f"a name, with compute {compute}"))
        elif kind != compute and entry.get(member):
            found.append(refusal(f"{path}.{member}", entry[member], f"none with compute {compute}"))
    return found


def groups_problems(name: str, groups: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """Return the problems of the lists of all regions, as sentences; what is the same in all of them is said once.

    name: of the option. groups: the list by region. own: what AWS calls the platform's own group, by region.
    """
    lists = list(groups.values())
    is_shared = all(one == lists[0] for one in lists)
    judged = {name: lists[0]} if lists and is_shared else {f"{name} of {region}": one for region, one in groups.items()}
    found = [one for path, value in judged.items() for one in ComputeGroups().problems(path, value)]
    if found:
        return found
    for region, value in groups.items():
        taken = next(
            (one["name"] for one in value for key in RESOURCE_MEMBERS.values() if one.get(key) == own.get(region)), None
        )
        if own.get(region) and taken:
            allowed = f"the platform's own group by the name {OWN} only"
            return [refusal(f"{name} of {region}", f"{own.get(region)} as {taken}", allowed)]
    orders = {
        region: [(one["name"], one.get("compute") or AUTOSCALING) for one in value] for region, value in groups.items()
    }
    first = next(iter(orders), "")
    return [
        refusal(
            f"{name} of {region}", _words(order), f"the groups of {first}, in the same order: {_words(orders[first])}"
        )
        for region, order in orders.items()
        if order != orders[first]
    ]


def _words(order: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({compute})" for name, compute in order) or "none"
