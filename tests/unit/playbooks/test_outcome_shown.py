# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What failover.yml prints at its end: everything once, with the live view and without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).resolve().parents[3]
RECORD = {
    "run_id": "20260101T000000Z-abcdef",
    "attempt": 1,
    "owner": "on-call",
    "method": "failover",
    "from_region": "us-east-1",
    "target_region": "us-east-2",
    "outcome": "successful",
    "reason": "The name leads to us-east-2.",
    "rto_seconds": 16.2,
    "rpo_bound_ms": "unknown",
    "safe_instant": "2026-01-01T00:00:00.000Z",
    "fenced": "unknown",
    "fenced_reason": "Whether us-east-1 is fenced is unknown: no answer.",
    "steps": [{"name": "verify", "seconds": 1.5, "reason": "It leads there, after 2 s."}],
    "warnings": ["Fewer than wanted."],
    "verdicts_before": {},
    "verdicts_after": {"us-east-2": {"verdict": "healthy", "reason": "All targets are healthy."}},
    "repointed": [],
    "not_repointed": {},
}


def last_task(document: Any, name: str) -> dict[str, Any]:
    """Return the task of a playbook whose name ends so."""
    found = [document] if isinstance(document, dict) and str(document.get("name")).endswith(name) else []
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return next(iter([*found, *(one for part in parts if (one := last_task(part, name)))]), {})


def printed(folder: Path, **environment: str) -> str:
    """Return what is printed of a record by the tasks that failover.yml ends with."""
    tasks = TOP / "playbooks/tasks"
    shown = last_task(yaml.safe_load((TOP / "playbooks/failover.yml").read_text()), "print the outcome")
    assert "failover_outcome.txt.j2" in json.dumps(shown)
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "failover_outcome_now": RECORD,
            "failover_outcome": "successful",
            "failover_plan": {"target_region": "us-east-2", "active_region": "us-east-1"},
        },
        "tasks": [{"ansible.builtin.import_tasks": str(tasks / "failover_outcome.yml")}, shown],
    }
    (folder / "playbooks").mkdir()
    (folder / "playbooks/templates").symlink_to(TOP / "playbooks/templates")
    playbook = folder / "playbooks/failover.yml"
    playbook.write_text(yaml.safe_dump([play], sort_keys=False))
    command = [Path(sys.executable).with_name("ansible-playbook"), playbook, "-i", "localhost,"]
    settings = {"ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "COLUMNS": "1000", **environment}
    done = subprocess.run(
        command, cwd=TOP, env={**os.environ, **settings}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


ONCE = (
    "us-east-2 is active; 16.2 s after the command; loss: unknown, nothing proves",
    "Next: once us-east-1 responds: ansible-playbook ",
    RECORD["run_id"],
    "It leads there, after 2 s.",
    "No bound on what is lost is claimed",
    "Whether us-east-1 is fenced is unknown",
    "Fewer than wanted.",
    "All targets are healthy.",
)


@pytest.mark.parametrize(
    "environment",
    [{}, {"MOVE_PROGRESS_SHOW": "false"}, {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"}],
    ids=["live view", "live view off", "no callback"],
)
def test_an_operator_sees_everything_once(tmp_path, environment):
    output = printed(tmp_path, **environment)
    assert {words: output.count(words) for words in ONCE} == dict.fromkeys(ONCE, 1)
    assert ("| us-east-2 is active" in output) == (not environment)
