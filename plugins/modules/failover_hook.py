#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_hook
version_added: 0.3.0
short_description: Run a task file as a step of a move, for a limited time
description:
  - Runs a task file in an C(ansible-playbook) of its own on the controller, with the inventory, the extra variables and
    the vault password files of the running one. The lease is renewed while it runs.
  - After O(time_limit_seconds) the process is ended, whatever it does, with all its tasks, retries and loops.
  - The tasks run on C(localhost) and get the variable C(failover_hook), which is O(variables) with C(name), C(moment)
    and C(file). Nothing that they register or set is visible outside.
  - Each line of their output is displayed while they run.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  name:
    description:
      - Name of the hook.
    type: str
    required: true
  moment:
    description:
      - Moment of the move at which it is run.
    type: str
    choices: [before_promotion, after_promotion, before_traffic, after_traffic, on_failure, on_refusal]
    required: true
  file:
    description:
      - Task file to run, absolute, or relative to the folder of the inventory or of the playbook.
    type: str
    required: true
  time_limit_seconds:
    description:
      - Seconds after which it is ended. At least 5.
    type: int
    default: 60
  required:
    description:
      - Whether the module fails if the hook fails or is ended. Otherwise it warns.
    type: bool
    default: false
  variables:
    description:
      - Members of the variable C(failover_hook).
    type: dict
    default: {}
  command:
    description:
      - Command to which the file of the variables is added. The action plugin sets it, whatever is given.
    type: list
    elements: str
    default: []
  environment:
    description:
      - Variables of its environment, besides those of this task. The action plugin sets it, whatever is given.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    details:
      - In check mode the task file is not run.
  diff_mode:
    support: N/A
  idempotent:
    support: N/A
    details:
      - That depends on the task file.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Drain the order gateway, but not longer than half a minute
  trading.multi_region.failover_hook:
    name: drain_gateway
    moment: before_promotion
    file: hooks/drain_gateway.yml
    time_limit_seconds: 30
    required: true
    variables:
      region: us-east-1
      run_id: 20260101T030000Z-3f2a
    lease: "{{ lease.handle | combine({'step': 'hook_drain_gateway'}) }}"
"""

RETURN = r"""
reason:
  description: One sentence on how it ended.
  returned: always
  type: str
  sample: Hook drain_gateway (before_promotion) finished.
outcome:
  description: V(finished), V(failed) or V(stopped), which means that its time was over; null in check mode.
  returned: always
  type: str
  sample: finished
region:
  description: Region that it is about, from O(variables).
  returned: always
  type: str
  sample: us-east-1
output:
  description: The last lines of its output.
  returned: always
  type: list
  elements: str
  sample: ["PLAY [Hook drain_gateway] ******"]
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 4.2
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.options import HOOK_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.process import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ANYTHING = rules.Value("anything", lambda _value: True)
ARGUMENT_SPEC = {
    **{name: HOOK_SPEC[name] for name in ("name", "moment", "file", "time_limit_seconds")},
    "required": {"type": "bool", "default": False},
    "variables": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.NAME, ANYTHING)},
    "command": {"type": "list", "elements": "str", "default": [], "rule": rules.Each(rules.line(131072))},
    "environment": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.NAME, rules.WORDS)},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode, say=module.debug), ARGUMENT_SPEC
    )


if __name__ == "__main__":
    main()
