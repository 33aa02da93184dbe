# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Regions of fakes that can be fenced: security groups, Auto Scaling groups, control tables and events."""

from __future__ import annotations

import copy
import threading

from botocore.exceptions import ReadTimeoutError

from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
TABLE, GROUP, ASG = "trading-failover-dev", "sg-db", "trading-asg-dev"
PORT = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}
RULES = [
    {
        **PORT,
        "UserIdGroupPairs": [{"GroupId": "sg-app", "UserId": "123456789012", "Description": "Application"}],
        "IpRanges": [{"CidrIp": "10.1.0.0/16", "Description": "Others"}, {"CidrIp": "10.2.0.0/16"}],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
    }
]
ACL = "acl-db"
FENCE_ENTRIES, OTHER_ENTRIES = (
    [
        {"RuleNumber": number, "Protocol": "-1", "RuleAction": action, "Egress": egress, "CidrBlock": "0.0.0.0/0"}
        for egress in (False, True)
    ]
    for number, action in ((10, "allow"), (32767, "deny"))
)
ENTRIES = {
    "NetworkAclId": ACL,
    "Associations": [{"SubnetId": "subnet-1", "NetworkAclId": ACL}],
    "Entries": [*FENCE_ENTRIES, *OTHER_ENTRIES],
}
SIZES = {"min": 2, "desired": 3, "max": 6}


class Killed(Exception):
    """The process is dead: it no longer makes calls."""


