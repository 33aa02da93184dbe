#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: route53_failover_records
version_added: 0.3.0
short_description: Replace the failover alias records of some names in one request
description:
  - Gives O(names) exactly the failover alias records of O(records), in one change batch, which Route 53 makes as a
    whole or not at all. M(amazon.aws.route53) changes one record at a time, so that a record cannot take the role
    (V(PRIMARY) or V(SECONDARY)) that another record of its name still has.
  - Waits until all authoritative name servers have the change.
  - Records of other names, other types and other routing policies are not changed.
  - "Sources: C(ChangeResourceRecordSets), C(GetChange) and C(ResourceRecordSet) of the Amazon Route 53 API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  hosted_zone_id:
    description:
      - Id of the hosted zone.
    type: str
    required: true
  names:
    description:
      - Domain names whose failover alias records of type A are managed.
    type: list
    elements: str
    required: true
  records:
    description:
      - The failover alias records that these names have afterwards. A name without any loses all of them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: One of O(names).
        type: str
        required: true
      identifier:
        description: Set identifier, different for each record of a name.
        type: str
        required: true
      failover:
        description: Role of the record.
        type: str
        choices: [PRIMARY, SECONDARY]
        required: true
      target:
        description: Domain name that the record is an alias of.
        type: str
        required: true
      target_zone_id:
        description: Id of the hosted zone of O(records[].target).
        type: str
        required: true
      evaluate_target_health:
        description: Whether the record is healthy only if its target is.
        type: bool
        default: false
      health_check_id:
        description: Id of the record's health check. If omitted, it has none.
        type: str
  wait_timeout:
    description:
      - Seconds to wait until all name servers have the change.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.route53
  - module: trading.multi_region.route53_health_check
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Let the second region be the first choice, and no other region be any
  trading.multi_region.route53_failover_records:
    hosted_zone_id: Z0123456789ABCDEFGHIJ
    names: [trading.example.com]
    records:
      - name: trading.example.com
        identifier: us-east-2
        failover: PRIMARY
        target: trading-alb-dev-123.us-east-2.elb.amazonaws.com
        target_zone_id: Z3AADJGX6KTTL2
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: 4 of the failover records of trading.example.com were changed in one request.
changes:
  description: The changes of the request; empty if there are none.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: V(CREATE), V(UPSERT) or V(DELETE).
      type: str
      sample: DELETE
    name:
      description: Domain name of the record.
      type: str
      sample: trading.example.com
    identifier:
      description: Set identifier of the record.
      type: str
      sample: us-east-1
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 31.4
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidChangeBatch
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.failover_records import run

ARGUMENT_SPEC = {
    "hosted_zone_id": {"type": "str", "required": True, "rule": rules.ZONE_ID},
    "names": {"type": "list", "elements": "str", "required": True, "rule": rules.Each(rules.HOST, 1)},
    "records": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "rule": rules.NOT_EMPTY,
        "options": {
            "name": {"type": "str", "required": True, "rule": rules.HOST},
            "identifier": {"type": "str", "required": True, "rule": rules.line(128)},
            "failover": {"type": "str", "choices": ["PRIMARY", "SECONDARY"], "required": True},
            "target": {"type": "str", "required": True, "rule": rules.HOST},
            "target_zone_id": {"type": "str", "required": True, "rule": rules.ZONE_ID},
            "evaluate_target_health": {"type": "bool", "default": False},
            "health_check_id": {"type": "str", "rule": rules.ID},
        },
    },
    "wait_timeout": {"type": "int", "default": 300, "rule": rules.WAIT},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
