# SPDX-License-Identifier: GPL-3.0-or-later
"""Aurora Global Database in the lab: membership, moves over time, what is refused, and teardown's order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.rds.models import rds_backends

from lab.client import Lab
from tests.lab.global_database import VERSION, Global
from tests.lab.in_process import EAST, EUROPE, WEST, Aws, refused


@pytest.fixture
def pair(aws: Aws) -> Global:
    return Global(aws, EAST, WEST)


def test_every_region_shows_the_same_members(pair: Global) -> None:
    shown = pair.read(EAST)
    assert shown == pair.read(WEST) == pair.read(EUROPE)
    assert shown["Endpoint"].startswith("g.global-") and shown["DatabaseName"] == "tradingdb"
    writer, secondary = shown["GlobalClusterMembers"]
    assert (writer["IsWriter"], writer["Readers"]) == (True, [pair.arns[WEST]])
    assert (secondary["IsWriter"], secondary["Readers"]) == (False, [])
    assert secondary["SynchronizationStatus"] == "connected"


def test_an_unknown_identifier_is_not_found(aws: Aws) -> None:
    refused("GlobalClusterNotFoundFault", aws.client("rds").describe_global_clusters, GlobalClusterIdentifier="no")


def test_the_secondary_inherits_version_and_has_readers_only(pair: Global) -> None:
    cluster = pair.cluster(WEST)
    assert cluster["EngineVersion"] == VERSION
    assert cluster["GlobalClusterIdentifier"] == "g"
    assert cluster["GlobalWriteForwardingStatus"] == "disabled"
    assert [one["IsClusterWriter"] for one in cluster["DBClusterMembers"]] == [False]
    assert [one["IsClusterWriter"] for one in pair.cluster(EAST)["DBClusterMembers"]] == [True]


@pytest.mark.parametrize(
    "given", [{"MasterUsername": "admin"}, {"DatabaseName": "d"}, {"EngineVersion": "8.0.mysql_aurora.3.12.0"}]
)
def test_a_secondary_takes_nothing_the_primary_decides(aws: Aws, given: dict[str, str]) -> None:
    database = Global(aws, EAST)
    refused("InvalidParameterCombination", database.add, region=WEST, **given)


def test_an_encrypted_secondary_needs_a_key_of_its_own_region(aws: Aws) -> None:
    rds = aws.client("rds", EAST)
    rds.create_global_cluster(GlobalClusterIdentifier="g", Engine="aurora-mysql", StorageEncrypted=True)
    key = "arn:aws:kms:{}:123456789012:key/00000000-0000-0000-0000-000000000000"
    first = {"MasterUsername": "admin", "MasterUserPassword": "not-secret", "KmsKeyId": key.format(EAST)}
    common = {"Engine": "aurora-mysql", "GlobalClusterIdentifier": "g"}
    rds.create_db_cluster(DBClusterIdentifier="a", **common, **first)
    instance = {"Engine": "aurora-mysql", "DBInstanceClass": "db.r6g.large"}
    rds.create_db_instance(DBInstanceIdentifier="a-1", DBClusterIdentifier="a", **instance)
    create = aws.client("rds", WEST).create_db_cluster
    refused("InvalidParameterCombination", create, DBClusterIdentifier="b", **common)
    refused("KMSKeyNotAccessibleFault", create, DBClusterIdentifier="b", **common, KmsKeyId=key.format(EAST))
    (database,) = aws.client("rds", EAST).describe_global_clusters()["GlobalClusters"]
    assert database["StorageEncryptionType"] == "sse-kms"
    cluster = create(DBClusterIdentifier="b", **common, KmsKeyId=key.format(WEST))["DBCluster"]
    assert cluster["StorageEncrypted"] and cluster["KmsKeyId"] == key.format(WEST)


def test_failover_passes_through_its_states_and_moves_the_writer(pair: Global) -> None:
    endpoint = pair.read()["Endpoint"]
    pair.aws.lose(EAST)
    database = pair.fail_over(WEST, AllowDataLoss=True)["GlobalCluster"]
    assert database["Status"] == "failing-over", "it is that from the first moment on"
    assert database["FailoverState"] == {
        "Status": "pending",
        "FromDbClusterArn": pair.arns[EAST],
        "ToDbClusterArn": pair.arns[WEST],
        "IsDataLossAllowed": True,
    }
    moving = pair.aws.wait(pair.read, lambda one: one["FailoverState"]["Status"] == "failing-over")
    assert moving["Status"] == "failing-over" and pair.writer() == EAST
    assert pair.cluster(WEST)["Status"] == "failing-over"
    assert pair.wait_idle()["Endpoint"] == endpoint and pair.writer() == WEST
    assert pair.cluster(WEST)["Status"] == "available"
    assert [one["IsClusterWriter"] for one in pair.cluster(WEST)["DBClusterMembers"]] == [True]


def test_the_old_primary_rejoins_on_a_new_volume_and_keeps_a_snapshot(pair: Global) -> None:
    pair.aws.lose(EAST)
    pair.fail_over(WEST, AllowDataLoss=True)
    pair.wait_idle()
    assert pair.member(EAST)["SynchronizationStatus"] == "pending-resync"
    refused("InvalidGlobalClusterStateFault", pair.switch_over, region=EAST, called_in=WEST)
    pair.aws.restore(EAST)
    rds = pair.aws.client("rds", EAST)
    (instance,) = rds.describe_db_instances()["DBInstances"]
    assert (pair.cluster(EAST)["Status"], instance["DBInstanceStatus"]) == ("creating", "creating")
    refused("InvalidDBClusterStateFault", rds.modify_db_cluster, DBClusterIdentifier=f"c-{EAST}", Port=3307)
    (kept,) = pair.aws.wait(lambda: snapshots_of(pair))
    assert kept["DBClusterSnapshotIdentifier"].startswith(f"rds:unplanned-global-failover-c-{EAST}-")
    assert (
        pair.aws.wait(lambda: pair.member(EAST)["SynchronizationStatus"], lambda one: one == "connected") == "connected"
    )
    assert pair.cluster(EAST)["Status"] == "available"
    pair.switch_over(EAST, called_in=WEST)
    pair.wait_idle()
    assert pair.writer() == EAST


def snapshots_of(database: Global) -> list[dict[str, Any]]:
    """Those of old volumes; Aurora's daily ones are beside them."""
    found = database.aws.client("rds", EAST).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    return [one for one in found if one["DBClusterSnapshotIdentifier"].startswith("rds:unplanned-")]


