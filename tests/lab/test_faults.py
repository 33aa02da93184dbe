# SPDX-License-Identifier: GPL-3.0-or-later
"""Outages and faults: what boto3 sees, how long it waits, and who else is hit."""

from __future__ import annotations

import threading
import time
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from lab.client import Lab
from tests.lab.stage import Stage, wait

EAST, WEST = "us-east-1", "us-east-2"
READS = [
    ("dynamodb", "list_tables", "ThrottlingException", "InternalServerError"),
    ("cloudwatch", "list_metrics", "ThrottlingException", "ServiceUnavailableException"),
    ("lambda", "list_functions", "TooManyRequestsException", "ServiceUnavailableException"),
    ("rds", "describe_db_clusters", "Throttling", "ServiceUnavailable"),
    ("ec2", "describe_vpcs", "RequestLimitExceeded", "Unavailable"),
    ("s3", "list_buckets", "SlowDown", "ServiceUnavailable"),
    ("sqs", "list_queues", "ThrottlingException", "ServiceUnavailableException"),
]


def timed(call: Any) -> tuple[Exception | None, float]:
    """(the exception a call ended with, seconds)."""
    start = time.monotonic()
    try:
        call()
    except Exception as error:
        return error, time.monotonic() - start
    return None, time.monotonic() - start


def code(error: Exception | None) -> str:
    assert isinstance(error, ClientError), error
    return error.response["Error"]["Code"]


def test_a_throttled_region_answers_each_services_own_error(lab: Lab) -> None:
    lab.outage(WEST, "throttle")
    seen = [code(timed(getattr(lab.client(service, WEST), method))[0]) for service, method, *_ in READS]
    assert seen == [throttling for _, _, throttling, _ in READS]


def test_a_failing_region_answers_each_services_own_error(lab: Lab) -> None:
    lab.outage(WEST, "5xx")
    errors = [timed(getattr(lab.client(service, WEST), method))[0] for service, method, *_ in READS]
    assert [code(error) for error in errors] == [unavailable for *_, unavailable in READS]
    assert all(error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500 for error in errors)


def test_boto_takes_the_errors_for_retryable(lab: Lab) -> None:
    lab.fault("throttle", service="rds", count=1)
    lab.fault("5xx", service="dynamodb", count=1)
    lab.client("rds", retries={"total_max_attempts": 2}).describe_db_clusters()
    lab.client("dynamodb", retries={"total_max_attempts": 2}).list_tables()
    assert [call["status"] for call in lab.calls()] == [400, 200, 500, 200]


def test_a_reset_is_immediate(lab: Lab) -> None:
    lab.outage(WEST, "reset")
    error, seconds = timed(lab.client("rds", WEST).describe_db_clusters)
    assert isinstance(error, ConnectionClosedError)
    assert seconds < 1
    assert lab.calls()[-1]["status"] == "reset"


def test_a_hang_lasts_until_the_client_gives_up_and_blocks_no_other_request(lab: Lab) -> None:
    lab.outage(WEST)
    lost = lab.client("rds", WEST, read_timeout=1)
    waiting = threading.Thread(target=timed, args=(lost.describe_db_clusters,))
    waiting.start()
    error, seconds = timed(lab.client("rds", EAST).describe_db_clusters)
    assert error is None and seconds < 0.9
    waiting.join()
    (call,) = wait(lambda: [call for call in lab.calls() if call["region"] == WEST])
    assert call["status"] == "hang"
    assert 0.9 < call["seconds"] < 2


def test_a_hang_gives_a_read_timeout(lab: Lab) -> None:
    lab.outage(WEST)
    error, seconds = timed(lab.client("dynamodb", WEST, read_timeout=0.3).list_tables)
    assert isinstance(error, ReadTimeoutError)
    assert 0.25 < seconds < 1


def test_restore_lets_go_of_those_who_wait(lab: Lab) -> None:
    lab.outage(WEST)
    outcome: list[Any] = []
    client = lab.client("rds", WEST, read_timeout=30)
    waiting = threading.Thread(target=lambda: outcome.append(timed(client.describe_db_clusters)))
    waiting.start()
    time.sleep(0.3)
    lab.restore(WEST)
    waiting.join(5)
    assert isinstance(outcome[0][0], ConnectionClosedError)
    assert timed(client.describe_db_clusters)[0] is None


