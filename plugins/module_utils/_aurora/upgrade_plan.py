# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The steps of an upgrade of a global database, and what forbids it. Pure.

Facts used: "Upgrading an Amazon Aurora global database" of the Aurora User Guide. A minor version is given to one
member after the other, all secondaries first; a major version to the global cluster, which gives every member the
default parameter groups of the new version (ModifyGlobalCluster of the RDS API Reference). A group that is associated
with a cluster is applied once its instances are restarted ("Working with DB cluster parameter groups").

member: {region, identifier, is_writer, engine_version, status, synchronization_status, parameter_group, instances,
bound}; bound: the value of the engine's parameter that bounds the loss, None: not set.
instance: {identifier, status, is_writer, parameter_group, is_pending}; is_pending: a restart applies its groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import engines
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import is_settled
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.versions import (
    offer_problem,
    upgrade_problem,
)

MINOR, MAJOR, NONE = "minor", "major", "none"
SECONDARY, PRIMARY, GLOBAL, GROUPS = "secondary", "primary", "global", "parameter groups"
UPGRADING = "upgrading"

Member = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What the regions said.

    view: the global cluster in the shape of ``facts_of``. members: in order of the regions asked. unread: {region: why}
    of regions that could not be asked. offers and targets: DBEngineVersion and ValidUpgradeTarget structures by region
    and by version.
    """

    view: Mapping[str, Any]
    members: Sequence[Member] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    offers: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    targets: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def writer(self) -> Member | None:
        """Return the member with the writer."""
        return next((one for one in self.members if one["is_writer"]), None)


def kind_of(seen: Seen, wanted: str) -> str:
    """Return whether the version is a minor or a major upgrade for a member, or for none."""
    engine = seen.view["engine"]
    behind = [one["engine_version"] for one in seen.members if one["engine_version"] != wanted]
    major = engines.major_version(engine, wanted)
    if any(engines.major_version(engine, one) != major for one in behind):
        return MAJOR
    return MINOR if behind else NONE


def has_begun(seen: Seen, wanted: str, steps: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether some of the upgrade is done or under way, so that only going on ends it."""
    is_mixed = len({one["engine_version"] for one in seen.members}) > 1
    is_under_way = any(one["status"] == UPGRADING for one in seen.members)
    return bool(steps) and (is_mixed or is_under_way or kind_of(seen, wanted) == NONE)


def steps_of(seen: Seen, wanted: str, groups: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the steps that are left, in their order.

    groups: the parameter groups that the members have in the end, by region; regions without one keep theirs.
    """
    kind = kind_of(seen, wanted)
    found = list(_of_members(seen, wanted)) if kind == MINOR else [_global(seen, wanted)] if kind == MAJOR else []
    for member in _secondaries_first(seen.members):
        if (kind == MAJOR and member["region"] in groups) or not _has_groups(member, groups):
            found.append(_step(GROUPS, member, f"{GROUPS} of {member['region']}", wanted))
    return found


def _step(kind: str, member: Member, name: str, wanted: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "region": member["region"],
        "from_version": member["engine_version"],
        "to_version": wanted,
        "in_progress": member["status"] == UPGRADING,
    }


def _of_members(seen: Seen, wanted: str) -> Iterator[dict[str, Any]]:
    for member in _secondaries_first(seen.members):
        if member["engine_version"] != wanted or member["status"] == UPGRADING:
            kind = PRIMARY if member["is_writer"] else SECONDARY
            yield _step(kind, member, f"{kind} {member['region']}", wanted)


def _global(seen: Seen, wanted: str) -> dict[str, Any]:
    return _step(GLOBAL, seen.writer or seen.members[0], "all members", wanted)


def _secondaries_first(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda one: one["is_writer"])


def _has_groups(member: Member, groups: Mapping[str, str]) -> bool:
    """Return whether a member runs with its parameter groups."""
    wanted = groups.get(member["region"])
    return wanted is None or not list(unapplied(member, wanted))


def unapplied(member: Member, wanted: str) -> Iterator[str]:
    """Yield what of a member has not got, or not applied, its parameter groups."""
    if member["parameter_group"] != wanted:
        yield member["identifier"]
    for instance in member["instances"]:
        if instance["parameter_group"] != wanted or instance["is_pending"]:
            yield instance["identifier"]


def obstacle(seen: Seen, wanted: str, name: str) -> str | None:
    """Return why the database cannot be upgraded to a version now, with what is allowed, or None."""
    engine = seen.view["engine"]
    if not engines.is_version(engine, wanted):
        title, example = engines.of(engine).title, seen.view["engine_version"]
        return f"{name} runs {title}, which has no version {wanted}; allowed: a version such as {example}."
    return _state_obstacle(seen, name) or _version_obstacle(seen, wanted) or _bound_obstacle(seen, wanted)


def _state_obstacle(seen: Seen, name: str) -> str | None:
    moving, listed = seen.view["failover_state"], {one["region"] for one in seen.view["members"]}
    if moving:
        return (
            f"Aurora is moving the writer of {name} from {moving['from_region']} to {moving['to_region']} "
            f"({moving['status']}). Run again when it is done."
        )
    if seen.unread:
        told = "; ".join(f"{region}: {why}" for region, why in seen.unread.items())
        return f"Every member has to be read before one is upgraded ({told}). Run again when all regions respond."
    if missing := sorted(listed - {one["region"] for one in seen.members}):
        return f"{name} has members in {', '.join(missing)}, which regions does not list."
    if seen.writer is None:
        return f"{name} lists no writer. Run again when it does."
    return next(filter(None, map(_member_obstacle, seen.members)), None)


def _member_obstacle(member: Member) -> str | None:
    where = f"{member['identifier']} in {member['region']}"
    if not (is_settled(member["status"]) or member["status"] == UPGRADING):
        return f"{where} is {member['status']}; it has to be available. Run again when it is."
    if member["synchronization_status"] not in (None, "connected"):
        return f"{where} is {member['synchronization_status']}; it has to be connected. Run again when it is."
    if not member["instances"]:
        return f"{where} has no instance, and AWS upgrades no member without one. site.yml makes its instances."
    return None


def _version_obstacle(seen: Seen, wanted: str) -> str | None:
    if kind_of(seen, wanted) == NONE or all(one["status"] == UPGRADING for one in seen.members):
        return None
    engine = seen.view["engine"]
    found = sorted({one["engine_version"] for one in seen.members}, key=engines.version_key)
    problems = [upgrade_problem(engine, current, wanted, seen.targets.get(current, ())) for current in found]
    # Of a version that is older than a member's it says nothing that AWS does not offer it.
    is_older = any(engines.version_key(wanted) < engines.version_key(current) for current in found)
    offered = None if is_older else offer_problem(engine, wanted, seen.offers)
    return " ".join(filter(None, [offered, *problems])) or None


def _bound_obstacle(seen: Seen, wanted: str) -> str | None:
    """Return why a major version has to wait: AWS upgrades to none while the bound on the loss is set.

    Source: "Major version upgrades" of "Upgrading an Amazon Aurora global database" in the Aurora User Guide.
    """
    bound = [one for one in seen.members if one.get("bound") is not None and one["status"] != UPGRADING]
    if kind_of(seen, wanted) != MAJOR or not bound:
        return None
    where = ", ".join(f"{one['parameter_group']} in {one['region']}" for one in bound)
    return (
        f"{engines.of(seen.view['engine']).rpo_parameter} is set ({where}), and AWS upgrades to no major version while "
        "it is. Reset it in these parameter groups, and set it again after the upgrade."
    )
