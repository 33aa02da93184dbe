# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of a run's steps."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils import _run_steps


def run_steps(plan: t.Any, results: t.Any, began: t.Any) -> list[dict[str, t.Any]]:
    """See :func:`_run_steps.run_steps`."""
    if not isinstance(plan, list) or not isinstance(results, dict):
        found = f"{type(plan).__name__} and {type(results).__name__}"
        raise AnsibleFilterError(f"run_steps takes a list of steps and a dict of results, not {found}")
    return _run_steps.run_steps(plan, results, float(began))


class FilterModule:
    """Filter of the playbooks that move the platform."""

    def filters(self) -> dict[str, t.Callable]:
        return {"run_steps": run_steps}
