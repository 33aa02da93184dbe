#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: autoscaling_group_capacity_reservation
version_added: 0.3.0
short_description: Manage which Capacity Reservations an Auto Scaling group launches into
description:
  - Sets the Capacity Reservation preference and target of an existing Auto Scaling group, which
    M(amazon.aws.autoscaling_group) and M(amazon.aws.ec2_launch_template) do not support.
  - Instances that are launched later follow it. Those that are running stay where they are.
  - "Source: C(CapacityReservationSpecification) of the Amazon EC2 Auto Scaling API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
requirements:
  - botocore >= 1.35.66 where the setting changes
options:
  name:
    description:
      - Name of the Auto Scaling group.
    type: str
    required: true
  preference:
    description:
      - V(default) follows the launch template, and else uses any open reservation that matches.
      - V(capacity-reservations-first) uses reservations, and On-Demand capacity once they are used up.
      - V(capacity-reservations-only) uses reservations alone. Instances beyond them fail to launch.
      - V(none) uses no reservation.
    type: str
    choices:
      - default
      - capacity-reservations-first
      - capacity-reservations-only
      - none
    required: true
  capacity_reservation_ids:
    description:
      - Ids of the reservations to use, in the group's region. If empty, any open reservation that matches is used.
      - They can be given with the preferences V(capacity-reservations-first) and V(capacity-reservations-only) only.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.autoscaling_group
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Launch into the region's reservations first
  trading.multi_region.autoscaling_group_capacity_reservation:
    region: us-east-2
    name: trading-asg-prod
    preference: capacity-reservations-first
    capacity_reservation_ids:
      - cr-0123456789abcdef0
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: The group trading-asg-prod uses Capacity Reservations by capacity-reservations-first of cr-0123456789abcdef0.
before:
  description: The setting before.
  returned: success
  type: dict
  contains:
    preference:
      description: The preference.
      type: str
      sample: default
    capacity_reservation_ids:
      description: Ids of the reservations that are named, sorted.
      type: list
      elements: str
      sample: []
after:
  description: The setting now, in check mode the one that would be.
  returned: success
  type: dict
  contains:
    preference:
      description: The preference.
      type: str
      sample: capacity-reservations-first
    capacity_reservation_ids:
      description: Ids of the reservations that are named, sorted.
      type: list
      elements: str
      sample: [cr-0123456789abcdef0]
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
  sample: ValidationError
"""

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.reservations import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "rule": rules.NAME},
    "preference": {"type": "str", "required": True, "choices": list(rules.RESERVATION_PREFERENCES)},
    "capacity_reservation_ids": {
        "type": "list",
        "elements": "str",
        "default": [],
        "rule": rules.Each(rules.RESERVATION_ID),
    },
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
