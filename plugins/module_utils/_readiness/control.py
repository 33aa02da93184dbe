# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Is the failover's own control plane in order: manifest, lease, permissions; and does the planner agree? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._automation.rule import is_paused
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.work import OTHER_WORK
from ansible_collections.trading.multi_region.plugins.module_utils._failover import control_tables
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    FENCED,
    NOT_FENCED,
    describe,
    measures_of,
    outcome_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.resources import gap_in
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    ALL,
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

ALLOWED = "allowed"
# The manifest is of a version that had none, and so may be the policies.
FIRST_ACL = (
    "Give the runners the policies that policies.yml writes now, then run site.yml, which creates one and names it in "
    "the manifest."
)


def planner(seen: Seen) -> Iterator[Finding]:
    """Plan a forced failover to each standby: whatever the planner would refuse is a blocker."""
    for region in seen.standbys:
        request = Request(
            target_region=region,
            min_healthy_ratio=seen.limits.min_healthy_ratio,
            max_replication_lag_ms=seen.limits.max_replication_lag_ms,
            max_sampled_lag_ms=seen.limits.max_sampled_lag_ms,
            max_lag_sample_age=seen.limits.max_lag_sample_age,
            cool_down=seen.limits.cool_down,
            force=True,
        )
        plan = build_plan(seen.state, request)
        if plan.obstacles:
            options = [obstacle.override for obstacle in plan.obstacles if obstacle.override]
            remedy = "See the other rows of this region" + (f"; override: {listed(options)}." if options else ".")
            sentences = " ".join(obstacle.sentence for obstacle in plan.obstacles)
            yield blocker(region, f"failover.yml would refuse to move here: {sentences}", remedy)
        elif plan.warnings:
            yield warning(region, f"failover.yml would move here, with warnings: {' '.join(plan.warnings)}", PROVISION)
        else:
            yield ok(region, f"failover.yml would move here in {counted(len(plan.steps), 'step')}.")


def manifest(seen: Seen) -> Iterator[Finding]:
    """Every region's control table has the recovery manifest, and all copies are the same."""
    for region in seen.order:
        copy = seen.copies.get(region)
        if copy is None or not copy.known:
            why = copy.error if copy else "the inventory does not name this region"
            yield seen.unknown(region, "the manifest in the control table", why, is_vital=True)
        elif copy.value is None:
            reason = "The control table has no manifest; if all other regions are lost, a failover has no input."
            yield seen.broken(region, reason, PROVISION)
        else:
            yield _copy(seen, region, copy.value)
    strangers = sorted(set(seen.regions) ^ set(seen.order))
    if strangers:
        yield warning(ALL, f"Inventory and manifest differ in {listed(strangers)}.", PROVISION)


def _copy(seen: Seen, region: str, copy: Mapping[str, Any]) -> Finding:
    age = f"written {age_of(copy['written_at'], seen.now)} ago"
    paths = different_members(seen.manifest, copy["document"])
    if not paths:
        return ok(region, f"The manifest was {age} and is the same as the most recent one.")
    reason = f"The manifest, {age}, differs from the most recent one, of {seen.manifest_region}, in {listed(paths)}."
    if all(".capacity" in path for path in paths):
        return warning(region, reason, PROVISION)
    return seen.broken(region, reason, PROVISION)


def age_of(written_at: str, now: float) -> str:
    """Return the age of a timestamp of the control table, in words. Pure."""
    try:
        then = datetime.strptime(written_at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return "an unknown time"
    return words_for(now - then)


def words_for(seconds: float) -> str:
    """Return a duration in a readable unit. Pure."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def different_members(one: Any, other: Any, path: str = "") -> list[str]:
    """Return the paths in which two documents differ, such as traffic.domain or us-east-2.target_group_arn. Pure."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return [
            found
            for key in sorted({*one, *other})
            for found in different_members(one.get(key), other.get(key), f"{path}.{key}".strip("."))
        ]
    if path == "regions" and all(isinstance(side, list) for side in (one, other)):
        first, second = ({entry.get("region"): entry for entry in side} for side in (one, other))
        if list(first) == list(second):
            return different_members(first, second)
    return [] if one == other else [path]


