# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When the health check may start a failover by itself, as examples and for every report and history."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._automation.rule import (
    ALERT,
    CRITICAL,
    DOWN,
    FAILOVER,
    NONE,
    SUSPECT,
    Memory,
    Settings,
    decide,
)

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
NOW = 1_800_000_000.0
ON = Settings(auto_failover=True)
NAMES = ("load_balancer_targets", "database", "replication_lag", "session_table", "route53_checkers", "endpoint_probe")
DECIDING = NAMES[:2]
PAUSE = {"until": NOW + 60, "by": "ann", "reason": "patching"}
COOL_DOWN = {"code": "cool_down", "sentence": "us-east-2 was left 60 s ago."}


def signal(state, value="read"):
    return {"state": state, "value": None if state == "unknown" else value, "reason": f"Said {state}.", "seconds": 0.1}


def sample(silent_seconds):
    """A lag signal of a standby that has run for so many seconds and received nothing."""
    stream = {"progressed_at": NOW - 900, "silent_seconds": silent_seconds}
    return {**signal("healthy"), "value": {"value_ms": 120.0, "age_seconds": 185.0, "stream": stream}}


def report(**states):
    """A region's report: healthy but for the named signals."""
    signals = {name: signal("healthy") for name in NAMES}
    signals.update({name: state if isinstance(state, dict) else signal(state) for name, state in states.items()})
    deciding = [signals[name]["state"] for name in DECIDING]
    verdict = next((state for state in ("unhealthy", "unknown") if state in deciding), "healthy")
    return {"verdict": verdict, "reason": "By its signals.", "signals": signals}


def silent(route53="unknown"):
    """A region whose API and endpoint answer nothing."""
    return report(**{**dict.fromkeys(NAMES, "unknown"), "route53_checkers": route53})


STANDBY = report(replication_lag=sample(60))
CUT_OFF = report(replication_lag=sample(600))
SICK = report(load_balancer_targets="unhealthy", endpoint_probe="unhealthy")
AFTER_TWO = Memory(EAST, 2, NOW - 30, {EAST: DOWN, WEST: "healthy"})


def run(east, west=None, memory=AFTER_TWO, pause=None, settings=ON, obstacles=(), now=NOW, active=EAST):
    return decide({EAST: east, WEST: west or STANDBY}, active, memory, pause, now, settings, obstacles)


def condition(east, west=None):
    return run(east, west).memory.conditions[EAST]


# --- who is down -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "east, west",
    [
        (SICK, STANDBY),
        (report(load_balancer_targets="unhealthy", database="unhealthy"), STANDBY),
        (report(database="unhealthy", route53_checkers="unhealthy"), STANDBY),
        (report(database="unhealthy"), CUT_OFF),
        (silent(route53="unhealthy"), STANDBY),
        (silent(), CUT_OFF),
    ],
    ids=["inside and controller", "inside twice", "inside and route53", "inside and standby", "route53", "standby"],
)
def test_two_votes_from_two_vantages_or_from_inside_are_down(east, west):
    assert condition(east, west) == DOWN


def test_a_partition_of_only_the_controller_is_not_down():
    votes = run(silent()).votes[EAST]
    assert [(vote.signal, vote.vantage) for vote in votes] == [
        ("endpoint_probe", "controller"),
        ("regional_api", "controller"),
    ]
    assert condition(silent()) == SUSPECT


@pytest.mark.parametrize("route53, probe", [("healthy", "unknown"), ("unknown", "healthy"), ("healthy", "healthy")])
def test_silence_is_no_evidence_where_anybody_is_answered(route53, probe):
    east = report(**{**dict.fromkeys(NAMES, "unknown"), "route53_checkers": route53, "endpoint_probe": probe})
    assert [vote.vantage for vote in run(east, CUT_OFF).votes[EAST]] == ["standby"]
    assert condition(east, CUT_OFF) == SUSPECT


