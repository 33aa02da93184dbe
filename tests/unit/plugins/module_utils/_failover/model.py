# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A platform in a few numbers, what the planner would see of it, and any such platform.

What a step of a plan does to it is the business of tests/unit/failover_model.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import with_age
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import State
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import RESOURCES
from ansible_collections.trading.multi_region.tests.unit.failover_model import (
    EAST,
    EUROPE,
    FACTS,
    LEASE_SECONDS,
    NOW,
    TABLE_FACTS,
    VERSION,
    WEST,
    build_view,
    hidden,
    own_groups,
    platform,
    sample,
    take_lease,
    with_members,
    with_values,
    with_view,
    writers,
)


@dataclass(frozen=True)
class Region:
    """One region of the model. ``unknown`` names the facts that cannot be read; a lost region's are all of them.

    lease: the outcome of a run towards it that stopped, or running where it goes on, or None.
    fence: the mode in which it was fenced, or None.
    """

    healthy: int = 2
    registered: int = 2
    desired: int = 2
    maximum: int = 6
    instances: tuple[str, ...] = ("available", "available")
    cluster_status: str = "available"
    version: str = VERSION
    lag_ms: float | None = 120.0
    lag_age: float = 20.0
    resync: bool = False
    is_member: bool = True
    lease: str | None = None
    fence: str | None = None
    unknown: frozenset[str] = frozenset()
    is_lost: bool = False


@dataclass(frozen=True)
class Model:
    """The platform: regions in preference order, where the writer and the traffic are, and what Aurora is moving.

    move: members of the last move that succeeded, or None. has_acls: whether the manifest names network ACLs.
    """

    regions: dict[str, Region] = field(default_factory=lambda: {EAST: Region(), WEST: Region()})
    writer: str = EAST
    traffic: str = EAST
    moving_to: str | None = None
    moving_status: str = "failing-over"
    manifest_desired: int = 2
    global_version: str = VERSION
    move: dict[str, Any] | None = None
    has_acls: bool = False

    def change(self, region: str, **values: Any) -> Model:
        """Return the model with one region changed."""
        return replace(self, regions={**self.regions, region: replace(self.regions[region], **values)})

    def lose(self, region: str) -> Model:
        """Return the model with one region's API and targets gone."""
        return self.change(region, is_lost=True, healthy=0)

    def view(self) -> dict[str, Any]:
        """Return what every region sees of the global cluster."""
        members = {
            name: "pending-resync" if region.resync else "connected"
            for name, region in self.regions.items()
            if region.is_member
        }
        moving = {"status": self.moving_status, "from_region": self.writer, "to_region": self.moving_to}
        operation = {**moving, "data_loss_allowed": self.moving_status != "switching-over"}
        view = build_view(members, self.writer, operation if self.moving_to else None)
        return {**view, "engine_version": self.global_version}

    def state(self) -> State:
        """Return what the planner sees."""
        sizes = {"min": 2, "desired": self.manifest_desired, "max": 6}
        state = platform(*self.regions, writer=self.writer, traffic=self.traffic)
        acls = {name: f"acl-{name}" for name in self.regions} if self.has_acls else {}
        known = replace(state, groups=own_groups(self.regions, sizes), network_acls=acls)
        state = with_view(known, **self.view())
        for name, region in self.regions.items():
            state = self._told(self._seen(state, name, region), name, region)
        for name, region in self.regions.items():
            state = hidden(state, name, FACTS if region.is_lost else region.unknown)
        return state

    def _seen(self, state: State, name: str, region: Region) -> State:
        is_writer = name == self.writer or not region.is_member
        instances = [
            {"identifier": f"{name}-{number}", "status": status, "engine_version": region.version}
            for number, status in enumerate(region.instances)
        ]
        written = writers(name, is_writer) if region.instances else []
        cluster = {"status": region.cluster_status, "engine_version": region.version, "writers": written}
        group = {"min": region.desired, "desired": region.desired, "max": region.maximum, "in_service": region.healthy}
        has_lag = region.lag_ms is not None and name != self.writer
        lag = sample(region.lag_ms or 0.0, region.lag_age) if has_lag else None
        targets = {"registered": region.registered, "healthy": region.healthy, "states": {}}
        state = with_members(with_members(state, name, "cluster", **cluster), name, "group", **group)
        return with_values(state, name, instances=instances, lag=lag, targets=targets)

    def _told(self, state: State, name: str, region: Region) -> State:
        if region.lease:
            lease = {**take_lease(state, name).facts[name].value("lease"), "outcome": region.lease}
            age = 1 if region.lease == "running" else LEASE_SECONDS + 1
            state = with_values(state, name, lease=with_age(lease, NOW + age))
        if region.fence:
            what = {RESOURCES[region.fence]: "resource"}
            document = {
                "mode": region.fence,
                **what,
                "run_id": "run-0",
                "state": "done",
                "done_at": NOW - 1,
                "removed": None,
            }
            state = with_members(state, name, "fences", **{name: {"document": document, "written_at": "1"}})
        if self.move:
            usual = {"run_id": "run-0", "method": "failover", "target_region": name, "acknowledged": None}
            move = {**usual, "ended_at": NOW - self.move["age_seconds"], **self.move}
            state = with_values(state, name, latest_move=move)
        return state

    def without_table(self, name: str) -> State:
        """Return what the planner sees where a region has no control table."""
        return with_values(self.state(), name, **{**dict.fromkeys(TABLE_FACTS), "fences": {}})


