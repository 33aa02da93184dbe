# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Can Aurora move the writer to each standby, and is each standby like the writer? Pure: one function per check."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import have_parity
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import Terms, excessive_lag, lag_of
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.snapshots import is_kept
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import cluster_is_down
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import FAILOVER
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.versions import nearest
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import rpo_bound_ms
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import (
    HEALTHY,
    UNHEALTHY,
    Settings,
    replication_lag,
    serving_instances,
)
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    ALL,
    BLOCKER,
    LOOK_AGAIN,
    PROVISION,
    WARNING,
    Finding,
    Seen,
    blocker,
    counted,
    listed,
    ok,
    warning,
)

DAY_SECONDS = 86400
# How long before its end a version is warned of.
SUPPORT_DAYS = 90
REBUILD = "Run failback.yml with rebuild=true."
UPGRADE_LATER = "Upgrade the global database as soon as AWS offers a newer version."


def writer_known(seen: Seen) -> Iterator[Finding]:
    """One region holds the writer, and the traffic is there too."""
    if not seen.view:
        whys = {region: seen.facts[region]["global_cluster"] for region in seen.order}
        gone = [region for region, fact in whys.items() if fact.known]
        if gone:
            yield blocker(ALL, f"The global database does not exist as seen from {listed(gone)}.", PROVISION)
        else:
            why = "; ".join(f"{region}: {fact.error}" for region, fact in whys.items())
            reason = f"Unknown: which region holds the writer could not be read: {why}."
            yield Finding(ALL, BLOCKER, reason, LOOK_AGAIN, is_unknown=True)
        return
    moving = seen.view["failover_state"]
    if moving:
        yield blocker(
            ALL,
            f"Aurora is moving the writer from {moving['from_region']} to {moving['to_region']} ({moving['status']}).",
            f"Wait until it has ended, or run failover.yml with target_region={moving['to_region']} to join it.",
        )
    elif not seen.active:
        yield blocker(ALL, "No member of the global database is the writer.", "Check the global database in RDS.")
    elif not seen.state.traffic_region:
        why = "no region could be queried"
        yield seen.unknown(ALL, f"the writer is in {seen.active}, but where the traffic is", why)
    elif seen.is_apart:
        yield blocker(
            ALL,
            f"{seen.writer} has the traffic and a writer of its own since it was detached; the global database still "
            f"has its writer in {seen.active}.",
            REBUILD,
        )
    elif seen.state.traffic_region != seen.active:
        yield warning(
            ALL,
            f"The writer is in {seen.active}, the traffic in {seen.state.traffic_region}: a move was not finished.",
            f"Run the playbook of that move again with target_region={seen.active}: it resumes where it stopped.",
        )
    else:
        yield ok(ALL, f"{seen.active} holds the writer and the traffic.")


def members(seen: Seen) -> Iterator[Finding]:
    """Every standby is a member of the global database and has all data."""
    if not seen.view:
        for region in seen.order:
            yield seen.unknown(region, "the global database", seen.facts[region]["global_cluster"].error, is_vital=True)
        return
    found = {member["region"]: member["synchronization_status"] for member in seen.view["members"]}
    for region in seen.standbys:
        state = found.get(region)
        if region not in found:
            reason = f"The cluster of {region} is not a member of the global database (members: {listed(found)})."
            yield blocker(region, reason, "Run failback.yml with rebuild=true, or site.yml if it never was a member.")
        elif state == "connected":
            yield ok(region, "The member is connected.")
        elif state == "pending-resync":
            reason = "The member is pending-resync: it does not have all data yet."
            yield blocker(region, reason, "Wait until it is connected: after an unplanned failover Aurora rebuilds it.")
        else:
            yield seen.unknown(region, "whether the member is connected", f"AWS returns {state}")


def engine_parity(seen: Seen) -> Iterator[Finding]:
    """Every standby runs a version to which the writer can move: with Aurora MySQL the same, patch level included.

    Source: "Upgrading an Amazon Aurora global database" of the Aurora User Guide.
    """
    active = seen.facts[seen.active].value("cluster") if seen.active else None
    wanted = (active or seen.view or {}).get("engine_version")
    engine = (seen.view or {}).get("engine")
    for region in seen.standbys:
        cluster = seen.facts[region]["cluster"]
        if not cluster.known:
            yield seen.unknown(region, "the cluster's engine version", cluster.error, is_vital=True)
        elif cluster.value is None:
            name = seen.entry(region)["db_cluster_identifier"]
            yield blocker(region, f"The cluster {name} does not exist.", PROVISION)
        elif not wanted:
            yield seen.unknown(region, "the version it must equal", "the writer's region did not respond")
        elif not have_parity(engine, cluster.value["engine_version"], wanted):
            reason = f"The cluster runs {cluster.value['engine_version']}, the writer {wanted}; they must be identical."
            yield blocker(region, reason, "Upgrade to one version; until then only method=detach can move there.")
        else:
            yield ok(region, f"The cluster runs {cluster.value['engine_version']}, like the writer.")


