# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover that was killed is finished by the next run, from anywhere, and does nothing twice."""

from __future__ import annotations

import pytest

from tests.integration.aws import (
    capacity,
    control_item,
    healthy_targets,
    members,
    name_points_at,
    runs,
    writes,
)

pytestmark = pytest.mark.xdist_group("two regions")
LOST, TARGET = "us-east-1", "us-east-2"
STEPS = [
    "take the lease of the target",
    "keep the old region's database from being written to",
    "ask Aurora for it",
    "ask for what the active region has",
    "tell people that it has begun",
    "wait until the target is the writer",
    "wait until the targets are healthy",
    "turn the switch in the target's own region",
    "ask for the name and its endpoint from outside",
    "tell people",
    "ask every region for its health",
    "give the lease back",
]
# After one step is before the next one: nothing is done between them. After the last there is nothing left to resume.
MOMENTS = [f"before {STEPS[0]}", *(f"after {step}" for step in STEPS[:-1])]


@pytest.fixture
def sick(platform):
    """The active region serves nobody, and its API answers: every step has something to do."""
    platform.lab.settings(failover_s=10, pending_s=1, target_initial_s=5)
    platform.lab.set_targets(LOST, "unhealthy")
    platform.lab.client("autoscaling", TARGET).update_auto_scaling_group(
        AutoScalingGroupName="trading-asg-dev", MinSize=1, DesiredCapacity=1
    )
    return platform


def resume(platform, folder):
    """Start again where the process that died was not: who knows that it is dead need not wait for its lease."""
    lease = control_item(platform.lab, TARGET, "lease")
    options = ["-e", f"takeover_run_id={lease['run_id']}"] if lease else []
    return platform.run("failover", *options, folder=folder).ends_well()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_here_is_finished_by_the_next(sick, moment, tmp_path):
    wanted = capacity(sick.lab, LOST)["desired"]
    killed = sick.run("failover", kill_at=moment)
    assert killed.code == -9, killed.output[-3000:]
    resume(sick, tmp_path)

    assert members(sick.lab, TARGET) == {LOST: False, TARGET: True}
    assert name_points_at(sick.lab) == TARGET
    assert capacity(sick.lab, TARGET)["desired"] == wanted
    assert healthy_targets(sick.lab, TARGET) >= wanted
    twice = {what: times for what, times in writes(sick.lab, killed.began).items() if times > 1}
    assert twice == {}
    (record,) = runs(sick.lab, TARGET)
    # A run that never had the lease has left no trace.
    attempts = ["successful"] if moment == MOMENTS[0] else ["lost", "successful"]
    assert [one["outcome"] for one in record["attempts"]] == attempts
