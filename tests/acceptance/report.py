# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTML file of an acceptance run: chapters, moves, differences from the lab; no account and no resource."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

from tests.acceptance.story import CHAPTERS, END, Acceptance
from tests.integration.platforms import TOP
from tests.truth import diff, recording

LAB_FOLDER = TOP / ".build/acceptance-lab"
NOT_COMPARED = "Not compared with a record of the lab; `make acceptance ACCOUNT=lab` makes one."
MOVES = ("switchover", "switchback", "failover", "failback", "detach", "rebuild")
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}code{font-size:13px}"
    "td,th{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left}@media print{body{margin:0}}"
)


def write(run: Acceptance, scale: float) -> str:
    """Write forms.json and report.html, and return the sentence that says where. scale: of the lab's clock."""
    forms = recording.merge(run.folder / "records", scale)
    (run.folder / "forms.json").write_text(json.dumps(forms, indent=1, sort_keys=True) + "\n")
    lines: Iterable[str] = (NOT_COMPARED,)
    if run.folder != LAB_FOLDER and (of_the_lab := LAB_FOLDER / "forms.json").exists():
        lines = diff.report(forms, diff.load(str(of_the_lab)), diff.FACTOR)
    (run.folder / "report.html").write_text(page(run.state.chapters, lines, len(forms["operations"])))
    return f"acceptance: all chapters have ended; see report.html and forms.json in {run.folder}"


def page(chapters: dict[str, dict[str, Any]], differences: Iterable[str], operations: int) -> str:
    """Return the page. Pure."""
    rows = [(one.name, one.says, chapters[one.name]) for one in (*CHAPTERS, *END) if one.name in chapters]
    moves = [(name, chapters[name]["note"]) for name in MOVES if isinstance(chapters.get(name, {}).get("note"), dict)]
    told = [
        table(
            ("chapter", "what", "seconds", "result"),
            ((n, says, f"{c['seconds']:.0f}", result(c)) for n, says, c in rows),
        ),
        "<h2>Moves</h2>",
        table(
            ("move", "method", "RTO, s", "loss bound, ms", "fenced"),
            (
                (n, *(shown(note.get(key)) for key in ("method", "rto_seconds", "rpo_bound_ms", "fenced")))
                for n, note in moves
            ),
        ),
        f"<h2>Compared with the lab</h2><p>{operations} operations of AWS were recorded, as forms without values.</p>",
        *(["<ul>", *(f"<li><code>{html.escape(line)}</code></li>" for line in differences), "</ul>"]),
    ]
    title = "Acceptance run of trading.multi_region"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{''.join(told)}</html>\n"
    )


def result(chapter: dict[str, Any]) -> str:
    note = chapter.get("note")
    if not chapter.get("ended"):
        return "did not end"
    return note if isinstance(note, str) else "moved"


def shown(value: Any) -> str:
    return "unknown" if value is None else str(value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{html.escape(one)}</th>' for one in head)}</tr>{cells}</table>"
