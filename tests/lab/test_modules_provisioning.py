# SPDX-License-Identifier: GPL-3.0-or-later
"""provisioning_plan_info against the lab: what it reads, and that it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning import look
from tests.lab.in_process import EAST, EUROPE, WEST, Aws

CIDRS = {EAST: "10.0.0.0/16", WEST: "10.1.0.0/16", EUROPE: "10.2.0.0/16"}
PARAMS = {
    "regions": list(CIDRS),
    "table_name": "trading-failover-dev",
    "vpc_name": "trading-dev",
    "vpc_cidrs": CIDRS,
    "secret_name": "s",
    "global_cluster_identifier": "trading-global-dev",
    "deadline": 20,
}


def judged(aws: Aws) -> dict[str, Any]:
    return look.run(PARAMS, aws.client)


def actions(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(row["region"], row["part"]): row["action"] for row in result["plan"]}


def test_on_an_empty_account_everything_is_created_and_nothing_is_refused(aws: Aws) -> None:
    result = judged(aws)
    assert (result["changed"], result["blockers"]) == (False, [])
    assert set(actions(result).values()) == {"created"} and len(result["plan"]) == 12


def test_named_resources_are_found_in_their_own_region_alone(aws: Aws) -> None:
    aws.client("s3", WEST).create_bucket(Bucket="audit-west", CreateBucketConfiguration={"LocationConstraint": WEST})
    aws.client("sns", EAST).create_topic(Name="alerts")
    names = {region: f"audit-{region.rpartition('-')[2]}" for region in CIDRS} | {WEST: "audit-west"}
    resources = {
        "audit": names,
        "monitoring": dict.fromkeys(CIDRS, "alerts"),
        "session_table": dict.fromkeys(CIDRS, "sessions"),
        "object_storage": dict.fromkeys(CIDRS, "no-such-bucket"),
        "application": dict.fromkeys(CIDRS, "asg"),
    }
    result = look.run({**PARAMS, "resources": resources, "layers": {"audit": [], "traffic": ["audit"]}}, aws.client)
    assert result["blockers"] == [] and result["awaited_layers"] == ["audit", "traffic"]
    there = {place for place, action in actions(result).items() if action != "created"}
    assert there == {(WEST, "audit"), (EAST, "monitoring")}


def test_a_region_without_the_name_of_a_resource_is_refused(aws: Aws) -> None:
    with pytest.raises(MultiRegionError, match="resources has no audit of us-east-2, eu-west-1; allowed: a name"):
        look.run({**PARAMS, "resources": {"audit": {EAST: "bucket"}}}, aws.client)


def test_a_replica_is_told_from_a_foreign_secret_of_the_name(aws: Aws) -> None:
    primary = aws.client("secretsmanager", EAST)
    primary.create_secret(Name="s", SecretString="ours")
    primary.replicate_secret_to_regions(SecretId="s", AddReplicaRegions=[{"Region": WEST}])
    aws.client("secretsmanager", EUROPE).create_secret(Name="s", SecretString="theirs")
    result = judged(aws)
    assert [(one["code"], one["region"]) for one in result["blockers"]] == [("secret_foreign", EUROPE)]
    assert actions(result)[WEST, "secret"] == "left_alone"


def test_vpcs_of_the_name_are_found_with_their_networks_and_others_are_not(aws: Aws) -> None:
    for region, cidr, name in (
        (EAST, CIDRS[EAST], "trading-dev"),
        (EAST, "10.8.0.0/16", "another"),
        (WEST, "10.9.0.0/16", "trading-dev"),
    ):
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": name}]}]
        aws.client("ec2", region).create_vpc(CidrBlock=cidr, TagSpecifications=tags)
    result = judged(aws)
    assert [(one["code"], one["region"]) for one in result["blockers"]] == [("vpc_cidr_differs", WEST)]
    assert actions(result)[EAST, "network"] == "changed", "it gets the peering with the region that has no VPC yet"
