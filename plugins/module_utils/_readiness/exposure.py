# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can reach the platform from the internet, what can it reach there, and are the parts in between configured well?

Pure: one function per check. None of these problems stops a move, so each is a warning.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import AUTOSCALING
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.hardening import each_region
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import Finding, Seen, listed

# A network with a shorter prefix counts as the internet: two halves of 0.0.0.0/0 open as much as the whole.
WORLD_PREFIX = 8
CLIENT_PORTS = (80, 443)
# AWS's name for all protocols in a security group rule.
ALL_PROTOCOLS = "-1"

Groups = Mapping[str, Mapping[str, Any]]


def is_world(network: str) -> bool:
    """Return whether a network, in CIDR notation, is larger than any single organization's."""
    return ipaddress.ip_network(network, strict=False).prefixlen < WORLD_PREFIX


def is_within(rule: Mapping[str, Any], ports: Collection[int]) -> bool:
    """Return whether a rule allows nothing but TCP to some of the ports."""
    first, last = rule["first_port"], rule["last_port"]
    return rule["protocol"] == "tcp" and first is not None and set(range(first, last + 1)) <= set(ports)


def described(rule: Mapping[str, Any]) -> str:
    """Return what a rule allows, as words for a sentence."""
    first, last = rule["first_port"], rule["last_port"]
    protocol = "everything" if rule["protocol"] == ALL_PROTOCOLS else rule["protocol"]
    ports = "" if first is None else f" {first}" if first == last else f" {first}-{last}"
    return f"{protocol}{ports}"


def openings(groups: Groups, side: str, doors: Collection[str], ports: Collection[int]) -> list[str]:
    """Return "what (group)" for every rule that is open to the internet, except the doors' rules for the ports.

    side: ingress or egress. doors: ids of the groups that may have such rules.
    """
    return sorted(
        f"{described(rule)} ({group['name']})"
        for identifier, group in groups.items()
        for rule in group[side]
        if any(is_world(network) for network in rule["networks"])
        and not (identifier in doors and is_within(rule, ports))
    )


def groups_of(seen: Seen, facts: Facts) -> tuple[Groups, str | None]:
    """Return the security groups of the platform's VPC, and what is wrong if there is no such VPC."""
    groups = facts.value("security_groups")
    return (groups, None) if groups is not None else ({}, f"there is no VPC {seen.expected.get('vpc_name')}")


def open_ports(seen: Seen) -> Iterator[Finding]:
    """The internet reaches ports 80 and 443 of the load balancer's security groups, and nothing else."""

    def find(seen: Seen, _region: str, facts: Facts) -> Iterator[str]:
        groups, missing = groups_of(seen, facts)
        front = (facts.value("load_balancer") or {}).get("security_group_ids", ())
        found = openings(groups, "ingress", front, CLIENT_PORTS)
        if missing:
            yield missing
        if found:
            yield f"open to the internet: {listed(found)}"

    facts = ("security_groups", "load_balancer")
    fine = "Only ports 80 and 443 of the load balancer are open to the internet."
    yield from each_region(seen, facts, "what is open to the internet", find, fine)


def egress(seen: Seen) -> Iterator[Finding]:
    """Only the application reaches the internet, and only on the intended ports."""
    ports = seen.expected.get("egress_ports") or (443,)

    def find(seen: Seen, region: str, facts: Facts) -> Iterator[str]:
        groups, missing = groups_of(seen, facts)
        templates = facts.value("launch_templates").values()
        application = {group for template in templates for group in template["security_group_ids"]}
        if seen.compute(region) != AUTOSCALING:
            name = f"{seen.expected.get('vpc_name')}-application"
            application = {identifier for identifier, group in groups.items() if group["name"] == name}
        found = openings(groups, "egress", application, ports)
        if missing:
            yield missing
        if found:
            yield f"allowed to reach the internet: {listed(found)}"

    facts = ("security_groups", "launch_templates")
    fine = f"Only the application reaches the internet, on {listed(ports)}."
    yield from each_region(seen, facts, "what may reach the internet", find, fine)


def instance_metadata(seen: Seen) -> Iterator[Finding]:
    """Instances, current and future, return their role's credentials only to requests with a token (IMDSv2).

    Source: "Use IMDS" of the Amazon EC2 User Guide.
    """

    def find(_seen: Seen, _region: str, facts: Facts) -> Iterator[str]:
        templates = facts.value("launch_templates")
        lenient = [name for name, template in templates.items() if template["http_tokens"] != "required"]
        if lenient:
            yield f"instances of {listed(lenient)} return metadata without a token"

    fine = "Instance metadata requires a token (IMDSv2)."
    of_instances = [region for region in seen.order if seen.compute(region) == AUTOSCALING]
    yield from each_region(seen, ("launch_templates",), "the launch template", find, fine, of_instances)


def load_balancer(seen: Seen) -> Iterator[Finding]:
    """The load balancer drops headers with invalid names, and logs all requests."""

    def find(_seen: Seen, _region: str, facts: Facts) -> Iterator[str]:
        found = facts.value("load_balancer")
        if found is None:
            yield "the load balancer does not exist"
            return
        if not found["drops_invalid_headers"]:
            yield "the load balancer forwards headers with invalid names"
        if not found["log_bucket"]:
            yield "the load balancer writes no access logs"

    fine = "The load balancer drops invalid headers and writes access logs."
    yield from each_region(seen, ("load_balancer",), "the load balancer", find, fine)
