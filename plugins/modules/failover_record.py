#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_record
version_added: 0.1.0
short_description: Keep the record of a run in the control tables
description:
  - Writes the record of one run into the control tables of several regions, all at once, under the id C(run#) followed
    by O(run_id). The same run may be recorded again as it goes on.
  - The table of O(required_region) must take it, or the module fails. The others are written where they answer, and are
    not waited for longer than three seconds once the required one has taken it.
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
    type: str
    required: true
  run_id:
    description:
      - Id of the run.
    type: str
    required: true
  record:
    description:
      - The record; stored as JSON text.
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
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Keep what happened
  trading.multi_region.failover_record:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    required_region: us-east-2
    run_id: 20260101T030000Z-3f2a
    record:
      outcome: completed
      rto_seconds: 58.2
"""

RETURN = r"""
reason:
  description: One sentence on where the record stands.
  returned: success
  type: str
  sample: "The record run#20260101T030000Z-3f2a stands in us-east-2; not in us-east-1: no answer within 3.0 s."
id:
  description: Id of the item.
  returned: always
  type: str
  sample: run#20260101T030000Z-3f2a
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
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.trading.multi_region.plugins.module_utils._api import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._failover_record import run

ARGUMENT_SPEC = {
    "table_name": {"type": "str", "required": True},
    "regions": {"type": "list", "elements": "str", "required": True},
    "required_region": {"type": "str", "required": True},
    "run_id": {"type": "str", "required": True},
    "record": {"type": "dict", "required": True},
    "deadline": {"type": "float", "default": 8},
    **TIMEOUT_SPEC,
}


def main():
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module.params, clients_for(module), module.check_mode)
    except MultiRegionError as error:
        module.fail_json(msg=str(error), **error.evidence)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
