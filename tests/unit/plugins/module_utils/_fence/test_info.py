# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Both kinds of fencing are reported together; what could not be read is unknown."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import merge, outcome_of
from ansible_collections.trading.multi_region.plugins.module_utils._fence.events import parse
from ansible_collections.trading.multi_region.plugins.module_utils._fence.info import combine, ending_of, run
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.fence_fakes import (
    EAST,
    GROUP,
    TABLE,
    WEST,
    FenceAws,
)

NOW = float(round(time.time()))
CLUSTERS = {EAST: "trading-us-east-1-dev", WEST: "trading-us-east-2-dev"}


def measure(state, **more):
    given = {"mode": "database_ingress", "security_group_id": GROUP, "run_id": "run-1", "fenced_at": NOW}
    return {**given, "version": 1, "region": EAST, "state": state, "removed": [], "reason": None, "earlier": [], **more}


def item(document, written_at="2026-01-01"):
    return {"document": {"S": json.dumps(document)}, "written_at": {"S": written_at}}


def event(words, region=EAST, cluster=CLUSTERS[EAST], at=NOW + 5):
    message = f"Attempt to block writes for DB cluster {cluster} in Region {region} {words}."
    return {"Message": message, "Date": datetime.fromtimestamp(at, UTC), "SourceType": "db-instance"}


@pytest.fixture
def aws():
    fake = FenceAws(EAST, WEST)
    yield fake
    fake.over.set()


def info(aws, **more):
    given = {"region": EAST, "table_name": TABLE, "regions": [EAST, WEST], "db_clusters": CLUSTERS, "since": NOW}
    return run({**given, "deadline": 4.0, **more}, aws.clients)


# --- documents
def test_the_regions_own_copy_is_believed_before_a_newer_one():
    copies = {EAST: {"document": {"run_id": "own"}, "written_at": "1"}, WEST: {"document": {}, "written_at": "2"}}
    assert merge(EAST, {region: Observation(copy) for region, copy in copies.items()}).value == {"run_id": "own"}


def test_the_newest_copy_tells_while_the_region_is_silent():
    copies = {
        EAST: Observation(error="silent"),
        WEST: Observation({"document": {"run_id": "old"}, "written_at": "1"}),
        "eu-west-1": Observation({"document": {"run_id": "new"}, "written_at": "2"}),
    }
    assert merge(EAST, copies).value == {"run_id": "new"}


@pytest.mark.parametrize(("state", "is_told"), [("failed", True), ("done", False), ("intended", False)])
def test_where_the_region_has_no_document_only_a_failure_is_taken_from_others(state, is_told):
    """A success would be in its own table; a failure may mean that it could not be reached."""
    copies = {EAST: Observation(None), WEST: Observation({"document": measure(state), "written_at": "1"})}
    assert (merge(EAST, copies).value is not None) is is_told


def test_no_copy_while_the_region_is_silent_is_unknown():
    found = merge(EAST, {EAST: Observation(error="silent"), WEST: Observation(None)})
    assert not found.known and "silent" in found.error


def test_one_success_among_several_measures_is_fenced():
    assert outcome_of(measure("failed", earlier=[measure("done")])) == "fenced"
    assert outcome_of(measure("failed", earlier=[measure("intended")])) == "unknown"
    assert outcome_of(measure("failed")) == "not fenced"
    assert outcome_of(None) is None


# --- events
@pytest.mark.parametrize(
    ("message", "state"),
    [
        ("Attempt to block writes for DB cluster c in Region us-east-1 succeeded.", "fenced"),
        ("Attempt to block writes for DB cluster c in Region us-east-1 timed out.", "timed_out"),
        ("Attempt to block writes for DB cluster 'c' in Region 'us-east-1' timed out.", "timed_out"),
        (
            "Attempt to block writes for DB cluster arn:aws:rds:us-east-1:1:cluster:c in Region us-east-1 succeeded.",
            "fenced",
        ),
    ],
)
def test_the_documented_messages_are_understood(message, state):
    found = parse({"Message": message, "Date": datetime.fromtimestamp(NOW, UTC)})
    assert (found["state"], found["region"], found["cluster"], found["at"]) == (state, EAST, "c", NOW)


@pytest.mark.parametrize(
    "message",
    [
        "Global failover to DB cluster c in Region us-east-1 completed.",
        "Old primary DB cluster c in Region us-east-1 successfully shut down.",
        "Attempt to block writes for DB cluster c in Region us-east-1 started.",
    ],
)
def test_other_messages_are_not(message):
    assert parse({"Message": message, "Date": datetime.fromtimestamp(NOW, UTC)}) is None


@pytest.mark.parametrize("recorded_in", [EAST, WEST])
def test_an_event_counts_wherever_it_was_recorded(aws, recorded_in):
    aws.events[recorded_in] = [event("succeeded")]
    found = info(aws)
    assert (found["outcome"], found["aurora"][EAST]["state"]) == ("fenced", "fenced")
    assert found["aurora"][EAST]["at"] == pytest.approx(NOW + 5)
    assert found["aurora"][WEST]["state"] == "unknown"


def test_events_of_other_clusters_and_of_earlier_moves_do_not_count(aws):
    aws.events[WEST] = [event("succeeded", cluster="another"), event("succeeded", at=NOW - 100)]
    assert info(aws)["aurora"][EAST]["state"] == "unknown"


def test_the_latest_event_counts(aws):
    aws.events[WEST] = [event("succeeded", at=NOW + 9), event("timed out", at=NOW + 3)]
    assert info(aws)["aurora"][EAST]["state"] == "fenced"


def test_the_interval_asked_for_is_the_regions_own_and_no_longer_than_aws_keeps(aws):
    info(aws, since=time.time() - 90)
    info(aws, since=0.0)
    asked = [given["Duration"] for _s, _r, operation, given in aws.calls if operation == "describe_events"]
    assert (min(asked), max(asked)) == (3, 14 * 24 * 60)


