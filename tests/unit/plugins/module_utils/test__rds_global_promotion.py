# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The law of moving the writer: what is refused, joined, asked for, and when it is done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._api import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._rds_global_promotion import (
    GUARDS,
    Request,
    decide,
    describe_stuck,
    is_done,
    observe_target,
    predicted,
)

A, B, C = "us-east-1", "us-east-2", "eu-west-1"
VERSION = "8.0.mysql_aurora.3.08.0"


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
    state = observed(regions=(A, C), target=target(arn=None))
    said = refusal(state)
    assert said == f"us-east-2 has no member of trading-global. Members: {arn(A)}, {arn(C)}."


def test_refuses_an_arn_that_is_no_member_even_where_the_region_has_one():
    wish = request(db_cluster_arns={B: "arn:aws:rds:us-east-2:1:cluster:other"})
    found = observe_target(wish, observed()["members"])
    assert (found["arn"], found["identifier"]) == (None, None)
    said = refusal(observed(target=target(arn=None)), wish=wish)
    assert "with the ARN arn:aws:rds:us-east-2:1:cluster:other (db_cluster_arns)" in said


def test_the_target_is_the_member_of_the_region():
    assert observe_target(request(), observed()["members"])["arn"] == arn(B)


def test_nothing_to_do_where_the_target_is_the_writer_and_serves():
    decision = decide(observed(writer=B), UNKNOWN, request(expected_writer_region=A))
    assert decision.action == "none"
    assert decision.reason == "us-east-2 already has the writer of trading-global."


def test_a_writer_that_does_not_serve_yet_is_waited_for():
    assert action(observed(writer=B, target=target(cluster_status="promoting"))) == "join"


def test_joins_an_operation_towards_the_same_target_whatever_its_status_is_called():
    for status in ("pending", "failing-over", "switching-over", "a-status-of-next-year"):
        assert action(observed(failover_state=flight(B, status)), UNKNOWN) == "join"


def test_refuses_beside_an_operation_towards_another_target_and_names_it():
    said = refusal(observed(regions=(A, B, C), failover_state=flight(C)))
    assert "failing-over" in said and "towards eu-west-1" in said


def test_refuses_beside_an_operation_whose_target_is_not_told():
    state = observed(failover_state={**flight(B), "to_arn": None, "to_region": None})
    assert "an unnamed region" in refusal(state)


def test_refuses_when_somebody_else_has_moved_the_writer():
    said = refusal(observed(writer=C, regions=(A, B, C)), wish=request(expected_writer_region=A))
    assert "expected in us-east-1" in said and "it is in eu-west-1" in said


def test_accepts_the_expected_writer():
    assert action(observed(), wish=request(expected_writer_region=A)) == "request"


def test_refuses_a_different_patch_level():
    said = refusal(observed(target=target(engine_version="8.0.mysql_aurora.3.08.1")))
    assert "3.08.1" in said and VERSION in said


@pytest.mark.parametrize("state", [{"engine_version": None}, {"target": target(engine_version=None)}])
def test_refuses_when_a_version_is_unknown(state):
    assert "unknown" in refusal(observed(**state))


def test_refuses_a_headless_cluster():
    assert "has no instance" in refusal(observed(target=target(instances=[])))


def test_refuses_when_no_instance_is_available_and_names_their_states():
    instances = [{"identifier": "one", "status": "rebooting", "is_writer": True}]
    assert "one is rebooting" in refusal(observed(target=target(instances=instances)))


def test_refuses_when_lag_is_unknown():
    said = refusal(observed(), UNKNOWN)
    assert "unknown (no sample)" in said and "accept_data_loss" in said


def test_refuses_an_old_sample():
    assert "301 s old, 300 s are allowed" in refusal(observed(), lag(age=301.0))


def test_refuses_lag_above_the_limit():
    said = refusal(observed(), lag(5001.0), request(max_replication_lag_ms=5000))
    assert "5001 ms, 5000 ms are allowed" in said


def test_accepts_lag_at_the_limit():
    assert action(observed(), lag(5000.0), request(max_replication_lag_ms=5000)) == "request"


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


def test_switchover_without_a_writer_has_nobody_to_ask():
    assert "nobody to ask" in refusal(observed(writer=None), wish=request("switchover"))


