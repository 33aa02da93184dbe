# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the inputs of a playbook, found before the first call to AWS.

Pure: a mapping of the playbooks' own variable names goes in, a list of sentences comes out. Each sentence names the
variable, its value and what is allowed. An empty list means that nothing is wrong.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t
from itertools import combinations

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import (
    HOST,
    ID,
    REGION,
    REGION_CODE,
    RULES,
    SERVER,
    URL,
    WORDS,
    YEAR_SECONDS,
    ByKey,
    Each,
    Rule,
    arn,
    line,
    shown,
    text,
)

SUFFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?")
ENGINE_VERSION = re.compile(r"8\.0\.mysql_aurora\.3\.(\d+)\.(\d+)(?:\.\d+)?")
# Aurora User Guide, "Supported Regions and DB engines for Aurora global databases": version 3 from 3.01.0 on.
FIRST_GLOBAL_MINOR = 1
# A VPC must hold the /24 subnets that the network role cuts at offsets 0 to 21.
SMALLEST_VPC_PREFIX, LARGEST_VPC_PREFIX = 19, 16

# How a move is made, the default first.
METHODS = ("failover", "switchover", "detach", "auto")
# Variables that hold figures: what they count, their least and most.
FIGURES: dict[str, tuple[str, float, float]] = {
    "consecutive_failures": ("a whole number", 1, 1000),
    "failover_cool_down": ("a number of seconds", 0, 604800),
    "failover_lease_seconds": ("a whole number of seconds", 10, 3600),
    "health_max_gap": ("a number of seconds", 1, YEAR_SECONDS),
    "health_min_interval": ("a number of seconds", 0, YEAR_SECONDS),
    "health_quorum": ("a whole number", 2, 1000),
    "health_stream_limit": ("a number of seconds", 1, YEAR_SECONDS),
    "max_age_days": ("a number of days", 0, 36500),
    "max_replication_lag_ms": ("a number of milliseconds", 0, 1000 * YEAR_SECONDS),
    "pause_minutes": ("a number of minutes", 0.01, YEAR_SECONDS / 60),
    "readiness_deadline": ("a number of seconds", 1, 3600),
    "rpo_goal_ms": ("a number of milliseconds", 0, 1000 * YEAR_SECONDS),
    "rto_goal_seconds": ("a number of seconds", 0, YEAR_SECONDS),
    "status_limit": ("a whole number", 1, 1_000_000),
    "wait_timeout": ("a whole number of seconds", 1, 86400),
}
BOOLEANS = (
    "accept_data_loss",
    "accept_gap",
    "auto_failover",
    "auto_failover_accept_data_loss",
    "cloud_trigger_enabled",
    "environment_protection",
    "force",
    "rebuild",
    "resume",
)
CHOICES = {
    "auto_failover_method": ("failover", "auto", "detach"),
    "failover_fencing": ("database_ingress", "application_capacity", "none"),
}
TEXTS: dict[str, Rule] = {
    "acknowledge": ID,
    "alert_topics": RULES["topics"],
    # Secrets Manager: "Name" of CreateSecret.
    "cloud_trigger_webhook_secret": text(r"[A-Za-z0-9/_+=.@-]{1,512}", "the name of a secret, or nothing"),
    "confirm": WORDS,
    "controller_execution_environment_image": line(1024),
    "controller_folder": line(4096),
    "controller_instances": ByKey(REGION_CODE, Each(HOST)),
    "controller_inventory_path": line(1024),
    "controller_notification_url": URL,
    "controller_project_branch": line(255),
    "controller_project_credential": line(512),
    "controller_project_url": line(1024),
    "failover_outcome_file": line(4096),
    "failover_owner": line(255),
    "failover_reason": WORDS,
    "failover_report_file": line(4096),
    "health_report_file": line(4096),
    "platform_name": text(r"[a-z](?:-?[a-z0-9]){0,19}", "1 to 20 lower-case letters, digits and inner dashes"),
    "readiness_report_file": line(4096),
    "readiness_runner_arn": arn("iam sts", r".+", "a user or a role"),
    "reason": WORDS,
    "run_id": ID,
    "status_file": line(4096),
    "status_report_file": line(4096),
    "takeover_run_id": ID,
    "traffic_dns_servers": Each(SERVER),
    "traffic_probe_proxy": URL,
}
# Where an empty text is the same as nothing given. All others have a value in group_vars, or are files.
MAY_BE_EMPTY = frozenset(
    "acknowledge cloud_trigger_webhook_secret confirm controller_project_branch controller_project_credential"
    " expected_active_region failover_reason max_age_days max_replication_lag_ms method move_method pause_minutes"
    " readiness_deadline readiness_runner_arn reason rpo_goal_ms rto_goal_seconds run_id status_limit takeover_run_id"
    " target_region traffic_probe_proxy wait_timeout".split()
)
# The variables that are judged each by itself.
GIVEN = (
    *("environment_suffix", "global_database_engine_version", "health_min_healthy_ratio"),
    *("target_region", "expected_active_region", "method", "move_method"),
    *FIGURES,
    *BOOLEANS,
    *CHOICES,
    *TEXTS,
)
# What the platform's regions are made of; judged together, and looked at one by one where the command line sets them.
OF_REGIONS = ("aws_region", "vpc_cidr", "platform_regions", "platform_vpc_cidrs")
# Variables that need no judge here, because a playbook or a role judges them.
OTHERS = ("aws_account_id", "aws_partition", "controller_credentials", "policies_folder")
# What a job hands on to the next nodes of a workflow; AWX gives it to their playbooks as the command line would.
ARTIFACTS = (
    *("active_region", "outcome", "outcome_reason", "rpo_seconds", "rto_seconds", "run_id"),
    *("drill", "failover", "health", "platform_outputs", "readiness", "rotation"),
)
# Variables of Ansible and of AWX, which nobody can mistake for one of ours.
FOREIGN = ("ansible_", "awx_", "tower_")
# How alike two names are when one may be a slip of the other (difflib: 1 is the same).
LIKENESS = 0.8

