# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Attributes of a load balancer: set once, read back, others kept."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._network import load_balancer, prefix_lists
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error, no_answer

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/1"
WANTED = {"region": "us-east-1", "load_balancer_arn": ARN, "client_keep_alive_seconds": 60}


class Fake(FakeAws):
    """A load balancer, and the prefix lists of a region."""

    def __init__(self, failure=None):
        super().__init__()
        self.attributes = {"client_keep_alive.seconds": "3600", "idle_timeout.timeout_seconds": "60"}
        self.failure = failure

    def describe_load_balancer_attributes(self, region, LoadBalancerArn):
        if LoadBalancerArn != ARN:
            raise aws_error("LoadBalancerNotFound")
        return {"Attributes": [{"Key": key, "Value": value} for key, value in self.attributes.items()]}

    def modify_load_balancer_attributes(self, region, LoadBalancerArn, Attributes):
        self.attributes |= {one["Key"]: one["Value"] for one in Attributes}
        if self.failure:
            raise self.failure
        return {}

    def describe_managed_prefix_lists(self, region, Filters):
        there = {"a": "pl-1"}
        return {
            "PrefixLists": [
                {"PrefixListId": there[name], "PrefixListName": name} for name in Filters[0]["Values"] if name in there
            ]
        }


def test_the_attribute_is_set_once_and_others_are_kept():
    aws = Fake()
    done = load_balancer.run(WANTED, aws.clients)
    assert (done["changed"], done["diff"]["before"]) == (True, {"client_keep_alive.seconds": "3600"})
    assert aws.attributes == {"client_keep_alive.seconds": "60", "idle_timeout.timeout_seconds": "60"}
    assert load_balancer.run(WANTED, aws.clients)["changed"] is False
    assert load_balancer.run({**WANTED, "client_keep_alive_seconds": None}, aws.clients)["changed"] is False


def test_check_mode_changes_nothing_and_knows_no_load_balancer_yet():
    aws = Fake()
    assert load_balancer.run(WANTED, aws.clients, check_mode=True)["changed"] is True
    assert aws.attributes["client_keep_alive.seconds"] == "3600"
    absent = {**WANTED, "load_balancer_arn": f"{ARN}0"}
    assert load_balancer.run(absent, aws.clients, check_mode=True)["changed"] is True
    with pytest.raises(Refused, match="load_balancer_arn is .*10; allowed"):
        load_balancer.run(absent, aws.clients)


def test_a_lost_answer_is_read_back_and_a_refusal_is_an_error():
    assert load_balancer.run(WANTED, Fake(no_answer()).clients)["changed"] is True
    with pytest.raises(AwsCallError, match="AccessDenied"):
        load_balancer.run(WANTED, Fake(aws_error("AccessDenied")).clients)


def test_a_prefix_list_that_is_not_there_is_named():
    found = prefix_lists.run({"region": "us-east-1", "names": ["a"]}, Fake().clients)
    assert found["prefix_lists"] == [{"id": "pl-1", "name": "a"}]
    with pytest.raises(MultiRegionError, match="names has b; allowed"):
        prefix_lists.run({"region": "us-east-1", "names": ["a", "b"]}, Fake().clients)
