# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The resources of a region that fencing can change: the network ACL of its database, the database's ingress, or the
application's capacity.

All have the same methods, so that fencing and unfencing are written only once: ``read`` the current settings (None:
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

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.hold import drop_hold, read_hold
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.units import (
    Unit,
    group_in,
    service_in,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    DATABASE_INGRESS,
    NETWORK_ACL,
    SERVICE_CAPACITY,
    resource_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.rules import joined, lacking, single

MISSING_GROUP = "InvalidGroup.NotFound"
MISSING_ACL = "InvalidNetworkAclID.NotFound"
# The rule that the role network prepares in both directions: it allows everything, and fencing makes it a deny.
FENCE_RULE = 10
EVERYWHERE, ALL_PROTOCOLS = "0.0.0.0/0", "-1"
SIZES = ("min", "desired", "max")
ALLOW, DENY = "allow", "deny"
PREPARE = "Run site.yml, which prepares it."


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


@aws_call("DescribeNetworkAcls", missing=(MISSING_ACL,))
def describe_acl(client: Any, acl_id: str) -> dict[str, Any] | None:
    """Return a NetworkAcl of the API, or None if there is none."""
    found = client.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
    return found[0] if found else None


@aws_call("ReplaceNetworkAclEntry")
def replace_entry(client: Any, acl_id: str, entry: Mapping[str, Any]) -> None:
    """Replace the entry with this number and direction."""
    client.replace_network_acl_entry(NetworkAclId=acl_id, **entry)


def fence_entries(acl: Mapping[str, Any], acl_id: str) -> list[dict[str, Any]]:
    """Return the entries that fencing turns, the inbound one first. Raises MultiRegionError if one is missing. Pure."""
    found = {one["Egress"]: dict(one) for one in acl["Entries"] if one["RuleNumber"] == FENCE_RULE}
    for egress in (False, True):
        if egress not in found:
            raise MultiRegionError(f"{acl_id} has no {way_of(egress)} rule {FENCE_RULE}, which fencing turns.")
    return [found[False], found[True]]


def way_of(egress: bool) -> str:
    """Return a direction as a word for sentences."""
    return "outbound" if egress else "inbound"


def gap_in(acl: Mapping[str, Any], acl_id: str, subnets: Iterable[str]) -> str | None:
    """Return what the ACL would let through although its entries deny, as a sentence; None if nothing. Pure.

    Rules are evaluated from the lowest number on, and the first one that matches applies ("Network ACL rules" of the
    Amazon VPC User Guide). subnets: those that must have this ACL.
    """
    try:
        entries = fence_entries(acl, acl_id)
    except MultiRegionError as error:
        return str(error)
    for entry in entries:
        way, source, protocol = way_of(entry["Egress"]), entry.get("CidrBlock"), entry["Protocol"]
        if (source, protocol) != (EVERYWHERE, ALL_PROTOCOLS):
            return (
                f"{way.capitalize()} rule {FENCE_RULE} of {acl_id} is for {source}, protocol {protocol}; "
                f"allowed: {EVERYWHERE}, protocol {ALL_PROTOCOLS}."
            )
        earlier = sorted(
            one["RuleNumber"]
            for one in acl["Entries"]
            if one["Egress"] == entry["Egress"] and one["RuleNumber"] < FENCE_RULE and one["RuleAction"] == ALLOW
        )
        if earlier:
            return f"{acl_id} has {way} rules that allow traffic before rule {FENCE_RULE}: {earlier}."
    present = {one["SubnetId"] for one in acl["Associations"]}
    missing = sorted(set(subnets) - present)
    if missing or not present:
        return f"{acl_id} is not associated with {', '.join(missing) or 'any subnet'}."
    return None


class DatabaseNetworkAcl:
    """The network ACL of the database's subnets. One entry in each direction is turned from allow to deny, and back.

    Both, because a statement that has arrived already would be acknowledged after an inbound deny alone. A fence of
    which only one direction is done is still open, and the next run turns the other one.
    """

    def __init__(self, client: Any, acl_id: str, subnets: Iterable[str] = ()):
        self._client = client
        self._id = acl_id
        self._subnets = tuple(subnets)

    def read(self) -> dict[str, Any] | None:
        """Return {entries: the two entries, gap: what they would not deny, or None}."""
        acl = describe_acl(self._client, self._id)
        if acl is None:
            return None
        try:
            entries = fence_entries(acl, self._id)
        except MultiRegionError as error:
            raise MultiRegionError(f"{error} {PREPARE}") from error
        return {"entries": entries, "gap": gap_in(acl, self._id, self._subnets)}

    @staticmethod
    def is_open(seen: Mapping[str, Any]) -> bool:
        """Return whether an entry allows traffic. Raises MultiRegionError if denying would not be enough."""
        if seen["gap"]:
            raise MultiRegionError(f"{seen['gap']} {PREPARE}")
        return any(entry["RuleAction"] == ALLOW for entry in seen["entries"])

    @staticmethod
    def remember(removed: list[dict[str, Any]] | None, seen: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the entries to restore later. A deny that no document explains was an allow before."""
        return removed or [{**entry, "RuleAction": ALLOW} for entry in seen["entries"]]

    def take(self, seen: Mapping[str, Any]) -> bool:
        """Turn the entries that allow traffic to deny."""
        self._replace([{**one, "RuleAction": DENY} for one in seen["entries"] if one["RuleAction"] == ALLOW])
        return True

    def lacking(self, removed: list[dict[str, Any]] | None, seen: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the entries to restore: those whose direction does not allow traffic now."""
        denied = {entry["Egress"] for entry in seen["entries"] if entry["RuleAction"] != ALLOW}
        return [entry for entry in self.remember(removed, seen) if entry["Egress"] in denied]

    def give(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Turn the entries back."""
        self._replace(entries)
        return []

    def _replace(self, entries: list[dict[str, Any]]) -> None:
        """Replace all entries; a lost answer to one is raised once the others were requested, and is read back then."""
        lost = None
        for entry in entries:
            try:
                replace_entry(self._client, self._id, entry)
            except AwsCallError as error:
                if not error.ambiguous:
                    raise
                lost = lost or error
        if lost:
            raise lost


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
    """The sizes of the application's group or service: minimum and desired are set to zero, the maximum is kept."""

    def __init__(self, unit: Unit):
        self._unit = unit

    def read(self) -> dict[str, int] | None:
        """Return {min, desired, max}, without max where there is none.

        A minimum that a move holds raised is the one to be restored.
        """
        group = self._unit.read()
        if not group:
            return None
        hold = read_hold(self._unit) if group.get("is_scaled", True) else {}
        sizes = {size: group[size] for size in SIZES if group[size] is not None}
        return sizes | {"min": hold.get("min", group["min"]) if group["min"] else 0}

    @staticmethod
    def is_open(seen: Mapping[str, int]) -> bool:
        """Return whether the group should run instances."""
        return seen["min"] > 0 or seen["desired"] > 0

    @staticmethod
    def remember(removed: Mapping[str, int] | None, seen: Mapping[str, int]) -> dict[str, int]:
        """Return the sizes to restore later: the greater of the remembered and the current ones."""
        return {size: max(seen[size], (removed or seen).get(size, 0)) for size in seen}

    def take(self, seen: Mapping[str, int]) -> bool:
        """Set minimum and desired capacity to zero. What restores a minimum later would start instances again."""
        drop_hold(self._unit)
        self._unit.set_sizes({"min": 0, "desired": 0})
        return True

    def lacking(self, removed: Mapping[str, int] | None, seen: Mapping[str, int]) -> dict[str, int]:
        """Return the sizes to set if one was greater before, never lower than the current ones."""
        wanted = self.remember(removed, seen)
        return {} if wanted == seen else wanted

    def give(self, sizes: Mapping[str, int]) -> list[dict[str, Any]]:
        """Set the sizes."""
        self._unit.set_sizes(sizes)
        return []


Resource: TypeAlias = "DatabaseNetworkAcl | DatabaseIngress | ApplicationCapacity"


def resource_for(measure: Mapping[str, Any], clients: Any, region: str) -> Resource:
    """Return the resource of a measure (or of a module's parameters)."""
    if measure["mode"] == NETWORK_ACL:
        return DatabaseNetworkAcl(clients("ec2", region), resource_of(measure), measure.get("subnet_ids") or ())
    if measure["mode"] == DATABASE_INGRESS:
        return DatabaseIngress(clients("ec2", region), resource_of(measure))
    name = resource_of(measure)
    is_service = measure["mode"] == SERVICE_CAPACITY
    return ApplicationCapacity((service_in if is_service else group_in)(clients, region, name))
