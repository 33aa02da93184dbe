# SPDX-License-Identifier: GPL-3.0-or-later
"""health_check.yml: one verdict a region, by the rule of half the registered targets; unknown starts nothing."""

from __future__ import annotations

import json

import pytest

from tests.integration.aws import GROUP, members, messages

pytestmark = pytest.mark.xdist_group("two regions")


def verdicts(platform, tmp_path, *options: str) -> dict[str, str]:
    report = tmp_path / "health.json"
    platform.run("health_check", "-e", f"health_report_file={report}", *options)
    return {region: found["verdict"] for region, found in json.loads(report.read_text())["verdicts"].items()}


def test_half_of_the_registered_targets_is_enough(platform, tmp_path):
    platform.lab.set_targets("us-east-1", "unhealthy", healthy=1)
    assert verdicts(platform, tmp_path) == {"us-east-1": "healthy", "us-east-2": "healthy"}


def test_no_registered_target_is_unhealthy(platform, tmp_path):
    platform.lab.client("autoscaling", "us-east-1").update_auto_scaling_group(
        AutoScalingGroupName=GROUP, MinSize=0, DesiredCapacity=0
    )
    assert verdicts(platform, tmp_path) == {"us-east-1": "unhealthy", "us-east-2": "healthy"}


def test_a_region_that_cannot_be_read_is_unknown_and_starts_nothing(platform, tmp_path):
    platform.lab.outage("us-east-1", "reset")
    assert verdicts(platform, tmp_path, "-e", "auto_failover=true") == {"us-east-1": "unknown", "us-east-2": "healthy"}
    assert members(platform.lab, "us-east-2") == {"us-east-1": True, "us-east-2": False}


def test_an_unhealthy_active_region_is_failed_over_where_that_is_allowed(platform, tmp_path):
    platform.lab.set_targets("us-east-1", "unhealthy")
    platform.run("health_check", "-e", "auto_failover=true").ends_well()
    assert members(platform.lab, "us-east-2") == {"us-east-1": False, "us-east-2": True}


def test_all_regions_unhealthy_is_an_alert_and_no_failover(platform, tmp_path):
    for region in platform.regions:
        platform.lab.set_targets(region, "unhealthy")
    assert set(verdicts(platform, tmp_path, "-e", "auto_failover=true").values()) == {"unhealthy"}
    assert members(platform.lab, "us-east-2") == {"us-east-1": True, "us-east-2": False}
    assert messages(platform.lab, "us-east-2")
