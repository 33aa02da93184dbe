# SPDX-License-Identifier: GPL-3.0-or-later
"""Each invariant of the chaos matrix sees its own breach, and none in a sound failover."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos import cell, invariants
from tests.chaos.faults import FAILED, KILLED, LOST, REFUSED, SUCCESSFUL, TARGET
from tests.integration.aws import DOMAIN, GROUP
from tests.integration.platforms import Run


def moment(writers, name, lost=2, target=2, opened=None, time=0.0):
    seen = {"time": time, "writers": writers, "open_writers": opened or writers}
    return {**seen, "name": {DOMAIN: name}, "desired": {LOST: {GROUP: lost}, TARGET: {GROUP: target}}}


def call(operation, status=200, service="rds"):
    return {"region": TARGET, "service": service, "operation": operation, "mutating": True, "status": status}


BEFORE, PROMOTED, MOVED = moment([LOST], LOST, target=1), moment([TARGET], LOST), moment([TARGET], TARGET)
SOUND = invariants.Evidence(
    timeline=[BEFORE, moment([], LOST), PROMOTED, MOVED],
    calls=[call("FailoverGlobalCluster"), call("FailoverGlobalCluster", 400), call("PutObject", 200, "s3")],
    lease={"outcome": "successful"},
    record={"outcome": "successful"},
    outputs=["PLAY RECAP"],
    wanted=2,
    repeats=False,
)
BREACHES = {
    "the_name_only_ever_moves_to_the_writer": {"timeline": [BEFORE, moment([LOST], TARGET), MOVED]},
    "the_name_moves_at_most_once": {"timeline": [BEFORE, PROMOTED, MOVED, PROMOTED, MOVED]},
    "one_region_takes_writes": {"timeline": [BEFORE, moment([LOST, TARGET], LOST), MOVED]},
    "capacity_is_never_lowered_under_the_traffic": {
        "timeline": [BEFORE, moment([LOST], LOST, lost=0), PROMOTED, MOVED]
    },
    "traffic_finds_the_capacity_it_had": {"timeline": [BEFORE, PROMOTED, moment([TARGET], TARGET, target=1)]},
    "nothing_is_done_twice": {"calls": [call("FailoverGlobalCluster"), call("FailoverGlobalCluster", "lost")]},
    "the_lease_is_given_back": {"lease": {"outcome": "running"}},
    "the_record_tells_how_it_ended": {"record": {"outcome": "failed"}},
    "nobody_sees_a_traceback": {"outputs": ["Traceback (most recent call last):"]},
    "what_is_dead_makes_no_call": {"late": [call("UpdateItem", service="dynamodb")]},
}


def names(sentences):
    return {sentence.partition(":")[0] for sentence in sentences}


def test_a_sound_failover_breaks_nothing():
    assert invariants.broken(SOUND) == []


@pytest.mark.parametrize("name", BREACHES)
def test_each_invariant_sees_its_breach(name):
    assert name in names(invariants.broken(replace(SOUND, **BREACHES[name])))


def test_every_invariant_has_a_breach_here():
    assert set(BREACHES) == {check.__name__ for check in invariants.INVARIANTS}


SPLIT = moment([TARGET], TARGET, opened=[LOST, TARGET], time=9.0)


@pytest.mark.parametrize(
    ("fenced", "ended_at", "is_seen"),
    [
        ("fenced", 5.0, True),
        ("fenced", 9.5, True),
        ("fenced", 10.0, False),
        ("not proven", 5.0, False),
        ("unknown", 5.0, False),
    ],
)
def test_who_claims_fenced_answers_for_connections_that_are_open(fenced, ended_at, is_seen):
    closed = moment([TARGET], TARGET, time=10.0)
    record = {"outcome": "successful", "fenced": fenced, "ended_at": ended_at}
    found = names(invariants.broken(replace(SOUND, timeline=[*SOUND.timeline, SPLIT, closed], record=record)))
    assert found == ({"one_region_takes_writes"} if is_seen else set())


def test_a_figure_may_be_published_by_each_of_two_runs_and_nothing_else_of_cloudwatch_twice():
    figure = call("PutMetricData", service="cloudwatch")
    assert invariants.broken(replace(SOUND, calls=[figure] * 2)) == []
    assert names(invariants.broken(replace(SOUND, calls=[figure] * 3))) == {"nothing_is_done_twice"}
    alarm = call("PutMetricAlarm", service="cloudwatch")
    assert names(invariants.broken(replace(SOUND, calls=[alarm] * 2))) == {"nothing_is_done_twice"}


def test_a_lost_answer_excuses_a_repetition_but_never_a_second_move():
    twice = [call("PutObject", "lost", "s3"), call("PutObject", 200, "s3")]
    moved = [call("FailoverGlobalCluster", "lost"), call("FailoverGlobalCluster")]
    assert invariants.broken(replace(SOUND, repeats=True, calls=twice)) == []
    assert names(invariants.broken(replace(SOUND, repeats=True, calls=moved))) == {"nothing_is_done_twice"}


def ended(code, output="", calls=(), there=False):
    return cell.how_it_ended(Run(code, output, 0.0, 1.0), list(calls), there)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (ended(0, there=True), SUCCESSFUL),
        (ended(0, there=False), cell.SILENT),
        (ended(-9), KILLED),
        (ended(2, "msg: Refused before any change.", [call("Publish", service="sns")]), REFUSED),
        (ended(2, "", [call("Publish", service="sns")]), cell.UNEXPLAINED),
        (ended(2, "Stopped at: x. Run the same command again", [call("FailoverGlobalCluster")]), FAILED),
        (ended(2, "Stopped at: x.", [call("FailoverGlobalCluster")]), cell.UNEXPLAINED),
    ],
)
def test_a_run_is_judged_by_the_truth_and_by_what_it_says(found, wanted):
    assert found == wanted
