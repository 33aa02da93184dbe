# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers of the global database for health checks and plans: one function per API call, one region each.

They return the shapes listed in _core/observation.py and raise AwsCallError if AWS cannot be queried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.arn import region_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

MISSING_CLUSTER = ("DBClusterNotFoundFault",)


MISSING_GLOBAL = ("GlobalClusterNotFoundFault",)


@aws_call("DescribeGlobalClusters", missing=MISSING_GLOBAL)
def describe_global_cluster(client: Any, identifier: str) -> dict[str, Any] | None:
    """Return the global cluster as the client's region sees it."""
    answer = client.describe_global_clusters(GlobalClusterIdentifier=identifier)
    found = [c for c in answer["GlobalClusters"] if c["GlobalClusterIdentifier"] == identifier]
    if not found:
        return None
    cluster = found[0]
    return {
        "status": cluster.get("Status"),
        "engine_version": cluster.get("EngineVersion"),
        "endpoint": cluster.get("Endpoint"),
        "members": [
            {
                "arn": member["DBClusterArn"],
                "region": region_of(member["DBClusterArn"]),
                "is_writer": bool(member.get("IsWriter")),
                "synchronization_status": member.get("SynchronizationStatus"),
            }
            for member in cluster.get("GlobalClusterMembers", [])
        ],
        "failover": _failover_state(cluster.get("FailoverState") or {}),
    }


def _failover_state(state: Mapping[str, Any]) -> dict[str, Any] | None:
    # FailoverState is empty if no operation is in progress ("FailoverState" of the Amazon RDS API Reference).
    if not state.get("Status"):
        return None
    return {
        "status": state["Status"],
        "from_region": region_of(state.get("FromDbClusterArn")),
        "to_region": region_of(state.get("ToDbClusterArn")),
        "is_data_loss_allowed": bool(state.get("IsDataLossAllowed")),
    }


@aws_call("DescribeDBClusters", missing=MISSING_CLUSTER)
def describe_cluster(client: Any, identifier: str) -> dict[str, Any] | None:
    """Return one regional cluster."""
    cluster = client.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    members = cluster.get("DBClusterMembers", [])
    return {
        "identifier": identifier,
        "status": cluster.get("Status"),
        "engine_version": cluster.get("EngineVersion"),
        "endpoint": cluster.get("Endpoint"),
        "writers": [m["DBInstanceIdentifier"] for m in members if m.get("IsClusterWriter")],
    }


@aws_call("DescribeDBInstances")
def describe_instances(client: Any, cluster_identifier: str) -> list[dict[str, Any]]:
    """Return the instances of one regional cluster."""
    answer = client.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [cluster_identifier]}])
    return [
        {
            "identifier": instance["DBInstanceIdentifier"],
            "status": instance.get("DBInstanceStatus"),
            "engine_version": instance.get("EngineVersion"),
        }
        for instance in answer["DBInstances"]
        if instance.get("DBClusterIdentifier") == cluster_identifier
    ]
