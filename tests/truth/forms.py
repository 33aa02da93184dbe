# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of answers: which fields they have, of what types, and which words their states are. No other values.

A path names a field: `Groups[].Tags[].Key`, and `Versions.*` for the entries of a map whose keys are identifiers.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "structure"}
# Maps whose keys are identifiers; those of other maps are words of AWS (the attributes of a topic).
KEYED_BY_IDENTIFIER = re.compile(r"(?:^|[.\]])(?:VersionIdsToStages|SecretVersionsToStages|Variables)$")
# Structures of kinds that no recording has, by the field that names the kind: their form is another one.
UNRECORDED = {"HealthCheckConfig": ("Type", {"CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"})}
STATE = re.compile(r"(?:Status|State|State\.Name|State\.Code|StateValue)$")


@dataclass
class Form:
    """Of all answers of one operation: how often each field was there, with which types and words, and its errors."""

    fields: Counter[str] = field(default_factory=Counter)
    structures: Counter[str] = field(default_factory=Counter)
    types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    errors: set[str] = field(default_factory=set)

    def add(self, answer: Mapping[str, Any]) -> None:
        """Add an answer, as boto3 returns it."""
        self._add({name: value for name, value in answer.items() if name != "ResponseMetadata"}, "")

    def _add(self, value: Any, path: str) -> None:
        if isinstance(value, Mapping):
            self.structures[path] += 1
            for name, inner in value.items():
                self._add_field(inner, join(path, "*" if KEYED_BY_IDENTIFIER.search(path) else name))
        elif isinstance(value, list):
            for inner in value:
                self._add(inner, f"{path}[]")

    def _add_field(self, value: Any, path: str) -> None:
        if value is None:  # as boto3 shows the location of a bucket in us-east-1
            return
        self.fields[path] += 1
        self.types[path].add("timestamp" if isinstance(value, datetime) else TYPES[type(value)])
        if isinstance(value, str) and STATE.search(path):
            self.words[path].add(value)
        naming, kinds = UNRECORDED.get(path.rpartition(".")[2], ("", set()))
        self._add(value, f"{path}:{value[naming]}" if naming and value[naming] in kinds else path)


@dataclass(frozen=True, order=True)
class Difference:
    """kind: `missing`, a field that AWS's answers always have; `type`; `state` and `error`, words that AWS has not."""

    operation: str
    field: str
    kind: str
    detail: str = ""


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def parent(path: str) -> str:
    """The structure that has the field."""
    return path.rpartition(".")[0]


def compared(form: Form, known: Mapping[str, Any]) -> list[str]:
    """Known fields that could be compared, because the structure that has them was answered."""
    return [path for path in known if form.structures[parent(path)]]


def differences(
    operation: str, form: Form, known: Mapping[str, Any], states: Mapping[str, Iterable[str]]
) -> list[Difference]:
    """What AWS's form of an operation has and this one has not. states: {path: more words that AWS documents}."""
    found = []
    for path in compared(form, known):
        there, of = form.fields[path], form.structures[parent(path)]
        if known[path]["in"] == "always" and there < of:
            found.append(Difference(operation, path, "missing", f"in {there} of {of}"))
        types = form.types.get(path, set())
        if not types <= {*known[path]["type"].split("/")}:
            found.append(Difference(operation, path, "type", f"{known[path]['type']} is {', '.join(sorted(types))}"))
        allowed = {*known[path].get("words", ()), *states.get(path, ())}
        if strange := form.words.get(path, set()) - allowed:
            found.append(Difference(operation, path, "state", ", ".join(sorted(strange))))
    return found
