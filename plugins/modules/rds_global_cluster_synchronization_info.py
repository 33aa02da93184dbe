#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster_synchronization_info
version_added: 0.2.0
short_description: Report, or wait for, the synchronization of a member of an Aurora global database
description:
  - Returns the C(SynchronizationStatus) of the member in O(member_region), read in O(region), and with O(wait=true)
    waits until it is V(connected).
  - After an unplanned failover the old primary is rebuilt as a secondary and is C(pending-resync) meanwhile, for
    minutes to hours. A switchover back to it is possible once it is C(connected).
  - The module fails if the region has no member, also with O(wait=true), because waiting does not create one.
  - "Sources: C(Using switchover or failover in Aurora Global Database) of the Aurora User Guide;
    C(GlobalClusterMember) of the RDS API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  global_cluster_identifier:
    description:
      - Identifier of the global cluster.
    type: str
    required: true
  member_region:
    description:
      - Region of the member. O(region) is the region of the API call; it may be any region that responds.
    type: str
    required: true
  wait:
    description:
      - Whether to wait until the member is V(connected), or is the writer, which replicates from no other member.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait, at least V(1). When the timeout expires, the module fails and reports the state.
    type: int
    default: 3600
  poll_interval:
    description:
      - Seconds between two reads while waiting, at least V(1).
    type: float
    default: 10.0
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: N/A
seealso:
  - module: trading.multi_region.rds_global_cluster_writer
  - module: amazon.aws.rds_global_cluster_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Wait until us-east-1 holds all data again
  trading.multi_region.rds_global_cluster_synchronization_info:
    region: us-east-2
    global_cluster_identifier: trading-global-dev
    member_region: us-east-1
    wait: true
    wait_timeout: 14400

- name: Check once
  trading.multi_region.rds_global_cluster_synchronization_info:
    region: us-east-2
    global_cluster_identifier: trading-global-dev
    member_region: us-east-1
  register: protection
"""

RETURN = r"""
synchronization_status:
  description: V(connected), V(pending-resync), or V(unknown) if AWS reports none or did not respond.
  returned: when the global cluster could be read, and when the wait timed out
  type: str
  sample: connected
is_writer:
  description: Whether the member is the writer, null if AWS did not respond.
  returned: when the global cluster could be read, and when the wait timed out
  type: bool
  sample: false
members:
  description: All members, each with region, arn, identifier, is_writer and synchronization_status.
  returned: when the global cluster could be read, and when the wait timed out
  type: list
  elements: dict
reason:
  description: The state in one sentence.
  returned: success
  type: str
  sample: us-east-1 is connected in trading-global-dev.
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 312.094
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: AccessDenied
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.synchronization import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "member_region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 3600, "rule": rules.WAIT},
    "poll_interval": {"type": "float", "default": 10.0, "rule": rules.POLL},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
