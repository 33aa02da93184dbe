# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookup run_outcome, as a task asks for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.plugins.plugin_utils.test_run_outcome import PLAN, RUN, VERIFIED

TOP = Path(__file__).resolve().parents[4]
OUTCOME = "{{ lookup('trading.multi_region.run_outcome', results='step_', **asked) }}"


def outcome(asked, **variables):
    ansible = Path(sys.executable).with_name("ansible")
    output = json.dumps({"asked": asked, **variables})
    task = ("-m", "ansible.builtin.debug", "-a", json.dumps({"msg": OUTCOME}), "-e", output)
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    done = subprocess.run(
        [ansible, "localhost", *task], cwd=TOP, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_tells_of_the_steps_whose_results_are_among_the_variables():
    began = time.time()
    output = outcome({"run": RUN, "plan": PLAN}, step_traffic={}, step_verify=VERIFIED, stepmother={"ended_at": 1})
    document = json.loads(output[output.index("{") : output.rindex("}") + 1])["msg"]
    assert [step["name"] for step in document["steps"]] == ["verify"]
    assert (document["outcome"], document["reason"], document["rto_seconds"]) == ("running", "", 20.0)
    assert began <= document["ended_at"] <= time.time()


@pytest.mark.parametrize(("wrong", "value"), [("run", 1), ("plan", "none"), ("lease", 2), ("outcome", "fine")])
def test_refuses_what_is_no_part_of_an_outcome_and_names_it(wrong, value):
    output = outcome({"run": RUN, "plan": PLAN, wrong: value})
    assert "FAILED" in output
    assert wrong in output
