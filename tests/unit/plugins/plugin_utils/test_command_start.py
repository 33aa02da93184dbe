# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The recovery's clock starts when the command does, whatever Ansible does before its first task."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils.command_start import (
    age_from_proc,
    command_pid,
    command_start,
    parse_stat,
)

SLEEPER = "import time; time.sleep(30)"


def test_the_age_of_a_process_counts_from_its_start_and_not_from_ours():
    began = time.time()
    process = subprocess.Popen([sys.executable, "-c", SLEEPER])
    try:
        time.sleep(1.2)
        assert age_from_proc(process.pid) == pytest.approx(time.time() - began, abs=0.1)
    finally:
        process.kill()
        process.wait()


def _tell(connection):
    connection.send((command_pid(), command_start()))


def test_a_forked_worker_tells_the_start_of_the_command_and_not_its_own():
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_tell, args=(theirs,))
    worker.start()
    pid, started = ours.recv()
    worker.join()
    assert pid == command_pid()
    assert started == pytest.approx(command_start(), abs=0.1)


def _fails(_pid):
    raise OSError("no such file")


def test_without_proc_the_clock_starts_now():
    assert command_start(lambda _pid: 100.0) == pytest.approx(time.time() - 100, abs=1)
    assert command_start(_fails) == pytest.approx(time.time(), abs=1)


def test_a_start_in_the_future_is_now():
    assert command_start(lambda _pid: -5.0) == pytest.approx(time.time(), abs=1)


@given(st.text(max_size=20), st.integers(0, 10**12))
def test_any_name_of_a_process_is_read_over(name, ticks):
    fields = ["S", *["0"] * 18, str(ticks), "0"]
    assert parse_stat(f"12 ({name}) {' '.join(fields)}", 100) == ticks / 100
