# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads at night: every refusal has a row in docs/failover.md, by the code that is printed."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import promotion
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import Obstacle

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "ansible_collections.trading.multi_region.plugins.module_utils"
TEMPLATE = "failover_obstacles.txt.j2"
PAGE = (ROOT / "docs" / "failover.md").read_text()


def codes_of(path: Path) -> set[str]:
    """The codes with which a module makes obstacles: texts, or names of its own constants."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Obstacle" and node.args
    ]
    name = ".".join(path.relative_to(ROOT / "plugins" / "module_utils").with_suffix("").parts)
    module = importlib.import_module(f"{PACKAGE}.{name}") if calls else None
    return {
        first.value if isinstance(first := call.args[0], ast.Constant) else getattr(module, first.id) for call in calls
    }


def tasks_named(document: Any, name: str) -> list[dict[str, Any]]:
    """Return the tasks of a name in a playbook or a file of tasks, those in blocks included."""
    if isinstance(document, list):
        return [task for part in document for task in tasks_named(part, name)]
    if not isinstance(document, dict):
        return []
    parts = [document.get(key) for key in ("tasks", "block", "rescue", "always")]
    return [document] * (document.get("name") == name) + tasks_named(parts, name)


def refusals_of(document: Any) -> list[str]:
    """Return the texts with which the tasks of a playbook fail, without those that print obstacles of the planner."""
    if isinstance(document, list):
        return [text for part in document for text in refusals_of(part)]
    if not isinstance(document, dict):
        return []
    said = document.get("ansible.builtin.fail", {}).get("msg", [])
    texts = [said[0] if isinstance(said, list) and said else said] if said else []
    parts = [document.get(key) for key in ("tasks", "block", "rescue", "always")]
    return [text for text in texts if TEMPLATE not in text] + refusals_of(parts)


def printed_codes() -> dict[str, str | None]:
    """Return the code of each refusal that a move's playbook prints itself, by its text; None without one."""
    texts = [
        text
        for name in ("failover", "failback")
        for text in refusals_of(yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text()))
    ]
    return {text: found[1] if (found := re.match(r"(\w+): ", text)) else None for text in texts}


def codes() -> set[str]:
    found = {code for path in (ROOT / "plugins" / "module_utils").rglob("*.py") for code in codes_of(path)}
    return found | {code for code in printed_codes().values() if code}


def test_every_refusal_of_a_move_has_a_row_and_every_row_a_refusal():
    section = PAGE.partition("## When it refuses")[2].partition("\n## ")[0]
    rows = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert len(rows) > 15
    assert rows == codes()


def test_a_playbook_prints_no_refusal_of_its_own_without_a_code():
    found = printed_codes()
    assert len(found) == 3
    assert [text for text, code in found.items() if not code] == []


def test_a_refusal_is_printed_with_its_code():
    template = (ROOT / "playbooks" / "templates" / TEMPLATE).read_text()
    assert "{{ obstacle.code }}: {{ obstacle.sentence }}" in template


@pytest.mark.parametrize(
    "playbook, task",
    [
        ("tasks/failover_refused.yml", "Refuse"),
        ("failover.yml", "3 Lease | refuse obstacles that have appeared since"),
    ],
)
def test_a_refusal_before_the_lease_and_under_it_is_printed_by_that_template(playbook, task):
    (found,) = tasks_named(yaml.safe_load((ROOT / "playbooks" / playbook).read_text()), task)
    assert TEMPLATE in str([found["ansible.builtin.fail"]["msg"], found.get("vars")])


def test_a_refusal_of_the_promoting_module_has_its_code():
    said = promotion.in_words(Obstacle("lag_unknown", "The lag is unknown.", "accept_data_loss: true"))
    assert said.startswith("lag_unknown: The lag is unknown. ")


def test_the_page_fits_a_terminal():
    assert [line for line in PAGE.splitlines() if len(line) > 120] == []
