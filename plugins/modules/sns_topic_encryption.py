#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sns_topic_encryption
version_added: 0.2.0
short_description: Manage the KMS key that encrypts an SNS topic
description:
  - Sets the KMS key that encrypts the messages of an existing topic at rest, which M(community.aws.sns_topic) does not
    support.
  - Publishers to the topic then need C(kms:GenerateDataKey*) and C(kms:Decrypt) on the key. CloudWatch gets them from
    the key policy, as the service C(cloudwatch.amazonaws.com). Without them the notifications of alarms are not
    delivered.
  - "Sources: C(SetTopicAttributes) of the SNS API Reference; C(Managing Amazon SNS encryption keys and costs) of the
    SNS Developer Guide."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  topic_arn:
    description:
      - ARN of the topic.
    type: str
    required: true
  kms_key_arn:
    description:
      - ARN of the KMS key, in the topic's region.
    type: str
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: community.aws.sns_topic
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Encrypt the alerts
  trading.multi_region.sns_topic_encryption:
    region: us-east-2
    topic_arn: arn:aws:sns:us-east-2:123456789012:trading-alerts-prod
    kms_key_arn: arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: The topic arn:aws:sns:us-east-2:123456789012:trading-alerts-prod had no key and is encrypted with it now.
kms_key_arn:
  description: The key that encrypts the topic.
  returned: success
  type: str
  sample: arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555
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
  sample: AuthorizationError
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring.topic_encryption import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "topic_arn": {"type": "str", "required": True, "rule": rules.TOPIC_ARN},
    "kms_key_arn": {"type": "str", "required": True, "no_log": False, "rule": rules.KEY_ARN},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
