# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lease of a region: which run may move the platform to it, until when. One item of the region's control table.

Time is the table's own: the Date header of DynamoDB's responses, extrapolated by the local monotonic clock between two
responses. The controller's clock is never compared with a stored time. The header has whole seconds, so the table's
time is only known to be between ``earliest`` and ``latest``. A lease is written with the earlier time and relied on by
its holder until the later one, so that no other run can see it expired while its holder still acts.

Which run wins does not depend on time at all: each write is conditional on the item still being the one that was read
(``revision``, which increases with every write), or on the lease still being this attempt's.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core import controller
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import pause
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

LEASE_ID = "lease"
# Resolution of the Date header in seconds ("Date" of RFC 9110, section 6.6.1).
HEADER_SECONDS = 1.0
# How often a proof is tried whose response comes after the time until which it proves the lease.
PROOFS = 2
# The part of a lease after which it is renewed; before, a step that begins only confirms it.
RENEW_AFTER = 1 / 3

RUNNING = "running"
OUTCOMES_UNFINISHED = (RUNNING, "failed", "stopped")

# Attributes of the item, all of them top-level, because conditions cannot refer to parts of a JSON text.
TEXTS = ("run_id", "claim", "owner", "method", "trigger", "target_region", "step", "outcome")
NUMBERS = ("started_at", "acquired_at", "renewed_at", "expires_at")
COUNTS = ("attempt", "lease_seconds", "revision")

# The option of the doc fragment "lease", for the argument spec of the modules that act under a lease.
LEASE_SPEC = {
    "lease": {
        "type": "dict",
        "options": {
            "table_name": {"type": "str", "required": True, "rule": rules.TABLE},
            "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
            "run_id": {"type": "str", "required": True, "rule": rules.ID},
            "attempt": {"type": "int", "required": True, "rule": rules.FROM_ONE},
            "lease_seconds": {"type": "int", "default": 60, "rule": rules.LEASE_SECONDS},
            "step": {"type": "str", "rule": rules.NAME},
        },
    }
}


def server_time(answer: Mapping[str, Any]) -> float:
    """Return the time of the service that responded, in epoch seconds, truncated to whole seconds.

    Without a Date header, which DynamoDB always sends, the controller's clock is used: something in between removed the
    header, and a lease with a possibly wrong clock is better than none. Two runs still cannot both win: see
    ``revision`` above.
    """
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(text).timestamp() if text else float(int(time.time()))


def unpack_lease(item: Mapping[str, Any] | None, now: float) -> dict[str, Any] | None:
    """Return a stored lease as a dict, or None if there is none. Pure.

    item: the item in DynamoDB's own form, or None.
    now: time of the response that contained it (``server_time``).

    The dict has run_id, claim (the id that its holder offered for a new run), owner, attempt, method, trigger,
    target_region, started_at (first attempt), acquired_at, renewed_at, expires_at, lease_seconds, step, outcome,
    revision, previous, and computed for now: age_seconds (since renewed_at), expires_in_seconds (0 if expired),
    is_live, is_unfinished (its run is in progress or did not succeed).
    """
    if not item:
        return None
    lease: dict[str, Any] = {name: item.get(name, {}).get("S") for name in TEXTS}
    lease.update({name: float(item.get(name, {}).get("N", 0)) for name in NUMBERS})
    lease.update({name: int(item.get(name, {}).get("N", 0)) for name in COUNTS})
    lease["previous"] = json.loads(item.get("previous", {}).get("S", "null"))
    return with_age(lease, now)


