# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Copying the history of runs to the regions that missed it, so that the loss of any one region loses no history.

A record is written while a region may be lost, so that region gets it only later. What is copied is history and the
decisions of operators (runs, latest move, pause); never a lease, which belongs to its own region alone.
"""

from __future__ import annotations

import time
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    LATEST_MOVE_ID,
    RUN_PREFIX,
    expires,
    expiry,
    pack,
    stands,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._runs.history import newest
from ansible_collections.trading.multi_region.plugins.module_utils._runs.info import (
    AUTOMATION_ID,
    Table,
    scan,
)

Copy: t.TypeAlias = "Mapping[str, t.Any]"


@aws_call("PutItem", missing=("ConditionalCheckFailedException",))
def put_copy(
    client: t.Any, table: str, identifier: str, copy: Copy, seen: Copy | None, retention_days: int = 0
) -> t.Any:
    """Write a copy with its original time if the item has not changed since it was read; return None if it has.

    Safe to repeat: the condition is also met after the write.
    """
    item = pack(identifier, copy["document"], copy["written_at"])
    item |= expiry(identifier, copy["written_at"], retention_days)
    still, values = "attribute_not_exists(id)", {":copied": item["written_at"]}
    if seen:
        still, values = "written_at = :seen", {**values, ":seen": {"S": seen["written_at"]}}
    attempt = {"attempt": {"N": str(copy["document"].get("attempt", 0))}}
    return client.put_item(
        TableName=table,
        Item={**item, **attempt},
        ConditionExpression=f"{still} OR written_at = :copied",
        ExpressionAttributeValues=values,
    )


def copy_item(
    client: t.Any, table: str, identifier: str, copy: Copy, seen: Copy | None, retention_days: int = 0
) -> bool:
    """Write a copy; return whether the table has it now. If the response is lost, the item is read back."""
    try:
        return put_copy(client, table, identifier, copy, seen, retention_days) is not None
    except AwsCallError as error:
        if not (error.ambiguous and stands(client, table, identifier, copy["written_at"])):
            raise
    return True


def is_history(identifier: str) -> bool:
    """Return whether every region should have the item with this id. Pure."""
    return identifier.startswith(RUN_PREFIX) or identifier in (LATEST_MOVE_ID, AUTOMATION_ID)


def missing_copies(
    tables: Mapping[str, Table], retention_days: int = 0, now: float = 0
) -> list[tuple[str, str, Copy, Copy | None]]:
    """Return (region, id, copy to write, current copy or None) for all that is missing or outdated. Pure.

    A record that has expired is no longer copied: the tables delete it at different times, up to days later.
    """
    identifiers = sorted({one for table in tables.values() for one in table if is_history(one)})
    found = []
    for identifier in identifiers:
        best = newest(table.get(identifier) for table in tables.values())
        end = expires(identifier, best["written_at"], retention_days) if best else None
        if end is not None and end <= now:
            continue
        for region, table in tables.items():
            own = table.get(identifier)
            if best and (not own or own["document"] != best["document"]):
                found.append((region, identifier, best, own))
    return found


@timed
def run(params: Mapping[str, t.Any], clients: t.Any, check_mode: bool = False) -> dict[str, t.Any]:
    """Read every control table in parallel, and write to each what it lacks.

    Returns changed, reason, copied {region: [ids]}, unread {region: sentence}. Raises MultiRegionError if no table
    responded, or if one that was read accepted no copy.
    """
    name, regions, days = params["table_name"], params["regions"], params.get("retention_days", 0)

    def reader(region: str) -> Callable[[], Table]:
        return lambda: scan(clients("dynamodb", region), name)

    answers = observe_all({region: reader(region) for region in regions}, params["deadline"])
    unread = {region: str(answer.error) for region, answer in answers.items() if not answer.known}
    tables = {region: answer.value for region, answer in answers.items() if answer.known}
    silent = "; ".join(f"{region}: {why}" for region, why in unread.items())
    if not tables:
        raise MultiRegionError(f"No control table {name} could be read. {silent}.", unread=unread)
    copied: dict[str, list[str]] = {}
    for region, identifier, copy, seen in missing_copies(tables, days, time.time()):
        if check_mode or copy_item(clients("dynamodb", region), name, identifier, copy, seen, days):
            copied.setdefault(region, []).append(identifier)
    updated = ", ".join(f"{region} ({len(ids)})" for region, ids in copied.items())
    verb = "Would copy" if check_mode else "Copied"
    reason = f"{verb} the missing records to {updated}." if updated else f"{', '.join(tables)} have the same records."
    return {
        "changed": bool(copied),
        "reason": f"{reason} Not read: {silent}." if silent else reason,
        "copied": copied,
        "unread": unread,
    }
