# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options that say what the traffic switch of a platform is."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of module_utils/_traffic/backends.py:SWITCH_SPEC."""

    DOCUMENTATION = r"""
options:
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
        version_added: 0.2.0
      endpoint_group_arn:
        description: ARN of its endpoint group. Required with O(backend=global_accelerator).
        type: str
        version_added: 0.3.0
  object_key:
    description:
      - Key of the public object in every control bucket.
    type: str
    default: active-region
  backend:
    description:
      - Backend of the traffic switch.
      - V(s3_object) is one public object per region, and the fastest.
      - V(cloudwatch_metric) is one metric for each statement, with an alarm that a health check follows. Nothing is
        public, and the traffic moves about one minute later than with V(s3_object).
      - V(arc_routing_control) is one routing control per region, in a cluster that is billed by the hour.
      - V(global_accelerator) is one endpoint group per region of an accelerator, whose traffic dials are turned in
        us-west-2. Clients do not depend on DNS caches.
    type: str
    choices: [s3_object, cloudwatch_metric, arc_routing_control, global_accelerator]
    default: s3_object
  platform:
    description:
      - Prefix of the alarm names, and value of the dimension C(Platform) of the metrics. Required with
        O(backend=cloudwatch_metric).
    type: str
    version_added: 0.2.0
  metric_namespace:
    description:
      - Namespace of the metrics with O(backend=cloudwatch_metric).
    type: str
    version_added: 0.2.0
    default: Trading/TrafficSwitch
  cluster_endpoints:
    description:
      - The five endpoints of the routing control cluster. Required with O(backend=arc_routing_control).
      - They are tried in random order, each once. They are an option because looking them up would depend on a control
        plane.
    type: list
    version_added: 0.2.0
    elements: dict
    suboptions:
      region:
        description: Region of the endpoint, for which requests to it are signed.
        type: str
        required: true
      endpoint:
        description: URL of the endpoint.
        type: str
        required: true
"""
