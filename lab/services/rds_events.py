# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of clusters and global databases, as DescribeEvents shows them.

Follows: Aurora User Guide, "Amazon RDS event categories and event messages for Aurora": category `global failover` of
DB clusters, their RDS-EVENT-0016, and RDS-EVENT-0390 and RDS-EVENT-0391 of DB instances, whose messages are these. What
a failover brings is recorded where the old primary is, if it can be reached, else where the new one is ("Using
switchover or failover in Amazon Aurora Global Database"). The API carries no event id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.rds.models import DBCluster

FENCED = "Attempt to block writes for DB cluster {cluster} in Region {region} succeeded."
FENCING_TIMED_OUT = "Attempt to block writes for DB cluster {cluster} in Region {region} timed out."
MOVED = "Global failover to DB cluster {cluster} in Region {region} completed."
SWITCHED = "Global switchover to DB cluster {cluster} in Region {region} finished."
# RDS-EVENT-0397
NAME_CHANGED = "Aurora finished changing the DNS name that the global writer endpoint resolves to."
CREDENTIALS_RESET = "Reset master credentials"


@dataclass
class RdsEvent:
    source_identifier: str
    source_arn: str
    message: str
    source_type: str
    event_categories: list[str]
    date: datetime


def add_cluster_event(cluster: DBCluster, message: str, category: str = "global failover") -> None:
    """Put an event about a cluster into its own region."""
    text = message.format(cluster=cluster.db_cluster_identifier, region=cluster.backend.region_name)
    event = RdsEvent(cluster.db_cluster_identifier, cluster.db_cluster_arn, text, "db-cluster", [category], utcnow())
    cluster.backend.events.append(event)


def add_fencing_event(old: DBCluster, new: DBCluster, blocked: bool) -> None:
    """Say how blocking the old primary's writes ended: in its own region, or where the new one is if that is out."""
    message, place = (FENCED, old) if blocked else (FENCING_TIMED_OUT, new)
    text = message.format(cluster=old.db_cluster_identifier, region=old.backend.region_name)
    for instance in list(place.members)[:1]:
        name, arn = instance.db_instance_identifier, instance.db_instance_arn
        event = RdsEvent(name, arn, text, "db-instance", ["notification", "global database"], utcnow())
        place.backend.events.append(event)


class EventOperations:
    """moto shows all events there ever were; the API shows those of an interval, by default the last hour."""

    def describe_events(self) -> ActionResult:
        given = self.params
        until = _moment(given.get("end_time")) or utcnow()
        since = _moment(given.get("start_time")) or until - timedelta(minutes=int(given.get("duration") or 60))
        shown = super().describe_events().result["Events"]  # type: ignore[misc]
        return ActionResult({"Events": [event for event in shown if since <= _moment(event.date) <= until]})


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=None) if value else None
