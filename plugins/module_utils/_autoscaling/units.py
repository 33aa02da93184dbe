# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What has a capacity that a move raises, behind one interface: an Auto Scaling group, or an ECS service.

capacity.py, hold.py and the fence of the capacity are written once, over this interface. Sizes are {min, desired, max};
the words are those of AWS for each kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import (
    delete_hold,
    describe_group,
    describe_hold,
    last_failed_activity,
    put_hold,
    set_desired_capacity,
    update_group,
)
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.services import (
    delete_service_hold,
    describe_service,
    describe_service_hold,
    get_bounds,
    last_failed_event,
    put_service_hold,
    set_bounds,
    set_desired_count,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError


class Group:
    """An Auto Scaling group."""

    title, option, desired_word, min_word = "Auto Scaling group", "name", "desired capacity", "minimum size"
    failure_word, count_word = "scaling activity", "instances"

    def __init__(self, client: Any, name: str):
        self._client = client
        self.name = name

    def read(self) -> dict[str, Any] | None:
        """Return the fact ``group`` (_core/observation.py), or None if it does not exist."""
        return describe_group(self._client, self.name)

    def refusal(self, seen: Mapping[str, Any], at_least: int) -> str | None:
        """Return why it cannot be raised that far, or None. Pure."""
        if at_least > seen["max"]:
            return f"at_least is {at_least}; {self.name} allows at most {seen['max']} (its maximum size)."
        return None

    def set_desired(self, count: int) -> None:
        """Set the desired capacity regardless of cooldowns, because a region is being lost."""
        set_desired_capacity(self._client, self.name, count)

    def set_sizes(self, sizes: Mapping[str, int]) -> None:
        """Set the given sizes."""
        update_group(self._client, self.name, sizes)

    def describe_hold(self) -> dict[str, Any] | None:
        """Return {min, until} of a minimum that AWS restores, or None."""
        return describe_hold(self._client, self.name)

    def put_hold(self, minimum: int, until: float) -> None:
        """Have AWS restore the minimum at a time in epoch seconds."""
        put_hold(self._client, self.name, minimum, until)

    def delete_hold(self) -> None:
        """Have AWS restore nothing."""
        delete_hold(self._client, self.name)

    def last_failure(self, since: float) -> dict[str, Any] | None:
        """Return {status, message, started_at} of what last kept it from growing, since a time in epoch seconds."""
        return last_failed_activity(self._client, self.name, since)


class Service:
    """An ECS service, by cluster/service, with the scalable target that Application Auto Scaling may have of it."""

    title, option, desired_word, min_word = "ECS service", "service", "desired count", "minimum capacity"
    failure_word, count_word = "event", "tasks"

    def __init__(self, ecs: Any, scaling: Any, name: str):
        self._ecs = ecs
        self._scaling = scaling
        self.name = name

    def read(self) -> dict[str, Any] | None:
        """Return the fact ``group`` (_core/observation.py), or None if it does not exist."""
        return describe_service(self._ecs, self._scaling, self.name)

    def refusal(self, seen: Mapping[str, Any], at_least: int) -> str | None:
        """Return why it cannot be raised that far, or None. Pure.

        A daemon has a task on each container instance, and no desired count ("CreateService" of the Amazon ECS API
        Reference, schedulingStrategy).
        """
        if seen["strategy"] != "REPLICA":
            return f"The scheduling strategy of {self.name} is {seen['strategy']}; allowed: REPLICA."
        if seen["max"] is not None and at_least > seen["max"]:
            most = f"{seen['max']} (the maximum capacity of its scalable target)"
            return f"at_least is {at_least}; {self.name} allows at most {most}."
        return None

    def set_desired(self, count: int) -> None:
        """Set the desired count."""
        set_desired_count(self._ecs, self.name, count)

    def set_sizes(self, sizes: Mapping[str, int]) -> None:
        """Set the given sizes: the bounds of the scalable target, if there is one, then the desired count.

        A lost answer to the first is raised once the second was requested, and is read back then.
        """
        bounds = {name: value for name, value in sizes.items() if name != "desired"}
        lost = None
        if bounds and get_bounds(self._scaling, self.name):
            try:
                set_bounds(self._scaling, self.name, bounds)
            except AwsCallError as error:
                if not error.ambiguous:
                    raise
                lost = error
        if "desired" in sizes:
            self.set_desired(sizes["desired"])
        if lost:
            raise lost

    def describe_hold(self) -> dict[str, Any] | None:
        """Return {min, until} of a minimum that AWS restores, or None."""
        return describe_service_hold(self._scaling, self.name)

    def put_hold(self, minimum: int, until: float) -> None:
        """Have AWS restore the minimum at a time in epoch seconds."""
        put_service_hold(self._scaling, self.name, minimum, until)

    def delete_hold(self) -> None:
        """Have AWS restore nothing."""
        delete_service_hold(self._scaling, self.name)

    def last_failure(self, since: float) -> dict[str, Any] | None:
        """Return {status, message, started_at} of what last kept it from growing, since a time in epoch seconds."""
        return last_failed_event(self._ecs, self.name, since)


Unit: TypeAlias = "Group | Service"


def group_in(clients: Any, region: str | None, name: str) -> Group:
    """Return an Auto Scaling group of a region."""
    return Group(clients("autoscaling", region), name)


def service_in(clients: Any, region: str | None, name: str) -> Service:
    """Return an ECS service of a region, by cluster/service."""
    return Service(clients("ecs", region), clients("application-autoscaling", region), name)
