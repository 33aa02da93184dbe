#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_decision
version_added: 0.2.0
short_description: Decide whether the results of a health check start a failover
description:
  - Evaluates the O(verdicts) of one run of the health check, counts the run in the control tables of all O(regions)
    that respond, and returns the resulting action. It does not start a failover itself.
  - A region is down in a run when at least O(quorum) signals vote against it, from two vantages or two from inside. A
    signal that could not be read is not a vote. The vantages are the region's own API (C(inside)), this machine
    (C(controller)), Route 53's checkers (C(route53)) and the replication stream as the standbys see it (C(standby)).
  - A region that does not respond is counted against it only if another region responds to the same machine, and if no
    vantage gets a healthy response from its endpoint. That is one vantage, so a network partition of this machine alone
    does not start a failover.
  - A failover is due when the active region was down in O(consecutive_failures) runs in a row, O(auto_failover) is
    true, no pause is in force (M(trading.multi_region.failover_automation)) and there are no O(obstacles).
  - A run that finds the region healthy resets the count; a run that cannot tell does not change it.
  - If every region is down or unhealthy, the run is critical, nothing is counted and no failover is due.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - The platform's regions. Each needs a verdict; the tables of those that respond store the count.
      - If no table accepts the count, the run leads to an alert at most.
    type: list
    elements: str
    required: true
  verdicts:
    description:
      - The verdicts of this run, as M(trading.multi_region.region_health_info) returns them.
    type: dict
    required: true
  active_region:
    description:
      - The region whose failures are counted, one of O(regions), or V(unknown), in which case nothing is counted.
    type: str
    required: true
  obstacles:
    description:
      - Obstacles to a failover, as M(trading.multi_region.failover_plan_info) returns them. While there are any, no
        failover is due.
    type: list
    elements: dict
    default: []
  traffic_problems:
    description:
      - Where the name and the traffic switch differ, as M(trading.multi_region.region_traffic_info) returns it.
        Operators are notified of them; they neither start nor block a failover. If omitted, what was known of them
        stays.
      - A name that differs alone is reported from the second run in a row, because resolvers follow a move only after a
        minute or two.
    type: list
    elements: dict
    version_added: 0.3.0
  capacity:
    description:
      - The desired capacity by region, and by C(region/group) that of the groups beside the platform's own, as
        M(trading.multi_region.region_health_info) returns it. It is kept in the
        tables, and written only when it has changed. A failover that cannot read a region uses its last figure.
    type: dict
    default: {}
    version_added: 0.3.0
  auto_failover:
    description:
      - Whether automatic failover is enabled.
    type: bool
    default: false
  quorum:
    description:
      - Votes that make a region count as down, 2 or more.
    type: int
    default: 2
  consecutive_failures:
    description:
      - Runs in a row in which the active region must be down.
    type: int
    default: 3
  max_gap:
    description:
      - Seconds since the last counted run after which the count is reset.
    type: float
    default: 300
  min_interval:
    description:
      - Seconds since the last counted run within which another run is not counted, because it may come from a second
        scheduler at the same moment.
    type: float
    default: 5
  stream_limit:
    description:
      - The standbys vote against the active region when replication to each of them has made no progress for this many
        seconds in which the standby itself was sampled (C(CPUUtilization) of its cluster). A standby without that
        metric, or without a lag sample of the last hour, has no vote.
      - Samples are taken once a minute and arrive 2 to 4 minutes later. The delay is that of both metrics and does not
        count, but they can arrive up to 2 minutes apart, so values below 180 make healthy regions suspect. The vote
        comes after this many seconds and the delay.
    type: float
    default: 180
  deadline:
    description:
      - Seconds after which a table that has not responded counts as unreachable, once for reading and once for writing.
    type: float
    default: 8
attributes:
  check_mode:
    support: full
    details:
      - The run is evaluated as if it had been counted.
  diff_mode:
    support: full
  idempotent:
    support: none
    details:
      - Every run that sees the active region down is counted.
seealso:
  - module: trading.multi_region.region_health_info
  - module: trading.multi_region.failover_automation
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
- name: Read the health of every region
  trading.multi_region.region_health_info:
    manifest: "{{ recovery.manifest }}"
  register: health

- name: List the obstacles to a failover
  trading.multi_region.failover_plan_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
  register: plan

