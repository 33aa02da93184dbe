# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as traffic dials of AWS Global Accelerator: the region whose endpoint group has 100 percent.

The accelerator has one endpoint group in each region, with the region's load balancer. Its API is in us-west-2 only
("Welcome" of the Global Accelerator API Reference): without that region the dials can be neither read nor turned.

The target is dialled up first, and the others down afterwards: what an accelerator does while all dials are 0 is not
documented. In between, clients that are closer to another region with a healthy load balancer are still sent there. A
dial counts for new connections only ("Use traffic dials to adjust traffic flow to Regions" of the Developer Guide).

A dial of 0 does not keep clients out. While no load balancer of a group is healthy, its clients are sent to the closest
group with a healthy one, whatever the dial there, and come back about 30 seconds after it has recovered; if none is
healthy, to any ("How failover works for unhealthy endpoints" of the Developer Guide).

A request that contains only a dial keeps the endpoints as they are, and resolves none of them, so it does not need
their region (aws-solutions-library-samples/global-capacity-orchestrator-on-aws, pull request 277).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    poll,
    retry_transient,
    wait_until_visible,
)

SERVICE = "globalaccelerator"
# The only region of the API.
HOME = "us-west-2"
FULL, NOTHING = 100.0, 0.0
UNHEALTHY = "UNHEALTHY"
# Status of an accelerator whose changes are all in effect.
DEPLOYED = "DEPLOYED"
# How long to repeat a write that was throttled, and to wait until it is visible; the time between two tries.
REPEAT_SECONDS, SPREAD_SECONDS, LOOK_SECONDS = 4, 10, 1


@dataclass(frozen=True)
class Group:
    """An endpoint group: its traffic dial in percent, and the HealthState of each endpoint, by its id."""

    dial: float
    endpoints: Mapping[str, str]

    def as_fact(self) -> dict[str, Any]:
        """Return the fact ``traffic_dial``."""
        return {"dial": self.dial, "endpoints": dict(self.endpoints)}


@aws_call("ListEndpointGroups")
def list_endpoint_groups(client: Any, listener: str) -> list[dict[str, Any]]:
    """Return all EndpointGroups of a listener."""
    pages = client.get_paginator("list_endpoint_groups").paginate(ListenerArn=listener)
    return [group for page in pages for group in page["EndpointGroups"]]


@aws_call("UpdateEndpointGroup")
def turn_dial(client: Any, arn: str, percent: float) -> None:
    """Set the traffic dial of an endpoint group, and nothing else. Safe to repeat."""
    client.update_endpoint_group(EndpointGroupArn=arn, TrafficDialPercentage=percent)


def listener_of(arn: str) -> str:
    """Return the ARN of an endpoint group's listener. Pure.

    "Resource types" of the Global Accelerator actions in the Service Authorization Reference.
    """
    return arn.partition("/endpoint-group/")[0]


def dialled(dials: Mapping[str, float | None], order: Sequence[str]) -> list[str]:
    """Return the regions whose dial is above 0. Pure."""
    return [region for region in order if (dials.get(region) or 0) > 0]


def active_dial(dials: Mapping[str, float | None], order: Sequence[str]) -> str | None:
    """Return the one region whose dial is above 0, or None: unknown, no region's, or those of several. Pure."""
    found = dialled(dials, order)
    return found[0] if len(found) == 1 and all(dials.get(region) is not None for region in order) else None


def only(active: str, order: Sequence[str]) -> dict[str, float]:
    """Return the dials by region while only this region gets traffic. Pure."""
    return {region: FULL if region == active else NOTHING for region in order}


def refusal_to_choose(dials: Mapping[str, float], order: Sequence[str]) -> MultiRegionError:
    """Return the error for dials that say nothing, or too much, about where the traffic is. Pure."""
    found = dialled(dials, order)
    words = f"The traffic dials of {', '.join(found)} are above 0" if found else "The traffic dial of every region is 0"
    return MultiRegionError(
        f"{words}, so the switch does not say which region has the traffic. Run the unfinished move again, or set "
        "active_region to the region of the writer."
    )


class Dials:
    """The traffic dials of the platform. groups: ARN of the endpoint group by region."""

    def __init__(self, clients: Any, groups: Mapping[str, str]):
        self._clients = clients
        self._groups = dict(groups)

    @property
    def _client(self) -> Any:
        return self._clients(SERVICE, HOME)

    def read(self) -> dict[str, Group]:
        """Return every region's endpoint group."""
        listener = listener_of(next(iter(self._groups.values())))
        found = {one["EndpointGroupArn"]: one for one in list_endpoint_groups(self._client, listener)}
        missing = [arn for arn in self._groups.values() if arn not in found]
        if missing:
            raise MultiRegionError(f"The listener {listener} has no endpoint group {', '.join(missing)}.")
        return {region: group_of(found[arn]) for region, arn in self._groups.items()}

    def turn(self, region: str, percent: float, sleep: Callable[[float], None]) -> None:
        """Set a region's dial, and return once it is visible."""
        arn, failure = self._groups[region], None
        try:
            retry_transient(lambda: turn_dial(self._client, arn, percent), REPEAT_SECONDS, LOOK_SECONDS, sleep=sleep)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        wait_until_visible(
            lambda: self.read()[region].dial,
            lambda dial: dial == percent,
            failure,
            f"The traffic dial of {region} was set to {percent:g}",
            timeout=SPREAD_SECONDS,
            interval=LOOK_SECONDS,
            sleep=sleep,
        )


