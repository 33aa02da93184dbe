# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of a run, from the lab's log. Pure; shape of a call: lab/calls.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Call = Mapping[str, Any]


def by_operation(calls: Iterable[Call]) -> dict[str, int]:
    """How often each operation was called in each region: `region service:Operation`, in the order of the alphabet."""
    return dict(sorted(Counter(_name(call) for call in calls).items()))


def difference(ours: Iterable[Call], theirs: Iterable[Call]) -> dict[str, int]:
    """How many more calls of each operation ours has (negative: fewer); equal ones are omitted."""
    mine, other = Counter(map(_name, ours)), Counter(map(_name, theirs))
    return {name: mine[name] - other[name] for name in sorted(mine | other) if mine[name] != other[name]}


def accepted_at(calls: Iterable[Call], operation: str) -> float:
    """When AWS had answered the one request of this operation, Unix time."""
    (accepted,) = [call for call in calls if call["operation"] == operation and call["status"] == 200]
    return accepted["time"] + accepted["seconds"]


def looks_a_second(calls: Sequence[Call], operation: str, begin: float, end: float) -> float:
    """How fast the fastest two calls of an operation followed each other between two Unix times."""
    times = sorted(call["time"] for call in calls if call["operation"] == operation and begin < call["time"] < end)
    return 1 / min(after - before for before, after in pairwise(times))


def _name(call: Call) -> str:
    return f"{call['region']} {call['service']}:{call['operation']}"
