# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of the running command."""

from __future__ import annotations

DOCUMENTATION = r"""
name: command_pid
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.3.0
short_description: Return the id of the process of the running command
description:
  - Returns the id of the process of C(ansible-playbook), not that of the process which it has forked for the task.
  - What a task starts can watch it, and stop when the command has ended, however it has.
options: {}
seealso:
  - plugin: trading.multi_region.command_start
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show the id of the command's process
  ansible.builtin.debug:
    msg: "{{ lookup('trading.multi_region.command_pid') }}"
"""

RETURN = r"""
_raw:
  description:
    - The id.
  type: list
  elements: int
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.command_start import command_pid


class LookupModule(LookupBase):
    """Returns the id of the command's process."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[int]:
        self.set_options(var_options=variables, direct=kwargs)
        return [command_pid()]
