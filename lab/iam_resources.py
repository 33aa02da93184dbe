# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources a request is about, as IAM names them.

Types and the form of their ARNs: Service Authorization Reference (lab/iam_reference.py). Which parameter holds a name:
each operation's API reference. A request is authorized for every resource that it names, in EC2 also for
what it creates (`subnet/*`: AWS chooses the id). One that names none is for all of a type (`cluster:*`), and if an
action has no type it is authorized for `*`, so that the lab refuses a request if in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID

from lab.iam_lookups import behind, key_id, name_with_path
from lab.iam_parameters import texts, values_of
from lab.iam_reference import PLACEHOLDER, ResourceType, resource_types

ANYTHING = "*"

# {IAM's prefix:type: {placeholder of its ARN: parameters that contain it}}. Any other type is named by an ARN only.
NAMES: dict[str, dict[str, str]] = {
    "autoscaling:autoScalingGroup": {"GroupFriendlyName": "AutoScalingGroupName Tags.ResourceId"},
    "cloudtrail:trail": {"TrailName": "Name"},
    "cloudwatch:alarm": {"AlarmName": "AlarmName AlarmNames"},
    "cloudwatch:dashboard": {"DashboardName": "DashboardName DashboardNames"},
    "dynamodb:table": {"TableName": "TableName"},
    "ecs:service": {"ClusterName": "cluster", "ServiceName": "service services"},
    "elasticloadbalancing:loadbalancer/app/": {"LoadBalancerName": "application.Name"},
    "elasticloadbalancing:loadbalancer/gwy/": {"LoadBalancerName": "gateway.Name"},
    "elasticloadbalancing:loadbalancer/net/": {"LoadBalancerName": "network.Name"},
    "elasticloadbalancing:targetgroup": {"TargetGroupName": "Name"},
    "events:event-bus": {"EventBusName": "EventBusName"},
    "events:rule-on-default-event-bus": {"RuleName": "Name Rule"},
    "iam:instance-profile": {"InstanceProfileNameWithPath": "InstanceProfileName"},
    "iam:policy": {"PolicyNameWithPath": "PolicyName"},
    "iam:role": {"RoleNameWithPath": "RoleName"},
    "iam:user": {"UserNameWithPath": "UserName"},
    "kms:alias": {"Alias": "AliasName"},
    "kms:key": {"KeyId": "KeyId TargetKeyId"},
    "lambda:function": {"FunctionName": "FunctionName"},
    "logs:log-group": {"LogGroupName": "logGroupName"},
    "rds:cluster": {
        "DbClusterInstanceName": "DBClusterIdentifier DbClusterIdentifier SourceDBClusterIdentifier "
        "TargetDbClusterIdentifier"
    },
    "rds:cluster-pg": {"ClusterParameterGroupName": "DBClusterParameterGroupName"},
    "rds:cluster-snapshot": {
        "ClusterSnapshotName": "DBClusterSnapshotIdentifier SourceDBClusterSnapshotIdentifier "
        "TargetDBClusterSnapshotIdentifier FinalDBSnapshotIdentifier SnapshotIdentifier"
    },
    "rds:db": {"DbInstanceName": "DBInstanceIdentifier"},
    "rds:es": {"SubscriptionName": "SubscriptionName"},
    "rds:global-cluster": {"GlobalCluster": "GlobalClusterIdentifier"},
    "rds:og": {"OptionGroupName": "OptionGroupName"},
    "rds:pg": {"ParameterGroupName": "DBParameterGroupName"},
    "rds:subgrp": {"SubnetGroupName": "DBSubnetGroupName"},
    "route53:change": {"Id": "Id"},
    "route53:healthcheck": {"Id": "HealthCheckId healthcheck.ResourceId"},
    "route53:hostedzone": {"Id": "Id HostedZoneId hostedzone.ResourceId"},
    "s3:bucket": {"BucketName": "Bucket"},
    "s3:object": {"BucketName": "Bucket", "ObjectName": "Key"},
    "secretsmanager:Secret": {"SecretId": "SecretId Name"},
    "servicequotas:quota": {"ServiceCode": "ServiceCode", "QuotaCode": "QuotaCode"},
    "sns:topic": {"TopicName": "Name"},
    "sqs:queue": {"QueueName": "QueueName QueueUrl"},
    "ssm:parameter": {"ParameterNameWithoutLeadingSlash": "Name Names Parameter.ResourceId"},
    "wafv2:webacl": {"Scope": "Scope", "Name": "Name", "Id": "Id"},
}

# How a parameter's value is written in an ARN, if it differs: by placeholder.
SPELLINGS = {
    "Alias": lambda name: name.removeprefix("alias/"),
    "ParameterNameWithoutLeadingSlash": lambda name: name.lstrip("/"),
    # The last part of the queue's URL is its name ("Amazon SQS queue and message identifiers" of its Developer Guide).
    "QueueName": lambda name: name.rpartition("/")[2],
    "Scope": str.lower,
    # Six characters that AWS appends ("Secrets Manager secret ARN" of its User Guide).
    "SecretId": lambda name: f"{name}-??????",
}

