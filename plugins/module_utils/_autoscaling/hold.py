# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The minimum that a move raises, so that no scaling policy lowers the capacity before the traffic has come.

A group that idles is in its low alarm, whose action repeats ("Alarm actions" of the Amazon CloudWatch User Guide), but
no policy goes below the minimum size. What it was before is kept where it is needed: in a scheduled action of the
group, with which AWS itself restores it, also if nobody runs anything later ("Scheduled scaling for Amazon EC2 Auto
Scaling": an action without a recurrence runs once), or of the scalable target of an ECS service ("Scheduled scaling" of
the Application Auto Scaling User Guide). The action is requested before the minimum is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import HOLD_NAME
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.units import Unit
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import wait_until_visible

Sleep = Callable[[float], None]


def read_hold(unit: Unit) -> dict[str, Any]:
    """Return {min, until} of a minimum size that is held, {} if none is, {unknown: sentence} if that is unknown."""
    try:
        return unit.describe_hold() or {}
    except AwsCallError as error:
        return {"unknown": str(error)}


def is_due(hold: Mapping[str, Any], group: Mapping[str, Any], at_least: int, seconds: float, now: float) -> bool:
    """Return whether the minimum size has to be raised, or held for longer. Pure."""
    return group["min"] < at_least or (bool(hold) and ends_soon(hold, seconds, now))


def ends_soon(hold: Mapping[str, Any], seconds: float, now: float) -> bool:
    """Return whether less than half of the time is left. Pure."""
    return hold["until"] - now < seconds / 2


def raise_min(
    unit: Unit,
    group: Mapping[str, Any],
    hold: Mapping[str, Any],
    at_least: int,
    seconds: float,
    sleep: Sleep,
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Raise minimum size and desired capacity together, and return the group and the hold as they are then.

    AWS restores the minimum size after so many seconds. hold: in the shape of ``read_hold``. Raises AwsCallError if the
    way back could not be made certain; then nothing was raised.
    """
    hold, now = (unit.describe_hold() or {}) if "unknown" in hold else hold, time.time()
    if not hold or ends_soon(hold, seconds, now):
        hold = _request_hold(unit, hold["min"] if hold else group["min"], now + seconds, sleep)
    sizes = {"min": max(at_least, group["min"]), "desired": max(at_least, group["desired"])}
    if sizes == {size: group[size] for size in sizes}:
        return group, hold
    failure = None
    try:
        unit.set_sizes(sizes)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    return _wait_for(unit, lambda seen: all(seen[size] >= sizes[size] for size in sizes), failure, sleep), hold


def _request_hold(unit: Unit, minimum: int, until: float, sleep: Sleep) -> dict[str, Any]:
    failure = None
    try:
        unit.put_hold(minimum, until)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    return wait_until_visible(
        unit.describe_hold,
        lambda seen: bool(seen) and seen["min"] == minimum and seen["until"] >= until - 1,
        failure,
        f"The scheduled action {HOLD_NAME} of {unit.name} was requested",
        sleep=sleep,
    )


def give_back(unit: Unit, group: Mapping[str, Any], hold: Mapping[str, Any], sleep: Sleep) -> None:
    """Lower the minimum size to what it was, and forget the hold. The desired capacity stays."""
    failure = None
    if group["min"] > hold["min"]:
        try:
            unit.set_sizes({"min": hold["min"]})
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        _wait_for(unit, lambda seen: seen["min"] <= hold["min"], failure, sleep)
    failure = None
    try:
        unit.delete_hold()
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        unit.describe_hold,
        lambda seen: seen is None,
        failure,
        f"The scheduled action {HOLD_NAME} of {unit.name} was deleted",
        sleep=sleep,
    )


def drop_hold(unit: Unit) -> None:
    """Delete the scheduled action as far as possible: a failure must not keep a region from being fenced."""
    if read_hold(unit) == {}:
        return
    with suppress(AwsCallError):
        unit.delete_hold()


def _wait_for(unit: Unit, shows: Callable[[Any], bool], failure: Any, sleep: Sleep) -> Mapping[str, Any]:
    return wait_until_visible(
        lambda: unit.read() or {},
        lambda seen: bool(seen) and shows(seen),
        failure,
        f"The sizes of {unit.name} were set",
        sleep=sleep,
    )
