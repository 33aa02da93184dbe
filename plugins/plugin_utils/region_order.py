# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform's regions in order of preference, from the inventory. Pure.

The order is the list ``platform_regions``, or the number ``region_preference`` of every host, lowest first, or else the
order of the group. A controller sorts the hosts that it imports by name, so there the order of the group is no choice.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import is_left_out, refusal

LIST, NUMBERS, GROUP = "platform_regions", "region_preference", "the order of the group regions"
ALLOWED = "a number for every host of the group regions, the lowest for the most preferred region, or for none"


def number(value: t.Any) -> float:
    """Return a preference as a number, also from a text; not-a-number for all else."""
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def in_order(regions: t.Sequence[t.Any], preferences: t.Sequence[t.Any]) -> list[t.Any]:
    """Return the regions, the most preferred one first. Those without a valid number keep their order, at the end.

    regions, preferences: one entry for each host of the group, in the group's order.
    """
    figures = [number(one) for one in preferences]
    places = sorted(range(len(regions)), key=lambda at: math.inf if math.isnan(figures[at]) else figures[at])
    return [regions[at] for at in places]


def order_problems(wanted: t.Sequence[t.Any], regions: t.Sequence[t.Any], preferences: t.Sequence[t.Any]) -> list[str]:
    """Return what contradicts itself, as sentences.

    wanted: platform_regions. regions, preferences: of the hosts, as for :func:`in_order`.
    """
    by_region = dict(zip(regions, preferences, strict=False))
    given = {region: value for region, value in by_region.items() if not is_left_out(value)}
    bad = [refusal(f"{NUMBERS} of {region}", one, ALLOWED) for region, one in given.items() if math.isnan(number(one))]
    if bad:
        return bad
    if given:
        bad = [refusal(f"{NUMBERS} of {region}", None, ALLOWED) for region in by_region if region not in given]
    figures = [number(one) for one in given.values()]
    twice = [region for region, one in given.items() if figures.count(number(one)) > 1]
    if twice:
        bad.append(
            refusal(f"{NUMBERS} of {' and '.join(twice)}", given[twice[0]], "a different number for each region")
        )
    return bad or list_problems(wanted, regions, bool(given), in_order(regions, preferences))


def list_problems(
    wanted: t.Sequence[t.Any], regions: t.Sequence[t.Any], is_numbered: bool, numbered: t.Sequence[t.Any]
) -> list[str]:
    """Return what is wrong with platform_regions, given the hosts' regions and their order by number."""
    names, shown = [str(one) for one in wanted], list(wanted)
    twice = sorted({one for one in names if names.count(one) > 1})
    unknown = [one for one in names if one not in regions]
    missing = [one for one in regions if one not in wanted]
    words = [
        f"{', '.join(found)} {what}"
        for found, what in (
            (twice, "is listed more than once"),
            (unknown, "is no region of the group regions"),
            (missing, "is missing"),
        )
        if found
    ]
    if words:
        return [refusal(LIST, shown, f"every region of the group regions once ({'; '.join(words)})")]
    if is_numbered and shown != list(numbered):
        order = ", ".join(numbered)
        return [refusal(LIST, shown, f"the order of {NUMBERS}, which is {order}, or only one of these two variables")]
    return []


def source_of(is_list: bool, preferences: t.Sequence[t.Any]) -> str:
    """Return what the order was taken from.

    is_list: whether the inventory or the command line sets platform_regions.
    """
    if is_list:
        return LIST
    return GROUP if all(is_left_out(one) for one in preferences) else NUMBERS