def test_the_old_volumes_snapshot_comes_after_its_region_and_is_copied_only_once_it_is_whole(pair: Global) -> None:
    pair.aws.settings(rescue_snapshot_s=120, rescue_snapshot_create_s=120)
    pair.aws.lose(EAST)
    pair.fail_over(WEST, AllowDataLoss=True)
    pair.wait_idle()
    pair.aws.restore(EAST)
    assert snapshots_of(pair) == []
    (kept,) = pair.aws.wait(lambda: snapshots_of(pair))
    assert kept["Status"] == "creating"
    copy = pair.aws.client("rds", EAST).copy_db_cluster_snapshot
    names = {"SourceDBClusterSnapshotIdentifier": kept["DBClusterSnapshotIdentifier"]}
    refused("InvalidDBClusterSnapshotStateFault", copy, **names, TargetDBClusterSnapshotIdentifier="copy")
    pair.aws.wait(lambda: snapshots_of(pair)[0]["Status"], lambda one: one == "available")
    made = copy(**names, TargetDBClusterSnapshotIdentifier="copy")["DBClusterSnapshot"]
    assert made["SourceDBClusterSnapshotArn"] == kept["DBClusterSnapshotArn"]


@pytest.mark.parametrize("name", ["a" * 64, "a-", "a--b", "1a", "a_b"])
def test_what_is_no_identifier_is_refused(pair: Global, name: str) -> None:
    rds, engine = pair.aws.client("rds", EAST), {"Engine": "aurora-mysql"}
    taken = {"DBClusterSnapshotIdentifier": "s", "DBClusterIdentifier": f"c-{EAST}"}
    rds.create_db_cluster_snapshot(**taken)
    for call, given in (
        (rds.create_db_cluster_snapshot, taken | {"DBClusterSnapshotIdentifier": name}),
        (
            rds.copy_db_cluster_snapshot,
            {"SourceDBClusterSnapshotIdentifier": "s", "TargetDBClusterSnapshotIdentifier": name},
        ),
        (rds.create_db_cluster, engine | {"DBClusterIdentifier": name}),
        (rds.create_db_instance, engine | {"DBInstanceIdentifier": name, "DBInstanceClass": "db.r6g.large"}),
        (rds.create_global_cluster, engine | {"GlobalClusterIdentifier": name}),
    ):
        assert "not a valid identifier" in refused("InvalidParameterValue", call, **given)