def test_silence_is_no_evidence_where_no_other_region_answers_either():
    assert run(silent(), silent()).votes == {EAST: (), WEST: ()}
    assert condition(silent(), silent()) == "unknown"


def test_a_signal_that_was_not_asked_for_is_not_silence():
    one = {**report(), "verdict": "unknown", "signals": {}}
    assert run(one).votes[EAST] == ()


def test_one_standby_that_still_gets_the_writes_is_enough_against_the_others():
    verdicts = {EAST: silent(), WEST: CUT_OFF, EUROPE: STANDBY}
    assert decide(verdicts, EAST, AFTER_TWO, None, NOW, ON).memory.conditions[EAST] == SUSPECT
    verdicts[EUROPE] = CUT_OFF
    assert decide(verdicts, EAST, AFTER_TWO, None, NOW, ON).memory.conditions[EAST] == DOWN


def test_the_stream_speaks_of_the_active_region_only():
    assert run(STANDBY, CUT_OFF, active=WEST).votes == {EAST: (), WEST: ()}


def test_a_missing_lag_sample_is_no_vote():
    assert run(silent(), report(replication_lag="unknown")).votes[EAST][-1].signal == "regional_api"


def test_one_vote_is_suspect_and_a_larger_quorum_is_respected():
    assert condition(report(database="unhealthy")) == SUSPECT
    assert run(SICK, settings=replace(ON, quorum=3)).memory.conditions[EAST] == SUSPECT


def test_a_region_that_only_the_outside_calls_sick_is_reported_and_not_left():
    done = run(report(endpoint_probe="unhealthy", route53_checkers="unhealthy"))
    assert (done.memory.conditions[EAST], done.action) == (SUSPECT, ALERT)


# --- how often -------------------------------------------------------------------------------------------------------


def history(*runs, settings=ON, step=30.0):
    """The decisions of runs in a row, 30 s apart."""
    memory, now, made = Memory(), NOW, []
    for east in runs:
        made.append(run(east, memory=memory, now=now, settings=settings))
        memory, now = made[-1].memory, now + step
    return made


def test_the_third_run_in_a_row_starts_it_and_operators_are_notified_when_something_changes():
    made = history(report(), SICK, SICK, SICK, SICK, report(), report())
    assert [one.action for one in made] == [NONE, ALERT, NONE, FAILOVER, FAILOVER, ALERT, NONE]
    assert [one.is_news for one in made] == [False, True, False, True, False, True, False]
    assert [one.memory.count for one in made] == [0, 1, 2, 3, 4, 0, 0]
    assert made[2].reason == (
        "us-east-1 is down, with 2 votes against it (from: inside, controller): load_balancer_targets: Said unhealthy."
        " endpoint_probe: Said unhealthy. us-east-1 was down in 2 of 3 runs in a row; nothing is started yet."
    )
    assert made[3].reason.endswith("us-east-1 was down in 3 of 3 runs in a row: a failover is started.")


def test_a_run_that_cannot_tell_neither_counts_nor_forgives():
    made = history(SICK, SICK, silent(), SICK)
    assert [one.memory.count for one in made] == [1, 2, 2, 3]
    assert "nothing is started by this run: this run sees it as suspect." in made[2].reason


def test_a_healthy_run_starts_the_count_again():
    assert [one.memory.count for one in history(SICK, SICK, report(), SICK)] == [1, 2, 0, 1]


def test_a_scheduler_that_was_silent_too_long_starts_the_count_again():
    assert [one.memory.count for one in history(SICK, SICK, SICK, step=301)] == [1, 1, 1]
    late = run(silent(), memory=replace(AFTER_TWO, counted_at=NOW - 301))
    assert late.memory.count == 0


def test_two_schedulers_at_the_same_moment_count_once():
    twice = run(SICK, memory=run(SICK).memory, now=NOW + 1)
    assert (twice.action, twice.memory.count) == (NONE, 3)
    assert "another run counted 1 s ago" in twice.reason


