# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What reports draw from one or many run records: positions on a time axis, in percent. Pure: no clock, no files.

Percent instead of pixels, so that the text next to a bar keeps its size on a phone. In records of versions in which
steps had no end time, the steps are drawn one after the other, each marked ``is_estimated``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN
from ansible_collections.trading.multi_region.plugins.plugin_utils.run_summary import claims, summary

Record: t.TypeAlias = "t.Mapping[str, t.Any]"
# What moves, the step that moves it, and the record's member with its region when the run was planned.
MOVES = (("writer", "promote_wait", "writer_region_before"), ("traffic", "traffic", "traffic_region_before"))
# Outcomes of runs that changed nothing.
UNTOUCHED = ("refused", "unchanged")
TICKS = 4
# Minimum width of a visible bar, in percent of the axis.
THINNEST = 0.6


def number(value: t.Any) -> float | None:
    """Return a number of a record, or None if it has none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def met(figure: float | None, goal: float | None) -> str:
    """Return how a number compares to its goal: met, missed, unknown, or no goal."""
    if goal is None:
        return "no goal"
    return UNKNOWN if figure is None else "met" if figure <= goal else "missed"


def steps_of(record: Record) -> list[dict[str, t.Any]]:
    """Return the steps of all attempts in their order, each with attempt, began, ended, is_estimated (epoch s)."""
    attempts = record.get("attempts") or [{**record, "attempt": record.get("attempt") or 1}]
    steps = []
    for attempt in attempts:
        clock = number(attempt.get("started_at")) or number(record.get("started_at")) or 0.0
        for step in attempt.get("steps") or []:
            seconds, end = number(step.get("seconds")) or 0.0, number(step.get("ended_at"))
            ended = clock + seconds if end is None else end
            times = {"began": ended - seconds, "ended": ended, "is_estimated": end is None}
            steps.append({"region": UNKNOWN, "reason": "", **step, "attempt": attempt["attempt"], **times})
            clock = ended
    return steps


def places_of(record: Record, steps: Sequence[Record], move: tuple[str, str, str], ended: float) -> list[list[t.Any]]:
    """Return [[epoch seconds since when, region]] of what moves; a region that was not observed is ``unknown``."""
    _what, mover, before = move
    old = record.get("from_region") or UNKNOWN
    moved = [step["ended"] for step in steps if step["name"] == mover]
    if moved:
        return [[None, old], [moved[-1], record.get("target_region") or UNKNOWN]]
    seen = record.get(before) or UNKNOWN
    if record.get("outcome") in UNTOUCHED or seen == record.get("target_region"):
        return [[None, seen]]
    # The step at which a run stopped is not recorded, so the region is unknown after the last recorded step.
    return [[None, seen], [steps[-1]["ended"] if steps else ended, UNKNOWN]]


def build_report(record: Record, rto_goal: t.Any = None, rpo_goal: t.Any = None) -> dict[str, t.Any]:
    """Return what the report on one run draws.

    rto_goal: seconds. rpo_goal: milliseconds. Returns seconds (of the axis, or None), ticks [{at, seconds}],
    steps (those of the record with number, at, width and until in percent), places [{what, spans [{region, at,
    width}]}], claims [sentence], summary, rto and rpo {figure, goal, met}.
    """
    steps = steps_of(record)
    starts = [number(record.get("started_at")), *(step["began"] for step in steps)]
    ends = [number(record.get("ended_at")), *(step["ended"] for step in steps)]
    began = min((one for one in starts if one is not None), default=0.0)
    ended = max((one for one in ends if one is not None), default=began)
    span = max(ended - began, 0.001)

    def percent(moment: float) -> float:
        return round(min(max((moment - began) / span, 0.0), 1.0) * 100, 2)

    for number_of_step, step in enumerate(steps, 1):
        step["number"] = number_of_step
        step["width"] = max(round(percent(step["ended"]) - percent(step["began"]), 2), THINNEST)
        step["at"] = min(percent(step["began"]), 100 - step["width"])
        step["until"] = percent(step["ended"])
    places = []
    for move in MOVES:
        found = [
            (percent(began if since is None else since), where)
            for since, where in places_of(record, steps, move, ended)
        ]
        stops = [at for at, _where in found[1:]] + [100.0]
        spans = [
            {"region": where, "at": at, "width": round(stop - at, 2)}
            for (at, where), stop in zip(found, stops, strict=True)
        ]
        places.append({"what": move[0], "spans": spans})
    figures = {
        name: {"figure": number(record.get(key)), "goal": goal, "met": met(number(record.get(key)), goal)}
        for name, key, goal in (("rto", "rto_seconds", rto_goal), ("rpo", "rpo_bound_ms", rpo_goal))
    }
    is_timed = number(record.get("started_at")) is not None or bool(steps)
    ticks = [{"at": 100 * one / TICKS, "seconds": round(span * one / TICKS, 1)} for one in range(TICKS + 1)]
    drawn = {"ticks": ticks if is_timed else [], "steps": steps, "places": places, "summary": summary(record)}
    return {"seconds": round(span, 1) if is_timed else None, **drawn, "claims": claims(record), **figures}


def build_history(runs: Sequence[Record], rto_goal: t.Any = None) -> dict[str, t.Any]:
    """Return what the chart of the RTO over several runs draws, the oldest run first.

    Returns highest (seconds, the top of the chart), goal_at (percent from the top, or None) and bars [{run_id, at,
    width, top, height, rto_seconds (or None), outcome}].
    """
    ordered = list(reversed(runs))
    figures = [number(run.get("rto_seconds")) for run in ordered]
    highest = max([one for one in (*figures, rto_goal) if one is not None], default=0.0) * 1.15 or 1.0
    slot = 100 / max(len(ordered), 1)
    bars = []
    for position, (run, figure) in enumerate(zip(ordered, figures, strict=True)):
        height = round(100 * (figure or 0.0) / highest, 2)
        place = {"at": round(slot * (position + 0.15), 2), "width": round(slot * 0.7, 2)}
        facts = {"run_id": run["run_id"], "outcome": run.get("outcome") or UNKNOWN, "rto_seconds": figure}
        bars.append({**place, "top": round(100 - height, 2), "height": height, **facts})
    goal_at = None if rto_goal is None else round(100 - 100 * rto_goal / highest, 2)
    return {"highest": round(highest, 1), "goal_at": goal_at, "bars": bars}
