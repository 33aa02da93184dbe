# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory as a job of AWX gets it: imported from the project, sorted by name, handed to the job as a script.

import   AWX runs ``ansible-inventory --list --export`` (RunInventoryUpdate, awx/main/tasks/jobs.py)
order    hosts have none of their own: they are sorted by name (Meta.ordering of Host, awx/main/models/inventory.py);
         seen on a server 24.6.1
job      gets the variables of the group all as those of the inventory, and two of AWX's own with each host
         (Inventory.get_script_data)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def imported(inventory: Path, folder: Path) -> Path:
    """Return the inventory of a job, as an executable file."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_", "ANSIBLE_"))}
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", inventory, "--list", "--export"],
        env={**kept, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
        cwd=TOP,
        capture_output=True,
        check=True,
        timeout=120,
    )
    data = json.loads(done.stdout)
    for name, group in data.items():
        if name != "_meta":
            group["hosts"] = sorted(group.get("hosts", ()))
    hosts = data["_meta"]["hostvars"]
    for number, name in enumerate(sorted(hosts), 1):
        hosts[name] |= {"remote_tower_enabled": "true", "remote_tower_id": number}
    folder.mkdir(exist_ok=True)
    script = folder / "hosts"
    script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(data)!r})\n")
    script.chmod(0o700)
    return script
