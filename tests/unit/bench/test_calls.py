# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench reads off the lab's log of calls."""

from __future__ import annotations

import pytest

from tests.bench.calls import accepted_at, by_operation, difference, looks_a_second


def call(operation, time=0.0, region="us-east-2", service="rds", status=200, seconds=0.5):
    return {
        "operation": operation,
        "time": time,
        "region": region,
        "service": service,
        "status": status,
        "seconds": seconds,
    }


def test_counts_each_operation_of_each_region():
    calls = [call("Publish", service="sns"), call("DescribeEvents", region="us-east-1"), call("DescribeEvents")] * 2
    assert by_operation(calls) == {
        "us-east-1 rds:DescribeEvents": 2,
        "us-east-2 rds:DescribeEvents": 2,
        "us-east-2 sns:Publish": 2,
    }


def test_tells_only_what_differs_between_two_sides():
    ours, theirs = [call("A"), call("A"), call("B")], [call("A"), call("B"), call("C")]
    assert difference(ours, theirs) == {"us-east-2 rds:A": 1, "us-east-2 rds:C": -1}


def test_a_request_is_accepted_when_its_answer_is_there():
    calls = [call("FailoverGlobalCluster", 1.0, status=503), call("FailoverGlobalCluster", 2.0)]
    assert accepted_at(calls, "FailoverGlobalCluster") == 2.5


def test_a_move_that_was_asked_for_twice_is_no_measurement():
    with pytest.raises(ValueError, match="too many values"):
        accepted_at([call("FailoverGlobalCluster"), call("FailoverGlobalCluster")], "FailoverGlobalCluster")


def test_the_fastest_two_looks_count_and_only_those_between():
    calls = [call("Look", time) for time in (0.0, 0.1, 2.0, 4.0, 4.5, 9.0, 9.1)] + [call("Other", 4.1)]
    assert looks_a_second(calls, "Look", begin=1, end=9) == 2
