# SPDX-License-Identifier: GPL-3.0-or-later
"""Each patch is still needed: stock moto has the defect; and with the patch it is gone.

The first test fails when moto fixes a defect itself: then drop the patch (or what the service adds), and its probe.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import patches
from tests.lab import stock_moto
from tests.lab.in_process import EAST, WEST, Aws
from tests.lab.test_autoscaling import Fleet


@pytest.fixture(scope="module")
def stock() -> dict[str, bool]:
    script = Path(stock_moto.__file__)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_patch_has_a_probe_and_a_reason() -> None:
    assert {patch.__name__ for patch in patches.PATCHES} <= set(stock_moto.PROBES)
    assert all(patch.__doc__ for patch in patches.PATCHES)


@pytest.mark.nightly
@pytest.mark.parametrize("name", stock_moto.PROBES)
def test_stock_moto_still_has_the_defect(stock: dict[str, bool], name: str) -> None:
    assert stock[name], f"moto has fixed {name}: drop the lab's own"


@pytest.mark.parametrize("name", sorted(set(stock_moto.PROBES) - {"launch_template_version_user_data"}))
def test_the_lab_does_not_have_it(aws: Aws, name: str) -> None:
    assert not stock_moto.PROBES[name](), name


def test_a_later_template_version_launches_with_its_user_data(aws: Aws) -> None:
    fleet = Fleet(aws)
    user_data = base64.b64encode(b"echo later").decode()
    data = {"ImageId": "ami-12345678", "InstanceType": "t3.medium", "UserData": user_data}
    fleet.ec2.create_launch_template_version(LaunchTemplateName="template", LaunchTemplateData=data)
    fleet.resize(3)
    shown = [
        fleet.ec2.describe_instance_attribute(InstanceId=one, Attribute="userData")["UserData"]["Value"]
        for one in fleet.instances()
    ]
    assert shown.count(user_data) == 1


def test_the_nat_gateway_is_found_by_its_resource_type(aws: Aws) -> None:
    ec2 = aws.client("ec2", EAST)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    tags = [{"ResourceType": "natgateway", "Tags": [{"Key": "Name", "Value": "nat"}]}]
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, TagSpecifications=tags)
    (shown,) = ec2.describe_nat_gateways(Filter=[{"Name": "tag:Name", "Values": ["nat"]}])["NatGateways"]
    assert shown["Tags"] == tags[0]["Tags"]


def test_errors_have_the_texts_that_moto_has_verified_against_aws(aws: Aws) -> None:
    secrets = stock_moto.secret_versions()
    arn = secrets.describe_secret(SecretId="versions")["ARN"]
    token = stock_moto.TOKENS[2]
    again = {"SecretId": "versions", "ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
    used = refusal(secrets.put_secret_value, **again, SecretString="another")
    assert used == (
        "ResourceExistsException",
        f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}.",
    )
    move = {"SecretId": "versions", "VersionStage": "AWSCURRENT", "MoveToVersionId": token}
    code, text = refusal(secrets.update_secret_version_stage, **move)
    assert code == "InvalidParameterException" and f"AWSCURRENT is currently attached to version {'0' * 32}" in text
    unknown = refusal(aws.client("autoscaling", EAST).update_auto_scaling_group, AutoScalingGroupName="none", MinSize=1)
    assert unknown == ("ValidationError", "AutoScalingGroup name not found - null")


def test_a_secret_shows_when_it_was_read_where_it_was_read(aws: Aws) -> None:
    secrets = aws.client("secretsmanager", EAST)
    secrets.create_secret(Name="s", SecretString="v", AddReplicaRegions=[{"Region": WEST}])
    aws.client("secretsmanager", WEST).get_secret_value(SecretId="s")
    shown = secrets.describe_secret(SecretId="s")
    read = shown["ReplicationStatus"][0]["LastAccessedDate"]
    assert read.timestamp() % 86400 == 0 and "LastAccessedDate" not in shown
    assert aws.client("secretsmanager", WEST).describe_secret(SecretId="s")["LastAccessedDate"] == read
    (version,) = secrets.list_secret_version_ids(SecretId="s")["Versions"]
    assert version["KmsKeyIds"] == ["DefaultEncryptionKey"]


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    """Code and message of the error that a call answers with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
