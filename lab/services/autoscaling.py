# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto Scaling groups that keep their target groups right, and the operations moto lacks.

Follows: EC2 Auto Scaling User Guide, "Attach an Elastic Load Balancing load balancer to your Auto Scaling group"
(instances are registered as they come and deregistered as they go); API reference EnableMetricsCollection ("If you
omit this property, all metrics are enabled"), DisableMetricsCollection, StartInstanceRefresh,
DescribeInstanceRefreshes, DeleteAutoScalingGroup (ResourceInUse unless ForceDelete) and UpdateAutoScalingGroup.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import moto.autoscaling.urls
from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import TYPE_RESPONSE, ActionResult, EmptyResult
from moto.core.utils import utcnow

from lab.clock import CLOCK
from lab.services import capacity_reservations
from lab.services.instances import activities_of
from lab.services.settings import SETTINGS

METRICS = [
    "GroupDesiredCapacity",
    "GroupInServiceCapacity",
    "GroupInServiceInstances",
    "GroupMaxSize",
    "GroupMinSize",
    "GroupPendingCapacity",
    "GroupPendingInstances",
    "GroupStandbyCapacity",
    "GroupStandbyInstances",
    "GroupTerminatingCapacity",
    "GroupTerminatingInstances",
    "GroupTotalCapacity",
    "GroupTotalInstances",
]
POLICY = "MixedInstancesPolicy"
# settings of a group that moto drops: parameter -> attribute that the answer shows
KEPT = {
    "DefaultCooldown": "default_cooldown",
    "TerminationPolicies": "termination_policies",
    "PlacementGroup": "placement_group",
    "CapacityRebalance": "capacity_rebalance",
    "MaxInstanceLifetime": "max_instance_lifetime",
    "DefaultInstanceWarmup": "default_instance_warmup",
    capacity_reservations.SPECIFICATION: "capacity_reservation_specification",
}


@dataclass
class Refresh:
    """An instance refresh; everything is replaced at its end (real ones go in batches)."""

    auto_scaling_group_name: str
    instances_to_update: int
    done_at: float
    preferences: Any = None
    instance_refresh_id: str = field(default_factory=lambda: str(uuid4()))
    start_time: datetime = field(default_factory=utcnow)
    end_time: datetime | None = None
    status: str = "InProgress"
    percentage_complete: int = 0


def sync_target_groups(backend: AutoScalingBackend, group: FakeAutoScalingGroup) -> None:
    """Register the group's instances that are not yet targets, deregister those that left."""
    current = [state.instance.id for state in group.active_instances()]
    for arn in group.target_group_arns:
        target_group = backend.elbv2_backend.target_groups.get(arn)
        if target_group is None:
            continue
        owned = vars(target_group).setdefault("lab_owned", {})
        gone = [one for one in owned.get(group.name, []) if one not in current and one in target_group.targets]
        if gone:
            target_group.deregister([{"Id": one} for one in gone])
        new = [{"Id": one, "Port": target_group.port} for one in current if one not in target_group.targets]
        if new:
            target_group.register(new)
        owned[group.name] = current


def advance_refreshes(backend: AutoScalingBackend) -> None:
    for refresh in vars(backend).get("lab_refreshes", []):
        group = backend.autoscaling_groups.get(refresh.auto_scaling_group_name)
        if refresh.status != "InProgress" or not CLOCK.reached(refresh.done_at):
            continue
        refresh.status, refresh.percentage_complete, refresh.end_time = "Successful", 100, utcnow()
        if group:
            old = [state.instance.id for state in group.instance_states]
            group.instance_states = []
            backend.ec2_backend.terminate_instances(old)
            group.set_desired_capacity(group.desired_capacity)


class LabAutoScalingResponse(AutoScalingResponse):
    def call_action(self) -> TYPE_RESPONSE:
        advance_refreshes(self.autoscaling_backend)
        return super().call_action()

    def _group(self, unknown: str | None = None) -> FakeAutoScalingGroup:
        """The group that is named; unknown: what AWS calls one that it has not got, by its name if None."""
        name = self._get_param("AutoScalingGroupName")
        if name not in self.autoscaling_backend.autoscaling_groups:
            unknown = unknown or f"AutoScalingGroup '{name}' not found"
            raise ValidationError(f"AutoScalingGroup name not found - {unknown}")
        return self.autoscaling_backend.autoscaling_groups[name]

    def _check_sizes(self, group: FakeAutoScalingGroup | None) -> None:
        """The three sizes as they would be, in order: AWS refuses an order that moto accepts."""
        low = self._get_int_param("MinSize", group.min_size if group else None)
        high = self._get_int_param("MaxSize", group.max_size if group else None)
        desired = self._get_int_param("DesiredCapacity")
        capacity_reservations.check(self._get_param(capacity_reservations.SPECIFICATION))
        if low > high:
            raise ValidationError(f"Max bound, {high}, must be greater than or equal to min bound, {low}")
        if desired is not None and not low <= desired <= high:
            raise ValidationError(
                f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
            )

    def _keep(self) -> None:
        group = self._group()
        for parameter, attribute in KEPT.items():
            if self._get_param(parameter) not in (None, []):
                setattr(group, attribute, self._get_param(parameter))

    def create_auto_scaling_group(self) -> ActionResult:
        name = self._get_param("AutoScalingGroupName")
        if name in self.autoscaling_backend.autoscaling_groups:
            raise AutoscalingClientError("AlreadyExists", f"AutoScalingGroup by this name already exists: {name}")
        self._check_sizes(None)
        result = super().create_auto_scaling_group()
        self._keep()
        return result

    def update_auto_scaling_group(self) -> ActionResult:
        group = self._group(unknown="null")  # moto's test_update_unknown_group, verified against AWS
        self._check_sizes(group)
        policy = group.mixed_instances_policy
        result = super().update_auto_scaling_group()
        # moto drops it with each update; only another way to launch replaces it.
        if not any(self._get_param(name) for name in ("LaunchTemplate", "LaunchConfigurationName", POLICY)):
            group.mixed_instances_policy = policy
        self._keep()
        return result

    def set_desired_capacity(self) -> ActionResult:
        self._check_sizes(self._group())
        return super().set_desired_capacity()

    def delete_auto_scaling_group(self) -> ActionResult:
        group, backend = self._group(), self.autoscaling_backend
        if group.instance_states and not self._get_bool_param("ForceDelete", False):
            raise AutoscalingClientError(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
                "still in the group.",
            )
        result = super().delete_auto_scaling_group()
        for name in [one.name for one in backend.describe_policies(autoscaling_group_name=group.name)]:
            backend.delete_policy(name)
        return result

    def describe_scaling_activities(self) -> ActionResult:
        wanted = self._get_param("ActivityIds") or []
        found = [one for one in activities_of(self._group()) if not wanted or one.activity_id in wanted]
        return ActionResult({"Activities": found[: self._get_int_param("MaxRecords") or len(found)]})

    def enable_metrics_collection(self) -> ActionResult:
        group = self._group()
        group.metrics = sorted(set(group.metrics) | set(self._get_param("Metrics") or METRICS))
        return EmptyResult()

    def disable_metrics_collection(self) -> ActionResult:
        group = self._group()
        group.metrics = sorted(set(group.metrics) - set(self._get_param("Metrics") or METRICS))
        return EmptyResult()

    def start_instance_refresh(self) -> ActionResult:
        group, refreshes = self._group(), vars(self.autoscaling_backend).setdefault("lab_refreshes", [])
        if any(one.auto_scaling_group_name == group.name and one.status == "InProgress" for one in refreshes):
            raise AutoscalingClientError("InstanceRefreshInProgress", "An Instance Refresh is already in progress")
        done_at = CLOCK.after(SETTINGS.instance_refresh_s)
        refresh = Refresh(group.name, len(group.instance_states), done_at, self._get_param("Preferences"))
        refreshes.insert(0, refresh)
        return ActionResult({"InstanceRefreshId": refresh.instance_refresh_id})

    def describe_instance_refreshes(self) -> ActionResult:
        group, wanted = self._group(), self._get_param("InstanceRefreshIds") or []
        shown = [
            one
            for one in vars(self.autoscaling_backend).get("lab_refreshes", [])
            if one.auto_scaling_group_name == group.name and (not wanted or one.instance_refresh_id in wanted)
        ]
        return ActionResult({"InstanceRefreshes": shown})


def install() -> None:
    moto.autoscaling.urls.url_paths["{0}/$"] = LabAutoScalingResponse.dispatch
    stock_notify = AutoScalingBackend.notify_terminate_instances

    def update_attached_target_groups(self: AutoScalingBackend, group_name: str) -> None:
        sync_target_groups(self, self.autoscaling_groups[group_name])

    def notify_terminate_instances(self: AutoScalingBackend, instance_ids: list[str]) -> None:
        stock_notify(self, instance_ids)
        for group in self.autoscaling_groups.values():
            sync_target_groups(self, group)

    AutoScalingBackend.update_attached_target_groups = update_attached_target_groups
    AutoScalingBackend.notify_terminate_instances = notify_terminate_instances
