# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the planner promises: the order of each method, the default target, and what holds for every state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import REQUIRED, Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request
from ansible_collections.trading.multi_region.tests.unit import failover_model as platform
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.ask import (
    REQUESTS,
    THREE,
    names,
    overridden,
    plan_of,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import (
    EAST,
    EUROPE,
    WEST,
    Model,
    models,
)

ENDING = ["verify", "notify", "record"]
DETACH = {"method": "detach", "accept_data_loss": True}

# --- the story -------------------------------------------------------------------------------------------------------


def test_moves_a_lost_region_in_the_order_of_the_law():
    plan = plan_of(Model().lose(EAST))
    assert not plan.obstacles
    assert names(plan) == ["fence", "promote_request", "announce", "promote_wait", "endpoint_wait", "traffic", *ENDING]
    assert {step.step: step.region for step in plan.steps if step.region != WEST} == {"fence": EAST}
    assert plan.reason == (
        "us-east-2 can take over from us-east-1 (unknown) by failover in 9 steps; loss: unknown; what was "
        "committed before 2027-01-15T07:59:40.000Z is safe."
    )


def test_a_platform_without_topics_is_moved_in_the_same_order_and_notifies_nobody():
    plan = plan_of(replace(Model().lose(EAST).state(), has_topics=False))
    assert names(plan) == names(plan_of(Model().lose(EAST)))
    assert "sns:Publish" not in {call for step in plan.steps for call in step.calls}
    (notify,) = (step for step in plan.steps if step.step == "notify")
    assert notify.why == "Nobody is notified: this platform has no topic (platform_layers.monitoring)."


def test_asks_for_capacity_right_after_the_promotion_was_requested():
    plan = plan_of(replace(Model(), manifest_desired=4).lose(EAST))
    assert names(plan) == (
        [
            "fence",
            "promote_request",
            "capacity_ask",
            "announce",
            "promote_wait",
            "capacity_wait",
            "endpoint_wait",
            "traffic",
            *ENDING,
        ]
    )
    assert plan.capacity_wanted == 4
    assert plan.capacity_reason == "4, the largest of us-east-2 now: 2, us-east-1 by the manifest: 4."


def test_what_was_last_seen_of_a_lost_region_counts_where_the_manifest_is_older():
    lost = Model().lose(EAST).state()
    plan = plan_of(replace(lost, capacity_seen={EAST: 5}))
    assert plan.capacity_wanted == 5
    assert plan.capacity_reason == (
        "5, the largest of us-east-2 now: 2, us-east-1 by the manifest: 2, us-east-1 when last seen: 5."
    )
    # The manifest counts where it is larger, and a region that can be read is not judged by what it was.
    assert plan_of(replace(lost, capacity_seen={EAST: 1})).capacity_wanted == 2
    assert plan_of(replace(Model().state(), capacity_seen={EAST: 5}), method="switchover").capacity_wanted == 2


def test_a_switchover_risks_nothing_the_target_is_ready_before_the_writer_moves_and_nobody_is_fenced():
    plan = plan_of(Model().change(WEST, desired=1, healthy=1), method="switchover")
    assert not plan.obstacles
    order = [
        "capacity_ask",
        "capacity_wait",
        "announce",
        "promote_request",
        "promote_wait",
        "endpoint_wait",
        "traffic",
        *ENDING,
    ]
    assert names(plan) == order
    asked = next(step for step in plan.steps if step.step == "promote_request")
    assert (asked.region, asked.calls) == (EAST, ("rds:SwitchoverGlobalCluster",))
    assert (plan.rpo_bound_ms, plan.reason.endswith("loss: none.")) == (0, True)


def test_a_detach_leaves_the_global_database_and_repoints_the_applications():
    plan = plan_of(Model().lose(EAST), **DETACH)
    order = ["fence", "promote_request", "announce", "promote_wait", "repoint", "endpoint_wait", "traffic", *ENDING]
    assert names(plan) == order
    calls = {step.step: (step.region, step.calls) for step in plan.steps}
    assert calls["promote_request"] == (WEST, ("rds:RemoveFromGlobalCluster",))
    assert calls["repoint"] == (WEST, ("ssm:PutParameter",))
    assert plan.writer_endpoint.wanted == platform.own_endpoint(WEST)


def test_the_parameter_follows_the_global_endpoint_where_it_says_something_else():
    stale = platform.with_values(Model().lose(EAST).state(), WEST, writer_endpoint=platform.own_endpoint(WEST))
    plan = plan_of(stale)
    assert "repoint" in names(plan)
    assert plan.as_result()["writer_endpoint"] == {
        "parameter": f"/endpoint/{WEST}",
        "current": platform.own_endpoint(WEST),
        "wanted": platform.GLOBAL_ENDPOINT,
        "others": {},
        "silent": {EAST: "no answer within 2.5 s"},
    }


def test_the_old_region_that_responds_is_repointed_too_and_a_silent_one_is_named():
    plan = plan_of(Model().state(), **DETACH)
    assert dict(plan.writer_endpoint.others) == {EAST: f"/endpoint/{EAST}"}
    silent = plan_of(Model().lose(EAST), **DETACH)
    (why,) = [step.why for step in silent.steps if step.step == "repoint"]
    assert (dict(silent.writer_endpoint.others), f"do not respond: {EAST}" in why) == ({}, True)


def test_a_move_repoints_another_region_whose_applications_write_elsewhere():
    state = platform.with_values(Model().state(), EAST, writer_endpoint=platform.own_endpoint(EAST))
    assert "repoint" in names(plan_of(state, method="switchover"))


@pytest.mark.parametrize("method, is_planned", [("auto", True), ("failover", False)])
def test_auto_is_ready_to_repoint_because_aws_may_refuse_the_managed_failover(method, is_planned):
    assert ("repoint" in names(plan_of(Model().lose(EAST), method=method))) is is_planned


def test_nothing_is_repointed_where_the_manifest_names_no_parameter():
    state = replace(Model().lose(EAST).state(), endpoint_parameters={})
    assert "repoint" not in names(plan_of(state, **DETACH))
    assert plan_of(state).as_result()["writer_endpoint"]["parameter"] is None


@pytest.mark.parametrize(
    "fencing, where", [("database_ingress", "fence"), ("application_capacity", "fence_application"), ("none", None)]
)
def test_the_old_region_is_fenced_in_the_way_that_was_asked_for(fencing, where):
    steps = names(plan_of(Model().lose(EAST), fencing=fencing))
    assert [step for step in steps if step.startswith("fence")] == ([where] if where else [])
    if where == "fence_application":
        assert steps.index(where) == steps.index("traffic") + 1


@pytest.mark.parametrize(
    ("has_acls", "calls"),
    [(True, "ec2:ReplaceNetworkAclEntry"), (False, "ec2:RevokeSecurityGroupIngress")],
    ids=["manifest with ACLs", "older manifest"],
)
def test_the_default_fence_is_stateless_where_the_manifest_names_what_it_needs(has_acls, calls):
    plan = plan_of(replace(Model().lose(EAST), has_acls=has_acls))
    assert plan.steps[0].calls == (calls, "dynamodb:PutItem")
    assert plan.as_result()["fencing"] == ("network_acl" if has_acls else "database_ingress")
    assert ("open connections" in plan.steps[0].why) is has_acls
    back = plan_of(replace(Model().lose(EAST), has_acls=has_acls).change(WEST, fence=plan.fencing))
    assert (back.steps[0].step, len(back.steps[0].calls)) == ("unfence", 1)


def test_a_fence_of_another_kind_does_not_stand_for_the_stateless_one():
    model = replace(Model(), has_acls=True).change(EAST, healthy=0)
    assert "fence" in names(plan_of(model.change(EAST, fence="database_ingress")))
    assert "fence" not in names(plan_of(model.change(EAST, fence="network_acl")))


def test_nobody_is_fenced_while_aurora_switches_over_whatever_was_asked_for():
    switching = replace(Model().change(EAST, healthy=0), moving_to=WEST, moving_status="switching-over")
    assert "fence" not in names(plan_of(switching))
    assert "fence" in names(plan_of(replace(switching, moving_status="failing-over")))


def test_a_region_that_is_fenced_already_is_not_fenced_again():
    fenced = Model().change(EAST, fence="database_ingress", healthy=0)
    assert "fence" not in names(plan_of(fenced))
    assert "fence_application" in names(plan_of(fenced, fencing="application_capacity"))


def test_a_copy_of_the_fence_counts_where_the_fenced_region_is_lost():
    state = Model().change(EAST, fence="database_ingress").state()
    copy = state.facts[EAST].value("fences")[EAST]
    state = platform.hidden(platform.with_members(state, WEST, "fences", **{EAST: copy}), EAST)
    assert "fence" not in names(plan_of(state))
    assert plan_of(state).as_result()["fences"] == {EAST: copy["document"], WEST: None}


def test_a_target_that_was_fenced_gets_back_first_what_that_took():
    model = Model().lose(EAST).change(WEST, fence="database_ingress")
    first = plan_of(model).steps[0]
    assert (first.step, first.region, first.calls) == ("unfence", WEST, ("ec2:AuthorizeSecurityGroupIngress",))


def test_a_target_without_application_because_it_was_fenced_is_no_obstacle():
    taken = {"desired": 0, "maximum": 0, "healthy": 0, "registered": 0}
    plan = plan_of(Model().lose(EAST).change(WEST, fence="application_capacity", **taken))
    assert (plan.obstacles, plan.capacity_wanted) == ((), 2)
    assert plan.steps[0].calls == ("autoscaling:UpdateAutoScalingGroup",)
    assert {"unfence", "capacity_ask", "capacity_wait"} < set(names(plan))


def test_the_switch_of_the_platform_is_named():
    state = replace(Model().lose(EAST).state(), switch_calls=("cloudwatch:PutMetricData",))
    assert [one.calls for one in plan_of(state).steps if one.step == "traffic"] == [("cloudwatch:PutMetricData",)]


def test_capacity_follows_what_the_active_region_runs_where_it_can_be_read():
    plan = plan_of(Model().change(EAST, desired=5, healthy=0), target_region=WEST)
    assert plan.capacity_wanted == 5


def test_a_capacity_that_scaling_policies_may_lower_is_requested_too():
    state = Model().change(EAST, healthy=0).state()
    assert "capacity_ask" not in names(plan_of(state))
    assert "capacity_ask" in names(plan_of(platform.with_members(state, WEST, "group", min=1)))


def test_capacity_stays_below_the_maximum_of_the_target_and_says_so():
    plan = plan_of(Model().lose(EAST).change(WEST, maximum=3), target_region=WEST)
    capped = plan_of(replace(Model(), manifest_desired=5).lose(EAST).change(WEST, maximum=3))
    assert (plan.capacity_wanted, plan.warnings) == (2, ())
    assert capped.capacity_wanted == 3
    assert "the maximum of us-east-2, although 5 are wanted" in capped.warnings[0]


def test_only_traffic_is_left_once_the_writer_is_at_the_target():
    plan = plan_of(replace(Model().lose(EAST), writer=WEST), target_region=WEST, expected_active_region=EAST)
    assert (names(plan), plan.obstacles) == (["fence", "announce", "endpoint_wait", "traffic", *ENDING], ())
    assert plan.active_region == EAST


def test_joins_a_move_to_the_target_that_is_in_flight():
    plan = plan_of(replace(Model().lose(EAST), moving_to=WEST), fencing="none")
    assert names(plan)[:2] == ["announce", "promote_wait"]
    assert not plan.obstacles


def test_continues_once_the_promotion_was_accepted_although_the_target_could_not_be_chosen_now():
    moving = replace(Model(), moving_to=WEST).change(WEST, healthy=0, instances=("rebooting",), lag_ms=None)
    plan = plan_of(moving, target_region=WEST, max_replication_lag_ms=0)
    assert not plan.obstacles
    assert names(plan)[:5] == ["fence", "announce", "promote_wait", "capacity_wait", "endpoint_wait"]


@pytest.mark.parametrize(
    "moved",
    [
        replace(Model().lose(EAST), writer=WEST).change(WEST, instances=("rebooting", "available")),
        replace(Model().lose(EAST), writer=WEST).change(WEST, cluster_status="promoting"),
        replace(Model().lose(EAST), writer=WEST, moving_to=WEST),
        Model().lose(EAST).change(WEST, is_member=False, cluster_status="promoting"),
    ],
    ids=["writer instance not available", "cluster not available", "operation still in flight", "still being detached"],
)
def test_being_the_writer_is_not_enough_to_be_proven(moved):
    assert "promote_wait" in names(plan_of(moved, target_region=WEST, method="auto", accept_data_loss=True))


# --- a target that is active already ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["failover", "switchover", "detach", "auto"])
def test_a_target_that_is_active_already_is_a_sentence_and_no_obstacle(method):
    plan = plan_of(Model(), target_region=EAST, expected_active_region=WEST, method=method)
    assert (plan.is_complete, plan.steps, plan.obstacles) == (True, (), ())
    assert plan.reason == ("us-east-1 is already active: it holds the writer and the traffic; nothing is left to move.")


def test_an_active_target_that_does_not_work_says_so():
    assert "It is unhealthy" in plan_of(Model().change(EAST, healthy=0), target_region=EAST).reason


def test_the_books_of_a_run_that_stopped_at_the_end_are_finished():
    plan = plan_of(replace(Model(), writer=WEST, traffic=WEST).change(WEST, lease="failed"))
    assert (names(plan), plan.is_complete, plan.target_region) == (ENDING, False, WEST)
    assert "run run-1 has not ended: 3 steps are left" in plan.reason


def test_an_application_that_was_not_fenced_before_the_run_stopped_is_fenced_then():
    state = replace(Model(), writer=WEST, traffic=WEST).change(WEST, lease="failed").state()
    state = platform.with_values(state, WEST, run={"run_id": "run-1", "method": "failover", "from_region": EAST})
    plan = plan_of(state, fencing="application_capacity")
    assert names(plan) == ["announce", "fence_application", *ENDING]
    assert (plan.steps[1].region, plan.active_region) == (EAST, EAST)


def test_a_later_move_has_made_an_end_of_a_run_that_stopped():
    moved = {"run_id": "run-2", "age_seconds": 0.0, "ended_at": platform.NOW + 5}
    model = replace(Model(), writer=WEST, traffic=WEST, move=moved).change(WEST, lease="failed")
    assert plan_of(model, target_region=WEST).is_complete


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
        ({"is_member": False, "lag_ms": 1.0}, {}, EUROPE),
        ({}, {}, WEST),
    ],
)
def test_the_fittest_standby_is_chosen_and_the_reason_says_why(west, europe, chosen):
    model = Model(regions=THREE).lose(EAST).change(WEST, **west).change(EUROPE, **europe)
    plan = plan_of(model)
    assert plan.target_region == chosen
    assert plan.target_reason.startswith(f"{chosen} was chosen as the best standby of us-east-1: healthy, lag ")


