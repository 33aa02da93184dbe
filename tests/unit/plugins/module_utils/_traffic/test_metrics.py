# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What statements kept in metrics promise: no value is ever dated where another one hides it, by CloudWatch's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import metrics
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import switch as traffic
from tests.unit.fakes import FakeAws, no_answer

A, B = "us-east-1", "us-east-2"
B_OVER_A, A_OVER_B, A_TO_B = (
    "[us-east-2 claims over us-east-1]",
    "[us-east-1 outranks us-east-2]",
    "[us-east-1 yields to us-east-2]",
)
NOON = datetime(2030, 1, 1, 12, 0, 20, tzinfo=UTC)


class CloudWatch(FakeAws):
    """Data points by statement and minute, each the maximum of what was published there; a clock of its own."""

    def __init__(self):
        super().__init__()
        self.now = NOON
        self.data = {}
        self.alarms = {}

    def _stamped(self, answer):
        return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(self.now, usegmt=True)}}}

    def get_metric_data(self, region, MetricDataQueries, StartTime, EndTime, ScanBy):
        results = []
        for query in MetricDataQueries:
            dimensions = {d["Name"]: d["Value"] for d in query["MetricStat"]["Metric"]["Dimensions"]}
            points = sorted(self.data.get((region, dimensions["Statement"]), {}).items(), reverse=True)
            results.append({"Id": query["Id"], "Timestamps": [p[0] for p in points], "Values": [p[1] for p in points]})
        return self._stamped({"MetricDataResults": results})

    def describe_alarms(self, region, AlarmNames, MaxRecords):
        found = [{"AlarmName": name, "StateValue": self.alarms[name]} for name in AlarmNames if name in self.alarms]
        return {"MetricAlarms": found}

    def put_metric_data(self, region, Namespace, MetricData):
        for datum in MetricData:
            (statement,) = (d["Value"] for d in datum["Dimensions"] if d["Name"] == "Statement")
            minutes = self.data.setdefault((region, statement), {})
            stamp = datum["Timestamp"]
            minutes[stamp] = max(minutes.get(stamp, 0.0), datum["Value"])
        return {}

    def values(self, region, statement):
        """Return [(minutes after noon, value)], oldest first."""
        noon = NOON.replace(second=0)
        points = sorted(self.data.get((region, statement), {}).items())
        return [((stamp - noon) / timedelta(minutes=1), value) for stamp, value in points]


@pytest.fixture
def cloudwatch():
    return CloudWatch()


def run(cloudwatch, check_mode=False, **options):
    params = {
        "backend": "cloudwatch_metric",
        "platform": "trading-dev",
        "metric_namespace": "Trading/TrafficSwitch",
        "regions": [{"region": A}, {"region": B}],
        "deadline": 2.0,
        **options,
    }
    return traffic.run(params, cloudwatch.clients, check_mode)


def test_moves_the_traffic_by_one_data_point_of_the_new_active_region_while_the_old_region_is_gone(cloudwatch):
    cloudwatch.lost.add(A)
    result = run(cloudwatch, active_region=B)
    assert (result["before"], result["after"], result["not_told"]) == (A, B, [A])
    assert cloudwatch.values(B, B_OVER_A) == [(0, 1.0)]


def test_a_value_goes_into_the_minute_after_the_one_that_says_otherwise(cloudwatch):
    run(cloudwatch, active_region=B)
    back = run(cloudwatch, active_region=A)
    assert (back["before"], back["after"]) == (B, A)
    assert cloudwatch.values(B, B_OVER_A) == [(0, 1.0), (1, 0.0)]
    assert cloudwatch.values(A, A_TO_B) == [(0, 1.0), (1, 0.0)]
    # Published until B had been updated, and then withdrawn.
    assert cloudwatch.values(A, A_OVER_B) == [(0, 1.0), (1, 0.0)]
    assert back["statements"] == {A: [], B: []}


def test_minutes_are_those_of_cloudwatch_and_not_of_this_machine(cloudwatch):
    cloudwatch.now = NOON + timedelta(days=3650)
    run(cloudwatch, active_region=B)
    assert cloudwatch.values(B, B_OVER_A) == [(3650 * 24 * 60, 1.0)]


