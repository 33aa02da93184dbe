# SPDX-License-Identifier: GPL-3.0-or-later
"""Access control: who signs with the key of an IAM user or role may do what its policies allow, others everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.client import Lab
from lab.iam_policies import decide

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/{}"
CLUSTER = "arn:aws:rds:us-east-2:123456789012:cluster:standby"
GLOBAL_DATABASE = "arn:aws:rds::123456789012:global-cluster:world"
ITEM = {"id": {"S": "count"}}
TABLE_OPTIONS = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def allow(actions: str, resource: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    found = {"Effect": "Allow", "Action": actions.split(), "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


class Someone:
    """A user with these statements, and nothing else."""

    def __init__(self, lab: Lab, *statements: dict[str, Any]) -> None:
        self.lab, iam = lab, lab.client("iam")
        iam.create_user(UserName="someone")
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_user_policy(UserName="someone", PolicyName="rights", PolicyDocument=document)
        key = iam.create_access_key(UserName="someone")["AccessKey"]
        self.credentials = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return boto3.client(service, region, endpoint_url=self.lab.url, **self.credentials)


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    """The code of the error a call must end with."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("rds", "describe_db_clusters", "AccessDenied"),  # query
        ("sns", "list_topics", "AuthorizationError"),
        ("ec2", "describe_vpcs", "UnauthorizedOperation"),  # ec2
        ("dynamodb", "list_tables", "AccessDeniedException"),  # JSON
        ("cloudwatch", "list_metrics", "AccessDeniedException"),
        ("lambda", "list_functions", "AccessDeniedException"),  # REST-JSON
        ("route53", "list_health_checks", "AccessDenied"),  # REST-XML
        ("s3", "list_buckets", "AccessDenied"),
    ],
)
def test_a_user_without_policies_may_do_nothing_but_ask_who_he_is(
    lab: Lab, service: str, method: str, code: str
) -> None:
    someone = Someone(lab)
    assert refused(getattr(someone.client(service), method)) == code
    assert someone.client("sts").get_caller_identity()["Arn"].endswith(":user/someone")


TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
EXTERNAL = {"StringEquals": {"sts:ExternalId": "desk"}}


def role(lab: Lab, trust: dict[str, Any], **more: Any) -> str:
    """A role with this trust that may do everything; its ARN."""
    iam, document = lab.client("iam"), json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=document, **more)["Role"]
    everything = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]})
    iam.put_role_policy(RoleName="theirs", PolicyName="all", PolicyDocument=everything)
    return str(made["Arn"])


@pytest.mark.parametrize(
    ("trust", "given", "is_trusted"),
    [
        (TRUST, {}, True),
        (TRUST | {"Principal": {"AWS": "123456789012"}}, {}, True),
        (TRUST | {"Principal": {"AWS": "arn:aws:iam::123456789012:user/another"}}, {}, False),
        (TRUST | {"Principal": {"Service": "ec2.amazonaws.com"}}, {}, False),
        (TRUST | {"Condition": EXTERNAL}, {}, False),
        (TRUST | {"Condition": EXTERNAL}, {"ExternalId": "another"}, False),
        (TRUST | {"Condition": EXTERNAL}, {"ExternalId": "desk"}, True),
    ],
)
def test_a_role_is_assumed_only_by_those_whom_it_trusts(
    lab: Lab, trust: dict[str, Any], given: dict[str, str], is_trusted: bool
) -> None:
    asked = {"RoleArn": role(lab, trust), "RoleSessionName": "session", **given}
    sts = lab.client("sts")
    if is_trusted:
        assert sts.assume_role(**asked)["Credentials"]
    else:
        assert refused(sts.assume_role, **asked) == "AccessDenied"


def test_a_role_that_does_not_exist_cannot_be_assumed(lab: Lab) -> None:
    asked = {"RoleArn": "arn:aws:iam::123456789012:role/nobodys", "RoleSessionName": "session"}
    assert refused(lab.client("sts").assume_role, **asked) == "AccessDenied"
    web = lab.client("sts").assume_role_with_web_identity
    assert refused(web, **asked, WebIdentityToken="a token") == "AccessDenied"


