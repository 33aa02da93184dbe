# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The standby's vote over time, from samples that come as late as CloudWatch's do.

A controller that cannot reach the active region, nor Route 53, sees the same whether that region is lost or only the
line to it. The standby's own metrics decide.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import LAG_METRICS
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import newest_sample, stream
from ansible_collections.trading.multi_region.plugins.module_utils._automation.rule import (
    FAILOVER,
    STANDBY,
    Memory,
    Settings,
    decide,
)

EAST, WEST = "us-east-1", "us-east-2"
START = 1_800_000_000
BEGUN = 40  # minutes that the platform has run before the first run of the check
MINUTE, EVERY = 60, 30
# CloudWatch delivers two metrics up to this much apart: 2 to 4 minutes late.
SPREAD = 120
ON = Settings(auto_failover=True)
DELAYS = (0, 30, 60, 120, 180, 185, 240, 300)
UNKNOWN = {"state": "unknown", "value": None, "reason": "No answer.", "seconds": 2.0}
HEALTHY = {"state": "healthy", "value": "read", "reason": "It serves.", "seconds": 0.1}
NAMES = ("load_balancer_targets", "database", "replication_lag", "session_table", "route53_checkers", "endpoint_probe")


class World:
    """A standby's CloudWatch.

    delay: seconds after which a sample can be read at the earliest. more: of each metric, by how much later each
    minute's sample comes (taken in turn). died_at: when the writer was lost. grows: whether the standby goes on to
    report its lag then. behind: seconds that the standby is behind all the time.
    """

    def __init__(self, delay, more=None, died_at=None, grows=False, behind=0.2, has_control=True):
        self.delay, self.died_at, self.grows, self.behind = delay, died_at, grows, behind
        self.more = more or {"lag0": [0], "lag1": [0], "control": [0]}
        self.has_control = has_control
        self.outages = []

    def lag_at(self, when):
        """The largest lag of the minute that begins then, in milliseconds; None where there is no sample."""
        silent_for = 0 if self.died_at is None else when + MINUTE - self.died_at
        if silent_for <= 0:
            return 1000 * self.behind
        if when > self.died_at and not self.grows:
            return None
        return 1000 * (self.behind + min(silent_for, MINUTE if not self.grows else silent_for))

    def results(self, now):
        answer = []
        for name in ("lag0", "lag1", "control"):
            points = {}
            for number in range(-BEGUN, (now - START) // MINUTE + 1):
                when = START + number * MINUTE
                value = 10.0 if name == "control" else self.lag_at(when)
                late = self.more[name][number % len(self.more[name])]
                is_out = any(begun <= when < ended for begun, ended in self.outages)
                if value is not None and when + self.delay + late <= now and not is_out:
                    points[datetime.fromtimestamp(when, UTC)] = value
            if name != "control" or self.has_control:
                answer.append({"Id": name, "Timestamps": list(points), "Values": list(points.values())})
        return answer

    def report(self, now):
        results = self.results(now)
        sample = newest_sample(results, datetime.fromtimestamp(now, UTC))
        value = {**sample, "stream": stream(results)} if sample else None
        signals = {**dict.fromkeys(NAMES, HEALTHY), "replication_lag": {**HEALTHY, "value": value}}
        return {"verdict": "healthy", "reason": "It serves.", "signals": signals}


SILENT = {"verdict": "unknown", "reason": "No answer.", "signals": dict.fromkeys(NAMES, UNKNOWN)}


def watched(world, seconds=2400, memory=None, phase=0):
    """(time, decision) of a check every 30 s that is cut off from the active region, up to the failover it starts."""
    memory, made = memory or Memory(), []
    for now in range(START + phase, START + phase + seconds, EVERY):
        verdicts = {EAST: SILENT, WEST: world.report(now)}
        made.append((now, decide(verdicts, EAST, memory, None, now, ON)))
        memory = made[-1][1].memory
        if made[-1][1].action == FAILOVER:
            break
    return made


def voted(made):
    """When the standby voted."""
    return [now for now, done in made if any(vote.vantage == STANDBY for vote in done.votes[EAST])]


def actions(made):
    return {done.action for _now, done in made}


@pytest.mark.parametrize("delay", DELAYS)
def test_a_cut_off_controller_starts_nothing_however_late_samples_are(delay):
    made = watched(World(delay))
    assert len(made) == 80 and FAILOVER not in actions(made) and not voted(made)


LATE = st.lists(st.integers(0, SPREAD), min_size=1, max_size=7)
MORE = st.fixed_dictionaries({"lag0": LATE, "lag1": LATE, "control": LATE})


@given(delay=st.integers(0, 300), more=MORE, phase=st.integers(0, 59), behind=st.floats(0, 600))
def test_a_cut_off_controller_starts_nothing_whatever_order_samples_come_in(delay, more, phase, behind):
    made = watched(World(delay, more, behind=behind), seconds=900, phase=phase)
    assert FAILOVER not in actions(made) and not voted(made)


@pytest.mark.parametrize("grows", [False, True], ids=["the lag is silent", "the lag grows"])
@pytest.mark.parametrize("delay", DELAYS)
def test_a_lost_writer_is_voted_against_within_the_limit_and_the_delay(delay, grows):
    died_at = START + 90
    made = watched(World(delay, died_at=died_at, grows=grows))
    assert died_at < voted(made)[0] <= died_at + ON.stream_limit + delay + EVERY
    assert made[-1][1].action == FAILOVER
    assert made[-1][0] <= died_at + ON.stream_limit + delay + 3 * EVERY


@given(
    delay=st.integers(0, 300),
    more=MORE,
    phase=st.integers(0, 59),
    grows=st.booleans(),
    died_after=st.integers(0, 300),
    behind=st.floats(0, 30),
)
def test_a_lost_writer_is_left_within_a_bound_whatever_order_samples_come_in(
    delay, more, phase, grows, died_after, behind
):
    died_at = START + died_after
    made = watched(World(delay, more, died_at=died_at, grows=grows, behind=behind), phase=phase)
    assert made[-1][1].action == FAILOVER
    assert died_at < made[-1][0] <= died_at + MINUTE + ON.stream_limit + delay + SPREAD + 3 * EVERY


@pytest.mark.parametrize("has_control", [False, True])
def test_without_the_control_metric_the_standby_has_no_vote(has_control):
    made = watched(World(120, died_at=START, has_control=has_control))
    assert bool(voted(made)) is has_control
    lag = made[-1][1]
    assert (lag.action == FAILOVER) is has_control


def test_a_standby_that_was_out_itself_has_no_vote_when_it_returns():
    world = World(120, {"lag0": [SPREAD], "lag1": [SPREAD], "control": [0]})
    world.outages.append((START - 1200, START + 60))
    assert not voted(watched(world))


@pytest.mark.parametrize("behind", [200, 900])
def test_a_standby_that_is_far_behind_and_receives_has_no_vote(behind):
    assert not voted(watched(World(180, behind=behind)))


def test_what_a_standby_received_as_one_before_its_last_term_as_writer_is_no_vote():
    # The writer went to the west at -20 minutes and came back just now: the west has no newer sample to be read yet.
    world = World(180, died_at=START - 1200)
    before = Memory(WEST, 0)
    assert not voted(watched(world, seconds=600, memory=before))
    assert voted(watched(world, seconds=60, memory=Memory(EAST, 0)))


def test_a_new_standby_votes_once_it_has_received_something():
    world = World(120, died_at=START + 400)
    made = watched(world, memory=Memory(WEST, 0))
    assert made[-1][1].action == FAILOVER and voted(made)[0] > START + 400


def test_the_vote_names_its_figures():
    made = watched(World(120, died_at=START))
    (vote,) = [vote for vote in made[-1][1].votes[EAST] if vote.vantage == STANDBY]
    assert vote.reason.startswith("By their own metrics the standbys ran and received nothing: us-east-2 for ")
    assert vote.reason.endswith("the limit is 180 s.") and len(LAG_METRICS) == 2
