# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether what others have made can be moved, and the inventory that describes it. Pure: no boto3, no clock.

Rules: what a move needs and what is not there, or could not be read, is missing. What a move can do without, and
somebody should know, is a warning. Every row but one that is ok has a remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.arn import region_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._fence.resources import gap_in
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import EXISTING
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.keys import key_rows
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.name import (
    Name,
    as_adopted,
    name_rows,
)
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.rows import (
    ALL,
    MISSING,
    OK,
    WARNING,
    Row,
    unread,
)
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged import (
    ACL,
    GROUP,
    found_ids,
    only_id,
    tagged_rows,
)
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_layers import (
    BUCKET,
    TABLE,
    TARGET,
    global_database_row,
    has_tags,
    load_balancer_row,
    session_tables,
    states_of,
    store_rows,
)

DATABASE, APPLICATION, MANIFEST, KEY, TAGGED = "database", "application", "manifest", "key", "tagged"
LAYERS = "layers"
# The tag that this collection puts on what it makes, and the two that tell its platforms apart.
MANAGED_BY, MANAGER, OWNERS = "ManagedBy", "trading.multi_region", ("Project", "Environment")
NETWORK_ACL, NO_FENCE = "network_acl", ("none", "application_capacity")
OWN_GROUP = "Give the cluster a security group that is its alone, or set failover_fencing to none."
ONE_GROUP = "Give the cluster one security group that is its alone, or name the one to fence and know what stays open."


@dataclass(frozen=True)
class Named:
    """What is named, by region: identifiers of clusters, names (or ARNs) of load balancers, names of the others.

    global_cluster_identifier: empty if it is not named, and no one is found by layer_tags, which find what no name is
    given for: the global cluster, load balancers, session table and buckets. Without them these are not looked for.
    regions: those of the inventory; empty: the members of the global database. What is not named is looked for.
    platform_tags: those that this collection would put on what it makes. environment: the inventory's suffix.
    network_tags: {part of tagged.PARTS: tags}. keys: ARNs or aliases; empty = the platform has none that others have
    made. has_topics: whether topics use the keys. domain: the name whose records are judged; empty = none are.
    may_repoint: whether those of others may get the switch's health checks.
    """

    global_cluster_identifier: str = ""
    layer_tags: Mapping[str, Any] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)
    load_balancers: Mapping[str, str] = field(default_factory=dict)
    target_groups: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    security_groups: Mapping[str, str] = field(default_factory=dict)
    network_acls: Mapping[str, str] = field(default_factory=dict)
    network_tags: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    has_topics: bool = True
    fencing: str = NETWORK_ACL
    platform_tags: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    table_name: str = ""
    domain: str = ""
    may_repoint: bool = False


