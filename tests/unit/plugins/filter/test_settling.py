# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Only the refusals that AWS ends by itself are retried, whatever the case of its words."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.filter.settling import is_settling, settling_retries
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._core.settling import TABLE, passes
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import retry_transient
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeTime

# What AWS was seen to answer (operation, code, message), by the row of the table.
SEEN = {
    "instance_profile": (
        "CreateAutoScalingGroup",
        "ValidationError",
        "You must use a valid fully-formed launch template. Value (arn:aws:iam::012345678901:instance-profile/node)"
        " for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN",
    ),
    "bucket_policy": (
        "PutBucketPolicy",
        "AccessDenied",
        'User: arn:aws:iam::1:user/x is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::b" '
        "because public policies are blocked by the BlockPublicPolicy block public access setting.",
    ),
    "bucket_replication": (
        "PutBucketReplication",
        "InvalidRequest",
        "Destination bucket must have versioning enabled.",
    ),
    "key_tags": (
        "DescribeKey",
        "AccessDeniedException",
        "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:DescribeKey on resource: "
        "arn:aws:kms:us-east-1:1:key/046474ec because no identity-based policy allows the kms:DescribeKey action",
    ),
    "function_role": (
        "CreateFunction",
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    "web_acl": ("AssociateWebACL", "WAFUnavailableEntityException", "AWS WAF could not retrieve the resource. Retry."),
}


def failed(operation: str, code: str, message: str) -> dict:
    """The result of a task whose module passed on a ClientError."""
    text = f"An error occurred ({code}) when calling the {operation} operation: {message}"
    return {"failed": True, "msg": f"Failed to do it.: {text}", "error": {"code": code, "message": message}}


def test_every_row_is_tried_and_says_where_it_is_from():
    assert SEEN.keys() == TABLE.keys()
    assert all(one.source and one.patience > 0 for one in TABLE.values())


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("case", [str, str.upper, str.lower, str.title])
def test_aws_own_words_are_recognized_in_any_case(name, case):
    operation, code, message = SEEN[name]
    assert is_settling(failed(operation, code, case(message)), name)
    assert passes(name, operation, code, case(message))


@pytest.mark.parametrize("name", SEEN)
def test_another_failure_of_the_same_task_is_not_retried(name):
    operation, code, message = SEEN[name]
    assert not is_settling(failed(operation, "UnauthorizedOperation", message), name)
    assert not is_settling({"failed": True, "msg": "Timeout"}, name)
    assert not is_settling({"changed": True}, name)


def test_the_same_code_with_other_words_is_not_retried():
    sizes = failed("CreateAutoScalingGroup", "ValidationError", "MinSize is above MaxSize")
    assert not is_settling(sizes, "instance_profile")
    denied = "User: x is not authorized to perform: s3:PutBucketPolicy because no identity-based policy allows it"
    assert not is_settling(failed("PutBucketPolicy", "AccessDenied", denied), "bucket_policy")


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists)))
def test_any_result_gets_an_answer(result):
    assert all(is_settling(result, name) in (True, False) for name in TABLE)


def test_bad_input_is_named():
    with pytest.raises(AnsibleFilterError, match="profile is not.*allowed: one of instance_profile"):
        is_settling({}, "profile")
    with pytest.raises(AnsibleFilterError, match="not str"):
        is_settling("text", "web_acl")
    with pytest.raises(AnsibleFilterError, match="settling_retries: profile"):
        settling_retries("profile")


def test_the_tries_last_as_long_as_the_patience():
    assert settling_retries("instance_profile") * 5 == TABLE["instance_profile"].patience
    assert settling_retries("key_tags", 60) == 6


def test_a_module_of_ours_tries_again_until_aws_has_settled_and_not_longer_than_its_patience():
    time, (operation, code, message) = FakeTime(), SEEN["bucket_replication"]
    refusal, answers = AwsCallError(operation, code, message), iter([True, True, False])

    def write():
        if next(answers):
            raise refusal
        return "done"

    given_time = {"clock": time.clock, "sleep": time.sleep}
    assert retry_transient(write, settling="bucket_replication", **given_time) == "done"
    answers = iter(lambda: True, None)
    with pytest.raises(AwsCallError) as late:
        retry_transient(write, settling="bucket_replication", **given_time)
    assert late.value is refusal
    with pytest.raises(AwsCallError):
        retry_transient(write, **given_time)
