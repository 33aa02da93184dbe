# SPDX-License-Identifier: GPL-3.0-or-later
"""Event subscriptions: the operations that moto lacks, and what the API refuses and moto lets pass.

Follows: API reference CreateEventSubscription, ModifyEventSubscription, AddSourceIdentifierToSubscription and
RemoveSourceIdentifierFromSubscription; Aurora User Guide, "Amazon RDS event categories and event messages for Aurora"
(the categories of each kind of source). Nothing is delivered to topics.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import InvalidParameterCombination, RDSClientError
from moto.rds.models import EventSubscription
from moto.sns.models import sns_backends

CATEGORIES = {
    "db-cluster": {
        "configuration change",
        "creation",
        "deletion",
        "failover",
        "failure",
        "global failover",
        "maintenance",
        "notification",
    },
    "db-instance": {
        "availability",
        "backtrack",
        "backup",
        "configuration change",
        "creation",
        "deletion",
        "failover",
        "failure",
        "low storage",
        "maintenance",
        "notification",
        "read replica",
        "recovery",
        "restoration",
        "security patching",
    },
}


class SubscriptionOperations:
    """Mixed into moto's RDSResponse, whose `params`, `backend`, `region` and `current_account` it uses."""

    params: Any
    backend: Any
    region: str
    current_account: str

    def create_event_subscription(self) -> ActionResult:
        kind, sources = self.params.get("SourceType"), self.params.get("SourceIds") or []
        if sources and not kind:
            raise InvalidParameterCombination("SourceIds need a SourceType.")
        self._check_topic(self.params["SnsTopicArn"])
        self._check_categories(kind, self.params.get("EventCategories") or [])
        for source in sources:
            self._check_source(kind, source)
        result = super().create_event_subscription()  # type: ignore[misc]
        made = self.backend.event_subscriptions[self.params["SubscriptionName"]]
        made.enabled = self.params.get("Enabled") is not False
        made.source_ids, made.event_categories = list(sources), list(self.params.get("EventCategories") or [])
        return result

    def modify_event_subscription(self) -> ActionResult:
        one, given = self._subscription(), self.params
        if topic := given.get("SnsTopicArn"):
            self._check_topic(topic)
        kind = given.get("SourceType") or one.source_type
        if (categories := given.get("EventCategories")) is not None:
            self._check_categories(kind, categories)
            one.event_categories = list(categories)
        one.sns_topic_arn, one.source_type = topic or one.sns_topic_arn, kind
        if given.get("Enabled") is not None:
            one.enabled = given["Enabled"]
        return ActionResult({"EventSubscription": one})

    def add_source_identifier_to_subscription(self) -> ActionResult:
        one, source = self._subscription(), self.params["SourceIdentifier"]
        self._check_source(one.source_type, source)
        one.source_ids = sorted({*one.source_ids, source})
        return ActionResult({"EventSubscription": one})

    def remove_source_identifier_from_subscription(self) -> ActionResult:
        one, source = self._subscription(), self.params["SourceIdentifier"]
        if source not in one.source_ids:
            raise RDSClientError("SourceNotFound", f"Source {source} is not part of the subscription.")
        one.source_ids = [other for other in one.source_ids if other != source]
        return ActionResult({"EventSubscription": one})

    def _subscription(self) -> EventSubscription:
        (one,) = self.backend.describe_event_subscriptions(self.params["SubscriptionName"])
        return one

    def _check_topic(self, arn: str) -> None:
        if arn not in sns_backends[self.current_account][self.region].topics:
            raise RDSClientError("SNSTopicArnNotFound", f"Topic {arn} does not exist in {self.region}.")

    def _check_source(self, kind: str | None, source: str) -> None:
        there = {"db-cluster": self.backend.clusters, "db-instance": self.backend.databases}.get(kind or "")
        if there is not None and source not in there:
            raise RDSClientError("SourceNotFound", f"Source {source} of the type {kind} does not exist.")

    @staticmethod
    def _check_categories(kind: str | None, categories: list[str]) -> None:
        unknown = set(categories) - CATEGORIES.get(kind or "", set(categories))
        if unknown:
            raise RDSClientError(
                "SubscriptionCategoryNotFound", f"{kind} has no category {', '.join(sorted(unknown))}."
            )


def install() -> None:
    """moto's answer has no EventSubscriptionArn (API reference EventSubscription)."""
    EventSubscription.event_subscription_arn = property(lambda self: self.arn)
    EventSubscription.customer_aws_id = property(lambda self: self.backend.account_id)
    EventSubscription.subscription_creation_time = property(lambda self: str(self.created_at))
