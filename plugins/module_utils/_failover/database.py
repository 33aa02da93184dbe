# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the writer is, and the progress of the target's promotion. Pure: everything is derived from the State."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    Facts,
    trusted_view,
    writer_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    FAILOVER,
    SWITCHOVER,
    Request,
    State,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import INSTANCE_SERVES

# Status of an operation that is being cancelled and no longer moves the writer; status of one without data loss.
CANCELLING, SWITCHING_OVER = "cancelling", "switching-over"
# Status of a cluster that is being detached, while it may still be listed as a member.
PROMOTING = "promoting"


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

    @property
    def operation(self) -> dict[str, Any] | None:
        """The operation that Aurora is carrying out: {status, from_region, to_region, is_data_loss_allowed} or None."""
        return (self.view or {}).get("failover")

    @property
    def is_joinable(self) -> bool:
        """Whether the operation in progress already moves the writer to the target."""
        moving = self.operation
        return bool(moving) and moving["to_region"] == self.target and moving["status"] != CANCELLING

    @property
    def operation_method(self) -> str | None:
        """The method of the operation in progress, or None.

        A failover that may lose nothing is a switchover ("FailoverGlobalCluster" of the Amazon RDS API Reference).
        """
        moving = self.operation
        if not moving:
            return None
        is_planned = moving["status"] == SWITCHING_OVER or not moving["is_data_loss_allowed"]
        return SWITCHOVER if is_planned else FAILOVER

    @cached_property
    def member_writer(self) -> str | None:
        """The region of the member that is the writer; during an operation, the region that it comes from."""
        return writer_region(self.view) or (self.operation or {}).get("from_region")

    @cached_property
    def is_detached(self) -> bool:
        """Whether the target's cluster is standalone, or is being detached.

        A cluster that is being detached is ``promoting`` with no operation in progress, and is still listed at first.
        """
        cluster = self.facts.value("cluster")
        if not cluster or self.members is None:
            return False
        is_leaving = cluster["status"] == PROMOTING and not self.operation and self.member_writer != self.target
        return is_leaving or self.target not in self.members

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
        """Whether AWS is moving the writer: by an operation of Aurora, or by detaching the target."""
        if self.is_detached:
            return (self.facts.value("cluster") or {}).get("status") == PROMOTING
        return bool(self.operation)

    @property
    def is_promotion_open(self) -> bool:
        """Whether the promotion still has to be requested."""
        return self.member_writer != self.target and not self.is_joinable and not self.is_detached

    @cached_property
    def is_writer_proven(self) -> bool:
        """Whether the target has a writer that accepts writes.

        Aurora is done if the member is the writer, no operation is in progress, and both the cluster and its writer
        instance are available ("Using switchover or failover in Amazon Aurora Global Database" of the Aurora User
        Guide); the cluster's status alone proves nothing. A detached cluster is proven by its own status and instance.
        """
        cluster = self.facts.value("cluster") or {}
        serving = {i["identifier"] for i in self.facts.value("instances") or [] if i["status"] in INSTANCE_SERVES}
        is_writer = self.is_detached or (writer_region(self.view) == self.target and not self.operation)
        return is_writer and cluster.get("status") == "available" and bool(serving.intersection(cluster["writers"]))

    def region_facts(self, region: str) -> Facts:
        """Return the facts of any region; a region that was not queried has none."""
        return self.state.facts.get(region) or Facts(region, {})
