# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Parallel calls with a deadline, after which calls that still hang are ignored.

Each call runs in a daemon thread, so a hanging one delays neither the caller beyond its deadline nor the end of the
process. A call without a response in time becomes an ``Observation`` with an error, because unknown is a result too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation

# How often a waiting caller checks whether it may end early; responses wake it immediately.
GLANCE_SECONDS = 0.05

Enough = Callable[[Mapping[Any, Observation], float], bool]


class CallGroup:
    """Calls in progress and their results. ``start`` may be called again while others run, also with the same names.

    silent: names that did not respond before. They are called beside the others, and no longer waited for once only
    they are missing and another call has succeeded.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, silent: Collection[Hashable] = ()):
        self._clock = clock
        self._silent = frozenset(silent)
        self._answers: dict[Hashable, Observation] = {}
        self._pending: dict[Hashable, tuple[float, Callable[[], Any]]] = {}
        self._changed = threading.Condition()
        self.started = clock()

    def start(self, calls: Mapping[Any, Callable[[], Any]]) -> None:
        """Start each call in its own thread."""
        begun = self._clock()
        with self._changed:
            for name, call in calls.items():
                self._pending[name] = (begun, call)
                self._answers.pop(name, None)
        for name, call in calls.items():
            threading.Thread(target=self._ask, args=(name, call, begun), daemon=True).start()

    def seconds(self) -> float:
        """Return the seconds since this group was created."""
        return self._clock() - self.started

    def _ask(self, name: Hashable, call: Callable[[], Any], begun: float) -> None:
        try:
            value, error = call(), None
        except Exception as failure:
            value, error = None, sentence(failure)
        with self._changed:
            # If a call was started again under this name, only the later one counts.
            if self._pending.get(name) != (begun, call):
                return
            self._answers[name] = Observation(value, error, round(self._clock() - begun, 3))
            self._pending.pop(name)
            self._changed.notify_all()

    def wait(self, deadline_s: float, enough: Enough | None = None) -> dict[Any, Observation]:
        """Return the results by the deadline, with an unknown for each call without a response.

        deadline_s: seconds since this group was created.
        enough: function of (results so far, seconds so far); true ends the wait early.
        """
        with self._changed:
            while self._pending:
                spent = self.seconds()
                if spent >= deadline_s or self._only_silent() or (enough and enough(self._answers, spent)):
                    break
                self._changed.wait(min(GLANCE_SECONDS if enough else deadline_s, deadline_s - spent))
            now = self._clock()
            silent = {name: self._silence(name, now - begun) for name, (begun, _call) in self._pending.items()}
            return {**self._answers, **silent}

    def _only_silent(self) -> bool:
        return self._pending.keys() <= self._silent and any(answer.known for answer in self._answers.values())

    def _silence(self, name: Hashable, seconds: float) -> Observation:
        again = ", and none before in this run" if name in self._silent else ""
        return Observation(error=f"no answer within {seconds:.1f} s{again}", seconds=round(seconds, 3))


def observe_all(
    calls: Mapping[Any, Callable[[], Any]],
    deadline_s: float,
    enough: Enough | None = None,
    silent: Collection[Hashable] = (),
) -> dict[Any, Observation]:
    """Run all calls in parallel; return {name: Observation} by the deadline, or once ``enough`` returns true.

    silent: as CallGroup takes it.
    """
    board = CallGroup(silent=silent)
    board.start(calls)
    answers = board.wait(deadline_s, enough)
    return {name: answers[name] for name in calls}


def sentence(failure: Exception) -> str:
    """Return why a call failed; the message of a MultiRegionError is already a sentence."""
    return str(failure) if isinstance(failure, MultiRegionError) else f"{type(failure).__name__}: {failure}"