def test_a_second_run_publishes_nothing(cloudwatch):
    run(cloudwatch, active_region=B)
    cloudwatch.calls.clear()
    assert run(cloudwatch, active_region=B)["changed"] is False
    assert cloudwatch.writes() == []


def test_settle_says_again_what_is_said_a_minute_back_and_reports_no_change(cloudwatch):
    run(cloudwatch, active_region=B)
    cloudwatch.now += timedelta(minutes=10)
    result = run(cloudwatch)
    assert result["changed"] is False
    assert cloudwatch.values(B, B_OVER_A) == [(0, 1.0), (9, 1.0)]
    assert cloudwatch.values(A, A_TO_B) == [(0, 1.0), (9, 1.0)]
    # What was never said has its first data points now, and the checks know of it.
    assert cloudwatch.values(A, A_OVER_B) == [(9, 0.0)]


def test_what_is_said_meanwhile_wins_over_what_is_said_again(cloudwatch):
    run(cloudwatch, active_region=B)
    cloudwatch.now += timedelta(minutes=10)
    store = metrics.CloudwatchMetrics(
        cloudwatch.clients,
        {"metric_namespace": "n", "platform": "p", "regions": [{"region": A}, {"region": B}]},
    )
    store.read(B)
    run(cloudwatch, active_region=A)
    store.repeat(B)
    assert cloudwatch.values(B, B_OVER_A)[-1] == (10, 0.0)


def test_settle_in_check_mode_says_nothing(cloudwatch):
    run(cloudwatch, check_mode=True)
    assert cloudwatch.writes() == []


def test_settle_does_not_fail_where_saying_it_again_does(cloudwatch):
    cloudwatch.fail("put_metric_data", *[no_answer(), no_answer()])
    result = run(cloudwatch)
    assert (result["changed"], sorted(result["errors"])) == (False, [A, B])


def test_a_region_whose_data_points_are_out_of_sight_is_read_from_its_alarms(cloudwatch):
    cloudwatch.alarms = {"trading-dev-claim-use1-use2": "ALARM", "trading-dev-yield-use1-use2": "INSUFFICIENT_DATA"}
    result = run(cloudwatch, check_mode=True)
    assert result["before"] == B


def test_a_write_whose_answer_was_lost_is_made_again_and_says_the_same(cloudwatch):
    cloudwatch.lose_answer("put_metric_data")
    assert run(cloudwatch, active_region=B)["after"] == B
    assert cloudwatch.values(B, B_OVER_A) == [(0, 1.0)]


def test_requests_that_are_lost_for_seconds_fail_the_move(cloudwatch, monkeypatch):
    monkeypatch.setattr(metrics, "REPEAT_SECONDS", 0.02)
    cloudwatch.fail("put_metric_data", *[no_answer() for _try in range(9)])
    with pytest.raises(AwsCallError, match="PutMetricData"):
        run(cloudwatch, active_region=B)


def test_fails_without_a_write_when_the_new_active_region_cannot_be_read(cloudwatch):
    cloudwatch.lost.add(B)
    with pytest.raises(MultiRegionError, match="the switch metrics of us-east-2 could not be read"):
        run(cloudwatch, active_region=B)
    assert cloudwatch.writes() == []


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 150)), max_size=12))
def test_the_newest_minute_always_holds_the_last_value(changes):
    """Whatever was said, however quickly one after the other: CloudWatch keeps a minute's maximum."""
    seen, now, minutes = metrics.Seen(set(), {}, 0.0), 0.0, {}
    for is_said, passed in changes:
        now += passed
        for statement, point in metrics.build_points(
            frozenset({"x"} if is_said else ()), seen, metrics.minute_of(now)
        ).items():
            minutes[point.minute] = max(minutes.get(point.minute, False), point.is_said)
            seen.points[statement] = point
            assert point.minute >= metrics.minute_of(now)
        seen.said = {"x"} if is_said else set()
        assert not minutes or minutes[max(minutes)] == is_said
