#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_automation
version_added: 0.2.0
short_description: Pause automatic failover, or acknowledge the latest move
description:
  - Writes an operator's instruction to the automatic failover to the control tables of all O(regions) that respond. The
    module fails if no table accepts it. The newest copy applies.
  - A pause ends by itself. While it lasts, M(trading.multi_region.failover_decision) continues to count and to alert,
    but does not start a failover.
  - An acknowledged move ends the cool-down that follows an unplanned move.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions whose tables are read and written.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(paused) suspends automatic failover for O(pause_seconds).
      - V(active) ends a pause.
      - V(acknowledged) records that an operator has reviewed the latest move, O(run_id).
    type: str
    choices: [paused, active, acknowledged]
    required: true
  pause_seconds:
    description:
      - Duration of the pause in seconds from now, greater than 0. Required with O(state=paused).
      - A pause by the same O(by) for the same O(reason) that ends within a minute of that time (and within a tenth of
        its length) is not changed. Any other pause replaces the current one, even if it ends earlier.
    type: int
  by:
    description:
      - Name of the operator. Required with O(state=paused) and O(state=acknowledged).
    type: str
  reason:
    description:
      - Reason for the pause. Required with O(state=paused).
    type: str
  run_id:
    description:
      - Id of the run that is acknowledged, which must be the latest move. Required with O(state=acknowledged).
    type: str
  deadline:
    description:
      - Seconds after which a table that has not responded counts as unreachable, once for reading and once for writing.
    type: float
    default: 8
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.failover_decision
  - module: trading.multi_region.failover_plan_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Pause automatic failover while the database is patched
  trading.multi_region.failover_automation:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    state: paused
    pause_seconds: 3600
    by: ann
    reason: patching the database

- name: End the pause
  trading.multi_region.failover_automation:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    state: active

- name: Acknowledge the latest failover
  trading.multi_region.failover_automation:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    state: acknowledged
    run_id: 20260101T030000Z-3f2a
    by: ann
"""

RETURN = r"""
reason:
  description: One sentence on what was found and done, and on the regions that could not be updated.
  returned: success
  type: str
  sample: "Automatic failover is paused until 2026-01-01 04:00:00 UTC by ann: patching the database."
paused:
  description: The pause that is now in force, or would be in check mode; null if there is none.
  returned: success
  type: dict
  contains:
    until:
      description: When it ends, in epoch seconds.
      type: float
    since:
      description: When it was set, in epoch seconds.
      type: float
    by:
      description: Who set it.
      type: str
    reason:
      description: Why.
      type: str
latest_move:
  description: The move that was acknowledged; null with another O(state).
  returned: success
  type: dict
  sample:
    run_id: 20260101T030000Z-3f2a
    method: failover
    from_region: us-east-1
    target_region: us-east-2
    ended_at: 1767236460.0
    acknowledged: {by: ann, at: 1767240000.0, reason: ""}
written_to:
  description: Regions whose tables were written; empty in check mode.
  returned: success
  type: list
  elements: str
  sample: [us-east-2]
not_written_to:
  description: Why a table could not be read or written, by region.
  returned: always
  type: dict
  sample: {us-east-1: no answer within 3.0 s}
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

from ansible_collections.trading.multi_region.plugins.module_utils._automation.store import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "state": {"type": "str", "choices": ["paused", "active", "acknowledged"], "required": True},
    "pause_seconds": {"type": "int", "rule": rules.PERIOD},
    "by": {"type": "str", "rule": rules.NAME},
    "reason": {"type": "str", "rule": rules.WORDS},
    "run_id": {"type": "str", "rule": rules.ID},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_if=[
            ("state", "paused", ("pause_seconds", "by", "reason")),
            ("state", "acknowledged", ("run_id", "by")),
        ],
    )


if __name__ == "__main__":
    main()
