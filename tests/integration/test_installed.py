# SPDX-License-Identifier: GPL-3.0-or-later
"""The built collection, installed where nothing of the clone is: what a user has who took it from Galaxy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.client import Lab
from tests.integration.aws import name_points_at, runs, wait_for_checkers, writer_region
from tests.integration.platforms import TOP

LOST, TARGET = "us-east-1", "us-east-2"
COMMANDS = Path(sys.executable).parent
PLAYBOOKS = sorted(path.stem for path in (TOP / "playbooks").glob("*.yml"))
# What a user writes: the demo's names, and where the lab answers in the place of the Internet.
VARIABLES = """\
environment_suffix: dev
traffic_dns_servers: ["{{ lookup('ansible.builtin.env', 'LAB_DNS_SERVER') }}"]
traffic_probe_proxy: "{{ lookup('ansible.builtin.env', 'LAB_PROBE_PROXY') }}"
global_database_poll_interval: 2
"""


class Installation:
    """A home and a working directory with nothing in them but an inventory, and collections in a place of their own."""

    def __init__(self, folder: Path) -> None:
        self.collections, self.home, self.work = folder / "collections", folder / "home", folder / "work"
        for place in (self.home, self.work):
            place.mkdir()
        self.environment = {
            "PATH": os.pathsep.join([str(COMMANDS), os.environ["PATH"]]),
            "HOME": str(self.home),
            # As a shell has it.
            "PWD": str(self.work),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
        }
        self._install(folder)
        self.place = self.collections / "ansible_collections/trading/multi_region"
        self.inventory = self._inventory()

    def _install(self, folder: Path) -> None:
        self.run("ansible-galaxy", "collection", "build", TOP, "--output-path", folder).check_returncode()
        (tarball,) = folder.glob("*.tar.gz")
        alone = ("--no-deps", "--offline", "--collections-path", self.collections)
        self.run("ansible-galaxy", "collection", "install", tarball, *alone).check_returncode()
        for name in ("amazon", "awx", "community"):
            (self.collections / "ansible_collections" / name).symlink_to(
                TOP / ".collections/ansible_collections" / name
            )

    def _inventory(self) -> Path:
        """The file that the collection's own example has, hosts, and variables."""
        folder = self.work / "inventory"
        (folder / "group_vars").mkdir(parents=True)
        example = self.place / "inventories/production/platform.yml"
        (folder / "platform.yml").write_text(example.read_text())
        (folder / "hosts").write_text(f"[regions]\n{LOST} vpc_cidr=10.0.0.0/16\n{TARGET} vpc_cidr=10.1.0.0/16\n")
        (folder / "group_vars/all.yml").write_text(VARIABLES)
        return folder

    def run(self, command: str, *arguments: str | Path, lab: Lab | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(
            [COMMANDS / command, *arguments],
            cwd=self.work,
            env=self.environment | (lab.env() if lab else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def play(self, playbook: str, *options: str | Path, lab: Lab | None = None) -> subprocess.CompletedProcess:
        return self.run("ansible-playbook", f"trading.multi_region.{playbook}", *options, lab=lab)


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Installation:
    return Installation(tmp_path_factory.mktemp("installed"))


def test_a_lost_region_is_seen_and_left_by_names_alone(installation, platform, tmp_path):
    platform.lab.outage(LOST, "reset")
    wait_for_checkers(platform.lab, TARGET, LOST)
    report = ("-e", f"health_report_file={tmp_path / 'health.json'}")
    check = installation.play("health_check", "-i", installation.inventory, *report, lab=platform.lab)
    assert check.returncode == 0, check.stdout[-6000:]
    conditions = json.loads((tmp_path / "health.json").read_text())["conditions"]
    assert conditions == {LOST: "down", TARGET: "healthy"}
    assert writer_region(platform.lab, asked_in=TARGET) == LOST

    move = installation.play("failover", "-i", installation.inventory, lab=platform.lab)
    assert move.returncode == 0, move.stdout[-6000:]
    assert writer_region(platform.lab, asked_in=TARGET) == TARGET
    assert name_points_at(platform.lab) == TARGET
    assert [run["outcome"] for run in runs(platform.lab, TARGET)] == ["successful"]


def test_every_playbook_is_found_by_its_name(installation):
    names = [f"trading.multi_region.{name}" for name in PLAYBOOKS]
    done = installation.run("ansible-playbook", "--syntax-check", *names, "-i", installation.inventory)
    assert done.returncode == 0, done.stdout
    assert [name for name in PLAYBOOKS if f"playbooks/{name}.yml" not in done.stdout] == [], done.stdout


def test_the_example_inventory_works_wherever_it_is_copied(installation):
    copy = installation.work / "example"
    subprocess.run(["cp", "-r", installation.place / "inventories/production", copy], check=True)
    played = installation.play("policies", "-i", copy, "-e", "aws_account_id=123456789012")
    assert played.returncode == 0, played.stdout[-6000:]
    assert list((installation.work / "policies").glob("trading-failover-runner-prod*.json"))


@pytest.mark.parametrize("place", ["hosts", "group_vars/all.yml", f"host_vars/{LOST}.yml"])
def test_a_variable_of_the_inventory_wins_wherever_it_is_set(installation, tmp_path, place):
    (tmp_path / "platform.yml").write_text((installation.inventory / "platform.yml").read_text())
    (tmp_path / "hosts").write_text(f"[regions]\n{LOST}\n[all:vars]\n")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    with (tmp_path / place).open("a") as file:
        file.write("platform_name=own\n" if place == "hosts" else "platform_name: own\n")
    shown = installation.run("ansible-inventory", "-i", tmp_path, "--host", LOST)
    assert json.loads(shown.stdout)["platform_name"] == "own"


def test_an_inventory_without_the_collections_values_gets_instructions_to_add_them(installation, tmp_path):
    (tmp_path / "hosts").write_text(f"[regions]\n{LOST} vpc_cidr=10.0.0.0/16\n{TARGET} vpc_cidr=10.1.0.0/16\n")
    played = installation.play("failover", "-i", tmp_path / "hosts", "-e", "environment_suffix=dev")
    assert played.returncode != 0
    assert "platform_regions is not given" in played.stdout, played.stdout
    assert "plugin: trading.multi_region.platform_defaults" in played.stdout
