# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hooks in plans: where they are, when they are omitted, and that a plan without them is what it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import PLANNED, Hook
from ansible_collections.trading.multi_region.tests.unit import failover_model as platform

EAST, WEST = platform.EAST, platform.WEST
HOOKS = tuple(Hook(moment, moment, f"{moment}.yml") for moment in reversed(PLANNED))
REQUEST = Request(target_region=WEST, force=True, hooks=HOOKS)


def steps_of(state, request):
    return [step.step for step in build_plan(state, request).steps]


@pytest.mark.parametrize("method", ["failover", "switchover"])
def test_each_hook_is_directly_before_or_after_its_step(method):
    names = steps_of(platform.platform(), replace(REQUEST, method=method))
    assert names[names.index("hook_before_promotion") + 1] == "promote_request"
    assert names[names.index("hook_after_promotion") - 1] in ("promote_wait", "promote_request")
    assert names[names.index("hook_before_traffic") + 1] == "traffic"
    assert names[names.index("hook_after_traffic") - 1] == "traffic"
    assert names[-3:] == ["verify", "notify", "record"]


@pytest.mark.parametrize("method", ["failover", "switchover"])
def test_hooks_change_nothing_else_of_a_plan(method):
    without = replace(REQUEST, method=method, hooks=())
    names = [name for name in steps_of(platform.platform(), replace(without, hooks=HOOKS)) if "hook" not in name]
    assert names == steps_of(platform.platform(), without)
    assert all("hook" not in step for step in build_plan(platform.platform(), without).as_result()["plan"])


def test_hooks_of_one_moment_keep_their_order_and_other_methods_omit_theirs():
    hooks = (
        Hook("b", "before_traffic", "b.yml"),
        Hook("a", "before_traffic", "a.yml", methods=("failover",)),
        Hook("c", "before_traffic", "c.yml", methods=("switchover", "detach")),
        Hook("sorry", "on_failure", "s.yml"),
    )
    names = steps_of(platform.platform(), replace(REQUEST, hooks=hooks))
    assert [name for name in names if "hook" in name] == ["hook_b", "hook_a"]


def test_a_plan_names_region_file_and_need():
    drain = Hook("drain", "before_promotion", "d.yml", 30, required=True, side="source")
    plan = build_plan(platform.platform(), replace(REQUEST, hooks=(drain,))).as_result()["plan"]
    (step,) = [step for step in plan if step["step"] == "hook_drain"]
    assert (step["region"], step["calls"]) == (EAST, ["d.yml"])
    assert step["why"] == "Your own step before_promotion, once, at most 30 s; if it fails, the move stops."
    assert step["hook"]["time_limit_seconds"] == 30 and step["hook"]["required"] is True


def interrupted(before_step, finished, run="once"):
    """The remaining steps after a run was killed before a step, and what it has recorded of its hooks."""
    request = replace(REQUEST, hooks=tuple(replace(hook, run=run) for hook in HOOKS))
    state = platform.platform()
    plan = build_plan(state, request)
    state = platform.take_lease(state, WEST)
    for step in plan.steps:
        if step.step == before_step:
            break
        if step.hook is None:
            state = platform.apply(state, step, request)
    entry = [{"name": f"hook_{name}", "hook": how} for name, how in finished.items()]
    record = {"run_id": "run-1", "from_region": EAST, "attempts": [{"attempt": 1, "steps": entry}]}
    state = platform.with_observations(platform.killed(state), WEST, {"run": Observation(record)})
    return [name for name in steps_of(state, request) if "hook" in name]


def test_what_has_finished_once_is_not_run_again():
    assert "hook_before_promotion" not in interrupted("promote_request", {"before_promotion": "finished"})
    assert "hook_before_promotion" in interrupted("promote_request", {"before_promotion": "failed"})
    assert "hook_before_promotion" in interrupted("promote_request", {"before_promotion": "stopped"})
    assert "hook_before_promotion" in interrupted("promote_request", {"before_promotion": "finished"}, "repeatable")


def test_the_moment_before_a_step_has_passed_once_the_step_is_taken():
    left = interrupted("promote_wait", {})
    assert left == ["hook_after_promotion", "hook_before_traffic", "hook_after_traffic"]


def test_what_comes_after_the_traffic_is_run_also_if_nothing_else_is_left_to_move():
    assert interrupted("verify", {}) == ["hook_after_promotion", "hook_after_traffic"]
    assert interrupted("verify", {"after_promotion": "finished", "after_traffic": "finished"}) == []


def test_another_run_runs_its_own_hooks():
    request = replace(REQUEST, resume_within=10)
    state = platform.killed(platform.take_lease(platform.platform(), WEST))
    record = {
        "run_id": "run-1",
        "attempts": [{"attempt": 1, "steps": [{"name": "hook_before_promotion", "hook": "finished"}]}],
    }
    state = platform.with_observations(state, WEST, {"run": Observation(record)})
    late = platform.at(state, platform.NOW + 3600)
    assert "hook_before_promotion" in steps_of(late, request)
