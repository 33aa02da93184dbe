# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Parallel writes to several regions of which one must succeed and the others may fail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

# The option of the doc fragment "silent_regions".
SILENT_SPEC = {"silent_regions": {"type": "list", "elements": "str", "default": [], "rule": rules.SILENT_REGIONS}}

# How long to wait for the other regions once the required one has responded, in seconds since the start.
PATIENCE_SECONDS = 3.0


@dataclass(frozen=True)
class Outcome:
    """The values of the regions that succeeded, the errors of the others, and whether that is enough."""

    done: dict[str, Any]
    failed: dict[str, str]
    is_enough: bool


def call_regions(
    calls: Mapping[str, Callable[[], Any]], required: str | None, deadline_s: float, silent: Collection[str] = ()
) -> Outcome:
    """Run one call per region in parallel; return when all have responded, or soon after the required one.

    required: the region that must succeed; None = at least one region. silent: regions that did not respond before.
    """

    def enough(answers: Mapping[str, Observation], seconds: float) -> bool:
        is_answered = required in answers if required else any(answer.known for answer in answers.values())
        return is_answered and seconds >= PATIENCE_SECONDS

    answers = observe_all(calls, deadline_s, enough, set(silent) - {required})
    done = {region: answer.value for region, answer in answers.items() if answer.known}
    failed = {region: str(answer.error) for region, answer in answers.items() if not answer.known}
    return Outcome(done, failed, required in done if required else bool(done))
