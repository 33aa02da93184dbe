#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: autoscaling_group_capacity
version_added: 0.1.0
short_description: Raise the capacity of an Auto Scaling group and wait for healthy targets
description:
  - Raises the desired capacity of an Auto Scaling group to O(at_least) and waits until as many targets are healthy.
  - It never lowers the capacity, and never raises it above the group's maximum size.
  - A request to scale up does not guarantee capacity, so only healthy targets end the wait.
  - Where AWS cannot launch all of them, O(min_capacity_percent) may be enough. The desired capacity stays, so the group
    goes on to launch the rest.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  name:
    description:
      - Name of the Auto Scaling group.
    type: str
    required: true
  at_least:
    description:
      - Minimum number of instances. The module fails if it is above the group's maximum size.
    type: int
    required: true
  wait:
    description:
      - Whether to wait for the healthy targets.
      - V(false) only requests the capacity.
    type: bool
    default: true
    aliases: [wait_for_healthy]
  min_size_hold:
    description:
      - Seconds for which the minimum size of the group is raised to O(at_least) too, so that no scaling policy lowers
        the capacity. AWS restores it by itself then, with the scheduled action C(multi-region-min-size) of the group.
      - V(0) restores it now.
      - If omitted, the minimum size is left alone.
      - If it cannot be held, the capacity is raised nevertheless, with a warning.
    type: int
    version_added: 0.3.0
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.capacity
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Request the capacity without waiting
  trading.multi_region.autoscaling_group_capacity:
    region: us-east-2
    name: trading-asg-dev
    at_least: 4
    wait: false

- name: Wait until four targets are healthy
  trading.multi_region.autoscaling_group_capacity:
    region: us-east-2
    name: trading-asg-dev
    at_least: 4
    target_group_arn: "{{ plan.target.target_group_arn }}"
    wait_timeout: 300

- name: Wait until its instances are healthy, by the target groups with which the group registers them, if any
  trading.multi_region.autoscaling_group_capacity:
    region: us-east-2
    name: trading-matching
    at_least: 3

- name: Restore the minimum size that a move has raised
  trading.multi_region.autoscaling_group_capacity:
    region: us-east-2
    name: trading-asg-dev
    at_least: 0
    min_size_hold: 0
    wait: false
"""

RETURN = r"""
reason:
  description: One sentence on what was found and done.
  returned: success
  type: str
  sample: The desired capacity of trading-asg-dev was raised from 2 to 4.
before:
  description: The group before the module ran.
  returned: when the group could be read
  type: dict
  contains: &group
    min:
      description: Minimum size.
      type: int
    desired:
      description: Desired capacity.
      type: int
    max:
      description: Maximum size.
      type: int
    in_service:
      description: Instances in service.
      type: int
    suspended:
      description: Suspended processes of the group.
      type: list
      elements: str
    target_group_arns:
      description: Target groups with which the group registers its instances.
      type: list
      elements: str
after:
  description: The group after the request, or as it would be in check mode.
  returned: success
  type: dict
  contains: *group
healthy_targets:
  description: Healthy targets at the end; null if no target group was given.
  returned: success
  type: int
  sample: 4
hold:
  description:
    - The minimum size that AWS restores, C(min), and when, C(until), in epoch seconds; null if none is held, or
      O(min_size_hold) was omitted. C(unknown), with a sentence, if it could not be read.
  returned: success
  type: dict
  version_added: 0.3.0
  sample: {min: 2, until: 1767229200.0}
scaling_failure:
  description:
    - The group's last failed scaling activity, with C(status), C(message) (AWS's reason) and C(started_at); null if
      there was none in the last hour. C(unknown), with a sentence, if it could not be read.
  returned: when fewer targets are healthy than O(at_least), after the wait
  type: dict
  version_added: 0.3.0
  sample:
    status: Failed
    message: We currently do not have sufficient t3.medium capacity in the Availability Zone you requested (us-east-2a).
    started_at: "2026-01-01T03:00:00Z"
targets:
  description: State of the targets when the timeout expired, with C(registered), C(healthy) and C(states).
  returned: when the targets were not healthy in time
  type: dict
  sample: {registered: 4, healthy: 2, states: {healthy: 2, initial: 2}}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 42.5
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.capacity import CAPACITY_SPEC, run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "rule": rules.NAME},
    **CAPACITY_SPEC,
    "wait": {**CAPACITY_SPEC["wait"], "aliases": ["wait_for_healthy"]},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
