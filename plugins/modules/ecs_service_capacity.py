#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ecs_service_capacity
version_added: 0.3.0
short_description: Raise the desired count of an ECS service and wait for healthy targets
description:
  - Raises the desired count of an ECS service to O(at_least) and waits until as many targets are healthy.
  - It never lowers the desired count, and never raises it above the maximum capacity of the service's scalable target.
  - A request to scale up does not guarantee capacity, so only healthy targets end the wait.
  - Where AWS cannot place all of the tasks, O(min_capacity_percent) may be enough. The desired count stays, so the
    service goes on to start the rest.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  service:
    description:
      - The service as C(cluster/service), both by name. Its scheduling strategy must be C(REPLICA).
    type: str
    required: true
  at_least:
    description:
      - Minimum number of tasks. The module fails if it is above the maximum capacity of the service's scalable target.
    type: int
    required: true
  wait:
    description:
      - Whether to wait for the healthy targets.
      - V(false) only requests the tasks.
    type: bool
    default: true
  min_size_hold:
    description:
      - Seconds for which the minimum capacity of the service's scalable target is raised to O(at_least) too, so that no
        scaling policy lowers the desired count. AWS restores it by itself then, with the scheduled action
        C(multi-region-min-size) of the scalable target.
      - V(0) restores it now.
      - If omitted, or if nothing scales the service, the minimum capacity is left alone.
      - If it cannot be held, the desired count is raised nevertheless, with a warning.
    type: int
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - M(community.aws.ecs_service) manages the whole definition of a service, such as its task definition and its network,
    which a move neither knows nor may change, and lowers a desired count too. This module changes the desired count
    only, by UpdateService, whose other settings stay if they are not given.
  - A scalable target that does not exist is not created.
seealso:
  - module: trading.multi_region.autoscaling_group_capacity
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
- name: Request the tasks without waiting
  trading.multi_region.ecs_service_capacity:
    region: us-east-2
    service: trading/orders
    at_least: 4
    wait: false

- name: Wait until four targets are healthy
  trading.multi_region.ecs_service_capacity:
    region: us-east-2
    service: trading/orders
    at_least: 4
    target_group_arn: "{{ plan.target.target_group_arn }}"
    wait_timeout: 300

- name: Wait until what it runs is healthy, by the target groups with which it registers its tasks, if any
  trading.multi_region.ecs_service_capacity:
    region: us-east-2
    service: trading/matching
    at_least: 3

- name: Restore the minimum capacity that a move has raised
  trading.multi_region.ecs_service_capacity:
    region: us-east-2
    service: trading/orders
    at_least: 0
    min_size_hold: 0
    wait: false
"""

RETURN = r"""
reason:
  description: One sentence on what was found and done.
  returned: success
  type: str
  sample: The desired count of trading/orders was raised from 2 to 4.
before:
  description: The service before the module ran.
  returned: when the service could be read
  type: dict
  contains: &service
    min:
      description: Minimum capacity of the scalable target; the desired count if there is none.
      type: int
    desired:
      description: Desired count.
      type: int
    max:
      description: Maximum capacity of the scalable target, null if there is none.
      type: int
    in_service:
      description: Running tasks.
      type: int
    pending:
      description: Tasks that are pending.
      type: int
    is_scaled:
      description: Whether the service has a scalable target.
      type: bool
    strategy:
      description: Scheduling strategy.
      type: str
    rollout:
      description: State of the primary deployment, null if AWS has none.
      type: str
    deployments:
      description: Number of deployments; more than one while one replaces another.
      type: int
    target_group_arns:
      description: Target groups with which the service registers its tasks.
      type: list
      elements: str
    suspended:
      description: Always empty; Auto Scaling groups have suspended processes.
      type: list
      elements: str
after:
  description: The service after the request, or as it would be in check mode.
  returned: success
  type: dict
  contains: *service
healthy_targets:
  description: Healthy targets at the end; null if no target group was given.
  returned: success
  type: int
  sample: 4
hold:
  description:
    - The minimum capacity that AWS restores, C(min), and when, C(until), in epoch seconds; null if none is held, or
      O(min_size_hold) was omitted. C(unknown), with a sentence, if it could not be read.
  returned: success
  type: dict
  sample: {min: 2, until: 1767229200.0}
scaling_failure:
  description:
    - The last event of the service that says why tasks are missing, with C(status), C(message) (AWS's reason) and
      C(started_at); null if there was none in the last hour. C(unknown), with a sentence, if it could not be read.
  returned: when fewer targets are healthy than O(at_least), after the wait
  type: dict
  sample:
    status: Event
    message: "(service orders) was unable to place a task. Reason: Capacity is unavailable at this time."
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
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.capacity import CAPACITY_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.capacity import (
    run_service as run,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "service": {"type": "str", "required": True, "rule": rules.ECS_SERVICE},
    **CAPACITY_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
