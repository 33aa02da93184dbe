# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs the modules of amazon.aws and community.aws inside the controller's process, in the playbooks of this directory.

Ansible hands every module that has no action plugin of its own to ``normal``, and takes that from the playbook's
directory before its own. Why, and the way back: docs/speed.md.
"""

from __future__ import annotations

import importlib

from ansible_collections.trading.multi_region.plugins.plugin_utils.in_process import InProcessAction

COLLECTIONS = ("amazon.aws.", "community.aws.")


class ActionModule(InProcessAction):
    @property
    def name(self):
        # The first is None where the module's name came out of a template.
        return self._task.resolved_action or self._task.action

    @property
    def module(self):
        namespace, collection, name = self.name.split(".")
        return importlib.import_module(f"ansible_collections.{namespace}.{collection}.plugins.modules.{name}")

    def belongs_here(self, task_vars):
        if not (self.name.startswith(COLLECTIONS) and super().belongs_here(task_vars)):
            return False
        # ec2_metadata_facts, for one, is built on AnsibleModule and would read this process's input.
        return hasattr(self.module, "AnsibleAWSModule")
