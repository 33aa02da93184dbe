# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A boundary forbids what no statement of it may allow, and what one denies; only what is certain counts."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.boundary import (
    contains,
    forbidden_by,
    may_meet,
    run,
)

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/ours"
BOUNDARY = "arn:aws:iam::123456789012:policy/desk"
NEEDED = [{"Statement": [{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": TABLE}]}]
PATTERNS = st.text("ab*?", max_size=6)


def allow(action="*", resource="*", effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def deny(action="*", resource="*", **more):
    return allow(action, resource, "Deny", **more)


def forbidden(*statements, needed=NEEDED):
    """The forbidden actions, with whether they are denied."""
    found = forbidden_by({"Statement": list(statements)}, needed)
    return {one["action"].partition(":")[2]: one["is_denied"] for one in found}


CONDITION = {"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow()], {}),
        ([], {"GetItem": False, "PutItem": False}),
        ([allow("dynamodb:get*")], {"PutItem": False}),
        ([allow("s3:*")], {"GetItem": False, "PutItem": False}),
        ([allow(), deny("dynamodb:PutItem")], {"PutItem": True}),
        ([allow(), deny("dynamodb:*", TABLE)], {"GetItem": True, "PutItem": True}),
        ([allow(), deny("dynamodb:*", TABLE.replace("ours", "theirs"))], {}),
        ([allow("*", TABLE.replace("ours", "theirs"))], {"GetItem": False, "PutItem": False}),
        # What depends on the request may be allowed, and may not be denied.
        ([allow(**CONDITION)], {}),
        ([allow(), deny(**CONDITION)], {}),
        ([allow("*", "arn:aws:dynamodb:*:${aws:PrincipalAccount}:table/*")], {}),
        # Everything but.
        ([{"Effect": "Allow", "NotAction": ["iam:*", "dynamodb:Put*"], "Resource": "*"}], {"PutItem": False}),
        ([allow(), {"Effect": "Deny", "NotAction": "dynamodb:GetItem", "Resource": "*"}], {"PutItem": True}),
        ([{"Effect": "Allow", "Action": "*", "NotResource": TABLE}], {"GetItem": False, "PutItem": False}),
        (
            [allow(), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::*"}],
            {"GetItem": True, "PutItem": True},
        ),
        ([allow(), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:dynamodb:*"}], {}),
    ],
)
def test_only_what_is_forbidden_for_certain_is_named(statements, expected):
    assert forbidden(*statements) == expected


def test_a_part_of_what_a_policy_names_is_enough():
    needed = [{"Statement": [allow("ec2:DeleteVpc", "arn:aws:ec2:*:123456789012:vpc/*")]}]
    assert forbidden(allow("ec2:*", "arn:aws:ec2:us-east-1:*:vpc/vpc-1"), needed=needed) == {}
    assert forbidden(allow("ec2:*", "arn:aws:ec2:us-east-1:*:subnet/*"), needed=needed) == {"DeleteVpc": False}


@given(PATTERNS, st.text("ab", max_size=6))
def test_patterns_that_have_a_text_in_common_meet(pattern, text):
    assert may_meet(pattern, text) == may_meet(text, pattern) == fnmatch.fnmatchcase(text, pattern)


@given(PATTERNS, PATTERNS, st.text("ab", max_size=5))
def test_no_text_is_in_two_patterns_that_do_not_meet(one, other, text):
    assert may_meet(one, other) or not (contains(one, text) and contains(other, text))
    assert may_meet(one, other) == may_meet(other, one)


class Aws:
    """IAM and STS of one account: a role's session that runs, its boundary, and the boundary's document or error."""

    def __init__(self, document=None, boundary=BOUNDARY, caller="arn:aws:sts::123456789012:assumed-role/runner/1"):
        self.document, self.boundary, self.caller = document, boundary, caller

    def __call__(self, service, region=None):
        return self

    def get_caller_identity(self):
        return {"Arn": self.caller}

    def get_role(self, RoleName):
        own = {"PermissionsBoundary": {"PermissionsBoundaryArn": self.boundary}} if self.boundary else {}
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role/desk/{RoleName}", **own}}

    def get_user(self, UserName):
        return {"User": {"Arn": f"arn:aws:iam::123456789012:user/{UserName}"}}

    def get_policy(self, PolicyArn):
        if isinstance(self.document, Exception):
            raise self.document
        return {"Policy": {"DefaultVersionId": "v2"}}

    def get_policy_version(self, PolicyArn, VersionId):
        assert (PolicyArn, VersionId) == (BOUNDARY, "v2")
        return {"PolicyVersion": {"Document": self.document}}


def refused(code):
    return AwsCallError("GetPolicy", code, "no")


def found_of(aws, **params):
    return run({"region": "us-east-1", "policies": NEEDED, **params}, aws)


def test_a_boundary_that_forbids_is_named_with_what_it_forbids():
    found = found_of(Aws({"Statement": [allow("dynamodb:GetItem")]}))
    assert found["principal"] == "arn:aws:iam::123456789012:role/desk/runner"
    assert found["reason"] == f"The permissions boundary {BOUNDARY} forbids dynamodb:PutItem on {TABLE}."


def test_who_has_no_boundary_is_not_limited():
    for aws in (Aws(boundary=None), Aws(caller="arn:aws:iam::123456789012:user/desk/one")):
        found = found_of(aws)
        assert (found["boundary"], found["forbidden"], found["unknown"]) == (None, [], None)
    root = found_of(Aws(caller="arn:aws:iam::123456789012:root"))
    assert (root["boundary"], root["unknown"]) == (None, None)


def test_a_boundary_that_does_not_exist_is_missing_and_one_that_cannot_be_read_is_unknown():
    gone = found_of(Aws(refused("NoSuchEntity")), boundary_arn=BOUNDARY)
    assert gone["is_missing"] and gone["reason"] == f"The policy {BOUNDARY} does not exist."
    hidden = found_of(Aws(refused("AccessDenied")))
    assert (hidden["is_missing"], hidden["forbidden"]) == (False, [])
    assert "AccessDenied" in hidden["unknown"] and hidden["reason"].endswith(hidden["unknown"])
    stranger = found_of(Aws(caller="arn:aws:sts::123456789012:federated-user/one"))
    assert "neither a user nor a session of a role" in stranger["unknown"]


def test_a_sentence_names_some_of_many_actions_and_counts_the_others():
    needed = [{"Statement": [allow([f"s3:Get{number}" for number in range(7)])]}]
    reason = found_of(Aws({"Statement": []}), policies=needed)["reason"]
    assert reason.endswith("s3:Get0 on *, s3:Get1 on *, s3:Get2 on *, s3:Get3 on *, s3:Get4 on * and 2 more actions.")
