#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: failover_plan_info
version_added: 0.1.0
short_description: Plan a move to another region and list the obstacles to it
description:
  - Reads the control tables of all regions in parallel, then observes all regions in parallel, and returns the
    remaining steps, the obstacles, and an upper bound of the data loss. It changes nothing.
  - A region that does not respond delays the module by about O(patience) seconds. What could not be read is unknown.
    All facts that a move needs about the target are read in the target region; an unknown fact there is an obstacle.
  - The progress of an interrupted run is read from AWS, and the fact that it did not succeed from its lease. The plan
    then contains only the remaining steps.
  - A target that is already active is not an obstacle. RV(is_complete) is then true, RV(plan) is empty, and RV(reason)
    says so.
  - "The obstacles' codes: V(unknown_target), V(lease_table_missing), V(lease_held), V(expected_active_region_differs),
    V(operation_in_flight), V(target_unreadable), V(target_incomplete), V(target_detached),
    V(target_has_no_healthy_target), V(target_capacity_suspended), V(target_has_no_database_instance),
    V(active_region_detached), V(engine_version_differs), V(managed_failover_impossible), V(target_not_synchronized),
    V(writer_unreadable), V(writer_unavailable), V(lag_unknown), V(lag_above_limit), V(lag_sample_old),
    V(detach_loses_data), V(primary_healthy), V(cool_down)."
  - Once Aurora has accepted the promotion, only obstacles to the remaining steps apply, because stopping half-way would
    then be worse.
  - Carry out the steps only if RV(obstacles) is empty.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions whose control tables are read for the manifest.
    type: list
    elements: str
    required: true
  target_region:
    description:
      - Region that is to take over.
      - If omitted, a move that is already in progress is finished. That is a move that Aurora is carrying out, or a run
        that did not succeed and is not older than O(resume_within). Otherwise the most suitable standby is chosen (a
        member of the global database first, then healthy ones, then the lowest lag, then the most healthy targets, then
        the manifest's order of preference). RV(target_reason) says why.
    type: str
  method:
    description:
      - How to move the writer.
      - V(failover) is the managed failover, which does not depend on the active region and may lose writes.
      - V(switchover) is the planned move without data loss. Its obstacles cannot be overridden.
      - V(detach) removes the target from the global database, for cases in which a managed failover is impossible. It
        requires O(accept_data_loss), and the global database must be rebuilt afterwards.
      - V(auto) continues a move that is in progress. Otherwise it selects a switchover if the active region is healthy
        and there is no obstacle to one, else the managed failover if that is possible, else a detach if
        O(accept_data_loss) is true. RV(method) and RV(method_reason) report the selection and the reason.
    type: str
    version_added: 0.2.0
    choices: [failover, switchover, detach, auto]
    default: failover
  fencing:
    description:
      - How an unplanned move fences the source region from writing, if that region responds.
      - V(network_acl) denies all traffic of the database's subnets immediately, V(database_ingress) revokes the
        database's ingress rules immediately, V(application_capacity) scales the application to zero once the traffic
        has left, V(none) does nothing.
      - V(network_acl) exists since version 0.3.0 and is V(database_ingress) for a region whose network ACL the manifest
        does not name. Before version 0.3.0 the default was V(database_ingress).
    type: str
    version_added: 0.2.0
    choices: [network_acl, database_ingress, application_capacity, none]
    default: network_acl
  cool_down:
    description:
      - Seconds after an unplanned move during which the cool-down is an obstacle to another one, unless the first is
        acknowledged (playbooks/automation.yml). V(0) disables the cool-down.
    type: float
    version_added: 0.2.0
    default: 3600
  resume_within:
    description:
      - Seconds after which an interrupted run is no longer resumed.
    type: float
    version_added: 0.2.0
    default: 21600
  takeover_run_id:
    description:
      - Id of the run that holds the target's lease, for an operator who knows that the run is dead. Overrides the
        obstacle V(lease_held) for this run only, as M(trading.multi_region.failover_lease) does.
    type: str
    version_added: 0.2.0
  trigger:
    description:
      - What starts the run. If a move by the same O(method) and with the same trigger, both without a O(target_region),
        succeeded in the last 10 minutes, the target is the region to which it moved the platform, as long as that is
        healthy, so that a job that is started again does not move the platform on.
    type: str
    version_added: 0.3.0
  expected_active_region:
    description:
      - Region that the caller believes to be active. If neither the writer nor the traffic is there, that is an
        obstacle. While a run is resumed, its source region is accepted too.
    type: str
  min_healthy_ratio:
    description:
      - Minimum share of registered targets, from 0 to 1, that must be healthy for a region to be healthy.
    type: float
    default: 0.5
  min_capacity_percent:
    description:
      - Share of the wanted targets, in percent, with which an unplanned move may take the traffic if the target gets no
        more. If a process that the target's group needs to get more is suspended, it is an obstacle to run less.
    type: int
    default: 50
    version_added: 0.3.0
  max_replication_lag_ms:
    description:
      - Maximum data loss in milliseconds of writes. It is an obstacle if more could be lost, that is, if the lag of the
        newest sample plus the age of the sample is higher. CloudWatch shows the samples of RDS minutes late, so that a
        value of less than some minutes rules a failover out.
      - With O(method=switchover), which loses nothing, the lag of the newest sample alone is compared.
      - If neither this nor O(max_sampled_lag_ms) is given, the lag is reported and not enforced, except that
        O(method=auto) requires a recent sample. If one is given, an unknown lag is an obstacle too.
    type: float
  max_sampled_lag_ms:
    description:
      - Maximum replication lag in milliseconds of the newest sample. A higher lag is an obstacle.
      - It says how far the target was behind when the sample was taken, and not how much would be lost.
    type: float
    version_added: 0.2.0
  max_lag_sample_age:
    description:
      - Age in seconds above which the newest sample of the lag is an obstacle, if O(max_replication_lag_ms) or
        O(max_sampled_lag_ms) is given, or O(method=auto) selects a failover.
    type: float
    default: 420
  accept_data_loss:
    description:
      - Override the obstacles that limit the data loss. Must be false with O(method=switchover).
    type: bool
    default: false
  force:
    description:
      - Override the obstacles for a healthy active region and for the cool-down after the last unplanned move.
    type: bool
    default: false
  hooks:
    description:
      - The operator's own steps. Those before a step of the move are planned while that step is; those after one are
        planned for each attempt of a run, unless they run V(once) and an earlier attempt has finished them.
      - The moments V(on_failure) and V(on_refusal) are none of a plan.
    type: list
    elements: dict
    default: []
    version_added: 0.3.0
    suboptions:
      name:
        description:
          - Name of the hook, which is unique.
        type: str
        required: true
      moment:
        description:
          - Moment at which it is run.
        type: str
        choices: [before_promotion, after_promotion, before_traffic, after_traffic, on_failure, on_refusal]
        required: true
      file:
        description:
          - Its task file.
        type: str
        required: true
      time_limit_seconds:
        description:
          - Seconds after which it is ended.
        type: int
        default: 60
      required:
        description:
          - Whether the move stops if it fails. Required, except for V(on_failure) and V(on_refusal).
        type: bool
      side:
        description:
          - Whether it is about the region that the move leaves, or the target.
        type: str
        choices: [source, target]
        default: target
      run:
        description:
          - Whether a later attempt of the same run runs it again once it has finished. V(once) is the default.
        type: str
        choices: [once, repeatable]
      methods:
        description:
          - Methods of the moves that it belongs to; all if omitted.
        type: list
        elements: str
        choices: [failover, switchover, detach]
  deadline:
    description:
      - Seconds to wait for AWS once the manifest is read. What has not responded by then is unknown.
    type: float
    default: 4
  patience:
    description:
      - Seconds to wait for a region that has not responded to a single call.
      - One that may be alive is waited for up to 2.5 seconds if this is less, because only a healthy region that is
        heard refuses an unplanned move (V(primary_healthy)). That is one whose load balancer answers a request, and any
        region if the others took more than half of this to respond.
    type: float
    default: 2.5
  probe_proxy:
    description:
      - URL of the HTTP proxy for the request to the load balancer of a region that does not respond. The environment's
        proxies are not used.
    type: str
    version_added: 0.3.0
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
  - trading.multi_region.control_table
  - trading.multi_region.silent_regions
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Show what a failover would do now
  trading.multi_region.failover_plan_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
  register: plan

- name: Plan the move to a given region with at most two seconds of replication lag
  trading.multi_region.failover_plan_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    target_region: us-east-2
    expected_active_region: us-east-1
    max_replication_lag_ms: 2000

- name: Check whether a move without data loss is possible
  trading.multi_region.failover_plan_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    method: switchover
"""

RETURN = r"""
reason:
  description: The plan, or why the move is refused, in words.
  returned: success
  type: str
  sample: "us-east-2 can take over from us-east-1 (unknown) by failover in 8 steps; loss: at most 20120 ms of writes."
target_region:
  description: Region that is to take over.
  returned: success
  type: str
  sample: us-east-2
target_reason:
  description: Why this region was selected.
  returned: success
  type: str
  sample: "us-east-2 was chosen: it is the only standby of us-east-1."
active_region:
  description:
    - Region to move away from, or V(unknown). The target itself, if nothing is left to move.
    - While a run is resumed whose writer and traffic are already at the target, its source region, if known.
  returned: success
  type: str
  sample: us-east-1
writer_region:
  description:
    - Region of the writer that the platform uses, or V(unknown). A detached region has its own writer.
  returned: success
  type: str
  sample: us-east-1
traffic_region:
  description: Region that the traffic switch points to, or V(unknown).
  returned: success
  type: str
  sample: us-east-1
method:
  description: How the writer is moved. V(auto) only if RV(target_region) is not a region of the platform.
  returned: success
  type: str
  version_added: 0.2.0
  sample: failover
method_reason:
  description: Why this method is used.
  returned: success
  type: str
  version_added: 0.2.0
  sample: Method failover was requested.
fencing:
  description: How the region that is left is fenced by an unplanned move.
  returned: success
  type: str
  version_added: 0.3.0
  sample: network_acl
is_complete:
  description: Whether writer and traffic are at the target, and no run towards it is unfinished.
  returned: success
  type: bool
  version_added: 0.2.0
  sample: false
plan:
  description: The remaining steps, in the order in which to carry them out. Empty if RV(is_complete) is true.
  returned: success
  type: list
  elements: dict
  contains:
    step:
      description:
        - V(unfence), V(fence), V(promote_request), V(capacity_ask), V(announce), V(promote_wait), V(repoint),
          V(capacity_wait), V(endpoint_wait), V(traffic), V(fence_application), V(verify), V(notify) or V(record);
          or the step of a hook.
        - With several groups, those of the capacity and V(fence_application) end with an underscore and the group's
          name, except those of the platform's own group.
      type: str
      sample: promote_request
    region:
      description:
        - Region it acts in. That is the target, except for V(fence), V(fence_application), and V(promote_request) of a
          switchover.
      type: str
      sample: us-east-2
    calls:
      description: API calls that change or verify something.
      type: list
      elements: str
      sample: ["rds:FailoverGlobalCluster"]
    why:
      description: Why it is needed.
      type: str
      sample: The writer is in us-east-1; data loss up to the lag is allowed.
    group:
      description:
        - The group that the step raises or stops, if there are several. C(step) is what it does, the others as in
          RV(capacity_groups).
      returned: when the region has several groups
      type: dict
      version_added: 0.3.0
    hook:
      description: The hook that the step runs, as O(hooks) has it; its step is V(hook_) and its name.
      type: dict
      returned: for the steps of O(hooks)
      version_added: 0.3.0
obstacles:
  description: Obstacles to the move. Empty if the plan may be carried out.
  returned: success
  type: list
  elements: dict
  contains: &obstacle
    code:
      description: The obstacle's code.
      type: str
      sample: primary_healthy
    sentence:
      description: The obstacle in words, with its figures and the remedy.
      type: str
    override:
      description: The option that overrides it, or null if it cannot be overridden.
      type: str
      sample: "force: true"
overridden:
  description: Obstacles that O(force), O(accept_data_loss) or O(takeover_run_id) overrode.
  returned: success
  type: list
  elements: dict
  contains: *obstacle
plan_warnings:
  description: Warnings that do not stop the move.
  returned: success
  type: list
  elements: str
  sample: []
lag:
  description:
    - Newest sample of the target's replication lag, with C(value_ms), C(age_seconds), C(sampled_at),
      C(metric) and C(safe_instant); or
      V(unknown). It is also V(unknown) once the promotion has been requested.
  returned: success
  type: raw
  sample: {value_ms: 120.0, age_seconds: 20.0, sampled_at: "2026-01-01T02:59:40Z", metric: AuroraGlobalDBRPOLag}
rpo_bound_ms:
  description:
    - Upper bound of the data loss of a promotion now, in milliseconds of writes; or V(unknown). V(0) for a switchover.
    - Every write committed before the sample's time less the lag had been replicated, so the bound is lag plus age.
    - It is V(unknown) while the old region may go on writing, because it was neither fenced nor seen not to serve.
  returned: success
  type: raw
  sample: 20120
safe_instant:
  description:
    - Time in UTC up to which every committed write is in the target, that is, the time of the newest sample less its
      lag; or V(unknown). It holds whatever the old region does.
  returned: success
  type: str
  version_added: 0.2.0
  sample: "2026-01-01T02:59:39.880Z"
promotion:
  description: Options with which M(trading.multi_region.rds_global_cluster_writer) requests what was planned.
  returned: success
  type: dict
  version_added: 0.2.0
  sample: {writer_region: us-east-2, method: failover, accept_data_loss: true, expected_writer_region: us-east-1}
capacity_wanted:
  description: Number of healthy targets that the target region must have before it receives traffic.
  returned: success
  type: int
  sample: 2
capacity_reason:
  description: How that number was determined.
  returned: success
  type: str
  sample: "2, the largest of us-east-2 now: 2, us-east-1 by the manifest: 2."
capacity_groups:
  description:
    - The groups and services of the target, in the order in which they are raised, each with C(name), C(compute),
      C(autoscaling_group_name) or C(ecs_service), C(wanted) and C(reason). Empty for a region without compute.
  returned: success
  type: list
  elements: dict
  version_added: 0.3.0
  sample:
    - name: application
      compute: autoscaling
      autoscaling_group_name: trading-asg-dev
      wanted: 2
      reason: "2, the largest of us-east-2 now: 2, us-east-1 by the manifest: 2."
lease:
  description:
    - Lease of the target as M(trading.multi_region.failover_lease) keeps it, with C(age_seconds) since it was renewed,
      C(expires_in_seconds), C(is_live) and C(is_unfinished); null if there is none; or V(unknown).
  returned: success
  type: raw
  version_added: 0.2.0
  sample: null
latest_move:
  description:
    - The last move that succeeded, with C(run_id), C(method), C(from_region), C(target_region),
      C(requested_target_region) and C(trigger) (what was requested, and what started it), C(ended_at) (epoch seconds),
      C(acknowledged) and C(age_seconds); null if there is none; or V(unknown).
  returned: success
  type: raw
  version_added: 0.2.0
  sample: null
fences:
  description:
    - By region, the fence document, which lists what fencing changed and has not restored; null if there is none; or
      V(unknown).
  returned: success
  type: dict
  version_added: 0.2.0
  sample: {us-east-1: unknown, us-east-2: null}
rebuild_needed:
  description:
    - Whether any region's cluster is not a member of the global database, which must then be rebuilt before that region
      can take over without loss.
  returned: success
  type: bool
  version_added: 0.2.0
  sample: false
writer_endpoint:
  description: The setting from which the target's applications read the writer's endpoint.
  returned: success
  type: dict
  version_added: 0.2.0
  contains:
    parameter:
      description: Name of the SSM parameter, or null if the manifest names none.
      type: str
      sample: /trading/dev/database/writer-endpoint
    current:
      description: Its value, null if it does not exist, or V(unknown).
      type: str
      sample: trading-global-dev.global-abcdefghijkl.global.rds.amazonaws.com
    wanted:
      description: Its value after the move, or V(unknown).
      type: str
      sample: trading-global-dev.global-abcdefghijkl.global.rds.amazonaws.com
    others:
      description: The parameters of the other regions that responded, by region. They get the same value.
      type: dict
      sample: {us-east-1: /trading/dev/database/writer-endpoint}
    silent:
      description: Why the parameter of another region could not be read, by region. The move does not repoint it.
      type: dict
      sample: {}
verdicts:
  description: C(verdict) and C(reason) by region, from load balancer targets and database.
  returned: success
  type: dict
  sample: {us-east-2: {verdict: healthy, reason: 2 of 2 registered targets are healthy.}}
observed:
  description:
    - Every fact by region and name. A fact that could not be read is a dictionary whose only key is C(unknown), with a
      sentence on the reason.
  returned: success
  type: dict
  sample: {us-east-2: {targets: {registered: 2, healthy: 2, states: {healthy: 2}}}}
manifest:
  description: The most recent manifest.
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
  description: The manifest's entry for the target; empty if there is none.
  returned: success
  type: dict
  sample: {region: us-east-2, autoscaling_group_name: trading-asg-dev}
db_cluster_arns:
  description: ARN of each region's cluster, as M(trading.multi_region.rds_global_cluster_writer) takes it.
  returned: success
  type: dict
  sample: {us-east-2: "arn:aws:rds:us-east-2:123456789012:cluster:trading-us-east-2-dev"}
groups:
  description:
    - The groups and services of all regions, each with C(region), C(name), C(compute), and C(autoscaling_group_name) or
      C(ecs_service).
  returned: success
  type: list
  elements: dict
  version_added: 0.3.0
  sample: [{region: us-east-2, name: application, compute: autoscaling, autoscaling_group_name: trading-asg-dev}]
topics:
  description: ARN of each region's topic, as M(trading.multi_region.failover_notify) takes it.
  returned: success
  type: dict
  sample: {us-east-2: "arn:aws:sns:us-east-2:123456789012:trading-alerts-dev"}
switch_regions:
  description:
    - The traffic switch settings of each region in the order of preference, as M(trading.multi_region.region_traffic)
      takes it.
  returned: success
  type: list
  elements: dict
  sample: [{region: us-east-1, bucket: trading-control-us-east-1-dev, routing_control_arn: null}]
silent_regions:
  description: Regions in which no call succeeded, as the modules that call several regions take them.
  returned: success
  type: list
  elements: str
  version_added: 0.3.0
  sample: [us-east-1]
switch:
  description:
    - The traffic switch, as options of M(trading.multi_region.region_traffic). Options that the manifest does not
      contain are omitted.
  returned: success
  type: dict
  version_added: 0.2.0
  sample:
    backend: s3_object
    object_key: active-region
    regions: [{region: us-east-1, bucket: trading-control-us-east-1-dev, routing_control_arn: null}]
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.9
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import METHODS
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import SILENT_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import MAX_SAMPLE_AGE
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    AUTO,
    FAILOVER,
    FENCINGS,
    NETWORK_ACL,
)
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.options import HOOK_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._platform.observe import run

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "target_region": {"type": "str", "rule": rules.REGION_CODE},
    "method": {"type": "str", "default": FAILOVER, "choices": [*METHODS, AUTO]},
    "fencing": {"type": "str", "default": NETWORK_ACL, "choices": [*FENCINGS]},
    "cool_down": {"type": "float", "default": 3600, "rule": rules.COOL_DOWN},
    "resume_within": {"type": "float", "default": 21600, "rule": rules.SPAN},
    "takeover_run_id": {"type": "str", "rule": rules.ID},
    "trigger": {"type": "str", "rule": rules.WORDS},
    "expected_active_region": {"type": "str", "rule": rules.REGION_CODE},
    "min_healthy_ratio": {"type": "float", "default": 0.5, "rule": rules.RATIO},
    "min_capacity_percent": {"type": "int", "default": 50, "rule": rules.PERCENT},
    "max_replication_lag_ms": {"type": "float", "rule": rules.MILLISECONDS},
    "max_sampled_lag_ms": {"type": "float", "rule": rules.MILLISECONDS},
    "max_lag_sample_age": {"type": "float", "default": MAX_SAMPLE_AGE, "rule": rules.PERIOD},
    "accept_data_loss": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "hooks": {"type": "list", "elements": "dict", "default": [], "options": HOOK_SPEC},
    "deadline": {"type": "float", "default": 4, "rule": rules.DEADLINE},
    "patience": {"type": "float", "default": 2.5, "rule": rules.seconds(0, 3600)},
    "probe_proxy": {"type": "str", "rule": rules.URL},
    **SILENT_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
