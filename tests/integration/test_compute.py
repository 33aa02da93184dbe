# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms whose application does not run on an Auto Scaling group."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import manifest
from tests.integration.aws import TABLE, healthy_targets, name_points_at, runs, writer_region
from tests.integration.permissions import as_runner
from tests.integration.test_readiness import named, readiness
from tests.integration.test_site import assert_second_run_changes_nothing
from tests.lab.ecs_service import SERVICE, make_services
from tests.lab.failover_platform import clients_of

LOST, TARGET = "us-east-1", "us-east-2"
SCALING = {"autoscaling", "application-autoscaling", "ecs"}


def words(run) -> str:
    return " ".join(run.output.split())


def scaling_calls(lab, began: int) -> set[str]:
    """The changes of anything that runs an application, since that many calls."""
    return {call["operation"] for call in lab.calls()[began:] if call["service"] in SCALING and call["mutating"]}


def register(lab, region: str, count: int) -> None:
    """What somebody else runs registers its addresses."""
    elb = lab.client("elbv2", region)
    (group,) = elb.describe_target_groups(Names=["trading-tg-dev"])["TargetGroups"]
    assert group["TargetType"] == "ip"
    addresses = [{"Id": f"10.{region == TARGET:d}.32.{number + 10}", "Port": 8080} for number in range(count)]
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=addresses)


@pytest.mark.nightly
def test_a_platform_without_compute_of_its_own_moves_by_the_health_of_its_targets(copy_of, tmp_path):
    platform = copy_of(LOST, TARGET, variant="without_compute")
    lab, began = platform.lab, len(platform.lab.calls())
    assert not lab.client("autoscaling", LOST).describe_auto_scaling_groups()["AutoScalingGroups"]
    lab.settings(endpoint_dns_s=0, target_initial_s=0)
    refused = platform.run("failover", "-e", "failover_fencing=application_capacity")
    assert refused.code != 0 and "which has no capacity to remove" in words(refused)

    register(lab, LOST, 3)
    nothing = platform.run("failover", "-e", f"target_region={TARGET}", "--check")
    assert "target_has_no_healthy_target" in words(nothing)
    register(lab, TARGET, 2)
    _run, rows = readiness(platform, tmp_path)
    assert ("capacity", TARGET) in named(rows, "warning") and named(rows, "blocker") == set()
    register(lab, TARGET, 3)
    run, rows = readiness(platform, tmp_path)
    assert ("capacity", TARGET) in named(run.ends_well() and rows, "ok")
    assert_second_run_changes_nothing(platform)
    platform.run("health_check").ends_well()

    lab.outage(LOST, "reset")
    plan = platform.run("failover", "--check").ends_well()
    assert f"capacity: none: {TARGET} has no compute of its own, so no step raises or awaits capacity" in words(plan)
    as_runner(platform, "failover").run("failover").ends_well()
    assert (writer_region(lab, TARGET), name_points_at(lab), healthy_targets(lab, TARGET)) == (TARGET, TARGET, 3)
    (record,) = runs(lab, TARGET)
    assert not {"capacity_ask", "capacity_wait"} & {step["name"] for step in record["steps"]}

    lab.restore(LOST)
    lab.advance(1800)
    platform.run("failback").ends_well()
    assert (writer_region(lab, LOST), name_points_at(lab)) == (LOST, LOST)
    assert scaling_calls(lab, began) == set()


def desired(lab, region: str) -> int:
    ecs = lab.client("ecs", region)
    return ecs.describe_services(cluster="trading", services=["orders"])["services"][0]["desiredCount"]


def bounds(lab, region: str) -> tuple[int, int]:
    scaling = lab.client("application-autoscaling", region)
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    return found["MinCapacity"], found["MaxCapacity"]


