# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml and galaxy.yml keep up with the tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


def load(name):
    return yaml.safe_load((ROOT / name).read_text())


def test_the_action_group_names_every_module_once_in_order():
    group = load("meta/runtime.yml")["action_groups"]["all"]
    names = [entry for entry in group if isinstance(entry, str)]
    modules = [path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__"]
    assert names == sorted(modules)


def test_the_action_group_reaches_the_modules_of_our_dependencies():
    group = load("meta/runtime.yml")["action_groups"]["all"]
    (extended,) = [entry["metadata"] for entry in group if "metadata" in entry]
    assert extended == {"extend_group": ["amazon.aws.aws", "community.aws.aws"]}


@pytest.mark.parametrize("name", ["amazon.aws", "community.aws"])
def test_the_range_of_a_dependency_holds_the_version_tested_here(name):
    lowest, above = load("galaxy.yml")["dependencies"][name].split(",")
    place = ROOT / ".collections" / "ansible_collections" / Path(*name.split("."))
    installed = json.loads((place / "MANIFEST.json").read_text())["collection_info"]["version"]
    assert numbers(lowest.removeprefix(">=")) <= numbers(installed) < numbers(above.removeprefix("<"))


def numbers(version):
    return tuple(int(part) for part in version.split("."))
