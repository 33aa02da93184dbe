# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate that keeps specs, defaults and README tables of roles together."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import role_specs  # noqa: E402  (a tool is a script, found by its directory)

ZONES = {"type": "int", "default": 2, "description": "Number of zones, V(2) at the least."}
NAME = {"type": "str", "required": True, "description": ["Name of the network.", "Letters | digits."]}


@pytest.fixture
def role(tmp_path):
    """A role that is right; tests break one thing of it."""
    write(tmp_path, "meta/argument_specs.yml", specs(provision={"network_name": NAME, "network_zones": ZONES}))
    write(tmp_path, "defaults/main.yml", {"network_zones": 2})
    write(tmp_path, "tasks/provision.yml", [])
    (tmp_path / "README.md").write_text(role_specs.with_table("# network\n", role_specs.table(tmp_path)))
    return tmp_path


def specs(**entry_points):
    return {"argument_specs": {name: {"options": options} for name, options in entry_points.items()}}


def write(role, name, content):
    path = role / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


def test_a_role_whose_files_agree_has_no_problems(role):
    assert role_specs.problems(role) == []


@pytest.mark.parametrize(
    ("defaults", "sentence"),
    [
        ({"network_zones": 3}, "network_zones: the spec's default is 2, defaults/main.yml says 3"),
        ({}, "network_zones: the spec's default is 2, defaults/main.yml does not have it"),
        ({"network_zones": 2, "network_x": 1}, "defaults/main.yml has network_x, which no entry point declares"),
        ({"network_zones": 2, "network_name": ""}, 'network_name: defaults/main.yml says "", the spec has no default'),
    ],
)
def test_says_where_defaults_and_spec_differ(role, defaults, sentence):
    write(role, "defaults/main.yml", defaults)
    assert role_specs.problems(role) == [sentence]


def test_a_task_file_of_a_verb_needs_a_spec(role):
    write(role, "tasks/retire.yml", [])
    assert role_specs.problems(role) == ["tasks/retire.yml has no spec in meta/argument_specs.yml"]


def test_an_option_is_the_same_at_every_entry_point(role):
    other = {**ZONES, "type": "str"}
    write(role, "meta/argument_specs.yml", specs(provision={"network_zones": ZONES}, verify={"network_zones": other}))
    write(role, "tasks/verify.yml", [])
    assert "network_zones: type differs between the entry points provision and verify" in role_specs.problems(role)


def test_a_table_that_is_out_of_date_is_found_and_written_once(role):
    write(role, "meta/argument_specs.yml", specs(provision={"network_zones": {**ZONES, "description": "Changed."}}))
    assert role_specs.problems(role) == ["the option table of README.md is not up to date: make specs"]
    once = role_specs.with_table((role / "README.md").read_text(), role_specs.table(role))
    assert "Changed." in once
    assert role_specs.with_table(once, role_specs.table(role)) == once


def test_the_table_escapes_what_markdown_would_take_for_a_column(role):
    assert r"Letters \| digits." in role_specs.table(role)
    assert "Number of zones, `2` at the least." in role_specs.table(role)
