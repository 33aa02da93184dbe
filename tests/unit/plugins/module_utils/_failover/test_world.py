# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""No sequence of observations, crashes, concurrent runs and recoveries breaks an invariant of the design.

WORLD_SEQUENCES is how many sequences are played in all; run with -s to see what happened in them.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._failover import obstacles
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request, Step
from ansible_collections.trading.multi_region.tests.unit.failover_model import (
    EAST,
    EUROPE,
    WEST,
    end_lease,
    platform,
    request_promotion,
    take_lease,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import Model, Region
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.world import (
    PLANS,
    SEEN,
    Broken,
    Guards,
    play,
)

SEQUENCES = max(1, int(os.environ.get("WORLD_SEQUENCES", "10000")))
CHUNKS = 8
# What must happen at least so often in 1,000 sequences, so that the world is never a quiet place.
LEAST = {
    "events": 7000,
    "plans": 2000,
    "different plans": 300,
    "stale facts": 100,
    "steps": 2000,
    "promotions": 300,
    "traffic moves": 250,
    "finished moves": 250,
    "refusals": 500,
    "stopped runs": 100,
    "crashes": 70,
    "crashes in the middle": 10,
    "losses": 500,
    "recoveries": 300,
    "operations given up": 30,
    "promotions refused by Aurora": 5,
    "lease refused": 50,
    "lease resumed": 55,
    "lease lost": 2,
    "orphans": 5,
    "orphans stopped": 1,
    "late answers": 10,
    "late answers refused": 4,
    "ambiguous refusals": 5,
    "quiet and together": 100,
    "quiet and refused": 20,
}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_sequence_breaks_an_invariant(chunk, record_property):
    count = -(-SEQUENCES // CHUNKS)
    tally = play(range(chunk * count, (chunk + 1) * count))
    record_property("world", dict(tally))
    print(f"\n{', '.join(f'{what}: {times:,}' for what, times in tally.items())}")
    assert tally["sequences"] == count
    if count >= 1000:
        rare = {what: tally[what] for what, least in LEAST.items() if tally[what] * 1000 < least * count}
        assert not rare


def test_a_lease_that_is_taken_over_hides_no_other_run():
    model = Model({EAST: Region(), WEST: Region(lease="running"), EUROPE: Region(lease="running")}).lose(EAST)
    plan = build_plan(model.state(), Request(target_region=WEST, takeover_run_id="run-1"))
    assert "lease_held" in [one.code for one in plan.obstacles]


# --- the world notices what is wrong ---------------------------------------------------------------------------------


def is_noticed(says, guards, planner=None, most=10_000):
    """Return whether an invariant is broken with these words; what other words tell is the business of other tests."""
    for seed in range(most):
        try:
            play([seed], guards, planner)
        except Broken as broken:
            if says in str(broken).splitlines()[0]:
                return True
    return False


def with_steps(change):
    """Return a planner whose steps are changed after the invariants were checked."""

    def planner(state, request):
        plan = build_plan(state, request)
        return replace(plan, **change(plan)) if plan.steps else plan

    return planner


def traffic_first(plan):
    names = [step.step for step in plan.steps]
    if "traffic" not in names or "promote_wait" not in names:
        return {}
    (traffic,) = (step for step in plan.steps if step.step == "traffic")
    others = [step for step in plan.steps if step is not traffic]
    at = names.index("promote_wait")
    return {"steps": (*others[:at], traffic, *others[at:])}


def lowered(plan):
    if plan.steps[0].step not in ("fence", "promote_request", "announce", "capacity_ask", "unfence"):
        return {}
    ask = Step("capacity_ask", plan.target_region, (), "")
    at = [step.step for step in plan.steps].index("verify")
    return {"steps": (*plan.steps[:at], ask, *plan.steps[at:]), "capacity_wanted": 1}


def test_traffic_before_the_writer_is_proven_is_noticed():
    assert is_noticed("Traffic is moved to", Guards(proves_writer=False), with_steps(traffic_first))


def test_an_ignored_lease_is_noticed():
    assert is_noticed("without the lease of", Guards(holds_lease=False))


def test_an_orphan_that_acts_is_noticed():
    assert is_noticed("although its controller has ended", Guards(dies_with_controller=False))


def test_a_renewal_that_is_believed_although_it_was_answered_too_late_is_noticed():
    assert is_noticed("after its lease of", Guards(answer_in_time=False))


def test_another_method_after_an_ambiguous_refusal_is_noticed():
    assert is_noticed("was requested during the", Guards(ambiguous_is_unknown=False))


def test_lowered_capacity_is_noticed():
    assert is_noticed("Capacity was lowered in", Guards(only_raises=False), with_steps(lowered))


def test_a_target_chosen_while_another_operation_is_in_flight_is_noticed(monkeypatch):
    kept = tuple(guard for guard in obstacles.GUARDS if guard.__name__ != "operation_in_flight")
    monkeypatch.setattr(obstacles, "GUARDS", kept)
    guards = Guards(one_operation=False)
    assert is_noticed("A promotion was requested during another", guards, with_steps(lambda plan: {}))


@pytest.mark.parametrize(
    "guards, says",
    [
        ("fence_holds_lease", "does fence"),
        ("record_holds_lease", "does record without the lease of"),
        ("proves_writer expects_traffic looks_again", "Traffic is moved to"),
        ("looks_again", "verifies a region that is not the writer"),
    ],
)
def test_the_guards_are_needed(guards, says):
    assert is_noticed(says, Guards(**dict.fromkeys(guards.split(), False)))


def teardown_module():
    PLANS.clear()
    SEEN.clear()


def test_a_run_does_not_end_well_while_the_writer_is_being_moved_away_from_its_target():
    """Another run may have requested that and ended: its answer was lost, and it released its lease."""
    state = platform(WEST, EAST)
    state = end_lease(take_lease(state, WEST), WEST, "failed")
    assert [step.step for step in build_plan(state, Request(target_region=WEST)).steps]
    moving = request_promotion(state, EAST, is_loss_allowed=True)
    plan = build_plan(moving, Request(target_region=WEST))
    assert "operation_in_flight" in [one.code for one in plan.obstacles]
