# SPDX-License-Identifier: GPL-3.0-or-later
"""When a new health check has a status of its own: so many equal results in a row of every checker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.check_history import counted, run

UP, DOWN, NOTHING = "Success: HTTP Status Code 200", "Failure: HTTP Status Code 403", "no data yet"


class Route53:
    """Checkers whose results are a list of looks; each look is [(status, time)] by checker."""

    def __init__(self, looks, threshold=3):
        self.looks, self.threshold, self.asked = looks, threshold, 0
        self.meta = SimpleNamespace(region_name="us-east-1")

    def get_health_check(self, HealthCheckId):
        return {"HealthCheck": {"Id": HealthCheckId, "HealthCheckConfig": {"FailureThreshold": self.threshold}}}

    def get_health_check_status(self, HealthCheckId):
        look = self.looks[min(self.asked, len(self.looks) - 1)]
        self.asked += 1
        return {
            "HealthCheckObservations": [
                {"Region": "r", "IPAddress": str(number), "StatusReport": {"Status": status, "CheckedTime": at}}
                for number, (status, at) in enumerate(look)
            ]
        }


def results(*looks, threshold=3, timeout=60):
    """What the module returns; a look a second."""
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds):
        clock.now += seconds

    client = Route53([[one] if isinstance(one, tuple) else one for one in looks], threshold)
    params = {"health_check_ids": ["a"], "wait_timeout": timeout, "poll_interval": 1.0}
    found = run(params, lambda service, region=None: client, clock=lambda: clock.now, sleep=sleep)
    return found["results_in_a_row"]["a"], client.asked


def test_as_many_results_as_the_threshold_and_one_more_are_waited_for():
    assert results(*[(DOWN, at) for at in range(10)]) == (4, 4)
    assert results(*[(UP, at) for at in range(10)], threshold=1) == (2, 2)


def test_the_same_result_seen_twice_counts_once():
    assert results(*[(DOWN, at // 3) for at in range(20)]) == (4, 10)


def test_another_result_starts_the_count_again():
    looks = [(DOWN, 0), (DOWN, 1), (DOWN, 2), (UP, 3), (DOWN, 4), (DOWN, 5), (DOWN, 6), (DOWN, 7)]
    assert results(*looks) == (4, 8)


def test_the_slowest_checker_is_waited_for():
    assert results(*[[(DOWN, at), (DOWN, at // 2)] for at in range(20)]) == (4, 7)


def test_no_result_yet_is_none():
    observation = {"Region": "r", "IPAddress": "1", "StatusReport": {"Status": NOTHING}}
    assert counted({}, [observation]) == {"r 1": ("", None, 0)}
    assert results((NOTHING, 0), (NOTHING, 1), *[(DOWN, at) for at in range(2, 9)]) == (4, 6)


def test_checks_without_results_are_named_when_the_time_is_over():
    with pytest.raises(WaitTimeout, match=r"of 1 of 1 health checks: a 0 of 4\.") as late:
        results([], timeout=3)
    assert late.value.evidence["results_in_a_row"] == {"a": 0}


def test_a_check_that_does_not_exist_is_refused_by_its_id():
    class Missing(Route53):
        def get_health_check(self, HealthCheckId):
            return {"HealthCheck": None}

    params = {"health_check_ids": ["a"], "wait_timeout": 1, "poll_interval": 1.0}
    with pytest.raises(MultiRegionError, match="health_check_ids has a; allowed"):
        run(params, lambda service, region=None: Missing([]))
