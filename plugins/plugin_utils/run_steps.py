# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The journal of a run's steps, told by the results of their tasks. Pure.

Nothing is written down between two steps: a task that only keeps what another has said costs a recovery as much time
as one that works.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

Result: t.TypeAlias = "t.Mapping[str, t.Any]"
ASKED_FOR = "Asked for; it goes on beside the other steps."


def _has_ended(result: Result) -> bool:
    """Return whether a step was taken. One that goes on beside the others was, whatever becomes of it."""
    return "results_file" in result or ("ended_at" in result and not result.get("failed"))


def run_steps(
    plan: Sequence[Mapping[str, t.Any]], results: Mapping[str, Result], began: float
) -> list[dict[str, t.Any]]:
    """Return what is known of the steps that were taken, in the order of the plan.

    plan: the steps with step and region. results: what a step's task returned, by the step's name; empty, failed or
    absent where it was not taken. began: when the first of them could begin, in epoch seconds.

    A step has name, region, ended_at (epoch s), seconds (all that passed since the step before it ended), changed and
    reason. What goes on beside the others (async) takes no time of theirs: its seconds are its own, None as long as
    they are not known.
    """
    steps = []
    for step in plan:
        result = results.get(step["step"]) or {}
        if not _has_ended(result):
            continue
        is_beside = "results_file" in result
        ended = result.get("ended_at", began)
        steps.append(
            {
                "name": step["step"],
                "region": step["region"],
                "ended_at": ended,
                "seconds": result.get("seconds") if is_beside else round(ended - began, 3),
                "changed": result.get("changed", True),
                "reason": result.get("reason") or result.get("msg") or ASKED_FOR,
            }
        )
        if not is_beside:
            began = ended
    return steps
