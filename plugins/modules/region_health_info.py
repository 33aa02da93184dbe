#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_health_info
version_added: 0.1.0
short_description: Report the health of the regions of the platform
description:
  - Reads all signals of all regions in parallel and returns within O(deadline), even if some do not respond.
  - A signal is V(healthy), V(unhealthy) or V(unknown). What could not be read is V(unknown) and never counts as healthy
    or unhealthy.
  - A region is unhealthy when one of O(deciding_signals) is, else unknown when one of them is, else healthy. The other
    signals are informational.
  - "C(load_balancer_targets): at least O(min_healthy_ratio) of the registered targets, and at least one, are healthy. A
    region without registered targets is unhealthy."
  - "C(database): the regional cluster is not in a failed or stopped state and has an instance that is available.
    Transient states, such as C(failing-over), are not unhealthy."
  - "C(replication_lag): the newest sample of the lag, in regions that do not hold the writer."
  - "C(session_table): the state of the region's replica of the session table."
  - "C(route53_checkers): more than 18 percent of Route 53's checkers reach the endpoint. Route 53's API is the same for
    all regions, so this signal is informational."
  - "C(endpoint_probe): the endpoint answers a GET with a status below 400. No response is unknown, because the fault
    may be on the client's side."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  manifest:
    description:
      - The recovery manifest, as M(trading.multi_region.failover_manifest_info) returns it.
    type: dict
  regions:
    description:
      - Region entries in the manifest's format. They take precedence over the manifest's.
      - A signal whose member is missing from the entry is unknown. The members are C(region), C(target_group_arn),
        C(db_cluster_identifier), C(session_table), C(health_check_id) and C(load_balancer_dns_name).
    type: list
    elements: dict
  global_cluster_identifier:
    description:
      - Identifier of the Aurora global database; default from the manifest.
    type: str
  domain:
    description:
      - Name that clients use; with O(scheme=https) the endpoint's certificate must carry it. Default from the manifest.
    type: str
  health_path:
    description:
      - Path that the probe requests. Default from the manifest, else C(/health).
    type: str
  scheme:
    description:
      - Scheme that the probe uses. Default from the manifest, else C(http).
    type: str
    choices: [http, https]
  signals:
    description:
      - The signals to read. Those of O(deciding_signals) are always read.
    type: list
    elements: str
    choices: [load_balancer_targets, database, replication_lag, session_table, route53_checkers, endpoint_probe]
    default: [load_balancer_targets, database, replication_lag, session_table, route53_checkers, endpoint_probe]
  deciding_signals:
    description:
      - The signals that decide the verdict.
    type: list
    elements: str
    choices: [load_balancer_targets, database, replication_lag, session_table, route53_checkers, endpoint_probe]
    default: [load_balancer_targets, database]
  capacity:
    description:
      - Whether to read the desired capacity of the regions' Auto Scaling groups, or the desired count of their ECS
        services, too. It decides nothing.
    type: bool
    default: false
    version_added: 0.3.0
  min_healthy_ratio:
    description:
      - Minimum share of registered targets that must be healthy, from 0 to 1.
    type: float
    default: 0.5
  max_replication_lag_ms:
    description:
      - Replication lag in milliseconds above which C(replication_lag) is unhealthy.
    type: float
    default: 1000
  max_lag_sample_age:
    description:
      - Age in seconds above which the newest sample of the lag is ignored.
    type: float
    default: 420
  deadline:
    description:
      - Total number of seconds to wait for AWS. What has not responded by then is unknown.
    type: float
    default: 8
  probe_proxy:
    description:
      - URL of the HTTP proxy for C(endpoint_probe). The environment's proxies are not used.
    type: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.failover_plan_info
  - module: trading.multi_region.failover_manifest_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.silent_regions
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Read the manifest
  trading.multi_region.failover_manifest_info:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
  register: recovery

- name: Read the health of every region
  trading.multi_region.region_health_info:
    manifest: "{{ recovery.manifest }}"
  register: health

- name: Read the health of the load balancers only
  trading.multi_region.region_health_info:
    regions: "{{ recovery.manifest.regions }}"
    deciding_signals: [load_balancer_targets]
    signals: [load_balancer_targets]
