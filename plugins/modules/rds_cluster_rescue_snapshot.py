#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_cluster_rescue_snapshot
version_added: 0.2.0
short_description: Copy the snapshots that Aurora keeps of a volume after an unplanned failover
description:
  - After an unplanned failover the old primary is rebuilt on a new volume. Once its region is back, Aurora takes a
    snapshot C(rds:unplanned-global-failover-...) of the old volume. It expires with the backup retention period.
  - Copies every such snapshot of a cluster to a manual snapshot of the same region, which does not expire.
  - A snapshot that is C(creating) cannot be copied yet. With O(wait=true) the module waits until it can be.
  - A copy is named after the cluster and the time of the snapshot, in at most 63 characters. A snapshot that was copied
    before, under any name, is not copied again.
  - "Sources: C(Using switchover or failover in Amazon Aurora Global Database) of the Aurora User Guide;
    C(CopyDBClusterSnapshot) of the RDS API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  db_cluster_identifier:
    description:
      - Identifier of the cluster in O(region).
    type: str
    required: true
  global_cluster_identifier:
    description:
      - Identifier of the global cluster that the cluster is a member of. With O(wait=true) the module looks for
        snapshots until the member is C(connected), because a snapshot can appear until then.
    type: str
  tags:
    description:
      - Tags of the copies.
    type: dict
    default: {}
  wait:
    description:
      - Whether to wait until all copies are C(available).
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
    support: none
  idempotent:
    support: full
seealso:
  - module: amazon.aws.rds_cluster_snapshot
  - module: trading.multi_region.rds_global_cluster_synchronization_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Keep what a failover gave up, and wait until us-east-1 holds all data again
  trading.multi_region.rds_cluster_rescue_snapshot:
    region: us-east-1
    db_cluster_identifier: trading-us-east-1-dev
    global_cluster_identifier: trading-global-dev
    wait: true
    wait_timeout: 14400
"""

RETURN = r"""
reason:
  description: The outcome in one sentence.
  returned: success
  type: str
  sample: "Rescue snapshots of trading-us-east-1-dev: 1; 1 copied by this run."
snapshots:
  description: The snapshots that Aurora keeps of old volumes of the cluster.
  returned: success, and when the wait was given up
  type: list
  elements: dict
  contains:
    identifier:
      description: Identifier of the snapshot.
      type: str
      sample: rds:unplanned-global-failover-trading-us-east-1-dev-2026-11-29-08-15-30
    status:
      description: Status of the snapshot.
      type: str
      sample: available
    created_at:
      description: Time at which the snapshot was taken, null while AWS reports none.
      type: str
      sample: "2026-11-29T08:15:30+00:00"
    expires_at:
      description: Time at which the snapshot expires, null if it is unknown.
      type: str
      sample: "2026-12-06T08:15:30+00:00"
    copy:
      description: Identifier of the copy, or the one it would have.
      type: str
      sample: trading-us-east-1-dev-rescue-20261129081530
    copy_status:
      description: Status of the copy, null if there is none.
      type: str
      sample: available
synchronization_status:
  description: Synchronization status of the member; null for the writer, and without O(global_cluster_identifier).
  returned: success, and when the wait was given up
  type: str
  sample: connected
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
  sample: SnapshotQuotaExceeded
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.snapshots import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "db_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "global_cluster_identifier": {"type": "str", "rule": rules.CLUSTER},
    "tags": {"type": "dict", "default": {}, "rule": rules.TAGS},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 3600, "rule": rules.WAIT},
    "poll_interval": {"type": "float", "default": 10.0, "rule": rules.POLL},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
