# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two resources of a region that fencing can change: its database's ingress, or its application's capacity.

Both have the same methods, so that fencing and unfencing are written only once: ``read`` the current settings (None:
the resource does not exist), ``is_open`` while there is something to remove, ``remember`` the settings to restore,
``take`` them away, compute what is ``lacking``, and ``give`` it back.

What fencing does not do:

- After a rule is revoked, tracked connections continue until they time out; only new ones are refused ("Security group
  connection tracking" of the Amazon EC2 User Guide; an idle established TCP connection may last for 432000 s). Sessions
  of the old application that are open at that moment may continue to write.
- A restored rule is a new rule: its id and tags differ from those of the old one.
- A group without instances can still be raised by others: its maximum, scheduled actions and scaling policies are kept.
  Its instances end after their target group's deregistration delay and lifecycle hooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import describe_group
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import resource_of
from ansible_collections.trading.multi_region.plugins.module_utils._fence.rules import joined, lacking, single

MISSING_GROUP = "InvalidGroup.NotFound"
SIZES = ("min", "desired", "max")


@aws_call("DescribeSecurityGroups", missing=(MISSING_GROUP,))
def describe_ingress(client: Any, group_id: str) -> list[dict[str, Any]] | None:
    """Return a group's ingress rules as IpPermissions, or None if there is no such group."""
    return client.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]["IpPermissions"]


@aws_call("RevokeSecurityGroupIngress")
def revoke_ingress(client: Any, group_id: str, rules: list[dict[str, Any]]) -> None:
    """Revoke rules of a group: all of them, or none and an error if one does not exist."""
    client.revoke_security_group_ingress(GroupId=group_id, IpPermissions=rules)


@aws_call("AuthorizeSecurityGroupIngress")
def authorize_ingress(client: Any, group_id: str, rules: list[dict[str, Any]]) -> None:
    """Add rules to a group."""
    client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rules)


@aws_call("UpdateAutoScalingGroup")
def update_group(client: Any, name: str, sizes: Mapping[str, int]) -> None:
    """Set the given sizes of an Auto Scaling group."""
    names = {"min": "MinSize", "desired": "DesiredCapacity", "max": "MaxSize"}
    given = {names[size]: value for size, value in sizes.items()}
    client.update_auto_scaling_group(AutoScalingGroupName=name, **given)


class DatabaseIngress:
    """The ingress rules of the database's security group."""

    def __init__(self, client: Any, group_id: str):
        self._client = client
        self._id = group_id

    def read(self) -> list[dict[str, Any]] | None:
        """Return the current rules."""
        return describe_ingress(self._client, self._id)

    @staticmethod
    def is_open(seen: list[dict[str, Any]]) -> bool:
        """Return whether there is a rule to revoke."""
        return bool(seen)

    @staticmethod
    def remember(removed: list[dict[str, Any]] | None, seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rules to restore later: the remembered ones, and the current ones."""
        return joined(removed, seen) if removed else seen

    def take(self, seen: list[dict[str, Any]]) -> bool:
        """Revoke the current rules; return False if one of them is gone in the meantime and nothing was done."""
        try:
            revoke_ingress(self._client, self._id, list(single(seen).values()))
        except AwsCallError as error:
            if error.code != "InvalidPermission.NotFound":
                raise
            return False
        return True

    @staticmethod
    def lacking(removed: list[dict[str, Any]] | None, seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the remembered rules that do not exist now."""
        return lacking(removed or [], seen)

    def give(self, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add rules; return those that cannot be restored because their source group no longer exists.

        One call for all rules; one call for each if AWS rejects them together.
        """
        try:
            authorize_ingress(self._client, self._id, rules)
        except AwsCallError as error:
            if error.code not in (MISSING_GROUP, "InvalidPermission.Duplicate"):
                raise
        else:
            return []
        return [rule for rule in rules if not self._give_one(rule)]

    def _give_one(self, rule: dict[str, Any]) -> bool:
        try:
            authorize_ingress(self._client, self._id, [rule])
        except AwsCallError as error:
            if error.code == MISSING_GROUP and "UserIdGroupPairs" in rule:
                return False
            if error.code != "InvalidPermission.Duplicate":
                raise
        return True


class ApplicationCapacity:
    """The sizes of the application's Auto Scaling group: minimum and desired are set to zero, the maximum is kept."""

    def __init__(self, client: Any, name: str):
        self._client = client
        self._name = name

    def read(self) -> dict[str, int] | None:
        """Return {min, desired, max}."""
        group = describe_group(self._client, self._name)
        return {size: group[size] for size in SIZES} if group else None

    @staticmethod
    def is_open(seen: Mapping[str, int]) -> bool:
        """Return whether the group should run instances."""
        return seen["min"] > 0 or seen["desired"] > 0

    @staticmethod
    def remember(removed: Mapping[str, int] | None, seen: Mapping[str, int]) -> dict[str, int]:
        """Return the sizes to restore later: the greater of the remembered and the current ones."""
        return {size: max(seen[size], (removed or seen)[size]) for size in SIZES}

    def take(self, seen: Mapping[str, int]) -> bool:
        """Set minimum and desired capacity to zero."""
        update_group(self._client, self._name, {"min": 0, "desired": 0})
        return True

    def lacking(self, removed: Mapping[str, int] | None, seen: Mapping[str, int]) -> dict[str, int]:
        """Return the sizes to set if one was greater before, never lower than the current ones."""
        wanted = self.remember(removed, seen)
        return {} if wanted == {size: seen[size] for size in SIZES} else wanted

    def give(self, sizes: Mapping[str, int]) -> list[dict[str, Any]]:
        """Set the sizes."""
        update_group(self._client, self._name, sizes)
        return []


def resource_for(measure: Mapping[str, Any], clients: Any, region: str) -> DatabaseIngress | ApplicationCapacity:
    """Return the resource of a measure (or of a module's parameters)."""
    if measure["mode"] == "database_ingress":
        return DatabaseIngress(clients("ec2", region), resource_of(measure))
    return ApplicationCapacity(clients("autoscaling", region), resource_of(measure))
