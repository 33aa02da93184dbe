#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_readiness_info
version_added: 0.2.0
short_description: Report whether a failover would succeed now
description:
  - Reads everything that a failover depends on, in all regions in parallel, and returns a table of checks within
    O(deadline).
  - Each row is V(ok), V(warning) or V(blocker), with a sentence that contains the figures, and a remedy.
  - What could not be read is never V(ok). It is a warning, or a blocker if a move to that region could not be decided
    without it. A broken or unread resource of the active region is never a blocker, because a failover moves away from
    that region.
  - The writer, and so the active region, is read from Aurora.
  - Route 53 and IAM are read as well, although a failover itself never calls them. If they do not respond, their rows
    are unknown.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions whose control tables are read.
    type: list
    elements: str
    required: true
  expected:
    description:
      - Names that the manifest does not contain. A check whose name is missing is unknown.
    type: dict
    default: {}
    suboptions:
      secret_name:
        description: Name of the database's secret, the same in every region.
        type: str
      key_alias:
        description: Alias of each region's KMS key, with C(alias/).
        type: str
      vpc_name:
        description: Name tag of each region's VPC.
        type: str
      alarm_prefix:
        description: What the names of the platform's alarms begin with.
        type: str
      switch_prefix:
        description: What the names of the switch's health checks and alarms begin with.
        type: str
      runner_policy:
        description: Name of the IAM policy that lists what a runner of the playbooks must be allowed to do.
        type: str
      runner_arn:
        description: ARN of the user or role that runs the playbooks; the identity that runs this module if omitted.
        type: str
      protection:
        description: Whether clusters, tables and load balancers must be protected from deletion.
        type: bool
        default: false
      last_snapshot:
        description:
          - Whether a final snapshot is taken when a cluster is deleted. This is a choice at deletion, so it cannot be
            read from AWS.
        type: bool
      egress_ports:
        description: Ports on which instances may reach the internet; only 443 if omitted.
        type: list
        elements: int
      placeholder:
        description: Whether the application is the placeholder, which answers without asking the database.
        type: bool
        version_added: 0.3.0
  dns_servers:
    description:
      - Name servers to query for the platform's name, each as V(host), V(host:port) or V([IPv6 address]:port). If
        empty, those of the hosted zone.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  min_healthy_ratio:
    description:
      - Minimum share of registered targets that must be healthy, from 0 to 1.
    type: float
    default: 0.5
  max_replication_lag_ms:
    description:
      - The limit of the data loss in milliseconds that a failover would use. If more could be lost, or the loss is
        unknown, that is a blocker, because the failover would be refused.
    type: float
  max_sampled_lag_ms:
    description:
      - The limit in milliseconds of the newest sample of the lag that a failover would use.
    type: float
    version_added: 0.2.0
  warn_replication_lag_ms:
    description:
      - Lag in milliseconds above which there is a warning.
    type: float
    default: 1000
  max_lag_sample_age:
    description:
      - Age in seconds above which the newest sample of the lag is ignored.
    type: float
    default: 420
  cool_down:
    description:
      - Seconds after an unplanned move during which another one is refused.
    type: float
    default: 3600
  deadline:
    description:
      - Total number of seconds to wait for AWS. What has not responded by then is unknown.
    type: float
    default: 20
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.failover_plan_info
  - module: trading.multi_region.region_health_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Check whether a failover would succeed now
  trading.multi_region.region_readiness_info:
    table_name: trading-failover-prod
    regions: [us-east-1, us-east-2]
    expected:
      secret_name: trading-database-prod
      key_alias: alias/trading-prod
      vpc_name: trading-prod
      alarm_prefix: trading-
      switch_prefix: trading-prod
      runner_policy: trading-failover-runner-prod
      protection: true
      last_snapshot: true
  register: readiness

- name: Fail if the platform is not ready
  ansible.builtin.assert:
    that: readiness.ready
    fail_msg: "{{ readiness.rows | selectattr('state', 'eq', 'blocker') | map(attribute='reason') }}"
"""

RETURN = r"""
reason:
  description: One sentence with the figures of RV(summary) and the names of the checks that block.
  returned: success
  type: str
  sample: "A failover now would not work: 40 ok, 3 warnings, 1 blocker, 0 of them unknown. Blocked by: engine_parity."
rows:
  description: What each check found.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: The check's name.
      type: str
    region:
      description: The region that it concerns, or V(all).
      type: str
    state:
      description: V(ok), V(warning) or V(blocker).
      type: str
    reason:
      description: A sentence with figures.
      type: str
    remedy:
      description: What to do; empty if nothing has to be done.
      type: str
    is_unknown:
      description: Whether the state is due to something that could not be read.
      type: bool
  sample:
    - check: engine_parity
      region: us-east-2
      state: blocker
      reason: The cluster runs 8.0.mysql_aurora.3.12.0, the writer 8.0.mysql_aurora.3.10.5; they must be identical.
      remedy: Upgrade to one version; until then only method=detach can move there.
      is_unknown: false
summary:
  description: How many rows are C(ok), C(warnings) and C(blockers), and how many of the latter two are C(unknown).
  returned: success
  type: dict
  sample: {ok: 40, warnings: 3, blockers: 1, unknown: 0}
ready:
  description: Whether there is no blocker.
  returned: success
  type: bool
ready_regions:
  description: Standbys to which a failover is possible now, even if a blocker of another standby makes RV(ready) false.
  returned: success
  type: list
  elements: str
  sample: [us-east-2]
active_region:
  description: The region that holds the writer, or V(unknown).
  returned: success
  type: str
  sample: us-east-1
manifest_region:
  description: The region whose copy of the manifest is the most recent.
  returned: success
  type: str
  sample: us-east-2
copies:
  description: By region, when its copy of the manifest was written, V(absent) or V(unknown).
  returned: always
  type: dict
  sample: {us-east-1: "2026-01-01T03:00:00.000000Z", us-east-2: absent}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 1.4
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import MAX_SAMPLE_AGE
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.run import run

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "dns_servers": {"type": "list", "elements": "str", "default": [], "rule": rules.Each(rules.SERVER)},
    "expected": {
        "type": "dict",
        "default": {},
        "options": {
            "secret_name": {"type": "str", "no_log": False, "rule": rules.NAME},
            "key_alias": {"type": "str", "no_log": False, "rule": rules.NAME},
            "vpc_name": {"type": "str", "rule": rules.NAME},
            "alarm_prefix": {"type": "str", "rule": rules.NAME},
            "switch_prefix": {"type": "str", "rule": rules.NAME},
            "runner_policy": {"type": "str", "rule": rules.NAME},
            "runner_arn": {"type": "str", "rule": rules.RUNNER_ARN},
            "protection": {"type": "bool", "default": False},
            "last_snapshot": {"type": "bool"},
            "egress_ports": {"type": "list", "elements": "int", "rule": rules.Each(rules.PORT)},
            "placeholder": {"type": "bool"},
        },
    },
    "min_healthy_ratio": {"type": "float", "default": 0.5, "rule": rules.RATIO},
    "max_replication_lag_ms": {"type": "float", "rule": rules.MILLISECONDS},
    "max_sampled_lag_ms": {"type": "float", "rule": rules.MILLISECONDS},
    "warn_replication_lag_ms": {"type": "float", "default": 1000, "rule": rules.MILLISECONDS},
    "max_lag_sample_age": {"type": "float", "default": MAX_SAMPLE_AGE, "rule": rules.PERIOD},
    "cool_down": {"type": "float", "default": 3600, "rule": rules.COOL_DOWN},
    "deadline": {"type": "float", "default": 20, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
