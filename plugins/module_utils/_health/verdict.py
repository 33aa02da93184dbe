# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Verdicts on a region's health from the observations. Pure: no boto3, no clock.

Rules:

1. A signal is healthy, unhealthy or unknown. What could not be read is unknown, and unknown never counts as healthy.
2. Load balancer targets: healthy if at least ``min_healthy_ratio`` of the registered targets are, and at least one is.
   No registered targets is unhealthy.
3. Database: unhealthy if the cluster is readable and cannot serve (by its state, or because no instance is available).
   Transient states (failing-over, modifying ...) are not unhealthy.
4. A region is unhealthy if a deciding signal is; else unknown if one is; else healthy. Other signals are evidence only.

Every verdict comes with a sentence that contains its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import (
    cluster_is_down,
    cluster_passes,
    instance_serves,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    MAX_SAMPLE_AGE,
    UNKNOWN,
    Facts,
    Observation,
    writer_region,
)

HEALTHY = "healthy"
UNHEALTHY = "unhealthy"
DECIDING = ("load_balancer_targets", "database")
SIGNALS = (*DECIDING, "replication_lag", "session_table", "route53_checkers", "endpoint_probe")

# A session table replica in these states takes reads and writes.
# Source: "TableDescription" of the Amazon DynamoDB API Reference.
TABLE_SERVES = frozenset({"ACTIVE", "UPDATING"})
# Route 53 considers an endpoint healthy if more than this share of the checkers does.
# Source: "How Amazon Route 53 determines whether a health check is healthy" of the Route 53 Developer Guide.
ROUTE53_SHARE = 0.18


@dataclass(frozen=True)
class Settings:
    """Settings of the operator. Ages in seconds, lag in milliseconds."""

    min_healthy_ratio: float = 0.5
    max_replication_lag_ms: float = 1000
    max_lag_sample_age: float = MAX_SAMPLE_AGE
    deciding: tuple[str, ...] = DECIDING


@dataclass(frozen=True)
class Signal:
    """One signal: its state, the value it was derived from, the sentence that explains it, and the time to read it."""

    state: str
    reason: str
    value: Any = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """A region's verdict, the sentence that explains it, and its signals."""

    verdict: str
    reason: str
    signals: Mapping[str, Signal]

    def as_result(self) -> dict[str, Any]:
        """Return the verdict as a module returns it."""
        signals = {name: asdict(signal) for name, signal in self.signals.items()}
        return {"verdict": self.verdict, "reason": self.reason, "signals": signals}


def _ended(error: str | None) -> str:
    """Return an error as the end of a sentence."""
    return f"{(error or 'no reason given').rstrip('. ')}."


def _judged(observation: Observation, what: str, judge: Callable[[Any], tuple[str, str]]) -> Signal:
    """Return the signal for one observation; ``judge`` is called only with values that were read and exist."""
    if not observation.known:
        return Signal(UNKNOWN, f"{what} could not be read: {_ended(observation.error)}", None, observation.seconds)
    if observation.value is None:
        return Signal(UNHEALTHY, f"{what} does not exist.", None, observation.seconds)
    state, reason = judge(observation.value)
    return Signal(state, reason, observation.value, observation.seconds)


def load_balancer_targets(facts: Facts, settings: Settings) -> Signal:
    """Judge the share of healthy targets."""

    def judge(targets: Mapping[str, Any]) -> tuple[str, str]:
        healthy, registered = targets["healthy"], targets["registered"]
        if not registered:
            return UNHEALTHY, "No target is registered with the load balancer."
        share = f"{healthy} of {registered} registered targets are healthy"
        if healthy >= 1 and healthy / registered >= settings.min_healthy_ratio:
            return HEALTHY, f"{share}; at least {settings.min_healthy_ratio:.0%} and one are needed."
        return UNHEALTHY, f"Only {share}; at least {settings.min_healthy_ratio:.0%} and one are needed."

    return _judged(facts["targets"], "The target group", judge)


def serving_instances(facts: Facts) -> list[str]:
    """Return the identifiers of the instances known to serve."""
    return [i["identifier"] for i in facts.value("instances") or [] if instance_serves(i["status"])]


