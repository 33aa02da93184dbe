#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_managed_prefix_list_info
version_added: 0.3.0
short_description: Look up managed prefix lists by name
description:
  - Returns the ids of prefix lists, such as that of the addresses of Route 53's health checkers, for rules of
    M(amazon.aws.ec2_security_group).
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  names:
    description:
      - Names of prefix lists. A name without a list is an error.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
seealso:
  - module: amazon.aws.ec2_security_group
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Look up the addresses of Route 53's health checkers
  trading.multi_region.ec2_managed_prefix_list_info:
    region: us-east-2
    names: [com.amazonaws.us-east-2.route53-healthchecks]
  register: checkers
"""

RETURN = r"""
reason:
  description: One sentence on what was found.
  returned: success
  type: str
  sample: 1 prefix lists were found.
prefix_lists:
  description: The prefix lists.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the prefix list.
      type: str
    name:
      description: Its name.
      type: str
  sample:
    - id: pl-0123456789abcdef0
      name: com.amazonaws.us-east-2.route53-healthchecks
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
from ansible_collections.trading.multi_region.plugins.module_utils._network.prefix_lists import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "names": {"type": "list", "elements": "str", "required": True, "rule": rules.Each(rules.NAME, 1)},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
