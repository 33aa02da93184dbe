# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Guards on the promotion that need more than the target: other regions, and what they may hold. Pure."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import (
    cannot_serve,
    promotion_obstacles,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import Obstacle
from ansible_collections.trading.multi_region.plugins.module_utils._failover import control_tables
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation

# What has to be known of the writer's region before it is asked for a switchover.
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


def promotion(seen: Situation) -> tuple[Obstacle, ...]:
    """Whether Aurora can promote the target, and what would be lost: what the promoting module would refuse, too."""
    is_read = seen.view and seen.facts.value("cluster") and seen.facts["instances"].known
    if not is_read:
        return ()
    if seen.is_detached:
        hopeless = cannot_serve(seen.observed)
        return (hopeless,) if hopeless else ()
    if not seen.is_promotion_open:
        return ()
    return promotion_obstacles(seen.observed, seen.lag, seen.request.terms(seen.method))


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
