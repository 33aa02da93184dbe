# SPDX-License-Identifier: GPL-3.0-or-later
"""Aurora Global Database: what one is, and how it changes with time.

Nothing runs in the background. `GlobalDatabase.advance` brings the object up to the present whenever it is read,
from the lab's clock and from the times regions went and came back.

Follows: API reference GlobalCluster; Aurora User Guide,
"Using switchover or failover in Amazon Aurora Global Database" (writer, fencing, rebuilt old primary and its
snapshot `rds:unplanned-global-failover-<cluster>-<timestamp>`) and "Removing a cluster from an Amazon Aurora global
database".
"""

from __future__ import annotations

from typing import Any

from moto.moto_api._internal import mock_random
from moto.rds.models import DBCluster, RDSBackend, RDSBaseModel, rds_backends
from moto.utilities.utils import CaseInsensitiveDict

from lab.clock import CLOCK
from lab.data_plane import PLANE
from lab.services.outage_log import OUTAGE_LOG
from lab.services.rds_events import MOVED, NAME_CHANGED, SWITCHED, add_cluster_event, add_fencing_event
from lab.services.rds_global_members import Link, Member, Move, password_of, set_password
from lab.services.rds_snapshots import keep_old_volume
from lab.services.settings import SETTINGS

HOME_REGION = "us-east-1"  # where moto keeps what belongs to no region


