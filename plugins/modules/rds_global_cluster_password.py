#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster_password
version_added: 0.1.0
short_description: Rotate the password of an Aurora global database and of its secret in every region
description:
  - Gives the first user of a global database a password that is at most O(max_age_days) old, in the database and in
    every region's copy of the secret. The password is made by the module and is never shown.
  - A new password waits under the label C(AWSPENDING) until every region's copy shows it. Then the cluster that
    writes is given it, wherever that is. Then C(AWSCURRENT) moves to it, and when every copy shows that,
    C(AWSPENDING) is taken off. At every moment C(AWSCURRENT) or C(AWSPENDING) of each copy is what the writer accepts.
  - C(AWSPENDING) is the journal. A rotation that was broken off anywhere is taken up by the next run with the same
    password, and two runs at the same moment bring about the same one.
  - The other members receive the password with the writer's other changes. It cannot be set in them.
  - It is refused while somebody moves the platform (O(table_name)), while Aurora moves the writer, and where a region
    cannot be asked, unless O(accept_gap).
  - The secret is a JSON object; its members beside C(password) are kept.
  - Aurora does not manage the master password of a cluster in a global database, therefore this module. Its calls need
    C(secretsmanager:DescribeSecret), C(GetSecretValue), C(ListSecretVersionIds), C(PutSecretValue) and
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
      - Regions that hold a copy of the secret. The one with the first copy, and the writer's, must be among them.
    type: list
    elements: str
    required: true
  table_name:
    description:
      - Name of the control table that each region has; a live lease in any of them refuses the rotation. Left out, no
        lease is looked for.
    type: str
  expected_writer_region:
    description:
      - Region that the writer must be in. Left out, it may be in any.
    type: str
  max_age_days:
    description:
      - Age in days that the current password may have. V(0) gives a new one in every run.
    type: float
    default: 0
  password_length:
    description:
      - Length of a new password, of letters and digits. RDS takes 8 to 41 characters.
    type: int
    default: 32
  accept_gap:
    description:
      - Whether to go on where a region does not answer, or its copy does not show the new password in time.
        Applications there may be refused by the database until their copy has it. C(AWSPENDING) then stays, and a later
        run finishes.
    type: bool
    default: false
  replica_timeout:
    description:
      - Seconds that the copies may take to show a change.
    type: int
    default: 60
  settle_seconds:
    description:
      - Seconds after which a password counts as accepted although neither an event nor the cluster's status told so.
    type: int
    default: 60
  wait_timeout:
    description:
      - Seconds that the cluster may take to accept the password.
    type: int
    default: 600
  poll_interval:
    description:
      - Seconds between two looks.
    type: float
    default: 5
attributes:
  check_mode:
    support: full
    details:
      - Everything that would refuse the rotation refuses it. RV(version_id) is the version of now.
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
- name: Have a password that is younger than a quarter
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
  description: Whether a rotation that was begun before was finished.
  returned: success
  type: bool
  sample: false
writer_region:
  description: Region of the cluster that writes.
  returned: success
  type: str
  sample: us-east-1
primary_region:
  description: Region of the secret's first copy.
  returned: success
  type: str
  sample: us-east-1
version_id:
  description: Id of the secret's current version.
  returned: success
  type: str
  sample: 6c3a41b7-1c52-5bd6-9c35-6a6a8f2c9b11
previous_version_id:
  description: Id of the version before it; null where this run made no other one current.
  returned: success
  type: str
  sample: 7d0b5e29-4d83-49f1-9a5f-0f5a1c1d2e3f
proof:
  description:
    - How it is known that the database accepts the password. V(event), RDS said so; V(status), the cluster was busy
      with it and is no longer; V(time), neither was seen within O(settle_seconds). Null where this run did not set it.
  returned: success
  type: str
  sample: event
gaps:
  description: By region, why it was passed over. Empty without O(accept_gap).
  returned: success, and when regions are the reason of the failure
  type: dict
  sample: {}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 64.2
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception where no answer came.
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
