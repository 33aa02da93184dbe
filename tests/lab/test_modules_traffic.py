# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as clients see it: our modules turn it, the lab's Route 53 computes it, DNS and HTTP answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.client import Lab
from tests.lab.stage import DOMAIN, KEY, Stage
from tests.lab.traffic_platform import EAST, EUROPE, WEST, Platform


@pytest.fixture
def platform(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Platform:
    for name, value in stage.lab.env().items():
        monkeypatch.setenv(name, value)
    return Platform(stage, capsys).build()


@pytest.fixture
def three(
    empty_server: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Platform]:
    with empty_server.fork(tmp_path / "three") as lab:
        for name, value in lab.env().items():
            monkeypatch.setenv(name, value)
        yield Platform(Stage(lab, EAST, WEST, EUROPE).build(), capsys).build()


@pytest.mark.parametrize("mode", ["hang", "reset", "5xx", "throttle"])
def test_the_name_moves_while_the_old_region_is_lost_and_stays_when_it_returns(platform: Platform, mode: str) -> None:
    platform.lab.outage(EAST, mode)
    started = time.monotonic()
    moved = platform.traffic(WEST)
    assert time.monotonic() - started < 6
    assert (moved["changed"], moved["before"], moved["after"], moved["not_told"]) == (True, EAST, WEST, [EAST])
    seen = platform.outside(expected_region=WEST, wait_timeout=10)
    assert (seen["active_region"], seen["matches"], seen["probe"]["status"]) == (WEST, True, 200)
    platform.lab.restore(EAST)
    assert platform.leads_to(WEST)
    result = platform.traffic()
    assert (result["changed"], result["after"], result["told"]) == (True, WEST, [EAST])
    assert platform.leads_to(WEST)
    assert platform.traffic()["changed"] is False


def test_the_name_stays_while_the_active_region_s_s3_cannot_be_read(platform: Platform) -> None:
    platform.traffic(WEST)
    assert platform.leads_to(WEST)
    platform.lab.outage(WEST)
    assert platform.leads_to(WEST)
    assert platform.traffic()["changed"] is False
    platform.lab.restore(WEST)
    assert platform.leads_to(WEST)


def test_going_back_leaves_no_object_behind(platform: Platform) -> None:
    platform.traffic(WEST)
    assert platform.leads_to(WEST)
    back = platform.traffic(EAST)
    assert platform.leads_to(EAST)
    assert (back["after"], back["told"]) == (EAST, [WEST])
    assert (platform.said(EAST), platform.said(WEST)) == (None, None)


def test_the_lost_region_coming_back_after_its_successor_took_over_and_gave_back(platform: Platform) -> None:
    platform.traffic(WEST)
    assert platform.leads_to(WEST)
    platform.lab.outage(WEST)
    assert platform.traffic(EAST)["not_told"] == [WEST]
    assert platform.leads_to(EAST)
    platform.lab.restore(WEST)
    assert platform.leads_to(EAST)
    assert platform.traffic()["told"] == [WEST]
    assert (platform.said(EAST), platform.said(WEST)) == (None, None)


def test_a_second_run_writes_nothing(platform: Platform) -> None:
    platform.lab.outage(EAST, "reset")
    platform.traffic(WEST)
    platform.lab.clear_calls()
    assert platform.traffic(WEST)["changed"] is False
    assert [call["operation"] for call in platform.lab.calls() if call["mutating"]] == []


def test_the_switch_is_turned_without_any_call_beside_s3_in_the_regions(platform: Platform) -> None:
    platform.lab.outage("aws-global")
    platform.lab.clear_calls()
    platform.traffic(WEST)
    assert {call["service"] for call in platform.lab.calls()} == {"s3"}
    assert platform.leads_to(WEST)


def test_check_mode_writes_nothing_and_foretells_the_result(platform: Platform) -> None:
    platform.lab.clear_calls()
    would = platform.traffic(WEST, check_mode=True)
    assert [call for call in platform.lab.calls() if call["mutating"]] == []
    did = platform.traffic(WEST)
    for key in ("changed", "before", "after", "told", "not_told", "statements"):
        assert would[key] == did[key]


def test_fails_when_the_region_that_takes_over_is_lost(platform: Platform) -> None:
    platform.lab.outage(WEST, "reset")
    failed = platform.traffic(WEST)
    assert failed["failed"] is True
    assert "The traffic was not moved" in failed["msg"]
    assert platform.leads_to(EAST)


def test_says_where_the_name_leads_when_the_time_is_over(platform: Platform) -> None:
    failed = platform.outside(expected_region=WEST, wait_timeout=1)
    assert (failed["failed"], failed["active_region"], failed["matches"]) == (True, EAST, False)
    assert "does not lead to us-east-2" in failed["msg"]


def test_an_endpoint_that_does_not_answer_does_not_match(platform: Platform) -> None:
    platform.lab.outage(EAST)
    seen = platform.outside()
    assert (seen["active_region"], seen["matches"]) == (EAST, False)


def test_three_regions_lose_two_one_after_the_other(three: Platform) -> None:
    three.lab.outage(EAST, "reset")
    three.traffic(WEST)
    assert three.leads_to(WEST)
    three.lab.outage(WEST, "reset")
    moved = three.traffic(EUROPE)
    assert (moved["after"], moved["not_told"]) == (EUROPE, [EAST, WEST])
    assert three.leads_to(EUROPE)
    for region in (EAST, WEST):
        three.lab.restore(region)
        assert three.leads_to(EUROPE)
    assert three.traffic()["told"] == [EAST, WEST]
    three.traffic(WEST)
    assert three.leads_to(WEST)


def manifest_of(platform: Platform) -> dict:
    """What the recovery manifest has about the traffic."""
    entries = [
        {"region": region, "control_bucket": Stage.bucket(region), "load_balancer_dns_name": one["DNSName"]}
        for region, one in platform.stage.balancers.items()
    ]
    return {"traffic": {"backend": "s3_object", "domain": DOMAIN, "switch_key": KEY}, "regions": entries}


def compared(platform: Platform) -> dict:
    """The comparison of name and switch."""
    servers = [platform.lab.env()["LAB_DNS_SERVER"]]
    return platform.run("region_traffic_info", region=EAST, manifest=manifest_of(platform), dns_servers=servers)


def test_a_switch_that_is_closed_to_health_checkers_is_seen_with_the_name_that_moved(platform: Platform) -> None:
    platform.traffic(WEST)
    assert platform.leads_to(WEST)
    whole = compared(platform)
    assert (whole["switch_region"], whole["active_region"], whole["problems"], whole["unknown"]) == (WEST, WEST, [], {})
    platform.lab.settings(organization_blocks_public_access=True)
    assert platform.leads_to(EAST), "as at AWS: what cannot be read is not published"
    found = compared(platform)
    assert (found["switch_region"], found["active_region"]) == (WEST, EAST)
    assert {(one["code"], one["region"]) for one in found["problems"]} == {
        ("switch_closed", EAST),
        ("switch_closed", WEST),
        ("name_elsewhere", "all"),
    }
    account = platform.run("s3control_public_access_block_info", region=EAST, account_id="123456789012")
    assert account["closed_by"] == ["BlockPublicPolicy", "RestrictPublicBuckets"]


def test_a_move_whose_switch_nobody_outside_can_read_says_so_immediately(platform: Platform) -> None:
    platform.lab.settings(organization_blocks_public_access=True)
    moved = platform.traffic(WEST)
    assert (moved["changed"], moved["after"], moved["not_seen"]) == (True, WEST, [WEST])
    assert "the name does not follow it" in moved["reason"]
    platform.lab.settings(organization_blocks_public_access=False)
    assert platform.traffic(WEST)["not_seen"] == []


def test_a_lost_region_is_unknown_to_the_comparison_and_no_difference(platform: Platform) -> None:
    platform.traffic(WEST)
    platform.lab.outage(EAST, "reset")
    assert platform.leads_to(WEST)
    found = compared(platform)
    assert (found["problems"], sorted(found["unknown"])) == (
        [],
        [f"public_statements of {EAST}", f"statements of {EAST}"],
    )


@pytest.mark.nightly
def test_a_region_that_is_added_takes_no_traffic_while_its_checks_have_no_history(
    empty_server: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with empty_server.fork(tmp_path / "growing") as lab:
        for name, value in lab.env().items():
            monkeypatch.setenv(name, value)
        stage = Stage(lab, EAST, WEST, EUROPE).build()
        stage.regions = (EAST, WEST)
        Platform(stage, capsys).build()
        with lab.fork(tmp_path / "slow", scale=30) as slow:  # three results in a row take a second
            for name, value in slow.env().items():
                monkeypatch.setenv(name, value)
            grown = Platform(stage.on(slow), capsys)
            grown.stage.regions = (EAST, WEST, EUROPE)
            started = time.time()
            checks = grown.build_checks()
            given = {"health_check_ids": checks.leaves, "poll_interval": 1}
            waited = grown.run("route53_health_check_info", region=EAST, **given)
            assert min(waited["results_in_a_row"].values()) == 4
            grown.build_records(checks)
            assert grown.leads_to(EAST)
            names = [entry["name"].get(DOMAIN) for entry in slow.timeline(started)]
            assert set(names) == {EAST}, "and without the wait it leads to the new region"
