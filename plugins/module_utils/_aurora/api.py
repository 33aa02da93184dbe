# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""RDS API calls on a global database, and the shapes in which the modules return the responses.

Facts used: DescribeGlobalClusters, CreateGlobalCluster, ModifyGlobalCluster, DeleteGlobalCluster and FailoverState of
the RDS API Reference.
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.arn import region_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call


@aws_call("DescribeGlobalClusters", missing=("GlobalClusterNotFoundFault",))
def describe_global_cluster(client, identifier):
    """Return the GlobalCluster of the RDS API, or None if there is none with that identifier."""
    found = client.describe_global_clusters(GlobalClusterIdentifier=identifier).get("GlobalClusters", [])
    # Compare the name although the call filters by it: a response that ignores the filter must not be taken for ours.
    return next((one for one in found if one["GlobalClusterIdentifier"].lower() == identifier.lower()), None)


@aws_call("DescribeDBClusters", missing=("DBClusterNotFoundFault",))
def describe_db_cluster(client, identifier):
    """Return the DBCluster of the RDS API, or None if it does not exist in the client's region."""
    found = client.describe_db_clusters(DBClusterIdentifier=identifier).get("DBClusters", [])
    return found[0] if found else None


@aws_call("DescribeDBInstances")
def describe_db_instances(client, cluster_identifier):
    """Return the DBInstances of one cluster (a cluster has at most 16, so one page holds them)."""
    wanted = [{"Name": "db-cluster-id", "Values": [cluster_identifier]}]
    return client.describe_db_instances(Filters=wanted).get("DBInstances", [])


@aws_call("CreateGlobalCluster")
def create_global_cluster(client, identifier, settings):
    """Create a global cluster. Raises AwsCallError GlobalClusterAlreadyExistsFault if it exists."""
    client.create_global_cluster(GlobalClusterIdentifier=identifier, **settings)


@aws_call("ModifyGlobalCluster")
def modify_global_cluster(client, identifier, settings):
    """Change engine version or deletion protection."""
    client.modify_global_cluster(GlobalClusterIdentifier=identifier, **settings)


@aws_call("DeleteGlobalCluster", missing=("GlobalClusterNotFoundFault",))
def delete_global_cluster(client, identifier):
    """Delete an empty, unprotected global cluster. Does nothing if it no longer exists."""
    client.delete_global_cluster(GlobalClusterIdentifier=identifier)


def identifier_of(arn):
    """Return the identifier at the end of a cluster's ARN."""
    return arn.split(":", 6)[6]


def members_of(cluster):
    """Return the members as [{region, arn, identifier, is_writer, synchronization_status}], in the API's order.

    synchronization_status: ``connected``, ``pending-resync`` (not protected yet) or None if the API returns none.
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


def operation_of(cluster):
    """Return the switchover or failover in progress, or {}.

    Keys: status, from_region, to_region, to_arn, data_loss_allowed. The status is returned unchanged: the API's text
    mentions ``switching-over``, which its enumeration lacks (FailoverState of the RDS API Reference).
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


def facts_of(cluster):
    """Return a global cluster in the shape that the modules return, or {} for None."""
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
