# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers as the internet sees them: their names, addresses, and what an HTTP request gets from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.elbv2.models import FakeAction, FakeListener, FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from lab.world import WORLD, once_a_look


@dataclass(frozen=True)
class Fetched:
    """What a request from the internet gets. `status` None = no answer, for the `reason`."""

    status: int | None
    reason: str
    body: bytes = b""


@dataclass(frozen=True)
class LoadBalancer:
    """One of moto's load balancers."""

    name: str
    dns_name: str
    region: str
    arn: str
    listeners: tuple[FakeListener, ...]

    @property
    def address(self) -> str:
        """Its address: stable for the DNS name, within 127.64.0.0 to 127.127.255.255.

        Loopback, so that an accidental connection does not leave the machine; nothing listens there.
        """
        digest = hashlib.sha256(self.dns_name.encode()).digest()
        return f"127.{64 + digest[0] % 64}.{digest[1]}.{1 + digest[2] % 254}"

    def target_groups(self) -> list[FakeTargetGroup]:
        """The target groups its listeners and their rules forward to."""
        groups = elbv2_backends[DEFAULT_ACCOUNT_ID][self.region].target_groups
        arns: dict[str, None] = {}
        for listener in self.listeners:
            actions = [*listener.default_actions, *(a for rule in listener.rules.values() for a in rule.actions)]
            for action in actions:
                arns.update(dict.fromkeys(forwards_to(action)))
        return [groups[arn] for arn in arns if arn in groups]

    def listener(self, port: int) -> FakeListener | None:
        """The listener of a port."""
        return next((one for one in self.listeners if int(one.port) == port), None)

    def as_dict(self) -> dict[str, str]:
        """As the admin API shows it."""
        return {"load_balancer": self.name, "dns_name": self.dns_name, "region": self.region, "address": self.address}


@once_a_look
def load_balancers() -> list[LoadBalancer]:
    """All load balancers of the lab."""
    return [_seen(region, one) for region, one in _of_moto()]


def _of_moto() -> Iterator[tuple[str, FakeLoadBalancer]]:
    for region, backend in list(elbv2_backends[DEFAULT_ACCOUNT_ID].items()):
        for one in backend.load_balancers.values():
            yield region, one


def _seen(region: str, one: FakeLoadBalancer) -> LoadBalancer:
    return LoadBalancer(one.name, one.dns_name.lower(), region, one.arn, tuple(one.listeners.values()))


@once_a_look
def load_balancer_named(dns_name: str) -> LoadBalancer | None:
    """The load balancer of a DNS name; `dualstack.` in front is how the console writes alias targets."""
    wanted = dns_name.lower().rstrip(".").removeprefix("dualstack.")
    return next((_seen(region, one) for region, one in _of_moto() if one.dns_name.lower() == wanted), None)


def load_balancer_at(address: str) -> LoadBalancer | None:
    """The load balancer of an address."""
    return next((one for one in load_balancers() if one.address == address), None)


def forwards_to(action: FakeAction) -> list[str]:
    """ARNs of the target groups an action forwards to."""
    data: dict[str, Any] = action.data
    arns = [data["TargetGroupArn"]] if data.get("TargetGroupArn") else []
    return arns + [group["TargetGroupArn"] for group in data.get("ForwardConfig", {}).get("TargetGroups", [])]


@once_a_look
def target_states(group: FakeTargetGroup) -> list[str]:
    """The state of each registered target, as DescribeTargetHealth gives it, under the world's rules."""
    states = []
    for target_id, target in group.targets.items():
        status = group.health_for(target, group.ec2_backend).status
        allowed = WORLD.target_state(group.region_name, group.arn, target_id)
        states.append(status if allowed == "healthy" else allowed)
    return states


@once_a_look
def evaluate_target_health(balancer: LoadBalancer) -> tuple[bool, str]:
    """Whether an alias record with EvaluateTargetHealth considers the load balancer healthy, and why.

    Route 53 API, AliasTarget, EvaluateTargetHealth: every target group must contain at least one healthy target, and
    one with no registered targets is unhealthy.
    """
    groups = balancer.target_groups()
    if not groups:
        return False, "no target group"
    for group in groups:
        states = target_states(group)
        if "healthy" not in states:
            return False, f"{group.name}: {'no healthy target' if states else 'no registered target'}"
    return True, "every target group has a healthy target"


def request(balancer: LoadBalancer, port: int | None) -> Fetched:
    """The answer of a load balancer on a port, from whichever listener without one.

    A listener's default action decides; a group without a healthy target answers 503 (Elastic Load Balancing User
    Guide, "Troubleshoot your Application Load Balancers", HTTP 503). A lost region does not answer.
    """
    if WORLD.region_is_dead(balancer.region):
        return Fetched(None, f"connection timed out: {balancer.region} is out")
    if port is None:
        return _forward(balancer, balancer.target_groups())
    listener = balancer.listener(port)
    if listener is None:
        return Fetched(None, f"connection refused: {balancer.name} has no listener on port {port}")
    action = listener.default_actions[0]
    if action.type == "redirect":
        return Fetched(int(action.data["RedirectConfig"]["StatusCode"].removeprefix("HTTP_")), "redirected")
    if action.type == "fixed-response":
        fixed = action.data["FixedResponseConfig"]
        return Fetched(int(fixed["StatusCode"]), "fixed response", fixed.get("MessageBody", "").encode())
    arns = forwards_to(action)
    return _forward(balancer, [group for group in balancer.target_groups() if group.arn in arns])


def _forward(balancer: LoadBalancer, groups: list[FakeTargetGroup]) -> Fetched:
    states = [state for group in groups for state in target_states(group)]
    healthy = states.count("healthy")
    if healthy:
        body = f"ok from {balancer.region} by {balancer.name}\n".encode()
        return Fetched(200, f"{healthy} of {len(states)} targets healthy", body)
    return Fetched(503, f"no healthy target among {len(states)} registered")
