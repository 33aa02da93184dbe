# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The workflow of a portfolio, for a controller (AWX). Pure.

Its data are those of portfolio.yml. Each node is a job template that controller.yml has made for one platform, so the
platform's name must be that with which its objects begin: ``trading prod`` for ``trading prod: Switchover``.

A wave's nodes have no link between them, so they run in parallel. The next wave waits for all of them
(``all_parents_must_converge``). AWX does not let a node of which a parent did not run begin, but takes a parent that
was cancelled for one that has ended as it should (``WorkflowDAG._all_parents_met_convergence_criteria``). So between a
platform and the next wave is a node of its own, which runs only if the platform has arrived: its *Status*, with the
report. A wave that may fail is followed directly.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal
from ansible_collections.trading.multi_region.plugins.plugin_utils.portfolio import (
    CONTINUE,
    Portfolio,
    portfolio_problems,
    variables_of,
    waves_of,
)

Entry: t.TypeAlias = "dict[str, t.Any]"

# More platforms than any wave has: AWX decides how many jobs run in parallel.
ANY_NUMBER = 10**6
# The region that a failover leaves has a job template of its own.
LEFT = "expected_active_region"
# What follows a platform's move: if it has arrived, and if not.
ARRIVED, STOPPED = "Status", "Stopped"


def workflow_problems(portfolio: t.Any) -> list[str]:
    """Return why no workflow can be made of a portfolio, as sentences; an empty list if one can."""
    found = portfolio_problems(portfolio, lambda _inventory: True, ANY_NUMBER)
    if found or portfolio["move"] != "failover":
        return [f"controller_portfolio: {one}" for one in found]
    allowed = "the region that is left, because its job template is that of this region"
    lacking = [one["name"] for _wave, one in waves_of(portfolio) if not variables_of(portfolio, one).get(LEFT)]
    return [f"controller_portfolio: {refusal(f'{LEFT} (platform {name})', None, allowed)}" for name in lacking]


def template_of(portfolio: Portfolio, platform: Mapping[str, t.Any]) -> str:
    """Return the short name of the job template that moves a platform."""
    if portfolio["move"] == "failover":
        return f"Failover out of {variables_of(portfolio, platform)[LEFT]}"
    return portfolio["move"].capitalize()


def portfolio_workflow(portfolio: Portfolio, surveys: Mapping[str, Sequence[str]]) -> Entry:
    """Return the workflow: its short name, and its nodes with the full names of their job templates.

    surveys: the variables that each job template asks for, by its short name: AWX passes no others on. Raises
    ValueError for another variable.
    """
    nodes: list[Entry] = []
    before, link = [], "success_nodes"
    for wave in portfolio["waves"]:
        if "approval_minutes" in wave:
            approval = _approval(portfolio, wave)
            _follow(before, link, [approval])
            nodes.append(approval)
            before, link = [approval], "success_nodes"
        moves = [_move(portfolio, platform, surveys) for platform in wave["platforms"]]
        _follow(before, link, moves)
        arrived = [_after(move, "success_nodes", "arrived", ARRIVED) for move in moves]
        stopped = [_after(move, "failure_nodes", "stopped", STOPPED) for move in moves]
        for one in stopped:
            one["extra_data"] = {"reason": f"It was to move as part of the portfolio {portfolio['name']}, and has not."}
        nodes += [*moves, *arrived, *stopped]
        # Whether the status could be read stops nothing.
        before, link = (moves if wave.get("on_failure") == CONTINUE else arrived), "always_nodes"
    waves = ", then ".join(", ".join(one["name"] for one in wave["platforms"]) for wave in portfolio["waves"])
    return {"name": f"Portfolio {portfolio['name']}", "description": f"{portfolio['move']}: {waves}.", "nodes": nodes}


def _move(portfolio: Portfolio, platform: Mapping[str, t.Any], surveys: Mapping[str, Sequence[str]]) -> Entry:
    template = template_of(portfolio, platform)
    given = variables_of(portfolio, platform)
    if portfolio["move"] == "failover":
        del given[LEFT]
    asked = surveys.get(template, ())
    if unasked := [name for name in given if name not in asked]:
        raise ValueError(
            f"controller_portfolio: {platform['name']} has {', '.join(unasked)}; allowed: what {template} asks for: "
            f"{', '.join(asked)}."
        )
    # What the records of one move have in common, as with portfolio.yml.
    given["failover_reason"] = f"portfolio {portfolio['name']}"
    # A survey has texts for true and false.
    answers = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return {"identifier": platform["name"], "job_template": f"{platform['name']}: {template}", "extra_data": answers}


def _after(move: Entry, link: str, what: str, template: str) -> Entry:
    """Return the node of another job template of the same platform, which follows its move."""
    platform = move["identifier"]
    move[link] = [f"{platform} {what}"]
    return {"identifier": f"{platform} {what}", "job_template": f"{platform}: {template}"}


def _approval(portfolio: Portfolio, wave: Mapping[str, t.Any]) -> Entry:
    platforms = ", ".join(platform["name"] for platform in wave["platforms"])
    return {
        "identifier": f"approve {wave['name']}",
        "approval": {
            "name": f"{portfolio['move'].capitalize()} of {wave['name']}?",
            "description": f"Platforms: {platforms}.",
            "timeout": 60 * wave["approval_minutes"],
        },
    }


def _follow(before: Sequence[Entry], link: str, nodes: Sequence[Entry]) -> None:
    for node in before:
        node[link] = [one["identifier"] for one in nodes]
    for node in nodes:
        node["all_parents_must_converge"] = len(before) > 1
