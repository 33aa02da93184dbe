# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the named molecule scenarios, or all of them, one on each core, and says how long each took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MOLECULE = Path(sys.executable).parent / "molecule"
SCENARIOS = ROOT / "extensions" / "molecule"
TAIL_LINES = 80


def molecule(action: str, scenario: str, **options: Any) -> subprocess.CompletedProcess:
    environment = {**os.environ, "NO_COLOR": "1", "MOLECULE_COMMAND_BORDERS": "false"}
    command = [str(MOLECULE), action, "--scenario-name", scenario]
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False, **options)


def run_scenario(name: str) -> bool:
    log = ROOT / ".build" / "molecule" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("w") as file:
        done = molecule("test", name, stdout=file, stderr=file)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    lines = [f"molecule {name}: {verdict} in {time.monotonic() - started:.0f} s, {log.relative_to(ROOT)}"]
    if done.returncode:
        lines += log.read_text().splitlines()[-TAIL_LINES:]
        # What a failure left running is stopped; when all goes well molecule has done it.
        molecule("destroy", name, capture_output=True)
    # In one write, so that scenarios that end at the same time do not mix their lines.
    print("\n".join(lines) + "\n", end="", flush=True)
    return done.returncode == 0


def main() -> int:
    names = sys.argv[1:] or sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))
    with ThreadPoolExecutor(os.cpu_count()) as cores:
        results = list(cores.map(run_scenario, names))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
