#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: existing_platform_info
version_added: 0.3.0
short_description: Look at a platform that others have made
description:
  - Reads an Aurora global database, and in each of its regions the cluster, its security groups and network ACLs, the
    load balancer, its target groups and the Auto Scaling groups behind them, and the KMS key. It changes nothing.
  - RV(rows) says what of it a move can use, and RV(missing) what prevents one, each with its remedy. RV(proposal) has
    the variables of an inventory that names it.
  - What could not be read counts as missing.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  global_cluster_identifier:
    description:
      - Identifier of the global database. If omitted, O(layer_tags) find it.
    type: str
  layer_tags:
    description:
      - Tags that all must be there, by which layers are found that nothing names, in addition to O(network_tags). The
        global database (its own tags, or those of its cluster in the region of the task), the load balancer of a region
        that O(load_balancer_names) leaves out, target group and Auto Scaling group where there are several, the session
        table and the buckets. What this collection has made is left out.
      - Exactly one must be found of each. The session table, and the buckets, may be absent.
    type: dict
    default: {}
  regions:
    description:
      - Regions of the inventory, each of which must have a member. If empty, the regions of all members; the database
        is then read in the region of the task.
    type: list
    elements: str
    default: []
  db_clusters:
    description:
      - Identifier of the cluster that each region should have, by region.
    type: dict
    default: {}
  load_balancer_names:
    description:
      - Name or ARN of the application load balancer of each region, by region. If a region is left out, O(layer_tags)
        find it.
    type: dict
    default: {}
  target_group_names:
    description:
      - Name of the target group of each region. If a region is left out, the load balancer must have only one.
    type: dict
    default: {}
  autoscaling_group_names:
    description:
      - Name of the Auto Scaling group of each region. If a region is left out, the target group must have only one.
    type: dict
    default: {}
  security_groups:
    description:
      - Id of the security group that a fence closes, by region. A region that is left out must have only one.
    type: dict
    default: {}
  network_acls:
    description:
      - Id of the network ACL that a fence turns, by region. A region that is left out is fenced by the security group.
    type: dict
    default: {}
  network_tags:
    description:
      - "Tags by which parts of the network are found, by region: a dictionary of C(vpc), C(subnets), C(security_group)
        and C(network_acl), each a dictionary of tags that all must be there. The others are looked for in the VPC that
        its tags find."
      - Except for the subnets, exactly one must be found. O(security_groups) and O(network_acls) take precedence.
    type: dict
    default: {}
  keys:
    description:
      - ARN or alias of the KMS key that encrypts what this collection makes, by region. A region that is left out has
        none that others have made.
    type: dict
    default: {}
  has_topics:
    description:
      - Whether the platform has topics, to which alarms and the database publish with O(keys).
    type: bool
    default: true
  domain:
    description:
      - Name that leads to the platform. If given, its records are read and judged.
    type: str
  zone:
    description:
      - Hosted zone that the name lies in. If omitted, O(domain).
    type: str
  zone_is_private:
    description:
      - Whether that zone is private.
    type: bool
    default: false
  may_repoint:
    description:
      - Whether failover records of others may get the health checks of the traffic switch.
    type: bool
    default: false
  fencing:
    description:
      - How an unplanned move fences the old region.
    type: str
    choices: [network_acl, database_ingress, application_capacity, none]
    default: network_acl
  platform_tags:
    description:
      - Tags of this platform. A database with the tag C(ManagedBy) of this collection and other values of C(Project) or
        C(Environment) is another platform's. If empty, that is not compared.
    type: dict
    default: {}
  environment:
    description:
      - Environment of the inventory, with which the manifest in O(table_name) is compared.
    type: str
    required: true
  deadline:
    description:
      - Seconds after which a region that has not responded is unknown.
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
  - module: trading.multi_region.provisioning_plan_info
  - module: trading.multi_region.region_readiness_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Look at a platform that Terraform has made
  trading.multi_region.existing_platform_info:
    region: us-east-1
    global_cluster_identifier: orders
    load_balancer_names:
      us-east-1: orders-east
      us-east-2: orders-west
    table_name: trading-failover-prod
    environment: prod

