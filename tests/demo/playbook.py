# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook as a user would, and shows where it is instead of all it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]
TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?:(?P<role>[\w.]+) : )?(?P<task>.*?)\] \**$")
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)")
# Without a terminal a line is only written when this much has passed since the last one, in seconds.
QUIET = 8
TAIL_LINES = 60


class PlaybookFailed(Exception):
    """The playbook ended with another exit code than 0; the message has the end of its output."""


@dataclass
class Progress:
    """One line that says which role and task is running, and for how long the playbook has."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    started: float = field(default_factory=time.monotonic)
    written: float = 0.0
    tasks: int = 0
    part: str = ""

    def see(self, line: str) -> None:
        found = TASK.match(line)
        if found:
            self.tasks += 1
            part = (found["role"] or "").rpartition(".")[2]
            self.show(part, found["task"])

    def show(self, part: str, task: str) -> None:
        now = time.monotonic()
        text = f"{now - self.started:6.0f} s  {part:<18.18} {task}"
        if self.out.isatty():
            self.out.write(f"\r\033[K{text[:110]}")
        elif part != self.part or now - self.written > QUIET:
            self.out.write(text + "\n")
            self.written = now
        self.out.flush()
        self.part = part

    def end(self) -> float:
        if self.out.isatty():
            self.out.write("\r\033[K")
        return time.monotonic() - self.started


def run_playbook(name: str, env: Mapping[str, str], log: Path, **extra_vars: object) -> dict[str, int]:
    """Run playbooks/<name>.yml on the demo inventory. -> {host: tasks that changed something}"""
    # Nothing of the caller's own AWS or Ansible settings: this must never reach an account.
    foreign = ("AWS_", "ANSIBLE_", "LAB_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **env}
    ansible_playbook = Path(sys.executable).parent / "ansible-playbook"
    command = [str(ansible_playbook), f"playbooks/{name}.yml", "-i", "inventories/demo"]
    for key, value in extra_vars.items():
        command += ["-e", f"{key}={value}"]
    progress, lines = Progress(), []
    with (
        log.open("w") as file,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        for line in process.stdout:
            file.write(line)
            lines.append(line)
            progress.see(line)
    seconds = progress.end()
    if process.returncode:
        raise PlaybookFailed(f"{''.join(lines[-TAIL_LINES:])}\n{name}.yml failed; all it said is in {log}")
    print(f"{seconds:6.0f} s  {name}.yml done, {progress.tasks} tasks; all it said is in {log.relative_to(ROOT)}")
    return {found[1]: int(found[3]) for found in map(RECAP.match, lines) if found}
