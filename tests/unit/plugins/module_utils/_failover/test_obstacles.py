# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each obstacle alone, with its figures, and what sets it aside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trading.multi_region.tests.unit import failover_model as platform
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.ask import (
    THREE,
    codes,
    only_obstacle,
    overridden,
    plan_of,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import (
    EAST,
    EUROPE,
    VERSION,
    WEST,
    Model,
)

OTHER_VERSION = "8.0.mysql_aurora.3.12.0"

# --- other runs ------------------------------------------------------------------------------------------------------


def test_refuses_a_target_the_manifest_does_not_have():
    found = only_obstacle(Model(), target_region="mars-1")
    assert found.code == "unknown_target"
    assert found.sentence == "target_region is mars-1; allowed: a region of the manifest (us-east-1, us-east-2)."


def test_refuses_while_another_run_holds_the_lease_and_tells_whose_and_how_long():
    found = only_obstacle(Model().lose(EAST).change(WEST, lease="running"))
    assert (found.code, found.override) == ("lease_held", "takeover_run_id: run-1")
    assert "held by operator@host: run run-1, attempt 1" in found.sentence
    assert "renewed 1 s ago; it expires in 59 s" in found.sentence


def test_a_run_that_is_known_to_be_dead_is_taken_over_by_its_own_id_only():
    held = Model().lose(EAST).change(WEST, lease="running")
    assert overridden(plan_of(held, takeover_run_id="run-1")) == ["lease_held"]
    assert codes(plan_of(held, takeover_run_id="run-7")) == ["lease_held"]


def test_a_run_towards_another_region_is_waited_for_and_not_taken_over_from_here():
    held = Model(regions=THREE).lose(EAST).change(EUROPE, lease="running")
    found = only_obstacle(held, target_region=WEST, takeover_run_id="run-1")
    assert (found.code, found.override) == ("lease_held", None)
    assert "The lease of eu-west-1" in found.sentence


def test_an_upgrade_holds_every_move_back_while_it_runs_and_is_no_move_to_finish():
    state = platform.take_lease(Model(regions=THREE).lose(EUROPE).state(), EAST, method="upgrade")
    found = only_obstacle(state, force=True)
    assert (found.code, found.override) == ("lease_held", None) and "method upgrade" in found.sentence
    stopped = platform.end_lease(state, EAST, "failed")
    assert plan_of(stopped, method="switchover", target_region=EAST).is_complete
    assert plan_of(stopped, force=True).target_region == WEST


def test_the_run_that_verifies_now_is_not_interrupted():
    busy = replace(Model(), writer=WEST, traffic=WEST).change(WEST, lease="running")
    assert only_obstacle(busy, target_region=WEST).code == "lease_held"


def test_a_lease_table_that_is_missing_names_site_yml():
    state = platform.hidden(Model().without_table(WEST), EAST)
    found = only_obstacle(state)
    assert found.code == "lease_table_missing"
    assert found.sentence == (
        "us-east-2 has no table trading-failover-dev, so no lease can be acquired there. playbooks/site.yml creates it."
    )


def test_refuses_where_somebody_else_is_active():
    found = only_obstacle(Model(regions=THREE).lose(EAST), expected_active_region=EUROPE)
    assert found.code == "expected_active_region_differs"
    assert "expected_active_region is eu-west-1, but the writer is in us-east-1" in found.sentence


def test_refuses_to_leave_a_healthy_region_unless_forced_and_proposes_the_switchover():
    found = only_obstacle(Model())
    assert (found.code, found.override) == ("primary_healthy", "force: true")
    assert "2 of 2 registered targets are healthy" in found.sentence
    assert "playbooks/switchover.yml" in found.sentence
    assert not plan_of(Model(), force=True).obstacles


# --- cool-down -------------------------------------------------------------------------------------------------------


def moved(**values):
    return replace(Model().lose(EAST), move={"age_seconds": 600.0, **values})


def test_a_second_unplanned_move_within_the_cool_down_needs_an_acknowledgement():
    found = only_obstacle(moved())
    assert (found.code, found.override) == ("cool_down", "force: true")
    assert "Run run-0 moved the platform" in found.sentence and "10 minutes ago" in found.sentence
    assert "playbooks/automation.yml -e acknowledge=run-0" in found.sentence
    assert not plan_of(moved(), force=True).obstacles


@pytest.mark.parametrize(
    "move, request_",
    [
        ({"acknowledged": {"by": "somebody", "at": 0, "reason": "seen"}}, {}),
        ({"method": "switchover"}, {}),
        ({"age_seconds": 3600.0}, {}),
        ({}, {"cool_down": 0}),
    ],
    ids=["acknowledged", "planned", "long ago", "switched off"],
)
def test_nothing_cools_down_after_what_was(move, request_):
    assert not plan_of(moved(**move), **request_).obstacles


def test_a_switchover_waits_for_no_cool_down():
    assert not plan_of(replace(Model(), move={"age_seconds": 60.0}), method="switchover").obstacles


def test_an_acknowledgement_counts_wherever_it_was_written():
    state = replace(Model(regions=THREE), move={"age_seconds": 600.0}).lose(EAST).state()
    said = {"by": "somebody", "at": 0, "reason": "seen"}
    assert not plan_of(platform.with_members(state, EUROPE, "latest_move", acknowledged=said)).obstacles


# --- the target ------------------------------------------------------------------------------------------------------


def test_refuses_while_aurora_moves_the_writer_elsewhere():
    busy = replace(Model(regions=THREE).lose(EAST), moving_to=EUROPE)
    assert only_obstacle(busy, target_region=WEST).code == "operation_in_flight"


def test_refuses_while_aurora_gives_up_a_move_to_the_target():
    busy = replace(Model().lose(EAST), moving_to=WEST, moving_status="cancelling")
    assert only_obstacle(busy, target_region=WEST).code == "operation_in_flight"


@pytest.mark.parametrize("fact", ["global_cluster", "cluster", "instances", "targets", "group", "lease", "statements"])
def test_refuses_where_a_required_fact_of_the_target_is_unknown(fact):
    plan = plan_of(Model().lose(EAST).change(WEST, unknown=frozenset({fact})), target_region=WEST)
    found = next(obstacle for obstacle in plan.obstacles if obstacle.code == "target_unreadable")
    assert fact in found.sentence
    assert found.override is None


def test_the_switch_that_has_to_be_readable_is_the_platforms_own():
    state = replace(Model().lose(EAST).state(), switch_fact="routing_control")
    assert "routing_control" in only_obstacle(state).sentence


def test_refuses_before_the_promotion_where_the_traffic_dials_could_not_be_turned_after_it():
    state = replace(Model().lose(EAST).state(), switch_fact="traffic_dial")
    found = only_obstacle(state)
    assert (found.code, found.override) == ("switch_unreachable", "force: true")
    assert "Global Accelerator's API is in us-west-2 only" in found.sentence
    assert plan_of(state, force=True).obstacles == ()


def test_refuses_a_target_without_healthy_targets():
    found = only_obstacle(Model().lose(EAST).change(WEST, healthy=0), force=True)
    assert found.code == "target_has_no_healthy_target"
    assert found.sentence == "us-east-2 has no healthy target: 0 of 2 registered ones; at least 1 is needed."


def group_of(wanted=4, **group):
    """A lost region that ran ``wanted`` instances, and the target's group with what is suspended in it."""
    state = platform.with_members(Model().lose(EAST).state(), WEST, "group", **group)
    return replace(state, groups=platform.own_groups([EAST], {"min": 2, "desired": wanted, "max": 6}))


@pytest.mark.parametrize("process", ["Launch", "AddToLoadBalancer"])
def test_a_suspended_process_is_a_warning_where_the_capacity_suffices_and_an_obstacle_where_not(process):
    few = group_of(wanted=6, suspended=[process])
    (found,) = plan_of(few).obstacles
    assert (found.code, found.override) == ("target_capacity_suspended", "force: true")
    assert found.sentence == (
        f"{process} of the Auto Scaling group of us-east-2 is suspended, so it gets no more healthy targets: it runs 2 "
        "of 6 wanted instances. Resume the processes of the group."
    )
    assert plan_of(few, force=True).obstacles == ()
    assert plan_of(few, min_capacity_percent=30).obstacles == (), "what an unplanned move accepts suffices"
    enough = plan_of(group_of(wanted=4, suspended=[process]))
    assert enough.obstacles == ()
    assert f"{process} of the Auto Scaling group of us-east-2 is suspended; it runs enough, but replaces none." in (
        enough.warnings
    )


def test_a_switchover_needs_every_wanted_instance_before_it_ignores_a_suspended_process():
    state = platform.with_members(Model().state(), WEST, "group", suspended=["Launch"])
    assert plan_of(state, method="switchover").obstacles == ()
    state = platform.with_members(state, EAST, "group", desired=3)
    assert [one.code for one in plan_of(state, method="switchover").obstacles] == ["target_capacity_suspended"]


@pytest.mark.parametrize("process", ["AZRebalance", "Terminate", "ScheduledActions"])
def test_a_suspended_process_that_brings_no_instance_is_neither(process):
    plan = plan_of(group_of(wanted=6, suspended=[process]))
    assert plan.obstacles == () and not [words for words in plan.warnings if "suspended" in words]


@pytest.mark.parametrize("instances", [(), ("rebooting", "creating")])
def test_refuses_a_target_without_an_available_instance(instances):
    found = only_obstacle(Model().lose(EAST).change(WEST, instances=instances))
    assert found.code == "target_has_no_database_instance"
    assert "c-us-east-2" in found.sentence and "at least 1 is needed" in found.sentence


def test_refuses_a_target_whose_cluster_is_stopped():
    found = only_obstacle(Model().lose(EAST).change(WEST, cluster_status="stopped"))
    assert (found.code, "is stopped" in found.sentence) == ("target_has_no_database_instance", True)


# --- the promotion ---------------------------------------------------------------------------------------------------


def test_a_failover_between_versions_is_refused_and_the_other_methods_are_named():
    found = only_obstacle(Model().lose(EAST).change(WEST, version=OTHER_VERSION))
    assert (found.code, found.override) == ("engine_version_differs", None)
    assert f"runs {OTHER_VERSION}, the global database {VERSION}" in found.sentence
    assert "method=auto or method=detach with accept_data_loss=true" in found.sentence


def test_a_switchover_between_versions_is_refused_and_nothing_but_an_upgrade_is_proposed():
    found = only_obstacle(Model().change(WEST, version=OTHER_VERSION), method="switchover")
    assert (found.code, found.sentence.endswith("Upgrade first.")) == ("engine_version_differs", True)


def test_a_stale_version_in_the_manifest_is_a_warning_not_an_obstacle():
    newer = "8.0.mysql_aurora.3.12.0"
    plan = plan_of(replace(Model(), global_version=newer).lose(EAST).change(WEST, version=newer))
    assert not plan.obstacles
    assert plan.warnings == (
        f"The manifest says engine version {VERSION}, the global database runs {newer}; run site.yml.",
    )


def test_refuses_a_member_that_is_still_being_rebuilt_unless_loss_is_accepted():
    model = Model().lose(EAST).change(WEST, resync=True)
    assert only_obstacle(model).code == "target_not_synchronized"
    plan = plan_of(model, accept_data_loss=True)
    assert overridden(plan) == ["target_not_synchronized"]
    assert "Set aside by accept_data_loss: true" in plan.reason


@pytest.mark.parametrize(
    "change, limit, code",
    [
        ({"lag_ms": None}, 5000, "lag_unknown"),
        ({"unknown": frozenset({"lag"})}, 5000, "lag_unknown"),
        ({"lag_age": 600}, 5000, "lag_sample_old"),
        ({"lag_ms": 5001}, 5000, "lag_above_limit"),
    ],
)
def test_refuses_when_the_loss_is_unknown_or_too_high(change, limit, code):
    model = Model().lose(EAST).change(WEST, **change)
    found = only_obstacle(model, max_sampled_lag_ms=limit)
    assert (found.code, found.override) == (code, "accept_data_loss: true")
    assert not plan_of(model, max_sampled_lag_ms=limit, accept_data_loss=True).obstacles


def test_the_limit_of_the_loss_refuses_by_lag_and_age_together():
    model = Model().lose(EAST).change(WEST, lag_ms=120.0, lag_age=150.0)
    found = only_obstacle(model, max_replication_lag_ms=150_000)
    assert found.code == "lag_above_limit"
    assert "so up to 150120 ms of writes may be lost; max_replication_lag_ms is 150000" in found.sentence
    assert not plan_of(model, max_replication_lag_ms=150_120).obstacles


def test_lag_missing_old_and_above_the_limit_are_three_different_refusals():
    changes = ({"lag_ms": None}, {"lag_age": 600}, {"lag_ms": 5001})
    said = [only_obstacle(Model().lose(EAST).change(WEST, **one), max_sampled_lag_ms=5000) for one in changes]
    assert len({one.code for one in said}) == len({one.sentence for one in said}) == 3


@pytest.mark.parametrize("change", [{"lag_ms": 900000.0}, {"lag_ms": None}, {"lag_age": 3000.0}])
def test_lag_is_reported_and_not_enforced_where_no_limit_is_given(change):
    plan = plan_of(Model().lose(EAST).change(WEST, **change))
    assert not plan.obstacles
    assert (plan.safe_instant is None) is (change.get("lag_ms", 0) is None)


# --- a switchover, which nothing overrides ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, code",
    [
        (Model().change(WEST, resync=True), "target_not_synchronized"),
        (Model().change(WEST, healthy=0), "target_has_no_healthy_target"),
        (Model().change(WEST, instances=()), "target_has_no_database_instance"),
        (Model().lose(EAST), "writer_unreadable"),
        (Model().change(EAST, unknown=frozenset({"cluster"})), "writer_unreadable"),
        (Model().change(EAST, cluster_status="stopped"), "writer_unavailable"),
        (Model().change(WEST, is_member=False), "target_detached"),
    ],
)
def test_a_switchover_is_refused_where_it_cannot_be_without_loss(model, code):
    found = only_obstacle(model, method="switchover", force=True)
    assert (found.code, found.override) == (code, None)