@dataclass(frozen=True)
class Seen:
    """What was read. view: the global cluster's facts with its tags. facts: by region (_provisioning/existing.py).

    records: of the name, see _provisioning/name.py. global_clusters: identifiers of those that layer_tags find.
    """

    named: Named
    view: Mapping[str, Any]
    facts: Mapping[str, Facts]
    records: Observation = Observation()
    global_clusters: Observation = Observation(value=())

    @cached_property
    def members(self) -> dict[str, Mapping[str, Any]]:
        """Return the members of the global database by region."""
        return {one["region"]: one for one in self.view["members"]}

    def application(self, region: str) -> Mapping[str, Any]:
        """Return what was read of a region's application; empty if it is unknown or not there."""
        return self.facts[region].value(APPLICATION) or {}

    def database(self, region: str) -> Mapping[str, Any]:
        """Return what was read of a region's cluster; empty if it is unknown or not there."""
        return self.facts[region].value(DATABASE) or {}

    @cached_property
    def layers(self) -> dict[str, Observation]:
        """Return what layer_tags find by region (_provisioning/tagged_layers.py); empty without tags."""
        return {region: facts[LAYERS] for region, facts in self.facts.items()} if self.named.layer_tags else {}

    def security_group(self, region: str) -> str:
        """Return the id of the security group that is meant, named or found by its tags; empty if it is unknown."""
        return self.named.security_groups.get(region) or only_id(self.facts[region][TAGGED], GROUP)

    def network_acl(self, region: str) -> str:
        """Return the id of the network ACL that is meant, named or found by its tags; empty without one."""
        return self.named.network_acls.get(region) or only_id(self.facts[region][TAGGED], ACL)

    def target_group(self, region: str) -> Mapping[str, Any] | None:
        """Return the one target group that is meant, or None if none or several could be."""
        found, name = self.application(region).get("target_groups", ()), self.named.target_groups.get(region)
        found = [one for one in found if not name or one["name"] == name]
        if len(found) > 1 and self.named.layer_tags:
            tagged = found_ids(self.layers[region], TARGET)
            found = [one for one in found if one["name"] in tagged]
        return found[0] if len(found) == 1 else None

    def group(self, region: str) -> Mapping[str, Any] | None:
        """Return the one Auto Scaling group that is meant, or None if none or several could be."""
        target, name = self.target_group(region), self.named.groups.get(region)
        found = [
            one
            for one in self.application(region).get("groups", ())
            if target and target["arn"] in one["target_group_arns"] and (not name or one["name"] == name)
        ]
        if len(found) > 1 and self.named.layer_tags:
            found = [one for one in found if has_tags(one["tags"], self.named.layer_tags)]
        return found[0] if len(found) == 1 else None


def rows_of(seen: Seen) -> Iterator[Row]:
    """Yield the table: the database as a whole, whom it belongs to, stores and name, then each region."""
    if seen.named.global_cluster_identifier:
        yield from _membership(seen)
        yield from _owner(seen)
    elif row := global_database_row(seen.named.layer_tags, seen.global_clusters):
        yield row
    if seen.named.layer_tags:
        yield from store_rows(seen.named.layer_tags, seen.layers)
    if seen.named.domain:
        yield from name_rows(name_of(seen), seen.records)
    for region in seen.facts:
        if seen.named.global_cluster_identifier:
            yield from _cluster(seen, region)
        yield from _tagged(seen, region)
        yield from _fence(seen, region)
        yield from _application(seen, region)
        if region in seen.named.keys:
            yield from key_rows(region, seen.named.keys[region], seen.facts[region][KEY], seen.named.has_topics)


def name_of(seen: Seen) -> Name:
    """Return the name, and what its records would have to lead to."""
    return Name(
        domain=seen.named.domain,
        may_repoint=seen.named.may_repoint,
        regions=seen.named.regions or tuple(seen.facts),
        balancers={region: one["dns_name"] for region in seen.facts if (one := seen.application(region))},
        writer=next((region for region, one in seen.members.items() if one["is_writer"]), None),
    )


def _membership(seen: Seen) -> Iterator[Row]:
    identifier, members = seen.named.global_cluster_identifier, seen.members
    what = "global database"
    if len(members) < 2:
        reason = f"{identifier} has members in {', '.join(members) or 'no region'}: there is no region to move to."
        yield Row(ALL, what, MISSING, reason, "Add a secondary cluster in another region.")
    elif sum(one["is_writer"] for one in members.values()) != 1:
        reason = f"{identifier} lists {sum(one['is_writer'] for one in members.values())} writers."
        yield Row(ALL, what, MISSING, reason, "Wait until the operation that runs has ended.")
    else:
        (writer,) = (region for region, one in members.items() if one["is_writer"])
        yield Row(ALL, what, OK, f"{identifier} has members in {', '.join(members)}; the writer is in {writer}.")
    versions = {region: one["engine_version"] for region in seen.facts if (one := seen.database(region))}
    if len({*versions.values()}) > 1:
        shown = ", ".join(f"{region} has {version}" for region, version in versions.items())
        remedy = "Bring the members to one version: AWS refuses a managed failover between different ones."
        yield Row(ALL, "engine version", MISSING, f"{shown}.", remedy)
    for region in (one for one in members if one not in seen.facts):
        reason = f"{identifier} has a member there, and the inventory has no such region: no move goes there."
        yield Row(region, what, WARNING, reason, f"Add {region} to the inventory, if a move may.")


