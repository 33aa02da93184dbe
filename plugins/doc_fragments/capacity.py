# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options of the modules that raise capacity and wait for healthy targets."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of module_utils/_autoscaling/capacity.py:CAPACITY_SPEC, but those that each module describes."""

    DOCUMENTATION = r"""
options:
  target_group_arn:
    description:
      - ARN of the target group whose healthy targets are counted.
      - If omitted, healthy targets are counted in the target groups with which the group or service registers what it
        runs, in the one with the fewest; without a target group, instances in service or running tasks.
      - Before version 0.3.0 it was required with O(wait=true).
    type: str
  wait_timeout:
    description:
      - Seconds to wait.
    type: int
    default: 300
  capacity_timeout:
    description:
      - Seconds to wait for all of O(at_least). After them O(min_capacity_percent) is enough, until O(wait_timeout).
      - If omitted, O(wait_timeout).
    type: int
    version_added: 0.3.0
  min_capacity_percent:
    description:
      - Percentage of O(at_least) that is enough after O(capacity_timeout); at least one target must be healthy.
      - The module then succeeds with a warning that includes AWS's own reason, the last launch or task that failed.
    type: int
    default: 100
    version_added: 0.3.0
  poll_interval:
    description:
      - Seconds between two reads while waiting.
    type: float
    default: 2
"""
