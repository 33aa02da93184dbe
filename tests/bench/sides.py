# SPDX-License-Identifier: GPL-3.0-or-later
"""The sides of a comparison, alternately, so that other load of the machine affects all of them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.integration.platforms import TOP, Platform, Run


def in_turn(runs: int, *sides: Callable[[], Any]) -> list[list[Any]]:
    """Take every side once a run, each time in the opposite order. -> what each side returned, in the sides' order"""
    taken: list[list[Any]] = [[] for _side in sides]
    for number in range(runs):
        for index in order(number, len(sides)):
            taken[index].append(sides[index]())
    return taken


def order(number: int, sides: int) -> Sequence[int]:
    """The order of the sides in one of the runs: no side is always the first."""
    return range(sides) if number % 2 == 0 else range(sides - 1, -1, -1)


def cpu_seconds() -> float:
    """CPU seconds of all processes that this one has started and that have ended: what a busy machine changes least."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_seconds_of(process: int) -> float:
    """CPU seconds that a running process has used."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    user, system = after_name[11:13]  # fields 14 and 15 of proc(5)
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def run_script(platform: Platform, module: str, *arguments: str) -> Run:
    """Run a module of this package in a process of its own, with nothing of the caller's AWS settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_"))}
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=TOP,
        env=environment | platform.lab.env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return Run(done.returncode, done.stdout, began, time.time() - began)
