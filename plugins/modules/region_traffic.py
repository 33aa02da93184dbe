#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_traffic
version_added: 0.1.0
short_description: Move the traffic to a region, or tell returning regions where it is
description:
  - The traffic switch of a platform in several regions. Each region keeps a few statements of its own, and a tree of
    Route 53 health checks reads them all, so that moving the traffic is one write in the region that takes over.
    Neither the Route 53 control plane nor the lost region is needed.
  - The statements of O(active_region) are written first; that alone moves the traffic. The other regions are
    told afterwards, best effort and side by side, so that none of them takes the traffic back when it returns.
  - Without O(active_region) the traffic stays where it is, and regions that missed a take-over are told about it. Run
    this way after every return of a region; it changes nothing when everybody has been told.
  - What holds and why is written in C(plugins/module_utils/_traffic/statements.py). The one precondition is that a
    region has been told of a take-over before it takes over from that taker in turn; RV(may_take_back) names regions
    for which that is not certain.
  - With O(backend=arc_routing_control) there are no statements. The region whose routing control is On has the traffic,
    and all controls are set in one transaction through whichever of the cluster's end points answers.
  - "Source of the method: C(Creating disaster recovery mechanisms using Amazon Route 53), AWS Networking blog."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  active_region:
    description:
      - Region that is to have the traffic. Left out, the traffic stays where it is.
    type: str
  regions:
    description:
      - All regions of the platform, in the order in which the health checks and records were built.
    type: list
    elements: dict
    required: true
    suboptions:
      region:
        description: Region.
        type: str
        required: true
      bucket:
        description: Its control bucket. Required with O(backend=s3_object).
        type: str
      routing_control_arn:
        description: ARN of its routing control. Required with O(backend=arc_routing_control).
        type: str
  object_key:
    description:
      - Key of the public object in every control bucket.
    type: str
    default: active-region
  backend:
    description:
      - What carries the switch.
      - V(s3_object) is one public object per region, and the fastest.
      - V(cloudwatch_metric) is one metric for each statement, with an alarm that a health check follows. Nothing is
        public, and the traffic moves about a minute later.
      - V(arc_routing_control) is one routing control per region, in a cluster that is paid for by the hour.
    type: str
    choices: [s3_object, cloudwatch_metric, arc_routing_control]
    default: s3_object
  platform:
    description:
      - What names of alarms begin with, and dimension C(Platform) of the metrics. Required with
        O(backend=cloudwatch_metric).
    type: str
  metric_namespace:
    description:
      - Namespace of the metrics with O(backend=cloudwatch_metric).
    type: str
    default: Trading/TrafficSwitch
  cluster_endpoints:
    description:
      - The five end points of the routing control cluster. Required with O(backend=arc_routing_control).
      - They are tried in random order, each once. Looking them up needs a control plane, so they are given.
    type: list
    elements: dict
    suboptions:
      region:
        description: Region of the end point, which requests to it are signed for.
        type: str
        required: true
      endpoint:
        description: URL of the end point.
        type: str
        required: true
  safety_rules_to_override:
    description:
      - ARNs of safety rules of the control panel that must not stop this change. Left out, no rule is overridden, and
        a rule that says no fails the module.
    type: list
    elements: str
  deadline:
    description:
      - Seconds after which a region that has not answered counts as not reachable, for the reads and again for the
        writes to the other regions.
      - The region that takes over is written to a second after it was read, whether the others have answered or not.
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

- name: Tell a region that has returned, and leave the traffic where it is
  trading.multi_region.region_traffic:
    regions:
      - region: us-east-1
        bucket: trading-control-us-east-1-dev
      - region: us-east-2
        bucket: trading-control-us-east-2-dev

- name: The same by metrics
  trading.multi_region.region_traffic:
    active_region: us-east-2
    backend: cloudwatch_metric
    platform: trading-dev
    regions:
      - region: us-east-1
      - region: us-east-2

