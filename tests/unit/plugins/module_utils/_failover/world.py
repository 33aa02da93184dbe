# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A simulated world: regions, Aurora, the traffic switch, leases, and several controllers that move the platform.

The real code decides: the planner, the rules of the writer module and of the lease, the switch's statements, the
records. What they act on is simulated. A sequence is random and repeatable: one seed, one history.

After every event the invariants of the design are checked; ``Broken`` contains the history of a violation.

1. Clients never write to a history of the database that lacks what they wrote before, unless a run accepted that loss.
   Two regions that accept writes and have traffic, at the same time or alternately, would cause that.
2. The tool moves the traffic only to a region whose database is the proven writer. Between Aurora's promotion and that
   step the name still answers with the old region: that window is inherent. The traffic moves by itself only where its
   region is lost before all others have been updated, or in the one sequence that _traffic/statements.py documents.
3. Capacity is never lowered in the region that has the traffic.
4. Every effect is that of the holder of the target's lease, and no other run believes that it holds the lease.
   A lease that is not released expires.
5. A promotion is requested only if it is needed: nothing in flight, and the writer not at the target.
   An orphan, the worker of a run whose controller was killed, has none.
6. Once it is quiet, the same command ends with writer and traffic in one region, or is refused and says why.

``Guards`` are what the modules and playbooks must do besides the pure code; each can be disabled, to show
that the world notices.
"""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import promotion
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import DETACH, FAILOVER, SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder as leases
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import (
    RENEW_AFTER,
    RUNNING,
    lost,
    with_age,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    APPLICATION_CAPACITY,
    DATABASE_INGRESS,
    NO_FENCING,
    Request,
    State,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence import document as fencing
from ansible_collections.trading.multi_region.plugins.module_utils._runs.history import build_move
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import statements as switch
from ansible_collections.trading.multi_region.tests.unit.failover_model import (
    EAST,
    EUROPE,
    FACTS,
    GLOBAL_ENDPOINT,
    LEASE_SECONDS,
    LOST,
    NOW,
    SIZES,
    VERSION,
    WEST,
    build_view,
    own_endpoint,
    own_groups,
    sample,
    writers,
)

NAMES = (EAST, WEST, EUROPE, "eu-west-2")
NEWER = "8.0.mysql_aurora.3.12.0"
# How a region is: it answers, it is gone, or only we do not reach it while clients and Route 53 do.
UP, GONE, CUT = "up", "gone", "cut"
PLANNED, HOLDING, DEAD, FAILED, DONE = "planned", "holding", "dead", "failed", "done"
HIDDEN = Observation(error=LOST)
LAGS = {"none": None, "fresh": sample(), "old": sample(120.0, 600.0), "high": sample(90_000.0, 20.0)}


class Broken(AssertionError):
    """An invariant does not hold."""


class Stopped(Exception):
    """A step that does not go on: the run fails there."""


@dataclass(frozen=True)
class Guards:
    """What is relied on.

    holds_lease: every step proves the lease before it changes anything; fence_holds_lease, record_holds_lease: these
    steps too. expired_is_lost: a lease that has expired is not renewed, even if no other run has taken it.
    looks_again: the run plans again once it has the lease, so that of two concurrent runs one sees the other.
    expects_writer: a promotion is requested only where the writer still is where the plan saw it.
    proves_writer: the traffic step looks at the writer first.
    expects_traffic: it goes on only where the name answers with what the plan saw it answer with, or with the target.
    fence_looks: capacity is taken only from a region that the name does not answer with.
    only_raises: capacity is never asked down. one_operation: no promotion is requested during another.
    dies_with_controller: a worker stops when its controller has ended. answer_in_time: a renewal that is answered after
    the lease has expired proves nothing. ambiguous_is_unknown: a refusal after a request whose answer was lost is no
    ground for another method.
    """

    holds_lease: bool = True
    fence_holds_lease: bool = True
    record_holds_lease: bool = True
    expired_is_lost: bool = True
    looks_again: bool = True
    fence_looks: bool = True
    expects_writer: bool = True
    proves_writer: bool = True
    expects_traffic: bool = True
    only_raises: bool = True
    one_operation: bool = True
    dies_with_controller: bool = True
    answer_in_time: bool = True
    ambiguous_is_unknown: bool = True


class Region:
    """What really is, in one region. branch: the history that its database holds; see ``World.parents``."""

    __slots__ = (
        *("name", "reach", "desired", "healthy", "minimum", "maximum", "version", "status", "has_writer", "instances"),
        *("is_member", "is_zombie", "sync", "lag", "fences", "said", "lease", "run", "move", "endpoint", "branch"),
    )

    def __init__(self, name: str, is_writer: bool):
        self.name, self.reach = name, UP
        self.minimum, self.desired, self.healthy, self.maximum = SIZES["min"], SIZES["desired"], 2, SIZES["max"]
        self.version, self.status, self.has_writer, self.instances = VERSION, "available", is_writer, "available"
        self.is_member, self.is_zombie, self.sync, self.lag = True, False, "connected", "fresh"
        self.fences: dict[str, Any] = {}
        self.said = switch.SILENT
        self.lease: dict[str, Any] | None = None
        self.run: dict[str, Any] | None = None
        self.move: dict[str, Any] | None = None
        self.endpoint, self.branch = GLOBAL_ENDPOINT, 0

    def serves(self) -> bool:
        return self.status == "available" and self.has_writer and self.instances == "available"


class Run:
    """One controller with its request, its plan, and how far it is. until: when its lease expires, as it knows."""

    def __init__(self, request: Request, hidden: frozenset[str], number: int):
        self.request, self.hidden, self.number = request, hidden, number
        self.offered, self.owner = f"run-{number}", f"controller-{number}"
        self.id, self.attempt, self.until = self.offered, 0, 0.0
        self.plan: Any = None
        # The member that the plan saw as the writer; of a detached region with the traffic, Plan.writer_region is that.
        self.writer: str | None = None
        self.next = 0
        self.state = PLANNED
        self.is_usurped = self.is_orphan = self.is_slow = False
        self.method_asked: str | None = None
        self.turns = 0
        # Promotions that the world had seen when this run last knew where the writer was.
        self.promotions = 0


PLANS: dict[Any, Any] = {}
SEEN: dict[Any, Facts] = {}


class World:
    """One platform and its controllers, moved by dice. See the top of this file."""

    def __init__(self, dice: Random, tally: Counter, guards: Guards = Guards(), planner: Any = None):
        self.dice, self.tally, self.guards = dice, tally, guards
        # Faults of the network and orphans have dice of their own: without them a history is what it was before them.
        self.odds = Random(dice.getstate()[1][1])
        self.is_quiet, self.turns = False, 0
        self.plan_with = planner or build_plan
        self.order = NAMES[: dice.choices((2, 3, 4), (6, 3, 1))[0]]
        active = dice.choice(self.order) if dice.random() < 0.3 else self.order[0]
        self.regions = {name: Region(name, name == active) for name in self.order}
        for name, said in switch.settled(active, self.order).items():
            self.regions[name].said = said
        self.writer, self.operation, self.version = active, None, VERSION
        self.now, self.runs, self.numbers = NOW, [], 0
        self.parents = [0]
        # The history that clients wrote to last; where the tool put the traffic last, and where it is.
        self.written, self.put, self.traffic = 0, active, active
        self.is_unpinned, self.promotions = False, 0
        self.history: list[str] = []
        self.last_seen: dict[str, Facts] = {}
        self.groups = own_groups(self.order, SIZES)
        self.parameters = {name: f"/endpoint/{name}" for name in self.order}

    # --- what really is

    def log(self, what: str) -> None:
        self.history.append(what)

    def demand(self, is_so: bool, sentence: str) -> None:
        if not is_so:
            raise Broken(sentence + ":\n  " + "\n  ".join(self.history))

    def answered(self) -> str:
        """Return the region that the name answers with: Route 53 hears every region that is not gone."""
        view = {name: None if one.reach == GONE else one.said for name, one in self.regions.items()}
        return switch.active_region(view, self.order)

    def is_proven(self, name: str) -> bool:
        one = self.regions[name]
        if one.is_member and (self.writer != name or self.operation):
            return False
        return one.serves()

    def is_writer(self, name: str) -> bool:
        one = self.regions[name]
        if one.is_member:
            return self.writer == name and not self.operation
        return one.has_writer

    def accepts_writes(self, name: str) -> bool:
        one = self.regions[name]
        if one.reach == GONE:
            return False
        return one.is_zombie or (one.has_writer and (not one.is_member or self.writer == name))

    def descends(self, branch: int, ancestor: int) -> bool:
        while branch > ancestor:
            branch = self.parents[branch]
        return branch == ancestor

    def new_branch(self, name: str) -> None:
        self.parents.append(self.regions[name].branch)
        self.regions[name].branch = len(self.parents) - 1

    def follow(self) -> None:
        """Members that answer hold what the writer has."""
        for one in self.regions.values():
            if one.is_member and one.reach != GONE and not one.is_zombie:
                one.branch = self.regions[self.writer].branch

    # --- the invariants

    def check(self, before: dict[str, int], by_tool: bool = False) -> None:
        """Demand what must hold after every event. before: desired capacity by region."""
        traffic = self.answered()
        if traffic != self.traffic:
            self.turns += 1
            self.log(f"   -> the name answers with {traffic}")
            if not by_tool:
                self.check_pin(traffic)
        elif self.regions[traffic].desired < before[traffic]:
            self.demand(False, f"Capacity was lowered in {traffic}, which has the traffic")
        self.traffic = traffic
        # What is written where the traffic went by itself (check_pin) was promised nothing until a run holds it there.
        if traffic == self.put and self.accepts_writes(traffic):
            branch = self.regions[traffic].branch
            self.demand(
                self.descends(branch, self.written),
                f"Clients write to history {branch} in {traffic}, which lacks what they wrote to {self.written}",
            )
            self.written = branch
        believers = Counter(
            run.plan.target_region
            for run in self.runs
            if run.state == HOLDING and run.until > self.now and not run.is_usurped
        )
        self.demand(not believers or max(believers.values()) < 2, f"Two runs hold one lease: {believers}")

    def check_pin(self, traffic: str) -> None:
        rest = switch.settled(self.put, self.order)
        others = [one for one in self.regions.values() if one.name != self.put]
        all_told = all(one.reach != GONE and one.said == rest[one.name] for one in others)
        is_gone = self.regions[self.put].reach == GONE
        if traffic == self.put:
            return
        self.demand(self.is_unpinned or (is_gone and not all_told), f"The traffic left {self.put} by itself")
        self.tally["traffic left a lost region by itself"] += 1

    # --- what is seen

    def facts_of(self, name: str) -> Facts:
        one = self.regions[name]
        lease, members = one.lease, tuple((r.name, r.sync) for r in self.regions.values() if r.is_member)
        move = one.move
        key = (
            *(name, members, self.writer, self.operation, self.version, one.version, one.status, one.has_writer),
            *(one.instances, one.lag, one.healthy, one.minimum, one.desired, one.maximum, one.said, one.endpoint),
            *(one.is_member, tuple((n, f and f[0]) for n, f in one.fences.items())),
            tuple(one.run.values()) if one.run else None,
            (*(v for n, v in lease.items() if n != "previous"), self.now) if lease else None,
            (move["run_id"], move["method"], move["ended_at"], move["acknowledged"] is None, self.now) if move else 0,
        )
        found = SEEN.get(key)
        if found is None:
            if len(SEEN) > 50_000:
                SEEN.clear()
            found = SEEN[key] = Facts(name, {n: Observation(v) for n, v in self._values(one).items()})
            found.key = key  # type: ignore[attr-defined]
        return found

    def _values(self, one: Region) -> dict[str, Any]:
        members = {r.name: r.sync for r in self.regions.values() if r.is_member}
        names = ("status", "from_region", "to_region", "data_loss_allowed")
        operation = dict(zip(names, self.operation, strict=True)) if self.operation else None
        lease = with_age(one.lease, self.now) if one.lease else None
        is_open = lease and lease["is_unfinished"] and one.run and one.run["run_id"] == lease["run_id"]
        age = max(0.0, self.now - one.move["ended_at"]) if one.move else 0.0
        return {
            "global_cluster": {**build_view(members, self.writer, operation), "engine_version": self.version},
            "cluster": {
                "identifier": f"c-{one.name}",
                "status": one.status,
                "engine_version": one.version,
                "endpoint": own_endpoint(one.name),
                "writers": writers(one.name, one.has_writer),
            },
            "instances": [
                {"identifier": f"{one.name}-{n}", "status": one.instances, "engine_version": one.version}
                for n in range(2)
            ],
            "lag": LAGS[one.lag] if one.is_member and one.name != self.writer else None,
            "targets": {"registered": max(one.desired, one.healthy), "healthy": one.healthy, "states": {}},
            "group": {"min": one.minimum, "desired": one.desired, "max": one.maximum, "in_service": one.healthy},
            "statements": sorted(one.said),
            "control_table": "trading-failover-dev",
            "lease": lease,
            "run": one.run if is_open else None,
            "latest_move": {**one.move, "age_seconds": age} if one.move else None,
            "fences": {name: (one.fences.get(name) or (None, None))[1] for name in self.order},
            "writer_endpoint": one.endpoint,
        }

    def reaches(self, run: Run, name: str) -> bool:
        return self.regions[name].reach == UP and name not in run.hidden

    def plan(self, run: Run, is_fresh: bool = False) -> Any:
        """Return the real planner's answer to what this controller sees now, some of it a moment old."""
        facts, view, keys = {}, {}, []
        for name in self.order:
            if not self.reaches(run, name):
                facts[name], view[name] = Facts(name, dict.fromkeys(FACTS, HIDDEN)), None
                keys.append(name)
                continue
            seen = self.facts_of(name)
            if not is_fresh and name in self.last_seen and self.dice.random() < 0.1:
                self.tally["stale facts"] += 1
                seen = self.last_seen[name]
            self.last_seen[name] = facts[name] = seen
            view[name] = frozenset(seen.value("statements"))
            keys.append(seen.key)  # type: ignore[attr-defined]
        key = (run.request, *keys)
        self.tally["plans"] += 1
        if self.plan_with is build_plan and key in PLANS:
            return PLANS[key]
        traffic = switch.active_region(view, self.order) if any(v is not None for v in view.values()) else None
        state = State(self.order, facts, traffic, self.groups, VERSION, self.parameters)
        self.tally["different plans"] += 1
        plan = self.plan_with(state, run.request)
        found = plan, Situation(state, run.request, plan.target_region or "").member_writer
        if self.plan_with is build_plan:
            if len(PLANS) > 50_000:
                PLANS.clear()
            PLANS[key] = found
        return found

    # --- a run

    def start(self, request: Request, hidden: frozenset[str] = frozenset(), is_fresh: bool = False) -> Run | None:
        """A controller looks and plans; return it where it may go on."""
        self.numbers += 1
        run = Run(request, hidden, self.numbers)
        run.plan, run.writer = self.plan(run, is_fresh)
        if not self.is_accepted(run):
            return None
        self.runs.append(run)
        return run

    def is_accepted(self, run: Run) -> bool:
        plan = run.plan
        if plan.obstacles:
            self.log(f"{run.offered} refused: {[one.code for one in plan.obstacles]} {describe(run)}")
            self.demand(all(one.sentence for one in plan.obstacles), "A refusal says nothing")
            self.tally["refusals"] += 1
            for one in plan.obstacles:
                self.tally[f"refused {one.code}"] += 1
            run.state = FAILED
            return False
        if not plan.steps:
            self.log(f"{run.offered} finds {plan.target_region} active")
            self.tally["arrived"] += 1
            run.state = DONE
            return False
        self.log(
            f"{run.offered} plans {plan.method} to {plan.target_region}: {[s.step for s in plan.steps]} {describe(run)}"
        )
        return True

    def take_lease(self, run: Run) -> None:
        """Raise Stopped where the lease is another's; by the real code of the lease."""
        target = self.regions[run.plan.target_region]
        if not self.reaches(run, target.name):
            raise Stopped("no answer")
        self.now += 1
        existing = with_age(target.lease, self.now) if target.lease else None
        params = {
            "run_id": run.offered,
            "owner": run.owner,
            "method": run.request.method,
            "trigger": "dice",
            "lease_seconds": LEASE_SECONDS,
            "resume_within": run.request.resume_within,
            "takeover_run_id": run.request.takeover_run_id,
        }
        try:
            claim = leases.decide(existing, params, target.name, self.now)
        except Refused as refused:
            self.tally["lease refused"] += 1
            raise Stopped("lease held") from refused
        revision = (existing or {"revision": 0})["revision"] + 1
        target.lease = leases.build_lease(claim, params, target.name, revision, self.now)
        run.id, run.attempt, run.state = claim.run_id, claim.attempt, HOLDING
        run.until, run.promotions, run.turns = self.now + LEASE_SECONDS, self.promotions, self.turns
        if existing and existing["is_live"]:
            self.usurp(run, existing)
        if claim.kind in ("resumed", "taken over"):
            self.tally[f"lease {claim.kind}"] += 1
        self.log(f"{run.offered} has the lease of {target.name} ({claim.kind}, {run.id} attempt {run.attempt})")

    def usurp(self, run: Run, existing: dict[str, Any]) -> None:
        for other in self.runs:
            if (
                other is not run
                and other.id == existing["run_id"]
                and other.plan.target_region == run.plan.target_region
            ):
                other.is_usurped = True

    def begin(self, run: Run) -> None:
        """Take the lease, and look again under it: what was planned may be of another day."""
        self.take_lease(run)
        if not self.guards.looks_again:
            return
        again, run.writer = self.plan_under(run)
        if again is None:
            raise Stopped("refused under the lease")
        if not again.steps:
            self.log(f"{run.offered} finds {run.plan.target_region} active under its lease")
            self.release(run, "successful")
            run.state = DONE
        run.plan = again

    def plan_under(self, run: Run) -> Any:
        """Return the plan as it is under the run's own lease, or None where there is an obstacle now."""
        request = replace(run.request, target_region=run.plan.target_region, takeover_run_id=run.id)
        again, writer = self.plan(replace_request(run, request), is_fresh=True)
        others = [n for n in self.order if n != run.plan.target_region and self.reaches(run, n)]
        live = [n for n in others if self.regions[n].lease and with_age(self.regions[n].lease, self.now)["is_live"]]
        if live or again.obstacles or again.target_region != run.plan.target_region:
            self.tally["refused under the lease"] += 1
            self.log(f"{run.offered} is refused under its lease: {live} {[one.code for one in again.obstacles]}")
            return None, None
        return again, writer

    def hold(self, run: Run, step: str) -> None:
        """Prove the lease, and renew it once it is due, as lease.Lease.hold does at the first write of a step."""
        target = self.regions[run.plan.target_region]
        if not self.reaches(run, target.name):
            raise Stopped("the lease could not be renewed")
        lease = with_age(target.lease, self.now) if target.lease else None
        is_expired = self.guards.expired_is_lost and not (lease and lease["is_live"])
        if is_expired or lost(lease, run.id, run.attempt, target.name):
            self.tally["lease lost"] += 1
            raise Stopped("lease lost")
        target.lease = {**target.lease, "step": step, "revision": target.lease["revision"] + 1}
        if target.lease["expires_at"] - self.now <= LEASE_SECONDS * (1 - RENEW_AFTER):
            target.lease.update(renewed_at=self.now, expires_at=self.now + LEASE_SECONDS)
        run.until = target.lease["expires_at"]
        self.answer_late(run)

    def answer_late(self, run: Run) -> None:
        """The answer to a renewal arrives when time has passed, and others may have acted in it."""
        if self.is_quiet or run.is_slow or self.odds.random() >= 0.02:
            return
        seconds = self.odds.choice((5, 30, LEASE_SECONDS + 1, LEASE_SECONDS + 30))
        self.tally["late answers"] += 1
        self.now += seconds
        self.log(f"   {run.offered} hears {seconds} s later that it renewed its lease")
        if self.now < run.until:
            return
        others = [one for one in self.runs if one is not run and one.state in (PLANNED, HOLDING) and not one.is_slow]
        if others and self.odds.random() < 0.7:
            # One at a time is enough, and keeps the history readable.
            run.is_slow = True
            self.advance(self.odds.choice(others), self.odds.choice((1, 2, 4)))
            run.is_slow = False
        if self.guards.answer_in_time:
            self.tally["late answers refused"] += 1
            raise Stopped("the answer came after the lease had expired")

    def acts(self, run: Run, step: str, is_held: bool = True) -> None:
        """A run is about to change something: it must be the one that has the lease."""
        if is_held and self.guards.holds_lease:
            self.hold(run, step)
        lease = self.regions[run.plan.target_region].lease
        is_own = bool(lease) and (lease["run_id"], lease["attempt"], lease["outcome"]) == (run.id, run.attempt, RUNNING)
        self.demand(is_own, f"{run.offered} does {step} without the lease of {run.plan.target_region}")
        if is_held and self.guards.holds_lease and self.guards.expired_is_lost:
            is_live = with_age(lease or {}, self.now)["is_live"]
            self.demand(is_live, f"{run.offered} does {step} after its lease of {run.plan.target_region} expired")
        self.demand(not run.is_orphan, f"{run.offered} does {step} although its controller has ended")

    def advance(self, run: Run, count: int, is_lucky: bool = False) -> None:
        """Take the next steps, as playbooks/failover.yml does; a step that stops ends the attempt."""
        try:
            if run.state == PLANNED:
                before = self.sizes()
                self.begin(run)
                self.check(before)
            while count and run.state == HOLDING:
                before, step = self.sizes(), run.plan.steps[run.next]
                self.log(f"{run.offered} {step.step} ({run.plan.target_region})")
                getattr(self, f"do_{step.step}")(run, step, is_lucky)
                run.next += 1
                count -= 1
                self.tally["steps"] += 1
                if run.next == len(run.plan.steps):
                    run.state = DONE
                    self.tally["finished moves"] += 1
                self.check(before, by_tool=step.step == "traffic")
                if step.step in ("traffic", "verify"):
                    # Where the traffic is from now on is another run's doing, or its region's loss.
                    run.turns = self.turns
        except Stopped as why:
            self.log(f"{run.offered} stops: {why}")
            self.tally["stopped runs"] += 1
            self.release(run, "failed")
            run.state = FAILED
            self.check(self.sizes())

    def release(self, run: Run, outcome: str) -> None:
        target = self.regions[run.plan.target_region]
        if run.state != HOLDING or not self.reaches(run, target.name):
            return
        if not lost(with_age(target.lease, self.now) if target.lease else None, run.id, run.attempt, target.name):
            target.lease = {**target.lease, "outcome": outcome, "renewed_at": self.now, "expires_at": self.now}
            target.lease["revision"] += 1

    def sizes(self) -> dict[str, int]:
        return {name: one.desired for name, one in self.regions.items()}

    # --- steps: what the modules do

    def do_unfence(self, run: Run, step: Any, _is_lucky: bool) -> None:
        target = self.regions[step.region]
        self.acts(run, step.step, self.guards.fence_holds_lease)
        if not self.reaches(run, target.name):
            raise Stopped("no answer")
        item = target.fences.get(target.name)
        for one in fencing.measures_of(item[1]["document"]) if item else ():
            if one["mode"] == APPLICATION_CAPACITY:
                target.minimum = max(target.minimum, one["removed"]["min"])
                target.desired = max(target.desired, one["removed"]["desired"])
                target.maximum = max(target.maximum, one["removed"]["max"])
        for one in self.regions.values():
            if self.reaches(run, one.name):
                one.fences.pop(target.name, None)

    def fence(self, run: Run, step: Any, mode: str, removed: Any) -> None:
        left = self.regions[step.region]
        asked = {"mode": mode, fencing.RESOURCES[mode]: "resource", "run_id": run.id}
        measure = fencing.build_measure(asked, fencing.DONE, removed, self.now)
        stored = left.fences.get(left.name)
        document = fencing.with_measure(stored[1]["document"] if stored else None, left.name, measure)
        item = {"document": document, "written_at": f"{self.now:.3f}"}
        key = tuple((one["mode"], one["run_id"], str(one["removed"])) for one in fencing.measures_of(document))
        for one in self.regions.values():
            if self.reaches(run, one.name):
                one.fences[left.name] = ((key, self.now), item)

    def do_fence(self, run: Run, step: Any, _is_lucky: bool) -> None:
        self.acts(run, step.step, self.guards.fence_holds_lease)
        if self.reaches(run, step.region):
            self.fence(run, step, DATABASE_INGRESS, [])

    def do_fence_application(self, run: Run, step: Any, _is_lucky: bool) -> None:
        self.acts(run, step.step, self.guards.fence_holds_lease)
        left = self.regions[step.region]
        if self.guards.fence_looks and self.answered() == step.region:
            raise Stopped("the region has the traffic")
        if self.reaches(run, step.region):
            removed = {"min": left.minimum, "desired": left.desired, "max": left.maximum}
            self.fence(run, step, APPLICATION_CAPACITY, removed)
            left.minimum = left.desired = left.maximum = left.healthy = 0

    def do_promote_request(self, run: Run, step: Any, is_lucky: bool) -> None:
        self.promote(run, step.step, run.plan.promotion, is_lucky)

    def promote(self, run: Run, step: str, options: Any, is_lucky: bool) -> None:
        """Do what rds_global_cluster_writer does: join, find it done, request, or refuse."""
        target = self.regions[run.plan.target_region]
        if not self.reaches(run, target.name):
            raise Stopped("no answer")
        expected = run.writer if self.guards.expects_writer else None
        request = promotion.Request(
            global_cluster_identifier="trading",
            db_cluster_arns={name: f"arn:aws:rds:{name}:1:cluster:c-{name}" for name in self.order},
            **{**options, "expected_writer_region": expected},
        )
        lag = LAGS[target.lag] or {"value_ms": None, "age_seconds": None}
        refused: dict[str, str] = {}
        while True:
            observed = self.observed(target)
            decision = promotion.decide(observed, {**lag, "reason": "dice"}, request, refused)
            run.method_asked = promotion.method_used(decision.method, observed)
            if decision.action == "refuse":
                raise Stopped(decision.reason[:200])
            if decision.action != "request":
                return
            asked_in = target.name if decision.method != SWITCHOVER else self.writer
            if not self.reaches(run, asked_in):
                raise Stopped("no answer")
            self.acts(run, step)
            if self.accept(target, decision.method, is_lucky):
                if not is_lucky and self.odds.random() < 0.05:
                    self.answer_ambiguously(run, observed, decision.method, request, lag)
                self.log(f"   Aurora accepts {decision.method} to {target.name}")
                self.tally["promotions"] += 1
                self.promotions = run.promotions = self.promotions + 1
                return
            self.tally["promotions refused by Aurora"] += 1
            refused[decision.method] = "AWS refused."

    def answer_ambiguously(self, run: Run, before: Any, method: str, request: Any, lag: Any) -> None:
        """The answer to an accepted request is lost, its repetition is refused, and the readings are old."""
        self.tally["ambiguous refusals"] += 1
        self.promotions = run.promotions = self.promotions + 1
        self.log(f"   the answer to {method} is lost, and its repetition is refused")
        if self.guards.ambiguous_is_unknown:
            raise Stopped("it is unknown whether AWS accepted the request")
        again = promotion.decide(before, {**lag, "reason": "dice"}, request, {method: "AWS refused."})
        self.demand(again.action != "request", f"A {again.method} was requested during the {method}")
        raise Stopped(again.reason[:200])

    def observed(self, target: Region) -> dict[str, Any]:
        """Return what the writer module reads in the target's region."""
        arn = f"arn:aws:rds:{target.name}:1:cluster:c-{target.name}"
        state = {}
        if self.operation and self.guards.one_operation:
            status, source, to, is_lossy = self.operation
            # An operation that is being given up is no longer any target's: it is not joined.
            to_arn = None if status == "cancelling" else f"arn:aws:rds:{to}:1:cluster:c-{to}"
            state = {"status": status, "from_region": source, "to_region": to, "to_arn": to_arn}
            state["data_loss_allowed"] = is_lossy
        return {
            "global_cluster_identifier": "trading",
            "engine_version": self.version,
            "members": [
                {
                    "arn": f"arn:aws:rds:{one.name}:1:cluster:c-{one.name}",
                    "region": one.name,
                    "is_writer": one.name == self.writer,
                    "synchronization_status": one.sync,
                }
                for one in self.regions.values()
                if one.is_member
            ],
            "writer_region": self.writer,
            "failover_state": state,
            "target": {
                "region": target.name,
                "arn": arn,
                "identifier": f"c-{target.name}",
                "is_member": target.is_member,
                "cluster_status": target.status,
                "engine_version": target.version,
                "endpoint": own_endpoint(target.name),
                "instances": [{"identifier": "0", "status": target.instances, "is_writer": target.has_writer}],
            },
        }

    def accept(self, target: Region, method: str, is_lucky: bool) -> bool:
        """Aurora is asked. Return whether it accepts; it moves one writer at a time."""
        self.demand(not self.operation, "A promotion was requested during another")
        self.demand(
            target.is_member and self.writer != target.name, "A promotion was requested that is already complete"
        )
        if target.version != self.version and method != DETACH or not is_lucky and self.dice.random() < 0.03:
            return False
        if method == DETACH:
            target.is_member, target.status = False, "promoting"
            return True
        if method == SWITCHOVER and self.regions[self.writer].reach == GONE:
            return False
        status = "switching-over" if method == SWITCHOVER else "failing-over"
        self.operation = (status, self.writer, target.name, method != SWITCHOVER)
        return True

    def progress(self, target: Region, is_lucky: bool) -> None:
        """Aurora goes on with what leads to a region: it ends, is given up, or takes longer."""
        chance = 0.0 if is_lucky else self.dice.random()
        if not target.is_member and target.status == "promoting" and target.reach != GONE and chance < 0.8:
            target.status, target.has_writer, target.instances = "available", True, "available"
            self.new_branch(target.name)
        if not self.operation:
            return
        status, source, name, is_lossy = self.operation
        to, old = self.regions[name], self.regions[source]
        is_stuck = (
            to.reach == GONE or not to.is_member or (not is_lossy and old.reach == GONE) or status == "cancelling"
        )
        if is_stuck or chance > 0.9:
            self.operation = None if is_stuck or chance > 0.95 else ("cancelling", source, name, is_lossy)
            self.tally["operations given up"] += 1
            self.log("   Aurora gives up")
        elif chance < 0.75:
            self.finish(old, to, is_lossy)

    def finish(self, old: Region, to: Region, is_lossy: bool) -> None:
        self.operation, self.writer = None, to.name
        to.status, to.has_writer, to.instances, to.lag, to.sync = "available", True, "available", "fresh", "connected"
        if not is_lossy:
            to.branch = old.branch
        else:
            self.new_branch(to.name)
            old.sync = "pending-resync"
        old.has_writer = old.is_zombie = old.reach != UP
        self.follow()
        self.log(f"   Aurora has moved the writer to {to.name}")

    def do_capacity_ask(self, run: Run, step: Any, _is_lucky: bool) -> None:
        target, wanted = self.regions[run.plan.target_region], run.plan.capacity_wanted
        if not self.reaches(run, target.name) or wanted > target.maximum:
            raise Stopped("capacity refused")
        if self.guards.only_raises and min(target.minimum, target.desired) >= wanted:
            return
        self.acts(run, step.step)
        target.desired = max(target.desired, wanted) if self.guards.only_raises else wanted
        target.minimum = max(target.minimum, wanted)

    def do_capacity_wait(self, run: Run, step: Any, is_lucky: bool) -> None:
        self.do_capacity_ask(run, step, is_lucky)
        target = self.regions[run.plan.target_region]
        self.acts(run, step.step)
        if not is_lucky and self.dice.random() < 0.1:
            raise Stopped("not healthy in time")
        target.healthy = target.desired
        if target.healthy < run.plan.capacity_wanted:
            raise Stopped("not enough")

    def do_announce(self, run: Run, _step: Any, _is_lucky: bool) -> None:
        self.tell(run)

    def tell(self, run: Run) -> None:
        """Write the run's record wherever it can be; its own id and attempt keep it apart from others'."""
        plan = run.plan
        for one in self.regions.values():
            if self.reaches(run, one.name):
                came = (one.run or {}).get("from_region") if (one.run or {}).get("run_id") == run.id else None
                left = plan.active_region if plan.active_region not in (None, plan.target_region) else came
                one.run = {"run_id": run.id, "method": run.method_asked or plan.method, "from_region": left}

    def do_promote_wait(self, run: Run, step: Any, is_lucky: bool) -> None:
        plan, target = run.plan, self.regions[run.plan.target_region]
        method = run.method_asked or plan.method
        self.promote(
            run,
            step.step,
            {**plan.promotion, "method": method, "accept_data_loss": plan.method != SWITCHOVER},
            is_lucky,
        )
        for _look in range(2):
            if not self.is_proven(target.name):
                self.progress(target, is_lucky)
        if not self.is_proven(target.name):
            raise Stopped("the promotion is not complete in time")

    def do_repoint(self, run: Run, step: Any, _is_lucky: bool) -> None:
        target = self.regions[run.plan.target_region]
        if not self.reaches(run, target.name):
            raise Stopped("no answer")
        if not target.is_member and not target.has_writer:
            raise Stopped("no instance that writes")
        wanted = GLOBAL_ENDPOINT if target.is_member else own_endpoint(target.name)
        followers = [self.regions[name] for name in run.plan.writer_endpoint.others if self.reaches(run, name)]
        if any(one.endpoint != wanted for one in (target, *followers)):
            self.acts(run, step.step)
        for one in (target, *followers):
            one.endpoint = wanted

    def do_endpoint_wait(self, _run: Run, _step: Any, _is_lucky: bool) -> None:
        """Only looks, and ends well whatever it sees."""

    def do_traffic(self, run: Run, step: Any, is_lucky: bool, is_half: bool = False) -> None:
        name = run.plan.target_region
        if self.guards.proves_writer:
            if not self.reaches(run, name) or not self.is_proven(name):
                raise Stopped("the writer is no longer at the target")
        if not self.reaches(run, name):
            raise Stopped("no answer")
        view = {n: one.said if self.reaches(run, n) else None for n, one in self.regions.items()}
        if self.guards.expects_traffic and switch.active_region(view, self.order) not in (
            run.plan.traffic_region,
            name,
        ):
            raise Stopped("the traffic is not where the plan saw it")
        self.acts(run, step.step)
        self.demand(self.is_writer(name), f"Traffic is moved to {name}, which is not the writer")
        broke = self.has_broken(run) or run.promotions != self.promotions
        self.demand(broke or self.is_proven(name), f"Traffic is moved to {name} before its writer is proven")
        if run.request.accept_data_loss:
            self.written = self.regions[name].branch
        self.put, self.is_unpinned = name, self.is_doubtful(name, view)
        self.tally["traffic moves"] += 1
        objects = switch.takeover(name, view, self.order)
        if is_half:
            objects = {name: switch.announcement(name, view, self.order)}
        for region, said in objects.items():
            self.regions[region].said = said

    def is_doubtful(self, name: str, view: dict[str, Any]) -> bool:
        """Return whether a region that we do not reach may outrank the taker: see _traffic/statements.py."""
        hidden = [other for other, said in view.items() if said is None]
        found = any(switch.outranks(other, name) in self.regions[other].said for other in hidden)
        self.tally["unpinned takeovers"] += found
        return found

    def do_verify(self, run: Run, _step: Any, _is_lucky: bool) -> None:
        if self.answered() != run.plan.target_region:
            raise Stopped("the name answers with another region")
        self.demand(
            self.is_proven(run.plan.target_region) or run.promotions != self.promotions or self.has_broken(run),
            "A run verifies a region that is not the writer",
        )

    def has_broken(self, run: Run) -> bool:
        """Return whether the target broke by itself since the run moved the writer there."""
        one = self.regions[run.plan.target_region]
        return one.reach == GONE or one.instances != "available"

    def do_notify(self, _run: Run, _step: Any, _is_lucky: bool) -> None:
        """Notify operators; nothing changes."""

    def do_record(self, run: Run, step: Any, _is_lucky: bool, is_half: bool = False) -> None:
        target = run.plan.target_region
        if not self.reaches(run, target):
            raise Stopped("no answer")
        self.acts(run, step.step, self.guards.record_holds_lease)
        self.demand(
            (self.answered(), self.is_proven(target)) == (target, True)
            or run.promotions != self.promotions
            or run.turns != self.turns
            or self.has_broken(run),
            f"A run ends well and writer and traffic are not both in {target}",
        )
        self.demand(
            self.put == target or run.promotions != self.promotions or run.turns != self.turns,
            f"A run ends well and nothing holds the traffic in {target}: it was last put to {self.put}",
        )
        self.tell(run)
        left = (self.regions[target].run or {}).get("from_region")
        details = {"method": run.method_asked or run.plan.method, "from_region": left, "target_region": target}
        details |= {"trigger": run.request.trigger, "requested_target_region": run.request.target_region}
        for one in self.regions.values():
            if self.reaches(run, one.name):
                document = build_move(one.move, run.id, {**details, "outcome": "successful"}, self.now)
                one.move = document or one.move
        if not is_half:
            self.release(run, "successful")

    # --- what else happens

    def crash(self, run: Run) -> None:
        """A run dies without a word: between two steps, before the effect of one, or in the middle of it."""
        self.tally["crashes"] += 1
        before, step = self.sizes(), None
        if run.state == HOLDING and self.dice.random() < 0.5:
            step = run.plan.steps[run.next]
            try:
                self.half(run, step)
            except Stopped:
                step = None
        self.log(f"{run.offered} dies" + (f" in the middle of {step.step}" if step else ""))
        is_working, run.state = run.state == HOLDING and step is None, DEAD
        self.check(before, by_tool=bool(step) and step.step == "traffic")
        if is_working and self.odds.random() < 0.8:
            run.is_orphan = True
            self.tally["orphans"] += 1

    def wake(self, run: Run) -> None:
        """The worker that a killed controller left behind goes on with its step: it renews the lease, and acts."""
        if self.guards.dies_with_controller:
            run.is_orphan = False
            self.tally["orphans stopped"] += 1
            self.log(f"   the worker of {run.offered} finds that its controller has ended")
            return
        step = run.plan.steps[run.next]
        self.log(f"   the worker of {run.offered} goes on with {step.step}")
        try:
            getattr(self, f"do_{step.step}")(run, step, False)
        except Stopped:
            run.is_orphan = False

    def half(self, run: Run, step: Any) -> None:
        self.tally["crashes in the middle"] += 1
        if step.step in ("traffic", "record"):
            getattr(self, f"do_{step.step}")(run, step, False, is_half=True)
        else:
            getattr(self, f"do_{step.step}")(run, step, False)

    def lose(self, name: str, reach: str) -> None:
        one = self.regions[name]
        one.reach = reach
        self.log(f"{name} is {reach}")
        self.tally["losses"] += 1
        if reach == GONE:
            one.healthy = 0
            if self.operation and self.operation[2] == name:
                self.progress(one, False)

    def recover(self, name: str) -> None:
        """A region is back. What had been the writer until then is one no more, and is built again."""
        one = self.regions[name]
        one.reach = UP
        self.log(f"{name} is back")
        self.tally["recoveries"] += 1
        one.healthy = max(one.healthy, min(one.desired, 2))
        if one.is_zombie:
            one.is_zombie, one.has_writer, one.sync = False, False, "pending-resync"
        if one.is_member:
            one.branch = self.regions[self.writer].branch

    def rebuild(self, name: str) -> None:
        """The global database is built again around a region that was detached (playbooks/failback.yml)."""
        for one in self.regions.values():
            one.is_member, one.is_zombie, one.sync, one.lag = True, False, "connected", "fresh"
            one.status, one.instances, one.has_writer = "available", "available", one.name == name
            one.branch, one.endpoint = self.regions[name].branch, GLOBAL_ENDPOINT
            one.version = self.version = self.regions[name].version
        self.writer, self.operation = name, None
        self.log(f"the global database is rebuilt around {name}")
        self.tally["rebuilds"] += 1

    def settle(self) -> None:
        """Regions that missed a takeover are updated (region_traffic without active_region)."""
        view = {n: one.said if one.reach == UP else None for n, one in self.regions.items()}
        for region, said in switch.reconcile(view, self.order).items():
            self.regions[region].said = said


