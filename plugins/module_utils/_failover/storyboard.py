# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The steps of a move in order, and when each is still needed. Pure.

The order follows from the invariants, which are checked on every plan (invariants.py). In an unplanned move seconds
count: slow operations are requested first, and notifications are sent while they run. A planned move takes no risks:
the target is ready before the writer moves, and no region is fenced. A step whose effect is already visible is omitted,
and that is how an interrupted run is resumed.

The operator's own steps (_hooks/hook.py) have no visible effect. Those before a step are omitted once that step is;
those after one are taken by each attempt, unless they run once and the run's record says that they have finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import DETACH, FAILOVER, SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AUTOSCALING,
    ECS,
    ComputeGroup,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN
from ansible_collections.trading.multi_region.plugins.module_utils._failover.capacity import Raised, waves
from ansible_collections.trading.multi_region.plugins.module_utils._failover.invariants import check
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    APPLICATION_CAPACITY,
    DATABASE_INGRESS,
    NETWORK_ACL,
    Step,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import SERVICE_CAPACITY
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import (
    AFTER_PROMOTION,
    AFTER_TRAFFIC,
    BEFORE_PROMOTION,
    BEFORE_TRAFFIC,
    ONCE,
    SOURCE,
    Hook,
)

Read = Callable[[Situation], bool]
Words = Callable[[Situation], str]

PROMOTION_CALLS = {
    FAILOVER: ("rds:FailoverGlobalCluster",),
    SWITCHOVER: ("rds:SwitchoverGlobalCluster",),
    DETACH: ("rds:RemoveFromGlobalCluster",),
}
FENCE_CALLS = {
    NETWORK_ACL: ("ec2:ReplaceNetworkAclEntry", "dynamodb:PutItem"),
    DATABASE_INGRESS: ("ec2:RevokeSecurityGroupIngress", "dynamodb:PutItem"),
}
FENCE_WORDS = {
    NETWORK_ACL: "nothing reaches or leaves its database's subnets, also on open connections",
    DATABASE_INGRESS: "its database accepts no new connections",
}
UNFENCE_CALLS = {
    NETWORK_ACL: "ec2:ReplaceNetworkAclEntry",
    DATABASE_INGRESS: "ec2:AuthorizeSecurityGroupIngress",
    APPLICATION_CAPACITY: "autoscaling:UpdateAutoScalingGroup",
    SERVICE_CAPACITY: "ecs:UpdateService",
}
# What raises the capacity of the target, and what removes that of the source, by their compute.
RAISE_CALLS = {
    AUTOSCALING: ("autoscaling:PutScheduledUpdateGroupAction", "autoscaling:UpdateAutoScalingGroup"),
    ECS: (
        "application-autoscaling:PutScheduledAction",
        "application-autoscaling:RegisterScalableTarget",
        "ecs:UpdateService",
    ),
}
REMOVE_CALLS = {
    AUTOSCALING: ("autoscaling:UpdateAutoScalingGroup", "dynamodb:PutItem"),
    ECS: ("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService", "dynamodb:PutItem"),
}
# What is read of a group besides its targets, where the platform's target group is not theirs.
READ_CALLS = {AUTOSCALING: "autoscaling:DescribeAutoScalingGroups", ECS: "ecs:DescribeServices"}
TARGETS_CALL = "elasticloadbalancing:DescribeTargetHealth"
STARTED = {AUTOSCALING: "Instances", ECS: "Tasks"}


def _at_target(seen: Situation) -> str:
    return seen.target


@dataclass(frozen=True)
class Scene:
    """A step of a storyboard: its name, when it is needed, why, its API calls, and the region in which it acts."""

    name: str
    is_needed: Read
    why: Words
    calls: Callable[[Situation], tuple[str, ...]]
    region: Callable[[Situation], str] = _at_target
    hook: Hook | None = None
    group: Mapping[str, Any] | None = None


def _always(*calls: str) -> Callable[[Situation], tuple[str, ...]]:
    return lambda _seen: calls


def _publishing(seen: Situation) -> tuple[str, ...]:
    return ("sns:Publish",) if seen.state.has_topics else ()


