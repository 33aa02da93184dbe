# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The option of the modules that write records of runs."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of module_utils/_control_table/items.py:RETENTION_SPEC."""

    DOCUMENTATION = r"""
options:
  retention_days:
    description:
      - Days after which the record of a run expires, counted from when it was written. V(0) keeps it.
      - The item gets the attribute C(expires_at). DynamoDB deletes it within a few days of that time if it is the Time
        to Live attribute of the table.
    type: int
    default: 0
    version_added: 0.3.0
"""
