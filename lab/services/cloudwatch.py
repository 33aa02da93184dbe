# SPDX-License-Identifier: GPL-3.0-or-later
"""GetMetricData and GetMetricStatistics of the metrics of RDS that lab/services/rds_metrics.py samples.

A period is taken as AWS seconds, and samples lie a minute of them apart: one sample, one data point.

GetMetricData also has the usage of the quota of vCPUs (CloudWatch User Guide, "AWS usage metrics"): its present value,
as a sample of five minutes ago.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricDatum, Statistics
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from lab.clock import CLOCK
from lab.services.quotas import USAGE, used_vcpus
from lab.services.rds_metrics import RECORDER, UNITS

NAMESPACE = "AWS/RDS"


def samples(
    backend: CloudWatchBackend, name: str, dimensions: list[dict[str, str]], start: datetime, end: datetime
) -> list[MetricDatum]:
    """The samples of a metric of one cluster, oldest first; times are naive UTC as in moto."""
    given = {one["Name"]: one["Value"] for one in dimensions}
    if set(given) != {"DBClusterIdentifier"}:
        return []
    # clients send whole seconds: the one that EndTime falls into is meant
    first, last = (math.floor(moment.replace(tzinfo=UTC).timestamp()) for moment in (start, end))
    found = RECORDER.readable(backend.region_name, given["DBClusterIdentifier"], name)
    timed = [(round(CLOCK.unix(one.instant), 3), one.value) for one in found]
    # Without dimensions, which no answer has: an hour at a large scale is more than a thousand samples.
    return [
        MetricDatum(NAMESPACE, name, value, [], _naive(unix), UNITS[name])
        for unix, value in timed
        if first <= unix < last + 1
    ]


def _naive(instant: float) -> datetime:
    return datetime.fromtimestamp(instant, UTC).replace(tzinfo=None)


def _statistics(sample: MetricDatum, wanted: list[str]) -> Statistics:
    shown = Statistics(wanted, sample.timestamp)
    shown.metric_data, shown.unit = [sample], sample.unit
    return shown


def _query_result(backend: CloudWatchBackend, query: dict[str, Any], start: datetime, end: datetime) -> dict[str, Any]:
    """The answer to one query of GetMetricData for such a metric, oldest first."""
    stat, metric = query["MetricStat"], query["MetricStat"]["Metric"]
    read = _usage_samples if metric["Namespace"] == USAGE["MetricNamespace"] else samples
    found = read(backend, metric["MetricName"], metric.get("Dimensions", []), start, end)
    return {
        "id": query["Id"],
        "label": query.get("Label") or metric["MetricName"],
        "values": [_statistics(one, [stat["Stat"]]).get_statistics_for_type(stat["Stat"]) for one in found],
        "timestamps": [one.timestamp for one in found],
        "status_code": "Complete",
    }


def _usage_samples(
    backend: CloudWatchBackend, name: str, dimensions: list[dict[str, str]], start: datetime, end: datetime
) -> list[MetricDatum]:
    if name != USAGE["MetricName"] or {one["Name"]: one["Value"] for one in dimensions} != USAGE["MetricDimensions"]:
        return []
    taken = _naive(datetime.now(UTC).timestamp()) - timedelta(minutes=5)
    if not start.replace(tzinfo=None) <= taken < end.replace(tzinfo=None):
        return []
    used = used_vcpus(backend.account_id, backend.region_name)
    return [MetricDatum(USAGE["MetricNamespace"], name, used, dimensions, taken, "None")]


def _is_sampled(query: dict[str, Any]) -> bool:
    metric = (query.get("MetricStat") or {}).get("Metric") or {}
    if metric.get("Namespace") == USAGE["MetricNamespace"]:
        return True
    return metric.get("Namespace") == NAMESPACE and metric.get("MetricName") in UNITS


def install() -> None:
    stock_data, stock_statistics = CloudWatchBackend.get_metric_data, CloudWatchBackend.get_metric_statistics

    def get_metric_data(
        self: CloudWatchBackend,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        others = stock_data(self, [one for one in queries if not _is_sampled(one)], start_time, end_time, scan_by)
        answers = {one["id"]: one for one in others}
        for query in queries:
            if _is_sampled(query) and query.get("ReturnData", True):
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
        if namespace != NAMESPACE or metric_name not in UNITS:
            return stock_statistics(
                self, namespace, metric_name, start_time, end_time, period, stats, dimensions, unit=unit
            )
        found = samples(self, metric_name, dimensions, start_time, end_time)
        return [_statistics(one, stats or []) for one in found if unit in (None, one.unit)]

    stock_answer = CloudWatchResponse.get_metric_data

    def answer(self: CloudWatchResponse) -> ActionResult:
        """moto leaves Messages out; AWS answers with an empty list where it has nothing to say (tests/truth)."""
        given = stock_answer(self)
        return ActionResult({"Messages": [], **given.result})

    CloudWatchResponse.get_metric_data = answer
    CloudWatchBackend.get_metric_data = get_metric_data
    CloudWatchBackend.get_metric_statistics = get_metric_statistics
