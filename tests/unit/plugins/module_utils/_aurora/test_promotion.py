# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rules of moving the writer: what is refused, joined, requested, and when it is complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import promotion_obstacles
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.promotion import (
    AUTO,
    OPERATIONS,
    Request,
    decide,
    describe_refusal,
    describe_stuck,
    method_used,
    predicted,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import is_done, observe
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import ACCEPT_DATA_LOSS

A, B, C = "us-east-1", "us-east-2", "eu-west-1"
VERSION = "8.0.mysql_aurora.3.10.5"


def arn(region):
    return f"arn:aws:rds:{region}:123456789012:cluster:trading-{region}"


def member(region, writer=False, synchronization_status="connected"):
    return {
        "region": region,
        "arn": arn(region),
        "identifier": f"trading-{region}",
        "is_writer": writer,
        "synchronization_status": synchronization_status,
    }


def flight(towards, status="failing-over"):
    return {
        "status": status,
        "from_region": A,
        "to_region": towards,
        "to_arn": arn(towards),
        "data_loss_allowed": True,
    }


def target(region=B, **said):
    return {
        "region": region,
        "arn": arn(region),
        "identifier": f"trading-{region}",
        "cluster_status": "available",
        "engine_version": VERSION,
        "instances": [{"identifier": "one", "status": "available", "is_writer": True}],
        **said,
    }


def observed(writer=A, regions=(A, B), **said):
    return {
        "global_cluster_identifier": "trading-global",
        "status": "available",
        "engine_version": VERSION,
        "members": [member(region, region == writer) for region in regions],
        "writer_region": writer,
        "failover_state": {},
        "target": target(),
        **said,
    }


def request(method="failover", **said):
    return Request("trading-global", B, method, **said)


def lag(value=40.0, age=30.0):
    return {"value_ms": value, "age_seconds": age, "sampled_at": "", "metric": "", "reason": None}


UNKNOWN = {"value_ms": None, "age_seconds": None, "sampled_at": None, "metric": None, "reason": "no sample"}


def refusal(state, sample=None, wish=None):
    decision = decide(state, sample or lag(), wish or request())
    assert decision.action == "refuse"
    return decision.reason


def action(state, sample=None, wish=None):
    return decide(state, sample or lag(), wish or request()).action


@pytest.mark.parametrize("method", ["failover", "switchover"])
def test_a_healthy_standby_is_asked_for(method):
    assert action(observed(), wish=request(method)) == "request"


def test_failover_is_asked_in_the_targets_region_by_arn_and_says_that_data_may_be_lost():
    assert request().operation(observed()) == {
        "operation": "FailoverGlobalCluster",
        "region": B,
        "parameters": {
            "GlobalClusterIdentifier": "trading-global",
            "TargetDbClusterIdentifier": arn(B),
            "AllowDataLoss": True,
        },
    }


def test_switchover_is_asked_in_the_writers_region_and_never_allows_loss():
    call = request("switchover").operation(observed())
    assert (call["operation"], call["region"]) == ("SwitchoverGlobalCluster", A)
    assert "AllowDataLoss" not in call["parameters"]


def test_refuses_a_region_that_is_no_member_and_names_the_members():
    state = observed(regions=(A, C), target=target(arn=None, cluster_status=None, instances=[]))
    said = refusal(state)
    assert said == f"us-east-2 has no member of trading-global. Members: {arn(A)}, {arn(C)}."


def test_refuses_an_arn_that_is_no_member_even_where_the_region_has_one():
    other = "arn:aws:rds:us-east-2:1:cluster:other"
    wish = request(db_cluster_arns={B: other})
    found = observe(observed(), B, other, None, [])["target"]
    assert (found["arn"], found["identifier"], found["is_member"]) == (other, "other", False)
    said = refusal(observed(target=target(arn=other, cluster_status=None, instances=[])), wish=wish)
    assert "with the ARN arn:aws:rds:us-east-2:1:cluster:other (db_cluster_arns)" in said


def test_the_target_is_the_member_of_the_region():
    assert observe(observed(), B, None, None, [])["target"]["arn"] == arn(B)


def test_identifiers_are_compared_without_regard_to_case():
    shouted = arn(B).upper()
    found = observe(observed(), B, shouted, None, [])["target"]
    assert (found["arn"], found["is_member"]) == (arn(B), True)
    assert action(observed(failover_state={**flight(B), "to_arn": shouted}), UNKNOWN) == "join"


def test_nothing_to_do_where_the_target_is_the_writer_and_serves():
    decision = decide(observed(writer=B), UNKNOWN, request(expected_writer_region=A))
    assert decision.action == "none"
    assert decision.reason == "us-east-2 is the writer of trading-global."


def test_a_writer_that_does_not_serve_yet_is_waited_for():
    assert action(observed(writer=B, target=target(cluster_status="promoting"))) == "join"


def test_joins_an_operation_towards_the_same_target_whatever_its_status_is_called():
    for status in ("pending", "failing-over", "switching-over", "a-status-of-next-year"):
        assert action(observed(failover_state=flight(B, status)), UNKNOWN) == "join"


def test_refuses_during_an_operation_towards_another_target_and_names_it():
    said = refusal(observed(regions=(A, B, C), failover_state=flight(C)))
    assert "failing-over" in said and "to eu-west-1 is in progress" in said


def test_refuses_during_an_operation_whose_target_is_not_reported():
    state = observed(failover_state={**flight(B), "to_arn": None, "to_region": None})
    assert "an unnamed region" in refusal(state)


def test_refuses_when_somebody_else_has_moved_the_writer():
    said = refusal(observed(writer=C, regions=(A, B, C)), wish=request(expected_writer_region=A))
    assert "expected in us-east-1" in said and "it is in eu-west-1" in said


def test_accepts_the_expected_writer():
    assert action(observed(), wish=request(expected_writer_region=A)) == "request"


def test_refuses_a_different_patch_level():
    said = refusal(observed(target=target(engine_version="8.0.mysql_aurora.3.12.0")))
    assert "3.12.0" in said and VERSION in said


def test_a_patch_level_of_postgresql_may_differ_and_a_minor_version_may_not():
    postgresql = {"engine": "aurora-postgresql", "engine_version": "17.7.1"}
    assert action(observed(**postgresql, target=target(engine_version="17.7.2"))) == "request"
    assert "17.9" in refusal(observed(**postgresql, target=target(engine_version="17.9")))


@pytest.mark.parametrize("state", [{"engine_version": None}, {"target": target(engine_version=None)}])
def test_leaves_a_version_that_cannot_be_read_to_aws(state):
    assert action(observed(**state)) == "request"


def test_refuses_a_headless_cluster():
    assert "has no instance" in refusal(observed(target=target(instances=[])))


def test_refuses_when_no_instance_is_available_and_names_their_states():
    instances = [{"identifier": "one", "status": "rebooting", "is_writer": True}]
    assert "one is rebooting" in refusal(observed(target=target(instances=instances)))


def test_refuses_when_lag_is_unknown():
    said = refusal(observed(), UNKNOWN, request(max_replication_lag_ms=5000))
    assert "unknown (no sample)" in said and "accept_data_loss" in said


def test_without_a_limit_the_lag_of_a_failover_is_reported_only():
    for sample in (UNKNOWN, lag(age=9999.0), lag(99999.0)):
        assert action(observed(), sample) == "request"


def test_refuses_an_old_sample():
    said = refusal(observed(), lag(age=421.0), request(max_sampled_lag_ms=5000))
    assert "421 s ago) is older than max_lag_sample_age, 420 s" in said


def test_refuses_lag_above_the_limit():
    said = refusal(observed(), lag(5001.0), request(max_sampled_lag_ms=5000))
    assert "was 5001 ms, 30 s ago; max_sampled_lag_ms is 5000" in said


def test_accepts_lag_at_the_limit():
    assert action(observed(), lag(5000.0), request(max_sampled_lag_ms=5000)) == "request"


def test_the_limit_of_the_loss_counts_the_age_of_the_sample():
    said = refusal(observed(), lag(40.0, age=30.0), request(max_replication_lag_ms=5000))
    assert "so up to 30040 ms of writes may be lost; max_replication_lag_ms is 5000" in said
    assert action(observed(), lag(40.0, age=30.0), request(max_replication_lag_ms=30_040)) == "request"


def test_a_switchover_loses_nothing_so_its_limit_is_the_samples():
    assert action(observed(), lag(40.0), request("switchover", max_replication_lag_ms=40)) == "request"
    assert action(observed(), lag(40.0), request("switchover", max_replication_lag_ms=39)) == "refuse"


def test_zero_is_a_limit():
    assert action(observed(), lag(1.0), request(max_replication_lag_ms=0)) == "refuse"


@pytest.mark.parametrize("sample", [UNKNOWN, lag(age=9999.0), lag(99999.0)])
def test_loss_accepted_beforehand_overrides_the_lag(sample):
    wish = request(max_replication_lag_ms=1, accept_data_loss=True)
    assert action(observed(), sample, wish) == "request"


def test_switchover_loses_nothing_and_needs_no_lag():
    assert action(observed(), UNKNOWN, request("switchover")) == "request"


def test_switchover_respects_a_limit_that_was_set():
    assert action(observed(), UNKNOWN, request("switchover", max_replication_lag_ms=100)) == "refuse"


def test_a_switchover_without_a_writer_cannot_be_requested():
    assert "cannot be requested" in refusal(observed(writer=None), wish=request("switchover"))


def test_failover_without_a_writer_is_possible():
    assert action(observed(writer=None)) == "request"


def test_refuses_a_member_that_is_being_rebuilt():
    members = [member(A, writer=True), member(B, synchronization_status="pending-resync")]
    assert "pending-resync" in refusal(observed(members=members))
    assert action(observed(members=members), wish=request(accept_data_loss=True)) == "request"
    assert action(observed(members=members), wish=request("switchover", accept_data_loss=True)) == "refuse"


def test_all_reasons_are_told_at_once():
    state = observed(target=target(engine_version="8.0.mysql_aurora.3.10.4", instances=[]))
    said = refusal(state, UNKNOWN, request(expected_writer_region=C, max_replication_lag_ms=5000))
    for part in ("expected in eu-west-1", "3.10.4", "has no instance", "lag of us-east-2 is unknown"):
        assert part in said


def test_a_stuck_promotion_says_what_is_missing_and_that_running_again_resumes():
    state = observed(failover_state=flight(B), target=target(cluster_status="promoting", instances=[]))
    said = describe_stuck(request(), state, 600.0, None)
    for part in (
        "600 s",
        "failing-over",
        "not the writer",
        "promoting",
        "0 writer",
        "to resume the wait, run",
        "same playbook",
        "joins",
    ):
        assert part in said


STATES = st.builds(
    lambda writer, to, status, cluster, instance, role, version, sync: observed(
        writer=writer,
        regions=(A, B, C),
        members=[member(region, region == writer, sync) for region in (A, B, C)],
        failover_state=flight(to, status) if to else {},
        target=target(
            cluster_status=cluster,
            engine_version=version,
            instances=[{"identifier": "one", "status": instance, "is_writer": role}] if instance else [],
        ),
    ),
    st.sampled_from([None, A, B, C]),
    st.sampled_from([None, A, B, C]),
    st.sampled_from(["pending", "failing-over", "switching-over", "cancelling"]),
    st.sampled_from(["available", "promoting", "failing-over", "backing-up", "modifying", None]),
    st.sampled_from(["available", "backing-up", "rebooting", None]),
    st.booleans(),
    st.sampled_from([VERSION, "8.0.mysql_aurora.3.10.4", None]),
    st.sampled_from(["connected", "pending-resync", None]),
)
LAGS = st.one_of(
    st.just(UNKNOWN), st.builds(lag, st.floats(0, 10**6, allow_nan=False), st.floats(0, 7200, allow_nan=False))
)
REQUESTS = st.builds(
    request,
    st.sampled_from([*OPERATIONS, AUTO]),
    expected_writer_region=st.sampled_from([None, A, B, C]),
    max_replication_lag_ms=st.one_of(st.none(), st.integers(0, 10**6)),
    accept_data_loss=st.booleans(),
)


@given(STATES, LAGS, REQUESTS)
def test_a_request_is_made_only_where_nothing_is_in_flight_and_every_guard_agrees(state, sample, wish):
    decision = decide(state, sample, wish)
    if decision.action == "request":
        assert not state["failover_state"]
        assert state["writer_region"] != B
        found = promotion_obstacles(state, sample, wish.terms(decision.method))
        assert {one.override for one in found} <= ({ACCEPT_DATA_LOSS} if wish.accept_data_loss else set())


@given(STATES, LAGS, REQUESTS, st.sampled_from([{}, {"failover": "No."}, {"failover": "No.", "detach": "No."}]))
def test_a_detach_is_asked_for_only_where_loss_was_accepted(state, sample, wish, refused):
    decision = decide(state, sample, wish, refused)
    if decision.action == "request" and decision.method == "detach":
        assert wish.accept_data_loss and wish.method in ("detach", AUTO)
    if decision.action == "request":
        assert decision.method not in refused
        assert (decision.method == "switchover") == (wish.method == "switchover")


@given(STATES, LAGS, REQUESTS)
def test_unknown_or_excessive_lag_never_passes_a_move_that_did_not_accept_loss(state, sample, wish):
    limit = wish.max_replication_lag_ms
    is_judged = limit is not None or wish.method == AUTO
    bad = sample["value_ms"] is None or sample["age_seconds"] > 300
    bad = bad or (limit is not None and sample["value_ms"] + 1000 * sample["age_seconds"] > limit + 1)
    if bad and is_judged and wish.method != "switchover" and not wish.accept_data_loss:
        assert decide(state, sample, wish).action != "request"


@given(STATES, LAGS, REQUESTS)
def test_every_decision_has_a_sentence_and_a_method(state, sample, wish):
    decision = decide(state, sample, wish)
    assert decision.action in {"none", "request", "join", "refuse"}
    assert decision.reason.endswith(".")
    assert decision.method in OPERATIONS or (decision.action, decision.method) == ("refuse", AUTO)


@given(STATES, LAGS, REQUESTS)
def test_deciding_again_after_the_move_finds_nothing_to_do(state, sample, wish):
    done = predicted({**state, "target": target()})
    assert is_done(done)
    assert decide(done, sample, wish).action == "none"


@given(STATES, LAGS, REQUESTS)
def test_deciding_again_after_a_detach_finds_nothing_to_do_or_says_how_to_continue(state, sample, wish):
    alone = predicted({**state, "target": target()}, "detach")
    assert is_done(alone)
    decision = decide(alone, sample, wish)
    assert decision.action == ("none" if wish.method in ("detach", AUTO) else "refuse")


@given(STATES)
def test_done_is_never_claimed_on_a_partial_state(state):
    if is_done(state):
        assert state["writer_region"] == B and not state["failover_state"]
        assert state["target"]["cluster_status"] in ("available", "backing-up", "modifying")
        states = [one["status"] for one in state["target"]["instances"] if one["is_writer"]]
        assert {"available", "backing-up"} & set(states)


@pytest.mark.parametrize("status", ["backing-up", "modifying", "maintenance", "resetting-master-credentials"])
def test_a_writer_that_serves_is_done_although_its_cluster_is_not_available(status):
    assert action(observed(writer=B, target=target(cluster_status=status))) == "none"


@pytest.mark.parametrize("status", ["promoting", "failing-over", "upgrading", "a-status-of-next-year", "failed"])
def test_a_cluster_that_may_not_serve_is_not_done(status):
    assert not is_done(observed(writer=B, target=target(cluster_status=status)))


def test_a_standby_whose_instances_are_all_backed_up_can_be_promoted():
    instances = [{"identifier": name, "status": "backing-up", "is_writer": False} for name in ("one", "two")]
    assert action(observed(target=target(cluster_status="backing-up", instances=instances))) == "request"


@pytest.mark.parametrize("role", [True, False])
def test_what_a_secondary_says_of_its_own_writer_decides_nothing(role):
    instances = [{"identifier": "one", "status": "available", "is_writer": role}]
    state = observed(target=target(instances=instances))
    assert not is_done(state)
    assert action(state) == "request"


def test_a_cluster_that_still_replicates_is_not_detached_yet():
    state = observed(regions=(A,), target=target(replicates_from=arn(A)))
    assert not is_done(state)
    assert action(state, UNKNOWN, request("detach")) == "join"


# Detach, and the choice that auto makes.
OLDER = "8.0.mysql_aurora.3.10.4"
ALONE = observed(regions=(A,), target=target())


def test_detach_is_asked_in_the_targets_region_by_arn():
    call = request("detach", accept_data_loss=True).operation(observed())
    assert (call["operation"], call["region"]) == ("RemoveFromGlobalCluster", B)
    assert call["parameters"] == {"GlobalClusterIdentifier": "trading-global", "DbClusterIdentifier": arn(B)}


def test_detach_is_refused_unless_loss_is_accepted():
    said = refusal(observed(), wish=request("detach"))
    assert "RemoveFromGlobalCluster" in said and "Set accept_data_loss: true" in said
    assert action(observed(), UNKNOWN, request("detach", accept_data_loss=True)) == "request"


def test_detach_does_not_need_equal_versions_but_an_instance():
    wish = request("detach", accept_data_loss=True)
    assert action(observed(target=target(engine_version=OLDER)), wish=wish) == "request"
    assert "has no instance" in refusal(observed(target=target(instances=[])), wish=wish)


def test_a_detached_cluster_that_serves_is_done_for_detach_and_auto():
    for method in ("detach", AUTO):
        decision = decide(ALONE, UNKNOWN, request(method))
        assert (decision.action, decision.method) == ("none", "detach")


def test_a_detached_cluster_that_does_not_serve_yet_is_waited_for():
    state = observed(regions=(A,), target=target(cluster_status="promoting"))
    assert action(state, UNKNOWN, request("detach")) == "join"


def test_a_detached_cluster_without_instances_is_refused():
    assert "has no instance" in refusal(observed(regions=(A,), target=target(instances=[])), wish=request("detach"))


@pytest.mark.parametrize("method", ["failover", "switchover"])
def test_a_managed_move_to_a_detached_cluster_says_how_to_continue(method):
    said = refusal(ALONE, wish=request(method))
    assert "Method detach continues" in said and "failback.yml" in said


def test_a_detach_in_flight_is_joined_and_reported_to_a_managed_move():
    reader = [{"identifier": "one", "status": "available", "is_writer": False}]
    state = observed(target=target(cluster_status="promoting", instances=reader))
    for method in ("detach", AUTO):
        assert decide(state, UNKNOWN, request(method)).action == "join"
    assert "it is being detached" in refusal(state)


def test_a_detach_beside_a_failover_to_the_same_target_joins_that():
    decision = decide(observed(failover_state=flight(B)), UNKNOWN, request("detach", accept_data_loss=True))
    assert (decision.action, decision.method) == ("join", "failover")


def test_the_method_of_a_joined_operation_is_the_operations():
    planned = {**flight(B, "switching-over"), "data_loss_allowed": False}
    assert decide(observed(failover_state=planned), UNKNOWN, request()).method == "switchover"


def test_auto_is_the_managed_failover_where_that_is_possible():
    decision = decide(observed(), lag(), request(AUTO, accept_data_loss=True))
    assert (decision.action, decision.method) == ("request", "failover")


@pytest.mark.parametrize("sample", [UNKNOWN, lag(age=600.0)])
def test_auto_refuses_a_missing_or_old_lag_sample(sample):
    assert "accept_data_loss" in refusal(observed(), sample, request(AUTO))


def test_auto_detaches_where_versions_differ_and_loss_is_accepted_and_says_why():
    state = observed(target=target(engine_version=OLDER))
    decision = decide(state, lag(), request(AUTO, accept_data_loss=True))
    assert (decision.action, decision.method) == ("request", "detach")
    for part in (OLDER, VERSION, "The managed failover is impossible, and accept_data_loss allows a detach"):
        assert part in decision.reason


def test_auto_refuses_where_versions_differ_and_names_the_remedy():
    said = refusal(observed(target=target(engine_version=OLDER)), wish=request(AUTO))
    assert OLDER in said and "Set accept_data_loss: true" in said


def test_auto_leaves_unknown_versions_to_aws():
    assert decide(observed(engine_version=None), lag(), request(AUTO)).method == "failover"


def test_failover_names_the_other_methods_where_versions_differ():
    assert "method=auto or method=detach" in refusal(observed(target=target(engine_version=OLDER)))
    assert "method=auto" not in refusal(observed(target=target(engine_version=OLDER)), wish=request("switchover"))


REFUSED = {"failover": describe_refusal("failover", "InvalidDBClusterStateFault", "Engine versions differ.")}


def test_what_aws_refused_is_reported_with_the_choice():
    decision = decide(observed(), lag(), request(AUTO, accept_data_loss=True), REFUSED)
    assert (decision.action, decision.method) == ("request", "detach")
    start = "AWS refused the failover (FailoverGlobalCluster): InvalidDBClusterStateFault: Engine versions differ. "
    assert decision.reason.startswith(start) and "allows a detach" in decision.reason


def test_what_aws_refused_is_reported_with_the_remedy():
    said = decide(observed(), lag(), request(AUTO), REFUSED)
    assert said.action == "refuse" and "set accept_data_loss to true" in said.reason
    said = decide(observed(), lag(), request(), REFUSED)
    assert said.action == "refuse" and "method auto or detach" in said.reason


def test_nothing_is_asked_for_that_aws_refused_already():
    both = {**REFUSED, "detach": describe_refusal("detach", "InvalidGlobalClusterStateFault", "no")}
    decision = decide(observed(), lag(), request(AUTO, accept_data_loss=True), both)
    assert decision.action == "refuse" and "AWS refused to detach" in decision.reason


def test_the_method_used_is_what_the_state_shows():
    assert method_used("failover", observed(writer=B)) == "failover"
    assert method_used("failover", ALONE) == "detach"
    assert method_used("detach", observed(writer=B)) == "failover"
    assert method_used("detach", observed()) == "detach"


def test_a_stuck_detach_says_what_the_cluster_is():
    said = describe_stuck(
        request("detach"), observed(regions=(A,), target=target(cluster_status="promoting")), 9.0, None
    )
    assert "us-east-2 is no member" in said and "promoting" in said
