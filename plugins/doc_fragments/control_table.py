# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The option of the modules that read or write the control tables."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of module_utils/_control_table/items.py:TABLE_SPEC."""

    DOCUMENTATION = r"""
options:
  table_name:
    description:
      - Name of the control table, the same in every region. Its key is C(id), a string.
    type: str
    required: true
"""
