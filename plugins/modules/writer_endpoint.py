#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: writer_endpoint
version_added: 0.1.0
short_description: Keep the endpoint that applications write to in an SSM parameter
description:
  - Has the SSM parameter O(parameter_name) of O(region) hold the database endpoint that applications of that region
    must write to.
  - While the region's cluster is a member of the global database that is the global writer endpoint, which follows the
    writer by itself. Once the cluster is detached it is the cluster's own endpoint, because the global one goes on
    leading to the old writer.
  - The parameter is written only where it differs, and read back. It is a C(String); one of another type is refused.
  - A cluster that is no member and has no instance that writes is refused, because applications would reach a reader.
  - Everything is asked in O(region); no call is made to another one.
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
attributes:
  check_mode:
    support: full
    details:
      - Where neither the parameter nor the cluster exists yet, RV(after) is null.
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
- name: Lead applications of us-east-2 to the database that writes
  trading.multi_region.writer_endpoint:
    region: us-east-2
    parameter_name: /trading/dev/database/writer-endpoint
    global_cluster_identifier: trading-global-dev
    db_cluster_identifier: trading-us-east-2-dev
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
    /trading/dev/database/writer-endpoint was set: trading-us-east-2-dev is no member of trading-global-dev, so only its
    own endpoint leads to it.
before:
  description: Value of the parameter before, null where there was none.
  returned: success
  type: str
  sample: trading-global-dev.global-1a2b3c4d.global.rds.amazonaws.com
after:
  description: Value of the parameter now, or in check mode the one it would have.
  returned: success
  type: str
  sample: trading-us-east-2-dev.cluster-1a2b3c4d.us-east-2.rds.amazonaws.com
is_member:
  description: Whether the region's cluster is a member of the global cluster.
  returned: success
  type: bool
  sample: false
seconds:
  description: Seconds the module took between its first and its last call.
  returned: always
  type: float
  sample: 0.412
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception where no answer came.
  returned: when a call to AWS failed
  type: str
  sample: ParameterMaxVersionLimitExceeded
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer_endpoint import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

PARAMETER_NAME = rules.text(r"[A-Za-z0-9_./-]{1,1011}", "letters, digits and . _ / -, up to 1011 characters")
ARGUMENT_SPEC = {
    "parameter_name": {"type": "str", "required": True, "rule": PARAMETER_NAME},
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "db_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
