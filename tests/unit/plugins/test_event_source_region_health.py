# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source region_health: what it refuses, how it reports a failed cycle, whom it waits for."""

from __future__ import annotations

import asyncio
import runpy
import time
from pathlib import Path

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import manifest
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions as health_regions
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    TABLE,
    FakePlatform,
    manifest_of,
)

TOP = Path(__file__).resolve().parents[3]
# As ansible-rulebook loads it.
SOURCE = runpy.run_path(str(TOP / "extensions/eda/plugins/event_source/region_health.py"))
GIVEN = {"table_name": "trading-failover-dev", "regions": ["us-east-1", "us-east-2"]}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"interval_seconds": 0}, ["interval_seconds is 0", "allowed: a number of seconds from 0.1"]),
        ({"timeout_seconds": "soon"}, ["timeout_seconds", "soon"]),
        ({"consecutive_failures": 0}, ["consecutive_failures", "0", "allowed"]),
        ({"quorum": 1}, ["quorum", "1", "allowed"]),
        ({"stream_limit": -1}, ["stream_limit", "-1", "allowed"]),
        ({"regions": ["us-east-1"]}, ["regions is ['us-east-1']", "allowed: at least two regions"]),
        ({"regions": ["us east", "us-east-2"]}, ["regions", "us east", "us-east-1"]),
        ({"table_name": ""}, ["table_name"]),
        ({"intervall_seconds": 5}, ["intervall_seconds", "interval_seconds"]),
    ],
)
def test_refuses_what_it_cannot_use_and_says_what_is_allowed(wrong, words):
    with pytest.raises(Exception) as refusal:
        asyncio.run(SOURCE["main"](asyncio.Queue(), GIVEN | wrong))
    assert type(refusal.value).__name__ == "MultiRegionError"
    assert [word for word in words if word not in str(refusal.value)] == []


def test_a_cycle_that_fails_is_an_event_with_unknown_verdicts():
    def broken(*_pair):
        raise RuntimeError("no way to AWS")

    event = asyncio.run(SOURCE["Watch"](SOURCE["checked"](GIVEN), broken).look())
    assert event["verdicts"] == {"us-east-1": "unknown", "us-east-2": "unknown"}
    assert (event["action"], event["standby_healthy"], event["consecutive_unhealthy"]) == ("none", False, 0)
    assert "no way to AWS" in event["reason"]


def test_all_regions_lost_is_reported_with_the_topics_read_before_and_asks_for_no_failover():
    def broken(*_pair):
        raise RuntimeError("no way to AWS")

    watch = SOURCE["Watch"](SOURCE["checked"](GIVEN), broken)
    watch.topics = {"us-east-2": "arn:aws:sns:us-east-2:123456789012:alerts"}
    events = [asyncio.run(watch.look()) for _cycle in range(3)]
    assert [event["all_lost"] for event in events] == [False, False, True]
    assert {event["action"] for event in events} == {"none"}
    assert events[-1]["topics"] == {"us-east-2": "arn:aws:sns:us-east-2:123456789012:alerts"}


class Slow(FakePlatform):
    """A platform of which one region's every answer takes so many seconds."""

    def __init__(self):
        super().__init__()
        self.seconds = 0.0
        params = {"table_name": TABLE, "manifest": manifest_of(*self.regions)}
        for region in self.regions:
            manifest.run({**params, "region": region}, self.clients)

    def answer(self, service, region, *what):
        if region == EAST and service != "route53":
            self.over.wait(self.seconds)
        return super().answer(service, region, *what)


@pytest.fixture
def aws():
    platform = Slow()
    yield platform
    platform.over.set()


@pytest.fixture
def watch(aws, monkeypatch):
    """A watch of the platform, whose endpoints answer exactly where the region's API answers immediately."""

    def probe(address, *_how):
        if EAST in address and aws.seconds:
            raise OSError("no answer")
        return {"status": 200, "milliseconds": 5}

    monkeypatch.setattr(health_regions, "probe", probe)
    # Route 53's checkers see the loss as well, so that there are votes from two vantages.
    monkeypatch.setattr(aws, "get_health_check_status", lambda region, HealthCheckId: checkers(not aws.seconds))
    return SOURCE["Watch"](SOURCE["checked"]({**GIVEN, "table_name": TABLE, "timeout_seconds": 1.5}), aws.clients)


def checkers(are_well):
    report = {"Status": "Success: HTTP Status Code 200, OK" if are_well else "Failure: Connection timed out"}
    return {"HealthCheckObservations": [{"StatusReport": report}] * 16}


def look(watch):
    return asyncio.run(watch.look())


def test_only_the_first_cycle_waits_for_a_region_that_is_lost(aws, watch):
    assert look(watch)["conditions"][EAST] == "healthy"
    aws.seconds = 30
    events = [look(watch) for _cycle in range(3)]
    assert [event["conditions"][EAST] for event in events] == ["down"] * 3
    assert [event["action"] for event in events] == ["none", "none", "failover"]
    assert events[0]["seconds"] >= 1.5
    assert max(event["seconds"] for event in events[1:]) < 1


def test_a_region_that_answers_again_however_slowly_is_waited_for_and_not_left(aws, watch):
    look(watch)
    aws.seconds = 30
    look(watch)
    aws.seconds = 0.3
    look(watch)
    time.sleep(1)
    events = [look(watch) for _cycle in range(3)]
    assert watch.silent == set()
    assert {event["verdicts"][EAST] for event in events} == {"healthy"}
    assert {event["action"] for event in events} == {"none"}
