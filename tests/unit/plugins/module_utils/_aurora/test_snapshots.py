# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rescue snapshots: every one is kept before it expires, whenever it appears, and under a name that AWS takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.snapshots import (
    copy_name,
    rescued,
    run,
    snapshot_prefix,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error, no_answer

HOME, CLUSTER, WHOLE = "us-east-1", "trading-us-east-1-dev", "trading-global-dev"
TAKEN = datetime(2026, 11, 29, 8, 15, 30, tzinfo=UTC)
SOURCE = f"rds:unplanned-global-failover-{CLUSTER}-2026-11-29-08-15-30"
COPY = f"{CLUSTER}-rescue-20261129081530"
LEGAL = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9]){0,62}")


def snapshot(name, **more):
    """Return a DBClusterSnapshot as the API shows it."""
    return {
        "DBClusterSnapshotIdentifier": name,
        "DBClusterSnapshotArn": f"arn:aws:rds:{HOME}:123456789012:cluster-snapshot:{name}",
        "SnapshotType": "automated" if name.startswith("rds:") else "manual",
        "SnapshotCreateTime": TAKEN,
        "Status": "available",
        **more,
    }


class FakeSnapshots(FakeAws):
    """One member of a global cluster and its snapshots. A copy is `creating` until it is asked for once more."""

    def __init__(self):
        super().__init__()
        self.snapshots = [snapshot("rds:trading-us-east-1-dev-2026-11-29-03-00")]
        self.status, self.is_writer = "connected", False

    def describe_db_cluster_snapshots(self, region, DBClusterIdentifier):
        assert DBClusterIdentifier == CLUSTER
        shown = [dict(one) for one in self.snapshots]
        for one in self.snapshots:
            if one["SnapshotType"] == "manual" and one["Status"] == "creating":
                one["Status"] = "available"
        return {"DBClusterSnapshots": shown}

    def describe_db_clusters(self, region, DBClusterIdentifier):
        return {"DBClusters": [{"DBClusterIdentifier": CLUSTER, "BackupRetentionPeriod": 7}]}

    def describe_global_clusters(self, region, GlobalClusterIdentifier):
        arn = f"arn:aws:rds:{HOME}:123456789012:cluster:{CLUSTER}"
        member = {"DBClusterArn": arn, "IsWriter": self.is_writer, "SynchronizationStatus": self.status}
        return {"GlobalClusters": [{"GlobalClusterIdentifier": WHOLE, "GlobalClusterMembers": [member]}]}

    def copy_db_cluster_snapshot(
        self, region, SourceDBClusterSnapshotIdentifier, TargetDBClusterSnapshotIdentifier, Tags
    ):
        source = next(
            one for one in self.snapshots if one["DBClusterSnapshotIdentifier"] == SourceDBClusterSnapshotIdentifier
        )
        if source["Status"] != "available":
            raise aws_error("InvalidDBClusterSnapshotStateFault")
        if any(one["DBClusterSnapshotIdentifier"] == TargetDBClusterSnapshotIdentifier for one in self.snapshots):
            raise aws_error("DBClusterSnapshotAlreadyExistsFault")
        self.snapshots.append(snapshot(TargetDBClusterSnapshotIdentifier, Status="creating", TagList=Tags))
        return {}

    def appears(self, **more):
        """Show the snapshot of the old volume."""
        self.snapshots.append(snapshot(SOURCE, **more))

    def turns(self, status):
        """Set the status of the snapshot of the old volume."""
        next(one for one in self.snapshots if one["DBClusterSnapshotIdentifier"] == SOURCE)["Status"] = status


@pytest.fixture
def aws():
    return FakeSnapshots()


def keep(aws, fake_time, check_mode=False, **given):
    params = {
        "region": HOME,
        "db_cluster_identifier": CLUSTER,
        "global_cluster_identifier": None,
        "tags": {"Project": "trading"},
        "wait": False,
        "wait_timeout": 600,
        "poll_interval": 10.0,
        **given,
    }
    return run(params, aws.clients, check_mode, **fake_time.passing)


def kept(aws):
    return [one["DBClusterSnapshotIdentifier"] for one in aws.snapshots if one["SnapshotType"] == "manual"]


def test_it_is_copied_once_with_the_tags(aws, fake_time):
    aws.appears()
    told = keep(aws, fake_time)
    assert (told["changed"], kept(aws)) == (True, [COPY])
    assert aws.snapshots[-1]["TagList"] == [{"Key": "Project", "Value": "trading"}]
    again = keep(aws, fake_time)
    assert (again["changed"], kept(aws)) == (False, [COPY])
    (one,) = again["snapshots"]
    assert (one["copy_status"], one["expires_at"]) == ("available", (TAKEN + timedelta(days=7)).isoformat())


def test_one_that_appears_during_the_wait_and_is_creating_is_kept(aws, fake_time):
    aws.status = "pending-resync"
    fake_time.at(100, lambda: aws.appears(Status="creating"))
    fake_time.at(150, lambda: aws.turns("available"))
    fake_time.at(300, lambda: setattr(aws, "status", "connected"))
    told = keep(aws, fake_time, wait=True, global_cluster_identifier=WHOLE)
    assert (told["changed"], told["synchronization_status"], kept(aws)) == (True, "connected", [COPY])
    assert told["snapshots"][0]["copy_status"] == "available"
    assert fake_time.now == 300


