# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The gate of the playbooks on many inputs in one process: ``python judge.py <inventory>``, cases on standard input.

A case is {"given": variables of the command line, "own": those that the playbook sets}. What gate.yml asserts is worked
out by Ansible's own variable manager and templar, as ansible-playbook does it; one line of JSON answers each case: the
list of problems, or a text with what came out in its place. A process of its own, because Ansible's plugin loader
changes how a process imports.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

from ansible import context
from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.context_objects import CLIArgs
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

TOP = Path(__file__).resolve().parents[3]


def trusted(value):
    """Return a value as Ansible reads it from the command line, where any text may be a template."""
    if isinstance(value, dict):
        return {name: trusted(one) for name, one in value.items()}
    if isinstance(value, list):
        return [trusted(one) for one in value]
    return trust_as_template(value) if isinstance(value, str) else value


def compile_once() -> None:
    """Have Jinja compile a template once: what a case changes is its variables. This halves the time of a case."""
    stock, kept = AnsibleEnvironment.compile, {}

    def compile(self, source, *more, **named):
        if more or named or not isinstance(source, str):
            return stock(self, source, *more, **named)
        if source not in kept:
            kept[source] = stock(self, source)
        return kept[source]

    AnsibleEnvironment.compile = compile


class Gate:
    """The task of gate.yml that refuses, and what Ansible knows when it runs."""

    def __init__(self, inventory: str) -> None:
        context.CLIARGS = CLIArgs({"extra_vars": (), "subset": None, "inventory": (inventory,)})
        init_plugin_loader([str(TOP / ".collections")])
        self.loader = DataLoader()
        self.loader.set_basedir(str(TOP / "playbooks"))
        found = InventoryManager(loader=self.loader, sources=[inventory])
        self.variables = VariableManager(loader=self.loader, inventory=found)
        HostVars(inventory=found, variable_manager=self.variables, loader=self.loader)
        (self.play,) = Playbook.load(str(TOP / "playbooks/gate.yml"), self.variables, self.loader).get_plays()
        (block,) = self.play.compile()[1:2]
        self.task = next(task for task in block.block if "gate_problems" in task.vars)
        self.host = found.get_host("localhost")

    def problems(self, given: dict, own: dict):
        """Return the problems that the gate finds in these variables."""
        load_extra_vars.extra_vars = trusted(given) or {"ansible_none": True}
        self.variables._extra_vars = load_extra_vars.extra_vars
        self.play.vars = trusted(own)
        variables = self.variables.get_vars(play=self.play, host=self.host, task=self.task)
        return Templar(self.loader, variables=variables).template(trust_as_template("{{ gate_problems }}"))


def main() -> None:
    compile_once()
    gate = Gate(sys.argv[1])
    for line in sys.stdin:
        try:
            answer = gate.problems(**json.loads(line))
        except Exception:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
