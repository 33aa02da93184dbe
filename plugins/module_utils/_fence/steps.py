# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fencing and unfencing a region step by step, so that the next run resumes wherever a run was killed.

Each step is chosen from the document and the state of the resource: write what will be removed, remove it, write that
it is done. Nothing is removed before the document with its settings is in the region's own table.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import poll, wait_until_visible
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    DONE,
    FAILED,
    FENCED,
    INTENDED,
    NOT_FENCED,
    RESOURCES,
    UNKNOWN,
    build_measure,
    describe,
    find,
    resource_of,
    with_measure,
)

# Steps until a region is fenced: three, and as many again for concurrent changes by others.
STEPS = 6
POLL_SECONDS = 0.25
# How long to wait for the effect of a request that AWS did not confirm.
DOUBT_SECONDS = 1.0


@dataclass(frozen=True)
class Ended:
    """The result of fencing.

    why: the end of a sentence, empty if the region is fenced. is_settled: whether the region's own table was read and
    has the result; if not, the copies of an earlier run may have it. document: the document for the copies.
    """

    fenced: str
    why: str = ""
    is_changed: bool = False
    is_settled: bool = False
    document: Mapping[str, Any] | None = None


class Shut(MultiRegionError):
    """The time is over, so no further step may begin."""


class Gate:
    """Allows steps to begin until it is shut, and knows the result if one is interrupted."""

    def __init__(self, standing: Any = None):
        self._lock = threading.Lock()
        self._standing = standing
        self._is_shut = False

    def enter(self, standing: Any = None) -> None:
        """Begin a step; standing: the result if it is interrupted from now on. Raises Shut."""
        with self._lock:
            if self._is_shut:
                raise Shut("the time is over")
            self._standing = standing or self._standing

    def shut(self) -> Any:
        """Allow no further step; return the result up to now."""
        with self._lock:
            self._is_shut = True
            return self._standing


class Halted(MultiRegionError):
    """A step that did not succeed."""

    def __init__(self, fenced: str, why: str):
        super().__init__(why)
        self.fenced = fenced


class Fencing:
    """Fences one resource of one region.

    request: a module's parameters. own: OwnDocument. resource: of _fence/resources.py. tell: called with each document
    for the other tables. remaining: returns the seconds left. clock: returns epoch seconds.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        own: Any,
        resource: Any,
        gate: Gate,
        tell: Callable[[Mapping[str, Any]], None],
        remaining: Callable[[], float],
        clock: Callable[[], float],
    ):
        self._request = request
        self._own = own
        self._resource = resource
        self._gate = gate
        self._tell = tell
        self._remaining = remaining
        self._clock = clock
        self._began = clock()
        self._changed = False
        self._attempted = False

    def preview(self) -> Ended:
        """Return the current state without a change; why says what would be done."""
        try:
            self._own.read()
            seen = self._read()
        except MultiRegionError as error:
            return Ended(NOT_FENCED, str(error))
        if self._resource.is_open(seen):
            return Ended(NOT_FENCED, f"{describe(self._request)} would be removed", True, True, self._own.document)
        return Ended(FENCED, "", self._state() != DONE, True, self._own.document)

    def run(self) -> Ended:
        """Fence the region; never raises an error because of AWS's responses, or their absence."""
        try:
            return self._converge()
        except Shut:
            raise
        except Halted as halt:
            return self._give_up(halt.fenced, str(halt))
        except MultiRegionError as error:
            return self._give_up(NOT_FENCED, str(error).rstrip("."))

    def _converge(self) -> Ended:
        self._own.read()
        seen = self._read()
        for _step in range(STEPS):
            known = find(self._own.document, self._request)
            removed = self._resource.remember(known and known.get("removed"), seen)
            if not self._resource.is_open(seen):
                if self._state() == DONE or self._write_done(removed):
                    return self._ended(FENCED)
            elif self._state() != INTENDED or removed != known["removed"]:
                self._write_intended(removed)
            else:
                seen = self._take(seen)
                continue
            seen = self._read()
        raise Halted(UNKNOWN, "something else keeps changing it at the same time")

    def _state(self) -> str | None:
        known = find(self._own.document, self._request)
        return known["state"] if known else None

    def _read(self) -> Any:
        seen = self._resource.read()
        if seen is None:
            name = RESOURCES[self._request["mode"]]
            raise Halted(NOT_FENCED, f"{name} is {resource_of(self._request)}; there is none in the region")
        return seen

    def _document(self, state: str, removed: Any, why: str | None = None) -> dict[str, Any]:
        """Return the document with this state; a measure that is done keeps the id of the run that intended it."""
        measure = build_measure(self._request, state, removed, self._began, why, self._clock())
        known = find(self._own.document, self._request)
        if known and state == DONE:
            measure.update({name: known[name] for name in ("run_id", "fenced_at")})
        return with_measure(self._own.document, self._request["region"], measure)

    def _write_intended(self, removed: Any) -> None:
        self._gate.enter()
        document = self._document(INTENDED, removed)
        if self._own.replace(document):
            self._changed = self._attempted = True
            self._tell(document)
            self._gate.enter(self._ended(NOT_FENCED, "interrupted before anything was removed", FAILED))

    def _write_done(self, removed: Any) -> bool:
        """Write that it is done; if that cannot be written, the observation is still true."""
        document = self._document(DONE, removed)
        self._gate.enter(replace(self._ended(FENCED), document=document))
        try:
            written = self._own.replace(document)
        except AwsCallError:
            # The next run, or unfencing, reads it as intended and checks the resource itself.
            self._own.stored = {"document": document, "written_at": ""}
            return True
        self._changed = self._changed or written
        return written

    def _take(self, seen: Any) -> Any:
        """Remove the current settings; return the settings afterwards. EC2 shows changes with a delay."""
        self._attempted = True
        self._gate.enter(self._ended(UNKNOWN, "interrupted after it was requested", INTENDED))
        doubt = min(DOUBT_SECONDS, self._remaining())
        try:
            if not self._resource.take(seen):
                # A part is already gone, by a request whose response was lost or by others: the settings are outdated.
                return self._see("a part of it is gone, but is still visible", doubt, lambda now: now != seen)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            return self._see(f"it was requested, and the response was lost: {error}", doubt, self._is_taken)
        self._changed = True
        return self._see("it was requested, and its effect is not visible", self._remaining(), self._is_taken)

    def _is_taken(self, seen: Any) -> bool:
        return not self._resource.is_open(seen)

    def _see(self, why_not: str, seconds: float, done: Callable[[Any], bool]) -> Any:
        """Return the settings once they are as they should be."""
        try:
            return poll(self._read, done, seconds, POLL_SECONDS)
        except MultiRegionError as error:
            raise Halted(UNKNOWN, f"{why_not}: {error}") from error

    def _ended(self, fenced: str, why: str = "", state: str | None = None) -> Ended:
        """Return the result; state: the state for the copies, else that of the document."""
        document = self._own.document
        if state:
            known = find(document, self._request) or {}
            document = self._document(state, known.get("removed"), why)
        return Ended(fenced, why, self._changed, True, document)

    def _give_up(self, fenced: str, why: str) -> Ended:
        if not self._own.is_read or (not self._attempted and self._state() in (DONE, INTENDED)):
            return Ended(fenced, why)
        ended = self._ended(fenced, why, FAILED if fenced == NOT_FENCED else INTENDED)
        self._gate.enter(ended)
        try:
            self._own.replace(ended.document)
        except AwsCallError as error:
            return replace(ended, why=f"{why}; and that could not be written: {error}")
        return ended


