# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A standard accelerator of AWS Global Accelerator, identified by name: one listener, one endpoint group per region.

Facts used: the operations of the Global Accelerator API Reference. Names need not be unique. The API is in us-west-2
only. An accelerator is IN_PROGRESS after a change until it is deployed on the edge. Before it can be deleted, its
endpoint groups and its listener must be, and it must be disabled. The network interfaces of an endpoint are released
when its removal is deployed (aws-solutions-library-samples/global-capacity-orchestrator-on-aws, issue 130), so a
deletion waits for that too.

The traffic dial of an existing endpoint group is never changed here: ``traffic_dials.py`` moves the traffic.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    retry_transient,
    timed,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.traffic_dials import (
    DEPLOYED,
    FULL,
    HOME,
    NOTHING,
    SERVICE,
    dialled,
    group_of,
    list_endpoint_groups,
)

LOOK_SECONDS = 2
# The hosted zone of all accelerators ("AWS Global Accelerator endpoints and quotas" of the AWS General Reference).
ALIAS_ZONE_ID = "Z2BJ6XQ5FK7U4H"


@aws_call("ListAccelerators")
def list_accelerators(client: Any) -> list[dict[str, Any]]:
    """Return all standard Accelerators of the account."""
    pages = client.get_paginator("list_accelerators").paginate()
    return [one for page in pages for one in page["Accelerators"]]


@aws_call("DescribeAccelerator", missing=("AcceleratorNotFoundException",))
def describe_accelerator(client: Any, arn: str) -> dict[str, Any] | None:
    """Return one Accelerator, or None."""
    return client.describe_accelerator(AcceleratorArn=arn)["Accelerator"]


@aws_call("ListListeners")
def list_listeners(client: Any, arn: str) -> list[dict[str, Any]]:
    """Return all Listeners of an accelerator."""
    pages = client.get_paginator("list_listeners").paginate(AcceleratorArn=arn)
    return [one for page in pages for one in page["Listeners"]]


@aws_call("ListTagsForResource")
def list_tags(client: Any, arn: str) -> dict[str, str]:
    """Return {key: value}."""
    return {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceArn=arn)["Tags"]}


@aws_call("CreateAccelerator")
def create_accelerator(client: Any, token: str, name: str, tags: Mapping[str, str]) -> str:
    """Create an accelerator and return its ARN. Safe to repeat with the same token."""
    answer = client.create_accelerator(Name=name, IdempotencyToken=token, Enabled=True, Tags=tag_list(tags))
    return answer["Accelerator"]["AcceleratorArn"]


@aws_call("UpdateAccelerator")
def enable_accelerator(client: Any, arn: str, enabled: bool) -> None:
    """Enable or disable an accelerator. Safe to repeat."""
    client.update_accelerator(AcceleratorArn=arn, Enabled=enabled)


@aws_call("TagResource")
def add_tags(client: Any, arn: str, tags: Mapping[str, str]) -> None:
    """Add or change tags. Safe to repeat."""
    client.tag_resource(ResourceArn=arn, Tags=tag_list(tags))


@aws_call("CreateListener")
def create_listener(client: Any, token: str, arn: str, ports: Sequence[int]) -> str:
    """Create a listener of an accelerator and return its ARN. Safe to repeat with the same token."""
    answer = client.create_listener(
        AcceleratorArn=arn, IdempotencyToken=token, Protocol="TCP", PortRanges=port_ranges(ports)
    )
    return answer["Listener"]["ListenerArn"]


@aws_call("UpdateListener")
def update_listener(client: Any, arn: str, ports: Sequence[int]) -> None:
    """Set the ports of a listener. Safe to repeat."""
    client.update_listener(ListenerArn=arn, PortRanges=port_ranges(ports))


@aws_call("CreateEndpointGroup")
def create_endpoint_group(client: Any, token: str, listener: str, region: str, endpoint: str, dial: float) -> None:
    """Create the endpoint group of a region. Safe to repeat with the same token."""
    client.create_endpoint_group(
        ListenerArn=listener,
        IdempotencyToken=token,
        EndpointGroupRegion=region,
        TrafficDialPercentage=dial,
        EndpointConfigurations=endpoint_list(endpoint),
    )