- name: Look at a platform by the tags that all of it has
  trading.multi_region.existing_platform_info:
    region: us-east-1
    layer_tags: {Team: orders, Stage: live}
    table_name: trading-failover-prod
    environment: prod
"""

RETURN = r"""
reason:
  description: One sentence with the numbers of what is missing and of warnings.
  returned: success
  type: str
  sample: Of 10 things that a move needs nothing is missing, 2 warnings.
is_complete:
  description: Whether nothing is missing.
  returned: success
  type: bool
  sample: true
rows:
  description: Everything that a move needs.
  returned: success
  type: list
  elements: dict
  contains: &row
    region:
      description: Region, or V(all).
      type: str
      sample: us-east-2
    what:
      description: What it is about.
      type: str
      sample: load balancer
    state:
      description: V(ok), V(warning) or V(missing).
      type: str
      sample: missing
    reason:
      description: What was found.
      type: str
      sample: There is no load balancer orders-west, but us-east-1 has one of that name.
    remedy:
      description: What to do; empty if it is V(ok).
      type: str
      sample: Name the one that serves there.
missing:
  description: The rows that prevent a move.
  returned: success
  type: list
  elements: dict
  contains: *row
proposal:
  description: Variables of an inventory, as far as they are known.
  returned: success
  type: dict
  contains:
    group:
      description: Those of the whole platform.
      type: dict
      sample: {global_database_identifier: orders, global_database_engine: aurora-mysql}
    hosts:
      description: Those of each region, the one with the writer first.
      type: dict
      sample: {us-east-1: {application_load_balancer_name: orders-east}}
    layers:
      description: What the session table and the buckets are, V(existing) or V(absent), by the layer's name.
      type: dict
      sample: {session_table: existing, object_storage: absent}
records:
  description:
    - The failover records of others that may follow the switch, the V(PRIMARY) first; None without any, or if they
      cannot.
  returned: success
  type: dict
  contains:
    zone_id:
      description: Id of their hosted zone.
      type: str
      sample: Z0123456789ABCDEFGHIJ
    order:
      description: The regions that they lead to.
      type: list
      elements: str
      sample: [us-east-1, us-east-2]
    records:
      description: The records; C(health_check_id) is the one that they have, empty without one.
      type: list
      elements: dict
      sample: [{name: orders.example.org, identifier: east, failover: PRIMARY}]
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.8
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import FENCINGS
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.existing import run
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged import PARTS

BY_REGION = {"type": "dict", "default": {}, "rule": rules.ByKey(rules.REGION_CODE, rules.NAME)}
ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "global_cluster_identifier": {"type": "str", "rule": rules.CLUSTER},
    "layer_tags": {"type": "dict", "default": {}, "rule": rules.TAGS},
    "regions": {"type": "list", "elements": "str", "default": [], "rule": rules.Each(rules.REGION_CODE)},
    "db_clusters": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.REGION_CODE, rules.CLUSTER)},
    "load_balancer_names": BY_REGION,
    "target_group_names": BY_REGION,
    "autoscaling_group_names": BY_REGION,
    "security_groups": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.REGION_CODE, rules.ec2_id("sg"))},
    "network_acls": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.REGION_CODE, rules.ec2_id("acl"))},
    "network_tags": {
        "type": "dict",
        "default": {},
        "rule": rules.ByKey(rules.REGION_CODE, rules.Members(dict.fromkeys(PARTS, rules.TAGS))),
    },
    "keys": {
        "type": "dict",
        "default": {},
        "no_log": False,
        "rule": rules.ByKey(rules.REGION_CODE, rules.KEY_OR_ALIAS),
    },
    "has_topics": {"type": "bool", "default": True},
    "domain": {"type": "str", "rule": rules.HOST},
    "zone": {"type": "str", "rule": rules.HOST},
    "zone_is_private": {"type": "bool", "default": False},
    "may_repoint": {"type": "bool", "default": False},
    "fencing": {"type": "str", "choices": list(FENCINGS), "default": FENCINGS[0]},
    "platform_tags": {"type": "dict", "default": {}, "rule": rules.TAGS},
    "environment": {"type": "str", "required": True, "rule": rules.ID},
    "deadline": {"type": "float", "default": 20, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
