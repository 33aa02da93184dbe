# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test integration` on the targets of tests/integration/targets, against a lab of its own.

ansible-test hands on next to nothing of its environment, so that the lab's address goes to the targets by the file that
ansible-test reads variables from. Arguments are handed on: run_targets.py failover_lease -v
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import run_sanity
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Without it `lab` is not found from here.
sys.path.insert(0, str(ROOT))

from lab.client import Lab  # noqa: E402

BUILD = ROOT / ".build" / "targets"
# AWS seconds in a second: a target waits for a promotion, not for how long AWS takes.
SCALE = 600


def names() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "tests/integration/targets").glob("*/aliases"))


def write_config(tree: Path, lab: Lab) -> None:
    config = tree / "tests" / "integration" / "integration_config.yml"
    config.write_text(yaml.safe_dump({"lab_environment": lab.env()}))


def run(tree: Path, arguments: list[str]) -> int:
    """The exit code of ansible-test; its whole output is in the log, and on the terminal when it fails."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ansible_test = Path(sys.executable).with_name("ansible-test")
    command = [ansible_test, "integration", "--local", "--python", version, "--color", "no", *arguments]
    options = {"cwd": tree, "env": run_sanity.environment(BUILD / "home"), "stdin": subprocess.DEVNULL}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    (BUILD / "log").write_text(done.stdout + done.stderr)
    if done.returncode:
        print(done.stdout[-12000:] + done.stderr[-4000:])
    return done.returncode


def main() -> int:
    began, tree = time.monotonic(), run_sanity.copy_tree(BUILD / "ansible_collections")
    run_sanity.prepare_home(BUILD / "home")
    with Lab.start(BUILD / "lab", scale=SCALE) as lab:
        write_config(tree, lab)
        code = run(tree, sys.argv[1:])
    asked = ", ".join(sys.argv[1:] or names())
    verdict = f"FAILED with exit code {code}" if code else "ok"
    print(f"ansible-test integration of {asked}: {verdict} in {time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
