# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ways in which a request reaches a controller: its webhook, a queue or an event bus.

A controller without an address that Lambda reaches takes the request from a queue of Amazon SQS, or from a rule of
Amazon EventBridge. Facts used: SendMessage and GetQueueUrl of the SQS API Reference; PutEvents of the EventBridge API
Reference (a response may report entries that failed).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.webhook import destination, get_secret
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call

WEBHOOK, QUEUE, EVENT_BUS = WAYS = ("webhook_secret", "queue_arn", "event_bus_arn")
SOURCE = "trading.multi_region"
DETAIL_TYPE = "Failover requested"


@aws_call("GetQueueUrl")
def get_queue_url(client: Any, account: str, name: str) -> str:
    """Return the URL of a queue."""
    return client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]


@aws_call("SendMessage")
def send_message(client: Any, url: str, body: str) -> str:
    """Put a message into a queue; return its id."""
    return client.send_message(QueueUrl=url, MessageBody=body)["MessageId"]


@aws_call("PutEvents")
def put_event(client: Any, bus: str, detail: str) -> dict[str, Any]:
    """Put an event on a bus; return its entry of the response, which may be a failure."""
    entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": detail, "EventBusName": bus}
    return client.put_events(Entries=[entry])["Entries"][0]


def way_of(settings: Mapping[str, Any]) -> str | None:
    """Return which way the settings name, or None. Raises MultiRegionError if they name several. Pure."""
    found = [way for way in WAYS if settings.get(way)]
    if len(found) > 1:
        raise MultiRegionError(f"{' and '.join(found)} are given; allowed: one of {', '.join(WAYS)}.")
    return found[0] if found else None


def deliver(
    settings: Mapping[str, Any], clients: Any, region: str, document: Mapping[str, Any], post: Callable[..., int]
) -> str:
    """Hand a request over; return a sentence. region: the function's own.

    Raises MultiRegionError if it could not be handed over. It may have arrived nevertheless.
    """
    way = way_of(settings)
    if way == WEBHOOK:
        name = settings[WEBHOOK]
        url, token = destination(get_secret(clients("secretsmanager", region), name), name)
        return f"The controller was asked, and responded with status {post(url, token, document)}."
    arn = settings[way]
    _arn, _partition, service, place, account, name = arn.split(":", 5)
    client, text = clients(service, place), json.dumps(document)
    if way == QUEUE:
        number = send_message(client, get_queue_url(client, account, name), text)
        return f"The request is in the queue {name} in {place}, as message {number}."
    entry = put_event(client, arn, text)
    if not entry.get("EventId"):
        raise MultiRegionError(f"PutEvents in {place} failed: {entry.get('ErrorCode')}: {entry.get('ErrorMessage')}")
    return f"The request is on the bus {name} in {place}, as event {entry['EventId']}."
