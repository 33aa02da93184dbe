# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read what others have made of a platform, in all regions in parallel, and judge it. Changes nothing.

The global cluster is read first, because it says which regions there are and which cluster each of them has. What
tags have to find is looked for before: the global cluster's identifier, then in each region the load balancer's name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import (
    describe_db_cluster,
    describe_db_instances,
    describe_global_cluster,
    list_tags,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import facts_of
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.requirements import describe_subnet_group
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import make_clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import HOSTED_ZONES
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import retry_transient, timed
from ansible_collections.trading.multi_region.plugins.module_utils._network.load_balancer import describe_load_balancer
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.adoption import (
    APPLICATION,
    DATABASE,
    KEY,
    LAYERS,
    MANIFEST,
    TAGGED,
    Named,
    Seen,
    judge,
)
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.look import read_manifest_copy
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.name_readers import read_name
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged import only_id
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_layers import BALANCER
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_layers_readers import (
    TAGGING,
    read_tagged_global_clusters,
    read_tagged_layers,
)
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_readers import read_tagged
from ansible_collections.trading.multi_region.plugins.module_utils._stores.keys import describe_key

# The key of what belongs to no region.
NAME = ("", "name")
SERVICES = ("autoscaling", "dynamodb", "ec2", "elbv2", "kms", "rds")
# What is known of a global cluster that neither a name nor tags tell.
UNSEEN: dict[str, Any] = {"members": [], "tags": {}}
Call = Callable[[], Any]


@aws_call("DescribeNetworkAcls")
def get_acls(client: Any, subnets: list[str]) -> list[dict[str, Any]]:
    """Return the NetworkAcls of the API that some of the subnets have."""
    filters = [{"Name": "association.subnet-id", "Values": subnets}]
    pages = client.get_paginator("describe_network_acls").paginate(Filters=filters)
    return [one for page in pages for one in page["NetworkAcls"]]


@aws_call("DescribeNetworkInterfaces")
def get_instances(client: Any, groups: list[str]) -> dict[str, list[str]]:
    """Return the instances of EC2 that have each of the security groups; a database's are not among them."""
    pages = client.get_paginator("describe_network_interfaces").paginate(
        Filters=[{"Name": "group-id", "Values": groups}]
    )
    found: dict[str, set[str]] = {group: set() for group in groups}
    for page in pages:
        for one in page["NetworkInterfaces"]:
            instance = (one.get("Attachment") or {}).get("InstanceId")
            for group in one["Groups"]:
                if instance and group["GroupId"] in found:
                    found[group["GroupId"]].add(instance)
    return {group: sorted(instances) for group, instances in found.items()}


def read_database(clients: Any, region: str, identifier: str) -> dict[str, Any] | None:
    """Return the region's cluster, or None.

    Returns {identifier, status, engine_version, instances: {identifier: status}, security_group_ids, guests: {security
    group: instances of EC2 that have it too}, vpc_id, subnet_ids, acls}.
    """
    rds = clients("rds", region)
    cluster = describe_db_cluster(rds, identifier)
    if cluster is None:
        return None
    groups = sorted(one["VpcSecurityGroupId"] for one in cluster.get("VpcSecurityGroups", []))
    found = describe_subnet_group(rds, cluster["DBSubnetGroup"]) if cluster.get("DBSubnetGroup") else None
    subnets = sorted(one["SubnetIdentifier"] for one in found["Subnets"]) if found else []
    return {
        "identifier": identifier,
        "status": cluster["Status"],
        "engine_version": cluster["EngineVersion"],
        "instances": {
            one["DBInstanceIdentifier"]: one["DBInstanceStatus"] for one in describe_db_instances(rds, identifier)
        },
        "security_group_ids": groups,
        "guests": get_instances(clients("ec2", region), groups) if groups else {},
        "vpc_id": found.get("VpcId") if found else None,
        "subnet_ids": subnets,
        "acls": get_acls(clients("ec2", region), subnets) if subnets else [],
    }


@aws_call("DescribeTargetGroups")
def get_target_groups(client: Any, load_balancer_arn: str) -> list[dict[str, Any]]:
    """Return the TargetGroups of the API to which a load balancer forwards."""
    pages = client.get_paginator("describe_target_groups").paginate(LoadBalancerArn=load_balancer_arn)
    return [one for page in pages for one in page["TargetGroups"]]


@aws_call("DescribeListeners")
def get_listeners(client: Any, load_balancer_arn: str) -> list[dict[str, Any]]:
    """Return the Listeners of the API of a load balancer."""
    pages = client.get_paginator("describe_listeners").paginate(LoadBalancerArn=load_balancer_arn)
    return [one for page in pages for one in page["Listeners"]]


@aws_call("DescribeAutoScalingGroups")
def get_groups(client: Any) -> list[dict[str, Any]]:
    """Return all AutoScalingGroups of the API in a region: it has no filter for a target group."""
    pages = client.get_paginator("describe_auto_scaling_groups").paginate()
    return [one for page in pages for one in page["AutoScalingGroups"]]


def read_application(clients: Any, region: str, name: str) -> dict[str, Any] | None:
    """Return the load balancer and all that could be behind it, or None if the region has none of that name.

    Returns {name, arn, dns_name, state, type, listeners: [{protocol, port}], target_groups: [{name, arn, health_path}],
    groups: [{name, target_group_arns, tags, min, desired, max}]}.
    """
    elb = clients("elbv2", region)
    found = describe_load_balancer(elb, name)
    if found is None:
        return None
    arn = found["LoadBalancerArn"]
    return {
        "name": found["LoadBalancerName"],
        "arn": arn,
        "state": (found.get("State") or {}).get("Code"),
        "type": found.get("Type"),
        "dns_name": found["DNSName"],
        "listeners": [{"protocol": one["Protocol"], "port": one["Port"]} for one in get_listeners(elb, arn)],
        "target_groups": [
            {"name": one["TargetGroupName"], "arn": one["TargetGroupArn"], "health_path": one.get("HealthCheckPath")}
            for one in get_target_groups(elb, arn)
        ],
        "groups": [
            {
                "name": one["AutoScalingGroupName"],
                "target_group_arns": one.get("TargetGroupARNs", []),
                "tags": {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])},
                "min": one["MinSize"],
                "desired": one["DesiredCapacity"],
                "max": one["MaxSize"],
            }
            for one in get_groups(clients("autoscaling", region))
        ],
    }