def rules_of(permissions):
    """Rules one by one, for comparing: {(ports, list, source): source with its description}."""
    return {
        (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"), name, str(source.get(key))): source
        for rule in permissions
        for name, key in (("UserIdGroupPairs", "GroupId"), ("IpRanges", "CidrIp"))
        for source in rule.get(name) or []
    }


class FenceAws(FakeAws):
    """The AWS that fencing asks.

    kill: (n, is_after): the process dies before or after its n-th write to EAST. hanging: regions that answer nothing
    until ``over`` is set. errors: {(region, operation): [error, ...]}. late: how many reads of a security group still
    show what was there before the last change.
    """

    def __init__(self, *regions):
        super().__init__()
        self.regions = regions or (EAST, WEST)
        self.items = {region: {} for region in self.regions}
        self.groups = {region: {GROUP: copy.deepcopy(RULES), "sg-app": []} for region in self.regions}
        self.sizes = {region: {ASG: dict(SIZES)} for region in self.regions}
        self.holds = {}
        self.events = {region: [] for region in self.regions}
        self.acls = {region: {ACL: copy.deepcopy(ENTRIES)} for region in self.regions}
        self.errors = {}
        self.hanging = set()
        self.over = threading.Event()
        self.kill = None
        self.dead = False
        self.written = 0
        self.late = 0
        self.before = None

    def answer(self, service, region, operation, parameters):
        if region in self.hanging:
            self.over.wait(30)
            raise ReadTimeoutError(endpoint_url="https://aws.example")
        if self.dead:
            raise Killed
        is_write = region == EAST and not operation.startswith(("get", "describe"))
        self.written += is_write
        is_last = is_write and self.kill is not None and self.written == self.kill[0]
        if is_last and not self.kill[1]:
            self.dead = True
            raise Killed
        if self.errors.get((region, operation)):
            raise self.errors[(region, operation)].pop(0)
        result = super().answer(service, region, operation, parameters)
        if is_last:
            self.dead = True
            raise Killed
        return result

    def revive(self, kill=None):
        """Start another process; it may be killed as well."""
        self.dead, self.written, self.kill = False, 0, kill

    # --- dynamodb
    def get_item(self, region, TableName, Key, ConsistentRead):
        assert ConsistentRead and TableName == TABLE
        item = self.items[region].get(Key["id"]["S"])
        return {"Item": item} if item else {}

    def batch_get_item(self, region, RequestItems):
        asked = RequestItems[TABLE]
        assert asked["ConsistentRead"]
        stored = self.items[region]
        found = [{**stored[key["id"]["S"]], **key} for key in asked["Keys"] if key["id"]["S"] in stored]
        return {"Responses": {TABLE: found}, "UnprocessedKeys": {}}

    def put_item(self, region, TableName, Item, ReturnValues=None, **condition):
        self._check(region, Item["id"]["S"], condition)
        old = self.items[region].get(Item["id"]["S"])
        self.items[region][Item["id"]["S"]] = Item
        return {"Attributes": old} if old and ReturnValues else {}

    def delete_item(self, region, TableName, Key, **condition):
        self._check(region, Key["id"]["S"], condition)
        self.items[region].pop(Key["id"]["S"], None)
        return {}

    def _check(self, region, identifier, condition):
        expression = condition.get("ConditionExpression", "")
        item = self.items[region].get(identifier)
        wanted = condition.get("ExpressionAttributeValues", {}).get(":written_at")
        is_met = (item is None and "attribute_not_exists(id)" in expression) or (
            item is not None and wanted is not None and item["written_at"] == wanted
        )
        if expression and not is_met:
            raise aws_error("ConditionalCheckFailedException")

    # --- ec2
    def describe_security_groups(self, region, GroupIds):
        (group_id,) = GroupIds
        if group_id not in self.groups[region]:
            raise aws_error("InvalidGroup.NotFound")
        shown = self.groups[region][group_id]
        if self.late and self.before is not None:
            self.late, shown = self.late - 1, self.before
        return {"SecurityGroups": [{"GroupId": group_id, "IpPermissions": copy.deepcopy(shown)}]}

    def revoke_security_group_ingress(self, region, GroupId, IpPermissions):
        there, asked = rules_of(self.groups[region][GroupId]), rules_of(IpPermissions)
        if not asked.keys() <= there.keys():
            raise aws_error("InvalidPermission.NotFound")
        self.before = self.groups[region][GroupId]
        self.groups[region][GroupId] = self._grouped({key: there[key] for key in there if key not in asked})
        return {"Return": True}

    def authorize_security_group_ingress(self, region, GroupId, IpPermissions):
        there, asked = rules_of(self.groups[region][GroupId]), rules_of(IpPermissions)
        for *_ports, name, source in asked:
            if name == "UserIdGroupPairs" and source not in self.groups[region]:
                raise aws_error("InvalidGroup.NotFound")
        if asked.keys() & there.keys():
            raise aws_error("InvalidPermission.Duplicate")
        self.before = self.groups[region][GroupId]
        self.groups[region][GroupId] = self._grouped({**there, **asked})
        return {"Return": True}

    @staticmethod
    def _grouped(rules):
        """Rules as DescribeSecurityGroups shows them: by protocol and ports."""
        shown = {}
        for (protocol, first, last, name, _source), source in rules.items():
            empty = {"UserIdGroupPairs": [], "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
            group = shown.setdefault(
                (protocol, first, last), {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **empty}
            )
            group[name].append(source)
        return list(shown.values())

    # --- network ACLs
    def describe_network_acls(self, region, NetworkAclIds):
        (acl_id,) = NetworkAclIds
        if acl_id not in self.acls[region]:
            raise aws_error("InvalidNetworkAclID.NotFound")
        return {"NetworkAcls": [copy.deepcopy(self.acls[region][acl_id])]}

    def replace_network_acl_entry(self, region, NetworkAclId, **entry):
        entries = self.acls[region][NetworkAclId]["Entries"]
        places = [n for n, one in enumerate(entries) if all(one[k] == entry[k] for k in ("RuleNumber", "Egress"))]
        if not places:
            raise aws_error("InvalidNetworkAclEntry.NotFound")
        entries[places[0]] = entry
        return {}

    # --- autoscaling
    def describe_scheduled_actions(self, region, AutoScalingGroupName, ScheduledActionNames):
        return {"ScheduledUpdateGroupActions": self.holds.get(region, [])}

    def delete_scheduled_action(self, region, AutoScalingGroupName, ScheduledActionName):
        self.holds[region] = []

    def describe_auto_scaling_groups(self, region, AutoScalingGroupNames):
        found = [(name, self.sizes[region][name]) for name in AutoScalingGroupNames if name in self.sizes[region]]
        return {
            "AutoScalingGroups": [
                {
                    "AutoScalingGroupName": name,
                    "MinSize": sizes["min"],
                    "DesiredCapacity": sizes["desired"],
                    "MaxSize": sizes["max"],
                }
                for name, sizes in found
            ]
        }

    def update_auto_scaling_group(self, region, AutoScalingGroupName, **given):
        names = {"MinSize": "min", "DesiredCapacity": "desired", "MaxSize": "max"}
        self.sizes[region][AutoScalingGroupName].update({names[name]: value for name, value in given.items()})
        return {}

    # --- rds
    def describe_events(self, region, Duration):
        return {"Events": self.events[region]}