class GlobalDatabase(RDSBaseModel):
    """One Aurora global database; kept outside `RDSBackend.global_clusters`, whose members moto manages wrongly."""

    resource_type = "global-cluster"

    def __init__(self, backend: RDSBackend, identifier: str, properties: dict[str, Any]) -> None:
        super().__init__(backend)
        self.identifier = identifier.lower()
        self.hash = mock_random.get_random_hex(12)
        self.properties = properties
        self.members: list[Member] = []
        self.move: Move | None = None
        self.lingering: tuple[Move, float] | None = None  # a move that is over, and until when it is shown
        self.lagging_name: tuple[Member, float] | None = None  # where the endpoint still leads, and until when
        self.source: DBCluster | None = None  # it is created from, and is not listed yet
        self.source_joins_at = 0.0

    @property
    def resource_id(self) -> str:
        return self.identifier

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:rds::{self.account_id}:global-cluster:{self.identifier}"

    @property
    def engine_version(self) -> str:
        """The writer's version rules once there is a writer (the global value is what new members get)."""
        return self.writer.cluster.engine_version if self.writer else self.properties["EngineVersion"]

    @property
    def writer(self) -> Member | None:
        return next((member for member in self.members if member.is_writer), None)

    @property
    def endpoint(self) -> str:
        """The global writer endpoint."""
        return f"{self.identifier}.global-{self.hash}.global.rds.amazonaws.com"

    @property
    def endpoint_leads_to(self) -> str | None:
        """The cluster endpoint that the global one resolves to; its DNS is changed some time after the writer."""
        late = self.lagging_name[0] if self.lagging_name else None
        member = late if late in self.members else self.writer
        return member.cluster.endpoint if member else None

    def member(self, arn: str) -> Member | None:
        return next((member for member in self.members if member.arn == arn), None)

    def join(self, cluster: DBCluster, write_forwarding: bool = False) -> None:
        """Add a cluster: the first is the writer, the others follow it."""
        member = Member(cluster.db_cluster_arn, is_writer=not self.members, write_forwarding=write_forwarding)
        if self.writer:
            member.links.append(Link(self.writer.region, CLOCK.now()))
            set_password(cluster, password_of(self.writer.cluster))
            PLANE.here.rebuild(member.region, self.writer.region)
        self.members.append(member)

    def start_from(self, cluster: DBCluster) -> None:
        """Begin with a cluster that exists: it is the writer after a while (terraform-provider-aws, issue 48769)."""
        self.source, self.source_joins_at = cluster, CLOCK.after(SETTINGS.global_create_s)
        self.advance()

    def start_move(self, target: Member, data_loss: bool) -> None:
        now = CLOCK.now()
        seconds = SETTINGS.failover_s if data_loss else SETTINGS.switchover_s
        pending = CLOCK.after(min(SETTINGS.pending_s, seconds))
        self.move = Move(self.writer, target, data_loss, now, pending, CLOCK.after(seconds))
        if data_loss:
            for member in self.members:
                member.unlink(now)
            self._block_writes(self.writer, target, OUTAGE_LOG.was_out(self.writer.region, now))
            for member in self.members:
                if not member.is_writer:
                    PLANE.here.unfollow(member.region)

    def _block_writes(self, old: Member, target: Member, is_out: bool) -> None:
        """Aurora tries to block writes to the old primary, which can time out (RDS-EVENT-0390, RDS-EVENT-0391)."""
        if SETTINGS.write_block == "not_asked":
            return
        blocked = not is_out if SETTINGS.write_block == "by_outage" else SETTINGS.write_block == "succeeds"
        self.move.blocked = blocked
        if blocked:
            PLANE.here.block_writes(old.region)
        add_fencing_event(old.cluster, target.cluster, blocked)

    def start_detach(self, member: Member) -> None:
        """`promoting` (terraform-provider-aws, pull request 40333), and still a member (keycloak-benchmark, 564)."""
        member.unlink(CLOCK.now())
        PLANE.here.unfollow(member.region)
        member.detached_at = CLOCK.after(SETTINGS.detach_s)
        member.promotes_from = CLOCK.after(min(SETTINGS.detach_quiet_s, SETTINGS.detach_s))
        member.is_delisted = SETTINGS.detach_delists_first
        self._advance_detach(member, CLOCK.now())

    def advance(self) -> None:
        """Bring everything up to the present."""
        now = CLOCK.now()
        if self.source and now >= self.source_joins_at:
            self.source.global_cluster_identifier = self.identifier
            self.join(self.source)
            self.source = None
        if self.move:
            self._advance_move(self.move, now)
        if self.lagging_name and now >= self.lagging_name[1]:
            self.lagging_name = None
            if self.writer:
                add_cluster_event(self.writer.cluster, NAME_CHANGED)
        for member in list(self.members):
            if member.detached_at is not None:
                self._advance_detach(member, now)
            elif member.resync_from is not None:
                self._advance_resync(member, now)

    def _advance_move(self, move: Move, now: float) -> None:
        if move.cancelled_at is None:
            move.cancelled_at = move.interrupted(now)
        if move.cancelled_at is not None:
            if now >= move.cancelled_at + SETTINGS.cancel_s / CLOCK.scale:
                self._end_move(move)
        elif now >= move.done_at and not SETTINGS.promotion_stuck and self._is_caught_up(move):
            self._switch_writer(move)
            self.lingering = (move, move.done_at + SETTINGS.lingering_s / CLOCK.scale)
            self._end_move(move)
        elif now >= move.pending_until:
            move.source.show("failing-over", "available")
            move.target.show("failing-over", "rebooting")
            self._demote(move)

    @staticmethod
    def _demote(move: Move) -> None:
        if not move.data_loss and not move.demoted:
            move.demoted = True
            PLANE.here.demote(move.source.region)

    def _is_caught_up(self, move: Move) -> bool:
        """A switchover waits for the target ("Performing switchovers for Amazon Aurora global databases")."""
        self._demote(move)
        return move.data_loss or PLANE.here.is_caught_up(move.target.region)

    def _switch_writer(self, move: Move) -> None:
        move.source.is_writer, move.target.is_writer = False, True
        self.lagging_name = (move.source, move.done_at + SETTINGS.endpoint_dns_s / CLOCK.scale)
        PLANE.here.promote(move.target.region)
        move.target.write_forwarding, move.source.write_forwarding = False, move.target.write_forwarding
        for member in self.members:
            member.unlink(move.done_at)
            if member is move.target:
                continue
            if move.data_loss:
                member.resync_from = move.done_at
                member.keeps_snapshot = member is move.source
                member.writes_on = member is move.source and not move.blocked
            else:
                member.links.append(Link(move.target.region, move.done_at))
                PLANE.here.follow(member.region, move.target.region)
        add_cluster_event(move.target.cluster, MOVED if move.data_loss else SWITCHED)

    def _end_move(self, move: Move) -> None:
        if move.demoted and move.source.is_writer:
            PLANE.here.promote(move.source.region)  # the switchover was cancelled
        move.source.show("available", "available")
        move.target.show("available", "available")
        self.move = None

    def _advance_detach(self, member: Member, now: float) -> None:
        """`available` for some seconds, then `promoting`, then a cluster of its own; it cannot be cancelled."""
        if now >= member.detached_at:
            self._finish_detach(member)
        elif now >= member.promotes_from:
            member.cluster.status = "promoting"

    def _finish_detach(self, member: Member) -> None:
        self.members.remove(member)
        PLANE.here.promote(member.region)
        member.cluster.global_cluster_identifier = None
        member.cluster.status = "available"

    def _advance_resync(self, member: Member, now: float) -> None:
        """It is unavailable until it is rebuilt; no document names the state, and a new volume is what is created."""
        member.show("creating", "creating")
        returned = OUTAGE_LOG.back_since(member.region)
        if returned is None:
            return
        kept_at = max(member.resync_from, returned) + SETTINGS.rescue_snapshot_s / CLOCK.scale
        if member.keeps_snapshot and now >= kept_at:
            keep_old_volume(member.cluster)
            member.keeps_snapshot = False
        source_returned = OUTAGE_LOG.back_since(self.writer.region)
        if source_returned is None:
            return
        if not member.is_rebuilding and not member.keeps_snapshot:
            member.is_rebuilding, member.writes_on = True, False
            PLANE.here.rebuild(member.region, self.writer.region)
        connected = max(member.resync_from, returned, source_returned) + SETTINGS.resync_s / CLOCK.scale
        if now >= connected and member.is_rebuilding and PLANE.here.is_rebuilt(member.region):
            member.is_rebuilding = False
            member.resync_from = None
            member.show("available", "available")
            set_password(member.cluster, password_of(self.writer.cluster))
            member.links.append(Link(self.writer.region, connected))

    def describe(self) -> dict[str, Any]:
        """The GlobalCluster structure of the API. FailoverState is absent when nothing runs."""
        now = CLOCK.now()
        shown = {
            "GlobalClusterIdentifier": self.identifier,
            "GlobalClusterResourceId": f"cluster-{self.hash}",
            "GlobalClusterArn": self.arn,
            "Status": self._status(),
            **self.properties,
            "EngineVersion": self.engine_version,
            # Of a key of the customer or of AWS (shape GlobalCluster); the lab encrypts with no other.
            "StorageEncryptionType": "sse-kms" if self.properties["StorageEncrypted"] else "none",
            "Endpoint": self.endpoint,
            "GlobalClusterMembers": [self._describe_member(one) for one in self.members if not one.is_delisted],
            "TagList": self.tags,
        }
        move = self.move or (self.lingering[0] if self.lingering and now < self.lingering[1] else None)
        if move:
            shown["FailoverState"] = {
                "Status": move.status(now),
                "FromDbClusterArn": move.source.arn,
                "ToDbClusterArn": move.target.arn,
                "IsDataLossAllowed": move.data_loss,
            }
        return {name: value for name, value in shown.items() if value is not None}

    def _status(self) -> str:
        """That of an operation on the database as a whole: a move, or the upgrade to another major version.

        A move is one from its first moment, while FailoverState is still `pending` (AWS's examples of
        failover-global-cluster and switchover-global-cluster, tests/truth/printed.json).
        """
        if self.move and self.move.cancelled_at is None:
            return self.move.name
        upgrades = [vars(member.cluster).get("lab_upgrade") for member in self.members]
        return "upgrading" if any(one.is_major for one in upgrades if one) else "available"

    def _describe_member(self, member: Member) -> dict[str, Any]:
        readers = [other.arn for other in self.members if not other.is_writer] if member.is_writer else []
        shown = {
            "DBClusterArn": member.arn,
            "IsWriter": member.is_writer,
            "Readers": readers,
            "SynchronizationStatus": member.synchronization,
        }
        if not member.is_writer:
            shown["GlobalWriteForwardingStatus"] = "enabled" if member.write_forwarding else "disabled"
        return shown


def global_databases(account: str) -> CaseInsensitiveDict:
    """{identifier: GlobalDatabase} of an account; lives in moto's backend, so that moto's reset empties it."""
    return vars(rds_backends[account][HOME_REGION]).setdefault("lab_global_databases", CaseInsensitiveDict())


def advance_all(account: str) -> None:
    OUTAGE_LOG.refresh()
    for database in list(global_databases(account).values()):
        database.advance()


def membership(cluster: DBCluster) -> tuple[GlobalDatabase, Member] | tuple[None, None]:
    """The global database a cluster belongs to and its place in it."""
    for database in global_databases(cluster.account_id).values():
        if member := database.member(cluster.db_cluster_arn):
            return database, member
    return None, None