def describe(run: Run) -> str:
    request = run.request
    flags = [n for n in ("force", "accept_data_loss") if getattr(request, n)]
    seen = f" not seeing {sorted(run.hidden)}" if run.hidden else ""
    return f"({request.method} to {request.target_region or 'any'} {' '.join(flags)}{seen})"


def replace_request(run: Run, request: Request) -> Run:
    """Return a run with the same view and another request."""
    return Run(request, run.hidden, run.number)


# --- sequences -------------------------------------------------------------------------------------------------------


def random_request(dice: Random, world: World) -> Request:
    method = dice.choices((FAILOVER, SWITCHOVER, DETACH, AUTO), (4, 3, 1, 4))[0]
    accepts = method != SWITCHOVER and dice.random() < (0.7 if method == DETACH else 0.25)
    live = [one.lease["run_id"] for one in world.regions.values() if one.lease and one.lease["outcome"] == RUNNING]
    return Request(
        target_region=dice.choice(world.order) if dice.random() < 0.6 else None,
        method=method,
        accept_data_loss=accepts,
        force=dice.random() < 0.4,
        fencing=dice.choices((DATABASE_INGRESS, APPLICATION_CAPACITY, NO_FENCING), (3, 4, 1))[0],
        max_replication_lag_ms=1000 if dice.random() < 0.15 else None,
        takeover_run_id=dice.choice(live) if live and dice.random() < 0.1 else None,
        trigger="started by hand",
    )


