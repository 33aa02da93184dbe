#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: s3_bucket_replication
version_added: 0.1.0
short_description: Manage a replication rule of an S3 bucket
description:
  - Adds, changes and removes one replication rule of a bucket. Other rules of the bucket are not changed.
  - Two-way replication is two calls, one for each bucket, each in its bucket's region.
  - The bucket needs versioning, and so does the destination.
  - Only the given options are compared, so values that AWS adds do not cause a change.
  - "Sources: C(Replicating objects within and across Regions) of the Amazon S3 User Guide; C(PutBucketReplication) of
    the Amazon S3 API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  bucket:
    description:
      - Name of the bucket to replicate from. O(region) is its region.
    type: str
    required: true
  state:
    description:
      - Whether the rule exists.
    type: str
    choices: [present, absent]
    default: present
  rule_id:
    description:
      - Name of the rule within the bucket.
    type: str
    default: multi-region
  role_arn:
    description:
      - ARN of the IAM role that S3 uses for replication. A bucket has one role for all its rules.
      - Required when O(state=present).
    type: str
  destination_bucket_arn:
    description:
      - ARN of the bucket to replicate to.
      - Required when O(state=present).
    type: str
  delete_marker_replication:
    description:
      - Whether delete markers are replicated.
    type: bool
    default: true
  replica_modifications:
    description:
      - Whether changes of a replica's metadata are replicated back, as two-way replication needs.
    type: bool
    default: true
  kms_key_arn:
    description:
      - ARN of the key of the destination's region that encrypts the replicas. Objects encrypted with KMS are replicated
        only if it is given.
      - Not changed if omitted.
    type: str
  replication_metrics:
    description:
      - Whether S3 publishes metrics of the rule, such as C(ReplicationLatency), in the destination's region. They are
        billed as custom metrics.
      - Not changed if omitted.
    type: bool
    version_added: 0.2.0
  prefix:
    description:
      - Prefix of the object keys to replicate. If empty, all objects are replicated.
    type: str
    default: ''
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.s3_bucket
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Replicate from us-east-1 to us-east-2
  trading.multi_region.s3_bucket_replication:
    region: us-east-1
    bucket: trading-data-us-east-1-dev
    role_arn: arn:aws:iam::123456789012:role/trading-replication-dev
    destination_bucket_arn: arn:aws:s3:::trading-data-us-east-2-dev

- name: Replicate from us-east-2 to us-east-1
  trading.multi_region.s3_bucket_replication:
    region: us-east-2
    bucket: trading-data-us-east-2-dev
    role_arn: arn:aws:iam::123456789012:role/trading-replication-dev
    destination_bucket_arn: arn:aws:s3:::trading-data-us-east-1-dev

- name: Stop replicating
  trading.multi_region.s3_bucket_replication:
    region: us-east-1
    bucket: trading-data-us-east-1-dev
    state: absent
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: The rule multi-region of trading-data-us-east-1-dev is added.
replication_configuration:
  description: The bucket's whole configuration as read back, with the field names of the S3 API; empty if there is
    none.
  returned: success
  type: dict
  contains:
    Role:
      description: ARN of the IAM role that S3 uses for replication.
      type: str
      sample: arn:aws:iam::123456789012:role/trading-replication-dev
    Rules:
      description: Replication rules.
      type: list
      elements: dict
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
  sample: NoSuchBucket
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._stores.bucket_replication import run

BUCKET_ARN = rules.arn("s3", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket")
ARGUMENT_SPEC = {
    "bucket": {"type": "str", "required": True, "rule": rules.BUCKET},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "rule_id": {"type": "str", "default": "multi-region", "rule": rules.NAME},
    "role_arn": {"type": "str", "rule": rules.arn("iam", r"role/.+", "an IAM role")},
    "destination_bucket_arn": {"type": "str", "rule": BUCKET_ARN},
    "delete_marker_replication": {"type": "bool", "default": True},
    "replica_modifications": {"type": "bool", "default": True},
    "kms_key_arn": {"type": "str", "no_log": False, "rule": rules.KEY_ARN},
    "replication_metrics": {"type": "bool"},
    "prefix": {"type": "str", "default": "", "rule": rules.line(1024)},
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_if=[("state", "present", ["role_arn", "destination_bucket_arn"])],
    )


if __name__ == "__main__":
    main()
