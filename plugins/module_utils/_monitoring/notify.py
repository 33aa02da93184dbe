# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Notifications: one message to a topic in each region, of which one must accept it, or none if best_effort is set.

A message whose response was lost is sent again, because a duplicate is better than no notification: Publish has no
idempotency token for a standard topic, and such a topic may deliver a message more than once anyway ("Amazon SNS
standard topics" of the Amazon SNS Developer Guide). All copies have the same ``notification_id``, so that programs can
recognize duplicates.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    MultiRegionError,
    aws_call,
    require_member,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import call_regions
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed

# Limits of Publish in the Amazon SNS API Reference: an ASCII subject of less than 100 characters without line breaks.
SUBJECT_LENGTH = 99


@aws_call("Publish")
def publish(client: Any, topic_arn: str, subject: str, message: str, attributes: Mapping[str, Any]) -> str:
    """Publish one message; return its id."""
    return client.publish(TopicArn=topic_arn, Subject=subject, Message=message, MessageAttributes=dict(attributes))[
        "MessageId"
    ]


def fit_subject(subject: str) -> str:
    """Return the subject in the form that SNS accepts: an alert must not fail because of a character. Pure."""
    return " ".join(subject.split()).encode("ascii", "replace").decode()[:SUBJECT_LENGTH]


def build_attributes(attributes: Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    """Return SNS message attributes, all of them texts, without empty ones, because SNS rejects these. Pure."""
    texts = {name: str(value) for name, value in (attributes or {}).items() if value is not None}
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text}


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Publish to all topics in parallel; without any, nobody is notified.

    Returns changed, reason, delivered {region: message id}, not_delivered {region: sentence}. Raises MultiRegionError
    with the same evidence if the required region (or every region) did not accept it, unless ``best_effort``.
    """
    topics, required = params["topics"], params.get("required_region")
    if not topics:
        reason = "Nobody is notified: this platform has no topic."
        return {"changed": False, "delivered": {}, "not_delivered": {}, "reason": reason}
    require_member("required_region", required, topics)
    if check_mode:
        reason = f"The message would be sent to the topics of {', '.join(topics)}."
        return {"changed": True, "delivered": {}, "not_delivered": {}, "reason": reason}
    subject = fit_subject(params["subject"])
    attributes = build_attributes({**(params.get("attributes") or {}), "notification_id": uuid.uuid4().hex})

    def call(region: str, topic: str):
        return lambda: publish(clients("sns", region), topic, subject, params["msg"], attributes)

    calls = {region: call(region, topic) for region, topic in topics.items()}
    outcome = call_regions(calls, required, params["deadline"], params.get("silent_regions") or ())
    evidence = {"delivered": outcome.done, "not_delivered": outcome.failed}
    failed = "; ".join(f"{region}: {why}" for region, why in outcome.failed.items())
    if not outcome.done and params.get("best_effort"):
        return {"changed": False, **evidence, "reason": f"Nobody was notified: {failed}."}
    if not outcome.is_enough and not params.get("best_effort"):
        raise MultiRegionError(f"No notification was sent through {required or 'any region'}: {failed}.", **evidence)
    reason = f"Sent through {', '.join(outcome.done)}" + (f"; not through {failed}." if failed else ".")
    return {"changed": True, **evidence, "reason": reason}