- name: Count this run
  trading.multi_region.failover_decision:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    verdicts: "{{ health.verdicts }}"
    active_region: "{{ plan.active_region }}"
    obstacles: "{{ plan.obstacles }}"
    auto_failover: true
  register: decision
"""

RETURN = r"""
action:
  description:
    - V(none), V(alert) (something changed that operators should know), V(failover) (one is due now) or V(critical)
      (every region is down or unhealthy).
  returned: success
  type: str
  sample: failover
reason:
  description: A sentence for each region that is not healthy with the votes against it, and one on the outcome.
  returned: success
  type: str
  sample: >-
    us-east-1 is down, with 2 votes against it (from: controller, route53): regional_api: No call to its API
    succeeded, while calls to us-east-2 did. route53_checkers: Only 0 of 8 Route 53 checkers reach the endpoint; Route
    53 needs more than 18%. us-east-1 was down in 3 of 3 runs in a row: a failover is started.
is_news:
  description:
    - Whether anything changed since the last run that warrants a notification - a region's condition, the start of
      counting, the limit being reached, the recovery of the region, what blocks a failover, or O(traffic_problems).
  returned: success
  type: bool
  sample: true
votes:
  description: The votes against each region, by region.
  returned: success
  type: dict
  sample:
    us-east-1:
      - signal: regional_api
        vantage: controller
        reason: No call to its API succeeded, while calls to us-east-2 did.
    us-east-2: []
conditions:
  description: V(healthy), V(suspect) (too few votes), V(unknown) or V(down), by region.
  returned: success
  type: dict
  sample: {us-east-1: down, us-east-2: healthy}
counters:
  description: Runs in a row in which the active region was down, by region.
  returned: success
  type: dict
  sample: {us-east-1: 3}
paused:
  description: The pause that is in force (C(until) and C(since) in epoch seconds, C(by), C(reason)), or null.
  returned: success
  type: dict
  sample: null
blocked_by:
  description:
    - Codes of what blocks a failover once the limit is reached - V(auto_failover_off), V(paused),
      V(all_regions_unhealthy) and those of O(obstacles).
  returned: success
  type: list
  elements: str
  sample: []
traffic_problems:
  description: The problems of the traffic that operators have been notified of, each as C(code:region).
  returned: success
  type: list
  elements: str
  version_added: 0.3.0
  sample: []
written_to:
  description: Regions whose tables accepted the count; empty in check mode, and if the tables already had it.
  returned: success
  type: list
  elements: str
  sample: [us-east-2]
not_written_to:
  description: Why a table could not be read or did not accept the count, by region.
  returned: success
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

from ansible_collections.trading.multi_region.plugins.module_utils._automation.decision import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

SIGNAL = rules.Members({"state": rules.NAME, "reason": rules.WORDS}, frozenset({"state"}))
VERDICT = rules.Members(
    {"verdict": rules.NAME, "reason": rules.WORDS, "signals": rules.ByKey(rules.NAME, SIGNAL)},
    frozenset({"verdict", "reason"}),
)
OBSTACLES = rules.Each(rules.Members({"code": rules.NAME, "sentence": rules.WORDS}, frozenset({"code", "sentence"})))
TRAFFIC = rules.Each(
    rules.Members(
        {"code": rules.NAME, "region": rules.NAME, "reason": rules.WORDS, "remedy": rules.WORDS},
        frozenset({"code", "region", "reason", "remedy"}),
    )
)
ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "verdicts": {"type": "dict", "required": True, "rule": rules.ByKey(rules.REGION_CODE, VERDICT)},
    "active_region": {"type": "str", "required": True, "rule": rules.REGION_OR_UNKNOWN},
    "obstacles": {"type": "list", "elements": "dict", "default": [], "rule": OBSTACLES},
    "traffic_problems": {"type": "list", "elements": "dict", "rule": TRAFFIC},
    "capacity": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.CAPACITY_KEY, rules.COUNT)},
    "auto_failover": {"type": "bool", "default": False},
    "quorum": {"type": "int", "default": 2, "rule": rules.QUORUM},
    "consecutive_failures": {"type": "int", "default": 3, "rule": rules.FAILURES},
    "max_gap": {"type": "float", "default": 300, "rule": rules.PERIOD},
    "min_interval": {"type": "float", "default": 5, "rule": rules.SPAN},
    "stream_limit": {"type": "float", "default": 180, "rule": rules.PERIOD},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
