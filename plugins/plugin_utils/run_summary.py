# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an operator reads of a run's outcome: what matters, what to do next, and what is claimed. Pure.

Only what was proven is claimed. What is not known is said to be unknown.
"""

from __future__ import annotations

import math
import os
import shlex
import typing as t
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN

Record: t.TypeAlias = "t.Mapping[str, t.Any]"
# Playbooks that move; another one that started a move, such as health_check.yml, is not what resumes it.
MOVES = ("failover", "switchover", "failback", "drill")


def is_number(value: t.Any) -> bool:
    """Return whether a figure of a record is known."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def region_left(run: Record) -> str:
    """Return the name of the region that the run leaves."""
    region = run.get("from_region")
    return region if region and region != UNKNOWN else "the old region"


def safe_instant(run: Record) -> str | None:
    """Return the time up to which every write is kept, or None."""
    instant = run.get("safe_instant")
    return instant if instant and instant != UNKNOWN else None


def loss(run: Record) -> str:
    """Return what a completed move can have lost, as a phrase."""
    bound, instant = run.get("rpo_bound_ms"), safe_instant(run)
    if is_number(bound):
        # Rounded up: a bound that is rounded down is none.
        return f"at most {math.ceil(bound / 100) / 10:g} s of writes" if bound else "none"
    if not instant:
        return "unknown, no sample of the replication lag could be read"
    stopped = f"nothing proves when {region_left(run)} stopped taking writes"
    return f"unknown, {stopped}; every write before {instant} is kept"


def interruption(run: Record) -> float | None:
    """Return for how many seconds at most a planned move was without service, or None if that is not known.

    The old region serves until the promotion is requested, and the new one from when it was seen. An unplanned move
    cannot know when its region stopped to serve, and an attempt that resumes one did not request the promotion.
    """
    steps = {step["name"]: step for step in run.get("steps") or []}
    requested, seen = steps.get("promote_request"), steps.get("verify")
    if run.get("method") != "switchover" or not requested or not seen or not is_number(requested.get("seconds")):
        return None
    return round(seen["ended_at"] - requested["ended_at"] + requested["seconds"], 1)


def summary(run: Record) -> str:
    """Return the one line of a run's outcome."""
    outcome, reason = run.get("outcome"), run.get("reason") or "no reason was given"
    if outcome == "successful":
        without, rto = interruption(run), run.get("rto_seconds")
        after = f"{rto:g} s after the command" if is_number(rto) else "unknown how long after the command"
        when = after if without is None else f"at most {without:g} s without service, cached names aside"
        warnings = f"; warnings: {len(run['warnings'])}" if run.get("warnings") else ""
        return f"{run.get('target_region')} is active; {when}; loss: {loss(run)}{warnings}"
    if outcome == "refused" and run.get("obstacles"):
        # Their sentences are in the message with which the playbook fails.
        return f"REFUSED before any change: {', '.join(one['code'] for one in run['obstacles'])}"
    if outcome in ("failed", "refused"):
        return f"{outcome.upper()} at {shortened(reason)}"
    return f"{outcome}: {reason}"


def shortened(reason: str) -> str:
    """Return "<task>: <why>" with the short name of the task's step, such as promote, if it has one."""
    step, _bar, rest = reason.partition(" | ")
    why = rest.partition(": ")[2]
    return f"{step.lstrip('0123456789 ').lower()}: {why}" if why else reason


def next_step(run: Record, command: Callable[..., str]) -> str:
    """Return what to do next.

    command: returns how a playbook is run, for its name (None = the one that moved) and its options (name=value).
    """
    outcome, left = run.get("outcome"), region_left(run)
    if outcome == "failed":
        return f"the same command again, it goes on where it stopped: {command(None)}, with the same options"
    if outcome == "refused" and run.get("obstacles"):
        codes = ", ".join(one["code"] for one in run["obstacles"])
        way_out = f'"When it refuses" in docs/failover.md says what to do about {codes}'
        overrides = [one.get("override") for one in run["obstacles"]]
        if not all(overrides):
            return way_out
        return f"{way_out}; to go on all the same: {command(None, *(one.replace(': ', '=') for one in overrides))}"
    if outcome == "refused":
        return f"once its reason is gone: {command(None)}, with the same options"
    if outcome != "successful":
        return "nothing"
    if run.get("is_part"):
        return "nothing, the playbook goes on by itself"
    if run.get("method") == "switchover":
        back = "" if left == "the old region" else f"; to return: {command('switchover', f'target_region={left}')}"
        return f"nothing{back}"
    if run.get("method") == "detach":
        return f"once {left} responds: {command('failback', 'rebuild=true')}"
    return f"once {left} responds: {command('site')}, then {command('failback')}"


