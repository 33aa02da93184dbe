# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan's shell: the manifest from the regions that respond, all regions in parallel, no unnecessary waits."""

from __future__ import annotations

import time

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import items as control_table_items
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease as control_table_lease
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import (
    manifest as control_table_manifest,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._platform import observe
from ansible_collections.trading.multi_region.plugins.module_utils._platform.observe import run
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    EUROPE,
    TABLE,
    WEST,
    FakePlatform,
    manifest_of,
)

MOVE = [
    "fence",
    "promote_request",
    "announce",
    "promote_wait",
    "endpoint_wait",
    "traffic",
    "verify",
    "notify",
    "record",
]


def write(aws, *regions, manifest=None):
    for region in regions:
        params = {"table_name": TABLE, "region": region, "manifest": manifest or manifest_of(*aws.regions)}
        control_table_manifest.run(params, aws.clients)


@pytest.fixture(autouse=True)
def endpoints(monkeypatch):
    """The addresses of the load balancers that answer a request, for a test to add to; no other answers."""
    alive = set()

    def probe(address, *_how):
        if address not in alive:
            raise OSError("no answer")
        return {"status": 503, "milliseconds": 1}

    monkeypatch.setattr(observe, "probe", probe)
    return alive


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
        "max_sampled_lag_ms": None,
        "max_lag_sample_age": 420,
        "accept_data_loss": False,
        "force": False,
        "method": "failover",
        "fencing": "database_ingress",
        "cool_down": 3600,
        "min_capacity_percent": 50,
        "resume_within": 21600,
        "takeover_run_id": None,
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
    assert steps(found) == MOVE
    assert (found["target_region"], found["active_region"], found["traffic_region"]) == (WEST, EAST, EAST)
    assert found["target"]["autoscaling_group_name"] == "asg"
    assert sorted(found["db_cluster_arns"]) == sorted(found["topics"]) == [EAST, WEST]
    assert found["switch_regions"][0]["bucket"] == f"control-{EAST}"
    assert found["switch"]["regions"] == found["switch_regions"]
    assert found["switch"]["silent_regions"] == found["silent_regions"] == [EAST]
    assert (found["lease"], found["latest_move"], found["fences"]) == (None, None, {EAST: "unknown", WEST: None})
    assert found["lag"]["value_ms"] == 120.0
    assert found["rpo_bound_ms"] == "unknown", "the region that does not answer may go on writing"
    assert found["safe_instant"] < found["lag"]["sampled_at"]
    assert found["promotion"]["global_cluster_identifier"] == "g"
    assert found["promotion"]["expected_writer_region"] == EAST
    assert found["promotion"]["db_cluster_arns"] == found["db_cluster_arns"]
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


def slow_by(aws, seconds):
    """Let every call to the active region, which is healthy, take so long."""
    answer = aws.answer

    def late(service, region, *what):
        if region == EAST:
            aws.over.wait(seconds)
        return answer(service, region, *what)

    aws.answer = late


def codes(found):
    return [one["code"] for one in found["obstacles"]]


def test_a_healthy_region_whose_every_call_is_slow_is_not_left_while_it_serves_clients(aws, endpoints):
    slow_by(aws, 0.5)
    endpoints.add(f"alb.{EAST}.example")
    assert codes(plan(aws)) == ["primary_healthy"], "slower than the patience of 0.3 s"


def test_a_healthy_region_is_not_left_because_the_way_to_every_region_is_slow(aws):
    slow_by(aws, 0.5)
    answer = aws.answer

    def late(service, region, *what):
        if region == WEST:
            aws.over.wait(0.3)
        return answer(service, region, *what)

    aws.answer = late
    assert codes(plan(aws)) == ["primary_healthy"]


def test_a_region_that_was_silent_before_is_asked_and_not_waited_for(aws):
    aws.hanging.add(EAST)
    begun = time.monotonic()
    found = plan(aws, patience=20, silent_regions=[EAST])
    assert time.monotonic() - begun < 5
    assert (codes(found), found["silent_regions"]) == ([], [EAST])


def test_a_region_that_was_silent_before_and_answers_now_is_heard(aws):
    found = plan(aws, silent_regions=[EAST])
    assert (codes(found), found["silent_regions"]) == (["primary_healthy"], [])


def test_an_unknown_of_the_target_is_an_obstacle(aws):
    aws.hanging.add(WEST)
    found = plan(aws, target_region=WEST)
    assert "target_unreadable" in [one["code"] for one in found["obstacles"]]


