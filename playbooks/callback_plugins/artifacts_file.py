# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes the artifacts of a run (set_stats) as JSON to the file that the environment names, for portfolio.yml.

With the latest plan of the move, because a dry run has no outcome yet. Ansible loads it from the playbook's directory,
so nothing has to be enabled. Without the variable it does nothing.
"""

from __future__ import annotations

import os

from ansible.plugins.callback import CallbackBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.background import write

DOCUMENTATION = """
name: artifacts_file
type: notification
author: Trading platform maintainers (@trading-multi-region)
short_description: Write the artifacts of a run to a file
description:
  - Writes what the run has passed to ansible.builtin.set_stats, and its latest plan, to a file at the end of the run.
"""

VARIABLE = "TRADING_MULTI_REGION_ARTIFACTS_FILE"
OF_PLAN = ("active_region", "target_region", "is_complete", "obstacles", "reason")


class CallbackModule(CallbackBase):
    """Receives the plan with the result of its task, and the artifacts with the statistics of the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "artifacts_file"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.plan = None

    def v2_runner_on_ok(self, result):
        found = result._result
        if "plan_warnings" in found:
            self.plan = {name: found.get(name) for name in OF_PLAN}

    def v2_playbook_on_stats(self, stats):
        if file := os.environ.get(VARIABLE):
            write(file, {**stats.custom.get("_run", {}), "plan": self.plan})
