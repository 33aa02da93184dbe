# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the options of our modules may hold, judged before the first call to AWS. Pure.

A name means the same in every module, so there is one rule for each name; what Ansible judges by itself (types,
choices, what is required) is not judged again. What depends on several options, or on the module, is judged by the
module's own ``run``. Limits and forms are those of the API reference of the service that takes the value; where AWS
names no limit, it is one that no platform comes near and with which time and memory can still be reckoned.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

# A code such as us-east-1, us-gov-west-1 or eusc-de-east-1. Source: botocore, regionRegex of data/partitions.json.
REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+", re.ASCII)
YEAR_SECONDS = 366 * 86400
# The last second that datetime can show.
LAST_SECOND = 253402300799
# CloudWatch: "Value" and "Unit" of MetricDatum.
LARGEST_FIGURE = 2.0**360
UNITS = ("Seconds", "Microseconds", "Milliseconds", "Bytes", "Percent", "Count", "Count/Second", "None")
# A longer value is cut off in a message.
SHOWN_CHARACTERS = 200
# What regions of other partitions than `aws` begin with. Source: botocore, data/partitions.json.
PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):(.+)", re.ASCII)
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"


def shown(value: Any) -> str:
    """Return a value as a message shows it: as it was given, texts in quotes, what is very long cut off."""
    try:
        text = repr(value)
    except ValueError:  # Python writes out no whole number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def refusal(path: str, value: Any, allowed: str) -> str:
    """Return the sentence for a value that an option may not hold."""
    return f"{path} is {shown(value)}; allowed: {allowed}."


def is_left_out(value: Any) -> bool:
    """Return whether an option holds nothing: playbooks hand empty texts on for what nobody has given."""
    return value is None or value == ""


@dataclass(frozen=True)
class Value:
    """A single value: what is allowed, in words and as a test."""

    allowed: str
    fits: Callable[[Any], bool]
    # Least and most characters of a text, where the rule names them.
    lengths: tuple[int, int] | None = None

    def problems(self, path: str, value: Any) -> list[str]:
        """Return what is wrong with the value of an option, as sentences."""
        return [] if self.fits(value) else [refusal(path, value, self.allowed)]


@dataclass(frozen=True)
class Each:
    """A list of at least so many entries, each by the same rule."""

    rule: Rule
    least: int = 0

    def problems(self, path: str, value: Any) -> list[str]:
        """Return what is wrong with the entries, each named by its place."""
        if not isinstance(value, list) or len(value) < self.least:
            return [refusal(path, value, f"a list of {self.least} entries or more")]
        return [one for place, entry in enumerate(value) for one in self.rule.problems(f"{path}[{place}]", entry)]


@dataclass(frozen=True)
class Members:
    """A dictionary whose members have rules of their own; what has none is not judged."""

    rules: Mapping[str, Rule]
    required: frozenset[str] = field(default_factory=frozenset)

    def problems(self, path: str, value: Any) -> list[str]:
        """Return what is wrong with the members, each named by its path."""
        if not isinstance(value, Mapping):
            return [refusal(path, value, "a dictionary")]
        found = []
        for name, rule in self.rules.items():
            given, own_path = value.get(name), f"{path}.{name}" if path else name
            if not is_left_out(given):
                found += rule.problems(own_path, given)
            elif name in self.required:
                words = getattr(rule, "allowed", "")
                found.append(refusal(own_path, given, f"{words}, and it is needed" if words else "not empty"))
        return found


@dataclass(frozen=True)
class ByKey:
    """A dictionary whose keys are one kind of thing and whose values are another."""

    keys: Value
    values: Rule
    # Whether a value names its region as its key does.
    is_regional: bool = False

    def problems(self, path: str, value: Any) -> list[str]:
        """Return what is wrong with keys and values."""
        if not isinstance(value, Mapping):
            return [refusal(path, value, "a dictionary")]
        found = []
        for key, entry in value.items():
            wrong = self.keys.problems(f"a key of {path}", key) + self.values.problems(f"{path}.{key}", entry)
            if self.is_regional and not wrong and ARN.fullmatch(entry)[3] != key:
                wrong = [refusal(f"{path}.{key}", entry, f"an ARN of {key}")]
            found += wrong
        return found


