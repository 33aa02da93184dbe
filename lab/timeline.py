# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform was over time: who could write, where its names led, each group's desired capacity, the routes.

`TIMELINE` has these; `lab/reachability.py` keeps what could be reached in the same way. Observed a few times a second
and after each change (`World.tick_hooks`); an entry is kept whenever anything differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.rds.models import DBCluster, rds_backends

from lab import route53
from lab.services.access import is_cut_off, is_denied
from lab.services.rds_global import advance_all, membership
from lab.services.routes import routes
from lab.world import WORLD


class Timeline:
    """Entries {time, and each fact}, oldest first; callers of `look` have the lock.

    time: Unix seconds at which it was seen; facts: {name: what returns its present value}.
    """

    def __init__(self, facts: dict[str, Callable[[], Any]]) -> None:
        self.facts = facts
        self.entries: list[dict[str, Any]] = []

    def look(self) -> None:
        """Add an entry when the present differs from the last one."""
        present = {name: fact() for name, fact in self.facts.items()}
        last = self.entries[-1] if self.entries else {}
        if any(last.get(key) != value for key, value in present.items()):
            self.entries.append({"time": round(time.time(), 6), **present})

    def restart(self) -> None:
        """Forget the past; the first entry is the present."""
        self.entries.clear()
        self.look()

    def since(self, instant: float = 0.0) -> list[dict[str, Any]]:
        """Entries that were made at or after a Unix time."""
        return [entry for entry in list(self.entries) if entry["time"] >= instant]


def writers() -> list[str]:
    """The regions with a cluster that takes writes from clients who reach it.

    Such a cluster is a global database's writer or standalone, has an instance, is not cut off by security groups
    without an ingress rule or by an ACL, and its region is there: one that is lost and not fenced is listed again
    once it is back.
    """
    return _regions_where(takes_writes)


def open_writers() -> list[str]:
    """The regions with a cluster that acknowledges writes at least over connections that are open.

    To those of `writers` come: a cluster whose security groups have lost their ingress rules, because tracked
    connections survive that (EC2 User Guide, "Security group connection tracking"), and the old primary of a managed
    failover whose writes Aurora did not block (RDS-EVENT-0391), until it is rebuilt.
    """
    return _regions_where(writes_over_open_connections)


def _regions_where(holds: Callable[[DBCluster], bool]) -> list[str]:
    regions = rds_backends[DEFAULT_ACCOUNT_ID]
    if regions:
        advance_all(DEFAULT_ACCOUNT_ID)
    return sorted(
        region
        for region, backend in regions.items()
        if not WORLD.region_is_dead(region) and any(holds(one) for one in backend.clusters.values())
    )


def takes_writes(cluster: DBCluster) -> bool:
    """Whether a cluster of a region that is there is a writer and can be reached."""
    _, member = membership(cluster)
    writes = member.is_writer if member else not cluster.replication_source_identifier
    return writes and bool(cluster.members) and not is_cut_off(cluster) and not is_denied(cluster)


def writes_over_open_connections(cluster: DBCluster) -> bool:
    """Whether a cluster of a region that is there acknowledges writes of who is connected."""
    _, member = membership(cluster)
    writes = member.is_writer or member.writes_on if member else not cluster.replication_source_identifier
    return writes and bool(cluster.members) and not is_denied(cluster)


def names() -> dict[str, str | None]:
    """{name: region} of every alias A record of a public zone, as the name answers now.

    Several regions (weights, multivalue answers) are joined by commas; None when it leads to no load balancer.
    """
    return {name: ",".join(route53.regions_of(name)) or None for name in route53.alias_names()}


def desired() -> dict[str, dict[str, int]]:
    """{region: {Auto Scaling group: desired capacity}}, regions without a group left out."""
    regions = {
        region: {group.name: group.desired_capacity for group in backend.autoscaling_groups.values()}
        for region, backend in autoscaling_backends[DEFAULT_ACCOUNT_ID].items()
    }
    return {region: groups for region, groups in sorted(regions.items()) if groups}


# writers: [region] (`writers`); open_writers: [region] (`open_writers`); name: {domain: region} (`names`);
# desired: {region: {Auto Scaling group: desired capacity}};
# routes: {region: {subnet: {destination: what it goes through}}} (`lab/services/routes.py`).
TIMELINE = Timeline(
    {"writers": writers, "open_writers": open_writers, "name": names, "desired": desired, "routes": routes}
)
