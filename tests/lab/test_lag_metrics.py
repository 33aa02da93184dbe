# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples that RDS leaves in CloudWatch: where they are, how late they come, when they stop, and what can be set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.clock import CLOCK
from lab.services.rds_metrics import delay_aws_s
from tests.lab.global_database import Global
from tests.lab.in_process import EAST, SCALE, WEST, Aws

LAG, RPO, CPU = "AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag", "CPUUtilization"
MINUTE, LATEST = 60, 240  # AWS seconds: between samples, and until one can be read
BUSY = 30  # AWS seconds that pass on a busy machine between a sample and its reading
SLOW = 10  # AWS seconds a second, so that samples lie apart by whole seconds, as CloudWatch shows times


class Lag:
    """Samples of a database, at AWS times that are advanced to and never waited for."""

    def __init__(self, database: Global) -> None:
        self.database, self.aws = database, database.aws
        self.pass_by(0)

    def pass_by(self, seconds: float) -> None:
        self.aws.tick()
        CLOCK.advance(seconds)
        self.aws.tick()

    def points(self, region: str, metric: str = LAG, cluster: str | None = None) -> dict[datetime, float]:
        now = datetime.now(UTC)
        dimensions = [{"Name": "DBClusterIdentifier", "Value": cluster or f"c-{region}"}]
        result = self.aws.client("cloudwatch", region).get_metric_data(
            StartTime=now - timedelta(hours=3),
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
        return dict(zip(result["Timestamps"], result["Values"], strict=True))

    def values(self, region: str, metric: str = LAG, cluster: str | None = None) -> list[float]:
        """Oldest first."""
        return [value for _, value in sorted(self.points(region, metric, cluster).items())]

    def age(self, region: str, metric: str = LAG) -> float:
        """AWS seconds since the newest sample that can be read."""
        return (datetime.now(UTC) - max(self.points(region, metric))).total_seconds() * CLOCK.scale


@pytest.fixture
def lag(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Lag:
    monkeypatch.setattr(CLOCK, "scale", SLOW)
    return Lag(Global(aws, EAST, WEST))


@pytest.fixture
def old(lag: Lag) -> Lag:
    """A database that has been there for ten minutes."""
    lag.pass_by(600)
    return lag


def test_a_new_secondary_has_no_sample_that_can_be_read_for_two_minutes(lag: Lag) -> None:
    lag.pass_by(119)
    assert lag.values(WEST) == lag.values(WEST, CPU) == []
    lag.pass_by(MINUTE + LATEST)
    assert lag.values(WEST) and lag.values(WEST, CPU)


def test_the_newest_sample_that_can_be_read_is_two_to_five_minutes_old_at_any_time(old: Lag) -> None:
    for metric in (LAG, RPO, CPU):
        ages = []
        for _ in range(20):
            old.pass_by(17)
            ages.append(old.age(WEST, metric))
        assert 115 <= min(ages) and 180 < max(ages) <= MINUTE + LATEST


def test_the_delay_of_a_minute_is_always_the_same_and_differs_between_minutes() -> None:
    delays = [delay_aws_s(LAG, number) for number in range(20)]
    assert delays == [delay_aws_s(LAG, number) for number in range(20)]
    assert (min(delays), max(delays)) == (120, 240)


def test_the_delay_can_be_set_for_later_samples(old: Lag) -> None:
    old.aws.settings(metric_delay_s=0, metric_delay_spread_s=0)
    old.pass_by(600)
    assert old.age(WEST) <= MINUTE + BUSY
    old.aws.settings(lag_delay_s=300 / SLOW)
    old.pass_by(600)
    assert 300 <= old.age(WEST) <= 300 + MINUTE + BUSY and old.age(WEST, CPU) <= MINUTE + BUSY


def test_samples_lie_a_minute_apart_without_a_gap(old: Lag) -> None:
    old.pass_by(600)
    times = sorted(old.points(WEST))
    gaps = {(after - before).total_seconds() for before, after in zip(times[:-4], times[1:-3], strict=True)}
    assert gaps == {MINUTE / SLOW}


def test_lag_is_in_the_secondarys_region_under_its_own_id_only(old: Lag) -> None:
    assert set(old.values(WEST)) == {120.0}
    assert set(old.values(WEST, RPO)) == {150.0}
    assert old.values(EAST) == old.values(WEST, cluster=f"c-{EAST}") == old.values(EAST, cluster=f"c-{WEST}") == []


def test_the_load_of_its_instances_is_in_every_clusters_region(old: Lag) -> None:
    assert set(old.values(WEST, CPU)) == set(old.values(EAST, CPU)) == {10.0}
    old.aws.client("rds", WEST).delete_db_instance(DBInstanceIdentifier=f"c-{WEST}-0", SkipFinalSnapshot=True)
    old.pass_by(LATEST)
    count = len(old.values(WEST, CPU))
    old.pass_by(600)
    assert len(old.values(WEST, CPU)) == count > 0


def test_a_lost_writer_ends_the_lag_and_not_the_load(old: Lag) -> None:
    old.aws.lose(EAST)
    old.pass_by(LATEST)
    before, load = old.values(WEST), old.values(WEST, CPU)
    old.pass_by(600)
    assert old.values(WEST) == before and len(old.values(WEST, CPU)) >= len(load) + 9
    old.aws.restore(EAST)
    old.pass_by(600)
    assert len(old.values(WEST)) > len(before)


@pytest.mark.parametrize("cut", [lambda aws: aws.lose(EAST), lambda aws: aws.settings(replication_cut=True)])
def test_a_secondary_without_its_writer_may_report_ever_more_lag(old: Lag, cut: Any) -> None:
    old.aws.settings(lag_grows=True)
    cut(old.aws)
    old.pass_by(1200)
    values = old.values(WEST)
    assert values == sorted(values) and values[-1] - values[0] >= 1000 * 600 / SLOW


def test_a_cut_between_regions_that_are_there_ends_the_lag(old: Lag) -> None:
    old.aws.settings(replication_cut=True)
    old.pass_by(LATEST)
    before = old.values(WEST)
    old.pass_by(600)
    assert old.values(WEST) == before


def test_a_region_that_is_out_leaves_no_samples_behind(old: Lag) -> None:
    old.aws.lose(WEST)
    old.pass_by(LATEST)
    old.aws.restore(WEST)
    before = len(old.points(WEST, CPU))
    old.aws.lose(WEST)
    old.pass_by(600)
    old.aws.restore(WEST)
    assert len(old.points(WEST, CPU)) <= before + 2


def test_samples_move_to_the_other_region_with_the_writer(old: Lag) -> None:
    old.database.switch_over(WEST, called_in=EAST)
    old.pass_by(2 * LATEST)  # it takes a while
    old.database.wait_idle()
    count = len(old.values(WEST))
    old.pass_by(600)
    assert len(old.values(WEST)) == count and old.values(EAST)


def test_a_rebuilt_secondary_has_no_samples_until_it_is_connected(old: Lag) -> None:
    old.aws.settings(resync_s=1200)
    old.database.fail_over(WEST, AllowDataLoss=True)
    old.pass_by(900)
    assert old.database.member(EAST)["SynchronizationStatus"] == "pending-resync"
    assert old.values(EAST) == [] and old.values(EAST, CPU)
    old.pass_by(900)
    assert old.database.member(EAST)["SynchronizationStatus"] == "connected"
    old.pass_by(MINUTE + LATEST)
    assert old.values(EAST)


def test_a_setting_changes_later_samples_and_no_earlier_ones(old: Lag) -> None:
    old.aws.settings(lag_ms=2500)
    assert set(old.values(WEST)) == {120.0}
    old.pass_by(600)
    values = old.values(WEST)
    assert set(values) == {120.0, 2500.0} and values == sorted(values)
    assert values.count(120.0) in (10, 11)
    old.aws.settings(lag_ms=None)
    old.pass_by(LATEST)
    values = old.values(WEST)
    old.pass_by(600)
    assert old.values(WEST) == values and old.age(WEST, RPO) <= MINUTE + LATEST


def test_a_series_outlives_its_cluster(old: Lag) -> None:
    old.pass_by(LATEST)
    rds = old.aws.client("rds", WEST)
    rds.delete_db_instance(DBInstanceIdentifier=f"c-{WEST}-0", SkipFinalSnapshot=True)
    rds.remove_from_global_cluster(GlobalClusterIdentifier="g", DbClusterIdentifier=old.database.arns[WEST])
    old.pass_by(60)
    old.database.read()
    rds.delete_db_cluster(DBClusterIdentifier=f"c-{WEST}", SkipFinalSnapshot=True)
    assert old.values(WEST)


def test_get_metric_statistics_agrees(old: Lag) -> None:
    now = datetime.now(UTC)
    points = old.aws.client("cloudwatch", WEST).get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName=LAG,
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": f"c-{WEST}"}],
        StartTime=now - timedelta(hours=3),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert {(one["Maximum"], one["Unit"]) for one in points} == {(120.0, "Milliseconds")}
    assert points and {one["Timestamp"] for one in points} <= old.points(WEST).keys()


def test_samples_are_as_many_at_a_fast_scale(aws: Aws) -> None:
    assert CLOCK.scale == SCALE
    fast = Lag(Global(aws, EAST, WEST))
    fast.pass_by(1200)
    assert 15 <= len(fast.values(WEST)) <= 19


def test_other_metrics_and_alarms_stay_moto_s(lag: Lag) -> None:
    cloudwatch = lag.aws.client("cloudwatch", WEST)
    cloudwatch.put_metric_alarm(
        AlarmName="lag",
        Namespace="AWS/RDS",
        MetricName=LAG,
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
