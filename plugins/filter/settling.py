# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which failures of a task AWS itself ends within minutes, and how often to try again."""

from __future__ import annotations

import math
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils._core import settling


def is_settling(result: t.Any, name: str) -> bool:
    """Return whether a task failed only because something was created a moment before.

    Raises AnsibleFilterError for an unknown name.
    """
    if not isinstance(result, t.Mapping):
        raise AnsibleFilterError(f"is_settling requires the result of a task, not {type(result).__name__}")
    try:
        return settling.result_passes(name, result)
    except KeyError as error:
        raise AnsibleFilterError(f"is_settling: {error.args[0]}") from error


def settling_retries(name: str, delay: int = settling.INTERVAL_SECONDS) -> int:
    """Return how often to try again, with so many seconds between two tries."""
    try:
        return math.ceil(settling.row(name).patience / delay)
    except KeyError as error:
        raise AnsibleFilterError(f"settling_retries: {error.args[0]}") from error


class FilterModule:
    """Filters for tasks with until."""

    def filters(self) -> dict[str, t.Callable]:
        return {"is_settling": is_settling, "settling_retries": settling_retries}
