# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The record of a run, in the control table of the target region, and in those of the others that respond."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    LATEST_MOVE_ID,
    RUN_PREFIX,
    expiry,
    get_documents,
    pack,
    stands,
    unpack,
    utc_now,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
    require_member,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import Outcome, call_regions
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import NOT_ASKED, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import CallGroup
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._runs.history import (
    RUNNING,
    build_move,
    close_run,
    merge_record,
    newest,
)

Documents: t.TypeAlias = "dict[str, dict[str, t.Any]]"
Copies: t.TypeAlias = "dict[str, dict[str, t.Any] | None]"

# How long to wait for the required region alone, and for the others if it has no earlier record, in seconds.
READ_PATIENCE_SECONDS = 1.5
# The result for an attempt whose run has a later one: its record must not be replaced.
SUPERSEDED = "superseded"


@aws_call("PutItem", missing=("ConditionalCheckFailedException",))
def put_attempt(
    client: t.Any, table: str, identifier: str, document: Mapping[str, t.Any], written_at: str, retention_days: int
) -> t.Any:
    """Write a document unless there is one of a later attempt; return the response, or None if there is."""
    item = {**pack(identifier, document, written_at), **expiry(identifier, written_at, retention_days)}
    return client.put_item(
        TableName=table,
        Item={**item, "attempt": {"N": str(document.get("attempt", 0))}},
        ConditionExpression="attribute_not_exists(#attempt) OR #attempt <= :attempt",
        ExpressionAttributeNames={"#attempt": "attempt"},
        ExpressionAttributeValues={":attempt": {"N": str(document.get("attempt", 0))}},
        ReturnValues="ALL_OLD",
    )


def write(
    client: t.Any, table: str, documents: Mapping[str, Mapping[str, t.Any]], now: str, retention_days: int = 0
) -> str | bool:
    """Write all documents to one table; return whether one of them is new there, or SUPERSEDED.

    documents: the run's own is the first; if it is superseded, so are the others.
    """
    changes = []
    for identifier, document in documents.items():
        try:
            answer = put_attempt(client, table, identifier, document, now, retention_days)
        except AwsCallError as error:
            if not (error.ambiguous and stands(client, table, identifier, now)):
                raise
            changes.append(True)
            continue
        if answer is None and not changes:
            return SUPERSEDED
        changes.append(answer is not None and is_news(answer.get("Attributes"), document, now))
    return any(changes)


def is_news(old: Mapping[str, t.Any] | None, document: Mapping[str, t.Any], now: str) -> bool:
    """Return whether a write changed the item; old: the item that it replaced, None if there was none. Pure.

    If the replaced item is of this very write, botocore has sent it twice, and the item before it is unknown.
    """
    replaced = unpack(old) if old else None
    return replaced is None or replaced["document"] != document or replaced["written_at"] == now


def read_before(params: Mapping[str, t.Any], clients: t.Any, identifiers: list[str]) -> tuple[Copies, dict[str, str]]:
    """Return the documents into which the new record is merged, and why a region could not be read.

    They are the required region's, or else the newest of all regions that respond, which are only asked then.
    """
    table, required, own = params["table_name"], params.get("required_region"), identifiers[0]
    is_first = is_of_a_first_attempt(params)

    def call(region: str) -> Callable[[], Copies]:
        return lambda: get_documents(clients("dynamodb", region), table, identifiers)

    def enough(answers: Mapping[str, Observation], seconds: float) -> bool:
        answer = answers.get(required, NOT_ASKED)
        if answer.known and (is_first or answer.value[own]):
            return True
        return seconds >= READ_PATIENCE_SECONDS and any(one.known for one in answers.values())

    calls, silent = {region: call(region) for region in params["regions"]}, params.get("silent_regions") or ()
    board, answers = CallGroup(silent=set(silent) - {required}), {}
    if required:
        board.start({required: calls.pop(required)})
        answers = board.wait(READ_PATIENCE_SECONDS)
    if not enough(answers, 0):
        board.start(calls)
        answers = board.wait(params["deadline"], enough)
    found = {region: answer.value for region, answer in answers.items() if answer.known}
    unread = {region: str(answer.error) for region, answer in answers.items() if not answer.known}
    first = found.get(required, {})
    return {one: first.get(one) or newest(copies[one] for copies in found.values()) for one in identifiers}, unread


def is_of_a_first_attempt(params: Mapping[str, t.Any]) -> bool:
    """Return whether no earlier attempt, and no run that this one took over, can have written anything. Pure."""
    return params["attempt"] == 1 and not params.get("previous")


