# SPDX-License-Identifier: GPL-3.0-or-later
"""Readiness over the socket: what is missing or cannot be read is never ok, and the deadline holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import snapshots
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import manifest
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import run as readiness_run
from lab.client import Lab
from tests.lab.failover_platform import EAST, GLOBAL, GROUP, TABLE, WEST, Platform, clients_of, wait_for

# AWS seconds in a second: new targets are soon healthy.
SCALE = 60
PARAMS = {
    "table_name": TABLE,
    "regions": [EAST, WEST],
    "expected": {
        "secret_name": "trading-database-dev",
        "key_alias": "alias/trading-dev",
        "vpc_name": "trading-dev",
        "alarm_prefix": "trading-",
        "switch_prefix": "trading-dev",
        "runner_policy": "trading-failover-runner-dev",
        "protection": True,
    },
    "min_healthy_ratio": 0.5,
    "max_replication_lag_ms": None,
    "max_sampled_lag_ms": None,
    "warn_replication_lag_ms": 1000,
    "max_lag_sample_age": 420,
    "cool_down": 3600,
    "deadline": 20,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """What a failover names and nothing else: no secret, no key, no peering, no records; for copying."""
    with Lab.start(tmp_path_factory.mktemp("whole"), SCALE) as lab:
        platform = Platform(lab)
        for region in platform.regions:
            params = {"manifest": platform.manifest, "table_name": TABLE, "region": region}
            manifest.run(params, platform.clients)
        wait_for(lambda: named(rows(platform), "target_health"), lambda found: set(found.values()) == {"ok"})
        yield platform


@pytest.fixture
def platform(whole: Platform, tmp_path: Path) -> Iterator[Platform]:
    """A copy of the platform to break."""
    with whole.lab.fork(tmp_path / "copy") as lab:
        copy = object.__new__(Platform)
        copy.__dict__.update(whole.__dict__, lab=lab, clients=clients_of(lab))
        yield copy


def rows(platform: Platform, **more: Any) -> list[dict[str, Any]]:
    return readiness_run.run({**PARAMS, **more}, platform.clients)["rows"]


def named(found: list[dict[str, Any]], check: str) -> dict[str, str]:
    return {row["region"]: row["state"] for row in found if row["check"] == check}


def members(rds: Any) -> list[dict[str, Any]]:
    return rds.describe_global_clusters(GlobalClusterIdentifier=GLOBAL)["GlobalClusters"][0]["GlobalClusterMembers"]


def test_what_is_not_there_is_named_and_never_ok(platform: Platform) -> None:
    platform.lab.clear_calls()
    found = readiness_run.run(PARAMS, platform.clients)
    states = {check: named(found["rows"], check) for check in {row["check"] for row in found["rows"]}}
    assert states["planner"] == states["engine_parity"] == states["members"] == states["instances"] == {WEST: "ok"}
    assert states["secret"] == states["encryption_key"] == {EAST: "warning", WEST: "blocker"}
    assert states["session_table"] == {EAST: "warning", WEST: "blocker"}, "two tables, and no replication"
    assert states["switch_records"] == {"all": "blocker"}
    assert states["switch_readable"] == {EAST: "warning", WEST: "blocker"}, "the bucket has no policy"
    hardening = ("encryption_at_rest", "tls_only", "public_access", "protection")
    for check in ("peering", "alarms", "lag_alarm", "subscriptions", "bucket_replication", *hardening):
        assert set(states[check].values()) == {"warning"}, check
    assert (found["ready"], found["ready_regions"], found["active_region"]) == (False, [], EAST)
    assert [call["operation"] for call in platform.lab.calls() if call["mutating"]] == []


@pytest.mark.parametrize(
    ("day", "state", "words"),
    [
        ("2026-11-29", "ok", "is available, with standard support until"),
        ("2028-03-01", "warning", "in 60 days"),
        ("2028-05-10", "warning", "Standard support of 8.0.mysql_aurora.3.10.5 ended on"),
        ("2029-08-01", "warning", "is deprecated: AWS no longer creates clusters with it"),
    ],
)
def test_a_version_is_warned_of_as_its_end_comes(platform: Platform, day: str, state: str, words: str) -> None:
    platform.lab.settings(calendar_date=day)
    found = [row for row in rows(platform) if row["check"] == "engine_support"]
    assert {row["region"]: row["state"] for row in found} == {EAST: state, WEST: state}
    assert all(words in row["reason"] for row in found)
    assert state == "ok" or all("Upgrade the global database" in row["remedy"] for row in found)


def rescue(platform: Platform) -> dict[str, tuple[str, str]]:
    """State and reason of the row about rescue snapshots, by region."""
    found = [row for row in rows(platform) if row["check"] == "rescue_snapshots"]
    return {row["region"]: (row["state"], row["reason"]) for row in found}


def test_what_a_failover_gave_up_is_warned_of_with_its_day_until_it_is_copied(platform: Platform) -> None:
    lab, rds = platform.lab, platform.lab.client("rds", WEST)
    assert rescue(platform)[EAST] == ("ok", "Aurora keeps no snapshot of an earlier volume.")
    lab.settings(failover_s=1, pending_s=0, resync_s=60, rescue_snapshot_create_s=3600)
    (member,) = [one["DBClusterArn"] for one in members(rds) if not one["IsWriter"]]
    lab.outage(EAST, "reset")
    rds.failover_global_cluster(GlobalClusterIdentifier=GLOBAL, TargetDbClusterIdentifier=member, AllowDataLoss=True)
    wait_for(lambda: members(rds), lambda found: any(one["IsWriter"] and WEST in one["DBClusterArn"] for one in found))
    lab.restore(EAST)
    for status in ("creating", "available"):
        state, reason = wait_for(lambda: rescue(platform)[EAST], lambda row, words=status: f"({words})" in row[1])
        assert state == "warning" and re.search(r"expires on \d{4}-\d\d-\d\d", reason), reason
        lab.advance(3600)  # it is complete, however long the look has taken
    params = {"region": EAST, "db_cluster_identifier": f"trading-{EAST}-dev", "wait": True, "wait_timeout": 60}
    params |= {"poll_interval": 0.2}
    snapshots.run(params, platform.clients)
    state, reason = rescue(platform)[EAST]
    assert state == "ok" and "is kept: " in reason


@pytest.mark.parametrize(
    ("limits", "state", "words"),
    [
        ({}, "ok", "a failover would lose at most"),
        ({"warn_replication_lag_ms": 50}, "warning", "the limit is 50 ms"),
        ({"max_replication_lag_ms": 1000}, "blocker", "of writes may be lost; max_replication_lag_ms is 1000"),
        ({"max_sampled_lag_ms": 50}, "blocker", "max_sampled_lag_ms is 50"),
    ],
)
def test_the_lag_is_warned_of_and_blocks_where_failover_would_refuse_it(
    platform: Platform, limits: dict[str, Any], state: str, words: str
) -> None:
    platform.lab.advance(900)  # until samples can be read
    (row,) = [row for row in rows(platform, **limits) if row["check"] == "replication_lag"]
    assert (row["state"], row["is_unknown"]) == (state, False) and words in row["reason"], row


def test_a_standby_of_another_version_blocks(platform: Platform) -> None:
    assert named(rows(platform), "engine_parity") == {WEST: "ok"}
    platform.lab.settings(minor_upgrade_s=0)
    platform.lab.client("rds", WEST).modify_db_cluster(
        DBClusterIdentifier=f"trading-{WEST}-dev", EngineVersion="8.0.mysql_aurora.3.12.0", ApplyImmediately=True
    )
    assert named(rows(platform), "engine_parity") == {WEST: "blocker"}


def lack_instances(platform: Platform) -> None:
    """The active region runs more than the standby does."""
    group = {"AutoScalingGroupName": GROUP, "DesiredCapacity": 4}
    platform.lab.client("autoscaling", EAST).set_desired_capacity(**group)


def test_a_quota_that_cannot_be_read_is_a_warning(platform: Platform) -> None:
    lack_instances(platform)
    platform.lab.fault("5xx", service="service-quotas")
    (row,) = [row for row in rows(platform) if row["check"] == "vcpu_quota"]
    assert (row["state"], row["is_unknown"]) == ("warning", True)
    assert "GetServiceQuota" in row["reason"]


def test_a_quota_of_vcpus_that_is_too_small_blocks(platform: Platform) -> None:
    lack_instances(platform)
    groups = platform.lab.client("autoscaling", WEST).describe_auto_scaling_groups()["AutoScalingGroups"]
    used = 2 * sum(len(group["Instances"]) for group in groups)  # all are t3.medium
    for quota, state in ((64, "ok"), (used, "blocker")):
        platform.lab.settings(vcpus_max=quota)
        (row,) = [row for row in rows(platform) if row["check"] == "vcpu_quota"]
        assert (row["state"], row["is_unknown"]) == (state, False), row
        assert f"the quota L-1216C47A is {quota}, {used} are used." in row["reason"]


def test_a_region_that_hangs_is_waited_for_until_the_deadline(platform: Platform) -> None:
    platform.lab.outage(WEST, "hang")
    found = readiness_run.run({**PARAMS, "deadline": 4}, platform.clients)
    assert 3 <= found["seconds"] < 6
    for check in ("target_health", "lease", "manifest", "engine_parity"):
        assert named(found["rows"], check)[WEST] == "blocker", check
    # What is known without it is all that is ok.
    known = {row["check"] for row in found["rows"] if row["region"] == WEST and row["state"] == "ok"}
    assert known <= {"members", "fences", "credentials", "region_enabled"}
    assert found["active_region"] == EAST


def test_without_a_manifest_there_is_no_table(platform: Platform) -> None:
    with pytest.raises(MultiRegionError, match="No usable manifest in table another"):
        rows(platform, table_name="another")
