# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 replication: what is accepted, what reads back, and what is copied when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.lab.in_process import EAST, EUROPE, WEST, Aws, refused

ROLE = "arn:aws:iam::123456789012:role/replication"
KEY = f"arn:aws:kms:{WEST}:123456789012:key/00000000-0000-0000-0000-000000000000"


TRUST = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
RIGHTS = (
    *("s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication"),
    *("s3:GetObjectVersionTagging", "s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"),
    *("kms:Decrypt", "kms:Encrypt"),
)


def rule(bucket: str, **more: Any) -> dict[str, Any]:
    return {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}},
        "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"},
        **more,
    }


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Buckets:
    """Versioned buckets `data-<region>` in two regions."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        for region in (EAST, WEST):
            where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            self.at(region).create_bucket(Bucket=f"data-{region}", **where)
            self.version(region, "Enabled")

        self.aws.client("iam").create_role(RoleName="replication", AssumeRolePolicyDocument=document(TRUST))
        self.allow(*RIGHTS)

    def allow(self, *actions: str) -> None:
        """The role's only rights."""
        rights = document({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
        self.aws.client("iam").put_role_policy(RoleName="replication", PolicyName="rights", PolicyDocument=rights)

    def status(self, region: str, key: str) -> str:
        """The replication status once it is final."""
        return self.aws.wait(lambda: self.head(region, key)["ReplicationStatus"], lambda now: now != "PENDING")

    def at(self, region: str) -> Any:
        return self.aws.client("s3", region)

    def version(self, region: str, status: str) -> None:
        self.at(region).put_bucket_versioning(Bucket=f"data-{region}", VersioningConfiguration={"Status": status})

    def replicate(self, source: str, *rules: dict[str, Any], role: str = ROLE) -> None:
        configuration = {"Role": role, "Rules": list(rules)}
        self.at(source).put_bucket_replication(Bucket=f"data-{source}", ReplicationConfiguration=configuration)

    def both_ways(self) -> None:
        self.replicate(EAST, rule(f"data-{WEST}"))
        self.replicate(WEST, rule(f"data-{EAST}"))

    def put(self, region: str, key: str, body: str, **more: Any) -> str:
        return self.at(region).put_object(Bucket=f"data-{region}", Key=key, Body=body.encode(), **more)["VersionId"]

    def get(self, region: str, key: str) -> str | None:
        client = self.at(region)
        try:
            return client.get_object(Bucket=f"data-{region}", Key=key)["Body"].read().decode()
        except client.exceptions.NoSuchKey:
            return None

    def head(self, region: str, key: str) -> dict[str, Any]:
        return self.at(region).head_object(Bucket=f"data-{region}", Key=key)

    def until(self, region: str, key: str, body: str | None) -> None:
        assert self.aws.wait(lambda: self.get(region, key), lambda now: now == body) == body

    def versions(self, region: str, key: str) -> int:
        shown = self.at(region).list_object_versions(Bucket=f"data-{region}", Prefix=key)
        return len(shown.get("Versions", [])) + len(shown.get("DeleteMarkers", []))


@pytest.fixture
def buckets(aws: Aws) -> Buckets:
    return Buckets(aws)


def test_a_configuration_reads_back_whole(buckets: Buckets) -> None:
    minutes = {"Minutes": 15}
    wanted = rule(
        f"data-{WEST}",
        SourceSelectionCriteria={
            "SseKmsEncryptedObjects": {"Status": "Enabled"},
            "ReplicaModifications": {"Status": "Enabled"},
        },
        Destination={
            "Bucket": f"arn:aws:s3:::data-{WEST}",
            "StorageClass": "STANDARD_IA",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": KEY},
            "ReplicationTime": {"Status": "Enabled", "Time": minutes},
            "Metrics": {"Status": "Enabled", "EventThreshold": minutes},
        },
    )
    tagged = rule(
        f"data-{WEST}", ID="tagged", Priority=2, Filter={"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}}
    )
    buckets.replicate(EAST, wanted, tagged)
    shown = buckets.at(EAST).get_bucket_replication(Bucket=f"data-{EAST}")["ReplicationConfiguration"]
    assert shown == {"Role": ROLE, "Rules": [wanted, tagged]}


def test_both_ways_copies_once_and_keeps_the_version(buckets: Buckets) -> None:
    buckets.both_ways()
    buckets.aws.settings(replication_s=60)
    version = buckets.put(EAST, "a", "1", Metadata={"origin": "east"}, ContentType="text/plain")
    assert buckets.head(EAST, "a")["ReplicationStatus"] == "PENDING"
    buckets.until(WEST, "a", "1")
    replica = buckets.head(WEST, "a")
    assert (replica["ReplicationStatus"], replica["VersionId"]) == ("REPLICA", version)
    assert (replica["Metadata"], replica["ContentType"]) == ({"origin": "east"}, "text/plain")
    assert buckets.head(EAST, "a")["ReplicationStatus"] == "COMPLETED"
    buckets.put(WEST, "a", "2")
    buckets.until(EAST, "a", "2")
    assert buckets.versions(EAST, "a") == buckets.versions(WEST, "a") == 2


def test_delete_markers_follow_when_asked(buckets: Buckets) -> None:
    buckets.both_ways()
    buckets.put(EAST, "a", "1")
    buckets.until(WEST, "a", "1")
    buckets.at(WEST).delete_object(Bucket=f"data-{WEST}", Key="a")
    buckets.until(EAST, "a", None)
    buckets.replicate(EAST, rule(f"data-{WEST}", DeleteMarkerReplication={"Status": "Disabled"}))
    buckets.put(EAST, "b", "1")
    buckets.until(WEST, "b", "1")
    buckets.at(EAST).delete_object(Bucket=f"data-{EAST}", Key="b")
    buckets.aws.wait(lambda: False, seconds=0.05)
    assert buckets.get(WEST, "b") == "1"


@pytest.mark.parametrize("lost", [EAST, WEST])
def test_an_outage_of_either_side_stops_it_until_the_return(buckets: Buckets, lost: str) -> None:
    buckets.both_ways()
    buckets.aws.lose(lost)
    buckets.put(EAST, "a", "1")
    buckets.aws.wait(lambda: False, seconds=0.05)
    assert buckets.get(WEST, "a") is None
    buckets.aws.restore(lost)
    buckets.until(WEST, "a", "1")


def test_objects_of_before_the_rules_and_others_stay(buckets: Buckets) -> None:
    buckets.put(EAST, "in/old", "1")
    buckets.replicate(EAST, rule(f"data-{WEST}", Filter={"Prefix": "in/"}))
    buckets.put(EAST, "out/new", "1")
    buckets.put(EAST, "in/new", "1")
    buckets.until(WEST, "in/new", "1")
    assert buckets.get(WEST, "in/old") is None and buckets.get(WEST, "out/new") is None
    assert "ReplicationStatus" not in buckets.head(EAST, "out/new")


def test_encrypted_objects_need_the_rule_for_them_and_a_key_of_the_destination(buckets: Buckets) -> None:
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY.replace(WEST, EAST)}
    buckets.replicate(EAST, rule(f"data-{WEST}"))
    buckets.put(EAST, "a", "1", **encrypted)
    buckets.put(EAST, "plain", "1")
    buckets.until(WEST, "plain", "1")
    assert buckets.get(WEST, "a") is None
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    for key, expected in ((KEY.replace(WEST, EAST), "FAILED"), (KEY, "COMPLETED")):
        to = {"Bucket": f"arn:aws:s3:::data-{WEST}", "EncryptionConfiguration": {"ReplicaKmsKeyID": key}}
        buckets.replicate(EAST, rule("", SourceSelectionCriteria=criteria, Destination=to))
        buckets.put(EAST, "a", "1", **encrypted)
        status = buckets.aws.wait(lambda: buckets.head(EAST, "a")["ReplicationStatus"], lambda now: now != "PENDING")
        assert status == expected
    assert buckets.head(WEST, "a")["SSEKMSKeyId"] == KEY


def test_bad_configurations_are_refused(buckets: Buckets) -> None:
    good = rule(f"data-{WEST}")

    def without(name: str) -> dict[str, Any]:
        return {key: value for key, value in good.items() if key != name}

    for bad in (
        without("Priority"),
        without("DeleteMarkerReplication"),
        rule("data-nowhere"),
        rule(f"data-{EAST}"),
        rule(f"data-{WEST}", SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}}),
    ):
        with pytest.raises(buckets.at(EAST).exceptions.ClientError, match="InvalidRequest"):
            buckets.replicate(EAST, bad)
    with pytest.raises(buckets.at(EAST).exceptions.ClientError, match="MalformedXML"):
        buckets.replicate(EAST, without("Filter"))
    with pytest.raises(buckets.at(EAST).exceptions.ClientError, match="InvalidArgument"):
        buckets.replicate(EAST, good, role="none")
    threshold = {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}
    to = {"Bucket": f"arn:aws:s3:::data-{WEST}", "Metrics": threshold}
    with pytest.raises(buckets.at(EAST).exceptions.ClientError, match="cannot contain an event threshold"):
        buckets.replicate(EAST, rule("", Destination=to))
    buckets.version(WEST, "Suspended")
    with pytest.raises(buckets.at(EAST).exceptions.ClientError, match="Destination bucket must have versioning"):
        buckets.replicate(EAST, good)


