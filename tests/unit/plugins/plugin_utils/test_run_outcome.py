# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run says of itself, while it goes on and at its end."""

from __future__ import annotations

import json

import pytest

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_outcome import (
    read_job,
    run_outcome,
    with_jobs,
)

RUN = {"id": "r1", "owner": "on-call", "reason": "by hand", "started_at": "100.0", "method": "auto"}
STEPS = [{"step": name, "region": "us-east-2"} for name in ("fence", "promote_request", "traffic", "verify")]
PLAN = {
    "plan": STEPS,
    "method": "failover",
    "method_reason": "The active region is lost.",
    "active_region": "us-east-1",
    "target_region": "us-east-2",
    "target_reason": "The only standby.",
    "writer_region": "us-east-1",
    "traffic_region": "us-east-1",
    "obstacles": [],
    "overridden": [],
    "rpo_bound_ms": 120.0,
    "safe_instant": "2026-01-01T00:00:00.000Z",
    "lag": {"value_ms": 20.0},
    "verdicts": {"us-east-1": {"verdict": "down"}},
    "ended_at": 101.0,
}
LEASE = {"lease": {"run_id": "r1", "attempt": 2, "acquired_at": 110.5}}
VERIFIED = {"ended_at": 120.04, "changed": False, "reason": "It answers."}


def outcome(run=None, plan=None, lease=None, results=None, fenced=None, health=None):
    seen = {"fenced": fenced or {}, "health": health or {}}
    return run_outcome(run or RUN, plan or PLAN, lease or {}, results or {}, now=130.0, **seen)


def test_a_run_that_was_refused_says_what_it_had_planned_and_claims_nothing():
    result = outcome(plan={**PLAN, "plan": [], "obstacles": [{"code": "cool_down"}]})
    assert (result["run_id"], result["attempt"], result["trigger"], result["method"]) == (
        "r1",
        1,
        "by hand",
        "failover",
    )
    assert (result["started_at"], result["attempt_started_at"], result["ended_at"]) == (100.0, 100.0, 130.0)
    assert (result["steps"], result["plan"], result["rto_seconds"]) == ([], [], None)
    assert (result["fenced"], result["fenced_reason"], result["verdicts_after"]) == ("not asked for", "", {})
    assert result["obstacles"] == [{"code": "cool_down"}]
    assert result["capacity"] == {"wanted": None, "healthy": None, "scaling_failure": None}


@pytest.mark.parametrize(
    "waited", [{"healthy_targets": 1, "scaling_failure": {"message": "none left"}}, {"targets": {"healthy": 1}}]
)
def test_the_capacity_that_was_there_is_recorded_whether_or_not_it_was_enough(waited):
    result = outcome(plan={**PLAN, "capacity_wanted": 4}, results={"capacity_wait": waited})
    assert (result["capacity"]["wanted"], result["capacity"]["healthy"]) == (4, 1)
    assert result["capacity"]["scaling_failure"] == waited.get("scaling_failure")


def test_the_capacity_of_each_group_is_recorded_where_there_are_several():
    groups = [{"name": "gateway", "wanted": 3}, {"name": "application", "wanted": 4}]
    waited = {"capacity_wait_gateway": {"healthy_targets": 3}, "capacity_wait": {"targets": {"healthy": 1}}}
    found = outcome(plan={**PLAN, "capacity_wanted": 4, "capacity_groups": groups}, results=waited)["capacity"]
    assert (found["wanted"], found["healthy"]) == (4, 1)
    assert {name: (one["wanted"], one["healthy"]) for name, one in found["groups"].items()} == {
        "gateway": (3, 3),
        "application": (4, 1),
    }


def test_the_recovery_ends_where_the_name_was_seen_in_the_target():
    result = outcome(results={"verify": VERIFIED, "promote_request": {"method": "detach", "ended_at": 103.0}})
    assert result["rto_seconds"] == 20.0
    assert result["method"] == "detach", "what the promotion chose wins over the plan"
    assert [step["name"] for step in result["steps"]] == ["promote_request", "verify"]


@pytest.mark.parametrize(
    ("planned", "instant", "ended_at", "bound"),
    [
        ("unknown", "2026-01-01T00:00:00.000Z", 1767225604.25, 4250),
        ("unknown", "2026-01-01T00:00:00.000Z", 1767225599.0, 0),
        ("unknown", "2026-01-01T00:00:00.000Z", None, "unknown"),
        ("unknown", "unknown", 1767225604.25, "unknown"),
        (0, "2026-01-01T00:00:00.000Z", 1767225604.25, 0),
        (120.0, "2026-01-01T00:00:00.000Z", 1767225604.25, 4250),
        (9000.0, "2026-01-01T00:00:00.000Z", 1767225604.25, 9000.0),
    ],
)
def test_the_loss_is_bounded_by_the_proof_that_the_old_writer_has_ended(planned, instant, ended_at, bound):
    plan = {**PLAN, "rpo_bound_ms": planned, "safe_instant": instant}
    result = outcome(plan=plan, fenced={"outcome": "fenced", "reason": "Said.", "writes_ended_at": ended_at})
    assert (result["rpo_bound_ms"], result["writes_ended_at"]) == (bound, ended_at)


