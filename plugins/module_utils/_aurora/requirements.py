# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a cluster with its instances can be created in a region, before the one that it replaces is deleted.

Facts used: DescribeDBEngineVersions (Status, SupportsGlobalDatabases), DescribeDBSubnetGroups,
DescribeAccountAttributes (AccountQuota) and the faults of CreateDBCluster in the RDS API Reference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import pause, retry_transient, timed


@aws_call("DescribeDBEngineVersions")
def describe_version(client: Any, engine: str, version: str) -> dict[str, Any] | None:
    """Return the DBEngineVersion that the region offers, or None; deprecated ones are not offered for creation."""
    found = client.describe_db_engine_versions(Engine=engine, EngineVersion=version)["DBEngineVersions"]
    return next((one for one in found if one["EngineVersion"] == version), None)


@aws_call("DescribeDBSubnetGroups", missing=("DBSubnetGroupNotFoundFault",))
def describe_subnet_group(client: Any, name: str) -> dict[str, Any] | None:
    """Return the DBSubnetGroup, or None."""
    return client.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]


@aws_call("DescribeDBClusterParameterGroups", missing=("DBParameterGroupNotFound",))
def describe_cluster_parameter_group(client: Any, name: str) -> dict[str, Any] | None:
    """Return the DBClusterParameterGroup, or None."""
    return client.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)["DBClusterParameterGroups"][0]


@aws_call("DescribeDBParameterGroups", missing=("DBParameterGroupNotFound",))
def describe_parameter_group(client: Any, name: str) -> dict[str, Any] | None:
    """Return the DBParameterGroup, or None."""
    return client.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"][0]


@aws_call("DescribeDBInstances")
def count_instances(client: Any, cluster: str) -> int:
    """Return how many instances the cluster has now."""
    wanted = [{"Name": "db-cluster-id", "Values": [cluster]}]
    return len(client.describe_db_instances(Filters=wanted)["DBInstances"])


@aws_call("DescribeDBClusters", missing=("DBClusterNotFoundFault",))
def exists(client: Any, cluster: str) -> bool | None:
    """Return whether the cluster that is replaced exists."""
    return bool(client.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"])


@aws_call("DescribeAccountAttributes")
def describe_quotas(client: Any) -> dict[str, tuple[int, int]]:
    """Return {quota: (used, most)} of the region."""
    found = client.describe_account_attributes()["AccountQuotas"]
    return {one["AccountQuotaName"]: (one["Used"], one["Max"]) for one in found}


def version_problems(found: Mapping[str, Any] | None, params: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the engine version. Pure."""
    name = f"{params['engine']} {params['engine_version']}"
    if found is None:
        return [f"{name} is not offered"]
    if found.get("Status", "available") != "available":
        return [f"{name} is {found['Status']}"]
    return [] if found.get("SupportsGlobalDatabases", True) else [f"{name} supports no global databases"]


def group_problems(groups: Mapping[str, Mapping[str, Any] | None], family: str | None) -> list[str]:
    """Return which groups are missing, or of another family than the version's. Pure."""
    problems = [f"{what} does not exist" for what, group in groups.items() if group is None]
    for what, group in groups.items():
        own = (group or {}).get("DBParameterGroupFamily")
        if own and family and own != family:
            problems.append(f"{what} is of the family {own}, the version needs {family}")
        state = (group or {}).get("SubnetGroupStatus", "Complete")
        if state != "Complete":
            problems.append(f"{what} is {state}")
    return problems


def quota_problems(quotas: Mapping[str, tuple[int, int]], needed: Mapping[str, int]) -> list[str]:
    """Return which quotas do not suffice. Pure."""
    rooms = {name: (most, max(most - used, 0)) for name, (used, most) in quotas.items() if name in needed}
    return [
        f"the quota {name} of {most} has room for {room}, needed: {needed[name]}"
        for name, (most, room) in rooms.items()
        if needed[name] > room
    ]


def look(client: Any, params: Mapping[str, Any]) -> list[str]:
    """Return everything that is missing. Raises AwsCallError where AWS could not be asked."""
    cluster = params["db_cluster_identifier"]
    version = describe_version(client, params["engine"], params["engine_version"])
    groups = {
        f"the subnet group {params['db_subnet_group_name']}": describe_subnet_group(
            client, params["db_subnet_group_name"]
        ),
        f"the cluster parameter group {params['db_cluster_parameter_group_name']}": describe_cluster_parameter_group(
            client, params["db_cluster_parameter_group_name"]
        ),
        f"the parameter group {params['db_parameter_group_name']}": describe_parameter_group(
            client, params["db_parameter_group_name"]
        ),
    }
    # What is replaced makes room for its replacement; its last snapshot needs some too.
    is_there = bool(exists(client, cluster))
    needed = {
        "DBClusters": 0 if is_there else 1,
        "DBInstances": params["instance_count"] - count_instances(client, cluster),
        "ManualClusterSnapshots": 1 if is_there else 0,
    }
    family = (version or {}).get("DBParameterGroupFamily")
    return [
        *version_problems(version, params),
        *group_problems(groups, family),
        *quota_problems(describe_quotas(client), needed),
    ]


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = pause,
) -> dict[str, Any]:
    """Return {changed: False, reason, seconds} where the cluster can be created.

    Raises Refused with all that is missing. What could not be asked is no permission to go on: AwsCallError.
    """
    client = clients("rds", params.get("region"))
    problems = retry_transient(lambda: look(client, params), clock=clock, sleep=sleep)
    cluster, region = params["db_cluster_identifier"], client.meta.region_name
    if problems:
        raise Refused(
            f"{cluster} cannot be created in {region}: {'; '.join(problems)}. Nothing has been deleted.",
            problems=problems,
        )
    return {"changed": False, "reason": f"{cluster} can be created in {region}."}