def test_a_role_is_known_by_its_name_with_its_path(lab: Lab) -> None:
    ours = "arn:aws:iam::123456789012:{}/desk/*"
    someone = Someone(lab, allow("iam:*", [ours.format("role"), ours.format("instance-profile")]))
    iam, trust = someone.client("iam"), json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    made = {"AssumeRolePolicyDocument": trust}
    iam.create_role(RoleName="one", Path="/desk/", **made)
    iam.create_instance_profile(InstanceProfileName="one", Path="/desk/")
    iam.add_role_to_instance_profile(InstanceProfileName="one", RoleName="one")
    assert refused(iam.create_role, RoleName="two", **made) == "AccessDenied"
    lab.client("iam").create_role(RoleName="two", **made)
    assert iam.get_role(RoleName="one")["Role"]["Path"] == "/desk/"
    assert refused(iam.get_role, RoleName="two") == "AccessDenied"


OTHERS = "210987654321"
THEIRS = f"arn:aws:iam::{OTHERS}:role/theirs"


def test_a_role_of_another_account_is_assumed_by_those_whom_it_trusts_and_who_may_and_does_what_it_may(
    lab: Lab,
) -> None:
    asked = {"RoleArn": THEIRS, "RoleSessionName": "session"}
    someone, another = Someone(lab, allow("sts:AssumeRole", THEIRS)), lab.client("sts")
    assert refused(another.assume_role, **asked) == "AccessDenied", "it does not exist"
    trust = TRUST | {"Principal": {"AWS": "arn:aws:iam::123456789012:user/someone"}}
    iam = lab.client_of_account(OTHERS, "iam")
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    rights = json.dumps({"Version": "2012-10-17", "Statement": [allow("route53:ListHostedZones")]})
    iam.put_role_policy(RoleName="theirs", PolicyName="zones", PolicyDocument=rights)
    assert refused(another.assume_role, **asked) == "AccessDenied", "it does not trust this caller"
    key = someone.client("sts").assume_role(**asked)["Credentials"]
    assert lab.client_with(key, "sts").get_caller_identity()["Account"] == OTHERS
    lab.client("route53").create_hosted_zone(Name="ours.example", CallerReference="1")
    zones = lab.client_with(key, "route53")
    assert zones.list_hosted_zones()["HostedZones"] == [], "those of the other account"
    assert refused(zones.create_hosted_zone, Name="x.example", CallerReference="2") == "AccessDenied"


def test_who_may_not_assume_a_role_cannot_although_it_trusts_the_account(lab: Lab) -> None:
    iam = lab.client_of_account(OTHERS, "iam")
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))
    sts = Someone(lab).client("sts")
    assert refused(sts.assume_role, RoleArn=THEIRS, RoleSessionName="session") == "AccessDenied"


