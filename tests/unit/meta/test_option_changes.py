# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what is changed on a platform in use: all options of all roles, none twice, each in a README."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TABLE = ROOT / "tests/integration/option_changes.yml"
CHANGES: dict[str, dict[str, Any]] = yaml.safe_load(TABLE.read_text())
ROLES = sorted(path.parts[-3] for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
HEADING = "## What a change does to a platform in use"


def optional(role: str) -> set[str]:
    """The options of provisioning that have a default, or none."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {name for name, option in specs["provision"]["options"].items() if not option.get("required")}


def not_changed(role: str) -> list[str]:
    return [name for names in CHANGES[role]["not_changed"].values() for name in names]


@pytest.mark.parametrize("role", ROLES)
def test_each_option_of_a_role_is_changed_on_a_platform_in_use_or_has_the_reason_why_not(role):
    listed = [*CHANGES[role]["changed"], *not_changed(role)]
    assert len(listed) == len({*listed}), "an option is there once"
    missing, unknown = optional(role) - {*listed}, {*listed} - optional(role)
    assert not missing, f"add them to {TABLE.name}, with another value under `changed`, or with the reason why not"
    assert not unknown, f"remove them from {TABLE.name}: the role has no such options"


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_of_a_role_says_what_changing_an_option_does(role):
    readme = (ROOT / "roles" / role / "README.md").read_text()
    assert HEADING in readme
    section = readme.partition(HEADING)[2].partition("\n## ")[0]
    assert {name for name in CHANGES[role]["changed"] if f"`{name}`" not in section} == set()