@aws_call("UpdateEndpointGroup")
def replace_endpoints(client: Any, arn: str, endpoint: str) -> None:
    """Make an endpoint the only one of a group. Safe to repeat."""
    client.update_endpoint_group(EndpointGroupArn=arn, EndpointConfigurations=endpoint_list(endpoint))


@aws_call("DeleteEndpointGroup", missing=("EndpointGroupNotFoundException",))
def delete_endpoint_group(client: Any, arn: str) -> None:
    """Delete an endpoint group. Does nothing if it does not exist."""
    client.delete_endpoint_group(EndpointGroupArn=arn)


@aws_call("DeleteListener", missing=("ListenerNotFoundException",))
def delete_listener(client: Any, arn: str) -> None:
    """Delete a listener. Does nothing if it does not exist."""
    client.delete_listener(ListenerArn=arn)


@aws_call("DeleteAccelerator", missing=("AcceleratorNotFoundException",))
def delete_accelerator(client: Any, arn: str) -> None:
    """Delete an accelerator that is disabled. Does nothing if it does not exist."""
    client.delete_accelerator(AcceleratorArn=arn)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form of the API. Pure."""
    return [{"Key": key, "Value": str(value)} for key, value in sorted(tags.items())]


def port_ranges(ports: Sequence[int]) -> list[dict[str, int]]:
    """Return ports in the form of the API. Pure."""
    return [{"FromPort": port, "ToPort": port} for port in sorted(ports)]


def endpoint_list(endpoint: str) -> list[dict[str, Any]]:
    """Return a load balancer in the form of the API. Pure."""
    return [{"EndpointId": endpoint, "ClientIPPreservationEnabled": True}]


def addresses_of(found: Mapping[str, Any]) -> list[str]:
    """Return the static IPv4 addresses of an Accelerator. Pure."""
    sets = [one for one in found["IpSets"] if (one.get("IpAddressFamily") or one.get("IpFamily")) == "IPv4"]
    return sorted(address for one in sets for address in one["IpAddresses"])


def facts_of(
    found: Mapping[str, Any] | None, tags: Mapping[str, str], listeners: Sequence[Any], groups: Sequence[Any]
) -> dict[str, Any]:
    """Return an accelerator in the shape that the module returns, {} for None. Pure."""
    if found is None:
        return {}
    seen = {one["EndpointGroupRegion"]: (one["EndpointGroupArn"], group_of(one)) for one in groups}
    return {
        "arn": found["AcceleratorArn"],
        "name": found["Name"],
        "enabled": found["Enabled"],
        "status": found["Status"],
        "dns_name": found["DnsName"],
        "addresses": addresses_of(found),
        "tags": dict(tags),
        "listener_arns": [one["ListenerArn"] for one in listeners],
        "ports": sorted(
            port
            for one in listeners
            for span in one["PortRanges"]
            for port in range(span["FromPort"], span["ToPort"] + 1)
        ),
        "endpoint_groups": {region: arn for region, (arn, _group) in sorted(seen.items())},
        "endpoints": {region: sorted(group.endpoints) for region, (_arn, group) in sorted(seen.items())},
        "dials": {region: group.dial for region, (_arn, group) in sorted(seen.items())},
    }


def wanted_of(before: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the options require of the facts. Pure."""
    endpoints = {one["region"]: [one["endpoint_arn"]] for one in params["endpoint_groups"]}
    dials, removed = {**first_dials(before, params), **before.get("dials", {})}, params.get("removed_regions") or []
    return {
        "enabled": True,
        "tags": {**before.get("tags", {}), **{key: str(value) for key, value in (params.get("tags") or {}).items()}},
        "ports": sorted(params["ports"]),
        "endpoints": without({**before.get("endpoints", {}), **endpoints}, removed),
        "dials": without(dials, removed),
    }


def without(found: Mapping[str, Any], regions: Sequence[str]) -> dict[str, Any]:
    """Return a dictionary by region without these regions. Pure."""
    return {region: value for region, value in found.items() if region not in regions}


def first_dials(before: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, float]:
    """Return the dials with which missing endpoint groups are created. Pure.

    A new group gets traffic only if it is that of initial_region and no existing group gets any.
    """
    dials = before.get("dials", {})
    taken = dialled(dials, list(dials))
    return {
        one["region"]: FULL if one["region"] == params.get("initial_region") and not taken else NOTHING
        for one in params["endpoint_groups"]
    }


