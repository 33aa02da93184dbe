# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every request to AWS promises: an end in time, whatever the answer does, and no change without a permit."""

from __future__ import annotations

import threading
import time
from functools import partial

import boto3
import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core import requests
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import (
    client_config,
    clients_of,
    start_session,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    LAST_LOOK_SECONDS,
    WaitTimeout,
    poll,
    retry_transient,
)
from ansible_collections.trading.multi_region.tests.unit.wire import XML, Endpoint

KEYS = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
SESSION = boto3.session.Session()
TOPIC = {"TopicArn": "arn:aws:sns:us-east-2:1:t", "Message": "hello"}


def clients(url, **options):
    settings = {"connect_timeout": 0.3, "read_timeout": 0.5, "retries": 0, **options}
    return clients_of(SESSION, client_config(settings), "us-east-2", url, KEYS)


@aws_call("Publish")
def publish(client):
    return client.publish(**TOPIC)["MessageId"]


@aws_call("GetObject")
def get_object(client):
    return client.get_object(Bucket="b", Key="k")["Body"].read()


def seconds_of(call):
    begun = time.monotonic()
    with pytest.raises(MultiRegionError) as raised:
        call()
    return time.monotonic() - begun, raised.value


# Each byte comes long before read_timeout, so botocore itself would wait for minutes.
@pytest.mark.parametrize("slow", [{"head_pace": 0.1}, {"answers": [(XML, 0.1)]}], ids=["head", "body"])
def test_an_answer_that_trickles_ends_in_time_with_a_sentence(slow):
    with Endpoint(*slow.get("answers", ()), head_pace=slow.get("head_pace", 0)) as aws:
        sns = clients(aws.url)("sns")
        seconds, error = seconds_of(lambda: publish(sns))
    assert seconds < 2
    # 0.8 s, or what a busy machine makes of them.
    assert "no answer within" in str(error)
    assert (error.retryable, error.unreachable, error.ambiguous) == (True, True, True)


def test_a_body_that_is_read_as_a_stream_ends_in_time_too():
    with Endpoint((b"x" * 100, 0.1)) as aws:
        s3 = clients(aws.url)("s3")
        seconds, error = seconds_of(lambda: get_object(s3))
    assert seconds < 2
    assert "no answer within" in str(error)


def test_a_body_arrives_whole():
    with Endpoint((b"x" * 100_000, 0.0)) as aws:
        assert get_object(clients(aws.url)("s3")) == b"x" * 100_000


PROFILE = """
[profile runner]
role_arn = arn:aws:iam::123456789012:role/runner
credential_source = Environment
region = us-east-2
"""


@pytest.mark.parametrize("slow", [{"answers": [(XML, 0.1)]}, {"head_pace": 0.1}, {"answers": [(XML, 60)]}])
def test_a_look_up_of_credentials_ends_in_time_with_a_sentence(slow, monkeypatch, tmp_path):
    """The first request signs with what STS answers; botocore itself would wait 60 s for each read, several times."""
    (tmp_path / "config").write_text(PROFILE)
    with Endpoint(*slow.get("answers", ()), head_pace=slow.get("head_pace", 0)) as sts, Endpoint() as aws:
        for name, value in {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_ENDPOINT_URL_STS": sts.url,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
        }.items():
            monkeypatch.setenv(name, value)
        config = client_config({"connect_timeout": 0.3, "read_timeout": 0.5, "retries": 1})
        sns = clients_of(start_session("runner", config), config, "us-east-2", aws.url)("sns")
        seconds, error = seconds_of(lambda: publish(sns))
        assert sts.requests and aws.requests == []
    assert "AssumeRole" in sts.requests[0]
    assert seconds < 50
    assert "no answer within" in str(error) or "Read timeout" in str(error)


def test_a_client_whose_session_limits_it_already_sends_each_request_once():
    config = client_config({"connect_timeout": 1, "read_timeout": 5})
    with Endpoint((b"<R><GetCallerIdentityResult/></R>", 0.0)) as aws:
        clients_of(start_session(config=config), config, "us-east-2", aws.url, KEYS)("sts").get_caller_identity()
        assert len(aws.requests) == 1


def test_botocore_retries_what_came_too_late():
    with Endpoint((XML, 0.1), (XML, 0.0)) as aws:
        assert publish(clients(aws.url, retries=1)("sns")) == "1"
        assert len(aws.requests) == 2


