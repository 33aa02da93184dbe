# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Would the DNS name follow the switch? Pure: one function per check.

What exists is compared with what the traffic role builds, by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    ALL,
    PROVISION,
    Finding,
    Seen,
    blocker,
    listed,
    ok,
    warning,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.backends import (
    STATEMENTS,
    traffic_of,
    traffic_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    ARC_ROUTING_CONTROL,
    CLOUDWATCH_METRIC,
    GLOBAL_ACCELERATOR,
    S3_OBJECT,
    build_checks,
    build_control_checks,
    build_metric_checks,
    build_records,
    statement_alarms,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.health_checks import alike, build_config
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.traffic_dials import (
    DEPLOYED,
    HOME,
    is_unhealthy,
    unhealthy_words,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.views import ELSEWHERE, PUBLIC, differences

# Properties of a switch alarm that must match for Route 53's check to follow the right statement.
ALARM_MEMBERS = ("namespace", "metric", "dimensions", "comparison")

LATER = "Look again in some minutes."
HEAL = "Find out why its load balancer has no healthy target."

Specs = Mapping[str, Mapping[str, Any]]


def wanted_checks(seen: Seen) -> dict[str, dict[str, Any]] | None:
    """Return the switch's health checks by name as the traffic role builds them, or None for an unknown backend."""
    traffic, prefix, entries = traffic_of(seen.manifest), prefix_of(seen), seen.manifest["regions"]
    backend, key = traffic["backend"], traffic["switch_key"]
    if backend == S3_OBJECT:
        buckets = {entry["region"]: entry["control_bucket"] for entry in entries}
        checks = build_checks(seen.order, buckets, prefix, key)
    elif backend == CLOUDWATCH_METRIC:
        checks = build_metric_checks(seen.order, prefix)
    elif backend == ARC_ROUTING_CONTROL and traffic.get("routing_controls"):
        checks = build_control_checks(seen.order, traffic["routing_controls"], prefix)
    else:
        return None
    return {check["name"]: check for check in checks}


def prefix_of(seen: Seen) -> str:
    """Return the prefix of the names of the switch's checks."""
    return traffic_of(seen.manifest).get("platform") or seen.expected.get("switch_prefix") or "switch"


def switch_records(seen: Seen) -> Iterator[Finding]:
    """Each pair of regions has its failover records, with the switch's health checks of the right type."""
    if traffic_of(seen.manifest)["backend"] == GLOBAL_ACCELERATOR:
        yield accelerator_record(seen)
        return
    unknown = seen.shared.unknown(("records", "health_checks"))
    specs, domain = wanted_checks(seen), traffic_of(seen.manifest).get("domain")
    if unknown:
        yield seen.unknown(ALL, "the name's records", "; ".join(unknown.values()))
        return
    if specs is None or not domain:
        yield seen.unknown(ALL, "which records the name needs", "the manifest does not say", remedy=PROVISION)
        return
    records = seen.shared.value("records")
    if records is None:
        yield blocker(ALL, f"There is no hosted zone {domain}.", PROVISION)
        return
    checks, wanted = seen.shared.value("health_checks"), wanted_records(seen, domain)
    found = [why for record in wanted if (why := record_problem(record, records, checks, specs))]
    if found:
        yield blocker(ALL, f"{len(found)} of {len(wanted)} records would not follow: {listed(found, 3)}.", PROVISION)
    else:
        types = sorted({spec["type"] for spec in specs.values()})
        yield ok(ALL, f"{len(wanted)} records of {domain} follow {len(specs)} checks of the switch ({listed(types)}).")


def accelerator_record(seen: Seen) -> Finding:
    """Return whether the name is an alias of the accelerator."""
    traffic, records = traffic_of(seen.manifest), seen.shared["records"]
    domain, target = traffic.get("domain"), (traffic.get("accelerator") or {}).get("dns_name")
    if not records.known:
        return seen.unknown(ALL, "the name's record", records.error)
    if not domain or not target:
        return seen.unknown(ALL, "which record the name needs", "the manifest does not say", remedy=PROVISION)
    if records.value is None:
        return blocker(ALL, f"There is no hosted zone {domain}.", PROVISION)
    found = [one["target"].lower() for one in records.value if one["name"] == domain]
    if found == [target.lower()]:
        return ok(ALL, f"{domain} is an alias of the accelerator {target}.")
    return blocker(ALL, f"{domain} points at {listed(found) or 'nothing'}, not at the accelerator {target}.", PROVISION)


def switch_accelerator(seen: Seen) -> Iterator[Finding]:
    """The accelerator routes, has every region's load balancer, and can be turned."""
    backend, fact = traffic_of(seen.manifest)["backend"], seen.shared["accelerator"]
    if backend != GLOBAL_ACCELERATOR:
        yield ok(ALL, f"The switch uses no accelerator: its backend is {backend}.")
        return
    yield of_home(seen)
    if not fact.known:
        yield seen.unknown(ALL, "the accelerator", fact.error)
        return
    if not fact.value["enabled"]:
        yield blocker(ALL, "The accelerator is disabled, so it routes nothing.", PROVISION)
    elif fact.value["status"] != DEPLOYED:
        yield warning(ALL, f"The accelerator is {fact.value['status']}: a change is being deployed.", LATER)
    else:
        yield ok(ALL, "The accelerator is enabled and deployed.")
    for region in seen.order:
        group, balancer = fact.value["groups"][region], seen.entry(region).get("load_balancer_arn")
        if list(group.endpoints) != [balancer]:
            words = listed(group.endpoints) or "no endpoint"
            yield seen.broken(region, f"Its endpoint group has {words}, not the load balancer {balancer}.", PROVISION)
        elif is_unhealthy(group.as_fact()):
            yield seen.broken(region, unhealthy_words(region), HEAL)
        else:
            yield ok(region, f"Its load balancer is {group.endpoints[balancer]} for the accelerator.")


def of_home(seen: Seen) -> Finding:
    """Return whether the loss of a region of the platform would take the switch along."""
    if HOME not in seen.order:
        return ok(ALL, f"The switch is turned in {HOME}, which is no region of this platform.")
    return warning(
        HOME,
        f"The switch is turned in {HOME}: without that region no traffic dial can be read or turned, and a move is "
        "refused unless force is set. While no load balancer of the active region is healthy, its clients are sent to "
        "the next region, and back as soon as one is.",
        f"Use another traffic_switch_backend, or no region {HOME} (roles/traffic/README.md).",
    )


def wanted_records(seen: Seen, domain: str) -> list[dict[str, Any]]:
    """Return the failover records that the traffic role builds, with and without automatic DNS failover."""
    backend = traffic_of(seen.manifest)["backend"]
    balancers = {
        entry["region"]: {"dns_name": entry.get("load_balancer_dns_name") or "", "zone_id": ""}
        for entry in seen.manifest["regions"]
    }
    records = build_records(seen.order, domain, "", balancers, prefix_of(seen), backend=backend)
    for record in records:
        # With automatic DNS failover the target is the region's own name instead of its load balancer.
        owner = next((r for r, balancer in balancers.items() if balancer["dns_name"] == record["target"]), None)
        record["targets"] = {record["target"], *([f"{owner}.{domain}"] if owner else [])}
    return records


def record_problem(
    wanted: Mapping[str, Any], records: list[Mapping[str, Any]], checks: Mapping[str, Any], specs: Specs
) -> str | None:
    """Return why a record would not follow the switch, or None. Pure."""
    words = f"{wanted['failover']} {wanted['identifier']} of {wanted['name']}"
    # A name has one record of each role; those of others have identifiers of their own.
    found = [one for one in records if (one["name"], one["failover"]) == (wanted["name"], wanted["failover"])]
    if not found:
        return f"{words} is missing"
    (record, *_rest), identifier = found, found[0]["health_check_id"]
    target = (record["target"] or "").lower().removeprefix("dualstack.")
    if target not in {target.lower() for target in wanted["targets"]}:
        return f"{words} points at {record['target']}, not at {wanted['target']}"
    if not wanted["check_name"]:
        return (
            f"{words} has the health check {identifier}, and would give the traffic back with it"
            if identifier
            else None
        )
    if not identifier:
        return f"{words} has no health check, so it never releases the traffic"
    if identifier not in checks:
        return f"{words} has the health check {identifier}, which does not exist"
    why = check_problem(checks[identifier], specs[wanted["check_name"]], checks, specs)
    return f"{words}: {wanted['check_name']} {why}" if why else None


def check_problem(
    config: Mapping[str, Any], spec: Mapping[str, Any], checks: Mapping[str, Any], specs: Specs
) -> str | None:
    """Return how a health check differs from the one that the role builds, or None. Pure.

    A disabled check counts as healthy ("HealthCheckConfig" of the Route 53 API Reference).
    """
    if config.get("Disabled"):
        return "is disabled, which counts as healthy"
    for member, value in build_config(spec).items():
        if not alike(member, config.get(member), value):
            return f"has {member} {config.get(member)}, not {value}"
    children = [checks[child] for child in config.get("ChildHealthChecks", []) if child in checks]
    for name in spec.get("child_names", []):
        if all(check_problem(child, specs[name], checks, specs) for child in children):
            return f"does not include a check like {name}"
    return None


def switch_seen(seen: Seen) -> Iterator[Finding]:
    """The switch is what Route 53's checkers read of it, and the name leads to its region."""
    name, backend = seen.shared["name"], traffic_of(seen.manifest)["backend"]
    for region in seen.order:
        unknown = seen.facts[region].unknown((STATEMENTS, PUBLIC)) if backend == S3_OBJECT else {}
        if unknown:
            yield seen.unknown(region, "what health checkers read of the switch", listed(unknown.values()))
    if not name.known:
        yield seen.unknown(ALL, "where the name leads", name.error)
    says, found = traffic_region(seen.manifest, seen.facts), differences(seen.manifest, seen.facts, name)
    for one in found:
        if one.code == ELSEWHERE:
            yield blocker(ALL, one.reason, one.remedy)
        else:
            yield seen.broken(one.region, one.reason, one.remedy)
    if not says:
        yield seen.unknown(ALL, "where the switch leads", "no region's part of it is known")
    elif name.known and not found:
        yield ok(ALL, f"{traffic_of(seen.manifest).get('domain')} leads to {says}, as the switch says.")


def switch_alarms(seen: Seen) -> Iterator[Finding]:
    """With the metric backend, each region has the alarms that Route 53's checks follow."""
    traffic = traffic_of(seen.manifest)
    if traffic["backend"] != CLOUDWATCH_METRIC:
        yield ok(ALL, f"The switch uses no alarms: its backend is {traffic['backend']}.")
        return
    for region in seen.order:
        fact = seen.facts[region]["alarms"]
        if not fact.known:
            yield seen.unknown(region, "the alarms of the switch", fact.error)
            continue
        wanted = statement_alarms(region, seen.order, prefix_of(seen), traffic.get("metric_namespace") or "")
        found = {alarm["name"]: {name: alarm[name] for name in ALARM_MEMBERS} for alarm in fact.value}
        wrong = [one["name"] for one in wanted if found.get(one["name"]) != {name: one[name] for name in ALARM_MEMBERS}]
        if wrong:
            reason = f"{len(wrong)} of {len(wanted)} alarms of the switch are missing or watch another metric: "
            yield seen.broken(region, f"{reason}{listed(wrong)}.", PROVISION)
        else:
            yield ok(region, f"All {len(wanted)} alarms of the switch are here.")


def endpoint_checks(seen: Seen) -> Iterator[Finding]:
    """Route 53 checks every region's endpoint in the way that clients request it."""
    fact, traffic = seen.shared["health_checks"], traffic_of(seen.manifest)
    for region in seen.order:
        entry = seen.entry(region)
        identifier, scheme = entry.get("health_check_id"), (traffic.get("scheme") or "http").upper()
        if not fact.known:
            yield seen.unknown(region, "the check of the endpoint", fact.error)
        elif not identifier:
            yield seen.unknown(region, "the check of the endpoint", "the manifest names none", remedy=PROVISION)
        elif identifier not in fact.value:
            yield warning(region, f"The check of the endpoint, {identifier}, does not exist.", PROVISION)
        else:
            spec = {"type": scheme, "inverted": False, "fqdn": entry.get("load_balancer_dns_name")}
            why = check_problem(fact.value[identifier], spec, fact.value, {})
            if why:
                yield warning(region, f"The check of the endpoint, {identifier}, {why}.", PROVISION)
            else:
                yield ok(region, f"Route 53 checks {entry.get('load_balancer_dns_name')} by {scheme}.")
