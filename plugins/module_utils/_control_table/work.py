# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a lease is held for: a move of the platform by one of its methods, or other work. Pure."""

from __future__ import annotations

# The methods of leases that are no moves, and the playbooks that hold them.
OTHER_WORK = {"upgrade": "upgrade.yml", "retire_region": "retire_region.yml"}


def is_same_work(one: str | None, other: str | None) -> bool:
    """Return whether runs of two methods do the same work: all methods of a move do."""
    return one == other or not {one, other} & OTHER_WORK.keys()
