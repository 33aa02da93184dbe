# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The values that options and inputs may have, checked before the first call to AWS. Pure.

Kinds of rules, and rules that several options share. A rule is the member ``rule`` in the argument spec of its option,
and in the spec of the playbooks' inputs (plugin_utils/inputs.py). What Ansible checks itself (types, choices, required)
is not checked again. What depends on several options is checked by the module's own ``run``. Limits and formats are
those in the API reference of the service that receives the value. Where AWS documents no limit, it is one that no
platform reaches and that keeps calculations with time and memory safe.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ansible_collections.trading.multi_region.plugins.module_utils._options.partitions import partition_of

# A code such as us-east-1, us-gov-west-1 or eusc-de-east-1. Source: botocore, regionRegex of data/partitions.json.
REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+", re.ASCII)
YEAR_SECONDS = 366 * 86400
# The last second that datetime can represent.
LAST_SECOND = 253402300799
# CloudWatch: "Value" of MetricDatum.
LARGEST_FIGURE = 2.0**360
# Longer values are truncated in messages.
SHOWN_CHARACTERS = 200
ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):(.+)", re.ASCII)
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"


def shown(value: Any) -> str:
    """Return a value as messages show it: unchanged, texts in quotes, very long values truncated."""
    if value is None:
        return "not given"
    try:
        text = repr(value)
    except ValueError:  # Python does not convert whole numbers of more than 4300 digits to text
        return "a number of thousands of digits"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def refusal(path: str, value: Any, allowed: str) -> str:
    """Return the sentence for a value that an option must not have."""
    return f"{path} is {shown(value)}; allowed: {allowed}."


def at_least(entries: int) -> str:
    """Return the words for the minimum number of entries."""
    return f" of {entries} entries or more" if entries else ""


def is_left_out(value: Any) -> bool:
    """Return whether an option has no value: playbooks pass empty texts for inputs that were not set."""
    return value is None or value == ""


@dataclass(frozen=True)
class Value:
    """A single value: what is allowed, in words and as a predicate."""

    allowed: str
    fits: Callable[[Any], bool]
    # Minimum and maximum length of a text, or minimum and maximum of a number, if the rule has them.
    limits: tuple[float, float] | None = None

    def problems(self, path: str, value: Any) -> list[str]:
        """Return the problems of an option's value, as sentences."""
        return [] if self.fits(value) else [refusal(path, value, self.allowed)]


@dataclass(frozen=True)
class Each:
    """A list with a minimum number of entries, each checked by the same rule."""

    rule: Rule
    least: int = 0

    def problems(self, path: str, value: Any) -> list[str]:
        """Return the problems of the entries, each named by its index."""
        if not isinstance(value, list) or len(value) < self.least:
            return [refusal(path, value, f"a list{at_least(self.least)}")]
        return [one for place, entry in enumerate(value) for one in self.rule.problems(f"{path}[{place}]", entry)]


@dataclass(frozen=True)
class Members:
    """A dictionary whose members have their own rules; members without a rule are not checked."""

    rules: Mapping[str, Rule]
    required: frozenset[str] = field(default_factory=frozenset)

    def problems(self, path: str, value: Any) -> list[str]:
        """Return the problems of the members, each named by its path."""
        if not isinstance(value, Mapping):
            return [refusal(path, value, "a dictionary")]
        found = []
        for name, rule in self.rules.items():
            given, own_path = value.get(name), f"{path}.{name}" if path else name
            if not is_left_out(given):
                found += rule.problems(own_path, given)
            elif name in self.required:
                words = getattr(rule, "allowed", "")
                found.append(refusal(own_path, given, f"{words}, and it is required" if words else "not empty"))
        return found


