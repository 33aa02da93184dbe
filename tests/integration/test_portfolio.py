# SPDX-License-Identifier: GPL-3.0-or-later
"""Several platforms in waves: in order, in parallel, stopped by a failure, continued by the same command.

Each platform of the long story has a lab of its own. What does not depend on AWS is shown with stand-ins for the
playbooks that a platform's run consists of.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.integration.aws import control_item, name_points_at, runs, writer_region
from tests.integration.platforms import TOP, Platform, Run, run_playbook

HOME, TARGET = "us-east-1", "us-east-2"
# A platform's run: it arrives unless its inventory has a file `broken`, and is there already if it has arrived before.
STAND_IN = """
- hosts: localhost
  gather_facts: false
  vars:
    home: "{{ inventory_dir }}"
    was: "{{ (home ~ '/arrived') is file }}"
    breaks: "{{ (home ~ '/broken') is file }}"
    ran: {run_id: "r-{{ home | basename }}", from_region: us-east-1, target_region: "{{ target_region }}", rpo_bound_ms: 0,
          trigger: "{{ failover_reason }}", rto_seconds: "{{ none if breaks else 1.5 }}", started_at: "{{ began }}",
          outcome: "{{ outcome }}"}
    outcome: "{{ 'unchanged' if was else 'failed' if breaks else 'successful' }}"
  tasks:
    - ansible.builtin.set_fact:
        began: "{{ lookup('trading.multi_region.command_start') }}"
    - ansible.builtin.wait_for:
        path: "{{ home }}/go"
      when: (home ~ '/waits') is file
    - ansible.builtin.copy:
        content: "{{ {'runs': [ran]} | to_json }}"
        dest: "{{ home }}/arrived"
      when: not was and not breaks
    - ansible.builtin.set_stats:
        data:
          outcome: "{{ outcome }}"
          outcome_reason: "It says why."
          active_region: "{{ target_region }}"
          failover: "{{ ran }}"
    - ansible.builtin.fail:
      when: breaks
"""
HISTORY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {src: "{{ inventory_dir }}/arrived", dest: "{{ status_file }}"}
"""


@dataclass
class Firm:
    """A portfolio of platforms orders and prices, then web, in a folder of its own."""

    folder: Path
    playbook: Path = TOP / "playbooks/portfolio.yml"
    variables: dict[str, str] = field(default_factory=dict)
    report: Path = None

    def write(self, move: str = "switchover", **first_wave) -> None:
        first = {"name": "core", "platforms": [self.platform("orders"), self.platform("prices")], **first_wave}
        waves = [first, {"name": "front", "platforms": [self.platform("web")]}]
        made = {"name": "firm", "move": move, "variables": {"target_region": TARGET}, "waves": waves}
        (self.folder / "firm.yml").write_text(yaml.safe_dump({"portfolio": made}))

    def platform(self, name: str) -> dict[str, str]:
        return {"name": name, "inventory": name}

    def run(self, *options: str, meanwhile: Callable[[int], None] | None = None) -> Run:
        given = ("-e", "@firm.yml", "-e", "portfolio_report_file=report.html", "-e", "failover_reason=INC-1")
        return run_playbook(
            self.playbook,
            *given,
            *options,
            lab=None,
            inventory=self.folder / "empty",
            folder=self.folder,
            variables={**self.variables, "PWD": str(self.folder), "ANSIBLE_SHOW_CUSTOM_STATS": "true"},
            meanwhile=meanwhile,
        )

    def logs(self, name: str) -> list[Path]:
        return sorted(self.folder.glob(f"portfolio-logs/*/{name}"))


def told(run: Run) -> dict:
    """The report of the whole, as the run hands it on."""
    return json.loads(run.output.partition("CUSTOM STATS")[2].partition("RUN:")[2])["portfolio_outcome"]
