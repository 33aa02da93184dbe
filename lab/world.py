# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab knows and moto does not: which regions are out, which faults are injected, the health of targets.

One process, one world. moto is not thread-safe: code that uses it or the world must hold `WORLD.lock` (requests,
DNS answers and the background tick take it before they call; code inside moto already has it).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from lab.clock import CLOCK, Clock

P = ParamSpec("P")
R = TypeVar("R")

OUTAGE_MODES = ("hang", "reset", "5xx", "throttle", "partition")
FAULT_MODES = (
    *("latency", "throttle", "5xx", "expired", "hang", "reset", "lost_answer", "stale"),
    *("trickle", "truncated", "doubled", "empty", "html"),
)
TARGET_STATES = ("healthy", "unhealthy")
GLOBAL_CONTROL_PLANE = "aws-global"
# Without a request for so long, the lab looks at itself once a second: copies are taken of labs that nobody else uses.
RESTS_AFTER_S = 5.0


@dataclass(frozen=True)
class TargetRule:
    """The health of targets: all in `state`, except that the first `healthy` registered ones stay healthy."""

    state: str = "healthy"
    healthy: int = 0


def registered_targets(region: str, target_group_arn: str) -> list[str]:
    """Ids of the targets moto has registered with a target group, in order of registration."""
    from moto.backends import get_backend  # imported late: the CLI need not wait for moto

    for regions in get_backend("elbv2").values():
        group = regions[region].target_groups.get(target_group_arn) if region in regions else None
        if group is not None:
            return list(group.targets)
    return []


class World:
    """outages: {region: mode}; faults: [lab.faults.Fault]; target_states: {(region, target group ARN): TargetRule}.

    instance_limits: {(region, instance type or None for all): how many instances of it AWS can run there}.

    The rule of a whole region is under (region, None).
    `reset_hooks` are called when the lab is emptied, `tick_hooks` a few times a second, both under the lock; once a
    second while nobody asks (`rests`). asked_at: `time.monotonic` of the last request. seen: what functions of
    `once_a_look` have found out, None while nobody looks.
    """

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.outages: dict[str, str] = {}
        self.faults: list[Any] = []
        self.target_states: dict[tuple[str, str | None], TargetRule] = {}
        self.instance_limits: dict[tuple[str, str | None], int] = {}
        self.reset_hooks: list[Callable[[], None]] = []
        self.tick_hooks: list[Callable[[], None]] = []
        self.asked_at = time.monotonic()
        self.seen: dict[Any, Any] | None = None

    def rests(self) -> bool:
        """Whether nobody has asked for some seconds."""
        return time.monotonic() - self.asked_at > RESTS_AFTER_S

    def note_request(self) -> None:
        """A request has come: whoever ends a rest sees the present."""
        if self.rests():
            self.tick()
        self.asked_at = time.monotonic()

    def tick(self, run: Callable[[Callable[[], None]], None] = lambda hook: hook()) -> None:
        """Bring everything that changes with time up to the present; `run` is given each hook, and calls it."""
        with self.lock:
            for hook in self.tick_hooks:
                run(hook)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Nothing changes in here: what `once_a_look` finds out, it finds out once. The caller holds the lock."""
        self.seen = {}
        try:
            yield
        finally:
            self.seen = None

    def region_is_out(self, region: str) -> bool:
        """Whether the region is lost to other regions and to its operators: its API, and links to its peers."""
        return region in self.outages

    def region_is_dead(self, region: str) -> bool:
        """Whether its targets and its endpoints are lost too; a region that is partitioned lives.

        "AWS Fault Isolation Boundaries": control planes fail more often than data planes. Customers, and Route 53's
        checkers, go on reaching the load balancers of a partitioned region.
        """
        return self.outages.get(region, "partition") != "partition"

    def target_rule(self, region: str, target_group_arn: str | None) -> TargetRule:
        """The rule of the target group, else of its region, else all healthy."""
        anywhere = self.target_states.get((region, None), TargetRule())
        return self.target_states.get((region, target_group_arn), anywhere)

    def target_state(self, region: str, target_group_arn: str, target_id: str) -> str:
        """`healthy` or `unhealthy`: what a health check of this target sees now."""
        if self.region_is_dead(region):
            return "unhealthy"
        rule = self.target_rule(region, target_group_arn)
        if rule.state == "healthy" or not rule.healthy:
            return rule.state
        return "healthy" if target_id in registered_targets(region, target_group_arn)[: rule.healthy] else "unhealthy"

    def reset(self) -> None:
        """Forget everything, and call the `reset_hooks` of modules with state of their own."""
        self.outages.clear()
        self.faults.clear()
        self.target_states.clear()
        self.instance_limits.clear()
        for hook in self.reset_hooks:
            hook()


WORLD = World(CLOCK)


def once_a_look(find: Callable[P, R]) -> Callable[P, R]:
    """A function of the world's state alone, whose result is kept as long as somebody is `looking`.

    The name of eight regions leads over eight records, each of which depends on the others' health, and each look asks
    for all names. Arguments are positional and hashable.
    """

    @wraps(find)
    def found(*args: P.args, **kwargs: P.kwargs) -> R:
        seen, key = WORLD.seen, (find, args)
        if seen is None:
            return find(*args, **kwargs)
        if key not in seen:
            seen[key] = find(*args, **kwargs)
        return seen[key]

    return found