def test_versioning_cannot_be_suspended_while_a_bucket_is_replicated(buckets: Buckets) -> None:
    buckets.replicate(EAST, rule(f"data-{WEST}"))
    with pytest.raises(buckets.at(EAST).exceptions.ClientError, match="InvalidBucketState"):
        buckets.version(EAST, "Suspended")


@pytest.mark.parametrize("missing", RIGHTS)
def test_a_copy_needs_every_right_of_the_role(buckets: Buckets, missing: str) -> None:
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    to = {"Bucket": f"arn:aws:s3:::data-{WEST}", "EncryptionConfiguration": {"ReplicaKmsKeyID": KEY}}
    buckets.replicate(EAST, rule("", SourceSelectionCriteria=criteria, Destination=to))
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY.replace(WEST, EAST)}
    buckets.put(EAST, "a", "1", **encrypted)
    assert buckets.status(EAST, "a") == "COMPLETED"
    buckets.allow(*(one for one in RIGHTS if one != missing))
    if missing == "s3:ReplicateDelete":
        buckets.at(EAST).delete_object(Bucket=f"data-{EAST}", Key="a")
    else:
        buckets.put(EAST, "a", "2", **encrypted)
        assert buckets.status(EAST, "a") == "FAILED"
    buckets.aws.wait(lambda: False, seconds=0.05)
    assert buckets.get(WEST, "a") == "1"


