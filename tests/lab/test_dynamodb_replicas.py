# SPDX-License-Identifier: GPL-3.0-or-later
"""DynamoDB global tables: replicas over time, items that travel, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.in_process import EAST, EUROPE, WEST, Aws, refused


class Sessions:
    """A table `sessions` made in us-east-1."""

    def __init__(self, aws: Aws, stream: bool = True) -> None:
        self.aws = aws
        streams = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        self.at(EAST).create_table(
            TableName="sessions",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            **({"StreamSpecification": streams} if stream else {}),
        )

    def at(self, region: str) -> Any:
        return self.aws.client("dynamodb", region)

    def update(self, region: str = EAST, **action: dict[str, Any]) -> Any:
        return self.at(region).update_table(TableName="sessions", ReplicaUpdates=[action])

    def describe(self, region: str) -> dict[str, Any]:
        return self.at(region).describe_table(TableName="sessions")["Table"]

    def add(self, region: str) -> None:
        self.update(Create={"RegionName": region})
        self.until_active()

    def until_active(self, region: str = EAST) -> None:
        assert self.aws.wait(lambda: self.describe(region)["TableStatus"] == "ACTIVE")

    def put(self, region: str, key: str, value: str) -> None:
        self.at(region).put_item(TableName="sessions", Item={"id": {"S": key}, "value": {"S": value}})

    def get(self, region: str, key: str) -> str | None:
        item = self.at(region).get_item(TableName="sessions", Key={"id": {"S": key}}).get("Item")
        return item["value"]["S"] if item else None

    def until(self, region: str, key: str, value: str | None) -> None:
        assert self.aws.wait(lambda: self.get(region, key), lambda now: now == value) == value


@pytest.fixture
def sessions(aws: Aws) -> Sessions:
    return Sessions(aws)


@pytest.fixture
def pair(sessions: Sessions) -> Sessions:
    sessions.add(WEST)
    return sessions


def test_a_replica_is_created_over_time_and_seen_from_both_regions(sessions: Sessions) -> None:
    assert sessions.describe(EAST)["TableId"] == sessions.describe(EAST)["TableId"]
    sessions.put(EAST, "old", "1")
    sessions.update(Create={"RegionName": WEST})
    shown = sessions.describe(EAST)
    assert shown["TableStatus"] == "UPDATING" and shown["GlobalTableVersion"] == "2019.11.21"
    assert shown["Replicas"] == [{"RegionName": WEST, "ReplicaStatus": "CREATING"}]
    assert sessions.describe(WEST)["TableStatus"] == "CREATING"
    sessions.until_active()
    assert sessions.describe(WEST)["Replicas"] == [{"RegionName": EAST, "ReplicaStatus": "ACTIVE"}]
    assert sessions.describe(WEST)["TableId"] != shown["TableId"]
    assert sessions.get(WEST, "old") == "1"


def test_writes_and_deletes_travel_both_ways(pair: Sessions) -> None:
    pair.put(EAST, "a", "from east")
    pair.put(WEST, "b", "from west")
    pair.until(WEST, "a", "from east")
    pair.until(EAST, "b", "from west")
    pair.at(WEST).update_item(
        TableName="sessions",
        Key={"id": {"S": "a"}},
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "changed"}},
    )
    pair.until(EAST, "a", "changed")
    pair.at(EAST).delete_item(TableName="sessions", Key={"id": {"S": "a"}})
    pair.until(WEST, "a", None)


def test_the_latency_is_measured_in_the_region_that_was_written_to(pair: Sessions) -> None:
    pair.put(EAST, "a", "1")
    pair.until(WEST, "a", "1")
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ReplicationLatency"}
    found = {
        region: [
            {one["Name"]: one["Value"] for one in shown["Dimensions"]}
            for shown in pair.aws.client("cloudwatch", region).list_metrics(**metric)["Metrics"]
        ]
        for region in (EAST, WEST)
    }
    assert found == {EAST: [{"TableName": "sessions", "ReceivingRegion": WEST}], WEST: []}


def test_an_outage_stops_replication_and_the_last_writer_wins_after_it(pair: Sessions) -> None:
    pair.put(EAST, "a", "1")
    pair.until(WEST, "a", "1")
    pair.aws.lose(EAST)
    pair.put(EAST, "a", "written as it died")
    pair.put(WEST, "a", "later")
    pair.aws.wait(lambda: False, seconds=0.05)
    assert pair.get(EAST, "a") == "written as it died" and pair.get(WEST, "a") == "later"
    pair.aws.restore(EAST)
    pair.until(EAST, "a", "later")
    pair.until(WEST, "a", "later")


def test_recovery_tags_and_protection_are_the_replicas_own(pair: Sessions) -> None:
    west, east = pair.at(WEST), pair.at(EAST)
    west.update_continuous_backups(
        TableName="sessions", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    west.update_table(TableName="sessions", DeletionProtectionEnabled=True)
    arn = pair.describe(WEST)["TableArn"]
    for value in ("first", "second"):
        west.tag_resource(ResourceArn=arn, Tags=[{"Key": "Project", "Value": value}])
    assert west.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "Project", "Value": "second"}]

    def recovery(client: Any) -> str:
        shown = client.describe_continuous_backups(TableName="sessions")["ContinuousBackupsDescription"]
        return shown["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]

    assert (recovery(west), recovery(east)) == ("ENABLED", "DISABLED")
    assert pair.describe(EAST)["DeletionProtectionEnabled"] is False
    refused("ValidationException", pair.update, Delete={"RegionName": WEST})


def test_one_change_at_a_time(sessions: Sessions) -> None:
    sessions.update(Create={"RegionName": WEST})
    refused("ResourceInUseException", sessions.update, Create={"RegionName": EUROPE})
    refused("ResourceInUseException", sessions.at(EAST).delete_table, TableName="sessions")
    two = [{"Create": {"RegionName": region}} for region in (WEST, EUROPE)]
    sessions.until_active()
    refused("ValidationException", sessions.at(EAST).update_table, TableName="sessions", ReplicaUpdates=two)


def test_what_cannot_be_a_replica_is_refused(aws: Aws) -> None:
    plain = Sessions(aws, stream=False)
    refused("ValidationException", plain.update, Create={"RegionName": WEST})
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    plain.at(EAST).update_table(TableName="sessions", StreamSpecification=view)
    refused("ValidationException", plain.update, Create={"RegionName": EAST})
    refused("ValidationException", plain.update, Delete={"RegionName": WEST})
    plain.add(WEST)
    refused("ValidationException", plain.update, Create={"RegionName": WEST})


def test_three_regions_and_removal_with_the_source_last(pair: Sessions) -> None:
    pair.add(EUROPE)
    pair.put(WEST, "a", "1")
    pair.until(EUROPE, "a", "1")
    refused("ValidationException", pair.at(EAST).delete_table, TableName="sessions")
    refused("ValidationException", pair.update, region=WEST, Delete={"RegionName": EAST})
    pair.update(Delete={"RegionName": WEST})
    assert {one["ReplicaStatus"] for one in pair.describe(EAST)["Replicas"]} == {"DELETING", "ACTIVE"}
    pair.until_active()
    refused("ResourceNotFoundException", pair.describe, region=WEST)
    pair.at(EUROPE).delete_table(TableName="sessions")
    assert "Replicas" not in pair.describe(EAST)
    pair.at(EAST).delete_table(TableName="sessions")


def test_tables_of_one_name_stay_apart_without_replicas(aws: Aws) -> None:
    east = Sessions(aws)
    aws.client("dynamodb", EUROPE).create_table(
        TableName="sessions",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    east.add(WEST)
    east.put(EUROPE, "a", "alone")
    east.put(EAST, "a", "together")
    east.until(WEST, "a", "together")
    assert east.get(EUROPE, "a") == "alone"


def key(aws: Aws, region: str) -> str:
    return aws.client("kms", region).create_key()["KeyMetadata"]["Arn"]


def encryption(sessions: Sessions, region: str) -> dict[str, Any]:
    return sessions.describe(region).get("SSEDescription", {})


def updates(keys: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Update": {"RegionName": region, "KMSMasterKeyId": arn}} for region, arn in keys.items()]


def test_a_key_is_changed_over_time_and_no_replica_is_made_meanwhile(sessions: Sessions) -> None:
    keys = {region: key(sessions.aws, region) for region in (EAST, WEST)}
    sessions.aws.settings(encryption_s=1200)  # two seconds, for the calls below that come meanwhile
    assert encryption(sessions, EAST) == {}
    wanted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": keys[EAST]}
    sessions.at(EAST).update_table(TableName="sessions", SSESpecification=wanted)
    assert encryption(sessions, EAST) == {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": keys[EAST]}
    create = {"RegionName": WEST, "KMSMasterKeyId": keys[WEST]}
    refused("ValidationException", sessions.update, Create=create)
    refused("ResourceInUseException", sessions.at(EAST).delete_table, TableName="sessions")
    refused("ResourceInUseException", sessions.at(EAST).update_table, TableName="sessions", SSESpecification=wanted)
    assert sessions.aws.wait(lambda: encryption(sessions, EAST)["Status"] == "ENABLED")
    assert "must be specified for each" in refused("ValidationException", sessions.update, Create={"RegionName": WEST})
    refused("ValidationException", sessions.update, Create={**create, "KMSMasterKeyId": keys[EAST]})
    sessions.update(Create=create)
    sessions.until_active()
    assert encryption(sessions, WEST)["KMSMasterKeyArn"] == keys[WEST]
    assert sessions.describe(EAST)["Replicas"][0]["KMSMasterKeyId"] == keys[WEST]


def test_replicas_change_their_keys_together_and_not_one_by_one(pair: Sessions) -> None:
    keys = {region: key(pair.aws, region) for region in (EAST, WEST)}
    pair.aws.settings(encryption_s=600)
    east = pair.at(EAST)
    alone = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": keys[EAST]}
    message = refused("ValidationException", east.update_table, TableName="sessions", SSESpecification=alone)
    assert "only be updated through ReplicaUpdates" in message
    for some in ({WEST: keys[WEST]}, {EAST: keys[EAST]}, {EAST: keys[WEST], WEST: keys[WEST]}):
        refused("ValidationException", east.update_table, TableName="sessions", ReplicaUpdates=updates(some))
    east.update_table(TableName="sessions", ReplicaUpdates=updates(keys))
    assert encryption(pair, WEST)["Status"] == "UPDATING"
    assert pair.aws.wait(lambda: encryption(pair, WEST)["Status"] == "ENABLED")
    assert {region: encryption(pair, region)["KMSMasterKeyArn"] for region in keys} == keys
    message = refused("ValidationException", east.update_table, TableName="sessions", ReplicaUpdates=updates(keys))
    assert "must be specified for each replica" in message
