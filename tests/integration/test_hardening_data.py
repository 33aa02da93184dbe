# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml leaves is encrypted, closed, and outlives its removal where it must: asked by boto3 and checkers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.integration.aws import SUFFIX, TABLE, cluster

SWITCH = "active-region"


def region_key(lab, region: str) -> str:
    return lab.client("kms", region).describe_key(KeyId=f"alias/trading-{SUFFIX}")["KeyMetadata"]["Arn"]


def keys_of_stores(lab, region: str) -> dict[str, str | None]:
    """Store to the key that encrypts it."""
    dynamodb, s3 = lab.client("dynamodb", region), lab.client("s3", region)
    tables = {name: dynamodb.describe_table(TableName=name)["Table"] for name in dynamodb.list_tables()["TableNames"]}
    (topic,) = lab.client("sns", region).list_topics()["Topics"]
    attributes = lab.client("sns", region).get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    groups = lab.client("logs", region).describe_log_groups(logGroupNamePrefix="/aws/rds/")["logGroups"]
    encryption = s3.get_bucket_encryption(Bucket=f"trading-data-{region}-{SUFFIX}")["ServerSideEncryptionConfiguration"]
    return {
        "cluster": cluster(lab, region)["KmsKeyId"],
        **{name: table.get("SSEDescription", {}).get("KMSMasterKeyArn") for name, table in tables.items()},
        "topic": attributes.get("KmsMasterKeyId"),
        **{group["logGroupName"]: group.get("kmsKeyId") for group in groups},
        "data bucket": encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"),
    }


def test_every_store_is_encrypted_with_the_key_of_its_region(platform):
    for region in platform.regions:
        found = keys_of_stores(platform.lab, region)
        assert {TABLE, f"trading-sessions-{SUFFIX}"} < found.keys()
        assert sum(name.startswith(f"/aws/rds/cluster/trading-{region}-{SUFFIX}/") for name in found) == 4
        assert found == dict.fromkeys(found, region_key(platform.lab, region))


def checkers_see(lab, urls: dict[str, tuple[str, str]]) -> dict[str, str]:
    """What health checkers, who have no credentials, say of (type, bucket, region, key): their words by name."""
    route53, checks = lab.client("route53"), {}
    for name, (kind, bucket, region, key) in urls.items():
        config = {"Type": kind, "FullyQualifiedDomainName": f"{bucket}.s3.{region}.amazonaws.com"}
        config |= {"ResourcePath": f"/{key}", "RequestInterval": 10, "FailureThreshold": 1}
        checks[name] = route53.create_health_check(CallerReference=name, HealthCheckConfig=config)["HealthCheck"]["Id"]

    def seen(check: str) -> str:
        found = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return found[0]["StatusReport"]["Status"]

    deadline = time.monotonic() + 20
    while any("no data" in seen(check) for check in checks.values()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return {name: seen(check) for name, check in checks.items()}


def test_nothing_is_public_but_the_switch_and_that_over_tls(platform):
    urls = {}
    for region in platform.regions:
        control, data = f"trading-control-{region}-{SUFFIX}", f"trading-data-{region}-{SUFFIX}"
        for bucket, key in [(control, SWITCH), (control, "another"), (control, f"{SWITCH}/below"), (data, SWITCH)]:
            platform.lab.client("s3", region).put_object(Bucket=bucket, Key=key, Body=b"text")
            urls[f"{bucket}/{key}"] = ("HTTPS", bucket, region, key)
        urls[f"plain {control}/{SWITCH}"] = ("HTTP", control, region, SWITCH)
    words = checkers_see(platform.lab, urls)
    open_ones = {name for name, text in words.items() if "Success" in text}
    assert open_ones == {f"trading-control-{region}-{SUFFIX}/{SWITCH}" for region in platform.regions}, words
    assert all("403" in text for name, text in words.items() if name not in open_ones), words


@pytest.mark.nightly
def test_a_protected_database_leaves_a_last_snapshot_of_every_region_and_its_logs(platform):
    options = json.dumps({"environment_protection": True})
    platform.run(Path(__file__).with_name("retire_database.yml"), "-e", options).ends_well()
    for region in platform.regions:
        rds = platform.lab.client("rds", region)
        assert rds.describe_db_clusters()["DBClusters"] == []
        (snapshot,) = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
        assert snapshot["DBClusterIdentifier"] == f"trading-{region}-{SUFFIX}"
        assert (snapshot["Status"], snapshot["KmsKeyId"]) == ("available", region_key(platform.lab, region))
        assert len(platform.lab.client("logs", region).describe_log_groups()["logGroups"]) == 4
