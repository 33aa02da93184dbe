# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What happens to a platform, as functions from one planner's State to the next. Pure.

``platform`` is one at rest, everything known. ``apply`` carries out one step of a plan; the other functions are what
else happens: a run takes its lease, dies, time passes, a region is lost to the observer, or catches up again.

A state is what really holds as well as what is seen of it: facts that are unknown stay unknown whatever happens. A
simulation keeps a state where all is known, and shows the planner ``hidden`` copies of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AUTOSCALING,
    ECS,
    NO_COMPUTE,
    OWN,
    ComputeGroup,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import with_age
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.methods import resolve
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    APPLICATION_CAPACITY,
    Request,
    State,
    Step,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence import document as fencing
from ansible_collections.trading.multi_region.plugins.module_utils._fence.document import SERVICE_CAPACITY
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import statements as switch

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
VERSION = "8.0.mysql_aurora.3.10.5"
SAFE = "2027-01-15T07:59:40.000Z"
LOST = "no answer within 2.5 s"
GLOBAL_ENDPOINT = "writer.global.example"
NOW = 1_800_000_000.0
LEASE_SECONDS = 60
SIZES = {"min": 2, "desired": 2, "max": 6}
NO_SIZES = {"min": 0, "desired": 0, "max": 0}

# Facts of a region; what they hold is written down in _failover/observation.py.
FACTS = (
    *("global_cluster", "cluster", "instances", "lag", "targets", "group", "statements"),
    *("control_table", "lease", "run", "latest_move", "fences", "writer_endpoint"),
)
TABLE_FACTS = ("control_table", "lease", "run", "latest_move", "fences")


# --- a platform, and looking at it -----------------------------------------------------------------------------------


def platform(*regions: str, writer: str | None = None, traffic: str | None = None) -> State:
    """Return a platform at rest: every region fit, everything known. The first region is active by default."""
    names = regions or (EAST, WEST)
    writer = writer or names[0]
    view = build_view({name: "connected" for name in names}, writer)
    return State(
        order=names,
        facts={name: _region(name, names, view, is_writer=name == writer) for name in names},
        traffic_region=traffic or writer,
        groups=own_groups(names, SIZES),
        engine_version=VERSION,
        endpoint_parameters={name: f"/endpoint/{name}" for name in names},
        control_table="trading-failover-dev",
    )


def own_groups(regions: Iterable[str], sizes: Mapping[str, int], compute: str = AUTOSCALING) -> Any:
    """Return what each region runs its application on, with the sizes that it should run."""
    return dict.fromkeys(regions, () if compute == NO_COMPUTE else (ComputeGroup(compute=compute, sizes=sizes),))


def build_view(members: Mapping[str, str], writer: str | None, operation: Mapping[str, Any] | None = None) -> Any:
    """Return a global cluster; members: synchronization status by region."""
    return {
        "status": "available",
        "engine_version": VERSION,
        "endpoint": GLOBAL_ENDPOINT,
        "members": [
            {
                "arn": f"arn:aws:rds:{name}:1:cluster:c-{name}",
                "region": name,
                "is_writer": name == writer,
                "synchronization_status": status,
            }
            for name, status in members.items()
        ],
        "writer_region": writer,
        "failover_state": _flight(operation) if operation else {},
    }


def _flight(operation: Mapping[str, Any]) -> dict[str, Any]:
    return {"to_arn": f"arn:aws:rds:{operation['to_region']}:1:cluster:c-{operation['to_region']}", **operation}


def _region(name: str, names: Iterable[str], view: Any, is_writer: bool) -> Facts:
    one = {"status": "available", "engine_version": VERSION}
    values = {
        "global_cluster": view,
        "cluster": {
            **one,
            "identifier": f"c-{name}",
            "endpoint": own_endpoint(name),
            "writers": writers(name, is_writer),
        },
        "instances": [{**one, "identifier": f"{name}-{number}"} for number in range(2)],
        "lag": None if is_writer else sample(),
        "targets": {"registered": 2, "healthy": 2, "states": {}},
        "group": {**SIZES, "in_service": 2, "suspended": []},
        "statements": [],
        "control_table": "trading-failover-dev",
        "lease": None,
        "run": None,
        "latest_move": None,
        "fences": dict.fromkeys(names),
        "writer_endpoint": GLOBAL_ENDPOINT,
    }
    return Facts(name, {fact: Observation(value) for fact, value in values.items()})


def own_endpoint(region: str) -> str:
    """Return the endpoint of a region's own cluster."""
    return f"c-{region}.example"


