# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Statements of the traffic switch stored as metrics: nothing is public, and the traffic moves about a minute later.

Each statement of a region is a metric in that region's CloudWatch, 1 while it is published and 0 while it is not, with
an alarm that Route 53 follows. Route 53 reads the alarm's data, not its state, and keeps the last status when the data
ends (``LastKnownStatus``), so one data point is valid until the next one, however long; the alarm keeps its state in
the same way (``ignore``). Sources: "How Route 53 determines the status of health checks that monitor CloudWatch alarms"
of the Route 53 Developer Guide; "Configuring how CloudWatch alarms treat missing data" of the CloudWatch User Guide.

Two values in the same period are one data point, their maximum, so a 0 cannot revoke a 1 of the same minute. A value
therefore never goes into a minute that already has one: it gets the time of the following minute (PutMetricData accepts
time stamps up to two hours ahead). Minutes are those of CloudWatch's own responses, not of this machine's clock.

A data point may become readable only some time after it was accepted ("Publish custom metrics" of the CloudWatch User
Guide allows new metrics two minutes), so it is not read back; a run reads its own writes from memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import server_time
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import retry_transient
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    METRIC_NAME,
    PERIOD_SECONDS,
    alarm_names,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.statements import Statements

# How long to retry a write that was throttled or whose response was lost.
REPEAT_SECONDS = 2.0
# Time range in which data points are searched. Older ones are visible in the alarm's state.
LOOK_BACK = timedelta(hours=3)
# "You can specify time stamps that are as much as two weeks before the current date, and as much as 2 hours after the
# current day and time" (PutMetricData of the CloudWatch API reference).
LOOK_AHEAD = timedelta(hours=2, minutes=1)


@dataclass(frozen=True)
class Point:
    """A data point: the epoch second at which its minute begins, and whether the statement is published."""

    minute: float
    is_said: bool


@dataclass
class Seen:
    """What is known about a region's statements.

    clock: CloudWatch's, in epoch seconds, at the monotonic instant ``at``.
    """

    said: set[str]
    points: dict[str, Point]
    clock: float
    at: float = field(default_factory=time.monotonic)

    def minute(self) -> float:
        """Return the epoch second at which CloudWatch's current minute begins."""
        return minute_of(self.clock + time.monotonic() - self.at)


def minute_of(seconds: float) -> float:
    """Return the epoch second at which the minute of a time begins. Pure."""
    return seconds - seconds % PERIOD_SECONDS


def build_points(wanted: Statements, seen: Seen, minute: float) -> dict[str, Point]:
    """Return the data points that make a region publish exactly these statements; empty if it already does. Pure.

    minute: CloudWatch's current minute, as the epoch second at which it begins.
    """
    return {
        statement: Point(free_minute(seen.points.get(statement), minute), statement in wanted)
        for statement in wanted.symmetric_difference(seen.said)
    }


def free_minute(last: Point | None, minute: float) -> float:
    """Return the first minute, starting with this one, in which no earlier value overrides the new one. Pure."""
    return minute if last is None else max(minute, last.minute + PERIOD_SECONDS)


def build_repeats(seen: Seen, names: Mapping[str, str], minute: float) -> dict[str, Point]:
    """Return the data points that repeat the current statements, published and not published. Pure.

    They have the time of the minute before: whatever is published in the meantime is newer, and overrides them. A
    statement that already has a data point that new is omitted.
    """
    then = minute - PERIOD_SECONDS
    stale = [name for name in names if name not in seen.points or seen.points[name].minute < then]
    return {statement: Point(then, statement in seen.said) for statement in stale}


@aws_call("GetMetricData")
def get_metric_data(client: Any, queries: list[dict[str, Any]], start: datetime, end: datetime) -> Mapping[str, Any]:
    """Return one page of CloudWatch's response, newest data points first. There are few, so one page has them all."""
    return client.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampDescending")


@aws_call("DescribeAlarms")
def describe_alarms(client: Any, names: list[str]) -> list[dict[str, Any]]:
    """Return the alarms with these names that exist."""
    return client.describe_alarms(AlarmNames=names, MaxRecords=100)["MetricAlarms"]