def test_failover_without_a_writer_is_possible():
    assert action(observed(writer=None)) == "request"


def test_refuses_a_member_that_is_being_rebuilt():
    members = [member(A, writer=True), member(B, synchronization_status="pending-resync")]
    assert "pending-resync" in refusal(observed(members=members))
    assert action(observed(members=members), wish=request(accept_data_loss=True)) == "request"
    assert action(observed(members=members), wish=request("switchover", accept_data_loss=True)) == "refuse"


def test_all_reasons_are_told_at_once():
    state = observed(target=target(engine_version="8.0.mysql_aurora.3.07.0", instances=[]))
    said = refusal(state, UNKNOWN, request(expected_writer_region=C))
    for part in ("expected in eu-west-1", "3.07.0", "has no instance", "lag of us-east-2 is unknown"):
        assert part in said


@pytest.mark.parametrize(
    ("name", "value"),
    [("poll_interval", 0.5), ("wait_timeout", 0), ("max_replication_lag_ms", -1), ("max_lag_sample_age", 0)],
)
def test_a_number_that_makes_no_sense_is_refused_by_name(name, value):
    params = {"global_cluster_identifier": "x", "writer_region": B, "method": "failover", name: value}
    with pytest.raises(Refused, match=f"{name} is {value}"):
        Request.of(params)


def test_a_stuck_promotion_says_what_is_missing_and_that_running_again_resumes():
    state = observed(failover_state=flight(B), target=target(cluster_status="promoting", instances=[]))
    said = describe_stuck(request(), state, 600.0, None)
    for part in ("600 s", "failing-over", "not the writer", "promoting", "0 writer", "running again resumes"):
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
    st.sampled_from(["available", "promoting", None]),
    st.sampled_from(["available", "rebooting", None]),
    st.booleans(),
    st.sampled_from([VERSION, "8.0.mysql_aurora.3.07.0", None]),
    st.sampled_from(["connected", "pending-resync", None]),
)
LAGS = st.one_of(
    st.just(UNKNOWN), st.builds(lag, st.floats(0, 10**6, allow_nan=False), st.floats(0, 7200, allow_nan=False))
)
REQUESTS = st.builds(
    request,
    st.sampled_from(["failover", "switchover"]),
    expected_writer_region=st.sampled_from([None, A, B, C]),
    max_replication_lag_ms=st.one_of(st.none(), st.integers(0, 10**6)),
    accept_data_loss=st.booleans(),
)


@given(STATES, LAGS, REQUESTS)
def test_a_request_is_made_only_where_nothing_is_in_flight_and_every_guard_agrees(state, sample, wish):
    if decide(state, sample, wish).action == "request":
        assert not state["failover_state"]
        assert state["writer_region"] != B
        assert [guard(state, sample, wish) for guard in GUARDS] == [None] * len(GUARDS)


@given(STATES, LAGS, REQUESTS)
def test_unknown_or_excessive_lag_never_passes_a_failover_that_did_not_accept_loss(state, sample, wish):
    limit = wish.max_replication_lag_ms
    bad = (
        sample["value_ms"] is None or sample["age_seconds"] > 300 or (limit is not None and sample["value_ms"] > limit)
    )
    if bad and wish.method == "failover" and not wish.accept_data_loss:
        assert decide(state, sample, wish).action != "request"


@given(STATES, LAGS, REQUESTS)
def test_every_decision_has_a_sentence(state, sample, wish):
    decision = decide(state, sample, wish)
    assert decision.action in {"none", "request", "join", "refuse"}
    assert decision.reason.endswith(".")


@given(STATES, LAGS, REQUESTS)
def test_deciding_again_after_the_move_finds_nothing_to_do(state, sample, wish):
    done = predicted({**state, "target": target()})
    assert is_done(done)
    assert decide(done, sample, wish).action == "none"


@given(STATES)
def test_done_is_never_claimed_on_a_partial_state(state):
    if is_done(state):
        assert state["writer_region"] == B and not state["failover_state"]
        assert state["target"]["cluster_status"] == "available"
        assert any(one["status"] == "available" and one["is_writer"] for one in state["target"]["instances"])
