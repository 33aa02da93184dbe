# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems of a playbook's inputs, found before the first call to AWS.

Pure: takes a mapping of the playbooks' variable names and returns a list of sentences. Each sentence contains the
variable, its value and what is allowed. An empty list means that there are no problems.
"""

from __future__ import annotations

import difflib
import ipaddress
import math
import typing as t
from itertools import combinations

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import ENGINES, is_version, of
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import METHODS as MANAGED
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AUTOSCALING,
    COMPUTE_MEMBERS,
    ECS,
    NO_COMPUTE,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute_groups import groups_problems
from ansible_collections.trading.multi_region.plugins.module_utils._core.arn import region_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import HOSTED_ZONES
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    APPLICATION_CAPACITY,
    AUTO,
    DATABASE_INGRESS,
    FENCINGS,
    NETWORK_ACL,
)
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.options import Hooks
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import (
    ABSENT,
    EXISTING,
    Layers,
    state_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._options.partitions import SUPPORTED, partition_of
from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal, shown
from ansible_collections.trading.multi_region.plugins.plugin_utils.region_order import order_problems

# A VPC must hold the /24 subnets that the network role cuts at offsets 0 to 21.
SMALLEST_VPC_PREFIX, LARGEST_VPC_PREFIX = 19, 16


# How a move is made, the default first.
METHODS = (*MANAGED, AUTO)
REGION_INPUTS = ("target_region", "expected_active_region")
# The suffix ends every name, so it must fit the narrowest alphabet of them all (DNS labels).
# Identifiers of RDS have no two dashes in a row ("Naming constraints in Amazon Aurora" of the Aurora User Guide).
SUFFIX = rules.text(
    r"(?!.{13})[a-z0-9](?:-?[a-z0-9])*",
    "1 to 12 lower-case letters, digits and single inner dashes, such as dev or prod-eu",
)
VERSION_CHARACTERS = 64  # far more than any of AWS's
# The form alone: whether AWS offers a version today, site.yml asks AWS.
VERSION = rules.Value(
    "a version as AWS writes it, " + " or ".join(f"{one.default_version} of {one.title}" for one in ENGINES.values()),
    lambda value: any(is_version(engine, value) for engine in ENGINES) and len(value) <= VERSION_CHARACTERS,
    (1, VERSION_CHARACTERS),
)
# "Quotas for Auto Scaling resources and groups" of the EC2 Auto Scaling User Guide: overrides of a group.
MOST_TYPES = 40
INSTANCE_TYPE = rules.text(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an instance type, such as t3.medium")
INSTANCE_TYPES = rules.Value(
    f"a list of up to {MOST_TYPES} different instance types, such as [t3.medium, t3a.medium]",
    lambda value: (
        isinstance(value, list) and all(map(INSTANCE_TYPE.fits, value)) and len({*value}) == len(value) <= MOST_TYPES
    ),
)
PLATFORM = rules.text(r"[a-z](?:-?[a-z0-9]){0,19}", "1 to 20 lower-case letters, digits and inner dashes")


def _spec(kind: str, rule: rules.Rule, names: str, **more: t.Any) -> dict[str, dict[str, t.Any]]:
    return {name: {"type": kind, "rule": rule, **more} for name in names.split()}


def _choice(*choices: str, **more: t.Any) -> dict[str, t.Any]:
    return {"type": "str", "choices": choices, "rule": rules.one_of(choices), **more}


# Inputs that are checked separately, in the form of an argument spec. ``rule``: the same as that of the option that
# receives the value, if there is one. ``is_blank``: an empty text means not given; all other inputs have a value in
# group_vars, or are files.
INPUTS: dict[str, dict[str, t.Any]] = {
    **_spec("str", SUFFIX, "environment_suffix", required=True),
    **_spec("str", VERSION, "engine_version global_database_engine_version", is_blank=True),
    "global_database_engine": _choice(*ENGINES),
    **_spec("str", rules.REGION_CODE, " ".join((*REGION_INPUTS, "retire_region")), is_blank=True),
    "method": _choice(*METHODS, is_blank=True),
    "move_method": _choice(*METHODS, is_blank=True),
    "auto_failover_method": _choice("failover", "auto", "detach"),
    "failover_fencing": _choice(*FENCINGS),
    # numbers
    **_spec("int", rules.FAILURES, "consecutive_failures"),
    **_spec("int", rules.seconds(0, 86400), "failover_endpoint_wait"),
    **_spec("int", rules.LEASE_SECONDS, "failover_lease_seconds"),
    **_spec("int", rules.RETENTION_DAYS, "failover_record_days"),
    **_spec("int", rules.QUORUM, "health_quorum"),
    **_spec("int", rules.RUNS, "status_limit", is_blank=True),
    **_spec("int", rules.WAIT, "capacity_timeout wait_timeout", is_blank=True),
    **_spec("int", rules.PERCENT, "min_capacity_percent", is_blank=True),
    **_spec("int", rules.HOLD, "failover_min_size_hold"),
    **_spec("float", rules.COOL_DOWN, "failover_cool_down"),
    **_spec("float", rules.seconds(0, 3600), "failover_patience"),
    **_spec("float", rules.PERIOD, "health_max_gap health_stream_limit"),
    **_spec("float", rules.SPAN, "health_min_interval"),
    **_spec("float", rules.SPAN, "rto_goal_seconds", is_blank=True),
    **_spec("float", rules.RATIO, "health_min_healthy_ratio"),
    **_spec("float", rules.DAYS, "max_age_days", is_blank=True),
    **_spec("float", rules.MILLISECONDS, "max_replication_lag_ms max_sampled_lag_ms rpo_goal_ms", is_blank=True),
    **_spec(
        "float", rules.number(0.01, rules.YEAR_SECONDS // 60, "a number of minutes"), "pause_minutes", is_blank=True
    ),
    **_spec("float", rules.seconds(1, 3600), "readiness_deadline", is_blank=True),
    **_spec(
        "bool",
        rules.Value("true or false", lambda value: str(value).lower() in ("true", "false", "yes", "no")),
        "accept_data_loss accept_gap auto_failover auto_failover_accept_data_loss cloud_trigger_enabled"
        " controller_schedules_enabled environment_protection force platform_purge_tags rebuild resume"
        " retire_region_lost status_report_artifact traffic_repoint_records unfence",
    ),
    # texts
    **_spec("str", rules.ID, "acknowledge run_id takeover_run_id", is_blank=True),
    **_spec("str", rules.WORDS, "confirm failover_reason reason", is_blank=True),
    **_spec("str", rules.SECRET, "cloud_trigger_webhook_secret", is_blank=True),
    **_spec("str", rules.QUEUE_ARN, "cloud_trigger_queue_arn", is_blank=True),
    **_spec("str", rules.EVENT_BUS_ARN, "cloud_trigger_event_bus_arn", is_blank=True),
    **_spec("str", rules.RUNNER_ARN, "readiness_runner_arn", is_blank=True),
    **_spec("str", rules.URL, "traffic_probe_proxy", is_blank=True),
    **_spec("str", rules.URL, "controller_notification_url"),
    **_spec("str", PLATFORM, "platform_name"),
    **_spec("str", rules.line(255), "failover_owner"),
    **_spec("str", rules.line(255), "controller_project_branch", is_blank=True),
    **_spec(
        "str",
        rules.line(512),
        "controller_announcement_credential controller_execution_environment_name controller_organization_name"
        " controller_project_credential controller_project_name",
        is_blank=True,
    ),
    **_spec(
        "str",
        rules.line(1024),
        "controller_execution_environment_image controller_inventory_path controller_project_url",
    ),
    **_spec(
        "str",
        rules.line(4096),
        "controller_folder controller_playbook_folder"
        " failover_outcome_file failover_report_file health_report_file portfolio_folder portfolio_report_file"
        " readiness_report_file"
        " status_file status_report_file",
    ),
    **_spec("str", rules.arn("iam", r"policy/.+", "a managed policy"), "platform_permissions_boundary", is_blank=True),
    # "IAM identifiers" of the IAM User Guide.
    **_spec(
        "str",
        rules.text(r"(?!.{513})/(?:[!-~]+/)?", "a path that begins and ends with a slash, such as /platform/"),
        "platform_iam_path",
    ),
    # more than one value
    **_spec("dict", rules.TOPICS, "alert_topics"),
    **_spec("dict", rules.TAGS, "platform_tags"),
    **_spec("dict", Layers(), "platform_layers"),
    **_spec("dict", rules.ByKey(rules.REGION_CODE, rules.Each(rules.HOST)), "controller_instances"),
    **_spec("list", rules.Each(rules.line(512)), "controller_galaxy_credentials"),
    **_spec("list", rules.Each(rules.SERVER), "traffic_dns_servers"),
    **_spec("list", INSTANCE_TYPES, "application_instance_types"),
    **_spec("list", Hooks(), "failover_hooks"),
    "application_compute": _choice(*COMPUTE_MEMBERS),
    **_spec("str", rules.ECS_SERVICE, "application_ecs_service", is_blank=True),
    "application_capacity_reservation_preference": _choice(*rules.RESERVATION_PREFERENCES),
    **_spec(
        "dict",
        rules.ByKey(rules.REGION_CODE, rules.Each(rules.RESERVATION_ID)),
        "application_capacity_reservation_ids",
    ),
}
# Inputs from which the platform's regions are derived. They are checked together; from the command line, one by one.
OF_REGIONS = (
    *("aws_region", "vpc_cidr", "platform_regions", "platform_vpc_cidrs", "region_preference"),
    *("aws_profile", "aws_role_arn", "aws_external_id", "expected_account_id", "platform_credentials"),
    *("traffic_zone_role_arn", "traffic_zone_external_id"),
)
# The credentials of a region: the variable, its name in platform_credentials, what it may be.
CREDENTIALS = {
    "aws_profile": ("profile", rules.line(255)),
    "aws_role_arn": ("role_arn", rules.arn("iam", r"role/.+", "a role")),
    # "AssumeRole" of the STS API reference.
    "aws_external_id": (
        "external_id",
        rules.text(r"(?!.{1225})[\w+=,.@:/-]{2,}", "2 to 1224 letters, digits and characters of +=,.@:/-_"),
    ),
    "expected_account_id": ("account_id", rules.text(r"\d{12}", "the twelve digits of an account id")),
}
# Those of the hosted zone, by the variable of a region that means the same.
OF_HOSTED_ZONES = {"aws_role_arn": "traffic_zone_role_arn", "aws_external_id": "traffic_zone_external_id"}
# How the trigger inside AWS reaches a controller, and where it runs.
TRIGGER_WAYS = ("cloud_trigger_webhook_secret", "cloud_trigger_queue_arn", "cloud_trigger_event_bus_arn")
TRIGGER_NETWORKS = {
    "cloud_trigger_subnet_ids": rules.Each(rules.ec2_id("subnet")),
    "cloud_trigger_security_group_ids": rules.Each(rules.ec2_id("sg")),
}
# What the inventory names of a network that others have made, and how a fence uses it.
EXISTING_NETWORK = {
    "network_database_security_group_id": rules.ec2_id("sg"),
    "network_database_network_acl_id": rules.ec2_id("acl"),
    "network_database_subnet_ids": rules.Each(rules.SUBNET_ID),
    "network_vpc_tags": rules.TAGS,
    "network_database_security_group_tags": rules.TAGS,
    "network_database_network_acl_tags": rules.TAGS,
    "network_database_subnet_tags": rules.TAGS,
}
# The tags by which each of these is found instead.
NETWORK_TAGS = {
    "network_database_security_group_id": "network_database_security_group_tags",
    "network_database_network_acl_id": "network_database_network_acl_tags",
    "network_database_subnet_ids": "network_database_subnet_tags",
}
# The key of a region that others have made.
EXISTING_KEY = "encryption_key_id"
OF_NETWORK = (NETWORK_ACL, DATABASE_INGRESS)
# Variables that are not checked here, because a playbook or a role checks them.
OTHERS = (
    *("aws_account_id", "aws_partition", "controller_credentials", "controller_portfolio", "policies_folder"),
    *("adopt_autoscaling_groups", "adopt_folder", "adopt_global_cluster", "adopt_load_balancers", "adopt_region"),
    *("adopt_tags", "adopt_target_groups", "adopt_zone", "application_compute_groups", "portfolio"),
)
# Artifacts that a job passes to the next nodes of a workflow; AWX passes them to their playbooks like extra variables.
ARTIFACTS = (
    *("active_region", "outcome", "outcome_reason", "rpo_seconds", "rto_seconds", "run_id"),
    *(
        "drill",
        "failover",
        "health",
        "platform_outputs",
        "portfolio_outcome",
        "readiness",
        "report_html",
        "rotation",
        "upgrade",
    ),
)
# Prefixes of variables of Ansible and AWX, which cannot be confused with the collection's.
FOREIGN = ("ansible_", "awx_", "tower_")
# How similar two names must be for one to be considered a misspelling of the other (difflib: 1 is the same).
LIKENESS = 0.8

# The variable, AWS's limit on the length of its value, and the kind of resource.
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
# Names that differ between regions; they are passed as a list with one for each.
PER_REGION = frozenset(
    {
        *("application_autoscaling_group_name", "application_load_balancer_name", "application_target_group_name"),
        *("audit_bucket", "global_database_cluster_identifier", "object_storage_bucket", "traffic_control_bucket"),
    }
)


def region_problems(regions: t.Sequence[t.Any]) -> list[str]:
    """Check that there are at least two valid region codes, without duplicates."""
    if not isinstance(regions, list | tuple):
        return [refusal("platform_regions", regions, "a list of the codes of the platform's regions")]
    problems = []
    if len(regions) < 2:
        problems.append(
            refusal("groups['regions']", list(regions), "at least two hosts, one for each region of the platform")
        )
    for region in regions:
        if not (rules.REGION_CODE.fits(region)):
            problems.append(refusal("aws_region", region, rules.REGION_CODE.allowed))
    known = [region for region in regions if rules.REGION_CODE.fits(region)]
    partitions = {partition_of(region).name for region in known}
    if len(partitions) > 1 or partitions - {*SUPPORTED}:
        allowed = f"regions of one partition, {' or '.join(SUPPORTED)}; other partitions have other service principals"
        problems.append(refusal("platform_regions", known, allowed))
    twice = sorted({str(region) for region in regions if list(regions).count(region) > 1})
    if twice:
        problems.append(refusal("aws_region", ", ".join(twice) + " for more than one host", "each region once"))
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
        return None, [refusal(f"vpc_cidr of {region}", cidr, allowed)]
    return network, []


def cidr_problems(cidrs: t.Mapping[str, t.Any]) -> list[str]:
    """Check the VPC networks. Peered VPCs must not overlap: the routes between the regions would be ambiguous."""
    if not isinstance(cidrs, dict):
        return [refusal("platform_vpc_cidrs", cidrs, "a dictionary with the network of each region")]
    problems, networks = [], {}
    for region, cidr in cidrs.items():
        network, refused = _network(region, cidr)
        problems += refused
        if network is not None:
            networks[region] = network
    for (one, a), (other, b) in combinations(networks.items(), 2):
        if a.overlaps(b):
            problems.append(
                refusal("vpc_cidr", f"{a} in {one} and {b} in {other}, which overlap", "networks that do not overlap")
            )
    return problems


def credential_problems(credentials: t.Any, platform: t.Sequence[t.Any] = ()) -> list[str]:
    """Check with what the clients of each region, and of the hosted zone, get their credentials.

    :param platform: the platform's regions.
    """
    if not isinstance(credentials, dict) or not all(isinstance(own, dict) for own in credentials.values()):
        return [refusal("platform_credentials", credentials, "a dictionary of region and its settings")]
    regions = {region: own for region, own in credentials.items() if region != HOSTED_ZONES}
    problems = []
    for region, own in regions.items():
        named = {name: f"{name} of {region}" for name in CREDENTIALS}
        problems += _credential_problems(own, named, partition_of(region).name)
    if HOSTED_ZONES in credentials:
        home = partition_of(next(iter(platform or regions), "")).name
        problems += _credential_problems(credentials[HOSTED_ZONES], OF_HOSTED_ZONES, home)
    return problems


def _credential_problems(own: t.Mapping[str, t.Any], named: t.Mapping[str, str], partition: str) -> list[str]:
    """:param named: for each variable of CREDENTIALS that ``own`` may have, its name in the sentences."""
    problems = []
    for variable, shown_as in named.items():
        name, rule = CREDENTIALS[variable]
        if own.get(name):
            problems += rule.problems(shown_as, own[name])
    role = own.get("role_arn")
    if not problems and role and role.split(":")[1] != partition:
        problems.append(refusal(named["aws_role_arn"], role, f"a role of the partition {partition}"))
    if own.get("external_id") and not role:
        allowed = f"none without {named['aws_role_arn'].partition(' ')[0]}"
        problems.append(refusal(named["aws_external_id"], own["external_id"], allowed))
    return problems


def trigger_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """Check how the trigger inside AWS reaches a controller, and where its functions run.

    ``trigger_networks``: {region: {cloud_trigger_subnet_ids, cloud_trigger_security_group_ids}}, None for what is
    known only later, as from the outputs of a layer.
    """
    given = [name for name in TRIGGER_WAYS if inputs.get(name)]
    problems = []
    if len(given) > 1:
        allowed = f"one of {', '.join(TRIGGER_WAYS)}"
        problems.append(refusal(given[1], inputs[given[1]], f"{allowed}; {given[0]} is given too"))
    for region, own in (inputs.get("trigger_networks") or {}).items():
        for name, rule in TRIGGER_NETWORKS.items():
            if own[name] is not None:
                problems += rule.problems(f"{name} of {region}", own[name])
        empty = [name for name in TRIGGER_NETWORKS if own[name] == []]
        if len(empty) == 1:
            other = next(name for name in TRIGGER_NETWORKS if name not in empty)
            problems.append(refusal(f"{empty[0]} of {region}", [], f"at least one, because {other} is given"))
    return problems


def name_problems(names: t.Mapping[str, t.Any]) -> list[str]:
    """Check names for AWS's limits; a variable may have a list with one name for each region."""
    problems = []
    for variable, (limit, what) in NAME_LIMITS.items():
        value = names.get(variable)
        for name in value if isinstance(value, list) and variable in PER_REGION else [value]:
            if name is not None and not (isinstance(name, str) and name.isprintable() and name):
                problems.append(refusal(variable, name, f"text of 1 to {limit} characters, for {what}"))
            elif isinstance(name, str) and len(name) > limit:
                problems.append(
                    refusal(variable, f"{name!r} of {len(name)} characters", f"at most {limit} characters, for {what}")
                )
    return problems


