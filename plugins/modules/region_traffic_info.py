#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_traffic_info
version_added: 0.1.0
short_description: Report which region a name resolves to, as seen from outside
description:
  - Queries the zone's name servers for O(domain), bypassing all caches, and compares the addresses with those of each
    region's load balancer. An alias record returns addresses only.
  - With O(probe_path) it also sends a request to the endpoint at that address, as a client would.
  - With O(wait_timeout) it repeats the query until the name resolves to O(expected_region) and the endpoint responds,
    and fails when the timeout expires.
  - With O(manifest) it compares the name with the switch, as the switch is stored and as Route 53's health checkers
    read it, which is without credentials. Each difference is one of RV(problems), with its remedy.
  - With O(accelerator) the name resolves to the addresses of the accelerator, and the region is the one to which its
    traffic dials lead, once they are deployed and if a load balancer there is healthy.
  - It makes no call to AWS, except to renew O(lease) while it waits, to read the switch of O(manifest), and to ask
    O(accelerator). The options for AWS are accepted so that defaults of the action group apply to it.
requirements:
  - dnspython >= 2.4
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  manifest:
    description:
      - The recovery manifest, as M(trading.multi_region.failover_manifest_info) returns it, to compare the name with
        the switch. It also provides O(domain), O(load_balancers) and O(dns_servers) if they are omitted.
    type: dict
    version_added: 0.3.0
  domain:
    description:
      - Name that clients use. Required without O(manifest).
    type: str
  load_balancers:
    description:
      - DNS name of each region's load balancer, by region. Required without O(manifest).
    type: dict
  accelerator:
    description:
      - Accelerator of Global Accelerator that the name leads to, instead of the load balancers themselves.
      - O(manifest) provides it if the traffic switch uses one.
    type: dict
    version_added: 0.3.0
    suboptions:
      arn:
        description: ARN of the accelerator.
        type: str
        required: true
      dns_name:
        description: DNS name of the accelerator. It is not used.
        type: str
      addresses:
        description: Its static addresses.
        type: list
        elements: str
        required: true
      endpoint_groups:
        description: ARN of each region's endpoint group, by region.
        type: dict
        required: true
  deadline:
    description:
      - Total number of seconds to wait for the switch of O(manifest). What has not responded by then is unknown.
    type: float
    default: 8
    version_added: 0.3.0
  dns_servers:
    description:
      - Name servers to query, each as V(host), V(host:port) or V([IPv6 address]:port). Load balancers are looked up
        there too, and through the system's resolver if these servers do not respond for them.
      - If empty, the name servers of the zone are found through the system's resolver.
    type: list
    elements: str
    default: []
  probe_path:
    description:
      - Path to request from the endpoint. If omitted, the endpoint is not probed. Any status below 400 is a success.
    type: str
  probe_scheme:
    description:
      - Scheme of the request. With V(https) the certificate must be valid for O(domain).
    type: str
    choices: [http, https]
    default: http
  probe_proxy:
    description:
      - URL of an HTTP proxy for the probe, which then resolves O(domain) itself. Proxies from the environment are not
        used.
    type: str
  answer_timeout:
    description:
      - Seconds to wait for the answer to one DNS query, and for the endpoint to connect and to respond.
    type: float
    default: 3.0
  expected_region:
    description:
      - Region to which the name is expected to resolve. If omitted, any region of O(load_balancers).
    type: str
  wait_timeout:
    description:
      - Seconds to wait for the expected result. V(0) checks once and does not fail.
    type: int
    default: 0
  poll_interval:
    description:
      - Seconds between two checks, V(1) or more.
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
  - module: trading.multi_region.region_traffic
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Wait until clients reach the second region
  trading.multi_region.region_traffic_info:
    domain: trading-platform-dev.example.com
    load_balancers:
      us-east-1: trading-alb-dev-1.us-east-1.elb.amazonaws.com
      us-east-2: trading-alb-dev-2.us-east-2.elb.amazonaws.com
    probe_path: /health
    expected_region: us-east-2
    wait_timeout: 300
  register: outside

- name: Check once
  trading.multi_region.region_traffic_info:
    domain: trading-platform-dev.example.com
    load_balancers:
      us-east-1: trading-alb-dev-1.us-east-1.elb.amazonaws.com
      us-east-2: trading-alb-dev-2.us-east-2.elb.amazonaws.com
    dns_servers: ["127.0.0.1:5353"]

- name: Compare the name with the switch
  trading.multi_region.region_traffic_info:
    manifest: "{{ recovery.manifest }}"
  register: outside

- name: Report what differs
  ansible.builtin.debug:
    msg: "{{ outside.problems }}"
"""

RETURN = r"""
active_region:
  description: Region whose load balancer the name resolves to, V(unknown) if that cannot be determined.
  returned: success, or when O(wait_timeout) is over
  type: str
  sample: us-east-2
reason:
  description: One sentence on how that was determined.
  returned: success, or when O(wait_timeout) is over
  type: str
  sample: "trading-platform-dev.example.com: It points at the load balancer of us-east-2."
