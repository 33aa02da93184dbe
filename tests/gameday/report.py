# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as Markdown and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.gameday.checker import Claim, Findings
from tests.gameday.picture import picture

COLUMNS = (
    "scenario",
    "acknowledged",
    "lost",
    "span",
    "duplicates (naive)",
    "by the old writer after the promotion (after the end)",
    "bound claimed",
    "RTO claimed / nobody acknowledged / longest outage of a customer",
    "unknown",
    "read-back misses",
    "`fenced` claimed",
    "result",
)


@dataclass(frozen=True)
class Result:
    """timeline: {second since the start: {region: acknowledgements}}; steps: [[second, text]].

    resumed: playbooks that failed and were run again.
    """

    name: str
    text: str
    regions: Sequence[str]
    seconds: float
    findings: Findings
    claims: Sequence[Claim]
    wrong: Sequence[str]
    timeline: Mapping[int, Mapping[str, int]]
    steps: Sequence[tuple[float, str]]
    memory_mb: float
    resumed: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "lost_span_s": self.findings.lost_span_s}


def per_second(entries: Sequence[Mapping[str, Any]], start: float) -> dict[int, dict[str, int]]:
    acked = [one for one in entries if one["kind"] == "order" and one["outcome"] == "acknowledged"]
    seconds: dict[int, Counter[str]] = {}
    for one in acked:
        seconds.setdefault(int(one["ended"] - start), Counter())[one["region"]] += 1
    return {second: dict(counts) for second, counts in sorted(seconds.items())}


def row(result: Result) -> list[str]:
    found = result.findings
    moves = [one for one in result.claims if one.outcome]
    bounds = ", ".join("unknown" if one.bound_s is None else f"{one.bound_s:.1f} s" for one in moves)
    rtos = ", ".join("-" if one.rto_s is None else f"{one.rto_s:.1f}" for one in moves)
    return [
        result.text,
        str(found.acknowledged),
        str(len(found.lost)),
        f"{found.lost_span_s:.2f} s" if found.lost else "",
        f"{len(found.duplicated_idempotent)} ({len(found.duplicated_naive)})",
        f"{found.by_old_after_promotion} ({found.by_old_after_end})",
        bounds,
        f"{rtos} / {found.nobody_acked_s:.1f} / {max(found.longest_outage.values(), default=0):.1f} s",
        str(found.unknown),
        str(found.read_back_misses),
        ", ".join(one.fenced for one in moves),
        ("kept" if not result.wrong else f"**BROKEN** ({len(result.wrong)})")
        + "".join(f"; {playbook}.yml failed and was run again" for playbook in result.resumed),
    ]


def as_markdown(results: Sequence[Result], seconds: float, unplayed: Sequence[str] = ()) -> str:
    lines = ["# Game day", "", f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    lines += [f"| {' | '.join(row(one))} |" for one in results]
    most = max((one.memory_mb for one in results), default=0)
    lines += ["", f"{len(results)} scenarios in {seconds:.0f} s, at most {most:.0f} MB."]
    lines += [f"Not played to the end: {', '.join(unplayed)}."] if unplayed else []
    lines += ["", "Promises that the histories contradict:", ""]
    broken = [f"- {one.name}: {sentence}" for one in results for sentence in one.wrong]
    return "\n".join([*lines, *(broken or ["none"]), ""])


def write(results: Sequence[Result], folder: Path, seconds: float, unplayed: Sequence[str] = ()) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gameday.md").write_text(as_markdown(results, seconds, unplayed))
    for one in results:
        (folder / one.name).mkdir(exist_ok=True)
        drawn = picture(one.text, one.timeline, one.regions, one.steps)
        (folder / one.name / "orders.svg").write_text(drawn)
    document = {
        "seconds": round(seconds, 1),
        "unplayed": list(unplayed),
        "scenarios": [one.as_dict() for one in results],
    }
    (folder / "gameday.json").write_text(json.dumps(document, indent=1) + "\n")
