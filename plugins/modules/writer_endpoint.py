#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: writer_endpoint
version_added: 0.2.0
short_description: Manage the SSM parameter that holds the database endpoint for writes
description:
  - Sets the SSM parameter O(parameter_name) of O(region) to the database endpoint that applications of that region must
    use for writes.
  - While the region's cluster is a member of the global database, this is the global writer endpoint, which follows the
    writer automatically. Once the cluster is detached, it is the cluster's own endpoint, because the global endpoint
    still points to the old writer.
  - The parameter is written only if it differs, and read back. It is a C(String); the module fails if it has another
    type.
  - The module fails if the cluster is not a member and has no instance that can write, because applications would reach
    a reader.
  - All calls are made in O(region), except those for O(other_parameters).
  - "Sources: C(Connecting to Amazon Aurora Global Database) and C(Removing a cluster from an Amazon Aurora global
    database) of the Aurora User Guide."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  parameter_name:
    description:
      - Name of the SSM parameter.
    type: str
    required: true
  global_cluster_identifier:
    description:
      - Identifier of the global cluster that the region's cluster belongs, or belonged, to.
    type: str
    required: true
  db_cluster_identifier:
    description:
      - Identifier of the region's cluster.
    type: str
    required: true
  other_parameters:
    description:
      - Names of the parameters of other regions, by region. They get the same value, so that the applications of these
        regions follow the writer too.
      - A region that does not respond within seconds is no failure. It is listed in RV(not_repointed).
    type: dict
    default: {}
    version_added: 0.3.0
attributes:
  check_mode:
    support: full
    details:
      - If neither the parameter nor the cluster exists yet, RV(after) is null.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.rds_global_cluster_writer
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Point the applications of us-east-2 at the writer
  trading.multi_region.writer_endpoint:
    region: us-east-2
    parameter_name: /trading/dev/database/writer-endpoint
    global_cluster_identifier: trading-global-dev
    db_cluster_identifier: trading-us-east-2-dev

- name: Point the applications of both regions at the writer
  trading.multi_region.writer_endpoint:
    region: us-east-2
    parameter_name: /trading/dev/database/writer-endpoint
    global_cluster_identifier: trading-global-dev
    db_cluster_identifier: trading-us-east-2-dev
    other_parameters:
      us-east-1: /trading/dev/database/writer-endpoint
"""

RETURN = r"""
changed:
  description: Whether the parameter was written.
  returned: always
  type: bool
  sample: true
reason:
  description: One sentence on which endpoint it is and why.
  returned: success
  type: str
  sample: >-
    /trading/dev/database/writer-endpoint was set: trading-us-east-2-dev is not a member of trading-global-dev, so only
    its own endpoint reaches it.
before:
  description: Value of the parameter before, null if there was none.
  returned: success
  type: str
  sample: trading-global-dev.global-1a2b3c4d.global.rds.amazonaws.com
after:
  description: Value of the parameter now, or in check mode the one it would have.
  returned: success
  type: str
  sample: trading-us-east-2-dev.cluster-1a2b3c4d.us-east-2.rds.amazonaws.com
repointed:
  description: Regions whose parameter has the value RV(after) now, or would have it in check mode.
  returned: success
  type: list
  elements: str
  version_added: 0.3.0
  sample: [us-east-2]
not_repointed:
  description: Why the parameter of another region was not repointed, by region.
  returned: success
  type: dict
  version_added: 0.3.0
  sample: {us-east-1: no answer within 2.0 s}
is_member:
  description: Whether the region's cluster is a member of the global cluster.
  returned: success
  type: bool
  sample: false
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
  sample: ParameterMaxVersionLimitExceeded
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer_endpoint import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "parameter_name": {"type": "str", "required": True, "rule": rules.PARAMETER},
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "db_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "other_parameters": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.REGION_CODE, rules.PARAMETER)},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
