# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of a security group, one by one. Pure.

DescribeSecurityGroups groups rules by protocol and ports, so two responses are compared rule by rule. A rule is
identified by protocol, ports and source; its description does not count ("RevokeSecurityGroupIngress" of the Amazon EC2
API Reference). A list of rules has the shape of IpPermissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# {list of sources: (member that identifies a source, members that requests accept)}. Responses have more members in a
# UserIdGroupPair: PeeringStatus, or the names of the group and its VPC.
SOURCES = {
    "IpRanges": ("CidrIp", ("CidrIp", "Description")),
    "Ipv6Ranges": ("CidrIpv6", ("CidrIpv6", "Description")),
    "PrefixListIds": ("PrefixListId", ("PrefixListId", "Description")),
    "UserIdGroupPairs": ("GroupId", ("GroupId", "UserId", "Description")),
}
PORTS = ("IpProtocol", "FromPort", "ToPort")

Rules = Iterable[Mapping[str, Any]]


def single(permissions: Rules) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return {identity of a rule: the single rule, in the form that requests accept}."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for permission in permissions:
        ports = {name: permission[name] for name in PORTS if permission.get(name) is not None}
        for sources, (name, sent) in SOURCES.items():
            for source in permission.get(sources) or []:
                key = (*(ports.get(port) for port in PORTS), sources, source[name])
                found[key] = {**ports, sources: [{field: source[field] for field in sent if source.get(field)}]}
    return found


def lacking(wanted: Rules, present: Rules) -> list[dict[str, Any]]:
    """Return the wanted rules that do not exist, one by one."""
    there = single(present)
    return [rule for key, rule in single(wanted).items() if key not in there]


def joined(one: Rules, other: Rules) -> list[dict[str, Any]]:
    """Return the first rules unchanged, and those of the others that are not among them."""
    first = [dict(permission) for permission in one]
    return [*first, *lacking(other, first)]