class Sequence:
    """One random history of a world."""

    def __init__(self, seed: int, tally: Counter, guards: Guards = Guards(), planner: Any = None):
        self.dice = Random(seed)
        self.world = World(self.dice, tally, guards, planner)
        self.tally = tally
        self.asked: list[Request] = []

    def play(self) -> None:
        """Let 4 to 14 events happen, and then quiet."""
        dice = self.dice
        self.tally["sequences"] += 1
        if dice.random() < 0.5:
            self.happen(self.loss)
        for _event in range(dice.randint(4, 14)):
            self.happen(dice.choices(EVENTS, WEIGHTS)[0].__get__(self))
        if dice.random() < 0.2 and self.asked:
            self.quiet()

    def happen(self, event: Any) -> None:
        world = self.world
        before, turns = world.sizes(), world.turns
        self.tally["events"] += 1
        event()
        self.orphan()
        # Where the traffic went away and came back meanwhile, each step has been checked by itself.
        world.check(before if turns == world.turns else world.sizes())

    def pick(self, *states: str) -> Run | None:
        found = [run for run in self.world.runs if run.state in states]
        return self.dice.choice(found) if found else None

    def controller(self) -> None:
        world, dice = self.world, self.dice
        if sum(run.state in (PLANNED, HOLDING) for run in world.runs) >= 3:
            return
        again = self.asked and dice.random() < 0.4
        request = dice.choice(self.asked) if again else random_request(dice, world)
        self.asked.append(request)
        hidden = frozenset({dice.choice(world.order)}) if dice.random() < 0.1 else frozenset()
        world.start(request, hidden)

    def race(self) -> None:
        """Two controllers look at the same moment, and go on step by step in turns."""
        for _each in range(2):
            self.controller()
        for _turn in range(self.dice.randint(2, 10)):
            run = self.pick(PLANNED, HOLDING)
            if run:
                self.world.advance(run, self.dice.choice((0, 1, 1, 2, 4)))

    def steps(self) -> None:
        run = self.pick(PLANNED, HOLDING)
        if run:
            self.world.advance(run, self.dice.choice((0, 1, 2, 3, 5, 20)))

    def death(self) -> None:
        run = self.pick(PLANNED, HOLDING)
        if run:
            self.world.crash(run)

    def orphan(self) -> None:
        """What a killed controller left behind does, if it has not stopped."""
        world = self.world
        found = [run for run in world.runs if run.is_orphan]
        if found and world.odds.random() < 0.3:
            world.wake(world.odds.choice(found))

    def loss(self) -> None:
        world, dice = self.world, self.dice
        name = world.writer if dice.random() < 0.6 else dice.choice(world.order)
        if world.regions[name].reach == UP:
            world.lose(name, GONE if dice.random() < 0.7 else CUT)

    def recovery(self) -> None:
        away = [one.name for one in self.world.regions.values() if one.reach != UP]
        if away:
            self.world.recover(self.dice.choice(away))

    def aurora(self) -> None:
        for one in self.world.regions.values():
            self.world.progress(one, False)

    def change(self) -> None:
        """The database of a region changes by itself: versions, lag, instances, synchronization."""
        world, dice = self.world, self.dice
        one = world.regions[dice.choice(world.order)]
        what = dice.randint(0, 4)
        if what == 0:
            one.version = NEWER if one.version == VERSION else VERSION
        elif what == 1:
            one.lag = dice.choice(tuple(LAGS))
        elif what == 2:
            one.instances = "rebooting" if one.instances == "available" else "available"
        elif what == 3 and one.reach == UP and one.desired:
            one.desired = one.healthy = max(one.desired, dice.randint(2, 5))
        else:
            one.sync = "connected"
        world.log(f"{one.name} changes: {one.version} {one.lag} {one.instances} {one.sync} {one.desired}")

    def time(self) -> None:
        seconds = self.dice.choice((20, 61, 61, 61, 4000))
        self.world.now += seconds
        self.world.log(f"{seconds} s pass")
        self.tally["time passes"] += 1

    def order(self) -> None:
        """An operator repairs the platform: updates regions, rebuilds, acknowledges."""
        world, dice = self.world, self.dice
        what = dice.randint(0, 2)
        if what == 0:
            world.settle()
        elif what == 1:
            self.rebuilt()
        else:
            self.acknowledged()

    def rebuilt(self) -> None:
        world = self.world
        one = world.regions[world.answered()]
        is_alone = not one.is_member and one.serves()
        if is_alone and all(r.reach == UP for r in world.regions.values()):
            world.rebuild(one.name)

    def acknowledged(self) -> None:
        for one in self.world.regions.values():
            if one.move and one.reach == UP:
                one.move = {**one.move, "acknowledged": {"by": "operator"}}

    # --- quiet

    def quiet(self) -> None:
        """Everything answers, operations end, leases expire; the same command once more, and again."""
        world = self.world
        world.is_quiet = True
        for one in world.regions.values():
            if one.reach != UP:
                self.happen(lambda one=one: world.recover(one.name))
            one.lag, one.sync, one.instances = "fresh", "connected", "available"
        for one in world.regions.values():
            world.progress(one, True)
        for run in world.runs:
            if run.state in (PLANNED, HOLDING):
                world.log(f"{run.offered} dies")
                run.state = DEAD
        world.now += LEASE_SECONDS + 1
        request = replace(self.asked[-1], takeover_run_id=None)
        if self.repeated(request):
            self.tally["quiet and together"] += 1
            return
        self.tally["quiet and refused"] += 1
        # There is always a way out: with all overrides a run succeeds.
        last = Request(method=AUTO, force=True, accept_data_loss=True)
        is_together = world.is_proven(world.answered())
        world.demand(is_together or self.repeated(last), "Writer and traffic are apart, and there is no way out")

    def repeated(self, request: Request) -> bool:
        """Return whether the command, given three times at most, ends with all in one region; False = refused."""
        world = self.world
        for _time in range(3):
            run = world.start(request, is_fresh=True)
            if run is None:
                if world.history[-1].startswith(f"run-{world.numbers} refused"):
                    return False
                target = world.answered()
                world.demand(world.is_proven(target), f"Called active: {target}, which is not the writer")
                return True
            request = replace(request, target_region=run.plan.target_region)
            world.advance(run, 50, is_lucky=True)
        world.demand(False, "The same command does not end")
        return False


EVENTS = (
    Sequence.controller,
    Sequence.race,
    Sequence.steps,
    Sequence.death,
    Sequence.loss,
    Sequence.recovery,
    Sequence.aurora,
    Sequence.change,
    Sequence.time,
    Sequence.order,
)
WEIGHTS = (13, 4, 26, 7, 7, 8, 5, 6, 9, 4)


def play(seeds: Any, guards: Guards = Guards(), planner: Any = None) -> Counter:
    """Play one sequence for each seed; return how often what happened. Raises Broken with the seed."""
    tally: Counter = Counter()
    # Plans and facts are kept for the sequences to come; to look through them for garbage would double the time.
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        for seed in seeds:
            try:
                Sequence(seed, tally, guards, planner).play()
            except Broken as broken:
                raise Broken(f"Seed {seed}. {broken}") from None
    finally:
        if was_collecting:
            gc.enable()
    return tally
