# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as values: what the regions say, and which region that makes the active one.

Pure: no boto3, no clock. Every region has one small public object in its own control bucket, with one statement a line.
Route 53's health checkers read the objects and a tree of health checks turns them into an answer, so that the traffic
moves without the Route 53 control plane and without the lost region ("Creating disaster recovery mechanisms using
Amazon Route 53", AWS Networking blog).

For a pair of regions, A earlier and B later in the switch's order:

======================  ==================  ===================================================
statement               stands in object    means
======================  ==================  ===================================================
``[B claims over A]``   B's                 B has taken over from A
``[A outranks B]``      A's                 A has taken over since, and B could not be told
``[A yields to B]``     A's                 A knows that B has taken over
======================  ==================  ===================================================

A is ahead of B when at least two of three hold: B does not claim over A; A outranks B; A does not yield to B. (A region
never outranks and yields to the same one, so this reads: A does not yield, and B does not claim or is outranked.) The
active region is found in one pass: the first region meets the second, whoever is ahead meets the third, and so on. An
object that is absent or cannot be read says nothing; at rest with the first region active, every object is absent.

What holds, for any number of regions and any sequence of losses and returns (tests/unit prove it by search):

- A take-over needs to write the taker's own object only, and moves the traffic to the taker.
- While the taker can be read it has the traffic. A region that returns takes nothing back, told or not.
- Once every reachable region has been told, losing the taker's object alone does not move the traffic either.

The one precondition: **a region must have been told of a take-over before it takes over from that taker in turn.** The
sequence that no scheme of fixed strings can pin: B lost; A takes over and outranks B; A lost before B could be told; B
takes over; A returns, still outranking B, and has the traffic. A cannot know of B's second claim, nor B of A's
statement, and both of B's claims read the same. The window closes with the first run that reaches both regions
(``settle``), so such a run should follow every return; ``stale_claims`` names what is visible of it from the taker's
side.

Where statements outlive their region, because Route 53 keeps what it heard last (``metrics.py``), "lost" above
means lost to the operator only, and all of it holds. In the one sequence above B's take-over then does not move the
traffic at all, rather than lose it again on A's return.
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
    """Statement of the later region's object."""
    return f"[{later} claims over {earlier}]"


def outranks(earlier: str, later: str) -> str:
    """Statement of the earlier region's object."""
    return f"[{earlier} outranks {later}]"


def yields_to(earlier: str, later: str) -> str:
    """Statement of the earlier region's object."""
    return f"[{earlier} yields to {later}]"


class Vote(t.NamedTuple):
    """One of the three questions that decide a pair of regions."""

    word: str
    # The region that says the statement, or does not.
    region: str
    statement: str
    # Whether being said speaks for the earlier region of the pair, and not against it.
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
    """Return everything that a region can ever say."""
    return [vote.statement for pair in pairs(order) for vote in votes(*pair) if vote.region == region]


def parse(text: str) -> Statements:
    """Return the statements found in an object's text, whatever stands around them, as a string match does."""
    return frozenset(STATEMENT.findall(text))


def render(statements: Statements) -> str:
    """Return the text of an object, one statement a line."""
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

    view: statements by region; a region that is left out, or is None, says nothing.
    """
    if not order:
        raise ValueError("order is empty; at least one region is needed.")
    active = order[0]
    for later in order[1:]:
        if not is_ahead(active, later, view):
            active = later
    return active


def settled(active: str, order: t.Sequence[str]) -> dict[str, Statements]:
    """Return what every region's object says at rest, once all have been told that this region is active."""
    objects = {region: SILENT for region in order}
    for region in earlier_than(active, order):
        objects[region] = frozenset({yields_to(region, active)})
    objects[active] = of_taker(active, (), order)
    return objects


def of_taker(taker: str, untold: t.Collection[str], order: t.Sequence[str]) -> Statements:
    """Return the taker's own object while the regions in ``untold`` have not been told."""
    claims = {claims_over(taker, region) for region in earlier_than(taker, order)}
    return frozenset(claims | {outranks(taker, region) for region in later_than(taker, order) if region in untold})


def takeover(region: str, view: View, order: t.Sequence[str]) -> dict[str, Statements]:
    """Return the new object of the taker and of every region that can be read, once all of these have been told."""
    rest = settled(region, order)
    unread = [other for other in order if view.get(other) is None]
    objects = {other: rest[other] for other in order if other not in unread}
    objects[region] = of_taker(region, unread, order)
    return objects


def announcement(region: str, view: View, order: t.Sequence[str]) -> Statements:
    """Return the taker's first write, which moves the traffic before any other region has been told.

    It outranks every later region that does not say the right thing already. What turns out to have been told is
    dropped afterwards (``of_taker``): a statement about a region that knows is the seed of the one sequence that cannot
    be pinned.
    """
    rest = settled(region, order)
    return of_taker(region, [other for other in order if view.get(other) != rest[other]], order)


def settle(view: View, order: t.Sequence[str]) -> dict[str, Statements]:
    """Return the objects that tell every region that can be read who is active; the traffic stays.

    Empty where the active region itself cannot be read: it may say something newer than what the others were told.
    Nothing is claimed over, and nothing said about, a region that cannot be read: it may be the active one to
    Route 53.
    """
    active = active_region(view, order)
    if view.get(active) is None:
        return {}
    rest = settled(active, order)
    objects = {region: rest[region] for region in order if view.get(region) is not None}
    objects[active] = of_settled(active, view, [region for region in order if region not in objects], order)
    return {region: said for region, said in objects.items() if said != view[region]}


def of_settled(active: str, view: View, untold: t.Collection[str], order: t.Sequence[str]) -> Statements:
    """Return the active region's object once the others were told; about ``untold`` it goes on saying what it said."""
    earlier, later = earlier_than(active, order), later_than(active, order)
    claims = {claims_over(active, region) for region in earlier if region not in untold}
    about_untold = {claims_over(active, region) for region in earlier if region in untold}
    about_untold |= {outranks(active, region) for region in later if region in untold}
    return frozenset(claims | (about_untold & (view[active] or SILENT)))


def stale_claims(region: str, view: View, order: t.Sequence[str]) -> list[str]:
    """Return the earlier regions that cannot be read and that this one claims over already.

    Either the taker has the traffic already (a take-over run again), or the other one took over while the taker was
    lost, and outranks it on its return.
    """
    said = view.get(region) or SILENT
    return [
        other for other in earlier_than(region, order) if view.get(other) is None and claims_over(region, other) in said
    ]
