# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Replication of an Aurora secondary as CloudWatch shows it: the newest lag sample, and whether replication goes on.

The lag metrics exist in a secondary's region only, under the secondary cluster's identifier, and move after a switch of
the writer ("Monitoring an Amazon Aurora global database" and "Amazon CloudWatch metrics for Amazon Aurora" of the
Aurora User Guide). No datapoint means that the lag is not known; it never means zero.

Samples of RDS can be read only two to four minutes after their minute (elastic/beats, issue 30915;
yet-another-cloudwatch-exporter, issues 378 and 1590), so the age of the newest one says nothing of the writer. What
does is a control metric that comes the same way: CPUUtilization of the same cluster, which its own hosts report
whether or not the writer is there. Where it has gone on for several periods after replication last made progress, the
secondary was there and received nothing.

Progress is a sample that vouches for more than the one of the last progress did. Either the samples end with the
stream, or they go on with a lag that grows as fast as time passes ("Cross-Region resiliency for Global Database
secondary clusters"); both are no progress. A secondary that is far behind but still receives makes progress.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import LAG_METRICS
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

CONTROL_METRIC = "CPUUtilization"
CONTROL_ID = "control"
PERIOD_SECONDS = 60
# Long enough to still find the last sample before an outage while operators decide.
LOOK_BACK = timedelta(hours=1)
# Samples can be read two to four minutes late, so those of two metrics are that far apart in what can be read.
DELAY_SPREAD = timedelta(minutes=2)
# A lag that grows more slowly than time, by this share of it, belongs to a secondary that receives something. The rest
# is left to moments of sampling that are not exactly a period apart.
LEAST_PROGRESS = 0.1

Points = list[tuple[datetime, float]]


@aws_call("GetMetricData")
def get_lag_data(
    client: Any, cluster_identifier: str, now: datetime, with_control: bool = False
) -> list[dict[str, Any]]:
    """Return MetricDataResults of the lag metrics of one cluster for the last hour, newest first.

    with_control: of the control metric as well.
    """
    metrics = {f"lag{index}": name for index, name in enumerate(LAG_METRICS)}
    if with_control:
        metrics[CONTROL_ID] = CONTROL_METRIC
    queries = [
        {
            "Id": identifier,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/RDS",
                    "MetricName": name,
                    "Dimensions": [{"Name": "DBClusterIdentifier", "Value": cluster_identifier}],
                },
                "Period": PERIOD_SECONDS,
                "Stat": "Maximum",
            },
        }
        for identifier, name in metrics.items()
    ]
    answer = client.get_metric_data(
        MetricDataQueries=queries,
        StartTime=now - LOOK_BACK,
        # A sample of the current minute has the start of that minute as its time; the margin covers clock skew.
        EndTime=now + timedelta(seconds=PERIOD_SECONDS),
        ScanBy="TimestampDescending",
    )
    return answer.get("MetricDataResults", [])


def _points(results: list[dict[str, Any]]) -> dict[str, Points]:
    """Return the samples of each query, oldest first, by the query's Id."""
    return {
        str(result["Id"]): sorted(
            (_utc(when), float(value))
            for when, value in zip(result.get("Timestamps", []), result.get("Values", []), strict=False)
        )
        for result in results
    }


def newest_sample(results: list[dict[str, Any]], now: datetime) -> dict[str, Any] | None:
    """Return {value_ms, age_seconds, sampled_at, metric, safe_instant} of the newest sample, or None. Pure.

    Each metric's samples come with a delay of their own, so of the metrics' newest samples that lie within the spread
    of that delay the larger value counts. A sample's time is the start of its period, so its age is never understated.
    """
    newest = [
        (*points[-1], LAG_METRICS[int(identifier.removeprefix("lag"))])
        for identifier, points in _points(results).items()
        if identifier != CONTROL_ID and points
    ]
    if not newest:
        return None
    latest = max(when for when, _value, _metric in newest)
    value, when, metric = max((value, when, metric) for when, value, metric in newest if latest - when <= DELAY_SPREAD)
    return {
        "value_ms": round(value, 3),
        "age_seconds": round(max(0.0, (now - when).total_seconds()), 1),
        "sampled_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metric": metric,
        "safe_instant": (when - timedelta(milliseconds=value)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }


def last_progress(points: Points) -> datetime | None:
    """Return the time of the last sample of a lag metric that shows progress, or None without samples. Pure."""
    progress = received = None
    for when, value_ms in points:
        vouched_for = when - timedelta(milliseconds=value_ms)
        if progress is None or vouched_for - received >= LEAST_PROGRESS * (when - progress):
            progress, received = when, vouched_for
    return progress


def stream(results: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return {progressed_at, silent_seconds} of the replication to a secondary, None without a lag sample. Pure.

    progressed_at: epoch seconds of the last sample that shows progress. silent_seconds: the periods in which the
    control metric was sampled after it, in seconds; None where it was not sampled at all, because then nothing tells
    late samples from missing ones. Periods are counted, because a secondary that was out itself has sampled neither.
    """
    points = _points(results)
    progress = [last_progress(points.get(f"lag{index}", [])) for index in range(len(LAG_METRICS))]
    newest = max((when for when in progress if when), default=None)
    if newest is None:
        return None
    control = points.get(CONTROL_ID)
    silent = PERIOD_SECONDS * sum(when > newest for when, _value in control) if control else None
    return {"progressed_at": newest.timestamp(), "silent_seconds": silent}


def read_lag(client: Any, cluster_identifier: str, now: datetime | None = None) -> dict[str, Any] | None:
    """Return the newest lag sample of a secondary cluster, or None if there is none.

    client: cloudwatch client of the secondary's region. Raises AwsCallError if CloudWatch cannot be queried.
    """
    now = now or datetime.now(UTC)
    return newest_sample(get_lag_data(client, cluster_identifier, now), now)


def read_lag_and_stream(client: Any, cluster_identifier: str, now: datetime | None = None) -> dict[str, Any] | None:
    """Return the same with ``stream``, {progressed_at, silent_seconds}, in one call."""
    now = now or datetime.now(UTC)
    results = get_lag_data(client, cluster_identifier, now, with_control=True)
    sample = newest_sample(results, now)
    return {**sample, "stream": stream(results)} if sample else None


def _utc(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
