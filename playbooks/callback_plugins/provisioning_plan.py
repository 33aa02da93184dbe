# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prints, at the end of ``site.yml --check``, what a run would create, change, remove and leave alone, and why.

Ansible loads it from the playbook's directory, so nothing has to be enabled. Other playbooks and real runs print
nothing.
"""

from __future__ import annotations

from ansible import constants, context
from ansible.plugins.callback import CallbackBase

from ansible_collections.trading.multi_region.plugins.callback.move_progress import is_json

DOCUMENTATION = """
name: provisioning_plan
type: notification
author: Trading platform maintainers (@trading-multi-region)
short_description: Print the plan of a dry run of site.yml
description:
  - Joins the result of M(trading.multi_region.provisioning_plan_info) with the changes that the tasks report.
"""

ACTION = "trading.multi_region.provisioning_plan_info"
CREATED, CHANGED, REMOVED, LEFT_ALONE = "created", "changed", "removed", "left alone"
TITLE = "Plan of provisioning. This was a dry run: nothing has been changed."


def changes_of(found):
    """Return the results that report a change, those of a loop one by one."""
    return [one for one in found.get("results", [found]) if one.get("changed")]


def why(task, one):
    """Return one sentence about a change."""
    item = one.get("_ansible_item_label", one.get("item"))
    place = f" ({item})" if isinstance(item, str | int) else ""
    reason = one.get("reason") or one.get("msg") or ""
    return f"{task}{place}: {reason}" if isinstance(reason, str) and reason else f"{task}{place}."


def action_of(one):
    """Return whether the change of a task is a removal."""
    options = (one.get("invocation") or {}).get("module_args") or {}
    return REMOVED if options.get("state") == "absent" else CHANGED


class CallbackModule(CallbackBase):
    """Collects what the tasks report, in their order."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "provisioning_plan"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.plan = None
        self.found = {}

    def v2_runner_on_ok(self, result):
        if not context.CLIARGS.get("check"):
            return
        task, found = result._task, result._result
        if task.action == ACTION:
            self.plan = found.get("plan")
        elif self.plan is not None:
            region = result._host.get_name()
            for rule in (found.get("ansible_facts") or {}).get("network_rules_removed", []):
                self.found[(region, "network", REMOVED, f"{rule}: the configuration does not have this rule.")] = None
            layer = task._role.get_name().rpartition(".")[2] if task._role else "outputs"
            for one in changes_of(found):
                row = (region, layer, action_of(one), why(task.get_name().rpartition(" : ")[2], one))
                self.found[row] = None

    def v2_playbook_on_stats(self, stats):
        if self.plan is None:
            return
        changed = {(region, layer) for region, layer, _action, _why in self.found}
        rows = [(one["region"], one["layer"], one["action"].replace("_", " "), one["reason"]) for one in self.plan]
        left = [row for row in rows if row[2] == LEFT_ALONE and row[:2] not in changed]
        lines = [f"{region}: {layer} {action}. {reason}" for region, layer, action, reason in self.lines(rows)]
        for region in dict.fromkeys(row[0] for row in left):
            lines.append(f"{region}: left alone: {', '.join(row[1] for row in left if row[0] == region)}.")
        counts = ", ".join(
            f"{sum(row[2] == action for row in self.lines(rows))} {action}" for action in (CREATED, CHANGED, REMOVED)
        )
        # A program reads the standard output.
        to_stderr = is_json(constants.DEFAULT_STDOUT_CALLBACK)
        for line in ["", TITLE, *lines, f"{counts}, {len(left)} {LEFT_ALONE}."]:
            self._display.display(line, stderr=to_stderr)

    def lines(self, rows):
        """Return the rows of the plan that change something, and then those of the tasks."""
        return [*(row for row in rows if row[2] != LEFT_ALONE), *self.found]