def _is_left_out(variable: str, inputs: t.Mapping[str, t.Any]) -> bool:
    value, spec = inputs.get(variable), INPUTS[variable]
    is_blank = isinstance(value, str) and value == "" and "is_blank" in spec
    return variable not in inputs or is_blank or (value is None and "required" not in spec)


def _figure(value: t.Any, kind: str) -> float:
    """Return a number, also from a text, because ``-e name=value`` passes texts; not-a-number for all else."""
    try:
        figure = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return math.nan
    return math.nan if kind == "int" and figure % 1 else figure


def method_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """Check the method: the playbook (switchover.yml, failback.yml) or the operator sets it, never both."""
    given, own = (None if _is_left_out(name, inputs) else inputs[name] for name in ("method", "move_method"))
    if given is not None and given not in METHODS:
        return []
    if given and own and given != own:
        return [refusal("method", given, f"{own} with this playbook; failover.yml accepts {', '.join(METHODS)}")]
    method, loses = own or given or METHODS[0], str(inputs.get("accept_data_loss")).lower() in ("true", "yes")
    if method == "switchover" and loses:
        allowed = "false with method switchover, which loses no data; only failover.yml may lose data"
        return [refusal("accept_data_loss", inputs["accept_data_loss"], allowed)]
    if method == "detach" and not loses:
        allowed = "true with method detach, which loses writes not replicated yet"
        return [refusal("accept_data_loss", inputs.get("accept_data_loss"), allowed)]
    return []


