# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and instances: what their API refuses and moto lets pass, and members of a global database.

Follows: API reference CreateDBCluster, ModifyDBCluster, DeleteDBCluster, DeleteDBInstance; Aurora User Guide,
"Configuration requirements of an Amazon Aurora global database" (a secondary takes no credentials or database name,
and a key of its own Region) and "Deleting an Amazon Aurora global database" (secondaries first, each cluster
detached before it is deleted).
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import (
    DBClusterNotFoundError,
    DBClusterParameterGroupNotFoundError,
    DBClusterToBeDeletedHasActiveMembers,
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    KMSKeyNotAccessibleFault,
    RDSClientError,
)
from moto.rds.models import DBCluster

from lab.data_plane import PLANE
from lab.services.creations import is_made
from lab.services.rds_calendar import VERSIONS, default_version, major_of
from lab.services.rds_classes import begin_class, check_changeable
from lab.services.rds_engines import check_engine_version, check_upgrade, family
from lab.services.rds_global import GlobalDatabase, global_databases, membership
from lab.services.rds_global_api import invalid_state, require_idle
from lab.services.rds_global_members import set_password
from lab.services.rds_options import OptionRules
from lab.services.rds_passwords import check_password, request_reset
from lab.services.rds_snapshots import check_identifier
from lab.services.rds_upgrades import begin, check_member, check_settled, note_group, restart
from lab.services.settings import SETTINGS

# parameter of CreateDBCluster -> how the API words its refusal for a secondary
NOT_FOR_SECONDARIES = {
    "MasterUsername": "user name",
    "MasterUserPassword": "password",
    "ManageMasterUserPassword": "managed password",
    "DatabaseName": "database name",
}
NOT_IN_GLOBAL_DATABASES = ("ManageMasterUserPassword", "BacktrackWindow", "ScalingConfiguration")


def _require_source(database: GlobalDatabase) -> None:
    """A secondary is made from a primary that has an instance, and both are there (terraform-provider-aws, issue 28546,
    and the example of its resource aws_rds_global_cluster); nor is it made while a cluster that the global cluster is
    created from is not listed as its writer yet (issue 48769)."""
    cluster = database.source or database.writer.cluster
    if database.source or not (is_made(cluster) and any(map(is_made, cluster.members))):
        raise InvalidDBClusterStateFault(
            f"Source cluster: {cluster.db_cluster_arn} is in a state which is not valid for physical replication"
        )


