# SPDX-License-Identifier: GPL-3.0-or-later
"""Automatic failover over the socket: what the signals of a broken platform lead to, and what the tables keep."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._automation import decision as automation_decision
from ansible_collections.trading.multi_region.plugins.module_utils._automation import store as automation_store
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    CAPACITY_ID,
    get_document,
    put_document,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core import fan_out
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import DECIDING, SIGNALS
from lab.client import Lab
from tests.lab.failover_platform import EAST, TABLE, WEST, Platform, clients_of, wait_for

HEALTH = {
    "signals": list(SIGNALS),
    "deciding_signals": list(DECIDING),
    "min_healthy_ratio": 0.5,
    "max_replication_lag_ms": 1000,
    "max_lag_sample_age": 420,
    "deadline": 3,
}
DECISION = {
    "table_name": TABLE,
    "regions": [EAST, WEST],
    "active_region": EAST,
    "auto_failover": True,
    "quorum": 2,
    "consecutive_failures": 2,
    "max_gap": 300,
    "min_interval": 0,
    "stream_limit": 180,
    "obstacles": [],
    "deadline": 4,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A whole platform with endpoint checks, made once; the tests break copies of it."""
    with Lab.start(tmp_path_factory.mktemp("automation")) as lab:
        platform = Platform(lab)
        for entry in platform.manifest["regions"]:
            check = {
                "Type": "HTTP",
                "FullyQualifiedDomainName": entry["load_balancer_dns_name"],
                "Port": 80,
                "ResourcePath": "/health",
                "RequestInterval": 10,
                "FailureThreshold": 2,
            }
            made = lab.client("route53").create_health_check(CallerReference=str(uuid.uuid4()), HealthCheckConfig=check)
            entry["health_check_id"] = made["HealthCheck"]["Id"]
        wait_for(lambda: conditions(platform), lambda found: set(found.values()) == {"healthy"})
        wait_for(lambda: health(platform), lambda found: route53_of(found) == "healthy")
        yield platform


