# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run says of itself: the document that is recorded, handed out and rendered. Pure but for ``read_job``."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable, Mapping
from pathlib import Path

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_steps import run_steps

Result: t.TypeAlias = "Mapping[str, t.Any]"


def read_job(file: str) -> dict[str, t.Any]:
    """Return what a job that goes on beside the steps has written down so far; empty where nothing can be read."""
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def with_jobs(results: Mapping[str, Result], read: Callable[[str], Result] = read_job) -> dict[str, Result]:
    """Return the results of the steps; those of jobs as far as the jobs have come.

    Without a job's file its seconds are unknown, and nothing else: whether the region is fenced is asked of the control
    tables.
    """
    return {
        name: {**result, **read(result["results_file"])} if result.get("results_file") else result
        for name, result in results.items()
    }


def run_outcome(
    run: Result,
    plan: Result,
    lease: Result,
    results: Mapping[str, Result],
    *,
    now: float,
    fenced: Result,
    health: Result,
) -> dict[str, t.Any]:
    """Return what is known of a run by now, without how it ended.

    run: id, attempt (1 where it is not known yet), owner, reason and started_at (of the first attempt). plan: what
    failover_plan_info returned. lease: what failover_lease returned; empty or failed where none is held. results: what
    a step's task returned, by the step's name. fenced and health: what region_fence_info and region_health_info
    returned after the move; empty where they were not asked. now: epoch seconds.
    """
    started, seen = float(run["started_at"]), results.get("verify") or {}
    return {
        "run_id": run["id"],
        "attempt": int(run.get("attempt") or 1),
        "owner": run["owner"],
        "trigger": run["reason"],
        # With auto the promotion itself may have chosen another one than the plan.
        "method": (results.get("promote_request") or {}).get("method", plan["method"]),
        "method_reason": plan["method_reason"],
        "started_at": started,
        "attempt_started_at": float((lease.get("lease") or {}).get("acquired_at", started)),
        "ended_at": now,
        "from_region": plan["active_region"],
        "target_region": plan["target_region"],
        "target_reason": plan["target_reason"],
        "plan": [step["step"] for step in plan["plan"]],
        "writer_region_before": plan["writer_region"],
        "traffic_region_before": plan["traffic_region"],
        "obstacles": plan["obstacles"],
        "overridden": plan["overridden"],
        "steps": run_steps(plan["plan"], results, plan["ended_at"]),
        # Ends where the name and its endpoint were seen in the target, not with the task that says so.
        "rto_seconds": round(seen["ended_at"] - started, 1) if "ended_at" in seen else None,
        "rpo_bound_ms": plan["rpo_bound_ms"],
        "safe_instant": plan["safe_instant"],
        "lag": plan["lag"],
        "fenced": fenced.get("outcome", "not asked for"),
        "fenced_reason": fenced.get("reason", ""),
        "verdicts_before": plan["verdicts"],
        "verdicts_after": health.get("verdicts", {}),
    }
