# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Could each standby handle the traffic? Pure: one function per check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.enough import running, stopped_processes
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AUTOSCALING,
    ECS,
    NO_COMPUTE,
    OWN,
    ComputeGroup,
    group_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import (
    HEALTHY,
    UNHEALTHY,
    Settings,
    load_balancer_targets,
)
from ansible_collections.trading.multi_region.plugins.module_utils._platform.observe import last_capacity
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    PROVISION,
    Finding,
    Seen,
    blocker,
    counted,
    listed,
    ok,
    warning,
)

# The quota on vCPUs of running on-demand instances, and the families that count towards it: A, C, D, H, I, M, R, T, Z.
# Source: "Amazon EC2 instance type quotas" of the Amazon EC2 Instance Types guide.
STANDARD_QUOTA = "L-1216C47A"
ONLY_RESERVED = "capacity-reservations-only"
STANDARD_FAMILY = re.compile(r"(a|c|d|h|i|im|is|m|r|t|z)[0-9]")


def target_health(seen: Seen) -> Iterator[Finding]:
    """Enough targets are healthy to serve traffic now."""
    for region in seen.order:
        signal = load_balancer_targets(seen.facts[region], Settings(min_healthy_ratio=seen.limits.min_healthy_ratio))
        remedy = "Check the health reasons of the target group; run site.yml if there are no targets."
        healthy = (seen.facts[region].value("targets") or {}).get("healthy", 0)
        if signal.state == HEALTHY:
            yield ok(region, signal.reason)
        elif signal.state == UNHEALTHY and healthy:
            yield warning(region, signal.reason, remedy)
        elif signal.state == UNHEALTHY:
            yield seen.broken(region, signal.reason, remedy)
        else:
            yield seen.unknown(region, "the targets' health", seen.facts[region]["targets"].error, is_vital=True)


def needed_instances(seen: Seen, name: str = OWN) -> tuple[int, str]:
    """Return how many instances a group of a standby would have to run, and the source of the number.

    What the active region runs now; if that cannot be read, the larger of what it should run by the manifest and what
    a health check last saw.
    """
    active = group_of(seen.entry(seen.reference), name) or ComputeGroup(name)
    meant = active.sizes.get("desired", 0)
    group = seen.facts[seen.reference].value(active.fact)
    if group is None:
        last = last_capacity(seen.facts).get(active.seen_as(seen.reference), 0)
        if last > meant:
            return last, f"{seen.reference} ran {last} when a health check last saw it"
        return meant, f"{seen.reference} should run {meant} by the manifest"
    return int(group["desired"]), f"{seen.reference} runs {group['desired']}"


def _targets_alone(seen: Seen, region: str) -> Finding:
    """Return the finding for a standby without compute of its own: its targets are all that a move can count on."""
    facts = (seen.facts[region]["targets"], seen.facts[seen.reference]["targets"])
    unread = next((fact for fact in facts if not fact.known or fact.value is None), None)
    if unread is not None:
        return seen.unknown(region, "how many targets it needs", unread.error or "a target group does not exist")
    own, active = (fact.value["healthy"] for fact in facts)
    figures = (
        f"The region has no compute of its own: {counted(own, 'target')} are healthy; {seen.reference} has {active}"
    )
    if own < active:
        return warning(
            region, f"{figures}. A move raises nothing.", "Register as many targets as the active region has."
        )
    return ok(region, f"{figures}.")


def _service(seen: Seen, region: str, one: ComputeGroup, service: dict[str, Any] | None) -> Finding:
    """Return the finding for a standby's ECS service: its bounds, and whether it is steady."""
    name, (needed, source) = one.resource, needed_instances(seen, one.name)
    if service is None:
        option = "application_ecs_service" if one.is_own else "application_compute_groups"
        return blocker(region, f"The ECS service {name} does not exist.", f"Create it, or correct {option}.")
    most = "any number" if service["max"] is None else service["max"]
    figures = f"{_called(one)} runs {service['in_service']} of {service['desired']} tasks and may run {most}; {source}"
    if service["max"] is not None and service["max"] < needed:
        remedy = f"Raise the maximum capacity of the scalable target of {name} to at least {needed}."
        return blocker(region, f"{figures}.", remedy)
    if service["strategy"] != "REPLICA":
        remedy = "Use a service with the scheduling strategy REPLICA."
        return blocker(
            region, f"{name} has the scheduling strategy {service['strategy']}, so it has no desired count.", remedy
        )
    if one.is_own and (entry_arn := _unregistered(seen, region, service)):
        remedy = "Have the service register its tasks there, then run site.yml."
        return blocker(region, f"{name} does not register its tasks with {entry_arn}.", remedy)
    if service["in_service"] < service["desired"] or service["rollout"] == "FAILED" or service["deployments"] > 1:
        state = f"{counted(service['deployments'], 'deployment')}, the newest {service['rollout'] or 'without a state'}"
        return warning(
            region, f"{figures}. It is not in a steady state: {state}.", "Look at the events of the service."
        )
    missing = max(0, needed - service["desired"])
    return ok(region, f"{figures}." + (f" A failover starts {counted(missing, 'task')}." if missing else ""))