def turn_into_services(platform) -> None:
    """A platform as it would be with services: those are made, the groups run nothing, and the manifest says so."""
    lab, clients = platform.lab, clients_of(platform.lab)
    make_services(lab, platform.regions)
    document = manifest.read_manifest(clients("dynamodb", LOST), TABLE)["document"]
    for entry in document["regions"]:
        group = entry.pop("autoscaling_group_name")
        entry |= {"compute": "ecs", "ecs_service": SERVICE}
        sizes = {"AutoScalingGroupName": group, "MinSize": 0, "DesiredCapacity": 0}
        lab.client("autoscaling", entry["region"]).update_auto_scaling_group(**sizes)
    for region in platform.regions:
        manifest.run({"manifest": document, "table_name": TABLE, "region": region}, clients)


def test_a_move_raises_awaits_and_fences_a_service_and_a_second_run_changes_nothing(platform):
    lab = platform.lab
    lab.settings(endpoint_dns_s=0, task_start_s=0, target_initial_s=0, target_draining_s=0)
    turn_into_services(platform)
    lab.client("ecs", LOST).update_service(cluster="trading", service="orders", desiredCount=3)
    lab.set_targets(LOST, "unhealthy")
    fenced = ("-e", "failover_fencing=application_capacity")
    went = platform.run("failover", *fenced).ends_well()
    assert f"The desired count of {SERVICE} was raised from 2 to 3." in words(went)
    assert name_points_at(lab) == TARGET and healthy_targets(lab, TARGET) == 3
    assert (desired(lab, TARGET), bounds(lab, TARGET)) == (3, (3, 6))
    assert (desired(lab, LOST), bounds(lab, LOST)) == (0, (0, 6))
    began = len(lab.calls())
    platform.run("failover", *fenced).ends_well()
    assert scaling_calls(lab, began) == set()


@pytest.mark.nightly
def test_a_service_that_somebody_else_made_is_raised_fenced_and_comes_back(platforms, tmp_path):
    platform = platforms.empty(LOST, TARGET, scale=20, variables="service")
    lab = platform.lab
    try:
        stopped = platform.run("site")
        assert (
            stopped.code != 0
            and "There is none." in words(stopped)
            and ":targetgroup/trading-tg-dev/" in stopped.output
        )
        make_services(lab, platform.regions)
        lab.advance(120)
        platform.run("site").ends_well()
        assert_second_run_changes_nothing(platform)
        lab.settings(endpoint_dns_s=0)
        lab.advance(900)
        run, rows = readiness(platform, tmp_path)
        assert ("capacity", TARGET) in named(run.ends_well() and rows, "ok")

        # The active region has grown, and AWS has no more than three tasks for the other one.
        lab.client("ecs", LOST).update_service(cluster="trading", service="orders", desiredCount=5)
        platform.run("health_check").ends_well()
        lab.limit_instances(TARGET, 3, type="FARGATE")
        lab.set_targets(LOST, "unhealthy")
        quick = ("-e", "wait_timeout=20", "-e", "capacity_timeout=1", "-e", "failover_fencing=application_capacity")
        plan = platform.run("failover", "--check", *quick).ends_well()
        assert "ecs:UpdateService" in plan.output and desired(lab, TARGET) == 2
        went = as_runner(platform, "failover").run("failover", *quick).ends_well()
        assert "Capacity is unavailable at this time." in words(went)
        assert (writer_region(lab, TARGET), name_points_at(lab)) == (TARGET, TARGET)
        assert (desired(lab, TARGET), bounds(lab, TARGET), desired(lab, LOST)) == (5, (5, 6), 0)
        (record,) = runs(lab, TARGET)
        assert (record["capacity"]["wanted"], record["capacity"]["healthy"]) == (5, 3)

        lab.limit_instances(TARGET, type="FARGATE")
        lab.set_targets(LOST, "healthy")
        lab.advance(1800)
        # What the regions run now goes into the manifest, with what the fence has removed.
        platform.run("site").ends_well()
        assert_second_run_changes_nothing(platform)
        assert desired(lab, LOST) == 0, "provisioning keeps a fence"
        platform.run("failback").ends_well()
        assert (writer_region(lab, LOST), name_points_at(lab)) == (LOST, LOST)
        assert (desired(lab, LOST), bounds(lab, TARGET)) == (5, (2, 6))
    finally:
        lab.stop()
