# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run is what was reviewed: packages by hash, and nothing fetched while a playbook runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TASK_FILES = [
    *ROOT.glob("roles/*/tasks/*.yml"),
    *ROOT.glob("roles/*/handlers/*.yml"),
    *ROOT.glob("playbooks/*.yml"),
    *ROOT.glob("playbooks/tasks/**/*.yml"),
]
LOCKS = sorted(str(path.relative_to(ROOT)) for place in (ROOT, ROOT / "tests/matrix") for path in place.glob("*.lock"))
# Modules come from the collections that galaxy.yml names; of Ansible's own, those that neither fetch nor start.
COLLECTIONS = ("amazon.aws.", "community.aws.", "trading.multi_region.")
# Installed by users of a controller only, and used by nothing else.
CONTROLLER, CONTROLLER_TASKS = "awx.awx.", ROOT / "playbooks" / "tasks" / "controller"
# Requests a job of the controller that runs this one, and keeps nothing of the answer.
ANNOUNCEMENT = ROOT / "playbooks" / "tasks" / "announce_job.yml"
# Starts playbooks of this collection, and waits for an approval.
PORTFOLIO = ROOT / "playbooks" / "portfolio.yml"
# Examples of the operator's own steps, which run only where an inventory names them.
HOOKS, OF_HOOKS = ROOT / "playbooks" / "tasks" / "hooks", {"ansible.builtin.command", "ansible.builtin.uri"}
# Runs them: the task files that the inventory names, by the same Ansible.
HOOK_PROCESS = ROOT / "plugins" / "module_utils" / "_hooks" / "process.py"
BUILTIN = set(
    "add_host assert async_status copy debug fail file group_by include_vars meta set_fact set_stats template".split()
    + "import_playbook import_role import_tasks include_role include_tasks".split()
)
MODULE = re.compile(r"[a-z_]+\.[a-z_]+\.[a-z0-9_]+")
STARTS_CODE = {"eval", "exec", "compile", "__import__", "system", "popen", "Popen", "check_output"}


def modules_in(node: Any) -> Iterator[str]:
    """Every key of the shape namespace.collection.name, however deep; options are never of that shape."""
    for child in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        yield from modules_in(child)
    if isinstance(node, dict):
        yield from (key for key in node if isinstance(key, str) and MODULE.fullmatch(key))


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_task_fetches_or_starts_code(path):
    used = set(modules_in(yaml.safe_load(path.read_text())))
    known = (*COLLECTIONS, CONTROLLER) if path.parent == CONTROLLER_TASKS else COLLECTIONS
    foreign = {name for name in used if not name.startswith(known)}
    foreign -= {"ansible.builtin.uri"} if path == ANNOUNCEMENT else OF_HOOKS if path.parent == HOOKS else set()
    foreign -= {"ansible.builtin.shell", "ansible.builtin.wait_for"} if path == PORTFOLIO else set()
    assert foreign <= {f"ansible.builtin.{name}" for name in BUILTIN}


def tasks_of(node: Any, module: str) -> Iterator[dict[str, Any]]:
    """Every task of a module, however deep."""
    for child in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        yield from tasks_of(child, module)
    if isinstance(node, dict) and module in node:
        yield node


def test_the_portfolio_starts_only_playbooks_of_this_collection_and_quotes_all_that_is_data():
    text = PORTFOLIO.read_text()
    started = [task["ansible.builtin.shell"]["cmd"] for task in tasks_of(yaml.safe_load(text), "ansible.builtin.shell")]
    assert len(started) == 2
    for command in started:
        first, playbook, *others = re.findall(r"\{\{.*?\}\}", command)
        assert first == "{{ portfolio_start }}" and playbook.startswith("{{ (playbook_dir ~ '/")
        # What is left are an option of ours and white space.
        assert all("| quote }}" in one or one.startswith("{{ '--check' if ") for one in (playbook, *others))
    (start,) = re.findall(r"portfolio_start: (.*)", text)
    assert start.startswith("\"{{ [ansible_playbook_python, '-m', 'ansible', 'playbook', ") and "map('quote')" in start


def test_the_announcement_stores_nothing_and_gives_its_token_to_nobody_else():
    (request,) = (task["ansible.builtin.uri"] for task in yaml.safe_load(ANNOUNCEMENT.read_text())[0]["block"])
    assert (
        request["method"] == "POST"
        and request["timeout"] <= 3
        and not {"dest", "src", "return_content"} & request.keys()
    )
    # A redirect would receive the token, and so would a proxy.
    assert (request["follow_redirects"], request["use_proxy"]) == ("none", False)


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_plugin_starts_code_that_came_as_data(path):
    tree = ast.parse(path.read_text())
    called = {
        getattr(node.func, "id", getattr(node.func, "attr", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    imported = {
        alias.name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names
    }
    # re.compile is no compile(): the regular expressions of a module are its own.
    suspicious = (called & STARTS_CODE) - ({"compile"} if "re" in imported else set())
    found = suspicious | (imported & {"subprocess", "pickle", "runpy"})
    assert found == ({"Popen", "subprocess"} if path == HOOK_PROCESS else set())


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hashes_and_no_index_is_named(name):
    text = (ROOT / name).read_text()
    assert "://" not in text and "--index-url" not in text
    packages = re.split(r"\n(?=\S)", text.strip())
    without = [one.split()[0] for one in packages if not one.startswith("#") and "--hash=sha256:" not in one]
    assert without == []
