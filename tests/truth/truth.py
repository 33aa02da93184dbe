# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of AWS's answers, and what of it the lab is excused from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from tests.truth.answers import enumerated, modelled_errors, name_of
from tests.truth.forms import Difference, Form, compared, differences, known_forms

HERE = Path(__file__).parent


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
    """{path: words of states that AWS documents} of a form."""
    return {path: states_at(service, operation, path) for path in form.words}


def states_at(service: str, operation: str, path: str) -> list[str]:
    """Words of a state that AWS documents: the model's, and those of states.yml."""
    where = (name_of(service, operation), path)
    pages = [page["words"] for page in documented("states") if where in page["fields"].items()]
    return [*enumerated(service, operation, path), *chain(*pages)]


def strange_errors(service: str, operation: str, form: Form) -> list[Difference]:
    """Error codes that AWS documents neither for the operation nor for its service."""
    strange = form.errors - known_errors(service, operation)
    return [Difference(name_of(service, operation), code, "error", "not of AWS") for code in sorted(strange)]


def known_errors(service: str, operation: str) -> set[str]:
    """Error codes that the model has for the operation, or errors.yml for its service."""
    common = (page["codes"] for page in documented("errors") if service in page["services"])
    return {*modelled_errors(service, operation), *chain(*common)}
