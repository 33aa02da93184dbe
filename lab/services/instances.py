# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS does with Auto Scaling groups by itself: launches that may fail, activities, scale-in, scheduled actions.

Follows: EC2 Auto Scaling User Guide, "Verify a scaling activity" and "Troubleshoot: EC2 instance launch failures"
(InsufficientInstanceCapacity: the group goes on to request what it lacks); API reference Activity and
DescribeScalingActivities. The words of a failed launch: 2i2c-org/infrastructure issue 3334 (a group with a launch
template), apache/spark and AWS Batch users' "Could not launch On-Demand Instances. InsufficientInstanceCapacity - ..."
(a group with a mixed instances policy). A policy of the latter launches the first of its types that AWS has
("Allocation strategies for multiple instance types": prioritized).

Scale-in follows "Target tracking scaling policies": the alarm that lowers needs 15 minutes below 90 percent of the
target (aws/containers-roadmap issue 638; amazon-aurora-labs-for-mysql issue 3), works only if all policies of the group
agree, never goes below the minimum size, does nothing without samples or while instances warm up, and repeats while it
lasts (CloudWatch User Guide, "Alarm actions"). A group whose region gets traffic runs at its target.

Scheduled actions follow PutScheduledUpdateGroupAction: without a recurrence they run once, at StartTime, and are gone.
Time stamps are real, and the seconds until then pass on the lab's clock, as for metrics (cloudwatch_alarms.py).
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import (
    Activity,
    AutoScalingBackend,
    FakeAutoScalingGroup,
    FakeScheduledAction,
    autoscaling_backends,
)
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.utils import utcnow

from lab.clock import CLOCK
from lab.services import capacity_reservations
from lab.services.settings import SETTINGS
from lab.world import WORLD

RETRY_S = 60.0  # between two attempts to launch what a group lacks; AWS gives no time
LOW_S, REPEAT_S = 900.0, 60.0  # 15 data points of a minute; then the alarm's action repeats each minute
LOW_SHARE = 0.9  # of the target
KEPT_ACTIVITIES = 100
NO_CAPACITY = (
    "We currently do not have sufficient {type} capacity in the Availability Zone you requested ({zone}). Our system "
    "will be working on provisioning additional capacity. You can currently get {type} capacity by not specifying an "
    "Availability Zone in your request or choosing {others}."
)


def groups_of(region: str) -> list[FakeAutoScalingGroup]:
    """The groups of a region."""
    backend = autoscaling_backends[DEFAULT_ACCOUNT_ID].get(region)
    return list(backend.autoscaling_groups.values()) if backend else []


def activities_of(group: FakeAutoScalingGroup) -> list[Activity]:
    """The activities of a group, the newest first."""
    return vars(group).setdefault("lab_activities", [])


def _note(group: FakeAutoScalingGroup, description: str, status: str, message: str | None = None) -> None:
    now = utcnow()
    cause = (
        f"At {now:%Y-%m-%dT%H:%M:%SZ} an instance was started in response to a difference between desired and actual "
        f"capacity."
    )
    activity = Activity(description, cause, group, start_time=now, end_time=now, status_code=status)
    activity.progress = 100
    activity.status_message = message  # type: ignore[attr-defined]
    activities_of(group).insert(0, activity)
    del activities_of(group)[KEPT_ACTIVITIES:]


# --- launches


def types_of(group: FakeAutoScalingGroup) -> list[str]:
    """The instance types that a group may launch, the preferred one first."""
    overrides = ((group.mixed_instances_policy or {}).get("LaunchTemplate") or {}).get("Overrides") or []
    return [one["InstanceType"] for one in overrides if one.get("InstanceType")] or [STOCK_TYPE.fget(group)]


def available(region: str, instance_type: str) -> int | None:
    """How many more instances of a type AWS has there now; None = as many as wanted."""
    running = [
        one.instance.instance_type
        for group in groups_of(region)
        for one in group.instance_states
        if not vars(one.instance).get("lab_reservation")
    ]
    left = []
    for (place, limited), most in WORLD.instance_limits.items():
        if place == region and limited in (None, instance_type):
            left.append(max(0, most - sum(limited in (None, one) for one in running)))
    return min(left, default=None)


