#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_record
version_added: 0.1.0
short_description: Keep the journal of a run in the control tables
description:
  - Writes the record of one attempt of a run into the control tables of several regions, all at once, under the id
    C(run#) followed by O(run_id). The same attempt may be recorded again as it goes on.
  - The attempts before it stay in the record. One that ended without a word is closed as C(lost), with what its lease
    tells of it. An attempt that has been superseded by a later one leaves the record alone.
  - The table of O(required_region) must take it, or the module fails. The others are written where they answer, and are
    not waited for longer than three seconds once the required one has taken it. So the record survives the loss of any
    one region.
  - A record whose C(outcome) is C(successful) and that has a C(method) is written down as the latest move too, which
    begins the cool-down and asks for an acknowledgement.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  table_name:
    description:
      - Name of the control table, the same in every region.
    type: str
    required: true
  regions:
    description:
      - Regions whose tables are written.
    type: list
    elements: str
    required: true
  required_region:
    description:
      - Region whose table must take the record; one of O(regions).
      - Left out, any one of them will do.
    type: str
  run_id:
    description:
      - Id of the run.
    type: str
    required: true
  attempt:
    description:
      - Attempt of the run that the record is of, from 1.
    type: int
    default: 1
  previous:
    description:
      - What M(trading.multi_region.failover_lease) returned as C(previous). It tells of attempts that wrote nothing,
        and of a run that was taken over.
    type: dict
  record:
    description:
      - The record; stored as JSON text.
      - C(outcome), C(reason), C(owner), C(method), C(from_region), C(target_region), C(steps), and in epoch seconds
        C(started_at) (of the run), C(attempt_started_at) and C(ended_at) are read by others.
    type: dict
    required: true
  deadline:
    description:
      - Seconds after which a table that has not answered counts as not written.
    type: float
    default: 8
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Keep what happened
  trading.multi_region.failover_record:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    required_region: us-east-2
    run_id: "{{ lease.lease.run_id }}"
    attempt: "{{ lease.lease.attempt }}"
    previous: "{{ lease.previous }}"
    record:
      outcome: successful
      reason: us-east-2 answers for the name.
      owner: on-call@controller-1
      method: failover
      from_region: us-east-1
      target_region: us-east-2
      started_at: 1767236400.0
      ended_at: 1767236458.2
      rto_seconds: 58.2
      steps: []
"""

RETURN = r"""
reason:
  description: One sentence on where the record stands.
  returned: success
  type: str
  sample: "The record run#20260101T030000Z-3f2a stands in us-east-2; not written in us-east-1: no answer within 3.0 s."
id:
  description: Id of the item.
  returned: always
  type: str
  sample: run#20260101T030000Z-3f2a
record:
  description:
    - The document as it was (or would be) written, which is O(record) with C(run_id), C(attempt) and C(attempts), a
      list of the attempts with C(attempt), C(owner), C(outcome), C(reason), C(started_at), C(ended_at) and C(steps).
  returned: always
  type: dict
  sample:
    run_id: 20260101T030000Z-3f2a
    outcome: successful
    attempt: 2
    attempts: [{attempt: 1, outcome: lost}, {attempt: 2, outcome: successful}]
written_to:
  description: Regions whose tables took the record; empty in check mode.
  returned: always
  type: list
  elements: str
  sample: [us-east-2]
not_written_to:
  description: Why a table did not take the record, by region.
  returned: always
  type: dict
  sample: {us-east-1: no answer within 3.0 s}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.2
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._runs.record import run

# A lease that ended, as failover_lease returns it under `previous`.
ENDED = {
    "run_id": rules.ID,
    "attempt": rules.FROM_ONE,
    **dict.fromkeys(("owner", "outcome", "ended"), rules.NAME),
    **dict.fromkeys(("renewed_at", "acquired_at"), rules.MOMENT),
}
WRITTEN = frozenset(ENDED) - {"owner"}
PREVIOUS = rules.Members({**ENDED, "earlier": rules.Each(rules.Members(ENDED, WRITTEN))}, WRITTEN)
RECORD = rules.Members(
    {
        **dict.fromkeys(("started_at", "ended_at", "attempt_started_at"), rules.MOMENT),
        "steps": rules.Each(rules.Members({})),
    }
)
ARGUMENT_SPEC = {
    "table_name": {"type": "str", "required": True, "rule": rules.TABLE},
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "required_region": {"type": "str", "rule": rules.REGION_CODE},
    "run_id": {"type": "str", "required": True, "rule": rules.ID},
    "attempt": {"type": "int", "default": 1, "rule": rules.FROM_ONE},
    "previous": {"type": "dict", "rule": PREVIOUS},
    "record": {"type": "dict", "required": True, "rule": RECORD},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
