# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks over time: what Route 53's checkers have observed, and the resulting status.

An endpoint is measured now, but its status follows only after FailureThreshold x RequestInterval AWS seconds of the
same result (Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is healthy"). That holds
for the first status of a new check too: FailureThreshold is the number of consecutive results that "change the current
status" (API, HealthCheckConfig), and a new check is healthy until there is enough data. What a checker reports
(GetHealthCheckStatus) is its last result, once an interval. Nothing polls: `observe` notes when a measurement began to
differ, at every request that changes something and every tick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.route53.models import HealthCheck, Route53Backend, route53_backends

from lab.clock import CLOCK
from lab.services import arc, cloudwatch_alarms
from lab.world import WORLD, once_a_look

ENDPOINT_TYPES = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
NO_DATA = "no data yet: a new health check counts as healthy"


@dataclass(frozen=True)
class Measurement:
    """What one request of a checker would find now."""

    healthy: bool
    reason: str


@dataclass
class Observation:
    """What is known of one check. `healthy` is before inversion, None until there is enough data.

    same_since: since when the measurement is what it is now, where it differs from `healthy`.
    """

    created: float = field(default_factory=CLOCK.now)
    healthy: bool | None = None
    reason: str = NO_DATA
    measured: bool | None = None
    same_since: float | None = None
    results: int = 0
    checked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    changed_at: datetime | None = None
    last_failure: tuple[str, datetime] | None = None

    def take(self, measured: Measurement, interval: float, threshold: int) -> None:
        """Bring the observation up to the present."""
        results = int(CLOCK.aws_seconds_since(self.created) / interval)
        if results > self.results:
            self.results, self.checked_at = results, datetime.now(UTC)
        if measured.healthy != self.measured:
            self.same_since = self.created if self.measured is None else CLOCK.now()
            self.measured = measured.healthy
        if measured.healthy == self.healthy or (self.healthy is None and self.results):
            self.reason = measured.reason
        if measured.healthy != self.healthy and CLOCK.aws_seconds_since(self.same_since) >= interval * threshold:
            self._become(measured)
        if not measured.healthy and self.results:
            self.last_failure = (measured.reason, self.checked_at)

    def _become(self, measured: Measurement) -> None:
        self.changed_at = datetime.now(UTC)
        self.healthy, self.reason = measured.healthy, measured.reason


@dataclass(frozen=True)
class Status:
    """The status of a check, as records see it, with its reason."""

    id: str
    name: str
    type: str
    healthy: bool
    reason: str
    inverted: bool = False
    children: tuple[Status, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As the admin API shows it."""
        own = {"id": self.id, "name": self.name, "type": self.type, "healthy": self.healthy, "reason": self.reason}
        return {**own, "inverted": self.inverted, "children": [child.as_dict() for child in self.children]}


def backends() -> list[Route53Backend]:
    """moto's Route 53 of every account: names, and the checks that records use, are those of all accounts.

    A record may use a health check of another account: "How can I associate a Route 53 health check in another AWS
    account with a record set" of the AWS Knowledge Center.
    """
    return [account["aws"] for account in list(route53_backends.values())]


class Checks:
    """The observations of all checks. `measure` probes an endpoint now; lab.endpoints provides it."""

    def __init__(self, measure: Callable[[HealthCheck], Measurement] | None = None) -> None:
        self.observations: dict[str, Observation] = {}
        self.measure = measure

    def forget(self) -> None:
        """Start again."""
        self.observations = {}

    def observe(self) -> None:
        """Bring every observation up to the present, and forget those of deleted checks."""
        present = {key: check for one in backends() for key, check in one.health_checks.items()}
        self.observations = {key: one for key, one in self.observations.items() if key in present}
        measured = self._measure([one for one in present.values() if one.type_ in ENDPOINT_TYPES and not one.disabled])
        for check in present.values():
            observation = self.observations.setdefault(check.id, Observation())
            if check.id in measured:
                interval, threshold = int(check.request_interval), int(check.failure_threshold)
                observation.take(measured[check.id], interval, threshold)
            elif check.type_ == "CLOUDWATCH_METRIC" and not check.disabled:
                follow(check, observation)

    def _measure(self, checks: list[HealthCheck]) -> dict[str, Measurement]:
        """What a checker finds at each endpoint now; all see the same moment."""
        with WORLD.looking():
            return {check.id: self.measure(check) for check in checks} if self.measure else {}

    @once_a_look
    def status(self, check_id: str) -> Status:
        """The status of a check now."""
        owner = next((one for one in backends() if check_id in one.health_checks), None)
        if owner is None:  # DeleteHealthCheck: the status cannot be predicted then; the lab lets traffic flow
            return Status(check_id, check_id, "deleted", True, "the health check does not exist")
        check = owner.health_checks[check_id]
        name = owner.list_tags_for_resource(check_id).get("Name", check_id)
        children = tuple(self.status(child) for child in check.children or ()) if check.type_ == "CALCULATED" else ()
        healthy, reason = self._before_inversion(check, children)
        inverted = bool(check.inverted)
        return Status(check_id, name, check.type_, healthy != inverted, reason, inverted, children)

    def _before_inversion(self, check: HealthCheck, children: tuple[Status, ...]) -> tuple[bool, str]:
        if check.disabled:  # API, HealthCheckConfig, Disabled: always healthy, and Inverted still applies
            return True, "disabled: counts as healthy"
        if check.type_ == "CALCULATED":
            return _calculated(int(check.health_threshold or 0), children)
        if check.type_ == "CLOUDWATCH_METRIC":
            return self._alarm(check)
        if check.type_ == "RECOVERY_CONTROL":
            return arc.state_of(check.routing_control_arn or "")
        observation = self.observations.setdefault(check.id, Observation())
        return observation.healthy is not False, observation.reason

    def _alarm(self, check: HealthCheck) -> tuple[bool, str]:
        """API, HealthCheckConfig, InsufficientDataHealthStatus: Healthy, Unhealthy or LastKnownStatus."""
        observation = self.observations.setdefault(check.id, Observation())
        name, reading = follow(check, observation)
        if reading and reading.fresh:
            return reading.state == "OK", f"the data of alarm {name} says {reading.state}"
        setting = getattr(check, "insufficient_data_health_status", None) or "LastKnownStatus"
        healthy = observation.healthy is not False if setting == "LastKnownStatus" else setting == "Healthy"
        return healthy, f"alarm {name} has insufficient data: {setting}"


def follow(check: HealthCheck, observation: Observation) -> tuple[str, cloudwatch_alarms.Reading | None]:
    """Send a check the current data of its alarm: the alarm's name, and the data if there is any.

    Developer Guide, "How Route 53 determines the status of health checks that monitor CloudWatch alarms". A check
    receives neither data from before its creation nor anything from a lost region.
    """
    identifier = getattr(check, "alarm_identifier", None) or {}
    region, name = identifier.get("Region", ""), identifier.get("Name", "")
    alarm = cloudwatch_backends[DEFAULT_ACCOUNT_ID][region].alarms.get(name) if region else None
    reading = cloudwatch_alarms.read(alarm) if alarm and not WORLD.region_is_out(region) else None
    if reading is None or (reading.since < observation.created and not reading.fresh):
        return f"{name} in {region}", None
    observation.healthy = reading.state == "OK"
    return f"{name} in {region}", reading


def _calculated(threshold: int, children: tuple[Status, ...]) -> tuple[bool, str]:
    """API, HealthCheckConfig, HealthThreshold: above the number of children never healthy, 0 always."""
    healthy = sum(child.healthy for child in children)
    return healthy >= threshold, f"{healthy} of {len(children)} children healthy, {threshold} needed"


CHECKS = Checks()
