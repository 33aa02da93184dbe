# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the inputs of a playbook, found before the first call to AWS.

Pure: a mapping of the playbooks' own variable names goes in, a list of sentences comes out. Each sentence names the
variable, its value and what is allowed. An empty list means that nothing is wrong.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from itertools import combinations

SUFFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?")
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
ENGINE_VERSION = re.compile(r"8\.0\.mysql_aurora\.3\.(\d+)\.(\d+)(?:\.\d+)?")
# Aurora User Guide, "Supported Regions and DB engines for Aurora global databases": version 3 from 3.01.0 on.
FIRST_GLOBAL_MINOR = 1
# A VPC must hold the /24 subnets that the network role cuts at offsets 0 to 21.
SMALLEST_VPC_PREFIX, LARGEST_VPC_PREFIX = 19, 16

# How a move is made, the default first.
METHODS = ("failover", "switchover", "detach", "auto")
# Variables that hold seconds, with their least and most.
SECONDS = {
    "wait_timeout": (1, 86400),
    "failover_lease_seconds": (10, 3600),
    "failover_cool_down": (0, 604800),
}
CHOICES = {"failover_fencing": ("database_ingress", "application_capacity", "none")}

# The variable, AWS's limit on the length of its value, and what the value names.
NAME_LIMITS: dict[str, tuple[int, str]] = {
    "application_load_balancer_name": (32, "a load balancer"),
    "application_target_group_name": (32, "a target group"),
    "application_name": (64, "an IAM role"),
    "application_autoscaling_group_name": (255, "an Auto Scaling group"),
    "global_database_identifier": (63, "a global cluster"),
    "global_database_cluster_identifier": (61, "a DB cluster whose instances end in -1 and -2"),
    "object_storage_bucket": (63, "a bucket"),
    "traffic_control_bucket": (63, "a bucket"),
    "session_table_name": (255, "a table"),
    "failover_control_table": (255, "a table"),
    "monitoring_topic_name": (256, "a topic"),
    "encryption_key_alias": (256, "a key alias"),
    "traffic_domain": (255, "a domain"),
}


def _shown(value: t.Any) -> str:
    return "undefined" if value is None else repr(value) if isinstance(value, str) else str(value)


def _refusal(variable: str, value: t.Any, allowed: str) -> str:
    return f"{variable} is {_shown(value)}; allowed: {allowed}."


def suffix_problems(suffix: t.Any) -> list[str]:
    """The suffix ends every name, so it must fit the narrowest alphabet of them all (DNS labels)."""
    if isinstance(suffix, str) and SUFFIX.fullmatch(suffix):
        return []
    return [
        _refusal(
            "environment_suffix",
            suffix,
            "1 to 12 lower-case letters, digits and inner dashes, such as dev or prod-eu",
        )
    ]


def region_problems(regions: t.Sequence[t.Any]) -> list[str]:
    """At least two regions, each of a region's form, none of them twice."""
    problems = []
    if len(regions) < 2:
        problems.append(
            _refusal("groups['regions']", list(regions), "at least two hosts, one for each region of the platform")
        )
    for region in regions:
        if not (isinstance(region, str) and REGION.fullmatch(region)):
            problems.append(_refusal("aws_region", region, "the code of an AWS region, such as us-east-1"))
    twice = sorted({str(region) for region in regions if list(regions).count(region) > 1})
    if twice:
        problems.append(_refusal("aws_region", ", ".join(twice) + " for more than one host", "each region once"))
    return problems


def _network(region: str, cidr: t.Any) -> tuple[t.Any, list[str]]:
    allowed = (
        f"a private IPv4 network from /{LARGEST_VPC_PREFIX} to /{SMALLEST_VPC_PREFIX} without host bits, "
        "such as 10.0.0.0/16"
    )
    try:
        network = ipaddress.IPv4Network(cidr) if isinstance(cidr, str) else None
    except ValueError:
        network = None
    if network is None or not network.is_private or not LARGEST_VPC_PREFIX <= network.prefixlen <= SMALLEST_VPC_PREFIX:
        return None, [_refusal(f"vpc_cidr of {region}", cidr, allowed)]
    return network, []


def cidr_problems(cidrs: t.Mapping[str, t.Any]) -> list[str]:
    """Peered VPCs cannot overlap: the routes between the regions would be ambiguous."""
    problems, networks = [], {}
    for region, cidr in cidrs.items():
        network, refused = _network(region, cidr)
        problems += refused
        if network is not None:
            networks[region] = network
    for (one, a), (other, b) in combinations(networks.items(), 2):
        if a.overlaps(b):
            problems.append(
                _refusal("vpc_cidr", f"{a} in {one} and {b} in {other}, which overlap", "networks that do not overlap")
            )
    return problems