@pytest.mark.parametrize(("lost", "place", "end"), [(True, WEST, "timed out"), (False, EAST, "succeeded")])
def test_events_tell_whether_the_old_primary_was_fenced(pair: Global, lost: bool, place: str, end: str) -> None:
    if lost:
        pair.aws.lose(EAST)
    pair.fail_over(WEST, AllowDataLoss=True)
    events = pair.aws.client("rds", place).describe_events(SourceType="db-instance", Duration=5)["Events"]
    assert [event["Message"] for event in events if "block writes" in event["Message"]] == [
        f"Attempt to block writes for DB cluster c-{EAST} in Region {EAST} {end}."
    ]


def test_events_are_those_of_the_interval(pair: Global) -> None:
    rds = pair.aws.client("rds", EAST)
    pair.fail_over(WEST, AllowDataLoss=True)
    now = datetime.now(UTC)
    assert len(rds.describe_events(StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=5))["Events"])
    assert not rds.describe_events(StartTime=now + timedelta(minutes=5), EndTime=now + timedelta(minutes=9))["Events"]


def test_switchover_is_called_in_the_primarys_region_and_loses_nothing(pair: Global) -> None:
    refused("InvalidGlobalClusterStateFault", pair.switch_over, region=WEST, called_in=WEST)
    database = pair.switch_over(WEST, called_in=EAST)["GlobalCluster"]
    assert (database["Status"], database["FailoverState"]["Status"]) == ("switching-over", "pending")
    assert pair.read()["FailoverState"]["IsDataLossAllowed"] is False
    pair.wait_idle()
    assert pair.writer() == WEST and pair.member(EAST)["SynchronizationStatus"] == "connected"


def test_failover_without_data_loss_is_a_switchover_and_fails_in_an_outage(pair: Global) -> None:
    pair.aws.lose(EAST)
    refused("InvalidGlobalClusterStateFault", pair.fail_over, region=WEST)
    refused("InvalidParameterCombination", pair.fail_over, region=WEST, AllowDataLoss=True, Switchover=True)
    refused("InvalidGlobalClusterStateFault", pair.fail_over, region=WEST, AllowDataLoss=True, called_in=EUROPE)


def test_a_switchover_that_loses_a_region_is_cancelled(pair: Global) -> None:
    pair.aws.settings(cancel_s=120)  # long enough to be seen on a busy machine
    pair.switch_over(WEST, called_in=EAST)
    pair.aws.lose(EAST)
    assert pair.read()["FailoverState"]["Status"] == "cancelling"
    pair.wait_idle()
    assert pair.writer() == EAST


def test_only_one_move_at_a_time(pair: Global) -> None:
    pair.fail_over(WEST, AllowDataLoss=True)
    refused("InvalidGlobalClusterStateFault", pair.fail_over, region=WEST, AllowDataLoss=True)
    refused("InvalidGlobalClusterStateFault", pair.switch_over, region=WEST, called_in=EAST)


def test_a_stuck_promotion_ends_when_it_is_freed(pair: Global) -> None:
    pair.aws.settings(promotion_stuck=True, failover_s=6)
    pair.fail_over(WEST, AllowDataLoss=True)
    pair.aws.wait(pair.read, lambda one: "FailoverState" not in one, seconds=0.1)
    assert pair.writer() == EAST
    pair.aws.settings(promotion_stuck=False)
    pair.wait_idle()
    assert pair.writer() == WEST


def test_unfit_targets_are_refused(pair: Global) -> None:
    pair.aws.settings(minor_upgrade_s=0)
    rds = pair.aws.client("rds", WEST)
    failover = {"region": WEST, "AllowDataLoss": True}
    rds.modify_db_cluster(
        DBClusterIdentifier=f"c-{WEST}", EngineVersion="8.0.mysql_aurora.3.12.0", ApplyImmediately=True
    )
    assert "identical" in refused("InvalidDBClusterStateFault", pair.fail_over, **failover)
    rds_backends["123456789012"][WEST].clusters[f"c-{WEST}"].engine_version = VERSION  # AWS knows no way back
    rds.delete_db_instance(DBInstanceIdentifier=f"c-{WEST}-0", SkipFinalSnapshot=True)
    assert "no available DB instance" in refused("InvalidDBClusterStateFault", pair.fail_over, **failover)
    refused("InvalidDBClusterStateFault", pair.fail_over, region=EAST, AllowDataLoss=True)
    pair.arns[WEST] += "-unknown"
    refused("DBClusterNotFoundFault", pair.fail_over, **failover)


