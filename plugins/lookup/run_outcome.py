# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of itself."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_outcome
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: What a run says of itself, from the results of its tasks
description:
  - Gathers the record of a run as M(trading.multi_region.failover_record) takes it, while the run goes on or at its
    end.
  - What goes on beside the other steps, with C(async), is reported as far as it has come.
options:
  run:
    description:
      - The run, with C(id), C(owner), C(reason) and C(started_at) (epoch seconds), and C(attempt) once it has a lease.
    type: dict
    required: true
  plan:
    description:
      - What M(trading.multi_region.failover_plan_info) returned.
    type: dict
    required: true
  lease:
    description:
      - What M(trading.multi_region.failover_lease) returned; empty where no lease was asked for.
    type: dict
    default: {}
  results:
    description:
      - What the names of the variables begin with that hold the results of the steps. The name of the step follows.
    type: str
    required: true
  fenced:
    description:
      - What M(trading.multi_region.region_fence_info) returned after the move; empty where it was not asked.
    type: dict
    default: {}
  health:
    description:
      - What M(trading.multi_region.region_health_info) returned after the move; empty where it was not asked.
    type: dict
    default: {}
  outcome:
    description:
      - How the run has ended.
    type: str
    default: running
    choices: [running, successful, failed, refused, unchanged]
  reason:
    description:
      - Why it has ended so, in a sentence.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Tell how far the run has come
  ansible.builtin.debug:
    msg: "{{ lookup('trading.multi_region.run_outcome', run=begun, plan=planned, lease=taken, results='step_') }}"
"""

RETURN = r"""
_raw:
  description:
    - The record, with C(outcome), C(reason), C(run_id), C(attempt), C(method), C(from_region), C(target_region),
      C(steps), C(rto_seconds), C(rpo_bound_ms) and what else M(trading.multi_region.failover_record) keeps.
  type: list
  elements: dict
"""

import time
import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_outcome import run_outcome, with_jobs


# No filter, though it looks nothing up: for one filter Ansible loads all of a collection's, in each task again.
class LookupModule(LookupBase):
    """What a run says of itself."""

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        prefix, known = self.get_option("results"), variables or {}
        results = {name.removeprefix(prefix): known[name] for name in known if name.startswith(prefix)}
        given = {name: self.get_option(name) for name in ("run", "plan", "lease", "fenced", "health")}
        ended = {name: self.get_option(name) for name in ("outcome", "reason")}
        return [{**ended, **run_outcome(**given, results=with_jobs(results), now=time.time())}]
