# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readiness of platforms whose application runs on an ECS service, or on nothing of their own."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._readiness.checks import CHECKS
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._readiness.world import (
    EAST,
    SILENT,
    WEST,
    World,
)

FEW = {"min": 0, "desired": 0, "max": 6, "in_service": 0, "suspended": []}
OF_INSTANCES = ("vcpu_quota", "capacity_reservations", "instance_metadata")


def on(compute, **service):
    """A world where the application of every region runs on this compute."""
    world = World()
    for entry in world.manifest["regions"]:
        entry["compute"] = compute
        del entry["autoscaling_group_name"]
        facts = world.facts[entry["region"]]
        if compute == "none":
            del entry["capacity"], facts["group"]
        else:
            entry["ecs_service"] = "trading/orders"
            found = {
                "min": 2,
                "desired": 2,
                "max": 6,
                "in_service": 2,
                "pending": 0,
                "is_scaled": True,
                "suspended": [],
            }
            of_service = {"strategy": "REPLICA", "rollout": "COMPLETED", "deployments": 1}
            facts["group"] = {**found, **of_service, "target_group_arns": [entry["target_group_arn"]]}
        for name in ("instance_types", "capacity_reservations"):
            facts.pop(name, None)
        facts["launch_templates"] = {}
    world.facts[WEST]["group"] = {**world.facts[WEST]["group"], **service} if compute == "ecs" else SILENT
    return world


def finding(world):
    (found,) = CHECKS["capacity"](world.seen())
    return found.state, found.reason


@pytest.mark.parametrize("compute", ["ecs", "none"])
@pytest.mark.parametrize("check", OF_INSTANCES)
def test_what_only_instances_have_is_not_checked(compute, check):
    assert list(CHECKS[check](on(compute).seen())) == []


@pytest.mark.parametrize("compute", ["ecs", "none"])
@pytest.mark.parametrize("check", ["manifest_facts", "target_quota"])
def test_what_every_platform_has_is_checked(compute, check):
    world = on(compute)
    if compute == "none":
        del world.facts[WEST]["group"]
    assert {one.state for one in CHECKS[check](world.seen())} == {"ok"}


@pytest.mark.parametrize(
    "service, state, words",
    [
        ({}, "ok", f"The service runs 2 of 2 tasks and may run 6; {EAST} runs 2."),
        ({"max": None}, "ok", f"The service runs 2 of 2 tasks and may run any number; {EAST} runs 2."),
        ({"desired": 1, "in_service": 1}, "ok", "A failover starts 1 task."),
        ({"max": 1}, "blocker", "may run 1;"),
        ({"in_service": 1}, "warning", "It is not in a steady state: 1 deployment, the newest COMPLETED."),
        ({"deployments": 2, "rollout": "IN_PROGRESS"}, "warning", "2 deployments, the newest IN_PROGRESS."),
        ({"rollout": "FAILED"}, "warning", "the newest FAILED."),
        ({"strategy": "DAEMON"}, "blocker", "has the scheduling strategy DAEMON, so it has no desired count."),
        ({"target_group_arns": ["other"]}, "blocker", "trading/orders does not register its tasks with arn:"),
    ],
)
def test_a_service_must_be_able_to_grow_and_be_steady(service, state, words):
    found = finding(on("ecs", **service))
    assert found[0] == state and words in found[1]


def test_a_service_that_is_missing_blocks():
    world = on("ecs")
    world.facts[WEST]["group"] = None
    assert finding(world) == ("blocker", "The ECS service trading/orders does not exist.")


@pytest.mark.parametrize("own, state", [(2, "ok"), (3, "ok"), (1, "warning")])
def test_without_compute_a_standby_needs_as_many_targets_as_the_active_region_has(own, state):
    world = on("none")
    world.facts[WEST]["targets"] = {"registered": 3, "healthy": own, "states": {}}
    assert finding(world)[0] == state


def test_without_compute_targets_that_cannot_be_read_are_unknown():
    world = on("none")
    world.facts[WEST]["targets"] = SILENT
    (found,) = CHECKS["capacity"](world.seen())
    assert found.is_unknown


def several(**west):
    """A world with a group beside the platform's own, which runs 3 instances; west: other facts of the standby."""
    world = World()
    for entry in world.manifest["regions"]:
        matching = {"name": "matching", "autoscaling_group_name": "engines"}
        entry["compute_groups"] = [{**matching, "capacity": {"min": 1, "desired": 3, "max": 6}}]
        world.facts[entry["region"]] |= {
            "group_matching": {**world.facts[entry["region"]]["group"], "desired": 3},
            "instance_types_matching": {"c7g.2xlarge": 8},
        }
    world.facts[WEST] |= west
    return world


def quota(**west):
    (found,) = CHECKS["vcpu_quota"](several(**west).seen())
    return found


def test_the_quota_of_vcpus_counts_every_group_that_a_move_raises():
    assert quota().reason == "No instances have to be started: 5 are running, 5 are needed."
    room = {"limit": 36.0, "used": 8.0, "used_error": None}
    alone = quota(group_matching=FEW, vcpu_quota=room)
    assert (alone.state, alone.reason) == (
        "ok",
        "A move starts 3 instances of 8 vCPUs (matching); the quota L-1216C47A is 36, 8 are used.",
    )
    both = quota(group=FEW, group_matching=FEW, instance_types={"t3.medium": 4}, vcpu_quota=room)
    assert (both.state, both.remedy) == ("blocker", f"Request at least 40 vCPUs in {WEST} from Service Quotas.")
    assert both.reason.startswith("A move starts 3 instances of 8 vCPUs (matching) and 2 instances of 4 vCPUs;")


def test_what_is_unknown_of_a_group_is_said_and_hides_no_lack_of_room_for_another():
    unread = quota(group_matching=SILENT)
    assert unread.state == "warning" and "how many of the instances of engines are missing" in unread.reason
    assert "the quota of g5.xlarge" in quota(group_matching=FEW, instance_types_matching={"g5.xlarge": 4}).reason
    full = {"limit": 9.0, "used": 8.0, "used_error": None}
    assert quota(group=FEW, group_matching=SILENT, vcpu_quota=full).state == "blocker"
