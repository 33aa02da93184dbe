# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Health of all regions in parallel: by the deadline, with the lost region unknown."""

from __future__ import annotations

import time

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import DECIDING, SIGNALS
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    WEST,
    FakePlatform,
    entry_of,
    manifest_of,
)


@pytest.fixture
def aws(monkeypatch):
    platform = FakePlatform()
    platform.probed = []

    def probe(*args):
        platform.probed.append(args)
        return {"status": 200, "milliseconds": 5}

    monkeypatch.setattr(regions, "probe", probe)
    yield platform
    platform.over.set()


def health(aws, **more):
    params = {
        "manifest": manifest_of(EAST, WEST),
        "signals": list(SIGNALS),
        "deciding_signals": list(DECIDING),
        "min_healthy_ratio": 0.5,
        "max_replication_lag_ms": 1000,
        "max_lag_sample_age": 420,
        "deadline": 5,
    }
    return regions.run({**params, **more}, aws.clients)


def test_gives_a_verdict_for_each_region_with_every_signal(aws):
    found = health(aws)
    assert found["healthy_regions"] == [EAST, WEST]
    assert found["writer_region"] == EAST
    for one in found["verdicts"].values():
        assert {name: signal["state"] for name, signal in one["signals"].items()} == dict.fromkeys(SIGNALS, "healthy")
    assert aws.probed[0][:3] == (f"alb.{EAST}.example", "http", "/health")


def test_a_region_that_does_not_answer_is_unknown_by_the_deadline(aws):
    aws.hanging.add(EAST)
    begun = time.monotonic()
    found = health(aws, deadline=0.5)
    assert time.monotonic() - begun < 3
    assert (found["unknown_regions"], found["healthy_regions"]) == ([EAST], [WEST])
    assert "no answer within 0.5 s" in found["reason"]


def test_a_region_that_was_silent_before_is_asked_and_not_waited_for(aws):
    aws.hanging.add(EAST)
    begun = time.monotonic()
    found = health(aws, deadline=20, silent_regions=[EAST])
    assert time.monotonic() - begun < 5
    assert (found["unknown_regions"], found["healthy_regions"]) == ([EAST], [WEST])


def test_too_few_healthy_targets_make_a_region_unhealthy(aws):
    aws.healthy[EAST], aws.registered[EAST] = 1, 3
    found = health(aws)
    assert found["unhealthy_regions"] == [EAST]
    assert "load_balancer_targets: Only 1 of 3 registered targets are healthy" in found["reason"]


def test_only_what_is_asked_for_is_read(aws):
    health(aws, signals=["load_balancer_targets"], deciding_signals=["load_balancer_targets"])
    assert {call[2] for call in aws.calls} == {"describe_target_health", "describe_global_clusters"}


def test_a_member_that_an_entry_does_not_give_is_unknown(aws):
    bare = {key: value for key, value in entry_of(WEST).items() if key != "health_check_id"}
    signals = health(aws, manifest=None, regions=[bare], global_cluster_identifier="g")["verdicts"][WEST]["signals"]
    assert signals["route53_checkers"]["state"] == "unknown"
    assert "The entry of us-east-2 has no health_check_id." in signals["route53_checkers"]["reason"]


@pytest.mark.parametrize(
    "more, says",
    [
        ({"manifest": {}}, "regions is .*; allowed: at least one entry"),
        ({"regions": [{"target_group_arn": "x"}]}, "regions is .*; allowed: at least one entry"),
    ],
)
def test_bad_input_is_refused_before_the_first_call(aws, more, says):
    with pytest.raises(MultiRegionError, match=says):
        health(aws, **more)
    assert aws.calls == []


def test_a_platform_without_sessions_is_not_asked_for_its_table(aws):
    found = health(aws, manifest={**manifest_of(EAST, WEST), "layers": {"session_table": "absent"}})
    assert found["healthy_regions"] == [EAST, WEST]
    assert all("session_table" not in one["signals"] for one in found["verdicts"].values())
    assert not [call for call in aws.calls if call[2] == "describe_table"]
