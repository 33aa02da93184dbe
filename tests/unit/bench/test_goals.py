# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's table says what was measured, and that a goal was missed where it was."""

from __future__ import annotations

import json

import pytest

from tests.bench import report
from tests.bench.goals import MET, NOT_MET, Goal, Line
from tests.bench.sides import in_turn, order

MACHINE = {"cores": "2"}


def line(samples, against=(), goals=(), **more):
    return Line("failover", "failover.yml", samples, goals, against_samples=against, **more)


def test_takes_the_median_of_each_side():
    taken = line([9, 1, 2], against=[4, 8])
    assert (taken.median, taken.against_median) == (2, 6)


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal("times", 3), MET),
        (Goal("times", 2.9), NOT_MET),
        (Goal("over", 4), MET),
        (Goal("over", 3.9), NOT_MET),
        (Goal("itself", 6), MET),
        (Goal("itself", 5.9), NOT_MET),
    ],
)
def test_a_goal_is_met_up_to_its_limit_and_not_beyond(goal, verdict):
    assert line([6, 6, 6], against=[2, 2, 2], goals=[goal]).verdict == verdict


def test_one_goal_missed_is_a_line_missed():
    assert line([6], against=[2], goals=[Goal("times", 3), Goal("over", 1)]).verdict == NOT_MET


def test_a_comparison_needs_something_to_compare_with():
    with pytest.raises(ValueError, match="needs something to compare with"):
        line([6], goals=[Goal("times", 3)]).values()


def test_the_table_shows_figures_goals_and_verdict():
    row = report.as_row(line([6.04], against=[2], goals=[Goal("times", 3), Goal("over", 6)]))
    assert row == "| failover.yml | 6.0 s |  | 2.0 s | 3.02 x, 4.0 s more | 3.00 x, 6.0 s more | not met | 1 |"


def test_the_table_shows_a_figure_without_a_comparison():
    row = report.as_row(line([60], goals=[Goal("itself", 60)], unit="calls"))
    assert row == "| failover.yml | 60 calls |  |  | 60 calls | 60 calls | met | 1 |"


def test_notes_follow_the_table():
    text = report.as_markdown([line([1], note="Read this.")], MACHINE)
    assert "cores 2" in text
    assert text.endswith("- failover.yml: Read this.\n")


def test_the_document_has_every_sample(tmp_path):
    report.write([line([1, 2, 3], against=[1], goals=[Goal("times", 1)], evidence={"calls": 4})], MACHINE, tmp_path)
    (found,) = json.loads((tmp_path / "bench.json").read_text())["lines"]
    assert found["samples"] == [1, 2, 3]
    assert found["goals"] == [{"kind": "times", "at_most": 1, "value": 2.0, "met": False}]
    assert found["calls"] == 4
    assert (tmp_path / "bench.md").read_text().startswith("# Speed")


def test_no_side_is_always_the_first():
    assert [list(order(number, 2)) for number in range(3)] == [[0, 1], [1, 0], [0, 1]]


def test_what_sides_return_is_kept_apart():
    turns = iter(range(10))
    assert in_turn(2, lambda: ("a", next(turns)), lambda: ("b", next(turns))) == [
        [("a", 0), ("a", 3)],
        [("b", 1), ("b", 2)],
    ]