def move_problems(inputs: t.Mapping[str, t.Any], regions: t.Sequence[str]) -> list[str]:
    """Check the inputs that are checked separately, and those of a move between regions."""
    member = rules.Value(f"one of the platform's regions: {', '.join(map(str, regions))}", regions.__contains__)
    problems = []
    for variable, spec in INPUTS.items():
        value, rule = inputs.get(variable), member if variable in REGION_INPUTS else spec["rule"]
        if _is_left_out(variable, inputs):
            continue
        if spec["type"] not in ("int", "float"):
            problems += rule.problems(variable, value)
        elif not rule.fits(_figure(value, spec["type"])):
            problems.append(refusal(variable, value, f"{rule.allowed}, without a unit"))
    target, expected = inputs.get("target_region"), inputs.get("expected_active_region")
    if target and target == expected and target in regions:
        problems.append(
            refusal("target_region", target, f"a region other than expected_active_region, {shown(expected)}")
        )
    return problems + method_problems(inputs)


def engine_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """A version of another engine than the platform's."""
    engine = inputs.get("global_database_engine")
    if not (isinstance(engine, str) and engine in ENGINES):
        return []
    allowed = f"a version of {of(engine).title}, such as {of(engine).default_version}"
    return [
        refusal(name, inputs[name], allowed)
        for name in ("engine_version", "global_database_engine_version")
        if VERSION.fits(inputs.get(name)) and not is_version(engine, inputs[name])
    ]


