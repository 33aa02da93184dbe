# SPDX-License-Identifier: GPL-3.0-or-later
"""Global Accelerator in the lab: what its API refuses, when a change counts, and where clients arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.lab.stage import DOMAIN, Stage, wait

EAST, WEST = "us-east-1", "us-east-2"
HOME = "us-west-2"


class Edge:
    """An accelerator in front of the stage: all traffic to EAST."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.lab = stage, stage.lab
        self.api = stage.lab.client("globalaccelerator", HOME)
        made = self.api.create_accelerator(Name="edge", Tags=[{"Key": "a", "Value": "b"}])["Accelerator"]
        self.arn, self.dns_name = made["AcceleratorArn"], made["DnsName"]
        self.listener = self.api.create_listener(
            AcceleratorArn=self.arn, Protocol="TCP", PortRanges=[{"FromPort": 80, "ToPort": 80}]
        )["Listener"]["ListenerArn"]
        self.groups = {region: self.group(region, 100.0 * (region == EAST)) for region in stage.regions}
        self.deployed()

    def group(self, region: str, dial: float, **more: Any) -> str:
        endpoint = {"EndpointId": self.stage.balancers[region]["LoadBalancerArn"]}
        given = {"EndpointConfigurations": [endpoint], "TrafficDialPercentage": dial, **more}
        made = self.api.create_endpoint_group(ListenerArn=self.listener, EndpointGroupRegion=region, **given)
        return made["EndpointGroup"]["EndpointGroupArn"]

    def status(self) -> str:
        return self.api.describe_accelerator(AcceleratorArn=self.arn)["Accelerator"]["Status"]

    def deployed(self) -> None:
        assert wait(self.status, lambda now: now == "DEPLOYED") == "DEPLOYED"

    def dial(self, **percent: float) -> None:
        for region, value in percent.items():
            arn = self.groups[region.replace("_", "-")]
            self.api.update_endpoint_group(EndpointGroupArn=arn, TrafficDialPercentage=value)
        self.deployed()

    def region(self) -> str | None:
        """The region that a client of the name reaches now."""
        return self.lab.resolve(self.dns_name)["region"]


@pytest.fixture
def edge(stage: Stage) -> Edge:
    return Edge(stage)


