# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Event subscriptions of Amazon RDS, which no module of amazon.aws or community.aws manages.

Facts used: CreateEventSubscription, ModifyEventSubscription, DeleteEventSubscription, DescribeEventSubscriptions,
AddSourceIdentifierToSubscription and RemoveSourceIdentifierFromSubscription of the RDS API Reference. A subscription
that is being changed is ``creating``, ``modifying`` or ``deleting``; ``no-permission`` and ``topic-not-exist`` mean
that it delivers nothing (EventSubscription, same reference).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import add_tags, list_tags
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    retry_transient,
    timed,
    wait_until_visible,
)

GONE = ("SubscriptionNotFound", "SubscriptionNotFoundFault")
# option -> parameter of ModifyEventSubscription
MODIFIED = {
    "sns_topic_arn": "SnsTopicArn",
    "source_type": "SourceType",
    "event_categories": "EventCategories",
    "enabled": "Enabled",
}
SOURCE_TYPES = ("db-cluster", "db-instance", "db-cluster-snapshot", "db-parameter-group", "db-proxy", "db-snapshot")
READ_BACK_SECONDS = 60


@aws_call("DescribeEventSubscriptions", missing=GONE)
def describe_subscription(client: Any, name: str) -> dict[str, Any] | None:
    """Return the EventSubscription of the RDS API, or None if there is none with that name."""
    found = client.describe_event_subscriptions(SubscriptionName=name)["EventSubscriptionsList"]
    return next((one for one in found if one["CustSubscriptionId"].lower() == name.lower()), None)


@aws_call("CreateEventSubscription", missing=("SubscriptionAlreadyExist", "SubscriptionAlreadyExistFault"))
def create_subscription(client: Any, name: str, settings: Mapping[str, Any]) -> None:
    """Create a subscription. If it exists in the meantime, that is not an error: the state read back decides."""
    client.create_event_subscription(SubscriptionName=name, **settings)


@aws_call("ModifyEventSubscription")
def modify_subscription(client: Any, name: str, settings: Mapping[str, Any]) -> None:
    """Change topic, source type, categories or whether it is enabled."""
    client.modify_event_subscription(SubscriptionName=name, **settings)


@aws_call("AddSourceIdentifierToSubscription")
def add_source(client: Any, name: str, source: str) -> None:
    """Subscribe to one more source."""
    client.add_source_identifier_to_subscription(SubscriptionName=name, SourceIdentifier=source)


@aws_call("RemoveSourceIdentifierFromSubscription", missing=("SourceNotFound", "SourceNotFoundFault"))
def remove_source(client: Any, name: str, source: str) -> None:
    """Subscribe to one source less. Does nothing if it is not part of the subscription."""
    client.remove_source_identifier_from_subscription(SubscriptionName=name, SourceIdentifier=source)


@aws_call("DeleteEventSubscription", missing=GONE)
def delete_subscription(client: Any, name: str) -> None:
    """Delete a subscription. Does nothing if it no longer exists."""
    client.delete_event_subscription(SubscriptionName=name)


