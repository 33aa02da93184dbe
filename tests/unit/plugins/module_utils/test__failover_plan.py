# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan's shell: the manifest from whoever answers, every region at once, nobody waited for in vain."""

from __future__ import annotations

import time

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils import _failover_manifest
from ansible_collections.trading.multi_region.plugins.module_utils._api import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._failover_plan import run
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    EUROPE,
    TABLE,
    WEST,
    FakePlatform,
    manifest_of,
)


def write(aws, *regions, manifest=None):
    for region in regions:
        params = {"table_name": TABLE, "region": region, "manifest": manifest or manifest_of(*aws.regions)}
        _failover_manifest.run(params, aws.clients)


@pytest.fixture
def aws():
    platform = FakePlatform()
    write(platform, EAST, WEST)
    platform.calls.clear()
    yield platform
    platform.over.set()


def plan(aws, **more):
    params = {
        "table_name": TABLE,
        "regions": list(aws.regions),
        "target_region": None,
        "expected_active_region": None,
        "min_healthy_ratio": 0.5,
        "max_replication_lag_ms": None,
        "max_lag_sample_age": 300,
        "accept_data_loss": False,
        "force": False,
        "deadline": 5,
        "patience": 0.3,
    }
    return run({**params, **more}, aws.clients)


def steps(found):
    return [step["step"] for step in found["plan"]]


def test_plans_the_move_of_a_lost_region_and_hands_on_what_the_steps_need(aws):
    aws.lost.add(EAST)
    found = plan(aws)
    assert found["obstacles"] == []
    assert steps(found) == ["promote_request", "promote_wait", "traffic", "verify", "notify", "record"]
    assert (found["target_region"], found["active_region"], found["traffic_region"]) == (WEST, EAST, EAST)
    assert found["target"]["autoscaling_group_name"] == "asg"
    assert sorted(found["db_cluster_arns"]) == sorted(found["topics"]) == [EAST, WEST]
    assert found["switch_regions"][0] == {"region": EAST, "bucket": f"control-{EAST}"}
    assert found["lag"]["value_ms"] == 120.0
    assert 20000 <= found["rpo_bound_ms"] <= 22000
    assert {name: one["verdict"] for name, one in found["verdicts"].items()} == {EAST: "unknown", WEST: "healthy"}
    assert aws.writes() == []


def test_a_hanging_region_costs_no_more_than_patience(aws):
    aws.hanging.add(EAST)
    begun = time.monotonic()
    found = plan(aws)
    assert time.monotonic() - begun < 3
    assert found["obstacles"] == []
    assert found["copies"][EAST] == "unknown"
    assert "no answer within" in found["observed"][EAST]["targets"]["unknown"]


def test_a_slow_region_that_answers_is_waited_for(aws):
    slow = aws.describe_target_health

    def answer(region, **parameters):
        if region == EAST:
            aws.over.wait(0.8)
        return slow(region, **parameters)

    aws.describe_target_health = answer
    assert [one["code"] for one in plan(aws)["obstacles"]] == ["primary_healthy"]


def test_an_unknown_of_the_target_is_an_obstacle(aws):
    aws.hanging.add(WEST)
    found = plan(aws, target_region=WEST)
    assert "target_unreadable" in [one["code"] for one in found["obstacles"]]


def test_the_traffic_is_where_the_control_objects_say(aws):
    aws.lost.add(EAST)
    aws.objects[f"control-{WEST}"] = f"[{WEST} claims over {EAST}]\n"
    found = plan(aws)
    assert found["traffic_region"] == WEST
    assert "traffic" not in steps(found)


def test_a_fresher_manifest_that_says_something_else_is_observed_anew():
    aws = FakePlatform(EAST, WEST, EUROPE)
    write(aws, WEST, manifest=manifest_of(EAST, WEST))
    write(aws, EAST)
    slow = aws.get_item

    def answer(region, **parameters):
        if region == EAST:
            aws.over.wait(0.2)
        return slow(region, **parameters)

    aws.get_item = answer
    found = plan(aws, patience=1)
    assert found["manifest_region"] == EAST
    assert sorted(found["observed"]) == [EUROPE, EAST, WEST]
    assert found["observed"][EUROPE]["group"]["desired"] == 2


def test_no_manifest_anywhere_is_an_error(aws):
    aws.items = {region: {} for region in aws.regions}
    with pytest.raises(MultiRegionError, match="No usable manifest"):
        plan(aws)


@pytest.mark.parametrize(
    "more, says",
    [
        ({"regions": []}, "regions is empty"),
        ({"min_healthy_ratio": -0.1}, "min_healthy_ratio is -0.1; allowed: from 0 to 1."),
        ({"max_replication_lag_ms": -1}, "max_replication_lag_ms is -1; allowed: 0 or more."),
    ],
)
def test_bad_input_is_refused_before_the_first_call(aws, more, says):
    with pytest.raises(MultiRegionError, match=says):
        plan(aws, **more)
    assert aws.calls == []
