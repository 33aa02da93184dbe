# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers of quotas and of the regions that the account may use; shapes in _readiness/seen.py.

Sources: Service Quotas, "EC2-VPC Elastic IPs" and "VPCs per Region" ("Amazon VPC quotas" of the Amazon VPC User Guide);
GetAccountLimit of the Amazon Route 53 API Reference; DescribeRegions of the Amazon EC2 API Reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)

# Service and code of the quotas.
ELASTIC_IPS = ("ec2", "L-0263D0A3")
VPCS = ("vpc", "L-F678F1CE")
HEALTH_CHECKS = "MAX_HEALTH_CHECKS_BY_OWNER"


@aws_call("GetServiceQuota")
def get_limit(client: Any, service: str, code: str) -> float:
    """Return a quota's value."""
    return float(client.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])


@aws_call("DescribeAddresses")
def count_addresses(client: Any) -> int:
    """Return how many Elastic IP addresses the account has in the region."""
    return len(client.describe_addresses()["Addresses"])


@aws_call("DescribeVpcs")
def count_vpcs(client: Any) -> int:
    """Return how many VPCs the account has in the region."""
    pages = client.get_paginator("describe_vpcs").paginate()
    return sum(len(page["Vpcs"]) for page in pages)


def read_elastic_ip_quota(quotas: Any, ec2: Any) -> dict[str, float]:
    """Return the fact ``elastic_ip_quota``."""
    return {"limit": get_limit(quotas, *ELASTIC_IPS), "used": count_addresses(ec2)}


def read_vpc_quota(quotas: Any, ec2: Any) -> dict[str, float]:
    """Return the fact ``vpc_quota``."""
    return {"limit": get_limit(quotas, *VPCS), "used": count_vpcs(ec2)}


@aws_call("GetAccountLimit")
def read_health_check_quota(client: Any) -> dict[str, float]:
    """Return the fact ``health_check_quota``."""
    found = client.get_account_limit(Type=HEALTH_CHECKS)
    return {"limit": found["Limit"]["Value"], "used": found["Count"]}


@aws_call("DescribeRegions")
def describe_regions(client: Any) -> dict[str, str]:
    """Return {region: OptInStatus} of all regions, also of those that the account has not enabled."""
    return {one["RegionName"]: one["OptInStatus"] for one in client.describe_regions(AllRegions=True)["Regions"]}


def read_opt_in(clients: Any, regions: Iterable[str]) -> dict[str, str]:
    """Return the fact ``region_opt_in``, from the first region that responds."""
    failure: MultiRegionError = MultiRegionError("there is no region to query")
    for region in regions:
        try:
            return describe_regions(clients("ec2", region))
        except AwsCallError as error:
            failure = error
    raise failure
