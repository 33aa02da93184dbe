# SPDX-License-Identifier: GPL-3.0-or-later
"""rds_event_subscription against the lab: which events are subscribed to, and what the API refuses."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import event_subscription
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from tests.lab.in_process import EAST, Aws, refused

CLUSTERS = ("c", "d")


class Subscription:
    """The subscription `s` to two clusters' events, and what the module does with it."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.client = aws, aws.client("rds")
        login = {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}
        for name in CLUSTERS:
            self.client.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-mysql", **login)
        self.topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
        self.wanted = {
            "sns_topic_arn": self.topic,
            "source_type": "db-cluster",
            "source_ids": ["c"],
            "event_categories": ["maintenance", "global failover"],
            "enabled": True,
            "tags": {"Project": "ours"},
        }

    def ensure(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return event_subscription.run({"region": EAST, "name": "s", **options}, self.aws.client, check_mode)

    def read(self) -> list[dict[str, Any]]:
        return self.client.describe_event_subscriptions()["EventSubscriptionsList"]


@pytest.fixture
def subscription(aws: Aws) -> Subscription:
    return Subscription(aws)


def test_a_subscription_is_created_once_as_asked_for(subscription: Subscription) -> None:
    foreseen = subscription.ensure(check_mode=True, **subscription.wanted)
    assert foreseen["changed"] and subscription.read() == []
    made = subscription.ensure(**subscription.wanted)
    (shown,) = subscription.read()
    assert made["changed"] and shown["Enabled"] and shown["SnsTopicArn"] == subscription.topic
    assert (shown["SourceType"], shown["SourceIdsList"]) == ("db-cluster", ["c"])
    assert sorted(shown["EventCategoriesList"]) == ["global failover", "maintenance"]
    tags = subscription.client.list_tags_for_resource(ResourceName=shown["EventSubscriptionArn"])["TagList"]
    assert tags == [{"Key": "Project", "Value": "ours"}]
    again = subscription.ensure(**subscription.wanted)
    assert not again["changed"] and again["diff"]["before"] == again["diff"]["after"]


def test_what_differs_is_changed_and_what_is_not_asked_for_is_left_alone(subscription: Subscription) -> None:
    subscription.ensure(**subscription.wanted)
    options = {
        "source_type": "db-cluster",
        "source_ids": ["d"],
        "event_categories": ["failure"],
        "tags": {"Owner": "us"},
    }
    foreseen = subscription.ensure(check_mode=True, **options)
    made = subscription.ensure(**options)
    assert made["changed"] and made["diff"] == foreseen["diff"]
    assert made["subscription"]["tags"] == {"Project": "ours", "Owner": "us"}
    (shown,) = subscription.read()
    assert (shown["SourceIdsList"], shown["EventCategoriesList"]) == (["d"], ["failure"])
    assert shown["Enabled"] and shown["SnsTopicArn"] == subscription.topic
    assert subscription.ensure(enabled=False)["changed"] and not subscription.read()[0]["Enabled"]


def test_a_subscription_ends_once(subscription: Subscription) -> None:
    subscription.ensure(**subscription.wanted)
    assert subscription.ensure(check_mode=True, state="absent")["changed"] and len(subscription.read()) == 1
    assert subscription.ensure(state="absent")["changed"] and subscription.read() == []
    assert not subscription.ensure(state="absent")["changed"]


def test_a_new_subscription_needs_a_topic(subscription: Subscription) -> None:
    with pytest.raises(Refused, match="sns_topic_arn is not given"):
        subscription.ensure(source_type="db-cluster")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"event_categories": ["global database"]}, "SubscriptionCategoryNotFound"),
        ({"source_ids": ["nobody"]}, "SourceNotFound"),
        ({"sns_topic_arn": f"arn:aws:sns:{EAST}:123456789012:nobody"}, "SNSTopicArnNotFound"),
    ],
)
def test_a_category_a_source_or_a_topic_that_is_not_there_is_refused(
    subscription: Subscription, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(AwsCallError, match=code):
        subscription.ensure(**{**subscription.wanted, **options})
    assert subscription.read() == []


def test_sources_need_their_kind(subscription: Subscription) -> None:
    names = {"SubscriptionName": "s", "SnsTopicArn": subscription.topic, "SourceIds": ["c"]}
    refused("InvalidParameterCombination", subscription.client.create_event_subscription, **names)