def test_three_regions_follow_the_new_writer(aws: Aws) -> None:
    trio = Global(aws, EAST, WEST, EUROPE)
    aws.lose(EAST)
    trio.fail_over(EUROPE, AllowDataLoss=True)
    trio.wait_idle()
    assert trio.writer() == EUROPE and trio.member(WEST)["SynchronizationStatus"] == "pending-resync"
    assert aws.wait(lambda: trio.member(WEST)["SynchronizationStatus"], lambda one: one == "connected") == "connected"
    assert trio.member(EAST)["SynchronizationStatus"] == "pending-resync"


def test_detach_promotes_from_any_region(pair: Global) -> None:
    remove = pair.aws.client("rds", EUROPE).remove_from_global_cluster
    refused("InvalidGlobalClusterStateFault", remove, GlobalClusterIdentifier="g", DbClusterIdentifier=pair.arns[EAST])
    remove(GlobalClusterIdentifier="g", DbClusterIdentifier=pair.arns[WEST])
    assert pair.cluster(WEST)["Status"] == "promoting"
    alone = pair.aws.wait(lambda: pair.cluster(WEST), lambda one: one["Status"] == "available")
    assert "GlobalClusterIdentifier" not in alone
    assert [one["IsClusterWriter"] for one in alone["DBClusterMembers"]] == [True]
    assert [one["DBClusterArn"] for one in pair.read()["GlobalClusterMembers"]] == [pair.arns[EAST]]


@pytest.mark.parametrize("move", ["failover", "switchover"])
def test_no_member_is_detached_while_the_writer_moves(aws: Aws, move: str) -> None:
    aws.settings(failover_s=600, switchover_s=600)
    trio = Global(aws, EAST, WEST, EUROPE)
    trio.fail_over(WEST, AllowDataLoss=True) if move == "failover" else trio.switch_over(WEST, called_in=EAST)
    for region in (EAST, WEST, EUROPE):
        remove = aws.client("rds", region).remove_from_global_cluster
        names = {"GlobalClusterIdentifier": "g", "DbClusterIdentifier": trio.arns[region]}
        refused("InvalidGlobalClusterStateFault", remove, **names)


def test_a_member_that_is_being_detached_is_no_target(pair: Global) -> None:
    pair.aws.settings(detach_s=600)
    rds = pair.aws.client("rds", WEST)
    rds.remove_from_global_cluster(GlobalClusterIdentifier="g", DbClusterIdentifier=pair.arns[WEST])
    refused("InvalidDBClusterStateFault", pair.fail_over, region=WEST, AllowDataLoss=True)
    assert pair.cluster(WEST)["DBClusterMembers"][0]["IsClusterWriter"] is False
    pair.aws.wait(lambda: pair.cluster(WEST), lambda one: one["Status"] == "available")
    refused("DBClusterNotFoundFault", pair.fail_over, region=WEST, AllowDataLoss=True)


def test_a_member_of_another_version_can_be_detached(pair: Global) -> None:
    pair.aws.settings(minor_upgrade_s=0)
    rds = pair.aws.client("rds", WEST)
    rds.modify_db_cluster(DBClusterIdentifier=f"c-{WEST}", EngineVersion="8.0.mysql_aurora.3.12.0")
    rds.remove_from_global_cluster(GlobalClusterIdentifier="g", DbClusterIdentifier=pair.arns[WEST])
    alone = pair.aws.wait(lambda: pair.cluster(WEST), lambda one: one["Status"] == "available")
    assert (alone["EngineVersion"], "GlobalClusterIdentifier" in alone) == ("8.0.mysql_aurora.3.12.0", False)


