# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customers' histories say, compared with what the product claimed. Pure.

In the manner of Jepsen's set-full: an acknowledged order has to be in the database at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

ACKED, UNKNOWN, MISSED = "acknowledged", "unknown", "missed"
VOLUMES = 10  # server ids of a region differ by this (databases.py)


@dataclass(frozen=True)
class Promotion:
    """From `time` on the region's database takes writes. is_planned: it was caught up first (a switchover)."""

    time: float
    region: str
    is_planned: bool = False


@dataclass(frozen=True)
class Claim:
    """What one run of a playbook said of itself. Times are Unix seconds; None = unknown."""

    playbook: str
    began: float
    ended: float
    outcome: str = "successful"
    method: str = ""
    safe_instant: float | None = None
    bound_s: float | None = None
    rto_s: float | None = None
    fenced: str = ""

    @property
    def latest(self) -> float | None:
        """The last instant that the bound covers: the span from the safe instant to when it was stated."""
        return None if None in (self.safe_instant, self.bound_s) else self.safe_instant + self.bound_s


@dataclass(frozen=True)
class Evidence:
    """entries: of every attempt (customers.py). stored: {order: servers that took a row of it} of the final writer.

    regions: in the order of their server ids (1, 2, ...). kept: {snapshot: orders in it}.
    """

    entries: Sequence[Mapping[str, Any]]
    stored: Mapping[str, Sequence[int]]
    regions: Sequence[str]
    first_writer: str
    promotions: Sequence[Promotion] = ()
    claims: Sequence[Claim] = ()
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def region_of(self, server: int) -> str:
        return self.regions[server % VOLUMES - 1]


@dataclass(frozen=True)
class Loss:
    """An acknowledged order that is gone: its last acknowledgement, and the promotion that lost it (None = none)."""

    number: str
    at: float
    region: str
    promotion: Promotion | None
    by_old_writer: bool


@dataclass(frozen=True)
class Findings:
    acknowledged: int
    lost: tuple[Loss, ...]
    duplicated_naive: tuple[str, ...]
    duplicated_idempotent: tuple[str, ...]
    unknown: int
    read_back_misses: int
    by_old_after_promotion: int
    by_old_after_end: int
    longest_outage: Mapping[str, float]
    nobody_acked_s: float
    broken: tuple[str, ...]

    @property
    def lost_span_s(self) -> float:
        times = [one.at for one in self.lost]
        return max(times) - min(times) if times else 0.0


def acknowledgements(seen: Evidence) -> list[Mapping[str, Any]]:
    orders = (one for one in seen.entries if one["kind"] == "order" and one["outcome"] == ACKED)
    return sorted(orders, key=lambda one: one["ended"])


def writer_at(seen: Evidence, instant: float) -> tuple[str, Promotion | None]:
    """The region that is to take writes at an instant, and the promotion that made it so."""
    past = [one for one in seen.promotions if one.time <= instant]
    last = max(past, key=lambda one: one.time, default=None)
    return (last.region, last) if last else (seen.first_writer, None)


def is_by_old_writer(seen: Evidence, entry: Mapping[str, Any]) -> bool:
    """Whether a database acknowledged an attempt that was not the writer's at any moment of the attempt."""
    during = {one.region for one in seen.promotions if entry["began"] < one.time <= entry["ended"]}
    return seen.region_of(entry["server"]) not in {writer_at(seen, entry["began"])[0], *during}


def losses(seen: Evidence) -> tuple[Loss, ...]:
    last: dict[str, Mapping[str, Any]] = {one["number"]: one for one in acknowledgements(seen)}
    found = []
    for number, entry in last.items():
        if number in seen.stored:
            continue
        region, by_old = seen.region_of(entry["server"]), is_by_old_writer(seen, entry)
        if by_old:
            promotion = writer_at(seen, entry["began"])[1]
        else:
            # The order was taken by who was the writer then, so what lost it came later, and elsewhere.
            later = [one for one in seen.promotions if one.time > entry["began"] and one.region != region]
            promotion = min(later, key=lambda one: one.time, default=None)
        found.append(Loss(number, entry["ended"], region, promotion, by_old))
    return tuple(sorted(found, key=lambda one: one.at))


def duplicates(seen: Evidence, is_idempotent: bool) -> tuple[str, ...]:
    habit = {one["number"]: one["is_idempotent"] for one in seen.entries if one["kind"] == "order"}
    return tuple(
        sorted(
            number
            for number, servers in seen.stored.items()
            if len(servers) > 1 and habit.get(number, False) is is_idempotent
        )
    )


def longest_gap(times: Sequence[float], began: float, ended: float) -> float:
    points = [began, *sorted(one for one in times if began <= one <= ended), ended]
    return max(after - before for before, after in pairwise(points))