def _unregistered(seen: Seen, region: str, service: dict[str, Any]) -> str | None:
    """Return the target group of the region if the service does not register its tasks with it."""
    arn = seen.entry(region)["target_group_arn"]
    return None if arn in service["target_group_arns"] else arn


def _called(one: ComputeGroup) -> str:
    """Return how a sentence begins: the platform's own needs no name."""
    if one.is_own:
        return "The service" if one.compute == ECS else "The group"
    return f"{one.resource} ({one.name})"


def _group(seen: Seen, region: str, one: ComputeGroup, group: dict[str, Any] | None) -> Finding:
    """Return the finding for a standby's Auto Scaling group: its maximum, and whether it may launch instances."""
    needed, source = needed_instances(seen, one.name)
    if group is None:
        remedy = PROVISION if one.is_own else "Create it, or correct application_compute_groups."
        return blocker(region, f"The Auto Scaling group {one.resource} does not exist.", remedy)
    stopped = stopped_processes(group)
    figures = f"{_called(one)} runs {group['desired']} and may run {group['max']}; {source}"
    if group["max"] < needed:
        raised = "application_max_size" if one.is_own else f"the maximum size of {one.resource}"
        return blocker(region, f"{figures}.", f"Raise {raised} to at least {needed} and run site.yml.")
    if stopped and running(group) >= needed:
        reason = f"{figures}. That is enough, but {listed(stopped)} is suspended, so no instance would be replaced."
        return warning(region, reason, "Resume the group's processes.")
    if stopped:
        return blocker(region, f"{figures}, but {listed(stopped)} is suspended.", "Resume the group's processes.")
    missing = max(0, needed - group["desired"])
    return ok(region, f"{figures}." + (f" A failover starts {counted(missing, 'instance')}." if missing else ""))


def capacity(seen: Seen) -> Iterator[Finding]:
    """Every group of every standby may become as large as the active region's."""
    for region in seen.standbys:
        if seen.compute(region) == NO_COMPUTE:
            yield _targets_alone(seen, region)
        for one in seen.groups(region):
            fact = seen.facts[region][one.fact]
            if fact.known:
                yield (_service if one.compute == ECS else _group)(seen, region, one, fact.value)
            else:
                what = "the Auto Scaling group" if one.is_own else one.resource
                yield seen.unknown(region, what, fact.error, is_vital=True)


def vcpu_quota(seen: Seen) -> Iterator[Finding]:
    """The account's quota allows the missing instances of all groups to start."""
    for region in seen.standbys:
        groups = [one for one in seen.groups(region) if one.compute == AUTOSCALING]
        if groups:
            yield _vcpu_room(seen, region, groups)


@dataclass(frozen=True)
class _Start:
    """What a move starts of a group: instances, and the vCPUs of its largest type. gap: what is unknown, and why."""

    group: ComputeGroup
    needed: int
    running: int = 0
    vcpus: int = 0
    gap: tuple[str, str] | None = None

    @property
    def missing(self) -> int:
        return max(0, self.needed - self.running)

    @property
    def figures(self) -> str:
        instances = f"{counted(self.missing, 'instance')} of {counted(self.vcpus, 'vCPU')}"
        return instances if self.group.is_own else f"{instances} ({self.group.name})"


def _start_of(seen: Seen, region: str, one: ComputeGroup) -> _Start:
    facts, (needed, _source) = seen.facts[region], needed_instances(seen, one.name)
    instances = "its instances" if one.is_own else f"the instances of {one.resource}"
    group, fact = facts.value(one.fact), one.named("instance_types")
    if group is None:
        why = facts[one.fact].error or "there is no group"
        return _Start(one, needed, gap=(f"how many of {instances} are missing", why))
    start = _Start(one, needed, group["desired"])
    if not start.missing:
        return start
    types = facts.value(fact) or seen.facts[seen.reference].value(fact)
    if not types:
        return replace(start, gap=(f"the type of {instances}", facts[fact].error or "the group names none"))
    if not all(STANDARD_FAMILY.match(name) for name in types):
        why = "only the quota of the standard families is checked"
        return replace(start, gap=(f"the quota of {listed(sorted(types))}", why))
    return replace(start, vcpus=max(types.values()))


