# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How the writer is moved when the operator leaves it to us, and the sentence why. Pure.

What is under way is gone on with. Otherwise the least loss that is possible: a switchover where the active region
works, the managed failover where it does not, and a detach only where AWS cannot do that and the loss is accepted.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO, version_difference
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import DETACH, FAILOVER, SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._failover.obstacles import find_obstacles
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import METHODS
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import HEALTHY


def resolve(seen: Situation) -> tuple[Situation, str]:
    """Return the situation with a method that is not auto, and the sentence why it is that one."""
    if seen.request.method != AUTO:
        return replace(seen, method=seen.request.method), f"Method {seen.request.method} was asked for."
    return _under_way(seen) or _fresh(seen)


def _under_way(seen: Situation) -> tuple[Situation, str] | None:
    target = seen.target
    if seen.is_joinable:
        method, status = seen.operation_method or FAILOVER, (seen.operation or {}).get("status")
        return replace(seen, method=method), f"Method auto goes on with the {method} to {target} ({status})."
    if seen.is_detached:
        words = f"Method auto goes on with a detach: the cluster of {target} is no member of the global database."
        return replace(seen, method=DETACH), words
    if seen.is_promotion_open:
        return None
    told = seen.run.get("method")
    if told in METHODS:
        return replace(seen, method=told), f"Method auto goes on with the {told} of run {seen.run.get('run_id')}."
    method = SWITCHOVER if _is_active_healthy(seen) else FAILOVER
    return replace(seen, method=method), f"The writer is at {target} already; what is left is taken as a {method}'s."


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
        words += f", but a switchover is refused ({' '.join(one.sentence for one in obstacles).rstrip('.')})"
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
