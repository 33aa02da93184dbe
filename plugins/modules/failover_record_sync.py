#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_record_sync
version_added: 0.2.0
short_description: Copy records of past runs to control tables that lack them
description:
  - Copies records of runs, the latest move and the pause of the automation to the control tables that lack them or have
    an older copy. Records are written while a region may be lost, and this is how the lost region receives them.
  - A copy is written only if the item has not changed since it was read, so a run in progress is never overwritten.
  - Leases and fences belong to one region each, and are not copied.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions whose tables are synchronized.
    type: list
    elements: str
    required: true
  deadline:
    description:
      - Seconds after which a table that has not responded counts as not read. It is listed in RV(unread).
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
  - module: trading.multi_region.failover_record_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.retention
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Copy the missing records to a region that has returned
  trading.multi_region.failover_record_sync:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
"""

RETURN = r"""
reason:
  description: One sentence on which tables were updated.
  returned: success
  type: str
  sample: Copied the missing records to us-east-1 (2).
copied:
  description: Ids of the items written, by region.
  returned: success
  type: dict
  sample: {us-east-1: ["latest_move", "run#20260412T030512Z-ab12cd"]}
unread:
  description: Why a table could not be read, by region.
  returned: always
  type: dict
  sample: {}
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

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    RETENTION_SPEC,
    TABLE_SPEC,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._runs.sync import run

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    **RETENTION_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
