# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Would a failover work now? Reads everything in all regions in parallel, with one deadline, and judges it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import (
    describe_copies,
    freshest,
    nothing_found,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import make_clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    UNKNOWN,
    Facts,
    Observation,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import CallGroup
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._platform.control_tables import (
    MANIFEST,
    facts_of_control_tables,
    read_control_tables,
)
from ansible_collections.trading.multi_region.plugins.module_utils._platform.observe import (
    CONTROL_TABLE,
    build_readers,
    build_state,
)
from ansible_collections.trading.multi_region.plugins.module_utils._platform.observe import SERVICES as PLANNER_SERVICES
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.checks import (
    judge,
    ready_regions,
    summary,
)
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.readers import SERVICES, regional_readers
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.readers_shared import (
    SERVICES as SHARED_SERVICES,
)
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.readers_shared import shared_readers
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import BLOCKER, Limits, Seen, counted
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.views import public_reader

# The region of facts that belong to no region.
SHARED = "shared"
# Seconds to wait for other copies of the manifest after the first one was read.
PATIENCE_SECONDS = 3.0
LIMITS = tuple(Limits.__dataclass_fields__)

Answers = Mapping[tuple[str, str], Observation]
Call = Callable[[], Any]


def control_table_readers(
    params: Mapping[str, Any], clients: Any, regions: Iterable[str]
) -> dict[tuple[str, str], Call]:
    """Return the calls that read the regions' control tables."""
    named = list(regions)

    def reader(region: str) -> Call:
        return lambda: read_control_tables(clients("dynamodb", region), params["table_name"], named)

    return {(region, CONTROL_TABLE): reader(region) for region in named}


def copies_in(answers: Answers) -> dict[str, Observation]:
    """Return each region's response about the manifest. Pure."""
    return {
        region: facts_of_control_tables(answer)[MANIFEST]
        for (region, name), answer in answers.items()
        if name == CONTROL_TABLE
    }


def read_manifest(params: Mapping[str, Any], clients: Any, board: CallGroup) -> tuple[str, dict[str, Any]]:
    """Return (region, document) of the most recent manifest. Raises MultiRegionError if there is none."""
    regions = params["regions"]
    board.start(control_table_readers(params, clients, regions))
    make_clients(clients, {*PLANNER_SERVICES, *SERVICES}, regions)
    make_clients(clients, SHARED_SERVICES, regions[:1])

    def enough(answers: Answers, seconds: float) -> bool:
        return seconds >= PATIENCE_SECONDS and freshest(copies_in(answers)) is not None

    copies = copies_in(board.wait(params["deadline"], enough))
    found = freshest(copies)
    if not found:
        raise nothing_found(params["table_name"], copies)
    return found[0], found[1]["document"]


def build_calls(params: Mapping[str, Any], clients: Any, manifest: Mapping[str, Any]) -> dict[tuple[str, str], Call]:
    """Return every call that remains once the manifest is known."""
    expected, entries = params.get("expected") or {}, manifest["regions"]
    shared = shared_readers(clients, manifest, expected, params.get("dns_servers"))
    calls = {(SHARED, fact): call for fact, call in shared.items()}
    # The control table of a region that is not in the inventory has not been read yet.
    strangers = [entry["region"] for entry in entries if entry["region"] not in params["regions"]]
    calls.update(control_table_readers(params, clients, strangers))
    for entry in entries:
        readers = {
            **build_readers(clients, manifest, entry),
            **regional_readers(clients, entry, params["table_name"], expected, [one["region"] for one in entries]),
            **public_reader(clients, manifest, entry),
        }
        calls.update({(entry["region"], fact): call for fact, call in readers.items()})
    return calls


def facts_in(answers: Answers, regions: Iterable[str]) -> dict[str, Facts]:
    """Return the responses by region. Pure."""
    found: dict[str, dict[str, Observation]] = {region: {} for region in regions}
    for (region, name), answer in answers.items():
        if region in found:
            found[region].update(facts_of_control_tables(answer) if name == CONTROL_TABLE else {name: answer})
    return {region: Facts(region, seen) for region, seen in found.items()}


def look(params: Mapping[str, Any], clients: Any) -> Seen:
    """Read everything, and return by the deadline at the latest."""
    board = CallGroup()
    region, manifest = read_manifest(params, clients, board)
    board.start(build_calls(params, clients, manifest))
    answers = board.wait(params["deadline"])
    facts = facts_in(answers, [*(entry["region"] for entry in manifest["regions"]), SHARED])
    shared = facts.pop(SHARED)
    return Seen(
        manifest=manifest,
        manifest_region=region,
        copies=copies_in(answers),
        facts=facts,
        shared=shared,
        state=build_state(manifest, facts, params["table_name"]),
        regions=tuple(params["regions"]),
        expected=params.get("expected") or {},
        limits=Limits(**{name: params[name] for name in LIMITS}),
        now=time.time(),
    )


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return the table of checks and its summary.

    Returns changed (False), reason, rows, summary, ready, ready_regions, active_region, manifest_region, copies.
    Raises MultiRegionError if no manifest could be read, because nothing can be checked then.
    """
    seen = look(params, clients)
    rows = judge(seen)
    counts, targets = summary(rows), ready_regions(seen, rows)
    figures = f"{counts['ok']} ok, {counted(counts['warnings'], 'warning')}, {counted(counts['blockers'], 'blocker')}"
    named = sorted({row["check"] for row in rows if row["state"] == BLOCKER})
    why = f" Blocked by: {', '.join(named)}." if named else ""
    verb = "would work" if not named else "would not work everywhere" if targets else "would not work"
    return {
        "changed": False,
        "reason": f"A failover now {verb}: {figures}, {counts['unknown']} of them unknown.{why}",
        "rows": rows,
        "summary": counts,
        "ready": not named,
        "ready_regions": targets,
        "active_region": seen.active or UNKNOWN,
        "manifest_region": seen.manifest_region,
        "copies": describe_copies(seen.copies),
    }
