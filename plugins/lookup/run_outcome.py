# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_outcome
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: Assemble the record of a run from the results of its tasks
description:
  - Assembles the record of a run in the form that M(trading.multi_region.failover_record) accepts, during the run or at
    its end.
  - Background steps, with C(async), are reported with their current state.
options:
  run:
    description:
      - The run, with C(id), C(owner), C(reason) and C(started_at) (epoch seconds), and C(attempt) once it has a lease.
    type: dict
    required: true
  plan:
    description:
      - Result of M(trading.multi_region.failover_plan_info).
    type: dict
    required: true
  lease:
    description:
      - Result of M(trading.multi_region.failover_lease); empty if no lease was acquired.
    type: dict
    default: {}
  results:
    description:
      - Prefix of the names of the variables with the results of the steps. It is followed by the name of the step.
    type: str
    required: true
  hooks:
    description:
      - Results of the steps that are the operator's own, by the name of the step.
    type: dict
    default: {}
    version_added: 0.3.0
  fenced:
    description:
      - Result of M(trading.multi_region.region_fence_info) after the move; empty if it was not run.
    type: dict
    default: {}
  health:
    description:
      - Result of M(trading.multi_region.region_health_info) after the move; empty if it was not run.
    type: dict
    default: {}
  outcome:
    description:
      - Outcome of the run.
    type: str
    default: running
    choices: [running, successful, failed, refused, unchanged]
  reason:
    description:
      - Reason for the outcome, as a sentence.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the progress of the run
  ansible.builtin.debug:
    msg: "{{ lookup('trading.multi_region.run_outcome', run=begun, plan=planned, lease=taken, results='step_') }}"
"""

RETURN = r"""
_raw:
  description:
    - The record, with C(outcome), C(reason), C(run_id), C(attempt), C(method), C(from_region), C(target_region),
      C(steps), C(rto_seconds), C(rpo_bound_ms) and the others that M(trading.multi_region.failover_record) stores.
  type: list
  elements: dict
"""

import time
import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_outcome import run_outcome, with_jobs


# A lookup although it looks nothing up: for a filter, Ansible would load all of the collection's filters in each task.
class LookupModule(LookupBase):
    """Returns the document of a run."""

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        prefix, known = self.get_option("results"), variables or {}
        results = {name.removeprefix(prefix): known[name] for name in known if name.startswith(prefix)}
        results |= self.get_option("hooks")
        given = {name: self.get_option(name) for name in ("run", "plan", "lease", "fenced", "health")}
        ended = {name: self.get_option(name) for name in ("outcome", "reason")}
        return [{**ended, **run_outcome(**given, results=with_jobs(results), now=time.time())}]