- name: The same by routing controls
  trading.multi_region.region_traffic:
    active_region: us-east-2
    backend: arc_routing_control
    regions:
      - region: us-east-1
        routing_control_arn: '{{ traffic_routing_controls["us-east-1"] }}'
      - region: us-east-2
        routing_control_arn: '{{ traffic_routing_controls["us-east-2"] }}'
    cluster_endpoints: '{{ traffic_cluster_endpoints }}'
"""

RETURN = r"""
reason:
  description: One sentence on what was done, or why nothing was.
  returned: always
  type: str
  sample: The traffic was moved from us-east-1 to us-east-2.
seconds:
  description: Seconds the module took between its first and its last call.
  returned: always
  type: float
  sample: 1.204
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
before:
  description: Active region before, as far as the regions that answered say.
  returned: success
  type: str
  sample: us-east-1
after:
  description: Active region after, or as it would be in check mode.
  returned: success
  type: str
  sample: us-east-2
told:
  description: Other regions that know where the traffic is.
  returned: success
  type: list
  elements: str
  sample: []
not_told:
  description:
    - Regions that do not know yet. They take nothing back, but the traffic does not stay put when the active region's
      object cannot be read either.
  returned: success
  type: list
  elements: str
  sample: [us-east-1]
errors:
  description: Why a region could not be read, written or told, by region.
  returned: success, or when the region that takes over could not be read
  type: dict
  sample:
    us-east-1: no answer within 3.0 s
may_take_back:
  description:
    - Unreachable regions that O(active_region) had claimed to be ahead of before this run. When one of them took over
      while O(active_region) was lost, and that was never told, it has the traffic again on its return. Run once more as
      soon as it can be reached.
  returned: success
  type: list
  elements: str
  sample: []
statements:
  description:
    - What every region says now, V(null) where it could not be read. With O(backend=arc_routing_control) the state of
      its routing control, V(On) or V(Off).
  returned: success
  type: dict
  sample:
    us-east-1:
    us-east-2: ["[us-east-2 claims over us-east-1]"]
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    BACKENDS,
    S3_OBJECT,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.switch import run, s3_module

SAFETY_RULES = rules.Each(
    rules.arn("route53-recovery-control", r"controlpanel/[^/]+/safetyrule/[^/]+", "a safety rule")
)
REGION_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "bucket": {"type": "str", "rule": rules.BUCKET},
    "routing_control_arn": {"type": "str", "rule": rules.CONTROL_ARN},
}
ENDPOINT_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "endpoint": {"type": "str", "required": True, "rule": rules.URL},
}
ARGUMENT_SPEC = {
    "active_region": {"type": "str", "rule": rules.REGION_OR_UNKNOWN},
    "regions": {"type": "list", "elements": "dict", "required": True, "options": REGION_SPEC},
    "object_key": {"type": "str", "default": "active-region", "no_log": False, "rule": rules.line(1024)},
    "backend": {"type": "str", "choices": list(BACKENDS), "default": S3_OBJECT},
    "platform": {"type": "str", "rule": rules.NAME},
    "metric_namespace": {"type": "str", "default": "Trading/TrafficSwitch", "rule": rules.NAMESPACE},
    "cluster_endpoints": {"type": "list", "elements": "dict", "options": ENDPOINT_SPEC},
    "safety_rules_to_override": {"type": "list", "elements": "str", "rule": SAFETY_RULES},
    "deadline": {"type": "float", "default": 3.0, "rule": rules.DEADLINE},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def turn(module):
    """Return what the switch did, after a warning for each region that may take the traffic back."""
    result = run(module.params, clients_for(s3_module(module)), module.check_mode)
    for region in result["may_take_back"]:
        module.warn(
            f"{region} cannot be reached, and {result['after']} claimed to be ahead of it before. If {region} took "
            "over since, it has the traffic again on its return: run once more as soon as it can be reached."
        )
    return result


def main():
    run_module(turn, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
