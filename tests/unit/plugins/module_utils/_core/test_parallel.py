# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Parallel calls: the deadline holds, whatever hangs, and a missing response is a result."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import CallGroup, observe_all


@pytest.fixture
def hang():
    """A call that hangs until the test is over."""
    over = threading.Event()
    yield lambda: over.wait(30)
    over.set()


def fail(error):
    raise error


def test_returns_what_each_call_answered():
    seen = observe_all({"a": lambda: 1, "b": lambda: None}, 5)
    assert (seen["a"].value, seen["a"].known) == (1, True)
    assert (seen["b"].value, seen["b"].known) == (None, True)


def test_a_call_that_hangs_is_unknown_at_the_deadline(hang):
    begun = time.monotonic()
    seen = observe_all({"fast": lambda: 1, "hangs": hang}, 0.2)
    assert time.monotonic() - begun < 2
    assert seen["fast"].known
    assert seen["hangs"].error == "no answer within 0.2 s"


def test_an_error_of_aws_is_a_sentence_and_any_other_keeps_its_name():
    error = AwsCallError("DescribeTable", "AccessDenied", "not you", region="us-east-1")
    seen = observe_all({"aws": lambda: fail(error), "bug": lambda: fail(KeyError("Table"))}, 5)
    assert seen["aws"].error == "DescribeTable in us-east-1 failed: AccessDenied: not you"
    assert seen["bug"].error == "KeyError: 'Table'"


def test_calls_run_beside_each_other():
    meeting = threading.Barrier(3, timeout=5)
    assert all(seen.known for seen in observe_all(dict.fromkeys("abc", meeting.wait), 5).values())


def test_a_name_that_was_silent_before_is_called_and_not_waited_for(hang):
    called = threading.Event()
    seen = observe_all({"b": lambda: called.wait(5), "a": lambda: called.set() or hang()}, 20, silent=["a"])
    assert seen["b"].value is True, "the silent one is called beside the other, which waits for that here"
    assert seen["a"].error == f"no answer within {seen['a'].seconds:.1f} s, and none before in this run"


@pytest.mark.parametrize("others", [{}, {"b": lambda: fail(KeyError("b"))}])
def test_a_name_that_was_silent_before_is_waited_for_while_no_other_call_succeeds(others):
    def answers_late():
        time.sleep(0.2)
        return "late"

    assert observe_all({"a": answers_late, **others}, 20, silent=["a"])["a"].value == "late"


def test_stops_early_when_enough_was_seen(hang):
    begun = time.monotonic()
    seen = observe_all({"needed": lambda: 1, "other": hang}, 20, lambda answers, seconds: "needed" in answers)
    assert time.monotonic() - begun < 5
    assert not seen["other"].known


def test_enough_may_depend_on_time_alone(hang):
    begun = time.monotonic()
    observe_all({"other": hang}, 20, lambda answers, seconds: seconds > 0.1)
    assert time.monotonic() - begun < 5


def test_a_name_started_again_belongs_to_the_later_call():
    late, board = threading.Event(), CallGroup()
    board.start({"a": lambda: late.wait(10) and "old"})
    board.start({"a": lambda: "new"})
    assert board.wait(5)["a"].value == "new"
    late.set()
    assert board.wait(5)["a"].value == "new"


def test_a_process_ends_although_calls_hang():
    code = (
        "import threading;"
        "from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all;"
        "print(observe_all({'a': threading.Event().wait}, 0.1)['a'].error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.strip() == "no answer within 0.1 s"
