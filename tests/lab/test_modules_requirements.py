# SPDX-License-Identifier: GPL-3.0-or-later
"""rds_cluster_requirements_info against the lab: each thing without which a replacement could not be created."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.requirements import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from tests.lab.global_database import VERSION, Global
from tests.lab.in_process import EAST, WEST, Aws

FAMILY, NAME = "aurora-mysql8.0", "groups"


@pytest.fixture
def region(aws: Aws) -> Aws:
    """A secondary in the second region, and the groups of what would replace it."""
    Global(aws, EAST, WEST)
    rds, ec2 = aws.client("rds", WEST), aws.client("ec2", WEST)
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"][:2]]
    rds.create_db_subnet_group(DBSubnetGroupName=NAME, DBSubnetGroupDescription="d", SubnetIds=subnets)
    kinds = {"DBParameterGroupFamily": FAMILY, "Description": "d"}
    rds.create_db_cluster_parameter_group(DBClusterParameterGroupName=NAME, **kinds)
    rds.create_db_parameter_group(DBParameterGroupName=NAME, **kinds)
    return aws


def ask(aws: Aws, **given: Any) -> dict[str, Any]:
    params = {
        "region": WEST,
        "db_cluster_identifier": f"c-{WEST}",
        "engine": "aurora-mysql",
        "engine_version": VERSION,
        "db_subnet_group_name": NAME,
        "db_cluster_parameter_group_name": NAME,
        "db_parameter_group_name": NAME,
        "instance_count": 1,
    }
    return run(params | given, lambda service, region: aws.client(service, region))


def without(kind: str, **name: str) -> Callable[[Aws], None]:
    return lambda aws: getattr(aws.client("rds", WEST), f"delete_db_{kind}")(**name)


GONE: list[tuple[Callable[[Aws], Any], dict[str, Any], str]] = [
    (lambda aws: aws.settings(calendar_date="2029-08-01"), {}, f"aurora-mysql {VERSION} is not offered"),
    (lambda aws: aws.settings(withheld_versions=[f"{WEST} {VERSION}"]), {}, f"aurora-mysql {VERSION} is not offered"),
    (without("subnet_group", DBSubnetGroupName=NAME), {}, "the subnet group groups does not exist"),
    (
        without("cluster_parameter_group", DBClusterParameterGroupName=NAME),
        {},
        "the cluster parameter group groups does not exist",
    ),
    (without("parameter_group", DBParameterGroupName=NAME), {}, "the parameter group groups does not exist"),
    (lambda _aws: None, {"engine_version": "8.4.mysql_aurora.8.4.7"}, f"is of the family {FAMILY}, the version needs"),
    (lambda aws: aws.settings(db_instances_max=1), {"instance_count": 2}, "the quota DBInstances of 1 has room for 0"),
    (
        lambda aws: aws.settings(db_clusters_max=1),
        {"db_cluster_identifier": "gone-already"},
        "the quota DBClusters of 1 has room for 0, needed: 1",
    ),
]


@pytest.mark.parametrize(("spoil", "given", "words"), GONE)
def test_a_replacement_that_cannot_be_created_is_refused(
    region: Aws, spoil: Callable[[Aws], Any], given: dict[str, Any], words: str
) -> None:
    assert ask(region)["reason"] == f"c-{WEST} can be created in {WEST}."
    spoil(region)
    with pytest.raises(Refused, match="Nothing has been deleted") as refusal:
        ask(region, **given)
    assert words in str(refusal.value)
