# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as routing controls of Amazon Application Recovery Controller: the region whose control is On.

Controls are in a cluster with five regional endpoints, of which at least three are reachable at any time; any of them
accepts a change ("Getting and updating routing control states using the ARC API" of the ARC Developer Guide). They are
tried in random order, each once and for a few seconds. Their addresses are known beforehand, because looking them up
needs the control plane, which is in one region.

All controls are changed in one transaction, so they must be in one control panel ("ControlPanel" of the Recovery
Control Configuration API reference). Safety rules may reject it; they are overridden only if the caller names them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    wait_until_visible,
)

SERVICE = "route53-recovery-cluster"
ON, OFF = "On", "Off"
ENDPOINTS = 5
# After these errors another endpoint may accept the request. The JSON protocol has no HTTP status for them.
ELSEWHERE = frozenset({"EndpointTemporarilyUnavailableException", "InternalServerException", "ThrottlingException"})
REFUSED_BY_RULE = "ConflictException"
# How long until another endpoint knows an accepted change, and the time between two reads, in seconds.
SPREAD_SECONDS, LOOK_SECONDS = 10, 1

States = Mapping[str, str]


@aws_call("ListRoutingControls")
def list_routing_controls(client: Any, panel: str) -> dict[str, str]:
    """Return the state of each routing control of a panel, by ARN."""
    pages = client.get_paginator("list_routing_controls").paginate(ControlPanelArn=panel)
    return {one["RoutingControlArn"]: one["RoutingControlState"] for page in pages for one in page["RoutingControls"]}


@aws_call("UpdateRoutingControlStates")
def update_routing_control_states(client: Any, states: States, overridden: Sequence[str]) -> None:
    """Set the states of several routing controls, by ARN, in one transaction. Safe to repeat."""
    entries = [{"RoutingControlArn": arn, "RoutingControlState": state} for arn, state in states.items()]
    override = {"SafetyRulesToOverride": list(overridden)} if overridden else {}
    client.update_routing_control_states(UpdateRoutingControlStateEntries=entries, **override)


def panel_of(arn: str) -> str:
    """Return the ARN of a routing control's panel ("Resource types" of the ARC actions reference). Pure."""
    return arn.partition("/routingcontrol/")[0]


def active_control(states: States, order: Sequence[str]) -> str:
    """Return the region to which the records lead: the first whose control is On, else the last. Pure.

    states: by region.
    """
    return next((region for region in order if states[region] == ON), order[-1])


def only(active: str, order: Sequence[str]) -> dict[str, str]:
    """Return the states by region while only this region is On. Pure."""
    return {region: ON if region == active else OFF for region in order}


class Cluster:
    """The routing controls of the platform, reached through any endpoint that responds.

    controls: ARN by region. endpoints: [{region, endpoint}].
    """

    def __init__(
        self,
        clients: Any,
        controls: Mapping[str, str],
        endpoints: Sequence[Mapping[str, str]],
        shuffled: Callable[[Sequence[Any], int], list[Any]] = random.sample,
    ):
        self._clients = clients
        self._controls = dict(controls)
        self._endpoints = list(endpoints)
        self._shuffled = shuffled

    def states(self) -> dict[str, str]:
        """Return every region's state, On or Off."""
        panel = panel_of(next(iter(self._controls.values())))
        found = self._ask(lambda client: list_routing_controls(client, panel))
        missing = [arn for arn in self._controls.values() if arn not in found]
        if missing:
            raise MultiRegionError(f"The control panel {panel} has no routing control {', '.join(missing)}.")
        return {region: found[arn] for region, arn in self._controls.items()}

    def set(self, states: States, overridden: Sequence[str] = (), sleep: Callable[[float], None] = pause) -> None:
        """Set the states of all regions in one call. A rejection counts as success if the states are as wanted.

        That happens if a change was carried out and its response lost: within its waiting period, a rule rejects the
        same change again. Another endpoint may show that change a little later.
        """
        by_arn = {self._controls[region]: state for region, state in states.items()}
        try:
            self._ask(lambda client: update_routing_control_states(client, by_arn, overridden))
        except AwsCallError as error:
            if error.code != REFUSED_BY_RULE:
                raise
            patience = SPREAD_SECONDS if error.ambiguous else 0
            wait_until_visible(
                self.states,
                lambda now: now == states,
                refused_by_rule(error),
                timeout=patience,
                interval=LOOK_SECONDS,
                sleep=sleep,
            )

    def _ask(self, call: Callable[[Any], Any]) -> Any:
        """Return the result of the first endpoint that responds. Raises AwsCallError if one rejects the request."""
        errors = []
        for place in self._shuffled(self._endpoints, len(self._endpoints)):
            try:
                return call(self._clients(SERVICE, place["region"], place["endpoint"]))
            except AwsCallError as error:
                if not (error.retryable or error.code in ELSEWHERE):
                    # An endpoint tried before may have carried it out although its response was lost.
                    error.ambiguous = error.ambiguous or bool(errors)
                    raise
                errors.append(str(error))
        raise MultiRegionError(
            f"None of the cluster's {len(self._endpoints)} endpoints accepted the request. {'; '.join(errors)}. "
            "Compare cluster_endpoints with DescribeCluster, then run again."
        )


def refused_by_rule(error: AwsCallError) -> MultiRegionError:
    """Return the error for a change that a safety rule does not allow. Pure."""
    return MultiRegionError(
        f"The traffic was not moved: a safety rule of the control panel rejects it: {error.message} Change the rule or "
        "what it asserts, or set its ARN in safety_rules_to_override.",
        error_code=error.code,
    )


class ControlSwitch:
    """Moves the traffic by routing controls; has the same methods as ``switch.StatementSwitch``.

    may_write: called before a write; false in check mode.
    sleep: function of seconds, for waiting until another endpoint knows a change.
    """

    def __init__(self, cluster: Cluster, order: Sequence[str], overridden: Sequence[str], may_write: Any, sleep: Any):
        self._cluster = cluster
        self._order = order
        self._overridden = overridden
        self._may_write = may_write
        self._sleep = sleep
        self._before: States = {}
        self._after: States = {}

    def take_over(self, target: str) -> None:
        """Turn the target's control On and all others Off."""
        self._turn(lambda states: only(target, self._order))

    def reconcile(self) -> None:
        """Leave the traffic where it is: if several controls are On, turn all Off but the one with the traffic."""
        self._turn(
            lambda states: only(active_control(states, self._order), self._order) if ON in states.values() else states
        )

    def _turn(self, wish: Callable[[States], States]) -> None:
        self._before = self._after = self._cluster.states()
        wanted = wish(self._before)
        if wanted == self._before:
            return
        if self._may_write():
            self._cluster.set(wanted, self._overridden, self._sleep)
            self._read_back(wanted)
        self._after = wanted

    def _read_back(self, wanted: States) -> None:
        try:
            poll(self._cluster.states, lambda states: states == wanted, SPREAD_SECONDS, LOOK_SECONDS, sleep=self._sleep)
        except WaitTimeout as late:
            raise MultiRegionError(
                f"The routing controls were set to {dict(wanted)}, but are {late.state} {SPREAD_SECONDS} s later: "
                "something else changes them. Run again."
            ) from late

    def outcome(self) -> dict[str, Any]:
        """Return the result in the common form of all switches."""
        before, after = (active_control(states, self._order) for states in (self._before, self._after))
        return {
            "before": before,
            "after": after,
            "shown_before": {region: [state] for region, state in self._before.items()},
            "shown_after": {region: [state] for region, state in self._after.items()},
            "not_told": {},
            "errors": {},
            "may_take_back": [],
        }
