# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of hooks, and the command that runs one: an ansible-playbook with the inventory and options of this one."""

from __future__ import annotations

import os
import sys
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
PLAY = PLAYBOOKS / "templates" / "hook_play.yml"


def folders(sources: Iterable[str], playbook_dir: str) -> list[Path]:
    """Return where the files of hooks are looked for: beside the inventory, then beside the playbooks.

    sources: the inventory's, as the variable ansible_inventory_sources has them.
    """
    paths = [Path(source) for source in sources if "," not in source]
    return [*dict.fromkeys([*(path if path.is_dir() else path.parent for path in paths), Path(playbook_dir)])]


def find(file: str, places: Sequence[Path]) -> Path | None:
    """Return the path of a hook's file, or None if it is in none of the places; an absolute path needs none."""
    return next((path for place in places if (path := place / os.path.expanduser(file)).is_file()), None)


def file_problems(path: str, hooks: Iterable[Mapping[str, t.Any]], places: Sequence[Path], load: t.Any) -> list[str]:
    """Return the problems of the files of hooks that have no others.

    load: returns what a YAML file contains, or raises.
    """
    problems = []
    for number, hook in enumerate(hooks):
        name, found = f"{path}[{number}].file", find(hook["file"], places)
        if found is None:
            allowed = f"a task file, absolute or relative to {' or '.join(map(str, places))}; there is none"
            problems.append(refusal(name, hook["file"], allowed))
            continue
        try:
            tasks = load(str(found))
        except Exception as error:  # whatever Ansible raises for a file that is no YAML
            tasks, words = None, f" ({' '.join(str(error).split())[:200]})"
        else:
            words = ""
        if not (isinstance(tasks, list) and tasks and all(isinstance(task, Mapping) for task in tasks)):
            problems.append(refusal(name, hook["file"], f"a file with a list of tasks{words}"))
        elif any("hosts" in task for task in tasks):
            problems.append(refusal(name, hook["file"], "a file with a list of tasks; this one is a playbook"))
    return problems


def vault_problems(options: Mapping[str, t.Any], hooks: t.Any) -> list[str]:
    """Return the problem of a command whose vault passwords were typed in, which no other process can have. Pure.

    options: those of the command, by Ansible's names.
    """
    prompts = [one for one in options.get("vault_ids") or () if one.endswith("@prompt")]
    if not hooks or not (options.get("ask_vault_pass") or prompts):
        return []
    allowed = "--vault-password-file or --vault-id with a file, because a hook runs in an ansible-playbook of its own"
    return [refusal("the vault password", ", ".join(prompts) or "--ask-vault-pass", allowed)]


def command(options: Mapping[str, t.Any]) -> list[str]:
    """Return the command that plays a hook, without its variables. Pure.

    options: those of the command that runs now, by Ansible's names.
    """
    inventory = [word for source in options.get("inventory") or () for word in ("-i", source)]
    vault = [
        *(word for one in options.get("vault_ids") or () for word in ("--vault-id", one)),
        *(word for one in options.get("vault_password_files") or () for word in ("--vault-password-file", one)),
    ]
    verbosity = int(options.get("verbosity") or 0)
    loud = [f"-{'v' * verbosity}"] if verbosity else []
    return [sys.executable, "-m", "ansible", "playbook", str(PLAY), *inventory, *vault, *loud]


def environment(config_file: str | None, action_plugins: Iterable[str]) -> dict[str, str]:
    """Return the variables of the environment that are other than those of this process. Pure.

    Its output is shown by the task that runs it, so it is plain text, and no callback of a controller or of this
    collection takes it for another move. action_plugins: the folders of this process.
    """
    return {
        **({"ANSIBLE_CONFIG": config_file} if config_file else {}),
        "ANSIBLE_ACTION_PLUGINS": os.pathsep.join([str(PLAYBOOKS / "action_plugins"), *action_plugins]),
        # None cannot be named, so it is one that says nothing.
        "ANSIBLE_CALLBACKS_ENABLED": "trading.multi_region.move_progress",
        "MOVE_PROGRESS_SHOW": "false",
        "ANSIBLE_LOG_PATH": os.devnull,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
    }
