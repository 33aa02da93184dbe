# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables that all platforms share, for inventories outside the collection."""

from __future__ import annotations

DOCUMENTATION = r"""
name: platform_defaults
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: Provide default values for settings that an environment does not set
description:
  - Sets on the group C(all) the variables that the playbooks of this collection need, with the values of its
    C(group_vars/all).
  - They are read from the installed collection, so an inventory does not have to change when the collection is updated.
  - An inventory's own variables take precedence, whether in C(group_vars), in C(host_vars) or in the file with its
    hosts.
options:
  plugin:
    description: Name of this plugin. The file that contains it is in the inventory's folder and ends in C(.yml).
    type: str
    required: true
    choices: [trading.multi_region.platform_defaults]
"""

EXAMPLES = r"""
# inventories/production/platform.yml, next to hosts and group_vars/all.yml
plugin: trading.multi_region.platform_defaults
"""

import typing as t
from pathlib import Path

from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.plugins.loader import vars_loader

COLLECTION = Path(__file__).resolve().parents[2]


class InventoryModule(BaseInventoryPlugin):
    """Sets variables of the group all, and adds neither hosts nor groups."""

    NAME = "trading.multi_region.platform_defaults"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith((".yml", ".yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        everywhere = inventory.groups["all"]
        # As if they were next to the inventory, including templates.
        defaults = vars_loader.get("ansible.builtin.host_group_vars").get_vars(loader, str(COLLECTION), everywhere)
        # Another file of the inventory, such as an INI file with [all:vars], may have been read before this one.
        for name in [name for name in defaults if name not in everywhere.get_vars()]:
            inventory.set_variable(everywhere.name, name, defaults[name])
