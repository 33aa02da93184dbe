# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the switch by traffic dials promises, against an accelerator in memory that routes as AWS documents it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import Clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import switch as traffic
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import traffic_dials
from tests.unit.fakes import aws_error

REGIONS = ("us-east-1", "us-east-2", "eu-west-1", "eu-central-1", "ap-southeast-2")
A, B, C = REGIONS[:3]
LISTENER = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l"
ARNS = {region: f"{LISTENER}/endpoint-group/{region}" for region in REGIONS}
HEALTHY, UNHEALTHY = "HEALTHY", "UNHEALTHY"


class Edge:
    """An accelerator's API and its data plane. health: by region, None without an endpoint.

    fails_at: the number of writes before one fails. ``history`` has the dials after each write.
    """

    def __init__(self, dials, health=None, fails_at=None, failure=None):
        self.dials, self.health = dict(dials), dict(health or {})
        self.fails_at, self.failure = fails_at, failure or aws_error("AccessDeniedException", status=400)
        self.history, self.places = [], set()

    @property
    def clients(self):
        return Clients(self._client)

    def _client(self, service, region):
        assert service == "globalaccelerator"
        self.places.add(region)
        return self

    def get_paginator(self, operation):
        assert operation == "list_endpoint_groups"
        return self

    def paginate(self, ListenerArn):
        assert ListenerArn == LISTENER
        return [{"EndpointGroups": [self._shown(region)]} for region in self.dials]

    def _shown(self, region):
        state = self.health.get(region, HEALTHY)
        endpoints = [{"EndpointId": f"alb-{region}", "HealthState": state}] if state else []
        dial = self.dials[region]
        return {"EndpointGroupArn": ARNS[region], "TrafficDialPercentage": dial, "EndpointDescriptions": endpoints}

    def update_endpoint_group(self, EndpointGroupArn, TrafficDialPercentage):
        if self.fails_at is not None and len(self.history) >= self.fails_at:
            raise self.failure
        self.dials[EndpointGroupArn.rpartition("/")[2]] = TrafficDialPercentage
        self.history.append(dict(self.dials))

    def reached_from(self, start):
        """Where clients arrive that are closest to a region: "How failover works for unhealthy endpoints"."""
        order = [start, *(region for region in self.dials if region != start)]
        first = next((region for region in order if self.dials[region] > 0), None)
        closest = [first, *(region for region in order if region != first)][:4]
        healthy = [region for region in closest if region and self.health.get(region, HEALTHY) == HEALTHY]
        return healthy[0] if healthy and first else None


def run(edge, check_mode=False, **options):
    regions = [{"region": region, "endpoint_group_arn": ARNS[region]} for region in edge.dials]
    params = {"backend": "global_accelerator", "regions": regions, "deadline": 3.0, **options}
    return traffic.run(params, edge.clients, check_mode)


PERCENT = st.sampled_from([0.0, 1.0, 50.0, 100.0])
STATES = st.sampled_from([HEALTHY, UNHEALTHY, "INITIAL", None])
EDGES = st.integers(2, 5).flatmap(
    lambda count: st.tuples(
        st.fixed_dictionaries(dict.fromkeys(REGIONS[:count], PERCENT)),
        st.fixed_dictionaries(dict.fromkeys(REGIONS[:count], STATES)),
        st.sampled_from(REGIONS[:count]),
        st.one_of(st.none(), st.integers(0, 3)),
    )
)


@given(EDGES)
def test_from_any_dials_a_move_ends_at_the_target_and_never_leaves_all_at_0(case):
    """With endpoints absent, unhealthy or new, dials half turned, and a write that fails at any moment."""
    dials, health, target, fails_at = case
    edge = Edge(dials, health, fails_at)
    try:
        result = run(edge, active_region=target)
    except MultiRegionError:
        assert health[target] is None or fails_at is not None
        assert health[target] is not None or edge.history == []
    else:
        assert edge.dials == traffic_dials.only(target, list(dials))
        assert result["after"] == target and result["changed"] == (edge.history != [])
        if health[target] == HEALTHY:
            assert {edge.reached_from(region) for region in dials} == {target}
        assert (result["not_seen"] == [target]) == (health[target] == UNHEALTHY)
    # The target goes up before another one goes down, so what is written never cuts everybody off.
    assert all(max(after.values()) > 0 for after in edge.history)
    assert all(after[target] == 100.0 for after in edge.history)
    assert edge.places == {"us-west-2"}


@given(EDGES)
def test_settling_changes_no_dial_and_knows_where_the_traffic_is_or_says_that_it_does_not(case):
    dials, health, _target, _fails_at = case
    edge = Edge(dials, health)
    above = [region for region in dials if dials[region] > 0]
    if len(above) == 1:
        result = run(edge)
        assert (result["changed"], result["before"], result["after"]) == (False, above[0], above[0])
    else:
        with pytest.raises(MultiRegionError, match="does not say which region has the traffic"):
            run(edge)
    assert edge.history == []


def test_a_move_that_failed_half_way_says_so_and_the_next_run_completes_it():
    edge = Edge({A: 100.0, B: 0.0, C: 0.0}, fails_at=1)
    with pytest.raises(MultiRegionError, match=f"of {B} is 100, but that of {A} could not be set to 0.*run again"):
        run(edge, active_region=B)
    edge.fails_at = None
    result = run(edge, active_region=B)
    assert (result["before"], result["after"], edge.dials) == ("unknown", B, {A: 0.0, B: 100.0, C: 0.0})


def test_a_write_whose_answer_was_lost_counts_if_it_is_visible():
    edge = Edge({A: 100.0, B: 0.0})
    carry_out = edge.update_endpoint_group

    def lose_once(**given):
        carry_out(**given)
        if len(edge.history) == 1:
            raise ReadTimeoutError(endpoint_url="https://globalaccelerator.us-west-2.amazonaws.com")

    edge.update_endpoint_group = lose_once
    assert run(edge, active_region=B)["after"] == B
    assert edge.dials == {A: 0.0, B: 100.0}


def test_check_mode_shows_the_move_and_turns_nothing():
    edge = Edge({A: 100.0, B: 0.0})
    result = run(edge, check_mode=True, active_region=B)
    assert (result["changed"], result["before"], result["after"], edge.history) == (True, A, B, [])
    assert result["diff"] == {"before": {A: ["100"], B: ["0"]}, "after": {A: ["0"], B: ["100"]}}


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([{"region": A, "endpoint_group_arn": ARNS[A]}, {"region": B}], f"endpoint_group_arn of {B} is missing"),
        ([{"region": one, "endpoint_group_arn": ARNS[A]} for one in (A, B)], "is the same for two regions"),
        (
            [
                {"region": A, "endpoint_group_arn": ARNS[A]},
                {"region": B, "endpoint_group_arn": ARNS[B].replace("listener/l", "listener/m")},
            ],
            "belong to 2 listeners",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_before_a_call(regions, words):
    edge = Edge({A: 100.0, B: 0.0})
    with pytest.raises(Refused, match=words):
        run(edge, regions=regions, active_region=B)
    assert edge.places == set()
