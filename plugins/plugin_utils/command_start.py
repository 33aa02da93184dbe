# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When the running command was started, according to the operating system.

A task, and the template of its arguments, may run in a process that Ansible has forked; the command is its parent.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import time
from pathlib import Path

PS_SECONDS = 2
# Of POSIX's ps: [[dd-]hh:]mm:ss.
ELAPSED = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)")
# Field 22 of /proc/<pid>/stat ("proc_pid_stat" of the Linux manual), counted behind the name, which may have blanks.
STARTED = 22 - 3


def command_pid() -> int:
    """Return the id of the command's process."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent and parent.pid else os.getpid()


def parse_stat(stat: str, ticks_per_second: int) -> float:
    """Return when a process was started, in seconds since the boot, from /proc/<pid>/stat. Pure."""
    return int(stat.rpartition(")")[2].split()[STARTED]) / ticks_per_second


def parse_elapsed(text: str) -> float:
    """Return the seconds that ps reports as etime. Raises ValueError. Pure."""
    found = ELAPSED.fullmatch(text.strip())
    if not found:
        raise ValueError(f"ps reports {text!r} as etime")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def age_from_proc(pid: int) -> float:
    """Return the seconds since a process was started, to a hundredth; on Linux.

    Not from /proc/uptime, which some containers replace with the time since their own start.
    """
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - parse_stat(stat, os.sysconf("SC_CLK_TCK"))


def age_from_ps(pid: int) -> float:
    """Return the whole seconds since a process was started; on any POSIX system."""
    command = ["ps", "-o", "etime=", "-p", str(pid)]
    return parse_elapsed(subprocess.run(command, capture_output=True, text=True, check=True, timeout=PS_SECONDS).stdout)


def command_start(readers=(age_from_proc, age_from_ps)) -> float:
    """Return when the command was started, in epoch seconds; now if the operating system does not report it."""
    now, pid = time.time(), command_pid()
    for read in readers:
        try:
            return now - max(read(pid), 0.0)
        except (OSError, AttributeError, ValueError, IndexError, subprocess.SubprocessError):
            continue
    return now
