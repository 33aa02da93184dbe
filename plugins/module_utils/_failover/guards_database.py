# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Guards on the promotion: whether Aurora can do it, and how much would be lost. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._failover import control_tables
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    ACCEPT_DATA_LOSS,
    AUTO,
    DETACH,
    FAILOVER,
    SWITCHOVER,
    Obstacle,
)

CONNECTED, PENDING_RESYNC = "connected", "pending-resync"
# Facts of the writer's region that must be known before a switchover is requested.
OF_WRITER = ("global_cluster", "cluster")


def operation_in_flight(seen: Situation) -> Obstacle | None:
    """Aurora is moving the writer to another region, or is cancelling a move."""
    moving = seen.operation
    if not moving or seen.is_joinable or seen.is_detached:
        return None
    return Obstacle(
        "operation_in_flight",
        f"Aurora is moving the writer from {moving['from_region']} to {moving['to_region']} ({moving['status']}), "
        f"not to {seen.target}; wait until that has ended.",
    )


def active_region_detached(seen: Situation) -> Obstacle | None:
    """A region that has, or last had, the traffic is detached: the target lacks everything written there since then.

    That region need not respond now: its loss does not undo the writes that it accepted.
    """
    last = (control_tables.latest_move(seen.state).value or {}).get("target_region")
    active = next((region for region in seen.state.order if _may_hold_more(seen, region, last)), None)
    if active is None:
        return None
    return Obstacle(
        "active_region_detached",
        f"{active} is not a member of the global database and accepted writes: what was written there since it was "
        f"detached is not in {seen.target}. playbooks/failback.yml rebuilds the global database from {active}.",
        seen.loss_override,
    )


def _may_hold_more(seen: Situation, region: str, last: str | None) -> bool:
    if region == seen.target or not seen.is_outside(region):
        return False
    return region in (seen.traffic, last) or not seen.region_facts(region)["cluster"].known


def version_difference(seen: Situation) -> str | None:
    """Return the words for engine versions that are known to differ, or None.

    Aurora MySQL moves the writer only between identical versions ("Upgrading an Amazon Aurora global database" of the
    Aurora User Guide). The manifest's version is used only if the global cluster reports none: it is the intended one,
    not the actual one.
    """
    own = (seen.facts.value("cluster") or {}).get("engine_version")
    whole = (seen.view or {}).get("engine_version") or seen.state.engine_version
    if not own or not whole or own == whole:
        return None
    return f"the cluster of {seen.target} runs {own}, the global database {whole}; they must be identical"


def engine_version_differs(seen: Situation) -> Obstacle | None:
    """A managed move is impossible; a detach is possible."""
    difference = version_difference(seen) if seen.is_promotion_open and seen.method != DETACH else None
    if not difference:
        return None
    sentence = f"{difference[0].upper()}{difference[1:]}."
    if seen.method == SWITCHOVER:
        return Obstacle("engine_version_differs", f"{sentence} Upgrade first.")
    if seen.request.method == AUTO:
        remedy = f"Without a managed failover {seen.target} can only be detached, losing writes not replicated yet."
        return Obstacle("managed_failover_impossible", f"{sentence} {remedy}", ACCEPT_DATA_LOSS)
    remedy = (
        "Upgrade first, or do not use the managed failover: method=auto or method=detach, with accept_data_loss=true."
    )
    return Obstacle("engine_version_differs", f"{sentence} {remedy}")


def target_not_synchronized(seen: Situation) -> Obstacle | None:
    """A member that is being rebuilt holds less data than its lag suggests; a switchover requires a connected member.

    Source: "GlobalClusterMember" of the Amazon RDS API Reference.
    """
    members = (seen.view or {}).get("members", [])
    own = next((member for member in members if member["region"] == seen.target), None)
    if not seen.is_promotion_open or own is None:
        return None
    status = own["synchronization_status"]
    if status == PENDING_RESYNC or (seen.method == SWITCHOVER and status != CONNECTED):
        sentence = (
            f"The cluster of {seen.target} is {status or 'of unknown synchronization'}: it does not yet hold all data."
        )
        return Obstacle("target_not_synchronized", sentence, seen.loss_override)
    return None


def writer_unreadable(seen: Situation) -> Obstacle | None:
    """The writer's region carries out a switchover, so it has to respond and its cluster has to be available."""
    if seen.method != SWITCHOVER or not seen.is_promotion_open:
        return None
    remedy = "playbooks/failover.yml does not need that region, but may lose writes."
    if seen.member_writer is None:
        return Obstacle("writer_unreadable", f"No region is known to hold the writer. {remedy}")
    facts = seen.region_facts(seen.member_writer)
    unknown = facts.unknown(OF_WRITER)
    if unknown:
        shown = "; ".join(f"{name}: {error}" for name, error in unknown.items())
        sentence = f"A switchover is requested in {seen.member_writer}, which could not be read ({shown}). {remedy}"
        return Obstacle("writer_unreadable", sentence)
    status = (facts.value("cluster") or {"status": "absent"})["status"]
    if status == "available":
        return None
    sentence = f"A switchover needs the writer's cluster; that of {seen.member_writer} is {status}. {remedy}"
    return Obstacle("writer_unavailable", sentence)


def lag(seen: Situation) -> Obstacle | None:
    """The data loss would exceed the limit, or cannot be determined.

    Without a limit the lag is only reported, except if method auto chose an unplanned move.
    """
    limit, sample = seen.request.max_replication_lag_ms, seen.facts.value("lag")
    is_checked = limit is not None or (seen.request.method == AUTO and seen.method == FAILOVER)
    if not is_checked or not seen.is_promotion_open:
        return None
    reason = "method auto requires it" if limit is None else f"max_replication_lag_ms is {limit:g}"
    if not sample:
        fact = seen.facts["lag"]
        why = "there is no sample of the last hour" if fact.known else fact.error
        return Obstacle("lag_unknown", f"The lag of {seen.target} is unknown ({why}); {reason}.", seen.loss_override)
    return _judge_sample(seen, sample, limit)


def _judge_sample(seen: Situation, sample: dict[str, Any], limit: float | None) -> Obstacle | None:
    figures, oldest = f"{sample['value_ms']:g} ms, {sample['age_seconds']:g} s ago", seen.request.max_lag_sample_age
    if limit is not None and sample["value_ms"] > limit:
        sentence = f"The lag of {seen.target} was {figures}; max_replication_lag_ms is {limit:g}."
        return Obstacle("lag_above_limit", sentence, seen.loss_override)
    if sample["age_seconds"] > oldest:
        sentence = f"The last lag sample of {seen.target} ({figures}) is older than max_lag_sample_age, {oldest:g} s."
        return Obstacle("lag_sample_old", sentence, seen.loss_override)
    return None


def detach_loses_data(seen: Situation) -> Obstacle | None:
    """A detach cannot be undone: the global database has to be rebuilt, and nothing fences the old writer."""
    if seen.method != DETACH or not seen.is_promotion_open:
        return None
    return Obstacle(
        "detach_loses_data",
        f"Detaching {seen.target} loses writes not replicated yet, and the global database has to be rebuilt.",
        ACCEPT_DATA_LOSS,
    )
