# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Guards on whether the target region can take over. Pure."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import DETACH
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.enough import running
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AUTOSCALING,
    ECS,
    ComputeGroup,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import (
    ACCEPT_DATA_LOSS,
    FORCE,
    Obstacle,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import TRAFFIC_DIAL
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import UNHEALTHY

# The parts of a region, as the sentence about a missing one calls them.
PARTS = {
    "global_cluster": "global database",
    "cluster": "database cluster",
    "targets": "target group",
}
COMPUTES = {AUTOSCALING: "Auto Scaling group", ECS: "ECS service"}


def target_unreadable(seen: Situation) -> Obstacle | None:
    """A required fact of the target region is unknown."""
    elsewhere = seen.state.switch_fact == TRAFFIC_DIAL
    required = seen.required_facts if elsewhere else (*seen.required_facts, seen.state.switch_fact)
    unknown = seen.facts.unknown(required)
    if not unknown:
        return None
    shown = "; ".join(f"{name}: {error}" for name, error in unknown.items())
    sentence = f"{len(unknown)} of {len(required)} facts of {seen.target} are unknown: {shown}."
    return Obstacle("target_unreadable", sentence)


def switch_unreachable(seen: Situation) -> Obstacle | None:
    """The traffic dials are unknown, so the traffic could not be moved after the promotion.

    Global Accelerator's API is in one region only, which may be the lost one. Its data plane is not: clients of a
    region without a healthy load balancer are sent to the next one, and come back when the first one recovers.
    """
    fact = seen.facts[TRAFFIC_DIAL] if seen.state.switch_fact == TRAFFIC_DIAL else None
    if fact is None or fact.known:
        return None
    return Obstacle(
        "switch_unreachable",
        f"The traffic dials are unknown ({str(fact.error).rstrip('.')}), so the traffic could not be moved to "
        f"{seen.target}: Global Accelerator's API is in us-west-2 only. While no load balancer of the region with the "
        "traffic is healthy, its clients are sent to the next region. With the override the database is promoted, and "
        "the run stops at the traffic: run it again once us-west-2 responds.",
        FORCE,
    )


def target_incomplete(seen: Situation) -> Obstacle | None:
    """A resource that the target region needs does not exist."""
    groups = {
        one.fact: COMPUTES[one.compute] if one.is_own else f"{COMPUTES[one.compute]} {one.resource}"
        for one in seen.state.groups_of(seen.target)
    }
    parts = {**PARTS, **groups}
    missing = [words for name, words in parts.items() if seen.facts[name].known and seen.facts[name].value is None]
    if seen.view and seen.target not in (seen.members or ()) and not seen.is_detached:
        members = ", ".join(member["region"] for member in seen.view["members"])
        missing.append(f"member of the global database (members: {members or 'none'})")
    if not missing:
        return None
    return Obstacle("target_incomplete", f"{seen.target} has no {', no '.join(missing)}.")


def target_detached(seen: Situation) -> Obstacle | None:
    """The target's cluster is standalone: it lacks everything written elsewhere since it was detached.

    An interrupted run that detached it had accepted that; a new run has to accept the loss itself.
    """
    if not seen.is_detached:
        return None
    words = (
        f"The cluster of {seen.target} was detached: it is not a member of the global database and gets no writes from "
        "it."
    )
    if seen.method != DETACH:
        remedy = "method=detach continues with it as it is; playbooks/failback.yml rebuilds the global database."
        return Obstacle("target_detached", f"{words} A {seen.method} is impossible: {remedy}")
    if seen.is_resumed:
        return None
    sentence = f"{words} Continuing with it loses what was written elsewhere."
    return Obstacle("target_detached", sentence, ACCEPT_DATA_LOSS)


def target_capacity_suspended(seen: Situation) -> Obstacle | None:
    """A group runs too few instances, and a suspended process keeps it from getting more."""
    found = [one for one in seen.raised if one.stopped and not seen.is_enough(one)]
    if not seen.is_promotion_open or not found:
        return None
    said = [
        f"{' and '.join(one.stopped)} of {called(seen, one.group)} is suspended, so it gets no more healthy targets: "
        f"it runs {running(one.seen or {})} of {one.capacity.wanted} wanted instances."
        for one in found
    ]
    return Obstacle("target_capacity_suspended", f"{' '.join(said)} Resume the processes of the group.", FORCE)


def called(seen: Situation, group: ComputeGroup) -> str:
    """Return how sentences name a group of the target: the platform's own needs no name."""
    return f"the {COMPUTES[group.compute]} {'of' if group.is_own else group.resource + ' of'} {seen.target}"


def target_has_no_healthy_target(seen: Situation) -> Obstacle | None:
    """No target would receive the traffic. A fenced region gets its capacity back first, and the run waits for it."""
    targets = seen.facts.value("targets")
    if not seen.is_promotion_open or not targets or targets["healthy"]:
        return None
    if any(one.is_own and seen.own_sizes(one) for one in seen.state.groups_of(seen.target)):
        return None
    return Obstacle(
        "target_has_no_healthy_target",
        f"{seen.target} has no healthy target: 0 of {targets['registered']} registered ones; at least 1 is needed.",
    )


def targets_unhealthy(seen: Situation) -> Obstacle | None:
    """Too few targets are healthy in a region without compute of its own, where no step of the move gets more."""
    targets = seen.facts.value("targets")
    if seen.has_compute or not seen.is_promotion_open or not targets or not targets["healthy"]:
        return None
    signal = seen.verdict_of(seen.target).signals["load_balancer_targets"]
    if signal.state != UNHEALTHY:
        return None
    return Obstacle(
        "targets_unhealthy",
        f"{seen.target} has no compute of its own, so nothing raises what its targets can serve. {signal.reason}",
        FORCE,
    )