FENCED = ("database_ingress", "application_capacity", "network_acl")
STATUSES = ("available", "creating", "failed", "rebooting", "backing-up")


def random_region(dice: Random) -> Region:
    """Any region, fit or not."""
    registered, desired = dice.randint(0, 6), dice.randint(0, 6)
    return Region(
        healthy=dice.randint(0, registered),
        registered=registered,
        desired=desired,
        maximum=dice.randint(desired, 8),
        instances=tuple(dice.choices(STATUSES, k=dice.randint(0, 3))),
        cluster_status=dice.choice(("available", "failing-over", "stopped", "promoting")),
        version=dice.choice((VERSION, VERSION, "8.0.mysql_aurora.3.12.0")),
        lag_ms=dice.choice((None, dice.uniform(0, 1e6))),
        lag_age=dice.uniform(0, 1e4),
        resync=dice.random() < 0.5,
        is_member=dice.random() < 0.8,
        lease=dice.choice((None, None, "running", "failed", "stopped", "successful")),
        fence=dice.choice((None, None, None, *FENCED)),
        unknown=frozenset(dice.choices(FACTS, k=dice.randint(0, 2))),
        is_lost=dice.random() < 0.3,
    )


def random_model(seed: int, any_region: Callable[[Random], Region] = random_region) -> Model:
    """Any platform of two or three regions, in any state of a move."""
    dice = Random(seed)
    names = [EAST, WEST, EUROPE][: dice.randint(2, 3)]
    return Model(
        regions={name: any_region(dice) for name in names},
        writer=dice.choice(names),
        traffic=dice.choice(names),
        moving_to=dice.choice((None, None, *names)),
        moving_status=dice.choice(("pending", "failing-over", "switching-over", "cancelling")),
        manifest_desired=dice.randint(0, 6),
        move=dice.choice((None, {"age_seconds": dice.uniform(0, 1e4)})),
        has_acls=dice.random() < 0.5,
    )


def random_fit_region(dice: Random) -> Region:
    """A region that can take over, with any capacity, fenced or detached; or a lost one."""
    if dice.random() < 0.3:
        return Region(is_lost=True, healthy=0)
    healthy, desired = dice.randint(1, 6), dice.randint(0, 6)
    return Region(
        healthy=healthy,
        registered=dice.randint(healthy, 8),
        desired=desired,
        maximum=dice.randint(desired, 8),
        instances=("available", dice.choice(STATUSES)),
        lag_ms=dice.uniform(0, 1e6),
        lag_age=dice.uniform(0, 299),
        version=dice.choice((VERSION, VERSION, VERSION, "8.0.mysql_aurora.3.12.0")),
        is_member=dice.random() < 0.9,
        fence=dice.choice((None, None, None, *FENCED)),
    )


# Drawing one number is much faster than drawing the hundred values that it encodes.
SEEDS = st.integers(0, 2**32)


def models() -> st.SearchStrategy[Model]:
    """Any platform."""
    return SEEDS.map(random_model)


def fit_models() -> st.SearchStrategy[Model]:
    """A platform whose regions can take over, except the lost ones."""
    return SEEDS.map(lambda seed: random_model(seed, random_fit_region))
