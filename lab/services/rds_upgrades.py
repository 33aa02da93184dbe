# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of engine versions: the order that members of a global database have, the time they take, what they reset.

Follows: "Upgrading an Amazon Aurora global database" of the Aurora User Guide (secondaries before the primary; a
secondary needs an instance; a major version for all members together, and not while `rds.global_db_rpo` is set); API
reference ModifyGlobalCluster (a major upgrade gives every member the default parameter groups of the new version);
"Working with DB cluster parameter groups" (a group is applied once the instances are restarted). Wordings:
terraform-provider-aws, issues 30358 and 36107 (order, ModifyGlobalCluster and minor versions). Where no source prints a
wording, it is ours. `upgrading` is the status of clusters, instances and, in a major upgrade, the global cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.rds.exceptions import InvalidDBClusterStateFault, InvalidParameterCombination, InvalidParameterValue
from moto.rds.models import DBCluster, DBInstance, rds_backends

from lab.clock import CLOCK
from lab.services.rds_calendar import VERSIONS, major_of
from lab.services.rds_engines import family
from lab.services.rds_global import GlobalDatabase
from lab.services.settings import SETTINGS

UPGRADING, PENDING_REBOOT = "upgrading", "pending-reboot"
RPO_PARAMETER = "rds.global_db_rpo"


@dataclass
class Upgrade:
    """A cluster gets a version at a monotonic instant."""

    version: str
    done_at: float
    is_major: bool


def upgrade_of(cluster: DBCluster) -> Upgrade | None:
    return vars(cluster).get("lab_upgrade")


def check_settled(cluster: DBCluster) -> None:
    if cluster.status != "available":
        raise InvalidDBClusterStateFault(f"DbCluster {cluster.resource_id} is {cluster.status} but must be available")


def check_member(database: GlobalDatabase, cluster: DBCluster, is_writer: bool, version: str) -> None:
    """Raise the API's fault for an upgrade of one member that is not its turn, or none of a member's."""
    if major_of(cluster.engine, version) != major_of(cluster.engine, cluster.engine_version):
        raise InvalidParameterCombination(
            f"DB cluster {cluster.resource_id} is a member of the global cluster {database.identifier}: its major "
            "version is upgraded with ModifyGlobalCluster."
        )
    names = list(VERSIONS[cluster.engine])
    behind = [one for one in database.members if names.index(one.cluster.engine_version) < names.index(version)]
    if is_writer and any(not one.is_writer for one in behind):
        raise InvalidParameterValue(
            f"Cannot upgrade DB cluster '{cluster.resource_id}' to engine version {version} as global replica(s) are "
            "running lower version. Please upgrade global replicas first before upgrading the primary member."
        )
    if not is_writer and not cluster.members:
        raise InvalidDBClusterStateFault(f"DbCluster {cluster.resource_id} has no DB instance")


def check_global(database: GlobalDatabase, version: str) -> None:
    """Raise the API's fault for a version that ModifyGlobalCluster does not upgrade to now."""
    engine = database.properties["Engine"]
    if major_of(engine, version) == major_of(engine, database.engine_version):
        raise InvalidParameterValue(
            "Amazon RDS can't perform minor version upgrades through ModifyGlobalCluster for this database engine."
        )
    for member in database.members:
        check_settled(member.cluster)
        group = member.backend.db_cluster_parameter_groups.get(member.cluster.parameter_group)
        if group and group.parameters.get(RPO_PARAMETER, {}).get("ParameterValue") is not None:
            raise InvalidParameterCombination(
                f"The major version of {database.identifier} cannot be upgraded while {RPO_PARAMETER} is set in "
                f"{member.cluster.parameter_group}."
            )


def begin(cluster: DBCluster, version: str, seconds: float, is_major: bool = False) -> None:
    vars(cluster)["lab_upgrade"] = Upgrade(version, CLOCK.after(seconds), is_major)
    _show(cluster, UPGRADING)
    _advance(cluster)


def begin_members(database: GlobalDatabase, version: str) -> None:
    """Upgrade all members to another major version."""
    database.properties["EngineVersion"] = version
    for member in database.members:
        begin(member.cluster, version, SETTINGS.major_upgrade_s, is_major=True)


def advance_upgrades(account: str) -> None:
    """Finish what has taken long enough."""
    for backend in rds_backends[account].values():
        for cluster in list(backend.clusters.values()):
            _advance(cluster)


def _advance(cluster: DBCluster) -> None:
    upgrade = upgrade_of(cluster)
    if not upgrade or not CLOCK.reached(upgrade.done_at):
        return
    del vars(cluster)["lab_upgrade"]
    cluster.engine_version = upgrade.version
    _show(cluster, "available")
    if upgrade.is_major:
        cluster.parameter_group = f"default.{family(cluster.engine, upgrade.version)}"
        for instance in cluster.members:
            instance.db_parameter_group_name = cluster.parameter_group
            vars(instance)["lab_pending_groups"] = set()


def _show(cluster: DBCluster, status: str) -> None:
    cluster.status = status
    for instance in cluster.members:
        instance.status = status


def note_group(instances: list[DBInstance], level: str, before: str | None, after: str | None) -> None:
    """Another parameter group is applied once an instance is restarted; level: of the cluster, or its own."""
    for instance in instances if after not in (None, before) else []:
        vars(instance).setdefault("lab_pending_groups", set()).add(level)


def group_status(instance: Any, level: str) -> str:
    return PENDING_REBOOT if level in vars(instance).get("lab_pending_groups", ()) else "in-sync"


def restart(instance: DBInstance) -> None:
    vars(instance)["lab_pending_groups"] = set()


def install() -> None:
    """Instances show their own default group, and which groups wait for a restart."""
    stock_default = DBInstance.default_db_parameter_group_details

    def default_group(self: DBInstance) -> tuple[str, str]:
        if self.engine not in VERSIONS:
            return stock_default(self)
        own = family(self.engine, self.engine_version)
        return own, f"default.{own}"

    def groups_with_status(self: DBInstance) -> list[dict[str, str]]:
        status = group_status(self, "instance")
        names = [one.name for one in self.db_parameter_groups()]
        return [{"DBParameterGroupName": name, "ParameterApplyStatus": status} for name in names]

    DBInstance.default_db_parameter_group_details = default_group
    DBInstance.db_parameter_group_status_list = property(groups_with_status)
