# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as values: the statements of the regions, and which region they make the active one.

Pure: no boto3, no clock. Every region has one small public object in its own control bucket, with one statement per
line. Route 53's health checkers read the objects, and a tree of health checks turns them into a DNS answer, so that the
traffic moves without the Route 53 control plane and without the lost region ("Creating disaster recovery mechanisms
using Amazon Route 53", AWS Networking blog).

For a pair of regions, A before B in the switch's order:

======================  ==================  ===================================================
statement               published by        meaning
======================  ==================  ===================================================
``[B claims over A]``   B                   B has taken over from A
``[A outranks B]``      A                   A has taken over since, and B could not be updated
``[A yields to B]``     A                   A knows that B has taken over
======================  ==================  ===================================================

A is ahead of B if at least two of three are true: B does not claim over A; A outranks B; A does not yield to B. (A
region never outranks and yields to the same one, so: A does not yield, and B does not claim or is outranked.) The
active region is found in one pass: the first region is compared with the second, the one that is ahead with the third,
and so on. An object that is absent or cannot be read has no statements; at rest with the first region active, no region
has an object.

Guarantees, for any number of regions and any sequence of losses and returns (proven by search in tests/unit):

- A takeover needs to write only the new active region's own object, and that moves the traffic to it.
- While the new active region can be read, it has the traffic. A region that returns takes nothing back, updated or not.
- Once every reachable region has been updated, losing only the new active region's object does not move the traffic.

The one precondition: **a region must have been updated after a takeover before it takes over from that region in
turn.** This is the sequence that no scheme of fixed strings can handle: B is lost; A takes over and outranks B; A is
lost before B could be updated; B takes over; A returns, still outranking B, and has the traffic. A cannot know of B's
second claim, nor B of A's statement, and both of B's claims are the same string. The window closes with the first run
that reaches both regions (``reconcile``), so such a run should follow every return. ``stale_claims`` reports the part
of this situation that is visible from the new active region.

If statements outlive their region, because Route 53 keeps the last value (``metrics.py``), "lost" above means lost for
the operator only, and all of it is still true. In the sequence above B's takeover then does not move the traffic at
all, rather than lose it again when A returns.
"""

from __future__ import annotations

import re
import typing as t
from functools import lru_cache
from itertools import combinations

Statements = frozenset[str]
# By region; None where the object could not be read.
View: t.TypeAlias = "t.Mapping[str, Statements | None]"

SILENT: Statements = frozenset()
STATEMENT = re.compile(r"\[[^\[\]\r\n]+\]")


def claims_over(later: str, earlier: str) -> str:
    """Return a statement of the later region."""
    return f"[{later} claims over {earlier}]"


def outranks(earlier: str, later: str) -> str:
    """Return a statement of the earlier region."""
    return f"[{earlier} outranks {later}]"


def yields_to(earlier: str, later: str) -> str:
    """Return a statement of the earlier region."""
    return f"[{earlier} yields to {later}]"


class Vote(t.NamedTuple):
    """One of the three questions that decide a pair of regions."""

    word: str
    # The region that publishes the statement, or does not.
    region: str
    statement: str
    # Whether publishing it counts for the earlier region of the pair, and not against it.
    is_for_earlier: bool


@lru_cache(maxsize=1024)
def votes(earlier: str, later: str) -> tuple[Vote, Vote, Vote]:
    """Return the three votes of a pair; the earlier region is ahead with two of them."""
    return (
        Vote("claims", later, claims_over(later, earlier), False),
        Vote("outranks", earlier, outranks(earlier, later), True),
        Vote("yields", earlier, yields_to(earlier, later), False),
    )


def pairs(order: t.Sequence[str]) -> list[tuple[str, str]]:
    """Return every pair of regions, the earlier one first."""
    return list(combinations(order, 2))


def statements_of(region: str, order: t.Sequence[str]) -> list[str]:
    """Return all statements that a region can publish."""
    return [vote.statement for pair in pairs(order) for vote in votes(*pair) if vote.region == region]


def parse(text: str) -> Statements:
    """Return the statements found in an object's text, whatever is around them, like a string match."""
    return frozenset(STATEMENT.findall(text))


def render(statements: Statements) -> str:
    """Return the text of an object, one statement per line."""
    return "".join(f"{statement}\n" for statement in sorted(statements))


def earlier_than(region: str, order: t.Sequence[str]) -> list[str]:
    """Return the regions before this one."""
    return list(order[: order.index(region)])


def later_than(region: str, order: t.Sequence[str]) -> list[str]:
    """Return the regions after this one."""
    return list(order[order.index(region) + 1 :])


def is_ahead(earlier: str, later: str, view: View) -> bool:
    """Return whether the earlier of two regions is ahead of the later one."""
    found = [
        (vote.statement in (view.get(vote.region) or SILENT)) == vote.is_for_earlier for vote in votes(earlier, later)
    ]
    return sum(found) >= 2


def active_region(view: View, order: t.Sequence[str]) -> str:
    """Return the region that has the traffic.

    view: statements by region; a region that is missing, or is None, has no statements.
    """
    if not order:
        raise ValueError("order is empty; at least one region is required.")
    active = order[0]
    for later in order[1:]:
        if not is_ahead(active, later, view):
            active = later
    return active


def settled(active: str, order: t.Sequence[str]) -> dict[str, Statements]:
    """Return every region's statements at rest, once all have been updated and this region is active."""
    objects = {region: SILENT for region in order}
    for region in earlier_than(active, order):
        objects[region] = frozenset({yields_to(region, active)})
    objects[active] = of_new_active(active, (), order)
    return objects


def of_new_active(new_active: str, unnotified: t.Collection[str], order: t.Sequence[str]) -> Statements:
    """Return the new active region's statements while the regions in ``unnotified`` have not been updated."""
    claims = {claims_over(new_active, region) for region in earlier_than(new_active, order)}
    return frozenset(
        claims | {outranks(new_active, region) for region in later_than(new_active, order) if region in unnotified}
    )


def takeover(region: str, view: View, order: t.Sequence[str]) -> dict[str, Statements]:
    """Return the statements of the new active region and of each readable region, once all of these are updated."""
    rest = settled(region, order)
    unread = [other for other in order if view.get(other) is None]
    objects = {other: rest[other] for other in order if other not in unread}
    objects[region] = of_new_active(region, unread, order)
    return objects


def announcement(region: str, view: View, order: t.Sequence[str]) -> Statements:
    """Return the new active region's first write, which moves the traffic before any other region has been updated.

    It outranks every later region whose statements are not yet the right ones. If such a region turns out to have been
    updated, the statement is removed afterwards (``of_new_active``): a statement about a region that has been updated
    is the start of the one sequence that cannot be handled.
    """
    rest = settled(region, order)
    return of_new_active(region, [other for other in order if view.get(other) != rest[other]], order)


def reconcile(view: View, order: t.Sequence[str]) -> dict[str, Statements]:
    """Return the statements that update every readable region with the active region; the traffic does not move.

    Empty if the active region itself cannot be read: it may have newer statements than what the others know.
    Nothing is claimed over, and nothing published about, a region that cannot be read: Route 53 may consider it active.
    """
    active = active_region(view, order)
    if view.get(active) is None:
        return {}
    rest = settled(active, order)
    objects = {region: rest[region] for region in order if view.get(region) is not None}
    objects[active] = of_settled(active, view, [region for region in order if region not in objects], order)
    return {region: statements for region, statements in objects.items() if statements != view[region]}


def of_settled(active: str, view: View, unnotified: t.Collection[str], order: t.Sequence[str]) -> Statements:
    """Return the active region's statements once the others are updated; those about ``unnotified`` do not change."""
    earlier, later = earlier_than(active, order), later_than(active, order)
    claims = {claims_over(active, region) for region in earlier if region not in unnotified}
    about_unnotified = {claims_over(active, region) for region in earlier if region in unnotified}
    about_unnotified |= {outranks(active, region) for region in later if region in unnotified}
    return frozenset(claims | (about_unnotified & (view[active] or SILENT)))


def stale_claims(region: str, view: View, order: t.Sequence[str]) -> list[str]:
    """Return the earlier regions that cannot be read and that this one already claims over.

    Either this region already has the traffic (a repeated takeover), or the other one took over while this one was
    lost, and outranks it when it returns.
    """
    current = view.get(region) or SILENT
    return [
        other
        for other in earlier_than(region, order)
        if view.get(other) is None and claims_over(region, other) in current
    ]
