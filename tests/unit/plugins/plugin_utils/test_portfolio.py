# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A portfolio: what is refused before the first run, which wave may begin, and the figures of the whole."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils import portfolio as of

BEGAN = 1_800_000_000.0
REASON = "INC-1"
FIRM = {
    "name": "firm",
    "move": "switchover",
    "variables": {"target_region": "us-east-2"},
    "waves": [
        {
            "name": "core",
            "platforms": [{"name": "orders", "inventory": "o"}, {"name": "prices", "inventory": "p"}],
        },
        {"name": "front", "platforms": [{"name": "web", "inventory": "w", "variables": {"wait_timeout": 60}}]},
    ],
}


def run(outcome="successful", started_at=BEGAN + 5, rto=20.0, rpo=0, **more):
    """What is known of a platform's run that has ended."""
    record = {"run_id": "r-1", "from_region": "us-east-1", "target_region": "us-east-2", "outcome": outcome}
    record |= {"started_at": started_at, "rto_seconds": rto, "rpo_bound_ms": rpo, "trigger": REASON}
    artifacts = {"outcome": outcome, "outcome_reason": "It says why.", "run_id": "r-1", "failover": record}
    return {"rc": 0 if outcome in ("successful", "unchanged") else 2, "artifacts": artifacts, "log": "x.log", **more}


def there_already(*history):
    """A platform that was at its target before the run: its run is unchanged, and its history says who has moved it."""
    artifacts = {"outcome": "unchanged", "outcome_reason": "", "active_region": "us-east-2", "failover": {}}
    return {"rc": 0, "artifacts": artifacts, "history": list(history)}


def report(results, portfolio=FIRM):
    return of.portfolio_report(portfolio, results, BEGAN, REASON)


def outcomes(found):
    return {row["platform"]: row["outcome"] for row in found["platforms"]}


def changed(**paths):
    """The portfolio with other values at paths such as waves__0__name; None removes."""
    made = copy.deepcopy(FIRM)
    for path, value in paths.items():
        *way, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        place = made
        for part in way:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return made


def problems(portfolio, forks=20, known=(), missing=()):
    return of.portfolio_problems(portfolio, lambda path: path not in missing, forks, known)


def test_a_portfolio_without_problems_is_accepted():
    assert problems(FIRM) == []
    assert problems(changed(waves__0__on_failure="continue", waves__1__approval_minutes=15)) == []
    assert problems(changed(move="failback", variables=None)) == [], "its target is the preferred region"


@pytest.mark.parametrize(
    ("portfolio", "sentence"),
    [
        (None, "portfolio is not given; allowed: a dictionary."),
        ([], "portfolio is []; allowed: a dictionary."),
        (changed(name=None), "portfolio.name is not given; allowed: 1 to 64 letters"),
        (changed(move="teleport"), "portfolio.move is 'teleport'; allowed: one of failover, switchover, failback."),
        (changed(waves=[]), "portfolio.waves is []; allowed: a list of 1 entries or more."),
        (changed(waves__1__platforms=[]), "portfolio.waves[1].platforms is []; allowed: a list of 1 entries or more."),
        (changed(waves__0__on_failure="retry"), "portfolio.waves[0].on_failure is 'retry'; allowed: one of stop, "),
        (changed(waves__0__approval_minutes=0), "portfolio.waves[0].approval_minutes is 0; allowed: a whole number of"),
        (changed(waves__0__approval_minutes=True), "portfolio.waves[0].approval_minutes is True; allowed: "),
        (changed(waves__0__platforms__0__name="localhost"), "portfolio.waves[0].platforms[0].name is 'localhost'; "),
        (changed(waves__0__platforms__0__name="a/../b"), "portfolio.waves[0].platforms[0].name is 'a/../b'; allowed: "),
        (changed(waves__0__platforms__0__inventory=["a"]), "portfolio.waves[0].platforms[0].inventory is ['a']; "),
        (changed(colour="red"), "a key of portfolio is 'colour'; allowed: name, move, variables, waves."),
        (changed(waves__0__after="x"), "a key of portfolio.waves[0] is 'after'; allowed: name, on_failure, "),
        (
            changed(waves__0__platforms__1__target_region="us-east-2"),
            "a key of portfolio.waves[0].platforms[1] is 'target_region'; allowed: name, inventory, variables.",
        ),
        (changed(waves__1__name="core"), "a wave of the portfolio is 'core'; allowed: each once."),
        (
            changed(waves__1__platforms__0__name="orders"),
            "a platform of the portfolio is 'orders'; allowed: each once.",
        ),
        (changed(waves__1__platforms__0__inventory="o"), "an inventory of the portfolio is 'o'; allowed: each once."),
        (
            changed(variables=None),
            "target_region (platform orders) is not given; allowed: the code of a region, so that a run that is",
        ),
        (
            changed(variables__target_region="moon"),
            "target_region (platform orders) is 'moon'; allowed: the code of an AWS region",
        ),
        (changed(waves__1__platforms__0__variables__wait_timeout="1h"), "wait_timeout is '1h'; allowed: "),
        (changed(variables__accept_data_loss=True), "accept_data_loss is True; allowed: false with method switchover"),
        (changed(variables__target_regoin="x"), "target_regoin is not a variable of the playbooks; did you mean "),
        (
            changed(variables__failover_reason="x"),
            "failover_reason (platform orders) is 'x'; allowed: none here; give it to portfolio.yml.",
        ),
    ],
)
def test_bad_input_is_refused_by_name_value_and_what_is_allowed(portfolio, sentence):
    found = problems(portfolio)
    assert found and found[0].startswith(sentence), found