def _vcpu_room(seen: Seen, region: str, groups: Iterable[ComputeGroup]) -> Finding:
    """Return the finding for the groups of a standby; what is unknown of one hides no lack of room for the others."""
    starts, quota = [_start_of(seen, region, one) for one in groups], seen.facts[region]["vcpu_quota"]
    gaps, known = [one.gap for one in starts if one.gap], [one for one in starts if one.vcpus]
    figures, wanted = " and ".join(one.figures for one in known), sum(one.missing * one.vcpus for one in known)
    used = (quota.value or {}).get("used") or 0
    if known and quota.known and used + wanted > quota.value["limit"]:
        remedy = f"Request at least {used + wanted:g} vCPUs in {region} from Service Quotas."
        return blocker(region, f"A move starts {figures}; {_limit(quota.value)}, {used:g} are used.", remedy)
    if gaps:
        return seen.unknown(region, *gaps[0])
    if not known:
        have, needed = sum(one.running for one in starts), sum(one.needed for one in starts)
        return ok(region, f"No instances have to be started: {have} are running, {needed} are needed.")
    if not quota.known:
        return seen.unknown(region, f"the quota {STANDARD_QUOTA} of vCPUs", quota.error)
    figures = f"A move starts {figures}; {_limit(quota.value)}"
    if quota.value["used"] is None:
        return seen.unknown(region, f"{figures}, which is enough, but its use", quota.value["used_error"])
    return ok(region, f"{figures}, {used:g} are used.")


def _limit(quota: dict[str, Any]) -> str:
    return f"the quota {STANDARD_QUOTA} is {quota['limit']:g}"


def capacity_reservations(seen: Seen) -> Iterator[Finding]:
    """The missing instances fit into the Capacity Reservations that a group prefers; others have no finding."""
    needed, _source = needed_instances(seen)
    for region in seen.standbys_of(AUTOSCALING):
        fact, group = seen.facts[region]["capacity_reservations"], seen.facts[region].value("group") or {}
        if not fact.known:
            yield seen.unknown(region, "the group's Capacity Reservations", fact.error)
        elif fact.value is not None:
            yield _reserved_room(seen, region, fact.value, max(0, needed - group.get("desired", 0)))


def _reserved_room(seen: Seen, region: str, setting: dict[str, Any], missing: int) -> Finding:
    named = listed(setting["capacity_reservation_ids"]) or "open Capacity Reservations"
    remedy = (
        f"Reserve at least {counted(missing, 'instance')} in {region}, or change application_capacity_reservation_ids."
    )
    if setting["reservations"] is None:
        return seen.broken(region, f"Not all of {named} exist.", "Correct application_capacity_reservation_ids.")
    types = seen.facts[region].value("instance_types") or {}
    fitting = [one for one in setting["reservations"] if one["state"] == "active" and one["type"] in types]
    free, total = (sum(one[name] for one in fitting) for name in ("available", "total"))
    figures = (
        f"{free} of {counted(total, 'reserved instance')} ({named}) are free for {listed(sorted(types)) or 'no type'};"
        f" a failover starts {missing}."
    )
    if free >= missing:
        return ok(region, figures)
    if setting["preference"] == ONLY_RESERVED:
        return blocker(region, figures, remedy)
    return warning(region, f"{figures} The others need other capacity, which AWS may not have.", remedy)


def target_quota(seen: Seen) -> Iterator[Finding]:
    """The load balancer's quota allows as many targets as the group may have instances."""
    needed, _source = needed_instances(seen)
    for region in seen.standbys:
        quota, group = seen.facts[region]["target_quota"], seen.facts[region].value("group")
        if not quota.known:
            yield seen.unknown(region, "the quota of targets", quota.error)
            continue
        registered = (seen.facts[region].value("targets") or {}).get("registered", 0)
        most = max(needed, (group or {}).get("max") or registered)
        figures = f"A load balancer may have {quota.value} targets, the region {most}."
        if quota.value < needed:
            yield blocker(region, figures, f"Request at least {most} targets in {region} from Service Quotas.")
        elif quota.value < most:
            yield warning(region, figures, f"Request at least {most} targets in {region} from Service Quotas.")
        else:
            yield ok(region, figures)