def test_one_that_is_still_creating_when_the_member_is_connected_is_waited_for(aws, fake_time):
    aws.appears(Status="creating")
    fake_time.at(50, lambda: aws.turns("available"))
    keep(aws, fake_time, wait=True, global_cluster_identifier=WHOLE)
    assert kept(aws) == [COPY] and 50 <= fake_time.now <= 80


def test_a_copy_that_aws_refuses_for_the_moment_is_asked_for_again(aws, fake_time):
    aws.appears()
    aws.fail("copy_db_cluster_snapshot", aws_error("InvalidDBClusterSnapshotStateFault"))
    told = keep(aws, fake_time, wait=True)
    assert (told["changed"], kept(aws)) == (True, [COPY])


def test_a_copy_whose_answer_is_lost_is_this_runs_and_made_once(aws, fake_time):
    aws.appears()
    aws.lose_answer("copy_db_cluster_snapshot")
    told = keep(aws, fake_time, wait=True)
    assert (told["changed"], kept(aws)) == (True, [COPY])


def test_a_copy_whose_answer_is_lost_and_that_botocore_asks_for_again_is_this_runs(aws, fake_time):
    aws.appears()
    aws.repeated.add("copy_db_cluster_snapshot")
    told = keep(aws, fake_time)
    assert (told["changed"], kept(aws)) == (True, [COPY])


def test_a_copy_that_never_gets_an_answer_ends_in_a_sentence_with_what_is_not_copied(aws, fake_time):
    aws.appears()
    aws.fail("copy_db_cluster_snapshot", *[no_answer() for _poll in range(100)])
    with pytest.raises(MultiRegionError) as late:
        keep(aws, fake_time, wait=True)
    for part in (
        "after 600 s (wait_timeout)",
        "CopyDBClusterSnapshot",
        f"not copied: {SOURCE} is available",
        "Run again",
    ):
        assert part in str(late.value)
    assert late.value.evidence["snapshots"][0]["copy_status"] is None


def test_snapshots_that_cannot_be_read_are_unknown_and_not_none(aws, fake_time):
    aws.fail("describe_db_cluster_snapshots", *[no_answer() for _poll in range(100)])
    with pytest.raises(MultiRegionError, match="not copied: unknown"):
        keep(aws, fake_time, wait=True)


def test_a_refusal_for_good_is_not_repeated(aws, fake_time):
    aws.appears()
    aws.fail("copy_db_cluster_snapshot", aws_error("SnapshotQuotaExceeded"))
    with pytest.raises(AwsCallError, match="SnapshotQuotaExceeded"):
        keep(aws, fake_time, wait=True)
    assert aws.writes() == ["copy_db_cluster_snapshot"]


def test_a_copy_that_failed_is_named(aws, fake_time):
    aws.appears()
    aws.snapshots.append(snapshot(COPY, Status="failed"))
    with pytest.raises(Refused, match=f"{COPY} is failed"):
        keep(aws, fake_time, wait=True)


def test_one_that_was_copied_under_another_name_is_kept_already(aws, fake_time):
    aws.appears()
    source = next(one for one in aws.snapshots if one["DBClusterSnapshotIdentifier"] == SOURCE)
    aws.snapshots.append(snapshot("by-hand", SourceDBClusterSnapshotArn=source["DBClusterSnapshotArn"]))
    assert not keep(aws, fake_time, wait=True)["changed"]
    assert aws.writes() == []


def test_the_writer_is_not_waited_for(aws, fake_time):
    aws.is_writer, aws.status = True, None
    told = keep(aws, fake_time, wait=True, global_cluster_identifier=WHOLE)
    assert (told["changed"], fake_time.now) == (False, 0)


def test_the_time_out_names_what_is_not_kept(aws, fake_time):
    aws.appears(Status="creating")
    with pytest.raises(MultiRegionError) as late:
        keep(aws, fake_time, wait=True)
    for part in ("after 600 s (wait_timeout)", f"{SOURCE} is creating", "Run again"):
        assert part in str(late.value)
    assert late.value.evidence["snapshots"][0]["status"] == "creating"


def test_check_mode_says_what_it_would_copy_and_copies_nothing(aws, fake_time):
    aws.appears()
    told = keep(aws, fake_time, check_mode=True, wait=True)
    assert (told["changed"], aws.writes(), fake_time.now) == (True, [], 0)
    assert "1 would be copied" in told["reason"]


PARTS = st.from_regex(r"[a-z](?:-?[a-z0-9]){0,19}", fullmatch=True)
SUFFIXES = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
REGIONS = st.sampled_from([HOME, "ap-southeast-1", "cn-northwest-1", "us-gov-east-1", "eusc-de-east-1"])


@given(platform=PARTS, region=REGIONS, suffix=SUFFIXES.filter(lambda one: "--" not in one))
def test_every_platform_gives_names_that_aws_takes(platform, region, suffix):
    cluster = f"{platform}-{region}-{suffix}"
    for name in (copy_name(cluster, TAKEN), f"{snapshot_prefix(cluster)}-final-20261129081530"):
        assert LEGAL.fullmatch(name), name


@given(cluster=st.from_regex(LEGAL, fullmatch=True))
def test_so_does_a_clusters_name_of_ones_own(cluster):
    assert LEGAL.fullmatch(copy_name(cluster, TAKEN))


def test_a_snapshot_whose_time_is_not_known_yet_has_no_date(aws):
    (one,) = rescued([snapshot(SOURCE, SnapshotCreateTime=None, Status="creating")], CLUSTER, 7)
    assert (one["expires_at"], one["copy"]) == (None, None)