def test_between_equal_standbys_the_preference_decides_and_not_the_order_of_the_switch():
    model = Model(regions=THREE).lose(EAST)
    state = replace(model.state(), preference=(EAST, EUROPE, WEST))
    assert build_plan(state, Request()).target_region == EUROPE
    assert build_plan(model.state(), Request()).target_region == WEST


def test_a_run_that_stopped_is_gone_on_with_before_a_fitter_standby():
    plan = plan_of(Model(regions=THREE).lose(EAST).change(EUROPE, lease="failed", lag_ms=9000.0))
    assert plan.target_region == EUROPE
    assert plan.target_reason == "eu-west-1 was chosen: run run-1 to it stopped 61 s ago (step not begun)."


@pytest.mark.parametrize(
    "europe, request_", [({"healthy": 0}, {}), ({}, {"resume_within": 60}), ({"lease": "successful"}, {})]
)
def test_a_run_is_not_gone_on_with_where_it_is_old_or_its_target_sick_or_it_ended_well(europe, request_):
    model = Model(regions=THREE).lose(EAST).change(EUROPE, **{"lease": "failed", "lag_ms": 9000.0, **europe})
    assert plan_of(model, **request_).target_region == WEST


@pytest.mark.parametrize("request_, chosen", [({}, WEST), ({"cool_down": 60}, EUROPE)])
def test_a_run_that_has_just_moved_the_writer_is_finished_although_its_target_looks_sick(request_, chosen):
    model = replace(Model(regions=THREE), writer=WEST, traffic=WEST).change(WEST, lease="failed", healthy=0).lose(EAST)
    assert plan_of(model, **request_).target_region == chosen


