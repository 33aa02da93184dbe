# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication lag metrics of global databases, where and only where CloudWatch has them.

Follows: Aurora User Guide, "Amazon CloudWatch metrics for Amazon Aurora", AuroraGlobalDBReplicationLag and
AuroraGlobalDBRPOLag (milliseconds, namespace AWS/RDS, dimension DBClusterIdentifier, reported by a secondary
cluster in its own Region). A sample exists for each 60 AWS seconds in which the secondary was following a living
writer; time stamps are real, so samples lie 60/scale seconds apart, and a period is taken as AWS seconds too: one
sample, one data point.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricDatum, Statistics

from lab.clock import CLOCK
from lab.services.outage_log import OUTAGE_LOG
from lab.services.rds_global import advance_all, global_databases
from lab.services.rds_global_members import Member
from lab.services.settings import SETTINGS

NAMESPACE = "AWS/RDS"
LAG_SETTINGS = {"AuroraGlobalDBReplicationLag": "lag_ms", "AuroraGlobalDBRPOLag": "rpo_lag_ms"}
SAMPLE_AWS_S = 60.0
MOST_SAMPLES = 1440  # what GetMetricStatistics returns at most


def _secondary(account: str, region: str, cluster_id: str) -> Member | None:
    advance_all(account)
    for database in global_databases(account).values():
        for member in database.members:
            if member.region == region and member.cluster.db_cluster_identifier == cluster_id:
                return member
    return None


def _followed(member: Member, instant: float) -> bool:
    """Whether the member was receiving changes at a monotonic instant."""
    return any(
        link.start <= instant
        and (link.end is None or instant < link.end)
        and not OUTAGE_LOG.was_out(link.writer_region, instant)
        and not OUTAGE_LOG.was_out(member.region, instant)
        for link in member.links
    )


def _sample_times(member: Member, start: float, end: float) -> list[float]:
    """Unix times of the member's samples in [start, end), oldest first.

    They lie on a grid; one more is taken when the member begins to follow, so that a new secondary is never without.
    """
    step = SAMPLE_AWS_S / CLOCK.scale
    now, monotonic = time.time(), CLOCK.now()
    last = math.floor(min(end, now) / step)
    first = max(math.ceil(start / step), last - MOST_SAMPLES + 1)
    grid = [number * step for number in range(first, last + 1)]
    starts = [now - (monotonic - link.start) for link in member.links]
    candidates = [(instant, monotonic - (now - instant)) for instant in grid]
    candidates += [(instant, link.start) for instant, link in zip(starts, member.links, strict=True)]
    return sorted(unix for unix, instant in candidates if start <= unix < end and _followed(member, instant))


def lag_samples(
    backend: CloudWatchBackend, name: str, dimensions: list[dict[str, str]], start: datetime, end: datetime
) -> list[MetricDatum]:
    """The samples of a lag metric, oldest first; times are naive UTC as in moto."""
    value = getattr(SETTINGS, LAG_SETTINGS[name])
    given = {one["Name"]: one["Value"] for one in dimensions}
    if value is None or set(given) != {"DBClusterIdentifier"}:
        return []
    member = _secondary(backend.account_id, backend.region_name, given["DBClusterIdentifier"])
    if member is None:
        return []
    # clients send whole seconds: the one that EndTime falls into is meant
    unix = [math.floor(moment.replace(tzinfo=UTC).timestamp()) + more for moment, more in ((start, 0), (end, 1))]
    delay = SETTINGS.lag_delay_s
    return [
        MetricDatum(NAMESPACE, name, float(value), dimensions, _naive(instant - delay), "Milliseconds")
        for instant in _sample_times(member, *(second + delay for second in unix))
    ]


def _naive(instant: float) -> datetime:
    return datetime.fromtimestamp(instant, UTC).replace(tzinfo=None)


def _statistics(sample: MetricDatum, wanted: list[str]) -> Statistics:
    shown = Statistics(wanted, sample.timestamp)
    shown.metric_data, shown.unit = [sample], sample.unit
    return shown


def _query_result(backend: CloudWatchBackend, query: dict[str, Any], start: datetime, end: datetime) -> dict[str, Any]:
    """The answer to one query of GetMetricData for a lag metric, oldest first."""
    stat, metric = query["MetricStat"], query["MetricStat"]["Metric"]
    samples = lag_samples(backend, metric["MetricName"], metric.get("Dimensions", []), start, end)
    return {
        "id": query["Id"],
        "label": query.get("Label") or metric["MetricName"],
        "values": [_statistics(one, [stat["Stat"]]).get_statistics_for_type(stat["Stat"]) for one in samples],
        "timestamps": [one.timestamp for one in samples],
        "status_code": "Complete",
    }


def _is_lag(query: dict[str, Any]) -> bool:
    metric = (query.get("MetricStat") or {}).get("Metric") or {}
    return metric.get("Namespace") == NAMESPACE and metric.get("MetricName") in LAG_SETTINGS


def install() -> None:
    stock_data, stock_statistics = CloudWatchBackend.get_metric_data, CloudWatchBackend.get_metric_statistics

    def get_metric_data(
        self: CloudWatchBackend,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        others = stock_data(self, [one for one in queries if not _is_lag(one)], start_time, end_time, scan_by)
        answers = {one["id"]: one for one in others}
        for query in queries:
            if _is_lag(query) and query.get("ReturnData", True):
                answer = answers[query["Id"]] = _query_result(self, query, start_time, end_time)
                if scan_by == "TimestampDescending":
                    answer["values"].reverse()
                    answer["timestamps"].reverse()
        return [answers[query["Id"]] for query in queries if query["Id"] in answers]

    def get_metric_statistics(
        self: CloudWatchBackend,
        namespace: str,
        metric_name: str,
        start_time: datetime,
        end_time: datetime,
        period: int,
        stats: list[str],
        dimensions: list[dict[str, str]],
        unit: str | None = None,
    ) -> list[Statistics]:
        if namespace != NAMESPACE or metric_name not in LAG_SETTINGS:
            return stock_statistics(
                self, namespace, metric_name, start_time, end_time, period, stats, dimensions, unit=unit
            )
        samples = lag_samples(self, metric_name, dimensions, start_time, end_time)
        return [_statistics(one, stats or []) for one in samples if unit in (None, one.unit)]

    CloudWatchBackend.get_metric_data = get_metric_data
    CloudWatchBackend.get_metric_statistics = get_metric_statistics
