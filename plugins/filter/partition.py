# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The partition of a region, for the ARNs and endpoints in roles and policies."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils._options.partitions import partition_of


def partition(region: Any) -> dict[str, str]:
    """Return name and dns_suffix. Raises AnsibleFilterError for what is no text."""
    if not isinstance(region, str) or not region:
        raise AnsibleFilterError(f"partition: {region!r}; allowed: the code of an AWS region, such as us-east-1")
    return asdict(partition_of(region))


class FilterModule:
    """Filters of all roles."""

    def filters(self) -> dict[str, Any]:
        return {"partition": partition}