# The variable, AWS's limit on the length of its value, and what the value names.
NAME_LIMITS: dict[str, tuple[int, str]] = {
    "application_load_balancer_name": (32, "a load balancer"),
    "application_target_group_name": (32, "a target group"),
    "application_name": (64, "an IAM role"),
    "application_autoscaling_group_name": (255, "an Auto Scaling group"),
    "global_database_identifier": (63, "a global cluster"),
    "global_database_cluster_identifier": (61, "a DB cluster whose instances end in -1 and -2"),
    "object_storage_bucket": (63, "a bucket"),
    "audit_bucket": (63, "a bucket"),
    "traffic_control_bucket": (63, "a bucket"),
    "session_table_name": (255, "a table"),
    "failover_control_table": (255, "a table"),
    "monitoring_topic_name": (256, "a topic"),
    "cloud_trigger_name": (64, "a function, its rule and its role"),
    "encryption_key_alias": (256, "a key alias"),
    "traffic_domain": (255, "a domain"),
}
# Names that differ from region to region; these come as a list with one for each.
PER_REGION = frozenset(
    {"audit_bucket", "global_database_cluster_identifier", "object_storage_bucket", "traffic_control_bucket"}
)


def _shown(value: t.Any) -> str:
    return "not given" if value is None else shown(value)


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
    if not isinstance(regions, list | tuple):
        return [_refusal("platform_regions", regions, "a list of the codes of the platform's regions")]
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
    if not isinstance(cidrs, dict):
        return [_refusal("platform_vpc_cidrs", cidrs, "a dictionary with the network of each region")]
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
        for name in value if isinstance(value, list) and variable in PER_REGION else [value]:
            if name is not None and not (isinstance(name, str) and name.isprintable() and name):
                problems.append(_refusal(variable, name, f"text of 1 to {limit} characters, for {what}"))
            elif isinstance(name, str) and len(name) > limit:
                problems.append(
                    _refusal(variable, f"{name!r} of {len(name)} characters", f"at most {limit} characters, for {what}")
                )
    return problems


def _is_left_out(variable: str, value: t.Any) -> bool:
    return value is None or (isinstance(value, str) and value == "" and variable in MAY_BE_EMPTY)


def figure_problems(variable: str, value: t.Any) -> list[str]:
    """A figure, or a text that spells one, as ``-e name=value`` brings it."""
    what, low, high = FIGURES[variable]
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else float("nan")
    except (ValueError, OverflowError):
        number = float("nan")
    is_whole = "whole" not in what or number == number // 1
    if low <= number <= high and is_whole:
        return []
    return [_refusal(variable, value, f"{what} from {low:g} to {high:.10g}, without a unit")]


