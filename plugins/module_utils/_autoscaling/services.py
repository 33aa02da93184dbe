# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers and writers of an ECS service and its scalable target: one function per API call.

A service is named cluster/service, as the resource id of its scalable target has it. They return the shapes listed in
_core/observation.py and raise AwsCallError if AWS cannot be queried.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import HOLD_NAME
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

# "status" of Service in the Amazon ECS API Reference: what was deleted is still described for some time.
ACTIVE = "ACTIVE"
# Events that say why tasks are missing ("Amazon ECS service event messages" of the Amazon ECS Developer Guide).
FAILED_EVENT = re.compile(r"unable to|unhealthy|failed|throttled")
SCALABLE = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
# A schedule that runs once, in UTC ("PutScheduledAction" of the Application Auto Scaling API Reference).
ONCE = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


def names_of(service: str) -> dict[str, str]:
    """Return the options that name a service to the API. Pure."""
    cluster, _slash, name = service.partition("/")
    return {"cluster": cluster, "service": name}


def resource_of(service: str) -> dict[str, str]:
    """Return the options that name its scalable target to the API. Pure."""
    return {**SCALABLE, "ResourceId": f"service/{service}"}


@aws_call("DescribeServices", missing=("ClusterNotFoundException",))
def get_service(client: Any, service: str) -> dict[str, Any] | None:
    """Return the Service of the API, or None if there is no such service or cluster."""
    names = names_of(service)
    found = client.describe_services(cluster=names["cluster"], services=[names["service"]])["services"]
    return next((one for one in found if one["status"] == ACTIVE), None)


@aws_call("DescribeScalableTargets")
def get_bounds(client: Any, service: str) -> dict[str, int] | None:
    """Return {min, max} of the service's scalable target, or None if nothing scales it."""
    resource = resource_of(service)
    resource["ResourceIds"] = [resource.pop("ResourceId")]
    found = client.describe_scalable_targets(**resource)["ScalableTargets"]
    return {"min": found[0]["MinCapacity"], "max": found[0]["MaxCapacity"]} if found else None


def facts_of(found: Mapping[str, Any], bounds: Mapping[str, int] | None) -> dict[str, Any]:
    """Return the fact ``group`` of a service. Pure.

    Without a scalable target nothing lowers the desired count, so that is also the minimum, and there is no maximum.
    """
    desired = found["desiredCount"]
    deployments = found.get("deployments") or []
    primary = next((one for one in deployments if one.get("status") == "PRIMARY"), {})
    return {
        "min": bounds["min"] if bounds else desired,
        "desired": desired,
        "max": bounds["max"] if bounds else None,
        "in_service": found["runningCount"],
        "pending": found["pendingCount"],
        "is_scaled": bounds is not None,
        "strategy": found.get("schedulingStrategy") or "REPLICA",
        "rollout": primary.get("rolloutState"),
        "deployments": len(deployments),
        "target_group_arns": [
            one["targetGroupArn"] for one in found.get("loadBalancers") or [] if one.get("targetGroupArn")
        ],
        "suspended": [],
    }


def describe_service(ecs: Any, scaling: Any, service: str) -> dict[str, Any] | None:
    """Return the fact ``group`` of a service, or None if there is no such service."""
    found = get_service(ecs, service)
    return facts_of(found, get_bounds(scaling, service)) if found else None


def last_failed_event(client: Any, service: str, since: float) -> dict[str, Any] | None:
    """Return the newest event since a time in epoch seconds that says why tasks are missing, or None.

    Returns status, message (AWS's reason) and started_at, as of an Auto Scaling group's activity.
    """
    for event in (get_service(client, service) or {}).get("events", []):
        at = event["createdAt"]
        if at.timestamp() >= since and FAILED_EVENT.search(event["message"]):
            shown = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            return {"status": "Event", "message": event["message"], "started_at": shown}
    return None


@aws_call("UpdateService")
def set_desired_count(client: Any, service: str, desired: int) -> None:
    """Set the desired count; every other setting of the service stays."""
    client.update_service(**names_of(service), desiredCount=desired)


@aws_call("RegisterScalableTarget")
def set_bounds(client: Any, service: str, bounds: Mapping[str, int]) -> None:
    """Set {min, max}, or one of them, of a scalable target that exists; its other settings stay."""
    names = {"min": "MinCapacity", "max": "MaxCapacity"}
    given = {names[name]: value for name, value in bounds.items()}
    client.register_scalable_target(**resource_of(service), **given)


@aws_call("DescribeScheduledActions")
def describe_service_hold(client: Any, service: str) -> dict[str, Any] | None:
    """Return {min, until} of the scheduled action that restores the minimum of the scalable target, or None.

    One whose time is over has restored it; whether AWS goes on to list it is not documented.
    """
    found = client.describe_scheduled_actions(**resource_of(service), ScheduledActionNames=[HOLD_NAME])
    for action in found["ScheduledActions"]:
        moment = ONCE.fullmatch(action["Schedule"])
        if moment is None:
            raise ValueError(f"the schedule of {HOLD_NAME} is {action['Schedule']}")
        until = datetime.fromisoformat(moment[1]).replace(tzinfo=UTC).timestamp()
        if until > time.time():
            return {"min": action["ScalableTargetAction"]["MinCapacity"], "until": until}
    return None


@aws_call("PutScheduledAction")
def put_service_hold(client: Any, service: str, minimum: int, until: float) -> None:
    """Have AWS set the minimum of the scalable target at a time in epoch seconds; replaces an earlier request."""
    client.put_scheduled_action(
        **resource_of(service),
        ScheduledActionName=HOLD_NAME,
        Schedule=f"at({datetime.fromtimestamp(until, UTC):%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": minimum},
    )


@aws_call("DeleteScheduledAction")
def delete_service_hold(client: Any, service: str) -> None:
    """Delete the scheduled action."""
    client.delete_scheduled_action(**resource_of(service), ScheduledActionName=HOLD_NAME)
