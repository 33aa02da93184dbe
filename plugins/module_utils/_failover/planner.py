# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The planner: observed state + request -> plan. Pure: no boto3, no clock, no threads.

Given the same values it gives the same plan, so it can be asked again at any time: after each step, by another machine,
or by ``--check``. It reads off the state what an interrupted run has done and plans the rest.
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._failover.observation import rpo_bound_ms
from ansible_collections.trading.multi_region.plugins.module_utils._failover.obstacles import find_obstacles
from ansible_collections.trading.multi_region.plugins.module_utils._failover.selection import choose_target
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.storyboard import build_steps
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    Obstacle,
    Plan,
    Request,
    State,
)


def build_plan(state: State, request: Request) -> Plan:
    """Return the plan that takes the observed platform to the request."""
    target, why = choose_target(state, request)
    if target is None:
        return _unknown_target(state, request, why)
    seen = Situation(state, request, target)
    standing, overridden = find_obstacles(seen)
    steps = build_steps(seen)
    sample = seen.facts.value("lag") if seen.is_promotion_open else None
    bound = rpo_bound_ms(sample)
    return Plan(
        target_region=target,
        active_region=seen.active,
        writer_region=seen.writer,
        traffic_region=seen.traffic,
        steps=steps,
        obstacles=standing,
        overridden=overridden,
        warnings=_warnings(seen),
        lag=sample,
        rpo_bound_ms=bound,
        capacity_wanted=seen.capacity.wanted,
        capacity_reason=seen.capacity.reason,
        target_reason=why,
        reason=_reason(seen, len(steps), standing, overridden, bound),
    )


def _unknown_target(state: State, request: Request, why: str) -> Plan:
    seen = Situation(state, request, "")
    obstacle = Obstacle("unknown_target", why)
    return Plan(
        target_region=request.target_region,
        active_region=seen.active,
        writer_region=seen.writer,
        traffic_region=seen.traffic,
        steps=(),
        obstacles=(obstacle,),
        overridden=(),
        warnings=(),
        lag=None,
        rpo_bound_ms=None,
        capacity_wanted=0,
        capacity_reason="No capacity is wanted where no region takes over.",
        target_reason=why,
        reason=f"Refused: {why}",
    )


def _warnings(seen: Situation) -> tuple[str, ...]:
    """Return what does not stop the move and should be known all the same."""
    found = []
    if seen.capacity.is_capped:
        found.append(f"Capacity of {seen.target}: {seen.capacity.reason}")
    meant, actual = seen.state.engine_version, (seen.view or {}).get("engine_version")
    if meant and actual and meant != actual:
        found.append(f"The manifest says engine version {meant}, the global database runs {actual}; run site.yml.")
    return tuple(found)


def _reason(
    seen: Situation, left: int, standing: tuple[Obstacle, ...], overridden: tuple[Obstacle, ...], bound: int | None
) -> str:
    if standing:
        return "Refused: " + " ".join(obstacle.sentence for obstacle in standing)
    words = []
    if seen.is_promotion_open:
        loss = "unknown" if bound is None else f"at most {bound} ms of writes"
        health = f"{seen.verdict_of(seen.active).verdict}" if seen.active else "unknown"
        words.append(f"{seen.target} can take over from {seen.active} ({health}) in {left} steps; loss: {loss}.")
    else:
        words.append(f"The writer is at or on its way to {seen.target}; {left} steps are left.")
    words += [f"Set aside by {obstacle.override}: {obstacle.sentence}" for obstacle in overridden]
    return " ".join(words)
