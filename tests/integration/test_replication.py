# SPDX-License-Identifier: GPL-3.0-or-later
"""What is configured arrives: an object and an item of each region are in every other, or site.yml says why not."""

from __future__ import annotations

import json
import time

import pytest

from tests.integration.aws import SUFFIX

EAST, WEST = "us-east-1", "us-east-2"
NARROW = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "kms:*"], "Resource": "*"}


def objects(lab, region) -> dict[str, tuple[str, str]]:
    """{source region: (version, replication status)} of the objects in a region's bucket."""
    s3, named = lab.client("s3", region), {"Bucket": f"trading-data-{region}-{SUFFIX}"}
    found = {
        one["Key"]: s3.head_object(Key=one["Key"], **named) for one in s3.list_objects_v2(**named).get("Contents", [])
    }
    return {key.rpartition("/")[2]: (one["VersionId"], one["ReplicationStatus"]) for key, one in found.items()}


def items(lab, region) -> dict[str, str]:
    found = lab.client("dynamodb", region).scan(TableName=f"trading-sessions-{SUFFIX}", ConsistentRead=True)["Items"]
    return {one["sessionId"]["S"].rpartition("/")[2]: one["probe"]["S"] for one in found}


def test_an_object_and_an_item_of_each_region_are_in_the_other(platform):
    east, west = (objects(platform.lab, region) for region in (EAST, WEST))
    for source, there in ((EAST, west), (WEST, east)):
        own = east if source == EAST else west
        assert (own[source][1], there[source]) == ("COMPLETED", (own[source][0], "REPLICA"))
    assert items(platform.lab, EAST) == items(platform.lab, WEST) and set(items(platform.lab, EAST)) == {EAST, WEST}


def test_every_region_has_the_alarms_whose_metrics_it_has(platform):
    data, table = "trading-data-{}-" + SUFFIX, f"trading-sessions-{SUFFIX}"
    for region, other in ((EAST, WEST), (WEST, EAST)):
        found = platform.lab.client("cloudwatch", region).describe_alarms(AlarmNamePrefix="trading-")["MetricAlarms"]
        shown = {
            one["AlarmName"]: (one["Namespace"], one["MetricName"], {d["Name"]: d["Value"] for d in one["Dimensions"]})
            for one in found
            if one["Namespace"] in ("AWS/S3", "AWS/DynamoDB")
        }
        there, here = (
            {"SourceBucket": data.format(a), "DestinationBucket": data.format(b), "RuleId": f"to-{b}"}
            for a, b in ((region, other), (other, region))
        )
        latency = {"TableName": table, "ReceivingRegion": other}
        assert shown == {
            f"trading-objects-failed-to-{other}-{SUFFIX}": ("AWS/S3", "OperationsFailedReplication", there),
            f"trading-objects-late-from-{other}-{SUFFIX}": ("AWS/S3", "ReplicationLatency", here),
            f"trading-items-late-to-{other}-{SUFFIX}": ("AWS/DynamoDB", "ReplicationLatency", latency),
        }


@pytest.mark.nightly
def test_a_boundary_that_stops_replication_fails_site_yml_is_seen_by_readiness_and_cured_by_the_next_run(
    platform, tmp_path
):
    lab, report = platform.lab, tmp_path / "readiness.json"
    document = json.dumps({"Version": "2012-10-17", "Statement": [NARROW]})
    boundary = lab.client("iam").create_policy(PolicyName="narrow", PolicyDocument=document)["Policy"]["Arn"]
    given = {"platform_permissions_boundary": boundary, "object_storage_probe_timeout": 3}
    failed = platform.run("site", "--tags", "object_storage", "-e", json.dumps(given))
    assert failed.code != 0 and "Its replication status is FAILED" in failed.output
    assert objects(lab, EAST)[EAST][1] == "FAILED"

    platform.run("readiness", "-e", f"readiness_report_file={report}")
    rows = [row for row in json.loads(report.read_text())["rows"] if row["check"] == "object_arrival"]
    assert {row["region"]: row["state"] for row in rows} == {WEST: "blocker", EAST: "warning"}
    assert "its replication failed" in rows[0]["reason"]

    lab.client("iam").delete_role_permissions_boundary(RoleName=f"trading-replication-{SUFFIX}")
    began = time.time()
    platform.run("site", "--tags", "object_storage").ends_well()
    assert objects(lab, EAST)[EAST][1] == objects(lab, WEST)[WEST][1] == "COMPLETED"
    assert {call["operation"] for call in lab.calls(began) if call["mutating"]} == {"PutObject"}