def _ratio_problem(variable: str, value: t.Any) -> list[str]:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    return [] if 0 <= number <= 1 else [_refusal(variable, value, "a ratio from 0 to 1")]


def _member_problem(variable: str, value: t.Any, regions: t.Sequence[str]) -> list[str]:
    if _is_left_out(variable, value) or value in regions:
        return []
    return [_refusal(variable, value, f"one of the platform's regions: {', '.join(map(str, regions))}")]


def _boolean_problem(variable: str, value: t.Any) -> list[str]:
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false", "yes", "no")):
        return []
    return [_refusal(variable, value, "true or false")]


def method_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """How the writer is moved: by the playbook (switchover.yml, failback.yml) or by the operator, never both."""
    asked, own = (None if _is_left_out(name, inputs.get(name)) else inputs[name] for name in ("method", "move_method"))
    if asked is not None and asked not in METHODS:
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
    return problems + single_problems(inputs) + method_problems(inputs)


def single_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """The inputs that can be judged one by one."""
    problems = []
    for variable in (*FIGURES, *BOOLEANS, *CHOICES, *TEXTS):
        value = inputs.get(variable)
        if _is_left_out(variable, value):
            continue
        if variable in FIGURES:
            problems += figure_problems(variable, value)
        elif variable in BOOLEANS:
            problems += _boolean_problem(variable, value)
        elif variable in CHOICES:
            if value not in CHOICES[variable]:
                problems.append(_refusal(variable, value, f"one of {', '.join(CHOICES[variable])}"))
        else:
            problems += TEXTS[variable].problems(variable, value)
    return problems


def unusable(variable: str, source: t.Any) -> str:
    """The sentence for a variable whose template comes to nothing, such as one that names what nobody has set."""
    return _refusal(variable, source, "a value, or a template that Ansible can work out")


def defaults_problems(names: t.Container[str]) -> list[str]:
    """The variables that the collection brings, and that an inventory elsewhere has to ask for.

    :param names: the variables that the play has.
    """
    if "platform_regions" in names:
        return []
    brings = "the collection's own value, which a file platform.yml brings that lies in the inventory's folder"
    plugin = "`plugin: trading.multi_region.platform_defaults`"
    return [_refusal("platform_regions", None, f"{brings} and says {plugin}; -i names the folder, not its file hosts")]


def unknown_problems(names: t.Iterable[str], known: t.Iterable[str]) -> list[str]:
    """Names on the command line that are a slip away from one that is known: Ansible would ignore them in silence.

    The value is not told: whoever mistypes a name may have given a secret. What is like none of ours is not ours.

    :param names: what was given with ``-e``. :param known: the names that mean something beside those listed here.
    """
    ours = sorted({*GIVEN, *NAME_LIMITS, *OF_REGIONS, *OTHERS, *ARTIFACTS, *known})
    problems = []
    for name in names:
        meant = [] if name in ours or name.startswith(FOREIGN) else difflib.get_close_matches(name, ours, 1, LIKENESS)
        if meant:
            problems.append(f"{name} is no variable of the playbooks; allowed: those they know, was {meant[0]} meant?")
    return problems


def platform_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """Everything that is wrong with ``inputs``, as sentences in the order in which a reader would fix them.

    :param inputs: ``environment_suffix``, ``regions`` (list of region codes, in order), ``vpc_cidrs`` (region to CIDR),
        ``global_database_engine_version``, ``names`` (variable to name, or to a list of names), ``limit``
        (Ansible's ``--limit`` or None), ``health_min_healthy_ratio`` and the options of a move. What is left out is
        not judged.
    """
    problems = suffix_problems(inputs.get("environment_suffix"))
    regions = inputs.get("regions") or []
    problems += region_problems(regions)
    regions = regions if isinstance(regions, list) else []
    if inputs.get("limit"):
        problems.append(_refusal("--limit", inputs["limit"], "none, a playbook works on all regions together"))
    if "vpc_cidrs" in inputs:
        problems += cidr_problems(inputs["vpc_cidrs"])
    if "global_database_engine_version" in inputs:
        problems += engine_version_problems(inputs["global_database_engine_version"])
    if not problems:
        # Names are made of what was judged above.
        problems += name_problems(inputs.get("names") or {})
    if inputs.get("health_min_healthy_ratio") is not None:
        problems += _ratio_problem("health_min_healthy_ratio", inputs["health_min_healthy_ratio"])
    return problems + move_problems(inputs, regions)