def test_write_forwarding_is_shown_and_changed(aws: Aws) -> None:
    database = Global(aws, EAST)
    database.add(WEST, EnableGlobalWriteForwarding=True)
    assert database.member(WEST)["GlobalWriteForwardingStatus"] == "enabled"
    aws.client("rds", WEST).modify_db_cluster(DBClusterIdentifier=f"c-{WEST}", EnableGlobalWriteForwarding=False)
    assert database.member(WEST)["GlobalWriteForwardingStatus"] == "disabled"


def test_teardown_in_the_right_order_only(pair: Global) -> None:
    rds = {region: pair.aws.client("rds", region) for region in (EAST, WEST)}

    def delete(region: str) -> Any:
        return rds[region].delete_db_cluster(DBClusterIdentifier=f"c-{region}", SkipFinalSnapshot=True)

    def detach(region: str) -> None:
        rds[region].remove_from_global_cluster(GlobalClusterIdentifier="g", DbClusterIdentifier=pair.arns[region])
        pair.aws.wait(lambda: pair.cluster(region), lambda one: one["Status"] == "available")

    refused("InvalidDBClusterStateFault", delete, region=WEST)
    refused("InvalidGlobalClusterStateFault", delete, region=EAST)
    refused(
        "InvalidDBClusterStateFault",
        rds[EAST].delete_db_instance,
        DBInstanceIdentifier=f"c-{EAST}-0",
        SkipFinalSnapshot=True,
    )
    refused("InvalidGlobalClusterStateFault", rds[EAST].delete_global_cluster, GlobalClusterIdentifier="g")
    for region in (WEST, EAST):
        detach(region)
        refused("InvalidDBClusterStateFault", delete, region=region)
        rds[region].delete_db_instance(DBInstanceIdentifier=f"c-{region}-0", SkipFinalSnapshot=True)
        refused("InvalidParameterCombination", rds[region].delete_db_cluster, DBClusterIdentifier=f"c-{region}")
        delete(region)
        assert rds[region].describe_db_clusters()["DBClusters"] == []
        assert rds[region].describe_db_cluster_snapshots()["DBClusterSnapshots"] == []
    rds[WEST].delete_global_cluster(GlobalClusterIdentifier="g")
    assert rds[EAST].describe_global_clusters()["GlobalClusters"] == []


def test_deletion_protection_and_rename(pair: Global) -> None:
    rds = pair.aws.client("rds", WEST)
    rds.modify_global_cluster(GlobalClusterIdentifier="g", DeletionProtection=True)
    refused("InvalidParameterCombination", rds.delete_global_cluster, GlobalClusterIdentifier="g")
    rds.modify_global_cluster(GlobalClusterIdentifier="g", DeletionProtection=False, NewGlobalClusterIdentifier="h")
    assert [one["GlobalClusterIdentifier"] for one in rds.describe_global_clusters()["GlobalClusters"]] == ["h"]
    assert pair.cluster(EAST)["GlobalClusterIdentifier"] == "h"


def test_a_global_database_has_tags(pair: Global) -> None:
    rds, arn = pair.aws.client("rds", WEST), pair.read()["GlobalClusterArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "Project", "Value": "trading"}])
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == pair.read()["TagList"]
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["Project"])
    assert pair.read()["TagList"] == []


def test_what_a_second_run_compares_reads_back(aws: Aws) -> None:
    rds = aws.client("rds", EAST)
    group = {"DBClusterParameterGroupName": "p", "DBParameterGroupFamily": "aurora-mysql8.0", "Description": "d"}
    rds.create_db_cluster_parameter_group(**group)
    wanted = {
        "BackupRetentionPeriod": 7,
        "PreferredBackupWindow": "03:00-04:00",
        "PreferredMaintenanceWindow": "mon:04:00-mon:05:00",
        "CopyTagsToSnapshot": True,
        "DeletionProtection": True,
    }
    rds.create_db_cluster(
        DBClusterIdentifier="c",
        Engine="aurora-mysql",
        EngineVersion=VERSION,
        MasterUsername="admin",
        MasterUserPassword="not-secret",
        DBClusterParameterGroupName="p",
        EnableCloudwatchLogsExports=["audit", "error"],
        VpcSecurityGroupIds=["sg-1"],
        **wanted,
    )
    rds.modify_db_cluster(
        DBClusterIdentifier="c",
        EnableIAMDatabaseAuthentication=True,
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["general"], "DisableLogTypes": ["audit"]},
    )
    shown = rds.describe_db_clusters(DBClusterIdentifier="c")["DBClusters"][0]
    assert {name: shown[name] for name in wanted} == wanted
    assert shown["DBClusterParameterGroup"] == "p" and shown["IAMDatabaseAuthenticationEnabled"] is True
    assert shown["EnabledCloudwatchLogsExports"] == ["error", "general"]
    assert shown["VpcSecurityGroups"] == [{"VpcSecurityGroupId": "sg-1", "Status": "active"}]
    refused("DBClusterAlreadyExistsFault", rds.create_db_cluster, DBClusterIdentifier="c", Engine="aurora-mysql")
    refused("InvalidParameterCombination", rds.delete_db_cluster, DBClusterIdentifier="c", SkipFinalSnapshot=True)


