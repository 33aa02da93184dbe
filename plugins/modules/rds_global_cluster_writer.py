#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster_writer
version_added: 0.1.0
short_description: Promote a region to writer of an Aurora global database
description:
  - Moves the writer of an Aurora global database to O(writer_region) by switchover (planned, no loss), by failover
    (unplanned, the loss bounded by the replication lag) or by detaching the region (if AWS does not allow a failover),
    and waits until the region accepts writes.
  - All state is read in O(writer_region). With O(method=failover) and O(method=detach) the request is made there too,
    so that no call depends on the region that may be lost. With O(method=switchover) the request is made in the current
    writer's region, as AWS requires. The option O(region) is not used.
  - The move is complete when the desired member is the writer and no switchover or failover is in progress, or the
    cluster is detached, and when its cluster and at least one instance that can write are available. The status of the
    global cluster alone does not show this.
  - If a move to the same region, or its detach, is already in progress, the module joins it, even if another run
    requested it. If a move to another region is in progress, the module fails; if that move began after the module read
    the state, AWS rejects the request, and the message names the move. If the response to the request is lost, the
    state is read again before anything is decided, so the module may be run again at any time. If AWS rejects a request
    after one whose response was lost, and shows no operation, it is unknown whether the first was accepted. The module
    then fails, and does not try another method.
  - The module fails before it changes anything, with all reasons in one message, when the region has no member, when
    the writer is not in O(expected_writer_region), when the engine versions are not identical to the patch level, when
    no instance is available, when the member is C(pending-resync), or when the lag is unknown, old or too high.
  - A region that was detached has an independent database. M(trading.multi_region.writer_endpoint) points applications
    at it, and the global database must be rebuilt around it. The old writer is not fenced.
  - "Sources: C(Using switchover or failover in Aurora Global Database) and C(Upgrading an Amazon Aurora global
    database) of the Aurora User Guide; C(FailoverGlobalCluster), C(SwitchoverGlobalCluster),
    C(RemoveFromGlobalCluster) and C(FailoverState) of the RDS API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  global_cluster_identifier:
    description:
      - Identifier of the global cluster.
    type: str
    required: true
  writer_region:
    description:
      - Region to promote to writer.
    type: str
    required: true
  method:
    description:
      - How to move the writer if it is in another region.
      - V(failover) does not need the current writer's region and loses the writes that were not replicated. Use it when
        that region is lost.
      - V(switchover) needs both regions and loses no data.
      - V(detach) removes the cluster from the global database, which makes it a standalone cluster that accepts writes.
        It loses the writes that were not replicated, and requires O(accept_data_loss=true). It does not require
        identical engine versions.
      - V(auto) is V(failover), or V(detach) if the engine versions differ or AWS rejects the failover for a reason
        other than an operation in progress, and O(accept_data_loss=true). Otherwise the module fails, and the message
        states the reason and the remedy.
    type: str
    choices: [failover, switchover, detach, auto]
    required: true
  expected_writer_region:
    description:
      - Region in which the caller expects the writer. The module fails if the writer is neither there nor in
        O(writer_region), because another run has moved it since.
    type: str
  max_replication_lag_ms:
    description:
      - Maximum data loss in milliseconds of writes. The module fails if more could be lost, that is, if the lag of the
        newest sample plus the age of the sample is higher, or if the lag is unknown.
      - With O(method=switchover), which loses nothing, the lag of the newest sample alone is compared.
      - If neither this nor O(max_sampled_lag_ms) is given, the lag is reported and not enforced, except that a failover
        that O(method=auto) selects requires a recent sample.
    type: int
  max_sampled_lag_ms:
    description:
      - Maximum replication lag in milliseconds of the newest sample. The module fails if the lag is higher or unknown.
    type: int
    version_added: 0.2.0
  max_lag_sample_age:
    description:
      - Age in seconds above which the newest sample of the lag is ignored.
    type: int
    default: 420
  accept_data_loss:
    description:
      - Except with O(method=switchover), move even if the lag is unknown, old or above its limit, or if the member is
        C(pending-resync). Writes that were not replicated are lost.
      - Allows O(method=detach), and O(method=auto) to detach.
    type: bool
    default: false
  db_cluster_arns:
    description:
      - ARN of the member cluster for each region, as recorded when the platform was provisioned.
      - If the ARN for O(writer_region) is given, the module fails unless that cluster is a member. The ARN also
        identifies a cluster that was detached.
    type: dict
  request_accepted:
    description:
      - Whether AWS is known to have accepted the move, as RV(accepted) of an earlier task states. The module then does
        not request it, does not apply the conditions for beginning a move, and waits for it even if AWS does not show
        it yet. RV(reason) says then that AWS had accepted it, and not that it was joined.
    type: bool
    default: false
    version_added: 0.3.0
  wait:
    description:
      - Whether to wait until the move is complete.
      - V(false) returns as soon as AWS has accepted the request; a later run joins the move.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for the move, at least V(1). When the timeout expires, the message reports the state. Running
        the module again with the same options joins the move in progress and resumes the wait.
    type: int
    default: 600
  poll_interval:
    description:
      - Seconds between two reads while waiting, at least V(1).
    type: float
    default: 2.0
