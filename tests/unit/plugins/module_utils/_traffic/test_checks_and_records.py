# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of checks and records. That they compute the right region is proved in test__traffic_switch.py."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._traffic import checks_and_records as checks

A, B, C, D = "us-east-1", "us-east-2", "eu-west-1", "ap-southeast-1"
BUCKETS = {region: f"control-{region}" for region in (A, B, C, D)}
BALANCERS = {region: {"dns_name": f"alb.{region}", "zone_id": f"Z-{region}"} for region in (A, B, C, D)}


def records(order, automatic=False):
    endpoints = {region: f"end-{region}" for region in order} if automatic else None
    return checks.build_records(order, "example.com", "ZONE", BALANCERS, endpoint_checks=endpoints)


def test_two_regions_need_four_checks_and_two_records():
    unclaimed, outranks, unyielding, ahead = checks.build_checks((A, B), BUCKETS, "trading-dev")
    assert unclaimed["name"] == "trading-dev-unclaimed-use1-use2"
    assert (unclaimed["inverted"], outranks["inverted"], unyielding["inverted"]) == (True, False, True)
    assert unclaimed["fqdn"] == "control-us-east-2.s3.us-east-2.amazonaws.com"
    assert outranks["fqdn"] == unyielding["fqdn"] == "control-us-east-1.s3.us-east-1.amazonaws.com"
    assert (ahead["health_threshold"], len(ahead["child_names"])) == (2, 3)
    assert [(one["failover"], one["target"], one["check_name"]) for one in records((A, B))] == [
        ("SECONDARY", "alb.us-east-2", None),
        ("PRIMARY", "alb.us-east-1", "switch-ahead-use1-use2"),
    ]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_no_calculated_check_counts_another_calculated_one(count):
    built = {check["name"]: check for check in checks.build_checks((A, B, C, D)[:count], BUCKETS)}
    for check in built.values():
        assert all(built[child]["type"] == "HTTPS_STR_MATCH" for child in check.get("child_names", ()))


@pytest.mark.parametrize("automatic", [False, True])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_no_record_points_at_one_that_is_not_there_yet(count, automatic):
    seen = set()
    for one in records((A, B, C, D)[:count], automatic):
        assert one["target"].startswith("alb.") or one["target"] in seen
        assert (one["target_zone_id"] == "ZONE") == (one["target"] in seen)
        seen.add(one["name"])
    assert one["name"] == "example.com"


def test_automatic_records_carry_the_endpoint_check_behind_the_switch():
    built = {(one["name"], one["failover"]): one for one in records((A, B), automatic=True)}
    assert built["example.com", "PRIMARY"]["check_name"] == "switch-ahead-use1-use2"
    assert built["example.com", "PRIMARY"]["target"] == "us-east-1.example.com"
    assert built["us-east-1.example.com", "PRIMARY"]["check_name"] == "end-us-east-1"
    assert built["us-east-1.example.com", "SECONDARY"]["target"] == "alb.us-east-2"
    assert all(one["evaluate_target_health"] for one in built.values())
    assert not any(one["evaluate_target_health"] for one in records((A, B)))


def test_names_fit_the_longest_regions_and_tell_regions_apart():
    regions = ["ap-southeast-1", "ap-northeast-1", "ap-south-1", "us-gov-west-1", "me-central-1", "ca-central-1"]
    assert len({checks.short(region) for region in regions}) == len(regions)
    names = [one["name"] for one in checks.build_checks(regions, dict.fromkeys(regions, "b"), "trading-" + 12 * "x")]
    assert max(map(len, names)) <= 50
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("existing", "wanted", "allowed"),
    [
        ([], [A, B], True),
        ([A, B], [A, B], True),
        ([A, B], [A, B, C], True),
        ([A, B], [B, A], True),
        ([A, B], [C, B, A], True),
        ([A, B], [A, C], False),
        ([A, B, C], [A, B], False),
    ],
)
def test_a_region_of_the_records_that_is_left_out_is_named_and_the_order_is_free(existing, wanted, allowed):
    problem = checks.order_problem(existing, wanted)
    assert (problem is None) == allowed
    assert allowed or "is missing. Leaving it out could move the traffic" in problem
