# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard accelerators of AWS Global Accelerator: listeners, endpoint groups with traffic dials, endpoints, addresses.

Follows the model of globalaccelerator (API reference, with the errors that each operation lists) and its Developer
Guide. The API is in us-west-2 only ("Welcome" of the API reference), so a lost us-west-2 takes it along; addresses and
routing are on the edge and stay ("Global services in the edge network" of "AWS Fault Isolation Boundaries"). A change
is deployed a while after it was accepted: until then the accelerator is IN_PROGRESS and routes as before. Terraform
waits for DEPLOYED after each change (terraform-provider-aws, internal/service/globalaccelerator).

Routing: "How failover works for unhealthy endpoints" of the Developer Guide. A group without a healthy endpoint whose
weight is above 0 fails over to another group, whatever the dial of that one; with none anywhere the accelerator fails
open to the closest group. What it does if every dial is 0 is not documented: here it answers nothing.

An endpoint that preserves client addresses gets network interfaces in its subnets, which are released once a removal is
deployed (global-capacity-orchestrator-on-aws #130), and a security group "GlobalAccelerator" in its VPC, which stays
(terraform-provider-aws, endpoint_group_test.go, testAccCheckEndpointGroupDeleteSecurityGroup).
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import uuid4

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.elbv2.models import elbv2_backends

from lab.clock import CLOCK
from lab.elb import LoadBalancer, evaluate_target_health, load_balancers
from lab.faults import Answer, error_answer
from lab.request import ApiRequest
from lab.services.creations import is_made
from lab.services.settings import SETTINGS
from lab.world import WORLD

SERVICE = "globalaccelerator"
HOME = "us-west-2"
DOMAIN = "awsglobalaccelerator.com"
# "CreateAccelerator": alphanumeric characters, periods or hyphens, not at the ends, 64 at most.
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?")
LOAD_BALANCER = re.compile(r"arn:[^:]+:elasticloadbalancing:([^:]+):\d+:loadbalancer/(?:app|net)/.+")
INTERVALS = (10, 30)  # "HealthCheckIntervalSeconds" of CreateEndpointGroup
CLOSEST = 3  # "How failover works for unhealthy endpoints"
GROUP_NAME = "GlobalAccelerator"
DEFAULT_WEIGHT, DEFAULT_DIAL = 128, 100.0
# An endpoint's health is unknown for this time after it was added, in AWS seconds ("HealthState": INITIAL).
INITIAL_S = 30.0


class Refusal(Exception):
    """An error answer; all of them have status 400 ("Errors" of each operation)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Group:
    """An endpoint group. `endpoints`: {id: its configuration, with the defaults}; `added`: {id: instant}."""

    arn: str
    region: str
    dial: float
    settings: dict[str, Any]
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    added: dict[str, float] = field(default_factory=dict)


# What an accelerator routes by: {region: (dial, {endpoint id: weight})}, in the order in which the groups were created.
Routes = dict[str, tuple[float, dict[str, int]]]


@dataclass
class Accelerator:
    """One accelerator. `listeners`: {ARN: the listener}, `groups`: {ARN: the group}, of all listeners.

    `live` is what it routes by; `coming` are the states that are being deployed, with their instants.
    """

    arn: str
    name: str
    dns_name: str
    enabled: bool
    tags: dict[str, str]
    listeners: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    live: tuple[bool, Routes] = (False, {})
    coming: list[tuple[float, tuple[bool, Routes]]] = field(default_factory=list)
    interfaces: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)

    @property
    def addresses(self) -> list[str]:
        """Its two static addresses, within 127.128.0.0 to 127.191.255.255, so that nothing leaves the machine."""
        digest = hashlib.sha256(self.dns_name.encode()).digest()
        return [f"127.{128 + digest[at] % 64}.{digest[at + 1]}.{1 + digest[at + 2] % 254}" for at in (0, 3)]

    def change(self) -> None:
        """Something was accepted: it is deployed later."""
        routes = {
            group.region: (group.dial, {one: int(end["Weight"]) for one, end in group.endpoints.items()})
            for group in self.groups.values()
        }
        self.coming.append((CLOCK.after(SETTINGS.accelerator_deploy_s), (self.enabled, routes)))
        self.modified = time.time()

    def advance(self) -> None:
        """Deploy what is due, and release the interfaces of endpoints that are gone."""
        while self.coming and CLOCK.reached(self.coming[0][0]):
            self.live = self.coming.pop(0)[1]
        states = [self.live, *(state for _at, state in self.coming)]
        used = {one for _enabled, routes in states for _dial, ends in routes.values() for one in ends}
        for endpoint in [one for one in self.interfaces if one not in used]:
            for region, interface in self.interfaces.pop(endpoint):
                ec2_backends[DEFAULT_ACCOUNT_ID][region].delete_network_interface(interface)

    @property
    def status(self) -> str:
        """DEPLOYED, or IN_PROGRESS while a change is."""
        return "IN_PROGRESS" if self.coming else "DEPLOYED"


class Edge:
    """All accelerators by ARN, and the ARNs that were made for each idempotency token."""

    def __init__(self) -> None:
        self.accelerators: dict[str, Accelerator] = {}
        self.tokens: dict[tuple[str, str], str] = {}

    def clear(self) -> None:
        self.accelerators.clear()
        self.tokens.clear()

    def advance(self) -> None:
        for one in self.accelerators.values():
            one.advance()


EDGE = Edge()


# --- the data plane


def accelerator_of(name_or_address: str) -> Accelerator | None:
    """The accelerator of a DNS name or a static address."""
    wanted = name_or_address.lower().rstrip(".")
    return next((one for one in EDGE.accelerators.values() if wanted in (one.dns_name, *one.addresses)), None)


def reached(accelerator: Accelerator, every_client: bool = False) -> list[LoadBalancer]:
    """The load balancer that a client reaches, or those that clients anywhere do; [] if it routes nothing.

    A client is close to any of the groups with a dial above 0.
    """
    accelerator.advance()
    enabled, routes = accelerator.live
    near = [region for region, (dial, _ends) in routes.items() if dial > 0]
    if not enabled or not near:
        return []
    starts = near if every_client else [random.choice(near)]
    found = [balancer for start in starts if (balancer := _reached_from(routes, start))]
    return list({one.arn: one for one in found}.values())


def _reached_from(routes: Routes, start: str) -> LoadBalancer | None:
    others = [region for region in routes if region != start][:CLOSEST]
    for region in (start, *others):
        for arn, weight in routes[region][1].items():
            balancer = _balancer(arn)
            if weight > 0 and balancer and evaluate_target_health(balancer)[0]:
                return balancer
    # It fails open, to the closest group, which need not be the one that its dial chose.
    return next((balancer for _dial, ends in routes.values() for arn in ends if (balancer := _balancer(arn))), None)


def _balancer(arn: str) -> LoadBalancer | None:
    return next((one for one in load_balancers() if one.arn == arn), None)


# --- the API


def answer(request: ApiRequest, _environ: dict[str, Any], body: bytes) -> Answer:
    """The answer to a request. The caller holds the lock."""
    operation = OPERATIONS.get(request.operation)
    if operation is None:
        raise NotImplementedError
    if request.region != HOME:
        # AWS's name of that endpoint does not resolve.
        return error_answer(request, 400, "LabNoEndpoint", f"{SERVICE} has no endpoint in {request.region}")
    EDGE.advance()
    try:
        found = operation(json.loads(body) if body else {})
    except Refusal as refusal:
        return error_answer(request, 400, refusal.code, str(refusal))
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", str(uuid4()))]
    return Answer(200, headers, json.dumps(found).encode())


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidArgumentException", message)


def _accelerator(arn: str) -> Accelerator:
    found = EDGE.accelerators.get(arn.partition("/listener/")[0])
    if found is None:
        raise Refusal("AcceleratorNotFoundException", f"There is no accelerator {arn}")
    return found


def _listener(arn: str) -> tuple[Accelerator, dict[str, Any]]:
    accelerator = EDGE.accelerators.get(arn.partition("/listener/")[0])
    if accelerator is None or arn not in accelerator.listeners:
        raise Refusal("ListenerNotFoundException", f"There is no listener {arn}")
    return accelerator, accelerator.listeners[arn]


def _group(arn: str) -> tuple[Accelerator, Group]:
    accelerator = EDGE.accelerators.get(arn.partition("/listener/")[0])
    if accelerator is None or arn not in accelerator.groups:
        raise Refusal("EndpointGroupNotFoundException", f"There is no endpoint group {arn}")
    return accelerator, accelerator.groups[arn]


def _refuse_in_progress(accelerator: Accelerator) -> None:
    """For operations whose reference lists it; UpdateEndpointGroup, which turns a dial, is none of them."""
    if accelerator.coming:
        raise Refusal("TransactionInProgressException", f"A change of {accelerator.arn} is being deployed")


def _once(kind: str, given: dict[str, Any], make: Callable[[], str]) -> str:
    """The ARN of what a creation with this token has made."""
    token = given.get("IdempotencyToken")
    if not token:
        raise _invalid("IdempotencyToken is missing")
    if (kind, token) not in EDGE.tokens:
        EDGE.tokens[kind, token] = make()
    return EDGE.tokens[kind, token]


def _page(given: dict[str, Any], name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Ten at a time unless asked for more ("MaxResults")."""
    start, count = int(given.get("NextToken") or 0), int(given.get("MaxResults") or 10)
    more = {"NextToken": str(start + count)} if start + count < len(items) else {}
    return {name: items[start : start + count], **more}


def shown(one: Accelerator) -> dict[str, Any]:
    addresses = {"IpFamily": "IPv4", "IpAddresses": one.addresses, "IpAddressFamily": "IPv4"}
    return {
        "AcceleratorArn": one.arn,
        "Name": one.name,
        "IpAddressType": "IPV4",
        "Enabled": one.enabled,
        "IpSets": [addresses],
        "DnsName": one.dns_name,
        "Status": one.status,
        "CreatedTime": one.created,
        "LastModifiedTime": one.modified,
        "Events": [],
    }


def _health(group: Group, endpoint: str) -> str:
    if CLOCK.aws_seconds_since(group.added[endpoint]) < INITIAL_S:
        return "INITIAL"
    balancer = _balancer(endpoint)
    return "HEALTHY" if balancer and evaluate_target_health(balancer)[0] else "UNHEALTHY"


def shown_group(group: Group) -> dict[str, Any]:
    return {
        "EndpointGroupArn": group.arn,
        "EndpointGroupRegion": group.region,
        "TrafficDialPercentage": group.dial,
        "EndpointDescriptions": [{**end, "HealthState": _health(group, one)} for one, end in group.endpoints.items()],
        **group.settings,
    }


def _named(name: str | None) -> str:
    if not name or not NAME.fullmatch(name):
        raise _invalid(f"Name is {name!r}: 1 to 64 letters, digits, periods and hyphens, not at the ends")
    return name


def create_accelerator(given: dict[str, Any]) -> dict[str, Any]:
    """Two accelerators may have the same name."""
    name = _named(given.get("Name"))
    if given.get("IpAddressType", "IPV4") != "IPV4" or given.get("IpAddresses"):
        raise NotImplementedError

    def make() -> str:
        arn = f"arn:aws:globalaccelerator::{DEFAULT_ACCOUNT_ID}:accelerator/{uuid4()}"
        tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags", [])}
        made = Accelerator(arn, name, f"a{uuid4().hex[:16]}.{DOMAIN}", given.get("Enabled", True), tags)
        EDGE.accelerators[arn] = made
        made.change()
        return arn

    return {"Accelerator": shown(_accelerator(_once("accelerator", given, make)))}


def update_accelerator(given: dict[str, Any]) -> dict[str, Any]:
    accelerator = _accelerator(given["AcceleratorArn"])
    _refuse_in_progress(accelerator)
    accelerator.name = _named(given.get("Name", accelerator.name))
    accelerator.enabled = given.get("Enabled", accelerator.enabled)
    accelerator.change()
    return {"Accelerator": shown(accelerator)}


def delete_accelerator(given: dict[str, Any]) -> dict[str, Any]:
    accelerator = _accelerator(given["AcceleratorArn"])
    if accelerator.enabled:
        raise Refusal("AcceleratorNotDisabledException", f"{accelerator.arn} is enabled")
    if accelerator.listeners:
        raise Refusal("AssociatedListenerFoundException", f"{accelerator.arn} has a listener")
    _refuse_in_progress(accelerator)
    del EDGE.accelerators[accelerator.arn]
    return {}


def _ranges(given: dict[str, Any]) -> list[dict[str, int]]:
    ranges = sorted(given["PortRanges"], key=lambda one: one["FromPort"])
    bad = [one for one in ranges if not 1 <= one["FromPort"] <= one["ToPort"] <= 65535]
    if bad or any(one["ToPort"] >= other["FromPort"] for one, other in pairwise(ranges)):
        raise Refusal("InvalidPortRangeException", f"PortRanges {given['PortRanges']} are not valid or not unique")
    return given["PortRanges"]


def create_listener(given: dict[str, Any]) -> dict[str, Any]:
    accelerator = _accelerator(given["AcceleratorArn"])
    settings = {
        "PortRanges": _ranges(given),
        "Protocol": given["Protocol"],
        "ClientAffinity": given.get("ClientAffinity", "NONE"),
    }

    def make() -> str:
        arn = f"{accelerator.arn}/listener/{uuid4().hex[:8]}"
        accelerator.listeners[arn] = {"ListenerArn": arn, **settings}
        accelerator.change()
        return arn

    return {"Listener": _listener(_once("listener", given, make))[1]}


def update_listener(given: dict[str, Any]) -> dict[str, Any]:
    accelerator, listener = _listener(given["ListenerArn"])
    if "PortRanges" in given:
        _ranges(given)
    listener.update({name: given[name] for name in ("PortRanges", "Protocol", "ClientAffinity") if name in given})
    accelerator.change()
    return {"Listener": listener}


def delete_listener(given: dict[str, Any]) -> dict[str, Any]:
    accelerator, listener = _listener(given["ListenerArn"])
    if any(arn.startswith(f"{listener['ListenerArn']}/") for arn in accelerator.groups):
        raise Refusal("AssociatedEndpointGroupFoundException", f"{listener['ListenerArn']} has an endpoint group")
    del accelerator.listeners[listener["ListenerArn"]]
    accelerator.change()
    return {}


def list_listeners(given: dict[str, Any]) -> dict[str, Any]:
    return _page(given, "Listeners", list(_accelerator(given["AcceleratorArn"]).listeners.values()))


def _dial(given: dict[str, Any], default: float) -> float:
    dial = given.get("TrafficDialPercentage", default)
    if not 0 <= dial <= 100:
        raise _invalid(f"TrafficDialPercentage is {dial}; allowed: 0 to 100")
    return float(dial)


def _settings(given: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    settings = {**before, **{name: given[name] for name in before if name in given}}
    if settings["HealthCheckIntervalSeconds"] not in INTERVALS:
        raise _invalid(f"HealthCheckIntervalSeconds is {settings['HealthCheckIntervalSeconds']}; allowed: 10 or 30")
    if not 1 <= settings["ThresholdCount"] <= 10:
        raise _invalid(f"ThresholdCount is {settings['ThresholdCount']}; allowed: 1 to 10")
    return settings


def _configure(accelerator: Accelerator, group: Group, configurations: list[dict[str, Any]]) -> None:
    """Replace a group's endpoints: all of them are resolved, new and existing ones ("AddEndpoints")."""
    wanted = {}
    for one in configurations:
        endpoint = one.get("EndpointId", "")
        found = LOAD_BALANCER.fullmatch(endpoint)
        if not found:
            raise NotImplementedError  # addresses and instances
        if found[1] != group.region:
            raise _invalid(f"The endpoint {endpoint} is not in {group.region}")
        if WORLD.region_is_out(group.region):
            raise Refusal("InternalServiceErrorException", f"{endpoint} could not be resolved")
        balancer = elbv2_backends[DEFAULT_ACCOUNT_ID][group.region].load_balancers.get(endpoint)
        if balancer is None or not is_made(balancer):
            raise _invalid(f"The endpoint {endpoint} is not valid and active")
        if not 0 <= one.get("Weight", DEFAULT_WEIGHT) <= 255:
            raise _invalid(f"Weight is {one['Weight']}; allowed: 0 to 255")
        known = group.endpoints.get(endpoint, {})
        preserved = one.get("ClientIPPreservationEnabled", known.get("ClientIPPreservationEnabled", True))
        wanted[endpoint] = {
            "EndpointId": endpoint,
            "Weight": one.get("Weight", DEFAULT_WEIGHT),
            "ClientIPPreservationEnabled": preserved,
        }
    group.added = {one: group.added.get(one, CLOCK.now()) for one in wanted}
    group.endpoints = wanted
    for endpoint, one in wanted.items():
        if one["ClientIPPreservationEnabled"] and endpoint not in accelerator.interfaces:
            accelerator.interfaces[endpoint] = list(_interfaces(group.region, endpoint))


def _interfaces(region: str, endpoint: str) -> Iterator[tuple[str, str]]:
    """Make an interface in each subnet of the endpoint, in the security group of its VPC."""
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    balancer = elbv2_backends[DEFAULT_ACCOUNT_ID][region].load_balancers[endpoint]
    security = backend.get_security_group_from_name(GROUP_NAME, balancer.vpc_id)
    if security is None:
        security = backend.create_security_group(
            GROUP_NAME, "GlobalAccelerator configured SecurityGroup", balancer.vpc_id
        )
    for subnet in balancer.subnets:
        made = backend.create_network_interface(subnet, None, group_ids=[security.id], description="GlobalAccelerator")
        made.interface_type = "global_accelerator_managed"
        yield region, made.id


def create_endpoint_group(given: dict[str, Any]) -> dict[str, Any]:
    accelerator, listener = _listener(given["ListenerArn"])
    region = given["EndpointGroupRegion"]
    if region not in ec2_backends[DEFAULT_ACCOUNT_ID]:
        raise _invalid(f"EndpointGroupRegion is {region}, which is no Region")

    def make() -> str:
        own = f"{listener['ListenerArn']}/"
        if any(one.region == region and one.arn.startswith(own) for one in accelerator.groups.values()):
            raise Refusal("EndpointGroupAlreadyExistsException", f"The listener has an endpoint group in {region}")
        defaults = {
            "HealthCheckPort": listener["PortRanges"][0]["FromPort"],
            "HealthCheckProtocol": "TCP",
            "HealthCheckIntervalSeconds": 30,
            "ThresholdCount": 3,
            "PortOverrides": [],
        }
        arn = f"{own}endpoint-group/{uuid4().hex[:12]}"
        group = Group(arn, region, _dial(given, DEFAULT_DIAL), _settings(given, defaults))
        _configure(accelerator, group, given.get("EndpointConfigurations", []))
        accelerator.groups[arn] = group
        accelerator.change()
        return arn

    return {"EndpointGroup": shown_group(_group(_once("group", given, make))[1])}


def update_endpoint_group(given: dict[str, Any]) -> dict[str, Any]:
    """What is not given is kept, also the endpoints (global-capacity-orchestrator-on-aws, pull request 277)."""
    accelerator, group = _group(given["EndpointGroupArn"])
    dial, settings = _dial(given, group.dial), _settings(given, group.settings)
    if "EndpointConfigurations" in given:
        _configure(accelerator, group, given["EndpointConfigurations"])
    group.dial, group.settings = dial, settings
    accelerator.change()
    return {"EndpointGroup": shown_group(group)}


def delete_endpoint_group(given: dict[str, Any]) -> dict[str, Any]:
    accelerator, group = _group(given["EndpointGroupArn"])
    del accelerator.groups[group.arn]
    accelerator.change()
    return {}


def list_endpoint_groups(given: dict[str, Any]) -> dict[str, Any]:
    accelerator, listener = _listener(given["ListenerArn"])
    own = f"{listener['ListenerArn']}/"
    return _page(
        given, "EndpointGroups", [shown_group(one) for arn, one in accelerator.groups.items() if arn.startswith(own)]
    )


def list_tags(given: dict[str, Any]) -> dict[str, Any]:
    tags = _accelerator(given["ResourceArn"]).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tag_resource(given: dict[str, Any]) -> dict[str, Any]:
    _accelerator(given["ResourceArn"]).tags.update({tag["Key"]: tag["Value"] for tag in given["Tags"]})
    return {}


OPERATIONS = {
    "CreateAccelerator": create_accelerator,
    "DescribeAccelerator": lambda given: {"Accelerator": shown(_accelerator(given["AcceleratorArn"]))},
    "ListAccelerators": lambda given: _page(given, "Accelerators", [shown(one) for one in EDGE.accelerators.values()]),
    "UpdateAccelerator": update_accelerator,
    "DeleteAccelerator": delete_accelerator,
    "CreateListener": create_listener,
    "DescribeListener": lambda given: {"Listener": _listener(given["ListenerArn"])[1]},
    "ListListeners": list_listeners,
    "UpdateListener": update_listener,
    "DeleteListener": delete_listener,
    "CreateEndpointGroup": create_endpoint_group,
    "DescribeEndpointGroup": lambda given: {"EndpointGroup": shown_group(_group(given["EndpointGroupArn"])[1])},
    "ListEndpointGroups": list_endpoint_groups,
    "UpdateEndpointGroup": update_endpoint_group,
    "DeleteEndpointGroup": delete_endpoint_group,
    "ListTagsForResource": list_tags,
    "TagResource": tag_resource,
}


def _keep_what_interfaces_use() -> None:
    """EC2 refuses to delete a subnet or a security group of an interface ("DependencyViolation", EC2 error codes)."""
    stock_subnet, stock_group = EC2Backend.delete_subnet, EC2Backend._delete_security_group

    def used() -> Iterator[Any]:
        for accelerator in EDGE.accelerators.values():
            accelerator.advance()
            for region, interface in (pair for pairs in accelerator.interfaces.values() for pair in pairs):
                yield ec2_backends[DEFAULT_ACCOUNT_ID][region].enis[interface]

    def delete_subnet(self: Any, subnet_id: str) -> Any:
        if any(one.subnet.id == subnet_id for one in used()):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return stock_subnet(self, subnet_id)

    def delete_group(self: Any, vpc_id: str | None, group_id: str) -> Any:
        if any(group.id == group_id for one in used() for group in one.group_set):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        return stock_group(self, vpc_id, group_id)

    EC2Backend.delete_subnet = delete_subnet
    EC2Backend._delete_security_group = delete_group


def install() -> None:
    WORLD.reset_hooks.append(EDGE.clear)
    WORLD.tick_hooks.append(EDGE.advance)
    _keep_what_interfaces_use()
