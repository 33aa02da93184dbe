# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms on metrics that clients publish, and what Route 53 reads of them: the data, not the alarm's state.

Follows: CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data";
Route 53 Developer Guide, "How Route 53 determines the status of health checks that monitor CloudWatch alarms"
(SetAlarmState changes nothing there). Values of one period are one data point, which counts a period after it came.
Time stamps are real and minutes pass on the lab's clock: a data point dated 30 s ahead comes 30 AWS seconds later.

Only alarms whose metric somebody has published are evaluated; others stay as moto and SetAlarmState leave them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, Dimension, cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID

from lab.clock import CLOCK
from lab.world import WORLD

MINUTE_S = 60
# Data points are looked for in some periods more than are evaluated ("Evaluating an alarm": the evaluation range).
MORE_PERIODS = 2
OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
STATISTICS = {"Maximum": max, "Minimum": min, "Sum": sum, "SampleCount": len, "Average": lambda v: sum(v) / len(v)}
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

Key = tuple[str, str, str, frozenset[tuple[str, str]]]


@dataclass
class Minute:
    """The values of one minute. came: monotonic instant at which AWS's clock reached it, or the first value arrived."""

    came: float
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """What the data says of an alarm. since: monotonic instant from which it counts; fresh: not yet out of range."""

    state: str
    since: float
    fresh: bool


# {(region, namespace, metric, dimensions): {Unix time of the minute: its values}}
PUBLISHED: dict[Key, dict[int, Minute]] = {}


def key_of(region: str, namespace: str, metric: str, dimensions: Iterable[Any]) -> Key:
    pairs = ((d.name, d.value) if isinstance(d, Dimension) else (d["Name"], d["Value"]) for d in dimensions)
    return (region, namespace, metric, frozenset(pairs))


def publish(region: str, namespace: str, datum: dict[str, Any]) -> None:
    """Note one entry of PutMetricData that has Value or Values."""
    stamp = datum.get("Timestamp") or datetime.now(UTC)
    unix = (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
    minute = int(unix // MINUTE_S * MINUTE_S)
    key = key_of(region, namespace, datum["MetricName"], datum.get("Dimensions") or ())
    kept = PUBLISHED.setdefault(key, {}).setdefault(minute, Minute(CLOCK.after(max(0.0, minute - time.time()))))
    kept.values += [float(value) for value in datum.get("Values") or [datum.get("Value", 0)]]


def read(alarm: Alarm) -> Reading | None:
    """What the data says now, None where there never was any, and for what the lab does not compute (percentiles)."""
    if alarm.statistic not in STATISTICS or alarm.comparison_operator not in COMPARISONS:
        return None
    key = key_of(alarm.region_name, alarm.namespace, alarm.metric_name, alarm.dimensions)
    published = PUBLISHED.get(key)
    if not published:
        return None
    period, wanted = int(alarm.period or MINUTE_S), int(alarm.evaluation_periods or 1)
    minutes = sorted(published.items(), key=lambda entry: entry[0])
    counted = [minute for _number, minute in minutes if CLOCK.aws_seconds_since(minute.came) >= period]
    if not counted:
        return None
    newest = counted[-wanted:]
    breaches, value_of = COMPARISONS[alarm.comparison_operator], STATISTICS[alarm.statistic]
    state = ALARM if all(breaches(value_of(one.values), float(alarm.threshold)) for one in newest) else OK
    since = newest[-1].came + period / CLOCK.scale
    return Reading(state, since, CLOCK.aws_seconds_since(since) < period * (wanted + MORE_PERIODS))


def evaluate_all() -> None:
    """Bring the states of all alarms that have data up to the present."""
    for region, backend in cloudwatch_backends[DEFAULT_ACCOUNT_ID].items():
        for alarm in list(backend.alarms.values()):
            reading = read(alarm) if alarm.metric_name and not WORLD.region_is_out(region) else None
            if reading:
                evaluate(alarm, reading)


def evaluate(alarm: Alarm, reading: Reading) -> None:
    missing = {"notBreaching": OK, "breaching": ALARM, "ignore": reading.state}
    state = reading.state if reading.fresh else missing.get(alarm.treat_missing_data or "missing", INSUFFICIENT)
    if state != alarm.state_value:
        alarm.update_state(f"The data says {state}", "{}", state)


def install() -> None:
    stock = CloudWatchBackend.put_metric_data

    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        stock(self, namespace, metric_data)
        for datum in metric_data:
            if not datum.get("StatisticValues"):
                publish(self.region_name, namespace, datum)

    CloudWatchBackend.put_metric_data = put_metric_data
    WORLD.tick_hooks.append(evaluate_all)
    WORLD.reset_hooks.append(PUBLISHED.clear)
