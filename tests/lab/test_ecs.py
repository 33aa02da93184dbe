# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS services in the lab, and how the modules raise, await, hold and fence them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling import capacity
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.units import service_in
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import manifest
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from ansible_collections.trading.multi_region.plugins.module_utils._fence.fence import run as fence
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions as health_regions
from ansible_collections.trading.multi_region.plugins.module_utils._platform import observe
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import run as readiness_run
from lab.client import Lab
from tests.lab.ecs_service import RESOURCE, SERVICE
from tests.lab.failover_platform import EAST, TABLE, WEST, clients_of, wait_for
from tests.lab.service_platform import ServicePlatform
from tests.lab.test_modules_failover import HEALTH, PLAN
from tests.lab.test_readiness import PARAMS as READINESS

# AWS seconds in a second.
SCALE = 60
NO_CAPACITY = "was unable to place a task. Reason: Capacity is unavailable at this time."


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServicePlatform]:
    """A whole platform, made once; the tests break copies of it."""
    with Lab.start(tmp_path_factory.mktemp("whole"), SCALE) as lab:
        platform = ServicePlatform(lab)
        for region in platform.regions:
            manifest.run({"manifest": platform.manifest, "table_name": TABLE, "region": region}, platform.clients)
            wait_for(lambda region=region: healthy(platform, region), lambda count: count == 2)
        yield platform


@pytest.fixture
def platform(whole: ServicePlatform, tmp_path: Path) -> Iterator[ServicePlatform]:
    """A copy of the platform to break."""
    with whole.lab.fork(tmp_path / "copy") as lab:
        copy = object.__new__(ServicePlatform)
        copy.__dict__.update(whole.__dict__, lab=lab, clients=clients_of(lab))
        yield copy


def service(platform: ServicePlatform, region: str = WEST) -> dict[str, Any]:
    ecs = platform.lab.client("ecs", region)
    (found,) = ecs.describe_services(cluster="trading", services=["orders"])["services"]
    return found


def bounds(platform: ServicePlatform, region: str = WEST) -> tuple[int, int]:
    scaling = platform.lab.client("application-autoscaling", region)
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    return found["MinCapacity"], found["MaxCapacity"]


def healthy(platform: ServicePlatform, region: str = WEST) -> int:
    arn = platform.entry(region)["target_group_arn"]
    found = platform.lab.client("elbv2", region).describe_target_health(TargetGroupArn=arn)
    return sum(one["TargetHealth"]["State"] == "healthy" for one in found["TargetHealthDescriptions"])


def messages(platform: ServicePlatform) -> str:
    return " ".join(event["message"] for event in service(platform)["events"])


def raise_to(platform: ServicePlatform, at_least: int, check_mode: bool = False, **more: Any) -> dict[str, Any]:
    params = {
        "region": WEST,
        "service": SERVICE,
        "at_least": at_least,
        "target_group_arn": platform.entry(WEST)["target_group_arn"],
        "wait": True,
        "wait_timeout": 20,
        "poll_interval": 0.1,
    }
    return capacity.run_service({**params, **more}, platform.clients, check_mode)


def changes(platform: ServicePlatform) -> list[str]:
    scaling = ("ecs", "application-autoscaling")
    return [call["operation"] for call in platform.lab.calls() if call["mutating"] and call["service"] in scaling]


def test_a_task_is_pending_then_runs_and_is_then_a_target(platform: ServicePlatform) -> None:
    seen = service(platform)
    assert (seen["runningCount"], seen["pendingCount"], seen["deployments"][0]["rolloutState"]) == (2, 0, "COMPLETED")
    assert "has reached a steady state." in messages(platform)
    platform.lab.settings(task_start_s=600)
    platform.lab.client("ecs", WEST).update_service(cluster="trading", service="orders", desiredCount=3)
    seen = service(platform)
    assert (seen["desiredCount"], seen["runningCount"], seen["pendingCount"]) == (3, 2, 1)
    assert healthy(platform) == 2
    platform.lab.advance(600)
    assert service(platform)["runningCount"] == 3
    platform.lab.advance(60)
    assert healthy(platform) == 3 and "registered 1 targets in (target-group arn:" in messages(platform)
    platform.lab.client("ecs", WEST).update_service(cluster="trading", service="orders", desiredCount=1)
    assert service(platform)["runningCount"] == 1 and healthy(platform) == 1