attributes:
  check_mode:
    support: full
    details:
      - RV(plan) contains the API call that would be made, RV(after) the expected result. Whether AWS would reject the
        call cannot be predicted.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.rds_global_cluster
  - module: trading.multi_region.writer_endpoint
  - module: amazon.aws.rds_global_cluster_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Promote us-east-2 to writer while us-east-1 does not respond
  trading.multi_region.rds_global_cluster_writer:
    global_cluster_identifier: trading-global-dev
    writer_region: us-east-2
    expected_writer_region: us-east-1
    method: failover
    max_sampled_lag_ms: 5000

- name: Promote us-east-2 even if AWS rejects a failover, at the cost of a rebuild of the global database
  trading.multi_region.rds_global_cluster_writer:
    global_cluster_identifier: trading-global-dev
    writer_region: us-east-2
    method: auto
    accept_data_loss: true
    db_cluster_arns:
      us-east-2: arn:aws:rds:us-east-2:123456789012:cluster:trading-us-east-2-dev

- name: Request the promotion without waiting
  trading.multi_region.rds_global_cluster_writer:
    global_cluster_identifier: trading-global-dev
    writer_region: us-east-2
    method: failover
    accept_data_loss: true
    wait: false

- name: Show what a switchover back would do
  trading.multi_region.rds_global_cluster_writer:
    global_cluster_identifier: trading-global-dev
    writer_region: us-east-1
    method: switchover
  check_mode: true
"""

RETURN = r"""
changed:
  description: Whether the request was made, or the writer moved while the module waited for a move it joined.
  returned: always
  type: bool
  sample: true
accepted:
  description: Whether AWS has accepted the move, requested by this task or before. The next task's O(request_accepted).
  returned: success
  type: bool
  version_added: 0.3.0
  sample: true
reason:
  description: What was decided and why, in sentences, including requests that AWS rejected before.
  returned: success
  type: str
  sample: us-east-2 is the writer of trading-global-dev, after 34 s.
method:
  description:
    - The method that was used, or that the move which was joined or found had used. V(auto) only if the module failed
      before it selected one.
  returned: when the global cluster could be read
  type: str
  sample: failover
