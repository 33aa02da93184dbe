# SPDX-License-Identifier: GPL-3.0-or-later
"""What Route 53 answers now, computed from moto's zones, records and health checks.

Follows: Route 53 Developer Guide, "How Amazon Route 53 chooses records when health checking is configured" and "Active-
active and active-passive failover"; API reference AliasTarget (TTL and EvaluateTargetHealth).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.route53.models import FakeZone, RecordSet

from lab.checks import CHECKS, Status, backends
from lab.elb import LoadBalancer, evaluate_target_health, load_balancer_named
from lab.rds_names import chain_of, is_rds_name
from lab.services import accelerator
from lab.services.settings import SETTINGS
from lab.world import once_a_look

ELB_TTL_S = 60  # API, ResourceRecordSet, TTL: an alias to a load balancer has 60 seconds
LONGEST_CHAIN = 16
ELB_DOMAIN = "elb.amazonaws.com"


@cache
def plain(name: str) -> str:
    """A name in lower case, without the dot at its end and with `*` unescaped."""
    return name.lower().rstrip(".").replace("\\052", "*")


@dataclass(frozen=True)
class Candidate:
    """A record that could answer, with its health."""

    record: RecordSet
    healthy: bool
    check: Status | None = None
    target_health: tuple[bool, str] | None = None

    @property
    def policy(self) -> str:
        """PRIMARY, SECONDARY, `weight n`, ..., or `simple`."""
        record = self.record
        if record.failover:
            return str(record.failover)
        if record.weight is not None:
            return f"weight {record.weight}"
        kinds = ("region", "geo_location", "multi_value_answer")
        return next((kind for kind in kinds if getattr(record, kind)), "simple")

    @property
    def target(self) -> str:
        """Where the record points."""
        if self.record.alias_target:
            return f"alias to {plain(self.record.alias_target['DNSName'])}"
        return ", ".join(values_of(self.record))

    def as_dict(self, chosen: bool) -> dict[str, Any]:
        """As the admin API shows it."""
        health = None
        if self.target_health:
            health = {"healthy": self.target_health[0], "reason": self.target_health[1]}
        return {
            "set_identifier": self.record.set_identifier,
            "policy": self.policy,
            "target": self.target,
            "healthy": self.healthy,
            "chosen": chosen,
            "health_check": self.check.as_dict() if self.check else None,
            "target_health": health,
        }


@dataclass
class DnsAnswer:
    """`rcode` NOERROR, NXDOMAIN or REFUSED; `chain` of (name, type, TTL, values); `steps` say why."""

    rcode: str = "NOERROR"
    zone: FakeZone | None = None
    chain: list[tuple[str, str, int, list[str]]] = field(default_factory=list)
    balancers: list[LoadBalancer] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    every_share: bool = False  # follow all weighted records that may be drawn, not one of them


@once_a_look
def visible_zones() -> list[FakeZone]:
    """The zones that answer whoever asks: the public ones, and to a client in a VPC the private ones of that VPC.

    Developer Guide, "Considerations when working with a private hosted zone".
    """
    vpc = SETTINGS.dns_client_vpc
    return [
        zone
        for one in backends()
        for zone in one.zones.values()
        if not zone.private_zone or (vpc and any(one.get("vpc_id") == vpc for one in zone.vpcs))
    ]


def zone_of(name: str) -> FakeZone | None:
    """The zone with the longest name that holds the name; of two with the same name the private one."""
    wanted = plain(name)
    holding = [
        zone for zone in visible_zones() if wanted == plain(zone.name) or wanted.endswith("." + plain(zone.name))
    ]
    return max(holding, key=lambda zone: (len(plain(zone.name)), bool(zone.private_zone)), default=None)


@once_a_look
def records_of(zone: FakeZone, name: str, type_: str) -> list[RecordSet]:
    """The records of a name and type; a wildcard's when there is nothing of that very name."""
    wanted = plain(name)
    found = [record for record in zone.rrsets if plain(record.name) == wanted]
    if not found:
        wanted = "*." + wanted.partition(".")[2]
        found = [record for record in zone.rrsets if plain(record.name) == wanted]
    return [record for record in found if record.type == type_]


def values_of(record: RecordSet) -> list[str]:
    """The values of a record that is no alias; moto keeps those of a new zone's SOA in another shape."""
    return [str(value["Value"] if isinstance(value, dict) else value) for value in record.records or []]


@once_a_look
def judge(zone: FakeZone, record: RecordSet, depth: int = 0) -> Candidate:
    """A record with its health: its check, and its alias target's health where that is asked for."""
    check = CHECKS.status(record.health_check_id) if record.health_check_id else None
    alias = record.alias_target
    target_health = None
    if alias and str(alias.get("EvaluateTargetHealth")).lower() == "true":
        target_health = _target_health(zone, alias, record.type, depth)
    healthy = (check is None or check.healthy) and (target_health is None or target_health[0])
    return Candidate(record, healthy, check, target_health)