def test_another_active_region_is_counted_anew():
    done = run(STANDBY, SICK, memory=replace(AFTER_TWO, count=9), active=WEST)
    assert (done.memory.region, done.memory.count, done.action) == (WEST, 1, ALERT)


def test_nothing_is_counted_where_the_active_region_is_unknown():
    done = run(SICK, active="unknown", memory=Memory())
    assert (done.action, done.memory.count) == (ALERT, 0)
    assert "The active region is unknown" in done.reason


# --- what holds it back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more, code, words",
    [
        ({"settings": replace(ON, auto_failover=False)}, "auto_failover_off", "auto_failover is false."),
        ({"pause": PAUSE}, "paused", "It is paused for 60 s more by ann: patching."),
        ({"obstacles": [COOL_DOWN]}, "cool_down", COOL_DOWN["sentence"]),
    ],
)
def test_what_holds_it_back_is_reported_once_with_the_reason(more, code, words):
    done = run(SICK, **more)
    assert (done.action, done.memory.count, done.memory.blocked_by) == (ALERT, 3, (code,))
    assert f"no failover is started: {words}" in done.reason
    assert run(SICK, memory=done.memory, now=NOW + 30, **more).action == NONE


def test_a_pause_that_has_expired_is_none():
    held = run(SICK, pause=PAUSE)
    done = run(SICK, memory=held.memory, now=NOW + 60, pause=PAUSE)
    assert (done.action, done.is_news) == (FAILOVER, True)


def test_all_regions_down_is_critical_and_counts_nothing():
    done = run(SICK, report(database="unhealthy"))
    assert (done.action, done.is_news, done.memory.count) == (CRITICAL, True, 2)
    assert "no region can take over" in done.reason
    again = run(SICK, report(database="unhealthy"), memory=done.memory, now=NOW + 30)
    assert (again.action, again.is_news) == (CRITICAL, False)


def test_a_region_lost_and_the_other_unhealthy_is_critical():
    assert run(silent(route53="unhealthy"), report(database="unhealthy")).action == CRITICAL


def test_what_could_not_be_kept_is_an_alert_at_most():
    assert run(SICK).alert_only("Not kept.").action == ALERT
    assert run(SICK, SICK).alert_only("Not kept.").action == CRITICAL
    assert run(report(), memory=Memory()).alert_only("Not kept.").is_news


# --- for every report and history ------------------------------------------------------------------------------------

STATES = st.sampled_from(("healthy", "unhealthy", "unknown"))
LAGS = STATES | st.floats(1, 1000).map(sample)


def signals_of(states=STATES, lags=LAGS):
    return st.fixed_dictionaries({name: lags if name == "replication_lag" else states for name in NAMES})


REPORTS = signals_of().map(lambda states: report(**states))
PLATFORMS = st.fixed_dictionaries({EAST: REPORTS, WEST: REPORTS}, optional={EUROPE: REPORTS})
SETTINGS = st.builds(
    Settings,
    quorum=st.integers(2, 4),
    consecutive_failures=st.integers(1, 5),
    auto_failover=st.just(True),
    max_gap=st.floats(60, 600),
    min_interval=st.floats(0, 30),
)
MEMORIES = st.builds(
    Memory,
    region=st.sampled_from((None, EAST, WEST)),
    count=st.integers(0, 9),
    counted_at=st.floats(NOW - 900, NOW + 60),
)
ANYTHING = {"verdicts": PLATFORMS, "memory": MEMORIES, "settings": SETTINGS, "active": st.sampled_from((EAST, WEST))}


def decided(verdicts, active, memory, settings, pause=None, obstacles=()):
    return decide(verdicts, active, memory, pause, NOW, settings, obstacles)


@given(**{**ANYTHING, "verdicts": st.just({EAST: silent(), WEST: silent()})})
def test_only_unknown_never_starts_one(**case):
    assert decided(**case).action in (NONE, ALERT)