def _owner(seen: Seen) -> Iterator[Row]:
    """Whether another platform of this collection, or another inventory, has this database."""
    named, tags = seen.named, seen.view.get("tags") or {}
    other = {name: tags[name] for name in OWNERS if name in tags and tags[name] != named.platform_tags.get(name)}
    if named.platform_tags and tags.get(MANAGED_BY) == MANAGER and other:
        shown = ", ".join(f"{name} {value}" for name, value in other.items())
        reason = f"{named.global_cluster_identifier} belongs to another platform of this collection: {shown}."
        yield Row(ALL, "owner", MISSING, reason, "Move it with that platform's inventory.")
    for region, facts in seen.facts.items():
        if not facts[MANIFEST].known:
            yield unread(region, "recovery manifest", facts[MANIFEST].error)
            continue
        document = (facts.value(MANIFEST) or {}).get("document") or {}
        database = (document.get("global_database") or {}).get("identifier")
        if document and (database, document.get("environment")) != (named.global_cluster_identifier, named.environment):
            whose = f"environment {document.get('environment')}, global database {database}"
            reason = f"The manifest in {named.table_name} is of another platform: {whose}."
            remedy = "Set failover_control_table to a name of its own, or correct environment_suffix."
            yield Row(region, "recovery manifest", MISSING, reason, remedy)


def _cluster(seen: Seen, region: str) -> Iterator[Row]:
    fact, name, what = seen.facts[region][DATABASE], seen.named.clusters.get(region), "cluster"
    member = seen.members.get(region)
    if not fact.known:
        yield unread(region, what, fact.error)
    elif member is None:
        identifier = seen.named.global_cluster_identifier
        reason = f"{identifier} has no member here, but in {', '.join(seen.members)}."
        remedy = f"Add a secondary cluster here, or remove {region} from the inventory."
        yield Row(region, what, MISSING, reason, remedy)
    elif name and name != member["identifier"]:
        reason = f"global_database_cluster_identifier is {name}, but the member here is {member['identifier']}."
        yield Row(region, what, MISSING, reason, f"Set it to {member['identifier']}.")
    elif fact.value is None:
        yield Row(region, what, MISSING, f"{member['identifier']} does not exist.", "Look at the global database.")
    else:
        yield _instances(region, fact.value)


def _instances(region: str, cluster: Mapping[str, Any]) -> Row:
    name, serving = cluster["identifier"], [one for one, state in cluster["instances"].items() if state == "available"]
    figures = f"{name} is {cluster['status']} with {len(serving)} of {len(cluster['instances'])} instances available"
    if not serving:
        remedy = "Add an instance: a cluster without one cannot take over."
        return Row(region, "cluster", MISSING, f"{figures}.", remedy)
    return Row(region, "cluster", OK, f"{figures}, version {cluster['engine_version']}.")


def _tagged(seen: Seen, region: str) -> Iterator[Row]:
    tags = seen.named.network_tags.get(region) or {}
    yield from tagged_rows(region, tags, seen.facts[region][TAGGED], seen.database(region))


def _fence(seen: Seen, region: str) -> Iterator[Row]:
    cluster, named, what = seen.database(region), seen.named, "fence"
    if not cluster or named.fencing in NO_FENCE:
        return
    groups = cluster["security_group_ids"]
    group, acl = seen.security_group(region), seen.network_acl(region)
    if not group and not (named.network_tags.get(region) or {}).get(GROUP) and len(groups) == 1:
        group = groups[0]
    if group not in groups:
        which = f"fencing would close {group}" if group else "which one fencing closes is not named"
        reason = f"The cluster has the security groups {', '.join(groups) or 'none'}, and {which}."
        yield Row(region, what, MISSING, reason, "Name the cluster's in network_database_security_group_id.")
        return
    if acl:
        yield _acl(region, acl, cluster)
        return
    guests = cluster["guests"].get(group)
    if guests:
        reason = f"Fencing would close {group} for {', '.join(guests)} too: these instances have it as well."
        yield Row(region, what, WARNING, reason, OWN_GROUP)
    elif len(groups) > 1:
        open_ = ", ".join(one for one in groups if one != group)
        yield Row(region, what, WARNING, f"Fencing would close {group}, and leave {open_} of the cluster.", ONE_GROUP)
    else:
        reason = f"Fencing would revoke the ingress of {group}: new connections end, those that are open may go on."
        remedy = "Give the database's subnets a network ACL of their own (docs/existing.md), to end these too."
        yield Row(region, what, WARNING, reason, remedy)


