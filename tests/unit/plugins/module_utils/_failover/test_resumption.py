# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A run that was interrupted anywhere goes on with the rest, by any method, and does nothing twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import METHODS
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    FENCINGS,
    Request,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import HEALTHY
from ansible_collections.trading.multi_region.tests.unit import failover_model as platform
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.ask import codes, names
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import (
    EAST,
    EUROPE,
    WEST,
    Model,
    fit_models,
)

# Best effort in a region that does not answer, and what leaves nothing to be seen: done again by every attempt. The
# switch is turned again where a region cannot be read, which says nothing new.
AGAIN = {"fence", "fence_application", "announce", "endpoint_wait", "traffic", "verify", "notify"}
# Omitted from a later plan if an earlier step has made it unnecessary.
NEEDLESS = {"repoint", "capacity_ask", "capacity_wait"}
# What must be asked for once only.
ONCE = {"promote_request", "unfence", "record"}
REQUESTS = st.builds(
    Request,
    method=st.sampled_from((*METHODS, AUTO)),
    fencing=st.sampled_from(FENCINGS),
    force=st.just(True),
    accept_data_loss=st.booleans(),
)


def interrupted_after(state, plan, count, request):
    """Return the state after a run took its lease, carried out the first steps of its plan, and was killed."""
    state = platform.take_lease(state, plan.target_region, method=request.method)
    for step in plan.steps[:count]:
        state = platform.apply(state, step, replace(request, target_region=plan.target_region))
    return platform.killed(state)


def is_rest(again, rest):
    """Return whether the later plan is the rest of the earlier, but for what is done again or became needless."""
    kept = [name for name in again if name not in AGAIN]
    left = [name for name in rest if name not in AGAIN]
    return kept == [name for name in left if name in kept or name not in NEEDLESS]


@example(Model().lose(EAST), Request(force=True), True)
@example(Model().lose(EAST), Request(force=True, method="detach", accept_data_loss=True), False)
@example(Model(), Request(method="switchover"), False)
@example(Model().change(EAST, healthy=0), Request(fencing="application_capacity"), False)
@given(fit_models(), REQUESTS, st.booleans())
def test_an_interrupted_plan_continues_with_the_rest(model, request, is_target_named):
    start = model.state()
    first = build_plan(start, request)
    assume(not first.obstacles and first.steps)
    if is_target_named:
        request = replace(request, target_region=first.target_region)
    for count in range(len(first.steps) + 1):
        state = interrupted_after(start, first, count, request)
        again = build_plan(state, replace(request, target_region=first.target_region))
        if count == len(first.steps):
            assert (again.is_complete, names(again), codes(again)) == (True, [], [])
            return
        assert codes(again) == [], again.reason
        assert is_rest(names(again), names(first)[count:]), (names(again), names(first)[count:])
        assert not {step.step for step in first.steps[:count]} & ONCE & set(names(again))
        assert build_plan(state, request).target_region == first.target_region


@example(Model().lose(EAST), Request(force=True))
@example(Model(), Request(method="switchover"))
@example(Model(), Request(method="auto", expected_active_region=EAST))
@given(fit_models(), REQUESTS)
def test_the_same_request_right_after_its_success_changes_nothing(model, request):
    start, request = model.state(), replace(request, trigger="by hand")
    first = build_plan(start, request)
    assume(not first.obstacles and first.steps and first.active_region != first.target_region)
    done = interrupted_after(start, first, len(first.steps), request)
    assume(Situation(done, request, first.target_region).verdict_of(first.target_region).verdict == HEALTHY)
    again = build_plan(done, request)
    assert (again.target_region, again.is_complete) == (first.target_region, True), again.reason
    assert (names(again), codes(again)) == ([], [])


@given(fit_models(), REQUESTS, st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_attempts_that_die_one_after_the_other_get_there_and_ask_once(model, request, deaths):
    state, done = model.state(), []
    target = None
    for count in (*deaths, 20):
        plan = build_plan(state, request)
        assume(not plan.obstacles)
        if plan.is_complete:
            break
        target = target or plan.target_region
        assert plan.target_region == target
        request = replace(request, target_region=target)
        state = interrupted_after(state, plan, count, request)
        done += names(plan)[:count]
    assert build_plan(state, request).is_complete
    assert all(done.count(name) <= 1 for name in ONCE - {"record"})


def test_a_run_interrupted_before_fencing_the_application_fences_it_in_the_end():
    request = Request(fencing="application_capacity", target_region=WEST)
    start = Model().change(EAST, healthy=0).state()
    first = build_plan(start, request)
    upto = names(first).index("traffic") + 1
    state = interrupted_after(start, first, upto, request)
    again = build_plan(state, request)
    assert names(again) == ["announce", "fence_application", "verify", "notify", "record"]
    done = interrupted_after(state, again, 5, request)
    assert done.facts[EAST].value("group")["desired"] == 0
    assert build_plan(done, request).latest_move.value["from_region"] == EAST


def test_there_and_back_again_ends_where_it_began():
    start = platform.platform(EAST, WEST, EUROPE)
    state = start
    for target in (WEST, EAST):
        request = Request(method="switchover", target_region=target)
        plan = build_plan(state, request)
        assert not plan.obstacles
        state = interrupted_after(state, plan, len(plan.steps), request)
        state = platform.resynchronize(state, EAST if target == WEST else WEST)
    assert (platform.view_of(state), state.traffic_region) == (platform.view_of(start), start.traffic_region)
    assert all(state.facts[name].value("group") == start.facts[name].value("group") for name in state.order)


def test_after_a_detach_the_platform_is_rebuilt_and_goes_home():
    request = Request(method="detach", accept_data_loss=True, target_region=WEST, fencing="application_capacity")
    state = Model().change(EAST, healthy=0).state()
    plan = build_plan(state, request)
    state = interrupted_after(state, plan, len(plan.steps), request)
    home = Request(method="switchover", target_region=EAST)
    assert codes(build_plan(state, home)) == ["active_region_detached"]
    back = build_plan(platform.rebuild(state, WEST), home)
    assert (codes(back), names(back)[0]) == ([], "unfence")