def _why_announce(seen: Situation) -> str:
    told = "Notify that the move has begun, and record" if seen.state.has_topics else "Record"
    return f"{told} it in {seen.target}'s control table."


def _why_notify(seen: Situation) -> str:
    if not seen.state.has_topics:
        return "Nobody is notified: this platform has no topic (platform_layers.monitoring)."
    return f"Notify through {seen.target}'s topic, and through those of the other regions if they respond."


def _never(_seen: Situation) -> bool:
    return False


def _without_words(_seen: Situation) -> str:
    return ""


def _left(seen: Situation) -> str:
    return seen.source_region or seen.target


def _asked_in(seen: Situation) -> str:
    """A switchover is requested in the current primary ("SwitchoverGlobalCluster" of the Amazon RDS API Reference)."""
    return (seen.member_writer or seen.target) if seen.method == SWITCHOVER else seen.target


def _is_fence_wanted(seen: Situation, *modes: str) -> bool:
    """A switchover that Aurora is carrying out needs the region that would be fenced, whatever was requested."""
    return seen.fencing in modes and seen.operation_method != SWITCHOVER and seen.source_region is not None


def _is_traffic_open(seen: Situation) -> bool:
    """Also if the name resolves to the target only because another region cannot be read now."""
    return seen.is_promotion_open or not seen.is_pinned


def _why_promote(seen: Situation) -> str:
    writer = seen.member_writer or "an unknown region"
    if seen.method == SWITCHOVER:
        return f"The writer is in {writer}; Aurora moves it once {seen.target} has all data, so nothing is lost."
    if seen.method == DETACH:
        return f"The writer is in {writer}; {seen.target} leaves it for good, and writes not replicated yet are lost."
    refused = " If AWS refuses it, the region is detached, provided accept_data_loss is true."
    return f"The writer is in {writer}; data loss up to the lag is allowed." + refused * (seen.request.method == AUTO)


def _why_repoint(seen: Situation) -> str:
    found = seen.endpoint
    current = (found.current.value or "absent") if found.current.known else "unknown"
    where = ", ".join([seen.target, *found.others])
    silent = f" Not repointed, because they do not respond: {', '.join(found.silent)}." if found.silent else ""
    return f"{found.parameter} is {current}; applications of {where} write to {found.wanted or 'the writer'}.{silent}"


UNFENCE = Scene(
    "unfence",
    lambda seen: bool(seen.own_measures),
    lambda seen: f"{seen.target} was fenced by run {seen.own_measures[0].get('run_id')}: restore what that removed.",
    lambda seen: tuple(dict.fromkeys(UNFENCE_CALLS[one["mode"]] for one in seen.own_measures)),
)
FENCE = Scene(
    "fence",
    lambda seen: _is_fence_wanted(seen, *FENCE_CALLS) and not seen.is_source_fenced,
    lambda seen: f"Best effort: if {seen.source_region} responds, {FENCE_WORDS[seen.fencing]}.",
    lambda seen: FENCE_CALLS[seen.fencing],
    _left,
)
PROMOTE_REQUEST = Scene(
    "promote_request",
    lambda seen: seen.is_promotion_open,
    _why_promote,
    lambda seen: PROMOTION_CALLS[seen.method],
    _asked_in,
)
# Stand for the steps of the target's groups, in their order (_of_groups): the first ones are requested early.
CAPACITY_ASK = Scene("capacity_ask", _never, _without_words, _always())
CAPACITY_WAIT = Scene("capacity_wait", _never, _without_words, _always())
# Only if a step before the verification is left: see build_steps.
ANNOUNCE = Scene(
    "announce",
    lambda seen: True,
    _why_announce,
    lambda seen: (*_publishing(seen), "dynamodb:PutItem"),
)
PROMOTE_WAIT = Scene(
    "promote_wait",
    lambda seen: not seen.is_writer_proven,
    lambda seen: f"Traffic may follow only once {seen.target} accepts writes.",
    _always("rds:DescribeGlobalClusters", "rds:DescribeDBClusters", "rds:DescribeDBInstances"),
)
REPOINT = Scene("repoint", lambda seen: seen.is_repoint_needed, _why_repoint, _always("ssm:PutParameter"))
# What a name resolves to is no state of the platform, so it cannot be omitted where traffic is still to move.
ENDPOINT_WAIT = Scene(
    "endpoint_wait",
    _is_traffic_open,
    lambda seen: "AWS changes the DNS of the global writer endpoint later than the writer; traffic follows it.",
    _always("DNS query", "rds:DescribeGlobalClusters", "rds:DescribeDBClusters", "ssm:GetParameter"),
)
TRAFFIC = Scene(
    "traffic",
    _is_traffic_open,
    lambda seen: f"The name resolves to {seen.traffic or 'an unknown region'}; after this step it stays.",
    lambda seen: seen.state.switch_calls,
)
# Stands for those of the source region's groups, in the reverse order.
FENCE_APPLICATION = Scene("fence_application", _never, _without_words, _always())
VERIFY = Scene(
    "verify",
    lambda seen: True,
    lambda seen: f"Name, endpoint and writer must be seen in {seen.target} from outside.",
    _always("DNS query", "HTTP GET", "rds:DescribeGlobalClusters"),
)
NOTIFY = Scene(
    "notify",
    lambda seen: True,
    _why_notify,
    _publishing,
)
RECORD = Scene(
    "record",
    lambda seen: True,
    lambda seen: f"Write steps, times and verdicts to {seen.target}'s control table, and release the lease.",
    _always("dynamodb:PutItem"),
)