def test_a_cut_off_writer_is_not_believed_over_a_standby():
    state = replace(Model(regions=THREE), writer=WEST, traffic=WEST).state()
    members = [
        {**one, "is_writer": one["region"] == EAST} for one in state.facts[EAST].value("global_cluster")["members"]
    ]
    stale = platform.with_members(state, EAST, "global_cluster", members=members)
    assert build_plan(stale, Request(target_region=EUROPE)).writer_region == WEST


# --- for every state -------------------------------------------------------------------------------------------------


@given(models(), REQUESTS)
def test_traffic_never_moves_before_the_writer_is_proven_and_the_capacity_is_there(model, request):
    plan = build_plan(model.state(), request)
    if "traffic" not in names(plan):
        return
    before = names(plan)[: names(plan).index("traffic")]
    seen = Situation(model.state(), request, plan.target_region, plan.method)
    assert seen.is_writer_proven or "promote_wait" in before
    assert seen.is_capacity_ready or "capacity_wait" in before


@given(models(), REQUESTS)
def test_a_plan_without_obstacles_knows_everything_about_its_target(model, request):
    plan = build_plan(model.state(), request)
    if plan.obstacles:
        assert plan.reason.startswith("Refused: ")
        return
    if not plan.is_complete and "traffic" in names(plan):
        assert not model.state().facts[plan.target_region].unknown((*REQUIRED, "statements"))