def refusal(call: Callable[..., Any], **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return caught.value.response["Error"]["Code"]


def test_the_name_and_an_alias_answer_the_static_addresses(edge: Edge) -> None:
    addresses = edge.api.describe_accelerator(AcceleratorArn=edge.arn)["Accelerator"]["IpSets"][0]["IpAddresses"]
    target = {"HostedZoneId": "Z2BJ6XQ5FK7U4H", "DNSName": edge.dns_name, "EvaluateTargetHealth": False}
    edge.stage.put({"Name": DOMAIN, "Type": "A", "AliasTarget": target})
    for name in (edge.dns_name, DOMAIN):
        found = edge.lab.resolve(name)
        assert (found["region"], found["values"]) == (EAST, addresses)
    edge.dial(us_east_2=100, us_east_1=0)
    found = edge.lab.resolve(DOMAIN)
    assert (found["region"], found["values"]) == (WEST, addresses)


def test_a_change_counts_once_it_is_deployed(edge: Edge) -> None:
    edge.lab.settings(accelerator_deploy_s=100_000)
    edge.api.update_endpoint_group(EndpointGroupArn=edge.groups[WEST], TrafficDialPercentage=100)
    edge.api.update_endpoint_group(EndpointGroupArn=edge.groups[EAST], TrafficDialPercentage=0)
    assert (edge.status(), edge.region()) == ("IN_PROGRESS", EAST)
    edge.lab.advance(100_000)
    assert (edge.status(), edge.region()) == ("DEPLOYED", WEST)


def test_an_unhealthy_group_fails_over_whatever_the_dial_and_back_when_it_recovers(edge: Edge) -> None:
    edge.lab.outage(EAST, "hang")
    assert edge.region() == WEST
    edge.lab.restore(EAST)
    assert edge.region() == EAST


def test_a_weight_of_0_takes_no_failover_and_without_a_healthy_endpoint_it_fails_open(edge: Edge) -> None:
    endpoint = {"EndpointId": edge.stage.balancers[WEST]["LoadBalancerArn"], "Weight": 0}
    edge.api.update_endpoint_group(EndpointGroupArn=edge.groups[WEST], EndpointConfigurations=[endpoint])
    edge.deployed()
    edge.lab.outage(EAST, "hang")
    assert edge.region() == EAST


def test_dials_that_are_all_0_reach_nothing_and_a_disabled_accelerator_too(edge: Edge) -> None:
    edge.dial(us_east_1=0)
    assert edge.region() is None
    edge.dial(us_east_1=100)
    assert edge.region() == EAST
    edge.api.update_accelerator(AcceleratorArn=edge.arn, Enabled=False)
    edge.deployed()
    assert edge.region() is None


def test_a_dial_alone_keeps_the_endpoints_and_needs_no_region_but_its_own(edge: Edge) -> None:
    edge.lab.outage(WEST, "hang")
    edge.dial(us_east_2=40)
    group = edge.api.describe_endpoint_group(EndpointGroupArn=edge.groups[WEST])["EndpointGroup"]
    assert (group["TrafficDialPercentage"], len(group["EndpointDescriptions"])) == (40.0, 1)
    endpoint = {"EndpointId": edge.stage.balancers[WEST]["LoadBalancerArn"]}
    given = {"EndpointGroupArn": edge.groups[WEST], "EndpointConfigurations": [endpoint]}
    assert refusal(edge.api.update_endpoint_group, **given) == "InternalServiceErrorException"


def test_the_api_is_lost_with_its_region_and_the_edge_is_not(edge: Edge) -> None:
    edge.lab.outage(HOME, "5xx")
    assert refusal(edge.api.describe_accelerator, AcceleratorArn=edge.arn) == "ServiceUnavailableException"
    assert edge.region() == EAST
    assert refusal(edge.lab.client("globalaccelerator", EAST).list_accelerators) == "LabNoEndpoint"


def test_what_the_api_does_not_allow_is_refused(edge: Edge) -> None:
    api, west = edge.api, edge.stage.balancers[WEST]["LoadBalancerArn"]
    assert refusal(api.create_accelerator, Name="-edge") == "InvalidArgumentException"
    ports = [{"FromPort": 80, "ToPort": 90}, {"FromPort": 85, "ToPort": 85}]
    given = {"AcceleratorArn": edge.arn, "Protocol": "TCP", "PortRanges": ports}
    assert refusal(api.create_listener, **given) == "InvalidPortRangeException"
    own = {"EndpointGroupArn": edge.groups[EAST]}
    assert refusal(api.update_endpoint_group, **own, TrafficDialPercentage=101) == "InvalidArgumentException"
    assert refusal(api.update_endpoint_group, **own, HealthCheckIntervalSeconds=15) == "InvalidArgumentException"
    elsewhere = [{"EndpointId": west}]
    assert refusal(api.update_endpoint_group, **own, EndpointConfigurations=elsewhere) == "InvalidArgumentException"
    given = {"ListenerArn": edge.listener, "EndpointGroupRegion": EAST}
    assert refusal(api.create_endpoint_group, **given) == "EndpointGroupAlreadyExistsException"
    assert refusal(api.describe_endpoint_group, EndpointGroupArn=f"{edge.listener}/endpoint-group/x") == (
        "EndpointGroupNotFoundException"
    )


def test_it_is_deleted_from_the_inside_out_and_lets_go_of_the_network(edge: Edge) -> None:
    api, ec2 = edge.api, edge.lab.client("ec2", EAST)
    (interface, *_more) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    (group,) = interface["Groups"]
    assert (interface["Description"], group["GroupName"]) == ("GlobalAccelerator", "GlobalAccelerator")
    assert refusal(api.delete_accelerator, AcceleratorArn=edge.arn) == "AcceleratorNotDisabledException"
    assert refusal(api.delete_listener, ListenerArn=edge.listener) == "AssociatedEndpointGroupFoundException"
    edge.lab.settings(accelerator_deploy_s=100_000)
    for arn in edge.groups.values():
        api.delete_endpoint_group(EndpointGroupArn=arn)
    api.delete_listener(ListenerArn=edge.listener)
    given = {"AcceleratorArn": edge.arn, "Enabled": False}
    assert refusal(api.update_accelerator, **given) == "TransactionInProgressException"
    assert refusal(ec2.delete_subnet, SubnetId=interface["SubnetId"]) == "DependencyViolation"
    assert refusal(ec2.delete_security_group, GroupId=group["GroupId"]) == "DependencyViolation"
    edge.lab.advance(100_000)
    edge.lab.settings(accelerator_deploy_s=0)
    api.update_accelerator(**given)
    api.delete_accelerator(AcceleratorArn=edge.arn)
    assert api.list_accelerators()["Accelerators"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert refusal(ec2.delete_vpc, VpcId=interface["VpcId"]) == "DependencyViolation"
    ec2.delete_security_group(GroupId=group["GroupId"])


def test_a_list_shows_ten_at_a_time_and_a_token_creates_once(edge: Edge) -> None:
    for number in range(10):
        edge.api.create_accelerator(Name=f"more-{number}", IdempotencyToken=f"token-{number}")
    edge.api.create_accelerator(Name="more-0", IdempotencyToken="token-0")
    assert len(edge.api.list_accelerators()["Accelerators"]) == 10
    pages = edge.api.get_paginator("list_accelerators").paginate()
    assert len([one for page in pages for one in page["Accelerators"]]) == 11
