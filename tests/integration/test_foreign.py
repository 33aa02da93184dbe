# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have added to the platform: tags stay, rules of security groups are removed, and that is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.client import Lab
from tests.integration.aws import GROUP, SUFFIX, database_ingress

HOME = "us-east-1"
KEY, VALUE = "CostCenter", "desk-7"
PAIR = {"Key": KEY, "Value": VALUE}
RULE = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}


@dataclass(frozen=True)
class Tagged:
    """One resource: how a tag is added to it, and how its tags are read, as pairs or as a dictionary."""

    name: str
    add: Callable[[], Any]
    read: Callable[[], Any]

    def has_foreign_tag(self) -> bool:
        found = self.read()
        pairs = found.items() if isinstance(found, dict) else ((one["Key"], one["Value"]) for one in found)
        return (KEY, VALUE) in set(pairs)


def by_arn(client: Any, arn: str, add: str, read: str, name: str, tags: str, result: str) -> Tagged:
    """For services that tag by ARN and differ only in the names: of the options and of the result."""
    return Tagged(
        arn,
        lambda: getattr(client, add)(**{name: arn, tags: [PAIR]}),
        lambda: getattr(client, read)(**{name: arn})[result],
    )


def resources(lab: Lab) -> Iterator[Tagged]:
    """Everything in the home region, and of IAM, that modules of amazon.aws and community.aws have made."""
    for kind in (networks, databases, applications, stores, roles):
        yield from kind(lab)


def networks(lab: Lab) -> Iterator[Tagged]:
    ec2 = lab.client("ec2", HOME)

    def of_ec2(resource: str) -> list[dict[str, str]]:
        return ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])["Tags"]

    for one in ec2.describe_tags(Filters=[{"Name": "key", "Values": ["Project"]}])["Tags"]:
        if one["ResourceType"] not in ("instance", "volume", "elastic-ip"):
            resource = one["ResourceId"]
            yield Tagged(
                resource,
                lambda resource=resource: ec2.create_tags(Resources=[resource], Tags=[PAIR]),
                lambda resource=resource: of_ec2(resource),
            )


def databases(lab: Lab) -> Iterator[Tagged]:
    rds = lab.client("rds", HOME)
    arns = [one["DBClusterArn"] for one in rds.describe_db_clusters()["DBClusters"]]
    arns += [one["DBInstanceArn"] for one in rds.describe_db_instances()["DBInstances"]]
    arns += [one["DBSubnetGroupArn"] for one in rds.describe_db_subnet_groups()["DBSubnetGroups"]]
    groups = rds.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
    names = [one["DBClusterParameterGroupArn"] for one in groups]
    names += [one["DBParameterGroupArn"] for one in rds.describe_db_parameter_groups()["DBParameterGroups"]]
    arns += [arn for arn in names if "trading" in arn]
    for arn in arns:
        yield by_arn(rds, arn, "add_tags_to_resource", "list_tags_for_resource", "ResourceName", "Tags", "TagList")


def applications(lab: Lab) -> Iterator[Tagged]:
    elb = lab.client("elbv2", HOME)
    arns = [one["LoadBalancerArn"] for one in elb.describe_load_balancers()["LoadBalancers"]]
    arns += [one["TargetGroupArn"] for one in elb.describe_target_groups()["TargetGroups"]]
    for arn in arns:
        yield Tagged(
            arn,
            lambda arn=arn: elb.add_tags(ResourceArns=[arn], Tags=[PAIR]),
            lambda arn=arn: elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"],
        )

    scaling = lab.client("autoscaling", HOME)
    own = {"ResourceId": GROUP, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True, **PAIR}
    yield Tagged(
        GROUP,
        lambda: scaling.create_or_update_tags(Tags=[own]),
        lambda: scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["Tags"],
    )


