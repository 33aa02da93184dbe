# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the planner promises, as examples and for every state the model can reach."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import REQUIRED, Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.storyboard import LawBroken, assert_law
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import (
    EAST,
    EUROPE,
    VERSION,
    WEST,
    Model,
    Region,
    fit_regions,
    models,
)

THREE = {EAST: Region(), WEST: Region(), EUROPE: Region()}
REQUESTS = st.builds(
    Request,
    target_region=st.none() | st.sampled_from((EAST, WEST, EUROPE, "mars-1")),
    expected_active_region=st.none() | st.sampled_from((EAST, WEST)),
    max_replication_lag_ms=st.none() | st.floats(0, 1e6),
    accept_data_loss=st.booleans(),
    force=st.booleans(),
)


def names(plan):
    return [step.step for step in plan.steps]


def codes(plan):
    return [obstacle.code for obstacle in plan.obstacles]


def plan_of(model, **request):
    return build_plan(model.state(), Request(**request))


def only_obstacle(model, **request):
    plan = plan_of(model, **request)
    assert len(plan.obstacles) == 1, codes(plan)
    return plan.obstacles[0]


# --- the story -------------------------------------------------------------------------------------------------------


def test_moves_a_lost_region_in_the_order_of_the_law():
    plan = plan_of(Model().lose(EAST))
    assert not plan.obstacles
    assert names(plan) == ["promote_request", "promote_wait", "traffic", "verify", "notify", "record"]
    assert {step.region for step in plan.steps} == {WEST}
    assert plan.reason == (
        "us-east-2 can take over from us-east-1 (unknown) in 6 steps; loss: at most 20120 ms of writes."
    )


def test_asks_for_capacity_right_after_the_promotion_was_requested():
    plan = plan_of(replace(Model(), manifest_desired=4).lose(EAST))
    assert names(plan)[:5] == ["promote_request", "capacity_ask", "promote_wait", "capacity_wait", "traffic"]
    assert plan.capacity_wanted == 4
    assert plan.capacity_reason == "4, the largest of us-east-2 now: 2, us-east-1 by the manifest: 4."


def test_capacity_follows_what_the_active_region_runs_where_it_can_be_read():
    plan = plan_of(Model().change(EAST, desired=5, healthy=0), target_region=WEST)
    assert plan.capacity_wanted == 5


def test_capacity_stays_below_the_maximum_of_the_target_and_says_so():
    plan = plan_of(Model().lose(EAST).change(WEST, maximum=3), target_region=WEST)
    capped = plan_of(replace(Model(), manifest_desired=5).lose(EAST).change(WEST, maximum=3))
    assert (plan.capacity_wanted, plan.warnings) == (2, ())
    assert capped.capacity_wanted == 3
    assert "the maximum of us-east-2, although 5 are wanted" in capped.warnings[0]


def test_only_traffic_is_left_once_the_writer_is_at_the_target():
    plan = plan_of(replace(Model().lose(EAST), writer=WEST), target_region=WEST, expected_active_region=EAST)
    assert (names(plan), plan.obstacles) == (["traffic", "verify", "notify", "record"], ())
    assert plan.active_region == EAST


def test_joins_a_move_to_the_target_that_is_in_flight():
    plan = plan_of(replace(Model().lose(EAST), moving_to=WEST))
    assert names(plan)[0] == "promote_wait"
    assert not plan.obstacles


def test_goes_on_once_the_promotion_was_accepted_although_the_target_could_not_be_chosen_now():
    moving = replace(Model(), moving_to=WEST).change(WEST, healthy=0, instances=("rebooting",), lag_ms=None)
    plan = plan_of(moving, target_region=WEST, max_replication_lag_ms=0)
    assert not plan.obstacles
    assert names(plan)[:3] == ["promote_wait", "capacity_wait", "traffic"]


@pytest.mark.parametrize(
    "moved",
    [
        replace(Model().lose(EAST), writer=WEST).change(WEST, instances=("rebooting", "available")),
        replace(Model().lose(EAST), writer=WEST).change(WEST, cluster_status="promoting"),
        replace(Model().lose(EAST), writer=WEST, moving_to=WEST),
    ],
    ids=["writer instance not available", "cluster not available", "operation still in flight"],
)
def test_being_the_writer_is_not_enough_to_be_proven(moved):
    assert names(plan_of(moved, target_region=WEST))[0] == "promote_wait"


# --- obstacles: each alone, with its figures -------------------------------------------------------------------------


def test_refuses_a_target_the_manifest_does_not_have():
    found = only_obstacle(Model(), target_region="mars-1")
    assert found.code == "unknown_target"
    assert found.sentence == "target_region is mars-1; allowed: a region of the manifest (us-east-1, us-east-2)."


def test_refuses_the_active_region_as_target():
    plan = plan_of(Model(), target_region=EAST)
    assert (codes(plan), names(plan)) == (["target_is_active"], [])