@dataclass(frozen=True)
class ByKey:
    """A dictionary with one rule for the keys and one for the values."""

    keys: Value
    values: Rule
    # Whether the region in a value must be the key.
    is_regional: bool = False
    least: int = 0

    def problems(self, path: str, value: Any) -> list[str]:
        """Return the problems of keys and values."""
        if not isinstance(value, Mapping) or len(value) < self.least:
            return [refusal(path, value, f"a dictionary{at_least(self.least)}")]
        found = []
        for key, entry in value.items():
            wrong = self.keys.problems(f"a key of {path}", key) + self.values.problems(f"{path}.{key}", entry)
            if self.is_regional and not wrong and ARN.fullmatch(entry)[3] != key:
                wrong = [refusal(f"{path}.{key}", entry, f"an ARN of {key}")]
            found += wrong
        return found


Rule: TypeAlias = "Value | Each | Members | ByKey"


def number(low: float, high: float, what: str = "a number") -> Value:
    """Return the rule for a number within bounds, which excludes not-a-number."""

    def fits(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return Value(f"{what} from {low} to {high}", fits, (low, high))


def seconds(low: float, high: float) -> Value:
    """Return the rule for a time span."""
    return number(low, high, "a number of seconds")


def one_of(choices: Sequence[Any]) -> Value:
    """Return the rule for one of several values."""
    return Value(f"one of {', '.join(map(str, choices))}", choices.__contains__)


def text(pattern: str, allowed: str, lengths: tuple[int, int] | None = None) -> Value:
    """Return the rule for a text that has to match completely."""
    compiled = re.compile(pattern, re.ASCII)
    return Value(allowed, lambda value: isinstance(value, str) and bool(compiled.fullmatch(value)), lengths)


def line(longest: int) -> Value:
    """Return the rule for free text in one line."""

    def fits(value: Any) -> bool:
        return isinstance(value, str) and value.isprintable() and 0 < len(value) <= longest

    return Value(f"1 to {longest} characters in one line", fits, (1, longest))


def arn(services: str, resource: str, allowed: str) -> Value:
    """Return the rule for an ARN.

    services: the allowed services, separated by spaces. resource: pattern of the part after the account.
    """

    def fits(value: Any) -> bool:
        found = ARN.fullmatch(value) if isinstance(value, str) and value.isprintable() else None
        if not found:
            return False
        partition, service, region, _account, rest = found.groups()
        is_placed = not region or (bool(REGION.fullmatch(region)) and partition == partition_of(region).name)
        return service in services.split() and is_placed and bool(re.fullmatch(resource, rest))

    return Value(f"the ARN of {allowed}, such as arn:aws:{services.split()[0]}:...", fits)


def is_url(value: Any) -> bool:
    """Return whether a value is the URL of an HTTP server."""
    if not (isinstance(value, str) and value.isprintable() and " " not in value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_address(value: Any) -> bool:
    """Return whether a value is an IPv4 or IPv6 address."""
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def is_server(value: Any) -> bool:
    """Return whether a value is the name or address of a server, with or without a port."""
    bare = isinstance(value, str) and re.fullmatch(r"\[(.+)\](?::\d{1,5})?", value)
    if bare or is_address(value):
        return is_address(bare[1] if bare else value)
    return isinstance(value, str) and bool(re.fullmatch(rf"{LABEL}(?:\.{LABEL})*\.?(?::\d{{1,5}})?", value, re.ASCII))


def is_figure(value: Any) -> bool:
    """Return whether CloudWatch accepts a value for a data point, or it is None ("Value" of MetricDatum)."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and abs(value) <= LARGEST_FIGURE)


def is_network(value: Any) -> bool:
    """Return whether a value is an IPv4 network without host bits."""
    try:
        return isinstance(value, str) and bool(ipaddress.IPv4Network(value))
    except ValueError:
        return False


def is_config(value: Any) -> bool:
    """Return whether botocore accepts a dictionary as its Config; without botocore, AnsibleAWSModule reports that."""
    # Imported here, because the gate, which runs before every move and has no such option, would wait for the import.
    try:
        from botocore.config import Config
    except ImportError:
        return True
    try:
        Config(**value)
    except Exception:  # botocore raises whatever the check of a setting raises
        return False
    return True


REGION_CODE = Value(
    "the code of an AWS region, such as us-east-1",
    lambda value: isinstance(value, str) and len(value) <= 40 and bool(REGION.fullmatch(value)),
    (6, 40),
)
REGION_OR_UNKNOWN = Value(
    "the code of an AWS region, such as us-east-1, or unknown",
    lambda value: value == "unknown" or REGION_CODE.fits(value),
)
COUNT = number(0, 1_000_000)
FROM_ONE = number(1, 1_000_000_000)
PORT = number(1, 65535)
RATIO = number(0, 1, "a ratio")
PERCENT = number(1, 100, "a whole number of percent")
DAYS = number(0, 36500, "a number of days")
RETENTION_DAYS = number(0, 36500, "a whole number of days")
MILLISECONDS = number(0, 1000 * YEAR_SECONDS, "a number of milliseconds")
SPAN = seconds(0, YEAR_SECONDS)
PERIOD = seconds(1, YEAR_SECONDS)
TIMEOUT = seconds(0.001, 600)
DEADLINE = seconds(0.001, 3600)
POLL = seconds(1, 3600)
COOL_DOWN = seconds(0, 7 * 86400)
WAIT = number(1, 86400, "a whole number of seconds")
HOLD = number(0, 86400, "a whole number of seconds")
# The minimum leaves time for one call, which may take several seconds.
LEASE_SECONDS = number(10, 3600, "a whole number of seconds")
FAILURES = number(1, 1000, "a whole number")
QUORUM = number(2, 1000, "a whole number")
RUNS = number(1, 1_000_000, "a whole number")
# "HTTP client keepalive duration" of the User Guide for Application Load Balancers.
CLIENT_KEEP_ALIVE = number(60, 604800, "a whole number of seconds")
# "CapacityReservationSpecification" of the EC2 Auto Scaling API reference; only RESERVING go with reservations' ids.
RESERVING = ("capacity-reservations-first", "capacity-reservations-only")
RESERVATION_PREFERENCES = ("default", *RESERVING, "none")
WORDS = Value(
    "text without control characters, up to 10000 characters",
    lambda value: isinstance(value, str) and len(value) <= 10000 and value.replace("\n", "").isprintable(),
    (0, 10000),
)
NAME = line(255)
# "CreateCluster" and "CreateService" of the Amazon ECS API Reference: each name.
ECS_SERVICE = text(
    r"[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}",
    "cluster/service, each of up to 255 letters, digits, hyphens and underscores",
)
# Of a group or service beside the platform's own; a part of the names of its steps.
GROUP = text(
    r"(?!.{41})[a-z](?:[-_]?[a-z0-9])*",
    "1 to 40 lower-case letters, digits and single dashes and underscores, the first one a letter",
)
ID = text(r"[!-~]{1,200}", "1 to 200 printable characters without blanks", (1, 200))
# Route 53: "ResourceId" of its API reference.
ZONE_ID = text(r"[A-Za-z0-9]{1,32}", "1 to 32 letters and digits", (1, 32))
NETWORK = Value("an IPv4 network without host bits, such as 10.0.0.0/16", is_network)
HOST = text(rf"(?=.{{1,255}}\Z){LABEL}(?:\.{LABEL})*\.?", "a domain name")
SERVER = Value("host, host:port or [IPv6 address]:port", is_server)
URL = Value("an address such as http://proxy.example:3128", is_url)
# RDS: "GlobalClusterIdentifier" of CreateGlobalCluster, "DBClusterIdentifier" of CreateDBCluster.
CLUSTER = text(r"[A-Za-z](?:-?[A-Za-z0-9]){0,62}", "1 to 63 letters, digits and single dashes, the first one a letter")
ENGINE_VERSION = text(r"[A-Za-z0-9._-]{1,64}", "an engine version, such as 8.0.mysql_aurora.3.10.5")
# SSM: "Name" of PutParameter.
PARAMETER = text(r"[A-Za-z0-9_./-]{1,1011}", "letters, digits and . _ / -, up to 1011 characters")
# Secrets Manager: "Name" of CreateSecret.
SECRET = text(r"[A-Za-z0-9/_+=.@-]{1,512}", "1 to 512 letters, digits and / _ + = . @ -")
NAMESPACE = text(r"[A-Za-z0-9._#/-]{1,255}", "1 to 255 letters, digits and . _ # / -")
ACCOUNT = text(r"\d{12}", "the 12 digits of an account")
RUNNER_ARN = arn("iam sts", r".+", "a user or a role")
CLUSTER_ARN = arn("rds", r"cluster:[A-Za-z0-9-]+", "an Aurora cluster")
TARGET_GROUP_ARN = arn("elasticloadbalancing", r"targetgroup/.+", "a target group")
LOAD_BALANCER_ARN = arn("elasticloadbalancing", r"loadbalancer/app/.+", "an Application Load Balancer")
TOPIC_ARN = arn("sns", r"[A-Za-z0-9_.-]{1,256}", "an SNS topic")
KEY_ARN = arn("kms", r"(?:key|alias)/.+", "a KMS key")
ALIAS = re.compile(r"alias/[A-Za-z0-9/_-]{1,250}", re.ASCII)
KEY_OR_ALIAS = Value(
    f"{KEY_ARN.allowed}, or its alias such as alias/trading-prod",
    lambda value: KEY_ARN.fits(value) or (isinstance(value, str) and ALIAS.fullmatch(value) is not None),
)
CONTROL_ARN = arn("route53-recovery-control", r"controlpanel/[^/]+/routingcontrol/[^/]+", "a routing control")
ADDRESS = Value("an IPv4 or IPv6 address", is_address)
ACCELERATOR_ARN = arn("globalaccelerator", r"accelerator/[^/]+", "an accelerator")
ENDPOINT_GROUP_ARN = arn(
    "globalaccelerator", r"accelerator/[^/]+/listener/[^/]+/endpoint-group/[^/]+", "an endpoint group"
)
# Global Accelerator: "Name" of CreateAccelerator.
ACCELERATOR = text(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?",
    "1 to 64 letters, digits, periods and hyphens, the first and the last one a letter or digit",
)
PATH = text(r"/[!-~]{0,254}", "a path that begins with /, up to 255 characters without blanks")
# A FIFO queue needs a group for every message; a request is sent once for each outage anyway.
QUEUE_ARN = text(
    r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}",
    "the ARN of a standard queue of Amazon SQS, such as arn:aws:sqs:us-west-2:123456789012:failover",
)
EVENT_BUS_ARN = text(
    r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/[A-Za-z0-9_./-]{1,256}",
    "the ARN of an event bus, such as arn:aws:events:us-west-2:123456789012:event-bus/failover",
)
TABLE = text(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, dots, dashes and underscores")
BUCKET = text(
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name, 3 to 63 lower-case letters, digits, dots and dashes"
)
TAGS = ByKey(
    line(128),
    Value(
        "one value of up to 256 characters",
        lambda value: value is not None and not isinstance(value, (dict, list)) and len(str(value)) <= 256,
    ),
)
MOMENT = number(0, LAST_SECOND, "epoch seconds")


def ec2_id(prefix: str) -> Value:
    """Return the rule for an id that EC2 chose ("Resource IDs" of the Amazon EC2 User Guide)."""
    return text(rf"{prefix}-[0-9a-z]{{8,17}}", f"an id such as {prefix}-0123456789abcdef0")


NOT_EMPTY = Each(Value("anything", lambda _value: True), 1)
RESERVATION_ID = ec2_id("cr")
VPC_ID, SUBNET_ID, ROUTE_TABLE_ID, ENDPOINT_ID = map(ec2_id, ("vpc", "subnet", "rtb", "vpce"))

# Members of an entry in the recovery manifest; _control_table/manifest.py checks whether any are missing.
ENTRY = {
    "region": REGION_CODE,
    "db_cluster_identifier": CLUSTER,
    "db_cluster_arn": CLUSTER_ARN,
    "target_group_arn": TARGET_GROUP_ARN,
    "autoscaling_group_name": NAME,
    "compute": ID,
    "ecs_service": ECS_SERVICE,
    "capacity": ByKey(NAME, COUNT),
    "compute_groups": Each(
        Members(
            {
                "name": GROUP,
                "compute": ID,
                "autoscaling_group_name": NAME,
                "ecs_service": ECS_SERVICE,
                "capacity": ByKey(NAME, COUNT),
                "start_next": ID,
            },
            frozenset({"name"}),
        )
    ),
    "topic_arn": TOPIC_ARN,
    "key_arn": KEY_ARN,
    "control_bucket": BUCKET,
    "session_table": TABLE,
    "health_check_id": ID,
    "load_balancer_dns_name": HOST,
    "routing_control_arn": CONTROL_ARN,
    "endpoint_group_arn": ENDPOINT_GROUP_ARN,
}
MANIFEST = Members(
    {
        "global_database": Members({"identifier": CLUSTER, "engine_version": NAME}),
        "traffic": Members({"domain": HOST, "health_path": PATH, "scheme": NAME}),
        "regions": Each(Members(ENTRY)),
    }
)
REGIONS = Each(REGION_CODE, 1)
# A region, or one of its groups beside the platform's own (_control_table/compute.py:ComputeGroup.seen_as).
CAPACITY_KEY = Value(
    f"{REGION_CODE.allowed}, or with a group us-east-1/matching",
    lambda value: (
        isinstance(value, str)
        and REGION_CODE.fits(value.partition("/")[0])
        and ("/" not in value or GROUP.fits(value.partition("/")[2]))
    ),
)
SILENT_REGIONS = Each(REGION_CODE)
ENTRIES = Each(Members(ENTRY, frozenset({"region"})), 1)
TOPICS = ByKey(REGION_CODE, TOPIC_ARN, is_regional=True)
# Options that every module of amazon.aws has.
CONNECTION = {
    "region": REGION_CODE,
    "aws_ca_bundle": line(4096),
    "aws_config": Value("settings of botocore's Config", is_config),
    "endpoint_url": URL,
    "profile": NAME,
}


def without_rules(argument_spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return an argument spec in the form that AnsibleModule accepts."""
    return {
        name: {key: without_rules(value) if key == "options" else value for key, value in spec.items() if key != "rule"}
        for name, spec in argument_spec.items()
    }


def members_of(argument_spec: Mapping[str, Any]) -> Members:
    """Return the rule for the options of an argument spec; required options must not be empty either."""
    rules = {}
    for name, spec in argument_spec.items():
        rule = members_of(spec["options"]) if "options" in spec else spec.get("rule")
        if rule:
            # The rule of a list of dictionaries is about their number; the members have rules of their own.
            least = getattr(spec.get("rule"), "least", 0)
            rules[name] = Each(rule, least) if "options" in spec and spec["type"] == "list" else rule
    required = frozenset(name for name, spec in argument_spec.items() if spec.get("required"))
    return Members({**dict.fromkeys(required, Value("not empty", bool)), **rules}, required)


def option_problems(params: Mapping[str, Any], argument_spec: Mapping[str, Any], required_if: Any = ()) -> list[str]:
    """Return the problems of a module's options, as sentences with the option, its value and what is allowed.

    argument_spec: as for AnsibleModule, with a ``rule`` where the type is not specific enough.
    required_if: as for AnsibleModule; options that it requires must not be empty either.
    """
    own = members_of(argument_spec)
    required = {
        one
        for option, wanted, names, *any_of in required_if
        if not any_of and params.get(option) == wanted
        for one in names
    }
    rules = {**dict.fromkeys(required, Value("not empty", bool)), **CONNECTION, **own.rules}
    given = {name: rule for name, rule in rules.items() if name in params}
    return Members(given, own.required | required).problems("", params)
