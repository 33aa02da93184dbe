# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The progress of a move between regions, as plain lines: the same on a terminal and in a job's log."""

from __future__ import annotations

DOCUMENTATION = """
name: move_progress
type: notification
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: Display the progress of a move between regions
description:
  - Prints the plan of a move as it begins, each step with the seconds since the start and those that it is expected
    to take, and the outcome in a box of a few lines.
  - Plain text without control characters, in addition to the output of the stdout callback. It is written to the
    standard error if the stdout callback writes JSON, which a program reads.
requirements:
  - Set C(callbacks_enabled=trading.multi_region.move_progress) in the section C(defaults) of C(ansible.cfg), or
    E(ANSIBLE_CALLBACKS_ENABLED).
options:
  show:
    description:
      - Whether anything is printed.
    type: bool
    default: true
    env:
      - name: MOVE_PROGRESS_SHOW
    ini:
      - section: callback_move_progress
        key: show
"""

import time
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

# Seconds, as an order of magnitude. A managed failover of Aurora takes about a minute, and a resolver may cache the
# alias for its 60 s. How long instances take to become healthy depends on the application.
EXPECTED = {"promote_wait": 60, "endpoint_wait": 10, "verify": 60, "capacity_wait": None}
EXPECTED_OF_A_CALL = 5
EDGE = "+" + "-" * 78


def is_json(callback: str) -> bool:
    """Return whether the standard output is JSON, by the name of its callback, such as ansible.posix.jsonl."""
    return callback.rpartition(".")[2].startswith("json")


def box(run: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    """Return the lines with a run's outcome: what matters, what to do next, and which run it was.

    said: what the lookup run_summary returns for the run.
    """
    way = f"{run.get('method')} {run.get('from_region')} -> {run.get('target_region')}"
    return [
        EDGE,
        f"| {said.get('summary')}",
        f"| Next: {said.get('next_step')}",
        f"| Run {run.get('run_id')}, attempt {run.get('attempt')}, by {run.get('owner')}: {way}, {run.get('outcome')}",
        EDGE,
    ]


class CallbackModule(CallbackBase):
    """Receives plans, tasks of a step, and the outcome."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "trading.multi_region.move_progress"
    CALLBACK_NEEDS_ENABLED = True
    # Whether outcomes are shown; the lookup run_summary tells the tasks, whose processes are forks of this one.
    is_on = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.forget()

    def set_options(self, *args: Any, **kwargs: Any) -> None:
        """Read the options, as Ansible asks for at the start."""
        super().set_options(*args, **kwargs)
        CallbackModule.is_on = self.get_option("show")

    def forget(self) -> None:
        """Reset, because drill.yml makes two moves in one run."""
        self.plan: list[str] = []
        self.step = ""
        self.began: float | None = None

    def say(self, *lines: str) -> None:
        """Print, unless the option show is false."""
        if self.get_option("show"):
            for line in lines:
                self._display.display(line, stderr=is_json(constants.DEFAULT_STDOUT_CALLBACK))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Print a step when its first task starts, and the plan before the first step."""
        step = task.get_vars().get("step")
        if not isinstance(step, Mapping) or step.get("step") not in self.plan or step["step"] == self.step:
            return
        if not self.step:
            self.say(EDGE, f"| plan: {', '.join(self.plan)}", EDGE)
        self.step = step["step"]
        kind = (step.get("group") or {}).get("step", self.step)
        expected = None if step.get("hook") else EXPECTED.get(kind, EXPECTED_OF_A_CALL)
        self.say(
            f"| step {self.plan.index(self.step) + 1} of {len(self.plan)}: {self.step} in {step.get('region')};"
            f" {time.monotonic() - (self.began or time.monotonic()):.1f} s since the start,"
            f" expected {'unknown' if expected is None else f'{expected} s'}"
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        """Store the latest plan; print the outcome once it is available."""
        found = result._result
        if isinstance(found.get("plan"), list) and "plan_warnings" in found:
            self.began = self.began or time.monotonic()
            self.plan = [step["step"] for step in found["plan"]]
        facts = found.get("ansible_facts") or {}
        run = facts.get("failover_outcome_document")
        if isinstance(run, Mapping) and run.get("outcome") != "running":
            self.say(*box(run, facts.get("failover_outcome_said") or {}))
            self.forget()
