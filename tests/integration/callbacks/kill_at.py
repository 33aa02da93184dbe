# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills ansible-playbook, and every process it has, before or after the task that KILL_AT names: no handler runs."""

from __future__ import annotations

import os
import signal

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kill_at"

    def __init__(self) -> None:
        super().__init__()
        self.when, _space, self.task = os.environ.get("KILL_AT", "").partition(" ")

    def _reached(self, when: str, task) -> None:
        if when == self.when and self.task and task.get_name().endswith(self.task):
            os.killpg(0, signal.SIGKILL)

    def v2_playbook_on_task_start(self, task, is_conditional) -> None:
        self._reached("before", task)

    def v2_runner_on_ok(self, result) -> None:
        self._reached("after", getattr(result, "task", None) or result._task)
