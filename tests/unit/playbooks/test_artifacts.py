# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Artifacts (set_stats) come back as extra variables of the next job, and extra variables win over everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import ARTIFACTS, INPUTS

TOP = Path(__file__).resolve().parents[3]
STATS, FACTS = "ansible.builtin.set_stats", "ansible.builtin.set_fact"


def mappings(value: Any) -> Iterator[dict]:
    """All mappings in a document: plays, tasks, variables and what is in them."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(one)


def documents(*patterns: str) -> list[Any]:
    return [yaml.safe_load(path.read_text()) for pattern in patterns for path in sorted(TOP.glob(pattern))]


TASKS = [one for document in documents("playbooks/**/*.yml", "roles/*/tasks/*.yml") for one in mappings(document)]
HANDED_ON = {name for task in TASKS if STATS in task for name in task[STATS]["data"]}


def variables() -> set[str]:
    """Every name that a playbook, a role or an inventory gives a value."""
    files = documents("group_vars/all/*.yml", "inventories/*/group_vars/all/1*.yml", "roles/*/defaults/*.yml")
    named = [*files, *documents("roles/*/vars/*.yml"), *(task.get("vars") for task in TASKS)]
    named += [task.get(FACTS) for task in TASKS]
    declared = {name for one in named if isinstance(one, dict) for name in one}
    return declared | {task["register"] for task in TASKS if "register" in task}


def test_an_artifact_of_one_job_overrides_no_variable_of_the_next():
    assert {"failover_plan", "environment_protection", "readiness_report"} <= variables()
    assert HANDED_ON & variables() == set()
    # The id of the run that was made is the one that status.yml is asked for.
    assert HANDED_ON & set(INPUTS) == {"run_id"}


def test_the_gate_knows_every_artifact():
    assert set(ARTIFACTS) == HANDED_ON


def test_a_later_outcome_replaces_an_earlier_one():
    assert [task for task in TASKS if STATS in task and task[STATS].get("aggregate") is not False] == []
