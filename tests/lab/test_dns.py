# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS: a resolver that asks the lab gets what Route 53 would say."""

from __future__ import annotations

import ipaddress

import dns.resolver
import pytest

from lab.client import Lab
from tests.lab.stage import DOMAIN, Stage, wait

EAST, WEST = "us-east-1", "us-east-2"


def resolver(lab: Lab) -> dns.resolver.Resolver:
    made = dns.resolver.Resolver(configure=False)
    address, _, port = lab.env()["LAB_DNS_SERVER"].partition(":")
    made.nameservers, made.port, made.lifetime = [address], int(port), 3
    return made


def addresses(stage: Stage, name: str, tcp: bool = False) -> list[str]:
    return [item.address for item in resolver(stage.lab).resolve(name, "A", tcp=tcp)]


@pytest.mark.parametrize("tcp", [False, True])
def test_a_name_answers_with_the_address_of_its_load_balancer(stage: Stage, tcp: bool) -> None:
    stage.put(stage.alias(EAST))
    answer = resolver(stage.lab).resolve(DOMAIN, "A", tcp=tcp)
    assert answer.rrset.ttl == 60
    assert answer.response.flags & dns.flags.AA
    assert [item.address for item in answer] == addresses(stage, stage.balancers[EAST]["DNSName"])


def test_load_balancers_have_addresses_of_their_own_on_loopback(stage: Stage) -> None:
    (east,), (west,) = (addresses(stage, stage.balancers[region]["DNSName"]) for region in (EAST, WEST))
    assert east != west
    assert all(ipaddress.ip_address(one) in ipaddress.ip_network("127.64.0.0/10") for one in (east, west))


def test_the_answer_moves_with_the_health_checks(stage: Stage) -> None:
    check = stage.endpoint_check(EAST)
    stage.put(stage.failover("PRIMARY", EAST, check), stage.failover("SECONDARY", WEST))
    stage.settle(check)
    east, west = (addresses(stage, stage.balancers[region]["DNSName"]) for region in (EAST, WEST))
    assert addresses(stage, DOMAIN) == east
    stage.lab.outage(EAST)
    assert wait(lambda: addresses(stage, DOMAIN), lambda now: now == west) == west


def test_a_lost_regions_load_balancer_still_has_its_address(stage: Stage) -> None:
    name = stage.balancers[EAST]["DNSName"]
    before = addresses(stage, name)
    stage.lab.outage(EAST)
    stage.lab.outage("aws-global")
    assert addresses(stage, name) == before


def test_a_cname_is_followed(stage: Stage) -> None:
    stage.put(
        stage.alias(EAST),
        {"Name": f"www.{DOMAIN}", "Type": "CNAME", "TTL": 30, "ResourceRecords": [{"Value": DOMAIN}]},
    )
    answer = resolver(stage.lab).resolve(f"www.{DOMAIN}", "A")
    assert str(answer.canonical_name) == f"{DOMAIN}."
    assert [item.address for item in answer] == addresses(stage, DOMAIN)


def test_records_with_values_answer_with_them(stage: Stage) -> None:
    stage.put({"Name": f"note.{DOMAIN}", "Type": "TXT", "TTL": 300, "ResourceRecords": [{"Value": '"hello"'}]})
    stage.put({"Name": f"*.any.{DOMAIN}", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]})
    assert resolver(stage.lab).resolve(f"note.{DOMAIN}", "TXT")[0].strings == (b"hello",)
    assert addresses(stage, f"x.any.{DOMAIN}") == ["192.0.2.1"]


def test_the_zone_names_its_servers_and_its_authority(stage: Stage) -> None:
    servers = stage.route53.get_hosted_zone(Id=stage.zone_id)["DelegationSet"]["NameServers"]
    answer = resolver(stage.lab).resolve(DOMAIN, "NS")
    assert sorted(str(item.target) for item in answer) == sorted(f"{server}." for server in servers)
    assert resolver(stage.lab).resolve(DOMAIN, "SOA")[0].minimum == 86400


def test_what_is_not_there_is_distinguished(stage: Stage) -> None:
    stage.put(stage.alias(EAST))
    ask = resolver(stage.lab).resolve
    with pytest.raises(dns.resolver.NXDOMAIN):
        ask(f"nowhere.{DOMAIN}", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        ask(DOMAIN, "AAAA")
    with pytest.raises(dns.resolver.NXDOMAIN):
        ask("gone-1.us-east-1.elb.amazonaws.com", "A")
    with pytest.raises(dns.resolver.NoNameservers, match="REFUSED"):
        ask("example.org", "A")