def test_a_bound_above_the_other_and_an_action_of_nothing_are_refused(platform: ServicePlatform) -> None:
    scaling = platform.lab.client("application-autoscaling", WEST)
    with pytest.raises(ClientError, match="ValidationException"):
        scaling.register_scalable_target(**RESOURCE, MinCapacity=7)
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        scaling.delete_scheduled_action(**RESOURCE, ScheduledActionName="none")


def test_the_desired_count_and_nothing_else_is_raised_and_the_targets_are_awaited(platform: ServicePlatform) -> None:
    before, _cleared = service(platform), platform.lab.clear_calls()
    checked = raise_to(platform, 4, check_mode=True)
    assert (checked["changed"], changes(platform)) == (True, [])
    assert checked["diff"] == {"before": {"min": 2, "desired": 2}, "after": {"min": 2, "desired": 4}}
    done = raise_to(platform, 4)
    assert (done["changed"], done["healthy_targets"], changes(platform)) == (True, 4, ["UpdateService"])
    assert done["reason"].startswith(f"The desired count of {SERVICE} was raised from 2 to 4.")
    kept = ("taskDefinition", "loadBalancers", "networkConfiguration", "launchType")
    assert [service(platform)[name] for name in kept] == [before[name] for name in kept]
    assert not raise_to(platform, 4)["changed"] and not raise_to(platform, 1)["changed"]
    with pytest.raises(Refused, match=r"at_least is 7; .* at most 6 \(the maximum capacity of its scalable target\)"):
        raise_to(platform, 7)
    with pytest.raises(MultiRegionError, match="service is trading/none; there is no ECS service with that name"):
        raise_to(platform, 1, service="trading/none")


def test_the_minimum_is_held_until_aws_or_the_operator_restores_it(platform: ServicePlatform) -> None:
    done = raise_to(platform, 4, min_size_hold=3600)
    assert (bounds(platform), done["hold"]["min"]) == ((4, 6), 2)
    assert not raise_to(platform, 4, min_size_hold=3600)["changed"]
    restored = raise_to(platform, 0, min_size_hold=0, wait=False)
    assert (restored["changed"], bounds(platform), service(platform)["desiredCount"]) == (True, (2, 6), 4)
    assert not raise_to(platform, 0, min_size_hold=0, wait=False)["changed"]
    raise_to(platform, 5, min_size_hold=3600)
    platform.lab.advance(3600)
    wait_for(lambda: bounds(platform), lambda found: found == (2, 6))
    assert service(platform)["desiredCount"] == 5


def test_a_service_that_nothing_scales_has_no_minimum_to_hold(platform: ServicePlatform) -> None:
    platform.lab.client("application-autoscaling", WEST).deregister_scalable_target(**RESOURCE)
    platform.lab.clear_calls()
    done = raise_to(platform, 9, min_size_hold=3600)
    assert (done["after"]["desired"], done["healthy_targets"], done["hold"]) == (9, 9, None)
    assert changes(platform) == ["UpdateService"]


def test_capacity_that_aws_has_not_got_is_told_in_its_own_words_and_comes_later(platform: ServicePlatform) -> None:
    platform.lab.limit_instances(WEST, 3, type="FARGATE")
    with pytest.raises(WaitTimeout, match="3 of 3 targets of trading/orders .* Last failed event, of .*") as late:
        raise_to(platform, 6, wait_timeout=3, capacity_timeout=1, min_capacity_percent=60)
    assert NO_CAPACITY in str(late.value) and "min_capacity_percent=50 accepts what there is" in str(late.value)
    enough = raise_to(platform, 6, wait_timeout=5, capacity_timeout=1, min_capacity_percent=50)
    assert enough["healthy_targets"] == 3 and NO_CAPACITY in enough["scaling_failure"]["message"]
    assert "Its desired count stays 6" in enough["warnings"][0]
    platform.lab.limit_instances(WEST, type="FARGATE")
    platform.lab.advance(120)
    wait_for(lambda: healthy(platform), lambda count: count == 6)


