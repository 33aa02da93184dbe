# SPDX-License-Identifier: GPL-3.0-or-later
"""Each playbook has a runbook, all of the same shape."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
RUNBOOKS = (TOP / "docs" / "runbooks.md").read_text()
PLAYBOOKS = sorted(path.stem for path in (TOP / "playbooks").glob("*.yml"))
# The symptom, the command, what is seen, what can go wrong with what to do about it, and how to go on.
PARTS = {
    "symptom": r"^\*\*When\.\*\* \S",
    "command": r"^\*\*Run\.\*\* `ansible-playbook playbooks/{name}\.yml\b",
    "what is seen": r"^\*\*You see\.\*\* \S",
    "what can go wrong": r"^\| it (goes wrong|says) \| do \|$\n^\|---\|---\|$\n^\| \S",
    "how to go on": r"^\*\*Resume\.\*\* \S",
}


def section(name: str) -> str:
    """The text below a playbook's heading; empty where there is none."""
    found = re.search(rf"^## {name}$(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_has_a_runbook_from_the_symptom_to_going_on(playbook):
    text = section(playbook)
    missing = [part for part, form in PARTS.items() if not re.search(form.replace("{name}", playbook), text, re.M)]
    assert missing == [], f"docs/runbooks.md, section {playbook}"


def test_a_runbook_belongs_to_a_playbook_that_is_there():
    assert sorted(re.findall(r"^## (\S+)$", RUNBOOKS, re.MULTILINE)) == PLAYBOOKS
