"""Events of global databases, as DescribeEvents shows them.

Follows: Aurora User Guide, "Amazon RDS event categories and event messages for Aurora", category `global-failover`
of DB clusters. The API carries no event id, so the message ends in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from moto.core.utils import utcnow
from moto.rds.models import DBCluster

FENCED = "Global failover: writes to the former primary {other} are fenced. (RDS-EVENT-0390)"
FENCING_TIMED_OUT = "Global failover: fencing writes to the former primary {other} timed out. (RDS-EVENT-0391)"
MOVED = "Global database: this cluster took the writer's role over from {other}."


@dataclass
class ClusterEvent:
    source_identifier: str
    source_arn: str
    message: str
    source_type: str = "db-cluster"
    event_categories: list[str] = field(default_factory=lambda: ["global-failover"])
    date: datetime = field(default_factory=utcnow)


def add_event(cluster: DBCluster, message: str, other_arn: str) -> None:
    """Put an event into the cluster's own region."""
    event = ClusterEvent(cluster.db_cluster_identifier, cluster.db_cluster_arn, message.format(other=other_arn))
    cluster.backend.events.append(event)
