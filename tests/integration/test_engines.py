# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS does not offer of an engine is refused before the first change, and PostgreSQL works as MySQL does."""

from __future__ import annotations

import json

import pytest

from lab.client import Lab
from tests.integration.aws import cluster, members, name_points_at, runs
from tests.integration.platforms import VARIANTS, run_playbook

HOME, OTHER = "us-east-1", "us-east-2"
POSTGRESQL = {"global_database_engine": VARIANTS["postgresql"]["global_database_engine"]}


@pytest.fixture
def empty(tmp_path):
    lab = Lab.start(tmp_path / "lab", scale=600)
    yield lab
    lab.stop()


def written(lab) -> list[str]:
    """Calls that changed something."""
    return [call["operation"] for call in lab.calls() if call["mutating"]]


def changes_nothing(run) -> None:
    run.ends_well()
    found = [line for line in run.output.splitlines() if line.startswith(("TASK", "changed"))]
    told = [f"{task}: {line}" for task, line in zip(found, found[1:], strict=False) if line.startswith("changed")]
    assert told == []


def site(lab, **given):
    return run_playbook("site", "-e", json.dumps(given), lab=lab)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"global_database_engine_version": "8.0.mysql_aurora.3.04.0"},
            ["8.0.mysql_aurora.3.04.0 is not offered in us-east-1, us-east-2", "8.0.mysql_aurora.3.10.0"],
        ),
        pytest.param(
            {"global_database_engine_version": "8.0.mysql_aurora.3.99.0"},
            ["3.99.0 is not offered", "3.13.0"],
            marks=pytest.mark.nightly,
        ),
        (
            {"global_database_instance_class": "db.serverless", "global_database_min_capacity": 8}
            | {"global_database_max_capacity": 4},
            ["global_database_min_capacity 8", "at most the largest, 4"],
        ),
        pytest.param(
            {"global_database_instance_class": "db.serverless"},
            ["needs a least and a largest capacity"],
            marks=pytest.mark.nightly,
        ),
        pytest.param(
            {"global_database_monitoring_interval": 60},
            ["global_database_monitoring_interval is 60", "with a role"],
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_what_aws_does_not_offer_is_refused_before_the_first_change(empty, given, told):
    refused = site(empty, **given)
    said = " ".join(refused.output.split())
    assert refused.code != 0 and [words for words in [*told, "Nothing has been changed"] if words not in said] == []
    assert written(empty) == []


def test_a_version_that_one_region_lacks_is_refused_with_what_all_regions_have(empty):
    empty.settings(withheld_versions=[f"{OTHER} 8.0.mysql_aurora.3.10.5"])
    refused = site(empty)
    said = " ".join(refused.output.split())
    assert refused.code != 0 and f"8.0.mysql_aurora.3.10.5 is not offered in {OTHER};" in said
    assert "8.0.mysql_aurora.3.12.0" in said and written(empty) == []


def test_the_engine_of_a_database_that_exists_cannot_be_changed(platform):
    before = len(written(platform.lab))
    refused = platform.run("site", "-e", json.dumps(POSTGRESQL))
    said = " ".join(refused.output.split())
    assert refused.code != 0 and "allowed: aurora-mysql, which trading-global-dev has" in said
    assert len(written(platform.lab)) == before


@pytest.mark.nightly
def test_a_platform_whose_version_was_retired_is_provisioned_again_as_it_is(platform):
    platform.lab.settings(calendar_date="2028-05-01")
    changes_nothing(platform.run("site"))


@pytest.mark.nightly
def test_a_postgresql_platform_is_left_as_it_is(postgresql):
    for region in postgresql.regions:
        shown = cluster(postgresql.lab, region)
        assert (shown["Engine"], shown["Port"], shown["StorageType"]) == ("aurora-postgresql", 5432, "aurora-iopt1")
        assert shown["EnabledCloudwatchLogsExports"] == ["postgresql"]
        assert shown["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 16.0}
        instances = postgresql.lab.client("rds", region).describe_db_instances()["DBInstances"]
        assert {one["DBInstanceClass"] for one in instances} == {"db.serverless"}
    changes_nothing(postgresql.run("site"))


@pytest.mark.nightly
def test_a_postgresql_platform_is_ready(postgresql, tmp_path):
    report = tmp_path / "readiness.json"
    postgresql.run("readiness", "-e", f"readiness_report_file={report}").ends_well()
    rows = json.loads(report.read_text())["rows"]
    spoiled = {(row["check"], row["reason"]) for row in rows if row["state"] != "ok"}
    # As on Aurora MySQL: nobody has subscribed to the demo's topics, and the lab knows no user with these credentials.
    assert {check for check, _reason in spoiled} == {"subscriptions", "runner_permissions"}, spoiled
    told = {row["check"]: row["reason"] for row in rows if row["region"] == OTHER}
    assert "17.7 is available, with standard support until" in told["engine_support"]
    assert "of class db.serverless" in told["instances"] and "would lose at most" in told["replication_lag"]


@pytest.mark.nightly
def test_the_writer_of_a_postgresql_platform_accepts_the_rotated_password(postgresql):
    def current(region: str) -> str:
        secrets = postgresql.lab.client("secretsmanager", region)
        return secrets.get_secret_value(SecretId="trading-database-dev", VersionStage="AWSCURRENT")["SecretString"]

    before = current(HOME)
    postgresql.run("rotate_secret").ends_well()
    (after,) = {current(region) for region in postgresql.regions}
    assert after != before
    assert postgresql.lab.accepts_password(HOME, f"trading-{HOME}-dev", json.loads(after)["password"])


@pytest.mark.nightly
def test_a_drill_of_a_postgresql_platform_waits_for_the_lag_that_its_limit_needs(postgresql):
    """Right after the way there the old writer has no sample of its lag, which is no reason not to go back."""
    postgresql.lab.settings(metric_delay_s=600, metric_delay_spread_s=0)  # ten of these seconds pass in one
    run = postgresql.run("drill", "-e", "max_replication_lag_ms=600000").ends_well()
    assert f"DRILL ENDED WELL: {HOME} -> {OTHER} -> {HOME}" in run.output
    assert members(postgresql.lab, OTHER) == {HOME: True, OTHER: False} and name_points_at(postgresql.lab) == HOME
    made = [call["operation"] for call in postgresql.lab.calls() if call["operation"].endswith("GlobalCluster")]
    assert (made.count("SwitchoverGlobalCluster"), made.count("FailoverGlobalCluster")) == (2, 0)


@pytest.mark.nightly
def test_a_postgresql_platform_leaves_a_region_that_hangs_and_goes_back(postgresql):
    lab = postgresql.lab
    lab.outage(HOME, "hang")
    postgresql.run("failover").ends_well()
    assert members(lab, OTHER) == {HOME: False, OTHER: True} and name_points_at(lab) == OTHER
    (record,) = runs(lab, OTHER)
    assert record["outcome"] == "successful" and record["warnings"] == []
    lab.restore(HOME)
    lab.settings(resync_s=20, rescue_snapshot_s=0, rescue_snapshot_create_s=10)
    postgresql.run("failback").ends_well()
    assert members(lab, HOME) == {HOME: True, OTHER: False} and name_points_at(lab) == HOME
    kept = lab.client("rds", HOME).describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert [one["Status"] for one in kept] == ["available"], "what the failover gave up is kept"


@pytest.mark.nightly
def test_another_instance_class_is_applied_readers_first_and_the_writer_last_after_a_failover(copy_of):
    platform = copy_of("us-east-1", "us-east-2")
    lab, larger = platform.lab, json.dumps({"global_database_instance_class": "db.r6g.xlarge"})
    before = len(lab.calls())
    platform.run("site", "--tags", "global_database", "-e", larger).ends_well()
    asked = ("ModifyDBInstance", "FailoverDBCluster")
    for region, expected in (
        ("us-east-1", ["ModifyDBInstance", "FailoverDBCluster", "ModifyDBInstance"]),
        ("us-east-2", ["ModifyDBInstance", "ModifyDBInstance"]),
    ):
        calls = [one for one in lab.calls()[before:] if one["region"] == region and one["operation"] in asked]
        assert [one["operation"] for one in calls] == expected
        instances = lab.client("rds", region).describe_db_instances()["DBInstances"]
        assert {one["DBInstanceClass"] for one in instances} == {"db.r6g.xlarge"}
    assert not any(platform.run("site", "--tags", "global_database", "-e", larger).ends_well().changed.values())
