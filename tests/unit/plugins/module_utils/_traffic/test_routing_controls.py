# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the switch by routing controls promises, against a cluster in memory whose endpoints fail in different ways."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import Clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import routing_controls as controls
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import switch as traffic
from tests.unit.fakes import aws_error

A, B, C = "us-east-1", "us-east-2", "eu-west-1"
PANEL = "arn:aws:route53-recovery-control::123456789012:controlpanel/p"
ARNS = {region: f"{PANEL}/routingcontrol/{region}" for region in (A, B, C)}
PLACES = [{"region": f"region-{n}", "endpoint": f"https://{n}.example"} for n in range(5)]


class Cluster:
    """Five endpoints over one set of states. faults: what an endpoint raises; conflict: what an update raises."""

    def __init__(self):
        self.states = {ARNS[A]: "On", ARNS[B]: "Off", ARNS[C]: "Off"}
        self.faults, self.conflict, self.lost_answers = {}, None, 0
        self.asked, self.updates = [], []

    def client(self, service, region, endpoint):
        assert service == "route53-recovery-cluster"
        assert {"region": region, "endpoint": endpoint} in PLACES
        return Endpoint(self, endpoint)

    @property
    def clients(self):
        return Clients(self.client)


class Endpoint:
    def __init__(self, cluster, endpoint):
        self.cluster, self.endpoint = cluster, endpoint

    def _asked(self):
        self.cluster.asked.append(self.endpoint)
        if self.endpoint in self.cluster.faults:
            raise self.cluster.faults[self.endpoint]

    def get_paginator(self, operation):
        assert operation == "list_routing_controls"
        return self

    def paginate(self, ControlPanelArn):
        assert ControlPanelArn == PANEL
        self._asked()
        states = self.cluster.states.items()
        return [
            {"RoutingControls": [{"RoutingControlArn": arn, "RoutingControlState": state}]} for arn, state in states
        ]

    def update_routing_control_states(self, UpdateRoutingControlStateEntries, SafetyRulesToOverride=()):
        self._asked()
        if self.cluster.conflict and not SafetyRulesToOverride:
            raise self.cluster.conflict
        wanted = {one["RoutingControlArn"]: one["RoutingControlState"] for one in UpdateRoutingControlStateEntries}
        self.cluster.updates.append((wanted, list(SafetyRulesToOverride)))
        self.cluster.states.update(wanted)
        if self.cluster.lost_answers:
            self.cluster.lost_answers -= 1
            # Within its waiting period a rule refuses the same change once more.
            self.cluster.conflict = aws_error("ConflictException", status=409)
            raise ReadTimeoutError(endpoint_url=self.endpoint)


@pytest.fixture
def cluster():
    return Cluster()


def run(cluster, check_mode=False, regions=(A, B), **options):
    params = {
        "backend": "arc_routing_control",
        "regions": [{"region": region, "routing_control_arn": ARNS[region]} for region in regions],
        "cluster_endpoints": PLACES,
        "deadline": 3.0,
        **options,
    }
    return traffic.run(params, cluster.clients, check_mode)


def test_turns_the_targets_control_on_and_all_others_off_in_one_call(cluster):
    result = run(cluster, regions=(A, B, C), active_region=B)
    assert cluster.updates == [({ARNS[A]: "Off", ARNS[B]: "On", ARNS[C]: "Off"}, [])]
    assert (result["changed"], result["before"], result["after"], result["told"]) == (True, A, B, [A, C])
    assert result["statements"] == {A: ["Off"], B: ["On"], C: ["Off"]}
    assert run(cluster, regions=(A, B, C), active_region=B)["changed"] is False
    assert len(cluster.updates) == 1


@pytest.mark.parametrize(
    "fault",
    [
        ConnectTimeoutError(endpoint_url="https://gone.example"),
        aws_error("EndpointTemporarilyUnavailableException"),
        aws_error("InternalServerException"),
        aws_error("ThrottlingException"),
    ],
)
def test_continues_to_the_next_endpoint_until_one_takes_it(cluster, fault):
    cluster.faults = {place["endpoint"]: fault for place in PLACES[:4]}
    assert run(cluster, active_region=B)["after"] == B


def test_asks_no_endpoint_twice_and_names_what_each_said_when_none_answers(cluster):
    cluster.faults = {place["endpoint"]: aws_error("EndpointTemporarilyUnavailableException") for place in PLACES}
    with pytest.raises(
        MultiRegionError, match="None of the cluster's 5 endpoints accepted the request.*cluster_endpoints"
    ):
        run(cluster, active_region=B)
    assert sorted(cluster.asked) == [place["endpoint"] for place in PLACES]


def test_begins_anywhere(cluster):
    first = set()
    for _try in range(60):
        cluster.asked.clear()
        run(cluster)
        first.add(cluster.asked[0])
    assert len(first) == 5


