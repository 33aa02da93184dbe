# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing before a controller can be configured."""

from __future__ import annotations

DOCUMENTATION = r"""
name: controller_problems
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: List the settings that the configuration of a controller lacks
description:
  - Looks for the collection C(awx.awx), for the environment's variables C(CONTROLLER_HOST), C(CONTROLLER_OAUTH_TOKEN)
    or C(CONTROLLER_USERNAME) with C(CONTROLLER_PASSWORD), C(CONTROLLER_VERIFY_SSL), and for the variables of
    C(controller.yml) that have no default.
  - Makes no request to the controller, and shows no token and no password.
options: {}
seealso:
  - plugin: trading.multi_region.controller_objects
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Fail if a required setting is missing
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems }}"
  vars:
    problems: "{{ query('trading.multi_region.controller_problems') }}"
"""

RETURN = r"""
_list:
  description: A sentence for each problem, naming what is missing or wrong, and what is allowed.
  type: list
  elements: str
"""

import os
import typing as t
from importlib.util import find_spec

from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_objects import (
    INSTEAD,
    REQUIRED,
    requirement_problems,
)


def has_collection() -> bool:
    """Return whether Ansible finds awx.awx, by Python's import system, which Ansible extends with all its paths."""
    try:
        return find_spec("ansible_collections.awx.awx") is not None
    except ModuleNotFoundError:  # no collection of that namespace at all
        return False


class LookupModule(LookupBase):
    """Returns the problems of a controller's configuration."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        variables = variables or {}
        names = {
            *REQUIRED,
            *INSTEAD.values(),
            "controller_credentials",
            "controller_instances",
            "controller_portfolio",
            "platform_regions",
        } & variables.keys()
        given = {name: self._templar.template(variables[name]) for name in names}
        return requirement_problems(os.environ, given, has_collection())