def test_a_regional_outage_spares_the_global_services_and_takes_the_regions_own_sts(lab: Lab) -> None:
    lab.outage(EAST, "5xx")
    lab.client("route53", EAST).list_health_checks()
    lab.client("iam", EAST).list_roles()
    lab.client("sts", WEST).get_caller_identity()
    assert timed(lab.client("sts", EAST).get_caller_identity)[0] is not None
    assert code(timed(lab.client("sns", EAST).list_topics)[0]) == "ServiceUnavailable"


def test_the_global_control_planes_are_lost_separately(lab: Lab) -> None:
    lab.outage("aws-global", "5xx")
    for service, method in (("route53", "list_health_checks"), ("iam", "list_roles"), ("sts", "get_caller_identity")):
        assert code(timed(getattr(lab.client(service, EAST), method))[0]) == "ServiceUnavailable"
    lab.client("sts", WEST).get_caller_identity()
    lab.client("sns", EAST).list_topics()
    lab.client("cloudfront", EAST).list_distributions()


def test_a_bucket_is_lost_with_its_own_region_for_every_caller(stage: Stage) -> None:
    stage.lab.outage(WEST, "5xx")
    s3 = stage.lab.client("s3", EAST)
    assert code(timed(lambda: s3.list_objects_v2(Bucket=stage.bucket(WEST)))[0]) == "ServiceUnavailable"
    s3.list_objects_v2(Bucket=stage.bucket(EAST))


def test_targets_fail_with_their_region_and_recover(stage: Stage) -> None:
    elbv2, group = stage.lab.client("elbv2", EAST), stage.groups[EAST]

    def states() -> list[str]:
        shown = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in shown]

    stage.lab.set_targets(EAST, "unhealthy", healthy=1)
    assert states() == ["healthy", "unhealthy"]
    stage.lab.set_targets(EAST, "healthy")
    stage.lab.set_targets(EAST, "unhealthy", target_group=group)
    assert states() == ["unhealthy", "unhealthy"]
    stage.lab.set_targets(EAST, "healthy", target_group=group)
    assert states() == ["healthy", "healthy"]


def test_a_fault_hits_only_what_it_names(lab: Lab) -> None:
    lab.fault("throttle", region=WEST, service="rds", operation="DescribeDBClusters")
    assert code(timed(lab.client("rds", WEST).describe_db_clusters)[0]) == "Throttling"
    lab.client("rds", EAST).describe_db_clusters()
    lab.client("rds", WEST).describe_db_instances()
    lab.client("sns", WEST).list_topics()


def test_a_fault_ends_after_its_count_or_when_cleared(lab: Lab) -> None:
    lab.fault("5xx", service="sns", count=2)
    kept = lab.fault("5xx", service="sqs")
    gone = lab.fault("5xx", service="dynamodb")
    statuses = [timed(lab.client("sns").list_topics)[0] is None for _ in range(3)]
    assert statuses == [False, False, True]
    lab.clear_faults(gone)
    assert timed(lab.client("dynamodb").list_tables)[0] is None
    assert [fault["id"] for fault in lab.state()["faults"] if fault["count"] is None] == [kept]
    lab.clear_faults()
    assert timed(lab.client("sqs").list_queues)[0] is None


def test_latency_delays_and_then_answers_and_blocks_no_other_request(lab: Lab) -> None:
    lab.fault("latency", service="sns", seconds=2)
    slow, sqs = threading.Thread(target=lab.client("sns").list_topics), lab.client("sqs")
    slow.start()
    sqs.list_queues()
    assert slow.is_alive()
    slow.join()
    (call,) = [call for call in lab.calls() if call["service"] == "sns"]
    assert (call["status"], call["seconds"] >= 2) == (200, True)


def test_a_fault_can_hang_for_so_many_seconds(lab: Lab) -> None:
    lab.fault("hang", service="sns", seconds=0.3)
    error, seconds = timed(lab.client("sns").list_topics)
    assert isinstance(error, ConnectionClosedError)
    assert 0.25 < seconds < 2


def test_probability_hits_some(lab: Lab) -> None:
    lab.fault("5xx", service="sns", probability=0.5)
    sns = lab.client("sns")
    failures = sum(timed(sns.list_topics)[0] is not None for _ in range(40))
    assert 5 < failures < 35  # chance leaves this range about once in a million runs


