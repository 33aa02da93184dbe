# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Address arithmetic for the network role, so that it needs no further collection for one subnet."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleFilterError


def subnet_cidr(vpc_cidr: t.Any, prefix: t.Any, index: t.Any) -> str:
    """Return the subnet with the number ``index`` (from 0) and length ``prefix`` of ``vpc_cidr``, as "10.0.10.0/24".

    Raises AnsibleFilterError if ``vpc_cidr`` is not an IPv4 network, or has no such subnet.
    """
    try:
        network = ipaddress.IPv4Network(str(vpc_cidr))
        length, number = int(prefix), int(index)
    except ValueError as error:
        raise AnsibleFilterError(f"subnet_cidr: {error}; wanted: IPv4 network, prefix length, number") from error
    if not network.prefixlen <= length <= 32:
        raise AnsibleFilterError(f"subnet_cidr: prefix {length} is not between that of {network} and 32")
    room = 2 ** (length - network.prefixlen)
    if not 0 <= number < room:
        raise AnsibleFilterError(
            f"subnet_cidr: subnet {number} of length {length} is outside {network}: 0 to {room - 1} are in it"
        )
    first = int(network.network_address) + number * 2 ** (32 - length)
    return str(ipaddress.IPv4Network((first, length)))


def network_layout_problems(subnets: t.Any, layout: t.Mapping[str, str]) -> list[str]:
    """Return what a network in use cannot become, as sentences.

    :param subnets: those that are there, as amazon.aws.ec2_vpc_subnet_info returns them.
    :param layout: the CIDR of each wanted subnet, by its name.
    """
    problems = []
    for subnet in sorted(subnets, key=lambda one: one["tags"]["Name"]):
        name, cidr = subnet["tags"]["Name"], subnet["cidr_block"]
        if name not in layout:
            problems.append(
                f"network_zones and network_zone_count leave out {subnet['availability_zone']}, where {name} "
                "is; allowed: the zones in use, and others after them."
            )
        elif layout[name] != cidr:
            problems.append(
                f"The subnet {name} would be {layout[name]} by vpc_cidr, network_subnet_prefix and the offset of its "
                f"tier, but is {cidr}; allowed: the values with which it was created, in the same order of zones."
            )
    return problems


def security_group_surplus(groups: t.Any, wanted: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return the rules of security groups that exist and that are not wanted, as texts: what provisioning revokes.

    The default group has no wanted rules, and AWS's own until it has been tagged. A side that ``wanted`` does not name
    is left alone.
    """
    names = {group["group_id"]: group["group_name"] for group in groups}
    surplus = set()
    for group in groups:
        nothing = {"ingress": [], "egress": []} if group.get("tags") else {}
        rules = nothing if group["group_name"] == "default" else wanted[_kind(group, wanted)]
        for side, key in (("ingress", "ip_permissions"), ("egress", "ip_permissions_egress")):
            if side in rules:
                there = {text for rule in group[key] for text in _seen(rule, names)}
                asked = {text for rule in rules[side] for text in _asked(rule, names)}
                surplus |= {f"{group['group_name']} {side} {text}" for text in there - asked}
    return sorted(surplus)


def security_group_gaps(groups: t.Any, wanted: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return what is wanted of security groups that exist and that they do not let through yet, as texts.

    :param groups: as amazon.aws.ec2_security_group_info returns them; what their names end in is the key of ``wanted``.
    :param wanted: by group, ``ingress`` and ``egress``: rules as amazon.aws.ec2_security_group takes them.
    """
    gaps = set()
    for group in groups:
        name = _kind(group, wanted)
        for side, key in (("ingress", "ip_permissions"), ("egress", "ip_permissions_egress")):
            there = {text for rule in group[key] for text in _seen(rule)}
            asked = {text for rule in (wanted[name][side] if name else []) for text in _asked(rule)}
            gaps |= {f"{group['group_name']} {side} {text}" for text in asked - there}
    return sorted(gaps)


def _kind(group: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any]) -> str | None:
    """The key of ``wanted`` in which a group's name ends."""
    return next((one for one in wanted if group["group_name"].endswith(f"-{one.replace('_', '-')}")), None)


def _asked(rule: t.Mapping[str, t.Any], names: t.Mapping[str, str] | None = None) -> t.Iterator[str]:
    """What a wanted rule lets through: "protocol port source"; with names, a group as a source has its name."""
    cidrs = rule.get("cidr_ip") or []
    sources = [*([cidrs] if isinstance(cidrs, str) else cidrs), *(rule.get("ip_prefix") or [])]
    for port in rule["ports"]:
        for source in sources or [rule.get("group_name", "") if names is not None else "a group"]:
            yield f"{rule['proto']} {port} {source}"


def _seen(rule: t.Mapping[str, t.Any], names: t.Mapping[str, str] | None = None) -> t.Iterator[str]:
    """The same for a rule that is there."""
    sources = [one["cidr_ip"] for one in rule.get("ip_ranges", [])]
    sources += [one["cidr_ipv6"] for one in rule.get("ipv6_ranges", [])]
    sources += [one["prefix_list_id"] for one in rule.get("prefix_list_ids", [])]
    pairs = [one.get("group_id", "") for one in rule.get("user_id_group_pairs", [])]
    sources += ["a group" if names is None else names.get(one, one) for one in pairs]
    first, last = rule.get("from_port"), rule.get("to_port")
    ports = first if last in (first, None) else f"{first}-{last}"
    for source in sources:
        yield f"{rule['ip_protocol']} {'all ports' if first is None else ports} {source}"


class FilterModule:
    """Filters of the network role."""

    def filters(self) -> dict[str, t.Callable]:
        return {
            "network_layout_problems": network_layout_problems,
            "security_group_gaps": security_group_gaps,
            "security_group_surplus": security_group_surplus,
            "subnet_cidr": subnet_cidr,
        }
