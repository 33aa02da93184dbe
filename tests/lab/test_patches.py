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

import pytest

from lab import patches
from tests.lab import stock_moto
from tests.lab.in_process import EAST, Aws
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
