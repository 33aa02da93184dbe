# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What site.yml would do, and why it must not, judged before its first change. Pure: no boto3, no clock.

The inventory is compared with the recovery manifest and with AWS. A difference that an inventory cannot mean is a
blocker with its remedy; everything else is a row of the plan. A fact that could not be read is a blocker too, because
provisioning needs every region.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import version_key
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import preference_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import (
    EXISTING,
    MANAGED,
    state_of,
    those,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.secret_family import (
    identity,
    primary_of,
    strangers,
)

CREATED, CHANGED, LEFT_ALONE = "created", "changed", "left_alone"
ALL = "all"
RETIRE = "run retire_region.yml -e retire_region={0} -e confirm={0}"
MANIFEST, NETWORK, SECRET, DATABASE, RETIRED = "manifest", "network", "secret", "database", "retired"
AUDIT, SESSION_TABLE, OBJECT_STORAGE = "audit", "session_table", "object_storage"
APPLICATION, MONITORING = "application", "monitoring"
FACTS = {
    MANIFEST: "the recovery manifest",
    NETWORK: "its VPCs",
    SECRET: "its secret",
    DATABASE: "the global database",
    AUDIT: "its audit bucket",
    SESSION_TABLE: "its session table",
    OBJECT_STORAGE: "its data bucket",
    APPLICATION: "its Auto Scaling group",
    MONITORING: "its topic",
}
# Parts that are compared by the name of one resource, which the layer creates last or nearly so.
NAMED = (AUDIT, SESSION_TABLE, OBJECT_STORAGE, APPLICATION, MONITORING)
# The layers, by the part that shows that they are there; the others have the part's own name.
LAYERS = {SECRET: "encryption", DATABASE: "global_database", MANIFEST: "failover_control"}
# What existing regions get when a region is added.
EXTENDED = {
    NETWORK: "peering, routes and rules",
    OBJECT_STORAGE: "replication rules",
}


@dataclass(frozen=True)
class Wanted:
    """What the inventory says.

    regions: the most preferred one first. vpc_cidrs: by region. engine_version: None = not given.
    resources: by part of NAMED, {region: name}. layers: by layer, those whose results it uses. leaving: the region
    that retire_region.yml is asked to remove, None for site.yml. is_lost: whether it is lost for good. states: what
    each layer is, those that are managed left out.
    """

    regions: tuple[str, ...]
    vpc_cidrs: Mapping[str, str]
    vpc_name: str
    secret_name: str
    global_cluster_identifier: str
    engine_version: str | None = None
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    layers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    leaving: str | None = None
    is_lost: bool = False
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """Return the parts that are compared, in the order of FACTS; of layers that others make, the database."""
        return [part for part in FACTS if (part in self.resources if part in NAMED else self._is_compared(part))]

    def _is_compared(self, part: str) -> bool:
        return part == DATABASE or state_of(self.states, LAYERS.get(part, part)) == MANAGED


@dataclass(frozen=True)
class Row:
    """One part of the platform: what site.yml would do with it, and why."""

    region: str
    part: str
    action: str
    reason: str


@dataclass(frozen=True)
class Blocker:
    """A difference that site.yml refuses, and what to do instead."""

    code: str
    region: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Seen:
    """What was read. facts: by region of the inventory. manifest: the most recent readable one, or None.

    leaving: facts of the region that leaves, None without one.
    """

    wanted: Wanted
    facts: Mapping[str, Facts]
    manifest: Mapping[str, Any] | None = None
    leaving: Facts | None = None

    @property
    def members(self) -> dict[str, bool]:
        """Return {region: whether it has the writer} of the global database, as all regions that responded see it."""
        found: dict[str, bool] = {}
        for facts in self.facts.values():
            for member in (facts.value(DATABASE) or {}).get("members", ()):
                found[member["region"]] = found.get(member["region"], False) or member["is_writer"]
        return found

    @property
    def retired(self) -> dict[str, Mapping[str, Any]]:
        """Return {region: {region, left_at}} of those that left while they did not respond."""
        return {one["region"]: one for one in (self.manifest or {}).get("retired") or ()}

    @property
    def known_regions(self) -> list[str]:
        """Return the regions that the platform has, by its manifest and its database.

        A database that others have made may have more members, which are no regions of the platform; not its writer.
        """
        named = [entry["region"] for entry in (self.manifest or {}).get("regions", ())]
        is_ours = state_of(self.wanted.states, LAYERS[DATABASE]) == MANAGED
        counted = [region for region, is_writer in self.members.items() if is_ours or is_writer]
        return [*named, *(one for one in counted if one not in named and one not in self.retired)]

    @property
    def engine_version(self) -> str | None:
        """Return the version that the global database runs, or None if it is unknown or there is none."""
        views = [facts.value(DATABASE) or {} for facts in self.facts.values()]
        return next((view["engine_version"] for view in views if view.get("engine_version")), None)

    @property
    def secrets(self) -> dict[str, Any]:
        """Return the secret of each region in which it could be read; None where there is none."""
        return {region: facts[SECRET].value for region, facts in self.facts.items() if facts[SECRET].known}

    @property
    def primary(self) -> str | None:
        """Return the region of the platform's primary secret."""
        order = [*self.known_regions, *self.wanted.regions]
        return primary_of(self.secrets, list(dict.fromkeys(order)))


def blockers_of(seen: Seen) -> list[Blocker]:
    """Return everything that site.yml must refuse, in the order in which a reader would fix it."""
    return [
        *_unread(seen),
        *_left_out(seen),
        *_leaving(seen),
        *_networks(seen),
        *_secrets(seen),
        *_versions(seen),
        *_existing(seen),
    ]


def _unread(seen: Seen) -> Iterator[Blocker]:
    for region, facts in seen.facts.items():
        for name in seen.wanted.parts:
            if not facts[name].known:
                words = FACTS[name]
                reason = f"{words[0].upper()}{words[1:]} could not be read in {region}: {facts[name].error}"
                remedy = "Provisioning needs every region: run again when it responds, or fail over without it."
                yield Blocker("region_unreadable", region, reason, remedy)


def _left_out(seen: Seen) -> Iterator[Blocker]:
    wanted, members = seen.wanted, seen.members
    for region, record in seen.retired.items():
        if region in wanted.regions:
            reason = f"{region} was retired at {record['left_at']} while it did not respond, and still has what it had."
            remedy = f"Remove its host from the inventory, and {RETIRE.format(region)}. Then it can be added again."
            yield Blocker("retired_region_in_inventory", region, reason, remedy)
    for region in seen.known_regions:
        if region in wanted.regions:
            continue
        back = f"Put {region} back into the inventory"
        where = f"{region} is not in the inventory, which has {', '.join(wanted.regions)}"
        if members.get(region):
            reason = f"{where}, but it is the active region: it has the writer of {wanted.global_cluster_identifier}."
            yield Blocker("active_region_left_out", region, reason, f"{back}; to leave it, run switchover.yml.")
        elif any(members.values()):
            if region == wanted.leaving:
                continue
            reason = f"{where}, but it is a standby of this platform."
            remedy = f"Or {RETIRE.format(region)}, which removes it for good."
            yield Blocker("standby_left_out", region, reason, f"{back}: site.yml removes no region. {remedy}")
        else:
            reason = f"{where}, but it is a region of this platform, and which one is active is unknown."
            yield Blocker("region_left_out", region, reason, f"{back}, and run status.yml.")


def _leaving(seen: Seen) -> Iterator[Blocker]:
    region, facts, wanted = seen.wanted.leaving, seen.leaving, seen.wanted
    if region is None or facts is None:
        return
    if region in wanted.regions:
        reason = f"{region} is to be retired, but the inventory still has it."
        yield Blocker("leaving_region_in_inventory", region, reason, f"Remove the host of {region} from the inventory.")
    for new in (one for one in wanted.regions if one not in seen.known_regions and one not in seen.retired):
        reason = f"{new} is in the inventory, but not yet a region of this platform."
        remedy = f"Provision it with {region} in the inventory, or add it after {region} was retired."
        yield Blocker("new_region_beside_leaving", new, reason, remedy)
    of_region = [facts[name] for name in wanted.parts if name not in NAMED]
    error = next((fact.error for fact in of_region if not fact.known), None)
    if error and not wanted.is_lost:
        remedy = "Run again when it responds. If it is lost for good: retire_region_lost=true leaves what is in it."
        yield Blocker("leaving_region_unreadable", region, f"{region} could not be read: {error}", remedy)
    yield from _ambiguous(region, facts.value(NETWORK) or [], wanted.vpc_name)


def _ambiguous(region: str, found: Sequence[Mapping[str, Any]], name: str) -> Iterator[Blocker]:
    if len(found) > 1:
        words = ", ".join(f"{one['vpc_id']} {one['cidr']}" for one in found)
        reason = f"{region} has {len(found)} VPCs named {name}: {words}. Which one is meant is unknown."
        remedy = "Delete the one that the platform does not use, or change its tag Name."
        yield Blocker("vpc_name_ambiguous", region, reason, remedy)


def _networks(seen: Seen) -> Iterator[Blocker]:
    name = seen.wanted.vpc_name
    for region, facts in seen.facts.items():
        found, cidr = facts.value(NETWORK) or [], seen.wanted.vpc_cidrs.get(region)
        yield from _ambiguous(region, found, name)
        if len(found) == 1 and cidr not in found[0]["cidrs"]:
            reason = f"vpc_cidr of {region} is {cidr}, but its VPC {found[0]['vpc_id']} has {found[0]['cidr']}."
            remedy = (
                f"Set vpc_cidr of {region} to {found[0]['cidr']}. AWS cannot change the network of a VPC: another one "
                "takes a new VPC and a new cluster, that is, another region or a teardown."
            )
            yield Blocker("vpc_cidr_differs", region, reason, remedy)


def _secrets(seen: Seen) -> Iterator[Blocker]:
    name, secrets = seen.wanted.secret_name, seen.secrets
    of_primary = secrets.get(seen.primary or "")
    for region, (reason, remedy) in strangers(secrets, seen.primary, name).items():
        # What retire_region.yml has promoted before it was interrupted, and makes replicas again.
        if seen.wanted.leaving and of_primary and identity(secrets[region]["arn"]) == identity(of_primary["arn"]):
            continue
        yield Blocker("secret_foreign", region, reason, remedy)


def _versions(seen: Seen) -> Iterator[Blocker]:
    wanted, runs = seen.wanted.engine_version, seen.engine_version
    if wanted and runs and version_key(wanted) > version_key(runs):
        reason = (
            f"global_database_engine_version is {wanted}, but {seen.wanted.global_cluster_identifier} runs {runs}, and "
            "site.yml upgrades no database."
        )
        remedy = f"Run upgrade.yml -e engine_version={wanted}, or set the variable to {runs}."
        yield Blocker("engine_version_differs", ALL, reason, remedy)


def _existing(seen: Seen) -> Iterator[Blocker]:
    for part in NAMED:
        if part in seen.wanted.resources and state_of(seen.wanted.states, part) == EXISTING:
            for region in _without(seen, part):
                name = seen.wanted.resources[part][region]
                reason = f"There is no {name} in {region}, and platform_layers.{part} is existing."
                yield Blocker("existing_missing", region, reason, "Correct its name, or have it made where it belongs.")


def rows_of(seen: Seen) -> list[Row]:
    """Return the plan: every part that was looked at, region by region in the order of preference."""
    rows = [
        row
        for region in seen.wanted.regions
        for part in (_existing_rows, _network_row, _secret_row, _database_row, _named_rows, _manifest_row)
        for row in part(seen, region, seen.facts[region])
    ]
    return [*rows, *(_retired_row(region, record) for region, record in seen.retired.items())]


def _existing_rows(seen: Seen, region: str, _facts: Facts) -> Iterator[Row]:
    for layer in those(seen.wanted.states, EXISTING):
        if layer != LAYERS[DATABASE] and layer not in seen.wanted.resources:
            yield Row(region, layer, LEFT_ALONE, "It exists: others have made it, and site.yml only reads it.")


def _retired_row(region: str, record: Mapping[str, Any]) -> Row:
    words = f"It left the platform at {record['left_at']} while it did not respond, and still has what it had."
    return Row(region, RETIRED, LEFT_ALONE, f"{words} When it responds, {RETIRE.format(region)}.")


def awaited_layers(rows: Iterable[Row], layers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the layers that are not there in every region, and all that use their results, in the given order.

    A dry run cannot evaluate their tasks: the identifiers that these compare do not exist yet.
    """
    found = {LAYERS.get(row.part, row.part) for row in rows if row.action == CREATED}
    while more := {layer for layer, needs in layers.items() if layer not in found and found & set(needs)}:
        found |= more
    return [layer for layer in layers if layer in found]


def _awaited_of(seen: Seen, layer: str, awaited: Iterable[str]) -> str:
    """Return a sentence with the awaited layers whose results a layer uses; empty without any."""
    needs = [one for one in seen.wanted.layers.get(layer, ()) if one in awaited]
    return f"It uses {', '.join(needs)}, which a region does not have yet." if needs else ""


def _compared(seen: Seen, rows: Iterable[Row], awaited: Iterable[str]) -> Iterator[Row]:
    """Yield the rows, none of them left alone whose layer a dry run cannot evaluate."""
    for row in rows:
        layer = LAYERS.get(row.part, row.part)
        words = _awaited_of(seen, layer, awaited) if layer in awaited and row.action == LEFT_ALONE else ""
        yield replace(row, action=CHANGED, reason=f"{row.reason} {words}") if words else row


def _rows_of_others(seen: Seen, rows: Iterable[Row], awaited: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of awaited layers that no part shows: they are there once the manifest is."""
    rows = list(rows)
    shown = {LAYERS.get(part, part) for part in seen.wanted.parts}
    for layer in (one for one in awaited if one not in shown):
        for region in seen.wanted.regions:
            is_new = any(row.region == region and row.part == MANIFEST and row.action == CREATED for row in rows)
            yield Row(region, layer, CREATED if is_new else CHANGED, _awaited_of(seen, layer, awaited))


def _without(seen: Seen, part: str) -> list[str]:
    """Return the regions that do not have a part yet."""
    return [region for region, facts in seen.facts.items() if facts[part].known and not facts.value(part)]


def _present_row(seen: Seen, region: str, part: str, reason: str) -> Row:
    """Return the row of a part that a region has: left alone, or extended to the regions that are added."""
    if part in EXTENDED and (added := _without(seen, part)):
        return Row(region, part, CHANGED, f"{reason} It gets {EXTENDED[part]} for {', '.join(added)}.")
    return Row(region, part, LEFT_ALONE, reason)


def _named_rows(seen: Seen, region: str, facts: Facts) -> Iterator[Row]:
    for part in NAMED:
        if part not in seen.wanted.resources or not facts[part].known:
            continue
        name = seen.wanted.resources[part].get(region)
        is_theirs = state_of(seen.wanted.states, part) == EXISTING
        if facts.value(part) and is_theirs:
            yield Row(region, part, LEFT_ALONE, f"{name} exists: others have made it, and site.yml only reads it.")
        elif facts.value(part):
            yield _present_row(seen, region, part, f"{name} exists.")
        elif not is_theirs:
            yield Row(region, part, CREATED, f"There is no {name}.")


def _network_row(seen: Seen, region: str, facts: Facts) -> Iterator[Row]:
    if not facts[NETWORK].known:
        return
    found = facts.value(NETWORK)
    if found:
        yield _present_row(seen, region, NETWORK, f"{found[0]['vpc_id']} has {found[0]['cidr']}.")
    else:
        cidr = seen.wanted.vpc_cidrs.get(region)
        yield Row(region, NETWORK, CREATED, f"There is no VPC named {seen.wanted.vpc_name}; it gets {cidr}.")


def _secret_row(seen: Seen, region: str, facts: Facts) -> Iterator[Row]:
    if not facts[SECRET].known:
        return
    home = seen.primary or seen.wanted.regions[0]
    secret, name = facts.value(SECRET), seen.wanted.secret_name
    if secret and secret["is_deleted"]:
        yield Row(region, SECRET, CHANGED, f"{name} is scheduled for deletion and would be restored.")
    elif secret and region == home and (added := _without(seen, SECRET)):
        yield Row(region, SECRET, CHANGED, f"{name} is the primary secret. It gets replicas in {', '.join(added)}.")
    elif secret:
        what = "the primary secret" if region == home else f"a replica of the secret in {home}"
        yield Row(region, SECRET, LEFT_ALONE, f"{name} is {what}.")
    else:
        what = "the primary secret" if region == home else f"a replica of the secret in {home}"
        yield Row(region, SECRET, CREATED, f"There is no {name}; it becomes {what}.")


def _database_row(seen: Seen, region: str, facts: Facts) -> Iterator[Row]:
    if not facts[DATABASE].known:
        return
    identifier, members, runs = seen.wanted.global_cluster_identifier, seen.members, seen.engine_version
    if region in members:
        role = "the writer" if members[region] else "a secondary"
        wanted = seen.wanted.engine_version
        older = wanted and runs and version_key(wanted) < version_key(runs)
        note = f" global_database_engine_version {wanted} is older, and AWS cannot go back." if older else ""
        yield Row(region, DATABASE, LEFT_ALONE, f"It has {role} of {identifier}, version {runs}.{note}")
    elif state_of(seen.wanted.states, LAYERS[DATABASE]) == MANAGED:
        role = "a secondary" if any(members.values()) or region != seen.wanted.regions[0] else "the writer"
        yield Row(region, DATABASE, CREATED, f"It has no cluster of {identifier}, and gets {role}.")


def _manifest_row(seen: Seen, region: str, facts: Facts) -> Iterator[Row]:
    if not facts[MANIFEST].known:
        return
    copy = facts.value(MANIFEST)
    document = (copy or {}).get("document") or {}
    if not document:
        yield Row(region, MANIFEST, CREATED, "There is no recovery manifest yet.")
        return
    added = [one for one in seen.wanted.regions if one not in [entry["region"] for entry in document["regions"]]]
    before, after = preference_of(document), seen.wanted.regions
    if added:
        yield Row(region, MANIFEST, CHANGED, f"It does not have {', '.join(added)}.")
    elif before != after:
        words = f"The order of preference was {', '.join(before)} and becomes {', '.join(after)}."
        yield Row(region, MANIFEST, CHANGED, words)
    else:
        yield Row(region, MANIFEST, LEFT_ALONE, f"It was written at {copy['written_at']}.")


def describe_leaving(seen: Seen) -> dict[str, Any] | None:
    """Return {region, responds, is_member, is_known, vpc_cidr} of the region that leaves; None without one.

    Unknown is None.
    """
    facts, region = seen.leaving, seen.wanted.leaving
    if facts is None or region is None:
        return None
    vpcs = facts.value(NETWORK) or []
    return {
        "region": region,
        "responds": all(facts[name].known for name in seen.wanted.parts if name not in NAMED),
        "is_member": region in seen.members if seen.members else None,
        "is_known": region in seen.known_regions,
        "vpc_cidr": vpcs[0]["cidr"] if len(vpcs) == 1 else None,
    }


def judge(seen: Seen) -> dict[str, Any]:
    """Return {reason, blockers, plan, awaited_layers, active_region, platform_regions, leaving, retired}."""
    blockers, rows = blockers_of(seen), rows_of(seen)
    awaited = awaited_layers(rows, seen.wanted.layers)
    rows = [*_compared(seen, rows, awaited), *_rows_of_others(seen, rows, awaited)]
    counts = {action: sum(row.action == action for row in rows) for action in (CREATED, CHANGED, LEFT_ALONE)}
    words = ", ".join(f"{count} {action.replace('_', ' ')}" for action, count in counts.items())
    refused = f"Refused, {len(blockers)} blockers. " if blockers else ""
    return {
        "reason": f"{refused}Of {len(rows)} parts in {len(seen.wanted.regions)} regions: {words}.",
        "blockers": [asdict(one) for one in blockers],
        "plan": [{**asdict(one), "layer": LAYERS.get(one.part, one.part)} for one in rows],
        "awaited_layers": awaited,
        "active_region": next((region for region, is_writer in seen.members.items() if is_writer), None),
        "platform_regions": seen.known_regions,
        "leaving": describe_leaving(seen),
        "retired": list(seen.retired.values()),
    }