def test_a_role_may_do_nothing_that_its_boundary_does_not_allow(lab: Lab) -> None:
    bound = json.dumps({"Version": "2012-10-17", "Statement": [allow("sns:ListTopics")]})
    boundary = lab.client("iam").create_policy(PolicyName="bound", PolicyDocument=bound)["Policy"]["Arn"]
    arn = role(lab, TRUST, PermissionsBoundary=boundary)
    taken = lab.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    key = {"aws_access_key_id": taken["AccessKeyId"], "aws_secret_access_key": taken["SecretAccessKey"]}
    client = boto3.client("sns", "us-east-1", endpoint_url=lab.url, aws_session_token=taken["SessionToken"], **key)
    client.list_topics()
    with pytest.raises(ClientError, match="no permissions boundary allows the sns:CreateTopic action"):
        client.create_topic(Name="t")
    asked = {"PolicySourceArn": arn, "ActionNames": ["sns:ListTopics", "sns:CreateTopic"]}
    results = lab.client("iam").simulate_principal_policy(**asked)["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "implicitDeny"]


def test_any_other_key_may_do_everything(lab: Lab) -> None:
    Someone(lab)
    assert lab.client("rds").describe_db_clusters()["DBClusters"] == []


def test_the_call_log_tells_a_refused_call(lab: Lab) -> None:
    refused(Someone(lab).client("dynamodb").create_table, TableName="ours", **TABLE_OPTIONS)
    assert [lab.calls()[-1][key] for key in ("operation", "mutating", "status")] == ["CreateTable", True, 400]
    assert lab.client("dynamodb").list_tables()["TableNames"] == []


def test_a_named_table_is_distinguished_from_another(lab: Lab) -> None:
    for name in ("ours", "theirs"):
        lab.client("dynamodb").create_table(TableName=name, **TABLE_OPTIONS)
    table = Someone(lab, allow("dynamodb:PutItem dynamodb:BatchGetItem", TABLE.format("ours"))).client("dynamodb")
    table.put_item(TableName="ours", Item=ITEM)
    assert refused(table.put_item, TableName="theirs", Item=ITEM) == "AccessDeniedException"
    assert refused(table.delete_item, TableName="ours", Key=ITEM) == "AccessDeniedException"
    both = {name: {"Keys": [ITEM]} for name in ("ours", "theirs")}
    assert refused(table.batch_get_item, RequestItems=both) == "AccessDeniedException"


def test_leading_keys_bound_a_right_to_one_item(lab: Lab) -> None:
    lab.client("dynamodb").create_table(TableName="ours", **TABLE_OPTIONS)
    only = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["count"]}}
    table = Someone(lab, allow("dynamodb:PutItem", TABLE.format("ours"), **only)).client("dynamodb")
    table.put_item(TableName="ours", Item=ITEM)
    assert refused(table.put_item, TableName="ours", Item={"id": {"S": "lease"}}) == "AccessDeniedException"


def test_a_security_group_is_known_by_its_tag(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    groups = {
        name: ec2.create_security_group(GroupName=name, Description=name)["GroupId"] for name in ("ours", "theirs")
    }
    ec2.create_tags(Resources=[groups["ours"]], Tags=[{"Key": "Name", "Value": "ours"}])
    named = {"StringEquals": {"aws:ResourceTag/Name": "ours"}}
    someone = Someone(lab, allow("ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:*:*:security-group/*", **named))
    rule = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "CidrIp": "10.0.0.0/8"}
    someone.client("ec2").authorize_security_group_ingress(GroupId=groups["ours"], **rule)
    call = someone.client("ec2").authorize_security_group_ingress
    assert refused(call, GroupId=groups["theirs"], **rule) == "UnauthorizedOperation"


def test_a_namespace_and_a_region_are_distinguished_from_others(lab: Lab) -> None:
    ours = {"StringEquals": {"cloudwatch:namespace": "Ours", "aws:RequestedRegion": "us-east-1"}}
    someone = Someone(lab, allow("cloudwatch:PutMetricData", **ours))
    data, code = [{"MetricName": "switch", "Value": 1}], "AccessDeniedException"
    someone.client("cloudwatch").put_metric_data(Namespace="Ours", MetricData=data)
    assert refused(someone.client("cloudwatch").put_metric_data, Namespace="Theirs", MetricData=data) == code
    elsewhere = someone.client("cloudwatch", "us-east-2").put_metric_data
    assert refused(elsewhere, Namespace="Ours", MetricData=data) == code


@pytest.mark.parametrize("resources", [[GLOBAL_DATABASE], [CLUSTER]])
def test_a_failover_needs_rights_to_the_global_database_and_to_the_cluster(lab: Lab, resources: list[str]) -> None:
    rds = Someone(lab, allow("rds:FailoverGlobalCluster", resources)).client("rds", "us-east-2")
    asked = {"GlobalClusterIdentifier": "world", "TargetDbClusterIdentifier": CLUSTER, "AllowDataLoss": True}
    assert refused(rds.failover_global_cluster, **asked) == "AccessDenied"


