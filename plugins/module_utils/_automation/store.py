# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Operators' instructions to the automatic failover: pause, resume, and acknowledge the latest move.

The pause is in the item ``automation`` of the control tables, as {version, pause: None or {until, by, reason,
since}}, times in epoch seconds. What the health check counts is an item of its own (_automation/decision.py), so that
a run that keeps its count does not undo a pause that was given meanwhile. Every reachable region has a copy of both;
the newest one counts. Time is the tables' own, because people and schedulers sit at different clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._automation.rule import is_paused
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    LATEST_MOVE_ID,
    pack,
    stands,
    unpack,
    utc_now,
    write_document,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import server_time
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import call_regions
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed

PAUSE_ID = "automation"
VERSION = 1
# A pause whose end differs from the wanted one by at most a minute and a tenth of its length is not changed.
TOLERANCE_SECONDS, TOLERANCE_SHARE = 60, 0.1

# {region: {item: {document (None if there is none), written_at, now}}}
Copies = Mapping[str, Mapping[str, Mapping[str, Any]]]


@aws_call("GetItem")
def get_copy(client: Any, table: str, identifier: str) -> dict[str, Any]:
    """Return {document, written_at, now} of an item; now is the table's time in epoch seconds."""
    answer = client.get_item(TableName=table, Key={"id": {"S": identifier}}, ConsistentRead=True)
    return {**unpack(answer.get("Item") or {}), "now": server_time(answer)}


@aws_call("UpdateItem", missing=("ConditionalCheckFailedException",))
def replace_document(
    client: Any, table: str, identifier: str, document: Mapping[str, Any], written_at: str, was: str
) -> Mapping[str, Any] | None:
    """Replace the document that was written at ``was`` (empty: none); other attributes are kept.

    Returns the response, or None if another document has been written. Safe to repeat: the condition is also met after
    the write.
    """
    item = pack(identifier, document, written_at)
    still = "#written_at = :was" if was else "attribute_not_exists(#written_at)"
    return client.update_item(
        TableName=table,
        Key={"id": item["id"]},
        UpdateExpression="SET #document = :document, #version = :version, #written_at = :written_at",
        ConditionExpression=f"{still} OR #written_at = :written_at",
        ExpressionAttributeNames={"#document": "document", "#version": "version", "#written_at": "written_at"},
        ExpressionAttributeValues={
            **{f":{name}": item[name] for name in ("document", "version", "written_at")},
            **({":was": {"S": was}} if was else {}),
        },
    )


def read_all(
    clients: Any,
    table: str,
    regions: list[str],
    identifiers: tuple[str, ...],
    deadline: float,
    silent: Collection[str] = (),
) -> tuple[Copies, dict[str, str]]:
    """Read every region's table in parallel; return (copies, {region: why its table could not be read}).

    silent: regions that did not respond before, which are not waited for.
    """

    def call(region: str) -> Callable[[], Any]:
        return lambda: {name: get_copy(clients("dynamodb", region), table, name) for name in identifiers}

    outcome = call_regions({region: call(region) for region in regions}, None, deadline, silent)
    return outcome.done, outcome.failed


def newest(copies: Copies, identifier: str) -> Any:
    """Return the document that was written last, None if no region has one. Pure."""
    return max((copy[identifier] for copy in copies.values()), key=lambda one: one["written_at"])["document"]


def table_time(copies: Copies) -> float:
    """Return the latest time in the tables' responses, in epoch seconds. Pure."""
    return max(one["now"] for copy in copies.values() for one in copy.values())


def pause_of(copies: Copies) -> dict[str, Any] | None:
    """Return the pause that was set last, {until, by, reason, since}, even if it has expired. Pure."""
    return (newest(copies, PAUSE_ID) or {}).get("pause")


def write_all(
    clients: Any, table: str, regions: list[str], identifier: str, document: Mapping[str, Any], deadline: float
) -> tuple[list[str], dict[str, str]]:
    """Write a document to several regions' tables; return (regions that accepted it, {region: why not})."""
    now = utc_now()

    def call(region: str) -> Callable[[], Any]:
        return lambda: write_document(clients("dynamodb", region), table, identifier, document, now)

    outcome = call_regions({region: call(region) for region in regions}, None, deadline)
    return list(outcome.done), outcome.failed


def listed(failed: Mapping[str, str]) -> str:
    """Return the failures as the end of a sentence. Pure."""
    return "; ".join(f"{region}: {why.rstrip('. ')}" for region, why in failed.items())


