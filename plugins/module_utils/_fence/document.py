# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What fencing did to a region, as a document. Pure: no boto3, no clock.

The document ``fence#<region>`` is written before anything is taken away, so that giving back needs nothing but it:

    {version, region, mode, <resource>, run_id, fenced_at, state, removed, reason, earlier}

mode: ``database_ingress`` with the resource ``security_group_id``, or ``application_capacity`` with the resource
    ``autoscaling_group_name``.
fenced_at: epoch seconds of the moment it was intended.
state: ``intended`` (may have been done), ``done`` (read back), ``failed`` (was not done).
removed: what was there before; the rules (IpPermissions as DescribeSecurityGroups shows them), or {min, desired, max};
    None where it was not known.
reason: a sentence where the state is not ``done``, else None.
earlier: what fencing did to other resources of the region and nobody gave back; the same members from mode to reason.

The region's own table has the truth. The copies in the other tables tell it while the region does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation

FENCE_PREFIX = "fence#"
VERSION = 1
INTENDED, DONE, FAILED = "intended", "done", "failed"
FENCED, NOT_FENCED, UNKNOWN = "fenced", "not fenced", "unknown"
# The option, and member of the document, that names the resource of a mode.
RESOURCES = {"database_ingress": "security_group_id", "application_capacity": "autoscaling_group_name"}
OUTCOMES = {DONE: FENCED, INTENDED: UNKNOWN, FAILED: NOT_FENCED}
MEASURE_MEMBERS = ("mode", *RESOURCES.values(), "run_id", "fenced_at", "state", "removed", "reason")


def measures_of(document: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return what was done to the region, one entry per resource, the latest first."""
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
    """Return the document with a measure as its latest; other resources stay remembered."""
    earlier = [one for one in measures_of(document) if not is_same(one, measure)]
    return {"version": VERSION, "region": region, **measure, "earlier": earlier}


def build_measure(
    request: Mapping[str, Any], state: str, removed: Any, now: float, why: str | None = None
) -> dict[str, Any]:
    """Return the measure a run takes; request: a module's parameters, now: epoch seconds."""
    return {
        "mode": request["mode"],
        RESOURCES[request["mode"]]: resource_of(request),
        "run_id": request["run_id"],
        "fenced_at": now,
        "state": state,
        "removed": removed,
        "reason": why,
    }


def outcome_of(document: Mapping[str, Any] | None) -> str | None:
    """Return fenced, not fenced or unknown as a document tells it, or None where there is none."""
    told = [OUTCOMES.get(one.get("state"), UNKNOWN) for one in measures_of(document)]
    return next((outcome for outcome in (FENCED, UNKNOWN, NOT_FENCED) if outcome in told), None)


def merge(region: str, copies: Mapping[str, Observation]) -> Observation:
    """Return a region's document: its own copy, else the newest of the others; unknown where there is neither.

    A region whose table has no document may have been away when fencing failed: then another table tells. What other
    tables tell of a success is void then, because it was given back.

    copies: {region of the table: observation of {document, written_at} or None}.
    """
    own = copies.get(region, Observation(error="not asked for"))
    if own.known and own.value:
        return Observation(own.value["document"])
    found = [copy.value for copy in copies.values() if copy.known and copy.value]
    newest = max(found, key=lambda item: item["written_at"])["document"] if found else None
    if own.known:
        return Observation(newest if outcome_of(newest) == NOT_FENCED else None)
    if newest:
        return Observation(newest)
    return Observation(error=f"the control table of {region} could not be read: {own.error}")


def describe(measure: Mapping[str, Any]) -> str:
    """Return what a measure takes away, for sentences."""
    if measure["mode"] == "database_ingress":
        return f"the ingress of the database's security group {resource_of(measure)}"
    return f"the capacity of the application's group {resource_of(measure)}"
