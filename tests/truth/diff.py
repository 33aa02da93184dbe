# SPDX-License-Identifier: GPL-3.0-or-later
"""`make truth-diff`: how AWS's recorded answers differ from the lab's (recording.py), a line for each difference.

Exit code 2 if a file cannot be read, else 0: differences are for people to judge.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.truth import truth
from tests.truth.forms import Difference, known_forms, parent
from tests.truth.recording import VERSION

AWS_ONLY, LAB_ONLY = "AWS only", "lab only"
TYPE, STATE, ERROR = "type", "new state", "new error"
SLOWER, FASTER = "slower", "faster"
KINDS = (AWS_ONLY, LAB_ONLY, TYPE, STATE, ERROR, SLOWER, FASTER)
FACTOR = 3.0
# Medians of fewer answers are not compared.
ENOUGH = 3
# Seconds are recorded so; the lab needs less for some operations.
RESOLUTION_S = 0.001
Document = Mapping[str, Any]
Interval = tuple[float, float]


def differences(aws: Document, lab: Document, factor: float = FACTOR) -> list[Difference]:
    """kind: one of KINDS. `slower` and `faster`: AWS is, by more than the factor. detail of a state: the word."""
    found: list[Difference] = []
    for name, one, other in pairs(aws["operations"], lab["operations"]):
        if one and other:
            found += [*of_fields(name, one, other), *of_errors(name, one, other), *of_speed(name, one, other, factor)]
        else:
            found.append(Difference(name, "", AWS_ONLY if one else LAB_ONLY))
    return [*found, *of_moves(aws, lab, factor)]


def pairs(aws: Mapping, lab: Mapping) -> Iterator[tuple[Any, Any, Any]]:
    """(key, AWS's, the lab's) for the keys of both, None for one that has it not."""
    return ((key, aws.get(key), lab.get(key)) for key in sorted({*aws, *lab}))


def of_fields(operation: str, aws: Document, lab: Document) -> Iterator[Difference]:
    """Of the fields whose structure is in answers of both."""
    if not (aws["answers"] and lab["answers"]):
        if aws["answers"] or lab["answers"]:
            yield Difference(operation, "", AWS_ONLY if aws["answers"] else LAB_ONLY, "the other has only errors")
        return
    for path, one, other in pairs(aws["fields"], lab["fields"]):
        if one and other:
            yield from of_field(operation, path, one, other)
        elif parent(path) in structures(lab if one else aws):
            there = one or other
            yield Difference(operation, path, AWS_ONLY if one else LAB_ONLY, f"{there['in']}, {there['type']}")


def of_field(operation: str, path: str, aws: Document, lab: Document) -> Iterator[Difference]:
    if aws["type"] != lab["type"]:
        yield Difference(operation, path, TYPE, f"{aws['type']}, in the lab {lab['type']}")
    if aws["in"] != lab["in"] and not path.endswith("*"):  # a map has the keys that its user gave it
        kind, other = (AWS_ONLY, "the lab") if aws["in"] == "always" else (LAB_ONLY, "AWS")
        yield Difference(operation, path, kind, f"not in every answer of {other}")
    for word in sorted({*aws.get("words", ())} - {*lab.get("words", ())}):
        yield Difference(operation, path, STATE, word)


def structures(operation: Document) -> set[str]:
    """The paths of the structures that were in its answers."""
    fields = operation["fields"]
    return {"", *map(parent, fields), *(path for path, one in fields.items() if "structure" in one["type"])}


def of_errors(operation: str, aws: Document, lab: Document) -> Iterator[Difference]:
    known = {error["code"] for error in lab["errors"]}
    for error in aws["errors"]:
        if error["code"] not in known:
            yield Difference(operation, error["code"], ERROR, f"{error['times']} times")


def of_speed(operation: str, aws: Document, lab: Document, factor: float) -> Iterator[Difference]:
    if min(aws["answers"], lab["answers"]) >= ENOUGH:
        one, other = (max(side["seconds"]["median"], RESOLUTION_S) for side in (aws, lab))
        yield from of_times(operation, "", (one, one), (other, other), factor)


def of_times(operation: str, field: str, aws: Interval, lab: Interval, factor: float) -> Iterator[Difference]:
    """Of two durations, each known to lie in an interval of seconds: only where no values in them are close enough."""
    if aws[0] > factor * lab[1]:
        yield Difference(operation, field, SLOWER, f"{seconds(aws)}, in the lab {seconds(lab)}")
    elif lab[0] > factor * aws[1]:
        yield Difference(operation, field, FASTER, f"{seconds(aws)}, in the lab {seconds(lab)}")


def seconds(interval: Interval) -> str:
    after, by = (f"{end:.3g}" for end in interval)
    return f"{by} s" if after == by else f"{after} to {by} s"


def of_moves(aws: Document, lab: Document, factor: float) -> Iterator[Difference]:
    """Of the moves in both series, phase by phase, as each region has shown them."""
    for (move, view), one, other in pairs(moves(aws), moves(lab)):
        name = f"{move} seen in the {view} region"
        if one is None or other is None:
            yield Difference(name, "", LAB_ONLY if one is None else AWS_ONLY)
            continue
        for phase, here, there in pairs(one, other):
            if here and there:
                yield from of_times(name, phase, here, there, factor)
            else:
                yield Difference(name, phase, AWS_ONLY if here else LAB_ONLY, seconds(here or there))


def moves(document: Document) -> dict[tuple[str, str], dict[str, Interval]]:
    """{(move, view): phases} of a series, in seconds of AWS."""

    def key(one: Document) -> tuple[str, str]:
        return one["move"], one["view"]

    ordered = sorted(document["series"], key=lambda one: (*key(one), one["t"]))
    return {name: phases([*group], document["scale"]) for name, group in groupby(ordered, key)}


def phases(observations: list[Document], scale: float = 1) -> dict[str, Interval]:
    """{phase: when it began, in seconds of AWS since the move was requested} of the phases that were seen.

    begun: the global database shows that it moves. writer: another region is the writer than at first. settled: that,
    it moves no more, and all others are connected. A time lies between two observations, and so in an interval.
    """
    first = writer(observations[0])
    begins = {
        "begun": is_moving,
        "writer": lambda one: writer(one) not in (None, first),
        "settled": lambda one: writer(one) not in (None, first) and not is_moving(one) and is_connected(one),
    }
    times = [max(one["t"], 0) * scale for one in observations]
    found = {}
    for phase, begun in begins.items():
        at = next((number for number, one in enumerate(observations) if begun(one)), None)
        if at is not None:
            found[phase] = (times[at - 1] if at else 0.0, times[at])
    return found


def writer(observation: Document) -> str | None:
    return next((one["region"] for one in observation["members"] if one["writer"]), None)


def is_moving(observation: Document) -> bool:
    return observation["failover_state"] is not None or observation["status"] != "available"


def is_connected(observation: Document) -> bool:
    return all(one["writer"] or one["status"] == "connected" for one in observation["members"])


def why_accepted(one: Difference, clients: Iterable[str]) -> str:
    """Where a difference is accepted; empty if nowhere. clients: of boto3, which called the operation."""
    kinds = {AWS_ONLY: "missing", TYPE: "type", ERROR: "error"}
    if (one.operation, one.field, kinds.get(one.kind)) in truth.exceptions():
        return "exceptions.yml"
    known = known_forms().get(one.operation, {}).get(one.field, {})
    if one.kind in (AWS_ONLY, LAB_ONLY) and known.get("in") == "sometimes":
        return "other recordings"
    if one.kind == STATE and one.detail in known.get("words", ()):
        return "other recordings"
    _endpoint, _dot, name = one.operation.partition(".")
    if one.kind == STATE and any(one.detail in truth.states_at(client, name, one.field) for client in clients):
        return "documentation"
    if one.kind == ERROR and any(one.field in truth.known_errors(client, name) for client in clients):
        return "documentation"
    return ""


def report(aws: Document, lab: Document, factor: float) -> Iterator[str]:
    """A line for each difference, the unaccepted ones first, and one of counts."""
    found = differences(aws, lab, factor)
    marks = {one: why_accepted(one, aws["operations"].get(one.operation, {}).get("clients", ())) for one in found}
    for one in sorted(found, key=lambda one: (bool(marks[one]), one)):
        detail = f" ({one.detail})" if one.detail else ""
        yield f"{f'{one.operation} {one.field}'.strip()}: {one.kind}{detail}{accepted(marks[one])}"
    counts = Counter(one.kind for one in found)
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    both = len({*aws["operations"]} & {*lab["operations"]})
    accepted_ones = sum(map(bool, marks.values()))
    yield f"{both} operations compared: {len(found)} differences ({kinds or 'none'}), {accepted_ones} of them accepted"
    for name, document in (("AWS", aws), ("the lab", lab)):
        if document["lost"]:
            yield f"{document['lost']} answers of {name} were lost by the recorder"


def accepted(mark: str) -> str:
    return f", accepted: {mark}" if mark else ""


class Unreadable(Exception):
    """A sentence."""


def load(name: str) -> Document:
    try:
        document = json.loads(Path(name).read_text())
    except (OSError, ValueError) as error:
        raise Unreadable(f"{name} cannot be read: {error}") from error
    version = document.get("version") if isinstance(document, dict) else None
    if version != VERSION:
        raise Unreadable(f"{name} is of version {version}; version {VERSION} is compared (tests/truth/recording.py).")
    return document


def main(aws: str, lab: str, factor: str | float = FACTOR) -> int:
    try:
        lines = report(load(aws), load(lab), float(factor))
    except Unreadable as error:
        print(f"truth-diff: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