class Accelerator:
    """The accelerator with one name."""

    def __init__(self, client: Any, name: str, timeout: float, clock: Any = time.monotonic, sleep: Any = pause):
        self._client = client
        self._name = name
        self._timeout = timeout
        self._time = {"clock": clock, "sleep": sleep}

    def _ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the call returns, retrying while it is throttled or another change is being deployed."""
        return retry_transient(lambda: call(self._client, *arguments), interval=LOOK_SECONDS, **self._time)

    def observe(self) -> dict[str, Any]:
        """Return the facts, {} if there is no such accelerator. Raises Refused for several with the name."""
        found = [one for one in self._ask(list_accelerators) if one["Name"] == self._name]
        if len(found) > 1:
            arns = ", ".join(sorted(one["AcceleratorArn"] for one in found))
            raise Refused(f"More than one accelerator is named {self._name}: {arns}. Delete all but the one in use.")
        return self.read(found[0]["AcceleratorArn"]) if found else {}

    def read(self, arn: str) -> dict[str, Any]:
        """Return the facts of an accelerator, {} if it does not exist."""
        found = self._ask(describe_accelerator, arn)
        if found is None:
            return {}
        listeners = self._ask(list_listeners, arn)
        groups = [group for one in listeners for group in self._ask(list_endpoint_groups, one["ListenerArn"])]
        return facts_of(found, self._ask(list_tags, arn), listeners, groups)

    def apply(self, before: Mapping[str, Any], wanted: Mapping[str, Any], own_tags: Mapping[str, str]) -> str:
        """Create and change what differs; return the ARN."""
        arn = before.get("arn") or self._ask(create_accelerator, uuid.uuid4().hex, self._name, own_tags)
        if before and before["tags"] != wanted["tags"]:
            self._ask(add_tags, arn, wanted["tags"])
        if before and not before["enabled"]:
            self._ask(enable_accelerator, arn, True)
        listener = next(iter(before.get("listener_arns", [])), None)
        if listener is None:
            listener = self._ask(create_listener, uuid.uuid4().hex, arn, wanted["ports"])
        elif before["ports"] != wanted["ports"]:
            self._ask(update_listener, listener, wanted["ports"])
        for region, endpoints in differing(before.get("endpoints", {}), wanted["endpoints"]).items():
            group = before.get("endpoint_groups", {}).get(region)
            if group is None:
                dial = wanted["dials"][region]
                self._ask(create_endpoint_group, uuid.uuid4().hex, listener, region, endpoints[0], dial)
            else:
                self._ask(replace_endpoints, group, endpoints[0])
        for region, group in without(before.get("endpoint_groups", {}), list(wanted["endpoints"])).items():
            self._refuse_traffic(arn, region)
            self._ask(delete_endpoint_group, group)
        return arn

    def _refuse_traffic(self, arn: str, region: str) -> None:
        """Raise Refused if the endpoint group of a region gets traffic, which may have changed since it was read."""
        refuse_traffic(self.read(arn), [region])

    def wait(self, arn: str, done: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """Return the facts once they are as wanted and deployed."""
        try:
            return poll(
                partial(self.read, arn),
                lambda now: bool(now) and now["status"] == DEPLOYED and done(now),
                self._timeout,
                LOOK_SECONDS,
                **self._time,
            )
        except WaitTimeout as late:
            status = (late.state or {}).get("status")
            raise WaitTimeout(
                late.state,
                late.error,
                late.seconds,
                f"The accelerator {self._name} was changed, but {late.seconds:.0f} s later (wait_timeout) it is not "
                f"deployed as requested: its status is {status}. Run again.",
            ) from late

    def remove(self, before: Mapping[str, Any]) -> None:
        """Delete the accelerator and everything in it, and wait until the edge has let go of the endpoints."""
        arn = before["arn"]
        for group in before["endpoint_groups"].values():
            self._ask(delete_endpoint_group, group)
        for listener in before["listener_arns"]:
            self._ask(delete_listener, listener)
        self.wait(arn, lambda now: not now["listener_arns"])
        if before["enabled"]:
            self._ask(enable_accelerator, arn, False)
            self.wait(arn, lambda now: not now["enabled"])
        self._ask(delete_accelerator, arn)
        poll(partial(self.read, arn), lambda now: not now, self._timeout, LOOK_SECONDS, **self._time)


def check_inputs(params: Mapping[str, Any]) -> None:
    """Raise Refused for options that cannot be meant."""
    regions = [one["region"] for one in params.get("endpoint_groups") or []]
    twice = sorted({region for region in regions if regions.count(region) > 1})
    if twice:
        raise Refused(f"endpoint_groups has {', '.join(twice)} more than once; allowed: each region once.")
    first = params.get("initial_region")
    if first is not None and first not in regions:
        raise Refused(f"initial_region is {first}; allowed: a region of endpoint_groups, {', '.join(regions)}.")
    both = sorted({*regions} & {*(params.get("removed_regions") or [])})
    if both:
        raise Refused(f"removed_regions has {', '.join(both)}; allowed: regions that endpoint_groups does not have.")
    for one in params.get("endpoint_groups") or []:
        place = one["endpoint_arn"].split(":")[3]
        if place != one["region"]:
            raise Refused(
                f"endpoint_groups: endpoint_arn of {one['region']} is {one['endpoint_arn']}, which is in {place}; "
                f"allowed: a load balancer in {one['region']}."
            )


def refuse_foreign(before: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """Raise Refused for an accelerator that is not the one that this module would have created."""
    if len(before.get("listener_arns", [])) > 1:
        raise Refused(
            f"The accelerator {before['name']} has {len(before['listener_arns'])} listeners; allowed: one. Use another "
            "name."
        )
    own = params.get("tags") or {}
    if params["state"] == "absent" and before and not own.items() <= before["tags"].items():
        raise Refused(
            f"The accelerator {before['name']} ({before['arn']}) does not have the tags {own}, so it is not this "
            "platform's; allowed: one that has them."
        )


def refuse_traffic(now: Mapping[str, Any], regions: Sequence[str]) -> None:
    """Raise Refused for a region to remove whose endpoint group gets traffic."""
    for region in regions:
        dial = now.get("dials", {}).get(region, NOTHING)
        if dial > NOTHING:
            raise Refused(
                f"removed_regions has {region}, whose endpoint group has a traffic dial of {dial:g}; allowed: regions "
                "with 0. Move the traffic first."
            )


def differing(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of the facts that a run changes. Pure."""
    return {name: value for name, value in wanted.items() if before.get(name) != value}


