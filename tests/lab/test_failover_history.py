# SPDX-License-Identifier: GPL-3.0-or-later
"""Lease and journal over the socket: one winner of a race, and a history that outlives any one region."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._runs import info as runs_info
from ansible_collections.trading.multi_region.plugins.module_utils._runs import record as runs_record
from ansible_collections.trading.multi_region.plugins.module_utils._runs import sync
from lab.client import Lab
from tests.lab.failover_platform import EAST, TABLE, WEST, clients_of


@pytest.fixture
def tables(lab: Lab) -> Iterator[Lab]:
    """A lab with nothing but the two control tables."""
    for region in (EAST, WEST):
        lab.client("dynamodb", region).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    yield lab


def lease(lab: Lab, owner: str, **more: Any) -> dict[str, Any]:
    params = {
        "table_name": TABLE,
        "region": WEST,
        "state": "held",
        "run_id": f"run-of-{owner}",
        "owner": owner,
        "method": "failover",
        "lease_seconds": 10,
        "resume_within": 21600,
    }
    return lease_holder.run({**params, **more}, clients_of(lab))


def race(lab: Lab, contenders: int, **more: Any) -> tuple[list[dict[str, Any]], list[Refused]]:
    """Let contenders request the lease at the same moment; return the answers to winners and losers."""
    start, won, refused = threading.Barrier(contenders), [], []

    def contend(number: int) -> None:
        start.wait()
        try:
            won.append(lease(lab, f"c{number}", **more))
        except Refused as error:
            refused.append(error)

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, refused


def expire(lab: Lab) -> None:
    """Set the expiry of the lease back, as if its seconds had passed."""
    lab.client("dynamodb", WEST).update_item(
        TableName=TABLE,
        Key={"id": {"S": "lease"}},
        UpdateExpression="SET expires_at = :then, renewed_at = :then",
        ExpressionAttributeValues={":then": {"N": "1700000000"}},
    )


def test_of_contenders_for_a_free_and_for_an_expired_lease_exactly_one_wins(tables: Lab) -> None:
    for _round in range(2):
        won, refused = race(tables, 4, resume_within=10**9)
        assert (len(won), len(refused)) == (1, 3)
        winner = won[0]["lease"]["owner"]
        assert {error.evidence["held_by"]["owner"] for error in refused} == {winner}
        expire(tables)
    assert won[0]["resumed"]


def test_a_lease_is_held_lost_and_released_as_dynamodb_keeps_its_conditions(tables: Lab) -> None:
    taken = lease(tables, "ann", lease_seconds=60)
    step = lease_of({"lease": {**taken["handle"], "step": "promote_wait"}}, clients_of(tables))
    step.hold()
    step.hold()
    with pytest.raises(Refused, match="held by ann: run run-of-ann, attempt 1, method failover, step promote_wait"):
        lease(tables, "bob")
    second = lease(tables, "bob", takeover_run_id="run-of-ann")
    assert (second["lease"]["attempt"], second["previous"]["ended"]) == (2, "taken over")
    with pytest.raises(Refused, match="lease lost to bob"):
        step.hold()
    ended = {"state": "released", "run_id": "run-of-ann", "outcome": "successful"}
    assert not lease(tables, "ann", attempt=1, **ended)["changed"]
    assert lease(tables, "bob", attempt=2, **ended)["lease"]["outcome"] == "successful"
    assert lease(tables, "cat")["lease"]["run_id"] == "run-of-cat"


def test_without_a_table_there_is_no_lease_and_the_remedy_is_named(lab: Lab) -> None:
    with pytest.raises(MultiRegionError, match=r"there is no such table in us-east-2.*site\.yml creates it"):
        lease(lab, "ann")


def record(lab: Lab, **more: Any) -> dict[str, Any]:
    move_record = {
        "outcome": "successful",
        "owner": "bob",
        "method": "failover",
        "from_region": EAST,
        "target_region": WEST,
    }
    params = {
        "table_name": TABLE,
        "regions": [EAST, WEST],
        "required_region": WEST,
        "run_id": "run-of-ann",
        "attempt": 1,
        "previous": None,
        "record": {**move_record, "started_at": 1.0, "ended_at": 2.0},
        "deadline": 4,
    }
    return runs_record.run({**params, **more}, clients_of(lab))


def history(lab: Lab) -> dict[str, Any]:
    params = {"table_name": TABLE, "regions": [EAST, WEST], "run_id": None, "limit": 20, "deadline": 4}
    return runs_info.run(params, clients_of(lab))


def test_the_journal_shows_both_attempts_and_outlives_each_region(tables: Lab) -> None:
    lease(tables, "ann")
    expire(tables)
    second = lease(tables, "bob", resume_within=10**9)
    how = {"attempt": second["lease"]["attempt"], "previous": second["previous"]}
    assert record(tables, **how)["changed"]
    assert not record(tables, **how)["changed"]
    for lost, left in ((EAST, WEST), (WEST, EAST)):
        tables.outage(lost, "reset")
        found = history(tables)
        tables.restore(lost)
        (run,) = found["runs"]
        assert [entry["outcome"] for entry in run["attempts"]] == ["lost", "successful"]
        assert (run["regions"], list(found["unread"])) == ([left], [lost])
        assert found["latest_move"]["run_id"] == "run-of-ann"


def test_an_attempt_that_was_superseded_changes_no_table(tables: Lab) -> None:
    record(tables, attempt=2)
    late = record(tables, record={"outcome": "failed", "owner": "ann"})
    assert not late["changed"]
    assert history(tables)["runs"][0]["outcome"] == "successful"


def test_a_region_that_returns_gets_what_it_missed_and_nothing_newer_is_overwritten(tables: Lab) -> None:
    move_record = {
        "outcome": "successful",
        "method": "failover",
        "started_at": 1.0,
        "ended_at": 9.0,
        "target_region": WEST,
    }
    params = {"table_name": TABLE, "regions": [WEST], "required_region": WEST, "run_id": "r1", "attempt": 1}
    runs_record.run({**params, "record": move_record, "deadline": 8}, clients_of(tables))
    everywhere = {"table_name": TABLE, "regions": [EAST, WEST], "deadline": 8}

    foreseen = sync.run(everywhere, clients_of(tables), check_mode=True)
    done = sync.run(everywhere, clients_of(tables))
    assert foreseen["copied"] == done["copied"] == {EAST: ["latest_move", "run#r1"]}
    assert not sync.run(everywhere, clients_of(tables))["changed"]
    alone = runs_info.run({**everywhere, "regions": [EAST], "limit": 9}, clients_of(tables))
    assert (alone["runs"][0]["run_id"], alone["latest_move"]["run_id"]) == ("r1", "r1")

    # What was read a moment ago has been replaced by a run under way: the copy must not be written over it.
    seen = {"document": {"outcome": "running"}, "written_at": "before"}
    client = clients_of(tables)("dynamodb", EAST)
    assert sync.put_copy(client, TABLE, "run#r1", seen, seen) is None