@given(models(), REQUESTS, st.sampled_from((*REQUIRED, "statements")))
def test_what_becomes_unknown_about_the_target_never_clears_the_way(model, request, fact):
    plan = build_plan(model.state(), request)
    assume(plan.target_region in model.regions and not plan.is_complete and "traffic" in names(plan))
    blind = model.change(plan.target_region, unknown=model.regions[plan.target_region].unknown | {fact})
    after = build_plan(blind.state(), replace(request, target_region=plan.target_region))
    assert after.obstacles or "traffic" not in names(after)


@given(models(), REQUESTS)
def test_every_obstacle_that_is_set_aside_is_one_that_an_option_of_the_request_names(model, request):
    plan = build_plan(model.state(), request)
    given_ = {"force: true"} if request.force else set()
    given_ |= {"accept_data_loss: true"} if request.accept_data_loss else set()
    given_ |= {f"takeover_run_id: {request.takeover_run_id}"} if request.takeover_run_id else set()
    assert {one.override for one in plan.overridden} <= given_
    assert not {one.override for one in plan.obstacles} & given_


@given(models(), REQUESTS)
def test_no_data_is_ever_accepted_to_be_lost_by_a_switchover(model, request):
    plan = build_plan(model.state(), replace(request, method=SWITCHOVER))
    assert "accept_data_loss: true" not in [one.override for one in plan.obstacles]
    assert not set(overridden(plan)) - {"lease_held"}


