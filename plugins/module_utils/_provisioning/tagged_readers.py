# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Find the parts of a network that have some tags. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged import (
    ACL,
    GROUP,
    SUBNETS,
    VPC,
)

Filters = list[dict[str, Any]]


@aws_call("DescribeVpcs")
def get_vpcs(client: Any, filters: Filters) -> list[str]:
    """Return the ids of VPCs."""
    pages = client.get_paginator("describe_vpcs").paginate(Filters=filters)
    return sorted(one["VpcId"] for page in pages for one in page["Vpcs"])


@aws_call("DescribeSubnets")
def get_subnets(client: Any, filters: Filters) -> list[str]:
    """Return the ids of subnets."""
    pages = client.get_paginator("describe_subnets").paginate(Filters=filters)
    return sorted(one["SubnetId"] for page in pages for one in page["Subnets"])


@aws_call("DescribeSecurityGroups")
def get_security_groups(client: Any, filters: Filters) -> list[str]:
    """Return the ids of security groups."""
    pages = client.get_paginator("describe_security_groups").paginate(Filters=filters)
    return sorted(one["GroupId"] for page in pages for one in page["SecurityGroups"])


@aws_call("DescribeNetworkAcls")
def get_network_acls(client: Any, filters: Filters) -> list[str]:
    """Return the ids of network ACLs."""
    pages = client.get_paginator("describe_network_acls").paginate(Filters=filters)
    return sorted(one["NetworkAclId"] for page in pages for one in page["NetworkAcls"])


# The VPC first: the others are looked for in it.
FINDERS: dict[str, Callable[[Any, Filters], list[str]]] = {
    VPC: get_vpcs,
    SUBNETS: get_subnets,
    GROUP: get_security_groups,
    ACL: get_network_acls,
}


def filters_of(tags: Mapping[str, Any]) -> Filters:
    """Return the filters that all the tags must fit. Pure."""
    return [{"Name": f"tag:{name}", "Values": [str(value)]} for name, value in tags.items()]


def read_tagged(client: Any, tags: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return {part: [ids]} of what has the tags; the other parts of the VPCs that its tags find, if it has any."""
    found: dict[str, list[str]] = {}
    for part, find in FINDERS.items():
        vpcs = found.get(VPC) if part != VPC else None
        if not tags.get(part):
            continue
        place = [] if vpcs is None else [{"Name": "vpc-id", "Values": vpcs}]
        # AWS takes no filter without a value: in no VPC there is nothing.
        found[part] = [] if vpcs == [] else find(client, [*filters_of(tags[part]), *place])
    return found
