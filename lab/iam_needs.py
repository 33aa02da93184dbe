# SPDX-License-Identifier: GPL-3.0-or-later
"""Which permissions an API call needs: IAM's names of its actions, the resources they are on, and the condition keys.

Sources: Service Authorization Reference, "Actions, resources, and condition keys" of each service; for S3 "Required
permissions for Amazon S3 API operations" of its User Guide. Besides its own action a call needs permission to tag what
it creates with tags, to pass the roles it names, to start what a group's launch template describes, and what
lab/iam_beyond.py lists; service-linked roles are not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID

from lab.iam_beyond import beyond, log_group
from lab.iam_lookups import aliases_on, is_there, launch_of, name_with_path, tags_on
from lab.iam_parameters import leaves, parameters_of, tags_of, xml_texts
from lab.iam_reference import access_level, dependent_actions, is_known, keys_of, resource_types
from lab.iam_resources import ANYTHING, Asked, Resource, everything, filled, resources_of
from lab.request import ApiRequest, Form
from lab.world import GLOBAL_CONTROL_PLANE

ROLE = re.compile(r"arn:[^:]+:iam::\d+:role/.+")
# Where the one endpoint of IAM and Route 53 is: "aws:RequestedRegion" of the IAM User Guide.
GLOBAL_ENDPOINT = "us-east-1"
# The partition keys of the control tables and of the session table.
KEYS_OF_TABLES = ("id", "sessionId")
# The service that gets a role, if it is not the called one: that of an instance profile is for EC2.
PASSED_TO = {"iam": "ec2.amazonaws.com"}

# IAM's prefix, if it is not botocore's name of the service.
PREFIXES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}

# Operations whose actions have another name.
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
    # "Required permissions for Amazon S3 API operations" of the S3 User Guide: account operations.
    "s3control:DeletePublicAccessBlock": ("s3:PutAccountPublicAccessBlock",),
    "s3control:GetPublicAccessBlock": ("s3:GetAccountPublicAccessBlock",),
    "s3control:PutPublicAccessBlock": ("s3:PutAccountPublicAccessBlock",),
}


@dataclass(frozen=True)
class Need:
    """An action that must be allowed on a resource. `context`: lower-case condition key to values."""

    action: str
    resource: str
    context: Mapping[str, list[str]] = field(default_factory=dict)


def actions_of(service: str, operation: str) -> tuple[str, ...]:
    """IAM's actions for an operation of a botocore service."""
    plain = f"{PREFIXES.get(service, service)}:{operation}"
    return ACTIONS.get(f"{service}:{operation}", (plain,))


def needs_of(request: ApiRequest, form: Form, body: bytes) -> Iterator[Need]:
    """Everything a call needs."""
    given = parameters_of(request, form, body)
    context = context_of(request, given, body)
    for action in actions_of(request.service, request.operation):
        if not is_known(action):
            yield Need(action, ANYTHING, context)
            continue
        asked = Asked(action, given, request.region)
        resources = resources_of(asked)
        yield from (need_of(action, resource, context) for resource in resources)
        yield from tagging_needs(asked, request.operation, resources, context)
        if "iam:PassRole" in dependent_actions(action):
            yield from passing_needs(asked, body, context)
        if asked.service == "autoscaling":
            yield from launching_needs(asked, context)
    for action, resource in beyond(request.service, request.operation, request.region, given):
        kinds = [kind for kind in resource_types(action).values() if kind.pattern.fullmatch(resource)]
        yield need_of(action, Resource(resource, kinds[0] if kinds else None), context)
    is_read = request.service == "s3" and request.operation in ("GetObject", "HeadObject")
    if is_read and not is_there(given["Bucket"], given["Key"]):
        # "GetObject" and "HeadObject" of the S3 API Reference: without s3:ListBucket an absent object is 403.
        yield Need("s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}", context)


def need_of(action: str, resource: Resource, context: Mapping[str, list[str]]) -> Need:
    """A need with the condition keys that the reference knows for this action on this resource."""
    known = resource.kind.keys if resource.kind else keys_of(action)
    families = {"aws:requestedregion", *(key.partition("/")[0].lower() for key in known)}
    tags = {f"aws:resourcetag/{name}".lower(): [value] for name, value in tags_on(resource.arn).items()}
    named = {"kms:resourcealiases": aliases} if (aliases := aliases_on(resource.arn)) else {}
    applicable = {
        key: values for key, values in {**context, **tags, **named}.items() if key.partition("/")[0] in families
    }
    return Need(action, log_group(action, resource.arn), applicable)


