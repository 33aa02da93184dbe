# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Imports the module of amazon.aws or community.aws that the next task runs before Ansible forks for its hosts.

``normal`` runs these modules inside the fork, which would otherwise compile the module's code and parse its service's
model again for every task and host (figures: docs/speed.md). Ansible loads it from the playbook's directory, so nothing
has to be enabled.
"""

from __future__ import annotations

import contextlib
import gc
import importlib

from ansible.plugins.callback import CallbackBase

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import read_ahead

DOCUMENTATION = """
name: modules_ahead
type: notification
author: Trading platform maintainers (@trading-multi-region)
short_description: Import the next task's AWS module before the forks of its hosts
description:
  - Saves the processes of a task the time to import its module of amazon.aws or community.aws and its service's model.
"""

COLLECTIONS = ("amazon.aws.", "community.aws.")
# Modules are named for their service, these with another word than botocore's.
SERVICES = {"cloudwatchevent": "events", "elb": "elbv2"}


def service_of(name):
    """Return the service that a module is named for: ``ec2`` of ``ec2_vpc_net``."""
    word = name.partition("_")[0]
    return SERVICES.get(word, word)


class CallbackModule(CallbackBase):
    """Runs in the process that forks. What cannot be imported here is reported by the task that needs it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "modules_ahead"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = set()

    def v2_playbook_on_task_start(self, task, is_conditional):
        action = task.resolved_action or task.action
        if action in self.seen or not action.startswith(COLLECTIONS):
            return
        self.seen.add(action)
        namespace, collection, name = action.split(".")
        with contextlib.suppress(ImportError):
            importlib.import_module(f"ansible_collections.{namespace}.{collection}.plugins.modules.{name}")
            read_ahead([service_of(name)])
            gc.freeze()
