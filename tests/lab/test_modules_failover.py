# SPDX-License-Identifier: GPL-3.0-or-later
"""The failover modules over the socket: a region is lost in each way, and what they say and do then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling import capacity
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.units import group_in
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import (
    manifest as control_table_manifest,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions as health_regions
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import DECIDING, SIGNALS
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import notify
from ansible_collections.trading.multi_region.plugins.module_utils._platform import observe
from ansible_collections.trading.multi_region.plugins.module_utils._runs import record
from lab.client import Lab
from tests.lab.failover_platform import EAST, GROUP, TABLE, WEST, Platform, clients_of, wait_for

MODES = ("reset", "hang", "5xx", "throttle")
HEALTH = {
    "signals": list(SIGNALS),
    "deciding_signals": list(DECIDING),
    "min_healthy_ratio": 0.5,
    "max_replication_lag_ms": 1000,
    "max_lag_sample_age": 420,
    "deadline": 8,
}
PLAN = {
    "table_name": TABLE,
    "regions": [EAST, WEST],
    "target_region": None,
    "expected_active_region": None,
    "min_healthy_ratio": 0.5,
    "max_replication_lag_ms": None,
    "max_sampled_lag_ms": None,
    "max_lag_sample_age": 420,
    "accept_data_loss": False,
    "force": False,
    "method": "failover",
    "fencing": "database_ingress",
    "cool_down": 3600,
    "min_capacity_percent": 50,
    "resume_within": 21600,
    "takeover_run_id": None,
    "deadline": 4,
    "patience": 1,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A whole platform, made once; the tests break copies of it."""
    with Lab.start(tmp_path_factory.mktemp("whole")) as lab:
        platform = Platform(lab)
        for region in platform.regions:
            params = {"manifest": platform.manifest, "table_name": TABLE, "region": region}
            assert control_table_manifest.run(params, platform.clients)["changed"]
        wait_for(lambda: health(platform)["healthy_regions"], lambda regions: len(regions) == 2)
        yield platform


@pytest.fixture
def platform(whole: Platform, tmp_path: Any) -> Iterator[Platform]:
    """A copy of the platform to break."""
    with whole.lab.fork(tmp_path / "copy") as lab:
        copy = object.__new__(Platform)
        copy.__dict__.update(whole.__dict__, lab=lab, clients=clients_of(lab))
        yield copy


def health(platform: Platform, **more: Any) -> dict[str, Any]:
    params = {**HEALTH, "manifest": platform.manifest, "probe_proxy": platform.lab.url}
    return health_regions.run({**params, **more}, platform.clients)


def plan(platform: Platform, **more: Any) -> dict[str, Any]:
    return observe.run({**PLAN, **more}, platform.clients)


def steps(found: dict[str, Any]) -> list[str]:
    return [step["step"] for step in found["plan"]]


def codes(found: dict[str, Any]) -> list[str]:
    return [obstacle["code"] for obstacle in found["obstacles"]]


def test_reading_changes_nothing(platform: Platform) -> None:
    platform.lab.clear_calls()
    health(platform)
    plan(platform)
    assert [call["operation"] for call in platform.lab.calls() if call["mutating"]] == []


def test_the_manifest_is_written_once(platform: Platform) -> None:
    params = {"manifest": platform.manifest, "table_name": TABLE, "region": WEST}
    assert not control_table_manifest.run(params, platform.clients)["changed"]
    found = control_table_manifest.run_info(
        {"table_name": TABLE, "regions": [EAST, WEST], "deadline": 4}, platform.clients
    )
    assert found["manifest"] == platform.manifest


@pytest.mark.parametrize("mode", MODES)
def test_a_lost_region_is_unknown_and_the_plan_is_ready_within_seconds(platform: Platform, mode: str) -> None:
    platform.lab.outage(EAST, mode)
    begun = time.monotonic()
    found = plan(platform)
    # A second of patience, and the making of a dozen clients on a busy machine.
    assert time.monotonic() - begun < 6
    assert found["obstacles"] == []
    assert steps(found) == [
        "fence",
        "promote_request",
        "announce",
        "promote_wait",
        "endpoint_wait",
        "traffic",
        "verify",
        "notify",
        "record",
    ]
    assert (found["target_region"], found["copies"][EAST]) == (WEST, "unknown")
    assert found["verdicts"][EAST]["verdict"] == "unknown"
    assert found["rpo_bound_ms"] == "unknown", "what does not answer may go on writing"
    assert found["safe_instant"] < found["lag"]["sampled_at"]


def test_a_hanging_region_is_unknown_by_the_deadline(platform: Platform) -> None:
    platform.lab.outage(EAST, "hang")
    begun = time.monotonic()
    found = health(platform, deadline=4)
    assert time.monotonic() - begun < 6
    assert (found["unknown_regions"], found["healthy_regions"], found["writer_region"]) == ([EAST], [WEST], EAST)


