# SPDX-License-Identifier: GPL-3.0-or-later
"""DynamoDB global tables: replicas with states over time, and writes that reach them.

Follows: DynamoDB Developer Guide, "Global tables: How they work" (version 2019.11.21, multi-Region eventual
consistency: every replica takes writes, the last writer wins per item, a Region that is away catches up); API
reference ReplicaDescription; "Monitoring global tables" and "DynamoDB Metrics and dimensions": ReplicationLatency, in
milliseconds by TableName and ReceivingRegion, comes from the Region that was written to.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from lab.clock import CLOCK
from lab.services.outage_log import OUTAGE_LOG
from lab.services.replication import has_reached
from lab.services.settings import SETTINGS
from lab.world import WORLD

HOME_REGION = "us-east-1"  # where moto keeps what belongs to no region
VERSION = "2019.11.21"
DAY_S = 86400


@dataclass
class Version:
    """An item as one replica last had it; `attributes` None = deleted. `written` is monotonic."""

    key: tuple[Any, Any]  # hash and range key in DynamoDB's JSON
    attributes: dict[str, Any] | None
    written: float


@dataclass
class Change:
    version: Version
    origin: str
    waiting: set[str]  # regions it has not reached


@dataclass
class Replica:
    region: str
    status: str = "ACTIVE"
    until: float = 0.0  # monotonic end of CREATING, UPDATING or DELETING
    source: str = ""  # the region it is filled from
    keeps_source_until: float = 0.0  # monotonic instant from which that region's replica may be deleted
    kms_key: str | None = None  # at its creation; its table has the current one
    table_class: str | None = None
    known: dict[str, Version] = field(default_factory=dict)


def _key(item: Item) -> tuple[Any, Any]:
    return item.hash_key.to_json(), item.range_key.to_json() if item.range_key else None


class GlobalTable:
    def __init__(self, account: str, name: str, region: str) -> None:
        self.account = account
        self.name = name
        self.replicas = {region: Replica(region)}
        self.changes: list[Change] = []
        self.capture(region)

    def table(self, region: str) -> Table:
        return dynamodb_backends[self.account][region].tables[self.name]

    def key(self, region: str) -> str | None:
        """The key of KMS that encrypts a replica, None for DynamoDB's own."""
        return (self.table(region).sse_specification or {}).get("KMSMasterKeyId")

    @property
    def busy(self) -> bool:
        return any(replica.status != "ACTIVE" for replica in self.replicas.values())

    def add(self, replica: Replica) -> None:
        """Make the replica's table, empty, and start to fill it."""
        source = self.table(replica.source)
        sse = dict(source.sse_specification or {}) or None
        if sse:
            sse.pop("KMSMasterKeyId", None)
            sse |= {"KMSMasterKeyId": replica.kms_key} if replica.kms_key else {}
        dynamodb_backends[self.account][replica.region].create_table(
            self.name,
            schema=copy.deepcopy(source.schema),
            throughput={key: source.throughput[key] for key in ("ReadCapacityUnits", "WriteCapacityUnits")},
            attr=copy.deepcopy(source.attr),
            global_indexes=[_index(one) for one in source.global_indexes],
            indexes=[_index(one) for one in source.indexes],
            streams=dict(source.stream_specification),
            billing_mode=source.billing_mode,
            sse_specification=sse,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )
        self.table(replica.region).ttl = dict(source.ttl)
        replica.status, replica.until = "CREATING", CLOCK.after(SETTINGS.replica_create_s)
        replica.keeps_source_until = CLOCK.after(DAY_S)
        self.replicas[replica.region] = replica

    def remove(self, region: str) -> None:
        replica = self.replicas[region]
        replica.status, replica.until = "DELETING", CLOCK.after(SETTINGS.replica_delete_s)

    def forget(self, region: str) -> None:
        """The replica is gone."""
        del self.replicas[region]
        for change in self.changes:
            change.waiting.discard(region)

    def advance(self) -> None:
        """Update replicas and items to the present."""
        for replica in list(self.replicas.values()):
            if replica.status == "ACTIVE" or not CLOCK.reached(replica.until) or WORLD.region_is_out(replica.region):
                continue
            if replica.status == "DELETING":
                dynamodb_backends[self.account][replica.region].tables.pop(self.name, None)
                self.forget(replica.region)
                continue
            if replica.status == "CREATING":
                for name, version in self.replicas[replica.source].known.items():
                    self._apply(replica, name, version)
            replica.status = "ACTIVE"
        self._deliver()

    def capture(self, region: str) -> None:
        """Note what was written to a replica since the last call, and start to replicate it."""
        replica, now = self.replicas[region], CLOCK.now()
        current = {repr(_key(item)): item for item in self.table(region).all_items()}
        written = [
            (name, Version(_key(item), copy.deepcopy(item.to_json()["Attributes"]), now))
            for name, item in current.items()
            if name not in replica.known or replica.known[name].attributes != item.to_json()["Attributes"]
        ]
        deleted = [
            (name, Version(version.key, None, now))
            for name, version in replica.known.items()
            if name not in current and version.attributes is not None
        ]
        for name, version in written + deleted:
            replica.known[name] = version
            others = {one.region for one in self.replicas.values() if one.status in ("ACTIVE", "UPDATING")} - {region}
            self.changes.append(Change(version, region, others))

    def _deliver(self) -> None:
        latest: dict[tuple[str, str], float] = {}
        for change in self.changes:
            for region in sorted(change.waiting):
                if has_reached(change.version.written, change.origin, region):
                    self._apply(self.replicas[region], repr(change.version.key), change.version)
                    change.waiting.discard(region)
                    way, seconds = (change.origin, region), CLOCK.aws_seconds_since(change.version.written)
                    latest[way] = max(seconds, latest.get(way, 0.0))
        self.changes = [change for change in self.changes if change.waiting]
        for (origin, region), seconds in latest.items():
            self._publish(origin, region, 1000 * seconds)

    def _publish(self, origin: str, region: str, latency_ms: float) -> None:
        given = {"TableName": self.name, "ReceivingRegion": region}
        dimensions = [{"Name": name, "Value": text} for name, text in given.items()]
        datum = {"MetricName": "ReplicationLatency", "Dimensions": dimensions, "Value": latency_ms}
        backend = cloudwatch_backends[self.account][origin]
        backend.put_metric_data("AWS/DynamoDB", [{**datum, "Unit": "Milliseconds"}])

    def _apply(self, replica: Replica, name: str, version: Version) -> None:
        """Write a version into a replica, unless that has a later one."""
        if name in replica.known and replica.known[name].written >= version.written:
            return
        replica.known[name] = version
        table = self.table(replica.region)
        if version.attributes is not None:
            table.put_item(copy.deepcopy(version.attributes))
        else:
            hash_key, range_key = version.key
            table.delete_item(DynamoType(hash_key), DynamoType(range_key) if range_key else None)

    def describe(self, region: str) -> dict[str, Any]:
        """What DescribeTable in a region adds: the other replicas."""
        if len(self.replicas) == 1:
            return {}
        own = self.replicas[region].status
        others = [one for one in self.replicas.values() if one.region != region]
        return {
            "TableStatus": own if own != "ACTIVE" else "UPDATING" if self.busy else "ACTIVE",
            "GlobalTableVersion": VERSION,
            "Replicas": [_describe_replica(one, self.key(one.region)) for one in others],
        }