def test_a_refusal_is_not_taken_elsewhere(cluster):
    cluster.faults = {place["endpoint"]: aws_error("AccessDeniedException") for place in PLACES}
    with pytest.raises(AwsCallError, match="AccessDeniedException"):
        run(cluster, active_region=B)
    assert len(cluster.asked) == 1


def test_a_safety_rule_that_says_no_is_reported_as_such_and_overridden_only_by_name(cluster):
    cluster.conflict = aws_error("ConflictException", message="The rule keep-two says no.", status=409)
    with pytest.raises(MultiRegionError, match="a safety rule of the control panel rejects it: The rule keep-two"):
        run(cluster, active_region=B)
    assert run(cluster, active_region=B, safety_rules_to_override=["arn:rule"])["after"] == B
    assert cluster.updates[0][1] == ["arn:rule"]


def test_a_change_whose_answer_was_lost_counts_though_a_rule_refuses_it_the_second_time(cluster):
    cluster.lost_answers = 1
    assert run(cluster, active_region=B)["after"] == B
    assert len(cluster.updates) == 1


def test_such_a_change_counts_although_an_endpoint_knows_of_it_late(cluster, monkeypatch):
    monkeypatch.setattr(controls, "LOOK_SECONDS", 0.01)
    cluster.lost_answers, late = 1, []
    real = Endpoint.paginate

    def paginate(self, ControlPanelArn):
        if cluster.updates and len(late) < 2:
            late.append(self.endpoint)
            self._asked()
            return [
                {
                    "RoutingControls": [
                        {"RoutingControlArn": arn, "RoutingControlState": "On" if arn == ARNS[A] else "Off"}
                        for arn in ARNS.values()
                    ]
                }
            ]
        return real(self, ControlPanelArn)

    monkeypatch.setattr(Endpoint, "paginate", paginate)
    assert run(cluster, active_region=B)["after"] == B
    assert (len(late), len(cluster.updates)) == (2, 1)


def test_check_mode_says_what_a_run_would_do(cluster):
    would = run(cluster, check_mode=True, active_region=B)
    assert cluster.updates == []
    did = run(cluster, active_region=B)
    own = {"seconds": 0, "ended_at": 0, "reason": ""}
    assert {**would, **own} == {**did, **own}


def test_settle_turns_off_what_does_not_have_the_traffic(cluster):
    cluster.states[ARNS[C]] = "On"
    result = run(cluster, regions=(A, B, C))
    assert (result["changed"], result["after"], cluster.states[ARNS[C]]) == (True, A, "Off")


def test_settle_turns_nothing_on(cluster):
    cluster.states = dict.fromkeys(cluster.states, "Off")
    result = run(cluster)
    assert (result["changed"], result["after"], cluster.updates) == (False, B, [])


def test_a_control_that_is_not_in_the_panel_is_named(cluster):
    del cluster.states[ARNS[B]]
    with pytest.raises(MultiRegionError, match=f"has no routing control {ARNS[B]}"):
        run(cluster, active_region=B)


def test_says_so_when_the_states_do_not_stay_as_they_were_set(cluster, monkeypatch):
    monkeypatch.setattr(controls, "SPREAD_SECONDS", 0)
    monkeypatch.setattr(Endpoint, "update_routing_control_states", lambda self, **_kwargs: self._asked())
    with pytest.raises(MultiRegionError, match="something else changes them"):
        run(cluster, active_region=B)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cluster_endpoints": PLACES[:3]}, "cluster_endpoints has 3 entries; allowed: the 5 different end ?points"),
        ({"cluster_endpoints": None}, "cluster_endpoints has 0 entries"),
        (
            {"regions": [{"region": A, "routing_control_arn": ARNS[A]}, {"region": B}]},
            "routing_control_arn of us-east-2",
        ),
        (
            {"regions": [{"region": A, "routing_control_arn": ARNS[A]}, {"region": B, "routing_control_arn": ARNS[A]}]},
            "the same for two regions",
        ),
        (
            {
                "regions": [
                    {"region": A, "routing_control_arn": ARNS[A]},
                    {"region": B, "routing_control_arn": ARNS[B].replace("panel/p", "panel/q")},
                ]
            },
            "in 2 control panels",
        ),
        (
            {"regions": [{"region": A, "routing_control_arn": ARNS[A]}, {"region": B, "routing_control_arn": "x"}]},
            "routing_control_arn is x",
        ),
        ({"backend": "cloudwatch_metric"}, "platform is missing; backend cloudwatch_metric requires it"),
        ({"backend": "s3_object", "object_key": "k"}, "bucket of us-east-1, us-east-2 is missing in regions"),
    ],
)
def test_refuses_a_backend_that_is_not_complete(cluster, options, sentence):
    params = {
        "backend": "arc_routing_control",
        "regions": [{"region": region, "routing_control_arn": ARNS[region]} for region in (A, B)],
        "cluster_endpoints": PLACES,
        "metric_namespace": "n",
        "deadline": 3.0,
        **options,
    }
    with pytest.raises(Refused, match=sentence):
        traffic.run(params, cluster.clients)
