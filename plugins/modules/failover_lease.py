#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_lease
version_added: 0.1.0
short_description: Let one run at a time move the platform to a region
description:
  - Takes, renews or releases the lease of a region, which is the O(region) that the platform is to be moved to. The
    lease is one item of that region's control table, with an owner, a run and an expiry. Every write of it is
    conditional, so that of several contenders exactly one wins.
  - A lease that lives is refused to everybody else, with its owner, its age and its expiry.
  - The lease of a run that did not succeed, expired or released, is taken again by the next run of the same O(method)
    within O(resume_within) seconds, which then goes on as the next attempt of that run. A run of another method takes
    it over as a run of its own.
  - Time is the table's, as DynamoDB's answers tell it. The clock of the controller does not matter.
  - A released lease stays in the table with its outcome.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  table_name:
    description:
      - Name of the control table.
    type: str
    required: true
  state:
    description:
      - V(held) takes the lease, or renews it where O(attempt) is given.
      - V(released) gives it back with its O(outcome). A lease that the run does not hold is left as it is.
    type: str
    choices: [held, released]
    default: held
  run_id:
    description:
      - Without O(attempt), the id that a new run would have. Each run needs an id of its own.
      - With O(attempt), the id of the run that holds the lease, which is another one where a run was resumed.
    type: str
    required: true
  attempt:
    description:
      - Attempt of the run that holds the lease. Required with O(state=released).
    type: int
  owner:
    description:
      - Who asks, such as a user and a host or the number of a job. Required with O(state=held).
    type: str
  method:
    description:
      - Kind of the move. A run is resumed only by one of the same kind.
    type: str
  trigger:
    description:
      - What started the run; kept with the lease.
    type: str
  lease_seconds:
    description:
      - Seconds until the lease expires unless it is renewed. At least 10.
    type: int
    default: 60
  resume_within:
    description:
      - Seconds since its last renewal within which an unfinished run is resumed. An older one stays unfinished.
    type: int
    default: 21600
  takeover_run_id:
    description:
      - Break glass. Takes the lease although it lives, provided that this run holds it. Only for a run that is known to
        be dead, because it is not asked.
    type: str
  outcome:
    description:
      - How the run, or this attempt of it, ended. Required with O(state=released).
    type: str
    choices: [successful, failed, stopped]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The same run that asks again is told that it holds the lease. A renewal alone is no change.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Be the only one who moves the platform to us-east-2
  trading.multi_region.failover_lease:
    table_name: trading-failover-dev
    region: us-east-2
    run_id: 20260101T030000Z-3f2a
    owner: on-call@controller-1
    method: failover
  register: lease

- name: Act under the lease
  trading.multi_region.autoscaling_group_capacity:
    region: us-east-2
    name: trading-asg-dev
    at_least: 4
    target_group_arn: "{{ plan.target.target_group_arn }}"
    lease: "{{ lease.handle | combine({'step': 'capacity_wait'}) }}"

- name: Give it back
  trading.multi_region.failover_lease:
    table_name: trading-failover-dev
    region: us-east-2
    state: released
    run_id: "{{ lease.lease.run_id }}"
    attempt: "{{ lease.lease.attempt }}"
    outcome: successful
"""

RETURN = r"""
reason:
  description: One sentence on what was found and done.
  returned: success
  type: str
  sample: "The lease of us-east-2 was taken for 60 s: run 20260101T030000Z-3f2a, attempt 1."
lease:
  description:
    - The lease as it stands then, or as it would in check mode; null where none stands there. Times are epoch seconds.
  returned: success
  type: dict
  contains: &lease
    run_id:
      description: Id of the run that holds or held it.
      type: str
    claim:
      description: Id that its holder would have given a new run.
      type: str
    owner:
      description: Who holds or held it.
      type: str
    attempt:
      description: Attempt of the run, from 1.
      type: int
    method:
      description: Kind of the move.
      type: str
    trigger:
      description: What started the run.
      type: str
    target_region:
      description: Region of the lease.
      type: str
    started_at:
      description: Start of the first attempt.
      type: float
    acquired_at:
      description: When this attempt took it.
      type: float
    renewed_at:
      description: Last sign of life.
      type: float
    expires_at:
      description: When anybody may take it.
      type: float
    lease_seconds:
      description: Seconds it was taken for.
      type: int
    step:
      description: Step of the run that renewed it last.
      type: str
    outcome:
      description: V(running), V(successful), V(failed) or V(stopped).
      type: str
    revision:
      description: Number of writes of the item.
      type: int
    age_seconds:
      description: Seconds since RV(lease.renewed_at).
      type: float
    expires_in_seconds:
      description: Seconds until RV(lease.expires_at), 0 when it has passed.
      type: float
    is_live:
      description: Whether nobody else may take it.
      type: bool
    is_unfinished:
      description: Whether its run did not succeed, or goes on.
      type: bool
handle:
  description:
    - The option C(lease) of the modules that act under the lease, without C(step); null where no lease is held.
  returned: success
  type: dict
  sample: {table_name: trading-failover-dev, region: us-east-2, run_id: 20260101T030000Z-3f2a, attempt: 1}
resumed:
  description: Whether this is a later attempt of a run.
  returned: success
  type: bool
previous:
  description:
    - The unfinished lease that stood there before, with C(ended), which is V(expired), V(failed), V(stopped) or
      V(taken over), and C(earlier), a list of those before that one, the latest first; null where there was none.
  returned: success
  type: dict
  contains: *lease
held_by:
  description: The lease of the run that holds it.
  returned: when the lease is another run's
  type: dict
  contains: *lease
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.1
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease_holder import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "table_name": {"type": "str", "required": True, "rule": rules.TABLE},
    "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
    "run_id": {"type": "str", "required": True, "rule": rules.ID},
    "attempt": {"type": "int", "rule": rules.FROM_ONE},
    "owner": {"type": "str", "rule": rules.NAME},
    "method": {"type": "str", "rule": rules.NAME},
    "trigger": {"type": "str", "rule": rules.WORDS},
    "lease_seconds": {"type": "int", "default": 60, "rule": rules.LEASE_SECONDS},
    "resume_within": {"type": "int", "default": 21600, "rule": rules.SPAN},
    "takeover_run_id": {"type": "str", "rule": rules.ID},
    "outcome": {"type": "str", "choices": ["successful", "failed", "stopped"]},
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_if=[("state", "held", ["owner"]), ("state", "released", ["attempt", "outcome"])],
    )


if __name__ == "__main__":
    main()