def shown_time(epoch_seconds: float) -> str:
    """Return a time in readable form. Pure."""
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@dataclass(frozen=True)
class Change:
    """The wanted document, the regions that lack it, the values before and after, and the sentence."""

    document: Mapping[str, Any]
    behind: list[str]
    before: Any
    after: Any
    reason: str


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Bring the automation to the wanted state in every region that responds.

    Returns changed, reason, paused (the pause in effect, or None), latest_move (None unless it is acknowledged),
    written_to, not_written_to, diff. Raises MultiRegionError if no table could be read, or none accepted it.
    """
    is_move = params["state"] == "acknowledged"
    identifier = LATEST_MOVE_ID if is_move else PAUSE_ID
    table, deadline = params["table_name"], params["deadline"]
    copies, silent = read_all(clients, table, params["regions"], (identifier,), deadline)
    if not copies:
        raise MultiRegionError(f"No table {table} could be read. {listed(silent)}. site.yml creates it.")
    change = {"paused": _pause, "active": _resume, "acknowledged": _acknowledge}[params["state"]](params, copies)
    done: list[str] = []
    failed = silent
    if change.behind and not check_mode:
        done, refused = _write(clients, table, copies, identifier, change, deadline)
        failed = {**silent, **refused}
        if not done:
            raise MultiRegionError(f"No table {table} accepted it: {listed(failed)}.", not_written_to=failed)
    missed = f" Not updated: {listed(failed)}." if failed else ""
    return {
        "changed": bool(change.behind),
        "reason": change.reason + missed,
        "paused": None if is_move else change.after,
        "latest_move": change.document if is_move else None,
        "written_to": done,
        "not_written_to": failed,
        "diff": {"before": change.before or {}, "after": change.after or {}},
    }


def _write(
    clients: Any, table: str, copies: Copies, identifier: str, change: Change, deadline: float
) -> tuple[list[str], dict[str, str]]:
    """Write the document where it is missing, but never over one that was written after the reading."""
    now = utc_now()

    def call(region: str) -> Callable[[], Any]:
        def write() -> None:
            client, was = clients("dynamodb", region), copies[region][identifier]["written_at"]
            try:
                answer = replace_document(client, table, identifier, change.document, now, was)
            except AwsCallError as error:
                if not (error.ambiguous and stands(client, table, identifier, now)):
                    raise
                return
            if answer is None:
                raise MultiRegionError(f"the item {identifier} was changed in the meantime; run this again")

        return write

    outcome = call_regions({region: call(region) for region in change.behind}, None, deadline)
    return list(outcome.done), outcome.failed


def _of_each(copies: Copies, identifier: str) -> dict[str, dict[str, Any]]:
    """Return {region: document, empty if there is none}."""
    return {region: copy[identifier]["document"] or {} for region, copy in copies.items()}


def _pause(params: Mapping[str, Any], copies: Copies) -> Change:
    now, length, before = table_time(copies), params["pause_seconds"], pause_of(copies)
    after = {"until": now + length, "by": params["by"], "reason": params["reason"], "since": now}
    tolerance = min(TOLERANCE_SECONDS, TOLERANCE_SHARE * length)
    words = "is paused"
    is_same = is_paused(before, now) and all(before[name] == after[name] for name in ("by", "reason"))
    if is_same and abs(before["until"] - after["until"]) <= tolerance:
        after, words = before, "is already paused"
    behind = [region for region, document in _of_each(copies, PAUSE_ID).items() if document.get("pause") != after]
    reason = f"Automatic failover {words} until {shown_time(after['until'])} by {after['by']}: {after['reason']}."
    return Change({"version": VERSION, "pause": after}, behind, before, after, reason)


def _resume(params: Mapping[str, Any], copies: Copies) -> Change:
    now, before = table_time(copies), pause_of(copies)
    behind = [
        region for region, document in _of_each(copies, PAUSE_ID).items() if is_paused(document.get("pause"), now)
    ]
    reason = "Automatic failover was not paused."
    if is_paused(before, now):
        reason = f"The pause by {before['by']} until {shown_time(before['until'])} ({before['reason']}) is over."
    return Change({"version": VERSION, "pause": None}, behind, before, None, reason)


def _acknowledge(params: Mapping[str, Any], copies: Copies) -> Change:
    found = {region: move for region, move in _of_each(copies, LATEST_MOVE_ID).items() if move}
    if not found:
        raise MultiRegionError(f"No move has been recorded in {', '.join(copies)}; there is nothing to acknowledge.")
    move = max(found.values(), key=lambda one: (one["ended_at"], bool(one.get("acknowledged"))))
    latest = (
        f"{move['run_id']} ({move['method']} from {move['from_region']} to {move['target_region']},"
        f" ended {shown_time(move['ended_at'])})"
    )
    if move["run_id"] != params["run_id"]:
        raise MultiRegionError(
            f"run_id is {params['run_id']}; allowed: the id of the latest move, {latest}.", latest_move=move
        )
    before = move.get("acknowledged")
    after = before or {"by": params["by"], "at": table_time(copies), "reason": params.get("reason") or ""}
    document = {**move, "acknowledged": after}
    behind = [region for region in copies if found.get(region) != document]
    words = "was already acknowledged" if before else "is acknowledged"
    return Change(
        document, behind, before, after, f"The move {latest} {words} by {after['by']}; its cool-down is over."
    )
