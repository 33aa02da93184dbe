# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How the names of a cluster's manual snapshots begin, for roles and policies."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.snapshots import snapshot_prefix


def prefix(cluster: Any) -> str:
    """Return the prefix. Raises AnsibleFilterError for what is no text."""
    if not isinstance(cluster, str) or not cluster:
        raise AnsibleFilterError(f"snapshot_prefix: {cluster!r}; allowed: the identifier of a DB cluster")
    return snapshot_prefix(cluster)


class FilterModule:
    """Filters of the global_database role."""

    def filters(self) -> dict[str, Any]:
        return {"snapshot_prefix": prefix}
