# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where fence documents are: in the region's own table, written conditionally, and copies in the other tables."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    get_document,
    pack,
    utc_now,
    write_document,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import CallGroup
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import FENCE_PREFIX

CONFLICT = "ConditionalCheckFailedException"
Stored = Mapping[str, Any]


def condition_for(stored: Stored | None) -> dict[str, Any]:
    """Return the condition that an item has not changed since it was read: {document, written_at}, or None. Pure."""
    if stored is None:
        return {"ConditionExpression": "attribute_not_exists(id)"}
    values = {":written_at": {"S": stored["written_at"]}}
    return {"ConditionExpression": "written_at = :written_at", "ExpressionAttributeValues": values}


@aws_call("PutItem", missing=(CONFLICT,))
def replace_document(
    client: Any, table: str, identifier: str, document: Mapping[str, Any], stored: Stored | None
) -> dict[str, Any] | None:
    """Write an item if it has not changed since it was read; return {document, written_at}, or None if it has."""
    now = utc_now()
    client.put_item(TableName=table, Item=pack(identifier, document, now), **condition_for(stored))
    return {"document": dict(document), "written_at": now}


@aws_call("DeleteItem", missing=(CONFLICT,))
def delete_stored(client: Any, table: str, identifier: str, stored: Stored) -> bool | None:
    """Delete an item if it has not changed since it was read; return None if it has."""
    condition = condition_for(stored)
    condition["ConditionExpression"] += " OR attribute_not_exists(id)"
    client.delete_item(TableName=table, Key={"id": {"S": identifier}}, **condition)
    return True


@aws_call("DeleteItem")
def delete_document(client: Any, table: str, identifier: str) -> None:
    """Delete an item unconditionally."""
    client.delete_item(TableName=table, Key={"id": {"S": identifier}})


class OwnDocument:
    """The fence document in the fenced region's own table, from which unfencing restores."""

    def __init__(self, client: Any, table: str, region: str):
        self._place = (client, table, FENCE_PREFIX + region)
        self.stored: Stored | None = None
        self.is_read = False

    @property
    def document(self) -> Mapping[str, Any] | None:
        """Return the document that was last read or written, or None."""
        return self.stored["document"] if self.stored else None

    def read(self) -> None:
        """Read the document. If there is no table yet, nothing was ever fenced."""
        try:
            self.stored = get_document(*self._place)
        except AwsCallError as error:
            if error.code != "ResourceNotFoundException":
                raise
            self.stored = None
        self.is_read = True

    def replace(self, document: Mapping[str, Any]) -> bool:
        """Write the document; return False if another run has written in the meantime, and read that one's document."""
        written = failure = None
        try:
            written = replace_document(*self._place, document, self.stored)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        if written:
            self.stored = written
            return True
        # A write whose response was lost may have been carried out, and its retry then fails the condition.
        self.read()
        if failure and self.document != document:
            raise failure
        return self.document == document

    def delete(self) -> bool:
        """Delete the document; return False if another run wrote in the meantime."""
        if self.stored is None:
            return True
        try:
            return bool(delete_stored(*self._place, self.stored))
        except AwsCallError as error:
            # A deletion whose response was lost succeeded if there is no item now.
            if not error.ambiguous or get_document(*self._place):
                raise
        return True


class Copies:
    """The copies in the other regions' tables, read and written in parallel with everything else.

    A slow write of an earlier document never replaces a later one: each one writes the latest document of that moment.
    """

    def __init__(self, board: CallGroup, clients: Any, table: str, region: str, regions: Iterable[str]):
        self._board = board
        self._clients = clients
        self._table = table
        self._identifier = FENCE_PREFIX + region
        self._locks = {other: threading.Lock() for other in regions if other != region}
        self._document: Mapping[str, Any] = {}
        self._offered: set[str] = set()

    @property
    def regions(self) -> list[str]:
        """Return the other regions."""
        return list(self._locks)

    def start_reading(self) -> None:
        """Start reading the copy in every other table."""
        self._board.start(
            {
                ("copy", region): partial(
                    get_document, self._clients("dynamodb", region), self._table, self._identifier
                )
                for region in self._locks
            }
        )

    def read(self, answers: Mapping[Any, Observation]) -> dict[str, Observation]:
        """Return the documents in the tables, {region: observation}."""
        return {region: answers[("copy", region)] for region in self._locks if ("copy", region) in answers}

    def offer(self, document: Mapping[str, Any], regions: Iterable[str] | None = None) -> None:
        """Start writing the document to the tables of these regions (None: of all others), without waiting."""
        self._document = document
        chosen = self.regions if regions is None else list(regions)
        self._offered |= set(chosen)
        self._board.start({("write", region): partial(self._write, region) for region in chosen})

    def _write(self, region: str) -> None:
        with self._locks[region]:
            client = self._clients("dynamodb", region)
            write_document(client, self._table, self._identifier, self._document, utc_now())

    def written(self, deadline_s: float) -> tuple[list[str], dict[str, str]]:
        """Return (regions that have the latest document, {region: why not}), by the deadline at the latest."""
        calls = {("write", region) for region in self._offered}
        answers = self._board.wait(deadline_s, lambda so_far, _seconds: calls <= set(so_far))
        offered = {region: answers[("write", region)] for region in self.regions if region in self._offered}
        failed = {region: str(answer.error) for region, answer in offered.items() if not answer.known}
        return [region for region in offered if region not in failed], failed
