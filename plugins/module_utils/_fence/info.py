# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What prevents regions from writing: our own fencing from the control tables, and Aurora's from its events."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import get_documents
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    require_member,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    FENCE_PREFIX,
    FENCED,
    NOT_FENCED,
    NOT_PROVEN,
    UNKNOWN,
    describe,
    may_still_write,
    measures_of,
    merge,
    outcome_of,
    writes_ended_at,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.events import latest, read_fencing

TIMED_OUT = "timed_out"


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Read all regions in parallel.

    Returns changed (false), fences {region: document, None, or {unknown: sentence}}, aurora {region: {state, message,
    at, reason}}, outcome, reason and writes_ended_at (for the option ``region``; all but reason are None without it).
    """
    regions, clusters, since = params["regions"], params.get("db_clusters") or {}, params.get("since")
    refuse_bad(params, regions, clusters)
    now = time.time()
    calls = {}
    for region in regions:
        wanted = [FENCE_PREFIX + fenced for fenced in regions]
        calls[("copies", region)] = partial(read_copies, clients("dynamodb", region), params["table_name"], wanted)
    for region in clusters:
        calls[("events", region)] = partial(read_fencing, clients("rds", region), since, now)
    silent = set(params.get("silent_regions") or ())
    answers = observe_all(calls, params["deadline"], silent={name for name in calls if name[1] in silent})
    fences = {
        fenced: merge(fenced, {region: copy_of(answers[("copies", region)], fenced) for region in regions})
        for fenced in regions
    }
    events = {region: answers[("events", region)] for region in clusters}
    aurora = {region: aurora_of(region, cluster, events) for region, cluster in clusters.items()}
    chosen = params.get("region")
    outcome, reason, ended_at = None, said_of_all(fences), None
    if chosen:
        is_own = answers[("copies", chosen)].known
        ended_at = ending_of(fences[chosen], -math.inf if is_own else since, aurora.get(chosen))
        outcome, reason = combine(chosen, fences[chosen], aurora.get(chosen), ended_at)
    return {
        "changed": False,
        "fences": {region: fence.as_evidence() for region, fence in fences.items()},
        "aurora": aurora,
        "outcome": outcome,
        "writes_ended_at": ended_at,
        "reason": reason,
    }


def read_copies(client: Any, table: str, wanted: list[str]) -> dict[str, Any]:
    """Return the documents in one table. If there is no table yet, nothing was ever fenced."""
    try:
        return get_documents(client, table, wanted)
    except AwsCallError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return dict.fromkeys(wanted)


def copy_of(answer: Observation, fenced: str) -> Observation:
    """Return one fence from a region's table; unknown if the table could not be read. Pure."""
    return replace(answer, value=answer.value[FENCE_PREFIX + fenced]) if answer.known else answer


def refuse_bad(params: Mapping[str, Any], regions: list[str], clusters: Mapping[str, str]) -> None:
    """Raise MultiRegionError for options that contradict each other."""
    require_member("region", params.get("region"), regions)
    for region in clusters:
        require_member("a region of db_clusters", region, regions)
    if clusters and params.get("since") is None:
        raise MultiRegionError("since is not given; db_clusters requires it: epoch seconds at which the move began.")


def aurora_of(region: str, cluster: str, answers: Mapping[str, Observation]) -> dict[str, Any]:
    """Return Aurora's fencing of a region; ``is_silent``: every region responded, but none has an event. Pure."""
    events = [event for answer in answers.values() if answer.known for event in answer.value]
    event = latest(events, region, cluster)
    if event:
        return {
            "state": event["state"],
            "message": event["message"],
            "at": event["at"],
            "is_silent": False,
            "reason": None,
        }
    unread = {other: answer.error for other, answer in answers.items() if not answer.known}
    reason = "there is no event of Aurora about it"
    if unread:
        reason += "; not read: " + "; ".join(f"{other}: {why}" for other, why in unread.items())
    return {"state": UNKNOWN, "message": None, "at": None, "is_silent": not unread, "reason": reason}


def ending_of(fence: Observation, since: float | None, aurora: Mapping[str, Any] | None) -> float | None:
    """Return from when on, in epoch seconds, the region's database takes no writes; None if that is not proven. Pure.

    It is proven if Aurora reports that it blocked the writes, or if our stateless deny was read back. since: see
    ``writes_ended_at``; None if it is not known when the move began.
    """
    ours = writes_ended_at(fence.value, math.inf if since is None else since) if fence.known else None
    theirs = aurora["at"] if aurora and aurora["state"] == FENCED else None
    return min((at for at in (ours, theirs) if at is not None), default=None)


def combine(
    region: str, fence: Observation, aurora: Mapping[str, Any] | None, ended_at: float | None
) -> tuple[str, str]:
    """Return (fenced | not proven | not fenced | unknown, sentence) from both kinds of fencing. Pure.

    It is fenced if that is proven (``ending_of``). What else ours removes does not end connections that are open, so
    that alone is not proven. If ours failed and every region responded without an event of Aurora, it is not fenced; if
    there is no information at all, it is unknown.
    """
    ours = outcome_of(fence.value) if fence.known else UNKNOWN
    theirs = (aurora or {}).get("state", UNKNOWN)
    is_silent = bool(aurora) and aurora["is_silent"]
    if ended_at is not None:
        outcome = FENCED
    elif ours == FENCED:
        outcome = NOT_PROVEN
    elif ours in (None, NOT_FENCED) and theirs == TIMED_OUT or ours == NOT_FENCED and is_silent:
        outcome = NOT_FENCED
    else:
        outcome = UNKNOWN
    openings = {
        UNKNOWN: f"Whether {region} is fenced is unknown",
        NOT_PROVEN: f"That {region} is fenced is not proven",
    }
    opening = openings.get(outcome, f"{region} is {outcome}")
    return outcome, f"{opening}: {said_of_ours(fence)}; {said_of_theirs(aurora)}."


def said_of_ours(fence: Observation) -> str:
    """Return the state according to the control tables. Pure."""
    if not fence.known:
        return str(fence.error)
    if not fence.value:
        return "no run fenced it"
    parts = []
    for one in measures_of(fence.value):
        words = {"done": "removed", "intended": "may have removed"}.get(one["state"], "did not remove")
        limit = may_still_write(one) if one["state"] == "done" else None
        why = f" ({one.get('reason') or limit})" if one.get("reason") or limit else ""
        parts.append(f"run {one['run_id']} {words} {describe(one)}{why}")
    return "; ".join(parts)


def said_of_theirs(aurora: Mapping[str, Any] | None) -> str:
    """Return the state according to Aurora. Pure."""
    if not aurora:
        return "Aurora's events were not read"
    if aurora["state"] == FENCED:
        return "Aurora blocked its writes"
    if aurora["state"] == TIMED_OUT:
        return "Aurora could not block its writes in time: compare its last writes with the snapshot of the old volume"
    return aurora["reason"]


def said_of_all(fences: Mapping[str, Observation]) -> str:
    """Return one sentence on all regions. Pure."""
    outcomes = {
        region: (outcome_of(fence.value) or "no document") if fence.known else UNKNOWN
        for region, fence in fences.items()
    }
    return "Fencing: " + ", ".join(f"{region}: {outcome}" for region, outcome in outcomes.items()) + "."
