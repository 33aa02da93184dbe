# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosted zones of Route 53, by name."""

from __future__ import annotations

from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call


@aws_call("ListHostedZonesByName")
def find_zone(client: Any, name: str, is_private: bool = False) -> str | None:
    """Return the id of the public or private hosted zone of that very name, or None."""
    for one in client.list_hosted_zones_by_name(DNSName=name)["HostedZones"]:
        if one["Name"].rstrip(".") == name and bool(one.get("Config", {}).get("PrivateZone")) == is_private:
            return one["Id"].rpartition("/")[2]
    return None
