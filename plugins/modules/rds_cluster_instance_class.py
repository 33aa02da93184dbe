#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_cluster_instance_class
version_added: 0.3.0
short_description: Change the class of an Aurora cluster's instances, one after the other
description:
  - Changes the instances of a cluster that have another class, with C(ApplyImmediately), and waits for each.
  - Readers come first. Then the writer's role goes to a reader by a failover within the region, and the former writer
    is changed. With a single instance, writes stop while it is changed.
  - M(amazon.aws.rds_instance) changes one instance and knows nothing of the others.
  - "Sources: C(ModifyDBInstance) and C(FailoverDBCluster) of the RDS API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  db_cluster_identifier:
    description:
      - Identifier of the cluster. Nothing is done if it does not exist.
    type: str
    required: true
  db_instance_class:
    description:
      - Class that all instances have, for example V(db.r6g.large).
    type: str
    required: true
  is_writer:
    description:
      - Whether the cluster has the writer of its global database. A secondary cluster has readers only.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for each instance.
    type: int
    default: 1800
  poll_interval:
    description:
      - Seconds between two reads while waiting.
    type: float
    default: 15
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.rds_instance
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Give all instances more memory
  trading.multi_region.rds_cluster_instance_class:
    region: us-east-1
    db_cluster_identifier: trading-us-east-1-dev
    db_instance_class: db.r6g.xlarge
"""

RETURN = r"""
changed:
  description: Whether instances were changed, or in check mode would be.
  returned: always
  type: bool
  sample: true
reason:
  description: One sentence with the steps, or that there is none.
  returned: success
  type: str
  sample: All instances of trading-us-east-1-dev are db.r6g.large.
steps:
  description: The steps in their order.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: V(modify) or V(failover).
      type: str
      sample: modify
    instance:
      description: Instance that is changed, or that becomes the writer.
      type: str
      sample: trading-us-east-1-dev-2
instances:
  description: Identifiers of the instances that exist.
  returned: success
  type: list
  elements: str
  sample: [trading-us-east-1-dev-1, trading-us-east-1-dev-2]
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.4
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidDBInstanceState
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.instance_class import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

CLASS = rules.text(r"db\.[a-z0-9]+(?:\.[a-z0-9-]+)?", "a class of instances, such as db.r6g.large or db.serverless")
ARGUMENT_SPEC = {
    "db_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "db_instance_class": {"type": "str", "required": True, "rule": CLASS},
    "is_writer": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 1800, "rule": rules.WAIT},
    "poll_interval": {"type": "float", "default": 15, "rule": rules.POLL},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
