# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Subnets change their route tables in an order in which each has all its routes, whatever the tables were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._network import route_tables
from ansible_collections.trading.multi_region.plugins.module_utils._network.route_tables import (
    endpoint_changes,
    run,
    wanted_tables,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error, no_answer

SUBNETS = tuple(f"subnet-{number:08d}" for number in range(3))
TABLES = tuple(f"rtb-{number:08d}" for number in range(4))
ENDPOINT = "vpce-00000000"
VPC = {"vpc_id": "vpc-00000000"}


class FakeEc2:
    """Route tables whose endpoint routes follow the endpoint; ``bare`` has the subnets that once had none."""

    def __init__(self, tables, connected):
        self.tables = dict(tables)
        self.connected = set(connected)
        self.bare = set()

    def look(self):
        self.bare |= {subnet for subnet, table in self.tables.items() if table not in self.connected}


def pages(fake, operation):
    """Answer like the paginators."""

    class Paginator:
        def paginate(self, Filters):
            if operation == "describe_vpc_endpoints":
                return [{"VpcEndpoints": [{"VpcEndpointId": ENDPOINT, "RouteTableIds": sorted(fake.connected)}]}]
            shown = [
                {
                    "RouteTableId": table,
                    "Associations": [
                        {"SubnetId": subnet, "RouteTableAssociationId": f"a-{subnet}-{table}"}
                        for subnet, own in fake.tables.items()
                        if own == table
                    ],
                }
                for table in TABLES
            ]
            return [{"RouteTables": shown}]

    return Paginator()


class Client:
    """The calls that the module makes."""

    def __init__(self, fake, failing=()):
        self.fake = fake
        self.failing = list(failing)
        self.calls = []

    def get_paginator(self, name):
        return pages(self.fake, name)

    def replace_route_table_association(self, AssociationId, RouteTableId):
        subnet = next(one for one, own in self.fake.tables.items() if AssociationId == f"a-{one}-{own}")
        self._do("replace", lambda: self.fake.tables.update({subnet: RouteTableId}))

    def associate_route_table(self, SubnetId, RouteTableId):
        self._do("associate", lambda: self.fake.tables.update({SubnetId: RouteTableId}))

    def modify_vpc_endpoint(self, VpcEndpointId, AddRouteTableIds=(), RemoveRouteTableIds=()):
        self._do("add" if AddRouteTableIds else "remove", lambda: self._connect(AddRouteTableIds, RemoveRouteTableIds))

    def _connect(self, added, removed):
        self.fake.connected = (self.fake.connected | set(added)) - set(removed)

    def _do(self, name, act):
        self.calls.append(name)
        act()
        self.fake.look()
        if self.failing:
            raise self.failing.pop(0)


def params(wanted):
    by_table = {}
    for subnet, table in wanted.items():
        by_table.setdefault(table, []).append(subnet)
    associations = [{"route_table_id": table, "subnet_ids": subnets} for table, subnets in by_table.items()]
    return {**VPC, "associations": associations, "gateway_endpoint_ids": [ENDPOINT]}


placed = st.dictionaries(st.sampled_from(SUBNETS), st.sampled_from(TABLES), min_size=1)


@given(before=placed, wanted=placed)
def test_no_subnet_is_without_the_endpoints_route_at_any_moment_and_a_second_run_changes_nothing(before, wanted):
    fake = FakeEc2(before, set(before.values()))
    client = Client(fake)
    done = run(params(wanted), lambda *_: client)
    assert fake.tables == {**before, **wanted} == done["associations"]
    assert fake.bare == set()
    assert fake.connected == set(fake.tables.values()) | set(wanted.values())
    assert done["moved"] == sorted(one for one in wanted if before.get(one) != wanted[one])
    calls = len(client.calls)
    again = run(params(wanted), lambda *_: client)
    assert (again["changed"], client.calls[calls:]) == (False, [])


@given(before=placed, wanted=placed)
def test_check_mode_says_the_same_and_calls_nothing(before, wanted):
    fake = FakeEc2(before, set(before.values()))
    client = Client(fake)
    would = run(params(wanted), lambda *_: client, check_mode=True)
    assert client.calls == []
    done = run(params(wanted), lambda *_: client)
    assert [would[key] for key in ("changed", "moved", "associations", "diff")] == [
        done[key] for key in ("changed", "moved", "associations", "diff")
    ]


def refused_repetition():
    """What AWS answers to the repetition of a call that it has carried out."""
    error = aws_error("InvalidAssociationID.NotFound")
    error.response["ResponseMetadata"]["RetryAttempts"] = 1
    return error


@pytest.mark.parametrize("error", [no_answer(), refused_repetition()], ids=["no answer", "refused repetition"])
def test_a_move_whose_answer_is_lost_is_read_back(error):
    client = Client(FakeEc2({SUBNETS[0]: TABLES[0]}, [TABLES[0], TABLES[1]]), [error])
    assert run(params({SUBNETS[0]: TABLES[1]}), lambda *_: client)["changed"] is True
    assert client.calls == ["replace", "remove"]


def test_bad_input_is_refused_before_anything_is_changed():
    client = Client(FakeEc2({SUBNETS[0]: TABLES[0]}, TABLES))
    twice = [{"route_table_id": one, "subnet_ids": [SUBNETS[0]]} for one in TABLES[:2]]
    with pytest.raises(Refused, match=f"associations has {SUBNETS[0]} with"):
        wanted_tables(twice)
    with pytest.raises(Refused, match="associations has rtb-9.*allowed: one of the VPC"):
        run(params({SUBNETS[0]: "rtb-9"}), lambda *_: client)
    with pytest.raises(Refused, match="gateway_endpoint_ids has vpce-9"):
        run({**params({SUBNETS[0]: TABLES[1]}), "gateway_endpoint_ids": ["vpce-9"]}, lambda *_: client)
    assert client.calls == []


def test_a_table_that_another_subnet_still_uses_stays_with_the_endpoint():
    endpoints = {"e": {TABLES[0], TABLES[2]}}
    changes = endpoint_changes({SUBNETS[0]: TABLES[0]}, {SUBNETS[1]: TABLES[1]}, [TABLES[1]], endpoints)
    assert changes == {"e": ({TABLES[1]}, {TABLES[2]})}


def test_associations_that_have_failed_or_end_do_not_count():
    ending = {"SubnetId": "s", "RouteTableAssociationId": "a", "AssociationState": {"State": "disassociated"}}
    assert route_tables.associations_in([{"RouteTableId": "t", "Associations": [ending]}]) == {}
