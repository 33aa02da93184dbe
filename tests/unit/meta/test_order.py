# SPDX-License-Identifier: GPL-3.0-or-later
"""No order is left to chance: Ansible's set filters return their result in the order of hashes, another in each run.

A teardown once removed the layers in such an order, the network before the database that was in it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
FOLDERS, KINDS = ("playbooks", "roles", "group_vars"), (".yml", ".j2")
FILES = sorted(file for folder in FOLDERS for file in (TOP / folder).rglob("*") if file.suffix in KINDS)
SET_FILTER = re.compile(r"\|\s*(?:difference|intersect|symmetric_difference|union)\s*\(")


def rest_of_expression(text: str, start: int) -> str:
    """What follows the parentheses that open before ``start``."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[at + 1 :].lstrip()
    return ""


def left_to_chance(text: str) -> list[str]:
    """The uses of a set filter whose result is neither counted nor sorted."""
    return [
        text[found.start() : found.start() + 60]
        for found in SET_FILTER.finditer(text)
        if not re.match(r"\)?\s*\|\s*(?:length|sort)\b", rest_of_expression(text, found.end()))
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TOP)))
def test_a_set_is_counted_or_sorted(file):
    assert left_to_chance(file.read_text()) == []


def test_a_loop_over_a_set_is_found():
    assert left_to_chance("loop: \"{{ layers | difference(platform_layers_absent + ([] if a else ['b'])) }}\"") != []
    assert left_to_chance("that: layers | difference(known) | length == 0") == []
