# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Observations as values. Pure: no boto3, no clock, no threads.

A fact that could not be read is an ``Observation`` with an error, never an absence: code that decides must check
``known`` first. ``Facts`` holds one region's observations. Shapes of the values, by name:

global_cluster, cluster, instances: as _aurora/facts.py has them; None where the thing does not exist
lag: None (no sample) or {value_ms, age_seconds, sampled_at, metric, safe_instant}
targets: {registered, healthy, states: {state: count}}
group: None or {min, desired, max, in_service, suspended: [process names], target_group_arns} of the Auto Scaling group.
    Of an ECS service in_service is what runs, max None without a scalable target, and besides: {pending, is_scaled,
    strategy, rollout, deployments: how many}
group_<name>: the same of another group of the region, and healthy: its healthy targets, or what is in service
statements: None (no object) or [statements of the region's traffic switch object]
routing_control: On or Off
control_table: None (there is none) or its name
lease: None or the lease of the region in the shape of _control_table/lease.py
run: None or the record of the lease's run; read only if that run is unfinished
latest_move: None or {run_id, method, from_region, target_region, requested_target_region, trigger, ended_at,
    acknowledged, age_seconds}
capacity_seen: None or {document: {version, regions: {region: desired capacity}}, written_at}
fences: {region: None or {document, written_at}}, from this region's control table
writer_endpoint: None (no such parameter) or the endpoint that the region's applications write to
table: None or {status, replicas: {region: status}}
checkers: {observations, healthy}
probe: {status, milliseconds}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"
# How old the newest lag sample may be, in seconds: 300 by which CloudWatch may be late, the period for which a sample
# stands, and a minute to decide in. With less a healthy platform would be refused for CloudWatch's own delay.
MAX_SAMPLE_AGE = 420


@dataclass(frozen=True)
class Observation:
    """One fact: its value, or the sentence why it could not be read; and the time to read it, in seconds."""

    value: Any = None
    error: str | None = None
    seconds: float = 0.0

    @property
    def known(self) -> bool:
        """Return whether the fact was read; a known value may be None, which means that the resource does not exist."""
        return self.error is None

    def as_evidence(self) -> Any:
        """Return the value for a module's result: itself, or {unknown: sentence}."""
        return self.value if self.known else {UNKNOWN: self.error}


NOT_ASKED = Observation(error="not read")


class Facts:
    """The observations of one region by name. A fact that was not read is unknown, like one that could not be read."""

    def __init__(self, region: str, observations: Mapping[str, Observation]):
        self.region = region
        self._observations = dict(observations)

    def __getitem__(self, name: str) -> Observation:
        return self._observations.get(name, NOT_ASKED)

    def value(self, name: str) -> Any:
        """Return the value, or None if it is unknown or the resource does not exist."""
        return self[name].value if self[name].known else None

    def is_silent(self, elsewhere: Collection[str] = ()) -> bool:
        """Return whether no call to the region succeeded; elsewhere: facts that are read somewhere else."""
        return not any(fact.known for name, fact in self._observations.items() if name not in elsewhere)

    def unknown(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return {name: sentence} of those of the named facts that could not be read."""
        return {name: str(self[name].error) for name in names if not self[name].known}

    def as_evidence(self) -> dict[str, Any]:
        """Return every fact for a module's result."""
        return {name: observation.as_evidence() for name, observation in self._observations.items()}


def writer_region(view: Mapping[str, Any] | None) -> str | None:
    """Return the region of the member that is the writer in one view of the global cluster."""
    members = (view or {}).get("members") or []
    return next((member["region"] for member in members if member["is_writer"]), None)


def trusted_view(facts: Mapping[str, Facts], order: tuple[str, ...], preferred: str | None = None):
    """Return (region, view) of the most trustworthy view of the global cluster, or (None, None) if there is none.

    The target region comes first, because it acts on what it sees. Then the regions that do not see themselves as the
    writer, because a writer that is cut off still does. The order of preference breaks ties.
    """
    seen = [(region, facts[region].value("global_cluster")) for region in order if region in facts]
    seen = [(region, view) for region, view in seen if view]
    seen.sort(key=lambda entry: (entry[0] != preferred, writer_region(entry[1]) == entry[0]))
    return seen[0] if seen else (None, None)


def rpo_bound_ms(sample: Mapping[str, Any] | None) -> int | None:
    """Return the upper bound of the data loss of a promotion now, in ms of writes, or None if unknown. Pure.

    At the sample's time every write committed before (that time - lag) had been replicated. So every write committed
    earlier than lag + age before now is safe, whenever the primary was lost: the loss is at most lag + age.
    """
    if not sample:
        return None
    return round(sample["value_ms"] + 1000 * sample["age_seconds"])
