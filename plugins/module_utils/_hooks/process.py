# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Run a hook under the lease of its move, for a limited time.

A hook is an ansible-playbook of its own. Only a process can be ended when its time is over: the ``timeout`` of a task
limits neither the tasks of a file together, nor retries, nor the items of a loop. Nor can what a hook does to its own
variables and play (``register``, ``meta: end_play``) change the move.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout, poll, timed
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import FAILED, FINISHED, STOPPED

# How often a hook's process is looked at, and how long it may take to end when it is asked to, in seconds.
LOOK_SECONDS, GRACE_SECONDS = 0.1, 1.0
# How many of its last lines are returned.
LINES_KEPT = 40
# The variable with the file in which the hook's play leaves why it failed.
REASON_FILE = "failover_hook_reason_file"

Say = Callable[[str], Any]


@contextmanager
def started(params: Mapping[str, Any], folder: Path, say: Say) -> Iterator[tuple[subprocess.Popen[str], deque[str]]]:
    """Start the hook, and yield its process and its last lines; when the block ends, end the process."""
    given = folder / "variables.json"
    given.touch(mode=0o600)
    own = {**params["variables"], **{name: params[name] for name in ("name", "moment", "file")}}
    given.write_text(json.dumps({"failover_hook": own, REASON_FILE: str(folder / "reason")}))
    try:
        process = subprocess.Popen(
            [*params["command"], "-e", f"@{given}"],
            # A group of its own, so that no signal for the move reaches it but through its end.
            start_new_session=True,
            env={**os.environ, **params["environment"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except (OSError, ValueError) as error:
        raise MultiRegionError(f"command is {params['command']}; it cannot be started: {error}") from error
    lines: deque[str] = deque(maxlen=LINES_KEPT)

    def listen() -> None:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            say(line.rstrip())

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield process, lines
    finally:
        end(process)
        # Something that the hook has left behind may still have its output open.
        listener.join(GRACE_SECONDS)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and its group: on SIGTERM ansible-playbook ends its workers, which have groups of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)


def outcome_of(code: int | None, reason: str, lines: list[str], limit: int) -> tuple[str, str]:
    """Return how a hook ended, and the rest of the sentence on it. Pure.

    code: its exit code, None if it had to be stopped. reason: what its play left.
    """
    if code is None:
        return STOPPED, f"did not end within {limit} s (time_limit_seconds) and was stopped"
    if code == 0:
        return FINISHED, "finished"
    why = reason or next((line for line in lines if line.startswith("[ERROR]: ")), "").removeprefix("[ERROR]: ")
    why = why or f"exit code {code}"
    return FAILED, f"failed: {why}"


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    say: Say = lambda _line: None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Run a hook, but not longer than time_limit_seconds, and renew the lease meanwhile.

    say: is given each line of its output. Returns changed, outcome (FINISHED, or if the hook is not required FAILED or
    STOPPED), reason, output [lines], warnings. Raises MultiRegionError with outcome and output if a required hook does
    not finish, and for every hook if the lease is lost.
    """
    name, limit = f"Hook {params['name']} ({params['moment']})", params["time_limit_seconds"]
    if check_mode:
        return {"changed": True, "outcome": None, "reason": f"{name} would be run.", "warnings": []}
    lease = lease_of(params, clients)
    lease.hold()
    code = None
    with tempfile.TemporaryDirectory(prefix="hook-") as folder:
        with started(params, Path(folder), say) as (process, lines), suppress(WaitTimeout):
            code = poll(
                process.poll, lambda code: code is not None, limit, LOOK_SECONDS, clock=clock, sleep=lease.sleep
            )
        reason_file = Path(folder, "reason")
        reason = reason_file.read_text().strip() if reason_file.exists() else ""
    outcome, words = outcome_of(code, reason, [*lines], limit)
    evidence = {"outcome": outcome, "output": [*lines], "region": params["variables"].get("region")}
    if outcome == FINISHED:
        return {"changed": True, **evidence, "reason": f"{name} {words}.", "warnings": []}
    sentence = f"{name} {words.rstrip('.')}."
    if params["required"]:
        raise MultiRegionError(sentence, **evidence)
    sentence += " It is not required: the run goes on."
    return {"changed": True, **evidence, "reason": sentence, "warnings": [sentence]}