def ensure_present(one: Accelerator, before: dict[str, Any], params: Mapping[str, Any], check_mode: bool) -> Any:
    """Create or change. Returns (changed, reason, facts)."""
    name, wanted = params["name"], wanted_of(before, params)
    changes = differing(before, wanted)
    if not changes:
        if before["status"] != DEPLOYED and not check_mode:
            before = one.wait(before["arn"], lambda now: not differing(now, wanted))
        return False, f"The accelerator {name} is as requested.", before
    words = f"is changed: {', '.join(sorted(changes))}" if before else "is created"
    reason = f"The accelerator {name} {words}."
    if check_mode:
        return True, reason, {**before, **wanted}
    arn = one.apply(before, wanted, wanted["tags"])
    # Something else may turn the dials meanwhile.
    fixed = {key: value for key, value in wanted.items() if key != "dials"}
    return True, reason, one.wait(arn, lambda now: not differing(now, fixed))


def ensure_absent(one: Accelerator, before: dict[str, Any], params: Mapping[str, Any], check_mode: bool) -> Any:
    """Delete. Returns (changed, reason, facts)."""
    if not before:
        return False, f"There is no accelerator {params['name']}.", {}
    if not check_mode:
        one.remove(before)
    return True, f"The accelerator {params['name']} is deleted.", {}


@timed
def run(
    params: Mapping[str, Any], clients: Any, check_mode: bool = False, clock: Any = time.monotonic, sleep: Any = pause
) -> dict[str, Any]:
    """Create, change or delete the accelerator with a name.

    Returns {changed, reason, accelerator, diff, seconds}. Raises Refused, AwsCallError or WaitTimeout.
    """
    check_inputs(params)
    one = Accelerator(clients(SERVICE, HOME), params["name"], params["wait_timeout"], clock, sleep)
    before = one.observe()
    refuse_foreign(before, params)
    refuse_traffic(before, params.get("removed_regions") or [])
    ensure = ensure_present if params["state"] == "present" else ensure_absent
    changed, reason, after = ensure(one, before, params, check_mode)
    return {
        "changed": changed,
        "reason": reason,
        "accelerator": after,
        "diff": {"before": before, "after": after},
    }
