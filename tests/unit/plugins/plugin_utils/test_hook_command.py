# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of hooks, and the command that plays one."""

from __future__ import annotations

import sys

import pytest
import yaml

from ansible_collections.trading.multi_region.plugins.plugin_utils import hook_command


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


@pytest.fixture
def places(tmp_path):
    for name in ("inventory", "playbooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "inventory/hosts").touch()
    return tmp_path


def test_files_are_looked_for_beside_the_inventory_first(places):
    found = hook_command.folders([str(places / "inventory/hosts"), "a,b,"], str(places / "playbooks"))
    assert found == [places / "inventory", places / "playbooks"]
    (places / "playbooks/drain.yml").write_text("[]")
    assert hook_command.find("drain.yml", found) == places / "playbooks/drain.yml"
    (places / "inventory/drain.yml").write_text("[]")
    assert hook_command.find("drain.yml", found) == places / "inventory/drain.yml"
    assert hook_command.find(str(places / "playbooks/drain.yml"), found) == places / "playbooks/drain.yml"
    assert hook_command.find("gone.yml", found) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "allowed: a task file, absolute or relative to"),
        ("", "allowed: a file with a list of tasks."),
        ("- [", "allowed: a file with a list of tasks ("),
        ("name: drain", "allowed: a file with a list of tasks."),
        ("- hosts: all", "this one is a playbook."),
    ],
)
def test_a_file_that_is_no_task_file_is_refused_with_its_place(places, content, words):
    if content is not None:
        (places / "drain.yml").write_text(content)
    (problem,) = hook_command.file_problems("failover_hooks", [{"file": "drain.yml"}], [places], load)
    assert problem.startswith("failover_hooks[0].file is 'drain.yml'; ") and words in problem and "\n" not in problem


def test_a_task_file_is_accepted(places):
    (places / "drain.yml").write_text("- ansible.builtin.debug:")
    assert hook_command.file_problems("failover_hooks", [{"file": "drain.yml"}], [places], load) == []


def test_a_hook_has_the_inventory_the_vault_files_and_the_verbosity_of_its_command():
    options = {"inventory": ["/inv"], "vault_ids": ["prod@/pw"], "vault_password_files": ["/pw2"], "verbosity": 2}
    assert hook_command.command(options) == [
        *(sys.executable, "-m", "ansible", "playbook", str(hook_command.PLAY)),
        *("-i", "/inv", "--vault-id", "prod@/pw", "--vault-password-file", "/pw2", "-vv"),
    ]
    assert hook_command.PLAY.is_file()


@pytest.mark.parametrize("options", [{"ask_vault_pass": True}, {"vault_ids": ["prod@prompt"]}])
def test_a_typed_vault_password_is_refused_where_there_are_hooks(options):
    (problem,) = hook_command.vault_problems(options, [{}])
    assert problem.startswith("the vault password is ") and "--vault-password-file" in problem
    assert hook_command.vault_problems(options, []) == []
    assert hook_command.vault_problems({"vault_ids": ["prod@/pw"]}, [{}]) == []


def test_a_hook_reads_the_same_settings_and_shows_plain_text():
    found = hook_command.environment("/etc/ansible.cfg", ["/plugins"])
    assert (
        found["ANSIBLE_CONFIG"] == "/etc/ansible.cfg" and found["ANSIBLE_STDOUT_CALLBACK"] == "ansible.builtin.default"
    )
    assert found["ANSIBLE_ACTION_PLUGINS"].split(":") == [str(hook_command.PLAYBOOKS / "action_plugins"), "/plugins"]
    assert "ANSIBLE_CONFIG" not in hook_command.environment(None, [])