def test_the_time_of_a_wait_includes_the_call_in_flight():
    with Endpoint((XML, 1.0)) as aws:
        sns = clients(aws.url, connect_timeout=30, read_timeout=30, retries=4)("sns")
        seconds, late = seconds_of(lambda: poll(lambda: publish(sns), bool, timeout=1, interval=0.1))
    assert isinstance(late, WaitTimeout)
    assert seconds < 1 + LAST_LOOK_SECONDS + 1


def test_patience_ends_in_time_with_the_error_of_the_call_in_flight():
    with Endpoint((XML, 1.0)) as aws:
        sns = clients(aws.url, connect_timeout=30, read_timeout=30)("sns")
        seconds, error = seconds_of(lambda: retry_transient(lambda: publish(sns), timeout=1, interval=0.1))
    assert isinstance(error, AwsCallError)
    assert seconds < 1 + LAST_LOOK_SECONDS + 1


def test_a_shorter_wait_within_a_longer_one_ends_first_and_the_longer_one_limits_it():
    for outer, inner in ((10.0, 2.0), (2.0, 10.0)):
        with requests.at_most(partial(float, outer)), requests.at_most(partial(float, inner)):
            assert requests._time.left() == 2.0
    assert requests._time.left is None


def test_a_change_needs_a_permit_and_a_read_does_not():
    def refuse(_seconds):
        raise Refused("the lease is lost")

    with Endpoint() as aws:
        made = clients(aws.url)
        made.gate.permit = refuse
        with pytest.raises(Refused, match="the lease is lost"):
            publish(made("sns"))
        assert aws.requests == []
        made("sns").list_topics()
        assert len(aws.requests) == 1


def test_a_change_takes_no_longer_than_it_is_permitted():
    asked = []
    with Endpoint((XML, 0.2)) as aws:
        made = clients(aws.url, connect_timeout=2, read_timeout=3)
        made.gate.permit = lambda seconds: asked.append(seconds) or 0.4
        sns = made("sns")
        seconds, _error = seconds_of(lambda: publish(sns))
    assert asked == [5.0]
    assert seconds < 2


def test_a_retry_of_botocore_needs_a_permit_of_its_own():
    permits = [5.0]
    with Endpoint((XML, 0.1)) as aws:
        made = clients(aws.url, retries=3)

        def once(_seconds):
            if not permits:
                raise Refused("the lease is lost")
            return permits.pop()

        made.gate.permit = lambda seconds: min(seconds, once(seconds))
        with pytest.raises(Refused):
            publish(made("sns"))
        assert len(aws.requests) == 1


def test_a_connection_that_is_made_after_the_caller_gave_up_sends_nothing(monkeypatch):
    """A name that resolves late, or an address that responds to the third packet, must not lead to a late change."""
    arrived = threading.Event()
    with Endpoint() as aws:
        sns = clients(aws.url)("sns")
        pool = sns._endpoint.http_session._pool_classes_by_scheme["http"]
        original = pool.ConnectionCls.__mro__[2].connect

        def slow_connect(self):
            time.sleep(1.2)
            original(self)
            arrived.set()

        monkeypatch.setattr(pool.ConnectionCls.__mro__[2], "connect", slow_connect)
        seconds, _error = seconds_of(lambda: publish(sns))
        assert seconds < 1.1
        assert arrived.wait(5)
        time.sleep(0.2)
        assert aws.requests == []


@pytest.mark.parametrize(
    ("operation", "is_change"),
    [
        ("DescribeGlobalClusters", False),
        ("GetItem", False),
        ("BatchGetItem", False),
        ("ListBuckets", False),
        ("HeadObject", False),
        ("FailoverGlobalCluster", True),
        ("PutItem", True),
        ("UpdateItem", True),
        ("RevokeSecurityGroupIngress", True),
    ],
)
def test_operations_that_change_something_are_recognized(operation, is_change):
    assert requests.changes(operation) is is_change


def test_a_page_of_a_proxy_is_no_answer_and_the_request_is_repeated():
    with Endpoint((b" <!DOCTYPE html><html>Sign in</html>", 0.0), (XML, 0.0)) as aws:
        assert publish(clients(aws.url, retries=1)("sns")) == "1"
        assert len(aws.requests) == 2


def test_a_proxy_that_only_shows_its_page_ends_in_a_sentence():
    with Endpoint((b"<html>Sign in</html>", 0.0)) as aws:
        sns = clients(aws.url)("sns")
        _seconds, error = seconds_of(lambda: publish(sns))
    assert "a page of HTML, and no answer of AWS" in str(error)
    assert (error.retryable, error.ambiguous) == (True, True)
