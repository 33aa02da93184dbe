# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the control tables tell of earlier and present runs: leases, the last move, fences. Pure.

Every region has a table of its own, and any of them may be unreadable, or behind the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import State
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import merge

Lease = Mapping[str, Any]
NOTHING = Facts("", {})


def live_leases(state: State) -> Iterator[tuple[str, Lease]]:
    """Yield (region, lease) of every move that goes on now."""
    for region, facts in state.facts.items():
        lease = facts.value("lease")
        if lease and lease["is_live"]:
            yield region, lease


def unfinished(state: State, region: str) -> Lease | None:
    """Return the region's lease where the run it is of has not ended well, or goes on; None otherwise.

    A move that succeeded anywhere since then has made an end of it; never of a live one, because the two times are of
    different clocks.
    """
    lease = state.facts.get(region, NOTHING).value("lease")
    if not lease or not lease["is_unfinished"]:
        return None
    move = latest_move(state).value
    is_superseded = move and move["run_id"] != lease["run_id"] and move["ended_at"] >= lease["renewed_at"]
    return None if is_superseded and not lease["is_live"] else lease


def latest_move(state: State) -> Observation:
    """Return the last move that succeeded; unknown where no region's table could be read.

    A move is written wherever it can be, and so is its acknowledgement: the newest copy counts, and as acknowledged
    where any copy of the same run says so.
    """
    copies = [facts["latest_move"] for facts in state.facts.values()]
    known = [copy for copy in copies if copy.known]
    if not known:
        return copies[0] if copies else Observation(error="no region was asked")
    moves = [copy.value for copy in known if copy.value]
    if not moves:
        return known[0]
    move = max(moves, key=lambda one: one["ended_at"])
    said = (one.get("acknowledged") for one in moves if one["run_id"] == move["run_id"])
    return Observation({**move, "acknowledged": next(filter(None, said), None)})


def is_unplanned(move: Mapping[str, Any]) -> bool:
    """Return whether a move was made without the active region's help."""
    return move["method"] != SWITCHOVER


def fence_of(state: State, region: str) -> Observation:
    """Return the document of what fencing did to a region: its own table's, else the newest copy of the others."""
    own = state.facts.get(region, NOTHING)["fences"]
    told = {region: own} if own.known else {name: facts["fences"] for name, facts in state.facts.items()}
    return merge(region, {name: Observation(one.value.get(region)) if one.known else one for name, one in told.items()})
