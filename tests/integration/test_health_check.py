# SPDX-License-Identifier: GPL-3.0-or-later
"""health_check.yml: one verdict a region by the rule of half the registered targets, and when it starts a failover."""

from __future__ import annotations

import json
import re
from collections import Counter

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import LAG_METRICS
from tests.controller.fake import TOKEN, FakeController
from tests.integration.aws import GROUP, members, messages
from tests.integration.platforms import TOP

EAST, WEST = "us-east-1", "us-east-2"
# Two runs in a row are closer together than those of a scheduler.
AUTOMATIC = ("-e", "auto_failover=true", "-e", "health_min_interval=1")
AT_ONCE = (*AUTOMATIC, "-e", "consecutive_failures=1")
BEFORE = {EAST: True, WEST: False}


def health(platform, tmp_path, *options: str, **how) -> dict:
    """What one run of the health check reports."""
    report = tmp_path / "health.json"
    report.unlink(missing_ok=True)
    done = platform.run("health_check", "-e", f"health_report_file={report}", *options, **how)
    assert report.exists(), done.output[-6000:]
    return json.loads(report.read_text())


def verdicts(report: dict) -> dict[str, str]:
    return {region: found["verdict"] for region, found in report["verdicts"].items()}


def announcing(controller: FakeController) -> dict[str, str]:
    """The environment of a job with a credential for its own controller, which has the template to announce with."""
    organization = controller.answer("POST", "/api/v2/organizations/", {"name": "trading dev"})[1]["id"]
    survey = {"spec": [{"variable": "reason"}]}
    template = {"name": "trading dev: Announce automatic failover", "survey_spec": survey}
    controller.answer("POST", "/api/v2/job_templates/", {**template, "organization": organization})
    return {"CONTROLLER_HOST": f"{controller.url}/", "CONTROLLER_OAUTH_TOKEN": TOKEN}


def test_half_of_the_registered_targets_is_enough(platform, tmp_path):
    platform.lab.set_targets(EAST, "unhealthy", healthy=1)
    found = health(platform, tmp_path)
    assert (verdicts(found), found["action"]) == ({EAST: "healthy", WEST: "healthy"}, "none")


def test_no_registered_target_is_unhealthy_and_the_count_survives_in_the_control_table(platform, tmp_path):
    platform.lab.client("autoscaling", EAST).update_auto_scaling_group(
        AutoScalingGroupName=GROUP, MinSize=0, DesiredCapacity=0
    )
    first = health(platform, tmp_path, *AUTOMATIC)
    assert verdicts(first) == {EAST: "unhealthy", WEST: "healthy"}
    assert (first["action"], first["counters"]) == ("alert", {EAST: 1})
    sent_before = len(messages(platform.lab, WEST))
    second = health(platform, tmp_path, *AUTOMATIC)
    assert (second["action"], second["counters"]) == ("none", {EAST: 2})
    assert sent_before == len(messages(platform.lab, WEST)) > 0
    assert members(platform.lab, WEST) == BEFORE


def test_a_lost_region_is_left_once_the_standby_agrees_and_not_twice_within_the_cool_down(platform, tmp_path):
    # Route 53's API is gone with the region, so whether it is the region or our own line is for the standby to say.
    platform.lab.outage("aws-global", "reset")
    platform.lab.outage(EAST, "reset")
    alone = health(platform, tmp_path, *AT_ONCE)
    assert (verdicts(alone), alone["conditions"]) == (
        {EAST: "unknown", WEST: "healthy"},
        {EAST: "suspect", WEST: "healthy"},
    )
    assert (alone["action"], members(platform.lab, WEST)) == ("alert", BEFORE)

    platform.lab.advance(180 + 240 + 60)  # the limit, and until it can be read
    with FakeController() as controller:
        agreed = health(platform, tmp_path, *AT_ONCE, variables=announcing(controller))
    # AWX cannot notify of what a job did, so the job starts another one, whose start notifies.
    began, ended = (job["reason"] for job in controller.launched)
    assert began.startswith("Automatic failover starts: ") and EAST in began
    assert ended.startswith("Automatic failover successful: ")
    assert (agreed["action"], {vote["vantage"] for vote in agreed["votes"][EAST]}) == (
        "failover",
        {"controller", "standby"},
    )
    assert members(platform.lab, WEST) == {EAST: False, WEST: True}
    assert alone["name_region"] == agreed["name_region"] == "unknown", "a region found silent is not waited for again"

    platform.lab.restore()
    platform.lab.set_targets(WEST, "unhealthy")
    again = health(platform, tmp_path, *AT_ONCE)
    assert (again["action"], again["active_region"]) == ("alert", WEST)
    assert "cool_down" in again["blocked_by"]
    assert members(platform.lab, WEST) == {EAST: False, WEST: True}


def test_a_paused_platform_is_not_left(platform, tmp_path):
    platform.run("automation", "-e", "pause_minutes=5", "-e", "reason=patching").ends_well()
    platform.lab.set_targets(EAST, "unhealthy")
    found = health(platform, tmp_path, *AT_ONCE)
    assert (found["action"], found["blocked_by"], found["paused"]["reason"]) == ("alert", ["paused"], "patching")
    assert members(platform.lab, WEST) == BEFORE


def test_all_regions_unhealthy_is_an_alert_and_no_failover(platform, tmp_path):
    for region in platform.regions:
        platform.lab.set_targets(region, "unhealthy")
    found = health(platform, tmp_path, *AT_ONCE)
    assert (set(verdicts(found).values()), found["action"]) == ({"unhealthy"}, "critical")
    assert members(platform.lab, WEST) == BEFORE
    assert messages(platform.lab, WEST)


def test_a_check_of_a_healthy_platform_makes_the_calls_that_the_page_of_its_cost_counts(platform, tmp_path):
    health(platform, tmp_path)
    platform.lab.clear_calls()
    assert health(platform, tmp_path)["action"] == "none"
    made = Counter(call["operation"] for call in platform.lab.calls())
    page = (TOP / "docs" / "cost.md").read_text().partition("## A health check each minute")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE)
    assert {name: int(count) for name, count in rows} == dict(made)
    assert f"; {len(LAG_METRICS) + 1} metrics in each request |" in page
