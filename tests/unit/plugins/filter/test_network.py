# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises of the network filters."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.filter.network import (
    network_layout_problems,
    security_group_gaps,
    security_group_surplus,
    subnet_cidr,
)


@pytest.mark.parametrize(
    ("vpc", "prefix", "index", "wanted"),
    [
        ("10.0.0.0/16", 24, 0, "10.0.0.0/24"),
        ("10.1.0.0/16", 24, 11, "10.1.11.0/24"),
        ("10.1.0.0/16", 24, 255, "10.1.255.0/24"),
        ("172.16.0.0/20", 26, 3, "172.16.0.192/26"),
        ("10.0.0.0/24", 24, 0, "10.0.0.0/24"),
    ],
)
def test_cuts_the_numbered_subnet(vpc, prefix, index, wanted):
    assert subnet_cidr(vpc, prefix, index) == wanted


@pytest.mark.parametrize(
    ("vpc", "prefix", "index", "named"),
    [
        ("10.0.0.0/24", 24, 1, "0 to 0"),
        ("10.0.0.0/16", 24, 256, "0 to 255"),
        ("10.0.0.0/16", 24, -1, "-1"),
        ("10.0.0.0/16", 8, 0, "prefix 8"),
        ("10.0.0.0/16", 33, 0, "prefix 33"),
        ("10.0.0.5/16", 24, 0, "10.0.0.5/16"),
        ("somewhere", 24, 0, "somewhere"),
    ],
)
def test_refuses_what_does_not_fit_and_names_it(vpc, prefix, index, named):
    with pytest.raises(AnsibleFilterError, match=named):
        subnet_cidr(vpc, prefix, index)


SUBNET = {"tags": {"Name": "n-private-us-east-1a"}, "cidr_block": "10.0.10.0/24", "availability_zone": "us-east-1a"}


def test_a_network_in_use_may_grow_and_not_change():
    layout = {"n-private-us-east-1a": "10.0.10.0/24", "n-private-us-east-1b": "10.0.11.0/24"}
    assert network_layout_problems([], layout) == network_layout_problems([SUBNET], layout) == []
    (moved,) = network_layout_problems([SUBNET], {"n-private-us-east-1a": "10.0.20.0/24"})
    assert "10.0.20.0/24" in moved and "but is 10.0.10.0/24" in moved and "allowed" in moved
    (left_out,) = network_layout_problems([SUBNET], {"n-private-us-east-1b": "10.0.10.0/24"})
    assert "leave out us-east-1a" in left_out and "network_zone_count" in left_out


def test_rules_that_a_group_lacks_are_listed_and_those_of_a_group_that_is_to_be_made_are_not():
    wanted = {
        "load_balancer": {
            "ingress": [
                {"proto": "tcp", "ports": [80, 443], "cidr_ip": ["198.51.100.0/24"]},
                {"proto": "tcp", "ports": [443], "ip_prefix": ["pl-1"]},
            ],
            "egress": [{"proto": "tcp", "ports": [8080], "group_name": "n-application"}],
        },
        "database": {"ingress": [], "egress": []},
    }
    there = {
        "group_name": "n-load-balancer",
        "ip_permissions": [
            {
                "ip_protocol": "tcp",
                "from_port": 443,
                "ip_ranges": [{"cidr_ip": "198.51.100.0/24"}],
                "prefix_list_ids": [],
            },
        ],
        "ip_permissions_egress": [
            {"ip_protocol": "tcp", "from_port": 8080, "user_id_group_pairs": [{"group_id": "sg"}]}
        ],
    }
    assert security_group_gaps([], wanted) == []
    assert security_group_gaps([there], wanted) == [
        "n-load-balancer ingress tcp 443 pl-1",
        "n-load-balancer ingress tcp 80 198.51.100.0/24",
    ]


def test_rules_that_nobody_wants_are_listed_exactly_with_those_of_the_default_group():
    pair = [{"group_id": "sg-1"}]
    application = {
        "group_name": "n-application",
        "group_id": "sg-2",
        "ip_permissions": [
            {"ip_protocol": "tcp", "from_port": 8080, "to_port": 8080, "user_id_group_pairs": pair},
            {"ip_protocol": "tcp", "from_port": 22, "to_port": 25, "ip_ranges": [{"cidr_ip": "198.51.100.7/32"}]},
        ],
        "ip_permissions_egress": [{"ip_protocol": "-1", "ipv6_ranges": [{"cidr_ipv6": "::/0"}]}],
    }
    balancer = {"group_name": "n-load-balancer", "group_id": "sg-1", "ip_permissions": [], "ip_permissions_egress": []}
    fresh = {**application, "group_name": "default", "group_id": "sg-3", "ip_permissions": []}
    default = {**fresh, "tags": {"Project": "trading"}}
    wanted = {
        "load_balancer": {"ingress": [], "egress": []},
        "application": {"ingress": [{"proto": "tcp", "ports": [8080], "group_name": "n-load-balancer"}], "egress": []},
    }
    assert security_group_surplus([application, balancer, default], wanted) == [
        "default egress -1 all ports ::/0",
        "n-application egress -1 all ports ::/0",
        "n-application ingress tcp 22-25 198.51.100.7/32",
    ]
    assert security_group_surplus([fresh], wanted) == [], "those that AWS has made with the VPC"
    # A fenced database's ingress is not named, so it is left alone.
    assert security_group_surplus([application], {"application": {"egress": []}}) == [
        "n-application egress -1 all ports ::/0"
    ]