@aws_call("GetKeyPolicy")
def get_key_policy(client: Any, key_arn: str) -> dict[str, Any]:
    """Return a key's policy; a key has one, named default."""
    return json.loads(client.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"])


def read_key(client: Any, key_id: str) -> dict[str, Any] | None:
    """Return {arn, state, spec, usage, manager, policy} of a key, or None. policy: None if it may not be read."""
    found = describe_key(client, key_id)
    if found is None:
        return None
    try:
        policy = get_key_policy(client, found["Arn"])
    except AwsCallError as error:
        if error.code != "AccessDeniedException":
            raise
        policy = None
    return {
        "arn": found["Arn"],
        "state": found["KeyState"],
        "spec": found.get("KeySpec"),
        "usage": found.get("KeyUsage"),
        "manager": found.get("KeyManager"),
        "policy": policy,
    }


def read_global(clients: Any, region: str, identifier: str) -> dict[str, Any] | None:
    """Return the global cluster's facts with its tags, or None."""
    client = clients("rds", region)
    found = describe_global_cluster(client, identifier)
    return {**facts_of(found), "tags": list_tags(client, found["GlobalClusterArn"])} if found else None


def patient(calls: Mapping[Any, Call], deadline: float) -> dict[Any, Observation]:
    """Run all calls in parallel, each again after a transient error."""
    return observe_all({name: lambda call=call: retry_transient(call) for name, call in calls.items()}, deadline)


def readers(named: Named, clients: Any, region: str, cluster: str | None) -> dict[str, Call]:
    """Return the calls that observe one region, by fact. cluster: the member of the global database there."""
    balancer, key = named.load_balancers.get(region), named.keys.get(region)
    found: dict[str, Call] = {
        MANIFEST: lambda: read_manifest_copy(clients("dynamodb", region), named.table_name),
        DATABASE: lambda: read_database(clients, region, cluster) if cluster else None,
    }
    if balancer:
        found[APPLICATION] = lambda: read_application(clients, region, balancer)
    if tags := named.network_tags.get(region):
        found[TAGGED] = lambda: read_tagged(clients("ec2", region), tags)
    if key:
        found[KEY] = lambda: read_key(clients("kms", region), key)
    return found


def named_of(params: Mapping[str, Any]) -> Named:
    """Return what the inventory, or whoever asks for one, has named."""
    return Named(
        global_cluster_identifier=params.get("global_cluster_identifier") or "",
        layer_tags=params["layer_tags"],
        regions=tuple(params["regions"]),
        clusters=params["db_clusters"],
        load_balancers=params["load_balancer_names"],
        target_groups=params["target_group_names"],
        groups=params["autoscaling_group_names"],
        security_groups=params["security_groups"],
        network_acls=params["network_acls"],
        network_tags=params["network_tags"],
        keys=params["keys"],
        has_topics=params["has_topics"],
        fencing=params["fencing"],
        platform_tags=params["platform_tags"],
        environment=params["environment"],
        table_name=params["table_name"],
        domain=params.get("domain") or "",
        may_repoint=params["may_repoint"],
    )


def find_global_clusters(named: Named, clients: Any, region: str, deadline: float) -> Observation:
    """Return the identifiers of the global clusters that have the tags; none are looked for if one is named."""
    if named.global_cluster_identifier:
        return Observation(value=())
    if not named.layer_tags:
        raise MultiRegionError("global_cluster_identifier is not given; allowed: an identifier, or layer_tags.")
    return patient({"": lambda: read_tagged_global_clusters(clients("rds", region), named.layer_tags)}, deadline)[""]


def read_view(named: Named, clients: Any, regions: Sequence[str], deadline: float) -> dict[str, Any]:
    """Return the named global cluster's facts with its tags. Raises MultiRegionError if no region knows it."""
    identifier = named.global_cluster_identifier
    views = patient({one: lambda one=one: read_global(clients, one, identifier) for one in regions}, deadline)
    view = next((seen.value for seen in views.values() if seen.known and seen.value), None)
    if view is None:
        why = "; ".join(f"{region}: {seen.error or 'no such global cluster'}" for region, seen in views.items())
        allowed = "a global cluster of this account that these regions know"
        raise MultiRegionError(f"global_cluster_identifier is '{identifier}'; allowed: {allowed}. {why}.")
    return view


def find_layers(named: Named, clients: Any, regions: Sequence[str], deadline: float) -> dict[str, Observation]:
    """Return what has the tags in each region; empty without tags."""
    if not named.layer_tags:
        return {}
    make_clients(clients, (TAGGING,), regions)
    return patient(
        {one: lambda one=one: read_tagged_layers(clients(TAGGING, one), named.layer_tags) for one in regions}, deadline
    )


def with_balancers(named: Named, layers: Mapping[str, Observation]) -> Named:
    """Return what is named, with the load balancers that the tags find where none is. Pure."""
    found = {region: name for region, one in layers.items() if (name := only_id(one, BALANCER))}
    return replace(named, load_balancers={**found, **named.load_balancers})


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return changed (False), and what ``judge`` returns. Raises MultiRegionError if no region knows the database."""
    named, first = named_of(params), params.get("region") or clients.default_region
    asked, deadline = list(named.regions) or [first], params["deadline"]
    make_clients(clients, SERVICES, asked)
    candidates = find_global_clusters(named, clients, first, deadline)
    if candidates.known and len(candidates.value) == 1:
        named = replace(named, global_cluster_identifier=candidates.value[0])
    view = read_view(named, clients, asked, deadline) if named.global_cluster_identifier else UNSEEN
    members = {one["region"]: one["identifier"] for one in view["members"]}
    regions = list(named.regions) or list(members) or [first]
    make_clients(clients, SERVICES, regions)
    make_clients(clients, (HOSTED_ZONES,) if named.domain else (), [first])
    layers = find_layers(named, clients, regions, deadline)
    named = with_balancers(named, layers)
    calls = {
        (region, fact): call
        for region in regions
        for fact, call in readers(named, clients, region, named.clusters.get(region) or members.get(region)).items()
    }
    if named.domain:
        zone = params.get("zone") or named.domain
        calls[NAME] = lambda: read_name(clients(HOSTED_ZONES, first), named.domain, zone, params["zone_is_private"])
    answers = patient(calls, deadline)
    records = answers.pop(NAME, Observation())
    answers.update({(region, LAYERS): seen for region, seen in layers.items()})
    facts = {
        region: Facts(region, {fact: seen for (where, fact), seen in answers.items() if where == region})
        for region in regions
    }
    return {"changed": False, **judge(Seen(named, view, facts, records, candidates))}
