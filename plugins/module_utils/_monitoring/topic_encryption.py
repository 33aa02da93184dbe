# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The key that encrypts an SNS topic.

Source: GetTopicAttributes and SetTopicAttributes (KmsMasterKeyId) of the SNS API Reference.
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed, wait_until_visible


@aws_call("GetTopicAttributes", missing=("NotFound", "NotFoundException"))
def get_attributes(client, arn):
    """Return {name: text} of a topic's attributes, or None if there is no such topic."""
    return client.get_topic_attributes(TopicArn=arn)["Attributes"]


@aws_call("SetTopicAttributes")
def set_key(client, arn, key):
    """Encrypt a topic with a key."""
    client.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=key)


def key_of(attributes):
    """Return the key that encrypts a topic, or None. Pure."""
    return (attributes or {}).get("KmsMasterKeyId") or None


def write(client, arn, key):
    """Set the key, and return once the topic shows it."""
    failure = None
    try:
        set_key(client, arn, key)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        lambda: key_of(get_attributes(client, arn)), lambda now: now == key, failure, f"The key of {arn} was set"
    )


@timed
def run(params, clients, check_mode=False):
    """Encrypt the topic with the key.

    Returns {changed, reason, kms_key_arn, diff, seconds}. Raises Refused or AwsCallError.
    """
    arn, wanted = params["topic_arn"], params["kms_key_arn"]
    client = clients("sns", params.get("region"))
    attributes = get_attributes(client, arn)
    # In check mode the topic may not exist yet, because the task that creates it has not run.
    if attributes is None and not check_mode:
        raise Refused(f"There is no topic {arn} (topic_arn).")
    before = key_of(attributes)
    changed = before != wanted
    if changed and not check_mode:
        write(client, arn, wanted)
    had = f"was encrypted with {before}" if before else "had no key"
    would = "would be encrypted with it" if check_mode else "is encrypted with it now"
    return {
        "changed": changed,
        "reason": f"The topic {arn} {had} and {would}." if changed else f"The topic {arn} is encrypted with {wanted}.",
        "kms_key_arn": wanted,
        "diff": {"before": {"kms_key_arn": before}, "after": {"kms_key_arn": wanted}},
    }
