# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as Route 53 health checks and failover records.

Pure. Checks and records together compute what ``_traffic_switch.active_region`` computes; tests/unit compare the two.

A string match reads the first 5120 bytes of an object ("HealthCheckConfig" of the Route 53 API reference). An object
that is absent or cannot be read does not match, and an inverted check is then healthy. For each pair of regions one
calculated check counts three string matches. Deciding between more than two regions is left to the records, a pair of
failover records for each pair of regions, because a calculated check cannot monitor calculated ones ("Values that you
specify when you create or update health checks" of the Route 53 Developer Guide).
"""

from __future__ import annotations

import typing as t
from itertools import combinations

from ansible_collections.trading.multi_region.plugins.module_utils._traffic_switch import (
    claims_over,
    outranks,
    yields_to,
)

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
) -> list[dict[str, t.Any]]:
    """Return the health checks of the switch, children before parents.

    buckets: name of every region's control bucket.
    prefix: what every check's name begins with.

    Each dict has ``name``, ``tier`` (0: string match, 1: calculated), ``type`` and either the figures of an HTTPS
    string match or ``child_names`` and ``health_threshold``. ``ahead_check`` names the check that records carry.
    """
    checks = []
    for earlier, later in combinations(order, 2):
        checks += pair_checks(earlier, later, buckets, prefix, object_key)
    return checks


def pair_checks(
    earlier: str, later: str, buckets: t.Mapping[str, str], prefix: str, object_key: str
) -> list[dict[str, t.Any]]:
    """Return the four checks of a pair; the last one is healthy while the earlier region is ahead."""

    def match(word: str, region: str, statement: str, inverted: bool) -> dict[str, t.Any]:
        return {
            "name": f"{prefix}-{word}-{short(earlier)}-{short(later)}",
            "tier": 0,
            "type": "HTTPS_STR_MATCH",
            "fqdn": f"{buckets[region]}.s3.{region}.amazonaws.com",
            "port": 443,
            "resource_path": f"/{object_key}",
            "search_string": statement,
            "inverted": inverted,
            "request_interval": 10,
            "failure_threshold": 3,
        }

    votes = [
        match("unclaimed", later, claims_over(later, earlier), True),
        match("outranks", earlier, outranks(earlier, later), False),
        match("unyielding", earlier, yields_to(earlier, later), True),
    ]
    ahead = {
        "name": ahead_check(earlier, later, prefix),
        "tier": 1,
        "type": "CALCULATED",
        "child_names": [vote["name"] for vote in votes],
        "health_threshold": 2,
        "inverted": False,
    }
    return [*votes, ahead]


def ahead_check(earlier: str, later: str, prefix: str = "switch") -> str:
    """Return the name of the check that is healthy while the earlier region is ahead of the later one."""
    return f"{prefix}-ahead-{short(earlier)}-{short(later)}"


def short(region: str) -> str:
    """Return a region's short form, as in ids of availability zones: apse1 for ap-southeast-1.

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
) -> list[dict[str, t.Any]]:
    """Return the failover alias records, deepest first: none ever points at one that is not there yet.

    load_balancers: by region ``{dns_name, zone_id}``.
    endpoint_checks: names of the checks on the regions' end points. When given, the traffic also leaves a region by
    itself, towards the next one in order, while its end point does not answer (automatic DNS failover).

    Each dict has ``name``, ``identifier``, ``failover`` (PRIMARY or SECONDARY), ``target``, ``target_zone_id``,
    ``evaluate_target_health`` and ``check_name`` (None for a SECONDARY).
    """
    last = len(order) - 1
    automatic = bool(endpoint_checks)

    def winner(at: int) -> tuple[str, str]:
        """Return name and zone of what answers once this region has met all others."""
        if automatic and at < last:
            return f"{order[at]}.{domain}", zone_id
        balancer = load_balancers[order[at]]
        return balancer["dns_name"], balancer["zone_id"]

    def next_round(at: int, met: int) -> tuple[str, str]:
        """Return name and zone of what decides once this region has met all others up to ``met``."""
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
            name, check = meeting(order[at], order[other], order, domain), ahead_check(order[at], order[other], prefix)
            records.append(alias(name, order[other], "SECONDARY", next_round(other, other), automatic, None))
            records.append(alias(name, order[at], "PRIMARY", next_round(at, other), automatic, check))
    return records


def meeting(earlier: str, later: str, order: t.Sequence[str], domain: str) -> str:
    """Return the name whose failover pair decides between two regions; the first two meet at the domain itself."""
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
    """Return why building records in the wanted order could move the traffic, or None.

    The first region of the order has the traffic while no object says anything, and regions meet in that order; only a
    region added at the end changes no answer.
    """
    if list(wanted[: len(existing)]) == list(existing):
        return None
    return (
        f"platform_regions is {', '.join(wanted)}, but the records were built as {', '.join(existing)}; "
        "allowed: that order, with new regions at its end. Any other could move the traffic."
    )
