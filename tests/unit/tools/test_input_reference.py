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
def told():
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
def test_an_input_has_its_type_default_limits_and_choices_from_the_gate(told, name, cells):
    row = rows(input_reference.reference(told), "failover")[name]
    assert [cell for cell in cells if cell not in row] == [], row


def test_a_variable_of_the_inventory_has_the_collections_value(told):
    row = rows(input_reference.reference(told), "In the inventory")["health_quorum"]
    assert "| int | `2` | a whole number from 2 to 1000, without a unit |" in row


def test_what_differs_in_a_playbook_stands_there(told):
    page = input_reference.reference(told)
    assert "the preferred region" in rows(page, "failback")["target_region"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda told: told["inputs"].pop("force"), "docs/inputs.yml: inputs has no force"),
        (lambda told: told["playbooks"].pop("site"), "docs/inputs.yml: playbooks has no site"),
        (lambda told: told["playbooks"].update(tea=[]), "docs/inputs.yml: tea is no playbook"),
        (
            lambda told: told["inputs"].update(sugar={"meaning": "Sweet."}),
            "docs/inputs.yml: sugar is unknown to plugins/plugin_utils/inputs.py",
        ),
    ],
)
def test_an_input_or_a_playbook_that_is_not_told_is_found(told, change, sentence):
    assert input_reference.problems(told) == []
    change(told)
    assert sentence in input_reference.problems(told)