before:
  description: What was observed first.
  returned: when the global cluster could be read
  type: dict
  contains: &observation
    global_cluster_identifier:
      description: Identifier.
      type: str
      sample: trading-global-dev
    global_cluster_arn:
      description: ARN.
      type: str
      sample: arn:aws:rds::123456789012:global-cluster:trading-global-dev
    global_cluster_resource_id:
      description: Unique identifier that is never reused.
      type: str
      sample: cluster-1a2b3c4d5e6f7081
    status:
      description: Status of the global cluster.
      type: str
      sample: available
    engine:
      description: Database engine.
      type: str
      sample: aurora-mysql
    engine_version:
      description: Engine version of the global cluster.
      type: str
      sample: 8.0.mysql_aurora.3.10.5
    database_name:
      description: Name of the first database.
      type: str
      sample: trading
    storage_encrypted:
      description: Whether storage is encrypted.
      type: bool
      sample: true
    deletion_protection:
      description: Whether the global cluster is protected from deletion.
      type: bool
      sample: false
    endpoint:
      description: Global writer endpoint.
      type: str
      sample: trading-global-dev.global-1a2b3c4d.global.rds.amazonaws.com
    members:
      description: Regional clusters, each with region, arn, identifier, is_writer and synchronization_status.
      type: list
      elements: dict
    writer_region:
      description: Region of the writer, null if there is none.
      type: str
      sample: us-east-1
    failover_state:
      description: Move in progress with status, from_region, to_region, to_arn and data_loss_allowed; empty when idle.
      type: dict
    target:
      description:
        - The cluster of O(writer_region) with region, arn, identifier, is_member (of the global cluster),
          cluster_status, engine_version, endpoint (its own) and instances (each with identifier, status and is_writer).
      type: dict
after:
  description:
    - What was observed last, in the format of RV(before); in check mode the expected result.
    - With O(wait=false) it is the global cluster with which AWS answered the request, and RV(after.target) as before.
  returned: success, and when the wait was given up
  type: dict
  contains: *observation
lag:
  description: The lag sample on which the decision was based. An unknown lag is null, never zero.
  returned: when the global cluster could be read
  type: dict
  contains:
    value_ms:
      description: Lag in milliseconds, null when it is unknown.
      type: float
      sample: 41.5
    age_seconds:
      description: Age of the sample in seconds, null when there is none.
      type: float
      sample: 38.2
    sampled_at:
      description: Time of the sample in UTC, null when there is none.
      type: str
      sample: "2025-01-31T03:07:00Z"
    metric:
      description: CloudWatch metric of the sample, null when there is none.
      type: str
      sample: AuroraGlobalDBReplicationLag
    reason:
      description: Why the lag is unknown, null when it is known.
      type: str
      sample: no sample in CloudWatch
plan:
  description:
    - API calls that were made, in order, including those that AWS rejected, or that would be made in check mode; empty
      if no call is needed.
  returned: when the global cluster could be read
  type: list
  elements: dict
  contains:
    operation:
      description: API operation.
      type: str
      sample: FailoverGlobalCluster
    region:
      description: Region it is made in.
      type: str
      sample: us-east-2
    parameters:
      description: Its parameters.
      type: dict
phases:
  description: Seconds spent, by phase.
  returned: when the global cluster could be read
  type: dict
  contains:
    request_seconds:
      description: Seconds until AWS had accepted the request.
      type: float
      sample: 0.213
    wait_seconds:
      description: Seconds from then until the move was complete.
      type: float
      sample: 48.902
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 49.731
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidGlobalClusterStateFault
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import MAX_SAMPLE_AGE
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

CLUSTER_ARNS = rules.ByKey(rules.REGION_CODE, rules.CLUSTER_ARN, is_regional=True)
ARGUMENT_SPEC = {
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "writer_region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "method": {"type": "str", "choices": ["failover", "switchover", "detach", "auto"], "required": True},
    "expected_writer_region": {"type": "str", "rule": rules.REGION_CODE},
    "max_replication_lag_ms": {"type": "int", "rule": rules.MILLISECONDS},
    "max_sampled_lag_ms": {"type": "int", "rule": rules.MILLISECONDS},
    "max_lag_sample_age": {"type": "int", "default": MAX_SAMPLE_AGE, "rule": rules.PERIOD},
    "accept_data_loss": {"type": "bool", "default": False},
    "db_cluster_arns": {"type": "dict", "rule": CLUSTER_ARNS},
    "request_accepted": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600, "rule": rules.WAIT},
    "poll_interval": {"type": "float", "default": 2.0, "rule": rules.POLL},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
