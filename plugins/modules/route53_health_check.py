#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: route53_health_check
version_added: 0.1.0
short_description: Manage Route 53 health checks of any type by name
description:
  - Creates, changes and deletes health checks of all types, including inverted checks and the types
    C(CLOUDWATCH_METRIC) and C(RECOVERY_CONTROL), which M(amazon.aws.route53_health_check) lacks.
  - A check is found by its name, which is both its caller reference (or the beginning of it) and its tag C(Name).
    Checks that were created by other means are never changed.
  - Settings whose options are omitted are not changed.
  - The module fails on a change that Route 53 does not support (type, interval, latency measurement, routing control),
    because a new check would have a new id that existing records do not reference.
  - "Source: C(CreateHealthCheck), C(UpdateHealthCheck) and C(HealthCheckConfig) of the Route 53 API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  name:
    description:
      - Name of the check, unique in the account, 1 to 50 characters, without C(@).
    type: str
    required: true
  state:
    description:
      - Whether the check exists.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - What is checked. Required when O(state=present).
    type: str
    choices: [HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH, TCP, CALCULATED, CLOUDWATCH_METRIC, RECOVERY_CONTROL]
  fqdn:
    description:
      - Domain name to check, also sent as the C(Host) header.
    type: str
  ip_address:
    description:
      - Address to check. Without it O(fqdn) is resolved.
    type: str
  port:
    description:
      - Port to check. Route 53 defaults to V(80) or V(443).
    type: int
  resource_path:
    description:
      - Path to request.
    type: str
  search_string:
    description:
      - Text that must be in the first 5120 bytes of the response, up to 255 characters.
      - Required with O(type=HTTP_STR_MATCH) and O(type=HTTPS_STR_MATCH).
    type: str
  request_interval:
    description:
      - Seconds between two requests of one checker. Cannot be changed.
    type: int
    choices: [10, 30]
  failure_threshold:
    description:
      - Number of consecutive results, V(1) to V(10), that change the check's state.
    type: int
  inverted:
    description:
      - Whether to invert the result of the check.
    type: bool
  measure_latency:
    description:
      - Whether latency is measured. Cannot be changed.
    type: bool
  enable_sni:
    description:
      - Whether the host name is sent in the TLS handshake. A new check of an HTTPS type with O(fqdn) does it by
        default.
    type: bool
  child_health_checks:
    description:
      - Ids of the checks that a check of O(type=CALCULATED) counts.
    type: list
    elements: str
  health_threshold:
    description:
      - How many of O(child_health_checks) must be healthy. With V(0) the check is always healthy, with more than their
        number it never is.
    type: int
  alarm:
    description:
      - CloudWatch alarm that a check of O(type=CLOUDWATCH_METRIC) follows.
    type: dict
    suboptions:
      region:
        description:
          - Region of the alarm.
        type: str
        required: true
      name:
        description:
          - Name of the alarm.
        type: str
        required: true
      insufficient_data_health_status:
        description:
          - Status of the check while the alarm has insufficient data.
        type: str
        choices: [Healthy, Unhealthy, LastKnownStatus]
  routing_control_arn:
    description:
      - Routing control that a check of O(type=RECOVERY_CONTROL) follows. Cannot be changed.
    type: str
  tags:
    description:
      - Tags to add or change. Other tags are kept.
    type: dict
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: amazon.aws.route53_health_check
  - module: amazon.aws.route53
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Healthy as long as the standby's object does not claim the traffic
  trading.multi_region.route53_health_check:
    name: trading-dev-not-claimed
    type: HTTPS_STR_MATCH
    fqdn: trading-control-us-east-2-dev.s3.us-east-2.amazonaws.com
    port: 443
    resource_path: /active-region
    search_string: '[us-east-2 claims over us-east-1]'
    inverted: true
    request_interval: 10
    failure_threshold: 3
  register: not_claimed

- name: Healthy while all of the given checks are
  trading.multi_region.route53_health_check:
    name: trading-dev-ahead
    type: CALCULATED
    child_health_checks:
      - '{{ not_claimed.health_check_id }}'
    health_threshold: 1

