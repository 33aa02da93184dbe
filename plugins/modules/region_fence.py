#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_fence
version_added: 0.2.0
short_description: Fence a lost region from writing, and restore what fencing changed
description:
  - Removes what the application of a region needs to write to the database, within O(deadline). Before anything is
    removed, the exact settings are stored in the item C(fence#<region>) of the region's control table.
  - With O(state=absent) exactly these settings are restored and the item is deleted. Other settings are not changed.
  - A region that does not respond is not a failure. RV(fenced) reports whether it is fenced, not fenced, or whether
    that is unknown because a response was lost. The item is also copied to the other regions' tables for later reads.
  - To recover from a run that was killed at any point, run the same task again.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  region:
    description:
      - Region to fence; one of O(regions). Environment variables are not used for it.
    type: str
    required: true
    aliases: [aws_region]
  state:
    description:
      - V(present) fences the region. It does not fail if AWS returns an error or does not respond.
      - V(absent) restores what fencing removed, in whichever mode, verifies it, and deletes the item. It fails if that
        could not be done, because later steps rely on it. A region that was never fenced is not changed.
    type: str
    choices: [present, absent]
    default: present
  mode:
    description:
      - What to remove. Required with O(state=present).
      - V(network_acl), added in version 0.3.0, turns the prepared rule of the network ACL of the database's subnets
        from allow to deny, in both directions. Network ACLs are stateless, so this also ends connections that are open.
      - V(database_ingress) revokes all ingress rules of the database's security group. It blocks new connections; open
        tracked connections continue until they time out.
      - V(application_capacity) sets the minimum and the desired capacity of the application's Auto Scaling group to
        zero and keeps its maximum. Only for a region without traffic. Its instances terminate after their connections
        have drained.
      - V(service_capacity), added in version 0.3.0, does the same with an ECS service, its desired count, and the
        minimum capacity of its scalable target if it has one.
    type: str
    choices: [database_ingress, application_capacity, network_acl, service_capacity]
  network_acl_id:
    description:
      - Id of the network ACL of the subnets of the region's database. Required with O(mode=network_acl).
      - Its rule 10 must be for all traffic in both directions, and no rule before it may allow anything. Otherwise
        nothing is changed, because clients would still reach the database.
    type: str
    version_added: 0.3.0
  subnet_ids:
    description:
      - Ids of the subnets of the region's database. With O(mode=network_acl) nothing is changed if one of them has
        another network ACL.
    type: list
    elements: str
    version_added: 0.3.0
  security_group_id:
    description:
      - Id of the security group of the region's database. Required with O(mode=database_ingress).
      - With O(mode=network_acl) its ingress rules are revoked if the network ACL does not fence within half of the
        time, for whatever reason. Then open connections may continue, so that writes have ended is not proven.
    type: str
  autoscaling_group_name:
    description:
      - Name of the application's Auto Scaling group. Required with O(mode=application_capacity).
    type: str
  ecs_service:
    description:
      - The application's ECS service as C(cluster/service). Required with O(mode=service_capacity).
    type: str
    version_added: 0.3.0
  traffic_region:
    description:
      - Region that has the traffic. O(mode=application_capacity) and O(mode=service_capacity) fail if it is O(region).
    type: str
  regions:
    description:
      - All regions; their control tables hold the copies.
    type: list
    elements: str
    required: true
  run_id:
    description:
      - Id of the run that fences. Required with O(state=present).
    type: str
  deadline:
    description:
      - Seconds for the whole operation, including the copies to the other tables.
    type: float
    default: 6
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - Changing a security group's rule does not end connections that are being tracked, see "Security group connection
    tracking" of the Amazon EC2 User Guide. An application that keeps its connections may continue to write until it is
    stopped; Aurora's own fencing of a managed failover acts on the storage.
  - Restored rules are new rules with the same content; their ids and tags differ from the old ones.
  - The maximum, the scaling policies and the scheduled actions of the Auto Scaling group are kept, so a scheduled
    action may raise the capacity again.
seealso:
  - module: trading.multi_region.region_fence_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.control_table
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: End all writes in the lost region
  trading.multi_region.region_fence:
    region: us-east-1
    mode: network_acl
    network_acl_id: "{{ old.database_network_acl_id }}"
    subnet_ids: "{{ old.database_subnet_ids }}"
    security_group_id: "{{ old.database_security_group_id }}" # if the ACL cannot be changed
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    run_id: 20260101T030000Z-3f2a

- name: Scale the application of the old region to zero after the traffic has left
  trading.multi_region.region_fence:
    region: us-east-1
    mode: application_capacity
    autoscaling_group_name: trading-asg-dev
    traffic_region: us-east-2
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    run_id: 20260101T030000Z-3f2a

- name: Restore what fencing removed
  trading.multi_region.region_fence:
    region: us-east-1
    state: absent
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
"""

RETURN = r"""
reason:
  description: One sentence on the result.
  returned: success
  type: str
  sample: "us-east-1 is not fenced: no answer within 4.5 s; nothing was requested yet."
region:
  description: The region.
  returned: success
  type: str
  sample: us-east-1
fenced:
  description:
    - V(fenced) if a removal was verified, or if the region does not respond and an earlier run removed it.
    - V(not fenced) if AWS rejected the request, or there was no response before anything was removed; after
      O(state=absent); and in check mode if it would be removed.
    - V(unknown) if the removal was requested and could not be verified.
  returned: success
  type: str
  sample: fenced
document:
  description: The fence document in the control tables now; with O(state=absent) the previous one. Null if there is
    none.
  returned: success
  type: dict
  contains:
    version:
      description: Version of the document's format.
      type: int
    region:
      description: The region.
      type: str
    mode:
      description: What was removed.
      type: str
    network_acl_id:
      description: The network ACL of the database's subnets.
      returned: with C(mode) V(network_acl)
      type: str
      version_added: 0.3.0
    security_group_id:
      description: The database's security group.
      returned: with C(mode) V(database_ingress)
      type: str
    autoscaling_group_name:
      description: The application's Auto Scaling group.
      returned: with C(mode) V(application_capacity)
      type: str
    ecs_service:
      description: The application's ECS service.
      returned: with C(mode) V(service_capacity)
      type: str
      version_added: 0.3.0
    run_id:
      description: The run that fenced the region.
      type: str
    fenced_at:
      description: When the fence was requested, in epoch seconds.
      type: float
    state:
      description: V(intended), V(done) or V(failed).
      type: str
    done_at:
      description: When the change was verified, in epoch seconds.
      returned: with C(state) V(done)
      type: float
    removed:
      description: The previous settings, a list of IpPermissions or of entries of the network ACL, or a dict of
        C(min), C(desired) and C(max).
      type: raw
    reason:
      description: Why it failed, or null.
      type: str
    earlier:
      description: What fencing removed earlier from other resources of the region, in the same format.
      type: list
      elements: dict
copied_to:
  description: Other regions whose tables received the document now.
  returned: success
  type: list
  elements: str
  sample: [us-east-2]
not_copied_to:
  description: Why another region's table did not receive the document, by region.
  returned: success
  type: dict
  sample: {}
restored:
  description: What was restored, or would be in check mode, with an entry for each resource.
  returned: with O(state=absent)
  type: list
  elements: dict
  contains:
    mode:
      description: What had been removed.
      type: str
    resource:
      description: Id or name of the network ACL, security group, Auto Scaling group or ECS service.
      type: str
    restored:
      description: Rules, or sizes, that had to be restored. Empty if they were already there.
      type: raw
    given_up:
      description: Rules that cannot be restored because the group that is their source no longer exists.
      type: list
      elements: dict
    is_gone:
      description: Whether the resource no longer exists.
      type: bool
deleted_from:
  description: Regions from whose tables the document was deleted now.
  returned: with O(state=absent)
  type: list
  elements: str
  sample: [us-east-1, us-east-2]
not_deleted_from:
  description: Why the document was not deleted from another region's table, by region.
  returned: with O(state=absent)
  type: dict
  sample: {}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.7
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import TABLE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._fence.fence import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

GROUP_ID = rules.text(r"sg-[0-9a-f]{8,17}", "the id of a security group, such as sg-0123456789abcdef0")
ACL_ID = rules.text(r"acl-[0-9a-f]{8,17}", "the id of a network ACL, such as acl-0123456789abcdef0")
SUBNET_ID = rules.text(r"subnet-[0-9a-f]{8,17}", "the id of a subnet, such as subnet-0123456789abcdef0")
ARGUMENT_SPEC = {
    "region": {"type": "str", "required": True, "aliases": ["aws_region"], "rule": rules.REGION_CODE},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "mode": {"type": "str", "choices": ["database_ingress", "application_capacity", "network_acl", "service_capacity"]},
    "network_acl_id": {"type": "str", "rule": ACL_ID},
    "subnet_ids": {"type": "list", "elements": "str", "rule": rules.Each(SUBNET_ID)},
    "security_group_id": {"type": "str", "rule": GROUP_ID},
    "autoscaling_group_name": {"type": "str", "rule": rules.NAME},
    "ecs_service": {"type": "str", "rule": rules.ECS_SERVICE},
    "traffic_region": {"type": "str", "rule": rules.REGION_CODE},
    **TABLE_SPEC,
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "run_id": {"type": "str", "rule": rules.ID},
    "deadline": {"type": "float", "default": 6, "rule": rules.DEADLINE},
    **LEASE_SPEC,
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_if=[
            ("state", "present", ["mode", "run_id"]),
            ("mode", "database_ingress", ["security_group_id"]),
            ("mode", "network_acl", ["network_acl_id"]),
            ("mode", "application_capacity", ["autoscaling_group_name"]),
            ("mode", "service_capacity", ["ecs_service"]),
        ],
    )


if __name__ == "__main__":
    main()
