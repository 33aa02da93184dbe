# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Input and output of the planner. Pure values; units are in the names or stated.

A new method is another storyboard over the same values; a new guard is another obstacle. Neither needs another shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO, Terms
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import FAILOVER
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import ComputeGroup
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    MAX_SAMPLE_AGE,
    UNKNOWN,
    Facts,
    Observation,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import Obstacle
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    APPLICATION_CAPACITY,
    DATABASE_INGRESS,
    NETWORK_ACL,
)
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import Hook

NO_FENCING = "none"
FENCINGS = (NETWORK_ACL, DATABASE_INGRESS, APPLICATION_CAPACITY, NO_FENCING)

# The fact that tells a region's part in a switch that is made of statements.
STATEMENTS = "statements"
# The fact that tells it in a switch of traffic dials, which one region tells for all.
TRAFFIC_DIAL = "traffic_dial"


@dataclass(frozen=True)
class Request:
    """What the operator requests.

    target_region: None = the region a move already under way goes to, or else the fittest standby.
    max_replication_lag_ms, max_sampled_lag_ms, max_lag_sample_age: as in the terms of a promotion (_aurora/guards.py).
    method: one of METHODS of _aurora/target.py, or AUTO.
    fencing: one of FENCINGS; without a network ACL in the manifest, network_acl is database_ingress.
    cool_down: seconds after an unplanned move in which another one is refused; 0 = off.
    resume_within: seconds; a run that ended longer ago is not resumed.
    takeover_run_id: the run whose live lease is known to be dead, or None.
    min_capacity_percent: share of the wanted targets with which an unplanned move may take the traffic, if it gets no
    more.
    trigger: what started the run; with another one a request is never the repetition of an earlier one.
    hooks: the operator's own steps.
    """

    target_region: str | None = None
    expected_active_region: str | None = None
    min_healthy_ratio: float = 0.5
    max_replication_lag_ms: float | None = None
    max_sampled_lag_ms: float | None = None
    max_lag_sample_age: float = MAX_SAMPLE_AGE
    accept_data_loss: bool = False
    force: bool = False
    method: str = FAILOVER
    fencing: str = NETWORK_ACL
    cool_down: float = 3600
    resume_within: float = 21600
    takeover_run_id: str | None = None
    trigger: str | None = None
    min_capacity_percent: int = 50
    hooks: tuple[Hook, ...] = ()

    def terms(self, method: str) -> Terms:
        """Return the terms of the promotion by a method that is not auto."""
        return Terms(
            method=method,
            is_auto=self.method == AUTO,
            max_replication_lag_ms=self.max_replication_lag_ms,
            max_sampled_lag_ms=self.max_sampled_lag_ms,
            max_lag_sample_age=self.max_lag_sample_age,
        )


@dataclass(frozen=True)
class State:
    """What was observed.

    order: regions, in the order in which the switch was built.
    preference: regions, the most preferred one first; empty = as order.
    facts: by region.
    traffic_region: the region that the name resolves to, or None if no region could be queried.
    groups: by region, what it runs its application on, as the manifest names it, in the order in which a move raises
    it; a region that is missing has an Auto Scaling group.
    capacity_seen: the desired capacity that the health checks last saw, by hand or by scaling, by the key of the group
    (ComputeGroup.seen_as).
    engine_version: the manifest's.
    endpoint_parameters: by region, the name of the parameter in which its applications find the writer's endpoint.
    network_acls: by region, the id of the network ACL of its database's subnets.
    switch_fact: the fact with a region's part of the traffic switch. switch_calls: the calls that turn the switch.
    control_table: its name, for sentences.
    has_topics: whether there is somebody to notify.
    """

    order: tuple[str, ...]
    facts: Mapping[str, Facts]
    traffic_region: str | None
    groups: Mapping[str, tuple[ComputeGroup, ...]] = field(default_factory=dict)
    engine_version: str | None = None
    endpoint_parameters: Mapping[str, str] = field(default_factory=dict)
    network_acls: Mapping[str, str] = field(default_factory=dict)
    switch_fact: str = STATEMENTS
    switch_calls: tuple[str, ...] = ("s3:PutObject",)
    control_table: str = "control table"
    preference: tuple[str, ...] = ()
    capacity_seen: Mapping[str, int] = field(default_factory=dict)
    has_topics: bool = True

    def groups_of(self, region: str | None) -> tuple[ComputeGroup, ...]:
        """Return what a region runs its application on, in the order in which a move raises it."""
        return self.groups.get(region or "", (ComputeGroup(),))