- name: Follow an alarm
  trading.multi_region.route53_health_check:
    name: trading-dev-alarm
    type: CLOUDWATCH_METRIC
    alarm:
      region: us-east-2
      name: trading-switch-dev
      insufficient_data_health_status: LastKnownStatus

- name: Remove a check
  trading.multi_region.route53_health_check:
    name: trading-dev-alarm
    state: absent
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: The health check trading-dev-ahead is created.
health_check_id:
  description: Id of the check, null if there is none, and in check mode if it would be created.
  returned: success
  type: str
  sample: 7a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
health_check:
  description: The check as read back, an empty dictionary if there is none.
  returned: success
  type: dict
  contains:
    id:
      description: Id.
      type: str
      sample: 7a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
    caller_reference:
      description: The name, or the name followed by C(@) and a random part.
      type: str
      sample: trading-dev-ahead
    version:
      description: Version of the check, raised by every change.
      type: int
      sample: 1
    config:
      description: HealthCheckConfig with the field names of the Route 53 API.
      type: dict
      sample: {"Type": "CALCULATED", "HealthThreshold": 1}
    tags:
      description: Tags.
      type: dict
      sample: {"Name": "trading-dev-ahead"}
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
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidInput
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.health_checks import run

TYPES = [
    "HTTP",
    "HTTPS",
    "HTTP_STR_MATCH",
    "HTTPS_STR_MATCH",
    "TCP",
    "CALCULATED",
    "CLOUDWATCH_METRIC",
    "RECOVERY_CONTROL",
]
ALARM_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "name": {"type": "str", "required": True, "rule": rules.NAME},
    "insufficient_data_health_status": {"type": "str", "choices": ["Healthy", "Unhealthy", "LastKnownStatus"]},
}
CHECK_IDS = rules.Each(rules.text(r"[0-9A-Za-z-]{1,64}", "the id of a health check"))
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "rule": rules.NAME},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "type": {"type": "str", "choices": TYPES},
    "fqdn": {"type": "str", "rule": rules.HOST},
    "ip_address": {"type": "str", "rule": rules.ADDRESS},
    "port": {"type": "int", "rule": rules.PORT},
    "resource_path": {"type": "str", "rule": rules.PATH},
    "search_string": {"type": "str", "rule": rules.line(255)},
    "request_interval": {"type": "int", "choices": [10, 30]},
    "failure_threshold": {"type": "int", "rule": rules.number(1, 10)},
    "inverted": {"type": "bool"},
    "measure_latency": {"type": "bool"},
    "enable_sni": {"type": "bool"},
    "child_health_checks": {"type": "list", "elements": "str", "rule": CHECK_IDS},
    "health_threshold": {"type": "int", "rule": rules.number(0, 256)},
    "alarm": {"type": "dict", "options": ALARM_SPEC},
    "routing_control_arn": {"type": "str", "rule": rules.CONTROL_ARN},
    "tags": {"type": "dict", "rule": rules.TAGS},
    **TIMEOUT_SPEC,
}
REQUIRED_IF = [
    ("state", "present", ["type"]),
    ("type", "HTTP", ["fqdn", "ip_address"], True),
    ("type", "HTTPS", ["fqdn", "ip_address"], True),
    ("type", "TCP", ["fqdn", "ip_address"], True),
    ("type", "HTTP_STR_MATCH", ["fqdn", "ip_address"], True),
    ("type", "HTTP_STR_MATCH", ["search_string"]),
    ("type", "HTTPS_STR_MATCH", ["fqdn", "ip_address"], True),
    ("type", "HTTPS_STR_MATCH", ["search_string"]),
    ("type", "CALCULATED", ["child_health_checks", "health_threshold"]),
    ("type", "CLOUDWATCH_METRIC", ["alarm"]),
    ("type", "RECOVERY_CONTROL", ["routing_control_arn"]),
]


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_if=REQUIRED_IF,
    )


if __name__ == "__main__":
    main()
