# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fencing a region and giving back, step by step, so that a run killed anywhere goes on where it was.

Each step is chosen by what the document says and what the resource shows: write what will be taken, take it, write that
it is done. Nothing is taken before the document that remembers it stands in the region's own table.
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

# Steps until a region is fenced: three, and as many again for what others change meanwhile.
STEPS = 6
POLL_SECONDS = 0.25
# How long a change may take to be seen where AWS did not say that it was made.
DOUBT_SECONDS = 1.0


@dataclass(frozen=True)
class Ended:
    """How fencing ended.

    why: a sentence's end, empty where it is fenced. is_settled: whether the region's own table was read and has the
    answer; where it was not, the copies of an earlier run may have it. document: what the copies should hold.
    """

    fenced: str
    why: str = ""
    is_changed: bool = False
    is_settled: bool = False
    document: Mapping[str, Any] | None = None


class Shut(MultiRegionError):
    """The time is over: no step is begun any more."""


class Gate:
    """Lets steps begin until it is shut, and knows how it stands when one is cut."""

    def __init__(self, standing: Any = None):
        self._lock = threading.Lock()
        self._standing = standing
        self._is_shut = False

    def enter(self, standing: Any = None) -> None:
        """Begin a step; standing: the result if it is cut from now on. Raises Shut."""
        with self._lock:
            if self._is_shut:
                raise Shut("the time is over")
            self._standing = standing or self._standing

    def shut(self) -> Any:
        """Let nothing begin any more; return how it stands."""
        with self._lock:
            self._is_shut = True
            return self._standing


class Halted(MultiRegionError):
    """A step that ended otherwise than hoped."""

    def __init__(self, fenced: str, why: str):
        super().__init__(why)
        self.fenced = fenced


class Fencing:
    """One region, one resource.

    request: a module's parameters. own: OwnDocument. resource: of _region_fence_resources. tell: called with each
    document for the other tables. remaining: returns the seconds left. now: epoch seconds.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        own: Any,
        resource: Any,
        gate: Gate,
        tell: Callable[[Mapping[str, Any]], None],
        remaining: Callable[[], float],
        now: float,
    ):
        self._request = request
        self._own = own
        self._resource = resource
        self._gate = gate
        self._tell = tell
        self._remaining = remaining
        self._now = now
        self._changed = False
        self._attempted = False

    def preview(self) -> Ended:
        """Return how it is, without a change; why says what would be done."""
        try:
            self._own.read()
            seen = self._read()
        except MultiRegionError as error:
            return Ended(NOT_FENCED, str(error))
        if self._resource.is_open(seen):
            return Ended(NOT_FENCED, f"{describe(self._request)} would be taken", True, True, self._own.document)
        return Ended(FENCED, "", self._state() != DONE, True, self._own.document)

    def run(self) -> Ended:
        """Fence the region; never raises for what AWS answers, or does not."""
        try:
            return self._converge()
        except Halted as halt:
            return self._give_up(halt.fenced, str(halt))
        except AwsCallError as error:
            return self._give_up(NOT_FENCED, str(error))

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
        raise Halted(UNKNOWN, "others keep changing it at the same time")

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
        """Return the document with this state; what is done stays the run's that intended it."""
        measure = build_measure(self._request, state, removed, self._now, why)
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
            self._gate.enter(self._ended(NOT_FENCED, "cut before anything was taken", FAILED))

    def _write_done(self, removed: Any) -> bool:
        """Write that it is done; what was seen stays true where that cannot be written."""
        document = self._document(DONE, removed)
        self._gate.enter(replace(self._ended(FENCED), document=document))
        try:
            written = self._own.replace(document)
        except AwsCallError:
            # The next run, or whoever gives back, finds it intended and sees for itself.
            self._own.stored = {"document": document, "written_at": ""}
            return True
        self._changed = self._changed or written
        return written

    def _take(self, seen: Any) -> Any:
        """Take what is seen; return what is seen then. EC2 shows changes a little late."""
        self._attempted = True
        self._gate.enter(self._ended(UNKNOWN, "cut after it was asked for", INTENDED))
        doubt = min(DOUBT_SECONDS, self._remaining())
        try:
            if not self._resource.take(seen):
                # By now some of it is gone, by an answer that was lost or by others, so what was seen is no longer so.
                return self._see("a part of it is gone, and is seen all the same", doubt, lambda now: now != seen)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            return self._see(f"it was asked for, and the answer was lost: {error}", doubt, self._is_taken)
        self._changed = True
        return self._see("it was asked for, and is not seen to be done", self._remaining(), self._is_taken)

    def _is_taken(self, seen: Any) -> bool:
        return not self._resource.is_open(seen)

    def _see(self, why_not: str, seconds: float, done: Callable[[Any], bool]) -> Any:
        """Return what is seen once it is as it should be."""
        try:
            return poll(self._read, done, seconds, POLL_SECONDS)
        except MultiRegionError as error:
            raise Halted(UNKNOWN, f"{why_not}: {error}") from error

    def _ended(self, fenced: str, why: str = "", state: str | None = None) -> Ended:
        """Return the result; state: what the copies say of it, else what the document says."""
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
            return replace(ended, why=f"{why}; nor could that be written: {error}")
        return ended


def reconcile(ended: Ended, request: Mapping[str, Any], previous: Mapping[str, Any] | None, now: float) -> Ended:
    """Return the result of a run that asked for nothing, with what is known of earlier runs. Pure.

    previous: the document as the region's own table or another one has it. now: epoch seconds.
    """
    if ended.is_settled:
        return ended
    known = find(previous, request)
    if known and known["state"] != FAILED:
        words = "took" if known["state"] == DONE else "may have taken"
        why = f"{ended.why}; run {known['run_id']} {words} {describe(known)}"
        return replace(ended, fenced=FENCED if known["state"] == DONE else UNKNOWN, why=why)
    measure = build_measure(request, FAILED, known and known["removed"], now, ended.why)
    return replace(ended, document=with_measure(previous, request["region"], measure))


def restore(
    measure: Mapping[str, Any], resource: Any, gate: Gate, remaining: Callable[[], float], check_mode: bool = False
) -> dict[str, Any]:
    """Give back what one measure took, and see it there.

    Returns {mode, resource, restored, given_up, is_gone}. restored: what had to be given back. given_up: rules whose
    source group does not exist any more. is_gone: there is no such resource, so there is nothing to give it to.
    Raises MultiRegionError.
    """
    removed = measure.get("removed")
    told = {"mode": measure["mode"], "resource": resource_of(measure), "restored": [], "given_up": [], "is_gone": False}
    if not removed:
        return told
    seen = resource.read()
    if seen is None:
        return {**told, "is_gone": True}
    lacking = resource.lacking(removed, seen)
    if check_mode or not lacking:
        return {**told, "restored": lacking}
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
    wait_until_visible(resource.read, is_there, failure, "It was given back", patience, POLL_SECONDS)
    return {
        **told,
        "restored": [one for one in lacking if one not in given_up] if given_up else lacking,
        "given_up": given_up,
    }
