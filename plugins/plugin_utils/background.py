# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tasks with ``async`` and ``poll: 0``: a separate process for which no task waits.

Ansible's own way packs the module and starts two more Pythons before the next task can begin. This process has already
loaded everything, so a fork of it is enough. The job file is where ``ansible.builtin.async_status`` looks for it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal


def begin(work, seconds, folder):
    """Start the work and return immediately the result that Ansible returns for a started job.

    work: function without arguments that returns a module's result. seconds: time limit, after which it is killed.
    folder: Ansible's async_dir. Raises OSError if the job file cannot be written; nothing is started then.
    """
    folder = os.path.expanduser(folder)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    job = f"j{secrets.randbelow(10**12)}.{os.getpid()}"
    file = os.path.join(folder, job)
    begun = {"started": True, "finished": False, "ansible_job_id": job}
    write(file, begun)
    if os.fork() == 0:
        try:
            detach(seconds)
            write(file, {**outcome_of(work), "ansible_job_id": job})
        finally:
            # Skip everything that Ansible does at the end of a task: only the parent process must do that.
            os._exit(0)
    return {**begun, "changed": True, "results_file": file}


def outcome_of(work):
    """Return the work's result, or a failure with its reason."""
    try:
        return work()
    except Exception as error:
        return {"failed": True, "msg": f"{type(error).__name__}: {error}"}


def detach(seconds):
    """Outlive the run: no terminal, no output streams that a reader of the run would wait for, and a time limit."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def write(file, content):
    """Write JSON to a file atomically, so that no reader sees half of it."""
    with open(f"{file}.tmp", "w", encoding="utf-8") as half:
        json.dump(content, half)
    os.replace(f"{file}.tmp", file)
