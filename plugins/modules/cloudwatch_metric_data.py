#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudwatch_metric_data
version_added: 0.2.0
short_description: Publish custom CloudWatch metrics in several regions
description:
  - Publishes one data point for each metric, in all regions in parallel.
  - One region that accepts the data points is enough. The module waits no longer than three seconds for the others.
  - "Source: C(PutMetricData) of the CloudWatch API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  metric_namespace:
    description:
      - Namespace of the metrics. Names that begin with C(AWS/) are reserved.
    type: str
    required: true
  metrics:
    description:
      - Value of each metric, by name. A null value is unknown and is not published.
    type: dict
    required: true
  units:
    description:
      - Unit of a metric, by name, such as V(Seconds), V(Milliseconds) or V(Count). Metrics that are omitted have no
        unit.
    type: dict
    default: {}
  dimensions:
    description:
      - Value of each dimension, by name; the same for all metrics.
    type: dict
    default: {}
  regions:
    description:
      - Regions in which they are published.
    type: list
    elements: str
    required: true
  best_effort:
    description:
      - Whether to continue if no region accepted the data points. RV(reason) and RV(not_published) then report it.
    type: bool
    default: false
  deadline:
    description:
      - Seconds after which a region that has not responded is listed in RV(not_published).
    type: float
    default: 8
attributes:
  check_mode:
    support: full
    details:
      - Nothing is published, and RV(published) is empty.
  diff_mode:
    support: N/A
  idempotent:
    support: none
    details:
      - Every run publishes another data point.
seealso:
  - module: trading.multi_region.cloudwatch_dashboard
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Publish the duration of the move
  trading.multi_region.cloudwatch_metric_data:
    metric_namespace: Trading/MultiRegion
    metrics:
      RecoveryTime: 48.8
    units:
      RecoveryTime: Seconds
    dimensions:
      Platform: trading-prod
    regions: [us-east-2]
    best_effort: true
    deadline: 3
"""

RETURN = r"""
reason:
  description: One sentence on what was published, and where.
  returned: success
  type: str
  sample: RecoveryTime published in us-east-2.
published:
  description: Regions that accepted the data points.
  returned: always
  type: list
  elements: str
  sample: [us-east-2]
not_published:
  description: Why a region did not accept the data points, by region.
  returned: always
  type: dict
  sample: {us-east-1: no answer within 3.0 s}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.1
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring.metric_data import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

FIGURE = rules.Value("a number, or null if unknown", rules.is_figure)
UNIT = rules.one_of(("Seconds", "Microseconds", "Milliseconds", "Bytes", "Percent", "Count", "Count/Second", "None"))
ARGUMENT_SPEC = {
    "metric_namespace": {"type": "str", "required": True, "rule": rules.NAMESPACE},
    "metrics": {"type": "dict", "required": True, "rule": rules.ByKey(rules.line(255), FIGURE)},
    "units": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.line(255), UNIT)},
    "dimensions": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.line(255), rules.line(1024))},
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "best_effort": {"type": "bool", "default": False},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