def test_the_same_over_the_socket(lab: Lab) -> None:
    rds = {region: lab.client("rds", region) for region in (EAST, WEST)}
    rds[EAST].create_global_cluster(GlobalClusterIdentifier="g", Engine="aurora-mysql", EngineVersion=VERSION)
    credentials = {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}
    for region in (EAST, WEST):
        common = {"DBClusterIdentifier": f"c-{region}", "Engine": "aurora-mysql"}
        rds[region].create_db_cluster(GlobalClusterIdentifier="g", **common, **credentials)
        rds[region].create_db_instance(DBInstanceIdentifier="i", DBInstanceClass="db.r6g.large", **common)
        credentials = {}
    lab.outage(EAST, "reset")
    lab.settings(failover_s=60)
    target = rds[WEST].describe_db_clusters()["DBClusters"][0]["DBClusterArn"]
    names = {"GlobalClusterIdentifier": "g", "TargetDbClusterIdentifier": target}
    rds[WEST].failover_global_cluster(**names, AllowDataLoss=True)

    def read() -> dict[str, Any]:
        return rds[WEST].describe_global_clusters(GlobalClusterIdentifier="g")["GlobalClusters"][0]

    shown = Aws.wait(read, lambda one: "FailoverState" not in one)
    assert [one["DBClusterArn"] for one in shown["GlobalClusterMembers"] if one["IsWriter"]] == [target]
    lab.restore(EAST)
    assert rds[EAST].describe_global_clusters()["GlobalClusters"][0]["Endpoint"] == shown["Endpoint"]


def alone(aws: Aws) -> str:
    """A cluster of its own in WEST, as a detach leaves it; returns its ARN."""
    rds, names = aws.client("rds", WEST), {"DBClusterIdentifier": "c", "Engine": "aurora-mysql"}
    login = {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}
    cluster = rds.create_db_cluster(**names, **login, EngineVersion=VERSION)["DBCluster"]
    rds.create_db_instance(**names, DBInstanceIdentifier="c-0", DBInstanceClass="db.r6g.large")
    return cluster["DBClusterArn"]


def test_a_cluster_that_a_global_one_is_created_from_is_listed_later_and_has_no_secondaries_before(aws: Aws) -> None:
    aws.settings(global_create_s=300)
    rds, arn = aws.client("rds", WEST), alone(aws)
    made = rds.create_global_cluster(GlobalClusterIdentifier="g", SourceDBClusterIdentifier=arn)["GlobalCluster"]
    assert (made["Status"], made["GlobalClusterMembers"]) == ("available", [])
    secondary = {"DBClusterIdentifier": "d", "GlobalClusterIdentifier": "g", "Engine": "aurora-mysql"}
    create = aws.client("rds", EAST).create_db_cluster
    assert "physical replication" in refused("InvalidDBClusterStateFault", create, **secondary)
    refused("InvalidGlobalClusterStateFault", rds.delete_global_cluster, GlobalClusterIdentifier="g")
    again = {"GlobalClusterIdentifier": "h", "SourceDBClusterIdentifier": arn}
    refused("InvalidDBClusterStateFault", rds.create_global_cluster, **again)

    def members() -> list[dict[str, Any]]:
        return rds.describe_global_clusters(GlobalClusterIdentifier="g")["GlobalClusters"][0]["GlobalClusterMembers"]

    (writer,) = aws.wait(members)
    assert (writer["DBClusterArn"], writer["IsWriter"]) == (arn, True)
    create(**secondary)
    assert [one["IsWriter"] for one in members()] == [True, False]
