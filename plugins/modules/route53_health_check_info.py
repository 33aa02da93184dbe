#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: route53_health_check_info
version_added: 0.3.0
short_description: Wait until new Route 53 health checks have a status of their own
description:
  - A new health check counts as healthy, and an inverted one as unhealthy, until its checkers have had as many equal
    results in a row as its failure threshold. Records that use it earlier follow that default.
  - Counts the results of every checker, and returns once there are enough for all O(health_check_ids), and one more.
    Results from before this module was started are not visible and do not count.
  - For checks of endpoints only. Route 53 reports no results for calculated checks, alarms and routing controls.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  health_check_ids:
    description:
      - The health checks.
    type: list
    elements: str
    required: true
  wait_timeout:
    description:
      - Seconds to wait.
    type: int
    default: 300
  poll_interval:
    description:
      - Seconds between two looks, V(1) or more. Not more than the request interval of the checks, or results are
        missed.
    type: float
    default: 3.0
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: N/A
seealso:
  - module: trading.multi_region.route53_health_check
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Create a health check
  trading.multi_region.route53_health_check:
    name: switch-claims-use1-use2
    type: HTTPS_STR_MATCH
    fqdn: control-us-east-2.s3.us-east-2.amazonaws.com
    port: 443
    resource_path: /active-region
    search_string: "[us-east-2 claims over us-east-1]"
    inverted: true
  register: check

- name: Wait until records can use it
  trading.multi_region.route53_health_check_info:
    health_check_ids: ["{{ check.health_check_id }}"]
"""

RETURN = r"""
reason:
  description: One sentence.
  returned: success
  type: str
  sample: All 9 health checks have a status of their own.
results_in_a_row:
  description: Equal results in a row of the checker that has had the fewest, by health check.
  returned: success, or when O(wait_timeout) is over
  type: dict
  sample: {abcdef11-2222-3333-4444-555555fedcba: 4}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 31.5
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.check_history import run

ARGUMENT_SPEC = {
    "health_check_ids": {"type": "list", "elements": "str", "required": True, "rule": rules.Each(rules.ID, 1)},
    "wait_timeout": {"type": "int", "default": 300, "rule": rules.WAIT},
    "poll_interval": {"type": "float", "default": 3.0, "rule": rules.POLL},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
