# SPDX-License-Identifier: GPL-3.0-or-later
"""What could be reached over time: ingress of security groups, healthy targets, what Route 53's checkers would see.

Facts of the moment, without the thresholds and the time after which Route 53 acts on them (`lab/checks.py`): a gap of
a second is seen that no name follows. Kept as `lab/timeline.py` keeps who could write.
"""

from __future__ import annotations

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.elbv2.models import elbv2_backends

from lab.checks import CHECKS
from lab.elb import target_states
from lab.timeline import Timeline


def ingress() -> dict[str, dict[str, list[str]]]:
    """{region: {security group: ["port from source"]}} of the groups that clients made."""
    return {
        region: found
        for region, ec2 in sorted(ec2_backends[DEFAULT_ACCOUNT_ID].items())
        if (
            found := {
                group.name: sorted(map(_shown, group.ingress_rules))
                for groups in ec2.groups.values()
                for group in groups.values()
                if group.name != "default"
            }
        )
    }


def _shown(rule: SecurityGroupRule) -> str:
    ports = f"{rule.from_port}" if rule.from_port == rule.to_port else f"{rule.from_port}-{rule.to_port}"
    source = rule.cidr_ipv4 or rule.cidr_ipv6 or rule.source_group.get("GroupId") or rule.prefix_list_id
    return f"{ports} from {source}"


def healthy() -> dict[str, dict[str, int]]:
    """{region: {target group: healthy targets}}."""
    return {
        region: {group.name: target_states(group).count("healthy") for group in elb.target_groups.values()}
        for region, elb in sorted(elbv2_backends[DEFAULT_ACCOUNT_ID].items())
        if elb.target_groups
    }


def checks() -> dict[str, bool]:
    """{health check: whether a checker's request would succeed now} of those that request an endpoint."""
    named = {check: CHECKS.status(check).name for check, one in CHECKS.observations.items() if one.measured is not None}
    return {named[check]: bool(CHECKS.observations[check].measured) for check in sorted(named, key=named.__getitem__)}


REACHABILITY = Timeline({"ingress": ingress, "healthy": healthy, "checks": checks})
