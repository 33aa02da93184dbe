# SPDX-License-Identifier: GPL-3.0-or-later
"""The planned moves, and the way back from each unplanned one."""

from __future__ import annotations

import json

import pytest

from tests.integration.aws import (
    capacity,
    cluster,
    control_item,
    database_ingress,
    global_cluster,
    members,
    name_points_at,
    runs,
)

HOME, OTHER = "us-east-1", "us-east-2"


def endpoint(lab, region: str) -> str:
    """The writer's endpoint that applications in a region read."""
    return lab.client("ssm", region).get_parameter(Name="/trading/dev/database/writer-endpoint")["Parameter"]["Value"]


def test_a_drill_goes_there_and_back_in_one_command(platform):
    before = {region: capacity(platform.lab, region) for region in platform.regions}
    run = platform.run("drill").ends_well()
    assert f"DRILL ENDED WELL: {HOME} -> {OTHER} -> {HOME}" in run.output
    assert f"{HOME} -> {OTHER}  RTO " in run.output and f"{OTHER} -> {HOME}  RTO " in run.output
    assert members(platform.lab, OTHER) == {HOME: True, OTHER: False}
    assert name_points_at(platform.lab) == HOME
    assert {region: capacity(platform.lab, region) for region in platform.regions} == before
    made = [call["operation"] for call in platform.lab.calls() if call["operation"].endswith("GlobalCluster")]
    assert (made.count("SwitchoverGlobalCluster"), made.count("FailoverGlobalCluster")) == (2, 0)
    for region in platform.regions:
        assert [record["outcome"] for record in runs(platform.lab, region)] == ["successful"] * 2


def test_failback_puts_in_order_what_a_failover_left(platform):
    rules = database_ingress(platform.lab, HOME)
    platform.lab.settings(resync_s=60)
    # Its API answers, so that it can be fenced.
    platform.lab.set_targets(HOME, "unhealthy")
    platform.run("failover").ends_well()
    assert database_ingress(platform.lab, HOME) == []
    assert control_item(platform.lab, HOME, f"fence#{HOME}")["state"] == "done"
    (record,) = runs(platform.lab, OTHER)
    assert record["fenced"] == "fenced"
    (fence,) = [step for step in record["attempts"][-1]["steps"] if step["name"] == "fence"]
    assert fence["seconds"] > 0 and "is fenced" in fence["reason"], "its result, although it ran in parallel"

    again = platform.run("failover", "-e", f"target_region={OTHER}").ends_well()
    assert again.changed["localhost"] == 0 and "is active already" in again.output

    platform.lab.set_targets(HOME, "healthy")
    platform.run("failback").ends_well()
    assert members(platform.lab, HOME) == {HOME: True, OTHER: False}
    assert name_points_at(platform.lab) == HOME
    assert database_ingress(platform.lab, HOME) == rules
    assert control_item(platform.lab, HOME, f"fence#{HOME}") is None
    kept = platform.lab.client("rds", HOME).describe_db_cluster_snapshots(SnapshotType="manual")
    names = [snapshot["DBClusterSnapshotIdentifier"] for snapshot in kept["DBClusterSnapshots"]]
    assert [name for name in names if name.startswith(f"trading-rescue-trading-{HOME}")]


def test_a_refused_managed_failover_is_a_detach_only_where_loss_is_accepted_and_failback_rebuilds(platform):
    platform.lab.client("rds", OTHER).modify_db_cluster(
        DBClusterIdentifier=f"trading-{OTHER}-dev", EngineVersion="8.0.mysql_aurora.3.05.2", ApplyImmediately=True
    )
    platform.lab.outage(HOME, "reset")
    refused = platform.run("failover", "-e", "method=auto")
    assert refused.code != 0 and "accept_data_loss" in refused.output and "3.05.2" in refused.output
    assert members(platform.lab, OTHER) == {HOME: True, OTHER: False}

    platform.run("failover", "-e", json.dumps({"method": "auto", "accept_data_loss": True})).ends_well()
    assert members(platform.lab, OTHER) == {HOME: True}
    assert name_points_at(platform.lab) == OTHER
    assert endpoint(platform.lab, OTHER) == cluster(platform.lab, OTHER)["Endpoint"]
    (record,) = [one for one in runs(platform.lab, OTHER) if one["outcome"] == "successful"]
    assert record["method"] == "detach"

    platform.lab.restore(HOME)
    torn = platform.run("site")
    assert torn.code != 0 and "failback.yml -e rebuild=true" in torn.output
    unasked = platform.run("failback")
    assert unasked.code != 0 and "rebuild" in unasked.output
    assert members(platform.lab, OTHER) == {HOME: True}

    platform.run("failback", "-e", "rebuild=true").ends_well()
    assert members(platform.lab, HOME) == {HOME: True, OTHER: False}
    assert name_points_at(platform.lab) == HOME
    for region in platform.regions:
        assert endpoint(platform.lab, region) == global_cluster(platform.lab, region)["Endpoint"]
    snapshots = platform.lab.client("rds", HOME).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert [one for one in snapshots if one["DBClusterSnapshotIdentifier"].startswith(f"trading-{HOME}-dev-final-")]


@pytest.mark.parametrize("playbook", ["switchover", "failback"])
def test_a_dry_run_of_a_planned_move_changes_nothing(platform, playbook):
    before = len(platform.lab.calls())
    run = platform.run(playbook, "--check").ends_well()
    assert playbook == "failback" or "SwitchoverGlobalCluster" in run.output
    assert [call for call in platform.lab.calls()[before:] if call["mutating"]] == []
