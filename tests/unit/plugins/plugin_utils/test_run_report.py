# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTML reports draw of a record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_report import build_history, build_report
from tests.gameday.picture import COLOURS

EAST, WEST = "us-east-1", "us-east-2"
TEMPLATES = Path(__file__).resolve().parents[4] / "playbooks/templates"
RUN = {
    "run_id": "a",
    "outcome": "successful",
    "from_region": EAST,
    "target_region": WEST,
    "started_at": 100.0,
    "ended_at": 200.0,
    "rto_seconds": 90.0,
    "rpo_bound_ms": "unknown",
    "steps": [
        {"name": "promote_wait", "seconds": 20.0, "ended_at": 150.0},
        {"name": "traffic", "seconds": 10.0, "ended_at": 180.0},
    ],
}


def spans(report: dict) -> dict:
    return {place["what"]: [(one["region"], one["at"]) for one in place["spans"]] for place in report["places"]}


def test_steps_are_shown_where_they_ended():
    report = build_report(RUN)
    assert [(step["at"], step["width"]) for step in report["steps"]] == [(30.0, 20.0), (70.0, 10.0)]
    assert spans(report) == {"writer": [(EAST, 0.0), (WEST, 50.0)], "traffic": [(EAST, 0.0), (WEST, 80.0)]}


def test_steps_of_an_old_record_are_drawn_one_after_the_other_and_marked():
    old = {**RUN, "steps": [{"name": "traffic", "seconds": 10.0}, {"name": "verify", "seconds": 30.0}]}
    steps = build_report(old)["steps"]
    assert [(step["at"], step["width"], step["is_estimated"]) for step in steps] == [(0, 10, True), (10, 30, True)]


def test_a_run_that_stopped_on_its_way_leaves_unknown_behind_its_last_step():
    stopped = {**RUN, "outcome": "failed", "steps": RUN["steps"][:1], "traffic_region_before": EAST}
    assert spans(build_report(stopped))["traffic"] == [(EAST, 0.0), ("unknown", 50.0)]


def test_a_refused_run_has_moved_nothing():
    refused = {**RUN, "outcome": "refused", "steps": [], "writer_region_before": EAST, "traffic_region_before": EAST}
    assert spans(build_report(refused)) == {"writer": [(EAST, 0.0)], "traffic": [(EAST, 0.0)]}


@pytest.mark.parametrize(("goal", "verdict"), [(None, "no goal"), (90.0, "met"), (89.0, "missed")])
def test_rto_is_compared_with_its_goal(goal, verdict):
    assert build_report(RUN, rto_goal=goal)["rto"]["met"] == verdict


def test_an_unknown_figure_meets_no_goal():
    assert build_report(RUN, rpo_goal=1000.0)["rpo"] == {"figure": None, "goal": 1000.0, "met": "unknown"}


def test_a_record_that_tells_nothing_is_drawn():
    report = build_report({"run_id": "a"})
    assert (report["seconds"], report["steps"], report["ticks"]) == (None, [], [])
    assert spans(report)["writer"][-1][0] == "unknown"


def test_the_history_goes_from_the_oldest_run_to_the_newest():
    runs = [{**RUN, "run_id": "new"}, {"run_id": "old", "rto_seconds": None}]
    drawn = build_history(runs, rto_goal=45.0)
    assert [(one["run_id"], one["height"] > 0) for one in drawn["bars"]] == [("old", False), ("new", True)]
    assert drawn["goal_at"] > drawn["bars"][1]["top"], "the bar of a run that missed its goal ends above the line"


def test_the_colours_are_those_of_the_game_days_picture():
    css = (TEMPLATES / "report.css").read_text()
    assert re.findall(r"--(?:one|two|three): (#\w+)", css.partition("@media")[0]) == list(COLOURS)


def test_each_step_has_a_number_and_the_place_of_its_end():
    assert [(step["number"], step["until"]) for step in build_report(RUN)["steps"]] == [(1, 50.0), (2, 80.0)]


def test_a_report_says_what_is_claimed():
    report = build_report(RUN)
    assert report["summary"].startswith("us-east-2 is active; 90 s after the command")
    assert any("No bound" in claim for claim in report["claims"])


def test_an_empty_history_is_drawn():
    assert build_history([])["bars"] == []


@pytest.mark.parametrize("name", ["run_report.html.j2", "runs_report.html.j2"])
def test_everything_a_report_prints_is_escaped(name):
    printed = re.findall(r"\{\{(.*?)\}\}", (TEMPLATES / name).read_text())
    assert printed and [one for one in printed if not one.endswith("| e ")] == []
