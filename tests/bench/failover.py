# SPDX-License-Identifier: GPL-3.0-or-later
"""failover.yml against its floor: the same calls and waits in one process (floor.py), each in a copy of one lab.

The active region is down but its API responds, and the target runs less than the active one: every step of the
plan has something to do, and nothing waits for a region that does not answer. In the row `hanging` its API does not
respond either.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.calls import accepted_at, by_operation, difference, looks_a_second
from tests.bench.goals import Goal, Line
from tests.bench.sides import cpu_seconds, cpu_seconds_of, in_turn, run_script
from tests.chaos.cell import arrived, make_sick
from tests.chaos.faults import LOST, TARGET
from tests.integration.aws import capacity, runs
from tests.integration.platforms import Platform, Platforms, Run

# AWS seconds that pass in one: the name follows the switch within the lab's tick of 0.1 s, as three checks 10 s apart
# are over by then. What is to take its time is given in so many AWS seconds more.
SCALE = 1000
INSTANT = {"pending_s": 0, "target_initial_s": 0, "replication_s": 0}
PROMOTION_S = 60
# AWS would restore the target's minimum size after the default of an hour, 3.6 s here, and a policy lower its capacity.
LONG_HOLD = ("-e", "failover_min_size_hold=86400")
# In the row of the region that hangs: long enough for the steps beside it, and short enough for the waits to show.
SHORT_PROMOTION_S = 6
MOVE, LOOK = "FailoverGlobalCluster", "DescribeGlobalClusters"


@dataclass(frozen=True)
class Taken:
    """One run of a side.

    seconds: from the command's start to its end. accepted: to AWS's answer to the request for the move.
    verified: to the moment at which the name was seen in the target.
    cpu, lab_cpu: CPU seconds of the command, and of the lab meanwhile.
    looks: how many times a second AWS was asked at most whether the move is done; 0 where it took too little time.
    """

    seconds: float
    accepted: float
    verified: float
    cpu: float
    lab_cpu: float
    looks: float
    calls: list[dict[str, Any]]


def playbook(platform: Platform) -> Run:
    return platform.run("failover", *LONG_HOLD)


def floor(platform: Platform) -> Run:
    return run_script(platform, "tests.bench.floor")


def floor_where_it_hangs(platform: Platform) -> Run:
    return run_script(platform, "tests.bench.floor", "--hangs")


def verified_at(platform: Platform, run: Run) -> float:
    """When the name was seen in the target, Unix time: as the floor prints it, or as the run has recorded it."""
    if said := re.search(r"^verified at ([\d.]+)$", run.output, re.MULTILINE):
        return float(said[1])
    (recorded,) = runs(platform.lab, TARGET)
    return next(step["ended_at"] for step in recorded["steps"] if step["name"] == "verify")


def take(platform: Platform, side: Callable[[Platform], Run], promotion_s: float = 0, outage: str = "") -> Taken:
    """Move the platform and stop its lab; promotion_s: real seconds. Raises AssertionError where it has not arrived.

    outage: the mode in which the lost region's API does not respond; it does where this is empty.
    """
    with platform.lab as lab:
        make_sick(platform)
        lab.settings(**INSTANT, failover_s=promotion_s * SCALE)
        wanted = capacity(lab, LOST)["desired"]
        if outage:
            lab.outage(LOST, outage)
        lab.clear_calls()
        cpu, lab_cpu = cpu_seconds(), cpu_seconds_of(lab.pid)
        run = side(platform).ends_well()
        cpu, lab_cpu = cpu_seconds() - cpu, cpu_seconds_of(lab.pid) - lab_cpu
        calls = lab.calls()
        assert arrived(platform, wanted), run.output[-6000:]
        verified = verified_at(platform, run)
    accepted = accepted_at(calls, MOVE)
    # The request looks, too, and on a busy machine late; half-way there is nothing but the loop.
    is_long = promotion_s >= PROMOTION_S
    looks = looks_a_second(calls, LOOK, accepted + promotion_s / 2, accepted + promotion_s) if is_long else 0
    return Taken(run.seconds, accepted - run.began, verified - run.began, cpu, lab_cpu, looks, calls)


def compare(platforms: Platforms, runs: int, promotion_s: float) -> tuple[list[Taken], list[Taken]]:
    def copy() -> Platform:
        return platforms.copy(LOST, TARGET, scale=SCALE)

    sides = (playbook, floor)
    ours, theirs = in_turn(runs, *(lambda side=side: take(copy(), side, promotion_s) for side in sides))
    return ours, theirs


def in_cpu(ours: Sequence[Taken], theirs: Sequence[Taken]) -> str:
    """The medians of CPU seconds, in words."""
    mine, other = (statistics.median(one.cpu for one in side) for side in (ours, theirs))
    return f"CPU seconds, without the lab's: {mine:.1f} against {other:.1f}."


def described(differs: Mapping[str, int]) -> str:
    """Whether the floor is one, in words."""
    if not differs:
        return "The floor makes the same calls."
    return "Calls more (fewer) than the floor: " + ", ".join(f"{name} {more:+}" for name, more in differs.items()) + "."


def instant(platforms: Platforms, runs: int) -> list[Line]:
    """What orchestration costs, where AWS takes no time at all."""
    ours, theirs = compare(platforms, runs, 0)
    differs = difference(ours[-1].calls, theirs[-1].calls)
    return [
        Line(
            "failover",
            "failover.yml, AWS instant",
            [one.seconds for one in ours],
            (Goal("times", 3), Goal("over", 6)),
            "the same calls and waits in one process",
            [one.seconds for one in theirs],
            note=f"{in_cpu(ours, theirs)} {described(differs)}",
        ),
        Line(
            "failover",
            "command's start to promotion accepted",
            [one.accepted for one in ours],
            (Goal("over", 2.5),),
            "the same in one process",
            [one.accepted for one in theirs],
        ),
        Line(
            "failover",
            "API calls of a failover, AWS instant",
            [len(one.calls) for one in ours],
            (Goal("itself", 80),),
            unit="calls",
            evidence={"calls": by_operation(ours[-1].calls), "calls_not_of_the_floor": differs},
        ),
    ]


def promotion(platforms: Platforms, runs: int) -> list[Line]:
    """The same where the promotion takes as long as AWS's, and nothing else does."""
    ours, theirs = compare(platforms, runs, PROMOTION_S)
    return [
        Line(
            "promotion",
            f"failover.yml, promotion of {PROMOTION_S} s",
            [one.seconds for one in ours],
            (Goal("times", 1.05),),
            "the same calls and waits in one process",
            [one.seconds for one in theirs],
            note=f"{in_cpu(ours, theirs)} A promotion takes {PROMOTION_S} real seconds and the name follows the switch"
            " immediately: nothing else hides what orchestration costs.",
        ),
        Line(
            "promotion",
            f"RTO of failover.yml, promotion of {PROMOTION_S} s",
            [one.verified for one in ours],
            (Goal("times", 1.03),),
            "the same in one process",
            [one.verified for one in theirs],
        ),
        Line(
            "promotion",
            "looks at a running promotion",
            [one.looks for one in ours],
            (Goal("itself", 1),),
            unit="a second",
            evidence={"calls": by_operation(ours[-1].calls)},
        ),
    ]


