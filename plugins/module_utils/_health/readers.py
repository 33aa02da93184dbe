# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers for region health and failover plans: one function per API call, one region each.

They return the shapes listed in _core/observation.py and raise AwsCallError if AWS cannot be queried. They decide
nothing; _health/verdict.py and _failover do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import (
    read_cluster,
    read_global_cluster,
    read_instances,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import read_lag
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import describe_targets
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import given
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call


@aws_call("DescribeTable", missing=("ResourceNotFoundException",))
def describe_session_table(client: Any, name: str) -> dict[str, Any] | None:
    """Return the state of a global table's replica in the client's region, and of the replicas that it lists."""
    table = client.describe_table(TableName=name)["Table"]
    return {
        "status": table.get("TableStatus"),
        "replicas": {replica["RegionName"]: replica.get("ReplicaStatus") for replica in table.get("Replicas", [])},
    }


@aws_call("GetHealthCheckStatus")
def get_checkers(client: Any, health_check_id: str) -> dict[str, Any]:
    """Return how many of Route 53's checkers report, and how many of them report success."""
    observations = client.get_health_check_status(HealthCheckId=health_check_id)["HealthCheckObservations"]
    reports = [o.get("StatusReport", {}).get("Status", "") for o in observations]
    return {"observations": len(reports), "healthy": sum(report.startswith("Success") for report in reports)}


def database_readers(clients: Any, entry: Mapping[str, Any], global_identifier: str) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe one region's part of the global database; all of them are made in that region."""
    region = entry["region"]

    def ask(service: str, function: Callable[..., Any], name: str) -> Callable[[], Any]:
        return lambda: function(clients(service, region), given(entry, name))

    return {
        "global_cluster": lambda: read_global_cluster(clients("rds", region), global_identifier),
        "cluster": ask("rds", read_cluster, "db_cluster_identifier"),
        "instances": ask("rds", read_instances, "db_cluster_identifier"),
        "lag": ask("cloudwatch", read_lag, "db_cluster_identifier"),
        "targets": ask("elbv2", describe_targets, "target_group_arn"),
    }
