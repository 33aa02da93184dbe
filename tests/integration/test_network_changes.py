# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the network that change on a platform in use: the lab's timeline has the routes after each call."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.aws import SUFFIX, name_points_at, wait_for_checkers

NETWORK = f"trading-{SUFFIX}"
PER_ZONE = ("--tags", "network", "-e", "network_nat_per_zone=true")


@pytest.fixture(scope="module")
def bare(platforms):
    """Two regions with a network and nothing else, for copying."""
    made = platforms.empty("us-east-1", "us-east-2", scale=20)
    with made.lab:
        made.run("site", "--tags", "network").ends_well()
        yield made


@pytest.fixture
def network(bare, tmp_path):
    """A copy of it to change."""
    with bare.lab.fork(tmp_path / "lab") as lab:
        yield replace(bare, lab=lab)


def lost_routes(timeline: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(region, subnet, destination) of the routes that were there first and last, but not at each moment between."""
    first, last = timeline[0]["routes"], timeline[-1]["routes"]
    return sorted(
        {
            (region, subnet, destination)
            for region, subnets in first.items()
            for subnet, before in subnets.items()
            for destination in before.keys() & last[region].get(subnet, {}).keys()
            for entry in timeline
            if destination not in entry["routes"].get(region, {}).get(subnet, {})
        }
    )


def subnets_of(platform, region: str) -> dict[str, dict[str, str]]:
    """{tier: {subnet: zone}} of the platform."""
    found = platform.lab.client("ec2", region).describe_subnets(
        Filters=[{"Name": "tag:Name", "Values": [f"{NETWORK}-*"]}]
    )["Subnets"]
    tiers: dict[str, dict[str, str]] = {}
    for subnet in found:
        tier = {tag["Key"]: tag["Value"] for tag in subnet["Tags"]}["Tier"]
        tiers.setdefault(tier, {})[subnet["SubnetId"]] = subnet["AvailabilityZone"]
    return tiers


def gateways_of(platform, region: str) -> dict[str, str]:
    """{NAT gateway: zone} of those that are available."""
    ec2 = platform.lab.client("ec2", region)
    found = ec2.describe_nat_gateways(Filter=[{"Name": "state", "Values": ["available"]}])["NatGateways"]
    zones = subnets_of(platform, region)["public"]
    return {one["NatGatewayId"]: zones[one["SubnetId"]] for one in found}


def change(platform, *options: str) -> list[dict[str, Any]]:
    """Run site.yml; the timeline from what was before to what is now."""
    earlier = len(platform.lab.timeline())
    platform.run("site", *options).ends_well()
    return platform.lab.timeline()[earlier - 1 :]


def assert_each_zone_has_its_own_way_out(platform) -> None:
    routes = platform.lab.timeline()[-1]["routes"]
    for region in platform.regions:
        gateways = gateways_of(platform, region)
        assert len(gateways) == 2
        for subnet, zone in subnets_of(platform, region)["private"].items():
            own = routes[region][subnet]
            assert gateways[own["0.0.0.0/0"]] == zone
            assert {f"com.amazonaws.{region}.{store}" for store in ("s3", "dynamodb")} < set(own)


@pytest.mark.nightly
def test_every_subnet_is_routed_while_each_zone_gets_its_own_nat_gateway(platform):
    assert lost_routes(change(platform, *PER_ZONE)) == []
    assert_each_zone_has_its_own_way_out(platform)


@pytest.mark.nightly
def test_nat_gateways_per_zone_come_and_go_without_a_moment_without_routes_and_leave_nothing_behind(platform):
    lab = platform.lab
    lab.settings(nat_gateway_create_s=60)
    before = {region: lab.client("ec2", region).describe_route_tables()["RouteTables"] for region in platform.regions}
    addresses = {region: lab.client("ec2", region).describe_addresses()["Addresses"] for region in platform.regions}
    calls = len(lab.calls())
    platform.run("site", *PER_ZONE, "--check").ends_well()
    assert [call for call in lab.calls()[calls:] if call["mutating"]] == []
    assert lost_routes(change(platform, *PER_ZONE)) == []
    assert_each_zone_has_its_own_way_out(platform)
    assert not any(platform.run("site", *PER_ZONE).ends_well().changed.values())
    assert lost_routes(change(platform, "--tags", "network")) == []
    for region in platform.regions:
        ec2 = lab.client("ec2", region)
        assert len(ec2.describe_route_tables()["RouteTables"]) == len(before[region])
        assert len(ec2.describe_addresses()["Addresses"]) == len(addresses[region])
        assert len(gateways_of(platform, region)) == 1
        assert {len(one["RouteTableIds"]) for one in ec2.describe_vpc_endpoints()["VpcEndpoints"]} == {3}
    assert not any(platform.run("site", "--tags", "network").ends_well().changed.values())


CHANGES = {
    "a third zone": {"network_zone_count": 3},
}


@pytest.mark.nightly
@pytest.mark.parametrize("options", CHANGES.values(), ids=CHANGES)
def test_an_option_that_changes_takes_no_route_away(network, options):
    given = ("--tags", "network", "-e", json.dumps(options))
    assert lost_routes(change(network, *given)) == []
    assert not any(network.run("site", *given).ends_well().changed.values())


SOME = {"network_client_cidrs": ["198.51.100.0/24"], "network_controller_cidrs": ["192.0.2.0/24"]}


@pytest.mark.nightly
def test_where_some_clients_are_let_in_so_are_checkers_and_controller(network):
    network.run("site", "--tags", "network", "-e", json.dumps(SOME)).ends_well()
    for region in network.regions:
        names = [{"Name": "group-name", "Values": [f"{NETWORK}-load-balancer"]}]
        (group,) = network.lab.client("ec2", region).describe_security_groups(Filters=names)["SecurityGroups"]
        let_in = {(rule["FromPort"], one["CidrIp"]) for rule in group["IpPermissions"] for one in rule["IpRanges"]}
        assert let_in == {(80, "198.51.100.0/24"), (443, "198.51.100.0/24"), (80, "192.0.2.0/24")}
        assert [rule["FromPort"] for rule in group["IpPermissions"] if rule["PrefixListIds"]] == [80]


@pytest.mark.nightly
def test_the_checkers_go_on_to_see_a_region_whose_clients_are_narrowed_and_so_does_the_probe(platform):
    lab = platform.lab
    platform.run("site", "--tags", "network", "-e", json.dumps(SOME)).ends_well()
    lab.advance(600)
    checks = lab.reachability()[-1]["checks"]
    (endpoints,) = [{name for name, found in checks.items() if found}]
    assert any("us-east-1" in name for name in endpoints) and any("us-east-2" in name for name in endpoints), checks
    assert name_points_at(lab) == "us-east-1"
    platform.run("switchover").ends_well()

    # The lab judges by the checkers' addresses: without their rule the same region counts as down.
    ec2 = lab.client("ec2", "us-east-2")
    names = [{"Name": "group-name", "Values": [f"{NETWORK}-load-balancer"]}]
    (group,) = ec2.describe_security_groups(Filters=names)["SecurityGroups"]
    theirs = [rule for rule in group["IpPermissions"] if rule["PrefixListIds"]]
    ec2.revoke_security_group_ingress(
        GroupId=group["GroupId"], IpPermissions=[{**rule, "IpRanges": []} for rule in theirs]
    )
    wait_for_checkers(lab, "us-east-2", "us-east-2")


REFUSED = {
    "another offset": ({}, {"network_private_offset": 30}, "is 10.0.10.0/24"),
    "another port": ({}, {"network_application_port": 9090}, "network_application_port is 9090; allowed: 8080"),
}


@pytest.mark.nightly
@pytest.mark.parametrize(("first", "then", "words"), REFUSED.values(), ids=REFUSED)
def test_what_a_network_in_use_cannot_become_is_refused_before_anything_is_changed(network, first, then, words):
    if first:
        network.run("site", "--tags", "network", "-e", json.dumps(first)).ends_well()
    calls = len(network.lab.calls())
    refused = network.run("site", "--tags", "network", "-e", json.dumps(then))
    assert refused.code != 0 and words in " ".join(refused.output.split())
    assert [call["operation"] for call in network.lab.calls()[calls:] if call["mutating"]] == []