def test_the_traffic_is_where_the_control_objects_say(aws):
    aws.lost.add(EAST)
    aws.objects[f"control-{WEST}"] = f"[{WEST} claims over {EAST}]\n"
    found = plan(aws)
    assert found["traffic_region"] == WEST


def test_a_fresher_manifest_that_says_something_else_is_observed_anew():
    aws = FakePlatform(EAST, WEST, EUROPE)
    write(aws, WEST, manifest=manifest_of(EAST, WEST))
    write(aws, EAST)
    slow = aws.batch_get_item

    def answer(region, **parameters):
        if region == EAST:
            aws.over.wait(0.2)
        return slow(region, **parameters)

    aws.batch_get_item = answer
    found = plan(aws, patience=1)
    assert found["manifest_region"] == EAST
    assert sorted(found["observed"]) == [EUROPE, EAST, WEST]
    assert found["observed"][EUROPE]["group"]["desired"] == 2


def test_no_manifest_anywhere_is_an_error(aws):
    aws.items = {region: {} for region in aws.regions}
    with pytest.raises(MultiRegionError, match="No usable manifest"):
        plan(aws)


def test_a_manifest_of_another_version_names_both_versions_and_the_remedy(aws):
    for region in aws.regions:
        control_table_items.put_document(aws.clients("dynamodb", region), TABLE, "manifest", {"version": 9}, "2026")
    with pytest.raises(MultiRegionError, match="reads manifests of version 1, not 9: run its site.yml"):
        plan(aws)


def test_tables_that_exist_nowhere_are_an_error_of_their_own(aws):
    aws.missing_tables = {region: {TABLE} for region in aws.regions}
    with pytest.raises(MultiRegionError, match=f"{WEST}: no such table. site.yml creates the table"):
        plan(aws)


def test_a_target_without_a_control_table_is_an_obstacle_although_another_region_has_the_manifest(aws):
    aws.missing_tables = {WEST: {TABLE}}
    aws.healthy[EAST] = 0
    found = plan(aws)
    assert [one["code"] for one in found["obstacles"]] == ["lease_table_missing"]
    assert (found["copies"][WEST], found["manifest_region"]) == ("absent", EAST)


def test_a_control_table_is_read_in_one_call(aws):
    plan(aws, force=True)
    assert sorted(aws.made("batch_get", "get_item")) == [(EAST, "batch_get_item"), (WEST, "batch_get_item")]
    assert aws.writes() == []


def test_the_lag_is_read_of_every_standby_only_while_a_target_is_to_be_chosen(aws):
    plan(aws)
    assert sorted(aws.made("get_metric_data")) == [(EAST, "get_metric_data"), (WEST, "get_metric_data")]
    aws.calls.clear()
    assert plan(aws, target_region=WEST)["lag"]["value_ms"] == 120.0
    assert aws.made("get_metric_data") == [(WEST, "get_metric_data")]


def lease(aws, region, outcome="running", renewed_at=-10.0, **more):
    now = aws.now + renewed_at
    item = {
        **{"run_id": "run-7", "claim": "run-7", "owner": "somebody@host", "method": "failover", "trigger": "test"},
        **{"target_region": region, "step": "promote_wait", "outcome": outcome, "attempt": 2, "lease_seconds": 60},
        **{"revision": 5, "started_at": now - 60, "acquired_at": now, "renewed_at": now, "expires_at": now + 60},
        **more,
    }
    aws.items[region][TABLE, "lease"] = control_table_lease.pack_lease(item)


def put(aws, region, identifier, document):
    control_table_items.put_document(aws.clients("dynamodb", region), TABLE, identifier, document, "2026")


def test_a_live_lease_is_an_obstacle_by_the_tables_own_clock(aws):
    aws.lost.add(EAST)
    lease(aws, WEST)
    found = plan(aws)
    assert [one["code"] for one in found["obstacles"]] == ["lease_held"]
    assert "somebody@host: run run-7, attempt 2" in found["reason"]
    assert (found["lease"]["age_seconds"], found["lease"]["expires_in_seconds"]) == (10.0, 50.0)


