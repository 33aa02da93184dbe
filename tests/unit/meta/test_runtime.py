# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml and galaxy.yml keep up with the tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.trading.multi_region.plugins.plugin_utils import in_process
from tests.matrix.cells import CELLS
from tests.tools import set_up

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
    lowest = load("galaxy.yml")["dependencies"][name]
    place = ROOT / ".collections" / "ansible_collections" / Path(*name.split("."))
    installed = json.loads((place / "MANIFEST.json").read_text())["collection_info"]["version"]
    assert numbers(lowest.removeprefix(">=")) <= numbers(installed)
    assert numbers(installed)[0] <= in_process.TESTED, "a later one is warned of"


def test_the_oldest_cell_has_the_oldest_ansible_that_is_allowed():
    lowest = numbers(load("meta/runtime.yml")["requires_ansible"].removeprefix(">="))
    assert numbers(CELLS[0].core)[:2] == min(numbers(cell.core)[:2] for cell in CELLS) == lowest[:2]


def test_the_execution_environment_has_an_ansible_and_a_python_of_the_matrix():
    wanted = load("execution-environment.yml")["dependencies"]
    core = wanted["ansible_core"]["package_pip"].removeprefix("ansible-core>=").partition(",")[0]
    python = wanted["python_interpreter"]["package_system"].removeprefix("python")
    assert numbers(core) in {numbers(cell.core)[:2] for cell in CELLS}
    assert python in {cell.python for cell in CELLS}


def test_roles_ask_for_the_ansible_that_the_collection_asks_for():
    wanted = load("meta/runtime.yml")["requires_ansible"].removeprefix(">=")
    asked = {load(path)["galaxy_info"]["min_ansible_version"] for path in ROOT.glob("roles/*/meta/main.yml")}
    assert asked == {wanted.removesuffix(".0")}


def test_every_python_of_the_set_up_has_its_lock_and_a_cell():
    assert {f"requirements-dev-{python}.lock" for python in set_up.SUPPORTED} == {
        path.name for path in ROOT.glob("requirements-dev-*.lock")
    }
    assert {cell.python for cell in CELLS} == set(set_up.SUPPORTED)


def numbers(version):
    return tuple(int(part) for part in version.split("."))
