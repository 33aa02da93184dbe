# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One move to a region at a time: acquire, renew and release its lease.

The item in the table decides what a run is: a new one, the next attempt of one that stopped, or refused. ``lease.py``
handles the item and its time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import (
    RUNNING,
    Lease,
    TableClock,
    get_lease,
    lost,
    pack_lease,
    server_time,
    unpack_lease,
    update_lease,
    with_age,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.work import is_same_work
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed

# A write that loses to another one is decided again from the new item; after this many losses the run has to wait.
TRIES = 4
# How many attempts that ended without writing a record are kept.
EARLIER = 20
NO_TABLE = "ResourceNotFoundException"


@dataclass(frozen=True)
class Claim:
    """What a run would be: kind is new, resumed, taken over, or held if the run already holds the lease."""

    kind: str
    run_id: str
    attempt: int
    started_at: float
    previous: dict[str, Any] | None


@aws_call("PutItem", missing=("ConditionalCheckFailedException",))
def put_lease(client: Any, table: str, lease: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Write a lease in place of the previous revision; return the response, or None if another write came first.

    A response that says what it consumed is DynamoDB's; an empty one, as from a proxy, proves nothing.
    """
    fresh = {"ConditionExpression": "attribute_not_exists(#revision)"}
    next_one = {
        "ConditionExpression": "#revision = :before",
        "ExpressionAttributeValues": {":before": {"N": str(lease["revision"] - 1)}},
    }
    answer = client.put_item(
        TableName=table,
        Item=pack_lease(lease),
        ExpressionAttributeNames={"#revision": "revision"},
        ReturnConsumedCapacity="TOTAL",
        **(next_one if lease["revision"] > 1 else fresh),
    )
    if not answer.get("ConsumedCapacity"):
        raise KeyError("ConsumedCapacity")
    return answer


def plain(lease: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a lease without the previous one. Pure."""
    return {name: value for name, value in lease.items() if name != "previous"} if lease else None


def ended_lease(standing: Mapping[str, Any], ended: str) -> dict[str, Any]:
    """Return a lease that ended, with those before it under ``earlier``, the latest first. Pure."""
    before = standing.get("previous")
    chain = [{name: value for name, value in before.items() if name != "earlier"}, *before["earlier"]] if before else []
    return {**(plain(standing) or {}), "ended": ended, "earlier": chain[:EARLIER]}


def is_own(lease: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Return whether this very run acquired the lease: the same owner offered the same id. Pure."""
    return (lease["claim"], lease["owner"]) == (params["run_id"], params["owner"])


def is_ended(lease: Mapping[str, Any] | None, params: Mapping[str, Any]) -> bool:
    """Return whether a lease is the one that was to be released, with the requested outcome. Pure."""
    return bool(lease) and all(lease[name] == params[name] for name in ("run_id", "attempt", "outcome"))


def decide(standing: Mapping[str, Any] | None, params: Mapping[str, Any], region: str, now: float) -> Claim:
    """Return what this run would be, given the current lease; raise Refused if another run holds it. Pure.

    standing: the current lease in the shape of ``unpack_lease``, or None.
    now: the table's time.
    """
    # The command began before its lease, on a clock that may be ahead of the table's.
    began = min(now, params.get("started_at") or now)
    fresh = Claim("new", params["run_id"], 1, began, None)
    if standing is None:
        return fresh
    if standing["is_live"]:
        if is_own(standing, params):
            return Claim("held", standing["run_id"], standing["attempt"], standing["started_at"], standing["previous"])
        if params.get("takeover_run_id") != standing["run_id"]:
            raise Refused(held_sentence(standing, params.get("takeover_run_id"), region), held_by=plain(standing))
        ended = "taken over"
    elif not standing["is_unfinished"]:
        return fresh
    else:
        ended = "expired" if standing["outcome"] == RUNNING else standing["outcome"]
    previous = ended_lease(standing, ended)
    if standing["age_seconds"] > params["resume_within"]:
        return Claim("new", params["run_id"], 1, began, previous)
    if not is_same_work(standing["method"], params.get("method")):
        return Claim("taken over", params["run_id"], 1, began, previous)
    return Claim("resumed", standing["run_id"], standing["attempt"] + 1, standing["started_at"], previous)


def held_sentence(lease: Mapping[str, Any], takeover_run_id: str | None, region: str) -> str:
    """Return why a live lease of another run is not touched, and what the operator can do. Pure."""
    words = [
        f"The lease of {region} is held by {lease['owner']}: run {lease['run_id']}, attempt {lease['attempt']}, "
        f"method {lease['method'] or 'not given'}, step {lease['step'] or 'not begun'}, renewed "
        f"{lease['age_seconds']:.0f} s ago; it expires in {lease['expires_in_seconds']:.0f} s unless it is renewed."
    ]
    if takeover_run_id:
        words.append(f"takeover_run_id is {takeover_run_id}; allowed: the id of the run that holds the lease.")
    words.append(
        "Wait for that run to end or for its lease to expire. If it is known to be dead: "
        f"takeover_run_id={lease['run_id']}."
    )
    return " ".join(words)


def build_lease(claim: Claim, params: Mapping[str, Any], region: str, revision: int, now: float) -> dict[str, Any]:
    """Return the lease that a claim would write. Pure."""
    lease = {
        "run_id": claim.run_id,
        "claim": params["run_id"],
        "owner": params["owner"],
        "attempt": claim.attempt,
        "method": params.get("method"),
        "trigger": params.get("trigger"),
        "target_region": region,
        "started_at": claim.started_at,
        "acquired_at": now,
        "renewed_at": now,
        "expires_at": now + params["lease_seconds"],
        "lease_seconds": params["lease_seconds"],
        "step": None,
        "outcome": RUNNING,
        "revision": revision,
        "previous": claim.previous,
    }
    return with_age(lease, now)


class Counter:
    """Acquires and releases a region's lease."""

    def __init__(self, params: Mapping[str, Any], client: Any, region: str, monotonic: Callable[[], float]):
        self.params, self.client, self.region, self.table = params, client, region, params["table_name"]
        self.monotonic, self.clock = monotonic, TableClock(monotonic)
        # The lease that this run has asked for and may hold.
        self.asked: dict[str, Any] | None = None

    def look(self) -> dict[str, Any] | None:
        """Return the current lease."""
        answer = self.clock.ask(lambda: get_lease(self.client, self.table))
        return unpack_lease(answer.get("Item"), server_time(answer))

    def take(self, check_mode: bool) -> dict[str, Any]:
        """Acquire the lease, or return it if this run already holds it; raise Refused if another run holds it.

        A lease that may have been acquired without this run knowing it is given back before an error is raised.
        """
        try:
            return self._take(check_mode)
        except AwsCallError as error:
            if self.asked is None:
                raise
            raise self._give_back(self.asked, error) from error

    def _take(self, check_mode: bool) -> dict[str, Any]:
        standing, error = self.look(), None
        for _try in range(TRIES):
            now = self.clock.earliest()
            claim = decide(standing, self.params, self.region, now)
            if claim.kind == "held" and standing is not None:
                return self._taken(claim, standing, changed=error is not None)
            lease = build_lease(claim, self.params, self.region, (standing or {"revision": 0})["revision"] + 1, now)
            if check_mode:
                return self._taken(claim, lease, changed=True, is_wish=True)
            self.asked = lease
            answer, failure = self._write(lease)
            if answer:
                return self._taken(claim, with_age(lease, server_time(answer)), changed=True)
            error = failure or error
            # Whether the response was lost or "another came first", perhaps after a lost one: the table has the answer.
            standing = self.look()
            if standing and is_own(standing, self.params) and standing["revision"] == lease["revision"]:
                return self._taken(claim, standing, changed=True)
        raise error or Refused(
            f"The lease of {self.region} changed hands {TRIES} times while it was being acquired. Try again."
        )

    def _write(self, lease: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, AwsCallError | None]:
        """Write; return the response, None if another write came first or it was lost; and why it was lost."""
        try:
            return self.clock.ask(lambda: put_lease(self.client, self.table, lease)), None
        except AwsCallError as error:
            if not error.ambiguous:
                self.asked = None
                raise
            return None, error

    def _give_back(self, lease: Mapping[str, Any], error: AwsCallError) -> MultiRegionError:
        """Release a lease that this run may hold; return the error with which it ends."""
        run_id, seconds = lease["run_id"], lease["lease_seconds"]
        ended = repr(lease["renewed_at"])
        values = {"outcome": {"S": "stopped"}, "renewed_at": {"N": ended}, "expires_at": {"N": ended}}
        try:
            # The condition fails where it does not hold it, and where a repetition finds it released.
            released = update_lease(self.client, self.table, run_id, lease["attempt"], values)
        except AwsCallError:
            return MultiRegionError(
                f"{error} The lease of {self.region} may have been acquired by run {run_id}, and could not be "
                f"released. The next run can start in {seconds} s, or immediately with takeover_run_id={run_id}.",
                takeover_run_id=run_id,
                expires_in_seconds=seconds,
                **error.evidence,
            )
        what = "was released again" if released else "is not held by this run"
        return MultiRegionError(f"{error} The lease of {self.region} {what}.", **error.evidence)

    def _taken(self, claim: Claim, lease: dict[str, Any], changed: bool, is_wish: bool = False) -> dict[str, Any]:
        return self._result(lease, changed, taken_sentence(claim, lease, self.region, is_wish), claim.previous)

    def renew(self, check_mode: bool) -> dict[str, Any]:
        """Renew the lease that this attempt holds; raise Refused if it does not hold it."""
        if not check_mode:
            self._held_lease().hold()
        lease = self.look()
        if why := lost(lease, self.params["run_id"], self.params["attempt"], self.region):
            raise Refused(why, held_by=plain(lease))
        verb = "would be renewed" if check_mode else f"was renewed for {self.params['lease_seconds']} s"
        return self._result(lease, False, f"The lease of {self.region} for run {self.params['run_id']} {verb}.")

    def release(self, check_mode: bool) -> dict[str, Any]:
        """Release the lease that this attempt holds, with its outcome; do not touch a lease that it does not hold."""
        run_id, attempt, outcome = self.params["run_id"], self.params["attempt"], self.params["outcome"]
        lease = self.look()
        if why := lost(lease, run_id, attempt, self.region):
            return self._result(lease, False, f"Nothing to release. {why}")
        if check_mode:
            return self._result(lease, True, f"The lease of {self.region} would be released as {outcome}.")
        now = repr(max(self.clock.earliest(), lease["renewed_at"]))
        values = {"outcome": {"S": outcome}, "renewed_at": {"N": now}, "expires_at": {"N": now}}
        error = answer = None
        try:
            answer = self.clock.ask(lambda: update_lease(self.client, self.table, run_id, attempt, values))
        except AwsCallError as failure:
            if not failure.ambiguous:
                raise
            error = failure
        # The response to the write shows the current lease. Without one, also after a failed condition, which may be
        # the response to a retry of botocore, the table has the answer.
        lease = unpack_lease(answer["Attributes"], server_time(answer)) if answer else self.look()
        why = lost(lease, run_id, attempt, self.region)
        if not why:
            raise error or MultiRegionError(f"The lease of {self.region} was renewed while it was released. Try again.")
        if not is_ended(lease, self.params):
            return self._result(lease, False, f"Nothing to release. {why}")
        return self._result(lease, True, f"The lease of {self.region} was released: run {run_id} {outcome}.")

    def _held_lease(self) -> Lease:
        options = {name: self.params[name] for name in ("table_name", "run_id", "attempt", "lease_seconds")}
        return Lease({**options, "region": self.region}, self.client, self.monotonic, renew_after=0)

    def _result(
        self,
        lease: Mapping[str, Any] | None,
        changed: bool,
        reason: str,
        previous: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        handle = None
        if lease and lease["outcome"] == RUNNING:
            handle = {name: lease[name] for name in ("run_id", "attempt", "lease_seconds")}
            handle.update(table_name=self.table, region=self.region)
        return {
            "changed": changed,
            "reason": reason,
            "lease": plain(lease),
            "handle": handle,
            "resumed": bool(lease and lease["attempt"] > 1),
            "previous": previous,
        }


def taken_sentence(claim: Claim, lease: Mapping[str, Any], region: str, is_wish: bool) -> str:
    """Return what happened to the lease, or what would happen. Pure."""
    run = f"run {claim.run_id}, attempt {claim.attempt}"
    if claim.kind == "held":
        return f"This run already holds the lease of {region} ({run}), for {lease['expires_in_seconds']:.0f} s more."
    before, verb = claim.previous, "would be" if is_wish else "was"
    found = ""
    if before:
        found = (
            f" It replaced the lease of {before['owner']} (run {before['run_id']}, attempt {before['attempt']}, method "
            f"{before['method'] or 'not given'}, step {before['step'] or 'not begun'}): {before['ended']}, "
            f"last seen {before['age_seconds']:.0f} s ago."
        )
    how = {"new": "acquired", "resumed": "acquired again", "taken over": "taken over"}[claim.kind]
    return f"The lease of {region} {verb} {how} for {lease['lease_seconds']} s: {run}.{found}"


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Acquire, renew or release the lease of a region.

    Returns changed, reason, lease (the resulting one, or None), handle (the option ``lease`` of the step modules, or
    None if no lease is held), resumed, previous (None or the lease that was replaced, with ``ended``).
    Raises Refused with ``held_by`` for another run's lease, AwsCallError if the table could not be queried.
    """
    region = params.get("region") or clients.default_region
    counter = Counter(params, clients("dynamodb", region), region, monotonic)
    try:
        if params["state"] == "released":
            return counter.release(check_mode)
        if params.get("attempt") is not None:
            return counter.renew(check_mode)
        return counter.take(check_mode)
    except AwsCallError as error:
        if error.code != NO_TABLE:
            raise
        raise MultiRegionError(
            f"table_name is {params['table_name']}; there is no such table in {region}, so concurrent runs cannot be "
            "prevented. site.yml creates it."
        ) from error
