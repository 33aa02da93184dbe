# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of answers: which fields they have, of what types, and which words their states are. No other values.

A path names a field: `Groups[].Tags[].Key`, and `Versions.*` for the entries of a map whose keys are identifiers.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILES = ("recorded.json", "printed.json")
# Everything else, such as the stream of an object's content, is `other`.
TYPES = {bool: "boolean", int: "number", float: "number", str: "string", bytes: "blob", list: "list", dict: "structure"}
# Maps whose keys are identifiers; those of other maps are words of AWS (the attributes of a topic).
KEYED_BY_IDENTIFIER = re.compile(r"(?:^|[.\]])(?:VersionIdsToStages|SecretVersionsToStages|Variables)$")
# Structures of kinds that no recording has, by the field that names the kind: their form is another one.
UNRECORDED = {"HealthCheckConfig": ("Type", {"CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"})}
STATE = re.compile(r"(?:Status|State|State\.Name|State\.Code|StateValue)$")
# What AWS's words for states look like, and no ARN, address, account or time does.
WORD = re.compile(r"[A-Za-z0-9_ -]{1,40}")
DIGITS = re.compile(r"\d{6}")


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
                self._add_field(inner, join(path, self.name_of(path, name)))
        elif isinstance(value, list):
            for inner in value:
                self._add(inner, f"{path}[]")

    def _add_field(self, value: Any, path: str) -> None:
        if value is None:  # as boto3 shows the location of a bucket in us-east-1
            return
        self.fields[path] += 1
        self.types[path].add("timestamp" if isinstance(value, datetime) else TYPES.get(type(value), "other"))
        if isinstance(value, str) and self.is_state(path, value):
            self.words[path].add(value)
        naming, kinds = UNRECORDED.get(path.rpartition(".")[2], ("", set()))
        kind = value.get(naming) if naming and isinstance(value, Mapping) else None
        self._add(value, f"{path}:{kind}" if kind in kinds else path)

    def name_of(self, path: str, key: str) -> str:
        """The name of a field in the structure or map at a path."""
        return "*" if KEYED_BY_IDENTIFIER.search(path) else key

    def is_state(self, path: str, value: str) -> bool:
        """Whether the value of the field at a path is the word of a state."""
        return bool(STATE.search(path))

    def as_fields(self) -> dict[str, dict[str, Any]]:
        """{path: {in, type, words?}}, as recorded.json has it."""
        fields: dict[str, dict[str, Any]] = {}
        for path in sorted(self.types):
            always = self.fields[path] >= self.structures[parent(path)]
            fields[path] = {"in": "always" if always else "sometimes", "type": "/".join(sorted(self.types[path]))}
            if words := self.words.get(path):
                fields[path]["words"] = sorted(words)
        return fields


@dataclass(frozen=True, order=True)
class Difference:
    """kind: `missing`, a field that AWS's answers always have; `type`; `state` and `error`, words that AWS has not.

    Of two recordings: one of diff.KINDS.
    """

    operation: str
    field: str
    kind: str
    detail: str = ""


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def parent(path: str) -> str:
    """The structure that has the field."""
    return path.rpartition(".")[0]


def is_word(value: str) -> bool:
    """Whether a string looks like a word that AWS has for a state."""
    return bool(WORD.fullmatch(value)) and not DIGITS.search(value)


def shape_at(shape: Any, path: str) -> Any:
    """What botocore's model has at a path below a shape; None if nothing."""
    for part in path.replace("[]", ".[]").split(".") if path else ():
        kind = getattr(shape, "type_name", None)
        if kind == "structure":
            shape = shape.members.get(part.partition(":")[0])
        elif kind in ("list", "map"):
            shape = shape.member if kind == "list" else shape.value
        else:
            return None
    return shape


@lru_cache
def known_forms() -> dict[str, dict[str, Any]]:
    """{operation: {path: {in, type, words?}}} of AWS's answers."""
    files = [json.loads((HERE / name).read_text()) for name in FILES]
    return {operation: entry["fields"] for file in files for operation, entry in file.items()}


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