def reservation_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """Reservations that are named with a preference that AWS accepts without names only."""
    name, named = "application_capacity_reservation_preference", "application_capacity_reservation_ids"
    given, identifiers = inputs.get(name), inputs.get(named)
    if not isinstance(identifiers, dict) or not any(identifiers.values()) or given in rules.RESERVING:
        return []
    return [refusal(name, given, f"{' or '.join(rules.RESERVING)} with {named}")]


def _layers_of(inputs: t.Mapping[str, t.Any]) -> t.Mapping[str, str]:
    """Return platform_layers; empty if it is not a dictionary, which its own rule reports."""
    layers = inputs.get("platform_layers")
    return layers if isinstance(layers, dict) else {}


def layer_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """Inputs that need a layer of site.yml's own, and what must be named of a network that others have made.

    ``existing_networks``: {region: {variable of EXISTING_NETWORK: its value}}. ``existing_keys``: {region: ARN or
    alias}.
    """
    layers, problems = _layers_of(inputs), []
    flags = ("cloud_trigger_enabled", "rebuild", "traffic_repoint_records")
    given = {name for name in flags if str(inputs.get(name)).lower() in ("true", "yes")}
    for layer in ("encryption", "monitoring"):
        state = state_of(layers, layer)
        if "cloud_trigger_enabled" in given and state in (ABSENT, EXISTING):
            problems.append(refusal("cloud_trigger_enabled", True, f"false with platform_layers.{layer} {state}"))
    if "rebuild" in given and state_of(layers, "global_database") == EXISTING:
        why = "whoever has made the clusters makes them again"
        problems.append(refusal("rebuild", True, f"false with platform_layers.global_database existing: {why}"))
    if "traffic_repoint_records" in given and state_of(layers, "application") != EXISTING:
        allowed = "false unless platform_layers.application is existing: then its records may be too"
        problems.append(refusal("traffic_repoint_records", True, allowed))
    if state_of(layers, "network") == EXISTING:
        for region, own in (inputs.get("existing_networks") or {}).items():
            problems += _network_problems(region, own, inputs.get("failover_fencing"))
    for region, key in (inputs.get("existing_keys") or {}).items():
        problems += _key_problems(f"{EXISTING_KEY} of {region}", region, key, state_of(layers, "encryption"))
    return problems


