# SPDX-License-Identifier: GPL-3.0-or-later
"""Invariants under every fault: each function takes evidence and returns a sentence for each violation.

Writer, traffic and capacity are read from the lab's own timeline, which no playbook writes. The planner has its
own invariants for the same (plugins/module_utils/_failover/invariants.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.chaos.faults import TARGET
from tests.integration.aws import DOMAIN, GROUP

# Published again at each attempt; the lease and the journal are written many times.
OWN_BOOKS = ("dynamodb", "sns")
# The dashboards' metrics are published with the SNS message: at most once by each of a cell's two runs.
FIGURES = "PutMetricData"
MOVES = ("FailoverGlobalCluster", "SwitchoverGlobalCluster", "RemoveFromGlobalCluster")


# Calls that make one change together: a fence turns the rules of both directions.
ONCE = {"ReplaceNetworkAclEntry": 2}


@dataclass(frozen=True)
class Evidence:
    """What is left when a cell is over.

    timeline: the lab's, oldest first. calls: the lab's, all attempts. lease, record: documents of the target's
    control table, or None.
    outputs: of each run. wanted: instances in the active region before. repeats: whether a caller may have had to ask
    twice. late: the calls between a killed run and the next one.
    """

    timeline: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    lease: dict[str, Any] | None
    record: dict[str, Any] | None
    outputs: list[str]
    wanted: int
    repeats: bool
    late: list[dict[str, Any]] = field(default_factory=list)


def traffic(entry: dict[str, Any]) -> str | None:
    return entry["name"].get(DOMAIN)


def the_name_only_ever_moves_to_the_writer(seen: Evidence) -> list[str]:
    moves = [(before, after) for before, after in pairwise(seen.timeline) if traffic(before) != traffic(after)]
    return [
        f"the name moved to {traffic(after)} while {after['writers']} took writes"
        for _before, after in moves
        if traffic(after) not in after["writers"]
    ]


def the_name_moves_at_most_once(seen: Evidence) -> list[str]:
    path = [traffic(entry) for entry in seen.timeline]
    moves = sum(before != after for before, after in pairwise(path))
    return [f"the name moved {moves} times: {path}"] if moves > 1 else []


def one_region_takes_writes(seen: Evidence) -> list[str]:
    """For clients who connect: always. Over connections that are open: from the end of a run that claims `fenced` on.

    Whoever claims less has said that the old region may go on writing, which nothing can end where it does not respond.
    """
    found = [
        f"{entry['writers']} accepted writes at the same time" for entry in seen.timeline if len(entry["writers"]) > 1
    ]
    if (seen.record or {}).get("fenced") == "fenced":
        before = [entry for entry in seen.timeline if entry["time"] <= seen.record["ended_at"]]
        since = [*before[-1:], *seen.timeline[len(before) :]]
        found += [
            f"the record says `fenced`, and {entry['open_writers']} accepted writes over open connections"
            for entry in since
            if len(entry["open_writers"]) > 1
        ]
    return found


def capacity_is_never_lowered_under_the_traffic(seen: Evidence) -> list[str]:
    found = []
    for before, after in pairwise(seen.timeline):
        region = traffic(after)
        had, has = (entry["desired"].get(region, {}).get(GROUP) for entry in (before, after))
        if traffic(before) == region and had is not None and (has or 0) < had:
            found.append(f"{region} had {had} instances and the traffic, and was lowered to {has}")
    return found


def traffic_finds_the_capacity_it_had(seen: Evidence) -> list[str]:
    arrived = next((entry for entry in seen.timeline if traffic(entry) == TARGET), None)
    has = arrived and arrived["desired"].get(TARGET, {}).get(GROUP, 0)
    return (
        [f"the traffic arrived at {has} instances, {seen.wanted} were wanted"] if arrived and has < seen.wanted else []
    )


def nothing_is_done_twice(seen: Evidence) -> list[str]:
    done = Counter(
        (call["region"], call["service"], call["operation"])
        for call in seen.calls
        if call["mutating"] and call["service"] not in OWN_BOOKS and (call["status"] == "lost" or _went_well(call))
    )

    def may_be_twice(operation: str) -> bool:
        # A caller that got no answer asks again; that may repeat what has no second effect, never a move.
        return operation == FIGURES or (seen.repeats and operation not in MOVES)

    return [
        f"{operation} of {service} in {region} was carried out {times} times"
        for (region, service, operation), times in done.items()
        if times > ONCE.get(operation, 1) * (2 if may_be_twice(operation) else 1)
    ]


def _went_well(call: dict[str, Any]) -> bool:
    return isinstance(call["status"], int) and call["status"] < 300


def the_lease_is_given_back(seen: Evidence) -> list[str]:
    outcome = seen.lease and seen.lease["outcome"]
    return [f"the lease is {outcome}"] if outcome != "successful" else []


def the_record_tells_how_it_ended(seen: Evidence) -> list[str]:
    outcome = seen.record and seen.record["outcome"]
    return [f"the record says {outcome}"] if outcome != "successful" else []


def nobody_sees_a_traceback(seen: Evidence) -> list[str]:
    return [
        f"a run printed {word!r}"
        for output in seen.outputs
        for word in ("Traceback (most recent call last)", "Unexpected failure", "MODULE FAILURE", "is undefined")
        if word in output
    ]


def what_is_dead_makes_no_call(seen: Evidence) -> list[str]:
    calls = Counter(f"{call['operation']} of {call['service']} in {call['region']}" for call in seen.late)
    return [f"after the run was killed: {times} x {what}" for what, times in calls.items()]


INVARIANTS: tuple[Callable[[Evidence], list[str]], ...] = (
    the_name_only_ever_moves_to_the_writer,
    the_name_moves_at_most_once,
    one_region_takes_writes,
    capacity_is_never_lowered_under_the_traffic,
    traffic_finds_the_capacity_it_had,
    nothing_is_done_twice,
    the_lease_is_given_back,
    the_record_tells_how_it_ended,
    nobody_sees_a_traceback,
    what_is_dead_makes_no_call,
)


def broken(seen: Evidence) -> list[str]:
    """Every breach, each as `invariant: sentence`."""
    return [f"{check.__name__}: {sentence}" for check in INVARIANTS for sentence in check(seen)]