def test_a_call_whose_answer_is_lost_has_taken_its_whole_effect(lab: Lab) -> None:
    lab.fault("lost_answer", service="sns", operation="CreateTopic", count=1)
    sns = lab.client("sns")
    error, _seconds = timed(lambda: sns.create_topic(Name="made"))
    assert isinstance(error, ConnectionClosedError)
    (call,) = lab.calls()
    assert (call["operation"], call["status"], call["mutating"]) == ("CreateTopic", "lost", True)
    assert [topic["TopicArn"].split(":")[-1] for topic in sns.list_topics()["Topics"]] == ["made"]


def test_a_client_that_tries_again_after_a_lost_answer_does_it_twice(lab: Lab) -> None:
    lab.fault("lost_answer", operation="PutParameter", count=1)
    ssm = lab.client("ssm", retries={"total_max_attempts": 2})
    error, _ = timed(lambda: ssm.put_parameter(Name="p", Value="v", Type="String"))
    assert code(error) == "ParameterAlreadyExists"
    assert [call["status"] for call in lab.calls()] == ["lost", 400]


def test_a_lost_region_carries_nothing_out_whose_answer_could_be_lost(lab: Lab) -> None:
    lab.fault("lost_answer", service="sns")
    lab.outage(WEST, "reset")
    timed(lambda: lab.client("sns", WEST).create_topic(Name="never"))
    lab.restore(WEST)
    lab.clear_faults()
    assert lab.client("sns", WEST).list_topics()["Topics"] == []
    assert [call["status"] for call in lab.calls()] == ["reset", 200]


def test_a_fault_tells_how_often_it_struck(lab: Lab) -> None:
    lab.fault("5xx", service="sns", count=2)
    for _ in range(3):
        timed(lab.client("sns").list_topics)
    lab.client("sqs").list_queues()
    (fault,) = lab.state()["faults"]
    assert (fault["hits"], fault["count"]) == (2, 0)


def test_a_trickle_is_carried_out_and_answered_byte_by_byte(lab: Lab) -> None:
    lab.fault("trickle", service="sns", operation="CreateTopic", seconds=0.002, count=1)
    sns = lab.client("sns", read_timeout=5)
    error, seconds = timed(lambda: sns.create_topic(Name="made"))
    assert error is None
    assert seconds > 0.5, "a body and a head of some 400 bytes"
    assert len(sns.list_topics()["Topics"]) == 1


def test_a_truncated_answer_ends_in_the_middle_and_the_call_is_carried_out(lab: Lab) -> None:
    lab.fault("truncated", service="sns", operation="CreateTopic", count=1)
    sns = lab.client("sns")
    error, _seconds = timed(lambda: sns.create_topic(Name="made"))
    assert isinstance(error, (ConnectionClosedError, ResponseStreamingError, ResponseParserError)), repr(error)
    assert len(sns.list_topics()["Topics"]) == 1


def test_an_empty_answer_and_a_page_are_no_answer_of_aws(lab: Lab) -> None:
    sns = lab.client("sns")
    for mode, made in (("html", 0), ("empty", 1)):
        lab.fault(mode, service="sns", operation="CreateTopic", count=1)
        error, _seconds = timed(lambda: sns.create_topic(Name="made"))
        # HTML that is XML too lacks the result, which botocore's parser does not expect.
        assert isinstance(error, (ResponseParserError, KeyError)), repr(error)
        assert lab.calls()[-1]["status"] == (200 if made else "html")
        assert len(sns.list_topics()["Topics"]) == made


def test_a_doubled_call_is_carried_out_twice(lab: Lab) -> None:
    lab.fault("doubled", operation="PutParameter", count=1)
    ssm = lab.client("ssm")
    error, _seconds = timed(lambda: ssm.put_parameter(Name="/made", Value="1", Type="String"))
    assert code(error) == "ParameterAlreadyExists"


def test_expired_credentials_are_each_services_own_error(lab: Lab) -> None:
    lab.fault("expired", region=WEST)
    seen = [code(timed(getattr(lab.client(service, WEST), method))[0]) for service, method, *_ in READS]
    late = "ExpiredTokenException"
    assert seen == [late, late, late, "ExpiredToken", "RequestExpired", "ExpiredToken", late]
