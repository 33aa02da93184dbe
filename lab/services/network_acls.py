# SPDX-License-Identifier: GPL-3.0-or-later
"""Network ACLs as strict as EC2's: moto accepts entries that EC2 refuses, and fails on those that do not exist.

Follows: VPC User Guide, "Network ACL rules" (numbers from 1 to 32766, evaluated from the lowest on; the rule * of 32767
denies what no rule matches) and "Amazon VPC quotas" (20 rules a direction; the rule * does not count); API reference
CreateNetworkAclEntry and ReplaceNetworkAclEntry (PortRange is required with TCP and UDP; Protocol is a number, a name
is stored as its number); EC2 API, "Error codes" (InvalidNetworkAclEntry.NotFound, InvalidNetworkAclID.NotFound,
NetworkAclEntryLimitExceeded, NetworkAclEntryAlreadyExists); VPC User Guide, "Delete your VPC" (with the command line,
network ACLs are deleted before their VPC, which takes only its default one along) and "Delete a subnet".
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError, InvalidNetworkAclIdError
from moto.ec2.models import EC2Backend
from moto.ec2.models.network_acls import NetworkAcl

LAST_RULE, DENY_RULE = 32766, 32767
RULES_A_DIRECTION = 20
PROTOCOLS = {"icmp": "1", "tcp": "6", "udp": "17", "all": "-1"}
WITH_PORTS = ("6", "17")


# moto's own methods, which those below call.
METHODS = (
    *("create_network_acl", "describe_network_acls", "create_network_acl_entry", "replace_network_acl_entry"),
    *("delete_network_acl_entry", "delete_subnet", "delete_vpc"),
)
MOTOS = {name: getattr(EC2Backend, name) for name in METHODS}


def install() -> None:
    """Put the checks in place."""
    for name in METHODS:
        setattr(EC2Backend, name, globals()[name])


def create_network_acl_entry(self: Any, *args: Any, **entry: Any) -> Any:
    """Refuse what EC2 refuses."""
    acl = self.get_network_acl(entry["network_acl_id"])
    if not _is_first_deny(acl, entry):
        _refuse_bad(entry)
        _refuse_too_many(acl, entry)
    return MOTOS["create_network_acl_entry"](self, *args, **entry)


def replace_network_acl_entry(self: Any, *args: Any, **entry: Any) -> Any:
    """Check first: moto deletes the old entry before it refuses the new one."""
    _refuse_bad(entry)
    _refuse_missing(self.get_network_acl(entry["network_acl_id"]), entry["rule_number"], entry["egress"])
    return MOTOS["replace_network_acl_entry"](self, *args, **entry)


def delete_network_acl_entry(self: Any, network_acl_id: str, rule_number: int, egress: bool) -> Any:
    """Refuse an entry that does not exist."""
    _refuse_missing(self.get_network_acl(network_acl_id), rule_number, egress)
    return MOTOS["delete_network_acl_entry"](self, network_acl_id, rule_number, egress)


def create_network_acl(self: Any, vpc_id: str, tags: Any = None, default: bool = False) -> Any:
    """Give a new ACL the rules that deny everything."""
    acl = MOTOS["create_network_acl"](self, vpc_id, tags=tags, default=default)
    if not default:
        _deny_the_rest(self, acl)
    return acl


def describe_network_acls(self: Any, network_acl_ids: list[str] | None = None, filters: Any = None) -> Any:
    """Refuse an unknown id with the code of network ACLs: moto takes that of route tables."""
    for acl_id in network_acl_ids or []:
        if acl_id not in self.network_acls:
            raise InvalidNetworkAclIdError(acl_id)
    return MOTOS["describe_network_acls"](self, network_acl_ids, filters)


def delete_subnet(self: Any, subnet_id: str) -> Any:
    """End the subnet's association too."""
    found = MOTOS["delete_subnet"](self, subnet_id)
    for acl in self.network_acls.values():
        for key in [key for key, one in acl._associations.items() if one.subnet_id == subnet_id]:
            del acl._associations[key]
    return found


def delete_vpc(self: Any, vpc_id: str) -> Any:
    """Refuse a VPC with ACLs besides its default one, which goes with it."""
    acls = [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]
    if not all(acl.default for acl in acls):
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    found = MOTOS["delete_vpc"](self, vpc_id)
    for acl in acls:
        del self.network_acls[acl.id]
    return found


def _deny_the_rest(backend: Any, acl: NetworkAcl) -> None:
    """A new custom network ACL has the rule * in both directions, and so denies everything."""
    nothing = dict.fromkeys(("icmp_code", "icmp_type", "port_range_from", "port_range_to", "ipv6_cidr_block"))
    for egress in (True, False):
        backend.create_network_acl_entry(
            network_acl_id=acl.id,
            rule_number=DENY_RULE,
            protocol="-1",
            rule_action="deny",
            egress=egress,
            cidr_block="0.0.0.0/0",
            **nothing,
        )


def _is_first_deny(acl: NetworkAcl, entry: dict[str, Any]) -> bool:
    """Whether it is the rule * of an ACL that is being made; every ACL has both by the time clients see it."""
    has_one = any(one.rule_number == DENY_RULE and one.egress == entry["egress"] for one in acl.entries)
    return entry["rule_number"] == DENY_RULE and not has_one


def _refuse_bad(entry: dict[str, Any]) -> None:
    """Refuse an entry as EC2 does, and store its protocol as a number."""
    number = entry["rule_number"]
    if not 1 <= number <= LAST_RULE:
        raise EC2ClientError(
            "InvalidParameterValue", f"Invalid value '{number}' for ruleNumber. Must be between 1 and {LAST_RULE}."
        )
    entry["protocol"] = PROTOCOLS.get(str(entry["protocol"]).lower(), str(entry["protocol"]))
    if entry["protocol"] in WITH_PORTS and entry.get("port_range_from") is None:
        raise EC2ClientError("MissingParameter", "The request must contain the parameter portRange.from")
    if not entry.get("cidr_block") and not entry.get("ipv6_cidr_block"):
        raise EC2ClientError("MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")


def _refuse_too_many(acl: NetworkAcl, entry: dict[str, Any]) -> None:
    own = [one for one in acl.entries if one.egress == entry["egress"] and one.rule_number != DENY_RULE]
    if len(own) >= RULES_A_DIRECTION:
        raise EC2ClientError(
            "NetworkAclEntryLimitExceeded", f"The maximum number of network acl entries has been reached: {acl.id}"
        )


def _refuse_missing(acl: NetworkAcl, number: int, egress: bool) -> None:
    if not any(one.rule_number == number and one.egress == egress for one in acl.entries):
        way = "egress" if egress else "ingress"
        raise EC2ClientError(
            "InvalidNetworkAclEntry.NotFound",
            f"The {way} entry with rule number {number} does not exist in network ACL {acl.id}",
        )