def command_line(
    started: str, inventory: Sequence[str], folder: str, is_job: bool, playbook: str | None, *options: str
) -> str:
    """Return how an operator runs a playbook.

    started: the playbook of this run, a path or a fully qualified name. inventory: its sources. folder: where the
    command was given. is_job: whether a controller runs it, where there is a job template for each playbook.
    playbook: the name of the one to run, without a suffix; None = that of this run.
    """
    path, suffix = os.path.splitext(started)
    is_path = suffix in (".yml", ".yaml")
    place, own = os.path.split(path) if is_path else started.rpartition(".")[::2]
    name = playbook or (own if own in MOVES else "failover")
    if is_job:
        return f"the job template of {name}.yml{' with ' if options else ''}{', '.join(options)}"
    sources = [one if "," in one else shorter(one, folder) for one in inventory]
    whole = os.path.join(place, f"{name}{suffix}") if is_path else f"{place}.{name}"
    parts = ["ansible-playbook", whole, *(part for one in sources for part in ("-i", one))]
    return shlex.join([*parts, *(part for one in options for part in ("-e", one))])


def shorter(path: str, folder: str) -> str:
    """Return a path relative to a folder if it is in it."""
    relative = os.path.relpath(path, folder)
    return path if relative.startswith("..") else relative


def claims(run: Record) -> list[str]:
    """Return what a run claims, as sentences for those who did not see it."""
    if run.get("outcome") in ("refused", "unchanged"):
        return ["Nothing was moved, so nothing is claimed."]
    target, instant = run.get("target_region"), safe_instant(run)
    if not instant:
        safe = "It is unknown which writes are kept: no sample of the replication lag could be read."
    else:
        safe = f"Every write committed before {instant} (UTC) is in {target}."
    return [*([] if run.get("rpo_bound_ms") == 0 else [safe]), *claims_of_the_end(run), *claim_of_the_fence(run)]


def claims_of_the_end(run: Record) -> list[str]:
    """Return the sentences on loss and recovery time."""
    if run.get("outcome") != "successful":
        return ["The move is not complete: neither a bound on what is lost nor a recovery time is claimed."]
    rto, bound, old = run.get("rto_seconds"), run.get("rpo_bound_ms"), region_left(run)
    if bound == 0 and run.get("method") == "switchover":
        lost = "Nothing is lost: Aurora stops the old writer, and waits until the target has all writes."
    elif bound == 0:
        lost = f"Nothing is lost: {old} had stopped taking writes by then."
    elif is_number(bound):
        lost = f"At most {bound / 1000:g} s of writes are lost, those from then until {end_of_writes(run)}."
    else:
        lost = f"No bound on what is lost is claimed: nothing proves when {old} stopped taking writes."
    if not is_number(rto):
        return [lost, "The recovery time is unknown."]
    seen = f"the name, its endpoint and the writer were seen in {run.get('target_region')}"
    return [lost, f"RTO: {rto:g} s, from the start of the command (of the run's first attempt) until {seen}."]


def end_of_writes(run: Record) -> str:
    """Return when the old region had stopped taking writes, in words."""
    old, ended_at = region_left(run), run.get("writes_ended_at")
    if not is_number(ended_at):
        return f"the move was planned, when {old} was seen not to serve"
    moment = datetime.fromtimestamp(ended_at, UTC).isoformat(timespec="milliseconds")
    return f"{old} was proven to take none, at {moment.replace('+00:00', 'Z')}"


def claim_of_the_fence(run: Record) -> list[str]:
    """Return the sentence on whether the old region can still write, with its reason; none for a planned move."""
    if run.get("method") == "switchover":
        return []
    old, why = region_left(run), run.get("fenced_reason") or f"Whether {region_left(run)} is fenced was not read."
    if run.get("fenced") == "fenced":
        return [f"{why} Its database takes no writes."]
    return [
        f"{why} Whoever still reaches {old} may write there, and such writes are not in {run.get('target_region')}."
    ]
