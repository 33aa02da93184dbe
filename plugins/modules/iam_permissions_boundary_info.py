#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: iam_permissions_boundary_info
version_added: 0.3.0
short_description: Report what a permissions boundary forbids of what policies allow
description:
  - Reads a permissions boundary, by default that of the caller's user or role, and compares it with IAM policies.
  - RV(forbidden) lists only what is forbidden for certain. A condition of the boundary is assumed to be met if it
    allows, and not to be met if it denies.
  - Service control policies of the organization, and session policies, are not read.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  policies:
    description:
      - Documents of IAM policies with everything that is needed.
    type: list
    elements: dict
    required: true
  boundary_arn:
    description:
      - ARN of the managed policy to compare. If omitted, it is the permissions boundary of the caller.
    type: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
seealso:
  - module: amazon.aws.iam_role
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Read whether the permissions boundary of this run allows to create roles
  trading.multi_region.iam_permissions_boundary_info:
    policies:
      - Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: iam:CreateRole
            Resource: arn:aws:iam::123456789012:role/trading-*
  register: boundary

- name: Refuse a boundary that forbids it
  ansible.builtin.assert:
    that: boundary.forbidden | length == 0
    fail_msg: "{{ boundary.reason }}"
"""

RETURN = r"""
reason:
  description: One sentence on what the boundary forbids.
  returned: success
  type: str
  sample: >-
    The permissions boundary arn:aws:iam::123456789012:policy/desk forbids iam:CreateRole on
    arn:aws:iam::123456789012:role/trading-*.
principal:
  description: ARN of the caller's user or role; null if O(boundary_arn) is given or it is unknown.
  returned: success
  type: str
  sample: arn:aws:iam::123456789012:role/runner
boundary:
  description: ARN of the boundary; null if there is none or it is unknown.
  returned: success
  type: str
  sample: arn:aws:iam::123456789012:policy/desk
is_missing:
  description: Whether the policy does not exist.
  returned: success
  type: bool
  sample: false
forbidden:
  description: What the policies allow and the boundary forbids.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: The action.
      type: str
      sample: iam:CreateRole
    resource:
      description: The resource, as the policies name it.
      type: str
      sample: arn:aws:iam::123456789012:role/trading-*
    is_denied:
      description: Whether a statement of the boundary denies it. Otherwise none allows it.
      type: bool
      sample: false
unknown:
  description: Why the boundary could not be read; null if it could.
  returned: success
  type: str
  sample: null
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
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.boundary import run

STATEMENTS = rules.Value(
    "a list of statements",
    lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
)
DOCUMENT = rules.Members({"Statement": STATEMENTS}, frozenset({"Statement"}))
ARGUMENT_SPEC = {
    "policies": {"type": "list", "elements": "dict", "required": True, "rule": rules.Each(DOCUMENT, 1)},
    "boundary_arn": {"type": "str", "rule": rules.arn("iam", r"policy/.+", "a managed policy")},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
