# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform with several groups: an order gateway on ECS, then a matching engine, then its own group."""

from __future__ import annotations

import json

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import manifest
from tests.integration.aws import TABLE, capacity, group, healthy_targets, name_points_at, runs, writer_region, writes
from tests.integration.permissions import as_runner
from tests.integration.test_compute import scaling_calls, words
from tests.integration.test_readiness import named, readiness
from tests.lab.ecs_service import make_service
from tests.lab.failover_platform import clients_of

LOST, TARGET = "us-east-1", "us-east-2"
GATEWAY, MATCHING = "trading/gateway", "trading-matching"
GROUPS = [
    {"name": "gateway", "compute": "ecs", "ecs_service": GATEWAY},
    {"name": "matching", "autoscaling_group_name": MATCHING},
]
SIZES = {"min": 2, "desired": 2, "max": 6}
OF_GROUPS = ("capacity_", "fence_application")


def make_gateway(lab, region: str, count: int = 2) -> None:
    make_service(lab, region, group(lab, region)["VPCZoneIdentifier"].split(","), "", count, name="gateway")


def make_matching(lab, region: str, count: int = 2) -> None:
    own = group(lab, region)
    template = {name: own["LaunchTemplate"][name] for name in ("LaunchTemplateId", "Version")}
    lab.client("autoscaling", region).create_auto_scaling_group(
        AutoScalingGroupName=MATCHING,
        LaunchTemplate=template,
        VPCZoneIdentifier=own["VPCZoneIdentifier"],
        MinSize=2,
        DesiredCapacity=count,
        MaxSize=6,
    )


def write_down(platform, **desired: int) -> None:
    """What site.yml would write into the manifest of each region's groups. desired: of the lost region, by name."""
    clients = clients_of(platform.lab)
    document = manifest.read_manifest(clients("dynamodb", LOST), TABLE)["document"]
    for entry in document["regions"]:
        ran = desired if entry["region"] == LOST else {}
        entry["capacity"] = {**entry["capacity"], "desired": ran.get("application", 2)}
        entry["compute_groups"] = [{**one, "capacity": {**SIZES, "desired": ran.get(one["name"], 2)}} for one in GROUPS]
    for region in platform.regions:
        manifest.run({"manifest": document, "table_name": TABLE, "region": region}, clients)


def gateway_of(lab, region: str) -> int:
    (found,) = lab.client("ecs", region).describe_services(cluster="trading", services=["gateway"])["services"]
    return found["desiredCount"]


def matching_of(lab, region: str) -> tuple[int, int]:
    scaling = lab.client("autoscaling", region)
    (found,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[MATCHING])["AutoScalingGroups"]
    return found["MinSize"], found["DesiredCapacity"]


def changes(lab, began: float, region: str) -> list[dict]:
    """The calls since a moment that change what an application runs on, in the order in which they began."""
    found = [
        call
        for call in lab.calls(began)
        if call["operation"] in ("UpdateService", "UpdateAutoScalingGroup") and call["region"] == region
    ]
    return sorted(found, key=lambda call: call["time"])


def steps_of(record) -> list[str]:
    return [step["name"] for step in record["steps"] if step["name"].startswith(OF_GROUPS)]


def test_groups_are_raised_in_order_while_the_lost_region_hangs_and_a_missing_one_is_refused(platform):
    lab = platform.lab
    lab.settings(endpoint_dns_s=0, target_initial_s=0, target_draining_s=0)
    for region in platform.regions:
        make_matching(lab, region)
    make_gateway(lab, LOST)
    write_down(platform, gateway=3, matching=4, application=5)
    lab.outage(LOST, "hang")
    began = len(lab.calls())
    refused = platform.run("failover")
    assert refused.code != 0 and f"target_incomplete: {TARGET} has no ECS service {GATEWAY}." in words(refused)
    assert scaling_calls(lab, began) == set()

    make_gateway(lab, TARGET)
    went = platform.run("failover").ends_well()
    assert (writer_region(lab, TARGET), name_points_at(lab), healthy_targets(lab, TARGET)) == (TARGET, TARGET, 5)
    assert (gateway_of(lab, TARGET), matching_of(lab, TARGET)) == (3, (4, 4))
    raised = changes(lab, went.began, TARGET)
    assert [call["operation"] for call in raised] == ["UpdateService", *["UpdateAutoScalingGroup"] * 2]
    record = runs(lab, TARGET)[-1]
    assert steps_of(record) == [
        *("capacity_ask_gateway", "capacity_wait_gateway", "capacity_ask_matching", "capacity_wait_matching"),
        *("capacity_ask", "capacity_wait"),
    ]
    ended = {step["name"]: step["ended_at"] for step in record["steps"]}
    assert raised[0]["time"] < ended["capacity_wait_gateway"] < raised[1]["time"]
    assert ended["capacity_wait_matching"] < raised[2]["time"] < ended["traffic"]
    assert record["capacity"]["groups"]["gateway"] == {"wanted": 3, "healthy": 3, "scaling_failure": None}
    assert capacity(lab, TARGET)["desired"] == 5


