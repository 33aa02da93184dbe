# SPDX-License-Identifier: GPL-3.0-or-later
"""`make gameday`: every scenario in a copy of the same platform; .build/gameday/gameday.md and gameday.json.

SCENARIO: names, separated by commas. SCALE: AWS seconds that pass in one (10). CUSTOMERS: how many (12). The histories,
logs and outcomes of a scenario are in .build/gameday/<its name>. GAMEDAY=optional (`make gameday-short`, a stage of
`make test`): a machine that cannot hold a game day is reported, and is no failure.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from tests.gameday import report, requirements
from tests.gameday.databases import make_template
from tests.gameday.game import Game
from tests.gameday.guardian import guarded
from tests.gameday.regions import TOP
from tests.gameday.report import Result
from tests.gameday.requirements import Incapable, Missing
from tests.gameday.scenarios import SCENARIOS, Scenario
from tests.integration.platforms import Platforms

PLACE = TOP / ".build/gameday"
MEMORY_LOOK_S = 5


def chosen(words: str) -> list[Scenario]:
    """The named scenarios, all without a name."""
    names = [word.strip() for word in words.split(",") if word.strip()]
    known = {one.name: one for one in SCENARIOS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Missing(f"SCENARIO is {unknown[0]!r}; it must be of: {', '.join(known)}")
    return [known[name] for name in names] or list(SCENARIOS)


def number(name: str, default: float, least: float, most: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise Missing(f"{name} is {text!r}; it must be a number from {least:g} to {most:g}")
    return value


def resident_mb() -> float:
    """The memory of this process and all its descendants (Pss: what is shared is counted once)."""
    parents, total = {}, 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    mine = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= more
    for pid in mine:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


class Peak:
    """The most memory that was in use, looked at every few seconds."""

    def __init__(self) -> None:
        self.most, self.stopping = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.stopping.wait(MEMORY_LOOK_S):
            self.most = max(self.most, resident_mb())

    def __enter__(self) -> Peak:
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopping.set()
        self.thread.join()


def play(scenario: Scenario, platforms: Platforms, template: Path, scale: float, many: int) -> Result:
    began = time.time()
    platform = platforms.copy(*scenario.regions, scale=scale, variant=scenario.variant)
    world = Game(scenario.name, platform, PLACE / scenario.name, template, many, scenario.follow)
    with Peak() as peak, world as game:
        found, wrong = scenario.play(game)
        steps = [(round(one.time - began, 2), one.text) for one in game.steps]
        timeline = report.per_second(game.history.entries, began)
        claims = list(game.claims)
    return Result(
        scenario.name,
        scenario.text,
        scenario.regions,
        round(time.time() - began, 1),
        found,
        claims,
        [*wrong, *found.broken],
        timeline,
        steps,
        round(peak.most),
        tuple(game.resumed),
    )


def play_all(scenarios: list[Scenario], scale: float, many: int) -> tuple[list[Result], list[str]]:
    """The results, and the names of scenarios that could not be played to their end."""
    results: list[Result] = []
    unplayed: list[str] = []
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    with guarded(folder):
        template = folder / "template"
        make_template(template)
        platforms = Platforms(folder / "platforms", copies=folder, tries_policies=False)
        try:
            for scenario in scenarios:
                print(f"{scenario.name}: {scenario.text} ...", flush=True)
                try:
                    result = play(scenario, platforms, template, scale, many)
                except Missing:
                    raise
                except Exception:  # one scenario must not keep the others from being played
                    traceback.print_exc()
                    unplayed.append(scenario.name)
                    continue
                results.append(result)
                found = result.findings
                print(f"    {found.acknowledged} acknowledged, {len(found.lost)} lost, {result.seconds} s", flush=True)
                for sentence in result.wrong:
                    print(f"    BROKEN {sentence}", flush=True)
                # After each scenario, so that a game day that is stopped has reported what it found.
                report.write(results, PLACE, time.monotonic() - began)
            report.write(results, PLACE, time.monotonic() - began, unplayed)
        finally:
            platforms.leave()
    return results, unplayed


def stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def not_run(problem: Incapable) -> int:
    """Say why there was no game day, also in the summary of `make test` (tests/tools/run_stages.py)."""
    words = f"game day: NOT run, because of {problem}"
    print(words, flush=True)
    if os.environ.get("STAGE_NOT_RUN"):
        Path(os.environ["STAGE_NOT_RUN"]).write_text(words)
    return 0


def main() -> int:
    prepare()
    return run()


def prepare() -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    signal.signal(signal.SIGTERM, stop)


def run() -> int:
    try:
        scenarios = chosen(os.environ.get("SCENARIO", ""))
        scale, many = number("SCALE", 10, 1, 100), int(number("CUSTOMERS", 12, 4, 100))
        requirements.check_programs()
        requirements.check_privileges()
        results, unplayed = play_all(scenarios, scale, many)
    except Missing as problem:
        if isinstance(problem, Incapable) and os.environ.get("GAMEDAY") == "optional":
            return not_run(problem)
        print(f"gameday: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gameday: stopped; everything that it started has ended", file=sys.stderr)
        return 130
    broken = sum(bool(one.wrong) for one in results)
    ends = f", not played to the end: {', '.join(unplayed)}" if unplayed else ""
    print(f"{len(results)} scenarios, {broken} broken{ends}: {(PLACE / 'gameday.md').relative_to(TOP)}")
    return 1 if broken or unplayed else 0


if __name__ == "__main__":
    sys.exit(main())
