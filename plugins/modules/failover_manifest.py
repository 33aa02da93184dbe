#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_manifest
version_added: 0.1.0
short_description: Write the recovery manifest to a region's control table
description:
  - Writes the information that a failover needs (names, ARNs, order of regions, capacity, location of the traffic
    switch) to the control table of O(region), and reads it back.
  - Nothing is written if the table already holds the same manifest. The time of writing is not compared.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  manifest:
    description:
      - The manifest, version 1.
      - C(version) must be 1 and C(global_database.identifier) must be given. C(regions) has at least two entries, in
        the order in which the switch was built, each with C(region), C(db_cluster_identifier), C(db_cluster_arn),
        C(target_group_arn), C(topic_arn) and C(control_bucket). On a platform without monitoring (C(layers.monitoring)
        is V(absent)) C(topic_arn) is left out.
      - An entry without C(compute) needs C(autoscaling_group_name) and C(capacity) (C(min), C(desired), C(max)) too,
        one whose C(compute) is V(ecs) C(ecs_service) (C(cluster/service)) and C(capacity), and one of which it is
        V(none) neither.
      - The stateless fence needs C(database_network_acl_id) and C(database_subnet_ids); without them a move fences by
        C(database_security_group_id).
      - C(preference) lists the regions, the most preferred one first. Without it that is the order of C(regions).
      - Other members are stored unchanged.
    type: dict
    required: true
  state:
    description:
      - The manifest is deleted with its table, so there is only one state.
    type: str
    choices: [present]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.failover_manifest_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Write the recovery manifest in every region
  trading.multi_region.failover_manifest:
    region: us-east-2
    table_name: trading-failover-dev
    manifest: "{{ failover_control_manifest }}"
"""

RETURN = r"""
reason:
  description: One sentence on what was found and done.
  returned: success
  type: str
  sample: The manifest in trading-failover-dev of us-east-2 differed and was written.
manifest:
  description: The manifest as it is now, or would be in check mode.
  returned: success
  type: dict
  sample: {version: 1}
written_at:
  description: When the copy was written, ISO 8601 in UTC; null if check mode found none.
  returned: success
  type: str
  sample: "2026-01-01T00:00:00.000000Z"
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
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "manifest": {"type": "dict", "required": True, "rule": rules.MANIFEST},
    "state": {"type": "str", "choices": ["present"], "default": "present"},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
