# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a run's steps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_steps
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: Build the journal of a run's steps from the results of its tasks
description:
  - Returns for each step that ran when it ended, how long it took, whether it changed anything and its reason.
  - A step whose result is empty, absent or failed did not run.
  - A step that runs in the background, with C(async), does not add to the time of the others; its seconds are C(null)
    until they are known.
options:
  plan:
    description:
      - The steps in their order, as M(trading.multi_region.failover_plan_info) returns them in
        RV(trading.multi_region.failover_plan_info#module:plan).
    type: list
    elements: dict
    required: true
  results:
    description:
      - What the task of a step returned, by the step's name.
    type: dict
    required: true
  began:
    description:
      - When the first step could begin, in epoch seconds.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Show which steps ran
  ansible.builtin.debug:
    msg: "{{ query('trading.multi_region.run_steps', plan=planned.plan, results=said, began=planned.ended_at) }}"
  vars:
    said: {traffic: "{{ turned }}", verify: "{{ seen }}"}
"""

RETURN = r"""
_list:
  description:
    - Each step with C(name), C(region), C(ended_at) in epoch seconds, C(seconds) since the step before it ended,
      C(changed) and C(reason).
  type: list
  elements: dict
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_steps import run_steps


# No filter, though it looks nothing up: for one filter Ansible loads all of a collection's, in each task again.
class LookupModule(LookupBase):
    """The journal of a run's steps."""

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        return run_steps(self.get_option("plan"), self.get_option("results"), self.get_option("began"))
