# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity before traffic: raise a group or service (units.py) to a minimum, never lower it, and wait for its targets.

Scaling up can be requested but is not guaranteed, so only healthy targets prove it. Where AWS has no more instances, a
part of what is wanted may be enough, if the caller accepts that: the group goes on to request the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import describe_targets, healthy_of
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.enough import sufficient
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.hold import (
    give_back,
    is_due,
    raise_min,
    read_hold,
)
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.units import (
    Unit,
    group_in,
    service_in,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import (
    LEASE_SPEC,
    Lease,
    NoLease,
    lease_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    READ_BACK_SECONDS,
    WaitTimeout,
    after_waiting,
    poll,
    timed,
    wait_until_visible,
)
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

# A failed activity that began earlier explains nothing now, in seconds. An hour also covers clocks that differ.
RECENT_SECONDS = 3600
# Another change of the group is being carried out ("Errors" of SetDesiredCapacity in the API Reference).
BUSY_CODES = ("ResourceContention", "ScalingActivityInProgress")
# Options of both modules, besides the name of what is raised.
CAPACITY_SPEC = {
    "at_least": {"type": "int", "required": True, "rule": rules.COUNT},
    "target_group_arn": {"type": "str", "rule": rules.TARGET_GROUP_ARN},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300, "rule": rules.WAIT},
    "capacity_timeout": {"type": "int", "rule": rules.WAIT},
    "min_capacity_percent": {"type": "int", "default": 100, "rule": rules.PERCENT},
    "min_size_hold": {"type": "int", "rule": rules.HOLD},
    "poll_interval": {"type": "float", "default": 2, "rule": rules.POLL},
    **LEASE_SPEC,
}


def read(unit: Unit) -> dict[str, Any]:
    """Return what a unit is now; raise MultiRegionError if it does not exist."""
    seen = unit.read()
    if seen is None:
        raise MultiRegionError(f"{unit.option} is {unit.name}; there is no {unit.title} with that name.")
    return seen


def raise_desired(unit: Unit, at_least: int, sleep: Callable[[float], None]) -> dict[str, Any]:
    """Request the capacity and return what the unit is once it shows the new size.

    A request whose response was lost may have been carried out, so the unit is read before it is reported as failed.
    """
    failure = None
    try:
        _patiently(lambda: unit.set_desired(at_least), sleep)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    done = f"The {unit.desired_word} of {unit.name} was set to {at_least}"
    return wait_until_visible(lambda: read(unit), lambda seen: seen["desired"] >= at_least, failure, done, sleep=sleep)


def _patiently(call: Callable[[], None], sleep: Callable[[float], None]) -> None:
    """Make a call again for some seconds as long as another change of the group is being carried out."""
    try:
        poll(
            call, lambda _none: True, READ_BACK_SECONDS, 1, sleep=sleep, tolerate=lambda error: error.code in BUSY_CODES
        )
    except WaitTimeout as late:
        raise late.error from late


def scaling_failure(unit: Unit) -> dict[str, Any] | None:
    """Return what last kept a unit from growing, None if nothing recently did, {unknown: sentence} if unknown."""
    try:
        return unit.last_failure(time.time() - RECENT_SECONDS)
    except AwsCallError as error:
        return {"unknown": str(error)}


def said_of_failure(unit: Unit, failure: Mapping[str, Any] | None) -> str:
    """Return the sentence on what last kept a unit from growing, with a blank before it; empty without. Pure."""
    if not failure:
        return ""
    if "unknown" in failure:
        return f" Why there are no more could not be read: {failure['unknown']}"
    return f" Last failed {unit.failure_word}, of {failure['started_at']}: {failure['message']}"


