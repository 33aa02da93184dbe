# SPDX-License-Identifier: GPL-3.0-or-later
"""The game day's checker: whatever happens to orders, it counts exactly that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gameday.checker import Claim, Evidence, Promotion, check, late_capacity, longest_gap

REGIONS = ("one", "two")
ONE, TWO = 1, 2
MOVE = Promotion(50.0, "two")


def order(number: str, at: float, server: int = ONE, outcome: str = "acknowledged", once: bool = True) -> dict:
    customer = number.partition("-")[0]
    return {
        "kind": "order",
        "customer": customer,
        "number": number,
        "is_idempotent": once,
        "began": at - 0.1,
        "ended": at,
        "outcome": outcome,
        "server": server if outcome == "acknowledged" else None,
    }


def evidence(*entries: dict, stored: dict | None = None, **more) -> Evidence:
    return Evidence(entries, stored or {}, REGIONS, "one", **more)


@st.composite
def histories(draw):
    """Orders with what became of each: (entry, number of rows stored)."""
    times = draw(st.lists(st.floats(1, 99), min_size=1, max_size=40))
    made = []
    for number, at in enumerate(times):
        server = ONE if at - 0.1 < MOVE.time or draw(st.booleans()) else TWO
        outcome = draw(st.sampled_from(["acknowledged", "refused", "unknown"]))
        rows = draw(st.integers(0, 2))
        made.append((order(f"c{number % 3}-{number}", at, server, outcome, draw(st.booleans())), rows))
    return made


def as_evidence(history, **more) -> Evidence:
    stored = {entry["number"]: [ONE] * rows for entry, rows in history if rows}
    return evidence(*(entry for entry, _rows in history), stored=stored, promotions=(MOVE,), **more)


@given(histories())
def test_lost_is_exactly_what_was_acknowledged_and_is_not_stored(history):
    found = check(as_evidence(history))
    expected = {entry["number"] for entry, rows in history if entry["outcome"] == "acknowledged" and not rows}
    assert {one.number for one in found.lost} == expected


@given(histories())
def test_duplicates_are_counted_by_habit(history):
    found = check(as_evidence(history))
    twice = [entry for entry, rows in history if rows == 2]
    assert set(found.duplicated_idempotent) == {one["number"] for one in twice if one["is_idempotent"]}
    assert set(found.duplicated_naive) == {one["number"] for one in twice if not one["is_idempotent"]}


@given(histories())
def test_unknown_orders_are_neither_lost_nor_acknowledged(history):
    found = check(as_evidence(history))
    assert found.unknown == sum(entry["outcome"] == "unknown" for entry, _rows in history)
    assert found.acknowledged == sum(entry["outcome"] == "acknowledged" for entry, _rows in history)


@given(histories())
def test_dropping_a_stored_order_never_goes_unnoticed(history):
    """The checker broken on purpose: one acknowledged order is taken out of the database."""
    seen = as_evidence(history)
    acked = [entry["number"] for entry, rows in history if entry["outcome"] == "acknowledged" and rows]
    if acked:
        less = {number: rows for number, rows in seen.stored.items() if number != acked[0]}
        assert len(check(replace(seen, stored=less)).lost) == len(check(seen).lost) + 1


@given(histories())
def test_a_loss_within_known_bounds_breaks_nothing_and_one_outside_does(history):
    claim = Claim("failover", 40, 60, safe_instant=30.0, bound_s=15.0, fenced="not fenced")
    found = check(as_evidence(history, claims=(claim,)))
    outside = [one for one in found.lost if one.promotion == MOVE and not 30 <= one.at <= 45]
    said = [one for one in found.broken if "safe instant" in one]
    assert bool(said) == bool(outside)


@given(histories())
def test_writes_of_the_old_database_after_a_claimed_fence_break_it(history):
    claim = Claim("failover", 40, 60, fenced="fenced")
    found = check(as_evidence(history, claims=(claim,)))
    by_old = [one for one in found.lost if one.by_old_writer]
    assert any("claimed `fenced`" in one for one in found.broken) == bool(by_old)
    assert found.by_old_after_promotion >= len(by_old)
    assert found.by_old_after_end <= found.by_old_after_promotion


@given(st.lists(st.floats(0, 100), max_size=30))
def test_the_longest_gap_is_never_shorter_than_any_between_neighbours(times):
    gap = longest_gap(times, 0, 100)
    points = sorted([0, *times, 100])
    assert gap == max(after - before for before, after in zip(points, points[1:], strict=False))


def test_any_loss_by_a_switchover_breaks_its_promise():
    planned = Promotion(50.0, "two", is_planned=True)
    found = check(evidence(order("c0-1", 49.0), promotions=(planned,)))
    assert found.broken == ("1 acknowledged orders were lost by a switchover to two",)


def test_a_loss_without_any_move_is_not_explained():
    found = check(evidence(order("c0-1", 10.0)))
    assert "no writer moved" in found.broken[0]


def test_a_loss_belongs_to_the_move_that_caused_it_and_not_to_the_one_back():
    back = Promotion(80.0, "one", is_planned=True)
    claims = (
        Claim("failover", 40, 60, safe_instant=45.0, bound_s=5.0),
        Claim("failback", 70, 90, safe_instant=79.0, bound_s=0.0),
    )
    found = check(evidence(order("c0-1", 49.0), promotions=(MOVE, back), claims=claims))
    assert (found.lost[0].promotion, found.broken) == (MOVE, ())


def test_server_ids_of_later_volumes_are_still_of_their_region():
    found = check(evidence(order("c0-1", 70.0, server=12), stored={"c0-1": [12]}, promotions=(MOVE,)))
    assert found.by_old_after_promotion == 0


def test_an_outage_is_that_of_the_customer_who_had_it():
    entries = [order("c0-1", 10.0), order("c0-2", 20.0), order("c1-1", 10.0), order("c1-2", 12.0), order("c1-3", 20.0)]
    found = check(evidence(*entries, stored={entry["number"]: [ONE] for entry in entries}))
    assert found.longest_outage["c0"] == 10.0
    assert found.longest_outage["c1"] == 8.0
    assert found.nobody_acked_s == 8.0


def test_an_attempt_that_waited_for_the_new_writer_is_not_by_the_old_one():
    waited = {**order("c0-1", 52.0, server=TWO), "began": 49.0}
    found = check(evidence(waited, stored={"c0-1": [TWO]}, promotions=(MOVE,)))
    assert found.by_old_after_promotion == 0


def ran(instances: int, at: float, region: str = "two") -> dict:
    return {"call": "capacity", "region": region, "instances": instances, "time": at - 0.1, "done": at}


@pytest.mark.parametrize(
    ("events", "sentences"),
    [
        ([ran(2, 10.0), ran(4, 55.0)], []),
        ([ran(2, 10.0), ran(4, 55.0), ran(6, 65.0)], []),
        ([ran(2, 10.0)], ["two ran 2 when its first order came, must be 4"]),
        ([ran(2, 10.0), ran(3, 55.0), ran(4, 60.5)], ["two ran 3 when its first order came, must be 4"]),
        ([ran(2, 10.0), ran(4, 55.0, region="one")], ["two ran 2 when its first order came, must be 4"]),
        ([ran(4, 10.0)], ["two ran 4 before the move: nothing had to be raised to 4"]),
    ],
)
def test_a_region_must_run_what_is_wanted_when_its_first_order_comes(events, sentences):
    orders = [{**order(f"c0-{at}", at, server=TWO), "region": "two"} for at in (60.1, 70.0)]
    assert late_capacity(evidence(*orders), events, "two", lost_at=40.0, wanted=4) == sentences


def test_capacity_without_traffic_shows_nothing():
    before = {**order("c0-1", 30.0), "region": "one"}
    assert late_capacity(evidence(before), [ran(4, 50.0)], "two", lost_at=40.0, wanted=4) == ["two has taken no order"]
