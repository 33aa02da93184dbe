# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a platform's run hands to portfolio.yml: its artifacts, and the latest plan, also of a dry run."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

FILE = Path(__file__).resolve().parents[3] / "playbooks" / "callback_plugins" / "artifacts_file.py"
PLAN = {"plan_warnings": [], "active_region": "us-east-1", "target_region": "us-east-2", "is_complete": False}


@pytest.fixture
def plugin():
    spec = importlib.util.spec_from_file_location("artifacts_file", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ended(callback, *results, artifacts=None):
    for result in results:
        callback.v2_runner_on_ok(SimpleNamespace(_result=result))
    callback.v2_playbook_on_stats(SimpleNamespace(custom={"_run": artifacts} if artifacts else {}))


def test_the_artifacts_and_the_latest_plan_are_written(plugin, tmp_path, monkeypatch):
    monkeypatch.setenv(plugin.VARIABLE, str(tmp_path / "orders.json"))
    obstacles = [{"code": "lease_held", "sentence": "It is held."}]
    under_lease = {**PLAN, "obstacles": obstacles, "reason": "It says why.", "verdicts": {}}
    ended(plugin.CallbackModule(), PLAN, {"changed": True}, under_lease, artifacts={"outcome": "refused"})
    assert json.loads((tmp_path / "orders.json").read_text()) == {
        "outcome": "refused",
        "plan": {
            "active_region": "us-east-1",
            "target_region": "us-east-2",
            "is_complete": False,
            "obstacles": obstacles,
            "reason": "It says why.",
        },
    }


def test_a_run_without_a_plan_and_artifacts_says_so(plugin, tmp_path, monkeypatch):
    monkeypatch.setenv(plugin.VARIABLE, str(tmp_path / "orders.json"))
    ended(plugin.CallbackModule())
    assert json.loads((tmp_path / "orders.json").read_text()) == {"plan": None}


def test_nothing_is_written_where_nobody_asks_for_it(plugin, tmp_path, monkeypatch):
    monkeypatch.delenv(plugin.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    ended(plugin.CallbackModule(), PLAN, artifacts={"outcome": "successful"})
    assert list(tmp_path.iterdir()) == []
