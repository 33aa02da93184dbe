# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lag sample: the newest counts, none is not zero, and its age is never understated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import METRICS, newest_sample, read_lag
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


def test_no_sample_is_none_and_not_zero():
    assert newest_sample([result(0), result(1)], NOW) is None
    assert rpo_bound_ms(None) is None


def test_a_sample_of_the_running_period_is_not_from_the_future():
    assert newest_sample([result(0, (-20, 5.0))], NOW)["age_seconds"] == 0


def test_asks_for_both_metrics_of_the_secondary_cluster():
    client = CloudWatch(result(0, (30, 1.0)))
    assert read_lag(client, "trading-us-east-2-dev", NOW)["value_ms"] == 1.0
    metrics = [query["MetricStat"]["Metric"] for query in client.asked["MetricDataQueries"]]
    assert [metric["MetricName"] for metric in metrics] == list(METRICS)
    assert {metric["Dimensions"][0]["Value"] for metric in metrics} == {"trading-us-east-2-dev"}


@given(st.lists(st.tuples(st.integers(0, 3600), st.floats(0, 1e6)), min_size=1))
def test_the_bound_covers_everything_written_after_what_the_newest_sample_vouches_for(samples):
    found = newest_sample([result(0, *samples)], NOW)
    age = min(sample[0] for sample in samples)
    assert found["age_seconds"] == age
    assert rpo_bound_ms(found) >= 1000 * age