def test_refuses_where_somebody_else_is_active():
    found = only_obstacle(replace(Model().lose(EAST), regions=THREE).lose(EAST), expected_active_region=EUROPE)
    assert found.code == "expected_active_region_differs"
    assert "expected_active_region is eu-west-1, but the writer is in us-east-1" in found.sentence


def test_refuses_while_aurora_moves_the_writer_elsewhere():
    busy = replace(Model(regions=THREE).lose(EAST), moving_to=EUROPE)
    assert only_obstacle(busy, target_region=WEST).code == "operation_in_flight"


def test_refuses_while_aurora_gives_up_a_move_to_the_target():
    busy = replace(Model().lose(EAST), moving_to=WEST, moving_status="cancelling")
    assert only_obstacle(busy, target_region=WEST).code == "operation_in_flight"


@pytest.mark.parametrize("fact", ["global_cluster", "cluster", "instances", "targets", "group", "statements"])
def test_refuses_where_a_required_fact_of_the_target_is_unknown(fact):
    plan = plan_of(Model().lose(EAST).change(WEST, unknown=frozenset({fact})), target_region=WEST)
    found = next(obstacle for obstacle in plan.obstacles if obstacle.code == "target_unreadable")
    assert fact in found.sentence
    assert found.override is None


def test_refuses_a_target_without_healthy_targets():
    found = only_obstacle(Model().lose(EAST).change(WEST, healthy=0), force=True)
    assert found.code == "target_has_no_healthy_target"
    assert found.sentence == "us-east-2 has no healthy target: 0 of 2 registered ones; at least 1 is needed."


@pytest.mark.parametrize("instances", [(), ("rebooting", "creating")])
def test_refuses_a_target_without_an_available_instance(instances):
    found = only_obstacle(Model().lose(EAST).change(WEST, instances=instances))
    assert found.code == "target_has_no_database_instance"
    assert found.sentence.startswith(f"None of the {len(instances)} instances of c-us-east-2")


def test_refuses_a_target_whose_cluster_is_stopped():
    found = only_obstacle(Model().lose(EAST).change(WEST, cluster_status="stopped"))
    assert (found.code, "is stopped" in found.sentence) == ("target_has_no_database_instance", True)


def test_refuses_a_target_of_another_engine_version():
    found = only_obstacle(Model().lose(EAST).change(WEST, version="8.0.mysql_aurora.3.04.1"))
    assert found.code == "engine_version_differs"
    assert "runs 8.0.mysql_aurora.3.04.1, the global database 8.0.mysql_aurora.3.04.0" in found.sentence


def test_a_stale_version_in_the_manifest_is_a_warning_not_an_obstacle():
    newer = "8.0.mysql_aurora.3.05.2"
    plan = plan_of(replace(Model(), global_version=newer).lose(EAST).change(WEST, version=newer))
    assert not plan.obstacles
    assert plan.warnings == (
        f"The manifest says engine version {VERSION}, the global database runs {newer}; run site.yml.",
    )


def test_refuses_a_member_that_is_still_being_rebuilt_unless_loss_is_accepted():
    model = Model().lose(EAST).change(WEST, resync=True)
    assert only_obstacle(model).code == "target_not_synchronized"
    plan = plan_of(model, accept_data_loss=True)
    assert [one.code for one in plan.overridden] == ["target_not_synchronized"]
    assert "Set aside by accept_data_loss: true" in plan.reason


@pytest.mark.parametrize(
    "change, limit, code",
    [
        ({"lag_ms": None}, 5000, "lag_unknown"),
        ({"unknown": frozenset({"lag"})}, 5000, "lag_unknown"),
        ({"lag_age": 301}, 5000, "lag_sample_old"),
        ({"lag_ms": 5001}, 5000, "lag_above_limit"),
    ],
)
def test_refuses_when_the_loss_is_unknown_or_too_high(change, limit, code):
    model = Model().lose(EAST).change(WEST, **change)
    found = only_obstacle(model, max_replication_lag_ms=limit)
    assert (found.code, found.override) == (code, "accept_data_loss: true")
    assert not plan_of(model, max_replication_lag_ms=limit, accept_data_loss=True).obstacles


@pytest.mark.parametrize("change", [{"lag_ms": 900000.0}, {"lag_ms": None}, {"lag_age": 3000.0}])
def test_lag_is_reported_and_not_enforced_where_no_limit_is_given(change):
    plan = plan_of(Model().lose(EAST).change(WEST, **change))
    assert not plan.obstacles
    assert (plan.rpo_bound_ms is None) is (change.get("lag_ms", 0) is None)


def test_refuses_to_leave_a_healthy_region_unless_forced():
    found = only_obstacle(Model())
    assert (found.code, found.override) == ("primary_healthy", "force: true")
    assert "2 of 2 registered targets are healthy" in found.sentence
    assert not plan_of(Model(), force=True).obstacles


def test_refuses_a_region_that_is_no_member():
    state = Model().lose(EAST).state()
    view = state.facts[WEST]["global_cluster"].value
    view["members"] = [member for member in view["members"] if member["region"] != WEST]
    assert codes(build_plan(state, Request())) == ["target_incomplete"]