def reconcile(ended: Ended, request: Mapping[str, Any], previous: Mapping[str, Any] | None, now: float) -> Ended:
    """Return the result of a run that requested nothing, with what is known of earlier runs. Pure.

    previous: the document from the region's own table or another one. now: epoch seconds.
    """
    if ended.is_settled:
        return ended
    known = find(previous, request)
    if known and known["state"] != FAILED:
        words = "removed" if known["state"] == DONE else "may have removed"
        why = f"{ended.why}; run {known['run_id']} {words} {describe(known)}"
        return replace(ended, fenced=FENCED if known["state"] == DONE else UNKNOWN, why=why)
    measure = build_measure(request, FAILED, known and known["removed"], now, ended.why)
    return replace(ended, document=with_measure(previous, request["region"], measure))


def restore(
    measure: Mapping[str, Any], resource: Any, gate: Gate, remaining: Callable[[], float], check_mode: bool = False
) -> dict[str, Any]:
    """Restore what one measure removed, and read it back.

    Returns {mode, resource, restored, given_up, is_gone}. restored: what had to be restored. given_up: rules whose
    source group no longer exists. is_gone: the resource does not exist, so nothing can be restored.
    Raises MultiRegionError.
    """
    removed = measure.get("removed")
    result = {
        "mode": measure["mode"],
        "resource": resource_of(measure),
        "restored": [],
        "given_up": [],
        "is_gone": False,
    }
    if not removed:
        return result
    seen = resource.read()
    if seen is None:
        return {**result, "is_gone": True}
    lacking = resource.lacking(removed, seen)
    if check_mode or not lacking:
        return {**result, "restored": lacking}
    gate.enter()
    given_up: list[Any] = []
    failure = None
    try:
        given_up = resource.give(lacking)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error

    def is_there(now: Any) -> bool:
        return now is None or not [one for one in resource.lacking(removed, now) if one not in given_up]

    patience = min(DOUBT_SECONDS, remaining()) if failure else remaining()
    wait_until_visible(resource.read, is_there, failure, "It was restored", patience, POLL_SECONDS)
    return {
        **result,
        "restored": [one for one in lacking if one not in given_up] if given_up else lacking,
        "given_up": given_up,
    }
