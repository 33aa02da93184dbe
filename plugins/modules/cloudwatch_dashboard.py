#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudwatch_dashboard
version_added: 0.1.0
short_description: Create, update and delete CloudWatch dashboards
description:
  - Creates, changes and deletes a CloudWatch dashboard.
  - The body is compared as data, so differences in how CloudWatch formats its text are ignored.
  - "Source: C(PutDashboard), C(GetDashboard) and C(DeleteDashboards) of the CloudWatch API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  name:
    description:
      - Name of the dashboard, 1 to 255 letters, digits, dashes and underscores. Dashboards are visible from every
        region of the account, so the name should contain the region that it covers.
    type: str
    required: true
  body:
    description:
      - Body of the dashboard, with C(widgets). Required when O(state=present).
    type: dict
  state:
    description:
      - Whether the dashboard exists.
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
  - module: amazon.aws.cloudwatch_metric_alarm
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Show the load balancer's response time
  trading.multi_region.cloudwatch_dashboard:
    region: us-east-2
    name: trading-us-east-2-dev
    body:
      widgets:
        - type: metric
          width: 12
          height: 6
          properties:
            region: us-east-2
            title: Response time
            metrics:
              - [AWS/ApplicationELB, TargetResponseTime, LoadBalancer, app/trading-alb-dev/50dc6c495c0c9188]

- name: Remove it
  trading.multi_region.cloudwatch_dashboard:
    region: us-east-2
    name: trading-us-east-2-dev
    state: absent
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: The dashboard trading-us-east-2-dev was created.
dashboard_name:
  description: Name of the dashboard.
  returned: success
  type: str
  sample: trading-us-east-2-dev
messages:
  description: Validation messages on what CloudWatch accepted but cannot display.
  returned: success
  type: list
  elements: str
  sample: []
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 0.214
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidParameterInput
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring.dashboard import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "rule": rules.NAME},
    "body": {"type": "dict"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_if=[("state", "present", ["body"])],
    )


if __name__ == "__main__":
    main()
