# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Do the regions reach each other, and are operators notified of problems? Pure: one function per check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import LAG_METRICS
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    PROVISION,
    Finding,
    Seen,
    counted,
    listed,
    ok,
    warning,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import METRIC_NAME

# In the name of an alarm, the region that it is about.
REGION = "<region>"


def peering(seen: Seen) -> Iterator[Finding]:
    """Instances of one region reach the database of another: the peering is active and each table has its route.

    A failover does not need it, because application and writer are then in one region; the standby's application does.
    """
    for region in seen.order:
        own = seen.facts[region]["network"]
        for other in seen.others(region):
            foreign = seen.facts[other]["network"]
            unknown = [fact.error for fact in (own, foreign) if not fact.known]
            if unknown:
                yield seen.unknown(region, f"the network to {other}", listed(unknown))
            elif own.value is None or foreign.value is None:
                where = region if own.value is None else other
                yield warning(region, f"There is no VPC {seen.expected.get('vpc_name')} in {where}.", PROVISION)
            else:
                yield _way(region, other, own.value, foreign.value)


def _way(region: str, other: str, own: Mapping[str, Any], foreign: Mapping[str, Any]) -> Finding:
    ends = {own["vpc_id"], foreign["vpc_id"]}
    found = {one["id"]: one["status"] for one in own["peerings"] if set(one["vpc_ids"]) == ends}
    active = [name for name, status in found.items() if status == "active"]
    if not active:
        states = listed(f"{name} is {status}" for name, status in found.items()) or "there is none"
        return warning(region, f"No peering with {other} is active: {states}.", PROVISION)
    closed = [
        name
        for name, routes in own["tables"].items()
        if (routes.get(foreign["cidr"]) or {}).get("via") not in active or routes[foreign["cidr"]]["state"] != "active"
    ]
    if closed or not own["tables"]:
        which = listed(sorted(closed)) if closed else "none of its tables has subnets"
        return warning(region, f"No active route to {foreign['cidr']} in {other}: {which}.", PROVISION)
    return ok(region, f"{active[0]} to {other} is active, with a route in each of {len(own['tables'])} tables.")


def is_lag_alarm(alarm: Mapping[str, Any]) -> bool:
    """Return whether an alarm is on the replication lag of any cluster. Pure."""
    return alarm["namespace"] == "AWS/RDS" and alarm["metric"] in LAG_METRICS


def lag_alarm(seen: Seen) -> Iterator[Finding]:
    """Every region has an alarm on its own cluster's lag: only secondaries have the metric, and the roles can change.

    Source: "Monitoring an Amazon Aurora global database" of the Aurora User Guide.
    """
    for region in seen.order:
        fact, cluster = seen.facts[region]["alarms"], seen.entry(region)["db_cluster_identifier"]
        if not fact.known:
            yield seen.unknown(region, "the alarms", fact.error)
            continue
        found = [alarm for alarm in fact.value if is_lag_alarm(alarm)]
        own = [alarm for alarm in found if alarm["dimensions"].get("DBClusterIdentifier") == cluster]
        if not own:
            strays = [alarm["dimensions"].get("DBClusterIdentifier", "no cluster") for alarm in found]
            why = f"; there is one for {listed(strays)} instead, which has no samples here" if strays else ""
            yield warning(region, f"There is no alarm on the replication lag of {cluster}{why}.", PROVISION)
        else:
            yield _lag_alarm(seen, region, own)


def _lag_alarm(seen: Seen, region: str, own: list[Mapping[str, Any]]) -> Finding:
    problems = {alarm["name"]: alarm_problem(alarm, seen.entry(region)["topic_arn"]) for alarm in own}
    wrong_way = [alarm["name"] for alarm in own if not alarm["comparison"].startswith("GreaterThan")]
    if all(problems.values()):
        return warning(region, listed(f"{name} {why}" for name, why in problems.items()) + ".", PROVISION)
    if wrong_way:
        return warning(region, f"{listed(wrong_way)} is not triggered above its threshold.", PROVISION)
    ringing = [alarm["name"] for alarm in own if alarm["state"] == "ALARM"]
    if ringing:
        return warning(region, f"{listed(ringing)} is in state ALARM.", "Check the replication lag.")
    return ok(region, f"{own[0]['name']} watches the lag of this region's cluster and notifies the region's topic.")


def alarm_problem(alarm: Mapping[str, Any], topic_arn: str) -> str | None:
    """Return why an alarm would not notify the topic, or None. Pure."""
    if not alarm["actions_enabled"]:
        return "has its actions disabled"
    if topic_arn not in alarm["actions"]:
        return f"does not notify {topic_arn}"
    return None


def pattern_of(name: str, regions: Iterable[str]) -> str:
    """Return an alarm's name with a placeholder for the region that it is about, if it names one. Pure."""
    about = next((region for region in regions if f"-{region}-" in f"-{name}-"), None)
    return name.replace(about, REGION) if about else name


def alarms(seen: Seen) -> Iterator[Finding]:
    """Every region has the same alarms as the others, and each notifies its own region's topic.

    An alarm about another region has that region's name in its own; where one region has it, each has one for every
    other. The switch's own alarms are excluded: they are for Route 53 only, and differ in every region.
    """
    known = {
        region: [alarm for alarm in seen.facts[region].value("alarms") if alarm["metric"] != METRIC_NAME]
        for region in seen.order
        if seen.facts[region]["alarms"].known
    }
    patterns = {pattern_of(alarm["name"], seen.order) for found in known.values() for alarm in found}
    for region in seen.order:
        if region not in known:
            yield seen.unknown(region, "the alarms", seen.facts[region]["alarms"].error)
            continue
        names = {pattern.replace(REGION, other) for pattern in patterns for other in seen.others(region) or [""]}
        missing = sorted(names - {alarm["name"] for alarm in known[region]})
        topic = seen.entry(region)["topic_arn"]
        mute = [f"{alarm['name']} {why}" for alarm in known[region] if (why := alarm_problem(alarm, topic))]
        if not names:
            yield warning(region, "There are no alarms in any region.", PROVISION)
        elif missing:
            yield warning(region, f"Alarms that another region has are missing: {listed(missing)}.", PROVISION)
        elif mute:
            yield warning(region, f"Of {len(known[region])} alarms {listed(mute)}.", PROVISION)
        else:
            yield ok(region, f"All {len(names)} alarms exist and notify the region's topic.")


def subscriptions(seen: Seen) -> Iterator[Finding]:
    """Every topic has a confirmed subscription, so that operators receive the notifications of a failover."""
    for region in seen.order:
        fact = seen.facts[region]["subscriptions"]
        if not fact.known:
            yield seen.unknown(region, "the topic's subscriptions", fact.error)
        elif not fact.value["confirmed"]:
            reason = f"Nobody is notified: the topic has no confirmed subscription ({fact.value['pending']} pending)."
            yield warning(region, reason, "Set monitoring_alert_email and confirm, or subscribe another endpoint.")
        else:
            yield ok(region, f"The topic has {counted(fact.value['confirmed'], 'confirmed subscription')}.")
