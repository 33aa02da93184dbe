# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as Route 53 health checks and failover records.

Pure. Checks and records together compute the same as ``statements.active_region``; tests/unit compare the two.

For each pair of regions one calculated check counts three votes. The records, one failover pair for each pair of
regions, decide between more than two regions, because a calculated check cannot monitor calculated ones ("Values that
you specify when you create or update health checks" of the Route 53 Developer Guide). The backends differ in what a
vote reads:

- ``s3_object``: a string match in the first 5120 bytes of an object ("HealthCheckConfig" of the Route 53 API
  reference). An object that is absent or cannot be read does not match, and an inverted check is then healthy.
- ``cloudwatch_metric``: an alarm that is in ALARM while its statement is published. A check without data is healthy, an
  inverted one unhealthy ("How Route 53 determines the status of health checks that monitor CloudWatch alarms" of the
  Developer Guide), which means "not published"; one whose data has ended keeps its last status.
- ``arc_routing_control``: there are no votes. The record of a pair has the check of the earlier region's control.

The backend ``global_accelerator`` has neither checks nor failover records: the name is an alias of the accelerator.
"""

from __future__ import annotations

import typing as t

from ansible_collections.trading.multi_region.plugins.module_utils._options.partitions import partition_of
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.statements import (
    Vote,
    pairs,
    votes,
)

S3_OBJECT, CLOUDWATCH_METRIC, ARC_ROUTING_CONTROL = "s3_object", "cloudwatch_metric", "arc_routing_control"
GLOBAL_ACCELERATOR = "global_accelerator"
# The name of the switch's only metric, and the shortest period of standard resolution.
METRIC_NAME, PERIOD_SECONDS = "Said", 60
BACKENDS = (S3_OBJECT, CLOUDWATCH_METRIC, ARC_ROUTING_CONTROL, GLOBAL_ACCELERATOR)

Check: t.TypeAlias = "dict[str, t.Any]"
Leaf: t.TypeAlias = "t.Callable[[str, str, Vote], Check]"

# Words in the names of checks of objects: what is true while the check is healthy.
OBJECT_WORDS = {"claims": "unclaimed", "outranks": "outranks", "yields": "unyielding"}
# The type of a check cannot be changed, so checks of metrics have other names.
METRIC_WORDS = {"claims": "claim", "outranks": "rank", "yields": "yield"}
DIRECTIONS = {
    "north": "n",
    "northeast": "ne",
    "east": "e",
    "southeast": "se",
    "south": "s",
    "southwest": "sw",
    "west": "w",
    "northwest": "nw",
    "central": "c",
    "gov": "g",
}


def build_checks(
    order: t.Sequence[str], buckets: t.Mapping[str, str], prefix: str = "switch", object_key: str = "active-region"
) -> list[Check]:
    """Return the health checks of a switch with objects, children before parents.

    buckets: name of every region's control bucket.
    prefix: prefix of every check's name.

    Each dict has ``name``, ``tier`` (0: vote, 1: calculated), ``type`` and either the options of a vote or
    ``child_names`` and ``health_threshold``. ``ahead_check`` returns the name of the check that records use.
    """

    def match(earlier: str, later: str, vote: Vote) -> Check:
        return {
            "name": pair_name(prefix, OBJECT_WORDS[vote.word], earlier, later),
            "tier": 0,
            "type": "HTTPS_STR_MATCH",
            "fqdn": f"{buckets[vote.region]}.s3.{vote.region}.{partition_of(vote.region).dns_suffix}",
            "port": 443,
            "resource_path": f"/{object_key}",
            "search_string": vote.statement,
            "inverted": not vote.is_for_earlier,
            "request_interval": 10,
            "failure_threshold": 3,
        }

    return build_pairs(order, prefix, match)


def build_metric_checks(order: t.Sequence[str], prefix: str = "switch") -> list[Check]:
    """Return the health checks of a switch with metrics, in the shape of ``build_checks``.

    A vote has ``alarm`` (region, name, insufficient_data_health_status); ``statement_alarms`` defines these alarms.
    """

    def follow(earlier: str, later: str, vote: Vote) -> Check:
        name = pair_name(prefix, METRIC_WORDS[vote.word], earlier, later)
        return {
            "name": name,
            "tier": 0,
            "type": "CLOUDWATCH_METRIC",
            "alarm": {"region": vote.region, "name": name, "insufficient_data_health_status": "LastKnownStatus"},
            "inverted": vote.is_for_earlier,
        }

    return build_pairs(order, prefix, follow)


def build_control_checks(
    order: t.Sequence[str], routing_controls: t.Mapping[str, str], prefix: str = "switch"
) -> list[Check]:
    """Return one health check for each region's routing control. routing_controls: ARN by region."""
    return [
        {
            "name": control_check(region, prefix),
            "tier": 0,
            "type": "RECOVERY_CONTROL",
            "routing_control_arn": routing_controls.get(region),
        }
        for region in order
    ]


def build_pairs(order: t.Sequence[str], prefix: str, leaf: Leaf) -> list[Check]:
    """Return the three votes of each pair of regions, and the check that counts them."""
    checks = []
    for earlier, later in pairs(order):
        leaves = [leaf(earlier, later, vote) for vote in votes(earlier, later)]
        ahead = {
            "name": ahead_check(earlier, later, prefix),
            "tier": 1,
            "type": "CALCULATED",
            "child_names": [one["name"] for one in leaves],
            "health_threshold": 2,
            "inverted": False,
        }
        checks += [*leaves, ahead]
    return checks


def alarm_names(region: str, order: t.Sequence[str], prefix: str = "switch") -> dict[str, str]:
    """Return the name of the alarm for every statement of a region, by statement."""
    return {
        vote.statement: pair_name(prefix, METRIC_WORDS[vote.word], earlier, later)
        for earlier, later in pairs(order)
        for vote in votes(earlier, later)
        if vote.region == region
    }


def statement_alarms(
    region: str, order: t.Sequence[str], prefix: str = "switch", namespace: str = "Trading/TrafficSwitch"
) -> list[dict[str, t.Any]]:
    """Return a region's alarms, one for each of its statements: in ALARM while it is published.

    Each dict has ``name``, ``statement`` and the settings of the alarm for amazon.aws.cloudwatch_metric_alarm.
    Route 53 supports only standard resolution and plain statistics ("AlarmIdentifier" of its API reference).
    """
    return [
        {
            "name": name,
            "statement": statement,
            "namespace": namespace,
            "metric": METRIC_NAME,
            "dimensions": {"Platform": prefix, "Statement": statement},
            "statistic": "Maximum",
            "comparison": "GreaterThanOrEqualToThreshold",
            "threshold": 1,
            "period": PERIOD_SECONDS,
            "evaluation_periods": 1,
            "treat_missing_data": "ignore",
        }
        for statement, name in alarm_names(region, order, prefix).items()
    ]


def ahead_check(earlier: str, later: str, prefix: str = "switch") -> str:
    """Return the name of the check that is healthy while the earlier region is ahead of the later one."""
    return pair_name(prefix, "ahead", earlier, later)


def control_check(region: str, prefix: str = "switch") -> str:
    """Return the name of the check that is healthy while a region's routing control is On."""
    return f"{prefix}-control-{short(region)}"


def pair_name(prefix: str, word: str, earlier: str, later: str) -> str:
    """Return the name of a check for a pair of regions."""
    return f"{prefix}-{word}-{short(earlier)}-{short(later)}"


def short(region: str) -> str:
    """Return a region's short form, as in the ids of availability zones: apse1 for ap-southeast-1.

    A check's name has to fit a caller reference of 64 characters ("CreateHealthCheck" of the Route 53 API reference).
    """
    first, *rest = region.split("-")
    return first + "".join(DIRECTIONS.get(word, word) for word in rest)


def build_records(
    order: t.Sequence[str],
    domain: str,
    zone_id: str,
    load_balancers: t.Mapping[str, t.Mapping[str, str]],
    prefix: str = "switch",
    endpoint_checks: t.Mapping[str, str] | None = None,
    backend: str = S3_OBJECT,
) -> list[dict[str, t.Any]]:
    """Return the failover alias records in an order in which no record refers to one that does not exist yet.

    load_balancers: by region ``{dns_name, zone_id}``.
    endpoint_checks: names of the checks of the regions' endpoints. If given, the traffic also leaves a region
    automatically, to the next one in order, while its endpoint does not respond (automatic DNS failover).
    Each dict has ``name``, ``identifier``, ``failover`` (PRIMARY or SECONDARY), ``target``, ``target_zone_id``,
    ``evaluate_target_health`` and ``check_name`` (None for a SECONDARY).
    """
    last = len(order) - 1
    automatic = bool(endpoint_checks)

    def winner(at: int) -> tuple[str, str]:
        """Return the name and zone of the target once this region was compared with all others."""
        if automatic and at < last:
            return f"{order[at]}.{domain}", zone_id
        balancer = load_balancers[order[at]]
        return balancer["dns_name"], balancer["zone_id"]

    def next_round(at: int, met: int) -> tuple[str, str]:
        """Return the name and zone of the next decision once this region was compared with all others up to ``met``."""
        return winner(at) if met == last else (meeting(order[at], order[met + 1], order, domain), zone_id)

    records = []
    for at in reversed(range(last) if automatic else ()):
        name, region = f"{order[at]}.{domain}", order[at]
        balancer = load_balancers[region]
        records.append(alias(name, order[at + 1], "SECONDARY", winner(at + 1), automatic, None))
        here = (balancer["dns_name"], balancer["zone_id"])
        records.append(alias(name, region, "PRIMARY", here, automatic, endpoint_checks[region]))
    for other in range(last, 0, -1):
        for at in range(other):
            name = meeting(order[at], order[other], order, domain)
            check = deciding_check(order[at], order[other], prefix, backend)
            records.append(alias(name, order[other], "SECONDARY", next_round(other, other), automatic, None))
            records.append(alias(name, order[at], "PRIMARY", next_round(at, other), automatic, check))
    return records


def deciding_check(earlier: str, later: str, prefix: str, backend: str) -> str:
    """Return the name of the check that decides a pair: while it is healthy, the earlier region is chosen."""
    return control_check(earlier, prefix) if backend == ARC_ROUTING_CONTROL else ahead_check(earlier, later, prefix)


def meeting(earlier: str, later: str, order: t.Sequence[str], domain: str) -> str:
    """Return the name whose failover pair decides between two regions; for the first two it is the domain itself."""
    return domain if [earlier, later] == list(order[:2]) else f"{earlier}-{later}.{domain}"


def alias(
    name: str, identifier: str, failover: str, target: tuple[str, str], evaluate: bool, check_name: str | None
) -> dict[str, t.Any]:
    """Return one half of a failover pair."""
    return {
        "name": name,
        "identifier": identifier,
        "failover": failover,
        "target": target[0],
        "target_zone_id": target[1],
        "evaluate_target_health": evaluate,
        "check_name": check_name,
    }


def order_problem(existing: t.Sequence[str], wanted: t.Sequence[str]) -> str | None:
    """Return why the records cannot be built for the wanted regions, or None.

    The order itself is not compared: the records keep the one in which they were built, with new regions at its end
    (:func:`switch_order`). A region that has records cannot be left out.
    """
    missing = [region for region in existing if region not in wanted]
    if not missing:
        return None
    return (
        f"platform_regions is {', '.join(wanted)}, but the records were built for {', '.join(existing)}; "
        f"allowed: all of these, and {', '.join(missing)} is missing. Leaving it out could move the traffic."
    )


def zone_problem(
    domain: str, zone: str, exists: bool, is_private: bool, vpcs: int, dns_servers: t.Sequence[str]
) -> str | None:
    """Return why a hosted zone cannot hold the name, or None.

    exists: whether this account has such a zone, public or private as wanted. vpcs: with how many a private zone is
    associated. Its name servers answer only inside these ("Working with private hosted zones" of the Route 53 Developer
    Guide), so somebody inside must be asked.
    """
    given = f"traffic_zone_name is {zone}"
    if domain != zone and not domain.endswith(f".{zone}"):
        return f"{given}. {domain} does not lie in it; allowed: {domain} or a parent of it."
    if is_private and not exists:
        return (
            f"{given} and traffic_zone_private is true, but this account has no private hosted zone of that name, and "
            "none is created, because it needs the VPCs of its clients; allowed: a private zone that exists."
        )
    if is_private and not vpcs:
        return (
            f"{given} and traffic_zone_private is true, but that zone is associated with no VPC, so nobody can resolve "
            "its names; allowed: a zone that is associated with the VPCs of its clients."
        )
    if is_private and not dns_servers:
        return (
            "traffic_zone_private is true and traffic_dns_servers is empty, but the name servers of a private zone "
            "answer only inside its VPCs; allowed: resolvers inside one of them, such as 169.254.169.253 on an "
            "instance there or an inbound endpoint of Route 53 Resolver."
        )
    if not exists and zone != domain:
        return (
            f"{given}. This account has no such public hosted zone, and a parent zone is not created; allowed: a zone "
            f"that exists, or {domain}."
        )
    return None