def engine_version_problems(version: t.Any) -> list[str]:
    """Only versions that can be a member of an Aurora global database."""
    match = ENGINE_VERSION.fullmatch(version) if isinstance(version, str) else None
    if match and int(match.group(1)) >= FIRST_GLOBAL_MINOR:
        return []
    return [
        _refusal(
            "global_database_engine_version",
            version,
            "Aurora MySQL versions that support global databases, 8.0.mysql_aurora.3.01.0 or later of version 3",
        )
    ]


def name_problems(names: t.Mapping[str, t.Any]) -> list[str]:
    """Names over AWS's limits; a variable may hold a list with one name for each region."""
    problems = []
    for variable, (limit, what) in NAME_LIMITS.items():
        value = names.get(variable)
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and len(name) > limit:
                problems.append(
                    _refusal(variable, f"{name!r} of {len(name)} characters", f"at most {limit} characters, for {what}")
                )
    return problems


def _number_problem(variable: str, value: t.Any, allowed: str, low: float, high: float) -> list[str]:
    if value is None or value == "":
        return []
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not low <= number <= high:
        return [_refusal(variable, value, allowed)]
    return []


def _member_problem(variable: str, value: t.Any, regions: t.Sequence[str]) -> list[str]:
    if value in (None, "") or value in regions:
        return []
    return [_refusal(variable, value, f"one of the platform's regions: {', '.join(map(str, regions))}")]


def _boolean_problem(variable: str, value: t.Any) -> list[str]:
    if value is None or isinstance(value, bool) or str(value).lower() in ("true", "false", "yes", "no"):
        return []
    return [_refusal(variable, value, "true or false")]


def method_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """How the writer is moved: by the playbook (switchover.yml, failback.yml) or by the operator, never both."""
    asked, own = inputs.get("method") or None, inputs.get("move_method") or None
    if asked and asked not in METHODS:
        return [_refusal("method", asked, f"one of {', '.join(METHODS)}")]
    if asked and own and asked != own:
        return [_refusal("method", asked, f"{own} with this playbook; failover.yml takes any of {', '.join(METHODS)}")]
    method, loses = own or asked or METHODS[0], str(inputs.get("accept_data_loss")).lower() in ("true", "yes")
    if method == "switchover" and loses:
        allowed = "false with method switchover, which loses nothing; failover.yml is the move that may lose data"
        return [_refusal("accept_data_loss", inputs["accept_data_loss"], allowed)]
    if method == "detach" and not loses:
        allowed = "true with method detach, which loses what was not replicated"
        return [_refusal("accept_data_loss", inputs.get("accept_data_loss"), allowed)]
    return []


def move_problems(inputs: t.Mapping[str, t.Any], regions: t.Sequence[str]) -> list[str]:
    """The inputs of a move between regions."""
    target, expected = inputs.get("target_region"), inputs.get("expected_active_region")
    problems = _member_problem("target_region", target, regions)
    problems += _member_problem("expected_active_region", expected, regions)
    if target and target == expected and not problems:
        problems.append(
            _refusal("target_region", target, f"a region other than expected_active_region, {_shown(expected)}")
        )
    problems += _number_problem(
        "max_replication_lag_ms",
        inputs.get("max_replication_lag_ms"),
        "a number of milliseconds, 0 or more, without a unit",
        0,
        float("inf"),
    )
    for variable, (low, high) in SECONDS.items():
        allowed = f"a number of seconds from {low} to {high}, without a unit"
        problems += _number_problem(variable, inputs.get(variable), allowed, low, high)
    for variable in ("accept_data_loss", "force", "auto_failover", "rebuild"):
        problems += _boolean_problem(variable, inputs.get(variable))
    for variable, allowed in CHOICES.items():
        if inputs.get(variable) not in (None, "", *allowed):
            problems.append(_refusal(variable, inputs[variable], f"one of {', '.join(allowed)}"))
    return problems + method_problems(inputs)


def platform_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """Everything that is wrong with ``inputs``, as sentences in the order in which a reader would mend them.

    :param inputs: ``environment_suffix``, ``regions`` (list of region codes, in order), ``vpc_cidrs`` (region to CIDR),
        ``global_database_engine_version``, ``names`` (variable to name, or to a list of names), ``limit``
        (Ansible's ``--limit`` or None), ``health_min_healthy_ratio`` and the options of a move. What is left out is
        not judged.
    """
    problems = suffix_problems(inputs.get("environment_suffix"))
    regions = inputs.get("regions") or []
    problems += region_problems(regions)
    if inputs.get("limit"):
        problems.append(_refusal("--limit", inputs["limit"], "none, a playbook works on all regions together"))
    if "vpc_cidrs" in inputs:
        problems += cidr_problems(inputs["vpc_cidrs"])
    if "global_database_engine_version" in inputs:
        problems += engine_version_problems(inputs["global_database_engine_version"])
    if not problems:
        # Names are made of what was judged above.
        problems += name_problems(inputs.get("names") or {})
    problems += _number_problem(
        "health_min_healthy_ratio", inputs.get("health_min_healthy_ratio"), "a ratio from 0 to 1", 0, 1
    )
    return problems + move_problems(inputs, regions)