def _key_problems(path: str, region: str, key: t.Any, state: str) -> list[str]:
    if state != EXISTING:
        return [refusal(path, key, f"none with platform_layers.encryption {state}")] if key else []
    found = rules.KEY_OR_ALIAS.problems(path, key)
    if not found and region_of(key) not in (None, region):
        found = [refusal(path, key, f"a key of {region}")]
    return found


def _network_problems(region: str, own: t.Mapping[str, t.Any], fencing: t.Any) -> list[str]:
    group, acl, subnets = NETWORK_TAGS
    named = {name for name, tags in NETWORK_TAGS.items() if own.get(name) or own.get(tags)}
    problems = [
        refusal(f"{tags} of {region}", own[tags], f"none with {name}")
        for name, tags in NETWORK_TAGS.items()
        if own.get(name) and own.get(tags)
    ]
    for name, rule in EXISTING_NETWORK.items():
        if own.get(name):
            problems += rule.problems(f"{name} of {region}", own[name])
    if fencing in OF_NETWORK and group not in named:
        allowed = f"the id of the cluster's security group, or {NETWORK_TAGS[group]}, with failover_fencing {fencing}"
        problems.append(refusal(f"{group} of {region}", own.get(group), allowed))
    if acl in named and subnets not in named:
        allowed = f"the database's subnets, or {NETWORK_TAGS[subnets]}, with {acl}"
        problems.append(refusal(f"{subnets} of {region}", [], allowed))
    return problems


