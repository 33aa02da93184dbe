# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Replication lag of an Aurora secondary: the newest CloudWatch sample and its age.

The metrics exist only in a secondary's region, under the secondary cluster's identifier, and move when the writer
moves ("Monitoring an Amazon Aurora global database" and "Amazon CloudWatch metrics for Amazon Aurora" of the
Aurora User Guide). No data point means that the lag is unknown; it never means zero.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

# Aurora MySQL reports the second one since 3.04.0. The larger of the two is the bound on the data loss.
METRICS = ("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag")
PERIOD_SECONDS = 60
# Long enough to still find the last sample before an outage while operators decide.
LOOK_BACK = timedelta(hours=1)


@aws_call("GetMetricData")
def get_lag_data(client: Any, cluster_identifier: str, now: datetime) -> list[dict[str, Any]]:
    """Return the MetricDataResults of the lag metrics of one cluster for the last hour, newest first."""
    queries = [
        {
            "Id": f"lag{index}",
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
        for index, name in enumerate(METRICS)
    ]
    answer = client.get_metric_data(
        MetricDataQueries=queries,
        StartTime=now - LOOK_BACK,
        # A sample of the current minute has the start of that minute as its time; the margin covers clock skew.
        EndTime=now + timedelta(seconds=PERIOD_SECONDS),
        ScanBy="TimestampDescending",
    )
    return answer.get("MetricDataResults", [])


def newest_sample(results: list[dict[str, Any]], now: datetime) -> dict[str, Any] | None:
    """Return {value_ms, age_seconds, sampled_at, metric, safe_instant} of the newest sample, or None. Pure.

    If both metrics have a sample of the same time, the larger value counts. A sample's time is the start of its
    period, so its age is never understated.
    """
    samples = [
        (_utc(when), float(value), METRICS[int(str(result["Id"]).removeprefix("lag"))])
        for result in results
        for when, value in zip(result.get("Timestamps", []), result.get("Values", []), strict=False)
    ]
    if not samples:
        return None
    when, value, metric = max(samples)
    return {
        "value_ms": round(value, 3),
        "age_seconds": round(max(0.0, (now - when).total_seconds()), 1),
        "sampled_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metric": metric,
        "safe_instant": (when - timedelta(milliseconds=value)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }


def read_lag(client: Any, cluster_identifier: str, now: datetime | None = None) -> dict[str, Any] | None:
    """Return the newest lag sample of a secondary cluster, or None if there is none.

    client: cloudwatch client of the secondary's region. Raises AwsCallError if CloudWatch cannot be queried.
    """
    now = now or datetime.now(UTC)
    return newest_sample(get_lag_data(client, cluster_identifier, now), now)


def _utc(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
