"""Which rights an API call needs: IAM's names of its actions, and the resources as far as the request tells them.

Sources: Service Authorization Reference, "Actions, resources, and condition keys" of each service; for S3 "Required
permissions for Amazon S3 API operations" of its User Guide. An operation that is not in RESOURCES is judged on `*`, so
that only a policy that allows it everywhere lets it pass: what the lab does not know is refused rather than allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends

from lab.api_models import session
from lab.request import ApiRequest, Form
from lab.world import GLOBAL_CONTROL_PLANE

ANYTHING = "*"
PLACEHOLDER = re.compile(r"{(\w+)}")
# Where the one endpoint of IAM and Route 53 is: "aws:RequestedRegion" of the IAM User Guide.
GLOBAL_ENDPOINT = "us-east-1"

# IAM's prefix, where it is not botocore's name of the service.
PREFIXES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}

# Operations whose actions are not called like them.
ACTIONS: dict[str, tuple[str, ...]] = {
    "sts:GetCallerIdentity": (),  # "No permissions are required to perform this operation", STS API Reference
    "s3:DeleteBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:DeleteBucketOwnershipControls": ("s3:PutBucketOwnershipControls",),
    "s3:DeleteBucketReplication": ("s3:PutReplicationConfiguration",),
    "s3:DeleteBucketTagging": ("s3:PutBucketTagging",),
    "s3:DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "s3:DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:GetBucketAccelerateConfiguration": ("s3:GetAccelerateConfiguration",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
    "s3:GetBucketReplication": ("s3:GetReplicationConfiguration",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBucketInventoryConfigurations": ("s3:GetInventoryConfiguration",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:PutBucketReplication": ("s3:PutReplicationConfiguration",),
    "s3:PutObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
}

TABLE = "arn:aws:dynamodb:{region}:{account}:table/{TableName}"
GLOBAL_DATABASE = "arn:aws:rds::{account}:global-cluster:{GlobalClusterIdentifier}"
GROUP = "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{AutoScalingGroupName}"
SECURITY_GROUP = "arn:aws:ec2:{region}:{account}:security-group/{GroupId}"
PARAMETER = "arn:aws:ssm:{region}:{account}:parameter{Name}"

# The resources an operation is judged on. A name in braces is a parameter, `*` where the request does not give it:
# AWS itself takes a list of everything for a request on `cluster:*`.
RESOURCES: dict[str, tuple[str, ...]] = {
    "autoscaling:SetDesiredCapacity": (GROUP,),
    "autoscaling:UpdateAutoScalingGroup": (GROUP,),
    "cloudwatch:DescribeAlarms": ("arn:aws:cloudwatch:{region}:{account}:alarm:*",),
    **{
        f"dynamodb:{operation}": (TABLE,)
        for operation in "BatchGetItem DeleteItem DescribeContinuousBackups DescribeTable GetItem PutItem Query Scan "
        "UpdateItem".split()
    },
    "ec2:AuthorizeSecurityGroupIngress": (SECURITY_GROUP,),
    "ec2:RevokeSecurityGroupIngress": (SECURITY_GROUP,),
    "iam:GetPolicy": ("{PolicyArn}",),
    "iam:GetPolicyVersion": ("{PolicyArn}",),
    "iam:GetRole": ("arn:aws:iam::{account}:role/{RoleName}",),
    "iam:SimulatePrincipalPolicy": ("{PolicySourceArn}",),
    "kms:DescribeKey": ("arn:aws:kms:{region}:{account}:key/*",),
    "rds:CopyDBClusterSnapshot": (
        "arn:aws:rds:{region}:{account}:cluster-snapshot:{SourceDBClusterSnapshotIdentifier}",
        "arn:aws:rds:{region}:{account}:cluster-snapshot:{TargetDBClusterSnapshotIdentifier}",
    ),
    "rds:DescribeDBClusterParameters": ("arn:aws:rds:{region}:{account}:cluster-pg:{DBClusterParameterGroupName}",),
    "rds:DescribeDBClusterSnapshots": (
        "arn:aws:rds:{region}:{account}:cluster:{DBClusterIdentifier}",
        "arn:aws:rds:{region}:{account}:cluster-snapshot:{DBClusterSnapshotIdentifier}",
    ),
    "rds:DescribeDBClusters": ("arn:aws:rds:{region}:{account}:cluster:{DBClusterIdentifier}",),
    "rds:DescribeDBInstances": ("arn:aws:rds:{region}:{account}:db:{DBInstanceIdentifier}",),
    "rds:DescribeDBParameters": ("arn:aws:rds:{region}:{account}:pg:{DBParameterGroupName}",),
    "rds:DescribeGlobalClusters": (GLOBAL_DATABASE,),
    "rds:FailoverGlobalCluster": (GLOBAL_DATABASE, "{TargetDbClusterIdentifier}"),
    "rds:ListTagsForResource": ("{ResourceName}",),
    "rds:RemoveFromGlobalCluster": (GLOBAL_DATABASE, "{DbClusterIdentifier}"),
    "rds:SwitchoverGlobalCluster": (GLOBAL_DATABASE, "{TargetDbClusterIdentifier}"),
    "route53:GetHealthCheckStatus": ("arn:aws:route53:::healthcheck/{HealthCheckId}",),
    "route53:ListResourceRecordSets": ("arn:aws:route53:::hostedzone/{Id}",),
    **{
        f"s3:{operation}": ("arn:aws:s3:::{Bucket}",)
        for operation in "GetBucketEncryption GetBucketPolicy GetBucketReplication GetBucketVersioning "
        "GetPublicAccessBlock".split()
    },
    "s3:DeleteObject": ("arn:aws:s3:::{Bucket}/{Key}",),
    "s3:GetObject": ("arn:aws:s3:::{Bucket}/{Key}",),
    "s3:PutObject": ("arn:aws:s3:::{Bucket}/{Key}",),
    "secretsmanager:DescribeSecret": ("arn:aws:secretsmanager:{region}:{account}:secret:{SecretId}-??????",),
    "service-quotas:GetServiceQuota": ("arn:aws:servicequotas:{region}:{account}:{ServiceCode}/{QuotaCode}",),
    "sns:GetTopicAttributes": ("{TopicArn}",),
    "sns:ListSubscriptionsByTopic": ("{TopicArn}",),
    "sns:Publish": ("{TopicArn}",),
    "ssm:GetParameter": (PARAMETER,),
    "ssm:PutParameter": (PARAMETER,),
}


@dataclass(frozen=True)
class Need:
    """An action that must be allowed on every one of the resources. `context`: lower-case condition key to values."""

    action: str
    resources: tuple[str, ...]
    context: Mapping[str, list[str]] = field(default_factory=dict)


def actions_of(service: str, operation: str) -> tuple[str, ...]:
    """IAM's actions for an operation of a botocore service."""
    plain = f"{PREFIXES.get(service, service)}:{operation}"
    return ACTIONS.get(f"{service}:{operation}", (plain,))