def stores(lab: Lab) -> Iterator[Tagged]:
    s3 = lab.client("s3", HOME)
    for kind in ("data", "audit", "control"):
        bucket = f"trading-{kind}-{HOME}-{SUFFIX}"

        def of_bucket(bucket: str = bucket) -> list[dict[str, str]]:
            return s3.get_bucket_tagging(Bucket=bucket)["TagSet"]

        yield Tagged(
            bucket,
            lambda bucket=bucket, read=of_bucket: s3.put_bucket_tagging(
                Bucket=bucket, Tagging={"TagSet": [*read(), PAIR]}
            ),
            of_bucket,
        )

    dynamodb = lab.client("dynamodb", HOME)
    for table in dynamodb.list_tables()["TableNames"]:
        arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
        yield by_arn(dynamodb, arn, "tag_resource", "list_tags_of_resource", "ResourceArn", "Tags", "Tags")

    kms = lab.client("kms", HOME)
    key = kms.describe_key(KeyId=f"alias/trading-{SUFFIX}")["KeyMetadata"]["KeyId"]
    yield Tagged(
        key,
        lambda: kms.tag_resource(KeyId=key, Tags=[{"TagKey": KEY, "TagValue": VALUE}]),
        lambda: {one["TagKey"]: one["TagValue"] for one in kms.list_resource_tags(KeyId=key)["Tags"]},
    )

    sns = lab.client("sns", HOME)
    (topic,) = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
    yield by_arn(sns, topic, "tag_resource", "list_tags_for_resource", "ResourceArn", "Tags", "Tags")

    ssm, name = lab.client("ssm", HOME), f"/trading/{SUFFIX}/outputs"
    yield Tagged(
        name,
        lambda: ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=[PAIR]),
        lambda: ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"],
    )


def roles(lab: Lab) -> Iterator[Tagged]:
    iam = lab.client("iam")
    for role in (one["RoleName"] for one in iam.list_roles()["Roles"] if one["RoleName"].startswith("trading-")):
        yield Tagged(
            role,
            lambda role=role: iam.tag_role(RoleName=role, Tags=[PAIR]),
            lambda role=role: iam.list_role_tags(RoleName=role)["Tags"],
        )
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        if "provisioning-runner" not in policy["PolicyName"]:
            yield by_arn(iam, policy["Arn"], "tag_policy", "list_policy_tags", "PolicyArn", "Tags", "Tags")


@pytest.mark.nightly
def test_foreign_tags_stay_and_foreign_rules_are_named_before_and_after_they_are_removed(platform):
    found = list(resources(platform.lab))
    assert len(found) > 30
    for one in found:
        one.add()
    groups = platform.lab.client("ec2", HOME).describe_security_groups()["SecurityGroups"]
    (group,) = [one["GroupId"] for one in groups if one["GroupName"] == f"trading-{SUFFIX}-database"]
    wanted = database_ingress(platform.lab, HOME)
    platform.lab.client("ec2", HOME).authorize_security_group_ingress(GroupId=group, IpPermissions=[RULE])

    rule = f"trading-{SUFFIX}-database ingress tcp 3306 198.51.100.7/32"
    dry = platform.run("site", "--check", "--tags", "network").ends_well()
    assert f"{HOME}: network removed. {rule}: the configuration does not have this rule." in dry.output
    assert len(database_ingress(platform.lab, HOME)[0]["IpRanges"]) == len(wanted[0]["IpRanges"]) + 1

    run = platform.run("site").ends_well()
    before, task, after = run.output.partition("Provision the database's security group")
    assert task and rule in before and rule in after
    assert database_ingress(platform.lab, HOME) == wanted
    assert {host: count for host, count in run.changed.items() if count} == {HOME: 1}
    assert [one.name for one in found if not one.has_foreign_tag()] == []


@pytest.mark.nightly
def test_foreign_tags_are_removed_where_the_configuration_says_so(platform):
    sns = platform.lab.client("sns", HOME)
    (topic,) = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
    sns.tag_resource(ResourceArn=topic, Tags=[PAIR])
    platform.run("site", "--tags", "monitoring", "-e", '{"platform_purge_tags": true}').ends_well()
    assert KEY not in {one["Key"] for one in sns.list_tags_for_resource(ResourceArn=topic)["Tags"]}
