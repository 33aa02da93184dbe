# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of all inputs follows what judges them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import input_reference  # noqa: E402  (a tool is a script, found by its directory)


@pytest.fixture
def document():
    return yaml.safe_load(input_reference.INPUTS.read_text())


def rows(page, section):
    """{input: its row} of one section of the page."""
    (text,) = [part for part in page.split("\n## ") if part.startswith(f"{section}\n")]
    return {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("method", ["| str | failover | one of failover, switchover, detach, auto |"]),
        ("wait_timeout", ["| int |", "| a whole number of seconds from 1 to 86400, without a unit |"]),
        ("force", ["| bool | false | true or false |"]),
        ("target_region", ["| str | the best standby | one of the platform's regions |"]),
    ],
)
def test_an_input_has_its_type_default_limits_and_choices_from_the_gate(document, name, cells):
    row = rows(input_reference.reference(document), "failover")[name]
    assert [cell for cell in cells if cell not in row] == [], row


def test_a_variable_of_the_inventory_has_the_collections_value(document):
    row = rows(input_reference.reference(document), "In the inventory")["health_quorum"]
    assert "| int | `2` | a whole number from 2 to 1000, without a unit |" in row


def test_lists_differences_of_a_playbook_in_its_section(document):
    page = input_reference.reference(document)
    assert "the preferred region" in rows(page, "failback")["target_region"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda document: document["inputs"].pop("force"), "docs/inputs.yml: inputs has no force"),
        (lambda document: document["playbooks"].pop("site"), "docs/inputs.yml: playbooks has no site"),
        (lambda document: document["playbooks"].update(tea=[]), "docs/inputs.yml: tea is no playbook"),
        (
            lambda document: document["inputs"].update(sugar={"meaning": "Sweet."}),
            "docs/inputs.yml: sugar is unknown to plugins/plugin_utils/inputs.py",
        ),
    ],
)
def test_finds_an_undocumented_input_or_playbook(document, change, sentence):
    assert input_reference.problems(document) == []
    change(document)
    assert sentence in input_reference.problems(document)
