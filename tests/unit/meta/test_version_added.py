# SPDX-License-Identifier: GPL-3.0-or-later
"""version_added of a module or plugin is the release that brought it: antsibull-changelog lists new ones by it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
RELEASES = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text())["releases"]
# Module utils have no documentation, action plugins have their module's.
KINDS = ("modules", "filter", "lookup", "callback", "inventory")


def documentation(path: Path) -> dict | None:
    """What a module or plugin says of itself; None of a file that holds none, such as a filter's code."""
    if path.suffix == ".yml":
        return yaml.safe_load(path.read_text())["DOCUMENTATION"]
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    return None


def documented() -> dict[tuple[str, str], str]:
    """(kind, name) to version_added."""
    found = {}
    for kind in KINDS:
        for path in sorted((ROOT / "plugins" / kind).glob("*.*")):
            said = documentation(path)
            if said:
                found[kind.removesuffix("s"), path.stem] = said["version_added"]
    return found


def released() -> dict[tuple[str, str], str]:
    """(kind, name) to the release whose list of news has it."""
    found = {}
    for version, release in RELEASES.items():
        plugins = release.get("plugins", {}) | {"module": release.get("modules", [])}
        found |= {(kind, one["name"]): version for kind, news in plugins.items() for one in news}
    return found


DOCUMENTED, RELEASED = documented(), released()


@pytest.mark.parametrize("kind, name", sorted(RELEASED))
def test_what_a_release_brought_says_so(kind, name):
    assert DOCUMENTED[kind, name] == RELEASED[kind, name]


def test_what_no_release_brought_yet_names_none_that_is_out():
    unreleased = {one: DOCUMENTED[one] for one in DOCUMENTED.keys() - RELEASED.keys()}
    assert {one: version for one, version in unreleased.items() if version in RELEASES} == {}