ENDING = (VERIFY, NOTIFY, RECORD)
UNPLANNED = (
    *(UNFENCE, FENCE, PROMOTE_REQUEST, CAPACITY_ASK, ANNOUNCE, PROMOTE_WAIT),
    *(REPOINT, CAPACITY_WAIT, ENDPOINT_WAIT, TRAFFIC, FENCE_APPLICATION, *ENDING),
)
STORYBOARDS: dict[str, tuple[Scene, ...]] = {
    FAILOVER: UNPLANNED,
    DETACH: UNPLANNED,
    SWITCHOVER: (
        *(UNFENCE, CAPACITY_ASK, CAPACITY_WAIT, ANNOUNCE, PROMOTE_REQUEST, PROMOTE_WAIT),
        *(REPOINT, ENDPOINT_WAIT, TRAFFIC, *ENDING),
    ),
}
# Steps that may still be missing in a run that stopped after writer and traffic had reached the target.
CONTROL_TABLE = (ANNOUNCE, REPOINT, *ENDING)


# The step at which a hook runs, and whether it runs before or after it.
PLACES = {
    BEFORE_PROMOTION: (PROMOTE_REQUEST, True),
    AFTER_PROMOTION: (PROMOTE_WAIT, False),
    BEFORE_TRAFFIC: (TRAFFIC, True),
    AFTER_TRAFFIC: (TRAFFIC, False),
}


def _is_unplanned(seen: Situation) -> bool:
    return seen.method != SWITCHOVER


def _of_groups(seen: Situation, storyboard: tuple[Scene, ...]) -> list[Scene]:
    """Return a storyboard with the steps of the groups in place of those that stand for them.

    A wave is raised once those before it have their healthy capacity. So besides the first one, those that wait for
    nothing more are requested early.
    """
    found = waves(seen.raised)
    early = next((place for place, wave in enumerate(found) if not all(one.is_ready for one in wave)), len(found)) + 1
    late = [
        scene
        for place, wave in enumerate(found)
        for scene in [_ask(seen, one, is_early=False) for one in wave if place >= early]
        + [_wait(seen, one) for one in wave]
    ]
    places = {
        CAPACITY_ASK: [_ask(seen, one, is_early=True) for wave in found[:early] for one in wave],
        CAPACITY_WAIT: late,
        FENCE_APPLICATION: [_stop(seen, one) for one in seen.left_running],
    }
    return [one for scene in storyboard for one in places.get(scene, [scene])]


def group_options(one: Raised) -> dict[str, Any]:
    """Return what raises a group of the target: its name, what it is for AWS, and how many are wanted, and why."""
    wanted = {"wanted": one.capacity.wanted, "reason": one.capacity.reason}
    return {"name": one.group.name, "compute": one.group.compute, **one.group.as_member(), **wanted}


