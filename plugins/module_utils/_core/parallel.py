# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asking many things in parallel and going on at a deadline, whatever still hangs.

Each call runs in a daemon thread: a hanging one keeps neither the caller beyond its deadline nor the process from
ending. What was not answered in time is an ``Observation`` that says so, because "could not ask" is an answer too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation

# How often a waiting reader looks at the clock for its own early end; answers wake it immediately.
GLANCE_SECONDS = 0.05

Enough = Callable[[Mapping[Any, Observation], float], bool]


class CallGroup:
    """Calls under way and what they answered. ``start`` may be called again while others run, also with their names."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._answers: dict[Hashable, Observation] = {}
        self._pending: dict[Hashable, tuple[float, Callable[[], Any]]] = {}
        self._changed = threading.Condition()
        self.started = clock()

    def start(self, calls: Mapping[Any, Callable[[], Any]]) -> None:
        """Start each call in a thread of its own."""
        begun = self._clock()
        with self._changed:
            for name, call in calls.items():
                self._pending[name] = (begun, call)
                self._answers.pop(name, None)
        for name, call in calls.items():
            threading.Thread(target=self._ask, args=(name, call, begun), daemon=True).start()

    def seconds(self) -> float:
        """Return the seconds since this board was made."""
        return self._clock() - self.started

    def _ask(self, name: Hashable, call: Callable[[], Any], begun: float) -> None:
        try:
            value, error = call(), None
        except Exception as failure:
            value, error = None, sentence(failure)
        with self._changed:
            # A name that was started again since belongs to the later call.
            if self._pending.get(name) != (begun, call):
                return
            self._answers[name] = Observation(value, error, round(self._clock() - begun, 3))
            self._pending.pop(name)
            self._changed.notify_all()

    def wait(self, deadline_s: float, enough: Enough | None = None) -> dict[Any, Observation]:
        """Return what was answered by the deadline, with an unknown for each call that was not.

        deadline_s: seconds since this board was made.
        enough: function of (answers so far, seconds so far); true ends the wait early.
        """
        with self._changed:
            while self._pending:
                spent = self.seconds()
                if spent >= deadline_s or (enough and enough(self._answers, spent)):
                    break
                self._changed.wait(min(GLANCE_SECONDS if enough else deadline_s, deadline_s - spent))
            now = self._clock()
            silent = {name: self._silence(now - begun) for name, (begun, _call) in self._pending.items()}
            return {**self._answers, **silent}

    @staticmethod
    def _silence(seconds: float) -> Observation:
        return Observation(error=f"no answer within {seconds:.1f} s", seconds=round(seconds, 3))


def observe_all(
    calls: Mapping[Any, Callable[[], Any]], deadline_s: float, enough: Enough | None = None
) -> dict[Any, Observation]:
    """Run all calls in parallel; return {name: Observation} by the deadline, or when ``enough`` says so."""
    board = CallGroup()
    board.start(calls)
    answers = board.wait(deadline_s, enough)
    return {name: answers[name] for name in calls}


def sentence(failure: Exception) -> str:
    """Return why a call failed; our own errors are sentences already."""
    return str(failure) if isinstance(failure, MultiRegionError) else f"{type(failure).__name__}: {failure}"
