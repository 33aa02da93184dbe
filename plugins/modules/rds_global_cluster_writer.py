#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster_writer
version_added: 0.1.0
short_description: Have the writer of an Aurora global database in a region
description:
  - Moves the writer of an Aurora global database to O(writer_region) by switchover (planned, no loss), by failover
    (unplanned, the loss bounded by the replication lag) or by detaching the region (where AWS does no failover), and
    waits until the region can really write.
  - Everything is read in O(writer_region). With O(method=failover) and O(method=detach) the request is made there too,
    so that no call is made to the region that may be lost. With O(method=switchover) the request is made in the current
    writer's region, as AWS wants it. The option O(region) is not used.
  - Done means that the wanted member is the writer and no switchover or failover is in flight, or that the cluster is
    detached; that its cluster is available, and that at least one instance of it that can write is available. The
    global cluster's status alone says nothing about it.
  - A move to the same region that is already in flight is joined, whoever asked for it, and a detach as well. One to
    another region is refused; where it began between the look and the request, AWS refuses, and the message names it.
    After an answer that was lost the state is read back before anything is decided, so the module may be run again at
    any time.
  - A move is refused before anything is changed, with all reasons in one message, when the region has no member, when
    the writer is not where O(expected_writer_region) says, when the engine versions are not identical to the patch
    level, when no instance is available, when the member is C(pending-resync), or when the lag is unknown, old or too
    high.
  - A region that was detached has a database of its own. M(trading.multi_region.writer_endpoint) points applications at
    it, and the global database has to be built anew around it; nothing fences the old writer.
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
      - Region that is to have the writer.
    type: str
    required: true
  method:
    description:
      - How to move the writer where it is elsewhere.
      - V(failover) does without the current writer's region and loses what was not replicated. It is meant for a region
        that is lost.
      - V(switchover) needs both regions and loses nothing.
      - V(detach) takes the cluster out of the global database, which makes it a cluster of its own that writes. It
        loses what was not replicated, and needs O(accept_data_loss=true). It does not need identical engine versions.
      - V(auto) is V(failover), and V(detach) where the engine versions differ or AWS refuses the failover for another
        reason than an operation in flight, given O(accept_data_loss=true). Without that it is refused, and the message
        says why and what would do.
    type: str
    choices: [failover, switchover, detach, auto]
    required: true
  expected_writer_region:
    description:
      - Region where the caller believes the writer to be. The move is refused where it is in a third one, because
        somebody else has moved it since.
    type: str
  max_replication_lag_ms:
    description:
      - Replication lag in milliseconds above which the move is refused.
      - Left out, a failover still wants a fresh sample of the lag, of any height; a switchover wants none.
    type: int
  max_lag_sample_age:
    description:
      - Age in seconds above which the newest sample of the lag counts for nothing.
    type: int
    default: 300
  accept_data_loss:
    description:
      - Move although the lag is unknown, old or above O(max_replication_lag_ms), or (unless with O(method=switchover))
        although the member is C(pending-resync). What was not replicated is lost.
      - Allows O(method=detach), and O(method=auto) to detach.
    type: bool
    default: false
  db_cluster_arns:
    description:
      - ARN of the member cluster for each region, as recorded when the platform was provisioned.
      - Where the one of O(writer_region) is given, the move is refused unless it is a member. By it, a cluster that was
        detached is known again.
    type: dict
  wait:
    description:
      - Whether to wait until the move is done.
      - V(false) returns as soon as AWS has accepted the request; a later run joins it.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for the move, at least V(1). When they are over the message names the state it is in; running
        again with the same options joins what is in flight and resumes the wait.
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
      - RV(plan) holds the API call that would be made, RV(after) what it would end in. Whether AWS would refuse it
        cannot be foreseen.
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
- name: Have the writer in us-east-2 although us-east-1 does not answer
  trading.multi_region.rds_global_cluster_writer:
    global_cluster_identifier: trading-global-dev
    writer_region: us-east-2
    expected_writer_region: us-east-1
    method: failover
    max_replication_lag_ms: 5000

- name: Have the writer there even where AWS refuses a failover, at the price of a topology to rebuild
  trading.multi_region.rds_global_cluster_writer:
    global_cluster_identifier: trading-global-dev
    writer_region: us-east-2
    method: auto
    accept_data_loss: true
    db_cluster_arns:
      us-east-2: arn:aws:rds:us-east-2:123456789012:cluster:trading-us-east-2-dev

- name: Ask for it and go on with other work
  trading.multi_region.rds_global_cluster_writer:
    global_cluster_identifier: trading-global-dev
    writer_region: us-east-2
    method: failover
    accept_data_loss: true
    wait: false

- name: Move it back without loss, and say first what would be done
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
reason:
  description: What was decided and why, in sentences; with what AWS refused before, where it did.
  returned: success
  type: str
  sample: us-east-2 already has the writer of trading-global-dev.
method:
  description:
    - The method that was used, or by which what was joined or found had been done. Never V(auto), except in a failure
      before any was chosen.
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
      description: Identifier that is never used again.
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
      sample: 8.0.mysql_aurora.3.08.0
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
      description: Region of the writer, null where there is none.
      type: str
      sample: us-east-1
    failover_state:
      description: Move in flight with status, from_region, to_region, to_arn and data_loss_allowed; empty when idle.
      type: dict
    target:
      description:
        - The cluster of O(writer_region) with region, arn, identifier, is_member (of the global cluster),
          cluster_status, engine_version, endpoint (its own) and instances (each with identifier, status and is_writer).
      type: dict
after:
  description: What was observed last, in the shape of RV(before); in check mode what is foreseen.
  returned: success, and when the wait was given up
  type: dict
  contains: *observation
lag:
  description: The lag sample the decision was made with. Unknown is a value of its own, never zero.
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
    - API calls that were made, in order, with those that AWS refused, or that in check mode would be made; empty where
      nothing is to be asked for.
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
      description: Seconds from then until the move was done.
      type: float
      sample: 48.902
seconds:
  description: Seconds the module took between its first and its last call.
  returned: always
  type: float
  sample: 49.731
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception where no answer came.
  returned: when a call to AWS failed
  type: str
  sample: InvalidGlobalClusterStateFault
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

CLUSTER_ARNS = rules.ByKey(rules.REGION_CODE, rules.CLUSTER_ARN, is_regional=True)
ARGUMENT_SPEC = {
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "writer_region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "method": {"type": "str", "choices": ["failover", "switchover", "detach", "auto"], "required": True},
    "expected_writer_region": {"type": "str", "rule": rules.REGION_CODE},
    "max_replication_lag_ms": {"type": "int", "rule": rules.MILLISECONDS},
    "max_lag_sample_age": {"type": "int", "default": 300, "rule": rules.PERIOD},
    "accept_data_loss": {"type": "bool", "default": False},
    "db_cluster_arns": {"type": "dict", "rule": CLUSTER_ARNS},
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
