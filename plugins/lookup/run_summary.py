# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's record says to an operator."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_summary
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.3.0
short_description: Say in sentences how a run has ended, and what to do next
description:
  - Returns what matters of a run's outcome, what to do next, and what the run claims.
  - Only what was proven is claimed. What is not known is said to be unknown.
  - The commands are those of this run, with its inventory; in a controller's job they are job templates.
options:
  _terms:
    description:
      - The records, as returned by P(trading.multi_region.run_outcome#lookup).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Print how the run has ended
  ansible.builtin.debug:
    msg: "{{ lookup('trading.multi_region.run_summary', record).summary }}"
"""

RETURN = r"""
_raw:
  description:
    - For each record C(summary), the outcome in one line; C(next_step), what to do, with the command; and C(claims), a
      list of sentences on what is kept, what can be lost, the recovery time and the fencing.
    - C(is_shown) is whether the callback P(trading.multi_region.move_progress#callback) shows the first two.
  type: list
  elements: dict
"""

import typing as t
from functools import partial
from pathlib import Path

from ansible import context
from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.callback.move_progress import CallbackModule
from ansible_collections.trading.multi_region.plugins.plugin_utils.run_summary import (
    claims,
    command_line,
    next_step,
    summary,
)


def command_given(is_job: bool) -> t.Callable[..., str]:
    """Return the function that says how to run a playbook as this one was run."""
    given = context.CLIARGS.get("args")
    # Of a command that runs no playbook it is a text.
    started = given[0] if given and not isinstance(given, str) else "playbooks/failover.yml"
    inventory = context.CLIARGS.get("inventory") or ()
    return partial(command_line, started, inventory, str(Path.cwd()), is_job)


# A lookup, not a filter: for a filter, Ansible would load all of the collection's filters.
class LookupModule(LookupBase):
    """Returns the sentences on a run."""

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        command = command_given("awx_job_id" in (variables or {}))
        return [
            {
                "summary": summary(run),
                "next_step": next_step(run, command),
                "claims": claims(run),
                "is_shown": CallbackModule.is_on,
            }
            for run in terms
        ]