def compute_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """A service that is missing or not used, groups, and a fence of capacity where the platform has no compute.

    ``compute_groups``: the list of each region. ``own_groups``: what AWS calls the platform's own, by region.
    """
    compute = inputs.get("application_compute") or AUTOSCALING
    service, groups = inputs.get("application_ecs_service"), inputs.get("compute_groups") or {}
    if problems := groups_problems("application_compute_groups", groups, inputs.get("own_groups") or {}):
        return problems
    if compute == ECS and not service:
        return [
            refusal("application_ecs_service", service, f"{rules.ECS_SERVICE.allowed}, with application_compute ecs")
        ]
    if service and rules.ECS_SERVICE.fits(service) and compute in COMPUTE_MEMBERS and compute != ECS:
        return [refusal("application_ecs_service", service, f"none with application_compute {compute}")]
    name, given = "failover_fencing", inputs.get("failover_fencing")
    if compute != NO_COMPUTE or given != APPLICATION_CAPACITY or any(groups.values()):
        return []
    others = ", ".join(one for one in FENCINGS if one != APPLICATION_CAPACITY)
    return [refusal(name, given, f"one of {others} with application_compute none, which has no capacity to remove")]


def unusable(variable: str, source: t.Any) -> str:
    """Return the sentence for a variable whose template cannot be evaluated, such as one with an undefined variable."""
    return refusal(variable, source, "a value, or a template that Ansible can evaluate")