@aws_call("PutMetricData")
def put_metric_data(client: Any, namespace: str, data: list[dict[str, Any]]) -> None:
    """Publish data points. Safe to repeat: the maximum of the same value is the same."""
    client.put_metric_data(Namespace=namespace, MetricData=data)


class CloudwatchMetrics:
    """Statements stored in metrics; has the same methods as ``objects.S3Objects``. All of them raise AwsCallError."""

    noun = "switch metrics"
    is_forgetful = True
    is_public = False

    def __init__(self, clients: Any, params: Mapping[str, Any]):
        self.clients = clients
        self.namespace = params["metric_namespace"]
        self.platform = params["platform"]
        self.order = [entry["region"] for entry in params["regions"]]
        self._seen: dict[str, Seen] = {}
        self._lock = threading.Lock()

    def read(self, region: str) -> Statements:
        """Return the region's statements: from the newest data point of each one, else from its alarm."""
        client, names = self.clients("cloudwatch", region), alarm_names(region, self.order, self.platform)
        start = datetime.now(UTC).replace(second=0, microsecond=0) - LOOK_BACK
        queries = [self._query(number, statement) for number, statement in enumerate(names)]
        answer = get_metric_data(client, queries, start, start + LOOK_BACK + LOOK_AHEAD)
        points = newest_points(answer["MetricDataResults"], list(names))
        silent = {name: statement for statement, name in names.items() if statement not in points}
        alarms = describe_alarms(client, list(silent)) if silent else []
        said = {statement for statement, point in points.items() if point.is_said}
        said |= {silent[alarm["AlarmName"]] for alarm in alarms if alarm["StateValue"] == "ALARM"}
        with self._lock:
            self._seen[region] = Seen(said, points, server_time(answer))
        return frozenset(said)

    def write(self, region: str, statements: Statements) -> None:
        """Publish these statements. A write whose response was lost is repeated, because reading would show it late."""
        if region not in self._seen:
            self.read(region)
        seen = self._seen[region]
        points = build_points(statements, seen, seen.minute())
        retry_transient(lambda: self._publish(region, points), REPEAT_SECONDS, REPEAT_SECONDS / 2)
        seen.points.update(points)
        seen.said = set(statements)

    def repeat(self, region: str) -> None:
        """Publish the region's current statements again, so that recreated checks and alarms receive them too."""
        seen = self._seen[region]
        points = build_repeats(seen, alarm_names(region, self.order, self.platform), minute_of(seen.clock))
        self._publish(region, points)
        seen.points.update(points)

    def _publish(self, region: str, points: Mapping[str, Point]) -> None:
        data = [
            {
                "MetricName": METRIC_NAME,
                "Dimensions": self._dimensions(statement),
                "Timestamp": datetime.fromtimestamp(point.minute, UTC),
                "Value": float(point.is_said),
                "StorageResolution": PERIOD_SECONDS,
            }
            for statement, point in sorted(points.items())
        ]
        if data:
            put_metric_data(self.clients("cloudwatch", region), self.namespace, data)

    def _dimensions(self, statement: str) -> list[dict[str, str]]:
        return [{"Name": "Platform", "Value": self.platform}, {"Name": "Statement", "Value": statement}]

    def _query(self, number: int, statement: str) -> dict[str, Any]:
        metric = {
            "Namespace": self.namespace,
            "MetricName": METRIC_NAME,
            "Dimensions": self._dimensions(statement),
        }
        stat = {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": "Maximum"}
        return {"Id": f"s{number}", "MetricStat": stat, "ReturnData": True}


def newest_points(results: list[dict[str, Any]], statements: list[str]) -> dict[str, Point]:
    """Return the newest data point of each statement that has one. Pure.

    results: MetricDataResults whose Id is ``s`` and the statement's index in ``statements``.
    """
    points = {}
    for result in results:
        pairs = zip(result["Timestamps"], result["Values"], strict=True)
        found = [Point(stamp.timestamp(), value >= 1) for stamp, value in pairs]
        if found:
            points[statements[int(result["Id"][1:])]] = max(found, key=lambda point: point.minute)
    return points
