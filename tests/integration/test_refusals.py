# SPDX-License-Identifier: GPL-3.0-or-later
"""failover.yml refuses an unfit target before it changes anything, gives the reason, and notifies operators."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.aws import TABLE, Listener, control_item, members, messages, name_points_at, runs

LOST, TARGET = "us-east-1", "us-east-2"


def no_healthy_target(lab) -> None:
    lab.set_targets(TARGET, "unhealthy")


def no_database_instance(lab) -> None:
    rds = lab.client("rds", TARGET)
    for instance in rds.describe_db_instances()["DBInstances"]:
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)


def another_engine_version(lab) -> None:
    lab.settings(minor_upgrade_s=0)
    lab.client("rds", TARGET).modify_db_cluster(
        DBClusterIdentifier=f"trading-{TARGET}-dev", EngineVersion="8.0.mysql_aurora.3.12.0", ApplyImmediately=True
    )


@pytest.mark.parametrize(
    ("make_unfit", "reason"),
    [
        (no_healthy_target, "healthy target"),
        (no_database_instance, "instance"),
        (another_engine_version, "8.0.mysql_aurora.3.12.0"),
    ],
)
def test_an_unfit_target_is_refused_before_any_change(platform, make_unfit, reason):
    make_unfit(platform.lab)
    platform.lab.outage(LOST, "reset")
    before = len(platform.lab.calls())
    run = platform.run("failover", "-e", f"target_region={TARGET}")
    assert run.code != 0
    assert reason in run.output
    # The alert and the record are all that a refusal writes.
    written = {call["operation"] for call in platform.lab.calls()[before:] if call["mutating"]}
    assert written <= {"Publish", "PutItem", "UpdateItem"}
    assert messages(platform.lab, TARGET)
    assert members(platform.lab, TARGET) == {LOST: True, TARGET: False}
    assert name_points_at(platform.lab) == LOST


def test_a_target_that_is_active_already_is_a_sentence_and_no_error(platform):
    before = len(platform.lab.calls())
    run = platform.run("failover", "-e", f"target_region={LOST}").ends_well()
    assert run.changed == {"localhost": 0}
    assert f"{LOST} is already active" in run.output
    assert [call for call in platform.lab.calls()[before:] if call["mutating"]] == []


# Slower than failover_patience; its endpoint answers, so it is waited for.
@pytest.mark.parametrize("seconds", [0, 1.5])
def test_a_healthy_active_region_is_left_by_switchover_unless_forced(platform, seconds):
    if seconds:
        platform.lab.fault("latency", region=LOST, seconds=seconds)
    run = platform.run("failover")
    assert run.code != 0
    assert "switchover.yml" in run.output and "force: true" in run.output
    assert members(platform.lab, TARGET) == {LOST: True, TARGET: False}


def no_sample(lab) -> None:
    lab.settings(lag_ms=None, rpo_lag_ms=None)
    lab.advance(4000 * lab.scale)  # beyond the hour that is looked back


def an_old_sample(lab) -> None:
    lab.settings(lag_ms=None, rpo_lag_ms=None)
    lab.advance(600 * lab.scale)


def too_slow(lab) -> None:
    lab.settings(lag_ms=9000)
    lab.advance(600)


def nothing_is_wrong(lab) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "options", "code"),
    [
        (no_sample, {}, "lag_unknown"),
        (an_old_sample, {}, "lag_sample_old"),
        (too_slow, {}, "lag_above_limit"),
        (nothing_is_wrong, {"lease": True}, "lease_held"),
        (nothing_is_wrong, {"table": None}, "lease_table_missing"),
        (nothing_is_wrong, {"manifest": 2}, "manifest.version is 2"),
    ],
)
def test_each_way_of_being_unsafe_has_its_own_refusal(platform, spoil, options, code):
    spoil(platform.lab)
    dynamodb = platform.lab.client("dynamodb", TARGET)
    if "table" in options:
        dynamodb.update_table(TableName=TABLE, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=TABLE)
    if "manifest" in options:
        for region in (LOST, TARGET):
            item = {"id": {"S": "manifest"}, "document": {"S": json.dumps({"version": 2})}, "written_at": {"S": "2026"}}
            platform.lab.client("dynamodb", region).put_item(TableName=TABLE, Item=item)
    if "lease" in options:
        platform.lab.outage(LOST, "reset")
        platform.run("failover", break_at="Lease | refuse obstacles that have appeared since", breaks="kill")
    run = platform.run("failover", "-e", "force=true", "-e", "max_sampled_lag_ms=1000")
    assert run.code != 0
    assert code in run.output
    assert members(platform.lab, TARGET) == {LOST: True, TARGET: False}


def test_of_two_concurrent_runs_exactly_one_proceeds(platform):
    platform.lab.outage(LOST, "reset")
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _number: platform.run("failover"), range(2)))
    assert sorted(run.code == 0 for run in both) == [False, True]
    (refused,) = [run for run in both if run.code]
    assert "is held by" in refused.output
    asked = [call for call in platform.lab.calls() if call["operation"] == "FailoverGlobalCluster"]
    assert len(asked) == 1
    assert members(platform.lab, TARGET) == {LOST: False, TARGET: True}


def test_a_promotion_that_sticks_fails_with_the_way_on_and_is_joined_by_the_next_run(platform):
    people = Listener(platform.lab, TARGET)
    platform.lab.outage(LOST, "reset")
    platform.lab.settings(promotion_stuck=True)
    stuck = platform.run("failover", "-e", "wait_timeout=3")
    assert stuck.code != 0
    assert "failing-over" in stuck.output and "Run the same command again" in stuck.output
    assert name_points_at(platform.lab) == LOST
    platform.lab.settings(promotion_stuck=False)
    platform.run("failover").ends_well()
    assert name_points_at(platform.lab) == TARGET
    asked = [call for call in platform.lab.calls() if call["operation"] == "FailoverGlobalCluster"]
    assert len(asked) == 1
    (record,) = runs(platform.lab, TARGET)
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["failed", "successful"]
    heard = people.heard()
    assert [message["event"].removeprefix("failover_") for message in heard] == [
        "started",
        "failed",
        "resumed",
        "successful",
    ]
    assert {message["run_id"] for message in heard} == {record["run_id"]}
    assert all("Next: " in message["Message"] or "Run the same command" in message["Message"] for message in heard)


@pytest.mark.nightly
def test_a_plan_that_cannot_be_made_under_the_lease_ends_the_attempt_immediately_and_is_reported(platform):
    people = Listener(platform.lab, TARGET)
    platform.lab.outage(LOST, "reset")
    unreadable = ["faults", {"mode": "5xx", "service": "dynamodb", "operation": "BatchGetItem"}]
    stopped = platform.run("failover", break_at="plan again under the lease", breaks=f"lab {json.dumps([unreadable])}")
    assert stopped.code != 0
    assert "Stopped at: 3 Lease | plan again under the lease." in stopped.output
    platform.lab.clear_faults()
    # The lease was given back: the next run does not have to wait for its end.
    platform.run("failover").ends_well()
    (record,) = runs(platform.lab, TARGET)
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["failed", "successful"]
    assert [message["event"] for message in people.heard()][:2] == ["failover_failed", "failover_resumed"]


@pytest.mark.nightly
def test_a_lease_that_cannot_be_given_back_is_named_with_the_way_on(platform):
    platform.lab.outage(LOST, "reset")
    faults = [
        ["faults", {"mode": "5xx", "service": "dynamodb", "operation": one}] for one in ("BatchGetItem", "UpdateItem")
    ]
    stopped = platform.run("failover", break_at="plan again under the lease", breaks=f"lab {json.dumps(faults)}")
    assert stopped.code != 0
    run_id = control_item(platform.lab, TARGET, "lease")["run_id"]
    said = " ".join(stopped.output.split())
    assert (
        f"could not be released. The next run can start in 60 s, or immediately with takeover_run_id={run_id}." in said
    )
    platform.lab.clear_faults()
    platform.run("failover", "-e", f"takeover_run_id={run_id}").ends_well()


def test_a_lease_taken_without_an_answer_is_given_back_by_a_run_that_changed_nothing(platform):
    platform.lab.outage(LOST, "reset")
    # The lease is written, but from then on the table cannot be read.
    requests = [
        ["faults", {"mode": "lost_answer", "service": "dynamodb", "operation": "PutItem", "region": TARGET}],
        ["faults", {"mode": "5xx", "service": "dynamodb", "operation": "GetItem", "region": TARGET}],
    ]
    stopped = platform.run("failover", break_at="take the lease of the target", breaks=f"lab {json.dumps(requests)}")
    assert stopped.code != 0
    platform.lab.clear_faults()
    lease = control_item(platform.lab, TARGET, "lease")
    assert lease is None or lease["outcome"] != "running"


def test_without_a_plan_nothing_is_changed_and_the_workflow_gets_the_reason(platform):
    platform.lab.fault("5xx", service="dynamodb", operation="BatchGetItem")
    before = len(platform.lab.calls())
    run = platform.run("failover", variables={"ANSIBLE_SHOW_CUSTOM_STATS": "true"})
    assert run.code != 0
    assert "No plan could be made, and nothing has been changed." in run.output
    handed_on = run.output.partition("CUSTOM STATS")[2]
    assert "outcome: refused" in handed_on and "BatchGetItem" in handed_on
    assert [call for call in platform.lab.calls()[before:] if call["mutating"]] == []


def test_an_obstacle_that_appears_once_the_lease_is_held_is_printed_with_its_code_and_ends_the_attempt(platform):
    platform.lab.outage(LOST, "reset")
    unhealthy = ["targets", {"region": TARGET, "state": "unhealthy"}]
    stopped = platform.run("failover", break_at="plan again under the lease", breaks=f"lab {json.dumps([unhealthy])}")
    assert stopped.code != 0
    assert "Stopped at: 3 Lease | refuse obstacles that have appeared since." in stopped.output
    assert f"target_has_no_healthy_target: {TARGET} has no healthy target" in " ".join(stopped.output.split())
    assert members(platform.lab, TARGET) == {LOST: True, TARGET: False}
    assert control_item(platform.lab, TARGET, "lease")["outcome"] == "failed"
