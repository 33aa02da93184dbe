# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: real boto3 over a socket, one lab for all services."""

from __future__ import annotations

import base64
import http.client
import io
import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lab.client import Lab
from lab.daemon import LabError


def test_answers_boto3_with_regions_kept_apart(lab: Lab) -> None:
    lab.client("sns", "us-east-1").create_topic(Name="only-here")
    assert len(lab.client("sns", "us-east-1").list_topics()["Topics"]) == 1
    assert lab.client("sns", "eu-west-1").list_topics()["Topics"] == []
    assert lab.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_knows_the_policies_that_aws_manages(empty_server: Lab) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert empty_server.client("iam").get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn


def test_keeps_a_connection_open_for_the_next_request(empty_server: Lab) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", empty_server.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/lab/state")
        answer = connection.getresponse()
        assert json.load(answer)["pid"] == empty_server.pid
        assert not answer.will_close
    connection.close()


def test_a_large_object_comes_back_whole(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="bucket")
    body = bytes(range(256)) * 40_000
    s3.upload_fileobj(io.BytesIO(body), "bucket", "large")
    assert s3.head_object(Bucket="bucket", Key="large")["ContentLength"] == len(body)
    assert s3.get_object(Bucket="bucket", Key="large")["Body"].read() == body


def test_an_operation_moto_lacks_is_a_readable_error_and_not_retried(lab: Lab) -> None:
    with pytest.raises(ClientError) as refusal:
        lab.client("ec2", retries={"total_max_attempts": 5}).describe_fast_launch_images()
    assert refusal.value.response["Error"]["Code"] == "LabNotImplemented"
    assert [call["status"] for call in lab.calls()] == [501]


def test_reset_empties_the_world(lab: Lab) -> None:
    lab.client("s3").create_bucket(Bucket="bucket")
    lab.outage("us-east-2", "5xx")
    lab.fault("throttle", service="rds")
    lab.set_targets("us-east-1", "unhealthy")
    lab.reset()
    state = lab.state()
    assert (state["outages"], state["faults"], state["targets"], state["calls"]) == ({}, [], [], 0)
    assert lab.client("s3").list_buckets()["Buckets"] == []
    lab.client("s3").create_bucket(Bucket="bucket")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lab: lab.outage("us-east-9"), "us-east-9"),
        (lambda lab: lab.outage("us-east-1", "fire"), "hang, reset, 5xx, throttle"),
        (lambda lab: lab.set_targets("us-east-1", "ill"), "healthy, unhealthy"),
        (lambda lab: lab.set_targets("us-east-1", "unhealthy", healthy=-1), "-1"),
        (lambda lab: lab.fault("5xx", probability=2), "at most 1"),
        (lambda lab: lab.fault("smoke"), "latency, throttle, 5xx, expired, hang, reset"),
        (lambda lab: lab.settings(no_such_thing=1), "no_such_thing"),
    ],
)
def test_refuses_what_cannot_be_and_names_it(empty_server: Lab, change, message: str) -> None:
    with pytest.raises(LabError, match=message):
        change(empty_server)


def test_a_bucket_is_private_until_public_access_is_allowed(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="bucket")
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [public]})
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_bucket_policy(Bucket="bucket", Policy=policy)
    s3.delete_public_access_block(Bucket="bucket")
    s3.put_bucket_policy(Bucket="bucket", Policy=policy)


def test_answers_are_kept_in_a_file_while_that_is_wanted_and_not_those_of_a_copy(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "answers"
    lab.record(file)
    with pytest.raises(ClientError):
        lab.client("s3").get_bucket_acl(Bucket="nobodys-bucket")
    with lab.fork(tmp_path / "copy") as copy:
        copy.client("sts").get_caller_identity()
    lab.record(None)
    lab.client("sts").get_caller_identity()
    (one,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert (one["service"], one["operation"], one["status"]) == ("s3", "GetBucketAcl", 404)
    assert b"NoSuchBucket" in base64.b64decode(one["body"])


READS = {
    "autoscaling": "describe_auto_scaling_groups",
    "cloudwatch": "describe_alarms",
    "dynamodb": "list_tables",
    "ec2": "describe_vpcs",
    "elbv2": "describe_load_balancers",
    "events": "list_rules",
    "iam": "list_roles",
    "kms": "list_aliases",
    "lambda": "list_functions",
    "logs": "describe_log_groups",
    "rds": "describe_global_clusters",
    "route53": "list_hosted_zones",
    "s3": "list_buckets",
    "secretsmanager": "list_secrets",
    "sns": "list_topics",
    "ssm": "describe_parameters",
    "sts": "get_caller_identity",
}


def test_a_session_in_another_account_reads_that_account(lab: Lab) -> None:
    away = "210987654321"
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam = lab.client_of_account(away, "iam")
    policies = [json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, everything)]
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=policies[0])
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=policies[1])
    lab.client("sns").create_topic(Name="of-the-labs-account")
    arn = f"arn:aws:iam::{away}:role/reader"
    key = lab.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    read = {service: getattr(lab.client_with(key, service), name)() for service, name in READS.items()}
    assert read["sts"]["Account"] == away and read["sns"]["Topics"] == []
