# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A request of the trigger inside AWS arrives where a private controller takes it: in a queue, or from a bus."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.delivery import deliver
from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.handler import request_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from lab.client import Lab
from tests.lab.failover_platform import EAST, WEST, clients_of

# Where the controller is: none of the platform's regions.
AWAY, ACCOUNT = "us-west-2", "123456789012"
QUEUE = {"queue_arn": f"arn:aws:sqs:{AWAY}:{ACCOUNT}:failover"}
BUS = {"event_bus_arn": f"arn:aws:events:{AWAY}:{ACCOUNT}:event-bus/failover"}
REQUEST = request_of(EAST, "us-east-1 is down.")


def no_webhook(*_request: Any) -> int:
    raise AssertionError("a webhook was called")


def send(lab: Lab, way: dict[str, str]) -> str:
    return deliver(way, clients_of(lab), WEST, REQUEST, no_webhook)


def make_queue(lab: Lab) -> str:
    return lab.client("sqs", AWAY).create_queue(QueueName="failover")["QueueUrl"]


def received(lab: Lab, url: str) -> list[dict[str, Any]]:
    found = lab.client("sqs", AWAY).receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(one["Body"]) for one in found]


def make_bus(lab: Lab) -> str:
    """A bus whose rule passes the requests on to a queue; its URL."""
    events, url = lab.client("events", AWAY), make_queue(lab)
    events.create_event_bus(Name="failover")
    pattern = json.dumps({"source": ["trading.multi_region"], "detail-type": ["Failover requested"]})
    events.put_rule(Name="requests", EventBusName="failover", EventPattern=pattern)
    events.put_targets(Rule="requests", EventBusName="failover", Targets=[{"Id": "queue", "Arn": QUEUE["queue_arn"]}])
    return url


def test_a_request_is_a_message_in_the_queue_of_another_region(lab: Lab) -> None:
    url = make_queue(lab)
    assert send(lab, QUEUE).startswith(f"The request is in the queue failover in {AWAY}, as message ")
    assert received(lab, url) == [REQUEST]


def test_a_request_is_an_event_on_the_bus_of_another_region(lab: Lab) -> None:
    url = make_bus(lab)
    assert send(lab, BUS).startswith(f"The request is on the bus event-bus/failover in {AWAY}, as event ")
    (event,) = received(lab, url)
    assert (event["source"], event["detail-type"], event["detail"]) == (
        "trading.multi_region",
        "Failover requested",
        REQUEST,
    )


def test_a_queue_that_does_not_exist_is_named(lab: Lab) -> None:
    with pytest.raises(AwsCallError, match=f"GetQueueUrl in {AWAY} failed: .*NonExistentQueue"):
        send(lab, QUEUE)


@pytest.mark.parametrize(
    ("way", "make", "service", "operation"),
    [(QUEUE, make_queue, "sqs", "SendMessage"), (BUS, make_bus, "events", "PutEvents")],
    ids=["queue", "bus"],
)
def test_a_request_whose_answer_is_lost_may_come_twice_and_is_the_same(
    lab: Lab, way: dict[str, str], make: Any, service: str, operation: str
) -> None:
    url = make(lab)
    lab.fault("lost_answer", service=service, operation=operation, count=1)
    send(lab, way)
    found = [one.get("detail", one) for one in received(lab, url)]
    assert found == [REQUEST, REQUEST]
