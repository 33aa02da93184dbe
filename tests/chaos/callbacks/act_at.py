# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks something as a task of failover.yml starts, before anything of the task is done.

BREAK_AT: the last words of the task's name; empty = before the first task. BREAK: one of

    kill <s>       SIGKILL to the process group of the run, after so many seconds; workers are in sessions of their own
    disk           files can no longer be written
    clock <s>      the clock of the controller jumps by so many seconds
    lab <json>     a list of [path, body]: requests to the lab's admin API

BREAK_MARK: a file that is made right before, by which the caller sees that the run has come to the task.

Only once: what is fixed stays fixed.
"""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import signal
import subprocess
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import time_machine
from ansible.plugins.callback import CallbackBase


def break_it(what: str) -> None:
    kind, _space, rest = what.partition(" ")
    if kind == "kill":
        kill_group(float(rest or 0))
    elif kind == "disk":
        fill_the_disk()
    elif kind == "clock":
        # The workers are forked from this process, and what they see of the time with them.
        time_machine.travel(timedelta(seconds=float(rest)), tick=True).start()
    elif kind == "lab":
        for path, body in json.loads(rest):
            tell_lab(path, body)
    else:
        raise ValueError(f"BREAK is {what!r}; it must be kill, disk, clock or lab")


def kill_group(seconds: float) -> None:
    """Kill the process group of this process, from a process of its own where that is to happen later."""
    if seconds:
        command = f"sleep {seconds:g}; kill -KILL -{os.getpgid(0)}"
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen(["/bin/sh", "-c", command], start_new_session=True, **quiet)
    else:
        os.killpg(0, signal.SIGKILL)


def fill_the_disk() -> None:
    """Let every attempt to make a file or a directory, or to write into one, end as on a full disk.

    The workers are forked from this process and inherit it. Shared memory and pipes need no disk.
    """
    real_open, real_os_open = builtins.open, os.open

    def no_space(path: object = None, *_more: object, **_how: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def open_to_read(path, mode="r", *more, **how):
        # A number is the end of a pipe, as subprocess makes them.
        writes = set(mode) & set("wax+") and not isinstance(path, int) and not str(path).startswith("/dev/")
        return no_space(path) if writes else real_open(path, mode, *more, **how)

    def os_open_to_read(path, flags, *more, **how):
        return no_space(path) if flags & os.O_CREAT else real_os_open(path, flags, *more, **how)

    builtins.open = io.open = open_to_read
    os.open, os.mkdir = os_open_to_read, no_space


def tell_lab(path: str, body: dict) -> None:
    address = f"{os.environ['AWS_ENDPOINT_URL']}/lab/{path}"
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "act_at"

    def __init__(self) -> None:
        super().__init__()
        self.moment, self.what = os.environ.get("BREAK_AT", ""), os.environ.get("BREAK", "")

    def v2_playbook_on_task_start(self, task, is_conditional) -> None:
        if self.what and task.get_name().endswith(self.moment):
            what, self.what = self.what, ""
            # Before the disk is full, or this process is dead.
            Path(os.environ["BREAK_MARK"]).touch()
            break_it(what)
