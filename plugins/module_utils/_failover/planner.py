# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The planner: observed state + request -> plan. Pure: no boto3, no clock, no threads.

The same values give the same plan, so it can be computed again at any time: after each step, on another machine, or
with ``--check``. It derives from the state what an interrupted run has done, and plans the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import FAILOVER, SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    UNKNOWN,
    rpo_bound_ms,
    writer_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import Obstacle
from ansible_collections.trading.multi_region.plugins.module_utils._failover import control_tables
from ansible_collections.trading.multi_region.plugins.module_utils._failover.guards_target import called
from ansible_collections.trading.multi_region.plugins.module_utils._failover.methods import resolve
from ansible_collections.trading.multi_region.plugins.module_utils._failover.obstacles import find_obstacles
from ansible_collections.trading.multi_region.plugins.module_utils._failover.selection import choose_target
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.storyboard import (
    build_steps,
    group_options,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    Plan,
    Request,
    State,
    Step,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import HEALTHY

Obstacles = tuple[Obstacle, ...]
# The largest max_lag_sample_age, in seconds: the plan has judged the sample's age.
JUDGED_ALREADY = 31_622_400


def build_plan(state: State, request: Request) -> Plan:
    """Return the plan that moves the observed platform to the requested region."""
    target, why = choose_target(state, request)
    if target is None:
        return _unknown_target(state, request, why)
    seen, method_reason = resolve(Situation(state, request, target))
    standing, overridden = find_obstacles(seen)
    return _plan(seen, method_reason, why, build_steps(seen), standing, overridden)


def _unknown_target(state: State, request: Request, why: str) -> Plan:
    seen = Situation(state, request, request.target_region or "", request.method)
    return _plan(seen, "No method is chosen without a target region.", why, (), (Obstacle("unknown_target", why),), ())


def _plan(
    seen: Situation, method_reason: str, why: str, steps: tuple[Step, ...], standing: Obstacles, overridden: Obstacles
) -> Plan:
    sample, instant, bound = _loss(seen)
    return Plan(
        target_region=seen.target,
        active_region=seen.source_region or seen.active,
        writer_region=seen.writer,
        traffic_region=seen.traffic,
        method=seen.method,
        method_reason=method_reason,
        fencing=seen.fencing,
        is_complete=seen.is_complete,
        steps=steps,
        obstacles=standing,
        overridden=overridden,
        warnings=_warnings(seen),
        lag=sample,
        rpo_bound_ms=bound,
        safe_instant=instant,
        promotion=_promotion(seen),
        capacity_wanted=seen.capacity.wanted,
        capacity_reason=seen.capacity.reason,
        capacity_groups=tuple(group_options(one) for one in seen.raised),
        lease=seen.facts["lease"],
        latest_move=control_tables.latest_move(seen.state),
        fences={region: seen.fence_of(region) for region in seen.state.order},
        rebuild_needed=seen.rebuild_needed,
        writer_endpoint=seen.endpoint,
        target_reason=why,
        reason=_reason(seen, why, len(steps), standing, overridden, bound),
    )


def _loss(seen: Situation) -> tuple[Mapping[str, Any] | None, str | None, float | None]:
    """Return the lag sample, the safe instant and the bound of what the promotion loses; None for what is unknown.

    Once an earlier attempt has requested the promotion, they are what it recorded. If it recorded nothing, the target's
    last sample still has a safe instant: a writer has no lag metric, so the sample is from before the promotion.
    """
    sample = seen.facts.value("lag")
    newest = (sample or {}).get("safe_instant")
    if seen.is_promotion_open:
        bound = rpo_bound_ms(sample) if seen.has_writer_stopped else None
        return sample, newest, 0 if seen.method == SWITCHOVER else bound
    kept = {name: value for name, value in seen.run.items() if value not in (None, UNKNOWN, {})}
    # The next attempt may be of another method, which does not change what the promotion has lost.
    methods = seen.methods_recorded or {seen.method}
    # A bound holds for the promotion that was requested when it was stated, not for a later one.
    bound = kept.get("rpo_bound_ms") if seen.promoted_by else None
    instant = kept.get("safe_instant") or (newest if seen.unfinished else None)
    return kept.get("lag"), instant, 0 if methods == {SWITCHOVER} else bound


def _promotion(seen: Situation) -> dict[str, Any]:
    """Return the options of the promotion. What the plan has judged must not be refused once the old region is fenced.

    With auto the module itself detaches where AWS refuses the managed failover and the loss is accepted.
    """
    is_open_choice = seen.request.method == AUTO and seen.method == FAILOVER
    options = {
        "writer_region": seen.target,
        "method": AUTO if is_open_choice else seen.method,
        "accept_data_loss": seen.request.accept_data_loss if is_open_choice else seen.method != SWITCHOVER,
        "max_lag_sample_age": JUDGED_ALREADY,
        # Another run may move the writer after the plan.
        "expected_writer_region": writer_region(seen.facts.value("global_cluster")),
    }
    return {name: value for name, value in options.items() if value is not None}


def _warnings(seen: Situation) -> tuple[str, ...]:
    """Return what does not stop the move but the operator should know."""
    found = []
    for one in seen.raised:
        whose = seen.target if one.group.is_own else f"{one.group.resource} of {seen.target}"
        if one.capacity.is_capped:
            found.append(f"Capacity of {whose}: {one.capacity.reason}")
        if one.stopped and seen.is_enough(one):
            stopped, group = " and ".join(one.stopped), called(seen, one.group)
            found.append(f"{stopped} of {group} is suspended; it runs enough, but replaces none.")
    meant, actual = seen.state.engine_version, (seen.view or {}).get("engine_version")
    if meant and actual and meant != actual:
        found.append(f"The manifest says engine version {meant}, the global database runs {actual}; run site.yml.")
    outside = [region for region in seen.state.order if seen.is_outside(region)]
    if outside:
        words = ", ".join(outside)
        found.append(
            f"Not a member of the global database: {words}; playbooks/failback.yml with rebuild=true rebuilds it."
        )
    return tuple(found)


def _reason(seen: Situation, why: str, left: int, standing: Obstacles, overridden: Obstacles, bound: int | None) -> str:
    if standing:
        return "Refused: " + " ".join(obstacle.sentence for obstacle in standing)
    words = [_where(seen, left, bound)]
    # Which run has made the requested move, where the request does not name its target.
    words += [why] * (seen.is_complete and not seen.request.target_region)
    words += [f"Set aside by {obstacle.override}: {obstacle.sentence}" for obstacle in overridden]
    return " ".join(words)


def _where(seen: Situation, left: int, bound: int | None) -> str:
    if seen.is_complete:
        found = seen.verdict_of(seen.target)
        health = "" if found.verdict == HEALTHY else f" It is {found.verdict}: {found.reason}"
        return f"{seen.target} is already active: it holds the writer and the traffic; nothing is left to move.{health}"
    if seen.is_at_target:
        run = (seen.unfinished or {}).get("run_id")
        return f"{seen.target} holds the writer and the traffic, but run {run} has not ended: {left} steps are left."
    if not seen.is_promotion_open:
        return f"The writer is in or on its way to {seen.target}; {left} steps are left."
    _sample, instant, _bound = _loss(seen)
    unknown = f"unknown; what was committed before {instant} is safe" if instant else "unknown"
    loss = unknown if bound is None else f"at most {bound} ms of writes" if bound else "none"
    health = seen.verdict_of(seen.active).verdict if seen.active else "unknown"
    how = f"{seen.target} can take over from {seen.active} ({health}) by {seen.method} in {left} steps"
    return f"{how}; loss: {loss}."
