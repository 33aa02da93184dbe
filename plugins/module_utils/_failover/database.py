# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the writer is, and the progress of the target's promotion. Pure: everything is derived from the State."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import (
    FAILOVER,
    is_detached,
    is_done,
    is_leaving,
    is_promoted,
    is_under_way,
    method_in_flight,
    observe,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    Facts,
    trusted_view,
    writer_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request, State

# What the target's observation starts from where no global database is known.
NO_VIEW: dict[str, Any] = {"members": [], "writer_region": None, "failover_state": {}, "engine_version": None}


@dataclass(frozen=True)
class Database:
    """One request, one observed state, one target region, and the method (never auto)."""

    state: State
    request: Request
    target: str
    method: str = FAILOVER

    @cached_property
    def facts(self) -> Facts:
        """The target's own facts."""
        return self.region_facts(self.target)

    @cached_property
    def view(self) -> dict[str, Any] | None:
        """The global cluster as seen by the most trustworthy region, or None."""
        return trusted_view(self.state.facts, self.state.order, self.target)[1]

    @cached_property
    def members(self) -> frozenset[str] | None:
        """The regions that belong to the global database; None if no region could be queried."""
        if self.view:
            return frozenset(member["region"] for member in self.view["members"])
        is_known = any(facts["global_cluster"].known for facts in self.state.facts.values())
        return frozenset() if is_known else None

    @cached_property
    def observed(self) -> dict[str, Any]:
        """The target as _aurora/target.py judges it; the module that promotes judges the same."""
        cluster, instances = self.facts.value("cluster"), self.facts.value("instances") or []
        return observe(self.view or NO_VIEW, self.target, (cluster or {}).get("arn"), cluster, instances)

    @property
    def operation(self) -> dict[str, Any]:
        """The operation Aurora carries out now, or {}: status, from_region, to_region, to_arn, data_loss_allowed."""
        return (self.view or NO_VIEW)["failover_state"]

    @property
    def is_joinable(self) -> bool:
        """Whether the operation under way already moves the writer to the target."""
        return is_under_way(self.observed)

    @property
    def operation_method(self) -> str | None:
        """Which method the operation under way is of, or None."""
        return method_in_flight(self.view or NO_VIEW)

    @cached_property
    def member_writer(self) -> str | None:
        """The region whose member is the writer; while it moves, the region it comes from."""
        return writer_region(self.view) or self.operation.get("from_region")

    @cached_property
    def is_detached(self) -> bool:
        """Whether the target's cluster is outside the global database, or on its way out of it."""
        is_known = self.facts.value("cluster") is not None and self.members is not None
        return is_known and self.member_writer != self.target and is_detached(self.observed)

    def is_outside(self, region: str | None) -> bool:
        """Return whether a region's cluster is known not to be a member of the global database."""
        if region is None or self.members is None or region in self.members:
            return False
        cluster = self.region_facts(region)["cluster"]
        return not cluster.known or cluster.value is not None

    @property
    def rebuild_needed(self) -> bool:
        """Whether some region's cluster is not a member, so that the global database has to be rebuilt."""
        return self.is_detached or any(self.is_outside(region) for region in self.state.order)

    @cached_property
    def writer(self) -> str | None:
        """The region whose writer the platform uses.

        A detached cluster has its own writer: the target's cluster, or the one of the region with the traffic.
        """
        if self.is_detached:
            return self.target
        return self.state.traffic_region if self.is_outside(self.state.traffic_region) else self.member_writer

    @property
    def is_moving(self) -> bool:
        """Whether AWS is at work on the writer: Aurora on an operation, or on the target that is being detached.

        An operation that is still shown although the target is the writer and serves has nothing left to do, unless a
        run has yet to see it end.
        """
        if self.is_detached:
            return is_leaving(self.observed)
        return bool(self.operation) and not is_promoted(self.observed)

    @property
    def is_promotion_open(self) -> bool:
        """Whether the promotion still has to be requested."""
        return self.member_writer != self.target and not self.is_joinable and not self.is_detached

    @cached_property
    def is_writer_proven(self) -> bool:
        """Whether the target is proven to be the writer and to take writes."""
        return self.members is not None and is_done(self.observed)

    def region_facts(self, region: str) -> Facts:
        """Return the facts of any region; a region that was not queried has none."""
        return self.state.facts.get(region) or Facts(region, {})
