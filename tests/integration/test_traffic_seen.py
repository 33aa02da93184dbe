# SPDX-License-Identifier: GPL-3.0-or-later
"""The name, the switch, and what Route 53's health checkers read of it: where they differ, operators hear of it."""

from __future__ import annotations

import json

from tests.integration.aws import SUFFIX, messages, name_points_at
from tests.integration.test_health_check import health
from tests.integration.test_readiness import named, readiness
from tests.lab.stage import wait

EAST, WEST = "us-east-1", "us-east-2"


def switch_to_west(lab) -> None:
    """What a move leaves in the switch of both regions."""
    said = {EAST: f"[{EAST} yields to {WEST}]", WEST: f"[{WEST} claims over {EAST}]"}
    for region, text in said.items():
        bucket = f"trading-control-{region}-{SUFFIX}"
        lab.client("s3", region).put_object(Bucket=bucket, Key="active-region", Body=text.encode())
    assert wait(lambda: name_points_at(lab), lambda now: now == WEST) == WEST


def test_a_switch_that_is_closed_is_an_alert_with_its_remedy_and_a_blocker(platform, tmp_path):
    lab = platform.lab
    switch_to_west(lab)
    lab.settings(organization_blocks_public_access=True)
    assert wait(lambda: name_points_at(lab), lambda now: now == EAST) == EAST
    sent = len(messages(lab, WEST))
    found = health(platform, tmp_path)
    codes = {"switch_closed", "name_elsewhere"}
    assert ({one["code"] for one in found["traffic_problems"]}, found["action"]) == (codes, "alert")
    assert "cloudwatch_metric" in found["reason"] and f"the switch says {WEST}" in found["reason"]
    assert len(messages(lab, WEST)) == sent + 1

    report = tmp_path / "status.json"
    printed = " ".join(platform.run("status", "-e", f"status_file={report}").ends_well().output.split())
    status = json.loads(report.read_text())
    assert (status["traffic_region"], status["name_region"]) == (WEST, EAST)
    assert {one["code"] for one in status["traffic_problems"]} == codes
    assert f"leads to {EAST}, but the switch says {WEST}" in printed

    _run, rows = readiness(platform, tmp_path)
    assert {("switch_seen", "all"), ("switch_seen", WEST), ("switch_readable", WEST)} <= named(rows, "blocker")


def test_a_backend_that_the_account_forbids_is_refused_before_the_first_change(platform):
    lab = platform.lab
    lab.settings(organization_blocks_public_access=True)
    calls = len(lab.calls())
    refused = platform.run("site")
    assert refused.code != 0
    words = " ".join(refused.output.split())
    assert "traffic_switch_backend is s3_object" in words and "Allowed: cloudwatch_metric" in words
    assert [call["operation"] for call in lab.calls()[calls:] if call["mutating"]] == []
