# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Records of some names are replaced in one batch that Route 53 accepts, whichever region leaves the order."""

from __future__ import annotations

from unittest.mock import MagicMock

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import HOSTED_ZONES
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    ahead_check,
    build_records,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.failover_records import (
    changes_to,
    record_set,
    run,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.statements import (
    active_region,
    pairs,
    settled,
)

REGIONS = ("us-east-1", "us-east-2", "eu-west-1", "ap-southeast-1", "us-west-2")
DOMAIN = "trading.example.com"
ORDERS = st.permutations(REGIONS).flatmap(lambda order: st.integers(3, 5).map(lambda size: tuple(order[:size])))


def records_of(order):
    targets = {one: {"dns_name": f"{one}.elb", "zone_id": "Z1"} for one in order}
    found = {}
    for one in build_records(order, DOMAIN, "Z0", targets):
        check = {"health_check_id": one["check_name"]} if one["check_name"] else {}
        wanted = record_set({**one, **check})
        found[wanted["Name"], wanted["SetIdentifier"]] = wanted
    return found


def resolve(records, healthy):
    """The load balancer that the domain leads to. healthy: names of the checks that are."""
    name = DOMAIN
    while not name.endswith(".elb"):
        of_name = {one["Failover"]: one for one in records.values() if one["Name"] == name}
        primary = of_name["PRIMARY"]
        chosen = primary if primary["HealthCheckId"] in healthy else of_name["SECONDARY"]
        name = chosen["AliasTarget"]["DNSName"].removesuffix(".")
    return name.removesuffix(".elb")


@given(ORDERS, st.data())
def test_the_batch_leads_from_any_order_to_that_without_one_region(order, data):
    leaving = data.draw(st.sampled_from(order))
    before, wanted = records_of(order), records_of([one for one in order if one != leaving])
    there = dict(before)
    for change in changes_to(before, wanted):
        one = change["ResourceRecordSet"]
        key = (one["Name"], one["SetIdentifier"])
        if change["Action"] == "DELETE":
            assert there.pop(key) == one
            continue
        assert (key in there) == (change["Action"] == "UPSERT")
        there[key] = one
        # No name ever has two records of one role, not even inside the batch.
        assert sum((two["Name"], two["Failover"]) == (one["Name"], one["Failover"]) for two in there.values()) == 1
    assert there == wanted
    assert changes_to(wanted, wanted) == []


@given(ORDERS, st.data())
def test_the_traffic_of_a_switch_at_rest_stays_when_another_region_leaves(order, data):
    active = data.draw(st.sampled_from(order))
    leaving = data.draw(st.sampled_from([one for one in order if one != active]))
    rest = [one for one in order if one != leaving]
    view = settled(active, order)
    # What the regions say is the same before and after; only the records know of one region less.
    assert active_region(view, order) == active_region(view, rest) == active
    ahead = {(a, b) for a, b in pairs(order) if active in (a, b) and a == active}
    healthy = {ahead_check(a, b) for a, b in ahead}
    # Any result of a pair without the active region: it is not on the way.
    others = [pair for pair in pairs(order) if active not in pair]
    healthy |= {ahead_check(a, b) for a, b in data.draw(st.sets(st.sampled_from(others)))} if others else set()
    assert resolve(records_of(order), healthy) == resolve(records_of(rest), healthy) == active


def test_the_records_are_those_of_the_account_that_has_the_zone():
    clients = MagicMock()
    params = {"names": [DOMAIN], "records": [], "region": "us-east-1", "hosted_zone_id": "Z1", "wait_timeout": 1}
    assert run(params, clients, check_mode=True)["changed"] is False
    clients.assert_called_once_with(HOSTED_ZONES, "us-east-1")
