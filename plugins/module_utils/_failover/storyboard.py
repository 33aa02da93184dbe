# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The steps of a move in their order, and when each is still needed. Pure.

The order is the law: capacity is asked for right after the promotion, so that instances start while Aurora works;
traffic moves after the writer is proven and the capacity is there; verification comes after traffic, then people are
told and the run is recorded. A step whose effect is seen already is left out, which is all that resuming takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Step


@dataclass(frozen=True)
class Scene:
    """A step of a storyboard: its name, its API calls, when it is needed, and the sentence why."""

    name: str
    calls: tuple[str, ...]
    is_needed: Callable[[Situation], bool]
    why: Callable[[Situation], str]


PROMOTE_REQUEST = Scene(
    "promote_request",
    ("rds:FailoverGlobalCluster",),
    lambda seen: seen.is_promotion_open,
    lambda seen: f"The writer is in {seen.writer or 'an unknown region'}; data loss up to the lag is allowed.",
)
CAPACITY_ASK = Scene(
    "capacity_ask",
    ("autoscaling:SetDesiredCapacity",),
    lambda seen: not seen.is_capacity_asked,
    lambda seen: f"Wanted: {seen.capacity.reason} Instances start while the promotion runs.",
)
PROMOTE_WAIT = Scene(
    "promote_wait",
    ("rds:DescribeGlobalClusters", "rds:DescribeDBClusters", "rds:DescribeDBInstances"),
    lambda seen: not seen.is_writer_proven,
    lambda seen: f"Traffic may follow only once {seen.target} takes writes.",
)
CAPACITY_WAIT = Scene(
    "capacity_wait",
    ("elasticloadbalancing:DescribeTargetHealth",),
    lambda seen: not seen.is_capacity_ready,
    lambda seen: f"{max(1, seen.capacity.wanted)} healthy targets are needed before traffic arrives.",
)
TRAFFIC = Scene(
    "traffic",
    ("s3:PutObject",),
    lambda seen: seen.traffic != seen.target,
    lambda seen: f"The name answers with {seen.traffic or 'an unknown region'}.",
)
VERIFY = Scene(
    "verify",
    ("DNS query", "HTTP GET", "rds:DescribeGlobalClusters"),
    lambda seen: not seen.is_arrived,
    lambda seen: f"Name, endpoint and writer must be seen in {seen.target} from outside.",
)
NOTIFY = Scene(
    "notify",
    ("sns:Publish",),
    lambda seen: not seen.is_arrived,
    lambda seen: f"People are told through {seen.target}'s topic, and the others' where they answer.",
)
RECORD = Scene(
    "record",
    ("dynamodb:PutItem",),
    lambda seen: not seen.is_arrived,
    lambda seen: f"Steps, times and verdicts go into {seen.target}'s control table.",
)

STORYBOARDS: dict[str, tuple[Scene, ...]] = {
    "failover": (PROMOTE_REQUEST, CAPACITY_ASK, PROMOTE_WAIT, CAPACITY_WAIT, TRAFFIC, VERIFY, NOTIFY, RECORD),
}


class LawBroken(Exception):
    """A plan that would break an invariant; a mistake of this collection, never of its user."""


def build_steps(seen: Situation) -> tuple[Step, ...]:
    """Return the steps that are left, and prove the invariants of the order on them."""
    scenes = [scene for scene in STORYBOARDS[seen.request.method] if scene.is_needed(seen)]
    steps = tuple(Step(scene.name, seen.target, scene.calls, scene.why(seen)) for scene in scenes)
    assert_law(seen, [step.step for step in steps])
    return steps


def assert_law(seen: Situation, names: list[str]) -> None:
    """Raise LawBroken unless traffic moves only behind a proven writer and sufficient capacity."""
    if TRAFFIC.name not in names:
        return
    before = names[: names.index(TRAFFIC.name)]
    if not (seen.is_writer_proven or PROMOTE_WAIT.name in before):
        raise LawBroken(f"Traffic would move to {seen.target} before its writer is proven: {names}")
    if not (seen.is_capacity_ready or CAPACITY_WAIT.name in before):
        raise LawBroken(f"Traffic would move to {seen.target} before its capacity is there: {names}")
