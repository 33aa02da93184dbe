# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity before traffic: raise an Auto Scaling group to a minimum, never lower it, and wait for healthy targets.

Scaling up can be requested but is not guaranteed, so only healthy targets prove it. Where AWS has no more instances, a
part of what is wanted may be enough, if the caller accepts that: the group goes on to request the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import (
    describe_group,
    describe_hold,
    describe_targets,
    last_failed_activity,
)
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.enough import sufficient
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.hold import (
    give_back,
    is_due,
    raise_min,
    read_hold,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import Lease, NoLease, lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    READ_BACK_SECONDS,
    WaitTimeout,
    after_waiting,
    poll,
    timed,
    wait_until_visible,
)

# A failed activity that began earlier explains nothing now, in seconds. An hour also covers clocks that differ.
RECENT_SECONDS = 3600
# Another change of the group is being carried out ("Errors" of SetDesiredCapacity in the API Reference).
BUSY_CODES = ("ResourceContention", "ScalingActivityInProgress")


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
        _patiently(lambda: set_desired_capacity(client, name, at_least), sleep)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    done = f"The desired capacity of {name} was set to {at_least}"
    return wait_until_visible(
        lambda: read_group(client, name), lambda group: group["desired"] >= at_least, failure, done, sleep=sleep
    )


def _patiently(call: Callable[[], None], sleep: Callable[[float], None]) -> None:
    """Make a call again for some seconds as long as another change of the group is being carried out."""
    try:
        poll(
            call, lambda _none: True, READ_BACK_SECONDS, 1, sleep=sleep, tolerate=lambda error: error.code in BUSY_CODES
        )
    except WaitTimeout as late:
        raise late.error from late


def scaling_failure(client: Any, name: str) -> dict[str, Any] | None:
    """Return the last failed scaling activity, None without a recent one, {unknown: sentence} if that is unknown."""
    try:
        return last_failed_activity(client, name, time.time() - RECENT_SECONDS)
    except AwsCallError as error:
        return {"unknown": str(error)}


def said_of_failure(failure: Mapping[str, Any] | None) -> str:
    """Return the sentence on the last failed scaling activity, with a blank before it; empty without one. Pure."""
    if not failure:
        return ""
    if "unknown" in failure:
        return f" Why the group has no more could not be read: {failure['unknown']}"
    return f" Last failed scaling activity, of {failure['started_at']}: {failure['message']}"


def wait_healthy(
    balancing: Any, scaling: Any, group: Mapping[str, Any], params: Mapping[str, Any], lease: Lease | NoLease
) -> tuple[int, dict[str, Any]]:
    """Return the number of healthy targets once there are enough, and what is said of them.

    That is ``said`` [sentence], or warnings and scaling_failure if there are fewer than wanted.

    All of ``at_least`` are enough until capacity_timeout, min_capacity_percent of them from then on. Raises WaitTimeout
    with the numbers. Renews the lease in the meantime; raises what ``Lease.sleep`` raises if the lease is lost.
    """
    name, arn, at_least = params["name"], params["target_group_arn"], params["at_least"]
    percent, timeout = params.get("min_capacity_percent") or 100, params["wait_timeout"]
    patience = min(timeout, timeout if params.get("capacity_timeout") is None else params["capacity_timeout"])
    began = time.monotonic()
    enough, until = sufficient(at_least, percent), began + patience

    def read() -> dict[str, Any]:
        targets = describe_targets(balancing, arn)
        if targets is None:
            raise MultiRegionError(f"target_group_arn is {arn}; there is no such target group.")
        return targets

    def is_enough(targets: Mapping[str, Any]) -> bool:
        return targets["healthy"] >= (at_least if time.monotonic() < until else enough)

    try:
        found = poll(read, is_enough, timeout=timeout, interval=params["poll_interval"], sleep=lease.sleep)
    except WaitTimeout as error:
        activity = scaling_failure(scaling, name)
        failure = WaitTimeout(error.state, error.error, error.seconds, _too_few(error, params, group, activity))
        failure.evidence = {"targets": error.state, "scaling_failure": activity}
        raise failure from error
    healthy = found["healthy"]
    if healthy >= at_least:
        return healthy, {"said": [f"{healthy} of its targets are healthy{after_waiting(time.monotonic() - began)}."]}
    activity = scaling_failure(scaling, name)
    warning = (
        f"{name} has {healthy} of {at_least} wanted healthy targets after {patience} s (capacity_timeout), which "
        f"min_capacity_percent, {percent}, accepts. Its desired capacity stays {group['desired']}, so it goes on to "
        f"launch the rest.{_suspended(group)}{said_of_failure(activity)}"
    )
    return healthy, {"warnings": [warning], "scaling_failure": activity}


def _too_few(error: WaitTimeout, params: Mapping[str, Any], group: Mapping[str, Any], activity: Any) -> str:
    at_least, percent = params["at_least"], params.get("min_capacity_percent") or 100
    seen, enough = error.state or {"healthy": 0, "registered": 0}, sufficient(at_least, percent)
    message = (
        f"{seen['healthy']} of {seen['registered']} targets of {params['name']} are healthy after "
        f"{error.seconds:.0f} s (wait_timeout); {at_least} are needed"
    )
    if enough < at_least:
        message += f", or {enough} of them (min_capacity_percent is {percent})"
    message += f".{_suspended(group)}{said_of_failure(activity)}"
    if 0 < seen["healthy"] < enough < at_least:
        message += f" min_capacity_percent={seen['healthy'] * 100 // at_least} accepts what there is."
    return message


