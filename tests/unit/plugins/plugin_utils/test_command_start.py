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
    age_from_ps,
    command_pid,
    command_start,
    parse_elapsed,
    parse_stat,
)

SLEEPER = "import time; time.sleep(30)"


@pytest.mark.parametrize(("age", "resolution"), [(age_from_proc, 0.1), (age_from_ps, 1.1)])
def test_the_age_of_a_process_counts_from_its_start_and_not_from_ours(age, resolution):
    began = time.time()
    process = subprocess.Popen([sys.executable, "-c", SLEEPER])
    try:
        time.sleep(1.2)
        assert age(process.pid) == pytest.approx(time.time() - began, abs=resolution)
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


def test_the_next_source_is_asked_where_one_is_missing_and_now_is_the_last_resort():
    assert command_start((_fails, lambda _pid: 100.0)) == pytest.approx(time.time() - 100, abs=1)
    assert command_start((_fails,)) == pytest.approx(time.time(), abs=1)


def test_a_start_in_the_future_is_now():
    assert command_start((lambda _pid: -5.0,)) == pytest.approx(time.time(), abs=1)


@given(st.text(max_size=20), st.integers(0, 10**12))
def test_any_name_of_a_process_is_read_over(name, ticks):
    fields = ["S", *["0"] * 18, str(ticks), "0"]
    assert parse_stat(f"12 ({name}) {' '.join(fields)}", 100) == ticks / 100


@given(st.integers(0, 10**7))
def test_every_elapsed_time_of_ps_is_read(seconds):
    days, rest = divmod(seconds, 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    text = f"{days}-{hours:02}:" if days else f"{hours:02}:" if hours else ""
    assert parse_elapsed(f" {text}{minutes:02}:{seconds % 60:02}\n") == seconds


def test_another_text_of_ps_is_no_time():
    with pytest.raises(ValueError, match="as etime"):
        parse_elapsed("")
