# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of AWS's answers, and what of it the lab is excused from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tests.truth.answers import enumerated, modelled_errors, name_of
from tests.truth.forms import Difference, Form, compared, differences

HERE = Path(__file__).parent
FORMS = ("recorded.json", "printed.json")


@lru_cache
def known_forms() -> dict[str, dict[str, Any]]:
    """{operation: {path: {in, type, words?}}}."""
    files = [json.loads((HERE / name).read_text()) for name in FORMS]
    return {operation: entry["fields"] for file in files for operation, entry in file.items()}


@lru_cache
def documented(name: str) -> Any:
    """A file of what documentation says, or of exceptions."""
    return yaml.safe_load((HERE / f"{name}.yml").read_text())


@dataclass
class Comparison:
    """operations and fields: how much was compared. unused: exceptions that no difference needed."""

    found: list[Difference] = field(default_factory=list)
    excused: list[Difference] = field(default_factory=list)
    operations: int = 0
    fields: int = 0

    @property
    def unused(self) -> set[tuple[str, str, str]]:
        return {*exceptions()} - {(one.operation, one.field, one.kind) for one in self.excused}

    def __str__(self) -> str:
        lines = [f"{one.operation} {one.field}: {one.kind} ({one.detail})" for one in sorted(self.found)]
        figures = f"{self.operations} operations, {self.fields} fields, {len(self.excused)} differences excused"
        return "\n".join([figures, *lines])


def exceptions() -> dict[tuple[str, str, str], str]:
    """{(operation, field, kind): reason}."""
    return {
        (operation, path, one["kind"]): one["reason"]
        for one in documented("exceptions")
        for operation in one["operations"]
        for path in one["fields"]
    }


def compare(forms: Mapping[tuple[str, str], Form]) -> Comparison:
    """Hold the lab's forms, by client and operation, to what is known."""
    result, excused = Comparison(), exceptions()
    for (service, operation), form in forms.items():
        name = name_of(service, operation)
        known = known_forms().get(name, {})
        fields = compared(form, known)
        result.operations += bool(fields)
        result.fields += len(fields)
        found = differences(name, form, known, states_of(service, operation, form))
        for one in [*found, *strange_errors(service, operation, form)]:
            (result.excused if (one.operation, one.field, one.kind) in excused else result.found).append(one)
    return result


def states_of(service: str, operation: str, form: Form) -> dict[str, list[str]]:
    """Words of states that AWS documents: the model's, and those of states.yml."""
    pages = {(op, path): page["words"] for page in documented("states") for op, path in page["fields"].items()}
    name = name_of(service, operation)
    return {path: [*enumerated(service, operation, path), *pages.get((name, path), ())] for path in form.words}


def strange_errors(service: str, operation: str, form: Form) -> list[Difference]:
    """Error codes that neither the model nor errors.yml has for the operation."""
    pages = documented("errors")
    common = {code for page in pages if service in page["services"] for code in page["codes"]}
    strange = form.errors - modelled_errors(service, operation) - common
    return [Difference(name_of(service, operation), code, "error", "not of AWS") for code in sorted(strange)]
