# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves while AWS has no more instances."""

from __future__ import annotations

from tests.integration.aws import GROUP, name_points_at, writer_region

LOST, TARGET = "us-east-1", "us-east-2"
QUICK = ("-e", "wait_timeout=12", "-e", "capacity_timeout=1")


def grow(platform, desired: int) -> None:
    """The active region has scaled out."""
    platform.lab.client("autoscaling", LOST).set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=desired)


def words(run) -> str:
    return " ".join(run.output.split())


def test_a_planned_move_waits_for_all_the_capacity_or_moves_nothing(platform):
    grow(platform, 4)
    platform.lab.limit_instances(TARGET, 3)
    stopped = platform.run("switchover", *QUICK, "-e", "min_capacity_percent=1")
    assert stopped.code != 0 and "3 of 3 targets" in words(stopped) and "4 are needed. Last" in words(stopped)
    assert (writer_region(platform.lab, TARGET), name_points_at(platform.lab)) == (LOST, LOST)
