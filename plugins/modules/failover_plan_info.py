#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_plan_info
version_added: 0.1.0
short_description: Tell what a failover would do now, and what stands in its way
description:
  - Reads the recovery manifest from every region at once, then observes every region at once, and returns the steps
    that are left, the obstacles, and the most that can be lost. It changes nothing.
  - A region that does not answer costs at most O(patience) seconds. What could not be read is unknown. Everything that
    has to be known of the target is read in the target region; an unknown there is an obstacle.
  - Whether a run was interrupted is seen from AWS. The plan then holds the remaining steps only.
  - "The obstacles' codes: V(unknown_target), V(target_is_active), V(expected_active_region_differs),
    V(operation_in_flight), V(target_unreadable), V(target_incomplete), V(target_has_no_healthy_target),
    V(target_has_no_database_instance), V(engine_version_differs), V(target_not_synchronized), V(lag_unknown),
    V(lag_above_limit), V(lag_sample_old), V(primary_healthy)."
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
      - Left out, a move that is already under way is finished; otherwise the fittest standby is chosen (healthy first,
        then the lowest lag, then the most healthy targets, then the manifest's order). RV(target_reason) says why.
    type: str
  expected_active_region:
    description:
      - Region that the caller believes to be active. Where neither the writer nor the traffic is there, that is an
        obstacle.
    type: str
  min_healthy_ratio:
    description:
      - Least share of registered targets that must be healthy for a region to be healthy, from 0 to 1.
    type: float
    default: 0.5
  max_replication_lag_ms:
    description:
      - Replication lag in milliseconds above which there is an obstacle.
      - Left out, the lag is reported and not enforced. Given, a lag that is not known is an obstacle too.
    type: float
  max_lag_sample_age:
    description:
      - Age in seconds above which the newest sample of the lag is an obstacle, where O(max_replication_lag_ms) is
        given.
    type: float
    default: 300
  accept_data_loss:
    description:
      - Set aside the obstacles that bound the loss.
    type: bool
    default: false
  force:
    description:
      - Set aside the obstacle that the active region is healthy.
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
"""

RETURN = r"""
reason:
  description: The plan or the refusal in words.
  returned: success
  type: str
  sample: "us-east-2 can take over from us-east-1 (unknown) in 5 steps; loss: at most 20120 ms of writes."
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
  description: Region to move away from, or V(unknown). The target itself, where nothing is left to move.
  returned: success
  type: str
  sample: us-east-1
writer_region:
  description: Region that holds the writer, or V(unknown).
  returned: success
  type: str
  sample: us-east-1
traffic_region:
  description: Region that the traffic switch points to, or V(unknown).
  returned: success
  type: str
  sample: us-east-1
plan:
  description: The steps that are left, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    step:
      description:
        - V(promote_request), V(capacity_ask), V(promote_wait), V(capacity_wait), V(traffic), V(verify), V(notify) or
          V(record).
      type: str
      sample: promote_request
    region:
      description: Region it acts in.
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
      description: The obstacle in words, with its figures.
      type: str
    override:
      description: The option that sets it aside, or null where nothing does.
      type: str
      sample: "force: true"
overridden:
  description: Obstacles that O(force) or O(accept_data_loss) set aside.
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
    - The most that a promotion now can lose, in milliseconds of writes; or V(unknown).
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
    - Control bucket of each region in the order of preference, as M(trading.multi_region.region_traffic) takes it.
  returned: success
  type: list
  elements: dict
  sample: [{region: us-east-1, bucket: trading-control-us-east-1-dev}]
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.9
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.trading.multi_region.plugins.module_utils._api import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._failover_plan import run

ARGUMENT_SPEC = {
    "table_name": {"type": "str", "required": True},
    "regions": {"type": "list", "elements": "str", "required": True},
    "target_region": {"type": "str"},
    "expected_active_region": {"type": "str"},
    "min_healthy_ratio": {"type": "float", "default": 0.5},
    "max_replication_lag_ms": {"type": "float"},
    "max_lag_sample_age": {"type": "float", "default": 300},
    "accept_data_loss": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "deadline": {"type": "float", "default": 4},
    "patience": {"type": "float", "default": 2.5},
    **TIMEOUT_SPEC,
}


def main():
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module.params, clients_for(module))
    except MultiRegionError as error:
        module.fail_json(msg=str(error), **error.evidence)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
