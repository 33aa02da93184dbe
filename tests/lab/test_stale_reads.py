# SPDX-License-Identifier: GPL-3.0-or-later
"""Stale reads over the socket: an old answer once after a change, and never where AWS promises the present."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.client import Lab
from lab.clock import CLOCK
from lab.faults import Answer, Fault
from lab.request import ApiRequest
from lab.stale import MOST_ANSWERS, StaleReads
from lab.world import World
from tests.lab.stage import DOMAIN, Stage

EAST, WEST = "us-east-1", "us-east-2"


def topics(lab: Lab, region: str = EAST) -> int:
    return len(lab.client("sns", region).list_topics()["Topics"])


def make(lab: Lab, name: str, region: str = EAST) -> None:
    lab.client("sns", region).create_topic(Name=name)


def value(lab: Lab, name: str) -> str:
    try:
        return lab.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        return error.response["Error"]["Code"]


def write(lab: Lab, name: str, text: str) -> None:
    lab.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)


def test_the_first_read_after_a_change_gets_the_old_answer_and_the_second_the_new(lab: Lab) -> None:
    lab.fault("stale", service="sns")
    assert topics(lab) == 0
    make(lab, "one")
    assert [topics(lab), topics(lab)] == [0, 1]
    make(lab, "two")
    make(lab, "three")
    assert [topics(lab), topics(lab), topics(lab)] == [1, 3, 3]


def test_what_was_just_made_is_not_found_once(lab: Lab) -> None:
    lab.fault("stale")
    assert value(lab, "new") == "ParameterNotFound"
    write(lab, "new", "1")
    assert [value(lab, "new"), value(lab, "new")] == ["ParameterNotFound", "1"]


def test_a_change_whose_answer_was_lost_leaves_stale_reads_too(lab: Lab) -> None:
    lab.fault("stale")
    lab.fault("lost_answer", operation="CreateTopic")
    assert topics(lab) == 0
    with pytest.raises(Exception, match="closed"):
        make(lab, "one")
    assert [topics(lab), topics(lab)] == [0, 1]


def test_a_change_that_was_refused_leaves_no_stale_read(lab: Lab) -> None:
    write(lab, "name", "1")
    fault = lab.fault("stale")
    value(lab, "name")
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        lab.client("ssm").put_parameter(Name="name", Value="2", Type="String")
    assert value(lab, "name") == "1"
    assert [one["hits"] for one in lab.state()["faults"] if one["id"] == fault] == [0]


def test_only_the_changed_service_and_region_is_stale(lab: Lab) -> None:
    lab.fault("stale")

    def hits_after_reading(*regions: str) -> int:
        for region in regions:
            topics(lab, region)
        value(lab, "name")
        return lab.state()["faults"][0]["hits"]

    assert hits_after_reading(EAST, WEST) == 0
    make(lab, "here", EAST)
    assert hits_after_reading(WEST) == 0
    assert hits_after_reading(EAST, WEST) == 1


def test_the_fault_hits_only_the_reads_it_names(lab: Lab) -> None:
    lab.fault("stale", region=EAST, service="sns", operation="ListTopics")
    assert (topics(lab, EAST), topics(lab, WEST), value(lab, "name")) == (0, 0, "ParameterNotFound")
    make(lab, "one", EAST)
    make(lab, "one", WEST)
    write(lab, "name", "1")
    assert (topics(lab, EAST), topics(lab, WEST), value(lab, "name")) == (0, 1, "1")


def test_a_read_with_other_parameters_is_another_read(lab: Lab) -> None:
    write(lab, "a", "1")
    lab.fault("stale")
    assert value(lab, "a") == "1"
    write(lab, "a", "2")
    write(lab, "b", "3")
    assert (value(lab, "b"), value(lab, "a"), value(lab, "a")) == ("3", "1", "2")


def test_count_ends_it_and_hits_counts_it(lab: Lab) -> None:
    lab.fault("stale", service="sns", count=1)
    seen = []
    for name in ("one", "two"):
        seen.append(topics(lab))
        make(lab, name)
        seen.append(topics(lab))
    assert seen == [0, 0, 1, 2]
    (fault,) = lab.state()["faults"]
    assert (fault["count"], fault["hits"]) == (0, 1)


def test_by_chance_some_reads_are_stale(lab: Lab) -> None:
    lab.fault("stale", service="sns", probability=0.5)
    topics(lab)
    for number in range(40):
        make(lab, f"topic-{number}")
        topics(lab)
    (fault,) = lab.state()["faults"]
    assert 5 < fault["hits"] < 35  # chance leaves this range about once in a million runs


def test_nothing_is_stale_before_the_fault_nor_after_it(lab: Lab) -> None:
    topics(lab)
    fault = lab.fault("stale")
    make(lab, "one")
    assert topics(lab) == 1
    make(lab, "two")
    lab.clear_faults(fault)
    assert topics(lab) == 2


def test_a_reset_lab_gives_no_answer_of_the_world_before(lab: Lab) -> None:
    make(lab, "before")
    lab.fault("stale")
    assert topics(lab) == 1
    lab.reset()
    lab.fault("stale")
    make(lab, "one")
    make(lab, "two")
    assert topics(lab) == 2


def test_a_copy_reads_as_stale_as_its_original(lab: Lab, tmp_path: Path) -> None:
    lab.fault("stale")
    topics(lab)
    make(lab, "one")
    with lab.fork(tmp_path / "copy") as copy:
        assert [topics(copy), topics(copy)] == [0, 1]
    assert [topics(lab), topics(lab)] == [0, 1]


def test_s3_is_never_stale(stage: Stage) -> None:
    stage.lab.fault("stale")
    s3, bucket = stage.lab.client("s3", EAST), stage.bucket(EAST)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3.put_object(Bucket=bucket, Key="key", Body=b"1")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"1"
    s3.put_object(Bucket=bucket, Key="key", Body=b"2")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"2"


def test_the_records_of_a_zone_are_never_stale(stage: Stage) -> None:
    stage.lab.fault("stale")

    def listed() -> list[str]:
        records = stage.route53.list_resource_record_sets(HostedZoneId=stage.zone_id)["ResourceRecordSets"]
        return [record["Name"] for record in records if record["Type"] == "A"]

    assert listed() == []
    stage.put(stage.alias(EAST))
    assert listed() == [f"{DOMAIN}."]


def reads_of_a_table(dynamodb: Any, consistent: bool) -> list[Any]:
    """What each way to read finds of the item; TransactGetItems is always consistent."""
    key, more = {"id": {"S": "x"}}, {"ConsistentRead": consistent}
    condition = {"KeyConditionExpression": "id = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}}
    return [
        "Item" in dynamodb.get_item(TableName="t", Key=key, **more),
        dynamodb.query(TableName="t", **condition, **more)["Count"] == 1,
        dynamodb.scan(TableName="t", **more)["Count"] == 1,
        bool(dynamodb.batch_get_item(RequestItems={"t": {"Keys": [key], **more}})["Responses"]["t"]),
        "Item" in dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "t", "Key": key}}])["Responses"][0],
    ]


@pytest.mark.parametrize(
    ("consistent", "found"), [(True, [True, True, True, True, True]), (False, [False, False, False, False, True])]
)
def test_dynamodb_is_stale_unless_it_is_asked_for_a_consistent_read(
    lab: Lab, consistent: bool, found: list[bool]
) -> None:
    dynamodb = lab.client("dynamodb")
    dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    lab.fault("stale")
    assert not any(reads_of_a_table(dynamodb, consistent))
    dynamodb.put_item(TableName="t", Item={"id": {"S": "x"}})
    assert reads_of_a_table(dynamodb, consistent) == found


def ask(reads: StaleReads, operation: str, body: bytes = b"") -> Answer:
    request = ApiRequest("us-east-1", "sqs", operation, "json")
    return reads.answer(request, {"PATH_INFO": "/"}, body, lambda: Answer(200, [], b""))


def test_the_lab_remembers_so_many_reads_and_only_while_a_fault_may_strike() -> None:
    world = World(CLOCK)
    reads = StaleReads(world)
    ask(reads, "GetQueueUrl")
    assert not reads.earlier
    world.faults.append(Fault("stale", service="sqs", operation="GetQueueUrl", count=1))
    ask(reads, "ListQueues")
    assert not reads.earlier
    for number in range(MOST_ANSWERS + 10):
        ask(reads, "GetQueueUrl", str(number).encode())
    assert len(reads.earlier) == MOST_ANSWERS
    ask(reads, "CreateQueue")
    ask(reads, "GetQueueUrl", str(MOST_ANSWERS).encode())
    assert world.faults[0].hits == 1
    ask(reads, "ListQueues")
    assert not reads.earlier
