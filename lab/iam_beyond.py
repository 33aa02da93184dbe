# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights that AWS asks for although the Service Authorization Reference does not list them for the call.

Each entry names its source. A key's policy may allow the use of the key as well: only calls are here for which AWS asks
the caller's own policies in every account whose key policy leaves it to IAM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID

from lab.iam_parameters import leaves

KEY = re.compile(r"arn:[^:]+:kms:[^:]+:\d+:key/.+")
ANYTHING = "*"


@dataclass(frozen=True)
class Beyond:
    """Actions that a call needs besides its own, and on what.

    on: `*`, the `keys` that the call names, the `table` in all its regions, or `vpc`: `*` if it names subnets.
    """

    actions: tuple[str, ...]
    on: str
    source: str


LOAD_BALANCER = Beyond(
    ("ec2:DescribeAccountAttributes", "ec2:DescribeInternetGateways", "ec2:DescribeSecurityGroups")
    + ("ec2:DescribeSubnets", "ec2:DescribeVpcs"),
    ANYTHING,
    "Elastic Load Balancing looks at the network as the caller: cluster-api-provider-aws #629, terraform-aws-eks #900, "
    "aws-load-balancer-controller #748",
)
COPY_OF_SECRET = Beyond(
    ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
    "keys",
    '"ReplicateSecretToRegions" and "UpdateSecret" of the Secrets Manager API Reference',
)
ENCRYPTED_STORAGE = Beyond(
    ("kms:CreateGrant", "kms:DescribeKey"), "keys", '"AWS KMS key management" of the Aurora User Guide'
)
FUNCTION_IN_VPC = Beyond(
    ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
    "vpc",
    '"Giving Lambda functions access to resources in an Amazon VPC" of the AWS Lambda Developer Guide',
)
REPLICA = Beyond(
    ("dynamodb:CreateTableReplica", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem")
    + ("dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"),
    "table",
    '"Using IAM with DynamoDB global tables" of the DynamoDB Developer Guide',
)

# {botocore's service: {operation: what it needs}}
TABLE: dict[str, dict[str, Beyond]] = {
    "elbv2": {name: LOAD_BALANCER for name in ("CreateLoadBalancer", "SetSecurityGroups", "SetSubnets")},
    "secretsmanager": {name: COPY_OF_SECRET for name in ("CreateSecret", "ReplicateSecretToRegions", "UpdateSecret")},
    "rds": {name: ENCRYPTED_STORAGE for name in ("CopyDBClusterSnapshot", "CreateDBCluster")},
    "dynamodb": {"UpdateTable": REPLICA},
    "lambda": {name: FUNCTION_IN_VPC for name in ("CreateFunction", "UpdateFunctionConfiguration")},
}

# CloudWatch Logs asks for the group with its streams, whatever the reference says, but for tags: "Overview of managing
# access permissions to your CloudWatch Logs resources" of the CloudWatch Logs User Guide; apm-aws-lambda #526.
PLAIN_LOG_GROUP = {"logs:TagResource", "logs:UntagResource", "logs:ListTagsForResource"}


def log_group(action: str, arn: str) -> str:
    """The ARN of a log group as CloudWatch Logs compares it for an action."""
    is_group = action.startswith("logs:") and ":log-group:" in arn and ":log-stream:" not in arn
    return f"{arn}:*" if is_group and action not in PLAIN_LOG_GROUP and not arn.endswith(":*") else arn


def beyond(service: str, operation: str, region: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(action, ARN) of everything that a call needs besides what the reference lists."""
    found = TABLE.get(service, {}).get(operation)
    if found is None:
        return
    resources = [ANYTHING]
    if found.on == "vpc" and not (given.get("VpcConfig") or {}).get("SubnetIds"):
        resources = []
    if found.on == "keys":
        resources = sorted({text for text in leaves(given) if KEY.fullmatch(text)})
    if found.on == "table":
        made = [one["Create"]["RegionName"] for one in given.get("ReplicaUpdates", []) if "Create" in one]
        own = f"{DEFAULT_ACCOUNT_ID}:table/{str(given.get('TableName')).rpartition('/')[2]}"
        resources = [f"arn:aws:dynamodb:{place}:{own}" for place in ([region, *made] if made else [])]
    yield from ((action, resource) for resource in resources for action in found.actions)
