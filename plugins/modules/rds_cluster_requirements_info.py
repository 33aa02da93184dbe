#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_cluster_requirements_info
version_added: 0.2.0
short_description: Check whether an Aurora cluster can be created
description:
  - Checks that the region offers the engine version, that subnet group and parameter groups exist and fit the version,
    and that the quotas of Amazon RDS have room for the cluster and its instances.
  - A cluster of the same identifier is taken for the one that is replaced; it makes room for its replacement.
  - The module fails with everything that is missing. Use it before a cluster is deleted in order to be created again.
  - "Sources: C(CreateDBCluster), C(DescribeDBEngineVersions) and C(DescribeAccountAttributes) of the RDS API
    Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  db_cluster_identifier:
    description:
      - Identifier of the cluster.
    type: str
    required: true
  engine:
    description:
      - Database engine.
    type: str
    choices: [aurora-mysql, aurora-postgresql]
    default: aurora-mysql
  engine_version:
    description:
      - Engine version.
    type: str
    required: true
  db_subnet_group_name:
    description:
      - Name of the subnet group.
    type: str
    required: true
  db_cluster_parameter_group_name:
    description:
      - Name of the cluster parameter group.
    type: str
    required: true
  db_parameter_group_name:
    description:
      - Name of the parameter group of the instances.
    type: str
    required: true
  instance_count:
    description:
      - Number of instances.
    type: int
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: N/A
seealso:
  - module: amazon.aws.rds_cluster
  - module: amazon.aws.rds_engine_versions_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Check before the cluster is replaced
  trading.multi_region.rds_cluster_requirements_info:
    region: us-east-1
    db_cluster_identifier: trading-us-east-1-dev
    engine_version: 8.0.mysql_aurora.3.08.0
    db_subnet_group_name: trading-us-east-1-dev
    db_cluster_parameter_group_name: trading-us-east-1-dev
    db_parameter_group_name: trading-us-east-1-dev
    instance_count: 2
"""

RETURN = r"""
reason:
  description: The outcome in one sentence.
  returned: success
  type: str
  sample: trading-us-east-1-dev can be created in us-east-1.
problems:
  description: What is missing.
  returned: when something is missing
  type: list
  elements: str
  sample: ["the quota DBClusters of 40 has room for 0, needed: 1"]
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 1.204
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: AccessDenied
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.requirements import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "db_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "engine": {"type": "str", "choices": ["aurora-mysql", "aurora-postgresql"], "default": "aurora-mysql"},
    "engine_version": {"type": "str", "required": True, "rule": rules.ENGINE_VERSION},
    "db_subnet_group_name": {"type": "str", "required": True, "rule": rules.line(255)},
    "db_cluster_parameter_group_name": {"type": "str", "required": True, "rule": rules.line(255)},
    "db_parameter_group_name": {"type": "str", "required": True, "rule": rules.line(255)},
    "instance_count": {"type": "int", "required": True, "rule": rules.number(1, 16, "1 to 16")},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