addresses:
  description: Addresses of the name.
  returned: success, or when O(wait_timeout) is over
  type: list
  elements: str
  sample: [192.0.2.10, 192.0.2.11]
load_balancers:
  description: Addresses of each region's load balancer with C(addresses), and C(error) if it could not be looked up.
  returned: success, or when O(wait_timeout) is over
  type: dict
  sample:
    us-east-2:
      addresses: [192.0.2.10, 192.0.2.11]
      error:
probe:
  description: The response of the endpoint, null without O(probe_path).
  returned: success, or when O(wait_timeout) is over
  type: dict
  contains:
    status:
      description: HTTP status, null if there was no response.
      type: int
      sample: 200
    seconds:
      description: Seconds until the response.
      type: float
      sample: 0.031
    error:
      description: Why there was no response.
      type: str
      sample:
error:
  description: Why the name could not be looked up, null if it was.
  returned: success, or when O(wait_timeout) is over
  type: str
  version_added: 0.3.0
  sample:
switch_region:
  description: Region to which the name should lead by what the switch contains, or V(unknown).
  returned: success with O(manifest)
  type: str
  version_added: 0.3.0
  sample: us-east-2
switch:
  description:
    - What was read of the switch, by region. C(statements) are those it contains, C(public_statements) those that a
      client without credentials reads, null if the object is closed or absent. With other backends, their own facts.
  returned: success with O(manifest)
  type: dict
  version_added: 0.3.0
  sample:
    us-east-1: {statements: ["[us-east-1 yields to us-east-2]"], public_statements: ["[us-east-1 yields to us-east-2]"]}
    us-east-2: {statements: ["[us-east-2 claims over us-east-1]"], public_statements: }
problems:
  description: Where the switch, what Route 53's health checkers read of it, and the name differ; empty if they agree.
  returned: success with O(manifest)
  type: list
  elements: dict
  version_added: 0.3.0
  contains:
    code:
      description:
        - V(switch_closed) if the health checkers cannot read a region's object, V(switch_stale) if they read something
          else, V(name_elsewhere) if the name does not lead to the region of the switch.
      type: str
      sample: switch_closed
    region:
      description: Region of the object, V(all) for the name.
      type: str
      sample: us-east-2
    reason:
      description: One sentence.
      type: str
    remedy:
      description: What to do.
      type: str
unknown:
  description: What could not be read, and why.
  returned: success with O(manifest)
  type: dict
  version_added: 0.3.0
  sample: {}
matches:
  description: Whether the name resolves to O(expected_region) and the endpoint, if probed, responds.
  returned: success, or when O(wait_timeout) is over
  type: bool
  sample: true
seconds:
  description: Seconds the module took.
  returned: always
  type: float
  sample: 0.214
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
"""

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._core.names import DNSPYTHON_IMPORT_ERROR
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.resolve import run

ACCELERATOR_SPEC = {
    "arn": {"type": "str", "required": True, "rule": rules.ACCELERATOR_ARN},
    "dns_name": {"type": "str", "rule": rules.HOST},
    "addresses": {"type": "list", "elements": "str", "required": True, "rule": rules.Each(rules.ADDRESS, 1)},
    "endpoint_groups": {
        "type": "dict",
        "required": True,
        "rule": rules.ByKey(rules.REGION_CODE, rules.ENDPOINT_GROUP_ARN, least=1),
    },
}
ARGUMENT_SPEC = {
    "manifest": {"type": "dict", "rule": rules.MANIFEST},
    "domain": {"type": "str", "rule": rules.HOST},
    "load_balancers": {"type": "dict", "rule": rules.ByKey(rules.REGION_CODE, rules.HOST, least=1)},
    "accelerator": {"type": "dict", "options": ACCELERATOR_SPEC},
    "deadline": {"type": "float", "default": 8, "rule": rules.DEADLINE},
    "dns_servers": {"type": "list", "elements": "str", "default": [], "rule": rules.Each(rules.SERVER)},
    "probe_path": {"type": "str", "rule": rules.PATH},
    "probe_scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "probe_proxy": {"type": "str", "rule": rules.URL},
    "answer_timeout": {"type": "float", "default": 3.0, "rule": rules.TIMEOUT},
    "expected_region": {"type": "str", "rule": rules.REGION_CODE},
    "wait_timeout": {"type": "int", "default": 0, "rule": rules.seconds(0, 86400)},
    "poll_interval": {"type": "float", "default": 1.0, "rule": rules.POLL},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}
# Options that need calls to AWS.
OF_AWS = ("lease", "manifest", "accelerator")


def look(module):
    """Return what was seen. Without OF_AWS no call to AWS is made, so credentials are not needed."""
    if DNSPYTHON_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython"), exception=DNSPYTHON_IMPORT_ERROR)
    clients = clients_for(module) if any(module.params[name] for name in OF_AWS) else None
    return run(module.params, clients, module.check_mode)


def main():
    run_module(look, ARGUMENT_SPEC, required_one_of=[("manifest", "domain")])


if __name__ == "__main__":
    main()
