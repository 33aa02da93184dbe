# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A background job: it starts immediately, and its status is written where Ansible reads it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from ansible_collections.trading.multi_region.plugins.plugin_utils import background


def read_end(job):
    """What the job's file says once it has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        said = json.loads(Path(job["results_file"]).read_text())
        if "started" not in said:
            os.waitpid(-1, 0)
            return said
        time.sleep(0.02)
    raise AssertionError("the job has not ended")


def test_the_job_is_begun_and_its_result_is_found_under_its_id(tmp_path):
    job = background.begin(lambda: {"changed": False, "reason": "Fenced."}, 30, str(tmp_path / "jobs"))
    assert (job["started"], job["finished"], job["changed"]) == (True, False, True)
    assert Path(job["results_file"]) == tmp_path / "jobs" / job["ansible_job_id"]
    assert read_end(job) == {"changed": False, "reason": "Fenced.", "ansible_job_id": job["ansible_job_id"]}


def test_the_job_outlives_the_process_group_that_began_it(tmp_path):
    assert read_end(background.begin(lambda: {"group": os.getpgrp()}, 30, str(tmp_path)))["group"] != os.getpgrp()


def test_a_job_that_fails_says_why(tmp_path):
    said = read_end(background.begin(lambda: 1 / 0, 30, str(tmp_path)))
    assert said["failed"] is True
    assert said["msg"] == "ZeroDivisionError: division by zero"


def test_a_job_is_ended_when_its_time_is_over(tmp_path):
    job = background.begin(lambda: time.sleep(600), 1, str(tmp_path))
    _process, status = os.waitpid(-1, 0)
    assert os.WTERMSIG(status) == signal.SIGALRM
    assert json.loads(Path(job["results_file"]).read_text())["finished"] is False


def test_what_cannot_be_written_down_is_not_begun(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        background.begin((tmp_path / "begun").touch, 30, str(tmp_path / "file" / "jobs"))
    assert not (tmp_path / "begun").exists()
