# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The platform's progress in a move to one target region. Pure: everything is derived from the State.

These properties, and those of database.py, show what an interrupted run has done. Only two things cannot be seen in AWS
and are read from the target's control table: that a run has not succeeded, and which region it moved away from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO, lag_of
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import (
    DETACH,
    FAILOVER,
    METHODS,
    SWITCHOVER,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import ComputeGroup
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover import control_tables
from ansible_collections.trading.multi_region.plugins.module_utils._failover.capacity import (
    Capacity,
    Raised,
    build_capacity,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.database import Database
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    APPLICATION_CAPACITY,
    DATABASE_INGRESS,
    NETWORK_ACL,
    NO_FENCING,
    STATEMENTS,
    Endpoint,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    CAPACITY_MODES,
    DONE,
    measures_of,
    resource_of,
    writes_ended_at,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import (
    UNHEALTHY,
    Settings,
    Verdict,
    verdict,
)
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import FINISHED

# The step that requests the promotion.
PROMOTE_REQUEST = "promote_request"
# Facts of a region without which a move to it cannot be decided or carried out, besides State.switch_fact.
REQUIRED = ("global_cluster", "cluster", "instances", "targets", "lease")


@dataclass(frozen=True)
class Situation(Database):
    """The whole platform as one request sees it: database, traffic, capacity, and the results of earlier runs."""

    # --- regions

    @property
    def traffic(self) -> str | None:
        """The region that the DNS name resolves to."""
        return self.state.traffic_region

    @property
    def active(self) -> str | None:
        """The region to move away from: the writer's region, or once that is the target, the one with the traffic."""
        return self.writer if self.writer not in (None, self.target) else self.traffic

    @property
    def is_pinned(self) -> bool:
        """Whether the name is known to stay with the target, even if another region comes back.

        The name may also resolve to the target only because the region with the traffic cannot be read. The statements
        of an unreadable region are unknown, so the switch is turned again in that case; if it is already turned, that
        changes nothing.
        """
        if self.traffic != self.target or self.state.switch_fact != STATEMENTS:
            return self.traffic == self.target
        return all(self.region_facts(region)[STATEMENTS].known for region in self.state.order)

    @property
    def is_at_target(self) -> bool:
        """Whether writer and traffic are at the target; for an unfinished run, whether they also stay there."""
        is_there = self.writer == self.target and self.traffic == self.target and not self.is_moving
        return is_there and (self.unfinished is None or self.is_pinned)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.is_at_target and self.unfinished is None

    @cached_property
    def source_region(self) -> str | None:
        """The region that this move leaves, also once everything is at the target; None if unknown."""
        if self.active != self.target:
            return self.active
        came_from = self.run.get("from_region")
        return came_from if came_from in self.state.order and came_from != self.target else None

    # --- earlier runs

    @cached_property
    def unfinished(self) -> control_tables.Lease | None:
        """The target's lease if its run is in progress or did not succeed."""
        return control_tables.unfinished(self.state, self.target)

    @property
    def is_resumed(self) -> bool:
        """Whether this run continues one that stopped recently."""
        return self.unfinished is not None and self.unfinished["age_seconds"] <= self.request.resume_within

    @property
    def run(self) -> dict[str, Any]:
        """The record of the unfinished run to the target; empty if there is none."""
        return (self.facts.value("run") or {}) if self.unfinished else {}

    @cached_property
    def methods_recorded(self) -> frozenset[str]:
        """The methods by which the unfinished run may have moved the writer, by its record and its lease; may be empty.

        One where an attempt has recorded that it requested the promotion.
        """
        attempts, asked = self.run.get("attempts") or [], self._attempts_that_promoted
        found = {one.get("method") or self.run.get("method") for one in asked[-1:] or attempts}
        if self.unfinished and not asked:
            found.add(self.unfinished["method"])
        return frozenset(found - {None})

    @property
    def promoted_by(self) -> str | None:
        """The method by which the unfinished run has moved the writer to the target, if it recorded that."""
        is_done = self._attempts_that_promoted and not self.is_promotion_open
        if not is_done or self.is_joinable or self.is_detached:
            return None
        return next((method for method in METHODS if method in self.methods_recorded), None)

    @property
    def _attempts_that_promoted(self) -> list[dict[str, Any]]:
        attempts = self.run.get("attempts") or []
        return [one for one in attempts if any(step["name"] == PROMOTE_REQUEST for step in one["steps"])]

    @cached_property
    def hooks_finished(self) -> frozenset[str]:
        """The names of the hooks' steps that the run has finished, if this one continues it."""
        attempts = (self.run.get("attempts") or []) if self.is_resumed else []
        return frozenset(step["name"] for one in attempts for step in one["steps"] if step.get("hook") == FINISHED)

    def fence_of(self, region: str) -> Observation:
        """Return a region's fence document."""
        return control_tables.fence_of(self.state, region)

    @cached_property
    def own_measures(self) -> list[dict[str, Any]]:
        """What fencing removed from the target, according to its own control table."""
        return measures_of(self.fence_of(self.target).value) if self.facts["fences"].known else []

    def own_sizes(self, group: ComputeGroup) -> Mapping[str, int] | None:
        """Return the sizes that fencing removed from a group of the target, or None."""
        taken = _measure_on(group, self.state.groups_of(self.target), self.own_measures)
        return (taken.get("removed") or group.sizes) if taken else None

    @property
    def fencing(self) -> str:
        """How the source region is fenced: as requested, as far as the manifest names what that needs."""
        asked = self.request.fencing
        if asked == APPLICATION_CAPACITY and not self.state.groups_of(self.source_region):
            return NO_FENCING
        return DATABASE_INGRESS if asked == NETWORK_ACL and self.source_region not in self.state.network_acls else asked

    @property
    def source_measures(self) -> list[dict[str, Any]]:
        """What fencing has removed from the source region."""
        measures = measures_of(self.fence_of(self.source_region).value) if self.source_region else []
        return [one for one in measures if one.get("state") == DONE]

    @property
    def is_source_fenced(self) -> bool:
        """Whether the source region's database is already fenced in the requested way."""
        return any(one["mode"] == self.fencing for one in self.source_measures)

    @property
    def left_running(self) -> tuple[ComputeGroup, ...]:
        """The groups of the source region that no fence has stopped, the last one to be started first."""
        groups, measures = self.state.groups_of(self.source_region), self.source_measures
        return tuple(one for one in reversed(groups) if not _measure_on(one, groups, measures))

    # --- capacity

    @property
    def has_compute(self) -> bool:
        """Whether the target has a group behind the platform's load balancer that a move can raise."""
        return any(one.is_own for one in self.state.groups_of(self.target))

    @property
    def required_facts(self) -> tuple[str, ...]:
        """The facts of the target without which a move to it cannot be decided or carried out."""
        return (*REQUIRED, *(one.fact for one in self.state.groups_of(self.target)))

    @cached_property
    def capacity(self) -> Capacity:
        """How many healthy targets the target region must have before traffic moves there."""
        own = next((one.capacity for one in self.raised if one.group.is_own), None)
        return own or build_capacity(self.state, self.target, (), None)

    @cached_property
    def raised(self) -> tuple[Raised, ...]:
        """The groups of the target in the order in which they are raised, each with what is wanted of it.

        There is none for targets that register themselves: no step could change them, and they are judged before the
        promotion (guards_target.targets_unhealthy).
        """
        left = {self.writer, self.traffic} - {None, self.target}
        return tuple(
            Raised(
                one,
                build_capacity(self.state, self.target, left, self.own_sizes(one), one.name),
                self.facts.value(one.fact),
                (self.facts.value("targets" if one.is_own else one.fact) or {}).get("healthy", 0),
            )
            for one in self.state.groups_of(self.target)
        )

    def is_enough(self, one: Raised) -> bool:
        """Return whether a group of the target runs enough for the traffic as it is, in case it gets no more."""
        return one.is_enough(100 if self.method == SWITCHOVER else self.request.min_capacity_percent)

    @property
    def is_capacity_ready(self) -> bool:
        """Whether every group of the target is healthy enough to take the traffic."""
        return all(one.is_ready for one in self.raised)

    # --- where applications find the writer

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where the target's applications find the writer, now and after the move.

        The global endpoint follows the writer from member to member, but not to a cluster that was detached
        ("Connecting to Amazon Aurora Global Database" of the Aurora User Guide).
        """
        is_alone = self.is_detached or (self.method == DETACH and self.is_promotion_open)
        source = self.facts.value("cluster") if is_alone else self.view
        parameters = dict(self.state.endpoint_parameters)
        parameter = parameters.pop(self.target, None)
        read = {region: self.region_facts(region)["writer_endpoint"] for region in parameters}
        others = {region: name for region, name in parameters.items() if read[region].known}
        silent = {region: str(fact.error) for region, fact in read.items() if not fact.known}
        return Endpoint(parameter, self.facts["writer_endpoint"], (source or {}).get("endpoint"), others, silent)

    @property
    def is_repoint_needed(self) -> bool:
        """Whether the parameter, or that of another region that responded, has to be written, as far as is known."""
        found = self.endpoint
        if not found.parameter:
            return False
        if found.wanted and any(
            self.region_facts(region)["writer_endpoint"].value != found.wanted for region in found.others
        ):
            return True
        if self.is_detached or (self.is_promotion_open and self.method == DETACH):
            return not found.current.known or found.current.value != found.wanted
        # The API may reject the managed failover; method auto then detaches.
        if self.is_promotion_open and self.request.method == AUTO and self.method == FAILOVER:
            return True
        return found.current.known and bool(found.wanted) and found.current.value != found.wanted

    # --- any region

    def verdict_of(self, region: str) -> Verdict:
        """Return the health verdict on a region from the deciding signals."""
        settings = Settings(min_healthy_ratio=self.request.min_healthy_ratio)
        return verdict(self.region_facts(region), settings, ())

    @property
    def loss_override(self) -> str | None:
        """What sets a bound on the loss aside; nothing does where the method promises that there is none."""
        return self.request.terms(self.method).loss_override

    @property
    def has_writer_stopped(self) -> bool:
        """Whether the writer is known to take no writes now: it was seen not to serve, or is proven to be fenced.

        A region that does not answer may go on writing for clients that still reach it, and so may connections that
        were open when a region was fenced in another way (_fence/document.py). Only the region's own table is evidence
        of an earlier fence: unfencing may have left copies.
        """
        writer = self.member_writer
        if writer is None:
            return False
        is_fenced = self.region_facts(writer)["fences"].known and writes_ended_at(self.fence_of(writer).value)
        return bool(is_fenced) or self.verdict_of(writer).signals["database"].state == UNHEALTHY

    @property
    def lag(self) -> dict[str, Any]:
        """The target's last lag sample as the guards of a promotion take it: value_ms is None where it is unknown."""
        return lag_of(self.facts["lag"])


def _measure_on(
    group: ComputeGroup, groups: Iterable[ComputeGroup], measures: Iterable[dict[str, Any]]
) -> dict[str, Any] | None:
    """Return the measure of a fence that has stopped a group, or None.

    Of the platform's own it is any that is of none of the others: it may have had another name then.
    """
    others = {one.resource for one in groups if not one.is_own}
    for one in measures:
        if one["mode"] in CAPACITY_MODES:
            resource = resource_of(one)
            if resource == group.resource or (group.is_own and resource not in others):
                return one
    return None