def _acl(region: str, acl_id: str, cluster: Mapping[str, Any]) -> Row:
    acl = next((one for one in cluster["acls"] if one["NetworkAclId"] == acl_id), None)
    if acl is None:
        reason = f"{acl_id} is not the network ACL of the database's subnets, {', '.join(cluster['subnet_ids'])}."
        return Row(region, "fence", MISSING, reason, "Name the network ACL of these subnets, or none.")
    others = sorted({one["SubnetId"] for one in acl["Associations"]} - {*cluster["subnet_ids"]})
    if others:
        reason = f"{acl_id} is also that of {', '.join(others)}: fencing the database would cut these off."
        return Row(region, "fence", MISSING, reason, "Give the database's subnets an ACL of their own, or name none.")
    gap = gap_in(acl, acl_id, cluster["subnet_ids"])
    if gap:
        return Row(region, "fence", MISSING, gap, "Give it the two rules of docs/existing.md, or name none.")
    return Row(region, "fence", OK, f"{acl_id} can fence the database's subnets, and no others.")


def _application(seen: Seen, region: str) -> Iterator[Row]:
    name, fact = seen.named.load_balancers.get(region), seen.facts[region][APPLICATION]
    what = "load balancer"
    if not name and seen.named.layer_tags:
        if row := load_balancer_row(region, seen.named.layer_tags, seen.layers[region]):
            yield row
    elif not name:
        reason = "No load balancer is named for this region."
        yield Row(region, what, MISSING, reason, "Name the one that serves the application there.")
    elif name.startswith("arn:") and region_of(name) != region:
        yield Row(region, what, MISSING, f"{name} is in {region_of(name)}.", f"Name a load balancer of {region}.")
    elif not fact.known:
        yield unread(region, what, fact.error)
    elif fact.value is None:
        elsewhere = [one for one in seen.facts if one != region and seen.application(one).get("name") == name]
        hint = f", but {', '.join(elsewhere)} has one of that name" if elsewhere else ""
        yield Row(region, what, MISSING, f"There is no load balancer {name}{hint}.", "Name the one that serves there.")
    elif fact.value["type"] != "application":
        reason = f"{name} is a {fact.value['type']} load balancer."
        yield Row(region, what, MISSING, reason, "Name an application load balancer.")
    else:
        ports = ", ".join(f"{one['protocol']} {one['port']}" for one in fact.value["listeners"]) or "nothing"
        is_active = fact.value["state"] == "active" and fact.value["listeners"]
        reason = f"{fact.value['name']} is {fact.value['state']} and listens to {ports}."
        remedy = "" if is_active else "Wait until it is active, and give it a listener."
        yield Row(region, what, OK if is_active else MISSING, reason, remedy)
        yield from _targets(seen, region)


