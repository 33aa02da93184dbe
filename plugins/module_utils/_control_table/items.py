# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Documents in a region's control table: one function per DynamoDB call.

Each region has its own table, so that a region that works has everything it needs. An item is {id, document, ...}. The
document is JSON text, because DynamoDB's native maps would turn numbers into decimals without any advantage.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

MANIFEST_ID = "manifest"
RUN_PREFIX = "run#"
LATEST_MOVE_ID = "latest_move"
# {version, regions: {region, or region/group: the desired capacity of its group}}, as the health checks last saw it.
CAPACITY_ID = "automation#capacity"
# The attribute that the table's Time to Live uses.
EXPIRES_AT = "expires_at"
DAY_SECONDS = 86400
# How often items that a batch omitted are requested again immediately. Items are few and small, so it means throttling.
BATCH_TRIES = 3

# The option of the doc fragment "control_table", for the argument spec of the modules that use the tables.
TABLE_SPEC = {"table_name": {"type": "str", "required": True, "rule": rules.TABLE}}
# The option of the doc fragment "retention", of the modules that write records.
RETENTION_SPEC = {"retention_days": {"type": "int", "default": 0, "rule": rules.RETENTION_DAYS}}


@aws_call("GetItem")
def get_document(client: Any, table: str, identifier: str) -> dict[str, Any] | None:
    """Return {document, written_at} of the current item, or None if there is no such item."""
    item = client.get_item(TableName=table, Key={"id": {"S": identifier}}, ConsistentRead=True).get("Item")
    return unpack(item) if item else None


@aws_call("BatchGetItem", missing=("ResourceNotFoundException",))
def get_items(
    client: Any, table: str, identifiers: Iterable[str]
) -> tuple[dict[str, Mapping[str, Any]], Mapping[str, Any]] | None:
    """Return (current items by id, the last response), or None if there is no table.

    items: in DynamoDB's own form, without those that do not exist. Raises AwsCallError if DynamoDB keeps omitting items
    because of its capacity: such an item is unknown, not absent.
    """
    keys = [{"id": {"S": identifier}} for identifier in identifiers]
    keys = [{"id": {"S": identifier}} for identifier in identifiers]
    pending = {table: {"Keys": keys, "ConsistentRead": True}}
    items: dict[str, Mapping[str, Any]] = {}
    for _try in range(BATCH_TRIES):
        answer = client.batch_get_item(RequestItems=pending)
        items.update({item["id"]["S"]: item for item in answer["Responses"].get(table, [])})
        pending = answer.get("UnprocessedKeys") or {}
        if not pending:
            return items, answer
    left = len(pending[table]["Keys"])
    raise AwsCallError("BatchGetItem", "UnprocessedKeys", f"{left} items of {table} were not read", retryable=True)


def get_documents(client: Any, table: str, identifiers: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """Return {identifier: {document, written_at} or None if there is no such item}, read in one call."""
    wanted = list(identifiers)
    found = get_items(client, table, wanted)
    if found is None:
        raise AwsCallError("BatchGetItem", "ResourceNotFoundException", f"there is no table {table}")
    items, _answer = found
    return {one: unpack(items[one]) if one in items else None for one in wanted}


@aws_call("PutItem")
def put_document(
    client: Any, table: str, identifier: str, document: Mapping[str, Any], written_at: str
) -> dict[str, Any] | None:
    """Write an item, replacing any other; return the replaced one, or None."""
    item = pack(identifier, document, written_at)
    old = client.put_item(TableName=table, Item=item, ReturnValues="ALL_OLD").get("Attributes")
    return unpack(old) if old else None


def stands(client: Any, table: str, identifier: str, written_at: str) -> bool:
    """Return whether the item is of this write; its time, to the microsecond, distinguishes it from other writes."""
    return (get_document(client, table, identifier) or {}).get("written_at") == written_at


def write_document(client: Any, table: str, identifier: str, document: Mapping[str, Any], written_at: str) -> None:
    """Write an item, replacing any other. If the response is lost, it counts as written once it can be read."""
    try:
        put_document(client, table, identifier, document, written_at)
    except AwsCallError as error:
        if not (error.ambiguous and stands(client, table, identifier, written_at)):
            raise


def pack(identifier: str, document: Mapping[str, Any], written_at: str) -> dict[str, Any]:
    """Return the item that stores a document. Pure."""
    return {
        "id": {"S": identifier},
        "document": {"S": json.dumps(document, sort_keys=True, separators=(",", ":"))},
        "version": {"N": str(document.get("version", 1))},
        "written_at": {"S": written_at},
    }


def expiry(identifier: str, written_at: str, retention_days: int) -> dict[str, Any]:
    """Return the attribute after whose time DynamoDB deletes the record of a run; nothing for other items. Pure.

    retention_days: 0 keeps the record. The time is in whole seconds since the epoch, as Time to Live requires.
    """
    expires_at = expires(identifier, written_at, retention_days)
    return {EXPIRES_AT: {"N": str(int(expires_at))}} if expires_at is not None else {}


def expires(identifier: str, written_at: str, retention_days: int) -> float | None:
    """Return when the record of a run expires, in epoch seconds, or None if it does not. Pure."""
    if not (retention_days and written_at and identifier.startswith(RUN_PREFIX)):
        return None
    return datetime.fromisoformat(written_at).timestamp() + retention_days * DAY_SECONDS


def unpack(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return {document, written_at} of a stored item; the document is None if the item has none. Pure.

    Raises ValueError if the item contains something other than a document of this collection.
    """
    document = json.loads(item.get("document", {}).get("S") or "null")
    if not isinstance(document, dict | None):
        raise ValueError(f"the item {item.get('id', {}).get('S')} of the control table holds {document!r}, no document")
    return {"document": document, "written_at": item.get("written_at", {}).get("S", "")}


def capacity_in(document: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the desired capacity by region of the document ``CAPACITY_ID``, without what is no number. Pure."""
    found = (document or {}).get("regions")
    entries = found.items() if isinstance(found, Mapping) else ()
    return {region: count for region, count in entries if isinstance(count, int)}


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC with fixed width, so that sorting the texts sorts the times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
