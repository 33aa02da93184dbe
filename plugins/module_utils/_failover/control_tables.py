# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the control tables contain about earlier and current runs: leases, the latest move, fences. Pure.

Every region has its own table, and any of them may be unreadable or out of date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.work import OTHER_WORK
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import State
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import merge

Lease = Mapping[str, Any]
NOTHING = Facts("", {})


def live_leases(state: State) -> Iterator[tuple[str, Lease]]:
    """Yield (region, lease) of every move or upgrade in progress."""
    for region, facts in state.facts.items():
        lease = facts.value("lease")
        if lease and lease["is_live"]:
            yield region, lease


def unfinished(state: State, region: str) -> Lease | None:
    """Return the region's lease if its run is in progress or did not succeed, else None.

    Other work, such as an upgrade, holds the lease of the writer's region, but moves nothing there.
    A later move to any region that succeeded supersedes the lease, except if the lease is live: its times are of
    another clock and cannot be compared.
    """
    lease = state.facts.get(region, NOTHING).value("lease")
    if not lease or not lease["is_unfinished"] or lease["method"] in OTHER_WORK:
        return None
    move = latest_move(state).value
    is_superseded = move and move["run_id"] != lease["run_id"] and move["ended_at"] >= lease["renewed_at"]
    return None if is_superseded and not lease["is_live"] else lease


def latest_move(state: State) -> Observation:
    """Return the latest move that succeeded; unknown if no region's table could be read.

    A move and its acknowledgement are written to every table that responds. So the newest copy counts, and it counts as
    acknowledged if any copy of the same run is.
    """
    copies = [facts["latest_move"] for facts in state.facts.values()]
    known = [copy for copy in copies if copy.known]
    if not known:
        return copies[0] if copies else Observation(error="no region was queried")
    moves = [copy.value for copy in known if copy.value]
    if not moves:
        return known[0]
    move = max(moves, key=lambda one: one["ended_at"])
    acknowledgements = (one.get("acknowledged") for one in moves if one["run_id"] == move["run_id"])
    return Observation({**move, "acknowledged": next(filter(None, acknowledgements), None)})


def is_unplanned(move: Mapping[str, Any]) -> bool:
    """Return whether a move did not need the active region."""
    return move["method"] != SWITCHOVER


def fence_of(state: State, region: str) -> Observation:
    """Return a region's fence document: from its own table if readable, else the newest copy in the others."""
    own = state.facts.get(region, NOTHING)["fences"]
    copies = {region: own} if own.known else {name: facts["fences"] for name, facts in state.facts.items()}
    return merge(
        region, {name: Observation(one.value.get(region)) if one.known else one for name, one in copies.items()}
    )
