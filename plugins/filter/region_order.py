# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of preference of the inventory's regions."""

from __future__ import annotations

import typing as t

from ansible_collections.trading.multi_region.plugins.plugin_utils.region_order import in_order


def region_order(regions: t.Any, preferences: t.Any) -> list[t.Any]:
    """Return the regions of the hosts, the most preferred one first. What contradicts itself is the gate's matter."""
    return in_order(list(regions), list(preferences))


class FilterModule:
    """Filters of the inventory's regions."""

    def filters(self) -> dict[str, t.Callable]:
        return {"region_order": region_order}