Rule: TypeAlias = "Value | Each | Members | ByKey"


def number(low: float, high: float, what: str = "a number") -> Value:
    """Return the rule for a number within bounds; not-a-number is in none."""

    def fits(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return Value(f"{what} from {low} to {high}", fits)


def seconds(low: float, high: float) -> Value:
    """Return the rule for a time span."""
    return number(low, high, "a number of seconds")


def text(pattern: str, allowed: str, lengths: tuple[int, int] | None = None) -> Value:
    """Return the rule for a text of which the whole matches."""
    compiled = re.compile(pattern, re.ASCII)
    return Value(allowed, lambda value: isinstance(value, str) and bool(compiled.fullmatch(value)), lengths)


def line(longest: int) -> Value:
    """Return the rule for free text in one line."""

    def fits(value: Any) -> bool:
        return isinstance(value, str) and value.isprintable() and 0 < len(value) <= longest

    return Value(f"1 to {longest} characters in one line", fits, (1, longest))


def partition_of(region: str) -> str:
    """Return the partition that a region belongs to."""
    return next((partition for start, partition in PARTITIONS.items() if region.startswith(start)), "aws")


def arn(services: str, resource: str, allowed: str) -> Value:
    """Return the rule for an ARN.

    services: those it may be of, parted by blanks. resource: pattern of what comes after the account.
    """

    def fits(value: Any) -> bool:
        found = ARN.fullmatch(value) if isinstance(value, str) and value.isprintable() else None
        if not found:
            return False
        partition, service, region, _account, rest = found.groups()
        is_placed = not region or (bool(REGION.fullmatch(region)) and partition == partition_of(region))
        return service in services.split() and is_placed and bool(re.fullmatch(resource, rest))

    return Value(f"the ARN of {allowed}, such as arn:aws:{services.split()[0]}:...", fits)


def is_url(value: Any) -> bool:
    """Return whether a value is the address of an HTTP server."""
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
    """Return whether a value is the name or the address of a server, with a port or without."""
    bare = isinstance(value, str) and re.fullmatch(r"\[(.+)\](?::\d{1,5})?", value)
    if bare or is_address(value):
        return is_address(bare[1] if bare else value)
    return isinstance(value, str) and bool(re.fullmatch(rf"{LABEL}(?:\.{LABEL})*\.?(?::\d{{1,5}})?", value, re.ASCII))


def is_figure(value: Any) -> bool:
    """Return whether CloudWatch takes a value as that of a data point, or it is none ("Value" of MetricDatum)."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and abs(value) <= LARGEST_FIGURE)


def is_config(value: Any) -> bool:
    """Return whether botocore takes a dictionary as its Config; without botocore AnsibleAWSModule has its say."""
    # Here, because the gate, which is asked before every move and judges no such option, would wait for it.
    try:
        from botocore.config import Config
    except ImportError:
        return True
    try:
        Config(**value)
    except Exception:  # botocore raises whatever the setting's own check meets
        return False
    return True


REGION_CODE = Value(
    "the code of an AWS region, such as us-east-1", lambda value: isinstance(value, str) and REGION.fullmatch(value)
)
REGION_OR_UNKNOWN = Value(
    "the code of an AWS region, such as us-east-1, or unknown",
    lambda value: value == "unknown" or REGION_CODE.fits(value),
)
REGION_NAMES = (
    "expected_active_region expected_region expected_writer_region member_region preferred_region region"
    " required_region target_region traffic_region writer_region"
).split()
COUNT = number(0, 1_000_000)
FROM_ONE = number(1, 1_000_000_000)
SPAN = seconds(0, YEAR_SECONDS)
MILLISECONDS = number(0, 1000 * YEAR_SECONDS, "a number of milliseconds")
WORDS = Value(
    "text without control characters, up to 10000 characters",
    lambda value: isinstance(value, str) and len(value) <= 10000 and value.replace("\n", "").isprintable(),
    (0, 10000),
)
NAME = line(255)
ID = text(r"[!-~]{1,200}", "1 to 200 printable characters without blanks", (1, 200))
HOST = text(rf"(?=.{{1,255}}\Z){LABEL}(?:\.{LABEL})*\.?", "a domain name")
SERVER = Value("host, host:port or [IPv6 address]:port", is_server)
URL = Value("an address such as http://proxy.example:3128", is_url)
# RDS: "GlobalClusterIdentifier" of CreateGlobalCluster, "DBClusterIdentifier" of CreateDBCluster.
CLUSTER = text(r"[A-Za-z](?:-?[A-Za-z0-9]){0,62}", "1 to 63 letters, digits and single dashes, the first one a letter")
CLUSTER_ARN = arn("rds", r"cluster:[A-Za-z0-9-]+", "an Aurora cluster")
TARGET_GROUP_ARN = arn("elasticloadbalancing", r"targetgroup/.+", "a target group")
TOPIC_ARN = arn("sns", r"[A-Za-z0-9_.-]{1,256}", "an SNS topic")
KEY_ARN = arn("kms", r"(?:key|alias)/.+", "a KMS key")
CONTROL_ARN = arn("route53-recovery-control", r"controlpanel/[^/]+/routingcontrol/[^/]+", "a routing control")
PATH = text(r"/[!-~]{0,254}", "a path that begins with /, up to 255 characters without blanks")
TABLE = text(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, dots, dashes and underscores")
BUCKET = text(
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name, 3 to 63 lower-case letters, digits, dots and dashes"
)
TAGS = ByKey(
    line(128),
    Value("up to 256 characters", lambda value: not isinstance(value, (dict, list)) and len(str(value)) <= 256),
)
FREE = Value("a dictionary", lambda value: isinstance(value, Mapping))
MOMENT = number(0, LAST_SECOND, "epoch seconds")

# Of an entry of the recovery manifest (see _control_table/manifest.py); what is missing there is judged there.
ENTRY = {
    "region": REGION_CODE,
    "db_cluster_identifier": CLUSTER,
    "db_cluster_arn": CLUSTER_ARN,
    "target_group_arn": TARGET_GROUP_ARN,
    "autoscaling_group_name": NAME,
    "capacity": ByKey(NAME, COUNT),
    "topic_arn": TOPIC_ARN,
    "control_bucket": BUCKET,
    "session_table": TABLE,
    "health_check_id": ID,
    "load_balancer_dns_name": HOST,
    # Of the entries that region_traffic takes.
    "bucket": BUCKET,
    "routing_control_arn": CONTROL_ARN,
}
LEASE = {
    "table_name": TABLE,
    "region": REGION_CODE,
    "run_id": ID,
    "attempt": FROM_ONE,
    "lease_seconds": seconds(1, 86400),
    "step": NAME,
}
# A lease that ended, as failover_lease returns it under `previous`.
ENDED_LEASE = {
    "run_id": ID,
    "attempt": FROM_ONE,
    "owner": NAME,
    "outcome": NAME,
    "renewed_at": MOMENT,
    "acquired_at": MOMENT,
    "ended": NAME,
}
SIGNAL = Members({"state": NAME, "reason": WORDS}, frozenset({"state"}))
VERDICT = Members({"verdict": NAME, "reason": WORDS, "signals": ByKey(NAME, SIGNAL)}, frozenset({"verdict", "reason"}))

RULES: dict[str, Rule] = {
    **dict.fromkeys(REGION_NAMES, REGION_CODE),
    "active_region": REGION_OR_UNKNOWN,
    # names
    "autoscaling_group_name": NAME,
    "bucket": BUCKET,
    "by": NAME,
    "child_health_checks": Each(text(r"[0-9A-Za-z-]{1,64}", "the id of a health check")),
    "database_name": text(r"[A-Za-z][A-Za-z0-9]{0,63}", "1 to 64 letters and digits, the first one a letter"),
    "db_cluster_identifier": CLUSTER,
    "domain": HOST,
    "engine_version": text(r"[A-Za-z0-9._-]{1,64}", "an engine version, such as 8.0.mysql_aurora.3.08.0"),
    "fqdn": HOST,
    "global_cluster_identifier": CLUSTER,
    "name": NAME,
    "names": Each(text(r"[A-Za-z0-9_./#-]{1,512}", "1 to 512 letters, digits and . _ - / #, for a log group"), 1),
    "metric_namespace": text(r"[A-Za-z0-9._#/-]{1,255}", "1 to 255 letters, digits and . _ # / -"),
    "object_key": line(1024),
    "owner": NAME,
    "parameter_name": text(r"[A-Za-z0-9_./-]{1,1011}", "letters, digits and . _ / -, up to 1011 characters"),
    "platform": NAME,
    "prefix": line(1024),
    "rule_id": NAME,
    "run_id": ID,
    # Secrets Manager: "Name" of CreateSecret.
    "secret_name": text(r"[A-Za-z0-9/_+=.@-]{1,512}", "1 to 512 letters, digits and / _ + = . @ -"),
    "security_group_id": text(r"sg-[0-9a-f]{8,17}", "the id of a security group, such as sg-0123456789abcdef0"),
    "step": NAME,
    "table_name": TABLE,
    "takeover_run_id": ID,
    # texts
    "method": NAME,
    "msg": Value("a message of at most 262144 bytes", lambda value: len(value.encode("utf-8", "replace")) <= 262144),
    "reason": WORDS,
    "search_string": line(255),
    "trigger": WORDS,
    # where something is found
    "destination_bucket_arn": arn("s3", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket"),
    "dns_servers": Each(SERVER),
    "health_path": PATH,
    "ip_address": Value("an IPv4 or IPv6 address", is_address),
    "kms_key_arn": KEY_ARN,
    "port": number(1, 65535),
    "probe_path": PATH,
    "probe_proxy": URL,
    "resource_path": PATH,
    "role_arn": arn("iam", r"role/.+", "an IAM role"),
    "routing_control_arn": CONTROL_ARN,
    "safety_rules_to_override": Each(
        arn("route53-recovery-control", r"controlpanel/[^/]+/safetyrule/[^/]+", "a safety rule")
    ),
    "source_db_cluster_arn": CLUSTER_ARN,
    "target_group_arn": TARGET_GROUP_ARN,
    "topic_arn": TOPIC_ARN,
    # times in seconds
    "answer_timeout": seconds(0.001, 600),
    "connect_timeout": seconds(0.001, 600),
    "cool_down": SPAN,
    "deadline": seconds(0.001, 3600),
    "lease_seconds": seconds(1, 86400),
    "max_gap": SPAN,
    "max_lag_sample_age": SPAN,
    "min_interval": SPAN,
    "patience": seconds(0, 3600),
    "pause_seconds": SPAN,
    "poll_interval": seconds(0.1, 3600),
    "read_timeout": seconds(0.001, 600),
    "replica_timeout": seconds(0, 86400),
    "resume_within": SPAN,
    "settle_seconds": seconds(0, 86400),
    "since": MOMENT,
    "stream_limit": SPAN,
    "wait_timeout": seconds(0, 7 * 86400),
    # other figures
    "at_least": COUNT,
    "attempt": FROM_ONE,
    "consecutive_failures": FROM_ONE,
    "failure_threshold": number(1, 10),
    "health_threshold": number(0, 256),
    "limit": FROM_ONE,
    "max_age_days": number(0, 36500, "a number of days"),
    "max_replication_lag_ms": MILLISECONDS,
    "min_healthy_ratio": number(0, 1, "a ratio"),
    # RDS: "MasterUserPassword" of ModifyDBCluster.
    # Aurora MySQL takes passwords of 8 to 41 characters (MasterUserPassword of CreateDBCluster).
    "password_length": number(8, 41),
    "quorum": number(2, 1_000_000),
    # What CloudWatch Logs takes is judged by the module.
    "retention_in_days": number(1, 3653, "a number of days"),
    "retries": number(0, 100),
    "warn_replication_lag_ms": MILLISECONDS,
    # with members of their own
    "alarm": Members({"region": REGION_CODE, "name": NAME}, frozenset({"region", "name"})),
    "cluster_endpoints": Each(Members({"region": REGION_CODE, "endpoint": URL}, frozenset({"region", "endpoint"}))),
    "db_cluster_arns": ByKey(REGION_CODE, CLUSTER_ARN, is_regional=True),
    "db_clusters": ByKey(REGION_CODE, CLUSTER),
    "expected": Members(
        {
            **dict.fromkeys("secret_name key_alias vpc_name alarm_prefix switch_prefix runner_policy".split(), NAME),
            "runner_arn": arn("iam sts", r".+", "a user or a role"),
            "egress_ports": Each(number(1, 65535)),
        }
    ),
    "dimensions": ByKey(line(255), line(1024)),
    "metrics": ByKey(line(255), Value("a number, or nothing where it is not known", is_figure)),
    "units": ByKey(line(255), Value("a unit of CloudWatch, such as Seconds or Count", UNITS.__contains__)),
    "lease": Members(LEASE, frozenset(LEASE) - {"lease_seconds", "step"}),
    "load_balancers": ByKey(REGION_CODE, HOST),
    "manifest": Members(
        {
            "global_database": Members({"identifier": CLUSTER, "engine_version": NAME}),
            "traffic": Members({"domain": HOST, "health_path": PATH, "scheme": NAME}),
            "regions": Each(Members(ENTRY)),
        }
    ),
    "obstacles": Each(Members({"code": NAME, "sentence": WORDS}, frozenset({"code", "sentence"}))),
    "previous": Members(
        {**ENDED_LEASE, "earlier": Each(Members(ENDED_LEASE, frozenset(ENDED_LEASE) - {"owner"}))},
        frozenset(ENDED_LEASE) - {"owner"},
    ),
    "record": Members({"started_at": MOMENT, "ended_at": MOMENT, "attempt_started_at": MOMENT, "steps": Each(FREE)}),
    "replicas": Each(
        Members({"region": REGION_CODE, "tags": TAGS, "kms_key_arn": KEY_ARN}, frozenset({"region"})),
    ),
    "tags": TAGS,
    "topics": ByKey(REGION_CODE, TOPIC_ARN, is_regional=True),
    "verdicts": ByKey(REGION_CODE, VERDICT),
    # options of every module of amazon.aws
    "aws_ca_bundle": line(4096),
    "aws_config": Value("settings of botocore's Config", is_config),
    "endpoint_url": URL,
    "profile": NAME,
}
# A list of codes in most modules, of entries in some.
REGIONS = Each(REGION_CODE, 1), Each(Members(ENTRY, frozenset({"region"})), 1)


def option_problems(params: Mapping[str, Any], argument_spec: Mapping[str, Any], required_if: Any = ()) -> list[str]:
    """Return what is wrong with a module's options, as sentences that name the option, its value and what is allowed.

    argument_spec, required_if: as AnsibleModule takes them; what they require must not be empty either.
    """
    required = {name for name, spec in argument_spec.items() if spec.get("required")}
    for option, wanted, names, *any_of in required_if:
        if params.get(option) == wanted and not any_of:
            required.update(names)
    rules = {name: rule for name, rule in RULES.items() if name in params}
    if "regions" in params:
        rules["regions"] = REGIONS[argument_spec["regions"].get("elements") == "dict"]
    rules.update({name: Value("not empty", bool) for name in required - rules.keys()})
    return Members(rules, frozenset(required)).problems("", params)