@given(**ANYTHING)
def test_a_healthy_active_region_is_never_left(**case):
    case["verdicts"][case["active"]] = report(
        **{
            name: one if name not in DECIDING else "healthy"
            for name, one in case["verdicts"][case["active"]]["signals"].items()
        }
    )
    done = decided(**case)
    assert done.action in (NONE, ALERT) and done.memory.count <= case["memory"].count


@given(**ANYTHING)
def test_a_start_needs_two_votes_that_one_partition_cannot_make(**case):
    done = decided(**case)
    for region, found in done.memory.conditions.items():
        vantages = [vote.vantage for vote in done.votes[region]]
        if found == DOWN:
            assert len(vantages) >= case["settings"].quorum
            assert len(set(vantages)) > 1 or vantages.count("inside") > 1
    if done.action == FAILOVER:
        assert done.memory.conditions[case["active"]] == DOWN
        assert done.memory.count >= case["settings"].consecutive_failures


REST = {name: value for name, value in ANYTHING.items() if name != "verdicts"}


@given(cut=st.sets(st.sampled_from(NAMES)), lag=st.floats(1, 170), **REST)
def test_cutting_the_controller_off_a_sound_platform_starts_nothing(cut, lag, **case):
    seen = report(**dict.fromkeys(cut, "unknown"))
    verdicts = {EAST: seen, WEST: seen}
    verdicts[WEST if case["active"] == EAST else EAST] = report(replication_lag=sample(lag))
    done = decided(verdicts=verdicts, **case)
    assert done.action in (NONE, ALERT) and done.memory.conditions[case["active"]] != DOWN


@given(**ANYTHING)
def test_all_down_is_critical_and_nothing_else(**case):
    done = decided(**case)
    verdicts = case["verdicts"]
    all_down = all(done.memory.conditions[r] == DOWN or verdicts[r]["verdict"] == "unhealthy" for r in verdicts)
    assert (done.action == CRITICAL) == all_down
    if all_down:
        assert (done.memory.count, done.memory.region) == (case["memory"].count, case["memory"].region)


@given(platforms=st.lists(PLATFORMS, min_size=1, max_size=6), settings=SETTINGS, active=st.sampled_from((EAST, WEST)))
def test_fewer_runs_than_the_limit_never_start_one(platforms, settings, active):
    memory, grown = Memory(), 0
    for number, verdicts in enumerate(platforms):
        done = decide(verdicts, active, memory, None, NOW + 31 * number, settings)
        grown += done.memory.count > memory.count
        assert done.memory.count <= memory.count + 1
        assert done.action != FAILOVER or grown >= settings.consecutive_failures
        memory = done.memory


# Every observer against the active region: what it says itself, this machine, Route 53's checkers and the standbys.
EVERYBODY = {EAST: report(**dict.fromkeys(NAMES, "unhealthy")), WEST: CUT_OFF}
APART = 10.0


def starts_during(begins, lasts, settings):
    """Whether looks that are so many seconds apart start a failover, while everybody sees a disturbance."""
    memory, actions = Memory(), []
    for number in range(12):
        now = NOW + APART * number
        is_disturbed = begins <= now - NOW < begins + lasts
        verdicts = EVERYBODY if is_disturbed else {EAST: report(), WEST: STANDBY}
        done = decide(verdicts, EAST, memory, None, now, settings)
        memory = done.memory
        actions.append(done.action)
    return FAILOVER in actions


@given(begins=st.floats(0, 40), lasts=st.floats(0.1, 60), limit=st.integers(1, 5))
def test_whoever_votes_a_disturbance_that_ends_before_the_last_look_starts_nothing(begins, lasts, limit):
    settings = replace(ON, consecutive_failures=limit)
    assert not starts_during(begins, lasts, settings) or lasts >= APART * (limit - 1)


