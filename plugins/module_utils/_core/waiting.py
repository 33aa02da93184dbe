# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waiting with a deadline. The only place in this collection that sleeps."""

from __future__ import annotations

import functools
import time

from ansible_collections.trading.multi_region.plugins.module_utils._core import controller
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.requests import at_most
from ansible_collections.trading.multi_region.plugins.module_utils._core.settling import passes, row

# How long a read may take that begins when the time is over, or nearly so.
LAST_LOOK_SECONDS = 2
# How long a write may take to become visible, unless stated otherwise.
READ_BACK_SECONDS = 10


class WaitTimeout(MultiRegionError):
    """The deadline passed.

    state: the last value read, or None if no read succeeded.
    error: the last AwsCallError of a read, or None.
    seconds: how long it waited.
    """

    def __init__(self, state, error=None, seconds=0.0, message=None):
        last = f"last state {state}" if error is None else f"last error: {error}"
        super().__init__(message or f"Not done after {seconds:.1f} s; {last}.")
        self.state = state
        self.error = error
        self.seconds = seconds


def pause(seconds):
    """Sleep. Raises ControllerGone as soon as the run that this process works for has ended."""
    controller.wait(seconds)


def is_passing(error):
    """Return True if a read that failed with this error may succeed at the next try."""
    return error.retryable


def poll(read, done, timeout, interval, clock=time.monotonic, sleep=pause, tolerate=is_passing):
    """Read until done, and return the value for which ``done`` was true.

    read: function without arguments that queries AWS.
    done: function of the value read; true ends the wait.
    timeout, interval: seconds. The first read happens immediately, the last one at the deadline. They bound the whole
        wait: what is being asked at the deadline is given up, but never before LAST_LOOK_SECONDS.
    tolerate: function of an AwsCallError; true keeps waiting (default: throttling, 5xx, no response).
    Raises WaitTimeout at the deadline, and immediately any AwsCallError that is not tolerated.
    """
    started = clock()
    # Computed once, so that rounding cannot make the remaining time zero before the deadline.
    deadline = started + timeout
    state = error = None
    while True:
        ends = max(deadline, clock() + LAST_LOOK_SECONDS)
        try:
            with at_most(lambda ends=ends: ends - clock()):
                state, error = read(), None
        except AwsCallError as failure:
            if not tolerate(failure):
                raise
            error = failure
        if error is None and done(state):
            return state
        if clock() >= deadline:
            raise WaitTimeout(state, error, clock() - started)
        # What a sleep does meanwhile, such as renewing a lease, is bounded too.
        with at_most(lambda: deadline - clock()):
            sleep(max(0.0, min(interval, deadline - clock())))


def timed(run):
    """Decorate a module's ``run``: add ``seconds`` (float) to its result, or to the evidence of its error.

    Also adds ``ended_at``, in epoch seconds, to the result.
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


def after_waiting(seconds):
    """Return the end of a sentence on what was waited for: after how many seconds it was there, empty without any."""
    return f", after {seconds:.0f} s" if seconds >= 0.5 else ""


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
    """Read until the effect of a write is visible, and return the value read.

    For seconds after a write AWS may return the earlier state ("eventual consistency"), so a single read without the
    effect proves nothing, and is no reason to write again.

    shows: function of the value read; true if it is not older than the write.
    failure: the AwsCallError of a write that may have been carried out nevertheless; it is raised if the effect does
        not become visible in time. None for a write that was accepted: then a WaitTimeout is raised whose message
        begins with ``done``.
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


def retry_transient(call, timeout=60, interval=2, clock=time.monotonic, sleep=pause, settling=None):
    """Return what ``call`` returns, retrying transient failures of AWS.

    settling: name of the refusal in the table of settling.py that is retried too, for its patience, or None.

    Only for calls that may be repeated: reads, and writes that set the complete wanted state. Provisioning many regions
    leads to throttling that is no reason to fail (Route 53 allows five API requests per second and account, "Quotas" of
    the Route 53 Developer Guide). Raises the last AwsCallError, not a WaitTimeout, at the deadline.
    """

    def tolerate(error):
        return is_passing(error) or (settling and passes(settling, error.operation, error.code, error.message))

    timeout = max(timeout, row(settling).patience) if settling else timeout
    try:
        return poll(call, lambda _answer: True, timeout, interval, clock=clock, sleep=sleep, tolerate=tolerate)
    except WaitTimeout as late:
        raise late.error from late
