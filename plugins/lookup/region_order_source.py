# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the order of preference comes from."""

from __future__ import annotations

DOCUMENTATION = r"""
name: region_order_source
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.3.0
short_description: Name what the order of the regions was taken from
description:
  - Returns V(platform_regions) if the inventory or the command line sets that variable, V(region_preference) if the
    hosts have a number, and otherwise words for the order of the group.
options:
  _terms:
    description: The hosts' C(region_preference), an empty text for a host without one.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Show the order of preference
  ansible.builtin.debug:
    msg: "{{ platform_regions | join(', ') }} ({{ lookup('trading.multi_region.region_order_source', *preferences) }})"
  vars:
    preferences: "{{ platform_host_preferences }}"
"""

RETURN = r"""
_raw:
  description: One text.
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.region_order import source_of

# Part of the template in group_vars/all/platform.yml, which applies unless the variable is set.
DEFAULT = "platform_host_preferences"


class LookupModule(LookupBase):
    """Returns the source of the order."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        # Not evaluated: the variable's source tells a default from a value.
        given = (variables or {}).get("platform_regions")
        return [source_of(not (isinstance(given, str) and DEFAULT in given), terms)]
