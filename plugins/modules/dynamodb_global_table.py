#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dynamodb_global_table
version_added: 0.1.0
short_description: Manage the replicas of a DynamoDB global table
description:
  - Makes an existing table a global one (version 2019.11.21, eventually consistent) by adding replicas in other
    regions, one change at a time as AWS requires, and waits until each is C(ACTIVE).
  - Enables the stream that replication needs where the table has none.
  - Point-in-time recovery, deletion protection and tags belong to each replica and are set in its region.
  - Each replica can be encrypted with a key of its region. An existing table is re-encrypted in place. All replicas
    must use keys of one kind and change them in one request. AWS states this in its error messages and not in its
    documentation; see also (C(hashicorp/terraform-provider-aws), issue 21726).
  - Also configures a table without replicas if O(region) is the only region in O(replicas).
  - O(region) may be any region that has the table. The table in that region is never removed.
  - The region of a replica that O(replicas) does not list need not respond, unless O(purge_replicas=true).
  - "Sources: C(Global tables) of the DynamoDB Developer Guide; C(UpdateTable), C(UpdateContinuousBackups) and
    C(TagResource) of the DynamoDB API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  table_name:
    description:
      - Name of the table.
    type: str
    required: true
  replicas:
    description:
      - Desired replicas. They may include O(region), to manage the settings of its table as well.
    type: list
    elements: dict
    default: []
    suboptions:
      region:
        description:
          - Region of the replica.
        type: str
        required: true
      point_in_time_recovery:
        description:
          - Whether point-in-time recovery is enabled. Not changed if omitted.
        type: bool
      deletion_protection:
        description:
          - Whether the replica refuses to be deleted. Not changed if omitted. Must be V(false) before the replica can
            be removed.
        type: bool
      tags:
        description:
          - Tags to add or change. Other tags are kept.
        type: dict
      kms_key_arn:
        description:
          - ARN of the KMS key of its region that encrypts the replica. Not changed if omitted.
          - If one replica has such a key, every replica needs one, including those that O(replicas) does not list.
        type: str
  purge_replicas:
    description:
      - Whether to remove the replicas that O(replicas) does not list.
      - AWS does not remove a replica that was the source of other replicas in the last 24 hours. In that case run the
        module in the region of the source.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the last change is complete. The module always waits for earlier changes, because AWS
        accepts one at a time.
      - The settings of a replica that the module did not wait for are applied by the next run.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for each change.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: community.aws.dynamodb_table
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Replicate the table to a second region
  trading.multi_region.dynamodb_global_table:
    region: us-east-1
    table_name: trading-sessions-dev
    replicas:
      - region: us-east-1
        kms_key_arn: arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555
        point_in_time_recovery: true
      - region: us-east-2
        kms_key_arn: arn:aws:kms:us-east-2:123456789012:key/66666666-7777-8888-9999-000000000000
        point_in_time_recovery: true
        tags:
          Project: trading

- name: Remove all replicas except the one in us-east-1
  trading.multi_region.dynamodb_global_table:
    region: us-east-1
    table_name: trading-sessions-dev
    replicas: []
    purge_replicas: true
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: "Changed on trading-sessions-dev: a replica is added in us-east-2."
replicas:
  description: The table of every region, as read back.
  returned: success
  type: list
  elements: dict
  contains:
    region:
      description: Region.
      type: str
      sample: us-east-2
    status:
      description: Status of the replica. Any other one than V(ACTIVE) comes without the values below.
      type: str
      sample: ACTIVE
    arn:
      description: ARN of the table in that region.
      type: str
      sample: arn:aws:dynamodb:us-east-2:123456789012:table/trading-sessions-dev
    kms_key_arn:
      description: ARN of the KMS key that encrypts the replica, null for a key that DynamoDB owns.
      type: str
      version_added: 0.2.0
      sample: arn:aws:kms:us-east-2:123456789012:key/66666666-7777-8888-9999-000000000000
    encryption_status:
      description: V(ENABLED), or V(UPDATING) while the key is changed; null for a key that DynamoDB owns.
      type: str
      version_added: 0.2.0
      sample: ENABLED
    point_in_time_recovery:
      description: Whether point-in-time recovery is enabled.
      type: bool
      sample: true
    deletion_protection:
      description: Whether the replica refuses to be deleted.
      type: bool
      sample: false
    tags:
      description: Tags.
      type: dict
      sample: {"Project": "trading"}
stream_view_type:
  description: View type of the table's stream, null if it has none.
  returned: success
  type: str
  sample: NEW_AND_OLD_IMAGES
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 1.204
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: ResourceInUseException
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._stores.global_table import run

REPLICA_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "point_in_time_recovery": {"type": "bool"},
    "deletion_protection": {"type": "bool"},
    "tags": {"type": "dict", "rule": rules.TAGS},
    "kms_key_arn": {"type": "str", "no_log": False, "rule": rules.KEY_ARN},
}
ARGUMENT_SPEC = {
    "table_name": {"type": "str", "required": True, "rule": rules.TABLE},
    "replicas": {"type": "list", "elements": "dict", "options": REPLICA_SPEC, "default": []},
    "purge_replicas": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600, "rule": rules.WAIT},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
