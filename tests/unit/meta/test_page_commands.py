# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the pages: playbooks, inputs, inventories and make targets that they name are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[3]
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").glob("*.md"))]
# A block, or a text between backticks.
CODE = re.compile(r"^ *```\w*\n(.*?)^ *```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
PLAYBOOK = re.compile(r"ansible-playbook (?:playbooks/|trading\.multi_region\.)(\w+)(?:\.yml)?([^&|;#\n]*)")
SHORT = re.compile(r"(?<![/\w])(\w+)\.yml((?: -e \S+)+)")
INPUT = re.compile(r"-e (\w+)=")
INVENTORY = re.compile(r"-i (inventories/\w+)")
MAKE = re.compile(r"(?:^|&& )make ([a-z][a-z-]*)((?: +\[?[A-Z_]+=\S*)*)", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(TOP))


def code_of(text: str) -> list[str]:
    """Return blocks and texts between backticks of a page, with continued lines joined."""
    return [(block or inline).replace("\\\n", " ") for block, inline in CODE.findall(text)]


@cache
def inputs() -> dict[str, set[str]]:
    """Return the inputs of each playbook, those of the inventory included."""
    document = yaml.safe_load((TOP / "docs" / "inputs.yml").read_text())
    own = {
        playbook: {key for entry in entries for key in ([entry] if isinstance(entry, str) else entry)}
        for playbook, entries in document["playbooks"].items()
    }
    of_inventory = set(document["inputs"]) - set().union(*own.values())
    return {playbook: names | of_inventory for playbook, names in own.items()}


@cache
def targets() -> dict[str, set[str]]:
    """Return the variables that each target of the Makefile takes: those of its recipe, and those that are exported."""
    makefile = (TOP / "Makefile").read_text()
    recipes = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    exported = set(re.findall(r"^export ([A-Z_]+)$", makefile, re.MULTILINE))
    return {target: exported | set(re.findall(r"\b([A-Z_]+)\b", recipe)) for target, recipe in recipes}


def unknown(text: str) -> list[str]:
    """Return what the commands of a page name and what is not there."""
    known, rules, found = inputs(), targets(), []
    for code in code_of(text):
        for playbook, options in PLAYBOOK.findall(code) + SHORT.findall(code):
            found += [f"{playbook}.yml"] * (playbook not in known)
            found += [
                f"{playbook}.yml -e {one}" for one in INPUT.findall(options) if one not in known.get(playbook, ())
            ]
        found += [one for one in INVENTORY.findall(code) if not (TOP / one).is_dir()]
        for target, variables in MAKE.findall(code):
            found += [f"make {target}"] * (target not in rules)
            used = rules.get(target, set())
            found += [f"make {target} {one}" for one in re.findall(r"([A-Z_]+)=", variables) if one not in used]
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_the_commands_of_a_page_name_is_there(page):
    assert unknown(page.read_text()) == []


@pytest.mark.parametrize(
    "code",
    [
        "ansible-playbook playbooks/gone.yml",
        "ansible-playbook playbooks/status.yml -i inventories/gone",
        "ansible-playbook playbooks/failover.yml -i inventories/demo -e gone=true",
        "failback.yml -e gone=true",
        "make gone",
        "make lab-outage GONE=us-east-1",
    ],
)
def test_what_is_not_there_is_found(code):
    assert unknown(f"`{code}`") != []
    assert unknown(f"```shell\n{code}\n```\n") != []


def test_the_commands_of_the_pages_are_found():
    codes = [code for page in PAGES for code in code_of(page.read_text())]
    assert len({found[0] for code in codes for found in PLAYBOOK.findall(code)}) > 15
    assert len({found[0] for code in codes for found in MAKE.findall(code)}) > 15