@given(models(), REQUESTS)
def test_capacity_is_never_lowered_and_never_above_the_maximum(model, request):
    plan = build_plan(model.state(), request)
    group = model.state().facts[plan.target_region].value("group") if plan.target_region in model.regions else None
    if group:
        given_back = {"desired": 0, "max": 6} if model.regions[plan.target_region].fence else group
        assert group["desired"] <= plan.capacity_wanted <= max(group["max"], given_back["max"])


@given(models(), REQUESTS)
def test_the_loss_is_bounded_by_lag_and_age_or_not_known(model, request):
    plan = build_plan(model.state(), request)
    if plan.method == SWITCHOVER and any(step.step == "promote_request" for step in plan.steps):
        assert plan.rpo_bound_ms == 0
    elif plan.method == SWITCHOVER:
        assert plan.rpo_bound_ms in (0, None), "the writer may have been moved by another method"
    elif plan.rpo_bound_ms is not None:
        assert plan.lag and plan.rpo_bound_ms == round(plan.lag["value_ms"] + 1000 * plan.lag["age_seconds"])
        assert plan.writer_region not in {name for name, one in model.regions.items() if one.is_lost}, "may still write"
    else:
        assert plan.as_result()["rpo_bound_ms"] == "unknown"


def test_the_loss_has_no_bound_while_the_old_region_may_go_on_writing():
    lost, safe = Model().lose(EAST), "2027-01-15T07:59:40.000Z"
    assert (plan_of(lost).rpo_bound_ms, plan_of(lost).safe_instant) == (None, safe)
    stopped = plan_of(Model().change(EAST, cluster_status="stopped"))
    assert (stopped.rpo_bound_ms, stopped.safe_instant) == (20120, safe)
    assert stopped.reason.endswith("loss: at most 20120 ms of writes.")
    fenced = plan_of(Model().change(EAST, fence="database_ingress"), force=True)
    assert fenced.rpo_bound_ms is None, "connections that were open may go on writing"
    denied = Model().change(EAST, fence="network_acl")
    assert plan_of(denied, force=True).rpo_bound_ms == 20120, "a stateless deny ends them too"
    copy = denied.state().facts[EAST].value("fences")[EAST]
    copied = platform.with_members(lost.state(), WEST, "fences", **{EAST: copy})
    assert plan_of(copied).rpo_bound_ms is None, "a copy may be of a fence that was lifted"
    assert plan_of(Model().lose(EAST).change(WEST, lag_ms=None)).as_result()["safe_instant"] == "unknown"


