#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_fence
version_added: 0.1.0
short_description: Keep a lost region from writing, and give back what that took
description:
  - Takes from a region what its application needs to write, within O(deadline), and remembers exactly what was taken in
    the item C(fence#<region>) of the region's control table, before anything is taken.
  - With O(state=absent) exactly that is given back and the item deleted. Nothing that fencing did not take is touched.
  - A region that does not answer is no failure. RV(fenced) says whether it is fenced, not fenced, or whether that is
    unknown because an answer was lost; the other regions' tables are told as well, for whoever asks later.
  - A run that was killed anywhere is made good by the same task run again.
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  region:
    description:
      - Region to fence; one of O(regions). It is never taken from the environment.
    type: str
    required: true
    aliases: [aws_region]
  state:
    description:
      - V(present) fences the region. It does not fail for what AWS answers, or does not answer.
      - V(absent) gives back what fencing took, whatever its mode was, sees it there, and forgets it. It fails where
        that was not done, because what follows relies on it. A region that was never fenced is left alone.
    type: str
    choices: [present, absent]
    default: present
  mode:
    description:
      - What is taken. Required with O(state=present).
      - V(database_ingress) revokes all ingress rules of the database's security group. It ends new connections;
        connections that are open and tracked go on until they time out.
      - V(application_capacity) sets the minimum and the desired capacity of the application's Auto Scaling group to
        nothing and keeps its maximum. Only for a region that the traffic has left. Its instances end after their
        connections have drained.
    type: str
    choices: [database_ingress, application_capacity]
  security_group_id:
    description:
      - Id of the security group of the region's database. Required with O(mode=database_ingress).
    type: str
  autoscaling_group_name:
    description:
      - Name of the application's Auto Scaling group. Required with O(mode=application_capacity).
    type: str
  traffic_region:
    description:
      - Region that has the traffic. O(mode=application_capacity) is refused where it is O(region).
    type: str
  table_name:
    description:
      - Name of the control table, the same in every region.
    type: str
    required: true
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
      - Seconds for the whole, telling the other tables included.
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
    tracking" of the Amazon EC2 User Guide. An application that keeps its sessions may go on writing until it is
    stopped; Aurora's own fencing of a managed failover acts on the storage.
  - Rules that are given back are new rules of the same content; their ids and tags are not those of the old ones.
  - The maximum, the scaling policies and the scheduled actions of the Auto Scaling group stay, so that a scheduled
    action may raise it again.
seealso:
  - module: trading.multi_region.region_fence_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.lease
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Let nobody write in the lost region
  trading.multi_region.region_fence:
    region: us-east-1
    mode: database_ingress
    security_group_id: "{{ old.database_security_group_id }}"
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    run_id: 20260101T030000Z-3f2a

- name: Run no application in the old region, now that the traffic has left
  trading.multi_region.region_fence:
    region: us-east-1
    mode: application_capacity
    autoscaling_group_name: trading-asg-dev
    traffic_region: us-east-2
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
    run_id: 20260101T030000Z-3f2a

- name: Give back what that took
  trading.multi_region.region_fence:
    region: us-east-1
    state: absent
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
"""

RETURN = r"""
reason:
  description: One sentence on how it ended.
  returned: success
  type: str
  sample: "us-east-1 is not fenced: no answer within 4.5 s; nothing was asked for yet."
region:
  description: The region.
  returned: success
  type: str
  sample: us-east-1
fenced:
  description:
    - V(fenced) where what was to be taken is seen to be gone, or the region does not answer and an earlier run took it.
    - V(not fenced) where AWS refused, or nobody answered before anything was taken; after O(state=absent); and in check
      mode where it would be taken.
    - V(unknown) where it was asked for and is not seen to be done.
  returned: success
  type: str
  sample: fenced
document:
  description: What the control tables say of it now; with O(state=absent) what they said. Null where there is nothing.
  returned: success
  type: dict
  contains:
    version:
      description: Version of this form.
      type: int
    region:
      description: The region.
      type: str
    mode:
      description: What was taken.
      type: str
    security_group_id:
      description: The database's security group.
      returned: with C(mode) V(database_ingress)
      type: str
    autoscaling_group_name:
      description: The application's Auto Scaling group.
      returned: with C(mode) V(application_capacity)
      type: str
    run_id:
      description: The run that took it.
      type: str
    fenced_at:
      description: When it was intended, in epoch seconds.
      type: float
    state:
      description: V(intended), V(done) or V(failed).
      type: str
    removed:
      description: What was there before, a list of IpPermissions or a dict of C(min), C(desired) and C(max).
      type: raw
    reason:
      description: Why it was not done, or null.
      type: str
    earlier:
      description: What fencing took from other resources of the region before, in the same form.
      type: list
      elements: dict
copied_to:
  description: Other regions whose tables were told now.
  returned: success
  type: list
  elements: str
  sample: [us-east-2]
not_copied_to:
  description: Why another region's table was not told, by region.
  returned: success
  type: dict
  sample: {}
restored:
  description: What was given back, or would be in check mode, an entry for each resource.
  returned: with O(state=absent)
  type: list
  elements: dict
  contains:
    mode:
      description: What had been taken.
      type: str
    resource:
      description: Id or name of the security group or Auto Scaling group.
      type: str
    restored:
      description: Rules, or sizes, that had to be given back. Empty where they were there.
      type: raw
    given_up:
      description: Rules that cannot be given back because the group they name as their source is gone.
      type: list
      elements: dict
    is_gone:
      description: Whether the resource does not exist any more.
      type: bool
deleted_from:
  description: Regions whose tables have forgotten it now.
  returned: with O(state=absent)
  type: list
  elements: str
  sample: [us-east-1, us-east-2]
not_deleted_from:
  description: Why another region's table has not forgotten it, by region.
  returned: with O(state=absent)
  type: dict
  sample: {}
seconds:
  description: Duration in seconds.
  returned: always
  type: float
  sample: 0.7
ended_at:
  description: When the module was done, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
"""

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import LEASE_SPEC
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._fence.fence import run
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

GROUP_ID = rules.text(r"sg-[0-9a-f]{8,17}", "the id of a security group, such as sg-0123456789abcdef0")
ARGUMENT_SPEC = {
    "region": {"type": "str", "required": True, "aliases": ["aws_region"], "rule": rules.REGION_CODE},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "mode": {"type": "str", "choices": ["database_ingress", "application_capacity"]},
    "security_group_id": {"type": "str", "rule": GROUP_ID},
    "autoscaling_group_name": {"type": "str", "rule": rules.NAME},
    "traffic_region": {"type": "str", "rule": rules.REGION_CODE},
    "table_name": {"type": "str", "required": True, "rule": rules.TABLE},
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
            ("mode", "application_capacity", ["autoscaling_group_name"]),
        ],
    )


if __name__ == "__main__":
    main()
