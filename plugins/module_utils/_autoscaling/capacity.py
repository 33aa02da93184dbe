# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity before traffic: raise an Auto Scaling group to a minimum, never lower it, and wait for healthy targets.

Scaling up can be requested but is not guaranteed, so only healthy targets prove it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import (
    describe_group,
    describe_targets,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import Lease, NoLease, lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    poll,
    timed,
    wait_until_visible,
)


@aws_call("SetDesiredCapacity")
def set_desired_capacity(client: Any, name: str, desired: int) -> None:
    """Set the desired capacity regardless of cooldowns, because a region is being lost."""
    client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=desired, HonorCooldown=False)


def read_group(client: Any, name: str) -> dict[str, Any]:
    """Return the group's sizes; raise MultiRegionError if there is no such group."""
    group = describe_group(client, name)
    if group is None:
        raise MultiRegionError(f"name is {name}; there is no Auto Scaling group with that name.")
    return group


def refusal(name: str, group: Mapping[str, Any], at_least: int) -> str | None:
    """Return why the group cannot be raised that far, or None. Pure."""
    if at_least > group["max"]:
        return f"at_least is {at_least}; {name} allows at most {group['max']} (its maximum size)."
    return None


def raise_group(client: Any, name: str, at_least: int, sleep: Callable[[float], None]) -> dict[str, Any]:
    """Request the capacity and return the group once it shows the new size.

    A request whose response was lost may have been carried out, so the group is read before it is reported as failed.
    """
    failure = None
    try:
        set_desired_capacity(client, name, at_least)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    done = f"The desired capacity of {name} was set to {at_least}"
    return wait_until_visible(
        lambda: read_group(client, name), lambda group: group["desired"] >= at_least, failure, done, sleep=sleep
    )


def wait_healthy(client: Any, group: Mapping[str, Any], params: Mapping[str, Any], lease: Lease | NoLease) -> int:
    """Return the number of healthy targets once there are enough; otherwise raise WaitTimeout with the numbers.

    Renews the lease in the meantime; raises what ``Lease.sleep`` raises if the lease is lost.
    """
    name, arn, at_least = params["name"], params["target_group_arn"], params["at_least"]
    times = {"timeout": params["wait_timeout"], "interval": params["poll_interval"], "sleep": lease.sleep}

    def read() -> dict[str, Any]:
        targets = describe_targets(client, arn)
        if targets is None:
            raise MultiRegionError(f"target_group_arn is {arn}; there is no such target group.")
        return targets

    try:
        found = poll(read, lambda t: t["healthy"] >= at_least, **times)
    except WaitTimeout as error:
        seen = error.state or {"healthy": 0, "registered": 0}
        message = (
            f"{seen['healthy']} of {seen['registered']} targets of {name} are healthy after {error.seconds:.0f} s "
            f"(wait_timeout); {at_least} are needed."
        )
        if group["suspended"]:
            message += f" Suspended processes of the group: {', '.join(group['suspended'])}."
        failure = WaitTimeout(error.state, error.error, error.seconds, message)
        failure.evidence = {"targets": error.state}
        raise failure from error
    return found["healthy"]


def count_healthy(client: Any, arn: str | None) -> int | None:
    """Return the number of healthy targets, or None if no target group was given or found."""
    targets = describe_targets(client, arn) if arn else None
    return targets["healthy"] if targets else None


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Raise the group's desired capacity to ``at_least`` and wait for that many healthy targets.

    Returns changed, reason, before, after (group sizes), healthy_targets, diff.
    """
    name, at_least, region = params["name"], params["at_least"], params.get("region") or clients.default_region
    scaling, balancing = clients("autoscaling", region), clients("elbv2", region)
    before = read_group(scaling, name)
    why_not = refusal(name, before, at_least)
    if why_not:
        raise Refused(why_not, before=before)
    changed = before["desired"] < at_least
    after = {**before, "desired": max(before["desired"], at_least)}
    lease = lease_of(params, clients)
    if changed and not check_mode:
        lease.hold()
        after = raise_group(scaling, name, at_least, lease.sleep)
    if params["wait"] and not check_mode:
        try:
            healthy = wait_healthy(balancing, after, params, lease)
        except MultiRegionError as error:
            error.evidence.update(before=before, after=after, changed=changed)
            raise
    else:
        healthy = count_healthy(balancing, params.get("target_group_arn"))
    return {
        "changed": changed,
        "before": before,
        "after": after,
        "healthy_targets": healthy,
        "diff": {"before": {"desired": before["desired"]}, "after": {"desired": after["desired"]}},
        "reason": _reason(name, before, at_least, changed, check_mode),
    }


def _reason(name: str, before: Mapping[str, Any], at_least: int, changed: bool, check_mode: bool) -> str:
    if not changed:
        return f"The desired capacity of {name} is already {before['desired']}; at least {at_least} was requested."
    verb = "would be raised" if check_mode else "was raised"
    return f"The desired capacity of {name} {verb} from {before['desired']} to {at_least}."
