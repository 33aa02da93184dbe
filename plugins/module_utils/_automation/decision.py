# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Counting the runs of the health check in the control tables, and deciding what a run leads to.

The count stands in an item of every reachable region's table; its document is a Memory of _automation/rule.py.
health_check.yml counts in ``automation#counters``. Who looks from elsewhere, or by other settings, counts in an item of
his own, or the two would tell people again and again what the other one sees differently.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._automation.rule import (
    Decision,
    Memory,
    Settings,
    decide,
    is_paused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._automation.store import (
    PAUSE_ID,
    VERSION,
    Copies,
    listed,
    newest,
    pause_of,
    read_all,
    table_time,
    write_all,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import CAPACITY_ID, capacity_in
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, require_member
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed

COUNTERS_ID = "automation#counters"
# The members of a Memory that JSON has as lists.
TUPLES = ("blocked_by", "traffic_seen", "traffic_problems")


def refuse_bad(params: Mapping[str, Any]) -> None:
    """Raise MultiRegionError for options that make no sense together."""
    regions, verdicts = params["regions"], params["verdicts"]
    missing = [region for region in regions if "verdict" not in (verdicts.get(region) or {})]
    if missing:
        raise MultiRegionError(
            f"verdicts has none for {', '.join(missing)}; allowed: what region_health_info returns for all regions."
        )
    require_member("active_region", params["active_region"], [*regions, UNKNOWN])
    if params["min_interval"] > params["max_gap"]:
        raise MultiRegionError(
            f"min_interval is {params['min_interval']}; allowed: at most max_gap, {params['max_gap']}."
        )


def to_document(memory: Memory) -> dict[str, Any]:
    """Return a memory as it is stored. Pure."""
    return {**asdict(memory), "version": VERSION, **{name: list(getattr(memory, name)) for name in TUPLES}}


def to_memory(document: Mapping[str, Any] | None) -> Memory:
    """Return a stored memory; an absent one, and one of another version, counts for nothing. Pure."""
    if not document or document.get("version") != VERSION:
        return Memory()
    known = {one.name: document[one.name] for one in fields(Memory) if one.name in document}
    return Memory(**{**known, **{name: tuple(known.get(name, ())) for name in TUPLES}})


@timed
def run(
    params: Mapping[str, Any], clients: Any, check_mode: bool = False, counters: str = COUNTERS_ID
) -> dict[str, Any]:
    """Count this run in the item ``counters``, keep the capacity that it has seen, and return what it leads to.

    Returns changed (whether a count was written), action, reason, is_news, votes, conditions, counters, paused,
    blocked_by, traffic_problems, written_to, not_written_to, diff. Raises MultiRegionError for bad options only.
    """
    refuse_bad(params)
    table, regions, deadline = params["table_name"], params["regions"], params["deadline"]
    capacity = params.get("capacity") or {}
    kept = (CAPACITY_ID,) if capacity else ()
    copies, failed = read_all(clients, table, regions, (PAUSE_ID, counters, *kept), deadline)
    # Where no table tells the time there is no count to compare it with either.
    now = table_time(copies) if copies else time.time()
    before = to_memory(newest(copies, counters) if copies else None)
    pause = pause_of(copies) if copies else None
    settings = Settings(**{one.name: params[one.name] for one in fields(Settings)})
    verdicts = {region: params["verdicts"][region] for region in regions}
    obstacles = params.get("obstacles") or []
    traffic = params.get("traffic_problems")
    decision = decide(verdicts, params["active_region"], before, pause, now, settings, obstacles, traffic)
    document = to_document(decision.memory)
    behind = [region for region, copy in copies.items() if copy[counters]["document"] != document]
    written: list[str] = []
    if behind and not check_mode:
        written, refused = write_all(clients, table, behind, counters, document, deadline)
        failed |= refused
    if capacity and copies and not check_mode:
        failed |= keep_capacity(clients, table, copies, capacity, deadline)
    return {
        **as_result(_kept(decision, table, copies, behind, written, failed, check_mode)),
        "changed": bool(behind if check_mode else written),
        "paused": pause if is_paused(pause, now) else None,
        "written_to": written,
        "not_written_to": failed,
        "diff": {"before": to_document(before), "after": document},
    }


def keep_capacity(
    clients: Any, table: str, copies: Copies, capacity: Mapping[str, int], deadline: float
) -> dict[str, str]:
    """Keep the desired capacity that was seen in the tables that lack it; return {region: why it was not written}.

    A region that could not be read keeps its last figure: a failover away from it needs that one.
    """
    document = {"version": VERSION, "regions": {**capacity_in(newest(copies, CAPACITY_ID)), **capacity}}
    behind = [region for region, copy in copies.items() if copy[CAPACITY_ID]["document"] != document]
    return write_all(clients, table, behind, CAPACITY_ID, document, deadline)[1] if behind else {}


def _kept(
    decision: Decision,
    table: str,
    copies: Copies,
    behind: list[str],
    written: list[str],
    failed: Mapping[str, str],
    check_mode: bool,
) -> Decision:
    """Return the decision, without its failover where the count stands nowhere: nobody could count on from it."""
    if not copies:
        return decision.alert_only(
            f"No table {table} could be read ({listed(failed)}), so the run was not counted and starts nothing;"
            " site.yml creates the tables."
        )
    if behind and not written and not check_mode:
        return decision.alert_only(f"No table {table} took the count ({listed(failed)}), so the run starts nothing.")
    return decision


def as_result(decision: Decision) -> dict[str, Any]:
    """Return a decision as the module returns it. Pure."""
    memory = decision.memory
    return {
        "action": decision.action,
        "reason": decision.reason,
        "is_news": decision.is_news,
        "votes": {region: [asdict(vote) for vote in votes] for region, votes in decision.votes.items()},
        "conditions": dict(memory.conditions),
        "counters": {memory.region: memory.count} if memory.region else {},
        "blocked_by": list(memory.blocked_by),
        "traffic_problems": list(memory.traffic_problems),
    }
