# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether new Route 53 health checks have a status of their own.

A new check is healthy, an inverted one unhealthy, until a checker has had FailureThreshold equal results in a row
("HealthCheckConfig" of the Route 53 API Reference). GetHealthCheckStatus shows only the last result of each checker,
with its time, so results are counted while they change: two are different if their times are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    after_waiting,
    pause,
    poll,
    retry_transient,
    timed,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.health_checks import get_health_check

# How the text of a result begins. Before the first one it says something else.
RESULTS = ("Success", "Failure")
# FailureThreshold if the check does not have one ("HealthCheckConfig").
DEFAULT_THRESHOLD = 3
# One more, in which what the checkers have found reaches the name servers. AWS gives no time for that.
MARGIN = 1

# By checker: (state, time of the last result, results in a row).
Counts = Mapping[str, tuple[str, Any, int]]


@aws_call("GetHealthCheckStatus")
def get_observations(client: Any, identifier: str) -> list[dict[str, Any]]:
    """Return the HealthCheckObservations of a check."""
    return client.get_health_check_status(HealthCheckId=identifier)["HealthCheckObservations"]


def counted(before: Counts, observations: list[Mapping[str, Any]]) -> dict[str, tuple[str, Any, int]]:
    """Return the counts after another look. Pure."""
    after = {}
    for one in observations:
        checker, report = f"{one.get('Region')} {one.get('IPAddress')}", one.get("StatusReport", {})
        state, checked_at = report.get("Status", "").partition(":")[0], report.get("CheckedTime")
        if state not in RESULTS:
            after[checker] = ("", None, 0)
            continue
        old_state, old_time, row = before.get(checker, ("", None, 0))
        after[checker] = (state, checked_at, row if (old_state, old_time) == (state, checked_at) else row + 1)
        if old_state not in ("", state):
            after[checker] = (state, checked_at, 1)
    return after


class History:
    """Counts the results of several checks."""

    def __init__(self, client: Any, identifiers: list[str], sleep: Callable[[float], Any], clock: Callable[[], float]):
        self.client = client
        self.time = {"sleep": sleep, "clock": clock}
        self.thresholds = {identifier: self.threshold(identifier) for identifier in identifiers}
        self.counts: dict[str, Counts] = {identifier: {} for identifier in identifiers}

    def ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the call returns, retrying while Route 53 throttles."""
        return retry_transient(lambda: call(self.client, *arguments), **self.time)

    def threshold(self, identifier: str) -> int:
        """Return how many results in a row are waited for. Raises MultiRegionError if there is no such check."""
        check = self.ask(get_health_check, identifier)
        if check is None:
            raise MultiRegionError(f"health_check_ids has {identifier}; allowed: ids of health checks that exist.")
        return MARGIN + (check["HealthCheckConfig"].get("FailureThreshold") or DEFAULT_THRESHOLD)

    def look(self) -> dict[str, int]:
        """Count once more; return by check how many results in a row the checker with the fewest has had."""
        for identifier, before in self.counts.items():
            self.counts[identifier] = counted(before, self.ask(get_observations, identifier))
        return {
            identifier: min((row for _state, _time, row in counts.values()), default=0)
            for identifier, counts in self.counts.items()
        }

    def is_complete(self, rows: Mapping[str, int]) -> bool:
        """Return whether every check has a status of its own."""
        return all(rows[identifier] >= threshold for identifier, threshold in self.thresholds.items())


@timed
def run(
    params: Mapping[str, Any], clients: Any, clock: Callable[[], float] = time.monotonic, sleep: Any = pause
) -> dict[str, Any]:
    """Wait until all checks have a status of their own.

    Returns {changed (False), reason, results_in_a_row, seconds}. Raises WaitTimeout with those so far.
    """
    history = History(clients("route53"), params["health_check_ids"], sleep, clock)
    timeout, interval, began = params["wait_timeout"], params["poll_interval"], clock()
    try:
        rows = poll(history.look, history.is_complete, timeout, interval, clock=clock, sleep=sleep)
    except WaitTimeout as late:
        rows = late.state or dict.fromkeys(history.thresholds, 0)
        short = {name: row for name, row in rows.items() if row < history.thresholds[name]}
        words = ", ".join(f"{name} {row} of {history.thresholds[name]}" for name, row in short.items())
        sentence = (
            f"After {late.seconds:.0f} s (wait_timeout) the checkers have not had enough equal results in a row of "
            f"{len(short)} of {len(rows)} health checks: {words}."
        )
        error = WaitTimeout(rows, late.error, late.seconds, sentence)
        error.evidence["results_in_a_row"] = rows
        raise error from late
    return {
        "changed": False,
        "reason": f"All {len(rows)} health checks have a status of their own{after_waiting(clock() - began)}.",
        "results_in_a_row": rows,
    }
