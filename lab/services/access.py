# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches a port of a cluster or a load balancer, and how many instances and tasks run: for the lab's data plane.

Follows: VPC User Guide, "Control traffic to your AWS resources using security groups" and "Network ACL basics": the
rules of an ACL are evaluated in order of their numbers, the first that matches decides, and what none allows is denied.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.network_acls import NetworkAcl
from moto.ecs.models import ecs_backends
from moto.rds.models import DBCluster, rds_backends

# The same few blocks are asked about at each look, and parsing one takes longer than the look.
network, address = cache(ipaddress.ip_network), cache(ipaddress.ip_address)

TCP = ("-1", "6", "tcp")


def is_cut_off(cluster: DBCluster) -> bool:
    """Whether security groups are attached and none of them has an ingress rule."""
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID].get(cluster.region)
    if ec2 is None or not cluster.vpc_security_group_ids:
        return False
    groups = [ec2.get_security_group_from_id(group_id) for group_id in cluster.vpc_security_group_ids]
    return not any(group and group.ingress_rules for group in groups)


def is_denied(cluster: DBCluster) -> bool:
    """Whether the ACL of every subnet of the cluster denies the database port to the VPC's own addresses."""
    ec2, rds = ec2_backends[DEFAULT_ACCOUNT_ID].get(cluster.region), rds_backends[DEFAULT_ACCOUNT_ID][cluster.region]
    group = rds.subnet_groups.get(cluster.db_subnet_group_name or "")
    if ec2 is None or group is None:
        return False
    decisions = []
    for member in group.subnets:  # as the API shows them
        subnet = ec2.get_subnet(member["SubnetIdentifier"])
        vpc = ec2.get_vpc(subnet.vpc_id)
        source = str(next(network(vpc.cidr_block).hosts()))
        acls = acls_of(ec2, subnet.id)
        decisions.append(any(not allows(acl.network_acl_entries, int(cluster.port), source) for acl in acls))
    return bool(decisions) and all(decisions)


def acls_of(ec2: EC2Backend, subnet: str) -> list[NetworkAcl]:
    """The network ACL of a subnet, in a list."""
    return [
        acl for acl in ec2.network_acls.values() if any(one.subnet_id == subnet for one in acl._associations.values())
    ]


def lets_in(region: str, subnets: Iterable[str], port: int, source: str) -> bool:
    """Whether the ACL of one of the subnets at least allows the port from an address."""
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    acls = [acls_of(ec2, subnet) for subnet in subnets]
    return not acls or any(all(allows(acl.network_acl_entries, port, source) for acl in found) for found in acls)


def allows(entries: list[Any], port: int, source: str) -> bool:
    """What the ingress rules of an ACL say of a TCP port and a source address."""
    inbound = [one for one in entries if str(one.egress).lower() != "true"]
    for entry in sorted(inbound, key=lambda one: int(one.rule_number)):
        if str(entry.protocol) not in TCP:
            continue
        if address(source) not in network(entry.cidr_block or "0.0.0.0/0"):
            continue
        if str(entry.protocol) != "-1" and entry.port_range_from is not None:
            if not int(entry.port_range_from) <= port <= int(entry.port_range_to):
                continue
        return entry.rule_action == "allow"
    return False


def accesses() -> dict[str, tuple[bool, bool]]:
    """{region: (a security group lets new connections in, an ACL denies all)} of every region's clusters."""
    found = {}
    for region, backend in rds_backends[DEFAULT_ACCOUNT_ID].items():
        for cluster in backend.clusters.values():
            found[region] = (not is_cut_off(cluster), is_denied(cluster))
    return found


def capacities() -> dict[str, int]:
    """{region: how many run} of the instances of Auto Scaling groups and the tasks of ECS services."""
    found: Counter[str] = Counter()
    for region, backend in autoscaling_backends[DEFAULT_ACCOUNT_ID].items():
        for group in backend.autoscaling_groups.values():
            found[region] += len(group.active_instances())
    for region, backend in ecs_backends[DEFAULT_ACCOUNT_ID].items():
        for service in backend.services.values():
            found[region] += service.running_count if service.status == "ACTIVE" else 0
    return dict(found)


def addresses() -> dict[str, dict[str, Any]]:
    """{region: {database, port, is_writer, load_balancer}}: the addresses that the lab's DNS answers."""
    from lab.elb import load_balancers
    from lab.rds_names import address_of
    from lab.services.rds_global import membership

    balancers = {one.region: one.address for one in load_balancers()}
    found = {}
    for region, backend in rds_backends[DEFAULT_ACCOUNT_ID].items():
        for cluster in (one for one in backend.clusters.values() if one.members):
            _, member = membership(cluster)
            found[region] = {
                # One server stands for all instances of a cluster.
                "database": address_of((cluster.writer or cluster.members[0]).address.lower()),
                "port": int(cluster.port),
                "is_writer": bool(member and member.is_writer),
                "load_balancer": balancers.get(region),
            }
    return found
