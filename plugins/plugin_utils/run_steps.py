# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The journal of a run's steps, derived from the results of their tasks. Pure.

Nothing is recorded between two steps, because a task that only records a result delays a recovery as much as one that
does real work.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

Result: t.TypeAlias = "t.Mapping[str, t.Any]"
ASKED_FOR = "Requested; it continues in the background."


def _has_ended(result: Result) -> bool:
    """Return whether a step was carried out. A background step counts as soon as it is started."""
    return "results_file" in result or ("ended_at" in result and not result.get("failed"))


def run_steps(
    plan: Sequence[Mapping[str, t.Any]], results: Mapping[str, Result], began: float
) -> list[dict[str, t.Any]]:
    """Return what is known of the steps that were carried out, in the order of the plan.

    plan: the steps with step and region. results: the result of each step's task, by the step's name; empty, failed or
    absent if it was not carried out. began: when the first of them could begin, in epoch seconds.

    A step has name, region, ended_at (epoch s), seconds (since the end of the step before it), changed and reason; that
    of a hook also hook, how it ended.
    A background step (async) does not delay the others: its seconds are its own, None while they are unknown.
    """
    steps = []
    for step in plan:
        result = results.get(step["step"]) or {}
        if not _has_ended(result):
            continue
        is_background = "results_file" in result
        ended = result.get("ended_at", began)
        steps.append(
            {
                "name": step["step"],
                "region": step["region"],
                "ended_at": ended,
                "seconds": result.get("seconds") if is_background else round(ended - began, 3),
                "changed": result.get("changed", True),
                "reason": result.get("reason") or result.get("msg") or ASKED_FOR,
                **({"hook": result["outcome"]} if "hook" in step else {}),
            }
        )
        if not is_background:
            began = ended
    return steps
