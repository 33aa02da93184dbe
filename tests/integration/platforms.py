# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole playbooks against the lab, as a user runs them.

Provisioning is slow, breaking things is not: each platform is provisioned once, and every test gets a copy of that
lab's whole state.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab.client import Lab

TOP = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What one ansible-playbook run did. ``began`` is epoch seconds, ``changed`` maps host to its count."""

    code: int
    output: str
    began: float
    seconds: float

    @property
    def changed(self) -> dict[str, int]:
        return {host: int(changed) for host, _ok, changed, _unreachable, _failed in RECAP.findall(self.output)}

    def ends_well(self) -> Run:
        assert self.code == 0, self.output[-6000:]
        return self


def run_playbook(
    name: str | Path,
    *options: str,
    lab: Lab | None,
    inventory: str | Path = TOP / "inventories/demo",
    folder: Path = TOP,
    kill_at: str = "",
) -> Run:
    """Run ``playbooks/<name>.yml``, or the file at a path; with no lab every call to AWS would be refused.

    folder: the working directory. kill_at: ``before <task>`` or ``after <task>``, where all its processes are killed.
    """
    playbook = name if isinstance(name, Path) else TOP / "playbooks" / f"{name}.yml"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_", "ANSIBLE_"))}
    environment |= lab.env() if lab else {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_EC2_METADATA_DISABLED": "true"}
    environment["ANSIBLE_CONFIG"] = str(TOP / "ansible.cfg")
    if kill_at:
        environment |= {"ANSIBLE_CALLBACK_PLUGINS": str(TOP / "tests/integration/callbacks"), "KILL_AT": kill_at}
    began = time.time()
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), playbook, "-i", inventory, *options],
        cwd=folder,
        # A process group of its own, so that killing it kills its workers and not this process.
        start_new_session=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        check=False,
    )
    return Run(done.returncode, done.stdout, began, time.time() - began)


@dataclass(frozen=True)
class Platform:
    """A provisioned platform: its lab, its inventory and its regions in order of preference."""

    lab: Lab
    inventory: Path
    regions: tuple[str, ...]

    def run(self, playbook: str | Path, *options: str, **how) -> Run:
        return run_playbook(playbook, *options, lab=self.lab, inventory=self.inventory, **how)


class Platforms:
    """Provisions each set of regions once and hands out copies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.provisioned: dict[tuple[str, ...], Platform] = {}
        self.copies = 0

    def _inventory(self, regions: tuple[str, ...]) -> Path:
        # Only the hosts differ from the demo: the variables are the demo's own.
        inventory = self.folder / "-".join(regions)
        inventory.mkdir()
        lines = [f"{region} vpc_cidr=10.{number}.0.0/16" for number, region in enumerate(regions)]
        (inventory / "hosts").write_text("\n".join(["[regions]", *lines, ""]))
        (inventory / "group_vars").symlink_to(TOP / "inventories" / "demo" / "group_vars")
        return inventory

    def original(self, *regions: str) -> Platform:
        if regions not in self.provisioned:
            inventory = self._inventory(regions)
            lab = Lab.start(self.folder / f"lab-{len(self.provisioned)}")
            self.provisioned[regions] = Platform(lab, inventory, regions)
            self.provisioned[regions].run("site").ends_well()
        return self.provisioned[regions]

    def copy(self, *regions: str) -> Platform:
        original = self.original(*regions)
        self.copies += 1
        return Platform(original.lab.fork(self.folder / f"copy-{self.copies}"), original.inventory, regions)
