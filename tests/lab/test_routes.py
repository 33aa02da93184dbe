# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Route tables and gateway endpoints as EC2 keeps them, and our module that changes them under a watcher."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._network.route_tables import run
from lab.client import Lab
from tests.lab.failover_platform import EAST, clients_of
from tests.lab.in_process import Aws, refused

S3 = f"com.amazonaws.{EAST}.s3"
WAY_OUT = "0.0.0.0/0"


class Network:
    """A VPC with two private subnets that share a table with a NAT gateway and the endpoint of S3."""

    def __init__(self, ec2: Any) -> None:
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
            for number in range(2)
        ]
        self.shared = self.table()
        for subnet in self.subnets:
            ec2.associate_route_table(SubnetId=subnet, RouteTableId=self.shared)
        made = ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName=S3, RouteTableIds=[self.shared])
        self.endpoint = made["VpcEndpoint"]["VpcEndpointId"]

    def table(self) -> str:
        """A route table with a NAT gateway of its own."""
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        gateway = self.ec2.create_nat_gateway(SubnetId=self.subnets[0], ConnectivityType="private")["NatGateway"]
        route = {"DestinationCidrBlock": WAY_OUT, "NatGatewayId": gateway["NatGatewayId"]}
        self.ec2.create_route(RouteTableId=table, **route)
        return table

    def routes(self, table: str) -> set[tuple[str | None, str]]:
        """{(destination, state)}; None for a prefix list."""
        (found,) = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return {(one.get("DestinationCidrBlock"), one["State"]) for one in found["Routes"]}


@pytest.fixture
def network(aws: Aws) -> Network:
    return Network(aws.client("ec2", EAST))


def test_an_endpoints_route_comes_and_goes_with_its_tables(network: Network) -> None:
    ec2, table = network.ec2, network.table()
    assert (None, "active") in network.routes(network.shared) and (None, "active") not in network.routes(table)
    ec2.modify_vpc_endpoint(VpcEndpointId=network.endpoint, AddRouteTableIds=[table])
    assert (None, "active") in network.routes(table)
    ec2.modify_vpc_endpoint(VpcEndpointId=network.endpoint, RemoveRouteTableIds=[table])
    assert (None, "active") not in network.routes(table)


def test_a_second_endpoint_for_the_same_table_is_refused(network: Network) -> None:
    wanted = {"VpcId": network.vpc, "ServiceName": S3, "RouteTableIds": [network.table(), network.shared]}
    refused("RouteAlreadyExists", lambda: network.ec2.create_vpc_endpoint(**wanted))
    assert len(network.ec2.describe_vpc_endpoints()["VpcEndpoints"]) == 1


def test_the_route_to_a_deleted_nat_gateway_leads_nowhere(network: Network) -> None:
    (gateway,) = network.ec2.describe_nat_gateways()["NatGateways"]
    network.ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    assert (WAY_OUT, "blackhole") in network.routes(network.shared)


def test_each_subnet_gets_its_own_table_and_back_without_a_moment_without_routes(lab: Lab) -> None:
    network, clients = Network(lab.client("ec2", EAST)), clients_of(lab)
    own = [network.table(), network.table()]
    ways = [
        [{"route_table_id": table, "subnet_ids": [subnet]} for table, subnet in zip(own, network.subnets, strict=True)],
        [{"route_table_id": network.shared, "subnet_ids": network.subnets}],
    ]
    for associations in ways:
        earlier = len(lab.timeline())
        params = {"region": EAST, "vpc_id": network.vpc, "associations": associations}
        assert run({**params, "gateway_endpoint_ids": [network.endpoint]}, clients)["changed"] is True
        watched = lab.timeline()[earlier - 1 :]
        assert len(watched) > 2
        for entry in watched:
            for subnet in network.subnets:
                assert entry["routes"][EAST][subnet].keys() >= {WAY_OUT, S3}
    (endpoint,) = network.ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert endpoint["RouteTableIds"] == [network.shared]