def test_more_vantages_in_one_look_would_not_show_that_a_disturbance_lasts():
    """So they do not replace looks: with one look, a second of what everybody sees would move the platform."""
    found = run(EVERYBODY[EAST], EVERYBODY[WEST], memory=Memory())
    assert {vote.vantage for vote in found.votes[EAST]} == {"inside", "controller", "route53", "standby"}
    assert starts_during(9.5, 1, replace(ON, consecutive_failures=1))
    assert not starts_during(9.5, 1, ON)


def test_the_standbys_vote_which_takes_minutes_does_not_make_what_another_saw_for_a_moment_last():
    """The regions may be cut off from each other for long, and the controller from one of them for a second."""
    memory = Memory()
    for number in range(6):
        east = silent() if number == 3 else report()
        done = decide({EAST: east, WEST: CUT_OFF}, EAST, memory, None, NOW + APART * number, ON)
        memory = done.memory
        assert done.action != FAILOVER
        assert (memory.conditions[EAST] == DOWN) is (number == 3)


@given(how=st.sampled_from(("off", "paused", "obstacle")), **ANYTHING)
def test_off_or_paused_or_an_obstacle_never_starts_one(how, **case):
    if how == "off":
        case["settings"] = replace(case["settings"], auto_failover=False)
    more = {"paused": {"pause": PAUSE}, "obstacle": {"obstacles": [COOL_DOWN]}}.get(how, {})
    assert decided(**case, **more).action != FAILOVER


@given(**ANYTHING)
def test_the_same_report_twice_is_reported_once(**case):
    settings = case["settings"]
    case["settings"] = replace(settings, min_interval=max(5, settings.min_interval))
    first = decided(**case)
    again = decided(**{**case, "memory": first.memory})
    assert not again.is_news and again.action in (NONE, CRITICAL)


# --- the traffic ------------------------------------------------------------------------------------------------------

HEALTHY_BEFORE = Memory(EAST, conditions={EAST: "healthy", WEST: "healthy"})


def problem(code, region="all"):
    return {"code": code, "region": region, "reason": f"Seen: {code}.", "remedy": "Open it."}


def traffic(memory, *problems):
    return decide({EAST: report(), WEST: STANDBY}, EAST, memory, None, NOW, ON, traffic_problems=problems)


def test_a_closed_switch_is_news_once_with_its_remedy_and_again_when_it_is_open():
    closed, moved = problem("switch_closed", WEST), problem("name_elsewhere")
    first = traffic(HEALTHY_BEFORE, closed, moved)
    assert (first.action, first.is_news) == ("alert", True)
    assert "Seen: switch_closed. Open it. Seen: name_elsewhere. Open it." in first.reason
    second = traffic(first.memory, closed, moved)
    assert (second.action, second.is_news) == ("none", False)
    third = traffic(second.memory)
    assert (third.action, third.reason.endswith("agree again.")) == ("alert", True)
    assert traffic(third.memory).is_news is False


def test_a_name_that_only_lags_behind_a_move_is_news_from_the_second_run():
    first = traffic(HEALTHY_BEFORE, problem("name_elsewhere"))
    assert (first.action, first.is_news) == ("none", False)
    assert traffic(first.memory).is_news is False, "it has followed"
    assert traffic(first.memory, problem("name_elsewhere")).action == "alert"


def test_a_run_that_did_not_look_at_the_traffic_forgets_nothing():
    known = traffic(HEALTHY_BEFORE, problem("switch_closed", WEST)).memory
    after = decide({EAST: report(), WEST: STANDBY}, EAST, known, None, NOW, ON)
    assert (after.is_news, after.memory.traffic_problems) == (False, ("switch_closed:us-east-2",))


def test_the_traffic_neither_starts_nor_prevents_a_failover():
    for problems in ((), (problem("switch_closed", WEST), problem("name_elsewhere"))):
        found = decide({EAST: SICK, WEST: STANDBY}, EAST, AFTER_TWO, None, NOW, ON, traffic_problems=problems)
        assert found.action == "failover"
