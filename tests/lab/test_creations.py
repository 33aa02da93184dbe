# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS takes minutes to make is shown as being made, and is not used before."""

from __future__ import annotations

import pytest

from tests.lab.in_process import EAST, WEST, Aws, refused

MINUTES = {name: 600 for name in ("cluster_create_s", "instance_create_s", "nat_gateway_create_s")}


@pytest.fixture
def ec2(aws: Aws):
    return aws.client("ec2", EAST)


@pytest.fixture
def rds(aws: Aws):
    return aws.client("rds", EAST)


def make_nat_gateway(ec2) -> tuple[str, str]:
    """Return (id, id of a route table of its VPC)."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]
    return gateway["NatGatewayId"], ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]


def nat_gateway_state(ec2, gateway: str) -> str:
    return ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]["State"]


def make_cluster(rds) -> None:
    rds.create_global_cluster(GlobalClusterIdentifier="g", Engine="aurora-mysql")
    rds.create_db_cluster(
        DBClusterIdentifier="c-1",
        GlobalClusterIdentifier="g",
        Engine="aurora-mysql",
        MasterUsername="admin",
        MasterUserPassword="not-secret",
    )


def cluster_status(rds) -> str:
    return rds.describe_db_clusters(DBClusterIdentifier="c-1")["DBClusters"][0]["Status"]


def make_instance(rds) -> None:
    rds.create_db_instance(
        DBInstanceIdentifier="i-1", DBClusterIdentifier="c-1", DBInstanceClass="db.r6g.large", Engine="aurora-mysql"
    )


def instance_status(rds) -> str:
    return rds.describe_db_instances(DBInstanceIdentifier="i-1")["DBInstances"][0]["DBInstanceStatus"]


def test_nothing_takes_time_unless_it_is_asked_for(ec2, rds) -> None:
    assert nat_gateway_state(ec2, make_nat_gateway(ec2)[0]) == "available"
    make_cluster(rds)
    assert cluster_status(rds) == "available"


def test_a_route_to_a_pending_nat_gateway_is_refused(aws: Aws, ec2) -> None:
    aws.settings(**MINUTES)
    gateway, table = make_nat_gateway(ec2)
    assert nat_gateway_state(ec2, gateway) == "pending"

    def route() -> dict:
        return ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway)

    refused("InvalidNatGatewayID.NotFound", route)
    aws.wait(lambda: nat_gateway_state(ec2, gateway), lambda state: state == "available")
    assert route()["Return"]


def test_a_secondary_waits_for_its_primary(aws: Aws, rds) -> None:
    aws.settings(**MINUTES)
    make_cluster(rds)
    west = aws.client("rds", WEST)

    def secondary() -> dict:
        return west.create_db_cluster(
            DBClusterIdentifier="c-2", GlobalClusterIdentifier="g", Engine="aurora-mysql", KmsKeyId="alias/aws/rds"
        )

    refused("InvalidDBClusterStateFault", secondary)
    aws.wait(lambda: cluster_status(rds), lambda status: status == "available")
    refused("InvalidDBClusterStateFault", secondary)
    make_instance(rds)
    aws.wait(lambda: instance_status(rds), lambda status: status == "available")
    assert secondary()["DBCluster"]["GlobalClusterIdentifier"] == "g"


def test_an_instance_is_shown_as_being_made(aws: Aws, rds) -> None:
    make_cluster(rds)
    aws.settings(**MINUTES)
    make_instance(rds)
    assert instance_status(rds) == "creating"


def test_a_load_balancer_is_provisioned_first(aws: Aws, ec2) -> None:
    aws.settings(load_balancer_create_s=600)
    elb = aws.client("elbv2", EAST)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{zone}.0/24", AvailabilityZone=f"{EAST}{letter}")["Subnet"]
        for zone, letter in enumerate("ab")
    ]
    elb.create_load_balancer(Name="lb", Subnets=[subnet["SubnetId"] for subnet in subnets])

    def state() -> str:
        return elb.describe_load_balancers(Names=["lb"])["LoadBalancers"][0]["State"]["Code"]

    assert state() == "provisioning"
    aws.wait(state, lambda now: now == "active")


def test_quotas_are_shown_and_kept(aws: Aws, rds) -> None:
    aws.settings(db_clusters_max=1, db_instances_max=1)
    make_cluster(rds)
    make_instance(rds)
    shown = {one["AccountQuotaName"]: one for one in rds.describe_account_attributes()["AccountQuotas"]}
    assert (shown["DBClusters"]["Used"], shown["DBInstances"]["Max"]) == (1, 1)
    another = {"DBClusterIdentifier": "c-2", "Engine": "aurora-mysql"}
    refused("DBClusterQuotaExceededFault", rds.create_db_cluster, **another)
    instance = {"DBInstanceIdentifier": "i-2", "DBClusterIdentifier": "c-1", "DBInstanceClass": "db.r6g.large"}
    refused("InstanceQuotaExceeded", rds.create_db_instance, **instance, Engine="aurora-mysql")