def wait_healthy(
    balancing: Any, unit: Unit, seen: Mapping[str, Any], params: Mapping[str, Any], lease: Lease | NoLease
) -> tuple[int, dict[str, Any]]:
    """Return the number of healthy targets once there are enough, and what is said of them.

    They are those of target_group_arn; without it, those of the unit's own target groups, or what it has in service.

    That is ``said`` [sentence], or warnings and scaling_failure if there are fewer than wanted.

    All of ``at_least`` are enough until capacity_timeout, min_capacity_percent of them from then on. Raises WaitTimeout
    with the numbers. Renews the lease in the meantime; raises what ``Lease.sleep`` raises if the lease is lost.
    """
    arn, at_least = params.get("target_group_arn"), params["at_least"]
    percent, timeout = params.get("min_capacity_percent") or 100, params["wait_timeout"]
    patience = min(timeout, timeout if params.get("capacity_timeout") is None else params["capacity_timeout"])
    began = time.monotonic()
    enough, until = sufficient(at_least, percent), began + patience

    def read_targets() -> dict[str, Any]:
        if not arn:
            now = read(unit)
            return {"registered": now["desired"], "healthy": healthy_of(balancing, now)}
        targets = describe_targets(balancing, arn)
        if targets is None:
            raise MultiRegionError(f"target_group_arn is {arn}; there is no such target group.")
        return targets

    def is_enough(targets: Mapping[str, Any]) -> bool:
        return targets["healthy"] >= (at_least if time.monotonic() < until else enough)

    try:
        found = poll(read_targets, is_enough, timeout=timeout, interval=params["poll_interval"], sleep=lease.sleep)
    except WaitTimeout as error:
        activity = scaling_failure(unit)
        failure = WaitTimeout(error.state, error.error, error.seconds, _too_few(error, params, unit, seen, activity))
        failure.evidence = {"targets": error.state, "scaling_failure": activity}
        raise failure from error
    healthy = found["healthy"]
    if healthy >= at_least:
        waited = after_waiting(time.monotonic() - began)
        return healthy, {"said": [f"{healthy} of its {_counted(unit, params)} are healthy{waited}."]}
    activity = scaling_failure(unit)
    warning = (
        f"{unit.name} has {healthy} of {at_least} wanted healthy {_counted(unit, params)} after {patience} s "
        f"(capacity_timeout), which min_capacity_percent, {percent}, accepts. Its {unit.desired_word} stays "
        f"{seen['desired']}, so it goes on to launch the rest.{_suspended(seen)}{said_of_failure(unit, activity)}"
    )
    return healthy, {"warnings": [warning], "scaling_failure": activity}


def _too_few(error: WaitTimeout, params: Mapping[str, Any], unit: Unit, seen: Mapping[str, Any], activity: Any) -> str:
    at_least, percent = params["at_least"], params.get("min_capacity_percent") or 100
    targets, enough = error.state or {"healthy": 0, "registered": 0}, sufficient(at_least, percent)
    message = (
        f"{targets['healthy']} of {targets['registered']} {_counted(unit, params)} of {unit.name} are healthy after "
        f"{error.seconds:.0f} s (wait_timeout); {at_least} are needed"
    )
    if enough < at_least:
        message += f", or {enough} of them (min_capacity_percent is {percent})"
    message += f".{_suspended(seen)}{said_of_failure(unit, activity)}"
    if 0 < targets["healthy"] < enough < at_least:
        message += f" min_capacity_percent={targets['healthy'] * 100 // at_least} accepts what there is."
    return message


def _counted(unit: Unit, params: Mapping[str, Any]) -> str:
    return "targets" if params.get("target_group_arn") else unit.count_word


def _suspended(group: Mapping[str, Any]) -> str:
    return f" Suspended processes of the group: {', '.join(group['suspended'])}." if group["suspended"] else ""


def count_healthy(client: Any, arn: str | None) -> int | None:
    """Return the number of healthy targets, or None if no target group was given or found."""
    targets = describe_targets(client, arn) if arn else None
    return targets["healthy"] if targets else None


