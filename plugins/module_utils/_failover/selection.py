# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which region takes over if the request names none. Pure.

A move in progress is finished first: to the region that Aurora is promoting, else to the region of a run that has not
succeeded, else to the region that holds the writer while the traffic is elsewhere. A request that is repeated right
after its run has succeeded, as by a job that was cancelled at its end and relaunched, is for the region where the
platform already is. Otherwise the best standby is chosen: members of the global database first, then healthy before
unknown before unhealthy, then the lowest known lag, then the most healthy targets, then the order of preference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO
from ansible_collections.trading.multi_region.plugins.module_utils._failover import control_tables
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request, State
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import HEALTHY, UNHEALTHY

RANKS = (HEALTHY, "unknown", UNHEALTHY)
# Seconds after a move in which the same request is taken for its repetition.
JUST_ENDED = 600


def choose_target(state: State, request: Request) -> tuple[str | None, str]:
    """Return (region, reason), or (None, reason) if the request names a region that the platform does not have."""
    if request.target_region:
        if request.target_region not in state.order:
            known = ", ".join(state.order)
            return None, f"target_region is {request.target_region}; allowed: a region of the manifest ({known})."
        return request.target_region, f"{request.target_region} was requested."
    # Nothing below depends on the target, so the situation is built without one.
    seen = Situation(state, request, "")
    return _moving(seen) or _unfinished(seen) or _arrived(seen) or _apart(seen) or _fittest(seen)


def _moving(seen: Situation) -> tuple[str, str] | None:
    if seen.operation and seen.operation["to_region"] in seen.state.order:
        region = seen.operation["to_region"]
        return region, f"{region} was chosen: Aurora is moving the writer there ({seen.operation['status']})."
    return None


def _unfinished(seen: Situation) -> tuple[str, str] | None:
    """Return the region of the run that is in progress or stopped last."""
    leases = {region: control_tables.unfinished(seen.state, region) for region in seen.state.order}
    found = [
        (lease["renewed_at"], region, lease)
        for region, lease in leases.items()
        if lease and _is_gone_on_with(seen, region, lease)
    ]
    if not found:
        return None
    _renewed_at, region, lease = max(found, key=lambda one: one[0])
    how = "is in progress" if lease["is_live"] else f"stopped {lease['age_seconds']:.0f} s ago"
    return region, f"{region} was chosen: run {lease['run_id']} to it {how} (step {lease['step'] or 'not begun'})."


def _is_gone_on_with(seen: Situation, region: str, lease: control_tables.Lease) -> bool:
    """Return whether to finish a run that stopped.

    A run to an unhealthy region is finished only if it has moved something there, and not long ago: later, that region
    may be the one that was lost, and moving on immediately would be flapping.
    """
    if lease["age_seconds"] > seen.request.resume_within:
        return False
    if lease["is_live"] or seen.verdict_of(region).verdict != UNHEALTHY:
        return True
    has_moved = region in (seen.member_writer, seen.traffic) or seen.is_outside(region)
    return has_moved and lease["age_seconds"] <= seen.request.cool_down


def _arrived(seen: Situation) -> tuple[str, str] | None:
    """Return the region to which a run has just moved the platform, if the request may be the one of that run."""
    move = control_tables.latest_move(seen.state).value
    if not move or move["acknowledged"] or move["age_seconds"] > JUST_ENDED:
        return None
    region, origin = move["target_region"], move.get("from_region")
    if region not in seen.state.order or not _is_repeated(seen.request, move, region, origin):
        return None
    # A region that is not healthy is to be left, whichever run has moved the platform there.
    if seen.is_moving or (seen.writer, seen.traffic) != (region, region) or seen.verdict_of(region).verdict != HEALTHY:
        return None
    return region, (
        f"{region} was chosen: run {move['run_id']} moved the platform there {move['age_seconds']:.0f} s ago by "
        f"{move['method']}, so this request is taken for its repetition. For another move, name target_region."
    )


def _is_repeated(request: Request, move: Mapping[str, Any], region: str, origin: str | None) -> bool:
    """Return whether a request could have been the one of a move. Neither has named its target. Pure."""
    is_same_cause = bool(request.trigger) and request.trigger == move.get("trigger")
    is_same_method = request.method in (AUTO, move["method"])
    is_same_origin = region != origin and request.expected_active_region in (None, origin)
    return is_same_cause and is_same_method and is_same_origin and not move.get("requested_target_region")


def _apart(seen: Situation) -> tuple[str, str] | None:
    is_apart = seen.writer in seen.state.order and seen.traffic is not None and seen.writer != seen.traffic
    if is_apart and _can_take_traffic(seen, seen.writer):
        return seen.writer, f"{seen.writer} was chosen: it holds the writer while the traffic is in {seen.traffic}."
    return None


def _can_take_traffic(seen: Situation, region: str) -> bool:
    """Return whether a move was going to the writer's region, and not moving traffic away from it."""
    targets = seen.region_facts(region).value("targets") or {}
    return seen.verdict_of(region).signals["database"].state == HEALTHY and targets.get("healthy", 0) > 0


def _fittest(seen: Situation) -> tuple[str, str]:
    state = seen.state
    active = seen.writer or seen.traffic or state.order[0]
    standbys = [region for region in state.order if region != active]
    if not standbys:
        return active, f"{active} is the only region of the manifest."
    ranked = sorted(standbys, key=lambda region: _rank(seen, region))
    best = ranked[0]
    if len(standbys) == 1:
        return best, f"{best} was chosen: it is the only standby of {active}."
    others = "; ".join(f"{region}: {_figures(seen, region)}" for region in ranked[1:])
    return best, f"{best} was chosen as the best standby of {active}: {_figures(seen, best)} (before {others})."


def _rank(seen: Situation, region: str) -> tuple[bool, int, float, int, int]:
    facts = seen.region_facts(region)
    lag, targets = facts.value("lag"), facts.value("targets") or {}
    return (
        seen.is_outside(region),
        RANKS.index(seen.verdict_of(region).verdict),
        lag["value_ms"] if lag else float("inf"),
        -targets.get("healthy", 0),
        (seen.state.preference or seen.state.order).index(region),
    )


def _figures(seen: Situation, region: str) -> str:
    facts = seen.region_facts(region)
    lag, targets = facts.value("lag"), facts.value("targets")
    shown_lag = f"lag {lag['value_ms']:g} ms" if lag else "lag unknown"
    shown_targets = f"{targets['healthy']} healthy targets" if targets else "targets unknown"
    detached = "detached, " * seen.is_outside(region)
    return f"{detached}{seen.verdict_of(region).verdict}, {shown_lag}, {shown_targets}"
