# SPDX-License-Identifier: GPL-3.0-or-later
"""An acceptance run goes on where it was, ends when its hours are over, and refuses what cannot be meant."""

from __future__ import annotations

import time
from unittest.mock import MagicMock

import pytest

from tests.acceptance import __main__ as command
from tests.acceptance import account, cost, report
from tests.acceptance.state import State
from tests.acceptance.story import CHAPTERS, END, Acceptance, Chapter, Failed

REGIONS = ("us-east-1", "us-east-2")


def acceptance(folder, hours=6.0):
    now = time.time()
    return Acceptance(
        State(folder / "state.json", "123456789012", REGIONS, now, now + hours * 3600), None, {}, {}, folder
    )


@pytest.fixture
def story(monkeypatch):
    """Chapters that note that they were done; `fails` are those that do not end well."""
    done, fails = [], set()

    def chapter(name):
        def do(_run):
            done.append(name)
            if name in fails:
                raise Failed(f"{name} failed")
            return "done"

        return Chapter(name, name, do)

    monkeypatch.setattr(command, "CHAPTERS", tuple(map(chapter, ("build", "move", "return"))))
    monkeypatch.setattr(command, "END", tuple(map(chapter, ("teardown", "leftovers"))))
    return done, fails


def test_a_chapter_that_failed_is_done_again_and_those_before_it_are_not(story, tmp_path):
    (done, fails), run = story, acceptance(tmp_path)
    fails.add("move")
    with pytest.raises(Failed, match="move failed"):
        command.tell_story(run)
    fails.clear()
    again = Acceptance(State.at(tmp_path / "state.json"), None, {}, {}, tmp_path)
    command.tell_story(again)
    assert done == ["build", "move", "move", "return", "teardown", "leftovers"]
    assert all(State.at(tmp_path / "state.json").is_done(name) for name in done)


@pytest.mark.parametrize("fails_too", [False, True])
def test_when_the_hours_are_over_everything_is_removed(story, tmp_path, fails_too):
    (done, _fails), run = story, acceptance(tmp_path)
    _build, *rest = command.CHAPTERS

    def last(running):
        running.state.deadline = time.time()
        if fails_too:
            raise Failed("ended")
        return "done"

    command.CHAPTERS = (Chapter("build", "build", last), *rest)
    command.tell_story(run)
    assert done == ["teardown", "leftovers"]


def test_the_watcher_removes_what_a_run_that_is_gone_has_left(story, tmp_path, monkeypatch):
    done, _fails = story
    run = acceptance(tmp_path, hours=0)
    run.state.save()
    monkeypatch.setattr(command, "acceptance", lambda folder: (run, None))
    assert command.watch(tmp_path) == 0
    assert done == ["teardown", "leftovers"]
    assert command.watch(tmp_path) == 0 and len(done) == 2, "a run that has ended is left alone"


def test_a_watcher_that_waited_for_a_run_which_then_ended_does_nothing(story, tmp_path, monkeypatch):
    done, _fails = story
    run = acceptance(tmp_path, hours=0)
    run.state.save()

    class EndsMeanwhile(command.lock):
        def __enter__(self):
            super().__enter__()
            command.finish(run)

    monkeypatch.setattr(command, "lock", EndsMeanwhile)
    monkeypatch.setattr(command, "acceptance", pytest.fail)
    assert command.watch(tmp_path) == 0
    assert done == ["teardown", "leftovers"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "ACCOUNT is not given; allowed: the 12 digits of an account's id, or lab."),
        ({"ACCOUNT": "production"}, "ACCOUNT is production; allowed: the 12 digits"),
        ({"ACCOUNT": "123456789012", "REGIONS": "us-east-1"}, "REGIONS is us-east-1; allowed: two different regions"),
        ({"ACCOUNT": "123456789012", "HOURS": "500"}, "HOURS is 500; allowed: a number from 1 to 48."),
        ({"ACCOUNT": "123456789012", "END": "1"}, "END is given, and no run was interrupted here"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_is_allowed(monkeypatch, tmp_path, capsys, given, sentence):
    for name in ("ACCOUNT", "REGIONS", "HOURS", "CHECK", "END"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "folder_of", lambda _where: tmp_path)
    monkeypatch.setattr(command.sys, "argv", ["acceptance"])
    monkeypatch.setattr(command, "clients_of", lambda _session: pytest.fail)
    assert command.main() == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "state.json").exists()


def of_account(**of_regions):
    """Clients that know the caller's account in each region."""

    def client(_service, region):
        found = MagicMock()
        found.get_caller_identity.return_value = {"Account": of_regions[region.replace("-", "_")]}
        return found

    return client


def test_credentials_of_another_account_or_of_two_are_refused():
    with pytest.raises(command.Refused, match="ACCOUNT is 1, and the credentials belong to 2"):
        command.preflight(of_account(us_east_1="2", us_east_2="2"), REGIONS, "1")
    with pytest.raises(account.Unfit, match="different accounts"):
        account.account_of(of_account(us_east_1="1", us_east_2="2"), REGIONS)


def version(name, *targets, is_global=True):
    upgrades = [{"EngineVersion": one, "IsMajorVersionUpgrade": not one.startswith(name[:3])} for one in targets]
    return {"EngineVersion": name, "SupportsGlobalDatabases": is_global, "ValidUpgradeTarget": upgrades}


def offering(**of_regions):
    def client(_service, region):
        found = MagicMock()
        pages = [{"DBEngineVersions": of_regions[region.replace("-", "_")]}]
        found.get_paginator.return_value.paginate.return_value = pages
        return found

    return client


def test_the_database_is_built_with_the_version_before_the_newest_that_both_regions_offer():
    old, middle, new = (f"8.0.mysql_aurora.3.{number}.0" for number in (9, 10, 11))
    east = [version(old, middle, new), version(middle, new), version(new, "8.4.mysql_aurora.8.4.7")]
    assert account.versions_of(offering(us_east_1=east, us_east_2=east), REGIONS) == [middle, new]
    assert account.versions_of(offering(us_east_1=east, us_east_2=east[:2]), REGIONS) == [old, middle]
    with pytest.raises(account.Unfit, match="no two versions in us-east-1 and us-east-2"):
        account.versions_of(offering(us_east_1=east, us_east_2=east[:1]), REGIONS)


def test_the_price_is_that_of_the_small_platform_by_the_hour():
    assert cost.usd_per_hour() == pytest.approx(586.5 / 730)
    assert "at most 4.82 for the 6 hours" in cost.sentence(6)


def test_the_report_has_every_chapter_and_move_and_escapes_what_it_shows():
    note = {"method": "switchover", "rto_seconds": 41.5, "rpo_bound_ms": 0, "fenced": None}
    chapters = {one.name: {"seconds": 3.0, "ended": 1.0, "note": "ok <&>"} for one in (*CHAPTERS, *END)}
    chapters["switchover"]["note"] = note
    chapters["leftovers"] |= {"ended": None}
    page = report.page(chapters, ["AWS only <x>"], 12)
    assert all(f"<td>{one.name}</td>" in page for one in (*CHAPTERS, *END))
    assert "<td>41.5</td><td>0</td><td>unknown</td>" in page and "did not end" in page
    assert "ok &lt;&amp;&gt;" in page and "AWS only &lt;x&gt;" in page and "12 operations" in page


def test_a_report_without_a_record_of_the_lab_says_that_nothing_was_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "LAB_FOLDER", tmp_path / "of-the-lab")
    run = acceptance(tmp_path)
    (tmp_path / "records").mkdir()
    report.write(run, scale=1)
    assert "Not compared with a record of the lab" in (tmp_path / "report.html").read_text()