@pytest.mark.parametrize(
    "trust",
    [
        {**TRUST, "Principal": {"Service": "ec2.amazonaws.com"}},
        {**TRUST, "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}},
    ],
    ids=["another service", "a key that S3 does not send"],
)
def test_nothing_is_copied_with_a_role_that_does_not_trust_s3(buckets: Buckets, trust: dict[str, Any]) -> None:
    buckets.replicate(EAST, rule(f"data-{WEST}"))
    buckets.aws.client("iam").update_assume_role_policy(RoleName="replication", PolicyDocument=document(trust))
    buckets.put(EAST, "a", "1")
    assert buckets.status(EAST, "a") == "FAILED"
    buckets.aws.client("iam").update_assume_role_policy(RoleName="replication", PolicyDocument=document(TRUST))
    buckets.put(EAST, "b", "1")
    assert buckets.status(EAST, "b") == "COMPLETED"
    assert buckets.status(EAST, "a") == "FAILED", "a copy that failed is not tried again"


def test_a_role_made_a_moment_ago_cannot_be_assumed_yet(aws: Aws) -> None:
    aws.settings(first_use_refused=True)
    buckets = Buckets(aws)
    with pytest.raises(buckets.at(EAST).exceptions.ClientError, match="Versioning must be"):
        buckets.replicate(EAST, rule(f"data-{WEST}"))
    buckets.replicate(EAST, rule(f"data-{WEST}"))
    found = []
    for key in ("a", "b"):
        buckets.put(EAST, key, "1")
        found.append(buckets.status(EAST, key))
    assert found == ["FAILED", "COMPLETED"]


def test_an_object_goes_to_every_destination_and_is_complete_once_all_have_it(buckets: Buckets) -> None:
    buckets.at(EUROPE).create_bucket(Bucket=f"data-{EUROPE}", CreateBucketConfiguration={"LocationConstraint": EUROPE})
    buckets.version(EUROPE, "Enabled")
    buckets.replicate(EAST, *(rule(f"data-{to}", ID=to, Priority=n) for n, to in enumerate((WEST, EUROPE), 1)))
    buckets.aws.lose(EUROPE)
    buckets.put(EAST, "a", "1")
    buckets.until(WEST, "a", "1")
    assert buckets.head(EAST, "a")["ReplicationStatus"] == "PENDING"
    buckets.aws.restore(EUROPE)
    buckets.until(EUROPE, "a", "1")
    assert buckets.head(EAST, "a")["ReplicationStatus"] == "COMPLETED"
    buckets.at(EAST).delete_bucket_replication(Bucket=f"data-{EAST}")
    buckets.replicate(EAST, *(rule(f"data-{to}", ID=to, Priority=n) for n, to in enumerate((WEST, EUROPE), 1)))
    buckets.version(EUROPE, "Suspended")
    buckets.put(EAST, "b", "1")
    buckets.until(WEST, "b", "1")
    assert buckets.status(EAST, "b") == "FAILED"


def sample(aws: Aws, region: str, metric: str, **dimensions: str) -> float | None:
    """The largest value of a metric of S3 or DynamoDB in the last minutes."""
    found = aws.client("cloudwatch", region).get_metric_statistics(
        Namespace="AWS/S3" if "SourceBucket" in dimensions else "AWS/DynamoDB",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=datetime.now(UTC) - timedelta(minutes=10),
        EndTime=datetime.now(UTC) + timedelta(minutes=2),
        Period=3600,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((one["Maximum"] for one in found), default=None)


def test_failures_are_counted_in_the_sources_region_and_latency_in_the_destinations(buckets: Buckets) -> None:
    to = {"Bucket": f"arn:aws:s3:::data-{WEST}", "Metrics": {"Status": "Enabled"}}
    buckets.replicate(EAST, rule("", Destination=to))
    named = {"SourceBucket": f"data-{EAST}", "DestinationBucket": f"data-{WEST}", "RuleId": "all"}

    def seen(metric: str) -> tuple[bool, bool]:
        return tuple(sample(buckets.aws, region, metric, **named) is not None for region in (EAST, WEST))

    buckets.put(EAST, "a", "1")
    assert buckets.status(EAST, "a") == "COMPLETED"
    assert seen("ReplicationLatency") == (False, True) and seen("OperationsFailedReplication") == (False, False)
    buckets.allow("s3:ListBucket")
    buckets.put(EAST, "b", "1")
    assert buckets.status(EAST, "b") == "FAILED"
    assert seen("OperationsFailedReplication") == (True, False)


def test_a_configuration_is_removed(buckets: Buckets) -> None:
    buckets.both_ways()
    east = buckets.at(EAST)
    east.delete_bucket_replication(Bucket=f"data-{EAST}")
    refused("ReplicationConfigurationNotFoundError", east.get_bucket_replication, Bucket=f"data-{EAST}")
    buckets.put(EAST, "a", "1")
    buckets.aws.wait(lambda: False, seconds=0.05)
    assert buckets.get(WEST, "a") is None