@pytest.mark.nightly
def test_groups_that_others_have_made_are_fenced_resumed_and_come_back(platform, tmp_path):
    lab = platform.lab
    lab.settings(endpoint_dns_s=0, task_start_s=0, target_initial_s=0, target_draining_s=0)
    given = ("-e", json.dumps({"application_compute_groups": GROUPS}))
    refused = platform.run("site", *given)
    assert refused.code != 0 and "application_compute_groups names matching, gateway; allowed: groups" in words(refused)
    assert writes(lab, refused.began) == {}
    for region in platform.regions:
        make_matching(lab, region)
        make_gateway(lab, region)
    platform.run("site", *given).ends_well()
    run, report = readiness(platform, tmp_path)
    of_capacity = [row["state"] for row in report["rows"] if row["check"] == "capacity"]
    assert run.ends_well() and of_capacity == ["ok"] * 3 and ("manifest", LOST) in named(report, "ok")

    # The active region has grown since its manifest was written, and a health check has seen it.
    lab.client("ecs", LOST).update_service(cluster="trading", service="gateway", desiredCount=3)
    lab.client("autoscaling", LOST).set_desired_capacity(AutoScalingGroupName=MATCHING, DesiredCapacity=4)
    as_runner(platform, "read-only").run("health_check").ends_well()
    lab.set_targets(LOST, "unhealthy")
    fence = ("-e", "failover_fencing=application_capacity")
    plan = platform.run("failover", "--check", *fence).ends_well()
    assert f"capacity of matching ({MATCHING}): 4, the largest of" in words(plan)
    assert matching_of(lab, TARGET) == (2, 2)
    killed = platform.run("failover", *fence, break_at="Group | matching", breaks="kill")
    assert killed.code != 0 and (gateway_of(lab, TARGET), matching_of(lab, TARGET)) == (3, (2, 2))
    is_dead = ("-e", f"takeover_run_id={runs(lab, TARGET)[-1]['run_id']}")
    runner = as_runner(platform, "failover")
    # AWS has no more instances than those that run; what there is does not suffice.
    lab.limit_instances(TARGET, 4)
    quick = ("-e", "wait_timeout=5", "-e", "min_capacity_percent=100")
    short = runner.run("failover", *fence, *is_dead, *quick)
    assert short.code != 0 and f"2 of 4 instances of {MATCHING} are healthy after" in words(short)
    found = runs(lab, TARGET)[-1]["capacity"]["groups"]
    assert (found["matching"]["wanted"], found["matching"]["healthy"], found["application"]["healthy"]) == (4, 2, None)
    assert name_points_at(lab) == LOST, "the traffic waits for every group"

    lab.limit_instances(TARGET)
    lab.advance(120)
    went = runner.run("failover", *fence).ends_well()
    assert (writer_region(lab, TARGET), name_points_at(lab)) == (TARGET, TARGET)
    assert matching_of(lab, TARGET) == (4, 4)
    assert changes(lab, went.began, TARGET) == [], "it goes on with what was requested before"
    stopped = [call["operation"] for call in changes(lab, went.began, LOST)]
    assert stopped == [*["UpdateAutoScalingGroup"] * 2, "UpdateService"]
    assert (gateway_of(lab, LOST), matching_of(lab, LOST), capacity(lab, LOST)["desired"]) == (0, (0, 0), 0)
    record = runs(lab, TARGET)[-1]
    assert steps_of(record)[-3:] == ["fence_application", "fence_application_matching", "fence_application_gateway"]
    for name in ("gateway", "matching"):
        assert name in record["fenced_reason"]

    lab.set_targets(LOST, "healthy")
    lab.advance(1800)
    platform.run("site", *given).ends_well()
    assert gateway_of(lab, LOST) == 0, "provisioning keeps a fence"
    runner.run("failback").ends_well()
    assert (writer_region(lab, LOST), name_points_at(lab)) == (LOST, LOST)
    # The move holds the minimum of the region that it has come to; those of the other are restored.
    assert (gateway_of(lab, LOST), matching_of(lab, LOST)) == (3, (4, 4))
    assert (matching_of(lab, TARGET), capacity(lab, TARGET)["min"]) == ((2, 4), 2)
