# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers of what region health and failover plans are decided on: one function per API call, one region each.

They return the shapes listed in _failover/observation.py and raise AwsCallError where AWS could not be asked. They
decide nothing: that is done by _health/verdict.py and _failover.
"""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import product
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import read_lag
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.statements import parse

MISSING_GROUP = ("TargetGroupNotFound",)
MISSING_CLUSTER = ("DBClusterNotFoundFault",)
MISSING_GLOBAL = ("GlobalClusterNotFoundFault",)
MISSING_OBJECT = ("NoSuchKey", "404")


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
    # FailoverState is empty when nothing is under way ("FailoverState" of the Amazon RDS API Reference).
    if not state.get("Status"):
        return None
    return {
        "status": state["Status"],
        "from_region": region_of(state.get("FromDbClusterArn")),
        "to_region": region_of(state.get("ToDbClusterArn")),
        "is_data_loss_allowed": bool(state.get("IsDataLossAllowed")),
    }


def region_of(arn: str | None) -> str | None:
    """Return the region an ARN names, or None. Pure."""
    parts = (arn or "").split(":")
    return parts[3] if len(parts) > 3 and parts[3] else None


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


@aws_call("DescribeTargetHealth", missing=MISSING_GROUP)
def describe_targets(client: Any, target_group_arn: str) -> dict[str, Any] | None:
    """Return how many targets are registered and in which state, or None where there is no such group.

    Targets that are being deregistered no longer count as registered.
    """
    answer = client.describe_target_health(TargetGroupArn=target_group_arn)
    states: dict[str, int] = {}
    for description in answer["TargetHealthDescriptions"]:
        state = description.get("TargetHealth", {}).get("State", "unavailable")
        states[state] = states.get(state, 0) + 1
    registered = sum(count for state, count in states.items() if state != "draining")
    return {"registered": registered, "healthy": states.get("healthy", 0), "states": states}


@aws_call("DescribeAutoScalingGroups")
def describe_group(client: Any, name: str) -> dict[str, Any] | None:
    """Return the sizes of an Auto Scaling group, or None where there is none of that name."""
    groups = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not groups:
        return None
    group = groups[0]
    return {
        "min": group["MinSize"],
        "desired": group["DesiredCapacity"],
        "max": group["MaxSize"],
        "in_service": sum(i.get("LifecycleState") == "InService" for i in group.get("Instances", [])),
        "suspended": [process["ProcessName"] for process in group.get("SuspendedProcesses", [])],
    }


@aws_call("DescribeTable", missing=("ResourceNotFoundException",))
def describe_session_table(client: Any, name: str) -> dict[str, Any] | None:
    """Return the state of a global table's replica in the client's region, and of the replicas it knows of."""
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


@aws_call("GetObject", missing=MISSING_OBJECT)
def get_statements(client: Any, bucket: str, key: str) -> list[str] | None:
    """Return the statements of a region's traffic control object, or None where the object is absent."""
    body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return sorted(parse(body.decode("utf-8", "replace")))


class _NamedConnection(http.client.HTTPSConnection):
    """HTTPS to an address whose certificate carries another name: the one clients use."""

    def __init__(self, address: str, port: int | None, name: str, timeout: float):
        super().__init__(address, port, timeout=timeout, context=ssl.create_default_context())
        self._name = name

    def connect(self) -> None:
        """Connect, through the tunnel where one is set, and check the certificate against the name."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._name)


def probe(
    address: str, scheme: str, path: str, timeout: float, name: str | None = None, proxy: str | None = None
) -> dict[str, Any]:
    """Ask an endpoint once, as a client would; return {status, milliseconds}. Redirects are answers and not followed.

    timeout: seconds for connecting, and again for each read.
    name: what clients call the endpoint, sent as Host; with https the certificate must carry it.
    proxy: URL of an HTTP proxy. The environment's proxies are not used: the answer must not depend on the
        caller's shell.

    Raises OSError or http.client.HTTPException where nobody answers.
    """
    via = urllib.parse.urlsplit(proxy) if proxy else None
    first_hop, port = (str(via.hostname), via.port) if via else (address, None)
    connection: http.client.HTTPConnection
    if scheme == "https":
        connection, target = _NamedConnection(first_hop, port, name or address, timeout), path
        if via:
            connection.set_tunnel(address, 443)
    else:
        connection = http.client.HTTPConnection(first_hop, port, timeout=timeout)
        target = f"http://{address}{path}" if via else path
    # To a proxy the request names the endpoint twice, and both must agree (RFC 9112, "Request Target").
    host = address if via and scheme == "http" else name or address
    begun = time.monotonic()
    try:
        connection.request("GET", target, headers={"Host": host, "Connection": "close"})
        status = connection.getresponse().status
    finally:
        connection.close()
    return {"status": status, "milliseconds": round(1000 * (time.monotonic() - begun))}


def given(entry: Mapping[str, Any], name: str) -> Any:
    """Return a member of a manifest's region entry. Raises MultiRegionError where it was not given."""
    value = entry.get(name)
    if not value:
        raise MultiRegionError(f"The entry of {entry.get('region', 'this region')} gives no {name}.")
    return value


def make_clients(clients: Any, services: Iterable[str], regions: Iterable[str]) -> None:
    """Make the clients that threads are about to ask for.

    Making them is work of this machine, and reading service models takes long on a busy one. Done beforehand it does
    not count as time that AWS took to answer. What cannot be made is found out again, and reported, by who asks for it.
    """
    for service, region in product(services, regions):
        with suppress(MultiRegionError):
            clients(service, region)


def database_readers(clients: Any, entry: Mapping[str, Any], global_identifier: str) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe one region's part of the global database: all of them calls to that region."""
    region = entry["region"]

    def ask(service: str, function: Callable[..., Any], name: str) -> Callable[[], Any]:
        return lambda: function(clients(service, region), given(entry, name))

    return {
        "global_cluster": lambda: describe_global_cluster(clients("rds", region), global_identifier),
        "cluster": ask("rds", describe_cluster, "db_cluster_identifier"),
        "instances": ask("rds", describe_instances, "db_cluster_identifier"),
        "lag": ask("cloudwatch", read_lag, "db_cluster_identifier"),
        "targets": ask("elbv2", describe_targets, "target_group_arn"),
    }
