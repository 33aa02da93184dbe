# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions in a VPC: the network must exist, and the function's role may attach it."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.lab.in_process import EAST, Aws, refused

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
RIGHTS = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
CODE = "InvalidParameterValueException"


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Functions:
    """A subnet, a security group and a role without rights."""

    def __init__(self, aws: Aws) -> None:
        self.aws, ec2, iam = aws, aws.client("ec2", EAST), aws.client("iam")
        subnet = ec2.describe_subnets()["Subnets"][0]
        groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
        group = groups["SecurityGroups"][0]["GroupId"]
        self.network = {"SubnetIds": [subnet["SubnetId"]], "SecurityGroupIds": [group]}
        self.role = iam.create_role(RoleName="check", AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]

    def allow(self, *actions: str) -> None:
        rights = document({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
        self.aws.client("iam").put_role_policy(RoleName="check", PolicyName="rights", PolicyDocument=rights)

    def create(self, **network: Any) -> Any:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as files:
            files.writestr("check.py", "")
        given = {"Role": self.role, "Handler": "check.handler", "Code": {"ZipFile": package.getvalue()}}
        client = self.aws.client("lambda", EAST)
        return client.create_function(FunctionName="check", Runtime="python3.13", VpcConfig=network, **given)


@pytest.fixture
def functions(aws: Aws) -> Functions:
    return Functions(aws)


@pytest.mark.parametrize("missing", RIGHTS)
def test_a_function_needs_each_right_of_its_role_for_its_network(functions: Functions, missing: str) -> None:
    functions.allow(*(one for one in RIGHTS if one != missing))
    assert missing.removeprefix("ec2:") in refused(CODE, functions.create, **functions.network)
    functions.allow(*RIGHTS)
    assert functions.create(**functions.network)["VpcConfig"]["SubnetIds"] == functions.network["SubnetIds"]


def test_a_network_that_does_not_exist_is_refused_with_ec2s_error(functions: Functions) -> None:
    functions.allow(*RIGHTS)
    wrong = {**functions.network, "SubnetIds": ["subnet-0123456789abcdef0"]}
    assert "InvalidSubnetID.NotFound" in refused(CODE, functions.create, **wrong)
    wrong = {**functions.network, "SecurityGroupIds": ["sg-0123456789abcdef0"]}
    assert "InvalidGroup.NotFound" in refused(CODE, functions.create, **wrong)


def test_a_function_that_exists_is_judged_too_when_it_moves_into_a_vpc(functions: Functions) -> None:
    functions.create()
    move = functions.aws.client("lambda", EAST).update_function_configuration
    refused(CODE, move, FunctionName="check", VpcConfig=functions.network)
    functions.allow(*RIGHTS)
    assert move(FunctionName="check", VpcConfig=functions.network)["VpcConfig"]["SubnetIds"]
