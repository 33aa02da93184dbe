#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudwatch_log_groups
version_added: 0.2.0
short_description: Manage encryption and retention of CloudWatch log groups
description:
  - Creates log groups, sets their key and retention, and deletes them, several in one task.
  - M(amazon.aws.cloudwatchlogs_log_group) sets a key on new groups only. This module also sets one on an existing
    group, such as those that Amazon RDS creates for the logs of a cluster, without losing its contents.
  - A new key encrypts the events that arrive from then on. Existing events stay encrypted with the previous key.
  - "Sources: C(AssociateKmsKey), C(CreateLogGroup) and C(PutRetentionPolicy) of the CloudWatch Logs API Reference;
    C(Encrypt log data in CloudWatch Logs using AWS KMS) of the CloudWatch Logs User Guide, which also shows what the
    key policy must allow for C(logs.REGION.amazonaws.com)."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  names:
    description:
      - Names of the log groups.
    type: list
    elements: str
    required: true
  kms_key_arn:
    description:
      - ARN of the KMS key, in the region of the groups, that encrypts them. Not changed if omitted.
    type: str
  retention_in_days:
    description:
      - Days after which log events are deleted, one of the periods that CloudWatch Logs supports (1, 3, 5, 7, 14, 30,
        60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653). Not changed if omitted.
    type: int
  tags:
    description:
      - Tags of groups that the module creates.
    type: dict
    default: {}
  state:
    description:
      - Whether the groups exist. V(absent) also deletes their contents.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.cloudwatchlogs_log_group
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Encrypt the logs of a database cluster
  trading.multi_region.cloudwatch_log_groups:
    region: us-east-2
    names:
      - /aws/rds/cluster/trading-us-east-2-prod/audit
      - /aws/rds/cluster/trading-us-east-2-prod/error
    kms_key_arn: arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555
    retention_in_days: 365
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: "Changed: /aws/rds/cluster/trading-us-east-2-prod/audit (kms_key_arn)."
log_groups:
  description: The log groups that exist, as read back, by name.
  returned: success
  type: dict
  contains:
    kms_key_arn:
      description: ARN of the key that encrypts the group, null if the key is managed by CloudWatch Logs.
      type: str
    retention_in_days:
      description: Days after which log events are deleted, null for never.
      type: int
  sample:
    /aws/rds/cluster/trading-us-east-2-prod/audit:
      kms_key_arn: arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555
      retention_in_days: 365
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 0.214
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidParameterException
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring.log_groups import PERIODS, run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

GROUP_NAMES = rules.Each(
    rules.text(r"[A-Za-z0-9_./#-]{1,512}", "1 to 512 letters, digits and . _ - / #, for a log group"), 1
)
ARGUMENT_SPEC = {
    "names": {"type": "list", "elements": "str", "required": True, "rule": GROUP_NAMES},
    "kms_key_arn": {"type": "str", "no_log": False, "rule": rules.KEY_ARN},
    "retention_in_days": {"type": "int", "rule": rules.one_of(PERIODS)},
    "tags": {"type": "dict", "default": {}, "rule": rules.TAGS},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
