# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform behind an accelerator: Global Accelerator as the backend of the traffic switch."""

from __future__ import annotations

import json

import pytest

from tests.integration.aws import DOMAIN, members, name_points_at, writer_region
from tests.integration.leftovers import asked, delete_kept_snapshots, left_of_platform_in, without
from tests.integration.permissions import as_runner
from tests.integration.test_readiness import named, readiness
from tests.integration.test_site import assert_second_run_changes_nothing
from tests.integration.test_teardown import left_in, tear_down

EAST, WEST, EUROPE, API = "us-east-1", "us-east-2", "eu-west-1", "us-west-2"


def accelerators(lab) -> list[dict]:
    return lab.client("globalaccelerator", API).list_accelerators()["Accelerators"]


def dials(lab) -> dict[str, float]:
    """The traffic dials by region, as AWS shows them."""
    api = lab.client("globalaccelerator", API)
    (accelerator,) = accelerators(lab)
    (listener,) = api.list_listeners(AcceleratorArn=accelerator["AcceleratorArn"])["Listeners"]
    groups = api.list_endpoint_groups(ListenerArn=listener["ListenerArn"])["EndpointGroups"]
    return {group["EndpointGroupRegion"]: group["TrafficDialPercentage"] for group in groups}


@pytest.mark.nightly
def test_moves_away_and_back_by_its_dials_and_leaves_nothing_behind(copy_of, tmp_path):
    platform = copy_of(EAST, WEST, variant="accelerator")
    lab, provisioning = platform.lab, platform.lab.calls()
    found = lab.resolve(DOMAIN)
    assert (found["region"], found["values"]) == (EAST, accelerators(lab)[0]["IpSets"][0]["IpAddresses"])
    assert dials(lab) == {EAST: 100.0, WEST: 0.0}
    assert_second_run_changes_nothing(platform)
    run, rows = readiness(platform, tmp_path)
    run.ends_well()
    assert ("switch_accelerator", WEST) in named(rows, "ok") and named(rows, "blocker") == set()

    # Without the API of the dials a move is refused before the promotion, which the plan says.
    lab.outage(API, "hang")
    refused = platform.run("failover", "-e", f"target_region={WEST}")
    words = " ".join(refused.output.split())
    assert refused.code != 0 and "Global Accelerator's API is in us-west-2 only" in words
    assert writer_region(lab, EAST) == EAST
    lab.restore(API)

    lab.outage(EAST, "hang")
    runner = as_runner(platform, "failover")
    runner.run("failover").ends_well()
    assert (writer_region(lab, WEST), dials(lab), name_points_at(lab)) == (WEST, {EAST: 0.0, WEST: 100.0}, WEST)

    report = tmp_path / "status.json"
    lab.restore(EAST)
    assert name_points_at(lab) == WEST, "a region that returns takes nothing back"
    platform.run("status", "-e", f"status_file={report}").ends_well()
    status = json.loads(report.read_text())
    assert (status["traffic_region"], status["name_region"], status["traffic_problems"]) == (WEST, WEST, [])

    platform.run("failback").ends_well()
    assert members(lab, EAST) == {EAST: True, WEST: False}
    assert (dials(lab), name_points_at(lab)) == ({EAST: 100.0, WEST: 0.0}, EAST)

    runner.leaves(lab)
    delete_kept_snapshots(lab, EAST)
    _provisioner, calls = tear_down(platform)
    assert accelerators(lab) == []
    left = {region: left_in(lab, region) for region in platform.regions}
    assert left == {EAST: {}, WEST: {}}
    service = [call for call in provisioning + calls if call["service"] == "globalaccelerator"]
    assert {call["region"] for call in service} == {API}
    # Whether the accelerator is gone yet is asked until AWS says so.
    assert {call["operation"] for call in service if call["status"] >= 300} <= {"DescribeAccelerator"}


@pytest.mark.nightly
def test_a_standby_that_is_retired_leaves_the_accelerator_before_its_load_balancer_goes(copy_of, tmp_path):
    platform = copy_of(EAST, WEST, EUROPE, variant="accelerator")
    lab, kept = platform.lab, without(platform, tmp_path / "inventory", EUROPE)
    assert dials(lab) == {EAST: 100.0, WEST: 0.0, EUROPE: 0.0}
    before = len(lab.calls())
    kept.run("retire_region", *asked(EUROPE)).ends_well()
    made = [call["operation"] for call in lab.calls()[before:] if call["status"] < 300]
    assert made.index("DeleteEndpointGroup") < made.index("DeleteLoadBalancer")
    assert dials(lab) == {EAST: 100.0, WEST: 0.0}
    assert (name_points_at(lab), left_of_platform_in(platform, EUROPE)) == (EAST, {})
    again = kept.run("site").ends_well()
    assert not any(again.changed.values()), again.output
