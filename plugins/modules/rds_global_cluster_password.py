#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster_password
version_added: 0.2.0
short_description: Rotate the password of an Aurora global database and of its secret in every region
description:
  - Ensures that the password of a global database's master user is at most O(max_age_days) old, in the database and in
    the secret in every region. The module generates the password and never returns it.
  - A new password is stored under the label C(AWSPENDING) until every region's copy shows it. Then it is set on the
    cluster that has the writer, in whichever region. Then C(AWSCURRENT) moves to it, and once every copy shows that,
    C(AWSPENDING) is removed. At any time the writer accepts either C(AWSCURRENT) or C(AWSPENDING) of each copy.
  - C(AWSPENDING) is the journal. A rotation that was interrupted at any point is resumed by the next run with the same
    password, and two concurrent runs set the same one.
  - The other members receive the password by replication from the writer. It cannot be set on them.
  - The module fails while a move of the platform is in progress (O(table_name)), while Aurora moves the writer, and if
    a region does not respond, unless O(accept_gap).
  - The secret is a JSON object. Its members other than C(password) are kept.
  - This module exists because Aurora does not manage the master password of a cluster in a global database. Its calls
    require C(secretsmanager:DescribeSecret), C(GetSecretValue), C(ListSecretVersionIds), C(PutSecretValue) and
    C(UpdateSecretVersionStage), C(rds:DescribeGlobalClusters), C(DescribeDBClusters), C(DescribeEvents) and
    C(ModifyDBCluster), C(dynamodb:GetItem), and C(kms:Decrypt) and C(GenerateDataKey) with the secret's key.
  - "Sources: C(Password management with Amazon Aurora and AWS Secrets Manager) (limitations), C(Viewing cluster status)
    and C(Amazon RDS event categories) of the Aurora User Guide; C(Lambda rotation functions) and
    C(Replicate AWS Secrets Manager secrets across Regions) of the AWS Secrets Manager User Guide; C(ModifyDBCluster),
    C(PutSecretValue) and C(UpdateSecretVersionStage) of the API references."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  secret_name:
    description:
      - Name of the secret, the same in every region.
    type: str
    required: true
  global_cluster_identifier:
    description:
      - Identifier of the global cluster.
    type: str
    required: true
  regions:
    description:
      - Regions that hold a copy of the secret. The region of the primary secret and the region of the writer must be
        among them.
    type: list
    elements: str
    required: true
  table_name:
    description:
      - Name of the control table, the same in every region. The module fails if any of them holds a live lease. If
        omitted, leases are not checked.
    type: str
  expected_writer_region:
    description:
      - Region that the writer must be in. If omitted, it may be in any region.
    type: str
  max_age_days:
    description:
      - Maximum age in days of the current password. V(0) sets a new one in every run.
    type: float
    default: 0
  password_length:
    description:
      - Length of a new password, which consists of letters and digits. RDS accepts 8 to 41 characters.
    type: int
    default: 32
  accept_gap:
    description:
      - Whether to continue if a region does not respond, or its copy does not show the new password in time. The
        database may reject applications there until their copy has it. C(AWSPENDING) is then kept, and a later run
        finishes the rotation.
    type: bool
    default: false
  replica_timeout:
    description:
      - Seconds to wait for the copies to show a change.
    type: int
    default: 60
  settle_seconds:
    description:
      - Seconds after which a password counts as accepted even if neither an event nor the cluster's status confirmed
        it.
    type: int
    default: 60
  wait_timeout:
    description:
      - Seconds to wait for the cluster to accept the password.
    type: int
    default: 600
  poll_interval:
    description:
      - Seconds between two polls.
    type: float
    default: 5
attributes:
  check_mode:
    support: full
    details:
      - All checks that could refuse the rotation are made. RV(version_id) is the current version.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - With O(max_age_days) a second run changes nothing. Without it, each run that finds no rotation to finish makes a
        new password.
seealso:
  - module: community.aws.secretsmanager_secret
  - module: amazon.aws.rds_cluster
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Rotate the password if it is older than 90 days
  trading.multi_region.rds_global_cluster_password:
    secret_name: trading-database-dev
    global_cluster_identifier: trading-global-dev
    regions: [us-east-1, us-east-2]
    table_name: trading-failover-dev
    max_age_days: 90
"""

RETURN = r"""
changed:
  description: Whether anything was written.
  returned: always
  type: bool
  sample: true
reason:
  description: One sentence on what was found and done.
  returned: success
  type: str
  sample: >-
    Version 6c3a41b7-1c52-5bd6-9c35-6a6a8f2c9b11 of trading-database-dev is the password of trading-us-east-1-dev in
    us-east-1; us-east-1, us-east-2 show it.
resumed:
  description: Whether an interrupted rotation was resumed and finished.
  returned: success
  type: bool
  sample: false
writer_region:
  description: Region of the cluster that has the writer.
  returned: success
  type: str
  sample: us-east-1
primary_region:
  description: Region of the primary secret.
  returned: success
  type: str
  sample: us-east-1
version_id:
  description: Id of the secret's current version.
  returned: success
  type: str
  sample: 6c3a41b7-1c52-5bd6-9c35-6a6a8f2c9b11
previous_version_id:
  description: Id of the previous version; null if this run did not change the current version.
  returned: success
  type: str
  sample: 7d0b5e29-4d83-49f1-9a5f-0f5a1c1d2e3f
proof:
  description:
    - Evidence that the database accepts the password. V(event) - RDS reported it; V(status) - the cluster's status
      showed the change and its end; V(time) - neither was seen within O(settle_seconds). Null if this run did not set
      it.
  returned: success
  type: str
  sample: event
gaps:
  description: By region, why it was skipped. Empty without O(accept_gap).
  returned: success, and when regions are the reason of the failure
  type: dict
  sample: {}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 64.2
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidDBClusterStateFault
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.password import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "secret_name": {"type": "str", "required": True, "no_log": False, "rule": rules.SECRET},
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "table_name": {"type": "str", "rule": rules.TABLE},
    "expected_writer_region": {"type": "str", "rule": rules.REGION_CODE},
    "max_age_days": {"type": "float", "default": 0, "rule": rules.DAYS},
    "password_length": {"type": "int", "default": 32, "no_log": False, "rule": rules.number(8, 41)},
    "accept_gap": {"type": "bool", "default": False},
    "replica_timeout": {"type": "int", "default": 60, "rule": rules.seconds(0, 86400)},
    "settle_seconds": {"type": "int", "default": 60, "rule": rules.seconds(0, 86400)},
    "wait_timeout": {"type": "int", "default": 600, "rule": rules.WAIT},
    "poll_interval": {"type": "float", "default": 5, "rule": rules.POLL},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
