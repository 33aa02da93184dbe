# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Guards against concurrent runs, and against moves that are not justified. Pure."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import FORCE, Obstacle
from ansible_collections.trading.multi_region.plugins.module_utils._failover import control_tables
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import HEALTHY


def takeover(run_id: str) -> str:
    """Return the option that takes over the lease of a run that is known to be dead."""
    return f"takeover_run_id: {run_id}"


def lease_table_missing(seen: Situation) -> Obstacle | None:
    """Without the table, another run cannot be prevented from moving the platform at the same time."""
    table = seen.facts["control_table"]
    if not table.known or table.value is not None:
        return None
    return Obstacle(
        "lease_table_missing",
        f"{seen.target} has no table {seen.state.control_table}, so no lease can be acquired there. "
        "playbooks/site.yml creates it.",
    )


def lease_held(seen: Situation) -> Obstacle | None:
    """Another run is moving the platform, to the target or to another region."""
    given = seen.request.takeover_run_id
    # The run to be taken over comes last, so that it does not hide another live run.
    held = sorted(
        control_tables.live_leases(seen.state),
        key=lambda found: (found[0] == seen.target and found[1]["run_id"] == given, found[0] != seen.target),
    )
    if not held:
        return None
    region, lease = held[0]
    sentence = (
        f"The lease of {region} is held by {lease['owner']}: run {lease['run_id']}, attempt {lease['attempt']}, "
        f"method {lease['method'] or 'not given'}, step {lease['step'] or 'not begun'}, renewed "
        f"{lease['age_seconds']:.0f} s ago; it expires in {lease['expires_in_seconds']:.0f} s unless it is renewed. "
        "Wait for that run to end or for its lease to expire."
    )
    return Obstacle("lease_held", sentence, takeover(lease["run_id"]) if region == seen.target else None)


def expected_active_region_differs(seen: Situation) -> Obstacle | None:
    """The operator decided on a state that differs from the observed one."""
    expected = seen.request.expected_active_region
    places = {seen.writer, seen.traffic, seen.source_region, (seen.operation or {}).get("from_region")}
    if not expected or expected in places:
        return None
    writer, traffic = seen.writer or "an unknown region", seen.traffic or "an unknown region"
    return Obstacle(
        "expected_active_region_differs",
        f"expected_active_region is {expected}, but the writer is in {writer} and the traffic in {traffic}.",
    )


def primary_healthy(seen: Situation) -> Obstacle | None:
    """An unplanned failover would lose writes although the active region works."""
    active = seen.active
    if seen.method == SWITCHOVER or not seen.is_promotion_open or not active or active == seen.target:
        return None
    found = seen.verdict_of(active)
    if found.verdict != HEALTHY:
        return None
    return Obstacle(
        "primary_healthy",
        f"{active} is healthy: {found.reason} An unplanned move could lose writes; playbooks/switchover.yml does not.",
        FORCE,
    )


def cool_down(seen: Situation) -> Obstacle | None:
    """An unplanned move follows another one too soon: an operator should find out the cause first."""
    limit, move = seen.request.cool_down, control_tables.latest_move(seen.state).value
    if seen.method == SWITCHOVER or not seen.is_promotion_open or not limit or not move:
        return None
    if not control_tables.is_unplanned(move) or move["acknowledged"] or move["age_seconds"] >= limit:
        return None
    run_id = move["run_id"]
    return Obstacle(
        "cool_down",
        f"Run {run_id} moved the platform to {move['target_region']} {move['age_seconds'] / 60:.0f} minutes ago, by "
        f"{move['method']}; cool_down is {limit / 60:g} minutes. Find out why another move is needed, then acknowledge "
        f"that run: playbooks/automation.yml -e acknowledge={run_id} (or set force=true).",
        FORCE,
    )