class ClusterRules(OptionRules):
    """Mixed into moto's RDSResponse, whose `params`, `backend`, `region` and `current_account` it uses."""

    params: Any
    backend: Any
    region: str
    current_account: str

    def create_db_cluster(self) -> ActionResult:
        identifier = self.params["DBClusterIdentifier"]
        check_identifier("DBClusterIdentifier", identifier)
        if identifier in self.backend.clusters:
            raise RDSClientError("DBClusterAlreadyExistsFault", f"DB Cluster {identifier} already exists")
        database = self._joined_database()
        if database:
            self._fit_to(database)
        self._check_references()
        if database and (database.writer or database.source):
            _require_source(database)
        if version := self.params.get("EngineVersion"):
            check_engine_version(self.params["Engine"], version, self.region)
        if self.params["Engine"] in VERSIONS:
            self.params["EngineVersion"] = version or default_version(self.params["Engine"], self.region)
        if self.params["Engine"].startswith("aurora") and not self.params.get("StorageType"):
            self.params["StorageType"] = "aurora"  # terraform-provider-aws, issue 40921
        self._check_cluster_options(self.params["Engine"], self.params.get("EngineVersion"), None)
        self.params["AllocatedStorage"] = self.params.get("AllocatedStorage") or 1  # moto has none for Aurora's types
        result = super().create_db_cluster()  # type: ignore[misc]
        cluster = self.backend.clusters[identifier]
        self._keep_cluster_options(cluster, None, cluster.storage_type)
        if not self.params.get("DBClusterParameterGroupName"):
            cluster.parameter_group = f"default.{family(cluster.engine, cluster.engine_version)}"
        if database:
            cluster.global_cluster_identifier = database.identifier
            set_password(cluster, self.params.get("MasterUserPassword"))  # moto forgets it of members
            if database.writer:
                cluster.master_username = database.writer.cluster.master_username
                cluster.database_name = database.writer.cluster.database_name
            database.join(cluster, bool(self.params.get("EnableGlobalWriteForwarding")))
        return result

    def _joined_database(self) -> GlobalDatabase | None:
        identifier = self.params.get("GlobalClusterIdentifier")
        if not identifier:
            return None
        databases = global_databases(self.current_account)
        if identifier not in databases:
            raise RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {identifier} not found")
        return databases[identifier]

    def _fit_to(self, database: GlobalDatabase) -> None:
        """Refuse what cannot join, and fill in what the global database decides."""
        require_idle(database)
        refused = [name for name in NOT_IN_GLOBAL_DATABASES if self.params.get(name)]
        if refused:
            raise InvalidParameterCombination(f"{', '.join(refused)} is not supported in an Aurora global database")
        if database.writer or database.source:
            self._fit_secondary(database)
        elif not self.params.get("DatabaseName"):
            self.params["DatabaseName"] = database.properties["DatabaseName"]
        for name, given, expected in (
            ("Engine", self.params["Engine"], database.properties["Engine"]),
            ("EngineVersion", self.params.get("EngineVersion"), database.engine_version),
        ):
            if given not in (None, expected):
                raise InvalidParameterCombination(f"{name} is {given}, but the global cluster has {expected}")
        self.params["EngineVersion"] = database.engine_version
        self.params["StorageEncrypted"] = database.properties["StorageEncrypted"]

    def _fit_secondary(self, database: GlobalDatabase) -> None:
        for name, words in NOT_FOR_SECONDARIES.items():
            if self.params.get(name):
                raise InvalidParameterCombination(f"Cannot specify {words} for cross region replication cluster")
        if any(member.region == self.region for member in database.members):
            raise InvalidParameterCombination(f"{database.identifier} already has a cluster in {self.region}")
        if any(member.cluster.resource_id == self.params["DBClusterIdentifier"] for member in database.members):
            raise RDSClientError("DBClusterAlreadyExistsFault", "A member in another Region has this identifier")
        if database.properties["StorageEncrypted"] and not self.params.get("KmsKeyId"):
            raise InvalidParameterCombination(
                "For encrypted cross-region replica, kmsKeyId should be explicitly specified"
            )

    def _check_references(self) -> None:
        """The named key, groups and subnet group must exist in this Region."""
        key = self.params.get("KmsKeyId") or ""
        if key.startswith("arn:") and key.split(":")[3] != self.region:
            raise KMSKeyNotAccessibleFault(key)
        group = self.params.get("DBClusterParameterGroupName")
        if group and not group.startswith("default.") and group not in self.backend.db_cluster_parameter_groups:
            raise DBClusterParameterGroupNotFoundError(group)
        if subnets := self.params.get("DBSubnetGroupName"):
            self.backend.describe_db_subnet_groups(subnets)

    def modify_db_cluster(self) -> ActionResult:
        cluster = self._cluster()
        self._check_references()
        version = self.params.get("EngineVersion")
        if version and version != cluster.engine_version:
            check_engine_version(cluster.engine, version, self.region)
            allow_major = bool(self.params.get("AllowMajorVersionUpgrade"))
            check_upgrade(cluster.engine, cluster.engine_version, version, allow_major)
            self._check_turn(cluster, version)
        self._check_cluster_options(cluster.engine, version or cluster.engine_version, cluster)
        database, member = membership(cluster)
        if member and member.resync_from is not None:
            raise InvalidDBClusterStateFault(
                f"DbCluster {cluster.resource_id} is {cluster.status} but must be available"
            )
        if database and self.params.get("NewDBClusterIdentifier"):
            raise InvalidDBClusterStateFault("A member of a global cluster cannot be renamed")
        # moto would have it accepted immediately.
        password = self.params.pop("MasterUserPassword", None)
        if password is not None:
            check_password(password)
        self._keep_cluster_options(cluster, cluster.storage_type, self.params.get("StorageType"))
        # moto would have the version immediately.
        self.params.pop("EngineVersion", None)
        group = cluster.parameter_group
        result = super().modify_db_cluster()  # type: ignore[misc]
        note_group(cluster.members, "cluster", group, cluster.parameter_group)
        if version and version != cluster.engine_version:
            is_major = major_of(cluster.engine, version) != major_of(cluster.engine, cluster.engine_version)
            begin(cluster, version, SETTINGS.major_upgrade_s if is_major else SETTINGS.minor_upgrade_s)
        if password is not None:
            request_reset(cluster, password)
        if self.params.get("EnableIAMDatabaseAuthentication") is not None:
            cluster.iam_auth = self.params["EnableIAMDatabaseAuthentication"]
        if member and self.params.get("EnableGlobalWriteForwarding") is not None:
            member.write_forwarding = self.params["EnableGlobalWriteForwarding"]
        exports = self.params.get("CloudwatchLogsExportConfiguration") or {}
        kept = set(cluster.enabled_cloudwatch_logs_exports) - set(exports.get("DisableLogTypes") or [])
        cluster.enabled_cloudwatch_logs_exports = sorted(kept | set(exports.get("EnableLogTypes") or []))
        return result

    def _check_turn(self, cluster: DBCluster, version: str) -> None:
        check_settled(cluster)
        database, member = membership(cluster)
        if database:
            require_idle(database)
            check_member(database, cluster, member.is_writer, version)

    def modify_db_instance(self) -> ActionResult:
        instance = self.backend.databases.get(self.params["DBInstanceIdentifier"])
        group = getattr(instance, "db_parameter_group_name", None)
        asked = self.params.get("DBInstanceClass")
        is_other = instance is not None and asked not in (None, instance.db_instance_class)
        if is_other or (asked is not None and "lab_class_change" in vars(instance or self)):
            check_changeable(instance)
        if is_other:
            # moto would have it immediately.
            self.params.pop("DBInstanceClass")
        result = super().modify_db_instance()  # type: ignore[misc]
        if is_other:
            begin_class(instance, asked, bool(self.params.get("ApplyImmediately")))
        if getattr(instance, "cluster", None) is not None:
            note_group([instance], "instance", group, self.params.get("DBParameterGroupName"))
        return result

    def reboot_db_instance(self) -> ActionResult:
        result = super().reboot_db_instance()  # type: ignore[misc]
        restart(self.backend.databases[self.params["DBInstanceIdentifier"]])
        return result

    def delete_db_cluster(self) -> ActionResult:
        cluster = self._cluster()
        snapshot, skip = self.params.get("FinalDBSnapshotIdentifier"), self.params.get("SkipFinalSnapshot")
        if bool(snapshot) == bool(skip):
            raise InvalidParameterCombination(
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified, and excludes it."
            )
        if cluster.deletion_protection:
            raise InvalidParameterCombination(
                "Cannot delete protected Cluster, please disable deletion protection and try again."
            )
        _, member = membership(cluster)
        if member and not member.is_writer:
            raise InvalidDBClusterStateFault(
                "This cluster is a part of a global cluster, please remove it from globalcluster first"
            )
        if member:
            raise invalid_state("Unable to delete cluster that is a primary member of global cluster; remove it first")
        if cluster.status == "promoting":
            raise InvalidDBClusterStateFault(f"DbCluster {cluster.resource_id} is promoting but must be available")
        if cluster.members:
            raise DBClusterToBeDeletedHasActiveMembers()
        if snapshot:
            PLANE.here.keep_volume(self.region, snapshot)
        result = super().delete_db_cluster()  # type: ignore[misc]
        if self.params.get("DeleteAutomatedBackups") is not False:
            self._forget_automated_backups(cluster)
        return result

    def _forget_automated_backups(self, cluster: DBCluster) -> None:
        for name, snapshot in list(self.backend.cluster_snapshots.items()):
            if snapshot.snapshot_type == "automated" and snapshot.db_cluster_identifier == cluster.resource_id:
                del self.backend.cluster_snapshots[name]

    def create_db_instance(self) -> ActionResult:
        check_identifier("DBInstanceIdentifier", self.params["DBInstanceIdentifier"])
        return super().create_db_instance()  # type: ignore[misc]

    def delete_db_instance(self) -> ActionResult:
        instance = self.backend.databases.get(self.params["DBInstanceIdentifier"])
        cluster = getattr(instance, "cluster", None)
        if cluster is not None and len(cluster.members) == 1:
            database, member = membership(cluster)
            if member and member.is_writer and len(database.members) > 1:
                raise InvalidDBClusterStateFault(
                    "Cannot delete the last instance of the primary cluster while the global cluster has secondaries"
                )
        return super().delete_db_instance()  # type: ignore[misc]

    def _cluster(self) -> DBCluster:
        identifier = self.params["DBClusterIdentifier"]
        if identifier.startswith("arn:"):
            identifier = identifier.split(":")[6]
        if identifier not in self.backend.clusters:
            raise DBClusterNotFoundError(identifier)
        return self.backend.clusters[identifier]