def test_an_inventory_that_does_not_exist_is_refused_by_the_platform_s_name():
    assert problems(FIRM, missing=("w",)) == ["inventory of web is 'w'; allowed: the path of an inventory that exists."]


def test_too_few_forks_for_a_wave_are_refused_because_the_rest_would_wait():
    assert problems(FIRM, forks=1) == [
        "--forks is 1; allowed: 2 or more, because the platforms of wave core move together."
    ]


def test_an_option_of_a_role_is_no_misspelling():
    portfolio = changed(variables__health_quorums=3)
    assert problems(portfolio) != [] and problems(portfolio, known=["health_quorums"]) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: (
            st.lists(one)
            | st.dictionaries(
                st.sampled_from(["name", "move", "waves", "platforms", "variables", "inventory", "x"]), one
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_is_given_ends_in_sentences(portfolio):
    found = problems(portfolio)
    assert all(isinstance(one, str) and "allowed: " in one for one in found)


def test_nothing_is_started_at_first_and_every_wave_after_an_unfinished_one_is_blocked():
    found = report({})
    assert outcomes(found) == dict.fromkeys(("orders", "prices", "web"), "not started")
    assert found["blocked"] == {"core": "", "front": "orders of wave core has not arrived (not started)."}


def test_a_platform_that_failed_stops_the_waves_after_it():
    found = report({"orders": run(), "prices": run("failed", rto=None)})
    assert found["blocked"]["front"] == "prices of wave core has not arrived (failed)."
    assert [row["reason"] for row in found["platforms"]] == ["It says why.", "It says why.", found["blocked"]["front"]]
    assert (found["has_arrived"], found["arrived"], found["rto_seconds"]) == (False, 1, None)


def test_a_wave_that_may_fail_stops_nothing_and_the_whole_has_not_arrived():
    goes_on = changed(waves__0__on_failure="continue")
    found = report({"orders": run(), "prices": run("failed", rto=None), "web": run()}, goes_on)
    assert found["blocked"]["front"] == ""
    assert (found["has_arrived"], found["arrived"], found["rto_seconds"]) == (False, 2, None)


def test_a_wave_that_was_not_approved_stops_also_what_may_follow_a_failure():
    goes_on = changed(waves__0__on_failure="continue")
    found = report({"orders": {"denied": True}, "prices": {"denied": True}}, goes_on)
    assert outcomes(found) == {"orders": "not approved", "prices": "not approved", "web": "not started"}
    assert found["blocked"]["front"] == "Wave core was not approved."


def test_the_rto_of_the_whole_runs_from_the_command_to_the_last_platform_with_traffic():
    found = report({
        "orders": run(started_at=BEGAN + 2, rto=30.0),
        "prices": run(started_at=BEGAN + 2, rto=45.5, rpo=120),
        "web": run(started_at=BEGAN + 60, rto=20.0),
    })  # fmt: skip
    assert (found["started_at"], found["rto_seconds"], found["rpo_bound_ms"]) == (BEGAN, 80.0, 120)


def test_a_run_that_goes_on_counts_from_the_start_of_the_first():
    earlier = {"outcome": "successful", "target_region": "us-east-2", "trigger": REASON, "run_id": "r-0"}
    earlier |= {"started_at": BEGAN - 600, "rto_seconds": 30.0, "rpo_bound_ms": 0, "from_region": "us-east-1"}
    failed = {"outcome": "refused", "target_region": "us-east-1"}
    found = report({
        "orders": there_already(failed, earlier),
        # The lease keeps the start of a run's first attempt.
        "prices": run(started_at=BEGAN - 595, rto=700.0),
        "web": run(started_at=BEGAN + 110, rto=20.0),
    })  # fmt: skip
    assert found["has_arrived"] and (found["started_at"], found["rto_seconds"]) == (BEGAN - 600, 730.0)
    (orders,) = (row for row in found["platforms"] if row["platform"] == "orders")
    assert (orders["outcome"], orders["run_id"], orders["rto_seconds"]) == ("unchanged", "r-0", 30.0)


@pytest.mark.parametrize(
    "other",
    [
        {"trigger": "started by hand"},
        {"target_region": "us-west-2"},
        {"started_at": BEGAN - 7 * 86400},
        {"outcome": "failed"},
    ],
)
def test_a_platform_that_something_else_has_moved_counts_for_no_figure(other):
    earlier = {"outcome": "successful", "target_region": "us-east-2", "trigger": REASON, "run_id": "r-0"}
    earlier |= {"started_at": BEGAN - 600, "rto_seconds": 30.0, "rpo_bound_ms": 0}
    found = report({"orders": there_already({**earlier, **other}), "prices": run(), "web": run()})
    assert found["has_arrived"] and (found["started_at"], found["rto_seconds"]) == (BEGAN, 25.0)


def test_a_portfolio_that_was_there_already_has_no_rto():
    found = report(dict.fromkeys(("orders", "prices", "web"), there_already()))
    assert (found["has_arrived"], found["rto_seconds"], found["rpo_bound_ms"]) == (True, None, None)


def test_an_unknown_figure_of_one_platform_makes_that_of_the_whole_unknown():
    found = report({"orders": run(), "prices": run(rto=None, rpo=None), "web": run()})
    assert (found["has_arrived"], found["rto_seconds"], found["rpo_bound_ms"]) == (True, None, None)


def test_a_run_without_an_outcome_or_that_failed_after_the_move_has_failed():
    found = report({"orders": {"rc": -9}, "prices": {**run(), "rc": 2}})
    reasons = {row["platform"]: row["reason"] for row in found["platforms"] if row["outcome"] == "failed"}
    assert reasons == {
        "orders": "It ended with exit code -9 and without an outcome.",
        "prices": "It ended with exit code 2 after the move (successful).",
    }


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        ({"is_complete": False, "obstacles": []}, "planned"),
        ({"is_complete": True, "obstacles": []}, "unchanged"),
        ({"is_complete": False, "obstacles": [{"code": "x", "sentence": "It is held."}]}, "refused"),
    ],
)
def test_a_dry_run_says_what_would_become_of_each_platform(plan, outcome):
    plan = {**plan, "active_region": "us-east-1", "target_region": "us-east-2", "reason": "It says why."}
    found = report({"orders": {"rc": 0, "is_check": True, "artifacts": {"plan": plan}}})
    (row,) = (row for row in found["platforms"] if row["platform"] == "orders")
    assert (row["outcome"], row["from_region"], row["target_region"]) == (outcome, "us-east-1", "us-east-2")
    assert found["rto_seconds"] is None


