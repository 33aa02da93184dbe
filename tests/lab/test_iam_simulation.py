# SPDX-License-Identifier: GPL-3.0-or-later
"""SimulatePrincipalPolicy: what a user's or a role's policies allow, action by action and resource by resource."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.lab.in_process import Aws

HERE, THERE = "arn:aws:s3:::here/key", "arn:aws:s3:::there/key"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def policy(effect: str, action: str, resource: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def decisions(aws: Aws, arn: str, *resources: str, **more: Any) -> dict[str, str]:
    asked = {
        "PolicySourceArn": arn,
        "ActionNames": ["s3:GetObject"],
        **({"ResourceArns": resources} if resources else {}),
    }
    answer = aws.client("iam").simulate_principal_policy(**asked, **more)["EvaluationResults"]
    return {one["EvalResourceName"]: one["EvalDecision"] for one in answer}


@pytest.fixture
def user(aws: Aws) -> str:
    return aws.client("iam").create_user(UserName="runner")["User"]["Arn"]


def test_what_nothing_allows_is_denied(aws: Aws, user: str) -> None:
    assert decisions(aws, user) == {"*": "implicitDeny"}


def test_an_allowed_resource_is_distinguished_from_another(aws: Aws, user: str) -> None:
    aws.client("iam").put_user_policy(UserName="runner", PolicyName="p", PolicyDocument=policy("Allow", "s3:*", HERE))
    assert decisions(aws, user, HERE, THERE) == {HERE: "allowed", THERE: "implicitDeny"}


def test_an_explicit_deny_wins(aws: Aws, user: str) -> None:
    iam = aws.client("iam")
    iam.put_user_policy(UserName="runner", PolicyName="allow", PolicyDocument=policy("Allow", "s3:*", "*"))
    iam.put_user_policy(UserName="runner", PolicyName="deny", PolicyDocument=policy("Deny", "s3:*", THERE))
    assert decisions(aws, user, HERE, THERE) == {HERE: "allowed", THERE: "explicitDeny"}


def test_a_groups_and_an_attached_policy_count(aws: Aws, user: str) -> None:
    iam = aws.client("iam")
    arn = iam.create_policy(PolicyName="m", PolicyDocument=policy("Allow", "s3:GetObject", HERE))["Policy"]["Arn"]
    iam.create_group(GroupName="runners")
    iam.attach_group_policy(GroupName="runners", PolicyArn=arn)
    iam.add_user_to_group(GroupName="runners", UserName="runner")
    role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="runner", PolicyArn=arn)
    assert decisions(aws, user, HERE) == decisions(aws, role, HERE) == {HERE: "allowed"}


def test_a_condition_holds_only_with_its_context(aws: Aws, user: str) -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-east-2"]}}
    document = policy("Allow", "s3:*", "*", Condition=condition)
    aws.client("iam").put_user_policy(UserName="runner", PolicyName="p", PolicyDocument=document)
    key = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string"}
    assert decisions(aws, user) == {"*": "implicitDeny"}
    for region, decision in (("us-east-2", "allowed"), ("eu-west-1", "implicitDeny")):
        assert decisions(aws, user, ContextEntries=[{**key, "ContextKeyValues": [region]}]) == {"*": decision}


def test_a_principal_that_does_not_exist_is_an_error(aws: Aws) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        decisions(aws, "arn:aws:iam::123456789012:user/nobody")