def needs_of(request: ApiRequest, form: Form, body: bytes) -> Iterator[Need]:
    """Everything a call needs."""
    given = parameters_of(request, form, body)
    context = context_of(request, given)
    for action in actions_of(request.service, request.operation):
        yield Need(action, resources_of(request, given), context)
    if (request.service, request.operation) == ("s3", "GetObject") and not is_there(given["Bucket"], given["Key"]):
        # "GetObject" of the S3 API Reference: without s3:ListBucket an absent object is answered with 403.
        yield Need("s3:ListBucket", (f"arn:aws:s3:::{given['Bucket']}",), context)


def parameters_of(request: ApiRequest, form: Form, body: bytes) -> dict[str, Any]:
    """The request's parameters by name; lists of the query protocols stay flat (`Names.member.1`)."""
    if request.protocol == "json":
        return json.loads(body or b"{}")
    if request.protocol.startswith("rest"):
        return labels_of(request, form.path)
    return {**form.query, **form.body_fields}


def labels_of(request: ApiRequest, path: str) -> dict[str, str]:
    """The parameters that stand in the path of a REST request."""
    operation = session().get_service_model(request.service).operation_model(request.operation)
    names = operation.http["requestUri"].partition("?")[0].strip("/").split("/")
    values = path.strip("/").split("/", len(names) - 1)
    return {name[1:-1].rstrip("+"): unquote(value) for name, value in zip(names, values, strict=False) if "{" in name}


class Parameters(dict):
    """`*` for a parameter that the request does not give."""

    def __missing__(self, name: str) -> str:
        return ANYTHING


def resources_of(request: ApiRequest, given: Mapping[str, Any]) -> tuple[str, ...]:
    """The resources a request is judged on: of several, those that it names."""
    templates = RESOURCES.get(f"{request.service}:{request.operation}", (ANYTHING,))
    tables = list(given["RequestItems"]) if request.operation == "BatchGetItem" else [given.get("TableName", ANYTHING)]
    place = {"region": request.region, "account": DEFAULT_ACCOUNT_ID}
    values = [Parameters({**given, **place, "TableName": table}) for table in tables]
    named = [one for one in templates if all(values[0][name] != ANYTHING for name in PLACEHOLDER.findall(one))]
    return tuple(template.format_map(one) for template in named or templates for one in values)


def context_of(request: ApiRequest, given: Mapping[str, Any]) -> dict[str, list[str]]:
    """The condition keys a request has, as far as policies of this project use them."""
    region = GLOBAL_ENDPOINT if request.region == GLOBAL_CONTROL_PLANE else request.region
    context = {"aws:requestedregion": [region]}
    if request.service == "dynamodb":
        context["dynamodb:leadingkeys"] = leading_keys(given)
    if request.operation == "PutMetricData":
        context["cloudwatch:namespace"] = [str(given.get("Namespace"))]
    if str(given.get("KeyId", "")).startswith("alias/"):
        context["kms:requestalias"] = [given["KeyId"]]
    if request.service == "ec2" and given.get("GroupId"):
        tags = ec2_backends[DEFAULT_ACCOUNT_ID][request.region].tags.get(given["GroupId"], {})
        context |= {f"aws:resourcetag/{name}".lower(): [value] for name, value in tags.items()}
    return context


def leading_keys(given: Mapping[str, Any]) -> list[str]:
    """The partition keys of a request on tables whose key is the text `id`, as the control tables are."""
    asked = given.get("RequestItems", {}).values()
    items = [given.get("Key"), given.get("Item"), *(key for one in asked for key in one["Keys"])]
    return [item["id"]["S"] for item in items if item and "S" in item.get("id", {})]


def is_there(bucket: str, key: str) -> bool:
    """Whether a bucket holds an object."""
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(bucket)
    return found is not None and key in found.keys