RECORDED = {
    "run_id": "run-1",
    "method": "failover",
    "from_region": EAST,
    "safe_instant": "2027-01-15T07:58:00.000Z",
    "rpo_bound_ms": 950,
    "lag": {"value_ms": 50},
    "attempts": [{"attempt": 1, "steps": [{"name": "promote_request"}]}],
}


def resumed(run="recorded", request=None, **recorded):
    """The plan of the attempt after one that was killed once the writer had moved."""
    state = replace(Model(), writer=WEST).change(WEST, lease="failed").state()
    run = run and {**RECORDED, **recorded}
    return build_plan(platform.with_values(state, WEST, run=run, lag=platform.sample()), request or Request())


def test_a_resumed_run_claims_what_the_attempt_that_requested_the_promotion_saw():
    plan = resumed()
    assert (plan.safe_instant, plan.rpo_bound_ms, plan.lag) == ("2027-01-15T07:58:00.000Z", 950, {"value_ms": 50})
    assert resumed(rpo_bound_ms="unknown").rpo_bound_ms is None


def test_a_resumed_run_without_a_record_has_the_safe_instant_of_the_last_sample():
    plan = resumed(run=None)
    assert (plan.safe_instant, plan.rpo_bound_ms) == ("2027-01-15T07:59:40.000Z", None)
    assert resumed(safe_instant="unknown").safe_instant == "2027-01-15T07:59:40.000Z"


def test_a_bound_is_not_kept_from_an_attempt_that_requested_no_promotion():
    assert resumed(attempts=[]).rpo_bound_ms is None


@pytest.mark.parametrize("requested", ["switchover", "detach", "auto"])
def test_a_run_that_has_moved_the_writer_keeps_its_method_and_its_loss_whatever_is_requested_next(requested):
    plan = resumed(request=Request(method=requested))
    assert (plan.method, plan.rpo_bound_ms, plan.safe_instant) == ("failover", 950, "2027-01-15T07:58:00.000Z")
    assert "run run-1" in plan.method_reason
    assert resumed(request=Request(method=requested), rpo_bound_ms="unknown").rpo_bound_ms is None


