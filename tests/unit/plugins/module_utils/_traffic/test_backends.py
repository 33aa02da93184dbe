# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which region has the traffic, for readers: unknown is a value with every backend."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover import values
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import backends
from tests.unit.fakes import FakeAws

A, B = "us-east-1", "us-east-2"
B_OVER_A = "[us-east-2 claims over us-east-1]"
GONE = Observation(error="no answer")
ENTRIES = [{"region": A, "control_bucket": "control-1"}, {"region": B, "control_bucket": "control-2"}]
PARTS = {
    "s3_object": {"switch_key": "active-region"},
    "cloudwatch_metric": {"platform": "trading-dev", "metric_namespace": "Space"},
    "arc_routing_control": {"routing_controls": {A: "panel/routingcontrol/a", B: "panel/routingcontrol/b"}},
    "global_accelerator": {
        "accelerator": {"endpoint_groups": {A: "listener/endpoint-group/a", B: "listener/endpoint-group/b"}}
    },
}


def manifest(backend):
    return {"traffic": {"backend": backend, "cluster_endpoints": [], **PARTS[backend]}, "regions": ENTRIES}


def facts(name, **values):
    given = {A: values["a"], B: values["b"]}
    return {region: Facts(region, {name: seen}) for region, seen in given.items()}


@pytest.mark.parametrize("backend", ["s3_object", "cloudwatch_metric"])
@pytest.mark.parametrize(
    ("a", "b", "region"),
    [
        (Observation(None), Observation([]), A),
        (Observation(None), Observation([B_OVER_A]), B),
        (GONE, Observation([B_OVER_A]), B),
        (Observation([]), GONE, A),
        (GONE, GONE, None),
    ],
)
def test_the_traffic_is_where_the_readable_statements_put_it(backend, a, b, region):
    assert backends.traffic_region(manifest(backend), facts("statements", a=a, b=b)) == region


@pytest.mark.parametrize(
    ("a", "b", "region"),
    [
        (Observation("On"), Observation("Off"), A),
        (Observation("Off"), Observation("On"), B),
        (Observation("Off"), Observation("Off"), B),
        (GONE, Observation("On"), B),
        (GONE, Observation("Off"), None),
        (GONE, GONE, None),
    ],
)
def test_the_traffic_is_where_a_control_is_on(a, b, region):
    assert backends.traffic_region(manifest("arc_routing_control"), facts("routing_control", a=a, b=b)) == region


def dial(percent):
    return Observation({"dial": percent, "endpoints": {}})


@pytest.mark.parametrize(
    ("a", "b", "region"),
    [
        (dial(100.0), dial(0.0), A),
        (dial(0.0), dial(1.0), B),
        (dial(100.0), dial(100.0), None),
        (dial(0.0), dial(0.0), None),
        (GONE, dial(100.0), None),
        (GONE, GONE, None),
    ],
)
def test_the_traffic_is_where_the_only_dial_above_0_is(a, b, region):
    assert backends.traffic_region(manifest("global_accelerator"), facts("traffic_dial", a=a, b=b)) == region


@pytest.mark.parametrize(
    ("backend", "fact"),
    [
        ("s3_object", "statements"),
        ("cloudwatch_metric", "statements"),
        ("arc_routing_control", "routing_control"),
        ("global_accelerator", "traffic_dial"),
    ],
)
def test_each_backend_has_one_fact_of_a_region(backend, fact):
    assert list(backends.traffic_readers(FakeAws().clients, manifest(backend), ENTRIES[0])) == [fact]
    assert (fact in backends.FACTS_FROM_ELSEWHERE) == (backend in ("arc_routing_control", "global_accelerator"))


def test_the_planner_calls_the_dials_by_the_name_of_their_fact():
    assert backends.DIAL == values.TRAFFIC_DIAL


def test_a_manifest_without_a_backend_means_objects():
    old = {"traffic": {"domain": "trading.example.com"}, "regions": ENTRIES}
    assert backends.traffic_of(old) == {
        "domain": "trading.example.com",
        "backend": "s3_object",
        "switch_key": "active-region",
    }


def test_the_modules_regions_carry_what_each_backend_needs():
    assert backends.switch_regions(manifest("s3_object"))[0] == {
        "region": A,
        "bucket": "control-1",
        "routing_control_arn": None,
        "endpoint_group_arn": None,
    }
    assert backends.switch_regions(manifest("arc_routing_control"))[1]["routing_control_arn"].endswith("/b")
    assert backends.switch_regions(manifest("global_accelerator"))[1]["endpoint_group_arn"].endswith("/b")


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("s3_object", {"object_key": "active-region"}),
        ("cloudwatch_metric", {"platform": "trading-dev", "metric_namespace": "Space", "object_key": "active-region"}),
        ("arc_routing_control", {"object_key": "active-region"}),
        ("global_accelerator", {"object_key": "active-region"}),
    ],
)
def test_the_switch_is_what_the_manifest_says_of_it_and_nothing_else(backend, options):
    stored = backends.switch_of(manifest(backend))
    assert stored == {"backend": backend, "regions": backends.switch_regions(manifest(backend)), **options}
    assert set(stored) <= set(backends.SWITCH_SPEC)


def test_the_switch_of_routing_controls_brings_the_endpoints():
    ends = [{"region": A, "endpoint": "https://a"}]
    written = {
        **manifest("arc_routing_control"),
        "traffic": {"backend": "arc_routing_control", "cluster_endpoints": ends},
    }
    assert backends.switch_of(written)["cluster_endpoints"] == ends
