#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: s3control_public_access_block_info
version_added: 0.3.0
short_description: Report whether an account lets S3 objects be public
description:
  - Reads the effective settings of S3 Block Public Access of an account. A policy of the organization overrides the
    account's own.
  - These settings apply to every bucket of the account, whatever the bucket's own are.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  account_id:
    description:
      - The account, 12 digits.
    type: str
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.region_traffic
  - module: amazon.aws.s3_bucket
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Read whether objects may be public
  trading.multi_region.s3control_public_access_block_info:
    account_id: "123456789012"
  register: account

- name: Refuse a public object that would be closed
  ansible.builtin.assert:
    that: account.closed_by | length == 0
    fail_msg: "{{ account.reason }}"
"""

RETURN = r"""
reason:
  description: One sentence on whether an object can be public.
  returned: success
  type: str
  sample: The account 123456789012 lets objects be public.
public_access_block:
  description: Each setting of the S3 Control API's C(PublicAccessBlockConfiguration), and whether it is on.
  returned: success
  type: dict
  sample:
    BlockPublicAcls: true
    BlockPublicPolicy: false
    IgnorePublicAcls: true
    RestrictPublicBuckets: false
closed_by:
  description:
    - Those of V(BlockPublicPolicy) and V(RestrictPublicBuckets) that are on. Either keeps an object from being public
      by its bucket's policy.
  returned: success
  type: list
  elements: str
  sample: []
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.2
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.public_access import run

ARGUMENT_SPEC = {
    "account_id": {"type": "str", "required": True, "rule": rules.ACCOUNT},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