def test_the_record_names_the_regions_whose_applications_follow_the_writer_and_those_that_do_not():
    plan = {**PLAN, "writer_endpoint": {"silent": {"eu-west-1": "no answer"}}}
    done = {"ended_at": 103.0, "repointed": ["us-east-2"], "not_repointed": {"us-east-1": "late"}}
    result = outcome(plan=plan, results={"repoint": done})
    assert result["repointed"] == ["us-east-2"]
    assert result["not_repointed"] == {"eu-west-1": "no answer", "us-east-1": "late"}
    unneeded = outcome(plan=plan)
    assert (unneeded["repointed"], unneeded["not_repointed"]) == ([], {})


def test_a_resumed_run_keeps_its_first_clock_and_tells_when_this_attempt_began():
    result = outcome(run={**RUN, "attempt": 2}, lease=LEASE, results={"verify": VERIFIED})
    assert (result["attempt"], result["started_at"], result["attempt_started_at"]) == (2, 100.0, 110.5)
    assert result["rto_seconds"] == 20.0


@pytest.mark.parametrize("lease", [{}, {"failed": True, "msg": "held"}, {"lease": None}])
def test_without_a_lease_the_attempt_began_with_the_run(lease):
    assert outcome(lease=lease)["attempt_started_at"] == 100.0


def test_what_was_asked_after_the_move_is_reported():
    result = outcome(fenced={"outcome": "fenced", "reason": "Closed."}, health={"verdicts": {"us-east-2": {}}})
    assert (result["fenced"], result["fenced_reason"]) == ("fenced", "Closed.")
    assert result["verdicts_after"] == {"us-east-2": {}}
    assert outcome(fenced={"skipped": True})["fenced"] == "not asked for"


def test_a_bound_of_the_plan_is_kept_where_nothing_proves_another():
    assert outcome(fenced={"skipped": True})["rpo_bound_ms"] == outcome()["rpo_bound_ms"] == 120.0


def test_a_job_in_parallel_with_the_steps_is_reported_by_what_it_has_written_down(tmp_path):
    file = tmp_path / "j1"
    file.write_text(json.dumps({"finished": True, "seconds": 3.5}))
    job = {"results_file": str(file), "finished": False}
    assert with_jobs({"fence": job, "verify": VERIFIED}) == {
        "fence": {**job, "finished": True, "seconds": 3.5},
        "verify": VERIFIED,
    }


@pytest.mark.parametrize("content", [None, "", "{half", "[]", b"\xff"])
def test_of_a_job_whose_file_cannot_be_read_only_its_seconds_are_unknown(tmp_path, content):
    file = tmp_path / "j1"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read_job(str(file)) == {}


def test_what_a_step_warns_of_is_in_the_record():
    quiet, loud = {"ended_at": 1.0, "warnings": []}, {"ended_at": 1.0, "warnings": ["Not proven."]}
    assert outcome(results={"traffic": quiet, "endpoint_wait": loud, "verify": VERIFIED})["warnings"] == ["Not proven."]


def test_a_hook_is_a_step_with_its_seconds_and_how_it_ended_and_its_warning_is_the_runs():
    planned = [{"step": "hook_drain", "region": "us-east-1", "hook": {"name": "drain"}}, *STEPS]
    sentence = "Hook drain (before_promotion) failed: no answer. It is not required: the run goes on."
    failed = {"ended_at": 104.0, "outcome": "failed", "reason": sentence, "warnings": [sentence], "region": "us-east-1"}
    result = outcome(plan={**PLAN, "plan": planned}, results={"hook_drain": failed, "verify": VERIFIED})
    hook, verify = result["steps"]
    assert (hook["name"], hook["region"], hook["seconds"], hook["hook"]) == ("hook_drain", "us-east-1", 3.0, "failed")
    assert result["warnings"] == [sentence] and "hook" not in verify


def test_a_hook_that_ran_after_the_end_is_the_last_step_with_its_own_seconds():
    page = {
        "ended_at": 109.0,
        "outcome": "finished",
        "reason": "Hook page (on_failure) finished.",
        "region": "us-east-2",
    }
    page |= {"seconds": 2.5}
    result = outcome(results={"promote_request": {"ended_at": 102.0}, "hook_page": page, "hook_left_out": {}})
    assert [(step["name"], step["region"], step["seconds"]) for step in result["steps"]] == [
        ("promote_request", "us-east-2", 1.0),
        ("hook_page", "us-east-2", 2.5),
    ]
