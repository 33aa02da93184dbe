# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The count, the pause and the acknowledgement in the control tables: any table will do, the newest copy counts."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._automation import decision as automation_decision
from ansible_collections.trading.multi_region.plugins.module_utils._automation import store as automation_store
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import pack, unpack
from ansible_collections.trading.multi_region.plugins.module_utils._core import fan_out
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

EAST, WEST = "us-east-1", "us-east-2"
TABLE, START = "trading-failover-dev", 1_800_000_000
PAUSED, COUNTED, MOVED = "automation", "automation#counters", "latest_move"
MOVE = {
    "version": 1,
    "run_id": "r2",
    "method": "failover",
    "from_region": EAST,
    "target_region": WEST,
    "ended_at": START - 600.0,
    "acknowledged": None,
}


class FakeTables(FakeAws):
    """The control tables of two regions, and their clock. ``intruder`` writes between a reading and a writing."""

    def __init__(self):
        super().__init__()
        self.items = {EAST: {}, WEST: {}}
        self.now = START
        self.intruder = None

    def get_item(self, region, TableName, Key, ConsistentRead):
        assert ConsistentRead and TableName == TABLE
        answer = {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(self.now, usegmt=True)}}}
        item = self.items[region].get(Key["id"]["S"])
        return {**answer, "Item": item} if item else answer

    def put_item(self, region, TableName, Item, ReturnValues):
        old = self.items[region].get(Item["id"]["S"])
        self.items[region][Item["id"]["S"]] = Item
        return {"Attributes": old} if old else {}

    def update_item(self, region, TableName, Key, ConditionExpression, ExpressionAttributeValues, **_expression):
        if self.intruder:
            self.intruder()
        stored = self.items[region].get(Key["id"]["S"], {})
        still, _or, own = ConditionExpression.partition(" OR ")
        assert still in ("#written_at = :was", "attribute_not_exists(#written_at)")
        assert own == "#written_at = :written_at"
        allowed = [ExpressionAttributeValues.get(name) for name in (":was", ":written_at")]
        if stored.get("written_at") not in allowed:
            raise aws_error("ConditionalCheckFailedException", "UpdateItem")
        values = {name: ExpressionAttributeValues[f":{name}"] for name in ("document", "version", "written_at")}
        self.items[region][Key["id"]["S"]] = {**stored, **Key, **values}
        return {}

    def store(self, region, identifier, document, written_at):
        self.items[region][identifier] = pack(identifier, document, written_at)

    def stored(self, region, identifier):
        return unpack(self.items[region].get(identifier, {}))["document"]


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setattr(fan_out, "PATIENCE_SECONDS", 0.2)
    return FakeTables()


def report(state="healthy"):
    signals = {name: {"state": state, "value": 1, "reason": "Said."} for name in ("load_balancer_targets", "database")}
    return {"verdict": state, "reason": "By its signals.", "signals": signals}


SICK, SOUND = report("unhealthy"), report()


def decision(aws, east=None, west=None, check_mode=False, **more):
    params = {"table_name": TABLE, "regions": [EAST, WEST], "deadline": 2}
    params |= {"verdicts": {EAST: east or SICK, WEST: west or SOUND}}
    params |= {"active_region": EAST, "auto_failover": True, "quorum": 2, "consecutive_failures": 3, "max_gap": 300}
    params |= {"min_interval": 5, "stream_limit": 180, "obstacles": []}
    return automation_decision.run({**params, **more}, aws.clients, check_mode)


def automation(aws, state, check_mode=False, **more):
    params = {"table_name": TABLE, "regions": [EAST, WEST], "state": state, "by": "ann", "reason": "patching"}
    params |= {"pause_seconds": 3600, "run_id": "r2", "deadline": 2}
    return automation_store.run({**params, **more}, aws.clients, check_mode)


# --- the count -------------------------------------------------------------------------------------------------------


def test_the_count_survives_between_runs_in_every_region(aws):
    actions = []
    for _run in range(3):
        done = decision(aws)
        actions.append(done["action"])
        aws.now += 30
    assert (actions, done["counters"]) == (["alert", "none", "failover"], {EAST: 3})
    assert done["written_to"] == [EAST, WEST]
    assert aws.stored(EAST, COUNTED) == aws.stored(WEST, COUNTED) == done["diff"]["after"]
    assert decision(aws, SOUND)["counters"] == {EAST: 0}


def test_a_quiet_platform_is_written_once(aws):
    assert decision(aws, SOUND)["changed"]
    again = decision(aws, SOUND)
    assert (again["changed"], again["action"], again["reason"]) == (
        False,
        "none",
        "All regions are healthy. Nothing is started.",
    )


