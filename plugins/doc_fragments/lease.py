# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The option of the modules that act for a run which holds a region's lease."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of module_utils/_control_table/lease.py:LEASE_SPEC."""

    DOCUMENTATION = r"""
options:
  lease:
    description:
      - Lease under which the module acts, as M(trading.multi_region.failover_lease) returned it.
      - The module verifies that the lease is still held before its first write, and renews it while it waits. It fails
        with the owner's name if another run has acquired the lease.
      - No request that changes something is sent unless the lease is held for longer than that request may take.
      - If omitted, the module runs without a lease. In check mode the lease is not changed.
    type: dict
    version_added: 0.2.0
    suboptions:
      table_name:
        description:
          - Name of the control table.
        type: str
        required: true
      region:
        description:
          - Region whose control table holds the lease.
        type: str
        required: true
      run_id:
        description:
          - Id of the run that holds it.
        type: str
        required: true
      attempt:
        description:
          - Attempt of the run that holds it.
        type: int
        required: true
      lease_seconds:
        description:
          - Seconds that each renewal lasts.
        type: int
        default: 60
      step:
        description:
          - Name of the step, stored with the lease to show the progress of the run.
        type: str
"""
