# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench ends well when its table is whole, whatever the figures are."""

from __future__ import annotations

import os

import pytest

from tests.bench import __main__ as bench
from tests.bench.goals import Goal, Line
from tests.bench.site import of_region


def slow(_platforms, runs):
    return [Line("slow", "a slow one", [9.0] * runs, [Goal("itself", 1)])]


def broken(_platforms, _runs):
    raise AssertionError("the playbook failed")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """A function of ROWS and ROW that returns (exit code, output, errors)."""

    def main(rows, word=""):
        monkeypatch.setattr(bench, "ROWS", rows)
        monkeypatch.setattr(bench, "PLACE", tmp_path)
        monkeypatch.setenv("ROW", word)
        monkeypatch.setenv("RUNS", "3")
        return bench.main(), *capsys.readouterr()

    return main


def test_a_goal_that_is_missed_is_reported_and_fails_nothing(run):
    code, output, _errors = run({"slow": slow})
    assert code == 0
    assert "| a slow one | 9.0 s |  |  | 9.0 s | 1.0 s | not met | 3 |" in output


def test_a_row_that_could_not_be_measured_fails_and_the_others_are_reported(run):
    code, output, errors = run({"broken": broken, "slow": slow})
    assert code == 1
    assert "a slow one" in output
    assert "broken was not measured: the playbook failed" in errors


def test_a_word_takes_the_rows_that_have_it_in_their_names(run):
    assert run({"broken": broken, "slow": slow}, word="slo")[0] == 0


def test_a_word_that_no_row_has_is_reported_with_the_rows_there_are(run):
    code, _output, errors = run({"slow": slow}, word="fast")
    assert code == 2
    assert "rows: slow" in errors


def test_the_row_that_waits_is_measured_once_beside_the_others_in_a_process_of_its_own(run):
    def waits(_platforms, runs):
        return [Line("durations", f"in process {os.getpid()}", [9.0] * runs, [Goal("itself", 10)])]

    code, output, _errors = run({"durations": waits, "slow": slow})
    assert code == 0
    _all, table = output.split("# Speed")
    first, second = [line for line in table.splitlines() if " 9.0 s | " in line]
    assert first.startswith("| in process ") and str(os.getpid()) not in first and first.endswith(" met | 1 |")
    assert second.startswith("| a slow one ") and second.endswith(" not met | 3 |")


def test_the_loop_takes_the_modules_of_one_region():
    lines = ['{"host": "us-east-1", "module": "a"}', '{"host": "us-east-2", "module": "b"}']
    assert [call["module"] for call in of_region(lines, "us-east-2")] == ["b"]
