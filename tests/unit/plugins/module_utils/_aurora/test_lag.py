# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lag sample: the newest counts, none is not zero, its age is never understated, and late is not silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import LAG_METRICS
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import (
    CONTROL_METRIC,
    last_progress,
    newest_sample,
    read_lag,
    read_lag_and_stream,
    stream,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import rpo_bound_ms

NOW = datetime(2026, 1, 1, 3, 0, 30, tzinfo=UTC)


def result(index, *samples):
    times, values = [NOW - timedelta(seconds=sample[0]) for sample in samples], [sample[1] for sample in samples]
    return {"Id": f"lag{index}", "Timestamps": times, "Values": values}


class CloudWatch:
    def __init__(self, *results):
        self.results, self.asked = list(results), None

    def get_metric_data(self, **request):
        self.asked = request
        return {"MetricDataResults": self.results}


def test_the_newest_sample_counts():
    assert newest_sample([result(0, (30, 120.0), (90, 900.0))], NOW) == {
        "value_ms": 120.0,
        "age_seconds": 30.0,
        "sampled_at": "2026-01-01T03:00:00Z",
        "metric": "AuroraGlobalDBReplicationLag",
        "safe_instant": "2026-01-01T02:59:59.880Z",
    }


def test_of_two_metrics_at_the_same_time_the_larger_counts():
    found = newest_sample([result(0, (30, 120.0)), result(1, (30, 340.0))], NOW)
    assert (found["value_ms"], found["metric"]) == (340.0, "AuroraGlobalDBRPOLag")


@pytest.mark.parametrize("late", [60, 120])
def test_a_metric_whose_samples_come_later_is_not_hidden_by_the_other(late):
    found = newest_sample([result(0, (30 + late, 9000.0)), result(1, (30, 150.0))], NOW)
    assert (found["value_ms"], found["age_seconds"]) == (9000.0, 30 + late)


def test_a_metric_that_ended_long_ago_says_nothing_of_now():
    found = newest_sample([result(0, (30 + 180, 9000.0)), result(1, (30, 150.0))], NOW)
    assert (found["value_ms"], found["age_seconds"]) == (150.0, 30)


def test_no_sample_is_none_and_not_zero():
    assert newest_sample([result(0), result(1)], NOW) is None
    assert rpo_bound_ms(None) is None


def test_a_sample_of_the_running_period_is_not_from_the_future():
    assert newest_sample([result(0, (-20, 5.0))], NOW)["age_seconds"] == 0


def test_asks_for_both_metrics_of_the_secondary_cluster():
    client = CloudWatch(result(0, (30, 1.0)))
    assert read_lag(client, "trading-us-east-2-dev", NOW)["value_ms"] == 1.0
    metrics = [query["MetricStat"]["Metric"] for query in client.asked["MetricDataQueries"]]
    assert [metric["MetricName"] for metric in metrics] == list(LAG_METRICS)
    assert {metric["Dimensions"][0]["Value"] for metric in metrics} == {"trading-us-east-2-dev"}


@given(st.lists(st.tuples(st.integers(0, 3600), st.floats(0, 1e6)), min_size=1))
def test_the_bound_covers_everything_written_after_what_the_newest_sample_vouches_for(samples):
    found = newest_sample([result(0, *samples)], NOW)
    age = min(sample[0] for sample in samples)
    assert found["age_seconds"] == age
    assert rpo_bound_ms(found) >= 1000 * age


# --- whether replication goes on -------------------------------------------------------------------------------------


def minutes(*values):
    """Samples of a lag metric in milliseconds, a minute apart, the last one at NOW; None is no sample."""
    begun = NOW - timedelta(minutes=len(values) - 1)
    times = [begun + timedelta(minutes=number) for number in range(len(values))]
    return [(when, value) for when, value in zip(times, values, strict=True) if value is not None]


def control(*ages):
    return {**result(0, *((age, 10.0) for age in ages)), "Id": "control"}


@pytest.mark.parametrize(
    "values, ago",
    [
        ((100, 100, 100), 0),
        ((100, 100, None, None), 2),
        ((100, 60100, 120100), 2),  # nothing arrives, and the lag grows as fast as time
        ((100, 58000, 119000, 181000), 3),  # the same, not sampled exactly a minute apart
        ((900000, 900000, 900000), 0),  # a quarter of an hour behind, at full speed
        ((900000, 950000, 1000000), 0),  # and falling back, but receiving
        ((900000, 953000, 1006000, 1059000), 0),
        ((100, 120100, 200), 0),
        ((100,), 0),
    ],
)
def test_progress_is_a_sample_that_vouches_for_more(values, ago):
    assert last_progress(minutes(*values)) == NOW - timedelta(minutes=ago)


def test_no_sample_shows_no_progress():
    assert last_progress([]) is None
    assert stream([result(0), result(1), control(60)]) is None


def test_silence_is_counted_in_samples_of_the_control_metric():
    found = stream([result(0, (600, 100.0)), control(720, 660, 600, 540, 480, 180)])
    assert found == {"progressed_at": NOW.timestamp() - 600, "silent_seconds": 180}


def test_samples_that_are_late_together_are_no_silence():
    assert stream([result(0, (900, 100.0)), control(960, 900)])["silent_seconds"] == 0


def test_progress_of_either_lag_metric_is_progress():
    results = [result(0, (600, 100.0)), result(1, (300, 100.0)), control(300, 240)]
    assert stream(results)["silent_seconds"] == 60


def test_silence_is_unknown_without_the_control_metric():
    for results in ([result(0, (600, 100.0))], [result(0, (600, 100.0)), control()]):
        assert stream(results)["silent_seconds"] is None


def test_the_sample_and_the_stream_are_read_in_one_call():
    client = CloudWatch(result(0, (90, 100.0)), result(1, (90, 150.0)), control(90, 30))
    found = read_lag_and_stream(client, "trading-us-east-2-dev", NOW)
    assert (found["value_ms"], found["metric"], found["stream"]["silent_seconds"]) == (150.0, LAG_METRICS[1], 60)
    metrics = [query["MetricStat"]["Metric"] for query in client.asked["MetricDataQueries"]]
    assert [metric["MetricName"] for metric in metrics] == [*LAG_METRICS, CONTROL_METRIC]
    assert {metric["Dimensions"][0]["Value"] for metric in metrics} == {"trading-us-east-2-dev"}
    assert len({query["MetricStat"]["Period"] for query in client.asked["MetricDataQueries"]}) == 1


def test_no_lag_sample_is_none_however_long_the_control_metric_goes_on():
    assert read_lag_and_stream(CloudWatch(result(0), control(90, 30)), "trading-us-east-2-dev", NOW) is None