def _target_health(zone: FakeZone, alias: dict[str, Any], type_: str, depth: int) -> tuple[bool, str]:
    name = alias["DNSName"]
    balancer = load_balancer_named(name)
    if balancer:
        return evaluate_target_health(balancer)
    edge = accelerator.accelerator_of(name)
    if edge:
        reached = accelerator.reached(edge)
        return bool(reached), f"{plain(name)} routes to {reached[0].name if reached else 'nothing'}"
    if depth >= LONGEST_CHAIN:
        return False, "the aliases go round in a circle"
    healthy = any(judge(zone, record, depth + 1).healthy for record in records_of(zone, name, type_))
    return healthy, f"{plain(name)} has {'a' if healthy else 'no'} healthy record"


def choose(candidates: list[Candidate], every_share: bool = False) -> list[Candidate]:
    """The records that answer.

    Failover: the primary while it is healthy, else the secondary, and the primary again when neither is ("How Amazon
    Route 53 chooses records when health checking is configured": all unhealthy = all considered). Weighted: one healthy
    record by chance in proportion. Multivalue: all healthy ones. The lab does not simulate latency and geolocation: the
    first healthy one answers.
    """
    fit = [candidate for candidate in candidates if candidate.healthy] or candidates
    first = candidates[0].record
    if first.failover:
        return sorted(fit, key=lambda candidate: candidate.record.failover != "PRIMARY")[:1]
    if first.weight is not None:
        return _with_weight(fit) if every_share else _by_weight(fit)
    return fit if first.multi_value_answer else fit[:1]


def _with_weight(fit: list[Candidate]) -> list[Candidate]:
    """Those that may be drawn: all, if all weights are 0."""
    return [candidate for candidate in fit if int(candidate.record.weight or 0)] or fit


def _by_weight(fit: list[Candidate]) -> list[Candidate]:
    weights = [int(candidate.record.weight or 0) for candidate in fit]
    return random.choices(fit, weights if any(weights) else None)


def answer(name: str, type_: str = "A") -> DnsAnswer:
    """The answer to a DNS question. The caller holds the lock."""
    CHECKS.observe()
    found = DnsAnswer()
    look_up(found, plain(name), type_)
    return found


@dataclass(frozen=True)
class Entrance:
    """The load balancer of a name, or the accelerator, with the load balancers that clients reach through it."""

    addresses: list[str]
    balancers: list[LoadBalancer]


def _entrance(name: str, every_client: bool) -> Entrance | None:
    balancer, edge = load_balancer_named(name), accelerator.accelerator_of(name)
    if balancer:
        return Entrance([balancer.address], [balancer])
    return Entrance(edge.addresses, accelerator.reached(edge, every_client)) if edge else None


def look_up(found: DnsAnswer, name: str, type_: str) -> None:
    """Follow CNAMEs; aliases are followed inside `_take`, because they do not show in the answer."""
    entrance = _entrance(name, found.every_share)
    if entrance:
        found.balancers = entrance.balancers
        if type_ == "A":
            found.chain.append((name, "A", ELB_TTL_S, entrance.addresses))
        return
    if is_rds_name(name):
        _look_up_rds(found, name, type_)
        return
    zone = zone_of(name)
    if zone is None:
        if not found.chain:
            found.rcode = "NXDOMAIN" if name.endswith((ELB_DOMAIN, accelerator.DOMAIN)) else "REFUSED"
        return
    found.zone = zone
    if records_of(zone, name, type_):
        ttl, values = _take(found, zone, name, type_)
        found.chain.append((name, type_, ttl, values))
    elif records_of(zone, name, "CNAME"):
        ttl, values = _take(found, zone, name, "CNAME")
        found.chain.append((name, "CNAME", ttl, values))
        if len(found.chain) < LONGEST_CHAIN:
            look_up(found, plain(values[0]), type_)
    elif not _exists(zone, name):
        found.rcode = "NXDOMAIN"


def _look_up_rds(found: DnsAnswer, name: str, type_: str) -> None:
    """Follow a name of RDS; a question for another type gets the CNAMEs only."""
    chain = chain_of(name)
    found.chain += [entry for entry in chain if entry[1] in ("CNAME", type_)]
    for owner, kind, _ttl, values in chain:
        record = {"policy": "simple", "target": values[0], "healthy": True, "chosen": True}
        nothing = dict.fromkeys(("set_identifier", "health_check", "target_health"))
        found.steps.append({"name": owner, "type": kind, "records": [{**record, **nothing}]})
    if not chain:
        found.rcode = "NXDOMAIN"


