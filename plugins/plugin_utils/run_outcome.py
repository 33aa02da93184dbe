# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The document of a run that is recorded, passed on and rendered. Pure except for ``read_job``."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable, Mapping
from pathlib import Path

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import ComputeGroup
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import STEP_PREFIX
from ansible_collections.trading.multi_region.plugins.module_utils._runs.history import loss_bound_ms
from ansible_collections.trading.multi_region.plugins.plugin_utils.run_steps import run_steps

Result: t.TypeAlias = "Mapping[str, t.Any]"


def read_job(file: str) -> dict[str, t.Any]:
    """Return what a background job has written so far; empty if its file cannot be read."""
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def with_jobs(results: Mapping[str, Result], read: Callable[[str], Result] = read_job) -> dict[str, Result]:
    """Return the results of the steps, with the current results of background jobs.

    Without a job's file only its seconds are unknown: whether the region is fenced is read from the control tables.
    """
    return {
        name: {**result, **read(result["results_file"])} if result.get("results_file") else result
        for name, result in results.items()
    }


def capacity_of(plan: Result, results: Mapping[str, Result]) -> dict[str, t.Any]:
    """Return how many healthy targets were wanted, how many there were, and the last failed scaling activity.

    None for what was not asked. ``groups``: the same of each group by its name, where the platform has several.
    """
    groups = plan.get("capacity_groups") or []
    found = _capacity_of(plan.get("capacity_wanted"), results.get("capacity_wait") or {})
    if len(groups) > 1:
        found["groups"] = {
            one["name"]: _capacity_of(one["wanted"], results.get(wait) or {})
            for one in groups
            for wait in [ComputeGroup(one["name"]).named("capacity_wait")]
        }
    return found


def _capacity_of(wanted: int | None, waited: Result) -> dict[str, t.Any]:
    """waited: the result of the step that waited for it; empty if it was not taken."""
    healthy = waited.get("healthy_targets", (waited.get("targets") or {}).get("healthy"))
    return {"wanted": wanted, "healthy": healthy, "scaling_failure": waited.get("scaling_failure")}


def hooks_after_the_end(plan: t.Iterable[Result], results: Mapping[str, Result]) -> list[dict[str, t.Any]]:
    """Return the steps of the hooks that were in no plan, with their own seconds: something else has failed before."""
    planned, steps = {step["step"] for step in plan}, []
    for name, result in results.items():
        if name.startswith(STEP_PREFIX) and name not in planned and "ended_at" in result:
            step = {"step": name, "region": result["region"], "hook": {}}
            steps += run_steps([step], results, result["ended_at"] - result["seconds"])
    return steps


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
    """Return what is known of a run so far, without its outcome.

    run: id, attempt (1 if it is not known yet), owner, reason, started_at (of the first attempt), target_region (as
    requested, empty if none was) and is_part (whether its playbook goes on after it). plan: the result of
    failover_plan_info. lease: the result of failover_lease; empty or failed if no lease is held. results: the result
    of each step's task, by the step's name. fenced and health: the results of region_fence_info and region_health_info
    after the move; empty if they were not run. now: epoch seconds.
    """
    started, seen = float(run["started_at"]), results.get("verify") or {}
    repointed = results.get("repoint") or {}
    silent = (plan.get("writer_endpoint") or {}).get("silent", {}) if "repointed" in repointed else {}
    ended_at = fenced.get("writes_ended_at")
    return {
        "run_id": run["id"],
        "attempt": int(run.get("attempt") or 1),
        "owner": run["owner"],
        "trigger": run["reason"],
        "is_part": bool(run.get("is_part")),
        # With auto the promotion itself may have chosen another method than the plan.
        "method": (results.get("promote_request") or {}).get("method", plan["method"]),
        "method_reason": plan["method_reason"],
        "started_at": started,
        "attempt_started_at": float((lease.get("lease") or {}).get("acquired_at", started)),
        "ended_at": now,
        "from_region": plan["active_region"],
        "target_region": plan["target_region"],
        "target_reason": plan["target_reason"],
        "requested_target_region": run.get("target_region") or None,
        "plan": [step["step"] for step in plan["plan"]],
        "writer_region_before": plan["writer_region"],
        "traffic_region_before": plan["traffic_region"],
        "obstacles": plan["obstacles"],
        "overridden": plan["overridden"],
        "warnings": [warning for one in results.values() for warning in one.get("warnings") or []],
        "steps": [*run_steps(plan["plan"], results, plan["ended_at"]), *hooks_after_the_end(plan["plan"], results)],
        "capacity": capacity_of(plan, results),
        # Ends when name and endpoint were seen in the target, not when the task that reports it ends.
        "rto_seconds": round(seen["ended_at"] - started, 1) if "ended_at" in seen else None,
        "rpo_bound_ms": loss_bound_ms({**plan, "writes_ended_at": ended_at}),
        "safe_instant": plan["safe_instant"],
        "lag": plan["lag"],
        # Empty where no parameter had to be written.
        "repointed": repointed.get("repointed", []),
        "not_repointed": {**silent, **repointed.get("not_repointed", {})},
        "fenced": fenced.get("outcome", "not asked for"),
        "fenced_reason": fenced.get("reason", ""),
        "writes_ended_at": ended_at,
        "verdicts_before": plan["verdicts"],
        "verdicts_after": health.get("verdicts", {}),
    }