def engine_support(seen: Seen) -> Iterator[Finding]:
    """AWS offers the version of every cluster, and goes on with it: a cluster that is lost is made again with it.

    No failover needs that, the way back does. AWS is asked about the version and about its major version's standard
    support; the end of a minor version it tells nobody before it has come.
    """
    for region in seen.order:
        fact = seen.facts[region]["engine_support"]
        if not fact.known:
            yield seen.unknown(region, "whether AWS offers the engine version", fact.error)
        elif fact.value is not None:
            yield _engine_support(seen, region, fact.value)


def _engine_support(seen: Seen, region: str, support: Mapping[str, Any]) -> Finding:
    version, ends_at = support["version"], support["ends_at"]
    offered = listed(nearest(support["engine"], version, support["targets"]))
    remedy = f"Upgrade the global database, for example to {offered}." if offered else UPGRADE_LATER
    if support["status"] != "available":
        state = support["status"] or "unknown to AWS"
        return warning(region, f"{version} is {state}: AWS no longer creates clusters with it.", remedy)
    if ends_at is None:
        return ok(region, f"{version} is available; the end of its standard support is not known.")
    days, day = int((ends_at - seen.now) // DAY_SECONDS), time.strftime("%Y-%m-%d", time.gmtime(ends_at))
    if days < 0:
        return warning(region, f"Standard support of {version} ended on {day}.", remedy)
    if days <= SUPPORT_DAYS:
        return warning(region, f"Standard support of {version} ends on {day}, in {counted(days, 'day')}.", remedy)
    return ok(region, f"{version} is available, with standard support until {day}.")


def instances(seen: Seen) -> Iterator[Finding]:
    """Every standby has an instance to promote, and instances like those of the writer's region."""
    here = seen.facts[seen.reference].value("database") or {}
    classes = sorted({one["class"] for one in here.get("instances", [])})
    for region in seen.standbys:
        facts = seen.facts[region]
        unknown = facts.unknown(("cluster", "instances"))
        if unknown:
            yield seen.unknown(region, "the cluster's instances", "; ".join(unknown.values()), is_vital=True)
            continue
        cluster, serving = facts.value("cluster") or {}, serving_instances(facts)
        total, status = len(facts.value("instances")), cluster.get("status", "absent")
        figures = f"{len(serving)} of {total} instances are available, the cluster is {status}"
        if not cluster or cluster_is_down(status) or not serving:
            remedy = "Run site.yml, which makes the instances that are missing; see RDS for one that is not available."
            yield blocker(region, f"{figures}; at least 1 is needed in a cluster that serves.", remedy)
        else:
            yield _instance_parity(seen, region, figures, classes)


def _instance_parity(seen: Seen, region: str, figures: str, classes: list[str]) -> Finding:
    """Compare a standby that can be promoted with the reference region."""
    fact, reference = seen.facts[region]["database"], seen.reference
    there = len(seen.facts[reference].value("instances") or [])
    if not fact.known or not fact.value or not classes:
        why = fact.error or f"those of {reference} are not known"
        return seen.unknown(region, f"{figures}, but the instances' classes", why)
    own = sorted({one["class"] for one in fact.value["instances"]})
    if own != classes:
        reason = f"{figures}, of class {listed(own)}; {reference} runs {listed(classes)}."
        return warning(region, reason, "Use one instance class in both regions, or expect different performance.")
    if len(serving_instances(seen.facts[region])) < there:
        return warning(region, f"{figures}; {reference} has {there} instances.", PROVISION)
    return ok(region, f"{figures}, of class {listed(own)} as in {reference}.")


def lag(seen: Seen) -> Iterator[Finding]:
    """How much data a failover would lose now, and whether its limit would refuse it."""
    limits = seen.limits
    terms = Terms(FAILOVER, False, limits.max_replication_lag_ms, limits.max_sampled_lag_ms, limits.max_lag_sample_age)
    settings = Settings(
        max_replication_lag_ms=limits.warn_replication_lag_ms, max_lag_sample_age=limits.max_lag_sample_age
    )
    for region in seen.standbys:
        signal, fact = replication_lag(seen.facts[region], settings), seen.facts[region]["lag"]
        refusal = excessive_lag({"target": {"region": region}}, lag_of(fact), terms)
        bound = rpo_bound_ms(seen.facts[region].value("lag"))
        if signal.state == HEALTHY and not refusal:
            loss = f"If the writer stopped now, a failover would lose at most {bound} ms of writes."
            yield ok(region, f"{signal.reason} {loss}")
            continue
        is_unknown = bound is None or signal.state not in (HEALTHY, UNHEALTHY)
        remedy = "Check the writer's load and the lag alarm; method=switchover loses no data."
        if is_unknown:
            remedy = "Check whether the member is connected and CloudWatch responds; accept_data_loss needs no sample."
        reason = ("Unknown: " if is_unknown else "") + signal.reason
        refused = f" failover.yml would refuse: {refusal.sentence}" if refusal else ""
        yield Finding(region, BLOCKER if refusal else WARNING, reason + refused, remedy, is_unknown)


def parameter_groups(seen: Seen) -> Iterator[Finding]:
    """Every standby is configured like the writer: a promoted cluster keeps the parameter groups of its own region."""
    reference = seen.facts[seen.reference]["parameters"]
    if not reference.known:
        yield seen.unknown(seen.reference, "its parameter groups", reference.error)
        return
    for region in seen.others(seen.reference):
        own, cluster = seen.facts[region]["parameters"], seen.facts[region].value("database") or {}
        if not own.known:
            yield seen.unknown(region, "its parameter groups", own.error)
            continue
        different = [
            f"{level} parameter {difference}"
            for level in ("cluster", "instance")
            for difference in differences(reference.value[level], own.value[level], seen.reference, region)
        ]
        pending = cluster.get("pending_reboot", [])
        if different:
            reason = f"{counted(len(different), 'parameter')} differing: {listed(different)}."
            yield warning(region, reason, "Use the same values in both; site.yml sets those of the inventory.")
        elif pending:
            reason = f"The groups are the same, but {listed(pending)} must be restarted to apply them."
            yield warning(region, reason, "Restart these instances at a time of low traffic.")
        else:
            count = len(own.value["cluster"]) + len(own.value["instance"])
            yield ok(region, f"All {count} parameters that were set are as in {seen.reference}.")


def differences(first: Mapping[str, Any], second: Mapping[str, Any], here: str, there: str) -> list[str]:
    """Return a text for each value that differs between two regions. Pure."""
    return [
        f"{name} ({first.get(name, 'default')} in {here}, {second.get(name, 'default')} in {there})"
        for name in sorted({*first, *second})
        if first.get(name) != second.get(name)
    ]


def writer_endpoint(seen: Seen) -> Iterator[Finding]:
    """Applications of every region read an endpoint that reaches the writer, also after a detach.

    The global endpoint leads to the writer of the members, never to a cluster that was detached ("Connecting to Amazon
    Aurora Global Database" of the Aurora User Guide).
    """
    there = (seen.facts[seen.writer].value("cluster") if seen.writer else None) or {}
    whole = None if seen.is_apart else (seen.view or {}).get("endpoint")
    leads = {endpoint for endpoint in (whole, there.get("endpoint")) if endpoint}
    for region in seen.order:
        name, fact = seen.entry(region).get("writer_endpoint_parameter"), seen.facts[region]["writer_endpoint"]
        if not name:
            yield seen.unknown(region, "the writer's endpoint", "the manifest names no parameter", remedy=PROVISION)
        elif not fact.known or not leads:
            yield seen.unknown(region, "the writer's endpoint", fact.error or "no endpoint of the writer is known")
        elif fact.value is None:
            yield seen.broken(region, f"There is no parameter {name}; the application would find no writer.", PROVISION)
        elif fact.value not in leads:
            reason = f"{name} is {fact.value}, but the writer is at {listed(sorted(leads))}."
            yield warning(region, reason, REBUILD if seen.is_apart else PROVISION)
        else:
            yield ok(region, f"{name} reaches the writer.")


def rescue_snapshots(seen: Seen) -> Iterator[Finding]:
    """What an unplanned failover gave up is kept: Aurora's own snapshot of it expires with the backup retention period.

    Source: "Using switchover or failover in Amazon Aurora Global Database" of the Aurora User Guide.
    """
    for region in seen.order:
        fact = seen.facts[region]["rescue_snapshots"]
        if not fact.known:
            yield seen.unknown(region, "the snapshots of earlier volumes", fact.error)
            continue
        left = [one for one in fact.value if not is_kept(one)]
        if left:
            dates = listed(f"{one['identifier']} ({one['status']}) expires {expiry_of(one)}" for one in left)
            reason = f"Not copied yet, of what an unplanned failover gave up: {dates}."
            remedy = "Run failback.yml, or the module rds_cluster_rescue_snapshot, which copies it."
            yield warning(region, reason, remedy)
        elif fact.value:
            yield ok(region, f"What was given up is kept: {listed(one['copy'] for one in fact.value)}.")
        else:
            yield ok(region, "Aurora keeps no snapshot of an earlier volume.")


def expiry_of(snapshot: Mapping[str, Any]) -> str:
    """Return the day on which a rescue snapshot expires, in words. Pure."""
    return f"on {snapshot['expires_at'][:10]}" if snapshot["expires_at"] else "on a day that is not known"
