# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What waiting promises: a deadline that holds, a first and a last look, and patience with what passes."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    after_waiting,
    poll,
    retry_transient,
    timed,
    wait_until_visible,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeTime

PASSING = AwsCallError("DescribeDBClusters", "Throttling", "slow down", retryable=True)
LASTING = AwsCallError("DescribeDBClusters", "AccessDenied", "no")


def answers(*values):
    """Return a read that gives the values in turn, raising those that are errors, the last one for ever."""
    left = list(values)

    def read():
        value = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(value, Exception):
            raise value
        return value

    return read


def test_what_is_done_already_costs_no_waiting(fake_time):
    assert poll(answers("available"), "available".__eq__, 60, 5, **fake_time.passing) == "available"
    assert fake_time.slept == []


def test_returns_the_value_that_satisfied(fake_time):
    assert poll(answers(1, 2, 3), lambda value: value >= 3, 60, 5, **fake_time.passing) == 3
    assert fake_time.slept == [5, 5]


def test_timeout_names_the_last_state(fake_time):
    with pytest.raises(WaitTimeout, match="modifying") as late:
        poll(answers("creating", "modifying"), lambda _state: False, 12, 5, **fake_time.passing)
    assert late.value.state == "modifying"
    assert fake_time.slept == [5, 5, 2]


def test_passing_failures_are_waited_through(fake_time):
    assert poll(answers(PASSING, PASSING, "up"), bool, 60, 5, **fake_time.passing) == "up"


def test_lasting_failures_end_the_wait_immediately(fake_time):
    with pytest.raises(AwsCallError, match="AccessDenied"):
        poll(answers(LASTING), bool, 60, 5, **fake_time.passing)
    assert fake_time.slept == []


def test_timeout_with_nothing_read_names_the_error(fake_time):
    with pytest.raises(WaitTimeout, match="Throttling") as late:
        poll(answers(PASSING), bool, 10, 5, **fake_time.passing)
    assert late.value.state is None


# With this start, 0.3 s after it is not quite 0.3 s: a wait of no time at all would follow, and another.
@example(started=837.5779756625728, timeout=0.3, interval=0.3)
@given(started=st.floats(0, 1e6), timeout=st.floats(0, 1000), interval=st.floats(0.1, 100))
@settings(deadline=None)
def test_never_waits_beyond_the_deadline_and_always_looks_at_it(started, timeout, interval):
    passing = FakeTime()
    passing.now = started
    looks = []

    def look():
        assert len(looks) <= timeout / interval + 2
        looks.append(passing.now)

    with pytest.raises(WaitTimeout):
        poll(look, lambda _state: False, timeout, interval, **passing.passing)
    assert passing.now == pytest.approx(started + timeout)
    assert looks[0] == started
    assert looks[-1] == pytest.approx(started + timeout)


def test_patience_ends_with_the_error_of_aws(fake_time):
    with pytest.raises(AwsCallError, match="Throttling"):
        retry_transient(answers(PASSING), 10, 5, **fake_time.passing)


def test_patience_takes_an_empty_answer_for_an_answer(fake_time):
    assert retry_transient(answers(PASSING, None), 10, 5, **fake_time.passing) is None


def test_seconds_are_reported_in_success_and_in_failure():
    @timed
    def run(refuse):
        if refuse:
            raise Refused("no")
        return {"changed": False}

    assert run(False)["seconds"] >= 0
    with pytest.raises(Refused) as refused:
        run(True)
    assert refused.value.evidence["seconds"] >= 0


@pytest.mark.parametrize(("seconds", "said"), [(0.0, ""), (0.4, ""), (0.6, ", after 1 s"), (34.2, ", after 34 s")])
def test_a_sentence_says_how_long_was_waited_if_it_was(seconds, said):
    assert after_waiting(seconds) == said


def test_reading_back_waits_for_a_reading_that_is_not_older_than_the_write(fake_time):
    assert wait_until_visible(answers("old", "old", "new"), "new".__eq__, **fake_time.passing) == "new"
    assert fake_time.slept == [0.5, 0.5]


def test_a_change_that_is_never_seen_is_reported_with_what_is_seen(fake_time):
    with pytest.raises(WaitTimeout, match="It was written, but 10 s later AWS still shows old."):
        wait_until_visible(answers("old"), "new".__eq__, done="It was written", **fake_time.passing)


def test_a_doubtful_write_that_is_never_seen_fails_with_its_own_error(fake_time):
    with pytest.raises(AwsCallError) as raised:
        wait_until_visible(answers("old"), "new".__eq__, PASSING, **fake_time.passing)
    assert raised.value is PASSING
