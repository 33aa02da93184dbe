# SPDX-License-Identifier: GPL-3.0-or-later
"""A caller whose clock is wrong, over the socket: real boto3 signs with a time that is so many minutes off."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import botocore.auth
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from lab.client import Lab

EAST = "us-east-1"
# One service for each protocol: what AWS answers.
REFUSALS = [
    ("rds", "describe_db_clusters", 403, "SignatureDoesNotMatch"),  # query
    ("ec2", "describe_vpcs", 401, "AuthFailure"),  # ec2
    ("route53", "list_health_checks", 403, "SignatureDoesNotMatch"),  # REST-XML
    ("dynamodb", "list_tables", 400, "InvalidSignatureException"),  # JSON
    ("lambda", "list_functions", 403, "InvalidSignatureException"),  # REST-JSON
    ("cloudwatch", "list_metrics", 400, "InvalidSignatureException"),  # CBOR
]

SetClock = Callable[[float], None]


@pytest.fixture
def clock_off(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Put the clock that boto3 signs with so many minutes forward."""
    present = botocore.auth.get_current_datetime

    def put_forward(minutes: float) -> None:
        shifted = timedelta(minutes=minutes)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *given: present(*given) + shifted)

    return put_forward


def refused(call: Callable[[], Any]) -> tuple[int, str, str]:
    """(HTTP status, error code, message) of a call that must be refused."""
    with pytest.raises(ClientError) as seen:
        call()
    error = seen.value.response["Error"]
    return seen.value.response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


@pytest.mark.parametrize(("service", "method", "status", "code"), REFUSALS)
@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_ten_minutes_off_is_refused_in_each_services_own_words(
    lab: Lab, clock_off: SetClock, minutes: int, service: str, method: str, status: int, code: str
) -> None:
    call = getattr(lab.client(service, EAST, retries={"total_max_attempts": 3}), method)
    clock_off(minutes)
    assert refused(call)[:2] == (status, code)
    assert [one["status"] for one in lab.calls()] == [status]


@pytest.mark.parametrize("minutes", [-4.8, 4.8])
def test_a_clock_less_than_five_minutes_off_does_no_harm(lab: Lab, clock_off: SetClock, minutes: float) -> None:
    clock_off(minutes)
    for service, method, _, _ in REFUSALS:
        getattr(lab.client(service, EAST), method)()


def test_the_refusal_tells_both_times(lab: Lab, clock_off: SetClock) -> None:
    clock_off(-10)
    assert "Signature expired: " in refused(lab.client("rds").describe_db_clusters)[2]
    clock_off(10)
    assert "Signature not yet current: " in refused(lab.client("sqs").list_queues)[2]


@pytest.mark.parametrize("minutes", [-16, 16])
def test_s3_allows_a_quarter_of_an_hour(lab: Lab, clock_off: SetClock, minutes: int) -> None:
    s3 = lab.client("s3")
    clock_off(14 if minutes > 0 else -14)
    s3.list_buckets()
    clock_off(minutes)
    assert refused(s3.list_buckets)[:2] == (403, "RequestTimeTooSkewed")


def test_what_was_refused_has_changed_nothing(lab: Lab, clock_off: SetClock) -> None:
    sns = lab.client("sns")
    clock_off(10)
    refused(lambda: sns.create_topic(Name="never"))
    clock_off(0)
    assert sns.list_topics()["Topics"] == []


def test_a_lost_region_does_not_answer_a_wrong_clock_either(lab: Lab, clock_off: SetClock) -> None:
    lab.outage(EAST, "reset")
    clock_off(10)
    with pytest.raises(ConnectionClosedError):
        lab.client("rds", EAST).describe_db_clusters()


@pytest.mark.parametrize(
    ("signed", "seconds", "message"),
    [(-10, 300, "Request has expired"), (16, 3600, "Request is not yet valid"), (-10, 3600, None), (0, 60, None)],
)
def test_a_presigned_url_is_good_for_its_time(
    lab: Lab, clock_off: SetClock, signed: int, seconds: int, message: str | None
) -> None:
    s3 = lab.client("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=b"text")
    clock_off(signed)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"}, ExpiresIn=seconds)
    assert_read(url, message)


@pytest.mark.parametrize(("seconds", "message"), [(60, None), (-5, "Request has expired")])
def test_a_url_presigned_by_signature_version_2_is_good_until_it_expires(
    lab: Lab, seconds: int, message: str | None
) -> None:
    s3 = lab.client("s3", EAST)  # which presigns by version 2 in this region
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=b"text")
    assert_read(s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"}, seconds), message)


def assert_read(url: str, message: str | None) -> None:
    """A URL answers with the object, or is refused with a message."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    if message is None:
        assert opener.open(url, timeout=5).read() == b"text"
        return
    with pytest.raises(urllib.error.HTTPError) as seen:
        opener.open(url, timeout=5)
    assert seen.value.code == 403 and message in seen.value.read().decode()