def test_a_region_whose_targets_fail_is_unhealthy_and_the_rule_is_half(platform: Platform) -> None:
    platform.lab.set_targets(EAST, "unhealthy", healthy=1)
    assert health(platform)["healthy_regions"] == [EAST, WEST]
    platform.lab.set_targets(EAST, "unhealthy")
    found = wait_for(lambda: health(platform), lambda one: one["unhealthy_regions"])
    assert found["unhealthy_regions"] == [EAST]
    assert "Only 0 of 2 registered targets are healthy" in found["reason"]


def test_a_healthy_region_is_not_left_unless_forced(platform: Platform) -> None:
    assert codes(plan(platform)) == ["primary_healthy"]
    assert codes(plan(platform, force=True)) == []
    found = plan(platform, target_region=EAST)
    assert (found["is_arrived"], codes(found), steps(found)) == (True, [], [])
    assert found["reason"].startswith(f"{EAST} is already active")


def test_a_switchover_of_a_healthy_platform_is_possible_and_auto_chooses_it(platform: Platform) -> None:
    planned = plan(platform, method="switchover")
    assert codes(planned) == []
    assert steps(planned) == [
        "announce",
        "promote_request",
        "promote_wait",
        "endpoint_wait",
        "traffic",
        "verify",
        "notify",
        "record",
    ]
    assert (planned["rpo_bound_ms"], plan(platform, method="auto")["method"]) == (0, "switchover")
    platform.lab.outage(EAST, "reset")
    assert codes(plan(platform, method="switchover")) == ["writer_unreadable"]
    assert plan(platform, method="auto")["method"] == "failover"


def test_the_control_tables_are_read_in_one_call_each(platform: Platform) -> None:
    platform.lab.clear_calls()
    found = plan(platform, force=True)
    asked = [(call["region"], call["operation"]) for call in platform.lab.calls() if call["service"] == "dynamodb"]
    assert sorted(asked) == [(EAST, "BatchGetItem"), (WEST, "BatchGetItem")]
    assert (found["lease"], found["latest_move"], found["fences"]) == (None, None, {EAST: None, WEST: None})


def test_another_run_s_lease_is_reported_with_its_owner(platform: Platform) -> None:
    lease = {
        "table_name": TABLE,
        "region": WEST,
        "state": "held",
        "run_id": "r1",
        "owner": "somebody",
        "method": "auto",
    }
    more = {"lease_seconds": 60, "resume_within": 21600, "trigger": "test", "takeover_run_id": None}
    assert lease_holder.run({**lease, **more}, platform.clients)["lease"]["run_id"] == "r1"
    found = plan(platform, force=True)
    assert (codes(found), found["obstacles"][0]["override"]) == (["lease_held"], "takeover_run_id: r1")
    assert "held by somebody: run r1" in found["reason"]


def test_a_control_table_that_is_gone_names_site_yml(platform: Platform) -> None:
    platform.lab.client("dynamodb", WEST).delete_table(TableName=TABLE)
    found = plan(platform, force=True)
    assert codes(found) == ["lease_table_missing"]
    assert "playbooks/site.yml" in found["reason"]


def test_applications_find_the_writer_where_the_parameter_leads(platform: Platform) -> None:
    entries = [{**entry, "writer_endpoint_parameter": "/writer"} for entry in platform.manifest["regions"]]
    manifest = {**platform.manifest, "regions": entries}
    for region in platform.regions:
        params = {"manifest": manifest, "table_name": TABLE, "region": region}
        control_table_manifest.run(params, platform.clients)
        platform.lab.client("ssm", region).put_parameter(Name="/writer", Value="elsewhere", Type="String")
    platform.lab.outage(EAST, "reset")
    found = plan(platform, method="detach", accept_data_loss=True)
    wanted = platform.lab.client("rds", WEST).describe_db_clusters()["DBClusters"][0]["Endpoint"]
    endpoint = found["writer_endpoint"]
    expected = {"parameter": "/writer", "current": "elsewhere", "wanted": wanted, "others": {}}
    assert {name: endpoint[name] for name in expected} == expected
    assert list(endpoint["silent"]) == [EAST]
    assert "repoint" in steps(found)


def test_an_unfit_target_is_an_obstacle(platform: Platform) -> None:
    platform.lab.outage(EAST, "reset")
    platform.lab.set_targets(WEST, "unhealthy")
    found = wait_for(lambda: plan(platform), lambda one: one["obstacles"])
    assert codes(found) == ["target_has_no_healthy_target"]
    rds = platform.lab.client("rds", WEST)
    for number in (1, 2):
        rds.delete_db_instance(DBInstanceIdentifier=f"trading-{WEST}-dev-{number}", SkipFinalSnapshot=True)
    found = wait_for(lambda: plan(platform), lambda one: len(one["obstacles"]) > 1)
    assert codes(found) == ["target_has_no_healthy_target", "target_has_no_database_instance"]