def outages(seen: Evidence) -> tuple[dict[str, float], float]:
    """The longest time without an acknowledgement of each customer, and of all of them."""
    orders = [one for one in seen.entries if one["kind"] == "order"]
    if not orders:
        return {}, 0.0
    began, ended = min(one["began"] for one in orders), max(one["ended"] for one in orders)
    acked = acknowledgements(seen)
    each = {
        customer: longest_gap([one["ended"] for one in acked if one["customer"] == customer], began, ended)
        for customer in sorted({one["customer"] for one in orders})
    }
    return each, longest_gap([one["ended"] for one in acked], began, ended)


def running_at(events: Sequence[Mapping[str, Any]], region: str, instant: float) -> int:
    """How many applications of a region were started by an instant. events: the data plane's calls (plane.py)."""
    past = [one for one in events if one["call"] == "capacity" and one["region"] == region and one["done"] <= instant]
    return past[-1]["instances"] if past else 0


def late_capacity(
    seen: Evidence, events: Sequence[Mapping[str, Any]], region: str, lost_at: float, wanted: int
) -> list[str]:
    """A sentence if a region did not run as many as wanted when its first order came, or did so all along."""
    orders = [one["began"] for one in acknowledgements(seen) if one["region"] == region and one["began"] > lost_at]
    if not orders:
        return [f"{region} has taken no order"]
    before, then = running_at(events, region, lost_at), running_at(events, region, min(orders))
    if before >= wanted:
        return [f"{region} ran {before} before the move: nothing had to be raised to {wanted}"]
    return [f"{region} ran {then} when its first order came, must be {wanted}"] if then != wanted else []


def claim_of(seen: Evidence, promotion: Promotion | None) -> Claim | None:
    """The claim of the run during which a region was promoted; of a killed run, the one that resumed it."""
    if promotion is None:
        return None
    return next((one for one in seen.claims if promotion.time <= one.ended), None)


def check(seen: Evidence) -> Findings:
    lost = losses(seen)
    each, nobody = outages(seen)
    acked = acknowledgements(seen)
    old = [one for one in acked if is_by_old_writer(seen, one)]
    end = max((one.ended for one in seen.claims), default=None)
    numbers = {one["number"] for one in acked}
    attempted = {one["number"] for one in seen.entries if one["kind"] == "order" and one["outcome"] == UNKNOWN}
    return Findings(
        acknowledged=len(numbers),
        lost=lost,
        duplicated_naive=duplicates(seen, is_idempotent=False),
        duplicated_idempotent=duplicates(seen, is_idempotent=True),
        unknown=len(attempted - numbers),
        read_back_misses=sum(one["kind"] == "read" and one["outcome"] == MISSED for one in seen.entries),
        by_old_after_promotion=len(old),
        by_old_after_end=sum(end is not None and one["began"] > end for one in old),
        longest_outage=each,
        nobody_acked_s=nobody,
        broken=tuple(broken(seen, lost)),
    )


def broken(seen: Evidence, lost: Sequence[Loss]) -> list[str]:
    """A sentence for each promise that the histories contradict, whatever the scenario."""
    found = []
    unexplained = [one for one in lost if one.promotion is None]
    if unexplained:
        found.append(f"{len(unexplained)} acknowledged orders are gone though no writer moved after them")
    again = duplicates(seen, is_idempotent=True)
    if again:
        found.append(f"{len(again)} orders with an idempotency key are stored twice, first {again[0]}")
    for promotion in seen.promotions:
        here = [one for one in lost if one.promotion == promotion]
        if here:
            found += _of_move(promotion, claim_of(seen, promotion), here)
    return found


def _of_move(promotion: Promotion, claim: Claim | None, lost: Sequence[Loss]) -> list[str]:
    if promotion.is_planned:
        return [f"{len(lost)} acknowledged orders were lost by a switchover to {promotion.region}"]
    if claim is None:
        return [f"{len(lost)} acknowledged orders were lost by a promotion of {promotion.region} that no run claims"]
    found = []
    by_old = [one for one in lost if one.by_old_writer]
    if claim.fenced == "fenced" and by_old:
        span = max(one.at for one in by_old) - promotion.time
        found.append(
            f"{claim.playbook} claimed `fenced`, and the old database acknowledged {len(by_old)} orders that are lost,"
            f" up to {span:.1f} s after the promotion of {promotion.region}"
        )
    if claim.safe_instant is not None:
        early = [one for one in lost if one.at < claim.safe_instant]
        if early:
            seconds = claim.safe_instant - early[0].at
            found.append(f"{len(early)} lost orders were acknowledged up to {seconds:.2f} s before the safe instant")
    if claim.latest is not None:
        late = [one for one in lost if one.at > claim.latest]
        if late:
            span = late[-1].at - claim.safe_instant
            found.append(
                f"{claim.playbook} claimed a loss of at most {claim.bound_s:.1f} s, and {len(late)} orders were lost"
                f" beyond it: {span:.1f} s from the safe instant to the last"
            )
    return found
