# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The minimum size that a move raises, so that no scaling policy lowers the capacity before the traffic has come.

A group that idles is in its low alarm, whose action repeats ("Alarm actions" of the Amazon CloudWatch User Guide), but
no policy goes below the minimum size. What it was before is kept where it is needed: in a scheduled action of the
group, with which AWS itself restores it, also if nobody runs anything later ("Scheduled scaling for Amazon EC2 Auto
Scaling": an action without a recurrence runs once). The action is requested before the minimum size is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import (
    HOLD_NAME,
    delete_hold,
    describe_group,
    describe_hold,
    put_hold,
    update_group,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import wait_until_visible

Sleep = Callable[[float], None]


def read_hold(client: Any, name: str) -> dict[str, Any]:
    """Return {min, until} of a minimum size that is held, {} if none is, {unknown: sentence} if that is unknown."""
    try:
        return describe_hold(client, name) or {}
    except AwsCallError as error:
        return {"unknown": str(error)}


def is_due(hold: Mapping[str, Any], group: Mapping[str, Any], at_least: int, seconds: float, now: float) -> bool:
    """Return whether the minimum size has to be raised, or held for longer. Pure."""
    return group["min"] < at_least or (bool(hold) and ends_soon(hold, seconds, now))


def ends_soon(hold: Mapping[str, Any], seconds: float, now: float) -> bool:
    """Return whether less than half of the time is left. Pure."""
    return hold["until"] - now < seconds / 2


def raise_min(
    client: Any,
    name: str,
    group: Mapping[str, Any],
    hold: Mapping[str, Any],
    at_least: int,
    seconds: float,
    sleep: Sleep,
) -> Mapping[str, Any]:
    """Raise minimum size and desired capacity together, and return the group as it is then.

    AWS restores the minimum size after so many seconds. hold: in the shape of ``read_hold``. Raises AwsCallError if the
    way back could not be made certain; then nothing was raised.
    """
    hold, now = (describe_hold(client, name) or {}) if "unknown" in hold else hold, time.time()
    if not hold or ends_soon(hold, seconds, now):
        _request_hold(client, name, hold["min"] if hold else group["min"], now + seconds, sleep)
    sizes = {"min": max(at_least, group["min"]), "desired": max(at_least, group["desired"])}
    if sizes == {size: group[size] for size in sizes}:
        return group
    failure = None
    try:
        update_group(client, name, sizes)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    return _wait_for(client, name, lambda seen: all(seen[size] >= sizes[size] for size in sizes), failure, sleep)


def _request_hold(client: Any, name: str, minimum: int, until: float, sleep: Sleep) -> None:
    failure = None
    try:
        put_hold(client, name, minimum, until)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        lambda: describe_hold(client, name),
        lambda seen: bool(seen) and seen["min"] == minimum and seen["until"] >= until - 1,
        failure,
        f"The scheduled action {HOLD_NAME} of {name} was requested",
        sleep=sleep,
    )


def give_back(client: Any, name: str, group: Mapping[str, Any], hold: Mapping[str, Any], sleep: Sleep) -> None:
    """Lower the minimum size to what it was, and forget the hold. The desired capacity stays."""
    failure = None
    if group["min"] > hold["min"]:
        try:
            update_group(client, name, {"min": hold["min"]})
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        _wait_for(client, name, lambda seen: seen["min"] <= hold["min"], failure, sleep)
    failure = None
    try:
        delete_hold(client, name)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        lambda: describe_hold(client, name),
        lambda seen: seen is None,
        failure,
        f"The scheduled action {HOLD_NAME} of {name} was deleted",
        sleep=sleep,
    )


def drop_hold(client: Any, name: str) -> None:
    """Delete the scheduled action as far as possible: a failure must not keep a region from being fenced."""
    if read_hold(client, name) == {}:
        return
    with suppress(AwsCallError):
        delete_hold(client, name)


def _wait_for(client: Any, name: str, shows: Callable[[Any], bool], failure: Any, sleep: Sleep) -> Mapping[str, Any]:
    return wait_until_visible(
        lambda: describe_group(client, name) or {},
        lambda seen: bool(seen) and shows(seen),
        failure,
        f"The sizes of {name} were set",
        sleep=sleep,
    )