RUNS = st.one_of(
    st.none(),
    st.builds(
        run,
        st.sampled_from(["successful", "failed", "refused"]),
        st.floats(BEGAN - 3600, BEGAN + 3600),
        st.none() | st.floats(0, 3600),
        st.none() | st.integers(0, 10**6),
    ),
    st.just({"denied": True}),
    st.just({"rc": -15}),
    st.just(there_already()),
)


@given(st.fixed_dictionaries({"orders": RUNS, "prices": RUNS, "web": RUNS}), st.sampled_from(["stop", "continue"]))
def test_the_figures_hold_whatever_became_of_the_platforms(results, on_failure):
    results = {name: one for name, one in results.items() if one}
    found = report(results, changed(waves__0__on_failure=on_failure))
    core = found["platforms"][:2]
    assert found["started_at"] <= BEGAN
    assert found["has_arrived"] == (found["arrived"] == 3)
    assert found["rto_seconds"] is None or (found["has_arrived"] and found["rto_seconds"] >= 0)
    if found["rto_seconds"] is not None:
        longest = max(row["rto_seconds"] for row in found["platforms"] if row["rto_seconds"] is not None)
        assert found["rto_seconds"] >= round(longest, 1) - 0.1, "no platform was quicker alone"
    if all(row["outcome"] in of.ARRIVED for row in core):
        assert found["blocked"]["front"] == ""
    elif on_failure == "stop" or any(row["outcome"] == "not approved" for row in core):
        assert found["blocked"]["front"] != ""
