#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_manifest_info
version_added: 0.1.0
short_description: Read the recovery manifest from the regions that respond
description:
  - Reads the control tables of all O(regions) in parallel and returns the most recent manifest, and when each copy was
    written.
  - A region that does not respond is unknown. The module fails only if no region has a usable manifest.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions to read from.
    type: list
    elements: str
    required: true
  preferred_region:
    description:
      - Region whose copy is used if several are equally recent.
    type: str
  deadline:
    description:
      - Seconds after which a region that has not responded is unknown.
    type: float
    default: 4
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.failover_manifest
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Read the recovery manifest
  trading.multi_region.failover_manifest_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
"""

RETURN = r"""
reason:
  description: One sentence on which copy was used.
  returned: success
  type: str
  sample: The most recent manifest is in us-east-2, written at 2026-01-01T00:00:00.000000Z.
manifest:
  description: The most recent manifest.
  returned: success
  type: dict
  sample: {version: 1}
topics:
  description: ARN of the topic of each region, by region. Empty on a platform without monitoring.
  returned: success
  type: dict
  version_added: 0.3.0
  sample: {us-east-2: "arn:aws:sns:us-east-2:123456789012:trading-alerts-dev"}
manifest_region:
  description: Region it was read from.
  returned: success
  type: str
  sample: us-east-2
written_at:
  description: When that copy was written, ISO 8601 in UTC.
  returned: success
  type: str
  sample: "2026-01-01T00:00:00.000000Z"
copies:
  description: When each region's copy was written, or V(absent), or V(unknown).
  returned: always
  type: dict
  sample: {us-east-1: unknown, us-east-2: "2026-01-01T00:00:00.000000Z"}
errors:
  description: Why a copy is unknown, by region.
  returned: success
  type: dict
  sample: {us-east-1: no answer within 4.0 s}
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

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import run_info
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "preferred_region": {"type": "str", "rule": rules.REGION_CODE},
    "deadline": {"type": "float", "default": 4, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run_info(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