def with_age(lease: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return a lease with the values that depend on the time. Pure."""
    return {
        **lease,
        "age_seconds": round(max(0.0, now - lease["renewed_at"]), 3),
        "expires_in_seconds": round(max(0.0, lease["expires_at"] - now), 3),
        "is_live": lease["outcome"] == RUNNING and now < lease["expires_at"],
        "is_unfinished": lease["outcome"] in OUTCOMES_UNFINISHED,
    }


def pack_lease(lease: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item of a lease. Pure."""
    item: dict[str, Any] = {"id": {"S": LEASE_ID}}
    item.update({name: {"S": lease[name]} for name in TEXTS if lease.get(name)})
    item.update({name: {"N": repr(lease[name])} for name in (*NUMBERS, *COUNTS)})
    if lease.get("previous"):
        item["previous"] = {"S": json.dumps(lease["previous"], sort_keys=True, separators=(",", ":"))}
    return item


@aws_call("GetItem")
def get_lease(client: Any, table: str) -> Mapping[str, Any]:
    """Return DynamoDB's response: the current item, if there is one, and the time."""
    return client.get_item(TableName=table, Key={"id": {"S": LEASE_ID}}, ConsistentRead=True)


def read_lease(client: Any, table: str) -> dict[str, Any] | None:
    """Return the lease in the shape of ``unpack_lease``, or None. Raises AwsCallError, also if there is no table."""
    answer = get_lease(client, table)
    return unpack_lease(answer.get("Item"), server_time(answer))


@aws_call("UpdateItem", missing=("ConditionalCheckFailedException",))
def update_lease(
    client: Any, table: str, run_id: str, attempt: int, values: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Set attributes of the lease if this attempt of this run still holds it; return the response, or None if not.

    values: attributes in DynamoDB's own form. Safe to repeat: the condition is also met after the write. A renewal
    (renewed_at is among them) that arrives after a later one is rejected, because it would move the expiry back.
    """
    names = {f"#{name}": name for name in (*values, "run_id", "attempt", "outcome", "revision")}
    in_order = " AND #renewed_at <= :renewed_at" if "renewed_at" in values else ""
    changes = f"SET {', '.join(f'#{name} = :{name}' for name in values)} " if values else ""
    answer = client.update_item(
        TableName=table,
        Key={"id": {"S": LEASE_ID}},
        UpdateExpression=f"{changes}ADD #revision :one",
        ConditionExpression=f"#run_id = :run_id AND #attempt = :attempt AND #outcome = :running{in_order}",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={
            **{f":{name}": value for name, value in values.items()},
            ":run_id": {"S": run_id},
            ":attempt": {"N": str(attempt)},
            ":running": {"S": RUNNING},
            ":one": {"N": "1"},
        },
        ReturnValues="ALL_NEW",
    )
    if not answer.get("Attributes"):
        # An empty answer, as from a proxy, renews nothing.
        raise KeyError("Attributes")
    return answer


class TableClock:
    """The table's time between its responses."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic):
        self._monotonic = monotonic
        self._answer: tuple[float, float, float] | None = None

    @property
    def is_set(self) -> bool:
        """Return whether there was a response yet."""
        return self._answer is not None

    def ask(self, call: Callable[[], Any]) -> Any:
        """Return the call's result, and set the clock by it; None is not a response."""
        sent = self._monotonic()
        answer = call()
        if answer is not None:
            self._answer = (server_time(answer), sent, self._monotonic())
        return answer

    def earliest(self) -> float:
        """Return the lower bound of the table's time."""
        server, _sent, received = self._heard()
        return server + self._monotonic() - received

    def latest(self) -> float:
        """Return the upper bound of the table's time."""
        server, sent, _received = self._heard()
        return server + HEADER_SECONDS + self._monotonic() - sent

    def _heard(self) -> tuple[float, float, float]:
        if self._answer is None:
            raise RuntimeError("there was no response yet")
        return self._answer


class Lease:
    """A lease that a run holds, as used by its steps.

    options: the option ``lease``. client: DynamoDB of the lease's region. renew_after: the part of the lease after
    which it is renewed.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        client: Any,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = pause,
        renew_after: float = RENEW_AFTER,
    ):
        self._options = options
        self._renew_after = renew_after
        self._client = client
        self._monotonic = monotonic
        self._pause = sleep
        self._clock = TableClock(monotonic)
        # Until when the lease is known to be this attempt's, and its last renewal, in the table's time.
        self._proven_until = self._renewed_at = 0.0
        self._tried_at = monotonic()
        # A module that writes to several regions in parallel has one lease.
        self._lock = threading.RLock()
        self._is_asking = False

    def hold(self) -> None:
        """Prove by a conditional write that this attempt still holds the lease; renew it once a part of it is over.

        Raises Refused if another run holds it, and MultiRegionError if that could not be determined. A table that does
        not respond is tolerated for as long as no other run can have seen the lease expire.
        """
        with self._lock:
            self._is_asking = True
            try:
                self._prove()
            except AwsCallError as error:
                if not (error.retryable and self._is_proven()):
                    raise self._unproven(str(error), **error.evidence) from error
            finally:
                self._is_asking = False
            self._tried_at = self._monotonic()

    def permit(self, seconds: float) -> float:
        """Return how long a change may take that begins now: as long as the lease is proven, at most ``seconds``.

        The lease is renewed if it is not proven for so long. Raises what ``hold`` raises. For ``Gate.permit``, which
        asks before every request that changes something, the lease's own included.
        """
        with self._lock:
            if self._is_asking:
                return seconds
            if self._left() <= seconds:
                self.hold()
            left = self._left()
        if left <= 0:
            raise self._unproven("its table does not respond")
        return min(seconds, left)

    def sleep(self, seconds: float) -> None:
        """Sleep like ``waiting.pause``, and renew the lease in time. Raises what ``hold`` raises."""
        ends_at = self._monotonic() + seconds
        while True:
            now = self._monotonic()
            due = self._tried_at + self._options["lease_seconds"] * RENEW_AFTER
            if now >= due:
                self.hold()
            elif now < ends_at:
                self._pause(min(ends_at, due) - now)
            if self._monotonic() >= ends_at:
                return

    def give_back(self) -> None:
        """Release the lease as stopped, so that the next run need not wait; the run ends here."""
        with self._lock:
            self._is_asking = True
            try:
                self._look()
                ended = {"N": repr(max(self._clock.earliest(), self._renewed_at))}
                values = {"outcome": {"S": "stopped"}, "renewed_at": ended, "expires_at": ended}
                table, run_id, attempt = self._options["table_name"], self._options["run_id"], self._options["attempt"]
                update_lease(self._client, table, run_id, attempt, values)
            finally:
                self._is_asking = False

    def _prove(self) -> None:
        for _proof in range(PROOFS):
            if not (self._is_proven() and self._is_due()):
                self._confirm()
            if self._is_proven() and self._is_due():
                self._renew()
            # The response proves nothing if it came so late that another run may have seen the lease expire.
            if self._is_proven():
                return
        raise self._unproven(f"its table took longer to respond than it lasts, {self._options['lease_seconds']} s")

    def _unproven(self, why: str, **evidence: Any) -> MultiRegionError:
        return MultiRegionError(
            f"The lease of run {self._options['run_id']} in {self._options['region']} could not be renewed, "
            f"and another run may hold it now: {why}. Run the same command again to resume.",
            **evidence,
        )

    def _left(self) -> float:
        """Return the seconds for which no other run can see the lease expire."""
        return self._proven_until - self._clock.latest() if self._clock.is_set else 0.0

    def _is_proven(self) -> bool:
        return self._left() > 0

    def _is_due(self) -> bool:
        return self._left() <= self._options["lease_seconds"] * (1 - self._renew_after)

    def _confirm(self) -> None:
        """Write the step, and so prove the lease as long as it lasts: the first proof needs no time of the table."""
        step = self._options.get("step")
        try:
            answer = self._update({"step": {"S": step}} if step else {})
        except AwsCallError as error:
            # Where nothing proves the lease yet, a reading does as well as the response that was lost.
            if not error.retryable or self._is_proven():
                raise
            answer = None
        if answer is None:
            self._look()

    def _renew(self) -> None:
        # The stored time has certainly passed, even if the header's whole seconds do not show that yet.
        now, seconds = max(self._clock.earliest(), self._renewed_at), self._options["lease_seconds"]
        values = {"renewed_at": {"N": repr(now)}, "expires_at": {"N": repr(now + seconds)}}
        if self._update(values) is None:
            self._look()

    def _update(self, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Set attributes if this attempt holds the lease, and believe what the response shows; None if it does not."""
        table, run_id, attempt = self._options["table_name"], self._options["run_id"], self._options["attempt"]
        answer = self._clock.ask(lambda: update_lease(self._client, table, run_id, attempt, values))
        if answer is not None:
            self._believe(answer["Attributes"], answer)
        return answer

    def _look(self) -> None:
        """Read the lease; raise Refused unless this attempt holds it."""
        answer = self._clock.ask(lambda: get_lease(self._client, self._options["table_name"]))
        self._believe(answer.get("Item"), answer)

    def _believe(self, item: Mapping[str, Any] | None, answer: Mapping[str, Any]) -> None:
        """Keep the times of the lease; raise Refused unless this attempt holds it."""
        lease = unpack_lease(item, server_time(answer))
        if why := lost(lease, self._options["run_id"], self._options["attempt"], self._options["region"]):
            raise Refused(why, held_by=lease)
        self._renewed_at, self._proven_until = lease["renewed_at"], lease["expires_at"]


class NoLease:
    """Used if no lease was given: does nothing."""

    def hold(self) -> None:
        """Do nothing."""

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        pause(seconds)


def lease_of(params: Mapping[str, Any], clients: Any) -> Lease | NoLease:
    """Return the lease of the option ``lease``, or one that does nothing.

    From now on the clients send no request that changes something unless the lease is proven for longer than it may
    take.
    """
    options = params.get("lease")
    if not options:
        return NoLease()
    lease = Lease(options, clients("dynamodb", options["region"]))
    clients.gate.permit = lease.permit
    controller.at_cancel(lease.give_back)
    return lease


def lost(lease: Mapping[str, Any] | None, run_id: str, attempt: int, region: str) -> str | None:
    """Return why this attempt no longer holds a lease, as a sentence, or None if it does. Pure."""
    mine = f"Run {run_id}, attempt {attempt}, no longer holds the lease of {region}"
    remedy = "This attempt does nothing more."
    if lease is None:
        return f"{mine}; there is no lease. {remedy}"
    if (lease["run_id"], lease["attempt"]) != (run_id, attempt):
        return (
            f"{mine}; lease lost to {lease['owner']} (run {lease['run_id']}, attempt {lease['attempt']}, "
            f"{lease['outcome']}, renewed {lease['age_seconds']:.0f} s ago). {remedy}"
        )
    if lease["outcome"] != RUNNING:
        return f"{mine}; it was released as {lease['outcome']}. {remedy}"
    if not lease["is_live"]:
        # No run has taken it, but another one may have come and gone elsewhere, so the plan may no longer be valid.
        return f"{mine}; it expired before it was renewed. Run the same command again: it reads the state and resumes."
    return None
