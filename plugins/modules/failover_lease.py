#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_lease
version_added: 0.2.0
short_description: Acquire, renew and release the lease that allows one move at a time
description:
  - Acquires, renews or releases the lease of O(region), the target region of a move. The lease is one item of that
    region's control table, with an owner, a run and an expiry. Every write is conditional, so that only one of several
    contenders succeeds.
  - While a lease is live, other runs fail with its owner, its age and its expiry.
  - If a run did not succeed and its lease has expired or was released, the next run within O(resume_within) seconds
    acquires the lease and continues as the next attempt of that run, also if it moves the platform by another
    O(method). A run that does other work (V(upgrade), V(retire_region)) acquires it as a new run.
  - Time is taken from DynamoDB's responses, so the clock of the controller does not matter.
  - A released lease is kept in the table with its outcome.
  - If the table stops responding after a lease was requested, the module releases the lease that it may have acquired.
    If that fails too, the message names O(takeover_run_id) for the next run, and the seconds to wait otherwise.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  state:
    description:
      - V(held) acquires the lease, or renews it if O(attempt) is given.
      - V(released) releases it with its O(outcome). A lease that the run does not hold is not changed.
    type: str
    choices: [held, released]
    default: held
  run_id:
    description:
      - Without O(attempt), the id that a new run would have. Each run needs a unique id.
      - With O(attempt), the id of the run that holds the lease, which differs if an earlier run was resumed.
    type: str
    required: true
  attempt:
    description:
      - Attempt of the run that holds the lease. Required with O(state=released).
    type: int
  owner:
    description:
      - Owner of the lease, such as a user and a host or the number of a job. Required with O(state=held).
    type: str
  method:
    description:
      - Method of the move, or V(upgrade) or V(retire_region). A run is resumed only by one that does the same work.
    type: str
  trigger:
    description:
      - What started the run; stored with the lease.
    type: str
  started_at:
    description:
      - Time at which the run began, in epoch seconds. Stored with the lease; a run that is resumed keeps that of its
        first attempt. Default is the time at which the lease is acquired.
    type: float
    version_added: 0.3.0
  lease_seconds:
    description:
      - Seconds until the lease expires unless it is renewed. At least 10.
    type: int
    default: 60
  resume_within:
    description:
      - Seconds since its last renewal within which an unfinished run is resumed. An older one remains unfinished.
    type: int
    default: 21600
  takeover_run_id:
    description:
      - Emergency override. Acquires a live lease if the run with this id holds it. Use it only for a run that is known
        to be dead, because the module does not check that.
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
      - If the same run acquires the lease again, nothing changes. A renewal alone is not reported as a change.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Acquire the lease for a move to us-east-2
  trading.multi_region.failover_lease:
    table_name: trading-failover-dev
    region: us-east-2
    run_id: 20260101T030000Z-3f2a
    owner: on-call@controller-1
    method: failover
  register: lease

- name: Run a module under the lease
  trading.multi_region.autoscaling_group_capacity:
    region: us-east-2
    name: trading-asg-dev
    at_least: 4
    target_group_arn: "{{ plan.target.target_group_arn }}"
    lease: "{{ lease.handle | combine({'step': 'capacity_wait'}) }}"

- name: Release the lease
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
  sample: "The lease of us-east-2 was acquired for 60 s: run 20260101T030000Z-3f2a, attempt 1."
lease:
  description:
    - The lease as it is now, or would be in check mode; null if there is none. Times are epoch seconds.
  returned: success
  type: dict
  contains: &lease
    run_id:
      description: Id of the run that holds or held it.
      type: str
    claim:
      description: Id that its holder would have used for a new run.
      type: str
    owner:
      description: Who holds or held it.
      type: str
    attempt:
      description: Attempt of the run, from 1.
      type: int
    method:
      description: Method of the move.
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
      description: When this attempt acquired it.
      type: float
    renewed_at:
      description: Time of the last renewal.
      type: float
    expires_at:
      description: Time from which any run may acquire it.
      type: float
    lease_seconds:
      description: Seconds that each renewal lasts.
      type: int
    step:
      description: Step of the run that proved the lease last.
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
      description: Whether no other run may acquire it.
      type: bool
    is_unfinished:
      description: Whether its run did not succeed or is still running.
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
    - The unfinished lease that was there before, with C(ended), which is V(expired), V(failed), V(stopped) or
      V(taken over), and C(earlier), a list of those before that one, the latest first; null if there was none.
  returned: success
  type: dict
  contains: *lease
held_by:
  description: The lease of the run that holds it.
  returned: when the lease is another run's
  type: dict
  contains: *lease
takeover_run_id:
  description: Id of the run that may hold the lease, because the response was lost and it could not be released.
  returned: when the lease may have been acquired by a task that failed
  type: str
  version_added: 0.3.0
expires_in_seconds:
  description: Seconds after which the next run can start.
  returned: when the lease may have been acquired by a task that failed
  type: int
  version_added: 0.3.0
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.1
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease_holder import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
    "run_id": {"type": "str", "required": True, "rule": rules.ID},
    "attempt": {"type": "int", "rule": rules.FROM_ONE},
    "owner": {"type": "str", "rule": rules.NAME},
    "method": {"type": "str", "rule": rules.NAME},
    "trigger": {"type": "str", "rule": rules.WORDS},
    "started_at": {"type": "float", "rule": rules.MOMENT},
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
