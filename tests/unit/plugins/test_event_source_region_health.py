# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source region_health: what it refuses, and that a failed cycle is reported."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path

import pytest

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
