# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import tempfile

from ansible import constants, context
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ansible_collections.trading.multi_region.plugins.modules import failover_hook
from ansible_collections.trading.multi_region.plugins.plugin_utils import hook_command
from ansible_collections.trading.multi_region.plugins.plugin_utils.in_process import (
    InProcessAction,
    InProcessModule,
    plain,
)


class Shown(InProcessModule):
    """Shows the output of the hook while it runs: somebody may have to answer it."""

    def debug(self, msg):
        # A program that reads JSON reads the standard output.
        is_json = constants.DEFAULT_STDOUT_CALLBACK.rpartition(".")[2].startswith("json")
        Display().display(f"| {self.params['name']}: {msg}", stderr=is_json)


class ActionModule(InProcessAction):
    """Adds what only this process knows: where the file is, and the options of its command."""

    module = failover_hook
    stand_in = Shown

    def run(self, tmp=None, task_vars=None):
        given = self._task.args
        places = hook_command.folders(task_vars["ansible_inventory_sources"], task_vars["playbook_dir"])
        file = hook_command.find(str(given.get("file")), places)
        if file is None:
            allowed = f"a task file, absolute or relative to {' or '.join(map(str, places))}"
            raise AnsibleActionFail(f"file is {given.get('file')}; allowed: {allowed}.")
        given["file"] = str(file)
        given["environment"] = hook_command.environment(constants.CONFIG_FILE, constants.DEFAULT_ACTION_PLUGIN_PATH)
        # In a file, and not among the options, because they may contain secrets. Only this user can read it.
        with tempfile.NamedTemporaryFile("w", suffix=".json") as extra:
            json.dump(plain(load_extra_vars(self._loader)), extra)
            extra.flush()
            given["command"] = [*hook_command.command(context.CLIARGS), "-e", f"@{extra.name}"]
            return super().run(tmp, task_vars)