def group_of(found: Mapping[str, Any]) -> Group:
    """Return a Group for an EndpointGroup of the API. Pure."""
    endpoints = {one["EndpointId"]: one.get("HealthState", UNKNOWN) for one in found.get("EndpointDescriptions") or []}
    return Group(float(found["TrafficDialPercentage"]), endpoints)


class DialSwitch:
    """Moves the traffic by traffic dials; has the same methods as ``switch.StatementSwitch``.

    may_write: called before a write; false in check mode.
    sleep: function of seconds, which renews the lease.
    """

    def __init__(self, dials: Dials, order: Sequence[str], may_write: Callable[[], bool], sleep: Any):
        self._dials = dials
        self._order = order
        self._may_write = may_write
        self._sleep = sleep
        self._seen: Mapping[str, Group] = {}
        self._after: Mapping[str, float] = {}
        self._before: Mapping[str, float] = {}

    def take_over(self, target: str) -> None:
        """Dial the target up to 100, then all others down to 0."""
        self._read()
        if not self._seen[target].endpoints:
            raise MultiRegionError(
                f"The traffic was not moved: the endpoint group of {target} has no endpoint. Run site.yml, which adds "
                "the load balancer."
            )
        wanted = only(target, self._order)
        turned = [target, *(region for region in self._order if region != target)]
        changes = {region: wanted[region] for region in turned if self._before[region] != wanted[region]}
        if changes and self._may_write():
            for region, percent in changes.items():
                self._turn(region, percent, target)
            self._read_back(wanted)
        self._after = wanted

    def reconcile(self) -> None:
        """Leave the traffic where it is. Raises MultiRegionError if the dials do not say where that is."""
        self._read()
        active = active_dial(self._before, self._order)
        if active is None:
            raise refusal_to_choose(self._before, self._order)

    def _read(self) -> None:
        self._seen = self._dials.read()
        self._before = self._after = {region: group.dial for region, group in self._seen.items()}

    def _turn(self, region: str, percent: float, target: str) -> None:
        try:
            self._dials.turn(region, percent, self._sleep)
        except MultiRegionError as error:
            if region == target:
                raise
            raise MultiRegionError(
                f"The traffic dial of {target} is {FULL:g}, but that of {region} could not be set to {percent:g}: "
                f"{str(error).rstrip('.')}. Clients that are closer to {region} are still sent there: run again.",
                **error.evidence,
            ) from error

    def _read_back(self, wanted: Mapping[str, float]) -> None:
        def read() -> dict[str, float]:
            self._seen = self._dials.read()
            return {region: group.dial for region, group in self._seen.items()}

        try:
            poll(read, lambda dials: dials == wanted, SPREAD_SECONDS, LOOK_SECONDS, sleep=self._sleep)
        except WaitTimeout as late:
            raise MultiRegionError(
                f"The traffic dials were set to {dict(wanted)}, but are {late.state} {SPREAD_SECONDS} s later: "
                "something else changes them. Run again."
            ) from late

    def _not_followed(self, active: str | None) -> dict[str, str]:
        """Return {region: sentence} if clients are sent elsewhere because its load balancer is unhealthy."""
        if active is None or not is_unhealthy(self._seen[active].as_fact()):
            return {}
        return {active: unhealthy_words(active)}

    def outcome(self) -> dict[str, Any]:
        """Return the result in the common form of all switches."""
        before, after = (active_dial(dials, self._order) for dials in (self._before, self._after))
        return {
            "before": before or UNKNOWN,
            "after": after or UNKNOWN,
            "shown_before": {region: [f"{dial:g}"] for region, dial in self._before.items()},
            "shown_after": {region: [f"{dial:g}"] for region, dial in self._after.items()},
            "not_told": {},
            "errors": {},
            "may_take_back": [],
            "not_seen": self._not_followed(after),
        }


def is_unhealthy(fact: Mapping[str, Any]) -> bool:
    """Return whether Global Accelerator finds no healthy endpoint in a group. Pure. fact: ``traffic_dial``."""
    states = list(fact["endpoints"].values())
    return not states or all(state == UNHEALTHY for state in states)


def unhealthy_words(region: str) -> str:
    """Return the sentence about a region with the traffic whose load balancer is unhealthy. Pure."""
    return (
        f"Global Accelerator finds no healthy load balancer in {region}, so it sends clients to a region that has one, "
        "whatever its traffic dial."
    )