def test_the_attempt_that_requested_the_promotion_counts_and_not_the_latest_one():
    attempts = [
        {"attempt": 1, "method": "switchover", "steps": [{"name": "capacity_ask"}]},
        {"attempt": 2, "method": "failover", "steps": [{"name": "promote_request"}]},
        {"attempt": 3, "method": "switchover", "steps": [{"name": "traffic"}]},
    ]
    plan = resumed(request=Request(method="switchover"), method="switchover", attempts=attempts)
    assert (plan.method, plan.rpo_bound_ms) == ("failover", 950)


def test_a_failover_that_finishes_a_switchover_lost_nothing_and_fences_nobody():
    plan = resumed(request=Request(method="failover"), method=SWITCHOVER, rpo_bound_ms=0)
    assert (plan.method, plan.rpo_bound_ms) == (SWITCHOVER, 0)
    assert "fence" not in [step.step for step in plan.steps]


def test_a_switchover_that_finishes_a_run_without_a_record_claims_no_loss_of_zero():
    assert resumed(run=None, request=Request(method=SWITCHOVER)).rpo_bound_ms is None


def test_a_region_whose_retirement_stopped_is_no_target_of_a_move():
    stopped = Model().change(EAST, lease="failed").state()
    assert plan_of(stopped, method="switchover").target_region == EAST, "an unfinished move is gone on with"
    retiring = platform.with_members(stopped, EAST, "lease", method="retire_region")
    assert plan_of(retiring, method="switchover").target_region == WEST


@given(models(), REQUESTS)
def test_a_plan_is_all_data_and_names_a_method(model, request):
    plan = build_plan(model.state(), request)
    result = plan.as_result()
    assert result["method"] in ("failover", "switchover", "detach") or result["target_region"] not in model.regions
    assert result["is_arrived"] is (not result["plan"] and not result["obstacles"])
    assert all(step["calls"] and step["region"] in model.regions for step in result["plan"])


# --- the same request again, right after its run has succeeded -------------------------------------------------------

ENDED = {"run_id": "run-7", "from_region": EAST, "target_region": WEST, "age_seconds": 30.0, "trigger": "by hand"}
ARRIVED = replace(Model(), writer=WEST, traffic=WEST, move=ENDED)


@pytest.mark.parametrize("request_again", [{}, {"expected_active_region": EAST}, {"method": "auto"}, {"force": True}])
def test_a_request_that_a_run_has_just_fulfilled_is_for_the_region_where_the_platform_is(request_again):
    plan = plan_of(ARRIVED, trigger="by hand", **request_again)
    assert (plan.target_region, plan.is_complete, plan.steps, plan.obstacles) == (WEST, True, (), ())
    assert plan.reason == (
        "us-east-2 is already active: it holds the writer and the traffic; nothing is left to move. us-east-2 was "
        "chosen: run run-7 moved the platform there 30 s ago by failover, so this request is taken for its repetition. "
        "For another move, name target_region."
    )


def moved(**values):
    return replace(ARRIVED, move={**ENDED, **values})


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (ARRIVED, {"target_region": EAST}),
        (ARRIVED, {"expected_active_region": WEST}),
        (ARRIVED, {"method": "switchover"}),
        (ARRIVED, {"trigger": "a drill"}),
        (ARRIVED, {"trigger": None}),
        (moved(trigger=None), {"trigger": None}),
        (moved(requested_target_region=WEST), {}),
        (moved(age_seconds=601.0), {}),
        (moved(acknowledged={"by": "ann"}), {}),
        (moved(from_region=WEST), {}),
        (moved(target_region="mars-1"), {}),
        (ARRIVED.change(WEST, healthy=0), {}),
        (ARRIVED.lose(WEST), {}),
        (replace(ARRIVED, traffic=EAST), {"target_region": EAST}),
    ],
    ids=[
        "another target",
        "out of the new region",
        "another method",
        "another trigger",
        "no trigger",
        "no trigger known",
        "a target was named",
        "long ago",
        "acknowledged",
        "moved nothing",
        "a region that is no more",
        "unhealthy",
        "lost",
        "traffic moved since",
    ],
)
def test_a_request_of_another_move_is_never_taken_for_a_repetition(model, asked):
    plan = plan_of(model, **{"trigger": "by hand", **asked})
    assert (plan.target_region, plan.is_complete) == (EAST, False)