def hanging(platforms: Platforms, runs: int) -> list[Line]:
    """The same where the lost region's API answers nothing, against one that refuses connections."""
    sides = ((playbook, "hang"), (playbook, "reset"), (floor_where_it_hangs, "hang"))

    def one(side: Callable[[Platform], Run], outage: str) -> Taken:
        return take(platforms.copy(LOST, TARGET, scale=SCALE), side, SHORT_PROMOTION_S, outage)

    hangs, refuses, theirs = in_turn(runs, *(lambda side=side, mode=mode: one(side, mode) for side, mode in sides))
    return [
        Line(
            "hanging",
            f"failover.yml, promotion of {SHORT_PROMOTION_S} s, the lost region hangs",
            [one.seconds for one in hangs],
            (Goal("times", 1.1),),
            "it refuses connections",
            [one.seconds for one in refuses],
            note=in_cpu(hangs, refuses),
            evidence={"calls": by_operation(hangs[-1].calls)},
        ),
        Line(
            "hanging",
            "command's start to promotion accepted, the lost region hangs",
            [one.accepted for one in hangs],
            (Goal("over", 1.5),),
            "the same in one process",
            [one.accepted for one in theirs],
            note="The plan waits 1 s for the region, and so does the one process; neither waits for it after that.",
        ),
        Line(
            "hanging",
            "name verified to the end of failover.yml, the lost region hangs",
            [one.seconds - one.verified for one in hangs],
            (Goal("itself", 2),),
        ),
    ]
