# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Find the layers that have some tags. Changes nothing.

One call finds all but the global clusters in a region: "GetResources" of the Resource Groups Tagging API Reference,
which may still return what has been deleted. A global cluster is of no region, and its tags are in the answer of
DescribeGlobalClusters (RDS API Reference).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.adoption import MANAGED_BY, MANAGER
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_layers import (
    BALANCER,
    BUCKET,
    TABLE,
    TARGET,
    has_tags,
)

TAGGING = "resourcegroupstaggingapi"
# The ARN of each, with its name ("Service Authorization Reference", the resource types of each service).
ARNS = {
    BALANCER: re.compile(r"arn:[^:]+:elasticloadbalancing:.+:loadbalancer/app/([^/]+)/[^/]+"),
    TARGET: re.compile(r"arn:[^:]+:elasticloadbalancing:.+:targetgroup/([^/]+)/[^/]+"),
    TABLE: re.compile(r"arn:[^:]+:dynamodb:.+:table/([^/]+)"),
    BUCKET: re.compile(r"arn:[^:]+:s3:::([^/]+)"),
}
SERVICES = ["dynamodb", "elasticloadbalancing", "s3"]

Tags = Mapping[str, Any]


@aws_call("GetResources")
def get_resources(client: Any, tags: Tags) -> list[dict[str, Any]]:
    """Return {ResourceARN, Tags} of what has all the tags in the client's region, of SERVICES."""
    filters = [{"Key": name, "Values": [str(value)]} for name, value in tags.items()]
    pages = client.get_paginator("get_resources").paginate(TagFilters=filters, ResourceTypeFilters=SERVICES)
    return [one for page in pages for one in page["ResourceTagMappingList"]]


@aws_call("DescribeGlobalClusters")
def get_global_clusters(client: Any) -> list[dict[str, Any]]:
    """Return all GlobalClusters of the API."""
    return [
        one for page in client.get_paginator("describe_global_clusters").paginate() for one in page["GlobalClusters"]
    ]


@aws_call("DescribeDBClusters")
def get_clusters(client: Any) -> list[dict[str, Any]]:
    """Return all DBClusters of the API in the client's region."""
    return [one for page in client.get_paginator("describe_db_clusters").paginate() for one in page["DBClusters"]]


def tags_in(listed: list[dict[str, str]]) -> dict[str, str]:
    """Return a list of tags of the API as {key: value}. Pure."""
    return {one["Key"]: one["Value"] for one in listed}


def read_tagged_global_clusters(client: Any, tags: Tags) -> list[str]:
    """Return the identifiers of the global clusters that have the tags, or whose cluster in the client's region has."""
    tagged = {one["DBClusterArn"] for one in get_clusters(client) if has_tags(tags_in(one.get("TagList", [])), tags)}
    return sorted(
        one["GlobalClusterIdentifier"]
        for one in get_global_clusters(client)
        if has_tags(tags_in(one.get("TagList", [])), tags)
        or any(member["DBClusterArn"] in tagged for member in one["GlobalClusterMembers"])
    )


def read_tagged_layers(client: Any, tags: Tags) -> dict[str, list[str]]:
    """Return {BALANCER, TARGET, TABLE and BUCKET: names} of what has the tags and is not of this collection."""
    found: dict[str, set[str]] = {layer: set() for layer in ARNS}
    for one in get_resources(client, tags):
        if has_tags(tags_in(one["Tags"]), {MANAGED_BY: MANAGER}):
            continue
        for layer, arn in ARNS.items():
            if match := arn.fullmatch(one["ResourceARN"]):
                found[layer].add(match[1])
    return {layer: sorted(names) for layer, names in found.items()}
