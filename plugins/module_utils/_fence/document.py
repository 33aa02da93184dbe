# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The fence document: what fencing did to a region. Pure: no boto3, no clock.

The document ``fence#<region>`` is written before anything is removed, and contains all that unfencing needs:

    {version, region, mode, <resource>, run_id, fenced_at, state, done_at, removed, reason, earlier}

mode: ``network_acl`` with the resource ``network_acl_id``, ``database_ingress`` with ``security_group_id``, or
    ``application_capacity`` with ``autoscaling_group_name``, or ``service_capacity`` with ``ecs_service``.
fenced_at: epoch seconds of the moment it was intended.
state: ``intended`` (may have been done), ``done`` (read back), ``failed`` (was not done).
done_at: epoch seconds of the moment it was read back; only if the state is ``done``.
removed: the previous settings: the rules (IpPermissions as returned by DescribeSecurityGroups), {min, desired, max}
    (no max where there is none), or the entries of the network ACL (as returned by DescribeNetworkAcls); None if they
    were unknown.
reason: a sentence if the state is not ``done``, else None.
earlier: measures on other resources of the region that were not restored; with the same members, from mode to reason.

The copy in the region's own table is authoritative. Those in the other tables are used while the region does not
respond.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation

FENCE_PREFIX = "fence#"
VERSION = 1
INTENDED, DONE, FAILED = "intended", "done", "failed"
FENCED, NOT_FENCED, UNKNOWN = "fenced", "not fenced", "unknown"
# Something was removed, but clients that were connected may go on writing.
NOT_PROVEN = "not proven"
NETWORK_ACL, DATABASE_INGRESS, APPLICATION_CAPACITY = "network_acl", "database_ingress", "application_capacity"
SERVICE_CAPACITY = "service_capacity"
# Both remove what runs the application; which one depends on the region's compute.
CAPACITY_MODES = (APPLICATION_CAPACITY, SERVICE_CAPACITY)
# The option, and member of the document, with the resource of a mode.
RESOURCES = {
    NETWORK_ACL: "network_acl_id",
    DATABASE_INGRESS: "security_group_id",
    APPLICATION_CAPACITY: "autoscaling_group_name",
    SERVICE_CAPACITY: "ecs_service",
}
# Network ACLs are stateless: a deny also drops the packets of connections that were open ("Control subnet traffic with
# network access control lists" of the Amazon VPC User Guide). It is proven once the deny was read back.
PROVEN_MODES = (NETWORK_ACL,)
OUTCOMES = {DONE: FENCED, INTENDED: UNKNOWN, FAILED: NOT_FENCED}
MEASURE_MEMBERS = ("mode", *RESOURCES.values(), "run_id", "fenced_at", "state", "done_at", "removed", "reason")


def measures_of(document: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the measures taken on the region, one per resource, the latest first."""
    if not document:
        return []
    latest = {name: document[name] for name in MEASURE_MEMBERS if name in document}
    return [latest, *(dict(one) for one in document.get("earlier") or [])]


def resource_of(measure: Mapping[str, Any]) -> str:
    """Return the id or name of the resource of a measure (or of a module's parameters)."""
    return measure[RESOURCES[measure["mode"]]]


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two measures are of the same resource."""
    return one["mode"] == other["mode"] and resource_of(one) == resource_of(other)


def find(document: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the measure of the same resource as the wanted one, or None."""
    return next((one for one in measures_of(document) if is_same(one, wanted)), None)


def with_measure(document: Mapping[str, Any] | None, region: str, measure: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with a measure as its latest; measures on other resources are kept."""
    earlier = [one for one in measures_of(document) if not is_same(one, measure)]
    return {"version": VERSION, "region": region, **measure, "earlier": earlier}


def build_measure(
    request: Mapping[str, Any],
    state: str,
    removed: Any,
    now: float,
    why: str | None = None,
    done_at: float | None = None,
) -> dict[str, Any]:
    """Return the measure that a run takes; request: a module's parameters, now and done_at: epoch seconds."""
    return {
        "mode": request["mode"],
        RESOURCES[request["mode"]]: resource_of(request),
        "run_id": request["run_id"],
        "fenced_at": now,
        "state": state,
        **({"done_at": done_at} if state == DONE else {}),
        "removed": removed,
        "reason": why,
    }


def outcome_of(document: Mapping[str, Any] | None) -> str | None:
    """Return fenced, not fenced or unknown according to a document, or None if there is none.

    One measure on the database is enough. Of several groups of the application all must be stopped; if some are, it is
    unknown whether the region writes.
    """
    outcomes: list[str] = []
    groups: set[str] = set()
    for one in measures_of(document):
        outcome = OUTCOMES.get(one.get("state"), UNKNOWN)
        if one["mode"] in CAPACITY_MODES:
            groups.add(outcome)
        else:
            outcomes.append(outcome)
    if groups:
        outcomes.append(groups.pop() if len(groups) == 1 else UNKNOWN)
    return next((outcome for outcome in (FENCED, UNKNOWN, NOT_FENCED) if outcome in outcomes), None)


def merge(region: str, copies: Mapping[str, Observation]) -> Observation:
    """Return a region's document: its own copy, else the newest of the others; unknown if there is neither.

    If the region's own table is readable and has no document, a success in the copies of other tables is outdated,
    because unfencing deleted the region's own. A failure in them counts: the region may not have responded then.

    copies: {region of the table: observation of {document, written_at} or None}.
    """
    own = copies.get(region, Observation(error="not read"))
    if own.known and own.value:
        return Observation(own.value["document"])
    found = [copy.value for copy in copies.values() if copy.known and copy.value]
    newest = max(found, key=lambda item: item["written_at"])["document"] if found else None
    if own.known:
        return Observation(newest if outcome_of(newest) == NOT_FENCED else None)
    if newest:
        return Observation(newest)
    return Observation(error=f"the control table of {region} could not be read: {own.error}")


def writes_ended_at(document: Mapping[str, Any] | None, since: float = float("-inf")) -> float | None:
    """Return when a measure that also ends open connections was read back, in epoch seconds; None if none was.

    since: earlier ones do not count. A copy in another region's table may be of a fence that was lifted since, so of a
    copy only what a move itself did is evidence.
    """
    found = [
        one.get("done_at") for one in measures_of(document) if one["mode"] in PROVEN_MODES and one.get("state") == DONE
    ]
    return min((at for at in found if at is not None and at >= since), default=None)


def may_still_write(measure: Mapping[str, Any]) -> str | None:
    """Return what a measure does not end, for sentences; None if it ends everything.

    "Security group connection tracking" of the Amazon EC2 User Guide: a revoked rule does not interrupt connections
    that are tracked. Instances of a group end after their connections have drained ("How Amazon EC2 Auto Scaling
    works with Elastic Load Balancing": deregistration delay).
    """
    if measure["mode"] in PROVEN_MODES:
        return None
    if measure["mode"] == DATABASE_INGRESS:
        return "connections that were open may go on writing"
    what = "tasks" if measure["mode"] == SERVICE_CAPACITY else "instances"
    return f"{what} that drain, and other clients of the database, may go on writing"


def describe(measure: Mapping[str, Any]) -> str:
    """Return what a measure removes, for sentences."""
    if measure["mode"] == NETWORK_ACL:
        return f"all traffic that network ACL {resource_of(measure)} allows the database's subnets"
    if measure["mode"] == DATABASE_INGRESS:
        return f"the ingress of the database's security group {resource_of(measure)}"
    what = "service" if measure["mode"] == SERVICE_CAPACITY else "group"
    return f"the capacity of the application's {what} {resource_of(measure)}"
