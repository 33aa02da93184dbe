#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: elb_application_lb_attributes
version_added: 0.3.0
short_description: Manage attributes of an Application Load Balancer that amazon.aws does not know
description:
  - Sets attributes of an existing load balancer, which M(amazon.aws.elb_application_lb) leaves at AWS's defaults.
  - "Sources: C(ModifyLoadBalancerAttributes) of the Elastic Load Balancing API Reference; C(Edit attributes for your
    Application Load Balancer) of the User Guide for Application Load Balancers."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  load_balancer_arn:
    description:
      - ARN of the load balancer.
    type: str
    required: true
  client_keep_alive_seconds:
    description:
      - Seconds for which the load balancer keeps a client's connection open, however busy it is
        (C(client_keep_alive.seconds)), from 60 to 604800. AWS's default is 3600.
      - A client whose connection stays open does not resolve the name again. So after a move of the traffic it keeps
        using the old region for up to this time.
      - If omitted, the attribute is left unchanged.
    type: int
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.elb_application_lb
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Let clients reconnect every minute
  trading.multi_region.elb_application_lb_attributes:
    region: us-east-2
    load_balancer_arn: arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/trading-alb/0123456789abcdef
    client_keep_alive_seconds: 60
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: "client_keep_alive.seconds was set to 60 (before: 3600)."
attributes:
  description: All attributes of the load balancer, by AWS's names.
  returned: success
  type: dict
  sample: {client_keep_alive.seconds: "60", idle_timeout.timeout_seconds: "60"}
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
  sample: AccessDenied
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._network.load_balancer import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "load_balancer_arn": {"type": "str", "required": True, "rule": rules.LOAD_BALANCER_ARN},
    "client_keep_alive_seconds": {"type": "int", "rule": rules.CLIENT_KEEP_ALIVE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
