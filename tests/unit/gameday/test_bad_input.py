# SPDX-License-Identifier: GPL-3.0-or-later
"""A game day that cannot run says why, and what to do, before it starts anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from lab.daemon import process_start
from tests.gameday import __main__ as command
from tests.gameday import requirements
from tests.gameday.requirements import Missing
from tests.gameday.scenarios import SCENARIOS


def test_missing_programs_are_named_as_one_line_for_apt(monkeypatch):
    monkeypatch.setattr(requirements, "program", lambda name: None if name in ("nft", "mariadbd") else f"/bin/{name}")
    with pytest.raises(Missing, match="apt-get install --no-install-recommends mariadb-server-core nftables$"):
        requirements.check_programs()


def test_a_user_without_privileges_is_refused(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Missing, match="run it as root"):
        requirements.check_privileges()


def test_nftables_that_cannot_be_used_are_named_with_their_own_words(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "program", lambda name: "/bin/false")
    with pytest.raises(Missing, match="nftables cannot be used here"):
        requirements.check_privileges()


def test_a_second_game_day_is_refused(monkeypatch, tmp_path):
    nft = tmp_path / "nft"
    nft.write_text("#!/bin/sh\necho table inet trading_gameday\n")
    nft.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "program", lambda name: str(nft))
    with pytest.raises(Missing, match="another game day is running"):
        requirements.check_privileges()


def test_a_port_that_is_taken_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Missing, match=f"port {port} of 127.0.0.1 is taken"):
            requirements.check_addresses([("127.0.0.1", port)])


def test_an_unknown_scenario_is_named_with_those_that_exist():
    with pytest.raises(Missing, match="SCENARIO is 'earthquake'; it must be of: switchover, switchover-only, dead"):
        command.chosen("switchover, earthquake")


@pytest.mark.parametrize("value", ["many", "3", "101", "nan"])
def test_a_number_out_of_its_range_is_refused(monkeypatch, value):
    monkeypatch.setenv("CUSTOMERS", value)
    with pytest.raises(Missing, match=rf"CUSTOMERS is '{value}'; it must be a number from 4 to 100"):
        command.number("CUSTOMERS", 12, 4, 100)


def test_scenarios_are_played_in_the_order_asked_and_all_without_a_name():
    assert [one.name for one in command.chosen("detach,switchover")] == ["detach", "switchover"]
    assert command.chosen("") == list(SCENARIOS)


def test_the_labs_of_a_killed_game_day_end(tmp_path):
    """The guardian is all that is left of it."""
    folder = tmp_path / "gameday"
    script = (
        "import os, sys; from pathlib import Path; from lab.client import Lab\n"
        "from tests.gameday.guardian import guarded\n"
        "folder = Path(sys.argv[1])\n"
        "with guarded(folder):\n"
        "    lab = Lab.start(folder / 'platforms/lab')\n"
        "    print(lab.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    assert killed.returncode == -9
    pid = int(killed.stdout)
    # The pipe of the output ended with the guardian, which had it too.
    assert process_start(pid) is None
    assert not folder.exists()


def incapable():
    raise requirements.Incapable("missing programs; install them: apt-get install haproxy")


def test_a_stage_that_the_machine_cannot_run_says_so_and_does_not_fail(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(requirements, "check_programs", incapable)
    monkeypatch.setenv("STAGE_NOT_RUN", str(tmp_path / "note"))
    monkeypatch.setenv("GAMEDAY", "optional")
    assert command.run() == 0
    assert "NOT run, because of missing programs; install them: apt-get install haproxy" in capsys.readouterr().out
    assert "apt-get install haproxy" in (tmp_path / "note").read_text()


@pytest.mark.parametrize("value", ["required", ""])
def test_who_requires_a_game_day_gets_a_failure(monkeypatch, capsys, value):
    monkeypatch.setattr(requirements, "check_programs", incapable)
    monkeypatch.setenv("GAMEDAY", value)
    assert command.run() == 2
    assert "apt-get install haproxy" in capsys.readouterr().err


def test_a_mistake_is_a_failure_also_where_the_game_day_is_optional(monkeypatch):
    monkeypatch.setenv("GAMEDAY", "optional")
    monkeypatch.setenv("SCENARIO", "earthquake")
    assert command.run() == 2
