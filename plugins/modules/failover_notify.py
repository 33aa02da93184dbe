#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_notify
version_added: 0.1.0
short_description: Publish a notification to SNS topics in several regions
description:
  - Publishes one message to the Amazon SNS topics of all regions in parallel.
  - The module fails if the topic of O(required_region) does not accept the message. Once it has, the module waits no
    longer than three seconds for the others.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  topics:
    description:
      - ARN of the topic of each region, by region. If empty, as on a platform without monitoring, nobody is notified.
    type: dict
    required: true
  required_region:
    description:
      - Region whose topic must accept the message.
      - If omitted, one topic that accepts it is enough.
    type: str
  subject:
    description:
      - Subject of e-mails. Non-ASCII characters are replaced and the subject is truncated to 99 characters, because SNS
        would reject the message otherwise.
    type: str
    required: true
  msg:
    description:
      - The message, as plain text.
    type: str
    required: true
  attributes:
    description:
      - Message attributes for automated receivers, by name. Each value is sent as text; empty ones are omitted.
      - C(notification_id) is added, the same in all regions and in every copy of one message. If the response to a
        message is lost, the message is sent again, so receivers that act on messages should act once for each id.
    type: dict
  best_effort:
    description:
      - Whether to continue if no topic accepted the message. RV(reason) and RV(not_delivered) then report it.
      - Use it for messages about a move in progress, which must not stop because a notification failed.
    type: bool
    version_added: 0.2.0
    default: false
  deadline:
    description:
      - Seconds after which a topic that has not responded is listed in RV(not_delivered).
    type: float
    default: 8
attributes:
  check_mode:
    support: full
    details:
      - Nothing is sent, and RV(delivered) is empty.
  diff_mode:
    support: N/A
  idempotent:
    support: none
    details:
      - Every run sends the message again.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.silent_regions
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Notify operators that the platform has moved
  trading.multi_region.failover_notify:
    topics: "{{ plan.topics }}"
    required_region: us-east-2
    subject: trading dev moved to us-east-2
    msg: |
      us-east-2 took over from us-east-1.
    attributes:
      event: failover_completed
      target_region: us-east-2
"""

RETURN = r"""
reason:
  description: One sentence on which topics accepted the message.
  returned: success
  type: str
  sample: "Sent through us-east-2; not through us-east-1: no answer within 3.0 s."
delivered:
  description: Id of the message by region.
  returned: always
  type: dict
  sample: {us-east-2: 567910cd-659e-55d4-8ccb-5aaf14679dc0}
not_delivered:
  description: Why a topic did not accept the message, by region.
  returned: always
  type: dict
  sample: {us-east-1: no answer within 3.0 s}
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

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import SILENT_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring.notify import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

MESSAGE = rules.Value("a message of at most 262144 bytes", lambda msg: len(msg.encode("utf-8", "replace")) <= 262144)
ARGUMENT_SPEC = {
    "topics": {"type": "dict", "required": True, "rule": rules.TOPICS},
    "required_region": {"type": "str", "rule": rules.REGION_CODE},
    "subject": {"type": "str", "required": True},
    "msg": {"type": "str", "required": True, "rule": MESSAGE},
    "attributes": {"type": "dict"},
    "best_effort": {"type": "bool", "default": False},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **SILENT_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
