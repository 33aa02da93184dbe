# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A portfolio: the platforms of a firm, in waves, and what became of their moves. Pure.

The waves are in order; the platforms of a wave move in parallel. Each platform is moved by its own run, with its own
plan, lease and record; nothing here decides about a platform, and nothing is stored: a run's start and figures are
those of its record.

portfolio: ``name``, ``move``, ``variables`` (of every platform) and ``waves``, a list of ``name``, ``on_failure``,
``approval_minutes`` and ``platforms``, a list of ``name``, ``inventory`` and ``variables``.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal
from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import (
    INPUTS,
    REGION_INPUTS,
    move_problems,
    unknown_problems,
)

Portfolio: t.TypeAlias = "Mapping[str, t.Any]"
Row: t.TypeAlias = "dict[str, t.Any]"

MOVES = ("failover", "switchover", "failback")
STOP, CONTINUE = "stop", "continue"
# A platform is a host of portfolio.yml, its logs are files of its name, and on a controller its job templates begin
# with it.
NAME = rules.text(
    r"(?!all$|localhost$|.{65})[A-Za-z0-9](?:[ ._-]?[A-Za-z0-9])*",
    "1 to 64 letters, digits and single inner characters of ' ._-', and neither all nor localhost",
)
MINUTES = rules.Value(
    "a whole number of minutes from 1 to 1440",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1440,
)
VARIABLES = rules.ByKey(
    rules.Value("the name of a variable", lambda key: isinstance(key, str) and key.isidentifier()),
    rules.Value("any value", lambda _value: True),
)
PLATFORM = rules.Members(
    {"name": NAME, "inventory": rules.line(4096), "variables": VARIABLES}, frozenset({"name", "inventory"})
)
WAVE = rules.Members(
    {
        "name": NAME,
        "on_failure": rules.one_of((STOP, CONTINUE)),
        "approval_minutes": MINUTES,
        "platforms": rules.Each(PLATFORM, least=1),
    },
    frozenset({"name", "platforms"}),
)
PORTFOLIO = rules.Members(
    {"name": NAME, "move": rules.one_of(MOVES), "variables": VARIABLES, "waves": rules.Each(WAVE, least=1)},
    frozenset({"name", "move", "waves"}),
)
# The variables of a platform's run that the portfolio sets.
OWN = ("failover_reason",)
# Outcomes with which the platform is where it should be; ``planned`` is that of a dry run.
ARRIVED = ("successful", "unchanged", "planned")
NOT_STARTED, NOT_APPROVED, FAILED = "not started", "not approved", "failed"


def waves_of(portfolio: Portfolio) -> Iterator[tuple[Mapping[str, t.Any], Mapping[str, t.Any]]]:
    """Yield (wave, platform) of every platform, in order."""
    for wave in portfolio["waves"]:
        for platform in wave["platforms"]:
            yield wave, platform


