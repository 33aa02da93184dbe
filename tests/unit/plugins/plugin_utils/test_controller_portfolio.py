# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The workflow of a portfolio: which node follows which, and what is refused before anything is created.

``ended`` plays a workflow as AWX does (awx/main/scheduler/dag_workflow.py): a node runs if a parent ended as its link
says. With all_parents_must_converge every parent must have run, and have ended so or been cancelled.
"""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_objects import (
    LINKS,
    controller_objects,
    requirement_problems,
)
from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_portfolio import workflow_problems
from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_refusals import KINDS, controller_refusals
from tests.controller.objects import object_files

REGIONS = ("us-east-1", "us-east-2")
OURS = "trading dev"
FIRM = {
    "name": "firm",
    "move": "failover",
    "variables": {"target_region": "us-east-2", "expected_active_region": "us-east-1"},
    "waves": [
        {
            "name": "core",
            "platforms": [
                {"name": "orders prod", "inventory": "o"},
                {"name": "prices prod", "inventory": "p", "variables": {"accept_data_loss": True}},
            ],
        },
        {"name": "front", "approval_minutes": 15, "platforms": [{"name": "web prod", "inventory": "w"}]},
        {"name": "back", "platforms": [{"name": "books prod", "inventory": "b"}]},
    ],
}


def made(portfolio=FIRM):
    return controller_objects(object_files(), "trading", "dev", REGIONS, portfolio=portfolio)


def workflow(portfolio=FIRM):
    (found,) = (one for one in made(portfolio)["workflows"] if one["name"] == f"{OURS}: Portfolio firm")
    return found


def with_failures_allowed(*waves):
    portfolio = copy.deepcopy(FIRM)
    for wave in portfolio["waves"]:
        wave["on_failure"] = "continue" if wave["name"] in waves else "stop"
    return portfolio


def matches(status, link):
    """Whether AWX follows a link of a node that has ended."""
    return link == "always_nodes" or (status == "successful") == (link == "success_nodes")


def ended(found, failing=(), cancelled=()):
    """Return how each node that ran has ended. Those that stop a workflow always fail."""
    nodes = {node["identifier"]: node for node in found["nodes"]}
    ran: dict[str, str] = {}
    for name, node in nodes.items():
        links = [(one, link) for one in nodes for link in LINKS if name in nodes[one].get(link, ())]
        runs = not links or any(one in ran and matches(ran[one], link) for one, link in links)
        if node.get("all_parents_must_converge"):
            runs = runs and all(
                one in ran and (ran[one] == "canceled" or matches(ran[one], link)) for one, link in links
            )
        if runs:
            has_failed = name in failing or name.endswith(" stopped")
            ran[name] = "canceled" if name in cancelled else "failed" if has_failed else "successful"
    return ran


def moved(found, failing=(), cancelled=()):
    ran = ended(found, failing, cancelled)
    return [name for name, status in ran.items() if status == "successful" and name.endswith(" prod")]


def fails(found, failing=(), cancelled=()):
    """AWX: a node that has not been successful, and after which nothing follows then."""
    nodes = {node["identifier"]: node for node in found["nodes"]}
    return any(
        status != "successful" and not {*nodes[name].get("failure_nodes", ()), *nodes[name].get("always_nodes", ())}
        for name, status in ended(found, failing, cancelled).items()
    )


def test_each_platform_is_moved_by_its_own_job_template_with_its_own_answers():
    nodes = {node["identifier"]: node for node in workflow()["nodes"]}
    answers = {"target_region": "us-east-2", "failover_reason": "portfolio firm"}
    assert nodes["orders prod"]["job_template"] == "orders prod: Failover out of us-east-1"
    assert nodes["orders prod"]["extra_data"] == answers
    assert nodes["prices prod"]["extra_data"] == {**answers, "accept_data_loss": "true"}
    assert nodes["web prod stopped"]["job_template"] == "web prod: Stopped"
    assert nodes["web prod arrived"]["job_template"] == "web prod: Status"
    assert nodes["approve front"]["approval"]["timeout"] == 900


@pytest.mark.parametrize(("move", "template"), [("switchover", "Switchover"), ("failback", "Failback")])
def test_planned_moves_have_the_same_template_for_every_region(move, template):
    nodes = workflow({**FIRM, "move": move, "variables": {"target_region": "us-east-2"}, "waves": FIRM["waves"][1:]})
    assert [one["job_template"] for one in nodes["nodes"] if one["identifier"] == "web prod"] == [
        f"web prod: {template}"
    ]


def test_a_workflow_without_failures_moves_all_platforms_and_succeeds():
    found = workflow()
    assert moved(found) == ["orders prod", "prices prod", "web prod", "books prod"]
    assert not fails(found)


def test_a_failure_stops_the_waves_after_it_notifies_and_fails_the_workflow():
    found = workflow()
    assert moved(found, {"prices prod"}) == ["orders prod"]
    assert "prices prod stopped" in ended(found, {"prices prod"})
    assert fails(found, {"prices prod"})


def test_a_platform_whose_job_is_cancelled_stops_the_waves_after_it_too():
    found = workflow()
    assert moved(found, cancelled={"prices prod"}) == ["orders prod"]
    assert fails(found, cancelled={"prices prod"})


def test_a_status_that_cannot_be_read_stops_nothing():
    found = workflow()
    assert len(moved(found, {"orders prod arrived"}, {"prices prod arrived"})) == 4


def test_a_wave_that_may_fail_is_followed_by_the_next_and_the_workflow_fails_all_the_same():
    found = workflow(with_failures_allowed("core", "front"))
    assert moved(found, {"prices prod", "web prod"}) == ["orders prod", "books prod"]
    assert fails(found, {"prices prod", "web prod"})


def test_a_wave_that_is_not_approved_is_not_begun_nor_are_those_after_it():
    found = workflow(with_failures_allowed("core", "front", "back"))
    assert moved(found, {"approve front"}) == ["orders prod", "prices prod"]
    assert fails(found, {"approve front"})


ANY = st.sets(st.sampled_from(["orders prod", "prices prod", "web prod", "books prod", "approve front"]))


@given(st.sets(st.sampled_from(["core", "front", "back"])), ANY, ANY)
def test_no_wave_begins_before_the_one_before_it_has_ended_as_it_must(may_fail, failing, cancelled):
    found = workflow(with_failures_allowed(*may_fail))
    ran = ended(found, failing, cancelled)
    waves = [["orders prod", "prices prod"], ["web prod"], ["books prod"]]
    for number, (before, after) in enumerate(zip(waves, waves[1:], strict=False)):
        is_approved = number != 0 or "approve front" not in failing | cancelled
        has_arrived = all(ran.get(name) == "successful" for name in before)
        has_ended = all(name in ran for name in before)
        begins = is_approved and (has_arrived or (has_ended and FIRM["waves"][number]["name"] in may_fail))
        assert all((name in ran) == begins for name in after)
    assert fails(found, failing, cancelled) == any(name in ran for name in failing | cancelled)


def test_operators_may_start_it_and_approvers_approve_it_as_any_other_workflow():
    roles = {one["role"]: one for one in made()["roles"] if f"{OURS}: Portfolio firm" in one.get("workflows", ())}
    assert {role: one["teams"] for role, one in roles.items()} == {
        "execute": [f"{OURS}: Operators"],
        "approval": [f"{OURS}: Approvers"],
    }
    assert workflow()["notification_templates_approvals"] == [f"{OURS}: On-call"]


def test_without_a_portfolio_nothing_is_added():
    assert made({})["workflows"] == made(None)["workflows"] == controller_objects(
        object_files(), "trading", "dev", REGIONS
    )["workflows"]  # fmt: skip


def test_a_variable_that_no_survey_asks_for_is_refused_because_awx_would_drop_it():
    portfolio = {**FIRM, "variables": {**FIRM["variables"], "failover_cool_down": 0}}
    with pytest.raises(ValueError, match="orders prod has failover_cool_down; allowed: what Failover out of us-east-1"):
        made(portfolio)


def test_a_failover_without_the_region_that_is_left_is_refused():
    assert workflow_problems({**FIRM, "variables": {"target_region": "us-east-2"}})[0].startswith(
        "controller_portfolio: expected_active_region (platform orders prod) is not given; allowed: the region that is"
    )


def test_bad_input_is_refused_with_what_else_is_missing():
    problems = requirement_problems({}, {"controller_portfolio": {"name": "firm"}}, True)
    assert "controller_portfolio: portfolio.move is not given; allowed: one of failover, switchover, failback, and" in (
        " ".join(problems)
    )


def test_a_job_template_that_the_controller_does_not_have_is_reported_before_anything_is_made():
    objects = made()
    has = {listed: [] for listed, _word in KINDS.values()}
    there = ["orders prod: Failover out of us-east-1", "prices prod: Failover out of us-east-1"]
    there += [f"{one} prod: {after}" for one in ("orders", "prices", "web", "books") for after in ("Status", "Stopped")]
    there += ["books prod: Failover out of us-east-1"]
    has["of_nodes"] = [{"name": name} for name in there]
    assert controller_refusals(objects, has, "24.6.1", {}, OURS, {}) == [
        "controller_portfolio needs the job template 'web prod: Failover out of us-east-1'; allowed: platforms with "
        "the names that their objects begin with, each after its own run of controller.yml."
    ]