@dataclass(frozen=True)
class Step:
    """One step of the plan: its name, the region in which it acts, its API calls, and why it is needed.

    hook: the operator's own step that it runs; its call is then the hook's file. group: what it raises or stops, and
    how, where the platform has several groups.
    """

    step: str
    region: str
    calls: tuple[str, ...]
    why: str
    hook: Hook | None = None
    group: Mapping[str, Any] | None = None

    def as_result(self) -> dict[str, Any]:
        """Return the step as the module returns it; ``hook`` only if it is one, ``group`` only with several."""
        return {
            "step": self.step,
            "region": self.region,
            "calls": list(self.calls),
            "why": self.why,
            **({"hook": self.hook.as_result()} if self.hook else {}),
            **({"group": dict(self.group)} if self.group else {}),
        }


@dataclass(frozen=True)
class Endpoint:
    """Where the applications of the target find the writer: parameter (None = there is none), its value, wanted value.

    current: unknown if it could not be read, None if the parameter does not exist.
    wanted: None if it cannot be determined yet.
    others: the parameters of the other regions that responded, by region. silent: why the others were not read.
    """

    parameter: str | None
    current: Observation
    wanted: str | None
    others: Mapping[str, str] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The result. ``steps`` are what is left to do, in order; they may be carried out only if ``obstacles`` is empty.

    method: never auto. fencing: how the old region is fenced.
    is_complete: writer and traffic are at the target, and no run to it is unfinished.
    overridden: obstacles that an option of the request overrides.
    lag: the target's last sample, None if there is none or it could not be read.
    rpo_bound_ms: the most that the promotion can lose; 0 for a switchover, None when it is not known, as while the
    old region may go on writing. safe_instant: every write committed before it is in the target, or None.
    promotion: the options of rds_global_cluster_writer that request what was planned.
    lease: the target's. fences: the fence documents by region.
    rebuild_needed: some region's cluster is not a member of the global database.
    """

    target_region: str | None
    active_region: str | None
    writer_region: str | None
    traffic_region: str | None
    method: str
    method_reason: str
    fencing: str
    is_complete: bool
    steps: tuple[Step, ...]
    obstacles: tuple[Obstacle, ...]
    overridden: tuple[Obstacle, ...]
    warnings: tuple[str, ...]
    lag: Mapping[str, Any] | None
    rpo_bound_ms: int | None
    safe_instant: str | None
    promotion: Mapping[str, Any]
    capacity_wanted: int
    capacity_reason: str
    capacity_groups: tuple[Mapping[str, Any], ...]
    lease: Observation
    latest_move: Observation
    fences: Mapping[str, Observation]
    rebuild_needed: bool
    writer_endpoint: Endpoint
    target_reason: str
    reason: str

    def as_result(self) -> dict[str, Any]:
        """Return the plan as the module returns it; an unknown value is the word unknown."""
        return {
            "target_region": self.target_region,
            "target_reason": self.target_reason,
            "active_region": self.active_region or UNKNOWN,
            "writer_region": self.writer_region or UNKNOWN,
            "traffic_region": self.traffic_region or UNKNOWN,
            "method": self.method,
            "method_reason": self.method_reason,
            "fencing": self.fencing,
            "is_arrived": self.is_complete,
            "is_complete": self.is_complete,
            "plan": [step.as_result() for step in self.steps],
            "obstacles": [asdict(obstacle) for obstacle in self.obstacles],
            "overridden": [asdict(obstacle) for obstacle in self.overridden],
            "plan_warnings": list(self.warnings),
            "lag": dict(self.lag) if self.lag else UNKNOWN,
            "safe_instant": self.safe_instant or UNKNOWN,
            "promotion": dict(self.promotion),
            "rpo_bound_ms": UNKNOWN if self.rpo_bound_ms is None else self.rpo_bound_ms,
            "capacity_wanted": self.capacity_wanted,
            "capacity_reason": self.capacity_reason,
            "capacity_groups": [dict(one) for one in self.capacity_groups],
            "lease": _shown(self.lease),
            "latest_move": _shown(self.latest_move),
            "fences": {region: _shown(fence) for region, fence in self.fences.items()},
            "rebuild_needed": self.rebuild_needed,
            "writer_endpoint": {
                "parameter": self.writer_endpoint.parameter,
                "current": _shown(self.writer_endpoint.current),
                "wanted": self.writer_endpoint.wanted or UNKNOWN,
                "others": dict(self.writer_endpoint.others),
                "silent": dict(self.writer_endpoint.silent),
            },
            "reason": self.reason,
        }


def _shown(observation: Observation) -> Any:
    return observation.value if observation.known else UNKNOWN
