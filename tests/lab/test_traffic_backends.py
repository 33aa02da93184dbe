# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The promises of the traffic switch with metrics, routing controls and traffic dials, over real boto3.

Those with objects, which are the same, are in test_modules_traffic.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import backends
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.switch import s3_module
from tests.lab.stage import Stage, wait
from tests.lab.traffic_platform import EAST, WEST, ControlPlatform, DialPlatform, MetricPlatform, Platform

KINDS = {kind.backend: kind for kind in (MetricPlatform, ControlPlatform, DialPlatform)}


def build(kind: type[Platform], stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Platform:
    for name, value in stage.lab.env().items():
        monkeypatch.setenv(name, value)
    return kind(stage, capsys).build()


@pytest.fixture(params=KINDS)
def platform(
    request: pytest.FixtureRequest, stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Platform:
    return build(KINDS[request.param], stage, monkeypatch, capsys)


@pytest.fixture
def metrics(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Platform:
    return build(MetricPlatform, stage, monkeypatch, capsys)


@pytest.fixture
def dials(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> DialPlatform:
    return build(DialPlatform, stage, monkeypatch, capsys)  # type: ignore[return-value]


@pytest.fixture
def controls(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ControlPlatform:
    return build(ControlPlatform, stage, monkeypatch, capsys)  # type: ignore[return-value]


def writes(platform: Platform) -> list[tuple[str, str]]:
    return [(call["operation"], call["region"]) for call in platform.lab.calls() if call["mutating"]]


def test_the_name_moves_while_the_old_region_is_lost_and_stays_when_it_returns(platform: Platform) -> None:
    platform.lab.outage(EAST, "reset")
    moved = platform.traffic(WEST)
    assert (moved["changed"], moved["before"], moved["after"]) == (True, EAST, WEST)
    assert platform.leads_to(WEST)
    platform.lab.restore(EAST)
    assert platform.leads_to(WEST)
    settled = platform.traffic()
    assert (settled["before"], settled["after"], settled["told"], settled["not_told"]) == (WEST, WEST, [EAST], [])
    assert platform.leads_to(WEST)
    assert platform.traffic()["changed"] is False
    assert platform.traffic(WEST)["changed"] is False


def test_there_and_back_within_a_minute(platform: Platform) -> None:
    platform.traffic(WEST)
    assert platform.leads_to(WEST)
    back = platform.traffic(EAST)
    assert (back["before"], back["after"], back["told"]) == (WEST, EAST, [WEST])
    assert platform.leads_to(EAST)
    platform.traffic(WEST)
    assert platform.leads_to(WEST)


def test_check_mode_writes_nothing_and_the_move_needs_no_global_control_plane(platform: Platform) -> None:
    platform.lab.clear_calls()
    would = platform.traffic(WEST, check_mode=True)
    assert writes(platform) == []
    platform.lab.outage("aws-global")
    if not isinstance(platform, DialPlatform):
        platform.lab.outage("us-west-2", "reset")  # where ARC's control plane lives
    did = platform.traffic(WEST)
    for key in ("changed", "before", "after", "told", "not_told", "statements"):
        assert would[key] == did[key]
    assert platform.leads_to(WEST)


def manifest_of(platform: Platform) -> dict[str, Any]:
    parts = {
        "cloudwatch_metric": {"platform": "switch", "metric_namespace": "Trading/TrafficSwitch"},
        "arc_routing_control": {
            "routing_controls": getattr(platform, "controls", None),
            "cluster_endpoints": platform.options().get("cluster_endpoints"),
        },
        "global_accelerator": {"accelerator": platform.accelerator() if isinstance(platform, DialPlatform) else None},
    }
    return {
        "traffic": {"backend": platform.backend, **parts[platform.backend]},
        "regions": [{"region": region, "control_bucket": Stage.bucket(region)} for region in platform.stage.regions],
    }


def test_the_planner_reads_where_the_traffic_is_without_the_lost_region(platform: Platform) -> None:
    manifest = manifest_of(platform)
    clients = clients_for(s3_module(SimpleNamespace(params={"region": EAST}, fail_json=pytest.fail)))

    def seen() -> str | None:
        calls = {
            (entry["region"], fact): call
            for entry in manifest["regions"]
            for fact, call in backends.traffic_readers(clients, manifest, entry).items()
        }
        answers = observe_all(calls, 10.0)
        facts = {
            region: Facts(region, {name: answer for (of, name), answer in answers.items() if of == region})
            for region in platform.stage.regions
        }
        return backends.traffic_region(manifest, facts)

    assert seen() == EAST
    platform.traffic(WEST)
    assert seen() == WEST
    platform.lab.outage(EAST, "reset")
    assert seen() == WEST


# --- metrics ----------------------------------------------------------------------------------------------------------


def claim_of_west(**datum: Any) -> dict[str, Any]:
    """The metric of the claim that moves the traffic, as CloudWatch takes it."""
    dimensions = {"Platform": "switch", "Statement": f"[{WEST} claims over {EAST}]"}
    shown = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return {"MetricName": "Said", "Dimensions": shown, **datum}


def test_metrics_settle_says_again_what_is_said_and_reports_no_change(metrics: Platform) -> None:
    (claim,) = (check for check in metrics.checks() if check["name"] == "switch-claim-use1-use2")
    long_ago = datetime.now(UTC) - timedelta(minutes=10)
    metrics.lab.client("cloudwatch", WEST).put_metric_data(
        Namespace="Trading/TrafficSwitch", MetricData=[claim_of_west(Timestamp=long_ago, Value=1)]
    )
    assert metrics.leads_to(WEST)
    # A check made again has heard nothing yet, and counts the claim as not made.
    options = {key: value for key, value in claim.items() if key != "tier"}
    again = metrics.run("route53_health_check", region=EAST, **{**options, "name": "again"})["health_check_id"]
    assert metrics.stage.healthy(again)
    assert metrics.traffic()["statements"][EAST] == [f"[{EAST} yields to {WEST}]"]
    metrics.lab.clear_calls()
    assert metrics.traffic()["changed"] is False
    assert wait(lambda: metrics.stage.healthy(again), lambda healthy: not healthy) is False
    assert metrics.leads_to(WEST)


def test_metrics_that_have_gone_out_of_sight_are_read_from_the_alarms(metrics: Platform) -> None:
    cloudwatch = metrics.lab.client("cloudwatch", WEST)
    cloudwatch.set_alarm_state(AlarmName="switch-claim-use1-use2", StateValue="ALARM", StateReason="long ago")
    assert metrics.traffic()["after"] == WEST


def test_metrics_of_a_lost_active_region_keep_the_traffic_there(metrics: Platform) -> None:
    metrics.traffic(WEST)
    assert metrics.leads_to(WEST)
    metrics.lab.outage(WEST, "reset")
    assert metrics.leads_to(WEST)


def test_metrics_are_dated_into_the_next_minute_where_this_one_says_otherwise(metrics: Platform) -> None:
    for target in (WEST, EAST, WEST):
        metrics.traffic(target)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    stat = {"Metric": {"Namespace": "Trading/TrafficSwitch", **claim_of_west()}, "Period": 60, "Stat": "Maximum"}
    found = metrics.lab.client("cloudwatch", WEST).get_metric_data(
        MetricDataQueries=[{"Id": "s0", "MetricStat": stat}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=10),
        ScanBy="TimestampAscending",
    )["MetricDataResults"][0]
    assert found["Values"] == [1.0, 0.0, 1.0]
    assert {later - earlier for earlier, later in zip(found["Timestamps"], found["Timestamps"][1:], strict=False)} == {
        timedelta(minutes=1)
    }


# --- routing controls -------------------------------------------------------------------------------------------------


def test_controls_move_with_two_of_five_endpoints_dead(controls: ControlPlatform) -> None:
    controls.lab.outage("us-east-1", "hang")
    controls.lab.outage("eu-west-1", "reset")
    moved = controls.traffic(WEST, read_timeout=0.5)
    assert (moved["before"], moved["after"], moved["statements"]) == (EAST, WEST, {EAST: ["Off"], WEST: ["On"]})
    assert controls.leads_to(WEST)
    updates = [call for call in controls.lab.calls() if call["operation"] == "UpdateRoutingControlStates"]
    assert [call["status"] for call in updates][-1] == 200


def test_controls_say_which_endpoints_were_tried_when_none_answers(controls: ControlPlatform) -> None:
    for place in controls.endpoints:
        controls.lab.outage(place["region"], "5xx")
    failed = controls.traffic(WEST)
    assert "None of the cluster's 5 " in failed["msg"]


def test_controls_tell_of_a_safety_rule_and_override_it_only_by_name(controls: ControlPlatform) -> None:
    config = controls.lab.client("route53-recovery-control-config", "us-west-2")
    rule = config.create_safety_rule(
        AssertionRule={
            "AssertedControls": list(controls.controls.values()),
            "ControlPanelArn": controls.controls[EAST].partition("/routingcontrol/")[0],
            "Name": "both",
            "RuleConfig": {"Type": "AND", "Threshold": 0, "Inverted": False},
            "WaitPeriodMs": 5000,
        }
    )["AssertionRule"]["SafetyRuleArn"]
    failed = controls.traffic(WEST)
    assert "a safety rule of the control panel rejects it" in failed["msg"]
    assert failed["error_code"] == "ConflictException"
    assert controls.leads_to(EAST)
    assert controls.traffic(WEST, safety_rules_to_override=[rule])["after"] == WEST
    assert controls.leads_to(WEST)


def test_controls_none_of_which_may_go_off_alone(controls: ControlPlatform) -> None:
    cluster = controls.lab.client("route53-recovery-cluster", "us-west-2")
    with pytest.raises(ClientError, match="one-at-least"):
        cluster.update_routing_control_state(RoutingControlArn=controls.controls[EAST], RoutingControlState="Off")
    assert cluster.get_routing_control_state(RoutingControlArn=controls.controls[EAST])["RoutingControlState"] == "On"


def test_controls_that_are_both_on_leave_the_traffic_where_it_is(controls: ControlPlatform) -> None:
    cluster = controls.lab.client("route53-recovery-cluster", "us-west-2")
    cluster.update_routing_control_state(RoutingControlArn=controls.controls[WEST], RoutingControlState="On")
    settled = controls.traffic()
    assert (settled["changed"], settled["after"]) == (True, EAST)
    assert settled["statements"] == {EAST: ["On"], WEST: ["Off"]}
    assert controls.leads_to(EAST)


# --- traffic dials ----------------------------------------------------------------------------------------------------


def test_dials_up_the_target_before_the_others_go_down(dials: DialPlatform) -> None:
    dials.lab.clear_calls()
    moved = dials.traffic(WEST)
    assert (moved["before"], moved["after"], moved["not_seen"]) == (EAST, WEST, [])
    assert dials.dials() == {EAST: 0.0, WEST: 100.0}
    assert writes(dials) == [("UpdateEndpointGroup", "us-west-2")] * 2


def test_dials_that_were_left_half_turned_say_nothing_until_the_move_is_run_again(dials: DialPlatform) -> None:
    api = dials.lab.client("globalaccelerator", "us-west-2")
    api.update_endpoint_group(EndpointGroupArn=dials.edge["endpoint_groups"][WEST], TrafficDialPercentage=100)
    settled = dials.traffic()
    assert f"The traffic dials of {EAST}, {WEST} are above 0" in settled["msg"]
    assert "matches" in (seen := dials.outside(accelerator=dials.accelerator())) and seen["active_region"] == "unknown"
    moved = dials.traffic(WEST)
    assert (moved["changed"], moved["before"], moved["after"]) == (True, "unknown", WEST)
    assert dials.dials() == {EAST: 0.0, WEST: 100.0}


def test_dials_cannot_be_turned_without_us_west_2_and_nothing_is_written(dials: DialPlatform) -> None:
    dials.lab.outage("us-west-2", "hang")
    failed = dials.traffic(WEST, read_timeout=0.5, retries=0)
    assert "us-west-2" in failed["msg"] and not failed.get("changed")
    dials.lab.restore("us-west-2")
    assert dials.dials() == {EAST: 100.0, WEST: 0.0}


def test_dials_of_a_dead_region_leave_its_clients_with_the_next_healthy_one(dials: DialPlatform) -> None:
    """Whatever its dial; and the old region has them back as soon as it is healthy, unless the dials were turned."""
    dials.lab.outage(EAST, "hang")
    assert dials.leads_to(WEST)
    dials.lab.restore(EAST)
    assert dials.leads_to(EAST)
    dials.traffic(WEST)
    dials.lab.outage(EAST, "hang")
    dials.lab.restore(EAST)
    assert dials.leads_to(WEST)


def test_dials_towards_an_unhealthy_region_are_reported(dials: DialPlatform) -> None:
    dials.stage.deregister_all(WEST)
    wait(lambda: dials.traffic(WEST)["not_seen"], lambda found: found == [WEST])
    moved = dials.traffic(WEST)
    assert moved["not_seen"] == [WEST] and "no healthy load balancer in us-east-2" in moved["reason"]
    seen = dials.outside(accelerator=dials.accelerator())
    assert (seen["active_region"], seen["matches"]) == ("unknown", False)


def test_outside_the_region_is_the_one_that_the_dials_lead_to(dials: DialPlatform) -> None:
    edge = dials.accelerator()
    seen = dials.outside(accelerator=edge, expected_region=EAST, wait_timeout=10)
    assert (seen["active_region"], seen["addresses"], seen["probe"]["status"]) == (EAST, edge["addresses"], 200)
    dials.traffic(WEST)
    seen = dials.outside(accelerator=edge, expected_region=WEST, wait_timeout=10)
    assert (seen["active_region"], seen["matches"]) == (WEST, True)
    dials.stage.put(dials.stage.alias(EAST))
    seen = dials.outside(accelerator=edge)
    assert seen["active_region"] == "unknown" and "does not point at the accelerator" in seen["reason"]


# --- the accelerator of the role's module


def test_an_accelerator_is_made_once_and_its_dials_are_left_alone(dials: DialPlatform) -> None:
    again = dials.accelerate()
    assert (again["changed"], again["accelerator"]["status"]) == (False, "DEPLOYED")
    dials.traffic(WEST)
    again = dials.accelerate(tags={"a": "c"}, ports=[80, 443])
    assert (again["changed"], again["reason"]) == (True, "The accelerator switch is changed: ports, tags.")
    assert again["accelerator"]["dials"] == {EAST: 0.0, WEST: 100.0}
    assert (again["accelerator"]["tags"], again["accelerator"]["ports"]) == ({"a": "c"}, [80, 443])
    assert dials.accelerate(tags={"a": "c"}, ports=[80, 443])["changed"] is False


def test_an_accelerator_is_changed_by_no_check_and_removed_with_everything_in_it(dials: DialPlatform) -> None:
    assert dials.accelerate(check_mode=True, ports=[443])["changed"] is True
    assert dials.accelerate()["changed"] is False
    assert dials.accelerate(check_mode=True, state="absent")["changed"] is True
    foreign = dials.accelerate(state="absent", tags={"a": "other"})
    assert "does not have the tags" in foreign["msg"]
    gone = dials.accelerate(state="absent")
    assert (gone["changed"], gone["accelerator"]) == (True, {})
    assert dials.lab.client("globalaccelerator", "us-west-2").list_accelerators()["Accelerators"] == []
    for region in dials.stage.regions:
        assert dials.lab.client("ec2", region).describe_network_interfaces()["NetworkInterfaces"] == []
    assert dials.accelerate(state="absent")["changed"] is False


def test_a_region_leaves_the_accelerator_only_without_traffic(dials: DialPlatform) -> None:
    left = [{"region": WEST, "endpoint_arn": dials.stage.balancers[WEST]["LoadBalancerArn"]}]
    dials.lab.clear_calls()
    failed = dials.accelerate(endpoint_groups=left, initial_region=WEST, removed_regions=[EAST])
    assert "removed_regions has us-east-1, whose endpoint group has a traffic dial of 100" in failed["msg"]
    assert [call for call in dials.lab.calls() if call["mutating"]] == []
    dials.traffic(WEST)
    given = {"endpoint_groups": left, "initial_region": WEST, "removed_regions": [EAST]}
    assert dials.accelerate(check_mode=True, **given)["changed"] is True
    gone = dials.accelerate(**given)
    assert (gone["changed"], gone["accelerator"]["dials"]) == (True, {WEST: 100.0})
    assert dials.accelerate(**given)["changed"] is False
    assert dials.leads_to(WEST)


def test_a_load_balancer_of_another_region_is_refused_before_anything_is_made(dials: DialPlatform) -> None:
    west = {"region": EAST, "endpoint_arn": dials.stage.balancers[WEST]["LoadBalancerArn"]}
    dials.lab.clear_calls()
    failed = dials.accelerate(name="another", endpoint_groups=[west])
    assert f"which is in {WEST}; allowed: a load balancer in {EAST}" in failed["msg"]
    assert dials.lab.calls() == []
