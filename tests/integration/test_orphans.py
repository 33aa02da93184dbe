# SPDX-License-Identifier: GPL-3.0-or-later
"""A killed run is dead: what Ansible left behind of it changes nothing more, and the next run need not wait for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.integration.aws import control_item, name_points_at, writer_region
from tests.integration.platforms import Platform

LOST, TARGET = "us-east-1", "us-east-2"
# Longer than a step takes on a busy machine: one that begins renews it only once a third of it is over.
LEASE_S = 20
# What was on its way when the process was killed still arrives.
IN_FLIGHT_S = 1.0


def at_step(platform: Platform, step: str, act: Callable[[int], None]) -> Callable[[int], None]:
    """Act on a run once it has renewed its lease at a step twice, so that its worker waits there."""

    def wait_and_act(group: int) -> None:
        deadline, seen = time.monotonic() + 120, set()
        while len(seen) < 2:
            assert time.monotonic() < deadline, f"the run did not come to {step}"
            lease = control_item(platform.lab, TARGET, "lease")
            if lease and lease.get("step") == step:
                seen.add(lease["renewed_at"])
            time.sleep(0.1)
        act(group)

    return wait_and_act


def test_a_killed_run_changes_nothing_more_and_the_next_one_starts_when_its_lease_has_expired(platform, tmp_path):
    lab = platform.lab
    lab.settings(promotion_stuck=True)
    killed_at = []

    def kill(group: int) -> None:
        os.killpg(group, signal.SIGKILL)
        killed_at.append(time.time())

    options = ("-e", "force=true", "-e", f"failover_lease_seconds={LEASE_S}", "-e", "wait_timeout=1800")
    first = platform.run("failover", *options, meanwhile=at_step(platform, "promote_wait", kill))
    assert first.code == -signal.SIGKILL
    time.sleep(LEASE_S + 2)
    late = lab.calls(killed_at[0] + IN_FLIGHT_S)
    assert [call["operation"] for call in late] == []

    lab.settings(promotion_stuck=False)
    platform.run("failover", *options, folder=tmp_path).ends_well()
    assert (writer_region(lab, TARGET), name_points_at(lab)) == (TARGET, TARGET)
    assert [call["operation"] for call in lab.calls() if call["operation"] == "FailoverGlobalCluster"] == [
        "FailoverGlobalCluster"
    ]


@pytest.mark.nightly
def test_a_cancelled_run_gives_its_lease_back_the_next_one_finishes_it_and_one_more_moves_nothing(platform, tmp_path):
    lab = platform.lab
    lab.settings(promotion_stuck=True)
    options = ("-e", "force=true", "-e", "wait_timeout=1800")
    cancelled_at = []

    def cancel(group: int) -> None:
        # As AWX, a terminal and systemd do: to the process, which passes it on.
        os.kill(group, signal.SIGTERM)
        cancelled_at.append(time.time())

    first = platform.run("failover", *options, meanwhile=at_step(platform, "promote_wait", cancel))
    assert first.code != 0
    deadline = time.monotonic() + 15
    while (lease := control_item(lab, TARGET, "lease"))["outcome"] == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert lease["outcome"] == "stopped"
    (change,) = [call for call in lab.calls(cancelled_at[0]) if call["mutating"]]
    assert change["operation"] == "UpdateItem", "the lease was given back, and nothing else was changed"

    lab.settings(promotion_stuck=False)
    platform.run("failover", *options, folder=tmp_path).ends_well()
    assert control_item(lab, TARGET, "lease")["run_id"] == lease["run_id"]

    # As a relaunch of the job: the same request, without a target, and with force, which would allow a move back.
    again = platform.run("failover", *options).ends_well()
    assert again.changed == {"localhost": 0}
    assert f"run {lease['run_id']} moved the platform there" in " ".join(again.output.split())
    assert (writer_region(lab, TARGET), name_points_at(lab)) == (TARGET, TARGET)
