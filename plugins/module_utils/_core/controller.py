# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The process that a module works for, ansible-playbook: once it has ended, the module stops.

Ansible's workers call setsid (``WorkerProcess._detach`` of ansible-core 2.19), so a signal to the process group of
ansible-playbook, a closed terminal or a cancelled job does not reach them. A worker that is left behind would renew the
lease of its run, and could change something after another run has continued.

The action plugin says whom to watch (``watch``), before the module's work begins; what it forks watches the same
process. A module that is run outside Ansible, or on another machine, watches nothing.

ansible-playbook itself may work for another process, which the environment names: portfolio.yml starts one for each
platform. Then both are watched, because a signal to the first reaches nothing of the second either.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Sequence

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError

# Passes the processes to a module that another Python runs, and to an ansible-playbook that works for another one.
VARIABLE = "TRADING_MULTI_REGION_CONTROLLER_PID"
# How often a system without pidfd_open is asked.
GLANCE_SECONDS = 0.5


class ControllerGone(MultiRegionError):
    """ansible-playbook has ended, so nothing more may be changed for it."""


class Process:
    """Another process, from now on: a later one with the same id is not mistaken for it where Linux has pidfd_open.

    is_parent: that it started this process. If it no longer is the parent, it has ended before it could be watched.
    """

    def __init__(self, pid: int, is_parent: bool = False):
        self.pid = pid
        self._handle: int | None = None
        self._is_gone = False
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self._is_gone = True
        except (AttributeError, OSError):  # not Linux, an old kernel, or a container that forbids it
            self._is_gone = not exists(pid)
        self._is_gone = self._is_gone or (is_parent and os.getppid() != pid)

    def is_gone(self) -> bool:
        """Return whether it has ended."""
        return self.ends_within(0)

    def ends_within(self, seconds: float) -> bool:
        """Wait until it has ended, but at most so many seconds; return whether it has."""
        deadline = time.monotonic() + seconds
        while not self._is_gone:
            left = max(0.0, deadline - time.monotonic())
            if self._handle is not None:
                look = select.poll()
                look.register(self._handle, select.POLLIN)
                self._is_gone = bool(look.poll(1000 * left))
                break
            self._is_gone = not exists(self.pid)
            if not left:
                break
            threading.Event().wait(min(left, GLANCE_SECONDS))
        return self._is_gone


class Chain(Process):
    """A process that works for others: it counts as ended as soon as one of them has.

    pid: that of the first one, or of the one that has ended.
    """

    def __init__(self, process: Process, others: Sequence[Process]):
        self.pid = process.pid
        self._processes = (process, *others)

    def ends_within(self, seconds: float) -> bool:
        """Wait until one of them has ended, but at most so many seconds; return whether one has."""
        deadline = time.monotonic() + seconds
        while True:
            for one in self._processes:
                if one.is_gone():
                    self.pid = one.pid
                    return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._processes[0].ends_within(min(left, GLANCE_SECONDS))


def exists(pid: int) -> bool:
    """Return whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


_watched: Process | None = None
_at_cancel: list[Callable[[], object]] = []


def at_cancel(give_back: Callable[[], object]) -> None:
    """Call a function if the work is cancelled by a signal that lets it end orderly."""
    _at_cancel.append(give_back)


def cancel() -> None:
    """Give back what the work holds. The controller may have ended by now: it passes the signal on, and ends."""
    watch(None)
    while _at_cancel:
        with contextlib.suppress(MultiRegionError):
            _at_cancel.pop()()


def watch(process: Process | None) -> Process | None:
    """Stop the work of this process when that one has ended; return the one that was watched before. None: none."""
    global _watched
    before, _watched = _watched, process
    return before


def named() -> list[Process]:
    """Return the processes that the environment names."""
    return [Process(int(pid)) for pid in os.environ.get(VARIABLE, "").split() if pid.isdigit()]


def watch_named() -> None:
    """Watch the processes that the environment names, if it names any and none is watched."""
    if _watched is None and (processes := named()):
        watch(Chain(processes[0], processes[1:]))


def require() -> None:
    """Raise ControllerGone if the controller has ended."""
    wait(0)


def wait(seconds: float) -> None:
    """Sleep; raise ControllerGone as soon as the controller has ended."""
    if _watched is None:
        # An event that is never set, so that an interrupt ends the sleep immediately.
        threading.Event().wait(seconds)
    elif _watched.ends_within(seconds):
        raise ControllerGone(
            f"The controller (ansible-playbook, process {_watched.pid}) has ended, so this task stops and changes "
            "nothing more. Run the same command again: it continues once the lease has expired."
        )
