# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the name has records of others, and whether these can follow the switch. Pure.

A PRIMARY and a SECONDARY can: with the switch's health check on the first and none on the second, they answer with one
load balancer or the other as the switch says, and with nothing else. So nothing else of them may decide: neither
another check nor the health of a target ("How Amazon Route 53 chooses records when health checking is configured" of
the Route 53 Developer Guide: if neither record is healthy, the primary one is returned).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.rows import (
    ALL,
    MISSING,
    OK,
    Row,
    unread,
)

WHAT = "name"
PRIMARY, SECONDARY = "PRIMARY", "SECONDARY"
POLICIES = (
    "Failover",
    "Weight",
    "Region",
    "GeoLocation",
    "GeoProximityLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
)
# What the record of the order has of each record that was re-pointed: the health check that it had before.
BEFORE = "was="
# Types of the checks that the platform's own records have.
OF_SWITCH = ("CALCULATED", "RECOVERY_CONTROL")
ANOTHER = "Take another name as traffic_domain, and make yours an alias of it (docs/existing.md)."
ALLOW = "Set traffic_repoint_records to true, which changes their health checks and nothing else. Or take another name."

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Name:
    """The name, and what its records would have to lead to.

    may_repoint: whether records of others may get other health checks. regions: the inventory's. balancers: the DNS
    name of each region's load balancer, as far as it is known. writer: the region that has it, or None.
    """

    domain: str
    may_repoint: bool
    regions: Sequence[str] = ()
    balancers: Mapping[str, str] = field(default_factory=dict)
    writer: str | None = None


def is_repointed(order: Sequence[str]) -> bool:
    """Return whether the record of the order says that the records are those of others."""
    return any(one.startswith(BEFORE) for one in order)


def is_ours(name: Name, found: Mapping[str, Any]) -> bool:
    """Return whether the platform has made the records; a run that was killed may not have recorded their order."""
    if found["order"]:
        return not is_repointed(found["order"])
    named = all(one.get("SetIdentifier") in name.regions for one in found["records"])
    return named and found["check_type"] in OF_SWITCH


def policy_of(record: Record) -> str:
    """Return the routing policy of a record in words."""
    kind = next((one for one in POLICIES if record.get(one) is not None), "")
    return record["Failover"] if kind == "Failover" else kind.lower() or "simple"


def described(records: Sequence[Record]) -> str:
    """Return the records in words: type, routing policy, and set identifier where there is one."""
    return ", ".join(f"{one['Type']} {policy_of(one)} {one.get('SetIdentifier', '')}".rstrip() for one in records)


def plain(name: str) -> str:
    """Return the DNS name of a load balancer as AWS shows it elsewhere."""
    return name.lower().removesuffix(".").removeprefix("dualstack.")


def region_of(name: Name, record: Record) -> str:
    """Return the region whose load balancer a record is an alias of; empty if it is of none."""
    target = plain(record["AliasTarget"]["DNSName"])
    return next((region for region, balancer in name.balancers.items() if plain(balancer) == target), "")


def halves(name: Name, records: Sequence[Record]) -> dict[str, str]:
    """Return {PRIMARY: region, SECONDARY: region} of a pair."""
    return {one["Failover"]: region_of(name, one) for one in records}


def name_rows(name: Name, fact: Observation) -> Iterator[Row]:
    """Yield the row of the name's records; none if they are the platform's own, or there are none.

    fact: None (no zone) or {zone_id, records: [ResourceRecordSet of the API], order: [words of the record of the
    order], check_type: of the health check that the PRIMARY has, empty without one}.
    """
    found = fact.value or {}
    records, order = found.get("records", []), found.get("order", [])
    if not fact.known:
        yield unread(ALL, WHAT, fact.error)
    elif not records:
        if name.may_repoint:
            reason = f"traffic_repoint_records is true, and {name.domain} has no records."
            yield Row(ALL, WHAT, MISSING, reason, "Correct traffic_domain, or set it to false.")
    elif is_ours(name, found):
        return
    elif problem := _problem(name, records, order):
        yield Row(ALL, WHAT, MISSING, *problem)
    else:
        led = halves(name, records)
        reason = (
            f"{name.domain} has {described(records)}, of {led[PRIMARY]} and {led[SECONDARY]}: they follow the switch."
        )
        yield Row(ALL, WHAT, OK, reason)


def _problem(name: Name, records: Sequence[Record], order: Sequence[str]) -> tuple[str, str] | None:
    """Return why records of others cannot follow the switch, and the remedy; None if they can."""
    has = f"{name.domain} has records of others, {described(records)}"
    pair = sorted(one.get("Failover", "") for one in records)
    if pair != [PRIMARY, SECONDARY] or any(one["Type"] != "A" or "AliasTarget" not in one for one in records):
        return f"{has}; only a PRIMARY and a SECONDARY alias of type A can follow the switch.", ANOTHER
    if not name.may_repoint:
        return f"{has}, and traffic_repoint_records is false.", ALLOW
    led = halves(name, records)
    if sorted(led.values()) != sorted(name.regions) or len(name.regions) != len(pair):
        reason = f"{has}; they would have to lead to the load balancers of {' and '.join(name.regions)}, one each."
        return reason, ANOTHER
    if any(one["AliasTarget"].get("EvaluateTargetHealth") for one in records):
        reason = f"{has}, which evaluate the health of their targets: the name would move without its database."
        return reason, "Set EvaluateTargetHealth of both to false where they are made."
    if not order and name.writer != led[PRIMARY]:
        reason = f"{has}. The PRIMARY is of {led[PRIMARY]}, and the writer is in {name.writer or 'no known region'}."
        return reason, f"Run site.yml when {led[PRIMARY]} has the writer: then it may have the traffic."
    return None


def as_adopted(name: Name, fact: Observation) -> dict[str, Any] | None:
    """Return what is to be re-pointed: {zone_id, order: [regions], records: [record]}, or None.

    record: {name, identifier, failover, target, target_zone_id, health_check_id: before, or empty}.
    """
    found = fact.value or {}
    records, order = found.get("records", []), found.get("order", [])
    if not name.may_repoint or not records or is_ours(name, found) or _problem(name, records, order):
        return None
    led = halves(name, records)
    return {
        "zone_id": found["zone_id"],
        "order": [led[PRIMARY], led[SECONDARY]],
        "records": [
            {
                "name": name.domain,
                "identifier": one["SetIdentifier"],
                "failover": one["Failover"],
                "target": one["AliasTarget"]["DNSName"],
                "target_zone_id": one["AliasTarget"]["HostedZoneId"],
                "health_check_id": one.get("HealthCheckId", ""),
            }
            for one in sorted(records, key=lambda one: one["Failover"])
        ],
    }
