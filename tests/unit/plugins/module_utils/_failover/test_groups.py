# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the planner promises of regions with several groups: the order of raising and stopping them, and that none is
forgotten.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AT_ONCE,
    AUTOSCALING,
    ECS,
    WHEN_HEALTHY,
    ComputeGroup,
    groups_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    DONE,
    FAILED,
    FENCED,
    NOT_FENCED,
    UNKNOWN,
    outcome_of,
)
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
    fit_models,
    models,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.test_resumption import (
    REQUESTS as REQUESTS_THAT_END,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.test_resumption import (
    interrupted_after,
)

SIZES = {"min": 2, "desired": 2, "max": 6}
GATEWAY = ComputeGroup("gateway", ECS, "trading/gateway", SIZES)
MATCHING = ComputeGroup("matching", AUTOSCALING, "trading-matching", SIZES)
OWN = ComputeGroup(sizes=SIZES, resource="resource")
ORDER = (GATEWAY, MATCHING, OWN)


def seen_of(desired=2, healthy=None, **more):
    """A group's fact: what it runs, all of it healthy."""
    counts = {"desired": desired, "in_service": desired, "healthy": desired if healthy is None else healthy}
    return {"min": desired, "max": 6, "suspended": [], **counts, **more}


def with_groups(state, groups=ORDER, **seen):
    """The state, with these groups in every region. seen: the fact of a group of WEST, by its name."""
    facts = {}
    for region, known in state.facts.items():
        own = dict(known._observations)
        if known["group"].known:
            own |= {one.fact: Observation(seen_of()) for one in groups if not one.is_own}
        if region == WEST:
            own |= {f"group_{name}": Observation(fact) for name, fact in seen.items()}
        facts[region] = Facts(region, own)
    return replace(state, facts=facts, groups=dict.fromkeys(state.order, groups))


def lost(groups=ORDER, wanted=4, **seen):
    """A lost region whose groups ran ``wanted`` each, and a standby."""
    grown = tuple(replace(one, sizes={**SIZES, "desired": wanted}) for one in groups)
    return with_groups(Model().lose(EAST).state(), grown, **seen)


def of_capacity(plan):
    return [name for name in names(plan) if name.startswith("capacity_")]


def test_each_group_starts_once_the_one_before_it_is_healthy():
    plan = plan_of(lost())
    assert of_capacity(plan) == [
        *("capacity_ask_gateway", "capacity_wait_gateway", "capacity_ask_matching", "capacity_wait_matching"),
        *("capacity_ask", "capacity_wait"),
    ]
    assert names(plan).index("capacity_ask_gateway") < names(plan).index("promote_wait")
    assert names(plan).index("capacity_wait") < names(plan).index("traffic")
    why = {step.step: step.why for step in plan.steps}
    assert why["capacity_ask_gateway"].endswith("Tasks start while the promotion runs.")
    assert why["capacity_ask_matching"].endswith("Instances start once the groups before it are healthy.")
    groups = [step.group for step in plan.steps if step.group]
    assert [one["name"] for one in groups[::2]] == ["gateway", "matching", "application"]
    assert {one["wanted"] for one in groups} == {4} and groups[0]["ecs_service"] == "trading/gateway"


def test_groups_that_start_at_once_start_together_and_the_traffic_waits_for_all():
    together = (replace(GATEWAY, start_next=AT_ONCE), MATCHING, OWN)
    assert of_capacity(plan_of(lost(together))) == [
        *("capacity_ask_gateway", "capacity_ask_matching", "capacity_wait_gateway", "capacity_wait_matching"),
        *("capacity_ask", "capacity_wait"),
    ]


def test_a_group_that_waits_for_nothing_more_starts_while_the_promotion_runs():
    plan = names(plan_of(lost(gateway=seen_of(4))))
    assert "capacity_ask_gateway" not in plan
    assert plan.index("capacity_ask_matching") < plan.index("promote_wait") < plan.index("capacity_wait_matching")


def test_a_killed_run_goes_on_with_the_group_at_which_it_stopped():
    asked = lost(gateway=seen_of(4), matching=seen_of(4, healthy=1))
    assert of_capacity(plan_of(asked)) == ["capacity_wait_matching", "capacity_ask", "capacity_wait"]


def test_a_planned_move_raises_all_of_them_before_the_promotion():
    grown = tuple(replace(one, sizes={**SIZES, "desired": 4}) for one in ORDER)
    plan = names(plan_of(with_groups(Model().state(), grown), method="switchover"))
    assert plan[:6] == of_capacity(plan_of(lost())) and plan.index("promote_request") > 5


def test_the_fence_stops_them_in_the_reverse_order_and_none_that_is_stopped_again():
    plan = plan_of(lost(), fencing="application_capacity")
    fences = [step for step in plan.steps if step.step.startswith("fence_application")]
    assert [one.step for one in fences] == [
        "fence_application",
        "fence_application_matching",
        "fence_application_gateway",
    ]
    assert {one.region for one in fences} == {EAST}
    assert names(plan).index("traffic") < names(plan).index("fence_application")


@pytest.mark.parametrize(
    "seen, code, words",
    [
        ({"gateway": None}, "target_incomplete", f"{WEST} has no ECS service trading/gateway."),
        ({"matching": None}, "target_incomplete", f"{WEST} has no Auto Scaling group trading-matching."),
        (
            {"matching": seen_of(1, suspended=["Launch"])},
            "target_capacity_suspended",
            f"Launch of the Auto Scaling group trading-matching of {WEST} is suspended",
        ),
    ],
)
def test_a_group_that_is_missing_or_cannot_grow_is_refused_by_its_name(seen, code, words):
    plan = plan_of(lost(**seen))
    assert codes(plan) == [code] and words in plan.obstacles[0].sentence


def test_a_group_that_could_not_be_read_is_unknown_and_refused():
    state = lost()
    own = {**state.facts[WEST]._observations, "group_matching": Observation(error="ThrottlingException")}
    plan = plan_of(replace(state, facts={**state.facts, WEST: Facts(WEST, own)}))
    assert codes(plan) == ["target_unreadable"] and "group_matching: ThrottlingException" in plan.obstacles[0].sentence


def test_what_a_health_check_last_saw_of_a_group_counts_for_a_lost_region():
    state = replace(lost(wanted=2), capacity_seen={f"{EAST}/matching": 5, EAST: 3})
    plan = plan_of(state)
    assert [one["wanted"] for one in plan.capacity_groups] == [2, 5, 3]


ORDERS = st.permutations(ORDER).flatmap(
    lambda order: st.tuples(
        *(
            st.sampled_from((AT_ONCE, WHEN_HEALTHY)).map(lambda kind, one=one: replace(one, start_next=kind))
            for one in order
        )
    )
)
COUNTS = st.integers(0, 6)
FACTS = st.builds(lambda desired, healthy: seen_of(desired, min(desired, healthy)), COUNTS, COUNTS)


@given(models(), REQUESTS, ORDERS, FACTS, FACTS)
def test_every_plan_keeps_the_invariants_with_any_groups_in_any_order(model, request, groups, gateway, matching):
    plan = build_plan(with_groups(model.state(), groups, gateway=gateway, matching=matching), request)
    raised = [step.group["name"] for step in plan.steps if step.group and step.group["step"] == "capacity_ask"]
    assert raised == [one.name for one in groups if one.name in raised]


@settings(max_examples=60)
@given(fit_models(), REQUESTS_THAT_END, ORDERS, st.lists(st.integers(0, 20), min_size=1, max_size=4))
def test_runs_that_are_killed_anywhere_raise_and_stop_every_group_in_the_end(model, request, groups, deaths):
    state, target, done = with_groups(model.state(), groups), None, []
    for count in (*deaths, 30):
        plan = build_plan(state, request)
        assume(not plan.obstacles)
        if plan.is_complete:
            break
        target = target or plan.target_region
        request = replace(request, target_region=target)
        done += [step for step in plan.steps[:count] if step.group]
        state = interrupted_after(state, plan, count, request)
    assert build_plan(state, request).is_complete
    asked = [step.group["name"] for step in done if step.group["step"] == "capacity_ask"]
    assert asked == [one.name for one in groups if one.name in asked], "each once, in order"
    stopped = [step.group["name"] for step in done if step.group["step"] == "fence_application"]
    assert stopped == [one.name for one in reversed(groups) if one.name in stopped], "each once, the last one first"


def test_the_platforms_own_group_is_the_last_unless_the_list_places_it():
    entry = {
        "autoscaling_group_name": "asg",
        "compute_groups": [{"name": "gateway", "ecs_service": "a/b", "compute": ECS}],
    }
    assert [one.name for one in groups_of(entry)] == ["gateway", "application"]
    entry["compute_groups"].insert(0, {"name": "application", "start_next": AT_ONCE})
    assert [(one.name, one.resource) for one in groups_of(entry)] == [("application", "asg"), ("gateway", "a/b")]
    assert groups_of(entry)[0].start_next == AT_ONCE
    assert [one.name for one in groups_of({**entry, "compute": "none"})] == ["gateway"]


@pytest.mark.parametrize(
    "states, outcome",
    [((DONE, DONE), FENCED), ((DONE, FAILED), UNKNOWN), ((FAILED, FAILED), NOT_FENCED), (("intended", DONE), UNKNOWN)],
)
def test_a_region_counts_as_fenced_only_if_all_of_its_groups_were_stopped(states, outcome):
    latest, earlier = (
        {"mode": "application_capacity", "autoscaling_group_name": f"group-{place}", "state": state}
        for place, state in enumerate(states)
    )
    assert outcome_of({**latest, "earlier": [earlier]}) == outcome
