# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waiting as data with a deadline. The only place of this collection where time passes on purpose."""

from __future__ import annotations

import functools
import threading
import time

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError

# How long a write may take to be seen where nothing else says so.
READ_BACK_SECONDS = 10


class WaitTimeout(MultiRegionError):
    """The deadline passed first.

    state: the last value read, or None when no read succeeded.
    error: the last AwsCallError met while reading, or None.
    seconds: how long was waited.
    """

    def __init__(self, state, error=None, seconds=0.0, message=None):
        last = f"last state {state}" if error is None else f"last error: {error}"
        super().__init__(message or f"Not done after {seconds:.1f} s; {last}.")
        self.state = state
        self.error = error
        self.seconds = seconds


def pause(seconds):
    """Let time pass. An event nobody sets, so that an interrupt ends it immediately."""
    threading.Event().wait(seconds)


def is_passing(error):
    """Return True where a read that failed this way may succeed at the next try."""
    return error.retryable


def poll(read, done, timeout, interval, clock=time.monotonic, sleep=pause, tolerate=is_passing):
    """Read until done, and return the value that satisfied it.

    read: function without arguments that asks AWS.
    done: function of the value read; true ends the wait.
    timeout, interval: seconds. The first read happens immediately, the last one at the deadline.
    tolerate: function of an AwsCallError; true keeps waiting (default: throttling, 5xx, nobody there).

    Raises WaitTimeout at the deadline, and immediately any AwsCallError that is not tolerated.
    """
    started = clock()
    # One sum, so that "until the deadline" never rounds to no time at all short of it.
    deadline = started + timeout
    state = error = None
    while True:
        expired = clock() >= deadline
        try:
            state, error = read(), None
        except AwsCallError as failure:
            if not tolerate(failure):
                raise
            error = failure
        if error is None and done(state):
            return state
        if expired:
            raise WaitTimeout(state, error, clock() - started)
        sleep(max(0.0, min(interval, deadline - clock())))


def timed(run):
    """Decorate a module's ``run``: its result, or the evidence of its error, gains ``seconds`` (float).

    The result gains ``ended_at`` as well, in epoch seconds.
    """

    @functools.wraps(run)
    def measured(*args, **kwargs):
        started = time.monotonic()
        try:
            result = run(*args, **kwargs)
        except MultiRegionError as error:
            error.evidence.setdefault("seconds", round(time.monotonic() - started, 3))
            raise
        return {**result, "seconds": round(time.monotonic() - started, 3), "ended_at": round(time.time(), 3)}

    return measured


def wait_until_visible(
    read,
    shows,
    failure=None,
    done="The change was accepted",
    timeout=READ_BACK_SECONDS,
    interval=0.5,
    clock=time.monotonic,
    sleep=pause,
):
    """Return what is read once it shows what a write was to bring about.

    For seconds after a write AWS may answer with what was there before it ("eventual consistency"), so that one reading
    without the effect proves nothing, and is no reason to write again.

    shows: function of the value read; true for one that is not older than the write.
    failure: the AwsCallError of a write that may have been carried out all the same, raised where that is not seen in
        time. None for a write that was accepted: a WaitTimeout is raised then that begins with ``done``.
    """
    try:
        return poll(read, shows, timeout, interval, clock=clock, sleep=sleep)
    except WaitTimeout as late:
        if failure:
            raise failure from late
        shown = f"still shows {late.state}" if late.error is None else f"does not show it: {late.error}"
        raise WaitTimeout(
            late.state, late.error, late.seconds, f"{done}, but {late.seconds:.0f} s later AWS {shown}."
        ) from late


def retry_transient(call, timeout=60, interval=2, clock=time.monotonic, sleep=pause):
    """Return what ``call`` returns, trying again while AWS answers with a passing failure.

    Only for calls that may be made twice: reads, and writes that set what is wanted whole. A provisioning run of many
    regions meets throttling that is no reason to fail (Route 53 allows five API requests a second for an account,
    "Quotas" of the Route 53 Developer Guide). Raises the last AwsCallError, not a WaitTimeout, at the deadline.
    """
    try:
        return poll(call, lambda _answer: True, timeout, interval, clock=clock, sleep=sleep)
    except WaitTimeout as late:
        raise late.error from late