def variables_of(portfolio: Portfolio, platform: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the variables of a platform's run; its own take precedence over those of the portfolio."""
    return {**(portfolio.get("variables") or {}), **(platform.get("variables") or {})}


def portfolio_problems(
    portfolio: t.Any, exists: Callable[[str], bool], forks: int, known: Sequence[str] = ()
) -> list[str]:
    """Return what is wrong with a portfolio, as sentences; an empty list if nothing is.

    exists: whether there is an inventory of this path. forks: how many tasks Ansible runs in parallel. known: names of
    variables besides the inputs of the playbooks.
    """
    found = PORTFOLIO.problems("portfolio", portfolio) or [*_unknown_keys(portfolio)]
    if found:
        return found
    return [
        *_repeated("a wave", [wave["name"] for wave in portfolio["waves"]]),
        *_repeated("a platform", [platform["name"] for _wave, platform in waves_of(portfolio)]),
        *_repeated("an inventory", [platform["inventory"] for _wave, platform in waves_of(portfolio)]),
        *(
            refusal(f"inventory of {platform['name']}", platform["inventory"], "the path of an inventory that exists")
            for _wave, platform in waves_of(portfolio)
            if not exists(platform["inventory"])
        ),
        *(one for _wave, platform in waves_of(portfolio) for one in _bad_variables(portfolio, platform, known)),
        *_forks_problems(portfolio, forks),
    ]


def _unknown_keys(portfolio: Portfolio) -> Iterator[str]:
    places = [("portfolio", portfolio, PORTFOLIO)]
    for number, wave in enumerate(portfolio["waves"]):
        place = f"portfolio.waves[{number}]"
        places.append((place, wave, WAVE))
        places += [(f"{place}.platforms[{which}]", one, PLATFORM) for which, one in enumerate(wave["platforms"])]
    for place, value, rule in places:
        for key in value:
            if key not in rule.rules:
                yield refusal(f"a key of {place}", key, ", ".join(rule.rules))


def _repeated(what: str, names: Sequence[str]) -> list[str]:
    return [
        refusal(f"{what} of the portfolio", name, "each once") for name, times in Counter(names).items() if times > 1
    ]


def _bad_variables(portfolio: Portfolio, platform: Mapping[str, t.Any], known: Sequence[str]) -> Iterator[str]:
    """Judge the variables now, so that no platform of a late wave is refused when the others have moved."""
    given, whose = variables_of(portfolio, platform), f" (platform {platform['name']})"
    for name in OWN:
        if name in given:
            yield refusal(name + whose, given[name], "none here; give it to portfolio.yml")
    regions = {name: given[name] for name in REGION_INPUTS if not rules.is_left_out(given.get(name))}
    for name, region in regions.items():
        yield from INPUTS[name]["rule"].problems(name + whose, region)
    others = {name: value for name, value in given.items() if name not in REGION_INPUTS}
    own_method = {} if portfolio["move"] == "failover" else {"move_method": "switchover"}
    yield from (one + whose for one in [*move_problems({**others, **own_method}, ()), *unknown_problems(given, known)])
    if portfolio["move"] != "failback" and "target_region" not in regions:
        allowed = "the code of a region, so that a run that is repeated knows which platforms are there already"
        yield refusal("target_region" + whose, None, allowed)


def _forks_problems(portfolio: Portfolio, forks: int) -> list[str]:
    largest = max(portfolio["waves"], key=lambda wave: len(wave["platforms"]))
    size = len(largest["platforms"])
    if size <= forks:
        return []
    return [refusal("--forks", forks, f"{size} or more, because the platforms of wave {largest['name']} move together")]


def portfolio_report(
    portfolio: Portfolio,
    results: Mapping[str, Mapping[str, t.Any]],
    began: float,
    reason: str = "",
) -> dict[str, t.Any]:
    """Return what is known of a portfolio's move: a row for each platform, and the figures of the whole.

    results: what is known of each platform's run, by its name; a platform without any was not started. Each has ``rc``
    (the exit code), ``artifacts`` (those of the job), ``log``, ``is_check``, ``history`` (runs of the platform, the
    newest first, as status.yml writes them) and ``denied``, whether its wave was not approved. began: when the command
    was started, in epoch seconds. reason: that of every run of this move.

    started_at: when the move began; that of an earlier run which this one continues. rto_seconds: from then until the
    last platform had its traffic, None as long as one has not arrived or its figures are unknown. rpo_bound_ms: the
    largest of all, None if one is unknown. blocked: for each wave, why it must not begin, or an empty text.
    """
    rows, blocked = [], {}
    for wave in portfolio["waves"]:
        blocked[wave["name"]] = _blocked_by(portfolio, rows)
        for platform in wave["platforms"]:
            result = results.get(platform["name"]) or {}
            row = {"wave": wave["name"], "platform": platform["name"], **_row(result, began, reason)}
            if row["outcome"] == NOT_STARTED:
                row["reason"] = blocked[wave["name"]]
            rows.append(row)
    moved = [row for row in rows if row["started_at"] is not None]
    started_at = min([began, *(row["started_at"] for row in moved)])
    has_arrived = all(row["outcome"] in ARRIVED for row in rows)
    ends = [row["traffic_at"] for row in moved]
    losses = [row["rpo_bound_ms"] for row in moved]
    is_known = has_arrived and bool(moved) and None not in ends
    return {
        "name": portfolio["name"],
        "move": portfolio["move"],
        "reason": reason,
        "has_arrived": has_arrived,
        "arrived": sum(row["outcome"] in ARRIVED for row in rows),
        "started_at": started_at,
        "rto_seconds": round(max(ends) - started_at, 1) if is_known else None,
        "rpo_bound_ms": max(losses) if losses and None not in losses else None,
        "blocked": blocked,
        "platforms": rows,
    }


def _blocked_by(portfolio: Portfolio, rows: Sequence[Row]) -> str:
    """Return why no further wave may begin after those of the rows, or an empty text."""
    goes_on = {wave["name"]: wave.get("on_failure") == CONTINUE for wave in portfolio["waves"]}
    for row in rows:
        if row["outcome"] == NOT_APPROVED:
            return f"Wave {row['wave']} was not approved."
        if row["outcome"] not in ARRIVED and not goes_on[row["wave"]]:
            return f"{row['platform']} of wave {row['wave']} has not arrived ({row['outcome']})."
    return ""


def _row(result: Mapping[str, t.Any], began: float, reason: str) -> Row:
    artifacts = result.get("artifacts") or {}
    run = (_planned_run if result.get("is_check") else _run_of_move)(result, began, reason)
    started_at, rto = run.get("started_at"), run.get("rto_seconds")
    outcome, why = _outcome(result, artifacts)
    return {
        "outcome": outcome,
        "reason": why,
        "from_region": run.get("from_region"),
        "target_region": run.get("target_region") or artifacts.get("active_region"),
        "rto_seconds": rto,
        "rpo_bound_ms": run.get("rpo_bound_ms"),
        "run_id": run.get("run_id") or artifacts.get("run_id"),
        "started_at": started_at,
        "traffic_at": None if started_at is None or rto is None else started_at + rto,
        "log": result.get("log"),
    }


def _planned_run(result: Mapping[str, t.Any], _began: float, _reason: str) -> Mapping[str, t.Any]:
    """Return what a dry run says of the regions."""
    plan = (result.get("artifacts") or {}).get("plan") or {}
    return {"from_region": plan.get("active_region"), "target_region": plan.get("target_region")}


def _run_of_move(result: Mapping[str, t.Any], began: float, reason: str) -> Mapping[str, t.Any]:
    """Return the record of the run that moved the platform, or tried to, in this move of the portfolio; else empty.

    A platform that was there already was moved by an earlier run of this portfolio if that run has the same reason and
    began not longer ago than a platform's run can be resumed. Otherwise something else moved it, which does not count.
    """
    artifacts = result.get("artifacts") or {}
    if artifacts.get("outcome") != "unchanged":
        return artifacts.get("failover") or {}
    latest = next((run for run in result.get("history") or () if run.get("outcome") == "successful"), {})
    is_ours = latest.get("trigger") == reason and latest.get("target_region") == artifacts.get("active_region")
    is_recent = began - (latest.get("started_at") or 0) <= Request.resume_within
    return latest if is_ours and is_recent else {}


def _outcome(result: Mapping[str, t.Any], artifacts: Mapping[str, t.Any]) -> tuple[str, str]:
    """Return the outcome of a platform, and why."""
    if result.get("denied"):
        return NOT_APPROVED, "Its wave was not approved within the time."
    if "rc" not in result:
        return NOT_STARTED, ""
    ending = f"It ended with exit code {result['rc']}"
    outcome, why = artifacts.get("outcome"), artifacts.get("outcome_reason") or ""
    if result.get("is_check") and not result["rc"]:
        return _planned(artifacts.get("plan") or {})
    if not outcome:
        return FAILED, f"{ending} and without an outcome."
    if result["rc"] and outcome in ARRIVED:
        return FAILED, f"{ending} after the move ({outcome})."
    return outcome, why


def _planned(plan: Mapping[str, t.Any]) -> tuple[str, str]:
    """Return what the outcome of a dry run would be, and why."""
    if plan.get("obstacles"):
        return "refused", " ".join(obstacle["sentence"] for obstacle in plan["obstacles"])
    return ("unchanged" if plan.get("is_complete") else "planned"), plan.get("reason") or ""
