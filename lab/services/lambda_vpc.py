# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda functions in a VPC: what CreateFunction and UpdateFunctionConfiguration refuse.

Follows: AWS Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC" (Lambda makes the
network interfaces with the function's own role). Words: terraform-provider-aws (its retry of CreateFunction) for the
role; Lambda passes on EC2's own errors for subnets and security groups. Interfaces, and how long Lambda keeps them
after the function, are not simulated.
"""

from __future__ import annotations

from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from lab.iam_policies import ALLOWED, decide
from lab.services.first_use import is_refused
from lab.services.iam_simulation import documents_of

NOT_THERE = "Error occurred while {call}. EC2 Error Code: {code}. EC2 Error Message: The {what} '{name}' does not exist"
NOT_ALLOWED = "The provided execution role does not have permissions to call {action} on EC2"


def check(region: str, role_arn: str, network: dict[str, Any]) -> None:
    """Raise Lambda's error for a network that does not exist, or that the role may not use."""
    subnets, groups = network.get("SubnetIds") or [], network.get("SecurityGroupIds") or []
    if not subnets:
        return
    if not groups:
        raise InvalidParameterValueException("SecurityGroupIds should not be empty if SubnetIds are given")
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    known = {name for zone in ec2.subnets.values() for name in zone}
    for name in set(subnets) - known:
        words = {"call": "DescribeSubnets", "code": "InvalidSubnetID.NotFound", "what": "subnet ID"}
        raise InvalidParameterValueException(NOT_THERE.format(name=name, **words))
    for name in groups:
        if ec2.get_security_group_from_id(name) is None:
            words = {"call": "DescribeSecurityGroups", "code": "InvalidGroup.NotFound", "what": "security group"}
            raise InvalidParameterValueException(NOT_THERE.format(name=name, **words))
    iam, own = iam_backends[DEFAULT_ACCOUNT_ID]["aws"], f"arn:aws:ec2:{region}:{DEFAULT_ACCOUNT_ID}"
    role = next((one for one in iam.roles.values() if one.arn == role_arn), None)
    documents = list(documents_of(iam, role_arn)) if role else []
    card = f"{own}:network-interface/eni-0123456789abcdef0"
    made = [card, *(f"{own}:subnet/{name}" for name in subnets), *(f"{own}:security-group/{name}" for name in groups)]
    needs = {"CreateNetworkInterface": made, "DescribeNetworkInterfaces": ["*"], "DeleteNetworkInterface": [card]}
    context = {"aws:requestedregion": [region]}
    for action, resources in needs.items():
        refused = any(decide(documents, f"ec2:{action}", one, context) != ALLOWED for one in resources)
        if refused or role is None or is_refused(role, f"lambda in {region}"):
            raise InvalidParameterValueException(NOT_ALLOWED.format(action=action))


def install() -> None:
    create, update = LambdaBackend.create_function, LambdaBackend.update_function_configuration

    def create_function(self: LambdaBackend, spec: dict[str, Any]) -> Any:
        check(self.region_name, spec.get("Role", ""), spec.get("VpcConfig") or {})
        return create(self, spec)

    def update_function_configuration(
        self: LambdaBackend, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> Any:
        function = self.get_function(function_name, qualifier)
        check(self.region_name, body.get("Role") or function.role, body.get("VpcConfig") or {})
        return update(self, function_name, qualifier, body)

    LambdaBackend.create_function = create_function
    LambdaBackend.update_function_configuration = update_function_configuration
