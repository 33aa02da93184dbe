# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A plan that would violate an invariant is not returned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._failover import invariants
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.storyboard import build_steps
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import EAST, WEST, Model

GROWING = replace(Model(), manifest_desired=4).lose(EAST)


def situation(model=GROWING, method="failover", **request):
    return Situation(model.state(), Request(method=method, **request), WEST, method)


def reordered(seen, *order):
    steps = {step.step: step for step in build_steps(seen)}
    return tuple(steps[name] for name in order if name in steps)


@pytest.mark.parametrize(
    "order, says",
    [
        (("traffic", "promote_wait"), "before its writer is proven"),
        (("promote_wait", "traffic", "capacity_wait"), "before its capacity is ready"),
        (("promote_wait", "capacity_wait", "fence_application", "traffic"), "which has traffic"),
        (("promote_wait", "verify", "traffic"), "would be verified while the traffic is in"),
        (("promote_wait", "capacity_wait", "traffic", "verify", "record", "notify"), "would not end with"),
    ],
)
def test_another_order_is_refused(order, says):
    seen = situation(fencing="application_capacity")
    with pytest.raises(invariants.InvariantViolation, match=says):
        invariants.check(seen, reordered(seen, *order))


def test_a_switchover_never_follows_a_fence():
    fence = reordered(situation(), "fence")
    planned = situation(Model(), "switchover")
    with pytest.raises(invariants.InvariantViolation, match="A switchover would follow the fencing of"):
        invariants.check(planned, (*fence, *build_steps(planned)))


def test_the_target_is_never_fenced():
    (fence,) = reordered(situation(), "fence")
    with pytest.raises(invariants.InvariantViolation, match="would be fenced although it is the target"):
        invariants.check(situation(), (replace(fence, region=WEST),))


def test_two_regions_never_write_with_traffic(monkeypatch):
    def half(world, _step):
        world.traffic = world.traffic | {world.seen.target}

    seen = situation(Model().lose(EAST), "detach")
    monkeypatch.setitem(invariants.EFFECTS, "traffic", half)
    with pytest.raises(
        invariants.InvariantViolation, match="us-east-1 and us-east-2 would both accept writes and have traffic"
    ):
        invariants.check(seen, reordered(seen, "promote_request", "promote_wait", "traffic"))


def test_capacity_is_never_lowered(monkeypatch):
    seen = situation()
    steps = build_steps(seen)
    shrunk = situation(GROWING.change(WEST, desired=6, maximum=5))
    with pytest.raises(invariants.InvariantViolation, match="would be reduced from 6 to 5"):
        invariants.check(shrunk, steps)