def launch(self: FakeAutoScalingGroup, count_needed: int, propagated_tags: dict[str, str]) -> None:
    """Launch what AWS has of it; the rest is a failed activity, and is tried again later."""
    if "Launch" in self._suspended_processes:
        return
    types, left = types_of(self), count_needed
    is_bound = capacity_reservations.preference_of(self) == "capacity-reservations-only"
    for instance_type in types:
        places = list(capacity_reservations.places(self, instance_type))
        spare = 0 if is_bound else available(self.region, instance_type)
        count = left if spare is None else min(left, len(places) + spare)
        if not count:
            continue
        known = {state.instance.id for state in self.instance_states}
        vars(self)["lab_type"] = instance_type
        try:
            STOCK_LAUNCH(self, count, propagated_tags)
        finally:
            del vars(self)["lab_type"]
        for state in self.instance_states:
            if state.instance.id not in known:
                if places:
                    vars(state.instance)["lab_reservation"] = places.pop(0).capacity_reservation_id
                _note(self, f"Launching a new EC2 instance: {state.instance.id}", "Successful")
        vars(self)["lab_launched"] = CLOCK.now()
        left -= count
    if left:
        zones = sorted(self.availability_zones)
        zone = random.choice(zones)
        others = ", ".join(one for one in zones if one != zone) or "another one"
        words = NO_CAPACITY.format(type=types[-1], zone=zone, others=others)
        if is_bound:
            words = capacity_reservations.EXCEEDED
        elif len(types) > 1:
            words = f"Could not launch On-Demand Instances. InsufficientInstanceCapacity - {words}"
        words += " Launching EC2 instance failed."
        _note(self, f"Launching a new EC2 instance.  Status Reason: {words}", "Failed", words)
        vars(self)["lab_next_launch"] = CLOCK.after(RETRY_S)


def try_again() -> None:
    """Launch what groups lack, now and then, as long as they lack it."""
    for region in list(autoscaling_backends[DEFAULT_ACCOUNT_ID]):
        for group in groups_of(region):
            is_due = CLOCK.reached(vars(group).get("lab_next_launch", float("inf")))
            if is_due and not WORLD.region_is_dead(region):
                del vars(group)["lab_next_launch"]
                group.set_desired_capacity(group.desired_capacity)


# --- target tracking


def idle_groups() -> list[FakeAutoScalingGroup]:
    """The groups with target tracking whose CPU is below their low alarms, because no name leads to their region."""
    from lab.timeline import TIMELINE

    cpu, found = SETTINGS.idle_cpu_percent, []
    if cpu is None:
        return []
    names = TIMELINE.entries[-1]["name"].values() if TIMELINE.entries else []
    served = {region for regions in names for region in (regions or "").split(",")}
    for region, backend in autoscaling_backends[DEFAULT_ACCOUNT_ID].items():
        for group in backend.autoscaling_groups.values():
            policies = backend.describe_policies(autoscaling_group_name=group.name)
            targets = [vars(one.target_tracking_configuration) for one in policies if one.target_tracking_configuration]
            if not targets or any(str(one.get("DisableScaleIn")).lower() == "true" for one in targets):
                continue
            if WORLD.region_is_dead(region) or any(cpu >= LOW_SHARE * float(one["TargetValue"]) for one in targets):
                continue
            if region not in served:
                found.append(group)
    return found


def scale_in() -> None:
    """Lower what idles by one instance, each minute for which the low alarm lasts."""
    idle = idle_groups()
    for region in list(autoscaling_backends[DEFAULT_ACCOUNT_ID]):
        for group in groups_of(region):
            if group not in idle:
                vars(group).pop("lab_low_since", None)
                continue
            since = vars(group).setdefault("lab_low_since", CLOCK.now())
            warm_up = float(group.health_check_grace_period or 0)
            is_warm = CLOCK.aws_seconds_since(vars(group).get("lab_launched", float("-inf"))) >= warm_up
            if CLOCK.aws_seconds_since(since) < LOW_S or not is_warm:
                continue
            if not CLOCK.reached(vars(group).get("lab_next_scale_in", 0.0)):
                continue
            vars(group)["lab_next_scale_in"] = CLOCK.after(REPEAT_S)
            if group.desired_capacity > group.min_size and not {"AlarmNotification", "Terminate"} & {
                *group._suspended_processes
            }:
                group.set_desired_capacity(group.desired_capacity - 1)


