#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_traffic
version_added: 0.1.0
short_description: Move the traffic to a region, or update the traffic switch of returning regions
description:
  - Controls the traffic switch of a platform in several regions. Each region publishes a few statements, and a tree of
    Route 53 health checks reads all of them, so that one write in the target region moves the traffic. Neither the
    Route 53 control plane nor the lost region is needed.
  - The statements of O(active_region) are written first; that alone moves the traffic. The statements of the other
    regions are updated afterwards, in parallel and on a best-effort basis, so that none of them takes the traffic back
    when it returns.
  - Without O(active_region) the traffic stays where it is, and regions that missed a takeover are updated. Run the
    module this way each time a region returns; it changes nothing if every region is up to date.
  - The guarantees and their reasons are documented in C(plugins/module_utils/_traffic/statements.py). The one
    precondition is that a region has received a takeover before it takes over from that new active region in turn;
    RV(may_take_back) lists regions for which that is not certain.
  - With O(backend=arc_routing_control) there are no statements. The region whose routing control is On has the traffic,
    and all controls are set in one transaction through any endpoint of the cluster that responds.
  - With O(backend=global_accelerator) there are no statements either. The region whose endpoint group has the only
    traffic dial above 0 has the traffic. The target is dialled up to 100 first, then the others down to 0. Global
    Accelerator's API is in us-west-2, so a loss of that region makes a move impossible. Without O(active_region) the
    module fails if the dials do not say where the traffic is.
  - "Source of the method: C(Creating disaster recovery mechanisms using Amazon Route 53), AWS Networking blog."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  active_region:
    description:
      - Region to which the traffic moves. If omitted, the traffic stays where it is.
    type: str
  safety_rules_to_override:
    description:
      - ARNs of safety rules of the control panel to override for this change. If omitted, no rule is overridden, and
        the module fails if a rule blocks the change.
    type: list
    version_added: 0.2.0
    elements: str
  deadline:
    description:
      - Seconds after which a region that has not responded counts as unreachable, once for the reads and once for the
        writes to the other regions.
      - The target region is written one second after it was read, whether or not the others have responded.
    type: float
    default: 3.0
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.region_traffic_info
  - module: trading.multi_region.route53_health_check
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.switch
  - trading.multi_region.silent_regions
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Move the traffic to the second region
  trading.multi_region.region_traffic:
    active_region: us-east-2
    regions:
      - region: us-east-1
        bucket: trading-control-us-east-1-dev
      - region: us-east-2
        bucket: trading-control-us-east-2-dev

- name: Update a region that has returned, and leave the traffic where it is
  trading.multi_region.region_traffic:
    regions:
      - region: us-east-1
        bucket: trading-control-us-east-1-dev
      - region: us-east-2
        bucket: trading-control-us-east-2-dev

- name: Move the traffic with the metrics backend
  trading.multi_region.region_traffic:
    active_region: us-east-2
    backend: cloudwatch_metric
    platform: trading-dev
    regions:
      - region: us-east-1
      - region: us-east-2

- name: Move the traffic with the routing control backend
  trading.multi_region.region_traffic:
    active_region: us-east-2
    backend: arc_routing_control
    regions:
      - region: us-east-1
        routing_control_arn: '{{ traffic_routing_controls["us-east-1"] }}'
      - region: us-east-2
        routing_control_arn: '{{ traffic_routing_controls["us-east-2"] }}'
    cluster_endpoints: '{{ traffic_cluster_endpoints }}'

- name: Move the traffic with the accelerator backend
  trading.multi_region.region_traffic:
    active_region: us-east-2
    backend: global_accelerator
    regions:
      - region: us-east-1
        endpoint_group_arn: '{{ edge.accelerator.endpoint_groups["us-east-1"] }}'
      - region: us-east-2
        endpoint_group_arn: '{{ edge.accelerator.endpoint_groups["us-east-2"] }}'
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: always
  type: str
  sample: The traffic was moved from us-east-1 to us-east-2.
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 1.204
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
before:
  description:
    - Active region before, according to the regions that responded. V(unknown) if traffic dials do not say it.
  returned: success
  type: str
  sample: us-east-1
after:
  description: Active region after, or as it would be in check mode.
  returned: success
  type: str
  sample: us-east-2
told:
  description: Other regions whose statements are up to date.
  returned: success
  type: list
  elements: str
  sample: []
not_told:
  description:
    - Regions whose statements are not up to date yet. They do not take the traffic back, but the traffic may move if
      the active region's object cannot be read either.
  returned: success
  type: list
  elements: str
  sample: [us-east-1]
not_seen:
  description:
    - The active region, if Route 53's health checkers read something else than what its object contains, so that the
      name does not follow the switch. RV(reason) says so.
    - With O(backend=global_accelerator), if no load balancer of the active region is healthy, so that clients are sent
      elsewhere. Always empty with other backends.
  returned: success
  type: list
  elements: str
  version_added: 0.3.0
  sample: []
errors:
  description: Why a region could not be read, written or updated, by region.
  returned: success, or when the region that takes over could not be read
  type: dict
  sample:
    us-east-1: no answer within 3.0 s
may_take_back:
  description:
    - Unreachable regions that O(active_region) already claimed over before this run. If one of them took over while
      O(active_region) was lost, and O(active_region) never received that takeover, the traffic moves back to it when it
      returns. Run the module again as soon as it can be reached.
  returned: success
  type: list
  elements: str
  sample: []
statements:
  description:
    - Current statements of every region, V(null) if they could not be read. With O(backend=arc_routing_control) the
      state of its routing control, V(On) or V(Off); with O(backend=global_accelerator) its traffic dial in percent.
  returned: success
  type: dict
  sample:
    us-east-1:
    us-east-2: ["[us-east-2 claims over us-east-1]"]
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import SILENT_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.backends import SWITCH_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.switch import run, s3_module

SAFETY_RULES = rules.Each(
    rules.arn("route53-recovery-control", r"controlpanel/[^/]+/safetyrule/[^/]+", "a safety rule")
)
ARGUMENT_SPEC = {
    "active_region": {"type": "str", "rule": rules.REGION_OR_UNKNOWN},
    **SWITCH_SPEC,
    "safety_rules_to_override": {"type": "list", "elements": "str", "rule": SAFETY_RULES},
    "deadline": {"type": "float", "default": 3.0, "rule": rules.DEADLINE},
    **LEASE_SPEC,
    **SILENT_SPEC,
    **TIMEOUT_SPEC,
}


def turn(module):
    """Return what the switch did, after a warning for each region that may take the traffic back."""
    result = run(module.params, clients_for(s3_module(module)), module.check_mode)
    for region in result["may_take_back"]:
        module.warn(
            f"{region} cannot be reached, and {result['after']} claimed to be ahead of it before. If {region} took "
            "over since, it gets the traffic back when it returns: run again as soon as it can be reached."
        )
    return result


def main():
    run_module(turn, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
