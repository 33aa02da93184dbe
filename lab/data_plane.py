# SPDX-License-Identifier: GPL-3.0-or-later
"""The data plane behind the lab's API: what a real database, its replication and real instances do meanwhile.

The lab calls `PLANE.here`, under the world's lock, where a move starts, the writer switches, a detach starts, a
rebuild advances, and where security groups, network ACLs or capacities changed. `DataPlane` does nothing and answers as
an ideal data plane would; `RemoteDataPlane` passes each call on as one HTTP request (tests/gameday).
"""

from __future__ import annotations

import json
import traceback
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 3.0


class DataPlane:
    """Does nothing. Regions name clusters: a platform has one in each."""

    def promote(self, region: str) -> None:
        """The region's cluster takes writes from now on (SwitchoverGlobalCluster, FailoverGlobalCluster, a detach)."""

    def demote(self, region: str) -> None:
        """It takes no more writes: a switchover makes the old primary read-only, then waits for the target.

        Aurora User Guide, "Performing switchovers for Amazon Aurora global databases": the secondary is synchronized
        with the primary first.
        """

    def block_writes(self, region: str) -> None:
        """A managed failover blocks writes of the old primary (Aurora User Guide, event RDS-EVENT-0390)."""

    def follow(self, region: str, writer_region: str) -> None:
        """The region's cluster receives the writer's changes."""

    def unfollow(self, region: str) -> None:
        """It no longer receives changes: a managed failover or a detach has begun."""

    def rebuild(self, region: str, writer_region: str) -> None:
        """Its volume is replaced by a new one, a copy of the writer's (after a managed failover, or a new member)."""

    def keep_volume(self, region: str, snapshot: str) -> None:
        """A snapshot of the volume as it is now."""

    def is_caught_up(self, region: str) -> bool:
        """Whether the region's cluster holds everything that the old primary committed before it was demoted."""
        return True

    def is_rebuilt(self, region: str) -> bool:
        """Whether the new volume holds everything."""
        return True

    def lag_ms(self, region: str) -> float | None:
        """The measured lag of a secondary; None = the setting `lag_ms` decides."""
        return None

    def access(self, region: str, ingress: bool, denied: bool) -> None:
        """Who reaches the database port: `ingress` new connections, by security groups, which are stateful:

        connections that are tracked survive the removal of their rule (EC2 User Guide, "Security group connection
        tracking"). `denied`: a network ACL denies it; ACLs are stateless (VPC User Guide, "Network ACL basics").
        """

    def capacity(self, region: str, instances: int) -> None:
        """How many run in the region: instances of its Auto Scaling groups, and tasks of its ECS services."""


class RemoteDataPlane(DataPlane):
    """Passes every call on to an HTTP server; an answer that does not come is logged and counts as the ideal one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _send(self, call: str, **options: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/{call}", data=json.dumps(options).encode(), method="POST")
        with self.opener.open(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    def _tell(self, call: str, **options: Any) -> None:
        try:
            self._send(call, **options)
        except OSError:
            traceback.print_exc()

    def _ask(self, call: str, default: Any, **options: Any) -> Any:
        try:
            return self._send(call, **options)
        except (OSError, ValueError):
            traceback.print_exc()
            return default

    def promote(self, region: str) -> None:
        self._tell("promote", region=region)

    def demote(self, region: str) -> None:
        self._tell("demote", region=region)

    def block_writes(self, region: str) -> None:
        self._tell("block_writes", region=region)

    def follow(self, region: str, writer_region: str) -> None:
        self._tell("follow", region=region, writer_region=writer_region)

    def unfollow(self, region: str) -> None:
        self._tell("unfollow", region=region)

    def rebuild(self, region: str, writer_region: str) -> None:
        self._tell("rebuild", region=region, writer_region=writer_region)

    def keep_volume(self, region: str, snapshot: str) -> None:
        self._tell("keep_volume", region=region, snapshot=snapshot)

    def is_caught_up(self, region: str) -> bool:
        return self._ask("is_caught_up", False, region=region)

    def is_rebuilt(self, region: str) -> bool:
        return self._ask("is_rebuilt", False, region=region)

    def lag_ms(self, region: str) -> float | None:
        return self._ask("lag_ms", None, region=region)

    def access(self, region: str, ingress: bool, denied: bool) -> None:
        self._tell("access", region=region, ingress=ingress, denied=denied)

    def capacity(self, region: str, instances: int) -> None:
        self._tell("capacity", region=region, instances=instances)


class Plane:
    """`here` is the present data plane; `seen` what it knows of access and capacity."""

    def __init__(self) -> None:
        self.here = DataPlane()
        self.seen: dict[tuple[str, str], Any] = {}

    def attach(self, url: str | None) -> None:
        """Use the data plane at a URL, none without one. It learns the present first."""
        self.here = RemoteDataPlane(url) if url else DataPlane()
        self.seen.clear()

    @property
    def attached(self) -> bool:
        return type(self.here) is not DataPlane

    def detach(self) -> None:
        self.attach(None)

    def look(self) -> None:
        """Pass on what changed of access and capacity since the last look (`World.tick_hooks`)."""
        if not self.attached:
            return
        from lab.services.access import accesses, capacities

        for region, (ingress, denied) in accesses().items():
            if self.seen.get(("access", region)) != (ingress, denied):
                self.seen["access", region] = (ingress, denied)
                self.here.access(region, ingress, denied)
        for region, instances in capacities().items():
            if self.seen.get(("capacity", region)) != instances:
                self.seen["capacity", region] = instances
                self.here.capacity(region, instances)


PLANE = Plane()