@pytest.fixture
def platform(whole: Platform, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A copy of the platform to break. Waits for a region that hangs are short: other tests cover their length."""
    monkeypatch.setattr(fan_out, "PATIENCE_SECONDS", 0.5)
    with whole.lab.fork(tmp_path / "copy") as lab:
        copy = object.__new__(Platform)
        copy.__dict__.update(whole.__dict__, lab=lab, clients=clients_of(lab))
        yield copy


def health(platform: Platform) -> dict[str, Any]:
    params = {**HEALTH, "manifest": platform.manifest, "probe_proxy": platform.lab.url}
    return regions.run(params, platform.clients)


def route53_of(found: dict[str, Any]) -> str:
    return found["verdicts"][EAST]["signals"]["route53_checkers"]["state"]


def decision(platform: Platform, check_mode: bool = False, **more: Any) -> dict[str, Any]:
    params = {**DECISION, "verdicts": health(platform)["verdicts"], **more}
    return automation_decision.run(params, platform.clients, check_mode)


def conditions(platform: Platform) -> dict[str, str]:
    return decision(platform, check_mode=True)["conditions"]


def automation(platform: Platform, state: str, **more: Any) -> dict[str, Any]:
    params = {"table_name": TABLE, "regions": [EAST, WEST], "state": state, "by": "ann", "reason": "patching"}
    return automation_store.run({**params, "deadline": 4, **more}, platform.clients)


def vantages(found: dict[str, Any]) -> set[str]:
    return {vote["vantage"] for vote in found["votes"][EAST]}


def test_a_lost_region_is_down_as_soon_as_route53_agrees(platform: Platform) -> None:
    platform.lab.outage(EAST, "reset")
    found = wait_for(lambda: decision(platform, check_mode=True), lambda one: one["conditions"][EAST] == "down")
    assert {"controller", "route53"} <= vantages(found)
    first, second = decision(platform), decision(platform)
    assert (first["action"], second["action"], second["counters"]) == ("alert", "failover", {EAST: 2})
    assert (second["written_to"], list(second["not_written_to"])) == ([WEST], [EAST])


def test_a_lost_region_is_down_by_the_standbys_view_where_route53_cannot_be_asked(platform: Platform) -> None:
    platform.lab.outage("aws-global", "reset")
    platform.lab.outage(EAST, "reset")
    found = decision(platform, check_mode=True)
    assert (found["conditions"][EAST], vantages(found)) == ("suspect", {"controller"})
    platform.lab.advance(180 + 240 + 60)
    found = decision(platform, check_mode=True)
    assert (found["conditions"][EAST], vantages(found)) == ("down", {"controller", "standby"})


@pytest.fixture
def real_time(whole: Platform, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A copy whose seconds are AWS's, seen by a controller that reaches neither Route 53 nor any endpoint."""
    monkeypatch.setattr(fan_out, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setitem(HEALTH, "signals", list(DECIDING) + ["replication_lag", "session_table"])
    with whole.lab.fork(tmp_path / "real-time", scale=1) as lab:
        copy = object.__new__(Platform)
        copy.__dict__.update(whole.__dict__, lab=lab, clients=clients_of(lab))
        lab.outage("aws-global", "reset")
        yield copy


def watch(platform: Platform, minutes: int) -> list[dict[str, Any]]:
    """What a run a minute leads to, up to a failover."""
    made: list[dict[str, Any]] = []
    while len(made) < minutes and not (made and made[-1]["action"] == "failover"):
        platform.lab.advance(60)
        made.append(decision(platform))
    return made


@pytest.mark.parametrize("delay", [0, 185, 300])
def test_a_cut_off_controller_starts_nothing_however_late_samples_are(real_time: Platform, delay: int) -> None:
    real_time.lab.settings(metric_delay_s=delay)
    real_time.lab.advance(1200)
    real_time.lab.fault("reset", region=EAST)
    made = watch(real_time, minutes=12)
    assert [(one["action"], vantages(one)) for one in made[1:]] == [("none", {"controller"})] * 11


@pytest.mark.parametrize("grows", [False, True], ids=["the lag is silent", "the lag grows"])
@pytest.mark.parametrize("delay", [0, 185, 300])
def test_a_lost_region_is_left_by_the_standbys_view_however_late_samples_are(
    real_time: Platform, delay: int, grows: bool
) -> None:
    real_time.lab.settings(metric_delay_s=delay, lag_grows=grows)
    real_time.lab.advance(1200)
    real_time.lab.outage(EAST, "reset")
    made = watch(real_time, minutes=15)
    assert made[-1]["action"] == "failover" and vantages(made[-1]) == {"controller", "standby"}
    # The limit, the delay with its spread, and two runs.
    assert 60 * len(made) <= 60 + 180 + delay + 120 + 120


def test_a_region_whose_api_is_silent_is_not_left_while_its_endpoint_serves(platform: Platform) -> None:
    # Its API is gone, as when only we are cut off from it; its endpoint serves.
    for service in ("elasticloadbalancing", "rds", "dynamodb", "monitoring", "cloudwatch"):
        platform.lab.fault("reset", region=EAST, service=service)
    found = decision(platform, consecutive_failures=1)
    assert (found["action"], found["conditions"][EAST], vantages(found)) == ("alert", "unknown", set())


def test_targets_and_endpoint_together_are_down_and_recovery_is_told(platform: Platform) -> None:
    assert decision(platform)["action"] == "none"
    platform.lab.set_targets(EAST, "unhealthy")
    wait_for(lambda: conditions(platform), lambda found: found[EAST] == "down")
    first = decision(platform)
    assert (first["action"], first["counters"]) == ("alert", {EAST: 1})
    platform.lab.set_targets(EAST, "healthy")
    wait_for(lambda: conditions(platform), lambda found: found[EAST] == "healthy")
    again = decision(platform)
    assert (again["action"], again["counters"]) == ("alert", {EAST: 0})
    assert decision(platform)["action"] == "none"


def test_the_capacity_that_was_seen_is_kept_in_every_region_and_written_only_when_it_changes(
    platform: Platform,
) -> None:
    def kept(region: str) -> Any:
        found = get_document(platform.clients("dynamodb", region), TABLE, CAPACITY_ID)
        return found and (found["document"]["regions"], found["written_at"])

    decision(platform)
    assert kept(EAST) is None, "who does not look at it writes nothing"
    seen = regions.run({**HEALTH, "manifest": platform.manifest, "capacity": True}, platform.clients)["capacity"]
    assert set(seen) == {EAST, WEST}
    decision(platform, capacity={EAST: 5, WEST: 2})
    first = kept(EAST)
    assert first and first[0] == {EAST: 5, WEST: 2} and kept(WEST) == first
    decision(platform, capacity={EAST: 5, WEST: 2})
    assert kept(EAST) == first and kept(WEST) == first
    platform.lab.outage(EAST, "reset")
    decision(platform, capacity={WEST: 3})
    assert kept(WEST)[0] == {EAST: 5, WEST: 3}, "a region that is lost keeps its last figure"


def test_all_regions_unhealthy_is_critical_and_nothing_else(platform: Platform) -> None:
    for region in (EAST, WEST):
        platform.lab.set_targets(region, "unhealthy")
    found = wait_for(lambda: decision(platform, consecutive_failures=1), lambda one: one["action"] == "critical")
    assert (found["is_news"], found["blocked_by"]) == (True, ["all_regions_unhealthy"])
    assert not decision(platform, consecutive_failures=1)["is_news"]


def test_a_pause_holds_back_what_is_due_and_ends_by_itself(platform: Platform) -> None:
    platform.lab.set_targets(EAST, "unhealthy")
    wait_for(lambda: conditions(platform), lambda found: found[EAST] == "down")
    automation(platform, "paused", pause_seconds=4)
    held = decision(platform, consecutive_failures=1)
    assert (held["action"], held["blocked_by"], held["paused"]["reason"]) == ("alert", ["paused"], "patching")
    wait_for(lambda: decision(platform, consecutive_failures=1), lambda one: one["action"] == "failover")


def test_the_latest_move_is_acknowledged_where_the_lost_region_missed_it(platform: Platform) -> None:
    move = {"run_id": "r1", "method": "failover", "from_region": EAST, "target_region": WEST, "ended_at": 1.8e9}
    west = platform.clients("dynamodb", WEST)
    put_document(west, TABLE, "latest_move", {"version": 1, **move, "acknowledged": None}, "2026-01-01")
    platform.lab.outage(EAST, "hang")
    with pytest.raises(MultiRegionError, match="run_id is r0; allowed: the id of the latest move, r1"):
        automation(platform, "acknowledged", run_id="r0")
    done = automation(platform, "acknowledged", run_id="r1")
    assert (done["written_to"], list(done["not_written_to"])) == ([WEST], [EAST])
    stored = get_document(west, TABLE, "latest_move")
    assert stored and stored["document"]["acknowledged"]["by"] == "ann"
    assert not automation(platform, "acknowledged", run_id="r1")["changed"]