def database(facts: Facts, _settings: Settings) -> Signal:
    """Judge the regional cluster and its instances."""
    cluster, instances = facts["cluster"], facts["instances"]
    seconds = max(cluster.seconds, instances.seconds)

    def judge(found: Mapping[str, Any]) -> tuple[str, str]:
        status, name = found["status"], found["identifier"]
        if cluster_is_down(status):
            return UNHEALTHY, f"Cluster {name} is {status}."
        if not instances.known:
            return UNKNOWN, f"Cluster {name} is {status}; its instances could not be read: {_ended(instances.error)}"
        serving, total = len(serving_instances(facts)), len(instances.value)
        figures = f"Cluster {name} is {status} with {serving} of {total} instances available"
        if serving:
            return HEALTHY, f"{figures}."
        if cluster_passes(status):
            return UNKNOWN, f"{figures}; that state passes by itself."
        return UNHEALTHY, f"{figures}."

    signal = _judged(cluster, "The database cluster", judge)
    value = {"cluster": cluster.as_evidence(), "instances": instances.as_evidence()} if cluster.known else None
    return Signal(signal.state, signal.reason, value, seconds)


def replication_lag(facts: Facts, settings: Settings) -> Signal:
    """Judge the lag of a secondary; the writer's region has no lag."""
    view, lag = facts["global_cluster"], facts["lag"]
    if view.known and writer_region(view.value) == facts.region:
        return Signal(HEALTHY, "This region holds the writer; only secondaries have a lag.", None, view.seconds)
    if lag.known and lag.value is None:
        return Signal(UNKNOWN, "There is no lag sample of the last hour; that does not mean zero.", None, lag.seconds)

    def judge(sample: Mapping[str, Any]) -> tuple[str, str]:
        figures = f"{sample['value_ms']:g} ms, {sample['age_seconds']:g} s ago"
        if sample["age_seconds"] > settings.max_lag_sample_age:
            return UNKNOWN, f"The last lag sample ({figures}) is older than {settings.max_lag_sample_age:g} s."
        if sample["value_ms"] > settings.max_replication_lag_ms:
            return UNHEALTHY, f"Lag was {figures}; the limit is {settings.max_replication_lag_ms:g} ms."
        return HEALTHY, f"Lag was {figures}."

    return _judged(lag, "The lag metric", judge)


def session_table(facts: Facts, _settings: Settings) -> Signal:
    """Judge the session table's replica in this region."""

    def judge(table: Mapping[str, Any]) -> tuple[str, str]:
        status = table["status"]
        # A region may not be listed among the replicas in its own table; if it is, that state is more specific.
        own = table["replicas"].get(facts.region, status)
        if status in TABLE_SERVES and own in TABLE_SERVES:
            return HEALTHY, f"The session table is {status}."
        return UNHEALTHY, f"The session table is {status}, its replica here {own}."

    return _judged(facts["table"], "The session table", judge)


def route53_checkers(facts: Facts, _settings: Settings) -> Signal:
    """Judge the results of Route 53's checkers for the region's endpoint."""

    def judge(checkers: Mapping[str, Any]) -> tuple[str, str]:
        healthy, total = checkers["healthy"], checkers["observations"]
        if not total:
            return UNKNOWN, "No Route 53 checker has reported yet."
        figures = f"{healthy} of {total} Route 53 checkers reach the endpoint"
        if healthy > ROUTE53_SHARE * total:
            return HEALTHY, f"{figures}."
        return UNHEALTHY, f"Only {figures}; Route 53 needs more than {ROUTE53_SHARE:.0%}."

    return _judged(facts["checkers"], "The Route 53 health check", judge)


def endpoint_probe(facts: Facts, _settings: Settings) -> Signal:
    """Judge the endpoint's response; no response is unknown, because the fault may be on our side."""

    def judge(answer: Mapping[str, Any]) -> tuple[str, str]:
        figures = f"The endpoint responded with {answer['status']} in {answer['milliseconds']} ms."
        return (HEALTHY if 200 <= answer["status"] < 400 else UNHEALTHY), figures

    return _judged(facts["probe"], "The endpoint", judge)


JUDGES: Mapping[str, Callable[[Facts, Settings], Signal]] = {
    "load_balancer_targets": load_balancer_targets,
    "database": database,
    "replication_lag": replication_lag,
    "session_table": session_table,
    "route53_checkers": route53_checkers,
    "endpoint_probe": endpoint_probe,
}


def verdict(facts: Facts, settings: Settings, names: Iterable[str] = SIGNALS) -> Verdict:
    """Return the verdict on one region from the named signals; the deciding ones are always judged."""
    wanted = dict.fromkeys((*settings.deciding, *names))
    signals = {name: JUDGES[name](facts, settings) for name in wanted}
    deciding = {name: signals[name] for name in settings.deciding}
    for state in (UNHEALTHY, UNKNOWN):
        reasons = [f"{name}: {signal.reason}" for name, signal in deciding.items() if signal.state == state]
        if reasons:
            return Verdict(state, " ".join(reasons), signals)
    if not deciding:
        return Verdict(UNKNOWN, "No deciding signal is configured.", signals)
    return Verdict(HEALTHY, " ".join(signal.reason for signal in deciding.values()), signals)