def facts_of(subscription: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a subscription under the names of the options, with arn and status; {} for None. Pure."""
    if subscription is None:
        return {}
    return {
        "name": subscription["CustSubscriptionId"],
        "arn": subscription.get("EventSubscriptionArn"),
        "status": subscription.get("Status"),
        "sns_topic_arn": subscription.get("SnsTopicArn"),
        "source_type": subscription.get("SourceType"),
        "source_ids": sorted(subscription.get("SourceIdsList") or []),
        "event_categories": sorted(subscription.get("EventCategoriesList") or []),
        "enabled": subscription.get("Enabled"),
    }


def wanted_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for, by option. Pure."""
    asked = {name: params.get(name) for name in (*MODIFIED, "source_ids")}
    sets = ("source_ids", "event_categories")
    return {name: sorted(set(value)) if name in sets else value for name, value in asked.items() if value is not None}


def creation_settings(wanted: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of CreateEventSubscription. Pure."""
    found = {MODIFIED.get(name, "SourceIds"): value for name, value in wanted.items()}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {**found, **({"Tags": listed} if listed else {})}


def differences(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that differ, with their wanted values. Pure."""
    return {name: value for name, value in wanted.items() if facts.get(name) != value}


def modification_settings(changes: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ModifyEventSubscription; categories go with their source type. Pure."""
    names = {name for name in changes if name in MODIFIED}
    if "event_categories" in names and "source_type" in wanted:
        names.add("source_type")
    return {MODIFIED[name]: wanted[name] for name in MODIFIED if name in names}


class Subscription:
    """One subscription: its reads, and writes of which each is read back."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name

    def read(self) -> dict[str, Any]:
        """Return the facts, or {}."""
        return facts_of(retry_transient(lambda: describe_subscription(self.client, self.name)))

    def tags(self, arn: str) -> dict[str, str]:
        """Return {key: value}."""
        return retry_transient(lambda: list_tags(self.client, arn))

    def write(
        self, function: Callable[..., None], *arguments: Any, shows: Callable[[Any], bool], read: Any = None
    ) -> Any:
        """Make the call once, and return what is read once it shows."""
        failure = None
        try:
            function(self.client, *arguments)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        done = f"The event subscription {self.name} was changed"
        return wait_until_visible(read or self.read, shows, failure, done, READ_BACK_SECONDS, 1)

    def change(self, before: Mapping[str, Any], changes: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        """Change settings and sources; sources are added first, since without one a subscription means all."""
        if settings := modification_settings(changes, wanted):
            options = {name: wanted[name] for name in MODIFIED if MODIFIED[name] in settings}
            self.write(modify_subscription, self.name, settings, shows=lambda now: not differences(now, options))
        there, sources = set(before["source_ids"]), set(changes.get("source_ids", before["source_ids"]))
        for one in sorted(sources - there):
            self.write(add_source, self.name, one, shows=lambda now, one=one: one in now.get("source_ids", ()))
        for one in sorted(there - sources):
            self.write(remove_source, self.name, one, shows=lambda now, one=one: one not in now.get("source_ids", ()))


def ensure_present(one: Subscription, before: dict[str, Any], params: Mapping[str, Any], check_mode: bool) -> Any:
    """Create or change. Returns (what was done or None, facts before, facts after)."""
    wanted = wanted_settings(params)
    tags = {key: str(value) for key, value in (params.get("tags") or {}).items()}
    if not before:
        if "sns_topic_arn" not in wanted:
            raise Refused(f"sns_topic_arn is not given; the event subscription {one.name} does not exist and needs it.")
        after = {**facts_of({"CustSubscriptionId": one.name, "Status": "creating"}), **wanted}
        if not check_mode:
            settings = creation_settings(wanted, tags)
            after = one.write(
                create_subscription, one.name, settings, shows=lambda now: bool(now) and not differences(now, wanted)
            )
        return "created", before, {**after, "tags": tags}
    old = one.tags(before["arn"]) if tags and before["arn"] else {}
    missing = {key: value for key, value in tags.items() if old.get(key) != value}
    changes = differences(before, wanted)
    first = {**before, "tags": old}
    if not (changes or missing):
        return None, first, first
    if not check_mode:
        one.change(before, changes, wanted)
        if missing:
            one.write(
                add_tags,
                before["arn"],
                missing,
                read=lambda: one.tags(before["arn"]),
                shows=lambda now: all(now.get(key) == value for key, value in missing.items()),
            )
    last = {**before, **wanted} if check_mode else one.read()
    names = [*changes, *(["tags"] if missing else [])]
    return f"changed ({', '.join(names)})", first, {**last, "tags": {**old, **missing}}


@timed
def run(params: Mapping[str, Any], clients: Callable[..., Any], check_mode: bool = False) -> dict[str, Any]:
    """Bring the subscription to the wanted state.

    Returns {changed, reason, subscription, diff, seconds}; subscription is {} if there is none. Raises Refused,
    AwsCallError or WaitTimeout.
    """
    one = Subscription(clients("rds", params.get("region")), params["name"])
    before = one.read()
    if params.get("state", "present") == "present":
        done, before, after = ensure_present(one, before, params, check_mode)
    else:
        done, after = "deleted" if before else None, {}
        if before and not check_mode:
            one.write(delete_subscription, one.name, shows=lambda now: not now or now["status"] == "deleting")
    verb = "would be" if check_mode else "was"
    state = "is as requested" if before else "does not exist"
    return {
        "changed": bool(done),
        "reason": f"The event subscription {one.name} {f'{verb} {done}' if done else state}.",
        "subscription": after,
        "diff": {"before": before, "after": after},
    }
