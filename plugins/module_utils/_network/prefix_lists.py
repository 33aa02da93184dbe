# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Managed prefix lists by name.

Source: DescribeManagedPrefixLists of the Amazon EC2 API Reference; "AWS-managed prefix lists" of the Amazon VPC User
Guide.
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import retry_transient, timed


@aws_call("DescribeManagedPrefixLists")
def list_prefix_lists(client, names):
    """Return the PrefixLists of the EC2 API with these names."""
    pages = client.get_paginator("describe_managed_prefix_lists").paginate(
        Filters=[{"Name": "prefix-list-name", "Values": list(names)}]
    )
    return [one for page in pages for one in page["PrefixLists"]]


@timed
def run(params, clients):
    """Return {changed: False, reason, prefix_lists, seconds}. Raises MultiRegionError for a name without a list."""
    client = clients("ec2", params.get("region"))
    found = retry_transient(lambda: list_prefix_lists(client, params["names"]))
    shown = [{"id": one["PrefixListId"], "name": one["PrefixListName"]} for one in found]
    missing = sorted(set(params["names"]) - {one["name"] for one in shown})
    if missing:
        raise MultiRegionError(f"names has {missing[0]}; allowed: the name of a prefix list of the region.")
    return {"changed": False, "reason": f"{len(shown)} prefix lists were found.", "prefix_lists": shown}