# --- together
def judge(fence, aurora, since=-math.inf):
    aurora = {"at": NOW if aurora["state"] == "fenced" else None, **aurora}
    return combine(EAST, fence, aurora, ending_of(fence, since, aurora))


@pytest.mark.parametrize(
    ("state", "aurora", "is_silent", "outcome"),
    [
        ("done", "fenced", False, "fenced"),
        ("done", "unknown", False, "not proven"),
        ("done", "unknown", True, "not proven"),
        ("done", "timed_out", False, "not proven"),
        ("failed", "fenced", False, "fenced"),
        (None, "fenced", False, "fenced"),
        ("failed", "timed_out", False, "not fenced"),
        (None, "timed_out", False, "not fenced"),
        ("failed", "unknown", True, "not fenced"),
        ("failed", "unknown", False, "unknown"),
        ("intended", "timed_out", False, "unknown"),
        (None, "unknown", True, "unknown"),
    ],
)
def test_the_outcome_is_both_together(state, aurora, is_silent, outcome):
    reported = {"state": aurora, "is_silent": is_silent, "reason": "there is no event of Aurora about it"}
    found, reason = judge(Observation(measure(state) if state else None), reported)
    assert found == outcome and EAST in reason and reason.endswith(".")


@pytest.mark.parametrize(
    ("mode", "resource", "writers"),
    [
        ("database_ingress", "security_group_id", "connections that were open may go on writing"),
        ("application_capacity", "autoscaling_group_name", "instances that drain, and other clients of the database"),
    ],
)
def test_what_may_still_be_written_is_named(mode, resource, writers):
    document = measure("done", mode=mode, **{resource: "r"})
    found, reason = judge(Observation(document), {"state": "timed_out", "is_silent": False})
    assert (found, reason.startswith(f"That {EAST} is fenced is not proven")) == ("not proven", True)
    assert writers in reason and "compare its last writes" in reason


@pytest.mark.parametrize(("state", "outcome"), [("done", "fenced"), ("intended", "unknown"), ("failed", "not fenced")])
def test_a_stateless_deny_is_proven_once_it_was_read_back(state, outcome):
    document = measure(state, mode="network_acl", network_acl_id="acl-1", done_at=NOW + 1)
    silent = {"state": "unknown", "is_silent": True, "reason": "there is no event of Aurora about it"}
    assert judge(Observation(document), silent)[0] == outcome


def stateless(done_at):
    return measure("done", mode="network_acl", network_acl_id="acl-1", done_at=done_at)


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("done_at", [NOW - 60, NOW + 1], ids=["earlier move", "this move"])
def test_a_copy_proves_only_what_was_denied_since_the_move_began(aws, is_lost, done_at):
    """Unfencing may have left copies, and a region that does not respond cannot contradict them."""
    for region in (EAST, WEST):
        aws.items[region][f"fence#{EAST}"] = item(stateless(done_at))
    if is_lost:
        aws.lost.add(EAST)
    found = info(aws)
    is_proven = done_at > NOW or not is_lost
    assert (found["outcome"], found["writes_ended_at"]) == (("fenced", done_at) if is_proven else ("not proven", None))


def test_the_first_proof_is_when_the_writes_ended(aws):
    aws.items[EAST][f"fence#{EAST}"] = item(stateless(NOW + 9))
    aws.events[EAST] = [event("succeeded", at=NOW + 4)]
    assert info(aws)["writes_ended_at"] == NOW + 4
    aws.events[EAST] = [event("timed out", at=NOW + 4)]
    assert info(aws)["writes_ended_at"] == NOW + 9


def test_an_unread_document_with_a_timed_out_aurora_is_unknown():
    found, reason = judge(Observation(error="nobody answered"), {"state": "timed_out", "is_silent": False})
    assert found == "unknown" and "nobody answered" in reason


def test_everything_is_reported_in_one_answer(aws):
    aws.items[EAST][f"fence#{EAST}"] = item(measure("failed", reason="AccessDenied"))
    aws.events[WEST] = [event("timed out")]
    found = info(aws)
    assert found["outcome"] == "not fenced" and found["changed"] is False
    assert "AccessDenied" in found["reason"] and "compare its last writes" in found["reason"]
    assert found["fences"][EAST]["state"] == "failed" and found["fences"][WEST] is None


def test_a_silent_region_is_unknown_within_the_deadline(aws):
    aws.hanging.add(EAST)
    began = time.monotonic()
    found = info(aws, deadline=0.3)
    assert time.monotonic() - began < 2
    assert found["outcome"] == "unknown" and "unknown" in found["fences"][EAST] and found["fences"][WEST] is None


def test_a_region_that_was_silent_before_is_asked_and_not_waited_for(aws):
    aws.hanging.add(EAST)
    begun = time.monotonic()
    found = info(aws, deadline=20, silent_regions=[EAST])
    assert time.monotonic() - begun < 5
    assert found["outcome"] == "unknown"


def test_without_a_region_all_are_reported(aws):
    found = info(aws, region=None, db_clusters={}, since=None)
    assert found["outcome"] is None and found["aurora"] == {}
    assert found["reason"] == f"Fencing: {EAST}: no document, {WEST}: no document."


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"region": "eu-west-1"}, "region is eu-west-1; allowed"),
        ({"db_clusters": {"eu-west-1": "c"}}, "a region of db_clusters is eu-west-1"),
        ({"since": None}, "since is not given"),
    ],
)
def test_bad_input_is_refused_before_any_call(aws, more, words):
    with pytest.raises(MultiRegionError, match=words):
        info(aws, **more)
    assert not aws.calls