def _exists(zone: FakeZone, name: str) -> bool:
    """Whether the name or one below it has a record of any type (RFC 8020)."""
    wildcard = "*." + name.partition(".")[2]
    names = [plain(record.name) for record in zone.rrsets]
    return any(one in (name, wildcard) or one.endswith("." + name) for one in names)


def _take(found: DnsAnswer, zone: FakeZone, name: str, type_: str) -> tuple[int, list[str]]:
    """(TTL, values) of a name that has records; notes the step."""
    candidates = [judge(zone, record) for record in records_of(zone, name, type_)]
    chosen = choose(candidates, found.every_share)
    found.steps.append(
        {"name": name, "type": type_, "records": [one.as_dict(one in chosen) for one in candidates]},
    )
    ttl, values = ELB_TTL_S, []
    for candidate in chosen:
        record = candidate.record
        if not record.alias_target:
            ttl = int(record.ttl or 0)
            values += values_of(record)
            continue
        target = plain(record.alias_target["DNSName"])
        entrance = _entrance(target, found.every_share)
        if entrance:
            found.balancers += entrance.balancers
            values += entrance.addresses if type_ == "A" else []
        elif len(found.steps) < LONGEST_CHAIN and records_of(zone, target, type_):
            ttl, more = _take(found, zone, target, type_)
            values += more
    return ttl, values


def alias_names() -> list[str]:
    """The names of visible zones that have an alias A record."""
    records = [record for zone in visible_zones() for record in zone.rrsets]
    return sorted({plain(one.name) for one in records if one.type == "A" and one.alias_target})


def regions_of(name: str) -> list[str]:
    """The regions of the load balancers that a name may answer with now. The caller has let the checks observe."""
    found = DnsAnswer(every_share=True)
    look_up(found, name, "A")
    return sorted({balancer.region for balancer in found.balancers})


def resolve(name: str) -> dict[str, Any]:
    """Which load balancer a name answers with now, and why.

    {name, load_balancer, dns_name, region, address, values, ttl, why: [{name, type, records: [{set_identifier, policy,
    target, healthy, chosen, health_check, target_health}]}], text}. The four about the load balancer are None when the
    name leads to none. Raises LookupError for a name that has no address.
    """
    found = answer(name)
    if not found.chain:
        raise LookupError(f"{plain(name)} does not answer: {_why_not(found, name)}")
    _, _, ttl, values = found.chain[-1]
    no_balancer = dict.fromkeys(("load_balancer", "dns_name", "region", "address"))
    balancer = found.balancers[0].as_dict() if found.balancers else no_balancer
    result = {"name": plain(name), **balancer, "values": values, "ttl": ttl, "why": found.steps}
    return {**result, "text": describe(result)}


def _why_not(found: DnsAnswer, name: str) -> str:
    if found.rcode == "REFUSED":
        zones = ", ".join(plain(zone.name) for one in backends() for zone in one.zones.values())
        return f"no hosted zone holds it (zones: {zones or 'none'})"
    return "the name does not exist" if found.rcode == "NXDOMAIN" else "the name has no address record"


def describe(result: dict[str, Any]) -> str:
    """A result of `resolve` as text."""
    where = ", ".join(result["values"])
    if result["load_balancer"]:
        where = "load balancer {load_balancer} in {region} ({dns_name}, {address})".format(**result)
    lines = [f"{result['name']} -> {where}, TTL {result['ttl']} s"]
    for step in result["why"]:
        lines.append(f"  {step['name']} {step['type']}")
        for record in step["records"]:
            lines += _describe_record(record)
    return "\n".join(lines)


def _describe_record(record: dict[str, Any]) -> list[str]:
    mark, state = ("*" if record["chosen"] else " "), _state(record["healthy"])
    identifier = f" {record['set_identifier']}" if record["set_identifier"] else ""
    lines = [f"  {mark} {record['policy']}{identifier}: {record['target']}: {state}"]
    if record["target_health"]:
        health = record["target_health"]
        lines.append(f"      target health: {_state(health['healthy'])}: {health['reason']}")
    return lines + (_describe_check(record["health_check"], 6) if record["health_check"] else [])


def _describe_check(check: dict[str, Any], indent: int) -> list[str]:
    inverted = ", inverted" if check["inverted"] else ""
    line = f"check {check['name']} ({check['type']}{inverted}): {_state(check['healthy'])}: {check['reason']}"
    return [" " * indent + line] + [more for child in check["children"] for more in _describe_check(child, indent + 2)]


def _state(healthy: bool) -> str:
    return "healthy" if healthy else "unhealthy"
