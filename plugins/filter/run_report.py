# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the HTML reports draw from the records of runs."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.plugin_utils import run_report as report


def goal_of(value: t.Any, name: str) -> float | None:
    """Return a goal as a number, or None if there is none. Raises AnsibleFilterError if it is not a number."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise AnsibleFilterError(f"{name} is {value!r}; allowed: a number.") from error


def run_report(record: t.Any, rto_goal: t.Any = None, rpo_goal: t.Any = None) -> dict[str, t.Any]:
    """See :func:`run_report.build_report`."""
    if not isinstance(record, dict):
        raise AnsibleFilterError(f"run_report requires the record of a run, not {type(record).__name__}")
    return report.build_report(record, goal_of(rto_goal, "rto_goal"), goal_of(rpo_goal, "rpo_goal"))


def run_history(runs: t.Any, rto_goal: t.Any = None) -> dict[str, t.Any]:
    """See :func:`run_report.build_history`."""
    if not isinstance(runs, list):
        raise AnsibleFilterError(f"run_history requires a list of records, not {type(runs).__name__}")
    return report.build_history(runs, goal_of(rto_goal, "rto_goal"))


class FilterModule:
    """Filters of the HTML reports."""

    def filters(self) -> dict[str, t.Callable]:
        return {"run_report": run_report, "run_history": run_history}
