# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers: what they make of AWS's answers."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import facts
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import (
    describe_group,
    describe_targets,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.readers import describe_session_table
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.objects import get_statements
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    WEST,
    FakePlatform,
    arn_of,
)


@pytest.fixture
def aws():
    return FakePlatform()


def test_draining_targets_are_no_longer_registered(aws):
    states = ["healthy", "draining", "initial", "unused"]
    aws.describe_target_health = lambda region, **_: {
        "TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in states]
    }
    found = describe_targets(aws.clients("elbv2", WEST), "tg")
    assert (found["registered"], found["healthy"]) == (3, 1)


def test_what_does_not_exist_is_none_and_not_an_error(aws):
    aws.fail("describe_target_health", aws_error("TargetGroupNotFound"))
    aws.fail("describe_db_clusters", aws_error("DBClusterNotFoundFault"))
    aws.fail("describe_table", aws_error("ResourceNotFoundException"))
    assert describe_targets(aws.clients("elbv2", WEST), "tg") is None
    assert facts.read_cluster(aws.clients("rds", WEST), "c") is None
    assert describe_session_table(aws.clients("dynamodb", WEST), "t") is None
    assert get_statements(aws.clients("s3", WEST), "bucket", "key") is None
    assert describe_group(aws.clients("autoscaling", WEST), "nope") is None
    assert facts.read_global_cluster(aws.clients("rds", WEST), "another") is None


def test_an_operation_under_way_is_read_with_its_regions(aws):
    state = {
        "Status": "failing-over",
        "FromDbClusterArn": arn_of("rds", EAST, "cluster:a"),
        "ToDbClusterArn": arn_of("rds", WEST, "cluster:b"),
        "IsDataLossAllowed": True,
    }
    cluster = {"GlobalClusterIdentifier": "g", "GlobalClusterMembers": [], "FailoverState": state}
    aws.describe_global_clusters = lambda region, **_: {"GlobalClusters": [cluster]}
    found = facts.read_global_cluster(aws.clients("rds", WEST), "g")["failover_state"]
    assert (found["status"], found["from_region"], found["to_region"]) == ("failing-over", EAST, WEST)


def test_statements_are_found_whatever_stands_around_them(aws):
    aws.objects["control"] = "[b claims over a]\r\nnonsense\n[a yields to b]"
    assert get_statements(aws.clients("s3", WEST), "control", "k") == ["[a yields to b]", "[b claims over a]"]
