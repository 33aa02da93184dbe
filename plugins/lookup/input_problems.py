# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of every playbook's inputs: each is evaluated separately; problems are returned as sentences."""

from __future__ import annotations

DOCUMENTATION = r"""
name: input_problems
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: Validate the inputs of a playbook and list the problems
description:
  - Validates the variables of a playbook before the first call to AWS is made. Makes no call to AWS.
  - Every variable is evaluated separately, so that one that cannot be evaluated is reported by name, and is never
    mistaken for one that was not given.
  - Rejects unknown command line variables whose name looks like a misspelling of a known one. Ansible would silently
    ignore them.
options:
  _terms:
    description:
      - Name of a variable with the inputs that are derived from other variables, a dictionary of C(regions),
        C(host_regions), C(host_preferences), C(vpc_cidrs), C(limit) and C(names), as
        P(trading.multi_region.platform_problems#filter) takes them. Its values are templates, which is why the
        variable's name is given and not its value.
      - Without it only the command is judged, that is its settings, tags and names of variables, for a playbook that
        needs no inventory.
    type: list
    elements: str
seealso:
  - plugin: trading.multi_region.platform_problems
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Fail on invalid input
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems }}"
  vars:
    problems: "{{ query('trading.multi_region.input_problems', 'gate_inputs') }}"
    gate_inputs:
      regions: "{{ platform_regions }}"
"""

RETURN = r"""
_list:
  description: A sentence for each problem, naming the variable, its value and what is allowed.
  type: list
  elements: str
"""

import typing as t
from pathlib import Path

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.trading.multi_region.plugins.plugin_utils import hook_command, machine
from ansible_collections.trading.multi_region.plugins.plugin_utils import inputs as input_rules

REGION_VARIABLES = ("aws_region", "platform_regions", "region_preference")
COLLECTION = Path(__file__).resolve().parents[2]
ROLES = COLLECTION / "roles"
PLAYBOOKS = COLLECTION / "playbooks"


def role_options(loader: t.Any) -> set[str]:
    """Return the names of all options of the collection's roles. loader: Ansible's, which reads YAML."""
    specs = [loader.load_from_file(str(path)) for path in ROLES.glob("*/meta/argument_specs.yml")]
    entry_points = [entry for spec in specs for entry in spec["argument_specs"].values()]
    return {option for entry in entry_points for option in entry.get("options", ())}


class LookupModule(LookupBase):
    """Returns the problems of a play's inputs."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        variables, extra = variables or {}, load_extra_vars(self._loader)
        if not terms:
            return self._of_command(extra, ())
        self._unusable: dict[str, str] = {}
        made = dict(variables[terms[0]])
        names = {
            **made.pop("names", {}),
            **{
                # One value for every region, not one for each.
                name: [extra[name]] if name in input_rules.PER_REGION else extra[name]
                for name in input_rules.NAME_LIMITS
                if name in extra
            },
        }
        self._all_worked_out({name: extra[name] for name in input_rules.OF_REGIONS if name in extra})
        inputs = self._all_worked_out(
            {**{name: variables[name] for name in input_rules.INPUTS if name in variables}, **made}
        )
        problems = [
            *self._of_command(extra, variables.keys() - extra.keys()),
            *self._missing(variables),
            *self._unusable.values(),
            *self._judged(inputs),
            *machine.profile_problems(inputs.get("credentials"), inputs.get("regions"), context.CLIARGS),
        ]
        # Names are derived from the inputs that were checked above.
        return problems or [
            *input_rules.name_problems(self._all_worked_out(names)),
            *self._unusable.values(),
            *self._hook_problems(inputs.get("failover_hooks"), variables),
        ]

    def _of_command(self, extra: t.Iterable[str], names: t.Iterable[str]) -> list[str]:
        """Return the problems of Ansible's settings, of tags, and of misspelled names. names: of the inventory."""
        return [
            *machine.setting_problems(constants.DEFAULT_HASH_BEHAVIOUR),
            *machine.tag_problems(context.CLIARGS, [path.stem for path in PLAYBOOKS.glob("*.yml")]),
            *self._unknown(extra, names),
        ]

    def _hook_problems(self, hooks: list[dict[str, t.Any]] | None, variables: dict[str, t.Any]) -> list[str]:
        if not hooks:
            return []
        places = hook_command.folders(variables["ansible_inventory_sources"], variables["playbook_dir"])
        return [
            *hook_command.vault_problems(context.CLIARGS, hooks),
            *hook_command.file_problems("failover_hooks", hooks, places, self._loader.load_from_file),
        ]

    def _missing(self, variables: dict[str, t.Any]) -> list[str]:
        """Return the problem of an inventory without the collection's values, the cause first where it is known."""
        missing = input_rules.defaults_problems(variables)
        return missing and [*machine.plugin_problems(constants.INVENTORY_ENABLED), *missing]

    def _unknown(self, extra: t.Iterable[str], names: t.Iterable[str]) -> list[str]:
        """Return the problems of likely misspellings.

        The files of all roles are read only for a name that is not an input: that takes longer than all else here.
        """
        if not input_rules.unfamiliar(extra):
            return []
        return input_rules.unknown_problems(extra, {*names, *role_options(self._loader)})

    def _judged(self, inputs: dict[str, t.Any]) -> list[str]:
        """Return the problems of values, without those that only follow from a value that could not be evaluated."""
        if not self._unusable.keys().isdisjoint(("regions", "host_regions", "host_preferences", *REGION_VARIABLES)):
            return []
        starts = tuple(f"{name} is " for name in self._unusable)
        return [sentence for sentence in input_rules.platform_problems(inputs) if not sentence.startswith(starts)]

    def _all_worked_out(self, sources: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the values of templates, without those that cannot be evaluated: these are reported separately."""
        found = {}
        for name, source in sources.items():
            try:
                found[name] = self._templar.template(source)
            except (AnsibleError, RecursionError):
                self._unusable[name] = input_rules.unusable(name, source)
        return found
