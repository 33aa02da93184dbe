# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a move to the target must not start or go on. Pure: one function per obstacle, each a sentence or nothing.

An obstacle guards what the remaining steps could still spoil. Once Aurora has accepted the promotion, going on is safer
than stopping half-way, so the guards of the promotion are silent from then on.
"""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import REQUIRED, Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Obstacle
from ansible_collections.trading.multi_region.plugins.module_utils._health import (
    CLUSTER_DOWN,
    HEALTHY,
    serving_instances,
)

FORCE = "force: true"
ACCEPT_DATA_LOSS = "accept_data_loss: true"
# What a region consists of, in the words of the sentence that says it is not there.
PARTS = {
    "global_cluster": "global database",
    "cluster": "database cluster",
    "targets": "target group",
    "group": "Auto Scaling group",
}


def target_is_active(seen: Situation) -> Obstacle | None:
    """Nothing is left to move."""
    if not seen.is_arrived:
        return None
    return Obstacle("target_is_active", f"{seen.target} is active already: it holds the writer and the traffic.")


def expected_active_region_differs(seen: Situation) -> Obstacle | None:
    """The operator decided on a picture that is not the one seen now."""
    expected = seen.request.expected_active_region
    places = {seen.writer, seen.traffic, (seen.operation or {}).get("from_region")}
    if not expected or expected in places:
        return None
    writer, traffic = seen.writer or "an unknown region", seen.traffic or "an unknown region"
    return Obstacle(
        "expected_active_region_differs",
        f"expected_active_region is {expected}, but the writer is in {writer} and the traffic in {traffic}.",
    )


def operation_in_flight(seen: Situation) -> Obstacle | None:
    """Aurora is moving the writer somewhere else, or giving up a move."""
    moving = seen.operation
    if not moving or seen.is_joinable:
        return None
    return Obstacle(
        "operation_in_flight",
        f"Aurora is busy with a move from {moving['from_region']} to {moving['to_region']} ({moving['status']}), "
        f"not with one to {seen.target}; wait until it has ended.",
    )


def target_unreadable(seen: Situation) -> Obstacle | None:
    """Unknown is not good enough for the region that is to take over."""
    unknown = seen.facts.unknown(REQUIRED)
    if not unknown:
        return None
    shown = "; ".join(f"{name}: {error}" for name, error in unknown.items())
    return Obstacle("target_unreadable", f"{len(unknown)} of {len(REQUIRED)} facts of {seen.target} unknown: {shown}.")


def target_incomplete(seen: Situation) -> Obstacle | None:
    """Something the target needs does not exist."""
    missing = [words for name, words in PARTS.items() if seen.facts[name].known and seen.facts[name].value is None]
    members = [member["region"] for member in (seen.view or {}).get("members", [])]
    if seen.view and seen.target not in members:
        missing.append(f"member of the global database (members: {', '.join(members) or 'none'})")
    if not missing:
        return None
    return Obstacle("target_incomplete", f"{seen.target} has no {', no '.join(missing)}.")


def target_has_no_healthy_target(seen: Situation) -> Obstacle | None:
    """Traffic would reach nobody."""
    targets = seen.facts.value("targets")
    if not seen.is_promotion_open or not targets or targets["healthy"]:
        return None
    return Obstacle(
        "target_has_no_healthy_target",
        f"{seen.target} has no healthy target: 0 of {targets['registered']} registered ones; at least 1 is needed.",
    )


def target_has_no_database_instance(seen: Situation) -> Obstacle | None:
    """A cluster without an instance cannot be promoted."""
    cluster = seen.facts.value("cluster")
    if not seen.is_promotion_open or not cluster or not seen.facts["instances"].known:
        return None
    name, total = cluster["identifier"], len(seen.facts.value("instances"))
    if cluster["status"] in CLUSTER_DOWN:
        sentence = f"Cluster {name} in {seen.target} is {cluster['status']}; it cannot be promoted."
        return Obstacle("target_has_no_database_instance", sentence)
    if serving_instances(seen.facts):
        return None
    return Obstacle(
        "target_has_no_database_instance",
        f"None of the {total} instances of {name} in {seen.target} is available; at least 1 is needed.",
    )


def engine_version_differs(seen: Situation) -> Obstacle | None:
    """Aurora MySQL moves the writer only between identical versions.

    Source: "Upgrading an Amazon Aurora global database" of the Aurora User Guide. The manifest's version counts only
    where the global cluster names none: it is what was meant, not what is.
    """
    own = (seen.facts.value("cluster") or {}).get("engine_version")
    whole = (seen.view or {}).get("engine_version") or seen.state.engine_version
    if not seen.is_promotion_open or not own or not whole or own == whole:
        return None
    return Obstacle(
        "engine_version_differs",
        f"The cluster of {seen.target} runs {own}, the global database {whole}; they must be identical.",
    )


def target_not_synchronized(seen: Situation) -> Obstacle | None:
    """A member that is still being rebuilt holds less than the lag says.

    Source: "GlobalClusterMember" of the Amazon RDS API Reference.
    """
    members = (seen.view or {}).get("members", [])
    own = next((member for member in members if member["region"] == seen.target), {})
    if not seen.is_promotion_open or own.get("synchronization_status") != "pending-resync":
        return None
    return Obstacle(
        "target_not_synchronized",
        f"The cluster of {seen.target} is pending-resync: it does not yet hold all data.",
        ACCEPT_DATA_LOSS,
    )


def lag(seen: Situation) -> Obstacle | None:
    """The loss would be larger than allowed, or nobody can say how large. Without a limit, lag is reported only."""
    limit, sample, fact = seen.request.max_replication_lag_ms, seen.facts.value("lag"), seen.facts["lag"]
    if limit is None or not seen.is_promotion_open:
        return None
    if not sample:
        why = "there is no sample of the last hour" if fact.known else fact.error
        sentence = f"The lag of {seen.target} is unknown ({why}); max_replication_lag_ms is {limit:g}."
        return Obstacle("lag_unknown", sentence, ACCEPT_DATA_LOSS)
    figures, oldest = f"{sample['value_ms']:g} ms, {sample['age_seconds']:g} s ago", seen.request.max_lag_sample_age
    if sample["value_ms"] > limit:
        sentence = f"The lag of {seen.target} was {figures}; max_replication_lag_ms is {limit:g}."
        return Obstacle("lag_above_limit", sentence, ACCEPT_DATA_LOSS)
    if sample["age_seconds"] > oldest:
        sentence = f"The last lag sample of {seen.target} ({figures}) is older than max_lag_sample_age, {oldest:g} s."
        return Obstacle("lag_sample_old", sentence, ACCEPT_DATA_LOSS)
    return None


def primary_healthy(seen: Situation) -> Obstacle | None:
    """An unplanned failover loses writes for nothing where the active region works."""
    active = seen.active
    if not seen.is_promotion_open or not active or active == seen.target:
        return None
    found = seen.verdict_of(active)
    if found.verdict != HEALTHY:
        return None
    return Obstacle(
        "primary_healthy", f"{active} is healthy: {found.reason} An unplanned failover could lose writes.", FORCE
    )


GUARDS: tuple[Callable[[Situation], Obstacle | None], ...] = (
    target_is_active,
    expected_active_region_differs,
    operation_in_flight,
    target_unreadable,
    target_incomplete,
    target_has_no_healthy_target,
    target_has_no_database_instance,
    engine_version_differs,
    target_not_synchronized,
    lag,
    primary_healthy,
)


def find_obstacles(seen: Situation) -> tuple[tuple[Obstacle, ...], tuple[Obstacle, ...]]:
    """Return (those that stand, those that an option of the request set aside)."""
    given = {FORCE: seen.request.force, ACCEPT_DATA_LOSS: seen.request.accept_data_loss}
    found = [obstacle for guard in GUARDS if (obstacle := guard(seen))]
    standing = tuple(obstacle for obstacle in found if not given.get(obstacle.override or "", False))
    return standing, tuple(obstacle for obstacle in found if obstacle not in standing)
