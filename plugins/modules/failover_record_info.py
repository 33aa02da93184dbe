#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_record_info
version_added: 0.2.0
short_description: Read the history of runs, leases, fences and the automation state
description:
  - Reads the control tables of all regions in parallel and merges their information on runs, leases, fences, the latest
    move and the automation. Of several copies of a run, the newest one of its latest attempt is used.
  - A table that could not be read is listed with the reason, and information that only it holds is V(unknown). The
    module fails only if no table responded.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions whose tables are read.
    type: list
    elements: str
    required: true
  run_id:
    description:
      - Return only this run. The module fails if no table has it.
    type: str
  limit:
    description:
      - Maximum number of runs to return, the newest first.
    type: int
    default: 20
  deadline:
    description:
      - Seconds after which a table that has not responded counts as not read.
    type: float
    default: 8
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.failover_record
  - module: trading.multi_region.failover_lease
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Show the latest runs
  trading.multi_region.failover_record_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    limit: 5
  register: history
"""

RETURN = r"""
reason:
  description: One sentence on what was read, and what was not.
  returned: success
  type: str
  sample: "3 runs in trading-failover-dev of us-east-2. Not read: us-east-1: no answer within 8.0 s."
now:
  description: Time of the tables that answered, in epoch seconds.
  returned: success
  type: float
  sample: 1767236500.0
runs:
  description:
    - The runs, the newest first, each as M(trading.multi_region.failover_record) wrote it, with C(written_at) and
      C(regions), the regions whose tables have a copy. Values that a record does not contain are null.
  returned: success
  type: list
  elements: dict
  sample:
    - run_id: 20260101T030000Z-3f2a
      outcome: successful
      from_region: us-east-1
      target_region: us-east-2
      attempts: [{attempt: 1, outcome: lost}, {attempt: 2, outcome: successful}]
      regions: [us-east-2]
latest_move:
  description: The latest move that succeeded, with its acknowledgement or null; null if there was none.
  returned: success
  type: dict
  sample: {run_id: 20260101T030000Z-3f2a, method: failover, target_region: us-east-2, acknowledged: null}
leases:
  description:
    - The lease of each region as M(trading.multi_region.failover_lease) returns it; null if there is none, V(unknown)
      if its table was not read.
  returned: success
  type: dict
  sample: {us-east-1: unknown, us-east-2: null}
fences:
  description: The fence of each region; null if there is none, V(unknown) if no table could be read.
  returned: success
  type: dict
  sample: {us-east-1: null, us-east-2: null}
automation:
  description: The automation document in each region; null if there is none, V(unknown) if it was not read.
  returned: success
  type: dict
  sample: {us-east-1: unknown, us-east-2: null}
automation_latest:
  description: The newest of these documents, or null.
  returned: success
  type: dict
  sample: {version: 1, pause: null}
unread:
  description: Why a table was not read, by region.
  returned: always
  type: dict
  sample: {us-east-1: no answer within 8.0 s}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.2
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._runs.info import run

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "run_id": {"type": "str", "rule": rules.ID},
    "limit": {"type": "int", "default": 20, "rule": rules.RUNS},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