def tagging_needs(
    asked: Asked, operation: str, resources: list[Resource], context: Mapping[str, list[str]]
) -> Iterator[Need]:
    """The permission to tag that a creation with tags needs in addition, if the reference lists it."""
    noun = operation.removeprefix("Create")
    made = [one for one in resources if one.parameter in ("", f"{noun}Identifier", f"{noun}Name", "Name")]
    for action in sorted(dependent_actions(asked.action)) if tags_of(asked.given) else ():
        if action.startswith(f"{asked.service}:") and access_level(action) == "Tagging":
            types = resource_types(action)
            for one in made or resources:
                kind = types.get(one.kind.name) if one.kind else None
                own = [Resource(one.arn, kind)] if kind else resources_of(Asked(action, {}, asked.region))
                yield from (need_of(action, each, {**context, "ec2:createaction": [operation]}) for each in own)


def launching_needs(asked: Asked, context: Mapping[str, list[str]]) -> Iterator[Need]:
    """What a group's launch template describes, which the creator of the group must be allowed to start.

    "Control Amazon EC2 launch template usage in Auto Scaling groups" of the EC2 Auto Scaling User Guide.
    """
    policy = asked.given.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    template = asked.given.get("LaunchTemplate") or policy.get("LaunchTemplateSpecification", {})
    launch = launch_of(asked.region, template)
    if launch is None:
        return
    given = {
        "ImageId": launch.image,
        "SecurityGroupId": launch.security_groups,
        "SubnetId": asked.given.get("VPCZoneIdentifier", "").split(","),
        "LaunchTemplateId": launch.template,
    }
    region, start, tag = asked.region, "ec2:RunInstances", "ec2:CreateTags"
    base = {"aws:requestedregion": context["aws:requestedregion"]}
    arn = filled(resource_types(start)["launch-template"], {"LaunchTemplateId": launch.template}, region)
    disks = everything([resource_types(start)["volume"]], region)
    for one in [*resources_of(Asked(start, given, region)), *disks]:
        yield need_of(start, one, {**base, "ec2:launchtemplate": [arn]})
    for kind, tags in launch.tags.items():
        for one in everything([resource_types(tag)[kind]], region):
            yield need_of(tag, one, {**base, **tag_keys(tags), "ec2:createaction": ["RunInstances"]})
    for role in launch.roles:
        yield Need("iam:PassRole", role, {**base, "iam:passedtoservice": ["ec2.amazonaws.com"]})


def tag_keys(tags: Mapping[str, str]) -> dict[str, list[str]]:
    """The condition keys of tags in a request."""
    own = {f"aws:requesttag/{name}".lower(): [value] for name, value in tags.items()}
    return {**own, "aws:tagkeys": list(tags)} if tags else {}


def passing_needs(asked: Asked, body: bytes, context: Mapping[str, list[str]]) -> Iterator[Need]:
    """The permission to pass a service the roles that a request names."""
    roles = [text for text in leaves(asked.given) if ROLE.fullmatch(text)]
    if asked.service == "s3":
        roles = xml_texts(body, "Role")
    if asked.action == "iam:AddRoleToInstanceProfile":
        name = name_with_path("role", asked.given["RoleName"], {})
        roles = [f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/{name}"]
    service = PASSED_TO.get(asked.service, f"{asked.service}.amazonaws.com")
    for role in roles:
        yield Need("iam:PassRole", role, {**context, "iam:passedtoservice": [service]})


def context_of(request: ApiRequest, given: Mapping[str, Any], body: bytes) -> dict[str, list[str]]:
    """The condition keys a request has, as far as policies of this project use them."""
    region = GLOBAL_ENDPOINT if request.region == GLOBAL_CONTROL_PLANE else request.region
    context = {"aws:requestedregion": [region], **tag_keys(tags_of(given))}
    if request.service == "dynamodb":
        context["dynamodb:leadingkeys"] = leading_keys(given)
    if request.service == "application-autoscaling":
        context["application-autoscaling:service-namespace"] = [str(given.get("ServiceNamespace"))]
    if request.operation == "PutMetricData":
        context["cloudwatch:namespace"] = [str(given.get("Namespace"))]
    if str(given.get("KeyId", "")).startswith("alias/"):
        context["kms:requestalias"] = [given["KeyId"]]
    if request.service == "iam" and "PermissionsBoundary" in given:
        context["iam:permissionsboundary"] = [given["PermissionsBoundary"]]
    if request.service == "iam" and "PolicyArn" in given:
        context["iam:policyarn"] = [given["PolicyArn"]]
    if request.operation == "ChangeResourceRecordSets":
        names = [name.rstrip(".").lower() for name in xml_texts(body, "Name")]
        context["route53:changeresourcerecordsetsnormalizedrecordnames"] = names
    return context


def leading_keys(given: Mapping[str, Any]) -> list[str]:
    """The partition keys of a request on tables whose key is one of the texts in KEYS_OF_TABLES."""
    asked = given.get("RequestItems", {}).values()
    items = [given.get("Key"), given.get("Item"), *(key for one in asked for key in one["Keys"])]
    return [item[name]["S"] for item in items if item for name in KEYS_OF_TABLES if "S" in item.get(name, {})]
