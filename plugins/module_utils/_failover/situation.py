# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the platform stands on its way to one target region. Pure: everything is read off the observed state.

Resumption needs no memory of its own: what an interrupted run has done shows in these properties.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._failover.observation import (
    Facts,
    trusted_view,
    writer_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request, State
from ansible_collections.trading.multi_region.plugins.module_utils._health import (
    INSTANCE_SERVES,
    Settings,
    Verdict,
    verdict,
)

# What a move to a region cannot be decided or carried out without knowing of it.
REQUIRED = ("global_cluster", "cluster", "instances", "targets", "group", "statements")
# Status of an operation that is being given up; it moves nothing any more.
CANCELLING = "cancelling"


@dataclass(frozen=True)
class Capacity:
    """How many healthy targets are wanted, the sentence why, and whether the target's maximum is below the need."""

    wanted: int
    reason: str
    is_capped: bool


@dataclass(frozen=True)
class Situation:
    """One request, one observed state, one target region."""

    state: State
    request: Request
    target: str

    @cached_property
    def facts(self) -> Facts:
        """The target's own facts."""
        return self.state.facts.get(self.target) or Facts(self.target, {})

    @cached_property
    def view(self) -> dict[str, Any] | None:
        """The global cluster in the eyes of the region to be believed, or None."""
        return trusted_view(self.state.facts, self.state.order, self.target)[1]

    @property
    def operation(self) -> dict[str, Any] | None:
        """The operation Aurora carries out now: {status, from_region, to_region, is_data_loss_allowed} or None."""
        return (self.view or {}).get("failover")

    @property
    def is_joinable(self) -> bool:
        """Whether the operation under way already moves the writer to the target."""
        moving = self.operation
        return bool(moving) and moving["to_region"] == self.target and moving["status"] != CANCELLING

    @cached_property
    def writer(self) -> str | None:
        """The region that holds the writer; while it moves, the region it comes from."""
        return writer_region(self.view) or (self.operation or {}).get("from_region")

    @property
    def traffic(self) -> str | None:
        """The region the name answers with."""
        return self.state.traffic_region

    @property
    def active(self) -> str | None:
        """The region to move away from: the writer's, or once that is the target, the one with the traffic."""
        return self.writer if self.writer not in (None, self.target) else self.traffic

    @property
    def is_promotion_open(self) -> bool:
        """Whether the promotion is still to be requested."""
        return self.writer != self.target and not self.is_joinable

    @cached_property
    def is_writer_proven(self) -> bool:
        """Whether the target holds a writer that takes writes.

        Aurora is done when the member is the writer, no operation is under way, the cluster is available and so is its
        writer instance ("Using switchover or failover in Amazon Aurora Global Database" of the Aurora User Guide); the
        cluster's status alone proves nothing.
        """
        cluster = self.facts.value("cluster") or {}
        serving = {i["identifier"] for i in self.facts.value("instances") or [] if i["status"] in INSTANCE_SERVES}
        is_writer = writer_region(self.view) == self.target and not self.operation
        return is_writer and cluster.get("status") == "available" and bool(serving.intersection(cluster["writers"]))

    @property
    def is_arrived(self) -> bool:
        """Whether writer and traffic are at the target already."""
        return self.writer == self.target and self.traffic == self.target and not self.operation

    @cached_property
    def capacity(self) -> Capacity:
        """How many healthy targets the target region must have before traffic moves there.

        Capacity before traffic: at least what the regions to move away from run or are meant to run, never less than
        the target runs now, and never above its own maximum.
        """
        own = self.facts.value("group") or {}
        figures = {f"{self.target} now": own.get("desired", 0)}
        for region in sorted({self.writer, self.traffic} - {None, self.target}):
            figures[f"{region} by the manifest"] = self.state.capacity.get(region, {}).get("desired", 0)
            figures[f"{region} now"] = (self.region_facts(region).value("group") or {}).get("desired", 0)
        wanted, limit = max(figures.values()), own.get("max")
        shown = ", ".join(f"{name}: {count}" for name, count in figures.items() if count)
        if limit is not None and wanted > limit:
            why = f"{limit}, the maximum of {self.target}, although {wanted} are wanted ({shown})."
            return Capacity(limit, why, True)
        return Capacity(wanted, f"{wanted}, the largest of {shown or 'nothing'}.", False)

    @property
    def is_capacity_asked(self) -> bool:
        """Whether the target's group is already meant to run as much as wanted."""
        return (self.facts.value("group") or {}).get("desired", -1) >= self.capacity.wanted

    @property
    def is_capacity_ready(self) -> bool:
        """Whether as many targets as wanted are healthy; at least one, because traffic needs somewhere to go."""
        return (self.facts.value("targets") or {}).get("healthy", 0) >= max(1, self.capacity.wanted)

    def region_facts(self, region: str) -> Facts:
        """Return the facts of any region; a region nobody asked has none."""
        return self.state.facts.get(region) or Facts(region, {})

    def verdict_of(self, region: str) -> Verdict:
        """Return the health verdict on a region by the deciding signals."""
        settings = Settings(min_healthy_ratio=self.request.min_healthy_ratio)
        return verdict(self.region_facts(region), settings, ())