def test_the_count_goes_on_without_the_lost_region_and_its_old_copy_is_mended(aws):
    decision(aws)
    aws.lost.add(EAST)
    aws.now += 30
    done = decision(aws)
    assert (done["counters"], done["written_to"], list(done["not_written_to"])) == ({EAST: 2}, [WEST], [EAST])
    aws.lost.clear()
    aws.now += 30
    assert decision(aws)["counters"] == {EAST: 3}
    assert aws.stored(EAST, COUNTED)["count"] == 3


def test_a_count_that_no_table_takes_starts_nothing_and_says_so(aws):
    decision(aws, consecutive_failures=2)
    aws.now += 30
    aws.fail("put_item", *[aws_error("AccessDenied", "PutItem")] * 2)
    done = decision(aws, consecutive_failures=2)
    assert (done["action"], done["changed"], done["is_news"]) == ("alert", False, True)
    assert f"No table {TABLE} took the count" in done["reason"] and "AccessDenied" in done["reason"]
    assert decision(aws, consecutive_failures=2)["action"] == "failover"


def test_tables_that_cannot_be_read_start_nothing_and_name_the_remedy(aws):
    aws.lost = {EAST, WEST}
    done = decision(aws, consecutive_failures=1)
    assert done["action"] == "alert"
    assert f"No table {TABLE} could be read" in done["reason"] and "site.yml creates the tables" in done["reason"]


def test_the_newest_copy_counts_and_another_version_counts_for_nothing(aws):
    old, new = ({"version": 1, "region": EAST, "count": count, "counted_at": START - 30.0} for count in (7, 1))
    aws.store(EAST, COUNTED, old, "2026-01-01")
    aws.store(WEST, COUNTED, new, "2026-01-02")
    assert decision(aws, check_mode=True)["counters"] == {EAST: 2}
    aws.store(WEST, COUNTED, {**new, "version": 2}, "2026-01-02")
    assert decision(aws, check_mode=True)["counters"] == {EAST: 1}


def test_check_mode_judges_and_counts_nothing(aws):
    done = decision(aws, consecutive_failures=1, check_mode=True)
    assert (done["action"], done["changed"], done["written_to"]) == ("failover", True, [])
    assert aws.writes() == []


def test_a_pause_holds_it_back_until_it_expires(aws):
    automation(aws, "paused", pause_seconds=60)
    aws.now += 30
    held = decision(aws, consecutive_failures=1)
    assert (held["action"], held["blocked_by"], held["paused"]["by"]) == ("alert", ["paused"], "ann")
    aws.now += 30
    done = decision(aws, consecutive_failures=1)
    assert (done["action"], done["paused"]) == ("failover", None)


def test_obstacles_of_the_plan_hold_it_back(aws):
    obstacles = [{"code": "cool_down", "sentence": "Moved 60 s ago.", "override": "force"}]
    done = decision(aws, consecutive_failures=1, obstacles=obstacles)
    assert (done["action"], done["blocked_by"]) == ("alert", ["cool_down"])
    assert "Moved 60 s ago." in done["reason"]


@pytest.mark.parametrize(
    "more, words",
    [
        ({"verdicts": {EAST: SOUND}}, "verdicts has none for us-east-2"),
        ({"active_region": "mars-1"}, "active_region is mars-1; allowed: one of us-east-1, us-east-2, unknown."),
        ({"min_interval": 301}, "min_interval is 301; allowed: at most max_gap, 300."),
    ],
)
def test_bad_options_are_refused_with_what_is_allowed(aws, more, words):
    with pytest.raises(MultiRegionError, match=words):
        decision(aws, **more)
    assert aws.calls == []


# --- the pause -------------------------------------------------------------------------------------------------------


def test_a_pause_is_given_once_and_ends_when_it_says(aws):
    first = automation(aws, "paused")
    assert first["reason"] == "Automatic failover is paused until 2027-01-15 09:00:00 UTC by ann: patching."
    aws.now += 20
    again = automation(aws, "paused")
    assert (again["changed"], again["paused"]) == (False, first["paused"])
    assert aws.stored(EAST, PAUSED) == aws.stored(WEST, PAUSED) == {"version": 1, "pause": first["paused"]}


@pytest.mark.parametrize("more", [{"by": "bob"}, {"reason": "drill"}, {"pause_seconds": 7200}, {"pause_seconds": 600}])
def test_another_pause_takes_the_place_of_the_first(aws, more):
    first = automation(aws, "paused")
    done = automation(aws, "paused", **more)
    assert done["changed"] and done["diff"]["before"] == first["paused"]


