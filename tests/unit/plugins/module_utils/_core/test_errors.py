# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every call to AWS promises: one kind of error, and the right answer to "may it have happened?"."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    aws_call,
    call_error,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

URL = "https://rds.us-east-2.example"


def failure(error, missing=()):
    @aws_call("FailoverGlobalCluster", missing=missing)
    def call(client):
        raise error

    with pytest.raises(AwsCallError) as caught:
        call(FakeAws().clients("rds", "us-east-2"))
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        ConnectionClosedError(endpoint_url=URL),
    ],
)
def test_nobody_there_is_unreachable_retryable_and_ambiguous(error):
    seen = failure(error)
    assert (seen.unreachable, seen.retryable, seen.ambiguous) == (True, True, True)


@pytest.mark.parametrize(
    ("code", "status", "retryable", "ambiguous"),
    [
        ("InvalidGlobalClusterStateFault", 400, False, False),
        ("AccessDenied", 403, False, False),
        ("Throttling", 400, True, False),
        ("SlowDown", 503, True, False),
        ("InternalFailure", 500, True, True),
        ("ServiceUnavailable", 503, True, True),
        ("InternalServerError", 400, True, True),
    ],
)
def test_an_error_answer_says_whether_to_try_again_and_whether_it_may_have_happened(code, status, retryable, ambiguous):
    seen = failure(aws_error(code, status=status))
    assert (seen.code, seen.unreachable, seen.retryable, seen.ambiguous) == (code, False, retryable, ambiguous)


def test_a_refusal_of_botocores_own_repetition_may_be_about_what_the_first_try_did():
    error = aws_error("InvalidGlobalClusterStateFault")
    assert not failure(error).ambiguous
    error.response["ResponseMetadata"]["RetryAttempts"] = 1
    assert failure(error).ambiguous


def test_missing_credentials_are_no_outage():
    seen = failure(NoCredentialsError())
    assert (seen.unreachable, seen.retryable) == (False, False)


def test_an_answer_that_cannot_be_read_may_have_happened():
    assert failure(ResponseParserError("a page of HTML")).ambiguous


def test_the_message_names_operation_region_code_and_what_aws_said():
    seen = failure(aws_error("DBClusterNotFoundFault", message="no such cluster"))
    assert str(seen) == "FailoverGlobalCluster in us-east-2 failed: DBClusterNotFoundFault: no such cluster"
    assert seen.evidence == {"error_code": "DBClusterNotFoundFault"}


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_credentials_that_have_ended_are_to_be_renewed_and_the_run_continues(code):
    answer = {"Error": {"Code": code, "Message": "The security token included in the request is expired"}}
    error = call_error("PutItem", ClientError(answer, "PutItem"))
    assert str(error).endswith("Renew the credentials, then run the same command again: it continues where it stopped.")
    assert not error.retryable


def test_what_does_not_exist_is_none():
    @aws_call("DescribeDBClusters", missing=("DBClusterNotFoundFault",))
    def call(client):
        raise aws_error("DBClusterNotFoundFault")

    assert call(FakeAws().clients("rds", "us-east-2")) is None


def test_other_errors_are_not_hidden_by_missing():
    assert failure(aws_error("AccessDenied"), missing=("DBClusterNotFoundFault",)).code == "AccessDenied"


def test_our_own_mistakes_stay_what_they_are():
    @aws_call("DescribeDBClusters")
    def call(client):
        return 1 / client

    with pytest.raises(ZeroDivisionError):
        call(0)


def test_an_answer_that_cannot_be_understood_names_its_operation_is_repeated_and_may_have_changed_something():
    @aws_call("DescribeDBClusters")
    def call(client):
        return {}["DBClusters"]

    with pytest.raises(
        AwsCallError, match="DescribeDBClusters failed: UnreadableAnswer: .*KeyError: 'DBClusters'"
    ) as met:
        call(None)
    assert (met.value.ambiguous, met.value.retryable, met.value.unreachable) == (True, True, False)
