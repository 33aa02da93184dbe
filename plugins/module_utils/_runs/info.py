# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The history of runs, and what could prevent the next one, from every control table that responds."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from collections.abc import Callable, Mapping

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    LATEST_MOVE_ID,
    MANIFEST_ID,
    RUN_PREFIX,
    unpack,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import (
    LEASE_ID,
    server_time,
    unpack_lease,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import FENCE_PREFIX
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import merge as merge_fences
from ansible_collections.trading.multi_region.plugins.module_utils._runs.history import newest

AUTOMATION_ID = "automation"
# {id: {document, written_at}} of one table; the lease under its own id, in the shape of unpack_lease; the table's time.
Table: t.TypeAlias = "dict[str, t.Any]"
NOW = "now"
# Members that every run has, None if its record lacks them: a run that was taken over may have written little.
MEMBERS = (
    "outcome reason owner method trigger started_at ended_at from_region target_region rto_seconds rpo_bound_ms fenced"
).split()


@aws_call("Scan")
def scan(client: t.Any, table: str) -> Table:
    """Return all items of a control table except the manifest, and under NOW its time in epoch seconds."""
    found: Table = {}
    request = {
        "TableName": table,
        "ConsistentRead": True,
        "FilterExpression": "#id <> :manifest",
        "ExpressionAttributeNames": {"#id": "id"},
        "ExpressionAttributeValues": {":manifest": {"S": MANIFEST_ID}},
    }
    while True:
        answer = client.scan(**request)
        found[NOW] = server_time(answer)
        for item in answer["Items"]:
            identifier = item["id"]["S"]
            is_lease = identifier == LEASE_ID
            found[identifier] = unpack_lease(item, found[NOW]) if is_lease else unpack(item)
        if "LastEvaluatedKey" not in answer:
            return found
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def merge_runs(tables: Mapping[str, Table]) -> list[dict[str, t.Any]]:
    """Return the runs in all tables, each once, the newest first. Pure.

    Each is its document with ``written_at`` and ``regions``, which have a copy of it; all MEMBERS are present.
    """
    copies: defaultdict[str, dict[str, t.Any]] = defaultdict(dict)
    for region, table in tables.items():
        for identifier, copy in table.items():
            if identifier.startswith(RUN_PREFIX):
                copies[identifier][region] = copy
    runs = []
    for identifier, found in copies.items():
        best = newest(found.values()) or {}
        run_id = identifier[len(RUN_PREFIX) :]
        known = {"run_id": run_id, "written_at": best["written_at"], "regions": list(found)}
        runs.append({**dict.fromkeys(MEMBERS), "attempts": [], **(best["document"] or {}), **known})
    return sorted(runs, key=lambda one: (float(one["started_at"] or 0), one["run_id"]), reverse=True)


def newest_document(tables: Mapping[str, Table], identifier: str) -> t.Any:
    """Return the newest copy of a document in several tables, or None. Pure."""
    copy = newest(table.get(identifier) for table in tables.values())
    return copy["document"] if copy else None


def fences_of(answers: Mapping[str, Observation], tables: Mapping[str, Table]) -> dict[str, t.Any]:
    """Return {region: fence document, None, or unknown}. Pure."""
    fences = {}
    for region in answers:
        identifier = f"{FENCE_PREFIX}{region}"
        copies = {
            where: Observation(tables[where].get(identifier)) if answer.known else answer
            for where, answer in answers.items()
        }
        found = merge_fences(region, copies)
        fences[region] = found.value if found.known else UNKNOWN
    return fences


def per_region(answers: Mapping[str, Observation], identifier: str) -> dict[str, t.Any]:
    """Return {region: item with an id, None, or unknown}. Pure."""
    return {region: answer.value.get(identifier) if answer.known else UNKNOWN for region, answer in answers.items()}


@timed
def run(params: Mapping[str, t.Any], clients: t.Any) -> dict[str, t.Any]:
    """Read every control table in parallel, and merge the results.

    Returns changed, reason, now (the tables' time), runs, latest_move, leases, fences, automation, automation_latest,
    unread {region: sentence}.
    Raises MultiRegionError if no table responded, and if a single run was requested that is in none of them.
    """
    table, run_id, limit = params["table_name"], params.get("run_id"), params["limit"]

    def call(region: str) -> Callable[[], Table]:
        return lambda: scan(clients("dynamodb", region), table)

    answers = observe_all({region: call(region) for region in params["regions"]}, params["deadline"])
    unread = {region: str(answer.error) for region, answer in answers.items() if not answer.known}
    tables = {region: answer.value for region, answer in answers.items() if answer.known}
    silent = "; ".join(f"{region}: {why}" for region, why in unread.items())
    if not tables:
        raise MultiRegionError(f"No control table {table} could be read. {silent}.", unread=unread)
    runs = merge_runs(tables)
    total = len(runs)
    if run_id:
        runs = [one for one in runs if one["run_id"] == run_id]
        if not runs:
            words = f"run_id is {run_id}; no such run in {table} of {', '.join(tables)}."
            raise MultiRegionError(f"{words} Not read: {silent}." if silent else words, unread=unread)
    automation = per_region(answers, AUTOMATION_ID)
    reason = f"{total} runs in {table} of {', '.join(tables)}."
    return {
        "changed": False,
        "reason": f"{reason} Not read: {silent}." if silent else reason,
        "now": max(table[NOW] for table in tables.values()),
        "runs": runs[:limit],
        "latest_move": newest_document(tables, LATEST_MOVE_ID),
        "leases": per_region(answers, LEASE_ID),
        "fences": fences_of(answers, tables),
        "automation": {
            region: copy["document"] if isinstance(copy, Mapping) else copy for region, copy in automation.items()
        },
        "automation_latest": newest_document(tables, AUTOMATION_ID),
        "unread": unread,
    }
