# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts about a global database, in the one shape that planner, modules, health and readiness work with.

The functions ``*_of`` are pure; ``read_*`` ask one region and raise AwsCallError where it could not be asked. A thing
that does not exist is None.

global cluster: {global_cluster_identifier, global_cluster_arn, global_cluster_resource_id, status, engine,
    engine_version, database_name, storage_encrypted, deletion_protection, endpoint, members, writer_region,
    failover_state}
member: {region, arn, identifier, is_writer, synchronization_status}
failover_state: {} or {status, from_region, to_region, to_arn, data_loss_allowed}
cluster: {identifier, arn, status, engine_version, endpoint, writers, global_cluster_identifier, replicates_from}
instance: {identifier, status, engine_version}

Facts used: GlobalCluster, GlobalClusterMember, FailoverState, DBCluster and DBInstance of the RDS API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import (
    describe_db_cluster,
    describe_db_instances,
    describe_global_cluster,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.arn import region_of


def identifier_of(arn: str) -> str:
    """Return the identifier at the end of a cluster's ARN."""
    return arn.split(":", 6)[6]


def members_of(cluster: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the members in the API's order.

    synchronization_status: ``connected``, ``pending-resync`` (not protected yet) or None where the API gives none.
    """
    return [
        {
            "region": region_of(member["DBClusterArn"]),
            "arn": member["DBClusterArn"],
            "identifier": identifier_of(member["DBClusterArn"]),
            "is_writer": bool(member.get("IsWriter")),
            "synchronization_status": member.get("SynchronizationStatus"),
        }
        for member in cluster.get("GlobalClusterMembers", [])
    ]


def operation_of(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return the switchover or failover in flight, or {}.

    The status is passed on as it is: the text of the API names ``switching-over``, which its enumeration lacks.
    data_loss_allowed is None where the API gives none.
    """
    state = cluster.get("FailoverState") or {}
    to_arn = state.get("ToDbClusterArn")
    if not state.get("Status") and not to_arn:
        return {}
    from_arn = state.get("FromDbClusterArn")
    return {
        "status": state.get("Status"),
        "from_region": region_of(from_arn) if from_arn else None,
        "to_region": region_of(to_arn) if to_arn else None,
        "to_arn": to_arn,
        "data_loss_allowed": state.get("IsDataLossAllowed"),
    }


def facts_of(cluster: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a global cluster's facts, or {} for None."""
    if cluster is None:
        return {}
    members = members_of(cluster)
    return {
        "global_cluster_identifier": cluster["GlobalClusterIdentifier"],
        "global_cluster_arn": cluster.get("GlobalClusterArn"),
        "global_cluster_resource_id": cluster.get("GlobalClusterResourceId"),
        "status": cluster.get("Status"),
        "engine": cluster.get("Engine"),
        "engine_version": cluster.get("EngineVersion"),
        "database_name": cluster.get("DatabaseName"),
        "storage_encrypted": cluster.get("StorageEncrypted"),
        "deletion_protection": cluster.get("DeletionProtection"),
        "endpoint": cluster.get("Endpoint"),
        "members": members,
        "writer_region": next((member["region"] for member in members if member["is_writer"]), None),
        "failover_state": operation_of(cluster),
    }


def absent(identifier: str) -> dict[str, Any]:
    """Return the facts of a global cluster that does not exist: it has no members, and nothing of it is known."""
    return facts_of({"GlobalClusterIdentifier": identifier})


def cluster_of(cluster: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a regional cluster's facts.

    writers: the instances that the cluster calls its writers. It is not documented what a secondary says there, so
    nothing may be decided by it alone. replicates_from: the ARN of the cluster it is a replica of, or None.
    """
    if cluster is None:
        return None
    members = cluster.get("DBClusterMembers", [])
    return {
        "identifier": cluster["DBClusterIdentifier"],
        "arn": cluster.get("DBClusterArn"),
        "status": cluster.get("Status"),
        "engine_version": cluster.get("EngineVersion"),
        "endpoint": cluster.get("Endpoint"),
        "writers": [one["DBInstanceIdentifier"] for one in members if one.get("IsClusterWriter")],
        "global_cluster_identifier": cluster.get("GlobalClusterIdentifier"),
        "replicates_from": cluster.get("ReplicationSourceIdentifier") or None,
    }


def instance_of(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return one instance's facts."""
    return {
        "identifier": instance["DBInstanceIdentifier"],
        "status": instance.get("DBInstanceStatus"),
        "engine_version": instance.get("EngineVersion"),
    }


def read_global_cluster(client: Any, identifier: str) -> dict[str, Any] | None:
    """Return the global cluster as the client's region sees it."""
    return facts_of(describe_global_cluster(client, identifier)) or None


def read_cluster(client: Any, identifier: str) -> dict[str, Any] | None:
    """Return one regional cluster."""
    return cluster_of(describe_db_cluster(client, identifier))


def read_instances(client: Any, cluster_identifier: str) -> list[dict[str, Any]]:
    """Return the instances of one regional cluster."""
    return [instance_of(one) for one in describe_db_instances(client, cluster_identifier)]
