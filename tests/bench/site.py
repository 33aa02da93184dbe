# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml from nothing and again, against its own modules run one after the other without Ansible around them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.goals import Goal, Line
from tests.chaos.faults import LOST, TARGET
from tests.integration.platforms import TOP, Platform, Platforms, Run

REGIONS = (LOST, TARGET)
# AWS operations complete immediately: this measures the work, and row `durations` measures the waiting.
SCALE = 600
CALLBACKS = TOP / "tests/bench/callbacks"
Module = Mapping[str, Any]


def provision(platform: Platform, kept: Path) -> Run:
    """Run site.yml; kept: a file that gets the modules it called (callbacks/module_calls.py)."""
    variables = {"ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS), "BENCH_MODULE_CALLS": str(kept)}
    return platform.run("site", variables=variables)


def of_region(lines: Iterable[str], region: str) -> list[Module]:
    """The modules that a run called for one region, in order."""
    return [call for call in map(json.loads, lines) if call["host"] == region]


def loop(platform: Platform, modules: Iterable[Module]) -> tuple[float, Counter[str]]:
    """Seconds of the modules one after the other, each in a process of its own, and those that ended badly."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_"))}
    environment |= platform.lab.env() | {"PYTHONPATH": f"{TOP / '.collections'}:{TOP}"}
    began, failed = time.monotonic(), Counter[str]()
    for call in modules:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.module", call["module"]],
            cwd=TOP,
            env=environment,
            input=json.dumps(call["options"]),
            capture_output=True,
            text=True,
            check=False,
        )
        failed[call["module"]] += done.returncode != 0
    return time.monotonic() - began, +failed


@dataclass(frozen=True)
class Story:
    """A platform from nothing: seconds of the first run, of the second, and of the bare loop; the second's calls.

    failed: the modules that the loop could not repeat.
    """

    cold: float
    again: float
    loop: float
    failed: Counter[str]
    changes: int
    calls: dict[str, int]


def take(platforms: Platforms, folder: Path) -> Story:
    platform = platforms.empty(*REGIONS, scale=SCALE)
    with platform.lab as lab:
        cold = provision(platform, folder / "cold").ends_well()
        lab.clear_calls()
        again = provision(platform, folder / "again").ends_well()
        calls = lab.calls()
        with (folder / "cold").open() as lines:
            seconds, failed = loop(platform, of_region(lines, LOST))
    changes = sum(call["mutating"] for call in calls)
    return Story(cold.seconds, again.seconds, seconds, failed, changes, dict(Counter(call["region"] for call in calls)))


def provisioning(platforms: Platforms, runs: int) -> list[Line]:
    """The runs one after the other; the highest number of calls is reported."""
    stories = []
    for _number in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            stories.append(take(platforms, Path(folder)))
    cold, again = ([getattr(story, side) for story in stories] for side in ("cold", "again"))
    most = max(stories, key=lambda story: max(story.calls.values()))
    return [
        Line(
            "site",
            "site.yml from nothing, two regions",
            cold,
            (Goal("times", 0.5),),
            "twice its modules one after the other, one region",
            [2 * story.loop for story in stories],
            note="The loop runs the active region's modules with the options of that run, each in a process of its own"
            " without Ansible, over the existing platform. It could not repeat:"
            f" {dict(most.failed) or 'none'}.",
        ),
        Line(
            "site",
            "site.yml again",
            again,
            (Goal("times", 0.7),),
            "from nothing",
            cold,
        ),
        Line(
            "site",
            "changing calls of site.yml again",
            [max(story.changes for story in stories)],
            (Goal("itself", 0),),
            unit="calls",
        ),
        Line(
            "site",
            "API calls of site.yml again, in the region with the most",
            [max(most.calls.values())],
            (Goal("itself", 149),),
            unit="calls",
            evidence={"calls_by_region": most.calls},
        ),
    ]
