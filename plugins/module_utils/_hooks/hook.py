# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A hook: a step of the operator's own, which is a task file that runs at a moment of a move. Pure.

docs/hooks.md describes hooks for their authors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

BEFORE_PROMOTION, AFTER_PROMOTION = "before_promotion", "after_promotion"
BEFORE_TRAFFIC, AFTER_TRAFFIC = "before_traffic", "after_traffic"
ON_FAILURE, ON_REFUSAL = "on_failure", "on_refusal"
# The moments at which a hook is a step of the plan, in their order, and those at which a run ends without success.
PLANNED = (BEFORE_PROMOTION, AFTER_PROMOTION, BEFORE_TRAFFIC, AFTER_TRAFFIC)
ENDED = (ON_FAILURE, ON_REFUSAL)
MOMENTS = (*PLANNED, *ENDED)
SOURCE, TARGET = "source", "target"
ONCE, REPEATABLE = "once", "repeatable"
# How a hook ended. Only one that has finished is omitted by the next attempt.
FINISHED, FAILED, STOPPED = "finished", "failed", "stopped"
# How the name of a hook's step begins in plans and records.
STEP_PREFIX = "hook_"


@dataclass(frozen=True)
class Hook:
    """One hook.

    file: as it was given. required: whether the move stops if it fails. side: whose region it is about.
    run: whether a later attempt of the same run runs it again once it has finished.
    methods: those of the moves that it belongs to; empty = all.
    """

    name: str
    moment: str
    file: str
    time_limit_seconds: int = 60
    required: bool = False
    side: str = TARGET
    run: str = ONCE
    methods: tuple[str, ...] = ()

    @property
    def step(self) -> str:
        """The name of its step."""
        return f"{STEP_PREFIX}{self.name}"

    @property
    def summary(self) -> str:
        """What a plan says of it."""
        need = "if it fails, the move stops" if self.required else "if it fails, the move goes on"
        return f"Your own step {self.moment}, {self.run}, at most {self.time_limit_seconds} s; {need}."

    def as_result(self) -> dict[str, Any]:
        """Return the hook as a plan contains it."""
        return {**asdict(self), "methods": list(self.methods)}


def build_hook(options: Mapping[str, Any]) -> Hook:
    """Return the hook of options that were checked; None means not given."""
    given = {one.name: options[one.name] for one in fields(Hook) if options.get(one.name) is not None}
    return Hook(**{**given, "methods": tuple(given.get("methods", ()))})
