# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The IAM policies of the user that runs the playbooks, as a filter: statements with placeholders in, documents out."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.plugin_utils.runner_policies import build_policies


def runner_policies(
    statements: t.Any,
    name: str,
    names: t.Mapping[str, t.Any],
    regions: t.Any,
    is_short: bool = False,
    existing: t.Sequence[str] = (),
    absent: t.Sequence[str] = (),
) -> list[dict[str, t.Any]]:
    """See :func:`runner_policies.build_policies`.

    Raises AnsibleFilterError if there are no regions, a name is missing, or a statement fits into no policy.
    """
    places = list(regions)
    if not places:
        raise AnsibleFilterError("runner_policies: regions is empty; allowed: a mapping of names for every region")
    try:
        return build_policies(list(statements), name, names, places, is_short, list(existing), list(absent))
    except MultiRegionError as error:
        raise AnsibleFilterError(f"runner_policies: {error}") from error


class FilterModule:
    """Filters of the runner's policies."""

    def filters(self) -> dict[str, t.Callable]:
        return {"runner_policies": runner_policies}