def _scene_for(seen: Situation, group: ComputeGroup, place: Scene, options: Mapping[str, Any], **given: Any) -> Scene:
    """Return the scene of one group; only with several does the step have to say which one it is."""
    region = seen.source_region if place is FENCE_APPLICATION else seen.target
    is_alone = group.is_own and len(seen.state.groups_of(region)) == 1
    return Scene(group.named(place.name), **given, group=None if is_alone else {"step": place.name, **options})


def _ask(seen: Situation, one: Raised, is_early: bool) -> Scene:
    started = f" {STARTED[one.group.compute]} start while the promotion runs." * _is_unplanned(seen)
    if not is_early:
        started = f" {STARTED[one.group.compute]} start once the groups before it are healthy."
    return _scene_for(
        seen,
        one.group,
        CAPACITY_ASK,
        group_options(one),
        is_needed=lambda _seen: not one.is_asked,
        why=lambda _seen: f"Wanted: {one.capacity.reason}{started}",
        calls=_always(*RAISE_CALLS[one.group.compute]),
    )


def _wait(seen: Situation, one: Raised) -> Scene:
    less = " If AWS cannot launch all of them, min_capacity_percent is enough after capacity_timeout."
    what = "targets" if one.group.is_own else STARTED[one.group.compute].lower()
    return _scene_for(
        seen,
        one.group,
        CAPACITY_WAIT,
        group_options(one),
        is_needed=lambda _seen: not one.is_ready,
        why=lambda _seen: (
            f"{one.needed} healthy {what} are needed before traffic arrives." + less * _is_unplanned(seen)
        ),
        calls=_always(*([] if one.group.is_own else [READ_CALLS[one.group.compute]]), TARGETS_CALL),
    )


def _stop(seen: Situation, group: ComputeGroup) -> Scene:
    whole = "it runs no application" if group.is_own else f"{group.resource} runs nothing there"
    return _scene_for(
        seen,
        group,
        FENCE_APPLICATION,
        {"name": group.name, "compute": group.compute, **group.as_member()},
        is_needed=lambda seen: _is_fence_wanted(seen, APPLICATION_CAPACITY),
        why=lambda seen: f"Best effort: if {seen.source_region} responds, {whole} once the traffic has left it.",
        calls=_always(*REMOVE_CALLS[group.compute]),
        region=_left,
    )


def _with_hooks(seen: Situation, storyboard: list[Scene]) -> list[Scene]:
    """Return a storyboard with the hooks of the request at their places, those of one moment in their order."""
    scenes = []
    for scene in storyboard:
        before, after = (
            [_scene_of(hook, scene) for hook in seen.request.hooks if PLACES.get(hook.moment) == (scene, is_before)]
            for is_before in (True, False)
        )
        scenes += [*before, scene, *after]
    return scenes


def _scene_of(hook: Hook, place: Scene) -> Scene:
    is_before = PLACES[hook.moment][1]

    def is_needed(seen: Situation) -> bool:
        is_over = hook.run == ONCE and hook.step in seen.hooks_finished
        is_late = is_before and (seen.is_at_target or not place.is_needed(seen))
        return not is_over and not is_late and (not hook.methods or seen.method in hook.methods)

    return Scene(
        hook.step,
        is_needed,
        lambda _seen: hook.summary,
        _always(hook.file),
        (lambda seen: seen.source_region or UNKNOWN) if hook.side == SOURCE else _at_target,
        hook,
    )


def build_steps(seen: Situation) -> tuple[Step, ...]:
    """Return the remaining steps, checked against the invariants. Raises InvariantViolation."""
    if seen.is_complete:
        return ()
    storyboard = _with_hooks(seen, _of_groups(seen, STORYBOARDS[seen.method]))
    scenes = [scene for scene in storyboard if scene.is_needed(seen)]
    if seen.is_at_target:
        scenes = [
            scene
            for scene in scenes
            if scene in CONTROL_TABLE or scene.hook or scene.name.startswith(FENCE_APPLICATION.name)
        ]
    if scenes[0] is ANNOUNCE:
        scenes = scenes[1:] if scenes[1] is VERIFY else scenes
    steps = tuple(
        Step(scene.name, scene.region(seen), scene.calls(seen), scene.why(seen), scene.hook, scene.group)
        for scene in scenes
    )
    check(seen, steps)
    return steps
