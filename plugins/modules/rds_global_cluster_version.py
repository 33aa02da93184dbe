#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster_version
version_added: 0.3.0
short_description: Upgrade an Aurora global database to an engine version
description:
  - Ensures that all members of a global database run O(engine_version). It never downgrades.
  - "Minor upgrade: one member after the other, all secondaries first and the primary last, each once the one before
    runs the version and is available."
  - "Major upgrade: the global cluster with all its members together. AWS then gives every member the default parameter
    groups of the new version, so the module gives them O(parameter_groups) and restarts their instances, the writer
    last."
  - Nothing is changed if AWS does not offer the version for global databases in every region or does not offer the
    upgrade, while Aurora moves the writer, and while a member cannot be read or is not available.
  - An upgrade that was interrupted at any point is continued by the next run. AWS finishes what it has begun.
  - This module exists because M(amazon.aws.rds_cluster) upgrades one cluster, cannot wait for a version, and cannot
    hold a lease while it waits.
  - Its calls require C(rds:DescribeGlobalClusters), C(DescribeDBClusters), C(DescribeDBInstances),
    C(DescribeDBEngineVersions), C(ModifyDBCluster), C(ModifyGlobalCluster), C(ModifyDBInstance) and
    C(RebootDBInstance), and with O(lease) C(dynamodb:GetItem) and C(UpdateItem).
  - "Sources: C(Upgrading an Amazon Aurora global database) and C(Working with DB cluster parameter groups) of the
    Aurora User Guide; C(ModifyDBCluster), C(ModifyGlobalCluster) and C(DescribeDBEngineVersions) of the RDS API
    Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  global_cluster_identifier:
    description:
      - Identifier of the global cluster.
    type: str
    required: true
  engine_version:
    description:
      - Engine version with its patch level, for example V(8.0.mysql_aurora.3.12.0).
    type: str
    required: true
  regions:
    description:
      - Regions of the global database. All its members must be in one of them.
    type: list
    elements: str
    required: true
  parameter_groups:
    description:
      - By region, the name of the cluster parameter group and of the instance parameter group that the member has in
        the end. They must exist and be of the version's family.
      - A member whose region is omitted keeps its groups, which after a major upgrade are the default ones.
    type: dict
  step:
    description:
      - Name of the step to take, one of RV(steps). Without it, all steps are taken.
      - A step that is done changes nothing. The module fails if another step comes before it.
    type: str
  wait_timeout:
    description:
      - Seconds to wait for each member.
    type: int
    default: 3600
  poll_interval:
    description:
      - Seconds between two polls.
    type: float
    default: 15
attributes:
  check_mode:
    support: full
    details:
      - All checks that could refuse the upgrade are made. RV(steps) has what would be done.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.rds_global_cluster
  - module: trading.multi_region.failover_lease
  - module: amazon.aws.rds_cluster
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Upgrade every member, the secondaries first
  trading.multi_region.rds_global_cluster_version:
    global_cluster_identifier: trading-global-dev
    engine_version: 8.0.mysql_aurora.3.12.0
    regions: [us-east-1, us-east-2]

- name: List the steps of a major upgrade
  trading.multi_region.rds_global_cluster_version:
    global_cluster_identifier: trading-global-dev
    engine_version: 8.4.mysql_aurora.8.4.7
    regions: [us-east-1, us-east-2]
    parameter_groups:
      us-east-1: trading-us-east-1-dev-aurora-mysql8-4
      us-east-2: trading-us-east-2-dev-aurora-mysql8-4
  check_mode: true
"""

RETURN = r"""
changed:
  description: Whether a step was taken, or would be.
  returned: always
  type: bool
  sample: true
reason:
  description: One sentence on what was done, or why nothing was.
  returned: success
  type: str
  sample: "trading-global-dev was upgraded to 8.0.mysql_aurora.3.12.0: secondary us-east-2; 1 steps are left."
kind:
  description: V(minor) or V(major) upgrade when the module began; V(none) if every member ran the version.
  returned: success
  type: str
  sample: minor
steps:
  description: The steps that were left when the module began, in their order.
  returned: success, and when another step comes before O(step)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the step.
      type: str
      sample: secondary us-east-2
    kind:
      description: V(secondary), V(primary), V(global) or V(parameter groups).
      type: str
      sample: secondary
    region:
      description: Region of the member; of the writer with V(global).
      type: str
      sample: us-east-2
    from_version:
      description: Version that the member ran.
      type: str
      sample: 8.0.mysql_aurora.3.10.5
    to_version:
      description: Version that it gets.
      type: str
      sample: 8.0.mysql_aurora.3.12.0
    in_progress:
      description: Whether AWS was upgrading the member already.
      type: bool
      sample: false
begun:
  description:
    - Whether a part of the upgrade was done or under way when the module began, so that only going on ends it. The
      members may run different versions meanwhile, which no managed failover can bridge.
  returned: success
  type: bool
  sample: false
engine:
  description: Database engine.
  returned: success
  type: str
  sample: aurora-mysql
writer_region:
  description: Region of the writer.
  returned: success
  type: str
  sample: us-east-1
members:
  description: The members when the module began.
  returned: success
  type: list
  elements: dict
  contains:
    region:
      description: Region of the cluster.
      type: str
      sample: us-east-1
    identifier:
      description: Identifier of the cluster.
      type: str
      sample: trading-us-east-1-dev
    is_writer:
      description: Whether it is the writer.
      type: bool
      sample: true
    engine_version:
      description: Version that it ran.
      type: str
      sample: 8.0.mysql_aurora.3.10.5
    status:
      description: Status of the cluster.
      type: str
      sample: available
seconds_without_writes:
  description:
    - Upper bound on the seconds in which the writer took no writes, by its status and O(poll_interval). Null if this
      run did not observe a stop from its beginning to its end, which proves nothing.
  returned: success
  type: float
  sample: 92.4
problem:
  description: Why the database cannot be upgraded to the version.
  returned: when the database cannot be upgraded to the version
  type: str
  sample: >-
    Aurora MySQL 8.0.mysql_aurora.3.12.0 cannot be upgraded to 8.0.mysql_aurora.3.10.5: AWS cannot go back to an older
    version. Nearest that it can: 8.0.mysql_aurora.3.13.0.
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 1421.2
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidDBClusterStateFault
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.upgrade import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

GROUP = rules.text(r"[A-Za-z](?:-?[A-Za-z0-9.]){0,254}", "the name of a parameter group")
ARGUMENT_SPEC = {
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "engine_version": {"type": "str", "required": True, "rule": rules.ENGINE_VERSION},
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "parameter_groups": {"type": "dict", "rule": rules.ByKey(rules.REGION_CODE, GROUP)},
    "step": {"type": "str", "rule": rules.NAME},
    "wait_timeout": {"type": "int", "default": 3600, "rule": rules.WAIT},
    "poll_interval": {"type": "float", "default": 15, "rule": rules.POLL},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
