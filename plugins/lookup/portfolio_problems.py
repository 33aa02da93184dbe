# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the input of portfolio.yml."""

from __future__ import annotations

DOCUMENTATION = r"""
name: portfolio_problems
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.3.0
short_description: Validate a portfolio and list the problems
description:
  - Validates the variable C(portfolio), the variables of its platforms, and the other input of C(portfolio.yml).
  - Looks for the inventories relative to the directory in which the command was started. Makes no call to AWS.
options: {}
seealso:
  - plugin: trading.multi_region.portfolio_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Fail on an invalid portfolio
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems }}"
  vars:
    problems: "{{ query('trading.multi_region.portfolio_problems') }}"
"""

RETURN = r"""
_list:
  description: A sentence for each problem, naming the value and what is allowed.
  type: list
  elements: str
"""

import os
import typing as t
from pathlib import Path

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.trading.multi_region.plugins.lookup.input_problems import PLAYBOOKS, role_options
from ansible_collections.trading.multi_region.plugins.plugin_utils import inputs, machine
from ansible_collections.trading.multi_region.plugins.plugin_utils.portfolio import portfolio_problems

INPUTS = ("portfolio", "portfolio_folder", "portfolio_report_file", "failover_reason")


class LookupModule(LookupBase):
    """Returns the problems of the input of portfolio.yml."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        variables, extra, known = variables or {}, load_extra_vars(self._loader), role_options(self._loader)
        given, unusable = {}, []
        for name in INPUTS:
            try:
                given[name] = self._templar.template(variables.get(name))
            except (AnsibleError, RecursionError):
                unusable.append(inputs.unusable(name, variables[name]))
        folder = Path(os.environ.get("PWD", "."))
        return [
            *machine.setting_problems(constants.DEFAULT_HASH_BEHAVIOUR),
            *machine.tag_problems(context.CLIARGS, [path.stem for path in PLAYBOOKS.glob("*.yml")]),
            *inputs.unknown_problems(extra, known),
            *unusable,
            *inputs.move_problems({name: value for name, value in given.items() if name != "portfolio"}, ()),
            *(
                portfolio_problems(
                    given["portfolio"],
                    lambda path: (folder / path).exists(),
                    int(context.CLIARGS.get("forks") or constants.DEFAULT_FORKS),
                    sorted(known),
                )
                if "portfolio" in given
                else ()
            ),
        ]
