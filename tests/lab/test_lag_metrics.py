# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication lag: where samples are, when they stop, and what can be set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.services.settings import SETTINGS
from tests.lab.global_database import Global
from tests.lab.in_process import EAST, WEST, Aws


class Lag:
    def __init__(self, database: Global) -> None:
        self.database, self.aws = database, database.aws

    def query(self, region: str, cluster: str, metric: str = "AuroraGlobalDBReplicationLag") -> dict[str, Any]:
        now = datetime.now(UTC)
        dimensions = [{"Name": "DBClusterIdentifier", "Value": cluster}]
        return self.aws.client("cloudwatch", region).get_metric_data(
            StartTime=now - timedelta(minutes=10),
            EndTime=now,
            MetricDataQueries=[
                {
                    "Id": "lag",
                    "MetricStat": {
                        "Metric": {"Namespace": "AWS/RDS", "MetricName": metric, "Dimensions": dimensions},
                        "Period": 60,
                        "Stat": "Average",
                    },
                }
            ],
        )["MetricDataResults"][0]

    def values(self, region: str, cluster: str | None = None, **more: Any) -> list[float]:
        return self.query(region, cluster or f"c-{region}", **more)["Values"]

    def until_sampled(self, region: str) -> None:
        assert self.aws.wait(lambda: self.values(region))


@pytest.fixture
def lag(aws: Aws) -> Lag:
    return Lag(Global(aws, EAST, WEST))


def test_samples_are_in_the_secondarys_region_under_its_own_id_only(lag: Lag) -> None:
    lag.until_sampled(WEST)
    assert set(lag.values(WEST)) == {120.0}
    assert set(lag.values(WEST, metric="AuroraGlobalDBRPOLag")) == {150.0}
    assert lag.values(EAST) == lag.values(WEST, f"c-{EAST}") == lag.values(EAST, f"c-{WEST}") == []


def test_a_new_secondary_has_a_sample_immediately(lag: Lag) -> None:
    assert lag.values(WEST)


def test_a_sample_is_recent_in_normal_life(lag: Lag) -> None:
    lag.until_sampled(WEST)
    newest = lag.query(WEST, f"c-{WEST}")["Timestamps"][0]
    assert datetime.now(UTC) - newest < timedelta(seconds=2)


def test_samples_stop_when_the_writers_region_is_lost(lag: Lag) -> None:
    lag.until_sampled(WEST)
    lag.aws.lose(EAST)
    before = lag.values(WEST)
    lag.aws.wait(lambda: False, seconds=0.3)
    assert lag.values(WEST) == before
    lag.aws.restore(EAST)
    assert lag.aws.wait(lambda: len(lag.values(WEST)) > len(before))


def test_samples_move_to_the_other_region_with_the_writer(lag: Lag) -> None:
    lag.database.switch_over(WEST, called_in=EAST)
    lag.database.wait_idle()
    lag.until_sampled(EAST)
    count = len(lag.values(WEST))
    lag.aws.wait(lambda: False, seconds=0.3)
    assert len(lag.values(WEST)) == count


def test_a_rebuilt_secondary_has_no_samples_until_it_is_connected(lag: Lag) -> None:
    lag.database.fail_over(WEST, AllowDataLoss=True)
    lag.database.wait_idle()
    assert lag.values(EAST) == []
    assert lag.aws.wait(lambda: lag.database.member(EAST)["SynchronizationStatus"] == "connected")
    lag.until_sampled(EAST)


def test_values_are_set_or_taken_away(lag: Lag) -> None:
    lag.until_sampled(WEST)
    lag.aws.settings(lag_ms=2500)
    assert set(lag.values(WEST)) == {2500.0}
    lag.aws.settings(lag_ms=None)
    assert lag.values(WEST) == [] and lag.values(WEST, metric="AuroraGlobalDBRPOLag")


def test_get_metric_statistics_agrees(lag: Lag) -> None:
    lag.until_sampled(WEST)
    now = datetime.now(UTC)
    points = lag.aws.client("cloudwatch", WEST).get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="AuroraGlobalDBReplicationLag",
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": f"c-{WEST}"}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert {(one["Maximum"], one["Unit"]) for one in points} == {(120.0, "Milliseconds")}


def test_other_metrics_and_alarms_stay_moto_s(lag: Lag) -> None:
    cloudwatch = lag.aws.client("cloudwatch", WEST)
    cloudwatch.put_metric_alarm(
        AlarmName="lag",
        Namespace="AWS/RDS",
        MetricName="AuroraGlobalDBReplicationLag",
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": f"c-{WEST}"}],
        Period=60,
        EvaluationPeriods=2,
        Threshold=1000,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Maximum",
        TreatMissingData="breaching",
    )
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["lag"])["MetricAlarms"]
    assert alarm["TreatMissingData"] == "breaching" and alarm["Period"] == 60


def test_samples_can_be_old(lag: Lag, monkeypatch: pytest.MonkeyPatch) -> None:
    lag.until_sampled(WEST)
    monkeypatch.setattr(SETTINGS, "lag_delay_s", 300.0)
    times = lag.query(WEST, f"c-{WEST}")["Timestamps"]
    assert 299 < (datetime.now(UTC) - max(times)).total_seconds() < 400
