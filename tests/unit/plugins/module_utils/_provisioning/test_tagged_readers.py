# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Parts of a network are looked for in the VPC that its tags find, and everywhere only if no tags name it."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_readers import read_tagged

TIER, TEAM = {"Tier": "data"}, {"Team": "orders", "Stage": 1}


class Ec2:
    """The client; asked: {operation: filters} of its calls."""

    def __init__(self, *vpcs):
        self.vpcs, self.asked = vpcs, {}

    def get_paginator(self, operation):
        self.operation = operation
        return self

    def paginate(self, Filters):
        self.asked[self.operation] = Filters
        return [
            {
                "Vpcs": [{"VpcId": one} for one in self.vpcs],
                "Subnets": [{"SubnetId": "subnet-b"}, {"SubnetId": "subnet-a"}],
                "SecurityGroups": [{"GroupId": "sg-1"}],
                "NetworkAcls": [],
            }
        ]


def test_all_tags_must_fit_and_the_vpc_limits_the_rest():
    ec2 = Ec2("vpc-1")
    found = read_tagged(ec2, {"vpc": TEAM, "subnets": TIER, "network_acl": TIER, "security_group": {}})
    assert found == {"vpc": ["vpc-1"], "subnets": ["subnet-a", "subnet-b"], "network_acl": []}
    assert ec2.asked == {
        "describe_vpcs": [{"Name": "tag:Team", "Values": ["orders"]}, {"Name": "tag:Stage", "Values": ["1"]}],
        **dict.fromkeys(
            ("describe_subnets", "describe_network_acls"),
            [{"Name": "tag:Tier", "Values": ["data"]}, {"Name": "vpc-id", "Values": ["vpc-1"]}],
        ),
    }


def test_without_tags_of_the_vpc_all_of_the_region_is_searched():
    ec2 = Ec2()
    assert read_tagged(ec2, {"security_group": TIER}) == {"security_group": ["sg-1"]}
    assert ec2.asked == {"describe_security_groups": [{"Name": "tag:Tier", "Values": ["data"]}]}


def test_in_a_vpc_that_is_not_there_nothing_is_searched():
    ec2 = Ec2()
    assert read_tagged(ec2, {"vpc": TEAM, "subnets": TIER}) == {"vpc": [], "subnets": []}
    assert list(ec2.asked) == ["describe_vpcs"]
