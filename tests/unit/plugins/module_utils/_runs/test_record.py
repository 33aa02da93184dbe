# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The journal: attempts add up, lost ones are closed, copies are merged, and nothing unread is omitted."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import pack
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import pack_lease
from ansible_collections.trading.multi_region.plugins.module_utils._core import fan_out
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._runs import info as runs_info
from ansible_collections.trading.multi_region.plugins.module_utils._runs import record as runs_record
from ansible_collections.trading.multi_region.plugins.module_utils._runs.sync import missing_copies
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    TABLE,
    WEST,
    FakePlatform,
)

LEASE = {
    "run_id": "r1",
    "claim": "r1",
    "owner": "ann",
    "attempt": 1,
    "method": "failover",
    "trigger": "by hand",
    "target_region": WEST,
    "started_at": 1000.0,
    "acquired_at": 1000.0,
    "renewed_at": 1030.0,
    "expires_at": 1090.0,
    "lease_seconds": 60,
    "step": "promote_wait",
    "outcome": "running",
    "revision": 3,
}
PREVIOUS = {**LEASE, "ended": "expired", "earlier": []}
RECORD = {
    "outcome": "successful",
    "reason": "it answers",
    "owner": "bob",
    "method": "failover",
    "from_region": EAST,
    "target_region": WEST,
    "started_at": 1000.0,
    "ended_at": 1200.0,
    "steps": [{"name": "traffic"}],
}


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setattr(fan_out, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(runs_record, "READ_PATIENCE_SECONDS", 0.1)
    platform = FakePlatform()
    yield platform
    platform.over.set()


def write(aws, check_mode=False, record=None, **more):
    params = {"table_name": TABLE, "regions": [EAST, WEST], "required_region": WEST, "run_id": "r1", "deadline": 2}
    params.update(attempt=1, previous=None, record={**RECORD, **(record or {})})
    return runs_record.run({**params, **more}, aws.clients, check_mode)


def history(aws, **more):
    params = {"table_name": TABLE, "regions": [EAST, WEST], "run_id": None, "limit": 20, "deadline": 0.3}
    return runs_info.run({**params, **more}, aws.clients)


def stored(aws, identifier, region=WEST):
    item = aws.items[region].get((TABLE, identifier))
    return json.loads(item["document"]["S"]) if item else None


def attempts(document):
    return [(entry["attempt"], entry["owner"], entry["outcome"]) for entry in document["attempts"]]


def test_a_first_attempt_is_the_record_with_itself_as_the_only_attempt(aws):
    write(aws, record={"outcome": "running"})
    assert attempts(stored(aws, "run#r1")) == [(1, "bob", "running")]
    done = write(aws)
    assert attempts(done["record"]) == [(1, "bob", "successful")]
    assert done["record"]["attempts"][0]["steps"] == [{"name": "traffic"}]


def test_an_attempt_that_was_killed_is_closed_from_its_lease(aws):
    write(aws, record={"outcome": "running", "owner": "ann", "steps": [{"name": "fence"}]})
    done = write(aws, attempt=2, previous=PREVIOUS)
    assert attempts(done["record"]) == [(1, "ann", "lost"), (2, "bob", "successful")]
    first = done["record"]["attempts"][0]
    assert first["reason"] == (
        "Ended without a record at step promote_wait; last seen 1970-01-01T00:17:10Z, lease expired."
    )
    assert (first["ended_at"], first["steps"]) == (1030.0, [{"name": "fence"}])


def test_attempts_that_wrote_nothing_are_known_from_their_leases(aws):
    second = {**PREVIOUS, "attempt": 2, "owner": "cat", "earlier": [PREVIOUS]}
    done = write(aws, attempt=3, previous=second)
    assert attempts(done["record"]) == [(1, "ann", "lost"), (2, "cat", "lost"), (3, "bob", "successful")]


def test_an_attempt_that_finds_the_move_done_keeps_what_the_first_one_saw_before_it(aws):
    write(aws, record={"outcome": "failed", "rpo_bound_ms": 130, "lag": {"value_ms": 120}})
    done = write(aws, attempt=2, record={"from_region": WEST, "rpo_bound_ms": None, "lag": None})["record"]
    assert (done["from_region"], done["rpo_bound_ms"], done["lag"]) == (EAST, 130, {"value_ms": 120})


def test_a_later_attempt_that_proves_the_fence_bounds_the_loss_from_the_first_ones_safe_instant(aws):
    write(aws, record={"outcome": "failed", "rpo_bound_ms": "unknown", "safe_instant": "2026-01-01T00:00:00.000Z"})
    later = {"rpo_bound_ms": "unknown", "safe_instant": "unknown", "writes_ended_at": 1767225602.0}
    assert write(aws, attempt=2, record=later)["record"]["rpo_bound_ms"] == 2000
    assert stored(aws, "latest_move")["from_region"] == EAST


def test_the_latest_move_says_what_was_requested_and_by_what(aws):
    write(aws, record={"requested_target_region": WEST, "trigger": "by hand"})
    move = stored(aws, "latest_move")
    assert (move["requested_target_region"], move["trigger"]) == (WEST, "by hand")


def test_an_attempt_that_failed_keeps_what_it_said(aws):
    write(aws, record={"outcome": "failed", "owner": "ann", "reason": "stuck"})
    failed = {**PREVIOUS, "outcome": "failed", "ended": "failed"}
    done = write(aws, attempt=2, previous=failed)
    assert attempts(done["record"]) == [(1, "ann", "failed"), (2, "bob", "successful")]
    assert done["record"]["attempts"][0]["reason"] == "stuck"


def test_an_attempt_that_lost_its_lease_does_not_overwrite_the_one_that_went_on(aws):
    write(aws, attempt=2, previous=PREVIOUS)
    before = stored(aws, "run#r1")
    late = write(aws, record={"outcome": "failed", "owner": "ann"})
    assert (late["changed"], late["written_to"]) == (False, [])
    assert late["reason"] == "Attempt 2 of run r1 has written the record since; it is not changed."
    assert stored(aws, "run#r1") == before


def test_a_late_attempt_that_read_before_the_other_wrote_is_turned_away_by_the_table(aws):
    plain_put = FakePlatform.put_item
    others = []

    def put_after_the_other(region, **request):
        if not others:
            others.append("attempt 2")
            write(aws, regions=[WEST], attempt=2, previous=PREVIOUS)
        return plain_put(aws, region, **request)

    aws.put_item = put_after_the_other
    late = write(aws, regions=[WEST], record={"outcome": "failed", "owner": "ann"})
    assert stored(aws, "run#r1")["outcome"] == "successful"
    assert "a later attempt than 1 has written the record since" in late["not_written_to"][WEST]


def test_a_first_attempt_that_is_running_writes_its_record_without_reading(aws):
    done = write(aws, record={"outcome": "running", "ended_at": None})
    assert {operation for _region, operation in aws.made("get", "batch_get", "put")} == {"put_item"}
    assert (done["changed"], sorted(done["written_to"])) == (True, [EAST, WEST])
    write(aws)
    assert [(one["attempt"], one["outcome"]) for one in stored(aws, "run#r1")["attempts"]] == [(1, "successful")]


@pytest.mark.parametrize("more", [{"attempt": 2}, {"previous": {**PREVIOUS, "run_id": "r0"}}])
def test_one_that_follows_another_reads_what_that_left(aws, more):
    write(aws, record={"outcome": "running"}, **more)
    assert aws.made("batch_get")


def test_the_record_of_a_first_attempt_does_not_replace_that_of_a_later_one_unread(aws):
    write(aws, attempt=2, previous=PREVIOUS)
    before = stored(aws, "run#r1")
    late = write(aws, record={"outcome": "running", "owner": "ann"})
    assert (late["changed"], late["written_to"]) == (False, [])
    assert stored(aws, "run#r1") == before


def test_every_attempt_says_by_which_method_it_went(aws):
    write(aws, record={"outcome": "running", "owner": "ann", "method": "failover"})
    done = write(aws, attempt=2, previous={**PREVIOUS, "method": "auto"}, record={"method": "detach"})
    assert [entry["method"] for entry in done["record"]["attempts"]] == ["failover", "detach"]
    assert stored(aws, "latest_move")["method"] == "detach"


def test_an_attempt_that_wrote_nothing_is_known_by_the_method_of_its_lease(aws):
    done = write(aws, attempt=2, previous=PREVIOUS, record={"method": "detach"})
    assert [entry["method"] for entry in done["record"]["attempts"]] == ["failover", "detach"]


def test_a_run_that_was_taken_over_is_closed_as_lost(aws):
    write(aws, record={"outcome": "running", "owner": "ann"})
    write(aws, run_id="r2", previous={**PREVIOUS, "ended": "taken over"}, record={"method": "detach"})
    assert stored(aws, "run#r1")["outcome"] == "lost"
    assert attempts(stored(aws, "run#r1")) == [(1, "ann", "lost")]
    assert attempts(stored(aws, "run#r2")) == [(1, "bob", "successful")]


def test_a_run_that_was_taken_over_and_wrote_nothing_is_in_the_history_too(aws):
    write(aws, run_id="r2", previous=PREVIOUS, record={"method": "detach"})
    closed = stored(aws, "run#r1")
    assert (closed["outcome"], closed["method"], closed["target_region"]) == ("lost", "failover", WEST)


def test_what_another_region_kept_is_merged_where_the_required_one_has_nothing(aws):
    write(aws, record={"outcome": "failed", "owner": "ann"})
    aws.items[WEST].clear()
    done = write(aws, attempt=2)
    assert attempts(done["record"]) == [(1, "ann", "failed"), (2, "bob", "successful")]


def test_the_other_regions_are_not_read_where_the_required_one_has_the_record(aws):
    write(aws, record={"outcome": "running"})
    aws.calls.clear()
    write(aws, attempt=2, previous=PREVIOUS)
    assert aws.made("batch_get") == [(WEST, "batch_get_item")]


def test_the_record_of_a_required_region_that_does_not_answer_in_time_is_read_elsewhere(aws):
    write(aws, record={"outcome": "running", "owner": "ann"})
    aws.hanging.add(WEST)
    with pytest.raises(MultiRegionError, match="was not written in us-east-2") as failure:
        write(aws, attempt=2, previous=PREVIOUS, deadline=0.5)
    assert attempts(failure.value.evidence["record"]) == [(1, "ann", "lost"), (2, "bob", "successful")]


def test_a_successful_move_is_the_latest_one_and_keeps_its_acknowledgement(aws):
    write(aws)
    move = stored(aws, "latest_move", EAST)
    assert (move["run_id"], move["ended_at"], move["acknowledged"]) == ("r1", 1200.0, None)
    acknowledgement = {"by": "ann", "at": 1300.0, "reason": "seen"}
    for region in (EAST, WEST):
        aws.items[region][(TABLE, "latest_move")] = pack(
            "latest_move", {**move, "acknowledged": acknowledgement}, "2999"
        )
    assert not write(aws)["changed"]
    assert stored(aws, "latest_move")["acknowledged"] == acknowledgement
    write(aws, run_id="r2", record={"ended_at": 1500.0})
    assert (stored(aws, "latest_move")["run_id"], stored(aws, "latest_move")["acknowledged"]) == ("r2", None)


@pytest.mark.parametrize("record", [{"outcome": "failed"}, {"outcome": "refused"}, {"method": None}])
def test_what_moved_nothing_is_not_the_latest_move(aws, record):
    write(aws, record=record)
    assert stored(aws, "latest_move") is None


def test_an_older_run_does_not_become_the_latest_move_again(aws):
    write(aws)
    write(aws, run_id="r0", record={"ended_at": 1100.0})
    assert stored(aws, "latest_move")["run_id"] == "r1"


def test_any_region_will_do_where_none_is_required(aws):
    aws.lost.add(WEST)
    done = write(aws, required_region=None)
    assert (done["changed"], done["written_to"], list(done["not_written_to"])) == (True, [EAST], [WEST])
    aws.lost.add(EAST)
    with pytest.raises(MultiRegionError, match="was not written in any region"):
        write(aws, required_region=None)


def test_check_mode_says_no_more_than_it_could_read(aws):
    assert write(aws, check_mode=True)["reason"] == "The record run#r1 would be written in us-east-2."
    aws.lost.add(WEST)
    with pytest.raises(MultiRegionError, match="was not written in us-east-2"):
        write(aws, check_mode=True)
    assert aws.writes() == []


# --- the history


def test_runs_of_all_tables_are_reported_once_newest_first(aws):
    write(aws)
    write(aws, run_id="r2", record={"started_at": 2000.0, "ended_at": 2100.0})
    del aws.items[EAST][(TABLE, "run#r2")]
    found = history(aws)
    assert [(run["run_id"], run["regions"]) for run in found["runs"]] == [("r2", [WEST]), ("r1", [EAST, WEST])]
    assert (found["latest_move"]["run_id"], found["unread"]) == ("r2", {})
    assert [run["run_id"] for run in history(aws, limit=1)["runs"]] == ["r2"]


def test_the_latest_attempt_is_believed_whichever_copy_was_written_last(aws):
    write(aws, regions=[WEST], attempt=2, previous=PREVIOUS)
    write(aws, regions=[EAST], required_region=EAST, record={"outcome": "failed", "owner": "ann"})
    (found,) = history(aws)["runs"]
    assert (found["outcome"], found["attempt"]) == ("successful", 2)


@pytest.mark.parametrize("lost", [EAST, WEST])
def test_the_history_survives_the_loss_of_any_one_region_and_says_which(aws, lost):
    write(aws)
    aws.lost.add(lost)
    found = history(aws)
    assert [run["run_id"] for run in found["runs"]] == ["r1"]
    assert (found["leases"][lost], found["automation"][lost], list(found["unread"])) == ("unknown", "unknown", [lost])
    assert f"Not read: {lost}: Scan in {lost} failed" in found["reason"]


def test_a_hanging_region_is_unread_by_the_deadline(aws):
    aws.hanging.add(EAST)
    assert "no answer within" in history(aws)["unread"][EAST]


def test_no_region_is_an_error(aws):
    aws.lost |= {EAST, WEST}
    with pytest.raises(MultiRegionError, match="No control table trading-failover-dev could be read.") as error:
        history(aws)
    assert set(error.value.evidence["unread"]) == {EAST, WEST}


def test_leases_fences_and_the_pause_are_reported_by_region(aws):
    aws.items[WEST][(TABLE, "lease")] = pack_lease(LEASE)
    aws.items[WEST][(TABLE, f"fence#{EAST}")] = pack(f"fence#{EAST}", {"state": "intended"}, "1")
    aws.items[EAST][(TABLE, f"fence#{EAST}")] = pack(f"fence#{EAST}", {"state": "done"}, "0")
    aws.items[EAST][(TABLE, "automation")] = pack("automation", {"pause": {"by": "ann"}}, "1")
    found = history(aws)
    assert (found["leases"][EAST], found["leases"][WEST]["owner"], found["leases"][WEST]["is_live"]) == (
        None,
        "ann",
        False,
    )
    assert found["fences"] == {EAST: {"state": "done"}, WEST: None}
    assert found["automation"] == {EAST: {"pause": {"by": "ann"}}, WEST: None}
    assert found["automation_latest"] == {"pause": {"by": "ann"}}
    assert found["now"] > 1e9


def test_one_run_can_be_asked_for(aws):
    write(aws)
    write(aws, run_id="r2")
    assert [run["run_id"] for run in history(aws, run_id="r1")["runs"]] == ["r1"]
    with pytest.raises(MultiRegionError, match="run_id is r9; no such run in trading-failover-dev of"):
        history(aws, run_id="r9")


@pytest.mark.parametrize("lose", ["repeat", "twice"])
def test_a_write_whose_answer_was_lost_is_reported_as_the_change_it_was(aws, lose):
    if lose == "repeat":
        aws.repeated.add("put_item")
    else:
        aws.lose_answer("put_item")
    done = write(aws, regions=[WEST], record={"outcome": "running"})
    assert (done["changed"], done["written_to"], done["not_written_to"]) == (True, [WEST], {})
    assert not write(aws, regions=[WEST], record={"outcome": "running"})["changed"]


def test_a_record_expires_when_its_days_are_over_and_what_decides_moves_does_not(aws):
    write(aws, retention_days=30)
    item = aws.items[WEST][TABLE, "run#r1"]
    written = datetime.fromisoformat(item["written_at"]["S"]).timestamp()
    assert int(item["expires_at"]["N"]) == int(written + 30 * 86400)
    assert "expires_at" not in aws.items[WEST][TABLE, "latest_move"]


def test_a_record_without_a_limit_is_kept(aws):
    write(aws)
    assert "expires_at" not in aws.items[WEST][TABLE, "run#r1"]


def test_a_record_that_one_table_has_deleted_is_not_brought_back():
    copy = {"document": {"run_id": "r1"}, "written_at": "2026-01-01T00:00:00.000000Z"}
    tables = {EAST: {"run#r1": copy, "latest_move": copy}, WEST: {}}
    end = datetime(2026, 1, 31, tzinfo=UTC).timestamp()
    copied = [[one for _region, one, *_more in missing_copies(tables, 30, now)] for now in (end - 1, end + 1)]
    assert copied == [["latest_move", "run#r1"], ["latest_move"]]
