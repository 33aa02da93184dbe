# SPDX-License-Identifier: GPL-3.0-or-later
"""provisioning_plan_info against the lab: what it reads, and that it changes nothing."""

from __future__ import annotations

from typing import Any

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
    assert actions(result)[EAST, "network"] == "left_alone"