def _index(index: Any) -> dict[str, Any]:
    shown = {"IndexName": index.name, "KeySchema": index.schema, "Projection": index.projection}
    throughput = getattr(index, "throughput", None)
    return copy.deepcopy(shown | ({"ProvisionedThroughput": throughput} if throughput else {}))


def _describe_replica(replica: Replica, key: str | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"RegionName": replica.region, "ReplicaStatus": replica.status}
    if key:
        shown["KMSMasterKeyId"] = key
    if replica.table_class:
        shown["ReplicaTableClassSummary"] = {"TableClass": replica.table_class}
    return shown


def global_tables(account: str) -> list[GlobalTable]:
    """The account's global tables; kept in moto's backend, so that moto's reset empties them."""
    return vars(dynamodb_backends[account][HOME_REGION]).setdefault("lab_global_tables", [])


def global_table(account: str, region: str, name: str) -> GlobalTable | None:
    """The global table a region's table belongs to, by name or ARN."""
    short = name.rsplit("/", 1)[-1]
    return next((one for one in global_tables(account) if one.name == short and region in one.replicas), None)


def advance_all(account: str) -> None:
    OUTAGE_LOG.refresh()
    groups = global_tables(account)
    for group in groups:
        group.advance()
    groups[:] = [group for group in groups if len(group.replicas) > 1]
