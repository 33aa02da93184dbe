# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard of every region shows all regions next to each other, with existing metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.aws import GROUP, SUFFIX, name_points_at

EAST, WEST = "us-east-1", "us-east-2"
OURS = "Trading/MultiRegion"
BALANCER, CLUSTER = {"LoadBalancer"}, {"DBClusterIdentifier"}

# Metrics that AWS documents, with their dimensions, by where it says so.
ELB = "CloudWatch metrics for your Application Load Balancer, User Guide for Application Load Balancers"
AURORA = "Amazon CloudWatch metrics for Amazon Aurora, Aurora User Guide"
EC2 = "CloudWatch metrics that are available for your instances, Amazon EC2 User Guide"
DYNAMODB = "DynamoDB Metrics and dimensions, DynamoDB Developer Guide"
S3 = "Amazon S3 metrics and dimensions, Amazon S3 User Guide"
DOCUMENTED = {
    ("AWS/ApplicationELB", "HealthyHostCount"): (BALANCER | {"TargetGroup"}, ELB),
    ("AWS/ApplicationELB", "UnHealthyHostCount"): (BALANCER | {"TargetGroup"}, ELB),
    ("AWS/ApplicationELB", "RequestCount"): (BALANCER, ELB),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): (BALANCER, ELB),
    ("AWS/ApplicationELB", "TargetResponseTime"): (BALANCER, ELB),
    ("AWS/EC2", "CPUUtilization"): ({"AutoScalingGroupName"}, EC2),
    ("AWS/RDS", "AuroraGlobalDBReplicationLag"): (CLUSTER, AURORA),
    ("AWS/RDS", "AuroraGlobalDBRPOLag"): (CLUSTER, AURORA),
    ("AWS/RDS", "CPUUtilization"): (CLUSTER, AURORA),
    ("AWS/RDS", "DatabaseConnections"): (CLUSTER, AURORA),
    ("AWS/DynamoDB", "ReplicationLatency"): ({"TableName", "ReceivingRegion"}, DYNAMODB),
    ("AWS/S3", "ReplicationLatency"): ({"SourceBucket", "DestinationBucket", "RuleId"}, S3),
}


def charts(lab, region: str) -> list[dict[str, Any]]:
    """The charts of a region's dashboard: {title, region, series: [(namespace, metric, dimensions)], x, y, width}."""
    body = lab.client("cloudwatch", region).get_dashboard(DashboardName=f"trading-{region}-{SUFFIX}")["DashboardBody"]
    found = []
    for widget in json.loads(body)["widgets"]:
        properties = widget["properties"]
        if widget["type"] == "metric":
            series = [
                (one[0], one[1], dict(zip(one[2:-1:2], one[3:-1:2], strict=True))) for one in properties["metrics"]
            ]
            place = {name: widget[name] for name in ("x", "y", "width")}
            found.append({"title": properties["title"], "region": properties["region"], "series": series, **place})
    return found


def newest(lab, region: str, series: tuple[str, str, dict[str, str]]) -> float | None:
    """The newest value of a series as CloudWatch has it in a region, or None."""
    namespace, name, dimensions = series
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": named}
    now = datetime.now(UTC)
    (found,) = lab.client("cloudwatch", region).get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}],
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=1),
        ScanBy="TimestampDescending",
    )["MetricDataResults"]
    return found["Values"][0] if found["Values"] else None


def resources(lab, region: str) -> set[str]:
    """Names by which the metrics of a region's resources go, asked of AWS."""
    elb, rds = lab.client("elbv2", region), lab.client("rds", region)
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (group,) = elb.describe_target_groups()["TargetGroups"]
    (cluster,) = rds.describe_db_clusters()["DBClusters"]
    (rule,) = lab.client("s3", region).get_bucket_replication(Bucket=f"trading-data-{region}-{SUFFIX}")[
        "ReplicationConfiguration"
    ]["Rules"]
    assert rule["Destination"]["Metrics"]["Status"] == "Enabled", "else S3 publishes none"
    return {
        balancer["LoadBalancerArn"].split("loadbalancer/")[1],
        group["TargetGroupArn"].split(":")[-1],
        cluster["DBClusterIdentifier"],
        f"trading-data-{region}-{SUFFIX}",
        rule["ID"],
        f"trading-sessions-{SUFFIX}",
        GROUP,
    }


def test_every_regions_dashboard_has_all_regions_side_by_side_by_metrics_that_aws_documents(platform):
    wanted = {name for region in platform.regions for name in resources(platform.lab, region)}
    for region in platform.regions:
        found = charts(platform.lab, region)
        series = [one for chart in found for one in chart["series"]]
        assert {value for _namespace, _name, dimensions in series for value in dimensions.values()} >= wanted
        shown = {
            (namespace, name): set(dimensions) for namespace, name, dimensions in series if namespace.startswith("AWS/")
        }
        assert shown == {metric: dimensions for metric, (dimensions, _source) in DOCUMENTED.items()}
        assert {namespace for namespace, *_rest in series if not namespace.startswith("AWS/")} == {OURS}
        lines: dict[int, list] = {}
        for chart in found:
            lines.setdefault(chart["y"], []).append((chart["x"], chart["width"], chart["region"]))
        assert set(map(tuple, lines.values())) == {((0, 12, EAST), (12, 12, WEST))}


@pytest.mark.nightly
def test_the_dashboards_own_series_have_the_last_readiness_and_the_last_move(platform, tmp_path):
    lab, outcome = platform.lab, tmp_path / "outcome.json"
    series = {
        (chart["region"], one[1]): one for chart in charts(lab, EAST) for one in chart["series"] if one[0] == OURS
    }

    def shown(region: str, name: str) -> float | None:
        return newest(lab, region, series[region, name])

    assert [shown(region, name) for region, name in series] == [None] * 8
    platform.run("readiness").ends_well()
    platform.run("switchover", "-e", f"failover_outcome_file={outcome}").ends_well()
    reported = json.loads(outcome.read_text())
    for region in platform.regions:
        assert shown(region, "ReadinessBlockers") == 0
        assert shown(region, "ReadinessWarnings") > 0
    assert shown(WEST, "RecoveryTime") == reported["rto_seconds"]
    assert shown(WEST, "LossBound") == reported["rpo_bound_ms"]
    # The move went there, so only there it is published.
    assert shown(EAST, "RecoveryTime") is None


@pytest.mark.nightly
def test_the_lag_is_shown_by_the_region_that_is_behind_in_both_directions(platform):
    lab = platform.lab
    lag = {
        chart["region"]: one
        for chart in charts(lab, WEST)
        for one in chart["series"]
        if one[1] == "AuroraGlobalDBReplicationLag"
    }
    assert newest(lab, EAST, lag[EAST]) is None
    assert newest(lab, WEST, lag[WEST]) is not None
    platform.run("switchover").ends_well()
    lab.advance(300)  # until CloudWatch shows the first sample of the new secondary
    assert newest(lab, EAST, lag[EAST]) is not None


@pytest.mark.nightly
def test_a_move_ends_well_where_no_figure_can_be_published(platform):
    platform.lab.fault("hang", service="cloudwatch", operation="PutMetricData")
    platform.run("switchover").ends_well()
    assert name_points_at(platform.lab) == WEST
    assert {call["status"] for call in platform.lab.calls() if call["operation"] == "PutMetricData"} == {"hang"}