def manifest_facts(seen: Seen) -> Iterator[Finding]:
    """The manifest matches AWS: a failover reads from it what it cannot read from a lost region, such as capacity."""
    meant = seen.manifest["global_database"].get("engine_version")
    for region in seen.order:
        facts = seen.facts[region]
        groups = seen.groups(region)
        unknown = facts.unknown((*(one.fact for one in groups), "cluster"))
        if unknown:
            yield seen.unknown(region, "what the manifest is compared with", "; ".join(unknown.values()))
            continue
        cluster = facts.value("cluster") or {}
        wrong = [
            f"{'' if one.is_own else one.resource + ': '}{name} {one.sizes.get(name)}, observed {group[name]}"
            for one in groups
            if (group := facts.value(one.fact))
            for name in ("min", "desired", "max")
            if group.get(name) is not None and one.sizes.get(name, -1) != group[name]
        ]
        if meant and cluster and cluster["engine_version"] != meant:
            wrong.append(f"engine version {meant}, observed {cluster['engine_version']}")
        if wrong:
            yield warning(region, f"The manifest says {listed(wrong)}.", PROVISION)
        else:
            yield ok(region, "Capacity and engine version are as the manifest says.")


def lease(seen: Seen) -> Iterator[Finding]:
    """No run is moving or upgrading the platform, and no move is unfinished."""
    for region in seen.order:
        fact, table = seen.facts[region]["lease"], seen.facts[region]["control_table"]
        live = dict(control_tables.live_leases(seen.state)).get(region)
        unfinished = live or control_tables.unfinished(seen.state, region)
        if table.known and table.value is None:
            yield seen.broken(region, "There is no control table; a failover could not acquire its lease.", PROVISION)
        elif not fact.known:
            yield seen.unknown(region, "the lease in the control table", fact.error, is_vital=True)
        elif unfinished:
            yield _held(region, unfinished)
        else:
            yield ok(region, "The lease is free.")


def _held(region: str, found: Mapping[str, Any]) -> Finding:
    who = f"run {found['run_id']} of {found['owner']} ({found['method']}, step {found.get('step') or 'unknown'})"
    if found["is_live"]:
        reason = f"The lease is held by {who} for {found['expires_in_seconds']:.0f} s more."
        playbook = OTHER_WORK.get(found["method"], "failover.yml")
        remedy = f"Wait for that run; if it is known to be dead, {playbook} with takeover_run_id={found['run_id']}."
        return blocker(region, reason, remedy)
    ended = "was killed" if found["outcome"] == "running" else found["outcome"]
    reason = f"An unfinished move, {who}, {ended} {words_for(found['age_seconds'])} ago."
    remedy = f"Run its playbook again with target_region={region} and method={found['method']}: it resumes from there."
    return warning(region, reason, remedy)


def fences(seen: Seen) -> Iterator[Finding]:
    """No region is still fenced by an earlier failover, that is without ingress to its database or without capacity."""
    for region in seen.order:
        fact = control_tables.fence_of(seen.state, region)
        if not fact.known:
            yield seen.unknown(region, "whether it is fenced", fact.error)
        elif outcome_of(fact.value) in (None, NOT_FENCED):
            yield ok(region, "The region is not fenced.")
        else:
            certainty = "was fenced" if outcome_of(fact.value) == FENCED else "may have been fenced"
            taken = listed(describe(measure) for measure in measures_of(fact.value))
            reason = f"The region {certainty} by an earlier failover, which removed {taken}."
            yield warning(
                region,
                reason,
                "failback.yml, a move to this region, or site.yml with unfence=true restores what fencing removed.",
            )


def fence_prepared(seen: Seen) -> Iterator[Finding]:
    """The network ACL of the database's subnets can be turned to end all writes, also those on open connections."""
    for region in seen.order:
        entry, fact = seen.entry(region), seen.facts[region]["network_acl"]
        acl_id = entry.get("database_network_acl_id")
        if not acl_id:
            reason = "The manifest names no network ACL, so a fence would leave connections that are open."
            yield warning(region, reason, FIRST_ACL)
        elif not fact.known:
            yield seen.unknown(region, "the network ACL of the database's subnets", fact.error)
        elif fact.value is None:
            reason = f"{acl_id} does not exist, so a fence would leave connections that are open."
            yield warning(region, reason, PROVISION)
        else:
            gap = gap_in(fact.value, acl_id, entry.get("database_subnet_ids") or ())
            yield warning(region, gap, PROVISION) if gap else ok(region, f"{acl_id} can fence the database's subnets.")


