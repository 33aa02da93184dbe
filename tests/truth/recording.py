# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.truth.recording FOLDER FILE [SCALE]`: what was recorded in a folder (hook/), as one JSON document.

The document has no values of AWS's answers, but names of fields, words of states and codes of errors:

    version     1
    scale       seconds of AWS that pass in one: 1, or a lab's
    operations  {operation: {clients, answers, seconds, errors, fields}}
                answers: how many came without an error. seconds: {min, median, max} of these, None if there was none
                errors: [{code, times, seconds}]. fields: {path: {in, type, words?}}, as in recorded.json
    series      [observation]
    lost        lines that could not be read, and answers whose form the recorder did not make

An observation is a line of FOLDER/series.jsonl, a global database at a moment of a move:

    move            a name for it, of letters: `switchover`
    t               seconds since the move was requested, not scaled; the first observation is of how it was before
    view            the region that was asked: `first`, `second` ... of the platform's
    status, members, failover_state     as `observe` returns them
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.truth.forms import Form, is_word

VERSION = 1
SERIES = "series.jsonl"
OBSERVATION = ("move", "t", "view", "status", "members", "failover_state")
# As many as a global database can have.
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh".split()


@dataclass
class Operation:
    """What was recorded of an operation; seconds of its answers, and of its errors by code."""

    clients: set[str] = field(default_factory=set)
    form: Form = field(default_factory=Form)
    seconds: list[float] = field(default_factory=list)
    errors: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: Mapping[str, Any], form: Mapping[str, Any]) -> None:
        """form: that of an answer, empty for an error."""
        self.clients.add(line["client"])
        if "error" in line:
            self.errors[line["error"]].append(line["seconds"])
            return
        self.seconds.append(line["seconds"])
        self.form.structures.update(form["structures"])
        for path, one in form["fields"].items():
            self.form.fields[path] += one["in"] == "always"
            self.form.types[path].update(one["type"].split("/"))
            self.form.words[path].update(one.get("words", ()))

    def as_document(self) -> dict[str, Any]:
        return {
            "clients": sorted(self.clients),
            "answers": len(self.seconds),
            "seconds": spread(self.seconds),
            "errors": [
                {"code": code, "times": len(seconds), "seconds": spread(seconds)}
                for code, seconds in sorted(self.errors.items())
            ],
            "fields": self.form.as_fields(),
        }


def merge(folder: Path, scale: float = 1) -> dict[str, Any]:
    """The document of everything that processes, and whoever observed the moves, have left in a folder."""
    lines, lost = [], 0
    for file in sorted(folder.glob("*.jsonl")):
        for line in read_lines(file) if file.name != SERIES else ():
            if line is None or "unread" in line:
                lost += 1
            else:
                lines.append(line)
    forms = {line["form"]: line for line in lines if "fields" in line}
    operations: dict[str, Operation] = defaultdict(Operation)
    for line in lines:
        if "error" in line or line["form"] in forms:
            operations[line["operation"]].add(line, forms.get(line.get("form"), {}))
        else:
            lost += 1
    series = read_lines(folder / SERIES) if (folder / SERIES).exists() else ()
    return {
        "version": VERSION,
        "scale": scale,
        "operations": {name: one.as_document() for name, one in sorted(operations.items())},
        "series": [{name: without_values(one[name]) for name in OBSERVATION} for one in series if one],
        "lost": lost,
    }


def observe(answer: Mapping[str, Any], regions: Sequence[str]) -> dict[str, Any]:
    """The global database of a DescribeGlobalClusters answer, without names: {status, members, failover_state}.

    regions: the platform's; the first of them is `first`, one that is not of them `other`.
    members: [{region, writer, status, readers: [region]}] in the order of regions; status is the SynchronizationStatus.
    failover_state: {status, from, to, data_loss_allowed}, None while there is none.
    Of no global database: status None and no members. ValueError: the answer has several.
    """
    clusters = answer["GlobalClusters"]
    if len(clusters) > 1:
        raise ValueError(f"The answer has {len(clusters)} global databases; ask for one by its identifier.")
    cluster = clusters[0] if clusters else {}
    members = [
        {
            "region": ordinal(one["DBClusterArn"], regions),
            "writer": one["IsWriter"],
            "status": without_values(one.get("SynchronizationStatus")),
            "readers": [ordinal(arn, regions) for arn in one.get("Readers", ())],
        }
        for one in cluster.get("GlobalClusterMembers", ())
    ]
    return {
        "status": without_values(cluster.get("Status")),
        "members": sorted(members, key=lambda one: [*ORDINALS, "other"].index(one["region"])),
        "failover_state": failover_state(cluster.get("FailoverState"), regions),
    }


def failover_state(state: Mapping[str, Any] | None, regions: Sequence[str]) -> dict[str, Any] | None:
    """AWS leaves the structure out, or empty, while nothing moves."""
    if not state:
        return None
    return {
        "status": without_values(state.get("Status")),
        "from": ordinal(state.get("FromDbClusterArn", ""), regions),
        "to": ordinal(state.get("ToDbClusterArn", ""), regions),
        "data_loss_allowed": state.get("IsDataLossAllowed"),
    }


def ordinal(arn: str, regions: Sequence[str]) -> str:
    """`first` for a resource in the first of the regions."""
    _arn, _partition, _service, region, *_rest = f"{arn}:::".split(":")
    return ORDINALS[regions.index(region)] if region in regions else "other"


def without_values(value: Any) -> Any:
    """The same, with `*` for every string that does not look like a word of AWS's."""
    if isinstance(value, str):
        return value if is_word(value) else "*"
    if isinstance(value, Mapping):
        return {without_values(name): without_values(inner) for name, inner in value.items()}
    return [without_values(inner) for inner in value] if isinstance(value, list) else value


def read_lines(file: Path) -> Iterator[dict[str, Any] | None]:
    """The objects of a file, a line each; None for a line that was not written whole."""
    for text in file.read_text(errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        yield line if isinstance(line, dict) else None


def spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    return {"min": min(seconds), "median": round(median(seconds), 3), "max": max(seconds)}


def main(folder: str, file: str, scale: str = "1") -> None:
    document = merge(Path(folder), float(scale))
    Path(file).write_text(json.dumps(document, indent=1) + "\n")
    answers = sum(one["answers"] for one in document["operations"].values())
    print(f"{len(document['operations'])} operations, {answers} answers, {document['lost']} lost: {file}")


if __name__ == "__main__":
    main(*sys.argv[1:])
