# SPDX-License-Identifier: GPL-3.0-or-later
"""The planned moves, and the way back from each unplanned one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._fence import fence as region_fence
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import run as readiness
from tests.integration.aws import (
    TABLE,
    capacity,
    cluster,
    control_item,
    database_acl,
    database_ingress,
    global_cluster,
    members,
    name_points_at,
    runs,
)
from tests.lab.failover_platform import clients_of

HOME, OTHER = "us-east-1", "us-east-2"
OPEN, CLOSED = {"in": "allow", "out": "allow"}, {"in": "deny", "out": "deny"}


def endpoint(lab, region: str) -> str:
    """The writer's endpoint that applications in a region read."""
    return lab.client("ssm", region).get_parameter(Name="/trading/dev/database/writer-endpoint")["Parameter"]["Value"]


@pytest.mark.nightly
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
        records = runs(platform.lab, region)
        assert [record["outcome"] for record in records] == ["successful"] * 2
        assert all(record["started_at"] > run.began + 1 for record in records), "a drill checks readiness first"


def until(happens: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that is true soon."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def snapshots(lab, region: str) -> dict[str, str]:
    """Status of the cluster's snapshots by their names."""
    found = lab.client("rds", region).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    return {snapshot["DBClusterSnapshotIdentifier"]: snapshot["Status"] for snapshot in found}


def has_looked_for_snapshots(lab, calls: int) -> bool:
    return any(call["operation"] == "DescribeDBClusterSnapshots" for call in lab.calls()[calls:])


def go_back_while_the_old_volume_is_kept_late(platform) -> None:
    """Run failback.yml; the snapshot appears only after the run has looked once, and is `creating` for seconds."""
    lab, calls = platform.lab, len(platform.lab.calls())
    with ThreadPoolExecutor() as pool:
        run = pool.submit(platform.run, "failback")
        until(lambda: run.done() or has_looked_for_snapshots(lab, calls))
        lab.settings(rescue_snapshot_s=0, rescue_snapshot_create_s=50)
        until(lambda: "creating" in snapshots(lab, HOME).values())
        lab.settings(resync_s=0)
        run.result().ends_well()


def test_failback_puts_in_order_what_a_failover_left(platform):
    rules = database_ingress(platform.lab, HOME)
    platform.lab.settings(resync_s=10**6, rescue_snapshot_s=10**6)
    # Its API answers, so that it can be fenced.
    platform.lab.set_targets(HOME, "unhealthy")
    platform.run("failover").ends_well()
    assert database_acl(platform.lab, HOME) == CLOSED and database_acl(platform.lab, OTHER) == OPEN
    assert database_ingress(platform.lab, HOME) == rules
    assert control_item(platform.lab, HOME, f"fence#{HOME}")["state"] == "done"
    (record,) = runs(platform.lab, OTHER)
    assert record["fenced"] == "fenced"
    (fence,) = [step for step in record["attempts"][-1]["steps"] if step["name"] == "fence"]
    assert fence["seconds"] > 0 and "is denied" in fence["reason"], "its result, although it ran in parallel"

    again = platform.run("failover", "-e", f"target_region={OTHER}").ends_well()
    assert again.changed["localhost"] == 0 and "is already active" in again.output

    platform.lab.set_targets(HOME, "healthy")
    platform.lab.fault("lost_answer", service="rds", operation="CopyDBClusterSnapshot", count=1)
    go_back_while_the_old_volume_is_kept_late(platform)
    asked = [call["status"] for call in platform.lab.calls() if call["operation"] == "CopyDBClusterSnapshot"]
    assert asked[0] == "lost" and 200 not in asked, "its answer was lost, and it was seen to have been made"
    assert members(platform.lab, HOME) == {HOME: True, OTHER: False}
    assert name_points_at(platform.lab) == HOME
    assert database_acl(platform.lab, HOME) == OPEN
    assert control_item(platform.lab, HOME, f"fence#{HOME}") is None
    (copy,) = [name for name in snapshots(platform.lab, HOME) if not name.startswith("rds:")]
    assert re.fullmatch(rf"trading-{HOME}-dev-rescue-\d{{14}}", copy)


@pytest.mark.nightly
def test_a_detach_from_a_region_that_responds_ends_its_writes_first_and_its_applications_follow(platform):
    """The old region's database lives on: neither Aurora nor a revoked rule would keep open connections from it."""
    lab = platform.lab
    lab.set_targets(HOME, "unhealthy")
    detach = json.dumps({"method": "detach", "accept_data_loss": True})
    began = time.time()
    platform.run("failover", "-e", detach).ends_well()
    assert database_acl(lab, HOME) == CLOSED
    made = [(call["region"], call["operation"]) for call in lab.calls(began) if call["mutating"]]
    fenced = [n for n, call in enumerate(made) if call == (HOME, "ReplaceNetworkAclEntry")]
    promoted = made.index((OTHER, "RemoveFromGlobalCluster"))
    repointed = [made.index((region, "PutParameter")) for region in platform.regions]
    assert len(fenced) == 2 and max(fenced) < promoted < min(repointed)
    for region in platform.regions:
        assert endpoint(lab, region) == cluster(lab, OTHER)["Endpoint"]
    (record,) = runs(lab, OTHER)
    assert record["fenced"] == "fenced" and "Aurora" in record["fenced_reason"]
    assert began < record["writes_ended_at"] < record["ended_at"] and record["rpo_bound_ms"] > 0

    lab.set_targets(HOME, "healthy")
    platform.run("failback", "-e", "rebuild=true").ends_well()
    assert database_acl(lab, HOME) == OPEN and control_item(lab, HOME, f"fence#{HOME}") is None
    assert members(lab, HOME) == {HOME: True, OTHER: False}
    assert endpoint(lab, HOME) == global_cluster(lab, HOME)["Endpoint"]


@pytest.mark.parametrize(
    ("write_block", "fencing", "fenced"),
    [
        ("not_asked", "network_acl", "not proven"),
        pytest.param("times_out", "network_acl", "not proven", marks=pytest.mark.nightly),
        pytest.param("not_asked", "none", "unknown", marks=pytest.mark.nightly),
        pytest.param("times_out", "none", "not fenced", marks=pytest.mark.nightly),
    ],
)
def test_without_auroras_block_and_a_network_acl_that_answers_no_loss_is_bounded(
    platform, write_block, fencing, fenced
):
    """The old region's database may go on writing: Aurora is silent (no RDS-EVENT-0390), or says so (0391)."""
    lab, rules = platform.lab, database_ingress(platform.lab, HOME)
    lab.settings(write_block=write_block)
    lab.set_targets(HOME, "unhealthy")
    lab.fault("hang", region=HOME, service="ec2", operation="ReplaceNetworkAclEntry")
    platform.run("failover", "-e", f"failover_fencing={fencing}").ends_well()
    (record,) = runs(lab, OTHER)
    assert (record["method"], record["fenced"]) == ("failover", fenced), record["fenced_reason"]
    assert (record["rpo_bound_ms"], record["writes_ended_at"]) == ("unknown", None) and record["safe_instant"]
    assert database_acl(lab, HOME) == OPEN
    assert database_ingress(lab, HOME) == ([] if fencing == "network_acl" else rules)
    if fencing == "network_acl":
        assert "connections that were open may go on writing" in record["fenced_reason"]
        (revoked,) = [call for call in lab.calls() if call["operation"] == "RevokeSecurityGroupIngress"]
        assert revoked["region"] == HOME


def fence(lab, region: str, mode: str, **resource) -> None:
    """What a move does to the region that it leaves."""
    given = {"region": region, "regions": [HOME, OTHER], "state": "present", "mode": mode, "table_name": TABLE}
    more = {"run_id": "run-1", "deadline": 12.0, "traffic_region": OTHER}
    assert region_fence.run({**given, **more, **resource}, clients_of(lab))["fenced"] == "fenced"


@pytest.mark.nightly
def test_provisioning_keeps_every_fence_and_says_so_until_it_is_asked_to_lift_them(platform):
    lab, rules, sizes = platform.lab, database_ingress(platform.lab, HOME), capacity(platform.lab, HOME)
    (entry,) = [one for one in control_item(lab, HOME, "manifest")["regions"] if one["region"] == HOME]
    fence(lab, HOME, "application_capacity", autoscaling_group_name=entry["autoscaling_group_name"])
    fence(lab, HOME, "database_ingress", security_group_id=entry["database_security_group_id"])
    acl = {"network_acl_id": entry["database_network_acl_id"], "subnet_ids": entry["database_subnet_ids"]}
    fence(lab, HOME, "network_acl", **acl)
    calls = len(lab.calls())
    # The layers that could lift one; the others' second run is test_site.py's.
    run = platform.run("site", "--tags", "network,application,global_database").ends_well()
    kept = f"{HOME} stays fenced (network_acl, database_ingress, application_capacity, by run run-1)"
    assert kept in " ".join(run.output.split())
    assert not any(run.changed.values())
    assert [call for call in lab.calls()[calls:] if call["mutating"]] == []
    assert (database_acl(lab, HOME), database_ingress(lab, HOME), capacity(lab, HOME)["desired"]) == (CLOSED, [], 0)

    platform.run("site", "--tags", "network", "-e", "unfence=true").ends_well()
    assert (database_acl(lab, HOME), database_ingress(lab, HOME), capacity(lab, HOME)) == (OPEN, rules, sizes)
    assert control_item(lab, HOME, f"fence#{HOME}") is None


def begin_again_from(lab, region: str) -> None:
    """Leave what a rebuild killed right after CreateGlobalCluster leaves; no member is listed for 10 seconds."""
    rds, name, arn = lab.client("rds", region), "trading-global-dev", cluster(lab, region)["DBClusterArn"]
    rds.remove_from_global_cluster(GlobalClusterIdentifier=name, DbClusterIdentifier=arn)
    until(lambda: members(lab, region) == {} and cluster(lab, region)["Status"] == "available")
    rds.delete_global_cluster(GlobalClusterIdentifier=name)
    lab.settings(global_create_s=100)
    rds.create_global_cluster(GlobalClusterIdentifier=name, SourceDBClusterIdentifier=arn)
    assert members(lab, region) == {}


def detach(platform) -> None:
    """Leave a lost region that runs another engine version, which AWS does only as a detach."""
    platform.lab.settings(minor_upgrade_s=0)
    platform.lab.client("rds", OTHER).modify_db_cluster(
        DBClusterIdentifier=f"trading-{OTHER}-dev", EngineVersion="8.0.mysql_aurora.3.12.0", ApplyImmediately=True
    )
    platform.lab.outage(HOME, "reset")
    refused = platform.run("failover", "-e", "method=auto")
    assert refused.code != 0 and "accept_data_loss" in refused.output and "3.12.0" in refused.output
    assert members(platform.lab, OTHER) == {HOME: True, OTHER: False}

    platform.run("failover", "-e", json.dumps({"method": "auto", "accept_data_loss": True})).ends_well()
    assert members(platform.lab, OTHER) == {HOME: True}
    assert name_points_at(platform.lab) == OTHER
    assert endpoint(platform.lab, OTHER) == cluster(platform.lab, OTHER)["Endpoint"]
    (record,) = [one for one in runs(platform.lab, OTHER) if one["outcome"] == "successful"]
    assert record["method"] == "detach"
    assert (record["repointed"], list(record["not_repointed"])) == ([OTHER], [HOME])


def writers_endpoints(platform) -> dict[str, str]:
    """What readiness finds of the endpoint that each region's applications read."""
    params = {"table_name": TABLE, "regions": [HOME, OTHER], "deadline": 20, "cool_down": 3600}
    limits = {"min_healthy_ratio": 0.5, "warn_replication_lag_ms": 1000, "max_lag_sample_age": 420}
    expected = {"secret_name": "trading-database-dev", "key_alias": "alias/trading-dev", "vpc_name": "trading-dev"}
    expected |= {"alarm_prefix": "trading-", "switch_prefix": "trading-dev"}
    unset = {"max_replication_lag_ms": None, "max_sampled_lag_ms": None}
    found = readiness.run({**params, **limits, **unset, "expected": expected}, clients_of(platform.lab))
    return {row["region"]: row["state"] for row in found["rows"] if row["check"] == "writer_endpoint"}


def test_a_refused_managed_failover_is_a_detach_only_where_loss_is_accepted(platform):
    detach(platform)
    platform.lab.restore(HOME)
    assert writers_endpoints(platform) == {HOME: "warning", OTHER: "ok"}, "the global endpoint leads to the old writer"
    unasked = platform.run("failback")
    assert unasked.code != 0 and "rebuild" in unasked.output
    assert members(platform.lab, OTHER) == {HOME: True}


@pytest.mark.nightly
def test_after_a_detach_failback_rebuilds_the_global_database(platform):
    detach(platform)
    platform.lab.restore(HOME)
    torn = platform.run("site")
    assert torn.code != 0 and "failback.yml -e rebuild=true" in torn.output
    assert members(platform.lab, OTHER) == {HOME: True}

    platform.lab.settings(calendar_date="2029-08-01")
    retired = platform.run("failback", "-e", "rebuild=true")
    assert retired.code != 0 and "aurora-mysql 8.0.mysql_aurora.3.12.0 is not offered" in retired.output
    assert members(platform.lab, OTHER) == {HOME: True}, "nothing has been deleted"
    platform.lab.settings(calendar_date="2026-11-29", db_instances_max=2)
    full = platform.run("failback", "-e", json.dumps({"rebuild": True, "global_database_instance_count": 3}))
    assert full.code != 0 and "the quota DBInstances of 2 has room for 0, needed: 1" in full.output
    assert members(platform.lab, OTHER) == {HOME: True}, "nothing has been deleted"
    platform.lab.settings(db_instances_max=40)

    platform.run("failback", "-e", "rebuild=true", break_at="Provision the members that are new", breaks="kill")
    assert members(platform.lab, OTHER) == {OTHER: True}, "stopped before the secondary was made"
    unasked = platform.run("failback")
    assert unasked.code != 0 and f"{HOME} has no cluster" in unasked.output
    begin_again_from(platform.lab, OTHER)
    calls = len(platform.lab.calls())
    platform.run("failback", "-e", "rebuild=true").ends_well()
    made = [call["operation"] for call in platform.lab.calls()[calls:]]
    assert {"CreateGlobalCluster", "DeleteGlobalCluster"}.isdisjoint(made), "it has waited for the one that was begun"
    assert members(platform.lab, HOME) == {HOME: True, OTHER: False}
    assert name_points_at(platform.lab) == HOME
    for region in platform.regions:
        assert endpoint(platform.lab, region) == global_cluster(platform.lab, region)["Endpoint"]
    assert [name for name in snapshots(platform.lab, HOME) if name.startswith(f"trading-{HOME}-dev-final-")]


@pytest.mark.parametrize("playbook", ["switchover", "failback"])
def test_a_dry_run_of_a_planned_move_changes_nothing(platform, playbook):
    before = len(platform.lab.calls())
    run = platform.run(playbook, "--check").ends_well()
    assert playbook == "failback" or "SwitchoverGlobalCluster" in run.output
    assert [call for call in platform.lab.calls()[before:] if call["mutating"]] == []
