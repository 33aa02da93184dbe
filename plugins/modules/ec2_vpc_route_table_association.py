#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_vpc_route_table_association
version_added: 0.3.0
short_description: Manage which route tables the subnets and gateway endpoints of a VPC use
description:
  - Associates subnets with existing route tables, without a moment in which a subnet has no routes.
    M(amazon.aws.ec2_vpc_route_table) ends a subnet's association with another table first, and
    M(amazon.aws.ec2_vpc_endpoint) cannot change the route tables of an endpoint that exists.
  - Gateway endpoints get the new tables first, then each subnet changes its table in one call, then the endpoints lose
    tables that no subnet uses.
  - A subnet that is not listed keeps its table.
  - "Sources: C(ReplaceRouteTableAssociation) and C(ModifyVpcEndpoint) of the Amazon EC2 API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  vpc_id:
    description:
      - Id of the VPC.
    type: str
    required: true
  associations:
    description:
      - Route tables with their subnets.
    type: list
    elements: dict
    required: true
    suboptions:
      route_table_id:
        description: Id of a route table of the VPC.
        type: str
        required: true
      subnet_ids:
        description: Ids of the subnets that use it.
        type: list
        elements: str
        required: true
  gateway_endpoint_ids:
    description:
      - Ids of gateway endpoints, such as that of S3. They get all tables of O(associations), and lose those that are
        not listed there and that no subnet uses.
      - If omitted, endpoints are left unchanged.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.ec2_vpc_route_table
  - module: amazon.aws.ec2_vpc_endpoint
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Give each zone its own route table
  trading.multi_region.ec2_vpc_route_table_association:
    region: us-east-2
    vpc_id: vpc-0123456789abcdef0
    associations:
      - route_table_id: rtb-0123456789abcdef0
        subnet_ids: [subnet-0123456789abcdef0]
      - route_table_id: rtb-0123456789abcdef1
        subnet_ids: [subnet-0123456789abcdef1]
    gateway_endpoint_ids: [vpce-0123456789abcdef0]
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: Of this VPC, 2 subnets and the endpoints vpce-0123456789abcdef0 have other route tables now.
associations:
  description: The route table of each subnet that is associated with one, by subnet.
  returned: success
  type: dict
  sample: {subnet-0123456789abcdef0: rtb-0123456789abcdef0}
moved:
  description: Ids of the subnets that got another route table.
  returned: success
  type: list
  elements: str
  sample: [subnet-0123456789abcdef0]
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
  sample: UnauthorizedOperation
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._network.route_tables import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "vpc_id": {"type": "str", "required": True, "rule": rules.VPC_ID},
    "associations": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "rule": rules.NOT_EMPTY,
        "options": {
            "route_table_id": {"type": "str", "required": True, "rule": rules.ROUTE_TABLE_ID},
            "subnet_ids": {"type": "list", "elements": "str", "required": True, "rule": rules.Each(rules.SUBNET_ID)},
        },
    },
    "gateway_endpoint_ids": {"type": "list", "elements": "str", "rule": rules.Each(rules.ENDPOINT_ID)},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
