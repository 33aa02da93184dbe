#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_cluster_settings
version_added: 0.2.0
short_description: Manage settings of an Aurora cluster that amazon.aws.rds_cluster cannot change
description:
  - Sets the life cycle support, the storage configuration, the insights and the log exports of an existing Aurora
    cluster.
  - Settings whose options are omitted are not changed.
  - "Sources: C(ModifyDBCluster) of the RDS API Reference; C(Amazon RDS Extended Support with Amazon Aurora), C(Storage
    configurations for Amazon Aurora DB clusters) and C(Database Insights) of the Aurora User Guide."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  db_cluster_identifier:
    description:
      - Identifier of the cluster.
    type: str
    required: true
  engine_lifecycle_support:
    description:
      - Whether Amazon RDS Extended Support, which AWS charges for, begins when standard support of the major version
        ends. AWS enrolls a new cluster in it.
      - Where the installed botocore cannot set it, the module warns and leaves the setting alone.
    type: str
    choices: [open-source-rds-extended-support-disabled, open-source-rds-extended-support]
  storage_type:
    description:
      - Storage configuration, standard or I/O-Optimized. AWS allows the change to V(aurora-iopt1) once in 30 days.
    type: str
    choices: [aurora, aurora-iopt1]
  database_insights_mode:
    description:
      - Mode of CloudWatch Database Insights. It turns on Performance Insights.
    type: str
    choices: [standard, advanced]
  performance_insights_retention_days:
    description:
      - Days that Performance Insights keeps its data, 7, a multiple of 31 up to 713, or 731.
      - The default with O(database_insights_mode=standard) is 7, with O(database_insights_mode=advanced) 465, which is
        also the least that AWS allows there.
    type: int
  performance_insights_kms_key_arn:
    description:
      - ARN of the KMS key that encrypts the data of Performance Insights. It cannot be changed once it is on.
    type: str
  enable_cloudwatch_logs_exports:
    description:
      - Log types that the cluster publishes to CloudWatch Logs, for example V(audit), V(error), V(general) and
        V(slowquery) with Aurora MySQL, or V(postgresql) with Aurora PostgreSQL. Types that are not listed are no longer
        published; an empty list ends all. Existing log groups are kept.
      - M(amazon.aws.rds_cluster) sets them for a new cluster only.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.rds_cluster
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Keep a cluster out of paid extended support, and its storage I/O-Optimized
  trading.multi_region.rds_cluster_settings:
    region: us-east-1
    db_cluster_identifier: trading-us-east-1-dev
    engine_lifecycle_support: open-source-rds-extended-support-disabled
    storage_type: aurora-iopt1

- name: Publish other logs
  trading.multi_region.rds_cluster_settings:
    region: us-east-1
    db_cluster_identifier: trading-us-east-1-dev
    enable_cloudwatch_logs_exports: [audit, error]
"""

RETURN = r"""
changed:
  description: Whether settings were changed.
  returned: always
  type: bool
  sample: true
reason:
  description: One sentence on what was changed, or that nothing was.
  returned: success
  type: str
  sample: "The cluster trading-us-east-1-dev was changed: storage_type to aurora-iopt1."
settings:
  description: The settings now, or in check mode those that it would have. A change that AWS has not finished counts.
  returned: success
  type: dict
  sample:
    engine_lifecycle_support: open-source-rds-extended-support-disabled
    storage_type: aurora-iopt1
    database_insights_mode: standard
    performance_insights_enabled: true
    performance_insights_retention_days: 7
    performance_insights_kms_key_arn: null
    enable_cloudwatch_logs_exports: [audit, error]
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 0.412
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

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.cluster_settings import (
    INSIGHTS_MODES,
    STORAGE_TYPES,
    run,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import LIFECYCLES
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

MONTHS = [31 * months for months in range(1, 24)]
RETENTION = rules.Value("7, a multiple of 31 up to 713, or 731", [7, *MONTHS, 731].__contains__)
LOG_TYPE = rules.text(r"[a-z][a-z-]{0,63}", "a log type, such as audit, error, slowquery or postgresql")
ARGUMENT_SPEC = {
    "db_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "engine_lifecycle_support": {"type": "str", "choices": list(LIFECYCLES)},
    "storage_type": {"type": "str", "choices": list(STORAGE_TYPES)},
    "database_insights_mode": {"type": "str", "choices": list(INSIGHTS_MODES)},
    "performance_insights_retention_days": {"type": "int", "rule": RETENTION},
    "performance_insights_kms_key_arn": {"type": "str", "no_log": False, "rule": rules.KEY_ARN},
    "enable_cloudwatch_logs_exports": {"type": "list", "elements": "str", "rule": rules.Each(LOG_TYPE)},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
