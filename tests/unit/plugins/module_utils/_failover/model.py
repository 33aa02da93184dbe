# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A platform in a few numbers, what the planner would see of it, and what each step of a plan does to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._failover.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Plan, State

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
VERSION = "8.0.mysql_aurora.3.04.0"
LOST = "no answer within 2.5 s"


@dataclass(frozen=True)
class Region:
    """One region of the model. ``unknown`` names the facts that cannot be read; a lost region's are all of them."""

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
    unknown: frozenset[str] = frozenset()
    is_lost: bool = False


@dataclass(frozen=True)
class Model:
    """The platform: regions in preference order, where the writer and the traffic are, and what Aurora is moving."""

    regions: dict[str, Region] = field(default_factory=lambda: {EAST: Region(), WEST: Region()})
    writer: str = EAST
    traffic: str = EAST
    moving_to: str | None = None
    moving_status: str = "failing-over"
    manifest_desired: int = 2
    global_version: str = VERSION

    def change(self, region: str, **values: Any) -> Model:
        """Return the model with one region changed."""
        return replace(self, regions={**self.regions, region: replace(self.regions[region], **values)})

    def lose(self, region: str) -> Model:
        """Return the model with one region's API and targets gone."""
        return self.change(region, is_lost=True, healthy=0)

    def view(self) -> dict[str, Any]:
        """Return what every region sees of the global cluster."""
        moving = {"status": self.moving_status, "from_region": self.writer, "to_region": self.moving_to}
        return {
            "status": "available",
            "engine_version": self.global_version,
            "endpoint": "writer.global.example",
            "members": [
                {
                    "arn": f"arn:aws:rds:{name}:1:cluster:c-{name}",
                    "region": name,
                    "is_writer": name == self.writer,
                    "synchronization_status": "pending-resync" if region.resync else "connected",
                }
                for name, region in self.regions.items()
            ],
            "failover": {**moving, "is_data_loss_allowed": True} if self.moving_to else None,
        }

    def facts(self, name: str) -> Facts:
        """Return what is seen of one region."""
        region = self.regions[name]
        names = [f"{name}-{index}" for index in range(len(region.instances))]
        lag = {"value_ms": region.lag_ms, "age_seconds": region.lag_age, "sampled_at": "", "metric": "lag"}
        values = {
            "global_cluster": self.view(),
            "cluster": {
                "identifier": f"c-{name}",
                "status": region.cluster_status,
                "engine_version": region.version,
                "writers": names[:1] if self.writer == name else [],
            },
            "instances": [
                {"identifier": one, "status": status, "engine_version": region.version}
                for one, status in zip(names, region.instances, strict=True)
            ],
            "lag": None if region.lag_ms is None or name == self.writer else lag,
            "targets": {"registered": region.registered, "healthy": region.healthy, "states": {}},
            "group": {
                "min": 0,
                "desired": region.desired,
                "max": region.maximum,
                "in_service": region.healthy,
                "suspended": [],
            },
            "statements": [],
        }
        lost = set(values) if region.is_lost else region.unknown
        return Facts(
            name, {key: Observation(error=LOST) if key in lost else Observation(v) for key, v in values.items()}
        )

    def state(self) -> State:
        """Return what the planner sees."""
        sizes = {"min": 2, "desired": self.manifest_desired, "max": 6}
        return State(
            order=tuple(self.regions),
            facts={name: self.facts(name) for name in self.regions},
            traffic_region=self.traffic,
            capacity={name: sizes for name in self.regions},
            engine_version=VERSION,
        )

    def after(self, step: str, plan: Plan) -> Model:
        """Return the platform after one step of the plan was carried out."""
        target = str(plan.target_region)
        here, wanted = self.regions[target], plan.capacity_wanted
        if step == "promote_request":
            return replace(self, moving_to=target, moving_status="failing-over")
        if step == "promote_wait":
            instances = ("available", *here.instances[1:])
            moved = replace(self, writer=target, moving_to=None)
            return moved.change(target, cluster_status="available", instances=instances)
        if step == "capacity_ask":
            return self.change(target, desired=max(here.desired, wanted))
        if step == "capacity_wait":
            count = max(1, here.healthy, wanted)
            return self.change(target, healthy=count, registered=max(count, here.registered))
        return replace(self, traffic=target) if step == "traffic" else self


FACTS = ("global_cluster", "cluster", "instances", "lag", "targets", "group", "statements")
STATUSES = ("available", "creating", "failed", "rebooting", "backing-up")


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """Any region, fit or not."""
    registered, desired = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    return Region(
        healthy=draw(st.integers(0, registered)),
        registered=registered,
        desired=desired,
        maximum=draw(st.integers(desired, 8)),
        instances=tuple(draw(st.lists(st.sampled_from(STATUSES), max_size=3))),
        cluster_status=draw(st.sampled_from(("available", "failing-over", "stopped", "modifying"))),
        version=draw(st.sampled_from((VERSION, VERSION, "8.0.mysql_aurora.3.05.2"))),
        lag_ms=draw(st.none() | st.floats(0, 1e6)),
        lag_age=draw(st.floats(0, 1e4)),
        resync=draw(st.booleans()),
        unknown=draw(st.frozensets(st.sampled_from(FACTS), max_size=2)),
        is_lost=draw(st.booleans()),
    )


@st.composite
def models(draw: st.DrawFn, region: st.SearchStrategy[Region] | None = None) -> Model:
    """Any platform of two or three regions, in any state of a move."""
    names = [EAST, WEST, EUROPE][: draw(st.integers(2, 3))]
    anywhere = st.sampled_from(names)
    return Model(
        regions={name: draw(regions() if region is None else region) for name in names},
        writer=draw(anywhere),
        traffic=draw(anywhere),
        moving_to=draw(st.none() | anywhere),
        moving_status=draw(st.sampled_from(("pending", "failing-over", "switching-over", "cancelling"))),
        manifest_desired=draw(st.integers(0, 6)),
    )


@st.composite
def fit_regions(draw: st.DrawFn) -> Region:
    """A region that can take over, with any capacity; or a lost one."""
    if draw(st.booleans()):
        return Region(is_lost=True, healthy=0)
    healthy, desired = draw(st.integers(1, 6)), draw(st.integers(0, 6))
    return Region(
        healthy=healthy,
        registered=draw(st.integers(healthy, 8)),
        desired=desired,
        maximum=draw(st.integers(desired, 8)),
        instances=("available", draw(st.sampled_from(STATUSES))),
        lag_ms=draw(st.floats(0, 1e6)),
        lag_age=draw(st.floats(0, 299)),
    )
