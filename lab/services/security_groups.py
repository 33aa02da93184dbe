# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets through a load balancer's security groups, the prefix list of Route 53's checkers, and the quota of rules.

Follows: VPC User Guide, "AWS-managed prefix lists" (com.amazonaws.<region>.route53-healthchecks, weight 25) and "Amazon
VPC quotas" (60 inbound rules of a security group; a prefix list counts as its weight); EC2 API, "Error codes"
(RulesPerSecurityGroupLimitExceeded); Route 53 Developer Guide, "Configuring router and firewall rules for Route 53
health checks". A load balancer for which no security group was named lets everybody in: the lab's own stages name none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
from moto.elbv2.models import elbv2_backends

from lab.services.access import lets_in, network

RULES_A_DIRECTION = 60
WEIGHTS = {"route53-healthchecks": 25, "cloudfront.origin-facing": 55}
# Two of the ranges that AWS publishes (ip-ranges.json, ROUTE53_HEALTHCHECKS).
CHECKERS = ("54.183.255.128/26", "54.228.16.0/26")


def install() -> None:
    """Put the prefix list and the quota in place."""
    stock_lists, stock_ingress = EC2Backend.create_default_pls, EC2Backend.authorize_security_group_ingress

    def create_default_pls(self: Any) -> None:
        stock_lists(self)
        entries = [{"Cidr": cidr, "Description": "default"} for cidr in CHECKERS]
        self._create_aws_managed_prefix_list(f"com.amazonaws.{self.region_name}.route53-healthchecks", "IPv4", entries)

    def authorize_security_group_ingress(self: Any, *args: Any, **named: Any) -> Any:
        group = self.get_security_group_by_name_or_id(args[0] if args else named["group_name_or_id"])
        before = list(group.ingress_rules)
        answer = stock_ingress(self, *args, **named)
        if sum(weight(self, rule) for rule in group.ingress_rules) > RULES_A_DIRECTION:
            group.ingress_rules[:] = before
            raise EC2ClientError(
                "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
            )
        return answer

    stock_delete = EC2Backend.delete_vpc

    def delete_vpc(self: Any, vpc_id: str) -> Any:
        """EC2 API, DeleteVpc: everything in it must be gone, its security groups but the default one among it."""
        if any(group.name != "default" for group in self.groups[vpc_id].values()):
            raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return stock_delete(self, vpc_id)

    EC2Backend.delete_vpc = delete_vpc
    EC2Backend.create_default_pls = create_default_pls
    EC2Backend.authorize_security_group_ingress = authorize_security_group_ingress


def weight(backend: Any, rule: SecurityGroupRule) -> int:
    """How many rules a rule counts as."""
    prefixes = backend.managed_prefix_lists.get(rule.prefix_list_id)
    name = prefixes.prefix_list_name if prefixes else ""
    return next((count for ending, count in WEIGHTS.items() if name.endswith(ending)), 1)


def admits(region: str, arn: str, ports: Iterable[int], networks: Sequence[str]) -> bool:
    """Whether a load balancer's groups, and the network ACLs of its subnets, let all of these networks in on a port."""
    balancer, backend = elbv2_backends[DEFAULT_ACCOUNT_ID][region].load_balancers.get(arn), ec2_backends
    ports, subnets = list(ports), [one.id for one in balancer.subnets] if balancer else []
    first = [str(network(one)[0]) for one in networks]
    ports = [port for port in ports if all(lets_in(region, subnets, port, source) for source in first)]
    if not ports:
        return False
    named = list(balancer.security_groups or []) if balancer else []
    found = [group for one in named if (group := backend[DEFAULT_ACCOUNT_ID][region].get_security_group_from_id(one))]
    if not found:
        return True
    wanted = [network(one) for one in networks]
    return any(
        all(any(one.subnet_of(open_one) for open_one in _open(found, region, port)) for one in wanted) for port in ports
    )


def _open(groups: list[SecurityGroup], region: str, port: int) -> list[ipaddress.IPv4Network]:
    """The networks that may reach a port."""
    lists = ec2_backends[DEFAULT_ACCOUNT_ID][region].managed_prefix_lists
    cidrs: list[str] = []
    for rule in (rule for group in groups for rule in group.ingress_rules):
        covers = rule.ip_protocol == "-1" or int(rule.from_port or 0) <= port <= int(rule.to_port or 65535)
        if not covers or rule.ip_protocol not in ("tcp", "-1"):
            continue
        cidrs += [rule.cidr_ipv4] if rule.cidr_ipv4 else []
        prefixes = lists.get(rule.prefix_list_id)
        cidrs += [one["Cidr"] for entries in prefixes.entries.values() for one in entries] if prefixes else []
    return [network(cidr) for cidr in cidrs]
