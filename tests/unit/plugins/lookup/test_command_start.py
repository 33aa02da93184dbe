# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookup command_start, as a task asks for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[4]
START = "{{ lookup('trading.multi_region.command_start') }}"


def test_what_ansible_does_before_its_first_task_belongs_to_the_command():
    ansible = Path(sys.executable).with_name("ansible")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    task = ("-m", "ansible.builtin.set_fact", "-a", json.dumps({"started_at": START}))
    began = time.time()
    done = subprocess.run(
        [ansible, "localhost", *task], cwd=TOP, env=environment, capture_output=True, text=True, check=False
    )
    ended = time.time()
    output = done.stdout + done.stderr
    started = float(json.loads(output[output.index("{") : output.rindex("}") + 1])["ansible_facts"]["started_at"])
    assert started == pytest.approx(began, abs=0.2)
    assert ended - started > 0.3, "Ansible needs longer than that to reach its first task"