def test_the_plan_shrinks_as_the_move_continues(platform: Platform) -> None:
    platform.lab.outage(EAST, "reset")
    first = plan(platform)
    rds = platform.lab.client("rds", WEST)
    rds.failover_global_cluster(
        GlobalClusterIdentifier="trading-global-dev",
        TargetDbClusterIdentifier=first["db_cluster_arns"][WEST],
        AllowDataLoss=True,
    )
    running = plan(platform)
    rest = [step for step in steps(first) if step != "promote_request"]
    assert (codes(running), steps(running)) == ([], rest)
    moved = wait_for(lambda: plan(platform), lambda one: "promote_wait" not in steps(one), 60)
    assert (codes(moved), steps(moved)) == ([], [step for step in rest if step != "promote_wait"])
    assert (moved["target_region"], moved["writer_region"], moved["active_region"]) == (WEST, WEST, EAST)
    platform.say(WEST, f"[{WEST} claims over {EAST}]\n")
    assert plan(platform, target_region=WEST)["is_arrived"]


def test_capacity_is_raised_and_waited_for(platform: Platform) -> None:
    platform.lab.outage(EAST, "hang")
    arn = platform.entry(WEST)["target_group_arn"]
    params = {"region": WEST, "name": GROUP, "target_group_arn": arn, "wait": True, "wait_timeout": 60}
    done = capacity.run({**params, "at_least": 4, "poll_interval": 0.2}, platform.clients)
    assert (done["changed"], done["after"]["desired"]) == (True, 4)
    assert done["healthy_targets"] >= 4
    assert not capacity.run({**params, "at_least": 1, "poll_interval": 0.2}, platform.clients)["changed"]
    with pytest.raises(Refused, match="allows at most 6"):
        capacity.run({**params, "at_least": 7, "poll_interval": 0.2}, platform.clients)
    assert {call["region"] for call in platform.lab.calls() if call["operation"] == "SetDesiredCapacity"} == {WEST}


@pytest.mark.parametrize("is_held", [False, True], ids=["left alone", "held"])
def test_a_standby_is_not_lowered_before_its_traffic_comes_if_its_minimum_size_is_held(
    platform: Platform, is_held: bool
) -> None:
    scaling = platform.lab.client("autoscaling", WEST)
    tracking = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}}
    scaling.put_scaling_policy(
        AutoScalingGroupName=GROUP,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={**tracking, "TargetValue": 50.0},
    )
    platform.lab.advance(1000)
    params = {"region": WEST, "name": GROUP, "at_least": 4, "wait": False}
    done = capacity.run({**params, "min_size_hold": 7200 if is_held else None}, platform.clients)
    assert done["after"]["desired"] == 4
    for _part in range(6):
        platform.lab.advance(400)
    sizes = group_in(platform.clients, WEST, GROUP).read()
    assert (sizes["desired"], sizes["min"]) == ((4, 4) if is_held else (2, 2))
    if is_held:
        platform.lab.advance(7200)
        assert group_in(platform.clients, WEST, GROUP).read()["min"] == 2
        assert capacity.run({**params, "at_least": 0, "min_size_hold": 0}, platform.clients)["changed"] is False


@pytest.mark.parametrize("mode", ["reset", "hang"])
def test_operators_are_notified_and_the_run_recorded_without_the_lost_region(platform: Platform, mode: str) -> None:
    platform.lab.outage(EAST, mode)
    topics = {entry["region"]: entry["topic_arn"] for entry in platform.manifest["regions"]}
    message = {"topics": topics, "required_region": WEST, "subject": "moved", "msg": "text", "deadline": 8}
    sent = notify.run(message, platform.clients)
    assert (list(sent["delivered"]), list(sent["not_delivered"])) == ([WEST], [EAST])
    run = {"table_name": TABLE, "regions": [EAST, WEST], "required_region": WEST, "run_id": "r1", "deadline": 8}
    run["attempt"] = 1
    kept = record.run({**run, "record": {"outcome": "completed"}}, platform.clients)
    assert (kept["written_to"], list(kept["not_written_to"])) == ([WEST], [EAST])
    assert max(sent["seconds"], kept["seconds"]) < 6
    stored = platform.lab.client("dynamodb", WEST).get_item(TableName=TABLE, Key={"id": {"S": "run#r1"}})
    assert "completed" in stored["Item"]["document"]["S"]
