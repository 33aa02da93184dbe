# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on Aurora global databases: what each accepts, refuses and starts.

Follows: API reference CreateGlobalCluster, ModifyGlobalCluster, DeleteGlobalCluster, DescribeGlobalClusters,
RemoveFromGlobalCluster, SwitchoverGlobalCluster and FailoverGlobalCluster, and their faults in botocore's rds model.
Faults: InvalidGlobalClusterStateFault when the database as a whole, or the region called, does not allow the operation;
InvalidDBClusterStateFault when the named cluster does not; DBClusterNotFoundFault when it is no member. These and
GlobalClusterNotFoundFault are all that the model lists for the three operations that move or remove; which of the two
states a refusal for engine versions, or for an operation in flight, is said with, AWS does not tell: ours is by the
wording of the faults ("the global cluster is in an invalid state", "while the cluster is in this state").
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import (
    DBClusterNotFoundError,
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    InvalidParameterValue,
    RDSClientError,
)
from moto.rds.models import DBCluster, rds_backends

from lab.services.rds_calendar import EXTENDED, default_version
from lab.services.rds_engines import check_global_version, check_lifecycle, check_upgrade
from lab.services.rds_global import HOME_REGION, GlobalDatabase, global_databases, membership
from lab.services.rds_global_members import Member
from lab.services.rds_snapshots import check_identifier
from lab.services.rds_upgrades import begin_members, check_global
from lab.world import WORLD

ENGINES = ("aurora-mysql", "aurora-postgresql")


def invalid_state(message: str) -> RDSClientError:
    return RDSClientError("InvalidGlobalClusterStateFault", message)


def require_idle(database: GlobalDatabase) -> None:
    if database.move:
        move = database.move
        raise invalid_state(f"Global cluster {database.identifier} is {move.name} to {move.target.arn}")