def test_an_absent_object_is_only_reported_to_users_who_may_list_the_bucket(lab: Lab) -> None:
    lab.client("s3").create_bucket(Bucket="ours")
    lab.client("s3").put_object(Bucket="ours", Key="there/it is", Body=b"x")
    someone = Someone(lab, allow("s3:GetObject", "arn:aws:s3:::ours/there/*"))
    s3 = someone.client("s3")
    assert s3.get_object(Bucket="ours", Key="there/it is")["Body"].read() == b"x"
    assert refused(s3.get_object, Bucket="ours", Key="there/not") == "AccessDenied"
    more = {"Version": "2012-10-17", "Statement": [allow("s3:ListBucket", "arn:aws:s3:::ours")]}
    lab.client("iam").put_user_policy(UserName="someone", PolicyName="list", PolicyDocument=json.dumps(more))
    assert refused(s3.get_object, Bucket="ours", Key="there/not") == "NoSuchKey"


def test_a_session_has_the_rights_of_its_role(lab: Lab) -> None:
    iam = lab.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    document = {"Version": "2012-10-17", "Statement": [allow("dynamodb:ListTables")]}
    iam.put_role_policy(RoleName="runner", PolicyName="rights", PolicyDocument=json.dumps(document))
    session = lab.client("sts").assume_role(RoleArn=role, RoleSessionName="job-7")["Credentials"]
    credentials = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    dynamodb = boto3.client("dynamodb", "us-east-1", endpoint_url=lab.url, **credentials)
    assert dynamodb.list_tables()["TableNames"] == []
    assert refused(dynamodb.create_table, TableName="ours", **TABLE_OPTIONS) == "AccessDeniedException"


def test_a_call_whose_resource_the_lab_does_not_know_needs_a_right_to_everything(lab: Lab) -> None:
    lab.client("kinesis").create_stream(StreamName="ours", ShardCount=1)
    named = Someone(lab, allow("kinesis:*", "arn:aws:kinesis:us-east-1:123456789012:stream/ours"))
    assert refused(named.client("kinesis").describe_stream_summary, StreamName="ours").startswith("AccessDenied")
    everything = {"Version": "2012-10-17", "Statement": [allow("kinesis:DescribeStreamSummary")]}
    lab.client("iam").put_user_policy(UserName="someone", PolicyName="all", PolicyDocument=json.dumps(everything))
    assert named.client("kinesis").describe_stream_summary(StreamName="ours")["StreamDescriptionSummary"]


def verdict(*statements: dict[str, Any], **context: list[str]) -> str:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return decide([document], "rds:DescribeDBClusters", CLUSTER, {"aws:requestedregion": ["us-east-2"], **context})


@pytest.mark.parametrize(
    ("condition", "decision"),
    [
        ({"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-east-2"]}}, "allowed"),
        ({"StringLike": {"AWS:requestedregion": "us-*"}}, "allowed"),
        ({"StringEquals": {"aws:RequestedRegion": "us-*"}}, "implicitDeny"),
        ({"StringEquals": {"aws:ResourceTag/Name": "ours"}}, "implicitDeny"),
        ({"StringEqualsIfExists": {"aws:ResourceTag/Name": "ours"}}, "allowed"),
        ({"Null": {"aws:ResourceTag/Name": "true"}}, "allowed"),
        # Nothing here computes dates: a right that hangs on one is none.
        ({"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}, "implicitDeny"),
    ],
)
def test_conditions_are_computed_or_allow_nothing(condition: dict[str, Any], decision: str) -> None:
    assert verdict(allow("rds:*", **condition)) == decision


def test_a_denial_whose_condition_is_not_computed_applies() -> None:
    deny = {**allow("rds:*", DateLessThan={"aws:CurrentTime": "2099-01-01T00:00:00Z"}), "Effect": "Deny"}
    assert verdict(allow("rds:*"), deny) == "explicitDeny"


def test_what_is_excepted_is_not_covered() -> None:
    everything_but = {"Effect": "Allow", "NotAction": "rds:Describe*", "Resource": "*"}
    everywhere_but = {"Effect": "Allow", "Action": "RDS:*", "NotResource": [CLUSTER]}
    assert verdict(everything_but) == verdict(everywhere_but) == "implicitDeny"
