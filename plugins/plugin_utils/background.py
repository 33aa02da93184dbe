# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked for with ``async`` and ``poll: 0``: a process of its own that nobody waits for.

Ansible's own way packs the module and starts two more Pythons before the next task may begin. This process has all of
that, so a fork of it is enough. The job is written down where ``ansible.builtin.async_status`` looks for it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal


def begin(work, seconds, folder):
    """Begin the work and return immediately what Ansible returns for a job that has started.

    work: function without arguments that returns a module's result. seconds: after so many it is ended.
    folder: Ansible's async_dir. Raises OSError where the job cannot be written down; nothing is begun then.
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
            # Nothing of what Ansible does at the end of a task is this process's to do.
            os._exit(0)
    return {**begun, "changed": True, "results_file": file}


def outcome_of(work):
    """Return the work's result, or that it failed and why."""
    try:
        return work()
    except Exception as error:
        return {"failed": True, "msg": f"{type(error).__name__}: {error}"}


def detach(seconds):
    """Outlive the run: no terminal, no output that whoever reads the run's would wait for, and a time limit."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def write(file, content):
    """Write JSON into a file that is never seen half written."""
    with open(f"{file}.tmp", "w", encoding="utf-8") as half:
        json.dump(content, half)
    os.replace(f"{file}.tmp", file)
