#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_plan_info
version_added: 0.1.0
short_description: Tell what a move to another region would do now, and what stands in its way
description:
  - Reads every region's control table at once, then observes every region at once, and returns the steps that are
    left, the obstacles, and the most that can be lost. It changes nothing.
  - A region that does not answer costs at most O(patience) seconds. What could not be read is unknown. Everything that
    has to be known of the target is read in the target region; an unknown there is an obstacle.
  - What an interrupted run has done is seen from AWS; that it has not ended well, from its lease. The plan then holds
    the remaining steps only.
  - A target that is active already is no obstacle. RV(is_arrived) is then true, RV(plan) empty, and RV(reason) says so.
  - "The obstacles' codes: V(unknown_target), V(lease_table_missing), V(lease_held), V(expected_active_region_differs),
    V(operation_in_flight), V(target_unreadable), V(target_incomplete), V(target_detached),
    V(target_has_no_healthy_target), V(target_has_no_database_instance), V(active_region_detached),
    V(engine_version_differs), V(managed_failover_impossible), V(target_not_synchronized), V(writer_unreadable),
    V(writer_unavailable), V(lag_unknown), V(lag_above_limit), V(lag_sample_old), V(detach_loses_data),
    V(primary_healthy), V(cool_down)."
  - From the moment Aurora has accepted the promotion only the obstacles to the remaining steps count, because stopping
    half-way is then the worse choice.
  - The steps may be taken only where RV(obstacles) is empty.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  table_name:
    description:
      - Name of the control table, the same in every region.
    type: str
    required: true
  regions:
    description:
      - Regions whose control tables are read for the manifest.
    type: list
    elements: str
    required: true
  target_region:
    description:
      - Region that is to take over.
      - Left out, a move that is already under way is finished. That is one that Aurora carries out, or a run that has
        not ended well and is not older than O(resume_within). Otherwise the fittest standby is chosen (a member of the
        global database first, then healthy ones, then the lowest lag, then the most healthy targets, then the
        manifest's order). RV(target_reason) says why.
    type: str
  method:
    description:
      - How the writer is to be moved.
      - V(failover) is the managed failover, which needs nothing of the active region and may lose writes.
      - V(switchover) is the planned move without loss. Nothing sets its obstacles aside.
      - V(detach) takes the target out of the global database, where a managed failover is impossible. It needs
        O(accept_data_loss), and the global database has to be built again afterwards.
      - V(auto) goes on with what is under way. Otherwise it is a switchover where the active region is healthy and
        nothing stands against one, else the managed failover where that is possible, else a detach where
        O(accept_data_loss) is true. RV(method) and RV(method_reason) tell which one and why.
    type: str
    choices: [failover, switchover, detach, auto]
    default: failover
  fencing:
    description:
      - How an unplanned move keeps the region that it leaves from writing, where that region answers.
      - V(database_ingress) takes the database's ingress at once, V(application_capacity) takes the application's
        capacity once the traffic has left, V(none) does nothing.
    type: str
    choices: [database_ingress, application_capacity, none]
    default: database_ingress
  cool_down:
    description:
      - Seconds after an unplanned move in which another one is an obstacle, until the first is acknowledged
        (playbooks/automation.yml). V(0) switches that off.
    type: float
    default: 3600
  resume_within:
    description:
      - Seconds after which a run that stopped is not gone on with.
    type: float
    default: 21600
  takeover_run_id:
    description:
      - Id of the run that holds the target's lease, for an operator who knows that it is dead. Sets aside the obstacle
        V(lease_held) of exactly this run, as M(trading.multi_region.failover_lease) does.
    type: str
  expected_active_region:
    description:
      - Region that the caller believes to be active. Where neither the writer nor the traffic is there, that is an
        obstacle. While a run is resumed the region that it left counts too.
    type: str
  min_healthy_ratio:
    description:
      - Least share of registered targets that must be healthy for a region to be healthy, from 0 to 1.
    type: float
    default: 0.5
  max_replication_lag_ms:
    description:
      - Replication lag in milliseconds above which there is an obstacle.
      - Left out, the lag is reported and not enforced, except that O(method=auto) wants it known and fresh.
      - Given, a lag that is not known is an obstacle too.
    type: float
  max_lag_sample_age:
    description:
      - Age in seconds above which the newest sample of the lag is an obstacle, where O(max_replication_lag_ms) is given
        or O(method=auto) chooses a failover.
    type: float
    default: 300
  accept_data_loss:
    description:
      - Set aside the obstacles that bound the loss. Must be false with O(method=switchover).
    type: bool
    default: false
  force:
    description:
      - Set aside the obstacles that the active region is healthy, and that the last unplanned move was not long ago.
    type: bool
    default: false
  deadline:
    description:
      - Seconds that AWS is waited for once the manifest is read; what has not answered by then is unknown.
    type: float
    default: 4
  patience:
    description:
      - Seconds that a region is waited for which has not answered a single call.
    type: float
    default: 2.5
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.region_health_info
  - module: trading.multi_region.rds_global_cluster_writer
  - module: trading.multi_region.region_traffic
  - module: trading.multi_region.failover_lease
  - module: trading.multi_region.region_fence
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: What would a failover do now?
  trading.multi_region.failover_plan_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
  register: plan

- name: Plan the move to a named region, losing at most what was written in two seconds
  trading.multi_region.failover_plan_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    target_region: us-east-2
    expected_active_region: us-east-1
    max_replication_lag_ms: 2000

- name: Could the platform move without loss?
  trading.multi_region.failover_plan_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    method: switchover
"""

RETURN = r"""
reason:
  description: The plan or the refusal in words.
  returned: success
  type: str
  sample: "us-east-2 can take over from us-east-1 (unknown) by failover in 8 steps; loss: at most 20120 ms of writes."
target_region:
  description: Region that is to take over.
  returned: success
  type: str
  sample: us-east-2
target_reason:
  description: Why it is that region.
  returned: success
  type: str
  sample: "us-east-2 was chosen: it is the only standby of us-east-1."
active_region:
  description:
    - Region to move away from, or V(unknown). The target itself, where nothing is left to move.
    - While a run is resumed whose writer and traffic are at the target already, the region that it left, where known.
  returned: success
  type: str
  sample: us-east-1
writer_region:
  description:
    - Region that holds the writer the platform works with, or V(unknown). A region that was detached holds its own.
  returned: success
  type: str
  sample: us-east-1
traffic_region:
  description: Region that the traffic switch points to, or V(unknown).
  returned: success
  type: str
  sample: us-east-1
method:
  description: How the writer is moved; V(auto) only where RV(target_region) is none of the platform's.
  returned: success
  type: str
  sample: failover
method_reason:
  description: Why it is that method.
  returned: success
  type: str
  sample: Method failover was asked for.
is_arrived:
  description: Whether writer and traffic are at the target, and no run towards it is unfinished.
  returned: success
  type: bool
  sample: false
plan:
  description: The steps that are left, in the order in which they are to be taken. Empty where RV(is_arrived) is true.
  returned: success
  type: list
  elements: dict
  contains:
    step:
      description:
        - V(unfence), V(fence), V(promote_request), V(capacity_ask), V(announce), V(promote_wait), V(repoint),
          V(capacity_wait), V(traffic), V(fence_application), V(verify), V(notify) or V(record).
      type: str
      sample: promote_request
    region:
      description:
        - Region it acts in. That is the target, except for V(fence), V(fence_application), and V(promote_request) of a
          switchover.
      type: str
      sample: us-east-2
    calls:
      description: API calls that change or prove something.
      type: list
      elements: str
      sample: ["rds:FailoverGlobalCluster"]
    why:
      description: Why it is needed.
      type: str
      sample: The writer is in us-east-1; data loss up to the lag is allowed.
obstacles:
  description: What stands in the way. Empty where the plan may be carried out.
  returned: success
  type: list
  elements: dict
  contains: &obstacle
    code:
      description: The obstacle's name.
      type: str
      sample: primary_healthy
    sentence:
      description: The obstacle in words, with its figures and the remedy.
      type: str
    override:
      description: The option that sets it aside, or null where nothing does.
      type: str
      sample: "force: true"
overridden:
  description: Obstacles that O(force), O(accept_data_loss) or O(takeover_run_id) set aside.
  returned: success
  type: list
  elements: dict
  contains: *obstacle
plan_warnings:
  description: Sentences on what does not stop the move and should be known.
  returned: success
  type: list
  elements: str
  sample: []
lag:
  description:
    - Newest sample of the target's replication lag, with C(value_ms), C(age_seconds), C(sampled_at) and C(metric); or
      V(unknown). It is V(unknown) too once the promotion was requested.
  returned: success
  type: raw
  sample: {value_ms: 120.0, age_seconds: 20.0, sampled_at: "2026-01-01T02:59:40Z", metric: AuroraGlobalDBRPOLag}
rpo_bound_ms:
  description:
    - The most that a promotion now can lose, in milliseconds of writes; or V(unknown). V(0) for a switchover.
    - Every write committed before the sample's time less the lag had been replicated, so the bound is lag plus age.
  returned: success
  type: raw
  sample: 20120
capacity_wanted:
  description: Healthy targets that the target region must have before traffic arrives.
  returned: success
  type: int
  sample: 2
capacity_reason:
  description: Why so many.
  returned: success
  type: str
  sample: "2, the largest of us-east-2 now: 2, us-east-1 by the manifest: 2."
lease:
  description:
    - Lease of the target as M(trading.multi_region.failover_lease) keeps it, with C(age_seconds) since it was renewed,
      C(expires_in_seconds), C(is_live) and C(is_unfinished); null where there is none; or V(unknown).
  returned: success
  type: raw
  sample: null
latest_move:
  description:
    - The last move that succeeded, with C(run_id), C(method), C(from_region), C(target_region), C(ended_at) (epoch
      seconds), C(acknowledged) and C(age_seconds); null where there is none; or V(unknown).
  returned: success
  type: raw
  sample: null
fences:
  description:
    - By region, the document of what fencing did to it and has not given back; null where there is none; or V(unknown).
  returned: success
  type: dict
  sample: {us-east-1: unknown, us-east-2: null}
rebuild_needed:
  description:
    - Whether some region's cluster is no member of the global database, which has to be built again before that region
      can take over without loss.
  returned: success
  type: bool
  sample: false
writer_endpoint:
  description: Where the target's applications find the writer.
  returned: success
  type: dict
  contains:
    parameter:
      description: Name of the parameter that tells them, or null where the manifest names none.
      type: str
      sample: /trading/dev/database/writer-endpoint
    current:
      description: Its value, null where it does not exist, or V(unknown).
      type: str
      sample: trading-global-dev.global-abcdefghijkl.global.rds.amazonaws.com
    wanted:
      description: Its value after the move, or V(unknown).
      type: str
      sample: trading-global-dev.global-abcdefghijkl.global.rds.amazonaws.com
verdicts:
  description: C(verdict) and C(reason) by region, from load balancer targets and database.
  returned: success
  type: dict
  sample: {us-east-2: {verdict: healthy, reason: 2 of 2 registered targets are healthy.}}
observed:
  description:
    - Every fact by region and name. A fact that could not be read is a dictionary whose only key is C(unknown), with
      the sentence why.
  returned: success
  type: dict
  sample: {us-east-2: {targets: {registered: 2, healthy: 2, states: {healthy: 2}}}}
manifest:
  description: The freshest manifest.
  returned: success
  type: dict
  sample: {version: 1}
manifest_region:
  description: Region it was read from.
  returned: success
  type: str
  sample: us-east-2
copies:
  description: When each region's copy was written, or V(absent), or V(unknown).
  returned: always
  type: dict
  sample: {us-east-1: unknown, us-east-2: "2026-01-01T00:00:00.000000Z"}
target:
  description: The manifest's entry of the target; empty where there is none.
  returned: success
  type: dict
  sample: {region: us-east-2, autoscaling_group_name: trading-asg-dev}
db_cluster_arns:
  description: ARN of each region's cluster, as M(trading.multi_region.rds_global_cluster_writer) takes it.
  returned: success
  type: dict
  sample: {us-east-2: "arn:aws:rds:us-east-2:123456789012:cluster:trading-us-east-2-dev"}
topics:
  description: ARN of each region's topic, as M(trading.multi_region.failover_notify) takes it.
  returned: success
  type: dict
  sample: {us-east-2: "arn:aws:sns:us-east-2:123456789012:trading-alerts-dev"}
switch_regions:
  description:
    - Each region's part in the switch in the order of preference, as M(trading.multi_region.region_traffic) takes it.
  returned: success
  type: list
  elements: dict
  sample: [{region: us-east-1, bucket: trading-control-us-east-1-dev, routing_control_arn: null}]
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.9
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    AUTO,
    DATABASE_INGRESS,
    FAILOVER,
    FENCINGS,
    METHODS,
)
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._platform.observe import run

ARGUMENT_SPEC = {
    "table_name": {"type": "str", "required": True, "rule": rules.TABLE},
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "target_region": {"type": "str", "rule": rules.REGION_CODE},
    "method": {"type": "str", "default": FAILOVER, "choices": [*METHODS, AUTO]},
    "fencing": {"type": "str", "default": DATABASE_INGRESS, "choices": [*FENCINGS]},
    "cool_down": {"type": "float", "default": 3600, "rule": rules.COOL_DOWN},
    "resume_within": {"type": "float", "default": 21600, "rule": rules.SPAN},
    "takeover_run_id": {"type": "str", "rule": rules.ID},
    "expected_active_region": {"type": "str", "rule": rules.REGION_CODE},
    "min_healthy_ratio": {"type": "float", "default": 0.5, "rule": rules.RATIO},
    "max_replication_lag_ms": {"type": "float", "rule": rules.MILLISECONDS},
    "max_lag_sample_age": {"type": "float", "default": 300, "rule": rules.PERIOD},
    "accept_data_loss": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "deadline": {"type": "float", "default": 4, "rule": rules.DEADLINE},
    "patience": {"type": "float", "default": 2.5, "rule": rules.seconds(0, 3600)},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
