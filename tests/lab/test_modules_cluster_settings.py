# SPDX-License-Identifier: GPL-3.0-or-later
"""rds_cluster_settings against the lab: what it sets, what it leaves alone, and what it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import cluster_settings
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from tests.lab.in_process import Aws

DISABLED = "open-source-rds-extended-support-disabled"
FIRST = {
    "DBClusterIdentifier": "c",
    "Engine": "aurora-mysql",
    "MasterUsername": "admin",
    "MasterUserPassword": "not-secret",
}


class Cluster:
    """The cluster `c`, and what the module does with it."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        aws.client("rds").create_db_cluster(**FIRST)

    def ensure(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        params = {"region": "us-east-1", "db_cluster_identifier": "c", **options}
        return cluster_settings.run(params, self.aws.client, check_mode)

    def read(self) -> dict[str, Any]:
        return self.aws.client("rds").describe_db_clusters(DBClusterIdentifier="c")["DBClusters"][0]


@pytest.fixture
def cluster(aws: Aws) -> Cluster:
    return Cluster(aws)


def test_a_new_cluster_is_taken_out_of_paid_extended_support_once(cluster: Cluster) -> None:
    told = cluster.ensure(engine_lifecycle_support=DISABLED)
    assert told["changed"] and "engine_lifecycle_support" in told["reason"]
    assert cluster.read()["EngineLifecycleSupport"] == told["settings"]["engine_lifecycle_support"] == DISABLED
    assert cluster.ensure(engine_lifecycle_support=DISABLED)["changed"] is False


def test_check_mode_predicts_and_changes_nothing(cluster: Cluster) -> None:
    told = cluster.ensure(check_mode=True, storage_type="aurora-iopt1")
    assert told["changed"] and told["diff"]["after"]["storage_type"] == "aurora-iopt1"
    assert cluster.read()["StorageType"] == "aurora"


def test_what_is_not_asked_for_is_left_alone(cluster: Cluster) -> None:
    cluster.ensure(storage_type="aurora-iopt1", database_insights_mode="advanced")
    assert cluster.ensure(engine_lifecycle_support=DISABLED)["settings"]["storage_type"] == "aurora-iopt1"
    assert cluster.read()["StorageType"] == "aurora-iopt1"


def test_the_advanced_mode_brings_performance_insights_for_465_days(cluster: Cluster) -> None:
    told = cluster.ensure(database_insights_mode="advanced")
    assert told["settings"]["performance_insights_retention_days"] == 465
    shown = cluster.read()
    assert (shown["DatabaseInsightsMode"], shown["PerformanceInsightsEnabled"]) == ("advanced", True)
    back = cluster.ensure(database_insights_mode="standard")
    assert back["changed"] and cluster.read()["PerformanceInsightsRetentionPeriod"] == 7


def test_too_few_days_for_the_advanced_mode_are_refused_before_the_first_call(cluster: Cluster) -> None:
    with pytest.raises(Refused, match="performance_insights_retention_days is 7; allowed .* 465 or more"):
        cluster.ensure(database_insights_mode="advanced", performance_insights_retention_days=7)


def test_a_cluster_that_is_not_there_is_named(cluster: Cluster) -> None:
    with pytest.raises(Refused, match="There is no cluster d"):
        cluster.ensure(db_cluster_identifier="d", storage_type="aurora")


def test_what_botocore_is_too_old_for_is_told_and_left_alone(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_settings, "known_parameters", lambda client: frozenset({"StorageType"}))
    told = cluster.ensure(engine_lifecycle_support=DISABLED, storage_type="aurora-iopt1")
    assert cluster.read()["StorageType"] == "aurora-iopt1" and len(told["warnings"]) == 1
    assert "engine_lifecycle_support" in told["warnings"][0]
    assert cluster.read()["EngineLifecycleSupport"] != DISABLED


def test_log_exports_of_a_cluster_that_exists_become_exactly_those_asked_for(cluster: Cluster) -> None:
    assert cluster.ensure(enable_cloudwatch_logs_exports=["error", "audit"])["changed"]
    told = cluster.ensure(enable_cloudwatch_logs_exports=["slowquery", "audit"])
    assert told["changed"] and "audit, slowquery" in told["reason"]
    assert told["diff"]["before"]["enable_cloudwatch_logs_exports"] == ["audit", "error"]
    assert sorted(cluster.read()["EnabledCloudwatchLogsExports"]) == ["audit", "slowquery"]
    assert not cluster.ensure(enable_cloudwatch_logs_exports=["audit", "slowquery"])["changed"]
    assert not cluster.ensure(storage_type="aurora")["changed"]
    assert cluster.ensure(check_mode=True, enable_cloudwatch_logs_exports=[])["changed"]
    assert cluster.ensure(enable_cloudwatch_logs_exports=[])["changed"]
    assert not cluster.read().get("EnabledCloudwatchLogsExports")


def test_log_exports_that_aws_is_still_changing_count(cluster: Cluster) -> None:
    pending = {"LogTypesToEnable": ["general"], "LogTypesToDisable": ["error"]}
    shown = {"EnabledCloudwatchLogsExports": ["error", "audit"]}
    shown["PendingModifiedValues"] = {"PendingCloudwatchLogsExports": pending}
    assert cluster_settings.exports_of(shown) == ["audit", "general"]


def test_a_log_type_that_the_engine_lacks_is_refused_by_aws(cluster: Cluster) -> None:
    with pytest.raises(AwsCallError, match="postgresql"):
        cluster.ensure(enable_cloudwatch_logs_exports=["postgresql"])
