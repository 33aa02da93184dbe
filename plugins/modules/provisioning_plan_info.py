#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: provisioning_plan_info
version_added: 0.3.0
short_description: Compare the inventory with the platform before it is provisioned
description:
  - Reads the recovery manifest, the VPCs, the database's secret, the global database and the named resources of all
    regions in parallel, and compares them with the inventory. It changes nothing.
  - RV(plan) says what provisioning would create, change or leave alone, and why. RV(blockers) lists the differences
    that provisioning must refuse, each with its remedy.
  - What could not be read is a blocker, never an absence.
  - "The blockers' codes: V(region_unreadable), V(active_region_left_out), V(standby_left_out), V(region_left_out),
    V(vpc_name_ambiguous), V(vpc_cidr_differs), V(secret_foreign), V(engine_version_differs), V(existing_missing),
    and of a region that is
    to leave V(leaving_region_in_inventory), V(leaving_region_unreadable), V(new_region_beside_leaving),
    V(retired_region_in_inventory)."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  regions:
    description:
      - Regions of the inventory, the most preferred one first.
    type: list
    elements: str
    required: true
  vpc_name:
    description:
      - Value of the tag C(Name) of the platform's VPC, the same in every region.
    type: str
    required: true
  vpc_cidrs:
    description:
      - Network of each region's VPC, in CIDR notation, by region. Empty if others have made the VPCs.
    type: dict
    required: true
  secret_name:
    description:
      - Name of the database's secret, the same in every region.
    type: str
    required: true
  global_cluster_identifier:
    description:
      - Identifier of the global database.
    type: str
    required: true
  engine_version:
    description:
      - Engine version that the inventory sets. If omitted, versions are not compared.
    type: str
  resources:
    description:
      - Names of further resources to look for, by part and region.
      - "Parts: V(audit) and V(object_storage), a bucket; V(session_table), a table of DynamoDB; V(application), an
        Auto Scaling group; V(monitoring), a topic of SNS."
    type: dict
    default: {}
  layers:
    description:
      - Layers of the platform, each with the list of those whose results it uses, from which RV(awaited_layers)
        follows.
    type: dict
    default: {}
  layer_states:
    description:
      - What each layer is, V(managed), V(existing) or V(absent); a layer that is left out is V(managed).
      - Of an V(existing) layer only the global database is read. An V(absent) one is no part of the plan.
    type: dict
    default: {}
    version_added: 0.3.0
  leaving_region:
    description:
      - Region that is to leave the platform, and that O(regions) no longer has. It may be left out, unless it is the
        active one.
    type: str
  leaving_region_lost:
    description:
      - Whether O(leaving_region) is lost for good, so that it need not respond.
    type: bool
    default: false
  deadline:
    description:
      - Seconds after which a region that has not responded is unreadable.
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
- name: Compare the inventory with the platform
  trading.multi_region.provisioning_plan_info:
    regions: [us-east-1, us-east-2]
    table_name: trading-failover-dev
    vpc_name: trading-dev
    vpc_cidrs:
      us-east-1: 10.0.0.0/16
      us-east-2: 10.1.0.0/16
    secret_name: trading-database-dev
    global_cluster_identifier: trading-global-dev
    resources:
      session_table:
        us-east-1: trading-sessions-dev
        us-east-2: trading-sessions-dev
    layers:
      encryption: []
      session_table: [encryption]
"""

RETURN = r"""
reason:
  description: One sentence with the numbers of blockers and of parts by action.
  returned: success
  type: str
  sample: "Of 8 parts in 2 regions: 0 created, 0 changed, 8 left alone."
blockers:
  description: What provisioning must refuse; empty if there is nothing.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: Code of the blocker.
      type: str
      sample: vpc_cidr_differs
    region:
      description: Region, or V(all).
      type: str
      sample: us-east-2
    reason:
      description: What differs.
      type: str
      sample: vpc_cidr of us-east-2 is 10.9.0.0/16, but its VPC vpc-1 has 10.1.0.0/16.
    remedy:
      description: What to do.
      type: str
      sample: Set vpc_cidr of us-east-2 to 10.1.0.0/16.
plan:
  description: Every part that was compared, by region in the order of preference.
  returned: success
  type: list
  elements: dict
  contains:
    region:
      description: Region.
      type: str
      sample: us-east-2
    part:
      description:
        - V(network), V(secret), V(database), V(manifest), a part of O(resources), or a layer of O(layers).
        - V(retired) for a region in RV(retired).
      type: str
      sample: manifest
    layer:
      description: Layer of site.yml that provisions the part. V(retired) for a region in RV(retired).
      type: str
      sample: failover_control
    action:
      description: V(created), V(changed) or V(left_alone).
      type: str
      sample: changed
    reason:
      description: Why.
      type: str
      sample: The order of preference was us-east-1, us-east-2 and becomes us-east-2, us-east-1.
awaited_layers:
  description:
    - Layers of O(layers) that at least one region does not have yet, and those that use their results. A dry run cannot
      evaluate their tasks.
  returned: success
  type: list
  elements: str
  sample: [network, application]
active_region:
  description: Region of the writer; null if there is none or it is unknown.
  returned: success
  type: str
  sample: us-east-1
platform_regions:
  description: Regions that the platform has, by its manifest and its database.
  returned: success
  type: list
  elements: str
  sample: [us-east-1, us-east-2]
leaving:
  description: What is known of O(leaving_region); null without one.
  returned: success
  type: dict
  contains:
    region:
      description: The region.
      type: str
      sample: us-east-2
    responds:
      description: Whether everything could be read in it.
      type: bool
      sample: true
    is_member:
      description: Whether the global database has a member there; null if that is unknown.
      type: bool
      sample: true
    is_known:
      description: Whether it is a region of the platform, by the manifest or the global database.
      type: bool
      sample: true
    vpc_cidr:
      description: Network of its VPC; null if there is none, more than one, or it is unknown.
      type: str
      sample: 10.1.0.0/16
retired:
  description:
    - Regions that have left the platform while they did not respond, by the manifest. What is in them is still there.
  returned: success
  type: list
  elements: dict
  sample: [{region: us-west-2, left_at: "2026-01-01T00:00:00Z"}]
manifest_region:
  description: Region of the most recent manifest; null if there is none.
  returned: success
  type: str
  sample: us-east-1
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.4
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import Layers
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.look import run
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.plan import NAMED

ARGUMENT_SPEC = {
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "vpc_name": {"type": "str", "required": True, "rule": rules.NAME},
    "vpc_cidrs": {"type": "dict", "required": True, "rule": rules.ByKey(rules.REGION_CODE, rules.NETWORK)},
    "secret_name": {"type": "str", "required": True, "no_log": False, "rule": rules.SECRET},
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "engine_version": {"type": "str", "rule": rules.ENGINE_VERSION},
    "resources": {
        "type": "dict",
        "default": {},
        "rule": rules.ByKey(rules.one_of(NAMED), rules.ByKey(rules.REGION_CODE, rules.NAME)),
    },
    "layers": {"type": "dict", "default": {}, "rule": rules.ByKey(rules.ID, rules.Each(rules.ID))},
    "layer_states": {"type": "dict", "default": {}, "rule": Layers()},
    "leaving_region": {"type": "str", "rule": rules.REGION_CODE},
    "leaving_region_lost": {"type": "bool", "default": False},
    "deadline": {"type": "float", "default": 20, "rule": rules.DEADLINE},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module)), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
