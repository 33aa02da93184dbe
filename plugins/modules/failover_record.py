#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_record
version_added: 0.1.0
short_description: Record the progress of a run in the control tables
description:
  - Writes the record of one attempt of a run to the control tables of several regions in parallel, under the id
    C(run#) followed by O(run_id). The record of an attempt may be updated while the attempt proceeds.
  - Earlier attempts are kept in the record. One that ended without reporting an outcome is closed as C(lost), with the
    information from its lease. An attempt that was superseded by a later one does not change the record.
  - The module fails if the table of O(required_region) does not accept the record. Once it has, the module waits no
    longer than three seconds for the others. With copies in several tables the record survives the loss of any one
    region.
  - A record whose C(outcome) is C(successful) and that has a C(method) is also stored as the latest move, which starts
    the cool-down and requires an acknowledgement.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions whose tables are written.
    type: list
    elements: str
    required: true
  required_region:
    description:
      - Region whose table must accept the record; one of O(regions).
      - If omitted, any one table is enough.
    type: str
  run_id:
    description:
      - Id of the run.
    type: str
    required: true
  attempt:
    description:
      - Attempt of the run that the record describes, from 1.
    type: int
    version_added: 0.2.0
    default: 1
  previous:
    description:
      - What M(trading.multi_region.failover_lease) returned as C(previous). It describes attempts that wrote no record,
        and a run that was taken over.
    type: dict
    version_added: 0.2.0
  record:
    description:
      - The record, stored as JSON text.
      - C(outcome), C(reason), C(owner), C(method), C(from_region), C(target_region), C(steps), and in epoch seconds
        C(started_at) (of the run), C(attempt_started_at) and C(ended_at) are read by others.
    type: dict
    required: true
  deadline:
    description:
      - Seconds after which a table that has not responded is listed in RV(not_written_to).
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
  - trading.multi_region.control_table
  - trading.multi_region.retention
  - trading.multi_region.lease
  - trading.multi_region.silent_regions
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Record the outcome of a run
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
  description: One sentence on where the record is stored.
  returned: success
  type: str
  sample: >-
    The record run#20260101T030000Z-3f2a is written in us-east-2; not written in us-east-1: no answer within 3.0 s.
id:
  description: Id of the item.
  returned: always
  type: str
  sample: run#20260101T030000Z-3f2a
record:
  description:
    - The document as it was (or would be) written, which is O(record) with C(run_id), C(attempt) and C(attempts), a
      list of the attempts with C(attempt), C(owner), C(method), C(outcome), C(reason), C(started_at), C(ended_at) and
      C(steps).
  returned: always
  type: dict
  version_added: 0.2.0
  sample:
    run_id: 20260101T030000Z-3f2a
    outcome: successful
    attempt: 2
    attempts: [{attempt: 1, outcome: lost}, {attempt: 2, outcome: successful}]
written_to:
  description: Regions whose tables accepted the record; empty in check mode.
  returned: always
  type: list
  elements: str
  sample: [us-east-2]
not_written_to:
  description: Why a table did not accept the record, by region.
  returned: always
  type: dict
  sample: {us-east-1: no answer within 3.0 s}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.2
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    RETENTION_SPEC,
    TABLE_SPEC,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import SILENT_SPEC
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
    **TABLE_SPEC,
    **RETENTION_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "required_region": {"type": "str", "rule": rules.REGION_CODE},
    "run_id": {"type": "str", "required": True, "rule": rules.ID},
    "attempt": {"type": "int", "default": 1, "rule": rules.FROM_ONE},
    "previous": {"type": "dict", "rule": PREVIOUS},
    "record": {"type": "dict", "required": True, "rule": RECORD},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **LEASE_SPEC,
    **SILENT_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
