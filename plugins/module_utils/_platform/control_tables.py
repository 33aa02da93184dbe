# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the planner needs from a region's control table, in one call: manifest, lease, latest move, the capacity that
the health checks last saw, fences.

A second call is made only if a run has not succeeded, because its record has the region that it moved away from, and
not for one that has only just taken its lease: its first step is yet to begin.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    CAPACITY_ID,
    LATEST_MOVE_ID,
    MANIFEST_ID,
    RUN_PREFIX,
    get_document,
    get_items,
    unpack,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import (
    LEASE_ID,
    server_time,
    unpack_lease,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import FENCE_PREFIX

MANIFEST, TABLE, LEASE, RUN, MOVE, FENCES = "manifest", "control_table", "lease", "run", "latest_move", "fences"
CAPACITY_SEEN = "capacity_seen"
# The facts of _core/observation.py that come from the control table, and the copy of the manifest.
NAMES = (MANIFEST, TABLE, LEASE, RUN, MOVE, FENCES, CAPACITY_SEEN)
NO_TABLE: Mapping[str, Any] = {**dict.fromkeys(NAMES), FENCES: {}}


def read_control_tables(client: Any, table: str, regions: Collection[str]) -> dict[str, Observation]:
    """Return all facts from a region's control table, and under ``manifest`` {document, written_at} or None.

    regions: those whose fences are read. Raises AwsCallError if the table could not be read.
    """
    fences = {region: f"{FENCE_PREFIX}{region}" for region in regions}
    found = get_items(client, table, [MANIFEST_ID, LEASE_ID, LATEST_MOVE_ID, CAPACITY_ID, *fences.values()])
    if found is None:
        return {name: Observation(value) for name, value in NO_TABLE.items()}
    items, answer = found
    now = server_time(answer)
    lease = unpack_lease(items.get(LEASE_ID), now)
    values = {
        MANIFEST: _unpacked(items.get(MANIFEST_ID)),
        TABLE: table,
        LEASE: lease,
        MOVE: _aged(_unpacked(items.get(LATEST_MOVE_ID)), now),
        CAPACITY_SEEN: _unpacked(items.get(CAPACITY_ID)),
        FENCES: {region: _unpacked(items.get(identifier)) for region, identifier in fences.items()},
    }
    return {**{name: Observation(value) for name, value in values.items()}, RUN: _read_run(client, table, lease)}


def facts_of_control_tables(answer: Observation) -> dict[str, Observation]:
    """Return the facts of a call of ``read_control_tables``; all are unknown if it failed. Pure."""
    if not answer.known:
        return dict.fromkeys(NAMES, answer)
    return {name: replace(fact, seconds=answer.seconds) for name, fact in answer.value.items()}


def _read_run(client: Any, table: str, lease: Mapping[str, Any] | None) -> Observation:
    if not lease or not lease["is_unfinished"] or is_untouched(lease):
        return Observation(None)
    try:
        found = get_document(client, table, f"{RUN_PREFIX}{lease['run_id']}")
    except AwsCallError as error:
        return Observation(error=str(error))
    return Observation(found["document"] if found else None)


def is_untouched(lease: Mapping[str, Any]) -> bool:
    """Return whether a run has taken its first lease and done nothing under it, so that it has no record. Pure."""
    return lease["is_live"] and lease["attempt"] == 1 and not lease["step"]


def _unpacked(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return unpack(item) if item else None


def _aged(copy: Mapping[str, Any] | None, now: float) -> dict[str, Any] | None:
    if not copy or not copy["document"]:
        return None
    move = copy["document"]
    return {"ended_at": 0.0, **move, "age_seconds": round(max(0.0, now - move.get("ended_at", 0.0)), 3)}
