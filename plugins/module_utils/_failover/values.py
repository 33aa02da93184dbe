# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the planner takes and gives. Pure values; units are in the names or stated.

A later move (switchover, failback, detach) is another storyboard over the same values; a later guard (lease, fencing)
is another step or obstacle. Neither needs another shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._failover.observation import UNKNOWN, Facts


@dataclass(frozen=True)
class Request:
    """What the operator asks for.

    target_region: None = the fittest standby, or the region a move already under way goes to.
    max_replication_lag_ms: None = lag is reported, not enforced.
    max_lag_sample_age: seconds; counts only where max_replication_lag_ms is set.
    """

    target_region: str | None = None
    expected_active_region: str | None = None
    min_healthy_ratio: float = 0.5
    max_replication_lag_ms: float | None = None
    max_lag_sample_age: float = 300
    accept_data_loss: bool = False
    force: bool = False
    method: str = "failover"


@dataclass(frozen=True)
class State:
    """What was seen.

    order: regions, the preferred one first.
    facts: by region.
    traffic_region: where the name answers, or None when no region could be asked.
    capacity: the manifest's {min, desired, max} by region: what the platform is meant to run.
    engine_version: the manifest's.
    """

    order: tuple[str, ...]
    facts: Mapping[str, Facts]
    traffic_region: str | None
    capacity: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    engine_version: str | None = None


@dataclass(frozen=True)
class Step:
    """One step of the plan: its name, where it acts, the API calls that change or prove something there, and why."""

    step: str
    region: str
    calls: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Obstacle:
    """Why not: a code for machines, a sentence with figures for people, the option that overrides it or None."""

    code: str
    sentence: str
    override: str | None = None


@dataclass(frozen=True)
class Plan:
    """The answer. ``steps`` are what is left to do, in order; they may be taken only where ``obstacles`` is empty.

    overridden: obstacles that an option of the request set aside.
    lag: the target's last sample, None when there is none or it could not be read.
    """

    target_region: str | None
    active_region: str | None
    writer_region: str | None
    traffic_region: str | None
    steps: tuple[Step, ...]
    obstacles: tuple[Obstacle, ...]
    overridden: tuple[Obstacle, ...]
    warnings: tuple[str, ...]
    lag: Mapping[str, Any] | None
    rpo_bound_ms: int | None
    capacity_wanted: int
    capacity_reason: str
    target_reason: str
    reason: str

    def as_result(self) -> dict[str, Any]:
        """Return the plan as a module returns it; what is not known is the word unknown."""
        return {
            "target_region": self.target_region,
            "target_reason": self.target_reason,
            "active_region": self.active_region or UNKNOWN,
            "writer_region": self.writer_region or UNKNOWN,
            "traffic_region": self.traffic_region or UNKNOWN,
            "plan": [{**asdict(step), "calls": list(step.calls)} for step in self.steps],
            "obstacles": [asdict(obstacle) for obstacle in self.obstacles],
            "overridden": [asdict(obstacle) for obstacle in self.overridden],
            "plan_warnings": list(self.warnings),
            "lag": dict(self.lag) if self.lag else UNKNOWN,
            "rpo_bound_ms": UNKNOWN if self.rpo_bound_ms is None else self.rpo_bound_ms,
            "capacity_wanted": self.capacity_wanted,
            "capacity_reason": self.capacity_reason,
            "reason": self.reason,
        }
