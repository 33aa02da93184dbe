# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stages named on the command line, each by `make <stage>`, and says how long each took.

A stage that fails does not keep the others from being run: one look at CI shows everything that is wrong. The exit
code is 1 when any failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """Ours, without the outer make's job server, which does not outlive this process's start."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def run_stage(stage: str) -> tuple[bool, float]:
    print(f"==> {stage}", flush=True)
    started = time.monotonic()
    command = ["make", "--no-print-directory", stage]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - started
    print(f"==> {stage}: {'ok' if done.returncode == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)
    return done.returncode == 0, seconds


def main() -> int:
    results = {stage: run_stage(stage) for stage in sys.argv[1:]}
    print("\n==> summary")
    for stage, (passed, seconds) in results.items():
        print(f"    {stage:<12} {'ok' if passed else 'FAILED':<7} {seconds:6.0f} s")
    print(f"    {'total':<20} {sum(seconds for passed, seconds in results.values()):6.0f} s")
    return 0 if all(passed for passed, seconds in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