class GlobalDatabaseOperations:
    """Mixed into moto's RDSResponse, whose `params`, `region`, `current_account` and `backend` it uses."""

    params: Any
    region: str
    current_account: str

    @property
    def databases(self) -> Any:
        return global_databases(self.current_account)

    def _database(self) -> GlobalDatabase:
        identifier = self.params["GlobalClusterIdentifier"]
        if identifier not in self.databases:
            raise RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {identifier} not found")
        return self.databases[identifier]

    def _member(self, database: GlobalDatabase, arn: str) -> Member:
        if not arn.startswith("arn:"):
            raise InvalidParameterValue(f"Malformed db cluster arn {arn}: name the cluster by its ARN")
        member = database.member(arn)
        if member is None:
            raise DBClusterNotFoundError(arn, f"DBCluster {arn} is not a member of {database.identifier}")
        return member

    def _leaving_member(self, database: GlobalDatabase, arn: str) -> Member:
        """RemoveFromGlobalCluster of a cluster that is no member (terraform-provider-aws, issue 40921 and its code)."""
        member = database.member(arn)
        if member is None or member.is_delisted:
            raise InvalidParameterValue(f"Cluster {arn} is not found in global cluster {database.identifier}")
        return member

    def describe_global_clusters(self) -> ActionResult:
        if self.params.get("GlobalClusterIdentifier"):
            shown = [self._database()]
        else:
            shown = list(self.databases.values())
        return ActionResult({"GlobalClusters": [database.describe() for database in shown]})

    def create_global_cluster(self) -> ActionResult:
        identifier = self.params["GlobalClusterIdentifier"]
        check_identifier("GlobalClusterIdentifier", identifier)
        if identifier in self.databases:
            raise RDSClientError("GlobalClusterAlreadyExistsFault", f"Global cluster {identifier} already exists")
        source = self._source_cluster()
        properties = self._inherited(source) if source else self._given()
        database = GlobalDatabase(rds_backends[self.current_account][HOME_REGION], identifier, properties)
        database.tags = self.params.get("Tags") or []
        self.databases[identifier] = database
        if source:
            database.start_from(source)
        return ActionResult({"GlobalCluster": database.describe()})

    def _source_cluster(self) -> DBCluster | None:
        arn = self.params.get("SourceDBClusterIdentifier")
        if not arn:
            return None
        inherited = [
            name for name in ("Engine", "EngineVersion", "DatabaseName", "StorageEncrypted") if self.params.get(name)
        ]
        if inherited:
            raise InvalidParameterCombination(
                f"{', '.join(inherited)} must not be given: the source DB cluster sets it"
            )
        cluster = self.backend.describe_db_clusters(db_cluster_identifier=arn)[0]
        if membership(cluster)[0] or any(one.source is cluster for one in self.databases.values()):
            raise InvalidDBClusterStateFault(f"DBCluster {arn} is already a member of a global cluster")
        return cluster

    def _inherited(self, source: DBCluster) -> dict[str, Any]:
        return {
            "Engine": source.engine,
            "EngineVersion": source.engine_version,
            "EngineLifecycleSupport": getattr(source, "engine_lifecycle_support", None) or EXTENDED,
            "DatabaseName": source.database_name,
            "StorageEncrypted": bool(source.storage_encrypted),
            "DeletionProtection": bool(self.params.get("DeletionProtection")),
        }

    def _given(self) -> dict[str, Any]:
        engine = self.params.get("Engine")
        if engine not in ENGINES:
            raise InvalidParameterValue(f"Engine is {engine!r}; a global cluster takes one of {', '.join(ENGINES)}")
        version = self.params.get("EngineVersion") or default_version(engine, self.region)
        check_global_version(engine, version, self.region)
        check_lifecycle(engine, version, self.params.get("EngineLifecycleSupport"))
        return {
            "Engine": engine,
            "EngineVersion": version,
            "EngineLifecycleSupport": self.params.get("EngineLifecycleSupport") or EXTENDED,
            "DatabaseName": self.params.get("DatabaseName"),
            "StorageEncrypted": bool(self.params.get("StorageEncrypted")),
            "DeletionProtection": bool(self.params.get("DeletionProtection")),
        }

    def modify_global_cluster(self) -> ActionResult:
        database = self._database()
        require_idle(database)
        if self.params.get("DeletionProtection") is not None:
            database.properties["DeletionProtection"] = self.params["DeletionProtection"]
        if version := self.params.get("EngineVersion"):
            check_global_version(database.properties["Engine"], version, self.region)
            allow_major = bool(self.params.get("AllowMajorVersionUpgrade"))
            if version != database.engine_version:
                check_upgrade(database.properties["Engine"], database.engine_version, version, allow_major)
            if database.members and version != database.engine_version:
                check_global(database, version)
                begin_members(database, version)
            database.properties["EngineVersion"] = version
        if new_identifier := self.params.get("NewGlobalClusterIdentifier"):
            self._rename(database, new_identifier)
        return ActionResult({"GlobalCluster": database.describe()})

    def _rename(self, database: GlobalDatabase, identifier: str) -> None:
        if identifier in self.databases:
            raise RDSClientError("GlobalClusterAlreadyExistsFault", f"Global cluster {identifier} already exists")
        del self.databases[database.identifier]
        database.identifier = identifier.lower()
        self.databases[identifier] = database
        for member in database.members:
            member.cluster.global_cluster_identifier = database.identifier

    def delete_global_cluster(self) -> ActionResult:
        database = self._database()
        if database.properties["DeletionProtection"]:
            raise InvalidParameterCombination(
                "Cannot delete protected Global Cluster, please disable deletion protection and try again."
            )
        if database.members or database.source:
            raise invalid_state(f"Global Cluster {database.arn} is not empty")
        return ActionResult(
            {"GlobalCluster": self.databases.pop(database.identifier).describe() | {"Status": "deleting"}}
        )

    def remove_from_global_cluster(self) -> ActionResult:
        database = self._database()
        member = self._leaving_member(database, self.params["DbClusterIdentifier"])
        require_idle(database)
        if member.is_writer and len(database.members) > 1:
            raise invalid_state(f"{member.arn} is the primary: remove the other members of {database.identifier} first")
        if member.detached_at is None:
            database.start_detach(member)
        return ActionResult({"GlobalCluster": database.describe()})

    def switchover_global_cluster(self) -> ActionResult:
        database = self._database()
        target = self._member(database, self.params["TargetDbClusterIdentifier"])
        if not database.writer or self.region != database.writer.region:
            raise invalid_state(f"Call SwitchoverGlobalCluster in the primary's Region, not in {self.region}")
        return self._switchover(database, target)

    def failover_global_cluster(self) -> ActionResult:
        data_loss, switchover = self.params.get("AllowDataLoss"), self.params.get("Switchover")
        if data_loss and switchover:
            raise InvalidParameterCombination("AllowDataLoss and Switchover cannot be specified together")
        database = self._database()
        target = self._member(database, self.params["TargetDbClusterIdentifier"])
        if not data_loss:
            return self._switchover(database, target)
        if self.region != target.region:
            raise invalid_state(
                f"Call FailoverGlobalCluster in the target's Region {target.region}, not in {self.region}"
            )
        return self._start(database, target, data_loss=True)

    def _switchover(self, database: GlobalDatabase, target: Member) -> ActionResult:
        waiting = [member.arn for member in database.members if member.synchronization != "connected"]
        if waiting:
            raise invalid_state(f"Not synchronized with the primary: {', '.join(waiting)}")
        unreachable = [member.region for member in database.members if WORLD.region_is_out(member.region)]
        if unreachable:
            raise invalid_state(
                f"A switchover needs every Region of the global cluster; unreachable: {', '.join(unreachable)}"
            )
        return self._start(database, target, data_loss=False)

    def _start(self, database: GlobalDatabase, target: Member, data_loss: bool) -> ActionResult:
        require_idle(database)
        self._require_promotable(database, target)
        database.start_move(target, data_loss)
        return ActionResult({"GlobalCluster": database.describe()})

    @staticmethod
    def _require_promotable(database: GlobalDatabase, target: Member) -> None:
        cluster, writer = target.cluster, database.writer
        if target.is_writer:
            raise InvalidDBClusterStateFault(f"{target.arn} is already the primary of {database.identifier}")
        if target.detached_at is not None or cluster.status != "available":
            raise InvalidDBClusterStateFault(f"{target.arn} is {cluster.status} but must be available")
        if target.synchronization != "connected":
            raise invalid_state(f"{target.arn} is {target.synchronization} but must be connected")
        if not any(instance.status == "available" for instance in cluster.members):
            raise InvalidDBClusterStateFault(f"{target.arn} has no available DB instance to promote")
        if cluster.engine_version != writer.cluster.engine_version:
            raise InvalidDBClusterStateFault(
                f"Engine versions differ: {writer.arn} has {writer.cluster.engine_version}, "
                f"{target.arn} has {cluster.engine_version}; they must be identical"
            )
