# SPDX-License-Identifier: GPL-3.0-or-later
"""failover.yml refuses an unfit target before it changes anything, says why, and tells people."""

from __future__ import annotations

import pytest

from tests.integration.aws import members, messages, name_points_at

pytestmark = pytest.mark.xdist_group("two regions")
LOST, TARGET = "us-east-1", "us-east-2"


def no_healthy_target(lab) -> None:
    lab.set_targets(TARGET, "unhealthy")


def no_database_instance(lab) -> None:
    rds = lab.client("rds", TARGET)
    for instance in rds.describe_db_instances()["DBInstances"]:
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)


def another_engine_version(lab) -> None:
    lab.client("rds", TARGET).modify_db_cluster(
        DBClusterIdentifier=f"trading-{TARGET}-dev", EngineVersion="8.0.mysql_aurora.3.05.2", ApplyImmediately=True
    )


@pytest.mark.parametrize(
    ("make_unfit", "reason"),
    [
        (no_healthy_target, "healthy target"),
        (no_database_instance, "instance"),
        (another_engine_version, "8.0.mysql_aurora.3.05.2"),
    ],
)
def test_an_unfit_target_is_refused_before_any_change(platform, make_unfit, reason):
    make_unfit(platform.lab)
    platform.lab.outage(LOST, "reset")
    before = len(platform.lab.calls())
    run = platform.run("failover", "-e", f"target_region={TARGET}")
    assert run.code != 0
    assert reason in run.output
    # The alert and the record are all that a refusal writes.
    written = {call["operation"] for call in platform.lab.calls()[before:] if call["mutating"]}
    assert written <= {"Publish", "PutItem", "UpdateItem"}
    assert messages(platform.lab, TARGET)
    assert members(platform.lab, TARGET) == {LOST: True, TARGET: False}
    assert name_points_at(platform.lab) == LOST


def test_the_active_region_is_refused_as_target(platform):
    run = platform.run("failover", "-e", f"target_region={LOST}")
    assert run.code != 0
    assert LOST in run.output and "active" in run.output
    assert members(platform.lab, TARGET) == {LOST: True, TARGET: False}


def test_a_healthy_active_region_is_not_failed_away_from_unless_forced(platform):
    run = platform.run("failover")
    assert run.code != 0
    assert "force" in run.output
    assert members(platform.lab, TARGET) == {LOST: True, TARGET: False}