def test_the_record_of_a_run_that_stopped_tells_which_region_it_left(aws):
    lease(aws, WEST, outcome="failed")
    put(aws, WEST, "run#run-7", {"run_id": "run-7", "method": "failover", "from_region": EAST})
    aws.objects[f"control-{WEST}"] = f"[{WEST} claims over {EAST}]\n"
    aws.regions = (WEST, EAST)
    found = plan(aws, regions=[EAST, WEST], expected_active_region=EAST)
    assert (steps(found), found["obstacles"]) == (["verify", "notify", "record"], [])
    assert (found["target_region"], found["active_region"]) == (WEST, EAST)


@pytest.mark.parametrize(
    "more, is_read",
    [
        ({"attempt": 1, "step": None}, False),
        ({"attempt": 1, "step": "fence"}, True),
        ({"attempt": 2, "step": None}, True),
        ({"attempt": 1, "step": None, "outcome": "failed"}, True),
        ({"attempt": 1, "step": None, "renewed_at": -90.0}, True),
    ],
)
def test_only_the_record_of_a_run_that_has_just_taken_its_first_lease_is_not_read(aws, more, is_read):
    lease(aws, WEST, **more)
    plan(aws, target_region=WEST, takeover_run_id="run-7")
    assert bool(aws.made("get_item")) is is_read


def test_a_record_that_cannot_be_read_does_not_hide_the_rest_of_the_table(aws):
    aws.lost.add(EAST)
    lease(aws, WEST, outcome="failed")
    aws.fail("get_item", aws_error("InternalServerError", "GetItem", status=500))
    found = plan(aws)
    assert (found["obstacles"], found["target_region"]) == ([], WEST)
    assert "InternalServerError" in found["observed"][WEST]["run"]["unknown"]


def test_the_last_move_and_the_fences_are_reported_with_their_ages(aws):
    move = {"run_id": "run-6", "method": "failover", "from_region": WEST, "target_region": EAST, "acknowledged": None}
    put(aws, WEST, "latest_move", {**move, "ended_at": aws.now - 600})
    put(aws, WEST, f"fence#{EAST}", {"mode": "database_ingress", "state": "done", "run_id": "run-6"})
    aws.lost.add(EAST)
    found = plan(aws)
    assert [one["code"] for one in found["obstacles"]] == ["cool_down"]
    assert found["latest_move"]["age_seconds"] == 600.0
    assert (found["fences"][EAST]["run_id"], found["fences"][WEST]) == ("run-6", None)
    assert "fence" not in steps(found)


def test_applications_are_repointed_by_what_the_parameter_says(aws):
    manifest = manifest_of(*aws.regions)
    for entry in manifest["regions"]:
        entry["writer_endpoint_parameter"] = "/writer"
    write(aws, EAST, WEST, manifest=manifest)
    aws.parameters = {(region, "/writer"): "g.global" for region in aws.regions}
    aws.lost.add(EAST)
    assert "repoint" not in steps(plan(aws))
    found = plan(aws, method="detach", accept_data_loss=True)
    assert "repoint" in steps(found)
    endpoint = found["writer_endpoint"]
    expected = {"parameter": "/writer", "current": "g.global", "wanted": f"c-{WEST}.example", "others": {}}
    assert {name: endpoint[name] for name in expected} == expected
    assert list(endpoint["silent"]) == [EAST]
    aws.parameters = {}
    assert plan(aws)["writer_endpoint"]["current"] is None


def test_items_that_are_left_out_are_asked_for_again_and_are_unknown_in_the_end(aws):
    whole, rest = aws.batch_get_item, []

    def answer(region, RequestItems):
        (asked,) = RequestItems.values()
        first, later = asked["Keys"][:1], asked["Keys"][1:]
        found = whole(region, {TABLE: {**asked, "Keys": first}})
        rest.append(region)
        return {**found, "UnprocessedKeys": {TABLE: {**asked, "Keys": later}} if later else {}}

    aws.batch_get_item = answer
    client = aws.clients("dynamodb", WEST)
    assert sorted(control_table_items.get_items(client, TABLE, ["manifest", "lease"])[0]) == ["manifest"]
    with pytest.raises(AwsCallError, match="2 items of .* were not read"):
        control_table_items.get_items(client, TABLE, ["manifest", "a", "b", "c", "d"])


def test_a_switchover_that_accepts_loss_is_refused_before_the_first_call(aws):
    with pytest.raises(MultiRegionError, match="accept_data_loss is true; allowed: false with method switchover"):
        plan(aws, method="switchover", accept_data_loss=True)
    assert aws.calls == []
