# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When the running command was started, according to the operating system.

A task, and the template of its arguments, may run in a process that Ansible has forked; the command is its parent.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

# Field 22 of /proc/<pid>/stat ("proc_pid_stat" of the Linux manual), counted behind the name, which may have blanks.
STARTED = 22 - 3


def command_pid() -> int:
    """Return the id of the command's process."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent and parent.pid else os.getpid()


def parse_stat(stat: str, ticks_per_second: int) -> float:
    """Return when a process was started, in seconds since the boot, from /proc/<pid>/stat. Pure."""
    return int(stat.rpartition(")")[2].split()[STARTED]) / ticks_per_second


def age_from_proc(pid: int) -> float:
    """Return the seconds since a process was started, to a hundredth; on Linux.

    Not from /proc/uptime, which some containers replace with the time since their own start.
    """
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - parse_stat(stat, os.sysconf("SC_CLK_TCK"))


def command_start(read: Callable[[int], float] = age_from_proc) -> float:
    """Return when the command was started, in epoch seconds; now if the operating system is not Linux."""
    now = time.time()
    try:
        return now - max(read(command_pid()), 0.0)
    except (OSError, AttributeError, ValueError, IndexError):
        return now
