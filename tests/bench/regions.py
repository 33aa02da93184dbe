# SPDX-License-Identifier: GPL-3.0-or-later
"""Two, four and eight regions: what each costs to provision and to judge, and whether a failover takes longer."""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench.bystanders import Recording, through
from tests.bench.failover import LONG_HOLD, SCALE, Taken, take
from tests.bench.goals import Goal, Line
from tests.bench.sides import cpu_seconds, in_turn, run_script
from tests.chaos.faults import LOST, TARGET
from tests.integration.platforms import Platform, Platforms, Run

REGIONS = (
    *("us-east-1", "us-east-2", "us-west-2", "eu-west-1"),
    *("eu-central-1", "ap-southeast-1", "ap-northeast-1", "ca-central-1"),
)
COUNTS = (2, 4, 8)
# Playbooks that judge every region and move none.
JUDGING = ("readiness", "health_check")


def provision(platform: Platform) -> tuple[Run, float]:
    """site.yml from nothing, and its CPU seconds."""
    cpu = cpu_seconds()
    run = platform.run("site", patience_s=3600).ends_well()
    return run, cpu_seconds() - cpu


def to_target(platform: Platform) -> Run:
    """failover.yml to the region that has something to do, which is not the fittest of several."""
    return platform.run("failover", "-e", f"target_region={TARGET}", *LONG_HOLD)


def floor(platform: Platform) -> Run:
    """The cost of each additional region for the same calls in one process, with the lab on the same two cores."""
    return run_script(platform, "tests.bench.floor", *platform.regions)


def move(original: Platform, folder: Path, side: Callable[[Platform], Run]) -> Taken:
    return take(replace(original, lab=original.lab.fork(folder, SCALE)), side)


def record(original: Platform, folder: Path) -> Recording:
    """What the regions that take no part in a move have answered in one."""
    recording = Recording(set(original.regions) - {LOST, TARGET})
    move(original, folder, through(recording, to_target))
    return replace(recording, complete=True)


def judge(originals: Sequence[Platform], playbook: str, runs: int) -> list[list[float]]:
    """Seconds of a playbook that moves nothing, for each platform."""
    return in_turn(runs, *(lambda one=one: one.run(playbook).ends_well().seconds for one in originals))


def in_cpu(of_many: Sequence[float], of_few: Sequence[float]) -> str:
    """CPU seconds of the command and of the lab, in words."""
    (many, lab_of_many), (few, lab_of_few) = of_many, of_few
    return (
        f"CPU seconds of the command and of the lab, which share {os.cpu_count()} cores: {many:.1f} and"
        f" {lab_of_many:.1f}, against {few:.1f} and {lab_of_few:.1f}."
    )


def counts(platforms: Platforms, runs: int) -> list[Line]:
    """Provisioned once each, with the same variables; moved `runs` times each, in turn."""
    originals: list[Platform] = []
    try:
        for count in COUNTS:
            originals.append(platforms.empty(*REGIONS[:count], scale=SCALE, variables="demo"))
        made = [provision(original) for original in originals]
        places = (platforms.folder / f"fork-{number}" for number in itertools.count())
        fronted = [through(record(one, next(places)), to_target) for one in originals]
        sides = [(one, side) for side in (to_target, floor) for one in originals]
        sides += zip(originals, fronted, strict=True)
        judged = {playbook: judge(originals, playbook, runs) for playbook in JUDGING}
        taken = in_turn(runs, *(lambda one=one, side=side: move(one, next(places), side) for one, side in sides))
    finally:
        for original in originals:
            original.lab.stop()
    seconds, calls = [[one.seconds for one in side] for side in taken], [len(side[-1].calls) for side in taken]
    used = [[statistics.median(getattr(one, of) for one in side) for of in ("cpu", "lab_cpu")] for side in taken]
    moves, floors, alone = (seconds[at : at + len(COUNTS)] for at in range(0, len(seconds), len(COUNTS)))
    used_alone = used[-len(COUNTS) :]
    lines = []
    few, (first, _cpu) = COUNTS[0], made[0]
    for at, count in enumerate(COUNTS[1:], 1):
        run, cpu = made[at]
        lines += [
            Line(
                "regions",
                f"site.yml from nothing with {count} regions, for each of them",
                [run.seconds / count],
                (Goal("times", 1),),
                f"with {few}",
                [first.seconds / few],
                note=f"CPU seconds for each region, without the lab's: {cpu / count:.1f} against"
                f" {made[0][1] / few:.1f}. Every pair of regions is peered.",
            ),
            Line(
                "regions",
                f"failover.yml with {count} regions, {count - few} of which a recording answers for",
                alone[at],
                (Goal("times", 1.1),),
                f"with {few}",
                alone[0],
                note=f"{calls[at]} calls against {calls[0]}. {in_cpu(used_alone[at], used_alone[0])}",
            ),
            Line(
                "regions",
                f"failover.yml with {count} regions, AWS instant",
                moves[at],
                (Goal("times", 3), Goal("over", 6)),
                f"the same calls and waits in one process, {count} regions",
                floors[at],
                note=f"With {few} regions the playbook takes {statistics.median(moves[0]):.1f} s and the one process"
                f" {statistics.median(floors[0]):.1f} s. {in_cpu(used[at], used[0])}",
            ),
        ]
        lines += [
            Line(
                "regions",
                f"{playbook}.yml with {count} regions, for each of them",
                [one / count for one in judged[playbook][at]],
                (Goal("times", 1),),
                f"with {few}",
                [one / few for one in judged[playbook][0]],
            )
            for playbook in JUDGING
        ]
    return lines