def fencing(platform: ServicePlatform, state: str) -> dict[str, Any]:
    params = {
        "region": EAST,
        "state": state,
        "mode": "service_capacity",
        "ecs_service": SERVICE,
        "traffic_region": WEST,
        "table_name": TABLE,
        "regions": [EAST, WEST],
        "run_id": "run-1",
        "deadline": 6,
    }
    return fence(params, platform.clients)


@pytest.mark.parametrize("is_scaled", [True, False])
def test_a_fenced_service_runs_nothing_and_gets_back_what_it_had(platform: ServicePlatform, is_scaled: bool) -> None:
    if not is_scaled:
        platform.lab.client("application-autoscaling", EAST).deregister_scalable_target(**RESOURCE)
    done = fencing(platform, "present")
    assert done["fenced"] == "fenced" and SERVICE in done["reason"]
    assert service(platform, EAST)["desiredCount"] == 0
    assert not is_scaled or bounds(platform, EAST) == (0, 6)
    assert not fencing(platform, "present")["changed"]
    back = fencing(platform, "absent")
    assert back["restored"][0]["resource"] == SERVICE and service(platform, EAST)["desiredCount"] == 2
    assert not is_scaled or bounds(platform, EAST) == (2, 6)
    assert not fencing(platform, "absent")["changed"]


def test_a_move_asks_for_what_the_lost_regions_service_ran(platform: ServicePlatform) -> None:
    platform.lab.client("ecs", EAST).update_service(cluster="trading", service="orders", desiredCount=4)
    found = observe.run({**PLAN, "fencing": "application_capacity"}, platform.clients)
    assert (found["capacity_wanted"], found["target"]["ecs_service"]) == (4, SERVICE)
    calls = {step["step"]: step["calls"] for step in found["plan"]}
    assert "ecs:UpdateService" in calls["capacity_ask"] and "ecs:UpdateService" in calls["fence_application"]
    health = health_regions.run({**HEALTH, "manifest": platform.manifest, "capacity": True}, platform.clients)
    assert health["capacity"] == {EAST: 4, WEST: 2}
    platform.lab.outage(EAST, "reset")
    gone = observe.run(PLAN, platform.clients)
    assert (gone["obstacles"], gone["capacity_wanted"]) == ([], 2), "by the manifest"


def test_readiness_judges_bounds_and_steady_state(platform: ServicePlatform) -> None:
    def state() -> tuple[str, str]:
        rows = readiness_run.run(READINESS, platform.clients)["rows"]
        (row,) = [row for row in rows if row["check"] == "capacity" and row["region"] == WEST]
        return row["state"], row["reason"]

    assert state() == ("ok", f"The service runs 2 of 2 tasks and may run 6; {EAST} runs 2.")
    platform.lab.limit_instances(WEST, 2, type="FARGATE")
    platform.lab.client("ecs", WEST).update_service(cluster="trading", service="orders", desiredCount=3)
    assert state()[0] == "warning" and "not in a steady state" in state()[1]
    platform.lab.client("ecs", EAST).update_service(cluster="trading", service="orders", desiredCount=7)
    assert state()[0] == "blocker"


def test_a_daemon_is_refused(platform: ServicePlatform) -> None:
    unit = service_in(platform.clients, WEST, SERVICE)
    seen = {**unit.read(), "strategy": "DAEMON"}
    assert unit.refusal(seen, 1) == f"The scheduling strategy of {SERVICE} is DAEMON; allowed: REPLICA."
