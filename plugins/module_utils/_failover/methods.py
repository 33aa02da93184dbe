# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The method of a plan, what ``auto`` resolves to, and the sentence that explains it. Pure.

An operation in progress is continued, and so is a run that has moved the writer, whichever method its next attempt
requests: the steps that are left, and what may have been lost, are those of the method that moved it. Otherwise auto is
the method with the least possible loss: a switchover if the active region is healthy, else the managed failover, and a
detach only if AWS cannot do that and the loss is accepted.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO, version_difference
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import (
    DETACH,
    FAILOVER,
    METHODS,
    SWITCHOVER,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.obstacles import find_obstacles
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import HEALTHY


def resolve(seen: Situation) -> tuple[Situation, str]:
    """Return the situation with a method other than auto, and the sentence that explains the method."""
    requested, promoted = seen.request.method, seen.promoted_by
    if requested != AUTO and promoted not in (None, requested):
        words = f"Method {requested} was requested, but run {seen.run.get('run_id')} has moved the writer by {promoted}"
        return replace(seen, method=promoted), f"{words}; its remaining steps are those of a {promoted}."
    if requested != AUTO:
        return replace(seen, method=requested), f"Method {requested} was requested."
    return _under_way(seen) or _fresh(seen)


def _under_way(seen: Situation) -> tuple[Situation, str] | None:
    target = seen.target
    if seen.is_joinable:
        method, status = seen.operation_method or FAILOVER, (seen.operation or {}).get("status")
        return replace(seen, method=method), f"Method auto continues the {method} to {target} ({status})."
    if seen.is_detached:
        words = f"Method auto continues a detach: the cluster of {target} is not a member of the global database."
        return replace(seen, method=DETACH), words
    if seen.is_promotion_open:
        return None
    previous = seen.promoted_by or seen.run.get("method")
    if previous in METHODS:
        return replace(seen, method=previous), f"Method auto continues the {previous} of run {seen.run.get('run_id')}."
    method = SWITCHOVER if _is_active_healthy(seen) else FAILOVER
    return replace(seen, method=method), (
        f"The writer is already in {target}; the remaining steps are those of a {method}."
    )


def _is_active_healthy(seen: Situation) -> bool:
    return seen.active is not None and seen.verdict_of(seen.active).verdict == HEALTHY


def _fresh(seen: Situation) -> tuple[Situation, str]:
    active, words = seen.active, "The active region is unknown"
    if active:
        found = seen.verdict_of(active)
        words = f"{active} is {found.verdict} ({found.reason.rstrip('.')})"
    if _is_active_healthy(seen):
        planned = replace(seen, method=SWITCHOVER)
        obstacles = find_obstacles(planned)[0]
        if not obstacles:
            return planned, f"Method auto is a switchover: {words}, and nothing is lost that way."
        words += f", but a switchover is not possible ({' '.join(one.sentence for one in obstacles).rstrip('.')})"
    difference = version_difference(seen.observed)
    if not difference:
        return replace(seen, method=FAILOVER), f"Method auto is a managed failover: {words}."
    if seen.request.accept_data_loss:
        return replace(seen, method=DETACH), (
            f"Method auto is a detach: {words}; a managed failover is impossible ({difference}), and accept_data_loss "
            "is true."
        )
    return replace(seen, method=FAILOVER), (
        f"Method auto would be a managed failover: {words}; but that is impossible ({difference})."
    )
