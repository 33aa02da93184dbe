# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The option of the modules that call several regions, some of which may be lost."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of module_utils/_core/fan_out.py:SILENT_SPEC."""

    DOCUMENTATION = r"""
options:
  silent_regions:
    description:
      - Regions in which no call succeeded before in this run, as M(trading.multi_region.failover_plan_info) returns
        them.
      - They are called once, without O(retries), and no longer waited for once all the others have responded and one of
        these calls has succeeded.
    type: list
    elements: str
    version_added: 0.3.0
    default: []
"""
