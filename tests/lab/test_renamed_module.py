# SPDX-License-Identifier: GPL-3.0-or-later
"""failover_trigger, the old name of failover_decision: it does the same, in the same way, and warns once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.client import Lab

TOP = Path(__file__).resolve().parents[2]
EAST, WEST = "us-east-1", "us-east-2"
OLD, NEW = "trading.multi_region.failover_trigger", "trading.multi_region.failover_decision"
NAMES = {"old": OLD, "new": NEW}
# The same Python by another path is another Python to Ansible, so the module runs as an ordinary one.
WAYS = {"here": "{{ ansible_playbook_python }}", "ordinary": "{{ ansible_playbook_python | dirname }}/../bin/python3"}
SIGNALS = {name: {"state": "unhealthy", "reason": "Said."} for name in ("load_balancer_targets", "database")}
OPTIONS = {
    "regions": [EAST, WEST],
    "active_region": EAST,
    "verdicts": {
        EAST: {"verdict": "unhealthy", "reason": "By its signals.", "signals": SIGNALS},
        WEST: {"verdict": "healthy", "reason": "It serves."},
    },
}
# Without these of the action group, a task leads to an alert at most.
DEFAULTS = {"region": WEST, "auto_failover": True, "consecutive_failures": 1}


def play(said: Path) -> list[dict[str, Any]]:
    # One task for each name: newer versions of Ansible warn once for each place that has the old one.
    tasks: list[dict[str, Any]] = [
        {
            name: {**OPTIONS, "table_name": f"{age}-{{{{ item.key }}}}"},
            "register": age,
            "loop": "{{ ways | dict2items }}",
            "vars": {"ansible_python_interpreter": "{{ item.value }}"},
        }
        for age, name in NAMES.items()
    ]
    content = {age: f"{{{{ {age}.results }}}}" for age in NAMES}
    tasks.append(
        {"ansible.builtin.copy": {"content": "{{ said | to_json }}", "dest": str(said)}, "vars": {"said": content}}
    )
    defaults = {"group/trading.multi_region.all": DEFAULTS}
    top = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults}
    return [{**top, "vars": {"ways": WAYS}, "tasks": tasks}]


@pytest.fixture(scope="module")
def said(empty_server: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the module said under both names, and all that Ansible said meanwhile."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "play.yml").write_text(json.dumps(play(folder / "said.json")))
    with empty_server.fork(folder / "lab") as lab:
        for table in [f"{age}-{way}" for age in NAMES for way in WAYS]:
            for region in (EAST, WEST):
                lab.client("dynamodb", region).create_table(
                    TableName=table,
                    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                    BillingMode="PAY_PER_REQUEST",
                )
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_"))}
        environment |= {"ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}
        ran = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-vvv", folder / "play.yml"],
            cwd=TOP,
            env={**environment, **lab.env()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout[-4000:]
    results = json.loads((folder / "said.json").read_text())
    ways = {way: [results[age][number] for age in NAMES] for number, way in enumerate(WAYS)}
    return {**ways, "output": ran.stdout, "errors": ran.stderr}


# Of any two runs.
OWN = ("seconds", "ended_at", "since", "counted_at")
# What Ansible adds, by its version: the options, among them the table's name, and the warnings.
ADDED = ("invocation", "deprecations")


def compared(result: dict[str, Any]) -> dict[str, Any]:
    """What the module returned, with the type of each time instead of the time, which no two runs share."""
    return {
        key: type(value) if key in OWN else compared(value) if isinstance(value, dict) else value
        for key, value in result.items()
        if key not in ADDED
    }


@pytest.mark.parametrize("way", WAYS)
def test_the_old_name_does_what_the_new_one_does(said: dict[str, Any], way: str) -> None:
    old, new = said[way]
    assert compared(old) == compared(new)
    assert (new["changed"], sorted(new["written_to"])) == (True, [EAST, WEST])


@pytest.mark.parametrize("way", WAYS)
def test_the_defaults_of_the_action_group_reach_both_names(said: dict[str, Any], way: str) -> None:
    assert [one["action"] for one in said[way]] == ["failover", "failover"]


def test_under_both_names_the_module_runs_in_the_controllers_process(said: dict[str, Any]) -> None:
    files = re.findall(r"Using module file .*/multi_region/plugins/modules/(\w+)\.py", said["output"])
    # Those that asked for another Python, and no other.
    assert files == ["failover_decision"] * 2


def test_the_old_name_warns_once_and_tells_the_new_one_and_when_it_goes(said: dict[str, Any]) -> None:
    warnings = re.findall(r"^\[DEPRECATION WARNING\]: (.*failover_trigger.*)$", said["errors"], re.MULTILINE)
    assert warnings == [
        f"{OLD} has been deprecated. Use {NEW} instead."
        " This feature will be removed from collection 'trading.multi_region' version 1.0.0."
    ]