def test_a_switchover_with_a_limit_judges_the_lag_too():
    found = only_obstacle(Model().change(WEST, lag_ms=9000.0), method="switchover", max_replication_lag_ms=1)
    assert (found.code, found.override) == ("lag_above_limit", None)


# --- regions that were detached --------------------------------------------------------------------------------------


def test_a_detach_needs_the_loss_to_be_accepted():
    found = only_obstacle(Model().lose(EAST), method="detach")
    assert (found.code, found.override) == ("detach_loses_data", "accept_data_loss: true")


def test_a_failover_to_a_detached_region_names_the_two_ways_on():
    found = only_obstacle(Model().lose(EAST).change(WEST, is_member=False))
    assert (found.code, found.override) == ("target_detached", None)
    assert "method=detach" in found.sentence and "playbooks/failback.yml" in found.sentence


def test_a_run_that_detached_the_target_continues_without_being_asked_again():
    detached = Model().lose(EAST).change(WEST, is_member=False, lease="failed")
    assert not plan_of(detached, method="auto").obstacles
    found = only_obstacle(detached.change(WEST, lease=None), method="auto")
    assert (found.code, found.override) == ("target_detached", "accept_data_loss: true")


def test_the_way_back_from_a_detached_region_is_a_rebuild():
    model = replace(Model(), traffic=WEST).change(WEST, is_member=False)
    plan = plan_of(model, target_region=EAST, method="switchover")
    assert (codes(plan), plan.rebuild_needed) == (["active_region_detached"], True)
    assert (plan.active_region, plan.writer_region) == (WEST, WEST)
    assert "playbooks/failback.yml" in plan.obstacles[0].sentence
    assert not plan_of(model.lose(WEST), target_region=EAST, accept_data_loss=True).obstacles


def test_a_region_that_never_had_a_cluster_asks_for_no_rebuild():
    state = Model(regions=THREE).state()
    members = [one for one in platform.view_of(state)["members"] if one["region"] != EUROPE]
    state = platform.with_values(platform.with_view(state, members=members), EUROPE, cluster=None)
    assert not plan_of(state, target_region=WEST).rebuild_needed
    assert "target_incomplete" in codes(plan_of(state, target_region=EUROPE))
