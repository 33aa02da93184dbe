# SPDX-License-Identifier: GPL-3.0-or-later
"""The call log: who was called, where, and whether it changed something."""

from __future__ import annotations

import time
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.api_models import session
from lab.calls import is_mutating
from lab.client import Lab

KEYS = ["time", "region", "service", "operation", "mutating", "status", "seconds"]


def last(lab: Lab) -> dict[str, Any]:
    return lab.calls()[-1]


def test_a_call_has_exactly_these_keys_in_this_order(lab: Lab) -> None:
    before = time.time()
    lab.client("ec2", "eu-west-1").describe_vpcs()
    (call,) = lab.calls()
    assert list(call) == KEYS
    assert before - 0.001 <= call["time"] <= time.time()
    assert call["seconds"] >= 0
    assert [call[key] for key in KEYS[1:6]] == ["eu-west-1", "ec2", "DescribeVpcs", False, 200]


@pytest.mark.parametrize(
    ("service", "method", "operation", "region"),
    [
        ("ec2", "describe_vpcs", "DescribeVpcs", "eu-west-1"),  # ec2
        ("rds", "describe_db_clusters", "DescribeDBClusters", "eu-west-1"),  # query
        ("elbv2", "describe_load_balancers", "DescribeLoadBalancers", "eu-west-1"),  # shares a signing name
        ("elb", "describe_load_balancers", "DescribeLoadBalancers", "eu-west-1"),
        ("dynamodb", "list_tables", "ListTables", "eu-west-1"),  # JSON
        ("cloudwatch", "list_metrics", "ListMetrics", "eu-west-1"),  # CBOR
        ("lambda", "list_functions", "ListFunctions", "eu-west-1"),  # REST-JSON
        ("route53", "list_health_checks", "ListHealthChecks", "aws-global"),  # REST-XML
        ("iam", "list_roles", "ListRoles", "aws-global"),
        ("sts", "get_caller_identity", "GetCallerIdentity", "eu-west-1"),
        ("s3", "list_buckets", "ListBuckets", "eu-west-1"),
    ],
)
def test_names_the_call_in_every_protocol(
    empty_server: Lab, service: str, method: str, operation: str, region: str
) -> None:
    getattr(empty_server.client(service, "eu-west-1"), method)()
    call = last(empty_server)
    assert (call["service"], call["operation"], call["region"]) == (service, operation, region)


def test_tells_s3_operations_of_one_path_apart(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="a/b c", Body=b"x")
    s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/a/b c")
    s3.get_object(Bucket="bucket", Key="copy")
    s3.head_object(Bucket="bucket", Key="copy")
    s3.list_objects_v2(Bucket="bucket")
    s3.get_bucket_location(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "copy"}]})
    with pytest.raises(ClientError):
        s3.get_bucket_policy(Bucket="bucket")
    assert [(call["operation"], call["mutating"], call["status"]) for call in lab.calls()] == [
        ("CreateBucket", True, 200),
        ("PutObject", True, 200),
        ("CopyObject", True, 200),
        ("GetObject", False, 200),
        ("HeadObject", False, 200),
        ("ListObjectsV2", False, 200),
        ("GetBucketLocation", False, 200),
        ("PutBucketVersioning", True, 200),
        ("DeleteObjects", True, 200),
        ("GetBucketPolicy", False, 404),
    ]


def test_a_presigned_url_is_read_from_its_query(lab: Lab) -> None:
    s3 = lab.client("s3", "eu-west-1", signature_version="s3v4")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="bucket", Key="key", Body=b"text")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    assert opener.open(url, timeout=5).read() == b"text"
    assert [last(lab)[key] for key in KEYS[1:4]] == ["eu-west-1", "s3", "GetObject"]


def test_since_leaves_out_what_came_before(lab: Lab) -> None:
    lab.client("sns").list_topics()
    mark = time.time()
    lab.client("sqs").list_queues()
    assert [call["service"] for call in lab.calls(mark)] == ["sqs"]
    lab.clear_calls()
    assert lab.calls() == []


def test_the_admin_api_is_not_in_the_log(lab: Lab) -> None:
    lab.state()
    lab.outage("us-east-2")
    assert lab.calls() == []


@pytest.mark.parametrize(
    "call",
    "dynamodb.Query dynamodb.Scan dynamodb.BatchGetItem dynamodb.TransactGetItems sts.AssumeRole s3.HeadBucket "
    "iam.SimulatePrincipalPolicy cloudtrail.LookupEvents route53.TestDNSAnswer secretsmanager.BatchGetSecretValue "
    "resourcegroupstaggingapi.GetResources kms.Decrypt".split(),
)
def test_reading_is_not_mutating(call: str) -> None:
    assert not is_mutating(*call.split("."))


@pytest.mark.parametrize(
    "call",
    "dynamodb.PutItem dynamodb.BatchWriteItem dynamodb.TransactWriteItems s3.PutObject rds.FailoverGlobalCluster "
    "cloudwatch.PutMetricData route53.ChangeResourceRecordSets sns.Publish ec2.AssociateRouteTable sqs.ReceiveMessage "
    "autoscaling.SetDesiredCapacity secretsmanager.ReplicateSecretToRegions elbv2.RegisterTargets".split(),
)
def test_changing_is_mutating(call: str) -> None:
    assert is_mutating(*call.split("."))


@pytest.mark.parametrize("service", ["rds", "route53", "dynamodb", "autoscaling", "elbv2", "cloudwatch", "kms"])
def test_no_operation_that_creates_or_deletes_passes_for_reading(service: str) -> None:
    changing = ("Create", "Delete", "Put", "Update", "Modify", "Set", "Change", "Start", "Stop", "Attach", "Remove")
    names = [n for n in session().get_service_model(service).operation_names if n.startswith(changing)]
    assert names and all(is_mutating(service, name) for name in names)