def needs_no_reading(params: Mapping[str, t.Any]) -> bool:
    """Return whether the new record replaces whatever is there. Pure.

    So it is while a first attempt is running: what it wrote before saw the same, and only the end of a move changes
    ``latest_move``. The condition of the write keeps the record of a later attempt.
    """
    return is_of_a_first_attempt(params) and params["record"].get("outcome") == RUNNING


def build_documents(params: Mapping[str, t.Any], before: Mapping[str, t.Any], now: float) -> Documents:
    """Return the documents to write, by identifier: the run's, and others derived from it. Pure.

    before: {identifier: {document, written_at} or None}.
    """
    run_id, record, previous = params["run_id"], params["record"], params.get("previous")
    stored = {identifier: copy["document"] for identifier, copy in before.items() if copy}
    own = f"{RUN_PREFIX}{run_id}"
    documents = {own: merge_record(stored.get(own), run_id, params["attempt"], record, previous)}
    if previous and previous["run_id"] != run_id:
        other = f"{RUN_PREFIX}{previous['run_id']}"
        documents[other] = close_run(stored.get(other), previous)
    move = build_move(stored.get(LATEST_MOVE_ID), run_id, documents[own], now)
    if move:
        documents[LATEST_MOVE_ID] = move
    return documents


def identifiers_of(params: Mapping[str, t.Any]) -> list[str]:
    """Return the ids of all items that the record may change, the run's own first. Pure."""
    runs = [params["run_id"], *([params["previous"]["run_id"]] if params.get("previous") else [])]
    return [*dict.fromkeys(f"{RUN_PREFIX}{run_id}" for run_id in runs), LATEST_MOVE_ID]


@timed
def run(params: Mapping[str, t.Any], clients: t.Any, check_mode: bool = False) -> dict[str, t.Any]:
    """Write the record of one attempt of a run; writing the same record again is harmless.

    Returns changed, reason, id, record (the run's document), written_to [regions], not_written_to {region: sentence}.
    Raises MultiRegionError with the same evidence if the required region (or every region) did not accept it.
    """
    regions, required, table = params["regions"], params.get("required_region"), params["table_name"]
    require_member("required_region", required, regions)
    identifiers, unread = identifiers_of(params), {}
    before: Copies = dict.fromkeys(identifiers)
    if check_mode or not needs_no_reading(params):
        before, unread = read_before(params, clients, identifiers)
    documents = build_documents(params, before, time.time())
    identifier = f"{RUN_PREFIX}{params['run_id']}"
    evidence = {"id": identifier, "record": documents[identifier], "written_to": [], "not_written_to": {}}
    stored = (before[identifier] or {}).get("document")
    if stored and stored.get("attempt", 1) > params["attempt"]:
        reason = (
            f"Attempt {stored['attempt']} of run {params['run_id']} has written the record since; it is not changed."
        )
        return {"changed": False, **evidence, "record": stored, "reason": reason}
    if check_mode:
        if not set(regions if required is None else [required]) - unread.keys():
            return tell(params, Outcome({}, unread, False), evidence)
        changed = any(not before[one] or before[one]["document"] != documents[one] for one in documents)
        words = "would be written" if changed else "is already written"
        where = required or "at least one region"
        return {"changed": changed, **evidence, "reason": f"The record {identifier} {words} in {where}."}
    lease_of(params, clients).hold()
    now = utc_now()

    def call(region: str) -> Callable[[], str | bool]:
        return lambda: write(clients("dynamodb", region), table, documents, now, params.get("retention_days", 0))

    calls, silent = {region: call(region) for region in regions}, params.get("silent_regions") or ()
    outcome = call_regions(calls, required, params["deadline"], silent)
    return tell(params, outcome, evidence)


def tell(params: Mapping[str, t.Any], outcome: Outcome, evidence: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the result of writing, or raise MultiRegionError if it was not enough. Pure."""
    identifier = evidence["id"]
    written = [region for region, answer in outcome.done.items() if answer != SUPERSEDED]
    failed = dict(outcome.failed)
    for region in outcome.done.keys() - written:
        failed[region] = f"a later attempt than {params['attempt']} has written the record since"
    evidence.update(written_to=written, not_written_to=failed)
    words = "; ".join(f"{region}: {why}" for region, why in failed.items())
    if not outcome.is_enough:
        where = params.get("required_region") or "any region"
        raise MultiRegionError(f"The record {identifier} was not written in {where}: {words}.", **evidence)
    changed = any(outcome.done[region] for region in written)
    not_there = f"; not written in {words}" if failed else ""
    reason = f"The record {identifier} is written in {', '.join(outcome.done)}{not_there}."
    return {"changed": changed, **evidence, "reason": reason}
