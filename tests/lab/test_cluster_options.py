# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of clusters and instances: capacity of db.serverless, storage, insights, monitoring, logs and groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.global_database import Global
from tests.lab.in_process import EAST, Aws, refused

FIRST = {
    "DBClusterIdentifier": "c",
    "Engine": "aurora-mysql",
    "MasterUsername": "admin",
    "MasterUserPassword": "not-secret",
}
INSTANCE = {"DBInstanceIdentifier": "i", "DBClusterIdentifier": "c", "Engine": "aurora-mysql"}
ROLE = "arn:aws:iam::123456789012:role/monitoring"


def bounds(least: float | None = None, most: float | None = None) -> dict[str, Any]:
    given = {"MinCapacity": least, "MaxCapacity": most}
    return {"ServerlessV2ScalingConfiguration": {name: one for name, one in given.items() if one is not None}}


@pytest.fixture
def rds(aws: Aws) -> Any:
    return aws.client("rds")


@pytest.mark.parametrize("given", [(8, 4), (0.7, 4), (0, 0.5), (1, 300), (-1, 4), (1, None), (None, 4)])
def test_capacities_out_of_order_or_range_are_refused(rds: Any, given: tuple[Any, Any]) -> None:
    refused("InvalidParameterValue", rds.create_db_cluster, **FIRST, **bounds(*given))


def test_serverless_instances_need_a_capacity_range(rds: Any) -> None:
    rds.create_db_cluster(**FIRST)
    serverless = {**INSTANCE, "DBInstanceClass": "db.serverless"}
    assert "scaling configuration" in refused("InvalidDBClusterStateFault", rds.create_db_instance, **serverless)
    rds.modify_db_cluster(DBClusterIdentifier="c", **bounds(0.5, 16))
    rds.create_db_instance(**serverless)
    rds.modify_db_cluster(DBClusterIdentifier="c", **bounds(1))
    (shown,) = rds.describe_db_clusters(DBClusterIdentifier="c")["DBClusters"]
    assert shown["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 1.0, "MaxCapacity": 16.0}


def test_global_databases_have_no_burstable_instances(aws: Aws) -> None:
    Global(aws, EAST)
    given = {"DBInstanceIdentifier": "i", "DBClusterIdentifier": f"c-{EAST}", "Engine": "aurora-mysql"}
    refused(
        "InvalidParameterCombination", aws.client("rds").create_db_instance, **given, DBInstanceClass="db.t4g.medium"
    )


def test_storage_goes_to_io_optimised_once_in_30_days_and_back_at_any_time(rds: Any) -> None:
    assert rds.create_db_cluster(**FIRST)["DBCluster"]["StorageType"] == "aurora"
    refused("StorageTypeNotSupported", rds.modify_db_cluster, DBClusterIdentifier="c", StorageType="io1")
    for kind in ("aurora-iopt1", "aurora"):
        shown = rds.modify_db_cluster(DBClusterIdentifier="c", StorageType=kind)["DBCluster"]
        assert shown["StorageType"] == kind
    told = refused(
        "StorageTypeNotAvailableFault", rds.modify_db_cluster, DBClusterIdentifier="c", StorageType="aurora-iopt1"
    )
    assert "Try again after" in told


def test_advanced_insights_need_performance_insights_for_465_days(rds: Any) -> None:
    rds.create_db_cluster(**FIRST)
    advanced = {"DBClusterIdentifier": "c", "DatabaseInsightsMode": "advanced"}
    refused("InvalidParameterCombination", rds.modify_db_cluster, **advanced)
    refused("InvalidParameterCombination", rds.modify_db_cluster, **advanced, PerformanceInsightsRetentionPeriod=465)
    enough = {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 465}
    shown = rds.modify_db_cluster(**advanced, **enough)["DBCluster"]
    assert (shown["DatabaseInsightsMode"], shown["PerformanceInsightsEnabled"]) == ("advanced", True)
    assert shown["PerformanceInsightsRetentionPeriod"] == 465
    refused(
        "InvalidParameterValue", rds.modify_db_cluster, DBClusterIdentifier="c", PerformanceInsightsRetentionPeriod=94
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"MonitoringInterval": 60}, "InvalidParameterCombination"),
        ({"MonitoringRoleArn": ROLE}, "InvalidParameterCombination"),
        ({"MonitoringInterval": 7, "MonitoringRoleArn": ROLE}, "InvalidParameterValue"),
    ],
)
def test_monitoring_needs_an_interval_of_the_list_and_a_role(rds: Any, given: dict[str, Any], code: str) -> None:
    rds.create_db_cluster(**FIRST)
    refused(code, rds.create_db_instance, **INSTANCE, DBInstanceClass="db.r6g.large", **given)


def test_logs_and_groups_must_be_the_engines(rds: Any) -> None:
    group = {"DBClusterParameterGroupName": "p", "DBParameterGroupFamily": "aurora-mysql8.4", "Description": "d"}
    rds.create_db_cluster_parameter_group(**group)
    told = refused("InvalidParameterCombination", rds.create_db_cluster, **FIRST, DBClusterParameterGroupName="p")
    assert "aurora-mysql8.0" in told
    refused("InvalidParameterCombination", rds.create_db_cluster, **FIRST, EnableCloudwatchLogsExports=["postgresql"])
    rds.create_db_cluster(**FIRST)
    other = {**INSTANCE, "Engine": "aurora-postgresql", "DBInstanceClass": "db.r6g.large"}
    refused("InvalidParameterCombination", rds.create_db_instance, **other)


def test_postgresql_forces_tls_from_17_on_and_bounds_the_loss(rds: Any) -> None:
    for family, value in (("aurora-postgresql16", "0"), ("aurora-postgresql17", "1")):
        defaults = rds.describe_engine_default_cluster_parameters(DBParameterGroupFamily=family)["EngineDefaults"]
        shown = {one["ParameterName"]: one for one in defaults["Parameters"]}
        assert shown["rds.force_ssl"]["ParameterValue"] == value
        assert shown["rds.global_db_rpo"]["AllowedValues"] == "20-2147483647"
