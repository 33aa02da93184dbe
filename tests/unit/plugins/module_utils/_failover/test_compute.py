# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the planner promises of regions that run their application on an ECS service, or on nothing of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    COMPUTE_MEMBERS,
    ECS,
    NO_COMPUTE,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.tests.unit.failover_model import own_groups
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.ask import (
    REQUESTS,
    codes,
    names,
    plan_of,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import (
    EAST,
    WEST,
    Model,
    models,
)

RAISING = {"capacity_ask", "capacity_wait", "fence_application"}
SERVICE = {"min": 2, "desired": 2, "max": None, "in_service": 2, "is_scaled": False, "suspended": []}


def on(compute, state):
    """The state, with every region's application on this compute, and no fact of a group where there is none."""
    facts = state.facts
    if compute == NO_COMPUTE:
        facts = {region: without_group(seen) for region, seen in facts.items()}
    (sizes,) = {tuple(one.sizes.items()) for groups in state.groups.values() for one in groups}
    return replace(state, facts=facts, groups=own_groups(state.order, dict(sizes), compute))


def without_group(seen):
    kept = {name: fact for name, fact in seen._observations.items() if name != "group"}
    return Facts(seen.region, kept)


def with_group(state, region, group):
    seen = state.facts[region]
    return replace(
        state, facts={**state.facts, region: Facts(region, {**seen._observations, "group": Observation(group)})}
    )


def test_without_compute_nothing_is_raised_awaited_or_fenced_and_the_plan_says_so():
    state = on(NO_COMPUTE, replace(Model(), manifest_desired=9).lose(EAST).state())
    plan = plan_of(state, fencing="application_capacity")
    assert plan.obstacles == () and not RAISING & set(names(plan))
    assert (plan.fencing, plan.capacity_wanted) == ("none", 0)
    assert plan.capacity_reason == f"none: {WEST} has no compute of its own, so no step raises or awaits capacity."


@pytest.mark.parametrize(
    "healthy, registered, code",
    [(0, 4, "target_has_no_healthy_target"), (1, 4, "targets_unhealthy"), (2, 4, None), (4, 4, None)],
)
def test_without_compute_the_targets_are_judged_by_their_health(healthy, registered, code):
    state = on(NO_COMPUTE, Model().lose(EAST).change(WEST, healthy=healthy, registered=registered).state())
    plan = plan_of(state)
    assert codes(plan) == ([code] if code else [])
    assert codes(plan_of(state, force=True)) == ([code] if healthy == 0 else [])


@given(models(), REQUESTS, st.sampled_from(sorted(COMPUTE_MEMBERS)))
def test_every_plan_keeps_the_invariants_on_every_compute(model, request, compute):
    state = on(compute, model.state())
    plan = build_plan(state, request)
    if compute == NO_COMPUTE and plan.target_region in state.order:
        assert not RAISING & set(names(plan)) and plan.capacity_wanted == 0


def test_a_service_gets_what_the_lost_region_ran_by_calls_of_its_own():
    state = on(ECS, replace(Model(), manifest_desired=4).lose(EAST).state())
    plan = plan_of(state, fencing="application_capacity")
    calls = {step.step: step.calls for step in plan.steps}
    assert plan.capacity_wanted == 4
    assert calls["capacity_ask"][-1] == "ecs:UpdateService" and "ecs:UpdateService" in calls["fence_application"]
    assert "Tasks start while the promotion runs." in next(one.why for one in plan.steps if one.step == "capacity_ask")


def test_a_service_that_nothing_scales_has_no_maximum_and_nothing_lowers_it():
    state = with_group(on(ECS, replace(Model(), manifest_desired=40).lose(EAST).state()), WEST, SERVICE)
    assert (plan_of(state).capacity_wanted, plan_of(state).warnings) == (40, ())
    enough = with_group(on(ECS, Model().lose(EAST).state()), WEST, SERVICE)
    assert "capacity_ask" not in names(plan_of(enough))


def test_a_missing_service_is_named_as_one():
    state = with_group(on(ECS, Model().lose(EAST).state()), WEST, None)
    (obstacle,) = [one for one in plan_of(state).obstacles if one.code == "target_incomplete"]
    assert obstacle.sentence == f"{WEST} has no ECS service."
