# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fixtures of all unit tests: time, and main() of a module."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.trading.multi_region.tests.unit.fakes import FakeTime


@pytest.fixture
def fake_time():
    """A clock of its own for each test."""
    return FakeTime()


@pytest.fixture
def run_main(monkeypatch, capsys):
    """Return a function (module, arguments, result=None, error=None, check_mode=False) -> the module's JSON.

    The module's ``run`` is replaced: it returns result or raises error. What it was called with is under ``seen`` of
    the returned dict; ``exit_code`` distinguishes success and failure.
    """
    for name in ("AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")

    def main(module, arguments, result=None, error=None, check_mode=False):
        seen = {}

        def run(params, clients, check_mode=False, **_time):
            seen.update(params=params, clients=clients, check_mode=check_mode)
            if error:
                raise error
            return result or {"changed": False}

        monkeypatch.setattr(module, "run", run)
        with patch_module_args({**arguments, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit) as left:
            module.main()
        return {**json.loads(capsys.readouterr().out), "seen": seen, "exit_code": left.value.code}

    return main


def tallies(terminalreporter, wanted):
    """Return the sum of what the passed tests recorded under a property, on however many workers."""
    total = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, tally in getattr(report, "user_properties", ()):
            if name == wanted:
                total.update(tally)
    return total


def pytest_terminal_summary(terminalreporter):
    """Report how much the simulated world covered (test_world.py), and how many inputs were tried."""
    if total := tallies(terminalreporter, "world"):
        told = ", ".join(f"{times:,} {what}" for what, times in total.items() if " " not in what)
        terminalreporter.write_line(f"the simulated world: {told}; no invariant was broken")
    if total := tallies(terminalreporter, "promotions"):
        figures = ", ".join(f"{times:,} {what}" for what, times in sorted(total.items()))
        terminalreporter.write_line(f"planner and module: {total.total():,} observations ({figures}); no disagreement")
    if total := tallies(terminalreporter, "inputs"):
        counts = ", ".join(f"{times:,} {what}" for what, times in sorted(total.items()))
        terminalreporter.write_line(f"bad input: {total.total():,} tried ({counts}); each ended in a sentence")
