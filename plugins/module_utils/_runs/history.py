# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The record of a run with all its attempts, and which of several copies counts. Pure: no boto3, no clock.

A run's document is the record of its latest attempt, with ``run_id``, ``attempt`` and ``attempts``: a list of
{attempt, owner, method, outcome, reason, started_at, ended_at, steps} in the order of their numbers. Attempts may be of
different methods. An attempt that ended without writing a record is ``lost``; what is known of it comes from its lease.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

RUNNING, LOST, SUCCESSFUL = "running", "lost", "successful"
VERSION = 1
# What only an attempt that began before the move can see. A later one that finds the move done keeps it.
SEEN_BEFORE = ("from_region", "rpo_bound_ms", "safe_instant", "lag", "verdicts_before")


def loss_bound_ms(record: Mapping[str, Any]) -> int | str | None:
    """Return the most that a run can have lost, in milliseconds of writes; what the record says if it is not known.

    While the old region may go on writing there is no bound (``unknown``). Once it is proven when its writes ended,
    only those between the safe instant and then can be lost. Where the plan has a bound too, because the region was
    seen to have stopped, the larger one counts. A switchover loses nothing, which is a bound of 0.
    """
    said, instant, ended_at = (record.get(name) for name in ("rpo_bound_ms", "safe_instant", "writes_ended_at"))
    if said == 0 or ended_at is None or instant in (None, "unknown"):
        return said
    proven = math.ceil(1000 * (ended_at - datetime.fromisoformat(instant).timestamp()))
    return max(0, proven, said if isinstance(said, (int, float)) else 0)


def told_attempt(record: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    """Return the entry of the attempt that wrote a record.

    The run's own start is used if the record has no ``attempt_started_at``.
    """
    return {
        "attempt": attempt,
        "owner": record.get("owner"),
        "method": record.get("method"),
        "outcome": record.get("outcome"),
        "reason": record.get("reason"),
        "started_at": record.get("attempt_started_at") or record.get("started_at"),
        "ended_at": record.get("ended_at"),
        "steps": record.get("steps") or [],
    }


def ended_attempt(lease: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of an attempt from the lease it left behind (with ``ended``, as returned by failover_lease)."""
    is_lost = lease["outcome"] == RUNNING
    last_seen = datetime.fromtimestamp(lease["renewed_at"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = "Ended without a record" if is_lost else f"Released as {lease['outcome']}"
    return {
        "attempt": lease["attempt"],
        "owner": lease["owner"],
        "method": lease["method"],
        "outcome": LOST if is_lost else lease["outcome"],
        "reason": f"{words} at step {lease['step'] or 'not begun'}; last seen {last_seen}, lease {lease['ended']}.",
        "started_at": lease["acquired_at"],
        "ended_at": lease["renewed_at"],
        "steps": [],
    }


def leases_of(previous: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the leases in ``previous`` of failover_lease, the latest first."""
    return [previous, *previous.get("earlier", [])] if previous else []


def close(attempts: dict[int, dict[str, Any]], run_id: str, previous: Mapping[str, Any] | None) -> None:
    """Add to the attempts, by number, from earlier leases those that wrote no record, or whose record says running."""
    for lease in leases_of(previous):
        if lease["run_id"] == run_id:
            entry = attempts.get(lease["attempt"])
            if entry is None:
                attempts[lease["attempt"]] = ended_attempt(lease)
            elif entry["outcome"] == RUNNING:
                # The lease has the requested method, which may be auto.
                kept = {name: entry[name] for name in ("method", "steps") if entry.get(name)}
                attempts[lease["attempt"]] = {**ended_attempt(lease), **kept}


def inherit(record: Mapping[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a record with the values that an earlier attempt observed before the move, if this one did not."""
    blind = {name for name in SEEN_BEFORE if record.get(name) in (None, {}, "unknown")}
    if record.get("from_region") == record.get("target_region"):
        blind.add("from_region")
    known = {**record, **{name: stored[name] for name in blind if stored and stored.get(name) is not None}}
    return {**known, "rpo_bound_ms": loss_bound_ms(known)} if "rpo_bound_ms" in known else known


def merge_record(
    stored: Mapping[str, Any] | None,
    run_id: str,
    attempt: int,
    record: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return a run's document with the record of one of its attempts.

    stored: the current document, or None.
    previous: ``previous`` of failover_lease, or None.
    """
    attempts = {entry["attempt"]: dict(entry) for entry in (stored or {}).get("attempts", [])}
    close(attempts, run_id, previous)
    for number, entry in attempts.items():
        if number < attempt and entry["outcome"] == RUNNING:
            entry.update(outcome=LOST, reason=f"Ended without a record; attempt {attempt} continued.")
    attempts[attempt] = told_attempt(record, attempt)
    return finish(inherit(record, stored), run_id, attempt, attempts)


def close_run(stored: Mapping[str, Any] | None, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a run that another one took over, from what it left behind."""
    attempts = {entry["attempt"]: dict(entry) for entry in (stored or {}).get("attempts", [])}
    close(attempts, previous["run_id"], previous)
    latest = attempts[max(attempts)]
    known = {
        "method": previous["method"],
        "trigger": previous["trigger"],
        "target_region": previous["target_region"],
        "started_at": previous["started_at"],
        **(stored or {}),
    }
    if known.get("outcome", RUNNING) == RUNNING:
        known.update(outcome=latest["outcome"], reason=latest["reason"], ended_at=latest["ended_at"])
    return finish(known, previous["run_id"], max(attempts), attempts)


def finish(record: dict[str, Any], run_id: str, attempt: int, attempts: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """Return a document from its parts."""
    listed = [attempts[number] for number in sorted(attempts)]
    return {"version": VERSION, **record, "run_id": run_id, "attempt": attempt, "attempts": listed}


def build_move(
    stored: Mapping[str, Any] | None, run_id: str, record: Mapping[str, Any], now: float
) -> dict[str, Any] | None:
    """Return the document ``latest_move`` for a record, or None if the record is not of a move that succeeded.

    stored: the current one, or None. An acknowledgement of the same run is kept, and so is a later move.
    """
    if record.get("outcome") != SUCCESSFUL or not record.get("method"):
        return None
    ended_at = float(record.get("ended_at") or now)
    is_same = bool(stored) and stored["run_id"] == run_id
    if stored and not is_same and stored["ended_at"] > ended_at:
        return None
    return {
        "version": VERSION,
        "run_id": run_id,
        "method": record["method"],
        "from_region": record.get("from_region"),
        "target_region": record.get("target_region"),
        # What was requested, by which the same request is recognized if it is repeated.
        "requested_target_region": record.get("requested_target_region"),
        "trigger": record.get("trigger"),
        "ended_at": ended_at,
        "acknowledged": stored.get("acknowledged") if stored and is_same else None,
    }


def newest(copies: Iterable[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """Return the copy {document, written_at} that counts, or None if there is none.

    It is the one of the latest attempt, regardless of the time, because an attempt that lost its lease may be the last
    to write. Among these it is the one that was written last.
    """
    found = [copy for copy in copies if copy]
    return max(found, key=lambda copy: ((copy["document"] or {}).get("attempt", 0), copy["written_at"]), default=None)
