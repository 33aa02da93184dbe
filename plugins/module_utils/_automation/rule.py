# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a run of the health check starts a failover automatically. Pure: no boto3, no clock.

Votes. A signal votes against a region only if it was really read and is unhealthy; unknown is no vote. Votes are
distinguished by the vantage from which they come, because what one observer sees can be that observer's own fault:

inside      the region's own API responded, and reported its targets, its database or its session table as unhealthy
controller  this machine: the region's endpoint responds with an error, or does not respond while another region's
            endpoint responded to the same prober; or no call to the region's API succeeded while another region's did
route53     too few of Route 53's checkers reach the endpoint
standby     by every standby's own metrics its instances ran for ``stream_limit`` seconds more and received nothing

A region whose whole API is gone reports nothing about itself, and silence alone looks the same as a network partition
between it and us (or as missing permissions). So silence is evidence only by comparison with another region, and never
while some observer still gets a healthy response from the region's endpoint.

Down in this run = at least ``quorum`` votes, from two vantages, or two of them from inside; and never a region whose
own deciding signals are all healthy, which the planner would not leave anyway. The controller is one vantage however
many of its signals fail, so a partition of only the controller starts nothing. The rule is orchestrator's: a primary
is dead when it cannot be reached and its replicas agree that they cannot see it either ("Failure detection" of the
orchestrator manual); and, as in repmgr, one standby that still sees the primary is enough against it ("Primary
visibility consensus" of the repmgr manual). Route 53's checkers are distributed over the world and outlive the region
that they check ("AWS Fault Isolation Boundaries", appendix B), but are read through an API in us-east-1; if that is the
lost region, the standbys are the second vantage.

The standbys' silence is measured by their own control metric (_aurora/lag.py), because lag samples alone are minutes
old in health too. In health the two differ by less than the two minutes in which CloudWatch delivers either, so
``stream_limit`` is one period more. A standby without lag samples or without the control metric has no vote, nor has
one that has received nothing since its writer was first seen active: it may just have become a standby.

What it takes. ``consecutive_failures`` runs in a row must see the active region down. A run that sees it healthy
starts the count again, as does a new active region and a silence of the scheduler of more than ``max_gap`` seconds; a
run that cannot tell neither counts nor forgives. The count grows at most once in ``min_interval`` seconds, and only
the run that made it grow may start the failover, so that two schedulers do not count the same moment twice.

Traffic. Operators are also notified where the name, the switch and what Route 53 reads of it differ
(_traffic/views.py). A name that differs alone is reported from the second run in a row, because resolvers follow a move
only after a minute or two. None of this starts or prevents a failover.

Shapes. verdicts: {region: {verdict, reason, signals: {name: {state, value, reason}}}}, as returned by
region_health_info. pause: None or {until, by, reason}, until in epoch seconds. traffic_problems: None (not read) or
[{code, region, reason, remedy}], as returned by region_traffic_info.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import HEALTHY, UNHEALTHY

NONE, ALERT, FAILOVER, CRITICAL = "none", "alert", "failover", "critical"
# Conditions of a region besides healthy and unknown: enough votes, and votes that are not enough.
DOWN, SUSPECT = "down", "suspect"
INSIDE, CONTROLLER, ROUTE53, STANDBY = "inside", "controller", "route53", "standby"
LEAST_QUORUM, LEAST_VANTAGES = 2, 2

INSIDE_SIGNALS = ("load_balancer_targets", "database", "session_table")
# Signals that are read from the region's own API, whatever their result.
OWN_API = (*INSIDE_SIGNALS, "replication_lag")
# The code of a name that leads to another region than the switch says (_traffic/views.py, which is on the same floor).
NAME_ELSEWHERE = "name_elsewhere"
# Codes of what prevents a failover, besides the planner's obstacles.
ALL_DOWN, OFF, PAUSED = "all_regions_unhealthy", "auto_failover_off", "paused"

Verdicts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Settings:
    """Settings of the operator; times in seconds."""

    quorum: int = 2
    consecutive_failures: int = 3
    auto_failover: bool = False
    max_gap: float = 300
    min_interval: float = 5
    stream_limit: float = 180


@dataclass(frozen=True)
class Vote:
    """One signal against a region: the vantage it comes from, and the reason."""

    signal: str
    vantage: str
    reason: str


@dataclass(frozen=True)
class Memory:
    """What one run passes to the next one.

    region, count, counted_at: the active region that is counted, its runs in a row, and when the last one was.
    since: when the first of these runs was.
    active_since: when the region was first seen active after another one was; 0 where no other one was seen.
    conditions: by region. blocked_by: codes of what held the failover back.
    traffic_seen: the problems of the traffic in the last run that read them, as code:region; traffic_problems: those
        that operators know of.
    """

    region: str | None = None
    count: int = 0
    counted_at: float = 0.0
    conditions: Mapping[str, str] = field(default_factory=dict)
    blocked_by: tuple[str, ...] = ()
    since: float = 0.0
    active_since: float = 0.0
    traffic_seen: tuple[str, ...] = ()
    traffic_problems: tuple[str, ...] = ()

    def milestone(self, limit: int) -> str:
        """Return the progress of the count, as far as operators are notified of it."""
        return "reached" if self.count >= limit else "counting" if self.count else "nothing counted"


@dataclass(frozen=True)
class Decision:
    """The result of the run.

    action: none, alert, failover or critical. is_news: whether to notify operators; always true for an alert.
    """

    action: str
    reason: str
    is_news: bool
    votes: Mapping[str, tuple[Vote, ...]]
    memory: Memory

    def alert_only(self, why: str) -> Decision:
        """Return the same without a failover, for a run whose count could not be stored."""
        action = CRITICAL if self.action == CRITICAL else ALERT
        return replace(self, action=action, is_news=True, reason=f"{self.reason} {why}")


def _was_read(signal: Mapping[str, Any] | None) -> bool:
    return bool(signal) and (signal["state"] != UNKNOWN or signal.get("value") is not None)


def _answered(verdicts: Verdicts, region: str, names: Sequence[str]) -> bool | None:
    """Return whether any of the named signals was read; None if none of them was requested."""
    signals = verdicts.get(region, {}).get("signals") or {}
    found = [signals[name] for name in names if name in signals]
    return any(_was_read(signal) for signal in found) if found else None


def _silent(verdicts: Verdicts, region: str, names: Sequence[str]) -> str | None:
    """Return a region that responded while this one did not, or None if silence means nothing."""
    others = [other for other in verdicts if other != region and _answered(verdicts, other, names)]
    return others[0] if others and _answered(verdicts, region, names) is False else None


def _stream_vote(verdicts: Verdicts, writer: str, limit: float, active_since: float) -> list[Vote]:
    """Return the standbys' vote: all that can measure it must have received nothing for so many seconds."""
    silent = {}
    for region, verdict in verdicts.items():
        lag = ((verdict.get("signals") or {}).get("replication_lag") or {}).get("value")
        stream = lag.get("stream") if isinstance(lag, Mapping) else None
        if region == writer or not isinstance(stream, Mapping) or stream.get("silent_seconds") is None:
            continue
        if stream["progressed_at"] >= active_since:
            silent[region] = stream["silent_seconds"]
    if not silent or min(silent.values()) < limit:
        return []
    figures = ", ".join(f"{region} for {seconds:g} s" for region, seconds in silent.items())
    said = f"By their own metrics the standbys ran and received nothing: {figures}; the limit is {limit:g} s."
    return [Vote("replication_stream", STANDBY, said)]


def votes_against(
    region: str, verdicts: Verdicts, active_region: str, stream_limit: float, active_since: float = 0.0
) -> tuple[Vote, ...]:
    """Return the votes against one region; the stream between the regions is the active one's only."""
    signals = verdicts[region].get("signals") or {}
    states = {name: signal["state"] for name, signal in signals.items()}
    vantages = {**dict.fromkeys(INSIDE_SIGNALS, INSIDE), "endpoint_probe": CONTROLLER, "route53_checkers": ROUTE53}
    votes = [
        Vote(name, vantage, signals[name]["reason"])
        for name, vantage in vantages.items()
        if states.get(name) == UNHEALTHY
    ]
    if HEALTHY not in (states.get("endpoint_probe"), states.get("route53_checkers")):
        prober = _silent(verdicts, region, ("endpoint_probe",))
        if prober:
            reason = f"Its endpoint does not respond, while that of {prober} responds to the same prober."
            votes.append(Vote("endpoint_probe", CONTROLLER, reason))
        caller = _silent(verdicts, region, OWN_API)
        if caller:
            reason = f"No call to its API succeeded, while calls to {caller} did."
            votes.append(Vote("regional_api", CONTROLLER, reason))
    if region == active_region:
        votes += _stream_vote(verdicts, region, stream_limit, active_since)
    return tuple(votes)


def condition_of(verdict: str, votes: Sequence[Vote], quorum: int) -> str:
    """Return the condition of a region from the votes: healthy, suspect, unknown or down."""
    is_quorum = len(votes) >= quorum
    if verdict == HEALTHY:
        return SUSPECT if is_quorum else HEALTHY
    vantages = [vote.vantage for vote in votes]
    if is_quorum and (len(set(vantages)) >= LEAST_VANTAGES or vantages.count(INSIDE) >= LEAST_QUORUM):
        return DOWN
    return SUSPECT if votes or verdict == UNHEALTHY else UNKNOWN


def _counted(memory: Memory, active_region: str, condition: str, now: float, settings: Settings) -> tuple[Memory, str]:
    """Return the memory after this run, and why the run did not increase the count; empty if it did."""
    # The difference counts in both directions, because the times of two schedulers may come from tables in two regions.
    since = abs(now - memory.counted_at)
    is_fresh = memory.region == active_region and memory.count and since <= settings.max_gap
    count = memory.count if is_fresh else 0
    if condition == HEALTHY or (condition != DOWN and not count):
        forgotten = replace(memory, region=active_region, count=0, since=0.0, counted_at=0.0)
        return forgotten, f"{active_region} is {condition}"
    if condition != DOWN:
        return replace(memory, count=count), f"this run sees it as {condition}"
    if count and since < settings.min_interval:
        return replace(memory, count=count), f"another run counted {since:.0f} s ago"
    since = memory.since if count else now
    return replace(memory, region=active_region, count=count + 1, since=since, counted_at=now), ""


def held_back(
    settings: Settings, pause: Mapping[str, Any] | None, now: float, obstacles: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return what prevents an automatic failover: {code: sentence}."""
    found = {} if settings.auto_failover else {OFF: "auto_failover is false."}
    if is_paused(pause, now):
        found[PAUSED] = f"It is paused for {pause['until'] - now:.0f} s more by {pause['by']}: {pause['reason']}."
    return {**found, **{obstacle["code"]: obstacle["sentence"] for obstacle in obstacles}}


def is_paused(pause: Mapping[str, Any] | None, now: float) -> bool:
    """Return whether a pause is still in effect and has not expired."""
    return bool(pause) and now < pause["until"]


def _described(region: str, condition: str, votes: Sequence[Vote], verdict: Mapping[str, Any]) -> str:
    if not votes:
        return f"{region} is {condition}: {verdict['reason']}"
    vantages = ", ".join(dict.fromkeys(vote.vantage for vote in votes))
    reasons = " ".join(f"{vote.signal}: {vote.reason}" for vote in votes)
    return f"{region} is {condition}, with {len(votes)} votes against it (from: {vantages}): {reasons}"


def _outcome(memory: Memory, not_counted: str, blockers: Mapping[str, str], settings: Settings) -> tuple[str, str]:
    """Return (failover or none, sentence) for the count of the active region."""
    limit, region = settings.consecutive_failures, memory.region
    runs = f"{region} was down in {memory.count} of {limit} runs in a row"
    if not memory.count:
        return NONE, "Nothing is started."
    if not_counted:
        return NONE, f"{runs}; nothing is started by this run: {not_counted}."
    if memory.count < limit:
        return NONE, f"{runs}; nothing is started yet."
    if blockers:
        return NONE, f"{runs}, but no failover is started: {' '.join(blockers.values())}"
    return FAILOVER, f"{runs}: a failover is started."


def key_of(problem: Mapping[str, Any]) -> str:
    """Return what distinguishes a problem of the traffic from another one, however its sentence may change."""
    return f"{problem['code']}:{problem['region']}"


def traffic_news(
    memory: Memory, problems: Sequence[Mapping[str, Any]] | None
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return (problems seen, problems reported, sentences) of a run, for the memory and the operators."""
    if problems is None:
        return memory.traffic_seen, memory.traffic_problems, []
    others = any(problem["code"] != NAME_ELSEWHERE for problem in problems)
    known = [
        problem
        for problem in problems
        if others or problem["code"] != NAME_ELSEWHERE or key_of(problem) in memory.traffic_seen
    ]
    words = [f"{problem['reason']} {problem['remedy']}" for problem in known]
    if memory.traffic_problems and not problems:
        words = ["The name, the switch and what Route 53 reads of it agree again."]
    return tuple(sorted(map(key_of, problems))), tuple(sorted(map(key_of, known))), words


def decide(
    verdicts: Verdicts,
    active_region: str,
    memory: Memory,
    pause: Mapping[str, Any] | None,
    now: float,
    settings: Settings,
    obstacles: Sequence[Mapping[str, Any]] = (),
    traffic_problems: Sequence[Mapping[str, Any]] | None = None,
) -> Decision:
    """Return the result of this run.

    active_region: a region, or the word unknown, for which nothing is counted.
    now: epoch seconds. obstacles: the planner's [{code, sentence}] against a failover from the active region.
    """
    active_since = memory.active_since if memory.region in (None, active_region) else now
    limit = settings.stream_limit
    votes = {region: votes_against(region, verdicts, active_region, limit, active_since) for region in verdicts}
    conditions = {
        region: condition_of(verdict["verdict"], votes[region], settings.quorum) for region, verdict in verdicts.items()
    }
    action, blocked, after = NONE, {}, memory
    if verdicts and all(conditions[region] == DOWN or verdicts[region]["verdict"] == UNHEALTHY for region in verdicts):
        blocked = {ALL_DOWN: "Every region is unhealthy; no failover is started, because no region can take over."}
        action, outcome = CRITICAL, blocked[ALL_DOWN]
    elif active_region not in verdicts:
        outcome = f"The active region is {active_region}, so nothing is counted or started."
    else:
        after, not_counted = _counted(memory, active_region, conditions[active_region], now, settings)
        after = replace(after, active_since=active_since)
        if after.count >= settings.consecutive_failures:
            blocked = held_back(settings, pause, now, obstacles)
        action, outcome = _outcome(after, not_counted, blocked, settings)
    seen, reported, traffic = traffic_news(memory, traffic_problems)
    after = replace(after, conditions=conditions, blocked_by=tuple(sorted(blocked)))
    after = replace(after, traffic_seen=seen, traffic_problems=reported)
    is_news = _is_news(memory, after, settings.consecutive_failures)
    words = [
        _described(region, condition, votes[region], verdicts[region])
        for region, condition in conditions.items()
        if condition != HEALTHY
    ] or ["All regions are healthy."]
    if action == NONE and is_news:
        action = ALERT
    return Decision(action, " ".join([*words, outcome, *traffic]), is_news, votes, after)


def _is_news(before: Memory, after: Memory, limit: int) -> bool:
    """Return whether anything changed that operators are notified of; regions without a condition count as healthy."""
    changed = any(before.conditions.get(region, HEALTHY) != now for region, now in after.conditions.items())
    is_moved = before.milestone(limit) != after.milestone(limit) and before.region in (None, after.region)
    is_other_traffic = before.traffic_problems != after.traffic_problems
    return changed or is_moved or is_other_traffic or before.blocked_by != after.blocked_by