def test_a_pause_ends_early_once(aws):
    assert not automation(aws, "active")["changed"]
    automation(aws, "paused")
    done = automation(aws, "active")
    assert (done["changed"], done["paused"]) == (True, None)
    assert done["reason"] == "The pause by ann until 2027-01-15 09:00:00 UTC (patching) is over."
    assert automation(aws, "active")["reason"] == "Automatic failover was not paused."


def test_a_region_that_missed_it_is_named_and_updated_later(aws):
    aws.lost.add(EAST)
    done = automation(aws, "paused")
    assert (done["written_to"], list(done["not_written_to"])) == ([WEST], [EAST])
    assert "Not updated: us-east-1:" in done["reason"]
    aws.lost.clear()
    later = automation(aws, "paused")
    assert (later["changed"], later["written_to"], later["paused"]) == (True, [EAST], done["paused"])


def test_a_count_does_not_undo_a_pause(aws):
    decision(aws)
    automation(aws, "paused")
    aws.now += 30
    decision(aws)
    assert aws.stored(WEST, PAUSED)["pause"]["by"] == "ann"


def test_check_mode_pauses_nothing(aws):
    assert automation(aws, "paused", check_mode=True)["changed"]
    assert aws.writes() == []


def test_nobody_answering_is_an_error_with_the_remedy(aws):
    aws.lost = {EAST, WEST}
    with pytest.raises(MultiRegionError, match=rf"No table {TABLE} could be read\. .* site.yml creates it\."):
        automation(aws, "paused")


# --- the acknowledgement ---------------------------------------------------------------------------------------------


def test_a_move_is_acknowledged_once_in_every_region(aws):
    aws.store(WEST, MOVED, MOVE, "2026-01-02")
    aws.items[WEST][MOVED]["attempt"] = {"N": "1"}
    done = automation(aws, "acknowledged")
    assert (done["changed"], done["written_to"]) == (True, [EAST, WEST])
    assert done["reason"] == (
        "The move r2 (failover from us-east-1 to us-east-2, ended 2027-01-15 07:50:00 UTC) is acknowledged by ann;"
        " its cool-down is over."
    )
    assert aws.stored(EAST, MOVED) == aws.stored(WEST, MOVED) == done["latest_move"]
    assert done["latest_move"]["acknowledged"] == {"by": "ann", "at": float(START), "reason": "patching"}
    assert aws.items[WEST][MOVED]["attempt"] == {"N": "1"}
    again = automation(aws, "acknowledged", by="bob")
    assert not again["changed"] and "was already acknowledged by ann" in again["reason"]


def test_an_unknown_run_is_refused_with_the_latest_one(aws):
    aws.store(EAST, MOVED, {**MOVE, "run_id": "r1", "ended_at": START - 900.0}, "2026-01-03")
    aws.store(WEST, MOVED, MOVE, "2026-01-02")
    with pytest.raises(MultiRegionError, match=r"run_id is r1; allowed: the id of the latest move, r2 \(failover from"):
        automation(aws, "acknowledged", run_id="r1")


def test_without_a_move_there_is_nothing_to_acknowledge(aws):
    with pytest.raises(MultiRegionError, match="No move has been recorded in us-east-1, us-east-2; there is nothing"):
        automation(aws, "acknowledged")


def test_a_move_recorded_meanwhile_is_not_acknowledged_with_the_old_one(aws):
    for region in (EAST, WEST):
        aws.store(region, MOVED, MOVE, "2026-01-02")

    def another_move():
        for region in (EAST, WEST):
            aws.store(region, MOVED, {**MOVE, "run_id": "r3"}, "2026-01-04")

    aws.intruder = another_move
    with pytest.raises(MultiRegionError, match="was changed in the meantime; run this again"):
        automation(aws, "acknowledged")
    assert aws.stored(WEST, MOVED)["run_id"] == "r3"


@pytest.mark.parametrize("lose", ["repeat", "twice"])
def test_a_write_whose_answer_was_lost_is_no_change_by_somebody_else(aws, lose):
    if lose == "repeat":
        aws.repeated.add("update_item")
    else:
        aws.lose_answer("update_item")
    done = automation(aws, "paused")
    assert (done["changed"], sorted(done["written_to"]), done["not_written_to"]) == (True, [EAST, WEST], {})
    assert not automation(aws, "paused")["changed"]


def test_a_count_whose_answer_was_lost_is_counted(aws):
    aws.lose_answer("put_item")
    assert sorted(decision(aws)["written_to"]) == [EAST, WEST]
