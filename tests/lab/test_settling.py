# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What was created a moment ago is refused once, in the words that the table of retries knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._core.settling import result_passes
from tests.lab.in_process import EAST, Aws, refused

PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::switch/active"}


@pytest.fixture
def strict(aws: Aws) -> Aws:
    aws.settings(first_use_refused=True)
    return aws


def is_refused_once(name: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ClientError) as error:
        call()
    assert result_passes(name, {"failed": True, "msg": f"Failed: {error.value}"}), error.value
    call()


def block(s3: Any, is_on: bool) -> None:
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket="switch", PublicAccessBlockConfiguration=dict.fromkeys(names, is_on))


def test_an_instance_profile_is_not_known_at_first(strict: Aws) -> None:
    iam, ec2 = strict.client("iam"), strict.client("ec2", EAST)
    profile = iam.create_instance_profile(InstanceProfileName="app")["InstanceProfile"]["Arn"]
    data = {"ImageId": "ami-12345678", "InstanceType": "t3.medium", "IamInstanceProfile": {"Arn": profile}}
    ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData=data)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = {"AutoScalingGroupName": "app", "MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": subnet}
    template = {"LaunchTemplateName": "app", "Version": "$Latest"}
    create = strict.client("autoscaling", EAST).create_auto_scaling_group
    is_refused_once("instance_profile", lambda: create(LaunchTemplate=template, **group))


def test_a_public_policy_is_refused_while_it_is_blocked_and_once_more(strict: Aws) -> None:
    s3, policy = strict.client("s3", EAST), json.dumps({"Version": "2012-10-17", "Statement": [PUBLIC]})
    s3.create_bucket(Bucket="switch")
    block(s3, True)
    for _time in range(2):
        refused("AccessDenied", lambda: s3.put_bucket_policy(Bucket="switch", Policy=policy))
    block(s3, False)
    is_refused_once("bucket_policy", lambda: s3.put_bucket_policy(Bucket="switch", Policy=policy))


def test_replication_is_refused_right_after_versioning(strict: Aws) -> None:
    s3 = strict.client("s3", EAST)
    for name in ("here", "there"):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::there"}}
    configuration = {"Role": "arn:aws:iam::123456789012:role/r", "Rules": [rule]}
    put = s3.put_bucket_replication
    is_refused_once("bucket_replication", lambda: put(Bucket="here", ReplicationConfiguration=configuration))


def test_a_keys_tags_do_not_count_at_first(strict: Aws) -> None:
    kms = strict.client("kms", EAST)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    is_refused_once("key_tags", lambda: kms.describe_key(KeyId=key))


def test_nothing_is_refused_without_the_setting(aws: Aws) -> None:
    kms = aws.client("kms", EAST)
    kms.describe_key(KeyId=kms.create_key()["KeyMetadata"]["KeyId"])