def writers(region: str, is_writer: bool) -> list[str]:
    """Return the instances of a region's cluster that write."""
    return [f"{region}-0"] if is_writer else []


def sample(value_ms: float = 120.0, age_seconds: float = 20.0) -> dict[str, Any]:
    """Return a sample of the lag."""
    return {"value_ms": value_ms, "age_seconds": age_seconds, "sampled_at": "", "metric": "lag", "safe_instant": SAFE}


def with_observations(state: State, region: str, observations: Mapping[str, Observation]) -> State:
    """Return the state with some facts of one region replaced."""
    facts = state.facts[region]
    changed = Facts(region, {**{name: facts[name] for name in FACTS}, **observations})
    return replace(state, facts={**state.facts, region: changed})


def with_values(state: State, region: str, **values: Any) -> State:
    """Return the state with the values of some facts of one region changed; unknown ones stay unknown."""
    facts = state.facts[region]
    return with_observations(state, region, {n: Observation(v) for n, v in values.items() if facts[n].known})


def with_members(state: State, region: str, fact: str, **members: Any) -> State:
    """Return the state with members of one fact (a dictionary) of one region changed."""
    value = state.facts[region].value(fact)
    return with_values(state, region, **{fact: {**value, **members}}) if value else state


def hidden(state: State, region: str, names: Iterable[str] = FACTS, why: str = LOST) -> State:
    """Return what is seen when some facts of a region cannot be read; by default all of them."""
    return with_observations(state, region, dict.fromkeys(names, Observation(error=why)))


def reachable(state: State) -> frozenset[str]:
    """Return the regions that answer, as far as a state shows it: those whose control table can be read."""
    return frozenset(name for name, facts in state.facts.items() if facts["control_table"].known)


# --- runs ------------------------------------------------------------------------------------------------------------


def take_lease(state: State, region: str, run_id: str = "run-1", method: str = "failover", now: float = NOW) -> State:
    """Return the state after a run has taken the lease of a region, whatever lease there was."""
    existing = state.facts[region].value("lease")
    is_next = bool(existing) and existing["run_id"] == run_id
    lease = {
        "run_id": run_id,
        "claim": run_id,
        "owner": "operator@host",
        "attempt": existing["attempt"] + 1 if is_next else 1,
        "method": method,
        "trigger": "test",
        "target_region": region,
        "started_at": existing["started_at"] if is_next else now,
        "acquired_at": now,
        "renewed_at": now,
        "expires_at": now + LEASE_SECONDS,
        "lease_seconds": LEASE_SECONDS,
        "step": None,
        "outcome": "running",
        "revision": existing["revision"] + 1 if existing else 1,
        "previous": None,
    }
    return with_values(state, region, lease=with_age(lease, now))


def renew_lease(state: State, region: str, step: str, now: float) -> State:
    """Return the state after the run that holds a lease has begun a step."""
    lease = state.facts[region].value("lease")
    renewed = {**lease, "step": step, "renewed_at": now, "expires_at": now + LEASE_SECONDS}
    return with_values(state, region, lease=with_age(renewed, now))


def end_lease(state: State, region: str, outcome: str, now: float = NOW) -> State:
    """Return the state after a lease was released: successful, failed or stopped."""
    lease = state.facts[region].value("lease")
    if not lease:
        return state
    ended = with_age({**lease, "outcome": outcome, "renewed_at": now, "expires_at": now}, now)
    return with_values(state, region, lease=ended, **({"run": None} if outcome == "successful" else {}))


def killed(state: State, now: float = NOW) -> State:
    """Return the state once every lease of a run that ended without a word has expired; time is ``now`` then."""
    return at(state, now + LEASE_SECONDS + 1)


def at(state: State, now: float) -> State:
    """Return the state with the ages that leases and moves have at a time (epoch seconds)."""
    for region in state.order:
        lease, move = state.facts[region].value("lease"), state.facts[region].value("latest_move")
        aged = {"lease": with_age(lease, now)} if lease else {}
        if move:
            aged["latest_move"] = {**move, "age_seconds": max(0.0, now - move["ended_at"])}
        state = with_values(state, region, **aged) if aged else state
    return state


def acknowledge(state: State, by: str = "operator", now: float = NOW) -> State:
    """Return the state after the last move was acknowledged in every table that answers."""
    for region in state.order:
        said = {"by": by, "at": now, "reason": "seen"}
        state = with_members(state, region, "latest_move", acknowledged=said)
    return state


# --- the database ----------------------------------------------------------------------------------------------------


