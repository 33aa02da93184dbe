# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS services as they go about: tasks that start, run, register and stop; events; capacity that AWS has not got.

Follows the Amazon ECS Developer Guide: "Amazon ECS task lifecycle" (a task is pending before it runs), "Use load
balancing to distribute Amazon ECS service traffic" (tasks with a network interface of their own are targets by their
address), "Amazon ECS service event messages" (steady state, tasks that cannot be placed; the scheduler tries again),
and the API Reference: Service (desiredCount, runningCount, pendingCount, at most 100 events), Deployment
(rolloutState), UpdateService (ServiceNotFoundException, ServiceNotActiveException). The words of a task that cannot be
placed on Fargate: sil-org/ecs-deploy issue 277.

Application Auto Scaling follows its API Reference: RegisterScalableTarget (bounds in order), PutScheduledAction and
DeleteScheduledAction (ObjectNotFoundException), and "Scheduled scaling" of its User Guide: `at` runs once, and raises
what is below the new minimum. What is left of an action that has run no document says; the lab deletes it, as EC2 Auto
Scaling does. Policies do nothing here.
"""

from __future__ import annotations

import ipaddress
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import moto.ecs.urls
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    applicationautoscaling_backends,
)
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError
from moto.core.responses import TYPE_RESPONSE
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend, Service, ecs_backends
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import elbv2_backends
from moto.moto_api._internal import mock_random

from lab.clock import CLOCK
from lab.services.settings import SETTINGS
from lab.world import WORLD

FARGATE = "FARGATE"  # in place of an instance type in World.instance_limits
RETRY_S = 60.0  # between two attempts to place what is lacking; AWS gives no time
KEPT_EVENTS = 100
NO_CAPACITY = (
    "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a "
    "different availability zone. For more information, see the Troubleshooting section of the Amazon ECS "
    "Developer Guide."
)
# What names a scheduled action.
NAMES = ("scheduled_action_name", "service_namespace", "resource_id", "scalable_dimension")
ONCE = re.compile(r"at\((.*)\)")


@dataclass
class Task:
    """A task of a service: it runs once its instant has come, and is then a target by its address."""

    address: str
    runs_at: float
    identifier: str = field(default_factory=lambda: mock_random.get_random_hex(32))
    is_registered: bool = False


def tasks_of(service: Service) -> list[Task]:
    """The tasks of a service, the oldest first."""
    return vars(service).setdefault("lab_tasks", [])


def note(service: Service, message: str) -> None:
    """Add an event, the newest first."""
    event = {"id": str(mock_random.uuid4()), "createdAt": utcnow(), "message": f"(service {service.name}) {message}"}
    service.events.insert(0, event)
    del service.events[KEPT_EVENTS:]


def all_services(region: str) -> list[Service]:
    backend = ecs_backends[DEFAULT_ACCOUNT_ID].get(region)
    return list(backend.services.values()) if backend else []


def room(region: str) -> int | None:
    """How many more tasks Fargate can run in a region; None = as many as wanted."""
    most = WORLD.instance_limits.get((region, FARGATE))
    return None if most is None else max(0, most - sum(len(tasks_of(one)) for one in all_services(region)))


def free_address(service: Service) -> str:
    """An address that no task of the region has, in the first subnet of the service."""
    subnets = (service.network_configuration.get("awsvpcConfiguration") or {}).get("subnets")
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][service.region_name]
    cidr = backend.describe_subnets(subnet_ids=subnets[:1])[0].cidr_block if subnets else "10.255.0.0/24"
    taken = {task.address for one in all_services(service.region_name) for task in tasks_of(one)}
    # The first four addresses of a subnet are AWS's ("Subnet CIDR blocks" of the VPC User Guide).
    return next(one for one in map(str, list(ipaddress.ip_network(cidr).hosts())[3:]) if one not in taken)


def targets_of(service: Service, tasks: list[Task]) -> list[tuple[Any, list[dict[str, Any]]]]:
    """(target group, targets) of tasks, for each load balancer of their service."""
    groups = elbv2_backends[DEFAULT_ACCOUNT_ID][service.region_name].target_groups
    return [
        (groups[one["targetGroupArn"]], [{"Id": task.address, "Port": one["containerPort"]} for task in tasks])
        for one in service.load_balancers
        if one.get("targetGroupArn") in groups
    ]


def start(service: Service, count: int) -> None:
    """Start tasks as far as AWS has capacity; the rest is an event, and is tried again later."""
    left = room(service.region_name) if service.launch_type == FARGATE else None
    placed = count if left is None else min(count, left)
    for _number in range(placed):
        tasks_of(service).append(Task(free_address(service), CLOCK.after(SETTINGS.task_start_s)))
    if placed:
        names = " ".join(f"(task {one.identifier})" for one in tasks_of(service)[-placed:])
        note(service, f"has started {placed} tasks: {names}.")
    if placed < count:
        note(service, NO_CAPACITY)
        vars(service)["lab_next_try"] = CLOCK.after(RETRY_S)


def stop(service: Service, tasks: list[Task]) -> None:
    """Stop tasks, after their deregistration."""
    for group, targets in targets_of(service, [one for one in tasks if one.is_registered]):
        known = [one for one in targets if one["Id"] in group.targets]
        if known:
            group.deregister(known)
    vars(service)["lab_tasks"] = [one for one in tasks_of(service) if one not in tasks]
    note(
        service,
        f"has stopped {len(tasks)} running tasks: " + " ".join(f"(task {one.identifier})" for one in tasks) + ".",
    )


def advance(service: Service) -> None:
    """Bring a service to where it is by now."""
    if service.status != "ACTIVE" or WORLD.region_is_dead(service.region_name):
        return
    lacking = service.desired_count - len(tasks_of(service))
    if lacking > 0 and CLOCK.reached(vars(service).get("lab_next_try", 0.0)):
        start(service, lacking)
    elif lacking < 0:
        stop(service, tasks_of(service)[lacking:])
    running = [one for one in tasks_of(service) if CLOCK.reached(one.runs_at)]
    new = [one for one in running if not one.is_registered]
    for group, targets in targets_of(service, new) if new else ():
        group.register(targets)
        note(service, f"registered {len(targets)} targets in (target-group {group.arn})")
    for one in new:
        one.is_registered = True
    service.running_count, service.pending_count = len(running), len(tasks_of(service)) - len(running)
    is_steady = len(running) == service.desired_count
    if is_steady and not vars(service).get("lab_is_steady"):
        note(service, "has reached a steady state.")
    vars(service)["lab_is_steady"] = is_steady
    for deployment in service.deployments[:1]:
        counts = {"desiredCount": service.desired_count, "runningCount": service.running_count}
        deployment.update(counts, pendingCount=service.pending_count)
        if is_steady:
            state = {"rolloutState": "COMPLETED", "rolloutStateReason": f"ECS deployment {deployment['id']} completed."}
            deployment.update(state)


def advance_all() -> None:
    """Bring every service to where it is by now."""
    for region in list(ecs_backends[DEFAULT_ACCOUNT_ID]):
        for service in all_services(region):
            advance(service)


class LabEcsResponse(EC2ContainerServiceResponse):
    def call_action(self) -> TYPE_RESPONSE:
        advance_all()
        return super().call_action()


def update_service(self: EC2ContainerServiceBackend, service_properties: dict[str, Any]) -> Service:
    """UpdateService: moto has the tasks run immediately."""
    name = service_properties["service"].split("/")[-1]
    service = self._get_service(service_properties.get("cluster", "default"), name)
    if service.status != "ACTIVE":
        raise JsonRESTError("ServiceNotActiveException", "Service was not ACTIVE.")
    counts = service.running_count, service.pending_count
    STOCK_UPDATE(self, service_properties)
    service.running_count, service.pending_count = counts
    # What was wanted is tried now.
    vars(service).pop("lab_next_try", None)
    advance(service)
    return service


# --- Application Auto Scaling


def register_scalable_target(
    self: ApplicationAutoscalingBackend,
    namespace: str,
    r_id: str,
    dimension: str,
    min_capacity: int | None,
    max_capacity: int | None,
    *others: Any,
    **more: Any,
) -> Any:
    known = self.targets.get(dimension, {}).get(r_id)
    low = min_capacity if min_capacity is not None else known and known.min_capacity
    high = max_capacity if max_capacity is not None else known and known.max_capacity
    if low is None or high is None:
        raise JsonRESTError("ValidationException", "A new scalable target needs MinCapacity and MaxCapacity")
    if low > high:
        raise JsonRESTError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    return STOCK_REGISTER(self, namespace, r_id, dimension, min_capacity, max_capacity, *others, **more)


def named(
    self: ApplicationAutoscalingBackend, *, scheduled_action_name: str, service_namespace: str, **resource: str
) -> list[Any]:
    """The scheduled actions with this name of a resource: one, or none."""
    return self.describe_scheduled_actions([scheduled_action_name], service_namespace, **resource)


def put_scheduled_action(self: ApplicationAutoscalingBackend, **given: Any) -> None:
    if given["resource_id"] not in self.targets.get(given["scalable_dimension"], {}):
        raise JsonRESTError("ObjectNotFoundException", f"No scalable target registered for {given['resource_id']}")
    once = ONCE.fullmatch(given["schedule"] or "")
    ahead = datetime.fromisoformat(once[1]).replace(tzinfo=UTC).timestamp() - time.time() if once else None
    if ahead is not None and ahead < 0:
        raise JsonRESTError("ValidationException", "Scheduled action time is in the past")
    STOCK_PUT(self, **given)
    (action,) = named(self, **{name: given[name] for name in NAMES})
    vars(action)["lab_due"] = None if ahead is None else CLOCK.after(ahead)


def delete_scheduled_action(self: ApplicationAutoscalingBackend, **names: str) -> None:
    if not named(self, **names):
        raise JsonRESTError("ObjectNotFoundException", f"No scheduled action found: {names['scheduled_action_name']}")
    STOCK_DELETE(self, **names)


def run_scheduled() -> None:
    """Carry out the actions of services whose time has come."""
    for region, backend in applicationautoscaling_backends[DEFAULT_ACCOUNT_ID].items():
        for action in list(backend.scheduled_actions):
            due = vars(action).get("lab_due")
            if due is None or not CLOCK.reached(due) or WORLD.region_is_dead(region):
                continue
            backend.scheduled_actions.remove(action)
            target = backend.targets.get(action.scalable_dimension, {}).get(action.resource_id)
            if target is None:
                continue
            bounds = action.scalable_target_action or {}
            target.update(bounds.get("MinCapacity"), bounds.get("MaxCapacity"), None)
            _bound(region, target)


def _bound(region: str, target: Any) -> None:
    _type, cluster, name = target.resource_id.split("/")
    service = ecs_backends[DEFAULT_ACCOUNT_ID][region].services.get(f"{cluster}:{name}")
    if service:
        service.desired_count = min(max(service.desired_count, target.min_capacity), target.max_capacity)


STOCK_UPDATE = EC2ContainerServiceBackend.update_service
STOCK_REGISTER = ApplicationAutoscalingBackend.register_scalable_target
STOCK_PUT = ApplicationAutoscalingBackend.put_scheduled_action
STOCK_DELETE = ApplicationAutoscalingBackend.delete_scheduled_action


def install() -> None:
    """Have services live."""
    moto.ecs.urls.url_paths["{0}/$"] = LabEcsResponse.dispatch
    EC2ContainerServiceBackend.update_service = update_service
    ApplicationAutoscalingBackend.register_scalable_target = register_scalable_target
    ApplicationAutoscalingBackend.put_scheduled_action = put_scheduled_action
    ApplicationAutoscalingBackend.delete_scheduled_action = delete_scheduled_action
    WORLD.tick_hooks += [run_scheduled, advance_all]
