#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: global_accelerator
version_added: 0.3.0
short_description: Manage an accelerator of AWS Global Accelerator with a load balancer in each region
description:
  - Creates, changes and deletes a standard accelerator with one TCP listener and one endpoint group per region, each
    with one Application Load Balancer, and waits until the change is deployed. amazon.aws and community.aws have no
    module for it.
  - The traffic dial of an endpoint group is only set when the group is created. M(trading.multi_region.region_traffic)
    with O(trading.multi_region.region_traffic#module:backend=global_accelerator) moves the traffic.
  - All requests go to us-west-2, where the API of Global Accelerator is, whatever O(region) is.
  - Endpoint groups of regions that are in neither O(endpoint_groups) nor O(removed_regions) are left as they are.
  - Deleting the accelerator loses its static addresses. Its network interfaces in the subnets of the load balancers are
    released by then; the security group C(GlobalAccelerator) that AWS created in each VPC stays.
  - "Source: C(CreateAccelerator), C(CreateListener), C(CreateEndpointGroup) and C(DeleteAccelerator) of the Global
    Accelerator API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  name:
    description:
      - Name of the accelerator, up to 64 characters. Names need not be unique in AWS; the module fails if several
        accelerators have it.
    type: str
    required: true
  state:
    description:
      - Whether the accelerator exists.
    type: str
    choices: [present, absent]
    default: present
  ports:
    description:
      - Ports on which clients connect. The load balancers must listen there too. Required when O(state=present).
    type: list
    elements: int
  endpoint_groups:
    description:
      - The load balancer of each region. Required when O(state=present).
    type: list
    elements: dict
    suboptions:
      region:
        description:
          - Region of the endpoint group.
        type: str
        required: true
      endpoint_arn:
        description:
          - ARN of its Application Load Balancer, which keeps seeing the addresses of clients.
        type: str
        required: true
  initial_region:
    description:
      - Region whose endpoint group is created with a traffic dial of 100 if no group has one above 0. All other new
        groups get 0.
    type: str
  removed_regions:
    description:
      - Regions whose endpoint group is deleted. The module fails if it has a traffic dial above 0.
    type: list
    elements: str
  tags:
    description:
      - Tags to add or change. Other tags are kept. An accelerator without these tags is not deleted.
    type: dict
  wait_timeout:
    description:
      - Seconds to wait until a change is deployed.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.region_traffic
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Put an accelerator in front of two load balancers
  trading.multi_region.global_accelerator:
    name: trading-dev
    ports: [80, 443]
    endpoint_groups:
      - region: us-east-1
        endpoint_arn: arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/trading-alb/0123456789abcdef
      - region: us-east-2
        endpoint_arn: arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/trading-alb/0123456789abcdef
    initial_region: us-east-1
    tags:
      Environment: dev
  register: edge

- name: Take a region out of it
  trading.multi_region.global_accelerator:
    name: trading-dev
    ports: [80, 443]
    endpoint_groups:
      - region: us-east-1
        endpoint_arn: arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/trading-alb/0123456789abcdef
    removed_regions: [us-east-2]

- name: Remove it
  trading.multi_region.global_accelerator:
    name: trading-dev
    state: absent
    tags:
      Environment: dev
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: The accelerator trading-dev is created.
accelerator:
  description: The accelerator as read back, an empty dictionary if there is none; in check mode as it would be.
  returned: success
  type: dict
  contains:
    arn:
      description: ARN.
      type: str
      sample: arn:aws:globalaccelerator::123456789012:accelerator/1234abcd-abcd-1234-abcd-1234abcdefgh
    name:
      description: Name.
      type: str
      sample: trading-dev
    enabled:
      description: Whether it accepts connections.
      type: bool
      sample: true
    status:
      description: C(DEPLOYED), or C(IN_PROGRESS) while a change is being deployed.
      type: str
      sample: DEPLOYED
    dns_name:
      description: DNS name of the static addresses.
      type: str
      sample: a1234567890abcdef.awsglobalaccelerator.com
    addresses:
      description: Static IPv4 addresses.
      type: list
      elements: str
      sample: [192.0.2.250, 198.51.100.52]
    tags:
      description: Tags.
      type: dict
      sample: {"Environment": "dev"}
    listener_arns:
      description: ARNs of the listeners.
      type: list
      elements: str
      sample:
        - arn:aws:globalaccelerator::123456789012:accelerator/1234abcd-abcd-1234-abcd-1234abcdefgh/listener/0123
    ports:
      description: Ports of the listener.
      type: list
      elements: int
      sample: [80, 443]
    endpoint_groups:
      description: ARN of each region's endpoint group, by region.
      type: dict
      sample:
        us-east-1: arn:aws:globalaccelerator::123456789012:accelerator/1234abcd/listener/0123vxyz/endpoint-group/0987
    endpoints:
      description: ARNs of each region's endpoints, by region.
      type: dict
      sample:
        us-east-1: ["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/trading-alb/0123456789abcdef"]
    dials:
      description: Traffic dial of each region in percent, by region.
      type: dict
      sample: {"us-east-1": 100.0, "us-east-2": 0.0}
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 61.204
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidArgumentException
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.accelerators import run

GROUP_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "endpoint_arn": {"type": "str", "required": True, "rule": rules.LOAD_BALANCER_ARN},
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "rule": rules.ACCELERATOR},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "ports": {"type": "list", "elements": "int", "rule": rules.Each(rules.PORT, 1)},
    "endpoint_groups": {"type": "list", "elements": "dict", "options": GROUP_SPEC},
    "initial_region": {"type": "str", "rule": rules.REGION_CODE},
    "removed_regions": {"type": "list", "elements": "str", "rule": rules.Each(rules.REGION_CODE)},
    "tags": {"type": "dict", "rule": rules.TAGS},
    "wait_timeout": {"type": "int", "default": 900, "rule": rules.seconds(1, 86400)},
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_if=[("state", "present", ["ports", "endpoint_groups"])],
    )


if __name__ == "__main__":
    main()