def view_of(state: State) -> Any:
    """Return the global cluster as the first region that can be asked sees it."""
    return next((view for facts in state.facts.values() if (view := facts.value("global_cluster"))), None)


def with_view(state: State, **members: Any) -> State:
    """Return the state with members of the global cluster changed in the eyes of every region."""
    for region in state.order:
        state = with_members(state, region, "global_cluster", **members)
    return state


def request_promotion(state: State, target: str, is_loss_allowed: bool) -> State:
    """Return the state after Aurora has accepted a managed failover or a switchover."""
    status = "failing-over" if is_loss_allowed else "switching-over"
    source = next((one["region"] for one in view_of(state)["members"] if one["is_writer"]), None)
    operation = {"status": status, "from_region": source, "to_region": target, "data_loss_allowed": is_loss_allowed}
    return with_view(state, failover_state=_flight(operation))


def detach(state: State, target: str) -> State:
    """Return the state after Aurora has accepted to take a region out of the global database."""
    members = [one for one in view_of(state)["members"] if one["region"] != target]
    return with_members(with_view(state, members=members), target, "cluster", status="promoting")


def finish_promotion(state: State, target: str) -> State:
    """Return the state once the target has a writer that serves, and no operation is under way.

    What was the writer before is rebuilt after a failover, and goes on protected after a switchover.
    """
    view = view_of(state)
    moving = view["failover_state"]
    if moving:
        old = "pending-resync" if moving["data_loss_allowed"] else "connected"
        statuses = {one["region"]: one["synchronization_status"] for one in view["members"]}
        statuses.update({moving["from_region"]: old, target: "connected"})
        members = build_view({name: status for name, status in statuses.items() if name}, target)["members"]
        state = with_view(state, members=members, writer_region=target, failover_state={})
        for region in statuses:
            if region and region != target and region in state.facts:
                state = with_members(state, region, "cluster", writers=[])
    instances = state.facts[target].value("instances") or []
    serving = [{**one, "status": "available"} if not index else one for index, one in enumerate(instances)]
    name = serving[0]["identifier"] if serving else None
    state = with_members(state, target, "cluster", status="available", writers=[name] if name else [])
    return with_values(state, target, instances=serving, lag=None)


def resynchronize(state: State, region: str) -> State:
    """Return the state once a region holds all data again."""
    members = [
        {**one, "synchronization_status": "connected"} if one["region"] == region else one
        for one in view_of(state)["members"]
    ]
    return with_values(with_view(state, members=members), region, lag=sample())


def rebuild(state: State, region: str) -> State:
    """Return the state once the global database was built again around a region that was detached."""
    view = build_view({name: "connected" for name in state.order}, region)
    for name in state.order:
        lag = None if name == region else sample()
        state = with_values(state, name, global_cluster=view, lag=lag, writer_endpoint=GLOBAL_ENDPOINT)
        state = with_members(state, name, "cluster", status="available", writers=writers(name, name == region))
    return state


# --- steps -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """One step about to be taken. regions: those that answer. now: epoch seconds."""

    step: Step
    request: Request
    target: str
    regions: Collection[str]
    now: float

    def seen(self, state: State) -> Situation:
        """Return the situation with its method."""
        return resolve(Situation(state, self.request, self.target))[0]


def apply(
    state: State, step: Step, request: Request, regions: Collection[str] | None = None, now: float = NOW
) -> State:
    """Return the state after one step of a plan was carried out.

    request: of the run; its target_region must be named. regions: those that answer (default: see ``reachable``); a
    step in another one, best effort, has no effect. A step that only notifies or reads changes nothing.
    """
    assert request.target_region, "apply needs the region that the run moves to"
    answering = reachable(state) if regions is None else regions
    act = Act(step, request, request.target_region, answering, now)
    effect = EFFECTS.get((step.group or {}).get("step", step.step))
    return effect(state, act) if effect and step.region in answering else state


def _write_fence(state: State, act: Act, document: Mapping[str, Any] | None) -> State:
    item = {"document": document, "written_at": f"{act.now:.3f}"} if document else None
    for region in act.regions:
        state = with_members(state, region, "fences", **{act.step.region: item})
    return state


def _fence(state: State, act: Act, mode: str, removed: Any, resource: str = "resource") -> State:
    asked = {"mode": mode, fencing.RESOURCES[mode]: resource, "run_id": "run-1"}
    measure = fencing.build_measure(asked, fencing.DONE, removed, act.now, done_at=act.now)
    stored = Situation(state, act.request, act.target).fence_of(act.step.region).value
    return _write_fence(state, act, fencing.with_measure(stored, act.step.region, measure))