def _suspended(group: Mapping[str, Any]) -> str:
    return f" Suspended processes of the group: {', '.join(group['suspended'])}." if group["suspended"] else ""


def count_healthy(client: Any, arn: str | None) -> int | None:
    """Return the number of healthy targets, or None if no target group was given or found."""
    targets = describe_targets(client, arn) if arn else None
    return targets["healthy"] if targets else None


def request(
    client: Any,
    params: Mapping[str, Any],
    before: Mapping[str, Any],
    hold: Mapping[str, Any],
    lease: Lease | NoLease,
) -> tuple[Mapping[str, Any], list[str]]:
    """Request what is lacking; return the group, and warnings. hold: in the shape of ``read_hold``.

    The minimum size is held raised if that is possible. If it is not, that is no reason to run less, or not to move.
    """
    name, at_least, seconds = params["name"], params["at_least"], params.get("min_size_hold")
    warnings, after = [], None
    if seconds:
        try:
            after = raise_min(client, name, before, hold, at_least, seconds, lease.sleep)
        except (AwsCallError, WaitTimeout) as error:
            warnings = [f"The minimum size of {name} is not held raised, so scaling policies may lower it: {error}"]
    after = after or read_group(client, name)
    if after["desired"] < at_least:
        after = raise_group(client, name, at_least, lease.sleep)
    return after, warnings


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Raise the group's desired capacity to ``at_least`` and wait for that many healthy targets.

    Returns changed, reason, before, after (group sizes), hold, healthy_targets, diff, and where there are fewer than
    wanted also warnings and scaling_failure.
    """
    name, at_least, region = params["name"], params["at_least"], params.get("region") or clients.default_region
    scaling, balancing = clients("autoscaling", region), clients("elbv2", region)
    before = read_group(scaling, name)
    why_not = refusal(name, before, at_least)
    if why_not:
        raise Refused(why_not, before=before)
    lease, seconds = lease_of(params, clients), params.get("min_size_hold")
    # Whoever restores the minimum size must know; a move goes on without knowing.
    hold = {} if seconds is None else (describe_hold(scaling, name) or {}) if seconds == 0 else read_hold(scaling, name)
    is_given_back = seconds == 0 and bool(hold)
    is_held = bool(seconds) and is_due({} if "unknown" in hold else hold, before, at_least, seconds, time.time())
    changed = before["desired"] < at_least or is_held or is_given_back
    after = {**before, "desired": max(before["desired"], at_least)}
    after["min"] = max(before["min"], at_least) if is_held else before["min"]
    if is_given_back:
        after["min"] = min(before["min"], hold["min"])
    warnings: list[str] = []
    if changed and not check_mode:
        lease.hold()
        if is_given_back:
            give_back(scaling, name, before, hold, lease.sleep)
        asked = params if is_held else {**params, "min_size_hold": None}
        after, warnings = request(scaling, asked, before, hold, lease)
        hold = {} if seconds is None else read_hold(scaling, name)
    short: dict[str, Any] = {}
    if params["wait"] and not check_mode:
        try:
            healthy, short = wait_healthy(balancing, scaling, after, params, lease)
        except MultiRegionError as error:
            error.evidence.update(before=before, after=after, changed=changed)
            raise
    else:
        healthy = count_healthy(balancing, params.get("target_group_arn"))
    warnings = [*warnings, *short.pop("warnings", [])]
    # A request that could not be carried out as wished may have changed nothing.
    is_changed = changed if check_mode or is_given_back else changed and (after != before or bool(hold) and is_held)
    return {
        "changed": is_changed,
        "before": before,
        "after": after,
        "hold": hold or None,
        "healthy_targets": healthy,
        "diff": {"before": _sizes(before), "after": _sizes(after)},
        "reason": _reason(name, before, after, params, is_changed, check_mode, [*short.pop("said", []), *warnings]),
        **({"warnings": warnings} if warnings else {}),
        **short,
    }


def _sizes(group: Mapping[str, Any]) -> dict[str, int]:
    return {size: group[size] for size in ("min", "desired")}


def _reason(
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    params: Mapping[str, Any],
    changed: bool,
    check_mode: bool,
    more: list[str],
) -> str:
    would, at_least = "would be" if check_mode else "was", params["at_least"]
    words = []
    if after["desired"] > before["desired"]:
        sizes = f"from {before['desired']} to {after['desired']}"
        words.append(f"The desired capacity of {name} {would} raised {sizes}.")
    if after["min"] > before["min"]:
        until = f"AWS restores it after {params['min_size_hold']} s"
        words.append(f"The minimum size {would} raised from {before['min']} to {after['min']}; {until}.")
    elif after["min"] < before["min"]:
        words.append(f"The minimum size of {name} {would} restored: {before['min']} to {after['min']}.")
    elif changed and not words:
        words.append(f"How long the minimum size of {name} is held {would} changed.")
    if not words:
        words.append(f"The desired capacity of {name} is {before['desired']}, and {at_least} or more was requested.")
    return " ".join([*words, *more])