def _targets(seen: Seen, region: str) -> Iterator[Row]:
    found, group = seen.application(region), seen.group(region)
    target, names = seen.target_group(region), [one["name"] for one in found["target_groups"]]
    if target is None:
        wanted = seen.named.target_groups.get(region)
        reason = f"{found['name']} forwards to {', '.join(names) or 'no target group'}" + (
            f", not to {wanted}." if wanted else "; which one is meant is unknown."
        )
        yield Row(region, "target group", MISSING, reason, "Name the target group of the application.")
        return
    yield Row(region, "target group", OK, f"{target['name']} is asked for its health at {target['health_path']}.")
    behind = [one["name"] for one in found["groups"] if target["arn"] in one["target_group_arns"]]
    if group is None:
        wanted = seen.named.groups.get(region)
        reason = f"{target['name']} has {', '.join(behind) or 'no Auto Scaling group'}" + (
            f", not {wanted}." if wanted else "; which one is meant is unknown." if behind else "."
        )
        yield Row(region, "Auto Scaling group", MISSING, reason, "Name the group that registers its instances there.")
    elif group["max"] < max(group["desired"], 1):
        reason = f"{group['name']} may have {group['max']} instances: a move could start none."
        yield Row(region, "Auto Scaling group", MISSING, reason, "Raise its maximum.")
    else:
        yield Row(region, "Auto Scaling group", OK, _sizes(group))


def _sizes(group: Mapping[str, Any]) -> str:
    return f"{group['name']} has {group['min']}, {group['desired']} and {group['max']} as minimum, desired and maximum."


def proposal(seen: Seen) -> dict[str, Any]:
    """Return the inventory: {group: its variables, hosts: {region: its variables}, layers}, as far as it is known.

    layers: {layer: existing or absent} of session table and buckets, which only tags find. The most preferred region is
    the one that has the writer now.
    """
    order = sorted(seen.facts, key=lambda region: not (seen.members.get(region) or {}).get("is_writer"))
    first = order[0] if order else ""
    listeners = [one["protocol"] for one in seen.application(first).get("listeners", ())]
    target = seen.target_group(first) or {}
    group = {
        "global_database_identifier": seen.named.global_cluster_identifier,
        "global_database_engine": seen.view.get("engine"),
        "traffic_health_path": target.get("health_path") or "/health",
        "traffic_health_scheme": "https" if "HTTPS" in listeners else "http",
    }
    layers, tables = states_of(seen.layers), session_tables(seen.layers)
    if layers[TABLE] == EXISTING:
        group["session_table_name"] = tables[0] if len(tables) == 1 else ""
    hosts = {region: _host(seen, region) for region in order}
    if layers[BUCKET] == EXISTING:
        for region, host in hosts.items():
            host["object_storage_bucket"] = only_id(seen.layers[region], BUCKET)
    return {"group": group, "hosts": hosts, "layers": layers}


def _host(seen: Seen, region: str) -> dict[str, Any]:
    cluster, groups = seen.database(region), seen.database(region).get("security_group_ids", [])
    acls = cluster.get("acls", [])
    own = [one["NetworkAclId"] for one in acls if _acl(region, one["NetworkAclId"], cluster).state == OK]
    return {
        "global_database_cluster_identifier": cluster.get("identifier", ""),
        "network_database_security_group_id": seen.security_group(region) or (groups[0] if groups else ""),
        "network_database_network_acl_id": own[0] if len(acls) == 1 and own else "",
        "network_database_subnet_ids": list(cluster.get("subnet_ids", [])),
        "application_load_balancer_name": seen.application(region).get("name", ""),
        "application_target_group_name": (seen.target_group(region) or {}).get("name", ""),
        "application_autoscaling_group_name": (seen.group(region) or {}).get("name", ""),
    }


def judge(seen: Seen) -> dict[str, Any]:
    """Return {reason, is_complete, rows, missing: the rows that prevent a move, proposal, records}."""
    rows = list(rows_of(seen))
    missing = [row for row in rows if row.state == MISSING]
    warnings = sum(row.state == WARNING for row in rows)
    verdict = f"{len(missing)} missing" if missing else "nothing is missing"
    return {
        "reason": f"Of {len(rows)} things that a move needs {verdict}, {warnings} warnings.",
        "is_complete": not missing,
        "rows": [asdict(row) for row in rows],
        "missing": [asdict(row) for row in missing],
        "proposal": proposal(seen),
        "records": as_adopted(name_of(seen), seen.records) if seen.named.domain else None,
    }