def _turn_switch(state: State, act: Act) -> State:
    view = {name: frozenset(state.facts[name].value("statements") or ()) for name in act.regions}
    for region, said in switch.takeover(act.target, view, state.order).items():
        state = with_values(state, region, statements=sorted(said))
    return replace(state, traffic_region=act.target)


def _fence_database(state: State, act: Act) -> State:
    return _fence(state, act, Situation(state, act.request, act.target).fencing, [])


def _fence_application(state: State, act: Act) -> State:
    region, group = act.step.region, _group_of(state, act.step)
    mode = SERVICE_CAPACITY if group.compute == ECS else APPLICATION_CAPACITY
    seen = state.facts[region].value(group.fact) or SIZES
    state = _fence(state, act, mode, {name: seen[name] for name in SIZES}, group.resource or "resource")
    if not group.is_own:
        return with_members(state, region, group.fact, **NO_SIZES, in_service=0, healthy=0)
    state = with_members(state, region, "group", **NO_SIZES, in_service=0)
    return with_values(state, region, targets={"registered": 0, "healthy": 0, "states": {}})


def _group_of(state: State, step: Step) -> ComputeGroup:
    """The group that a step raises or stops."""
    name = (step.group or {}).get("name", OWN)
    return next(one for one in state.groups_of(step.region) if one.name == name)


def _unfence(state: State, act: Act) -> State:
    seen = Situation(state, act.request, act.target)
    state = _write_fence(state, act, None)
    for one in state.groups_of(act.target):
        now = state.facts[act.target].value(one.fact) or SIZES
        given_back = {name: max(now[name], size) for name, size in (seen.own_sizes(one) or {}).items()}
        state = with_members(state, act.target, one.fact, **given_back)
    return state


def _promote_request(state: State, act: Act) -> State:
    if "rds:RemoveFromGlobalCluster" in act.step.calls:
        return detach(state, act.target)
    return request_promotion(state, act.target, "rds:FailoverGlobalCluster" in act.step.calls)


def _capacity_ask(state: State, act: Act) -> State:
    group = _group_of(state, act.step)
    wanted = _wanted(state, act, group)
    now = state.facts[act.target].value(group.fact) or SIZES
    return with_members(state, act.target, group.fact, **{size: max(now[size], wanted) for size in ("min", "desired")})


def _wanted(state: State, act: Act, group: ComputeGroup) -> int:
    return next(one.capacity.wanted for one in act.seen(state).raised if one.group.name == group.name)


def _capacity_wait(state: State, act: Act) -> State:
    group = _group_of(state, act.step)
    if not group.is_own:
        return with_members(state, act.target, group.fact, healthy=_wanted(state, act, group))
    now = state.facts[act.target].value("targets") or {"registered": 0, "healthy": 0}
    count = max(1, now["healthy"], _wanted(state, act, group))
    return with_members(state, act.target, "targets", healthy=count, registered=max(count, now["registered"]))


def _announce(state: State, act: Act) -> State:
    seen = act.seen(state)
    return with_values(
        state, act.target, run={"run_id": "run-1", "method": seen.method, "from_region": seen.source_region}
    )


def _repoint(state: State, act: Act) -> State:
    found = act.seen(state).endpoint
    for region in (act.target, *found.others):
        state = with_values(state, region, writer_endpoint=found.wanted)
    return state


def _record(state: State, act: Act) -> State:
    seen = act.seen(state)
    run_id = (seen.unfinished or {}).get("run_id", "run-1")
    move = {
        "version": 1,
        "run_id": run_id,
        "method": seen.method,
        "from_region": seen.source_region,
        "target_region": act.target,
        # The steps are of a request with the planned target; here no run was given one.
        "requested_target_region": None,
        "trigger": act.request.trigger,
        "ended_at": act.now,
        "acknowledged": None,
        "age_seconds": 0.0,
    }
    for region in act.regions:
        state = with_values(state, region, latest_move=move)
    return end_lease(state, act.target, "successful", act.now)


EFFECTS: Mapping[str, Callable[[State, Act], State]] = {
    "unfence": _unfence,
    "fence": _fence_database,
    "promote_request": _promote_request,
    "capacity_ask": _capacity_ask,
    "announce": _announce,
    "promote_wait": lambda state, act: finish_promotion(state, act.target),
    "repoint": _repoint,
    "capacity_wait": _capacity_wait,
    "traffic": _turn_switch,
    "fence_application": _fence_application,
    "record": _record,
}
