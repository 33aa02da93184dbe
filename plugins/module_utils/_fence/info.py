# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What keeps regions from writing: our own fencing as the control tables tell it, and Aurora's as its events do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import get_documents
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, require_member
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    FENCE_PREFIX,
    FENCED,
    NOT_FENCED,
    UNKNOWN,
    describe,
    measures_of,
    merge,
    outcome_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.events import latest, read_fencing

TIMED_OUT = "timed_out"


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Read all regions in parallel.

    Returns changed (false), fences {region: document, None, or {unknown: sentence}}, aurora {region: {state, message,
    at, reason}}, outcome and reason (of the option ``region``; None where it is not given).
    """
    regions, clusters, since = params["regions"], params.get("db_clusters") or {}, params.get("since")
    refuse_bad(params, regions, clusters)
    now = time.time()
    calls = {}
    for region in regions:
        wanted = [FENCE_PREFIX + fenced for fenced in regions]
        calls[("copies", region)] = partial(get_documents, clients("dynamodb", region), params["table_name"], wanted)
    for region in clusters:
        calls[("events", region)] = partial(read_fencing, clients("rds", region), since, now)
    answers = observe_all(calls, params["deadline"])
    fences = {
        fenced: merge(fenced, {region: copy_of(answers[("copies", region)], fenced) for region in regions})
        for fenced in regions
    }
    told = {region: answers[("events", region)] for region in clusters}
    aurora = {region: aurora_of(region, cluster, told) for region, cluster in clusters.items()}
    asked = params.get("region")
    outcome, reason = combine(asked, fences[asked], aurora.get(asked)) if asked else (None, said_of_all(fences))
    return {
        "changed": False,
        "fences": {region: fence.as_evidence() for region, fence in fences.items()},
        "aurora": aurora,
        "outcome": outcome,
        "reason": reason,
    }


def copy_of(answer: Observation, fenced: str) -> Observation:
    """Return what a region's table says of one fence; unknown where the table could not be read. Pure."""
    return replace(answer, value=answer.value[FENCE_PREFIX + fenced]) if answer.known else answer


def refuse_bad(params: Mapping[str, Any], regions: list[str], clusters: Mapping[str, str]) -> None:
    """Raise MultiRegionError for options that make no sense."""
    require_member("region", params.get("region"), regions)
    for region in clusters:
        require_member("a region of db_clusters", region, regions)
    if clusters and params.get("since") is None:
        raise MultiRegionError("since is not given; db_clusters needs it: the epoch seconds at which the move began.")


def aurora_of(region: str, cluster: str, told: Mapping[str, Observation]) -> dict[str, Any]:
    """Return what Aurora's events say of a region's cluster; ``is_silent``: every region answered, none told. Pure."""
    events = [event for answer in told.values() if answer.known for event in answer.value]
    event = latest(events, region, cluster)
    if event:
        return {
            "state": event["state"],
            "message": event["message"],
            "at": event["at"],
            "is_silent": False,
            "reason": None,
        }
    unread = {other: answer.error for other, answer in told.items() if not answer.known}
    reason = "no event of Aurora tells it"
    if unread:
        reason += "; not asked: " + "; ".join(f"{other}: {why}" for other, why in unread.items())
    return {"state": UNKNOWN, "message": None, "at": None, "is_silent": not unread, "reason": reason}


def combine(region: str, fence: Observation, aurora: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return (fenced | not fenced | unknown, the sentence) of both kinds of fencing. Pure.

    One that succeeded is enough. Where ours failed and every region answered without a word of Aurora's, it is not
    fenced; where nobody tells anything, it is unknown.
    """
    ours = outcome_of(fence.value) if fence.known else UNKNOWN
    theirs = (aurora or {}).get("state", UNKNOWN)
    is_silent = bool(aurora) and aurora["is_silent"]
    if FENCED in (ours, theirs):
        outcome = FENCED
    elif ours in (None, NOT_FENCED) and theirs == TIMED_OUT or ours == NOT_FENCED and is_silent:
        outcome = NOT_FENCED
    else:
        outcome = UNKNOWN
    opening = f"Whether {region} is fenced is unknown" if outcome == UNKNOWN else f"{region} is {outcome}"
    return outcome, f"{opening}: {said_of_ours(fence)}; {said_of_theirs(aurora)}."


def said_of_ours(fence: Observation) -> str:
    """Return what the control tables tell. Pure."""
    if not fence.known:
        return str(fence.error)
    if not fence.value:
        return "no run fenced it"
    told = []
    for one in measures_of(fence.value):
        words = {"done": "took", "intended": "may have taken"}.get(one["state"], "did not take")
        why = f" ({one['reason']})" if one.get("reason") else ""
        told.append(f"run {one['run_id']} {words} {describe(one)}{why}")
    return "; ".join(told)


def said_of_theirs(aurora: Mapping[str, Any] | None) -> str:
    """Return what Aurora tells. Pure."""
    if not aurora:
        return "Aurora was not asked"
    if aurora["state"] == FENCED:
        return "Aurora blocked its writes"
    if aurora["state"] == TIMED_OUT:
        return "Aurora could not block its writes in time: compare its last writes with the snapshot of the old volume"
    return aurora["reason"]


def said_of_all(fences: Mapping[str, Observation]) -> str:
    """Return one sentence for all regions. Pure."""
    told = {
        region: (outcome_of(fence.value) or "no document") if fence.known else UNKNOWN
        for region, fence in fences.items()
    }
    return "Fencing: " + ", ".join(f"{region}: {outcome}" for region, outcome in told.items()) + "."
