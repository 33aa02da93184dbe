#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_fence_info
version_added: 0.2.0
short_description: Report which regions are fenced from writing
description:
  - Reads the fence documents of all regions from all control tables in parallel, and Aurora's own events on the fencing
    of a former writer (C(RDS-EVENT-0390), C(RDS-EVENT-0391)), which either region may have recorded.
  - What could not be read is unknown. The module fails only for invalid input.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  region:
    description:
      - Region that RV(outcome) and RV(reason) describe, one of O(regions). If omitted, RV(reason) covers all regions.
    type: str
    aliases: [aws_region]
  regions:
    description:
      - Regions to read from.
    type: list
    elements: str
    required: true
  db_clusters:
    description:
      - Identifier of each region's Aurora cluster, by region. If omitted, Aurora's events are not read.
    type: dict
    default: {}
  since:
    description:
      - Start of the move in epoch seconds; earlier events, and copies of fences, belong to
        other moves. Required with O(db_clusters).
      - AWS keeps events for 14 days.
    type: float
  deadline:
    description:
      - Seconds after which what has not responded is unknown.
    type: float
    default: 4
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
notes:
  - AWS emits events on a best effort basis, see "Monitoring Amazon Aurora events" of the Aurora User Guide. A missing
    event proves nothing.
seealso:
  - module: trading.multi_region.region_fence
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.silent_regions
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Check whether the old region is fenced
  trading.multi_region.region_fence_info:
    region: us-east-1
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    db_clusters: {us-east-1: trading-us-east-1-dev, us-east-2: trading-us-east-2-dev}
    since: "{{ failover_run.started_at }}"
  register: fencing
"""

RETURN = r"""
reason:
  description: One sentence on both kinds of fencing.
  returned: success
  type: str
  sample: >-
    us-east-1 is fenced: run 20260101T030000Z-3f2a removed the ingress of the database's security group sg-1
    (connections that were open may go on writing); Aurora blocked its writes.
outcome:
  description:
    - V(fenced), V(not proven), V(not fenced) or V(unknown), for O(region); null if that is not given.
    - V(fenced) if Aurora reports that it blocked the writes, or if the deny of mode V(network_acl) of
      M(trading.multi_region.region_fence) was read back. V(not proven) if this collection removed something else,
      because connections that were open may go on writing; before version 0.3.0 this was V(fenced).
    - If the region's own table does not respond, only a deny that was read back after O(since) counts; copies of the
      document may be of a fence that was lifted.
    - If the fencing by this collection failed, V(not fenced) if Aurora's timed out or if every region responded and
      none had an event of it.
  returned: success
  type: str
  sample: fenced
writes_ended_at:
  description: From when on, in epoch seconds, the database of O(region) takes no writes; null if RV(outcome) is not
    V(fenced).
  returned: success
  type: float
  version_added: 0.3.0
  sample: 1767225590.5
fences:
  description:
    - By region, the document that M(trading.multi_region.region_fence) keeps; null if there is none; a dict with
      C(unknown) if no table could be read.
    - The region's own table takes precedence, then the newest copy.
  returned: success
  type: dict
  sample: {us-east-1: {mode: database_ingress, state: done, run_id: 20260101T030000Z-3f2a}, us-east-2: null}
aurora:
  description: By region, what Aurora's latest event since O(since) reports on the region's cluster.
  returned: success
  type: dict
  contains:
    state:
      description: V(fenced), V(timed_out) or V(unknown).
      type: str
    message:
      description: The event's message, or null.
      type: str
    at:
      description: When it was recorded, in epoch seconds, or null.
      type: float
    is_silent:
      description: Whether every region responded and none had an event.
      type: bool
    reason:
      description: Why it is unknown, or null.
      type: str
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.3
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import SILENT_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._fence.info import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "region": {"type": "str", "aliases": ["aws_region"], "rule": rules.REGION_CODE},
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "db_clusters": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.REGION_CODE, rules.CLUSTER)},
    "since": {"type": "float", "rule": rules.MOMENT},
    "deadline": {"type": "float", "default": 4, "rule": rules.DEADLINE},
    **SILENT_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
