# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the running command was started."""

from __future__ import annotations

DOCUMENTATION = r"""
name: command_start
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.3.0
short_description: Time at which the running ansible-playbook command was started
description:
  - Returns the time at which the operating system started the process of C(ansible-playbook), in epoch seconds.
    Before its first task it reads the inventory and the playbooks, which takes seconds.
  - In a controller, it is the process in the job's container. The time in the queue, and the start of the container,
    are not included.
  - On another operating system than Linux, the current time is returned.
"""

EXAMPLES = r"""
- name: Show when the command was started
  ansible.builtin.debug:
    msg: "{{ lookup('trading.multi_region.command_start') }}"
"""

RETURN = r"""
_raw:
  description:
    - The time in epoch seconds.
  type: list
  elements: float
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.command_start import command_start


# A lookup, not a filter: for a filter, Ansible would load all of the collection's filters.
class LookupModule(LookupBase):
    """Returns when the command was started."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[float]:
        self.set_options(var_options=variables, direct=kwargs)
        return [command_start()]
