# SPDX-License-Identifier: GPL-3.0-or-later
"""Target health that follows registration, the world's rules and outages; access logs that need their bucket.

Follows: User Guide for Application Load Balancers, "Health checks for target groups" (states and reason codes),
"Deregistration delay" (shown as draining until it expires) and "Enable access logs" (bucket requirements and
policy); API reference TargetHealth; VPC User Guide, "Network ACL basics" (what an ACL denies does not arrive).
"""

from __future__ import annotations

import json
from typing import Any

from moto.elbv2.exceptions import InvalidConfigurationRequest
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup, elbv2_backends
from moto.s3.models import FakeBucket, s3_backends

from lab.clock import CLOCK
from lab.services.access import lets_in, network
from lab.services.settings import SETTINGS
from lab.world import WORLD

REASONS = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
    "unreachable": ("Target.Timeout", "Request timed out"),
    "unregistered": ("Target.NotRegistered", "Target is not registered to the target group"),
    "idle": ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"),
    "stopped": ("Target.InvalidState", "Target is in the stopped state"),
    "healthy": (None, None),
}
STATES = {"unreachable": "unhealthy", "unregistered": "unused", "idle": "unused", "stopped": "unused"}
LOG_DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"  # writes the access logs


def _instants(group: FakeTargetGroup, name: str) -> dict[str, float]:
    """{target id: monotonic instant} kept on the target group: `checked` ends `initial`, `drained` ends `draining`."""
    return vars(group).setdefault(f"lab_{name}", {})


def _in_use(group: FakeTargetGroup) -> bool:
    backend: ELBv2Backend = elbv2_backends[group.account_id][group.region_name]
    return backend._any_listener_using(group.arn)


def _drain(group: FakeTargetGroup, target_id: str, port: Any) -> None:
    delay = min(float(group.attributes["deregistration_delay.timeout_seconds"]), SETTINGS.target_draining_s)
    _instants(group, "drained")[target_id] = CLOCK.after(delay)
    vars(group).setdefault("lab_ports", {})[target_id] = port
    _instants(group, "checked").pop(target_id, None)


def draining(group: FakeTargetGroup) -> list[str]:
    """Ids of targets that were deregistered and are still shown."""
    still = _instants(group, "drained")
    return [target for target, end in still.items() if target not in group.targets and not CLOCK.reached(end)]


def _is_denied(group: FakeTargetGroup, instance: Any) -> bool:
    """Whether network ACLs keep every load balancer of the group from the target."""
    backend = elbv2_backends[group.account_id][group.region_name]
    balancers = [found for arn in group.load_balancer_arns if (found := backend.load_balancers.get(arn))]
    sources = [str(network(one.cidr_block)[1]) for balancer in balancers for one in balancer.subnets]
    port = int(group.port or 80)
    return bool(sources) and not any(lets_in(group.region_name, [instance.subnet_id], port, one) for one in sources)


def condition(group: FakeTargetGroup, target_id: str) -> str:
    """What holds of a target now: a key of REASONS."""
    if target_id not in group.targets:
        return "draining" if target_id in draining(group) else "unregistered"
    instance = group.ec2_backend.get_instance_by_id(target_id) if target_id.startswith("i-") else None
    if instance is not None and instance.state == "stopped":
        return "stopped"
    if not _in_use(group):
        return "idle"
    if WORLD.region_is_dead(group.region_name) or (instance is not None and _is_denied(group, instance)):
        return "unreachable"
    state = WORLD.target_state(group.region_name, group.arn, target_id)
    if state == "healthy" and not CLOCK.reached(_instants(group, "checked").get(target_id, 0.0)):
        return "initial"
    return state


def health_for(self: FakeTargetGroup, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
    found = condition(self, target["Id"])
    reason, description = REASONS[found]
    port = (self.targets.get(target["Id"]) or target).get("Port", self.port)
    return FakeHealthStatus(target["Id"], port, self.health_check_port, STATES.get(found, found), reason, description)


def _patch_registration() -> None:
    register, deregister = FakeTargetGroup.register, FakeTargetGroup.deregister
    terminated = FakeTargetGroup.deregister_terminated_instances

    def register_and_check(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        register(self, targets)
        for target in targets:
            _instants(self, "checked").setdefault(target["Id"], CLOCK.after(SETTINGS.target_initial_s))
            _instants(self, "drained").pop(target["Id"], None)

    def deregister_and_drain(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        ports = {target["Id"]: self.targets[target["Id"]]["Port"] for target in targets if target["Id"] in self.targets}
        deregister(self, targets)
        for target_id, port in ports.items():
            _drain(self, target_id, port)

    def terminate_and_drain(self: FakeTargetGroup, instance_ids: list[str]) -> None:
        ports = {target: self.targets[target]["Port"] for target in instance_ids if target in self.targets}
        terminated(self, instance_ids)
        for target_id, port in ports.items():
            _drain(self, target_id, port)

    FakeTargetGroup.register = register_and_check
    FakeTargetGroup.deregister = deregister_and_drain
    FakeTargetGroup.deregister_terminated_instances = terminate_and_drain


def _takes_access_logs(bucket: FakeBucket | None, region: str) -> bool:
    """Whether a load balancer of the region may write there: it is of the region, encrypted by S3, and lets it in."""
    if bucket is None or bucket.region_name != region or bucket.policy is None:
        return False
    return "aws:kms" not in json.dumps(bucket.encryption) and any(
        statement["Effect"] == "Allow" and LOG_DELIVERY in json.dumps(statement["Principal"])
        for statement in json.loads(bucket.policy)["Statement"]
    )


def _patch_access_logs() -> None:
    modify = ELBv2Backend.modify_load_balancer_attributes

    def modify_or_refuse(self: ELBv2Backend, arn: str, attrs: dict[str, Any]) -> dict[str, Any]:
        keep_alive = attrs.get("client_keep_alive.seconds", "60")
        if not (keep_alive.isdigit() and 60 <= int(keep_alive) <= 604800):
            raise InvalidConfigurationRequest(f"client_keep_alive.seconds must be from 60 to 604800, not {keep_alive}")
        if attrs.get("access_logs.s3.enabled") == "true":
            known = self.describe_load_balancer_attributes(arn)
            name = attrs.get("access_logs.s3.bucket") or known["access_logs.s3.bucket"]
            buckets = s3_backends[self.account_id][self.partition].buckets
            if not _takes_access_logs(buckets.get(name), self.region_name):
                raise InvalidConfigurationRequest(f"Access Denied for bucket: {name}. Please check S3bucket permission")
        return modify(self, arn, attrs)

    ELBv2Backend.modify_load_balancer_attributes = modify_or_refuse


def install() -> None:
    _patch_registration()
    _patch_access_logs()
    FakeTargetGroup.health_for = health_for
    describe = ELBv2Backend.describe_target_health

    def describe_with_draining(self: ELBv2Backend, target_group_arn: str, targets: list[dict[str, Any]]) -> Any:
        group = self.target_groups.get(target_group_arn)
        if group is not None and not targets:
            ports = vars(group).get("lab_ports", {})
            targets = list(group.targets.values()) + [{"Id": one, "Port": ports[one]} for one in draining(group)]
            if not targets:
                return []
        return describe(self, target_group_arn, targets)

    ELBv2Backend.describe_target_health = describe_with_draining
