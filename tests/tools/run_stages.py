# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stages named on the command line, each by `make <stage>`, and says how long each took.

Stages that leave a core idle for most of their time run in parallel, first and with their output when they end; the
others follow one by one, with their output as it comes, and share the platforms that they provision. A failed stage
does not stop the others, so that one CI run shows everything that is wrong. The exit code is 1 when any failed. A stage
that this machine cannot run writes why to the file that STAGE_NOT_RUN names; the summary repeats it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# The longest first, so that none of them runs alone at the end.
IN_PARALLEL = ("matrix", "molecule", "sanity", "lint", "docs", "targets", "audit", "build")
FIRST_PLATFORM = ("us-east-1", "us-east-2")

Result = tuple[bool, float]  # passed, seconds
# Stage -> why it was not run.
NOT_RUN: dict[str, str] = {}


def environment() -> dict[str, str]:
    """Ours, without the outer make's job server, which does not outlive this process's start."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def verdict(stage: str, passed: bool) -> str:
    return "FAILED" if not passed else "NOT run" if stage in NOT_RUN else "ok"


@contextmanager
def shared_platforms() -> Iterator[None]:
    """A folder for the platforms that a stage provisions and others need too (tests/integration/platforms.py)."""
    with tempfile.TemporaryDirectory(prefix="stages-", ignore_cleanup_errors=True) as folder:
        os.environ["STAGES_PLATFORMS"] = folder
        try:
            yield
        finally:
            if any(Path(folder).iterdir()):
                command = [sys.executable, "-m", "tests.integration.platforms", folder]
                subprocess.run(command, cwd=ROOT, check=False)


@contextmanager
def provisioned_ahead(stages: list[str]) -> Iterator[None]:
    """The first platform of `integration`, which mostly waits while it is provisioned, beside the stages before it."""
    if "integration" not in stages:
        yield
        return
    command = [sys.executable, "-m", "tests.integration.platforms", os.environ["STAGES_PLATFORMS"], *FIRST_PLATFORM]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, **quiet):
        yield


def run_stage(stage: str, **output: Any) -> tuple[bool, float, str]:
    """Whether it passed, its seconds, and what it printed, where ``output`` asks subprocess to keep that."""
    started = time.monotonic()
    command = ["make", "--no-print-directory", stage]
    with tempfile.NamedTemporaryFile("r") as note:
        env = {**environment(), "STAGE_NOT_RUN": note.name}
        done = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False, **output)
        if why := note.read().strip():
            NOT_RUN[stage] = why
    return done.returncode == 0, time.monotonic() - started, done.stdout or ""


def run_side_by_side(stages: list[str]) -> Iterator[tuple[str, Result]]:
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with ThreadPoolExecutor(os.cpu_count()) as cores:
        running = {cores.submit(run_stage, stage, **kept): stage for stage in stages}
        for ended in as_completed(running):
            passed, seconds, output = ended.result()
            print(f"==> {running[ended]}\n{output}", end="")
            yield running[ended], (passed, seconds)


def run_alone(stages: list[str]) -> Iterator[tuple[str, Result]]:
    with provisioned_ahead(stages):
        for stage in stages:
            print(f"==> {stage}", flush=True)
            passed, seconds, _output = run_stage(stage)
            yield stage, (passed, seconds)


def main() -> int:
    with shared_platforms():
        return run_all(sys.argv[1:])


def run_all(stages: list[str]) -> int:
    began = time.monotonic()
    light = run_side_by_side([stage for stage in IN_PARALLEL if stage in stages])
    heavy = run_alone([stage for stage in stages if stage not in IN_PARALLEL])
    results: dict[str, Result] = {}
    for stage, (passed, seconds) in chain(light, heavy):
        print(f"==> {stage}: {verdict(stage, passed)} in {seconds:.0f} s", flush=True)
        results[stage] = passed, seconds
    print("\n==> summary")
    for stage in stages:
        passed, seconds = results[stage]
        print(f"    {stage:<14} {verdict(stage, passed):<7} {seconds:6.0f} s")
    print(f"    {'total':<22} {time.monotonic() - began:6.0f} s")
    for why in NOT_RUN.values():
        print(why)
    return 0 if all(passed for passed, _seconds in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
