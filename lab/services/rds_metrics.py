# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples that RDS leaves in CloudWatch: a stored series for each metric of a cluster, a sample each AWS minute.

Follows: Aurora User Guide, "Amazon CloudWatch metrics for Amazon Aurora". AuroraGlobalDBReplicationLag and
AuroraGlobalDBRPOLag (milliseconds) come from a secondary cluster, in its own Region, under its own identifier.
CPUUtilization (percent) comes from the hosts of a cluster's instances, whoever the writer is; "Amazon CloudWatch
dimensions for Aurora": DBClusterIdentifier is the metric of a whole cluster.

Samples can be read 2 to 4 minutes late (elastic/beats, issue 30915; yet-another-cloudwatch-exporter, issues 378 and
1590). What is stored stays: a setting changes the samples of later minutes, and a series outlives its cluster
(CloudWatch User Guide, "Metrics retention").

A region that is out leaves no samples. What a secondary without its writer reports is not documented for a lost region:
for other interruptions the lag "may continue to increase" ("Cross-Region resiliency for Global Database secondary
clusters", from Aurora MySQL 3.09), and it may be silent; `lag_grows` decides.

Time stamps are real, so samples lie 60/scale seconds apart, on a grid of Unix time.
"""

from __future__ import annotations

import math
import zlib
from collections import deque
from dataclasses import dataclass, field

from moto.core import DEFAULT_ACCOUNT_ID
from moto.rds.models import DBCluster, rds_backends

from lab.clock import CLOCK
from lab.data_plane import PLANE
from lab.services.outage_log import OUTAGE_LOG
from lab.services.rds_global import advance_all, membership
from lab.services.rds_global_members import Link, Member
from lab.services.settings import BEFORE_CHANGE, SETTINGS
from lab.world import WORLD

LAG_SETTINGS = {"AuroraGlobalDBReplicationLag": "lag_ms", "AuroraGlobalDBRPOLag": "rpo_lag_ms"}
CPU = "CPUUtilization"
UNITS = {**dict.fromkeys(LAG_SETTINGS, "Milliseconds"), CPU: "Percent"}
SAMPLE_AWS_S = 60.0
MOST_SAMPLES = 1440  # what GetMetricStatistics returns at most
# An instance has a running host in every state but these ("Viewing DB instance status in an Aurora DB cluster").
HOSTLESS = frozenset({"creating", "deleting", "failed", "stopped"})
DELAY_STEPS = 5

Cluster = tuple[str, str]


@dataclass(frozen=True)
class Sample:
    """A value at an instant of the lab's clock, which can be read from another one on."""

    instant: float
    value: float
    visible: float


@dataclass
class Recorder:
    """series: {(region, cluster, metric): samples, oldest first}; recorded: the instant up to which they are complete.

    seen: {(region, cluster): instant since which the cluster is known to have an instance}; received: {(region,
    cluster): instant of the last sample at which it received the writer's changes}.
    """

    series: dict[tuple[str, str, str], deque[Sample]] = field(default_factory=dict)
    recorded: float | None = None
    seen: dict[Cluster, float] = field(default_factory=dict)
    received: dict[Cluster, float] = field(default_factory=dict)

    def forget(self) -> None:
        self.__init__()

    def record(self) -> None:
        """Take the samples of all minutes that began since the last call."""
        now = CLOCK.now()
        regions = rds_backends[DEFAULT_ACCOUNT_ID]
        if regions:
            advance_all(DEFAULT_ACCOUNT_ID)
        clusters = {
            (region, cluster.db_cluster_identifier): cluster
            for region, backend in list(regions.items())
            for cluster in list(backend.clusters.values())
            if any(one.status not in HOSTLESS for one in cluster.members)
        }
        self.seen = {name: self.seen.get(name, now) for name in clusters}
        minutes = _minutes(now if self.recorded is None else self.recorded, now)
        self.recorded = now
        for (region, identifier), cluster in clusters.items():
            for number, instant in minutes:
                if self.seen[region, identifier] <= instant and not OUTAGE_LOG.was_out(region, instant):
                    for metric, value in self._values(region, identifier, cluster, instant).items():
                        self._add(region, identifier, metric, number, instant, value)

    def _values(self, region: str, identifier: str, cluster: DBCluster, instant: float) -> dict[str, float]:
        """What a cluster of a region that is there reports at an instant."""
        name, values = (region, identifier), {CPU: SETTINGS.cpu_percent}
        link = _link(membership(cluster)[1], instant)
        if link:
            receives = not SETTINGS.replication_cut and not OUTAGE_LOG.was_out(link.writer_region, instant)
            if receives:
                self.received[name] = instant
            if receives or SETTINGS.lag_grows:
                silence_ms = 1000 * (instant - max(link.start, self.received.get(name, link.start)))
                lags = {metric: getattr(SETTINGS, setting) for metric, setting in LAG_SETTINGS.items()}
                measured = PLANE.here.lag_ms(region)
                if measured is not None:
                    lags, silence_ms = dict.fromkeys(LAG_SETTINGS, measured), 0.0
                values |= {metric: None if lag is None else lag + silence_ms for metric, lag in lags.items()}
        return {metric: float(value) for metric, value in values.items() if value is not None}

    def _add(self, region: str, identifier: str, metric: str, number: int, instant: float, value: float) -> None:
        visible = instant + delay_aws_s(metric, number) / CLOCK.scale
        if metric in LAG_SETTINGS:
            visible += SETTINGS.lag_delay_s
        kept = self.series.setdefault((region, identifier, metric), deque(maxlen=MOST_SAMPLES))
        kept.append(Sample(instant, value, visible))

    def readable(self, region: str, identifier: str, metric: str) -> list[Sample]:
        """The samples of a metric that can be read now, oldest first."""
        self.record()
        return [one for one in self.series.get((region, identifier, metric), ()) if CLOCK.reached(one.visible)]


def _minutes(after: float, until: float) -> list[tuple[int, float]]:
    """(number, instant) of the AWS minutes that begin in (after, until], at most as many as are kept."""
    step = SAMPLE_AWS_S / CLOCK.scale
    offset = CLOCK.unix(until) - until + CLOCK.advanced  # the grid goes on as before when the clock is advanced
    last = math.floor((until + offset) / step)
    first = max(math.floor((after + offset) / step) + 1, last - MOST_SAMPLES + 1)
    return [(number, number * step - offset) for number in range(first, last + 1)]


def delay_aws_s(metric: str, number: int) -> float:
    """How late the sample of a minute can be read: the same whenever it is asked for."""
    turn = (2 * number + zlib.crc32(metric.encode())) % DELAY_STEPS
    return SETTINGS.metric_delay_s + SETTINGS.metric_delay_spread_s * turn / (DELAY_STEPS - 1)


def _link(member: Member | None, instant: float) -> Link | None:
    """The span of following a writer that a monotonic instant falls into; a connected secondary has one."""
    spans = (one for one in (member.links if member else ()) if one.start <= instant)
    return next((one for one in spans if one.end is None or instant < one.end), None)


RECORDER = Recorder()


def install() -> None:
    BEFORE_CHANGE.append(RECORDER.record)
    WORLD.tick_hooks.append(RECORDER.record)
    WORLD.reset_hooks.append(RECORDER.forget)
