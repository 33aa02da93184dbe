# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of RDS: the global writer endpoint follows the writer, later than the writer itself."""

from __future__ import annotations

import ipaddress

import dns.message
import dns.rcode
import pytest

from lab import route53
from lab.clock import CLOCK
from lab.dns import respond
from tests.lab.global_database import Global
from tests.lab.in_process import EAST, WEST, Aws

DNS_CHANGED = "Aurora finished changing the DNS name that the global writer endpoint resolves to."


@pytest.fixture
def pair(aws: Aws) -> Global:
    return Global(aws, EAST, WEST)


def asked(name: str) -> dns.message.Message:
    return dns.message.from_wire(respond(dns.message.make_query(name, "A").to_wire()))


def leads_to(name: str) -> list[str]:
    """The names and the address that a name leads to, in order."""
    return [item.to_text().rstrip(".") for rrset in asked(name).answer for item in rrset]


def test_the_global_endpoint_is_a_name_of_the_writers_cluster_endpoint(pair: Global) -> None:
    whole, own = pair.read()["Endpoint"], pair.cluster(EAST)["Endpoint"]
    first, instance, address = leads_to(whole)
    assert first == own and instance.startswith(f"c-{EAST}-0.") and leads_to(own) == [instance, address]
    assert ipaddress.ip_address(address) in ipaddress.ip_network("127.128.0.0/10")
    assert {rrset.ttl for rrset in asked(whole).answer} == {5}
    assert route53.resolve(whole)["values"] == [address] and own in route53.resolve(whole)["text"]


def test_a_readers_endpoint_leads_to_a_reader_and_to_the_writer_where_there_is_no_other(pair: Global) -> None:
    reader = pair.cluster(EAST)["ReaderEndpoint"]
    assert leads_to(reader)[0].startswith(f"c-{EAST}-0.")
    pair.aws.client("rds", EAST).create_db_instance(
        DBInstanceIdentifier="other",
        DBClusterIdentifier=f"c-{EAST}",
        Engine="aurora-mysql",
        DBInstanceClass="db.r6g.large",
    )
    assert leads_to(reader)[0].startswith("other.")
    assert leads_to(pair.cluster(WEST)["ReaderEndpoint"])[0].startswith(f"c-{WEST}-0.")


def test_a_secondary_has_no_address_to_write_to_and_a_cluster_that_is_gone_no_name(pair: Global) -> None:
    for name in (pair.cluster(WEST)["Endpoint"], "gone.cluster-abc.us-east-1.rds.amazonaws.com"):
        assert asked(name).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("is_planned", [True, False])
def test_the_global_endpoint_follows_the_writer_later_than_the_writer_moves(pair: Global, is_planned: bool) -> None:
    pair.aws.settings(endpoint_dns_s=600)
    whole = pair.read()["Endpoint"]
    old, new = (pair.cluster(region)["Endpoint"] for region in (EAST, WEST))
    if is_planned:
        pair.switch_over(WEST, called_in=EAST)
    else:
        pair.aws.lose(EAST)
        pair.fail_over(WEST, AllowDataLoss=True)
    pair.wait_idle()
    assert pair.writer() == WEST
    assert (leads_to(whole)[0], len(leads_to(new))) == (old, 2)
    events = pair.aws.client("rds", WEST).describe_events
    assert DNS_CHANGED not in [one["Message"] for one in events()["Events"]]
    CLOCK.advance(600)
    assert leads_to(whole)[0] == new
    assert [one["Message"] for one in events()["Events"]].count(DNS_CHANGED) == 1


def test_a_lost_region_takes_no_name_with_it(pair: Global) -> None:
    whole = pair.read()["Endpoint"]
    before = leads_to(whole)
    pair.aws.lose(EAST)
    assert leads_to(whole) == before


def test_the_global_endpoint_does_not_follow_a_cluster_that_is_detached(pair: Global) -> None:
    whole, old = pair.read()["Endpoint"], pair.cluster(EAST)["Endpoint"]
    pair.aws.client("rds", WEST).remove_from_global_cluster(
        GlobalClusterIdentifier="g", DbClusterIdentifier=pair.arns[WEST]
    )
    pair.aws.wait(lambda: len(pair.read()["GlobalClusterMembers"]) == 1)
    assert (leads_to(whole)[0], len(leads_to(pair.cluster(WEST)["Endpoint"]))) == (old, 2)
