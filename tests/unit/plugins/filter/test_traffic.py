# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises of the traffic filters: pure functions under the names the role uses; what is missing is named."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.filter import traffic

A, B = "us-east-1", "us-east-2"
BUCKETS = {A: "control-1", B: "control-2"}
BALANCERS = {
    region: {"load_balancer_dns_name": f"alb.{region}", "load_balancer_zone_id": f"Z-{region}"} for region in (A, B)
}


def test_checks_carry_the_prefix_and_the_key():
    built = traffic.traffic_switch_checks([A, B], BUCKETS, "trading-dev", "key")
    assert {check["name"].startswith("trading-dev-") for check in built} == {True}
    assert built[0]["resource_path"] == "/key"


def test_records_end_at_the_domain_and_point_at_the_load_balancers():
    primary = traffic.traffic_switch_records([A, B], "example.com", "Z", BALANCERS, "trading-dev")[-1]
    assert (primary["name"], primary["target"], primary["target_zone_id"]) == ("example.com", f"alb.{A}", f"Z-{A}")
    assert primary["check_name"] == "trading-dev-ahead-use1-use2"


def test_no_endpoint_checks_mean_no_automatic_failover():
    built = traffic.traffic_switch_records([A, B], "example.com", "Z", BALANCERS, endpoint_checks={})
    assert not any(record["evaluate_target_health"] for record in built)


@pytest.mark.parametrize("automatic", [{}, {A: "end-1", B: "end-2"}])
def test_every_record_that_can_be_made_is_named_for_removal(automatic):
    built = traffic.traffic_switch_records([A, B], "example.com", "Z", BALANCERS, endpoint_checks=automatic)
    named = traffic.traffic_record_names([A, B], "example.com")
    assert named[0]["name"] == "example.com"
    assert all({"name": one["name"], "identifier": one["identifier"]} in named for one in built)


def test_an_order_that_has_all_regions_of_the_records_is_an_empty_string():
    assert traffic.traffic_order_problem([], [A, B]) == ""
    assert "allowed" in traffic.traffic_order_problem([A, B], [A])


def test_a_region_without_its_part_is_named():
    with pytest.raises(AnsibleFilterError, match="no bucket of us-east-2 is given"):
        traffic.traffic_switch_checks([A, B], {A: "control-1"})
    with pytest.raises(AnsibleFilterError, match="no load balancer of us-east-2 is given"):
        traffic.traffic_switch_records([A, B], "example.com", "Z", {A: BALANCERS[A], B: {}})


def test_checks_of_metrics_follow_the_alarms_of_the_region_that_speaks():
    built = [check for check in traffic.traffic_metric_checks([A, B], "trading-dev") if check["tier"] == 0]
    alarms = {
        (region, alarm["name"])
        for region in (A, B)
        for alarm in traffic.traffic_statement_alarms([A, B], region, "trading-dev", "Space")
    }
    assert {(check["alarm"]["region"], check["alarm"]["name"]) for check in built} == alarms
    assert {check["alarm"]["insufficient_data_health_status"] for check in built} == {"LastKnownStatus"}
    objects = traffic.traffic_switch_checks([A, B], BUCKETS, "trading-dev")
    assert not {check["name"] for check in objects if check["tier"] == 0} & {check["name"] for check in built}


def test_records_of_routing_controls_carry_their_checks():
    (control, _other) = traffic.traffic_control_checks([A, B], {A: "arn-a", B: "arn-b"}, "trading-dev")
    options = ("example.com", "Z", BALANCERS, "trading-dev", None, "arc_routing_control")
    primary = traffic.traffic_switch_records([A, B], *options)[-1]
    assert primary["check_name"] == control["name"] == "trading-dev-control-use1"


def test_a_partition_without_global_accelerator_is_refused_with_what_is_allowed():
    problem = traffic.traffic_backend_problem(["us-gov-east-1", "us-gov-west-1"], "global_accelerator", {}, [])
    assert problem == "Partition aws-us-gov has no Global Accelerator; allowed: s3_object, cloudwatch_metric."
    assert traffic.traffic_backend_problem([A, B], "global_accelerator", {}, []) == ""


def test_only_routing_controls_can_lack_something():
    assert traffic.traffic_backend_problem([A, B], "s3_object", {}, []) == ""
    problem = traffic.traffic_backend_problem([A, B], "arc_routing_control", {A: "arn"}, [])
    assert "routing_control_arn of us-east-2 is missing" in problem
    assert "cluster_endpoints has 0 entries" in problem


def test_all_filters_are_offered():
    assert len(traffic.FilterModule().filters()) == 9


@pytest.mark.parametrize(
    ("zone", "exists", "is_private", "vpcs", "servers", "words"),
    [
        ("trade.example.com", False, False, 0, [], ""),
        ("trade.example.com", True, False, 0, [], ""),
        ("example.com", True, False, 0, [], ""),
        ("example.com", True, True, 1, ["169.254.169.253"], ""),
        ("ade.example.com", True, False, 0, [], "does not lie in it; allowed: trade.example.com or a parent of it"),
        ("example.org", True, True, 1, ["10.0.0.2"], "does not lie in it"),
        ("example.com", False, False, 0, [], "no such public hosted zone, and a parent zone is not created"),
        ("trade.example.com", False, True, 0, ["10.0.0.2"], "no private hosted zone of that name"),
        ("trade.example.com", True, True, 0, ["10.0.0.2"], "associated with no VPC"),
        ("example.com", True, True, 2, [], "traffic_dns_servers is empty"),
    ],
)
def test_a_zone_that_cannot_hold_the_name_is_named_with_what_is_allowed(zone, exists, is_private, vpcs, servers, words):
    found = traffic.traffic_zone_problem("trade.example.com", zone, exists, is_private, vpcs, servers)
    assert (words in found and "allowed" in found) if words else found == ""