# The words before the dash in EC2's ids, by type ("Resource IDs" of the EC2 User Guide); of other types it is the type.
ID_WORDS = {
    "elastic-ip": "eipalloc",
    "image": "ami",
    "instance": "i",
    "internet-gateway": "igw",
    "launch-template": "lt",
    "natgateway": "nat",
    "network-acl": "acl",
    "network-interface": "eni",
    "route-table": "rtb",
    "security-group": "sg",
    "security-group-rule": "sgr",
    "snapshot": "snap",
    "volume": "vol",
    "vpc-endpoint": "vpce",
    "vpc-peering-connection": "pcx",
}

# Resources that need no permission: the peer VPC of a peering only needs its acceptance, and the policy simulator
# only simulates actions on the resources.
OTHERS = {"ec2:CreateVpcPeeringConnection": "PeerVpcId", "iam:SimulatePrincipalPolicy": "ResourceArns"}

# "To use this operation and return information about composite alarms, you must be signed on with the
# cloudwatch:DescribeAlarms permission that is scoped to *", CloudWatch API Reference.
ABOUT_ALL = {"cloudwatch:DescribeAlarms"}


@dataclass(frozen=True)
class Resource:
    """A resource of a request. `kind` is None for `*`; `parameter` is the one that named it, empty for a new one."""

    arn: str
    kind: ResourceType | None = None
    parameter: str = ""


@dataclass(frozen=True)
class Asked:
    """An action with the parameters and the region of the request for it."""

    action: str
    given: Mapping[str, Any]
    region: str

    @property
    def service(self) -> str:
        """IAM's prefix."""
        return self.action.partition(":")[0]

    @cached_property
    def named(self) -> dict[str, list[str]]:
        """The texts of the request's own parameters, not of those within them; of EC2 also what is behind them."""
        other = OTHERS.get(self.action)
        own = {name: texts(node) for name, node in self.given.items() if name != other}
        return {**own, "behind": behind(self.region, self.given)} if self.service == "ec2" else own


def resources_of(asked: Asked) -> list[Resource]:
    """The resources that a policy must allow the action on, every one of them."""
    kinds = list(resource_types(asked.action).values())
    required = [kind for kind in kinds if kind.required]
    if not kinds:
        return [Resource(ANYTHING)]
    if asked.action in ABOUT_ALL:
        return everything(kinds, asked.region)
    named = [resource for kind in kinds for resource in resources_named(kind, asked)]
    if asked.service == "ec2":
        seen = {resource.kind for resource in named}
        named += everything([kind for kind in required if kind not in seen], asked.region)
    return named or everything(required or kinds, asked.region)


def everything(kinds: Iterable[ResourceType], region: str) -> list[Resource]:
    """All of some types."""
    return [Resource(filled(kind, {}, region), kind) for kind in kinds]


def resources_named(kind: ResourceType, asked: Asked) -> Iterator[Resource]:
    """The resources of a type that a request names: by an ARN, by EC2's id, or by the parameters of NAMES."""
    for parameter, values in asked.named.items():
        for value in values:
            if value.startswith("arn:") and kind.pattern.fullmatch(value):
                yield Resource(value, kind, parameter)
    if asked.service == "ec2":
        pattern = re.compile(rf"{ID_WORDS.get(kind.name, kind.name)}-[0-9a-f]+")
        for parameter, values in asked.named.items():
            for one in filter(pattern.fullmatch, values):
                yield Resource(filled(kind, {kind.placeholders[-1]: one}, asked.region), kind, parameter)
        return
    found_by = {
        placeholder: [
            (parameter, value) for parameter in parameters.split() for value in names_in(asked, parameter, kind)
        ]
        for placeholder, parameters in NAMES.get(f"{asked.service}:{kind.name}", {}).items()
    }
    if any(found_by.values()):
        for combination in product(*(pairs or [("", ANYTHING)] for pairs in found_by.values())):
            values = {placeholder: value for placeholder, (_by, value) in zip(found_by, combination, strict=True)}
            yield Resource(filled(kind, values, asked.region), kind, combination[0][0])


def names_in(asked: Asked, parameter: str, kind: ResourceType) -> list[str]:
    """The names that a parameter holds; ARNs are not among them, nor a key's alias."""
    values = [value for value in values_of(asked.given, parameter) if not value.startswith("arn:")]
    if asked.service == "iam":
        return [name_with_path(kind.name, value, asked.given) for value in values]
    if asked.service != "kms" or parameter == "AliasName":
        return values
    return [key_id(asked.region, value) or ANYTHING for value in values]


def filled(kind: ResourceType, values: Mapping[str, str], region: str) -> str:
    """The ARN of a type, with `*` for unknown parts."""
    own = {name: SPELLINGS.get(name, str)(value) if value != ANYTHING else value for name, value in values.items()}
    place = {"Partition": "aws", "Region": region, "Account": DEFAULT_ACCOUNT_ID}
    arn = PLACEHOLDER.sub(lambda found: {**place, **own}.get(found[1], ANYTHING), kind.template)
    # Parameters that AWS publishes belong to no account ("Calling AWS service public parameters" of its User Guide).
    return arn.replace(f":{DEFAULT_ACCOUNT_ID}:parameter/aws/", "::parameter/aws/")
