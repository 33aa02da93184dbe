# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.goals import Line, figure

COLUMNS = ("what", "median", "compared with", "its median", "which is", "goal: at most", "verdict", "runs")


def as_markdown(lines: Sequence[Line], machine: Mapping[str, str]) -> str:
    """The table, then the notes of its lines."""
    rows = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *map(as_row, lines)]
    notes = [f"- {line.what}: {line.note}" for line in lines if line.note]
    measured_on = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join(
        ["# Speed", "", f"Medians; both sides of a line in the same run. {measured_on}.", "", *rows, "", *notes, ""]
    )


def as_row(line: Line) -> str:
    values = line.values()
    cells = (
        line.what,
        figure(line.median, line.unit),
        line.against,
        "" if line.against_median is None else figure(line.against_median, line.unit),
        ", ".join(goal.in_words(value, line.unit) for goal, value in zip(line.goals, values, strict=True)),
        ", ".join(goal.in_words(goal.at_most, line.unit) for goal in line.goals),
        line.verdict,
        str(len(line.samples)),
    )
    return f"| {' | '.join(cells)} |"


def write(lines: Sequence[Line], machine: Mapping[str, str], folder: Path) -> None:
    """Write bench.md and bench.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.md").write_text(as_markdown(lines, machine))
    document = {"machine": dict(machine), "lines": [line.as_dict() for line in lines]}
    (folder / "bench.json").write_text(json.dumps(document, indent=2) + "\n")
