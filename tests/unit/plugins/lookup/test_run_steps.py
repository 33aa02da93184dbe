# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookup run_steps, as a task asks for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[4]
STEPS = "{{ query('trading.multi_region.run_steps', plan=plan, results=results, began=began) }}"
PLAN = [{"step": "traffic", "region": "us-east-2"}, {"step": "verify", "region": "us-east-2"}]


def journal(**variables):
    ansible = Path(sys.executable).with_name("ansible")
    task = ("-m", "ansible.builtin.debug", "-a", json.dumps({"msg": STEPS}), "-e", json.dumps(variables))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    done = subprocess.run(
        [ansible, "localhost", *task], cwd=TOP, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_tells_each_step_that_was_taken():
    said = {"ended_at": 101.5, "changed": True, "reason": "It answers."}
    told = journal(plan=PLAN, results={"traffic": said, "verify": {}}, began="100")
    (step,) = json.loads(told[told.index("{") : told.rindex("}") + 1])["msg"]
    assert step == {"name": "traffic", "region": "us-east-2", "seconds": 1.5, **said}


@pytest.mark.parametrize(("wrong", "value"), [("plan", 1), ("results", "none"), ("began", "soon")])
def test_refuses_what_is_no_journal_and_names_it(wrong, value):
    told = journal(**{"plan": PLAN, "results": {}, "began": 0, wrong: value})
    assert "FAILED" in told
    assert f"'{wrong}'" in told
