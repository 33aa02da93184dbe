# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a playbook's first play, unless the command would omit the tasks of that play."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gate_hosts
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.3.0
short_description: Return the hosts of the gate, or refuse a command that omits it
description:
  - Returns the hosts of the first play of every playbook, which checks the input.
  - Fails if the command would omit the tasks of that play, with C(--start-at-task), or with C(--skip-tags) of C(always)
    or C(tagged). Ansible evaluates the hosts of a play also if it omits all of its tasks.
options:
  _terms:
    description: Names or patterns of the hosts.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Gate
  hosts: "{{ query('trading.multi_region.gate_hosts', 'localhost', 'all') }}"
"""

RETURN = r"""
_list:
  description: The terms.
  type: list
  elements: str
"""

import typing as t

from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.machine import bypass_problems


class LookupModule(LookupBase):
    """Returns its terms."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        problems = bypass_problems(context.CLIARGS)
        if problems:
            raise AnsibleError(" ".join(problems))
        return terms
