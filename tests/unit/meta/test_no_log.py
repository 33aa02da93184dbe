# SPDX-License-Identifier: GPL-3.0-or-later
"""What carries a secret says so: options of modules and roles, results, and the tasks that handle a password."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "ansible_collections.trading.multi_region.plugins.modules"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
TASK_FILES = sorted(
    [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml"), *ROOT.glob("playbooks/tasks/**/*.yml")]
)
SOUNDS_SECRET = re.compile(r"passw|passphrase|secret|token|credential|private_key", re.IGNORECASE)
# What a task has in its text when a password goes through it.
HANDLES = re.compile(
    r"master_user_password|json_secret|secret_string|ansible\.builtin\.password'|amazon\.aws\.secretsmanager_secret'"
    r"|store='secret'"
)

# These only sound like one: why they are shown.
SHOWN = {
    "secret_name": "the name under which it is found",
    "password_length": "a figure",
    "encryption_secret_name": "the name under which it is found",
    "encryption_password_length": "a figure",
    "cloud_trigger_webhook_secret": "the name under which it is found",
}
SHOWN_TASKS = {"Start the clock": "random letters of a run's id"}


def options(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each option and suboption with its spec."""
    for name, one in spec.items():
        yield name, one
        yield from options(one.get("options") or {})


def returned(values: dict[str, Any]) -> Iterator[str]:
    """Yield the name of each returned value, also of contained ones."""
    for name, one in values.items():
        yield name
        yield from returned(one.get("contains") or {})


def tasks(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each task of a file, those of plays and blocks too."""
    for entry in entries or []:
        inner = [
            name
            for name in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")
            if name in entry
        ]
        for name in inner:
            yield from tasks(entry[name])
        if not inner:
            yield entry


def leaks(task: dict[str, Any]) -> bool:
    """Return whether a password goes through a task that would show it."""
    handles = HANDLES.search(yaml.safe_dump(task, width=10_000).replace("''", "'"))
    return bool(handles) and task.get("no_log") is not True and task.get("name") not in SHOWN_TASKS


@pytest.mark.parametrize("name", MODULES)
def test_a_modules_option_that_sounds_secret_is_masked_or_said_not_to_be_one(name):
    module = importlib.import_module(f"{PACKAGE}.{name}")
    sounding = {
        option: spec.get("no_log") for option, spec in options(module.ARGUMENT_SPEC) if SOUNDS_SECRET.search(option)
    }
    assert {option: masked for option, masked in sounding.items() if masked is not (option not in SHOWN)} == {}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_returns_nothing_that_sounds_secret(name):
    module = importlib.import_module(f"{PACKAGE}.{name}")
    assert [one for one in returned(yaml.safe_load(module.RETURN) or {}) if SOUNDS_SECRET.search(one)] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("roles/*/meta/argument_specs.yml")), ids=lambda path: path.parts[-3])
def test_a_roles_option_that_sounds_secret_is_masked_or_said_not_to_be_one(path):
    entry_points = yaml.safe_load(path.read_text())["argument_specs"].values()
    found = [one for entry_point in entry_points for one in options(entry_point.get("options") or {})]
    assert [
        name for name, spec in found if SOUNDS_SECRET.search(name) and not spec.get("no_log") and name not in SHOWN
    ] == []


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_task_that_handles_a_password_is_not_shown(path):
    assert [task["name"] for task in tasks(yaml.safe_load(path.read_text())) if leaks(task)] == []


def test_the_search_finds_the_tasks_that_handle_the_password():
    every = [task for path in TASK_FILES for task in tasks(yaml.safe_load(path.read_text()))]
    found = {task["name"] for task in every if leaks({**task, "no_log": False})}
    assert {"Create the database's secret", "Provision the cluster"} <= found


@pytest.mark.parametrize("more", [{}, {"no_log": False}, {"no_log": "{{ quiet }}"}])
@pytest.mark.parametrize(
    "lookup", ["'amazon.aws.secretsmanager_secret', name", "'trading.multi_region.stored_text', name, store='secret'"]
)
def test_the_search_finds_a_task_that_would_show_it(more, lookup):
    task = {"name": "Log in", "some.module": {"option": f"{{{{ lookup({lookup}) }}}}"}}
    play = [{"hosts": "all", "tasks": [{"block": [{**task, **more}]}]}]
    assert [leaks(one) for one in tasks(play)] == [True]
