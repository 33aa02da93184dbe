# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_steps import ASKED_FOR, run_steps

PLAN = [{"step": name, "region": "us-east-2"} for name in ("fence", "promote_request", "capacity_ask", "traffic")]
JOB = {"started": True, "finished": False, "changed": True, "results_file": "/tmp/j1"}


def said(ended_at: float, **more: object) -> dict:
    return {"ended_at": ended_at, "changed": False, "reason": "Done.", **more}


def test_the_seconds_of_a_step_are_all_that_passed_since_the_one_before_it_ended():
    steps = run_steps(PLAN, {"promote_request": said(101.5), "traffic": said(104.0)}, 100.0)
    assert [(one["name"], one["seconds"], one["ended_at"]) for one in steps] == [
        ("promote_request", 1.5, 101.5),
        ("traffic", 2.5, 104.0),
    ]


def test_what_failed_or_was_not_reached_is_no_step_that_was_taken():
    results = {
        "fence": {},
        "promote_request": {"failed": True, "msg": "no", "seconds": 1.0},
        "traffic": said(5, failed=True),
    }
    assert run_steps(PLAN, results, 0.0) == []


def test_what_continues_in_parallel_with_the_steps_takes_no_time_of_theirs():
    fence, promotion = run_steps(PLAN, {"fence": JOB, "promote_request": said(101.0)}, 100.0)
    assert (fence["seconds"], fence["reason"], fence["changed"]) == (None, ASKED_FOR, True)
    assert promotion["seconds"] == 1.0


def test_what_went_on_in_parallel_with_the_steps_is_reported_by_its_own_result_once_there_is_one():
    ended = {**JOB, **said(160.0, seconds=59.0)}
    fence, promotion = run_steps(PLAN, {"fence": ended, "promote_request": said(101.0)}, 100.0)
    assert (fence["seconds"], fence["ended_at"], fence["reason"]) == (59.0, 160.0, "Done.")
    assert promotion["seconds"] == 1.0


def test_a_fence_that_failed_in_parallel_with_the_steps_says_why():
    (fence,) = run_steps(PLAN, {"fence": {**JOB, "failed": True, "msg": "us-east-1 did not answer."}}, 100.0)
    assert fence["reason"] == "us-east-1 did not answer."


@given(st.lists(st.floats(0, 1000, allow_nan=False), max_size=4))
def test_the_seconds_of_all_steps_are_those_from_the_plan_to_the_last_of_them(times):
    results = {step["step"]: said(ended) for step, ended in zip(PLAN, sorted(times), strict=False)}
    steps = run_steps(PLAN, results, 0.0)
    assert [one["ended_at"] for one in steps] == sorted(times)
    assert abs(sum(one["seconds"] for one in steps) - max(times, default=0)) < 0.01
