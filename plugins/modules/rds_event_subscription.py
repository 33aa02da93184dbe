#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_event_subscription
version_added: 0.2.0
short_description: Manage an event subscription of Amazon RDS
description:
  - Creates, changes and deletes a subscription that sends events of Amazon RDS and Aurora to an SNS topic of the same
    region.
  - The topic's policy, and the policy of the key that encrypts it, must allow C(events.rds.amazonaws.com).
  - Settings whose options are omitted are not changed.
  - "Sources: C(CreateEventSubscription), C(ModifyEventSubscription), C(AddSourceIdentifierToSubscription) and
    C(RemoveSourceIdentifierFromSubscription) of the RDS API Reference; C(Amazon RDS event categories and event messages
    for Aurora) of the Aurora User Guide."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  name:
    description:
      - Name of the subscription, up to 254 characters.
    type: str
    required: true
  state:
    description:
      - Whether the subscription exists.
    type: str
    choices: [present, absent]
    default: present
  sns_topic_arn:
    description:
      - ARN of the topic, in the region of the subscription. Required to create one.
    type: str
  source_type:
    description:
      - Kind of resource whose events are sent. AWS sends those of all kinds if a new subscription has none.
    type: str
    choices: [db-cluster, db-instance, db-cluster-snapshot, db-parameter-group, db-proxy, db-snapshot]
  source_ids:
    description:
      - Identifiers of the resources whose events are sent, which must exist. Others are removed from the subscription.
      - A subscription without any sends the events of all resources of its O(source_type).
      - Needs O(source_type).
    type: list
    elements: str
  event_categories:
    description:
      - Categories of events that are sent, for example V(global failover) and V(maintenance) of a cluster. AWS sends
        all categories if a new subscription has none.
    type: list
    elements: str
  enabled:
    description:
      - Whether events are sent.
    type: bool
  tags:
    description:
      - Tags that the subscription has. Other tags are kept.
    type: dict
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
- name: Send the moves and the maintenance of a cluster to the topic for alerts
  trading.multi_region.rds_event_subscription:
    region: us-east-2
    name: trading-us-east-2-prod-cluster
    sns_topic_arn: arn:aws:sns:us-east-2:123456789012:trading-alerts-prod
    source_type: db-cluster
    source_ids: [trading-us-east-2-prod]
    event_categories: [global failover, maintenance]
    enabled: true
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: The event subscription trading-us-east-2-prod-cluster was created.
subscription:
  description:
    - The subscription as read back, an empty dictionary if there is none. In check mode, the subscription as it would
      be.
  returned: success
  type: dict
  contains:
    name:
      description: Name.
      type: str
      sample: trading-us-east-2-prod-cluster
    arn:
      description: ARN, null for one that would be created.
      type: str
      sample: arn:aws:rds:us-east-2:123456789012:es:trading-us-east-2-prod-cluster
    status:
      description:
        - V(creating), V(modifying), V(deleting) or V(active); with V(no-permission) and V(topic-not-exist) nothing is
          sent.
      type: str
      sample: active
    sns_topic_arn:
      description: Topic.
      type: str
      sample: arn:aws:sns:us-east-2:123456789012:trading-alerts-prod
    source_type:
      description: Kind of resource.
      type: str
      sample: db-cluster
    source_ids:
      description: Resources; empty for all.
      type: list
      elements: str
      sample: [trading-us-east-2-prod]
    event_categories:
      description: Categories; empty for all.
      type: list
      elements: str
      sample: [global failover, maintenance]
    enabled:
      description: Whether events are sent.
      type: bool
      sample: true
    tags:
      description: Tags, as far as O(tags) was given.
      type: dict
      sample: {Project: trading}
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
  sample: SNSNoAuthorization
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.event_subscription import SOURCE_TYPES, run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

SUBSCRIPTION = rules.text(
    r"[A-Za-z](?:-?[A-Za-z0-9]){0,253}", "1 to 254 letters, digits and single dashes, the first one a letter"
)
CATEGORY = rules.text(r"[a-z][a-z ]{0,63}", "a category, such as global failover or maintenance")
SOURCE = rules.text(r"[A-Za-z][A-Za-z0-9:-]{0,254}", "the identifier of a resource of RDS")
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "rule": SUBSCRIPTION},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "sns_topic_arn": {"type": "str", "rule": rules.TOPIC_ARN},
    "source_type": {"type": "str", "choices": list(SOURCE_TYPES)},
    "source_ids": {"type": "list", "elements": "str", "rule": rules.Each(SOURCE)},
    "event_categories": {"type": "list", "elements": "str", "rule": rules.Each(CATEGORY)},
    "enabled": {"type": "bool"},
    "tags": {"type": "dict", "rule": rules.TAGS},
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_by={"source_ids": "source_type"},
    )


if __name__ == "__main__":
    main()