def cool_down(seen: Seen) -> Iterator[Finding]:
    """Another unplanned move would need force: the latest one is recent and has not been acknowledged."""
    fact = control_tables.latest_move(seen.state)
    if not fact.known:
        yield seen.unknown(ALL, "the latest move", fact.error)
        return
    if not fact.value:
        yield ok(ALL, "No move is on record.")
        return
    latest, left = fact.value, seen.limits.cool_down - fact.value["age_seconds"]
    ended = words_for(latest["age_seconds"])
    words = (
        f"The latest move, run {latest['run_id']} ({latest['method']} to {latest['target_region']}), ended {ended} ago"
    )
    if not control_tables.is_unplanned(latest) or latest["acknowledged"] or left <= 0:
        yield ok(ALL, f"{words}; no move is held back.")
    else:
        remedy = f"Find out why it was needed, then automation.yml with acknowledge={latest['run_id']}; or use force."
        yield warning(ALL, f"{words}; another unplanned move is refused for {words_for(left)} more.", remedy)


def automation(seen: Seen) -> Iterator[Finding]:
    """Automatic failover is not paused."""
    facts = {region: seen.facts[region]["automation"] for region in seen.order}
    if not any(fact.known for fact in facts.values()):
        why = "; ".join(f"{region}: {fact.error}" for region, fact in facts.items())
        yield seen.unknown(ALL, "whether automatic failover is paused", why)
        return
    copies = [fact.value for fact in facts.values() if fact.known and fact.value]
    item = max(copies, key=lambda copy: copy["written_at"], default={})
    pause = (item.get("document") or {}).get("pause")
    if not is_paused(pause, seen.now):
        yield ok(ALL, "Automatic failover is not paused.")
        return
    left = words_for(pause["until"] - seen.now)
    reason = f"Automatic failover is paused for {left} more by {pause['by']}: {pause['reason']}."
    yield warning(ALL, reason, "End the pause with automation.yml when the maintenance is over.")


def credentials(seen: Seen) -> Iterator[Finding]:
    """The credentials for a region need no other region: they could not be renewed if that one were lost."""
    fact = seen.shared["credentials"]
    if not fact.known:
        yield seen.unknown(ALL, "where the credentials come from", fact.error)
        return
    for region in seen.order:
        found = fact.value.get(region, {"method": None, "bound_to": {}})
        if found["bound_to"]:
            needs = listed(f"{what} in {other}" for other, what in found["bound_to"].items())
            reason = (
                f"The credentials for {region} need another region: {needs}. If it is lost, they cannot be renewed."
            )
            yield warning(region, reason, "Give the regions profiles or roles of their own: aws_profile, aws_role_arn.")
        else:
            yield ok(region, f"The credentials for {region} ({found['method']}) depend on no other region.")


def runner_permissions(seen: Seen) -> Iterator[Finding]:
    """The user that runs the failover has all permissions in the runner's policy.

    IAM simulates them; it does not consider resource policies and session policies.
    """
    fact = seen.shared["permissions"]
    if not fact.known:
        yield seen.unknown(ALL, "the runner's permissions", fact.error)
        return
    found, simulated = fact.value, fact.value["simulated"]
    denied = [one["action"] for one in simulated if ALLOWED not in one["decisions"].values()]
    partly = [one["action"] for one in simulated if {*one["decisions"].values()} - {ALLOWED}]
    who = f"{found['principal']} may not"
    remedy = "Attach the policy that site.yml creates (failover_control_policy_name) to the user that runs failovers."
    if denied:
        yield blocker(ALL, f"{who}: {listed(sorted(set(denied)), 8)}.", remedy)
    elif partly:
        where = {
            resource for one in simulated for resource, decision in one["decisions"].items() if decision != ALLOWED
        }
        yield warning(ALL, f"{who}, on {listed(sorted(where), 3)}: {listed(sorted(set(partly)), 8)}.", remedy)
    elif found["errors"] or not simulated:
        why = "; ".join(f"{sid}: {error}" for sid, error in found["errors"].items()) or "nothing was simulated"
        reason = f"Unknown: not every permission of {found['principal']} could be simulated: {why}."
        yield Finding(ALL, WARNING, reason, LOOK_AGAIN, is_unknown=True)
    else:
        yield ok(ALL, f"{found['principal']} may do all {len(simulated)} actions of the runner's policy.")