def request(
    unit: Unit,
    params: Mapping[str, Any],
    before: Mapping[str, Any],
    hold: Mapping[str, Any],
    lease: Lease | NoLease,
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None, list[str]]:
    """Request what is lacking; return what the unit and its hold are then, and warnings.

    hold: in the shape of ``read_hold``; the one that is returned is None where it was not read after the request.
    The minimum is held raised if that is possible. If it is not, that is no reason to run less, or not to move.
    """
    at_least, seconds = params["at_least"], params.get("min_size_hold")
    warnings, after, held = [], None, None
    if seconds:
        try:
            after, held = raise_min(unit, before, hold, at_least, seconds, lease.sleep)
        except (AwsCallError, WaitTimeout) as error:
            without = f"The {unit.min_word} of {unit.name} is not held raised"
            warnings = [f"{without}, so scaling policies may lower it: {error}"]
    after = after or read(unit)
    if after["desired"] < at_least:
        after = raise_desired(unit, at_least, lease.sleep)
    return after, held, warnings


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Raise the desired capacity of the group ``name`` to ``at_least`` and wait for that many healthy targets.

    Returns changed, reason, before, after (its sizes), hold, healthy_targets, diff, and where there are fewer than
    wanted also warnings and scaling_failure.
    """
    return _run(group_in(clients, _region(params, clients), params["name"]), params, clients, check_mode)


@timed
def run_service(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Do the same with the ECS service ``service``."""
    return _run(service_in(clients, _region(params, clients), params["service"]), params, clients, check_mode)


def _region(params: Mapping[str, Any], clients: Any) -> str:
    return params.get("region") or clients.default_region


def _run(unit: Unit, params: Mapping[str, Any], clients: Any, check_mode: bool) -> dict[str, Any]:
    at_least, balancing = params["at_least"], clients("elbv2", _region(params, clients))
    before = read(unit)
    why_not = unit.refusal(before, at_least)
    if why_not:
        raise Refused(why_not, before=before)
    # Nothing lowers the desired count of a service that is not scaled, so no minimum has to be held.
    lease, seconds = lease_of(params, clients), params.get("min_size_hold") if before.get("is_scaled", True) else None
    # Whoever restores the minimum must know; a move goes on without knowing.
    hold = {} if seconds is None else (unit.describe_hold() or {}) if seconds == 0 else read_hold(unit)
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
            give_back(unit, before, hold, lease.sleep)
        asked = params if is_held else {**params, "min_size_hold": None}
        after, held, warnings = request(unit, asked, before, hold, lease)
        hold = {} if seconds is None else read_hold(unit) if held is None else held
    short: dict[str, Any] = {}
    if params["wait"] and not check_mode:
        try:
            healthy, short = wait_healthy(balancing, unit, after, params, lease)
        except MultiRegionError as error:
            error.evidence.update(before=before, after=after, changed=changed)
            raise
    else:
        healthy = count_healthy(balancing, params.get("target_group_arn"))
    warnings = [*warnings, *short.pop("warnings", [])]
    # A request that could not be carried out as wished may have changed nothing.
    is_changed = (
        changed
        if check_mode or is_given_back
        else changed and (_sizes(after) != _sizes(before) or is_held and bool(hold))
    )
    return {
        "changed": is_changed,
        "before": before,
        "after": after,
        "hold": hold or None,
        "healthy_targets": healthy,
        "diff": {"before": _sizes(before), "after": _sizes(after)},
        "reason": _reason(unit, before, after, params, is_changed, check_mode, [*short.pop("said", []), *warnings]),
        **({"warnings": warnings} if warnings else {}),
        **short,
    }


def _sizes(seen: Mapping[str, Any]) -> dict[str, int]:
    return {size: seen[size] for size in ("min", "desired")}


def _reason(
    unit: Unit,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    params: Mapping[str, Any],
    changed: bool,
    check_mode: bool,
    more: list[str],
) -> str:
    would, at_least = "would be" if check_mode else "was", params["at_least"]
    is_scaled = before.get("is_scaled", True)
    words = []
    if after["desired"] > before["desired"]:
        sizes = f"from {before['desired']} to {after['desired']}"
        words.append(f"The {unit.desired_word} of {unit.name} {would} raised {sizes}.")
    if after["min"] > before["min"] and is_scaled:
        until = f"AWS restores it after {params['min_size_hold']} s"
        words.append(f"The {unit.min_word} {would} raised from {before['min']} to {after['min']}; {until}.")
    elif after["min"] < before["min"]:
        words.append(f"The {unit.min_word} of {unit.name} {would} restored: {before['min']} to {after['min']}.")
    elif changed and not words:
        words.append(f"How long the {unit.min_word} of {unit.name} is held {would} changed.")
    if not words:
        asked = f"{at_least} or more was requested"
        words.append(f"The {unit.desired_word} of {unit.name} is {before['desired']}, and {asked}.")
    return " ".join([*words, *more])