# --- the default target ----------------------------------------------------------------------------------------------


def test_the_only_standby_is_chosen():
    plan = plan_of(Model().lose(EAST))
    assert (plan.target_region, plan.target_reason) == (
        WEST,
        "us-east-2 was chosen: it is the only standby of us-east-1.",
    )


@pytest.mark.parametrize(
    "west, europe, chosen",
    [
        ({"lag_ms": 500.0}, {"lag_ms": 120.0}, EUROPE),
        ({"healthy": 0, "lag_ms": 1.0}, {}, EUROPE),
        ({"unknown": frozenset({"targets"}), "lag_ms": 1.0}, {}, EUROPE),
        ({"lag_ms": None}, {"lag_ms": 9000.0}, EUROPE),
        ({"healthy": 2}, {"healthy": 3, "registered": 3}, EUROPE),
        ({}, {}, WEST),
    ],
)
def test_the_fittest_standby_is_chosen_and_the_reason_says_why(west, europe, chosen):
    model = Model(regions=THREE).lose(EAST).change(WEST, **west).change(EUROPE, **europe)
    plan = plan_of(model)
    assert plan.target_region == chosen
    assert plan.target_reason.startswith(f"{chosen} was chosen as the fittest standby of us-east-1: healthy, lag ")


def test_a_cut_off_writer_is_not_believed_over_a_standby():
    state = replace(Model(regions=THREE), writer=WEST, traffic=WEST).state()
    stale = state.facts[EAST]["global_cluster"].value
    for member in stale["members"]:
        member["is_writer"] = member["region"] == EAST
    assert build_plan(state, Request(target_region=EUROPE)).writer_region == WEST


# --- for every state -------------------------------------------------------------------------------------------------


@given(models(), REQUESTS)
def test_traffic_never_moves_before_the_writer_is_proven_and_the_capacity_is_there(model, request):
    plan = build_plan(model.state(), request)
    if "traffic" not in names(plan):
        return
    before = names(plan)[: names(plan).index("traffic")]
    seen = Situation(model.state(), request, plan.target_region)
    assert seen.is_writer_proven or "promote_wait" in before
    assert seen.is_capacity_ready or "capacity_wait" in before


@given(models(), REQUESTS)
def test_a_plan_without_obstacles_knows_everything_about_its_target(model, request):
    plan = build_plan(model.state(), request)
    if plan.obstacles:
        assert plan.reason.startswith("Refused: ")
        return
    assert not model.state().facts[plan.target_region].unknown(REQUIRED)


@given(models(), REQUESTS, st.sampled_from(REQUIRED))
def test_what_becomes_unknown_about_the_target_never_clears_the_way(model, request, fact):
    target = build_plan(model.state(), request).target_region
    assume(target in model.regions)
    blind = model.change(target, unknown=model.regions[target].unknown | {fact})
    assert build_plan(blind.state(), replace(request, target_region=target)).obstacles


@given(models(), REQUESTS)
def test_capacity_is_never_lowered_and_never_above_the_maximum(model, request):
    plan = build_plan(model.state(), request)
    group = model.facts(plan.target_region).value("group") if plan.target_region in model.regions else None
    if group:
        assert group["desired"] <= plan.capacity_wanted <= group["max"]


@given(models(), REQUESTS)
def test_the_loss_is_bounded_by_lag_and_age_or_not_known(model, request):
    plan = build_plan(model.state(), request)
    if plan.lag:
        assert plan.rpo_bound_ms == round(plan.lag["value_ms"] + 1000 * plan.lag["age_seconds"])
    else:
        assert plan.as_result()["rpo_bound_ms"] == "unknown"


@example(Model().lose(EAST), True)
@given(models(fit_regions()), st.booleans())
def test_an_interrupted_plan_goes_on_with_the_rest(model, is_target_named):
    request = Request(force=True)
    first = build_plan(model.state(), request)
    assume(not first.obstacles)
    if is_target_named:
        request = replace(request, target_region=first.target_region)
    assert names(build_plan(model.state(), request)) == names(first)
    for done, step in enumerate(first.steps, start=1):
        model = model.after(step.step, first)
        again = build_plan(model.state(), replace(request, target_region=first.target_region))
        if model.writer == model.traffic == first.target_region and not model.moving_to:
            assert codes(again) == ["target_is_active"]
            continue
        again = build_plan(model.state(), request)
        assert again.target_region == first.target_region
        assert (codes(again), names(again)) == ([], names(first)[done:])


def test_a_story_that_breaks_the_law_is_not_told():
    seen = Situation(Model().lose(EAST).state(), Request(), WEST)
    with pytest.raises(LawBroken, match="before its writer is proven"):
        assert_law(seen, ["traffic", "promote_wait"])
    with pytest.raises(LawBroken, match="before its capacity is there"):
        seen = Situation(Model().lose(EAST).change(WEST, healthy=1).state(), Request(), WEST)
        assert_law(seen, ["promote_wait", "traffic"])
