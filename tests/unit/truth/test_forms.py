# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of answers finds every kind of difference, and nothing where there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.truth import truth
from tests.truth.forms import Difference, Form, compared, differences

NAMES = st.from_regex(r"[A-Z][a-z]{1,5}", fullmatch=True)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
ALWAYS, NOW = "always", datetime(2026, 11, 29, tzinfo=UTC)
KNOWN = {
    "Groups": {"in": ALWAYS, "type": "list"},
    "Groups[].Name": {"in": ALWAYS, "type": "string"},
    "Groups[].Size": {"in": ALWAYS, "type": "number"},
    "Groups[].Created": {"in": ALWAYS, "type": "string/timestamp"},
    "Groups[].Status": {"in": "sometimes", "type": "string", "words": ["available"]},
    "Groups[].VersionIdsToStages": {"in": "sometimes", "type": "structure"},
    "Groups[].VersionIdsToStages.*": {"in": "sometimes", "type": "list"},
    "Groups[].Tags[].Key": {"in": ALWAYS, "type": "string"},
}


def group(**changes: Any) -> dict[str, Any]:
    """A group as AWS has it, with changes; None leaves a field out."""
    whole = {"Name": "n", "Size": 1, "Created": NOW, "Status": "available", **changes}
    return {name: value for name, value in whole.items() if value is not None}


def found(*groups: dict[str, Any], **states: list[str]) -> list[tuple[str, str, str]]:
    form = Form()
    form.add({"Groups": [*groups], "ResponseMetadata": {"RequestId": "r"}})
    more = {f"Groups[].{name}": words for name, words in states.items()}
    return [(one.field, one.kind, one.detail) for one in differences("s.Op", form, KNOWN, more)]


def test_an_answer_as_aws_gives_it_has_no_difference():
    assert found(group(), group(Status=None)) == []
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"Name": None}, ("Groups[].Name", "missing", "in 1 of 2")),
        ({"Size": "1"}, ("Groups[].Size", "type", "number is number, string")),
        ({"Created": 1.5}, ("Groups[].Created", "type", "string/timestamp is number, timestamp")),
        ({"Status": "ready"}, ("Groups[].Status", "state", "ready")),
        ({"Status": True}, ("Groups[].Status", "type", "string is boolean, string")),
        ({"Tags": [{"Value": "v"}]}, ("Groups[].Tags[].Key", "missing", "in 0 of 1")),
    ],
)
def test_each_kind_of_difference_is_found_in_one_of_two(changes, difference):
    assert found(group(), group(**changes)) == [difference]


def test_a_state_that_aws_documents_is_no_difference():
    assert found(group(Status="ready"), Status=["ready"]) == []


def test_keys_of_a_map_that_are_identifiers_are_not_part_of_the_form():
    form = Form()
    form.add({"Groups": [group(VersionIdsToStages={"0f3": ["AWSCURRENT"], "9ab": []})]})
    assert form.fields["Groups[].VersionIdsToStages.*"] == 2 and "0f3" not in str(form)


def test_what_lies_in_a_structure_that_was_not_answered_is_not_compared():
    form = Form()
    form.add({"Groups": []})
    assert compared(form, KNOWN) == ["Groups"]


def test_a_structure_of_a_kind_that_no_recording_has_is_not_compared():
    form = Form()
    form.add({"HealthCheckConfig": {"Type": "CALCULATED", "HealthThreshold": 1}})
    assert form.structures["HealthCheckConfig"] == 0
    form.add({"HealthCheckConfig": {"Type": "HTTPS", "Port": 443}})
    assert form.structures["HealthCheckConfig"] == 1


@given(st.dictionaries(NAMES, VALUES))
def test_every_answer_agrees_with_its_own_form(answer):
    form = Form()
    form.add(answer)
    known = {
        path: {"in": ALWAYS if form.fields[path] == form.structures[path.rpartition(".")[0]] else "sometimes"}
        | {"type": "/".join(form.types[path]), "words": form.words.get(path, ())}
        for path in form.types
    }
    assert differences("s.Op", form, known, {}) == []


def test_nothing_of_the_known_forms_is_a_value():
    for operation, fields in truth.known_forms().items():
        for path, known in fields.items():
            assert {*known} <= {"in", "type", "words"} and known["in"] in ("always", "sometimes"), (operation, path)


def test_an_exception_has_a_reason_and_names_a_known_field():
    for (operation, field, kind), reason in truth.exceptions().items():
        assert kind == "error" or field in truth.known_forms()[operation], (operation, field)
        assert len(reason) > 40, (operation, field)


def test_an_exception_that_no_difference_needs_is_found():
    comparison = truth.Comparison(excused=[Difference(*next(iter(truth.exceptions())))])
    assert len(comparison.unused) == len(truth.exceptions()) - 1