"""

RETURN = r"""
reason:
  description: One sentence for each region with its verdict and the figures behind it.
  returned: success
  type: str
  sample: >-
    us-east-1 is unhealthy: load_balancer_targets: Only 0 of 2 registered targets are healthy; at least 50% and one are
    needed.
verdicts:
  description: The verdict on each region, by region.
  returned: success
  type: dict
  sample:
    us-east-2:
      verdict: healthy
      reason: 2 of 2 registered targets are healthy; at least 50% and one are needed.
      signals:
        load_balancer_targets:
          state: healthy
          value: {registered: 2, healthy: 2, states: {healthy: 2}}
          reason: 2 of 2 registered targets are healthy; at least 50% and one are needed.
          seconds: 0.113
  contains:
    verdict:
      description: V(healthy), V(unhealthy) or V(unknown).
      type: str
    reason:
      description: The deciding signals' sentences.
      type: str
    signals:
      description:
        - Each signal's C(state), C(value) (what was read, or null), C(reason) and C(seconds), by its name.
        - The value of C(replication_lag) is the newest sample, and C(stream) with C(progressed_at), the time in epoch
          seconds of the last sample that shows progress of the replication, and C(silent_seconds), for how long after
          it the cluster's C(CPUUtilization) was sampled, or null if it was not sampled at all.
      type: dict
healthy_regions:
  description: Regions whose verdict is healthy.
  returned: success
  type: list
  elements: str
  sample: [us-east-2]
unhealthy_regions:
  description: Regions whose verdict is unhealthy.
  returned: success
  type: list
  elements: str
  sample: []
unknown_regions:
  description: Regions whose verdict is unknown.
  returned: success
  type: list
  elements: str
  sample: [us-east-1]
writer_region:
  description: Region of the writer as seen by a standby, else by any region that responded; or V(unknown).
  returned: success
  type: str
  sample: us-east-1
silent_regions:
  description:
    - Regions in which no call succeeded and whose endpoint did not respond, as the modules that call several regions
      take them.
  returned: success
  type: list
  elements: str
  version_added: 0.3.0
  sample: [us-east-1]
capacity:
  description:
    - Desired capacity of the regions' groups or services that were read, by region, and of those beside the platform's
      own by C(region/group). Empty without O(capacity).
  returned: success
  type: dict
  sample: {us-east-1: 4, us-east-2: 2}
checked_at:
  description: When the reading started, ISO 8601 in UTC.
  returned: success
  type: str
  sample: "2026-01-01T03:00:00.000000Z"
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.9
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import SILENT_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import MAX_SAMPLE_AGE
from ansible_collections.trading.multi_region.plugins.module_utils._health.regions import run
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import DECIDING, SIGNALS
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

ARGUMENT_SPEC = {
    "manifest": {"type": "dict", "rule": rules.MANIFEST},
    "regions": {"type": "list", "elements": "dict", "rule": rules.ENTRIES},
    "global_cluster_identifier": {"type": "str", "rule": rules.CLUSTER},
    "domain": {"type": "str", "rule": rules.HOST},
    "health_path": {"type": "str", "rule": rules.PATH},
    "scheme": {"type": "str", "choices": ["http", "https"]},
    "signals": {"type": "list", "elements": "str", "choices": list(SIGNALS), "default": list(SIGNALS)},
    "deciding_signals": {
        "type": "list",
        "elements": "str",
        "choices": list(SIGNALS),
        "default": list(DECIDING),
        "rule": rules.Each(rules.NAME, 1),
    },
    "capacity": {"type": "bool", "default": False},
    "min_healthy_ratio": {"type": "float", "default": 0.5, "rule": rules.RATIO},
    "max_replication_lag_ms": {"type": "float", "default": 1000, "rule": rules.MILLISECONDS},
    "max_lag_sample_age": {"type": "float", "default": MAX_SAMPLE_AGE, "rule": rules.PERIOD},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    "probe_proxy": {"type": "str", "rule": rules.URL},
    **SILENT_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module)),
        ARGUMENT_SPEC,
        required_one_of=[("manifest", "regions")],
    )


if __name__ == "__main__":
    main()
