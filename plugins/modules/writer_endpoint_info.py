#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: writer_endpoint_info
version_added: 0.3.0
short_description: Report whether the database endpoint for writes leads to a region's cluster
description:
  - Resolves the global writer endpoint of an Aurora global database, and compares it with the endpoint of the cluster
    of O(region). Aurora changes what the global endpoint resolves to some time after it has moved the writer.
  - With O(wait_timeout) it repeats that until the name leads to the cluster. It never fails because of what a name
    resolves to, because the controller may be unable to resolve names that applications can. RV(state) reports
    what was seen, and a warning is displayed unless that is as expected.
  - If applications use another endpoint, as after a detach, there is nothing to wait for.
  - All calls to AWS are made in O(region).
  - "Sources: C(Connecting to Amazon Aurora Global Database) and C(Amazon RDS event categories and event messages for
    Aurora) (RDS-EVENT-0397) of the Aurora User Guide."
requirements:
  - dnspython >= 2.4, without which the system's resolver is used
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  parameter_name:
    description:
      - Name of the SSM parameter with the endpoint that applications use. If omitted, they use the global endpoint
        while the cluster is a member, and the cluster's own endpoint otherwise.
    type: str
  global_cluster_identifier:
    description:
      - Identifier of the global cluster.
    type: str
    required: true
  db_cluster_identifier:
    description:
      - Identifier of the region's cluster.
    type: str
    required: true
  dns_servers:
    description:
      - Name servers to query, each as V(host), V(host:port) or V([IPv6 address]:port). Names that they do not resolve
        are looked up through the system's resolver.
      - If empty, the name servers of the endpoint's zone, without caches.
    type: list
    elements: str
    default: []
  answer_timeout:
    description:
      - Seconds to wait for the answer to one DNS query.
    type: float
    default: 2.0
  wait_timeout:
    description:
      - Seconds to wait until the endpoint leads to the cluster. V(0) looks once.
      - The wait ends earlier if the name cannot be resolved twice in a row.
    type: int
    default: 0
  poll_interval:
    description:
      - Seconds between two look-ups, V(1) or more.
    type: float
    default: 1.0
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: N/A
seealso:
  - module: trading.multi_region.writer_endpoint
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Wait until applications of us-east-2 reach the new writer
  trading.multi_region.writer_endpoint_info:
    region: us-east-2
    parameter_name: /trading/dev/database/writer-endpoint
    global_cluster_identifier: trading-global-dev
    db_cluster_identifier: trading-us-east-2-dev
    wait_timeout: 60
"""

RETURN = r"""
state:
  description:
    - V(proven) if the endpoint leads to the region's cluster, V(elsewhere) if it leads to another one, V(not_used) if
      applications do not use the global endpoint, V(unknown) if it could not be determined.
  returned: always
  type: str
  sample: proven
reason:
  description: One sentence on what was seen.
  returned: always
  type: str
  sample: >-
    trading-global-dev.global-1a2b3c4d.global.rds.amazonaws.com leads to
    trading-us-east-2-dev.cluster-1a2b3c4d.us-east-2.rds.amazonaws.com.
endpoint:
  description: Endpoint that applications use, null if it is not known.
  returned: always
  type: str
  sample: trading-global-dev.global-1a2b3c4d.global.rds.amazonaws.com
cluster_endpoint:
  description: Endpoint of the region's cluster, null if it is not known.
  returned: always
  type: str
  sample: trading-us-east-2-dev.cluster-1a2b3c4d.us-east-2.rds.amazonaws.com
addresses:
  description: Addresses of the global endpoint.
  returned: always
  type: list
  elements: str
  sample: [10.1.2.3]
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 8.214
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.endpoint_wait import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "parameter_name": {"type": "str", "rule": rules.PARAMETER},
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "db_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "dns_servers": {"type": "list", "elements": "str", "default": [], "rule": rules.Each(rules.SERVER)},
    "answer_timeout": {"type": "float", "default": 2.0, "rule": rules.TIMEOUT},
    "wait_timeout": {"type": "int", "default": 0, "rule": rules.seconds(0, 86400)},
    "poll_interval": {"type": "float", "default": 1.0, "rule": rules.POLL},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
