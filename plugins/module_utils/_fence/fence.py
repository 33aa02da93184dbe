# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prevent a lost region from writing, and restore exactly what that removed.

If the region does not respond, fencing does not fail but reports a result: ``fenced``, ``not fenced`` with the reason,
or ``unknown``. Unfencing does fail if it could not restore everything, because later steps rely on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    MultiRegionError,
    Refused,
    require_member,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import call_regions
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import CallGroup
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import (
    CAPACITY_MODES,
    DATABASE_INGRESS,
    FENCE_PREFIX,
    FENCED,
    NETWORK_ACL,
    NOT_FENCED,
    RESOURCES,
    UNKNOWN,
    describe,
    may_still_write,
    measures_of,
    merge,
    resource_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.resources import resource_for
from ansible_collections.trading.multi_region.plugins.module_utils._fence.steps import (
    Ended,
    Fencing,
    Gate,
    reconcile,
    restore,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.store import (
    Copies,
    OwnDocument,
    delete_document,
)

# Time reserved for writing the result to the other tables: this many seconds, or this part of the deadline.
TELLING_SECONDS = 1.5
TELLING_PART = 0.25
# A network ACL that has not fenced by this part of the time is not waited for alone: its fallback begins.
FALLBACK_PART = 0.5
REMEDY = "Run this again once the region responds; nothing is lost until then."


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Fence a region, or restore what fencing removed.

    Returns changed, reason, region, fenced, document, copied_to, not_copied_to; for ``absent`` also restored (a list
    of the results of ``restore``). Raises MultiRegionError for invalid input, and if something was not restored.
    """
    refuse_bad(params)
    if not check_mode:
        lease_of(params, clients).hold()
    return (fence if params["state"] == "present" else unfence)(params, clients, check_mode)


def refuse_bad(params: Mapping[str, Any]) -> None:
    """Raise MultiRegionError or Refused for options that contradict each other."""
    region, mode = params["region"], params.get("mode")
    require_member("region", region, params["regions"])
    if params["state"] == "absent":
        return
    require_member("mode", mode, RESOURCES)
    for name in (RESOURCES[mode], "run_id"):
        if not params.get(name):
            raise MultiRegionError(f"{name} is not given; mode {mode} requires it.")
    if mode in CAPACITY_MODES and params.get("traffic_region") == region:
        raise Refused(
            f"traffic_region is {region}: capacity is never reduced in the region that has the traffic. "
            "Move the traffic first."
        )


def fence(params: Mapping[str, Any], clients: Any, check_mode: bool) -> dict[str, Any]:
    """Fence the region within the deadline; if the network ACL does not, revoke the ingress that is named as well."""
    region, deadline, now = params["region"], params["deadline"], time.time()
    board, patience = CallGroup(), patience_of(deadline)
    copies = Copies(board, clients, params["table_name"], region, params["regions"])
    first = Attempt(params, clients, board, patience, copies.offer, check_mode)
    instead = fallback_of(params)
    second = Attempt(instead, clients, board, patience, copies.offer, check_mode) if instead else None
    copies.start_reading()
    board.start({first.name: first.work})
    if second:
        answers = board.wait(FALLBACK_PART * patience, lambda so_far, _seconds: first.name in so_far)
        # Nothing can be written down, and so nothing removed, where the document could not be read.
        if first.has_fenced(answers) or not first.own.is_read:
            second = None
        else:
            board.start({second.name: second.work})
    attempts = [one for one in (first, second) if one]
    answers = board.wait(patience, _settled(copies, [one.name for one in attempts]))
    found = {**copies.read(answers), region: _own(first.own)}
    previous = merge(region, found).value
    ends = [one.ended(answers) for one in attempts]
    ended = reconcile(ends[0], params, previous, now)
    reason = said(ended, params)
    if second and instead and ended.fenced != FENCED:
        reason = f"{said(ends[1], instead)} That was tried because of network ACL {resource_of(params)}: {ended.why}."
        ended = joined(ended, ends[1])
    if ended.document and not check_mode:
        copies.offer(ended.document, [other for other in copies.regions if _is_behind(found[other], ended)])
    took, failed = copies.written(deadline)
    return {
        "changed": ended.is_changed,
        "reason": reason,
        "region": region,
        "fenced": ended.fenced,
        "document": ended.document or previous,
        "copied_to": took,
        "not_copied_to": failed,
    }


class Attempt:
    """Fencing one resource of the region, as a call of a board."""

    def __init__(
        self,
        request: Mapping[str, Any],
        clients: Any,
        board: CallGroup,
        patience: float,
        tell: Callable[[Mapping[str, Any]], None],
        check_mode: bool,
    ):
        region, table = request["region"], request["table_name"]
        self.name = ("fence", request["mode"])
        self.own = OwnDocument(clients("dynamodb", region), table, region)
        self._gate = Gate(Ended(NOT_FENCED, "nothing was requested yet"))
        resource = resource_for(request, clients, region)
        fencing = Fencing(request, self.own, resource, self._gate, tell, lambda: patience - board.seconds(), time.time)
        self.work = fencing.preview if check_mode else fencing.run

    def has_fenced(self, answers: Mapping[Any, Observation]) -> bool:
        """Return whether it has ended, and the region is fenced."""
        answer = answers[self.name]
        return answer.known and answer.value.fenced == FENCED

    def ended(self, answers: Mapping[Any, Observation]) -> Ended:
        """Return its result; nothing more is done from now on."""
        return ended_of(answers[self.name], self._gate)


def fallback_of(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the request for what is removed if the network ACL does not fence, or None. Pure."""
    group = params.get(RESOURCES[DATABASE_INGRESS])
    return {**params, "mode": DATABASE_INGRESS} if params["mode"] == NETWORK_ACL and group else None


def joined(first: Ended, second: Ended) -> Ended:
    """Return the result of two attempts, of which the first did not fence. Pure.

    Each of their documents has what the other had written by then.
    """
    outcomes = (first.fenced, second.fenced)
    return replace(
        first,
        fenced=next(one for one in (FENCED, UNKNOWN, NOT_FENCED) if one in outcomes),
        is_changed=first.is_changed or second.is_changed,
        is_settled=first.is_settled or second.is_settled,
        document=second.document or first.document,
    )


def ended_of(answer: Observation, gate: Gate) -> Ended:
    """Return the result of fencing; if it was interrupted, the result up to that point."""
    if answer.known:
        return answer.value
    standing = gate.shut()
    return replace(standing, why="" if standing.fenced == FENCED else f"{answer.error}; {standing.why}")


def _own(own: OwnDocument) -> Observation:
    return Observation(own.stored) if own.is_read else Observation(error="it did not respond")


def _is_behind(copy: Observation, ended: Ended) -> bool:
    """Return whether a table needs the document; an unread copy is replaced only by a certain result."""
    if not copy.known:
        return ended.is_settled
    return (copy.value or {}).get("document") != ended.document


def patience_of(deadline: float) -> float:
    """Return how many seconds to wait for the region, so that time is left to update the others. Pure."""
    return deadline - min(TELLING_SECONDS, TELLING_PART * deadline)


def _settled(copies: Copies, names: list[Any]) -> Callable[[Mapping[Any, Observation], float], bool]:
    """Return the condition that ends the wait: the region has the results, or the other tables have also been read."""
    asked = {("copy", region) for region in copies.regions}

    def enough(so_far: Mapping[Any, Observation], _seconds: float) -> bool:
        answers = [so_far[name] for name in names if name in so_far]
        if len(answers) < len(names):
            return False
        return all(one.known and one.value.is_settled for one in answers) or asked <= set(so_far)

    return enough


def said(ended: Ended, params: Mapping[str, Any]) -> str:
    """Return the sentence for a result of fencing. Pure."""
    region, what = params["region"], describe(params)
    if ended.fenced == FENCED and not ended.why:
        if may_still_write(params) is None:
            return f"{region} is fenced: {what} is denied, also on connections that were open."
        return f"{region}: {what} is removed. That its writes have ended is not proven: {may_still_write(params)}."
    if ended.fenced == UNKNOWN:
        return f"Whether {region} is fenced is unknown: {ended.why}."
    return f"{region} is {ended.fenced}: {ended.why}."


def unfence(params: Mapping[str, Any], clients: Any, check_mode: bool) -> dict[str, Any]:
    """Restore what fencing removed, read it back, then delete the document in every table that responds."""
    region, deadline, table = params["region"], params["deadline"], params["table_name"]
    board, gate = CallGroup(), Gate()
    copies = Copies(board, clients, table, region, params["regions"])
    own = OwnDocument(clients("dynamodb", region), table, region)

    def work() -> list[dict[str, Any]]:
        own.read()
        return [
            restore(
                one,
                resource_for(one, clients, region),
                gate,
                lambda: patience_of(deadline) - board.seconds(),
                check_mode,
            )
            for one in measures_of(own.document)
        ]

    copies.start_reading()
    board.start({"work": work})
    answers = board.wait(patience_of(deadline), _known_soon(copies))
    if not answers["work"].known:
        gate.shut()
        why = str(answers["work"].error).rstrip(".")
        raise MultiRegionError(
            f"What fencing removed from {region} was not restored: {why}. {REMEDY}", fenced=UNKNOWN, region=region
        )
    restored = answers["work"].value
    stale = [other for other, copy in copies.read(answers).items() if own.stored or not copy.known or copy.value]
    known = [other for other, copy in copies.read(answers).items() if copy.known and copy.value]
    changed = bool(own.stored or known)
    deleted, failed = [], {}
    if changed and not check_mode:
        deleted, failed = _delete(own, stale, params, clients, deadline - board.seconds())
    return {
        "changed": changed,
        "reason": back(region, restored, changed, check_mode),
        "region": region,
        "fenced": NOT_FENCED,
        "document": own.document,
        "restored": restored,
        "copied_to": [],
        "not_copied_to": {},
        "deleted_from": deleted,
        "not_deleted_from": failed,
    }


def _known_soon(copies: Copies) -> Callable[[Mapping[Any, Observation], float], bool]:
    """Return the condition that ends the wait: the work is done, and the other tables responded or had their time."""
    asked = {("copy", region) for region in copies.regions}

    def enough(so_far: Mapping[Any, Observation], seconds: float) -> bool:
        return "work" in so_far and (seconds >= TELLING_SECONDS or asked <= set(so_far))

    return enough


def _delete(
    own: OwnDocument, others: list[str], params: Mapping[str, Any], clients: Any, seconds: float
) -> tuple[list[str], dict[str, str]]:
    """Delete the document everywhere; the region's own must be deleted. Returns (regions, {region: why not})."""
    region, table = params["region"], params["table_name"]

    def delete_own() -> None:
        if not own.delete():
            raise MultiRegionError("another run fenced it again in the meantime")

    calls: dict[str, Callable[[], Any]] = {region: delete_own}
    for other in others:
        calls[other] = partial(delete_document, clients("dynamodb", other), table, FENCE_PREFIX + region)
    outcome = call_regions(calls, region, seconds)
    if not outcome.is_enough:
        raise MultiRegionError(
            f"What fencing removed from {region} is restored, but the fence document there could not be deleted: "
            f"{outcome.failed[region].rstrip('.')}. {REMEDY}",
            fenced=NOT_FENCED,
            region=region,
        )
    return list(outcome.done), outcome.failed


def back(region: str, restored: list[dict[str, Any]], changed: bool, check_mode: bool) -> str:
    """Return the sentence for a result of unfencing. Pure."""
    if not changed:
        return f"{region} is not fenced: there is no document {FENCE_PREFIX}{region}."
    names = [one["resource"] for one in restored if one["restored"]]
    verb = "would be restored" if check_mode else "is restored"
    reason = (
        f"What fencing removed from {region} {verb}: {', '.join(names)}."
        if names
        else f"Fencing of {region} ends; nothing had to be restored."
    )
    gone = [one["resource"] for one in restored if one["is_gone"]]
    if gone:
        reason += f" No longer existing: {', '.join(gone)}."
    count = sum(len(one["given_up"]) for one in restored)
    if count:
        reason += f" Rules not restored because the group that they refer to is gone: {count}."
    return reason