# --- scheduled actions


def _moment(text: str) -> float:
    found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def run_scheduled() -> None:
    """Carry out the actions whose time has come, and forget them."""
    for region, backend in autoscaling_backends[DEFAULT_ACCOUNT_ID].items():
        for name, action in list(backend.scheduled_actions.items()):
            due = vars(action).get("lab_due")
            if due is None or not CLOCK.reached(due) or WORLD.region_is_dead(region):
                continue
            del backend.scheduled_actions[name]
            if group := backend.autoscaling_groups.get(action.auto_scaling_group_name):
                apply(group, action)


def apply(group: FakeAutoScalingGroup, action: FakeScheduledAction) -> None:
    """Set the sizes that an action names; the desired capacity is kept within them."""
    group.min_size = group.min_size if action.min_size is None else action.min_size
    group.max_size = group.max_size if action.max_size is None else action.max_size
    desired = group.desired_capacity if action.desired_capacity is None else action.desired_capacity
    wanted = min(max(desired, group.min_size), group.max_size)
    if wanted != group.desired_capacity:
        group.set_desired_capacity(wanted)


def _patch_scheduled_actions() -> None:
    stock = AutoScalingBackend.put_scheduled_update_group_action

    def put(self: AutoScalingBackend, *args: Any, **kwargs: Any) -> FakeScheduledAction:
        start, recurrence = kwargs.get("start_time"), kwargs.get("recurrence")
        if kwargs.get("name") not in self.autoscaling_groups:
            raise ValidationError("AutoScalingGroup name not found - null")
        ahead = _moment(start) - time.time() if start else 0.0
        if start and ahead < 0:
            raise ValidationError("Given start time is in the past")
        action = stock(self, *args, **kwargs)
        # moto knows one action of a name in a region, AWS one in each group.
        key = (action.auto_scaling_group_name, action.scheduled_action_name)
        self.scheduled_actions[key] = self.scheduled_actions.pop(action.scheduled_action_name)
        if start and not recurrence:
            vars(action)["lab_due"] = CLOCK.after(ahead)
        return action

    def forget(self: AutoScalingBackend, auto_scaling_group_name: str, scheduled_action_name: str) -> None:
        if self.scheduled_actions.pop((auto_scaling_group_name, scheduled_action_name), None) is None:
            raise ValidationError("Scheduled action name not found")

    AutoScalingBackend.put_scheduled_update_group_action = put
    AutoScalingBackend.delete_scheduled_action = forget
    delete = AutoScalingBackend.delete_auto_scaling_group

    def delete_with_actions(self: AutoScalingBackend, group_name: str) -> None:
        delete(self, group_name)
        for name, action in list(self.scheduled_actions.items()):
            if action.auto_scaling_group_name == group_name:
                del self.scheduled_actions[name]

    AutoScalingBackend.delete_auto_scaling_group = delete_with_actions


STOCK_LAUNCH = FakeAutoScalingGroup.replace_autoscaling_group_instances
STOCK_TYPE: Any = FakeAutoScalingGroup.instance_type


def install() -> None:
    FakeAutoScalingGroup.replace_autoscaling_group_instances = launch
    FakeAutoScalingGroup.instance_type = property(lambda self: vars(self).get("lab_type") or STOCK_TYPE.fget(self))
    # A group with a mixed instances policy shows no launch template beside it.
    template: Any = FakeAutoScalingGroup.launch_template
    FakeAutoScalingGroup.launch_template = property(
        lambda self: None if self.mixed_instances_policy else template.fget(self)
    )
    _patch_scheduled_actions()
    WORLD.tick_hooks += [try_again, run_scheduled, scale_in]