def defaults_problems(names: t.Container[str]) -> list[str]:
    """Check that the inventory loads the collection's default variables; an inventory elsewhere has to request them.

    :param names: the variables that the play has.
    """
    if "platform_regions" in names:
        return []
    default = "the collection's own value, provided by a file platform.yml in the inventory's folder"
    plugin = "`plugin: trading.multi_region.platform_defaults`"
    return [refusal("platform_regions", None, f"{default} with {plugin}; -i must be the folder, not its file hosts")]


# The variables that are listed in this file.
LISTED = frozenset((*INPUTS, *NAME_LIMITS, *OF_REGIONS, *OTHERS, *ARTIFACTS))


def unfamiliar(names: t.Iterable[str], known: t.Container[str] = ()) -> list[str]:
    """Return the names that are neither listed here, nor known, nor of Ansible and its controllers."""
    return [name for name in names if name not in LISTED and name not in known and not name.startswith(FOREIGN)]


def unknown_problems(names: t.Iterable[str], known: t.Iterable[str]) -> list[str]:
    """Check command line variables for likely misspellings of known names, which Ansible would silently ignore.

    The value is not shown, because a variable with a misspelled name may contain a secret. A name that is not similar
    to any of the collection's names is not checked.

    :param names: what was given with ``-e``. :param known: the valid names besides those listed here.
    """
    ours = sorted({*LISTED, *known})
    problems = []
    for name in unfamiliar(names, ours):
        close = difflib.get_close_matches(name, ours, 1, LIKENESS)
        if close:
            problems.append(f"{name} is not a variable of the playbooks; did you mean {close[0]}?")
    return problems


def platform_problems(inputs: t.Mapping[str, t.Any]) -> list[str]:
    """Return all problems of ``inputs``, as sentences in the order in which a reader would fix them.

    :param inputs: ``environment_suffix``, ``regions`` (list of region codes, in order), ``host_regions`` and
        ``host_preferences`` (region and number of each host of the group), ``vpc_cidrs`` (region to CIDR),
        ``credentials`` (region to its settings), ``trigger_networks`` (region to subnets and security groups),
        ``global_database_engine_version``, ``names`` (variable to name, or to a list of names), ``limit``
        (Ansible's ``--limit`` or None), ``health_min_healthy_ratio`` and the options of a move. What is omitted is
        not checked.
    """
    inputs = {"environment_suffix": None, **inputs}
    regions, of_hosts = inputs.get("regions") or [], inputs.get("host_regions")
    is_list = isinstance(regions, list)
    problems = region_problems(of_hosts if is_list and of_hosts else regions)
    if of_hosts and not problems:
        problems += order_problems(regions, of_hosts, inputs.get("host_preferences") or [None] * len(of_hosts))
    regions = regions if is_list else []
    if inputs.get("limit"):
        problems.append(refusal("--limit", inputs["limit"], "none, because a playbook works on all regions together"))
    if "vpc_cidrs" in inputs and state_of(_layers_of(inputs), "network") != EXISTING:
        problems += cidr_problems(inputs["vpc_cidrs"])
    known = [region for region in regions if rules.REGION_CODE.fits(region)]
    problems += credential_problems(inputs.get("credentials") or {}, known)
    problems += move_problems(inputs, regions) + engine_problems(inputs)
    problems += compute_problems(inputs) + reservation_problems(inputs) + trigger_problems(inputs)
    problems += layer_problems(inputs)
    # Names are made of what was judged above.
    return problems or name_problems(inputs.get("names") or {})
