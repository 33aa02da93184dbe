# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of an Aurora global database, and a move of the writer between them.

Follows: API reference GlobalClusterMember and FailoverState (botocore rds model).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from moto.rds.models import DBCluster, RDSBackend, rds_backends

from lab.services.outage_log import OUTAGE_LOG


def password_of(cluster: DBCluster) -> str | None:
    """What the cluster accepts of its first user; moto keeps it, and shows it to nobody either."""
    return vars(cluster).get("_master_user_password")


def set_password(cluster: DBCluster, password: str | None) -> None:
    """Have the cluster accept a password, as a row that replication or a reset has brought."""
    cluster._master_user_password = password


@dataclass
class Link:
    """A span of monotonic time in which a secondary received the writer's changes; `end` None = still does."""

    writer_region: str
    start: float
    end: float | None = None


@dataclass
class Member:
    arn: str
    is_writer: bool = False
    write_forwarding: bool = False
    links: list[Link] = field(default_factory=list)
    resync_from: float | None = None  # rebuilt from this instant on, once its region and the writer's are there
    keeps_snapshot: bool = False  # the old volume's snapshot is still to appear when the region returns
    writes_on: bool = False  # the old primary of a failover, whose writes Aurora has not blocked, until it is rebuilt
    is_rebuilding: bool = False  # the data plane copies its new volume
    detached_at: float | None = None  # instant at which a running RemoveFromGlobalCluster completes
    promotes_from: float = 0.0  # instant from which the cluster that is being detached is `promoting`
    is_delisted: bool = False  # DescribeGlobalClusters no longer lists it, although it is still being detached

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def backend(self) -> RDSBackend:
        return rds_backends[self.arn.split(":")[4]][self.region]

    @property
    def cluster(self) -> DBCluster:
        return self.backend.clusters[self.arn.split(":")[6]]

    @property
    def synchronization(self) -> str:
        return "connected" if self.resync_from is None else "pending-resync"

    def unlink(self, instant: float) -> None:
        if self.links and self.links[-1].end is None:
            self.links[-1].end = instant

    def show(self, cluster_status: str, instance_status: str) -> None:
        """Set what DescribeDBClusters and DescribeDBInstances say of this member."""
        self.cluster.status = cluster_status
        for instance in self.cluster.members:
            instance.status = instance_status


@dataclass
class Move:
    """A running switchover or failover. Instants are monotonic seconds."""

    source: Member
    target: Member
    data_loss: bool
    started: float
    pending_until: float
    done_at: float
    cancelled_at: float | None = None
    blocked: bool = False  # Aurora has blocked writes of the old primary
    demoted: bool = False  # the old primary of a switchover takes no more writes

    @property
    def name(self) -> str:
        return "failing-over" if self.data_loss else "switching-over"

    def status(self, now: float) -> str:
        if self.cancelled_at is not None:
            return "cancelling"
        return "pending" if now < self.pending_until else self.name

    def interrupted(self, now: float) -> float | None:
        """When a region that this move needs was lost: both for a switchover, the target's for a failover."""
        needed = [self.target.region] if self.data_loss else [self.target.region, self.source.region]
        lost = [OUTAGE_LOG.first_outage_in(region, self.started, min(now, self.done_at)) for region in needed]
        return min((instant for instant in lost if instant is not None), default=None)
