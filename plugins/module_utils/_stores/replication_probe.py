# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small object and a small item of each region, which show whether its data reaches the others.

They stay, so that anyone can see later whether the last one has arrived: a replica has the version of its source. S3
does not repeat a copy that failed, so the object is written again until its copies arrive; right after a role is made,
S3 may not be able to assume it yet.

Facts used: "Replication status information" of the Amazon S3 User Guide (PENDING, COMPLETED, FAILED; a replica keeps
the version), "Data consistency model" there (reads after a write are current), GetItem of the DynamoDB API Reference
(ConsistentRead) and "Changes that I make are not always immediately visible" of the IAM User Guide.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    retry_transient,
    timed,
)

PREFIX = "replication-probe/"
BODY = b"Written by trading.multi_region.replication_probe, to see whether objects reach the other regions.\n"
FAILED, PENDING = "FAILED", "PENDING"
POLL_SECONDS = 1
# The most that one DeleteObjects removes.
BATCH = 1000

Seen = Mapping[str, Any]


def probe_key(region: str) -> str:
    """Return the name of a region's object, and the key of its item."""
    return f"{PREFIX}{region}"


@aws_call("HeadObject", missing=("404", "NoSuchKey", "NoSuchBucket"))
def head_object(client: Any, bucket: str, key: str) -> dict[str, Any] | None:
    """Return {version, status, written_at} of an object, or None; version None: the bucket has no versioning."""
    found = client.head_object(Bucket=bucket, Key=key)
    written_at = found["LastModified"].timestamp()
    return {
        "version": found.get("VersionId"),
        "status": found.get("ReplicationStatus"),
        "written_at": written_at,
    }


@aws_call("PutObject")
def put_object(client: Any, bucket: str, key: str) -> None:
    """Write a new version of the object."""
    client.put_object(Bucket=bucket, Key=key, Body=BODY, ContentType="text/plain")


@aws_call("ListObjectVersions", missing=("NoSuchBucket",))
def list_versions(client: Any, bucket: str) -> list[dict[str, str]] | None:
    """Return every version and delete marker of the probes of all regions in a bucket; None without the bucket."""
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=PREFIX)
    return [
        {"Key": one["Key"], "VersionId": one["VersionId"]}
        for page in pages
        for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    ]


@aws_call("DeleteObjects")
def delete_versions(client: Any, bucket: str, versions: list[dict[str, str]]) -> list[str]:
    """Delete versions, which is not replicated; return what could not be deleted, with why."""
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
    return [f"{one['Key']}: {one['Code']}: {one['Message']}" for one in answer.get("Errors", [])]


@aws_call("DescribeTable", missing=("ResourceNotFoundException",))
def key_name(client: Any, table: str) -> str | None:
    """Return the name of a table's partition key, or None without the table."""
    schema = client.describe_table(TableName=table)["Table"]["KeySchema"]
    return {one["KeyType"]: one["AttributeName"] for one in schema}["HASH"]


@aws_call("GetItem", missing=("ResourceNotFoundException",))
def get_item(client: Any, table: str, name: str, key: str) -> dict[str, Any] | None:
    """Return {version, status, written_at} of an item, or None."""
    item = client.get_item(TableName=table, Key={name: {"S": key}}, ConsistentRead=True).get("Item")
    if item is None:
        return None
    return {"version": item["probe"]["S"], "status": None, "written_at": float(item["written_at"]["N"])}


@aws_call("PutItem")
def put_item(client: Any, table: str, name: str, key: str, version: str, written_at: float) -> None:
    """Write the item again."""
    item = {name: {"S": key}, "probe": {"S": version}, "written_at": {"N": f"{written_at:.3f}"}}
    client.put_item(TableName=table, Item=item)


@aws_call("DeleteItem", missing=("ResourceNotFoundException",))
def delete_item(client: Any, table: str, name: str, key: str) -> None:
    """Delete the item; nothing happens if there is none."""
    client.delete_item(TableName=table, Key={name: {"S": key}})


def read_objects(client: Any, bucket: str, regions: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """Return the objects of all regions as one bucket has them."""
    return {region: head_object(client, bucket, probe_key(region)) for region in regions}


def read_items(client: Any, table: str, regions: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """Return the items of all regions as one region's table has them."""
    name = key_name(client, table)
    if name is None:
        return dict.fromkeys(regions)
    return {region: get_item(client, table, name, probe_key(region)) for region in regions}


class Objects:
    """The object of a region, in its bucket and in those of the destinations."""

    what = "object"

    def __init__(self, clients: Any, region: str, buckets: Mapping[str, str]) -> None:
        self.clients, self.region, self.buckets, self.key = clients, region, buckets, probe_key(region)

    def name(self, region: str) -> str:
        """Return where the object is to be in a region, for messages."""
        return f"{self.buckets[region]} in {region}"

    def read(self, region: str) -> Seen | None:
        """Return the object as a region has it."""
        return head_object(self.clients("s3", region), self.buckets[region], self.key)

    def write(self) -> None:
        """Write it in its region."""
        client = self.clients("s3", self.region)
        put_object(client, self.buckets[self.region], self.key)
        if not (self.read(self.region) or {}).get("version"):
            bucket = self.buckets[self.region]
            raise MultiRegionError(f"Versioning of the bucket {bucket} is not enabled, so S3 replicates nothing of it.")

    def remains(self) -> list[dict[str, str]]:
        """Return what is to be removed from the region's bucket: the objects of all regions."""
        return list_versions(self.clients("s3", self.region), self.buckets[self.region]) or []

    def remove(self, found: list[dict[str, str]]) -> None:
        """Delete those versions."""
        client, bucket = self.clients("s3", self.region), self.buckets[self.region]
        for start in range(0, len(found), BATCH):
            errors = delete_versions(client, bucket, found[start : start + BATCH])
            if errors:
                raise MultiRegionError(f"Not deleted from {bucket}: {', '.join(errors)}.")


class Items:
    """The item of a region, in a global table."""

    what = "item"

    def __init__(self, clients: Any, region: str, table: str) -> None:
        self.clients, self.region, self.table, self.key = clients, region, table, probe_key(region)
        self.key_name: str | None = None

    def name(self, region: str) -> str:
        """Return where the item is to be in a region, for messages."""
        return f"{self.table} in {region}"

    def has_table(self) -> bool:
        """Return whether the region has the table, whose key's name is the same everywhere."""
        self.key_name = self.key_name or key_name(self.clients("dynamodb", self.region), self.table)
        return self.key_name is not None

    def read(self, region: str) -> Seen | None:
        """Return the item as a region has it."""
        if not self.has_table():
            return None
        return get_item(self.clients("dynamodb", region), self.table, self.key_name, self.key)

    def write(self) -> None:
        """Write it in its region."""
        if not self.has_table():
            raise MultiRegionError(f"There is no table {self.name(self.region)} (table_name, region).")
        client = self.clients("dynamodb", self.region)
        put_item(client, self.table, self.key_name, self.key, uuid.uuid4().hex, time.time())

    def remains(self) -> Seen | None:
        """Return what is to be removed from the table: the region's own item."""
        return self.read(self.region)

    def remove(self, _found: Seen) -> None:
        """Delete it."""
        delete_item(self.clients("dynamodb", self.region), self.table, self.key_name, self.key)


Probe: TypeAlias = "Objects | Items"


def missing_in(seen: Mapping[str, Seen | None], region: str) -> list[str]:
    """Return the regions that have not got what a region has written last; all if it has written nothing. Pure."""
    source = seen[region]
    others = [name for name in seen if name != region]
    return [name for name in others if source is None or (seen[name] or {}).get("version") != source["version"]]


def is_due(seen: Mapping[str, Seen | None], region: str) -> bool:
    """Return whether a new one must be written to see anything: none is there, or it will not arrive. Pure."""
    source = seen[region]
    if source is None or source["status"] == FAILED:
        return True
    return bool(missing_in(seen, region)) and source["status"] != PENDING


def look(probe: Probe, regions: list[str]) -> dict[str, Seen | None]:
    """Return the probe as each region has it."""
    return {region: probe.read(region) for region in regions}


def late_sentence(probe: Probe, seen: Mapping[str, Seen | None] | None, waited: float, error: Any) -> str:
    """Return why a probe has not arrived, as far as AWS shows it. Pure."""
    if seen is None:
        return f"Whether the {probe.what} {probe.key} arrives could not be read: {error}"
    source = seen[probe.region]
    where = ", ".join(probe.name(region) for region in missing_in(seen, probe.region))
    told = f"The {probe.what} {probe.key} was written to {probe.name(probe.region)}, and is not in {where}"
    if not source or probe.what == "item":
        return f"{told} {waited:.0f} s later. Look at the status of the table's replicas (DescribeTable)."
    if source["status"] is None:
        return f"{told} {waited:.0f} s later. No rule of the bucket applies to it: look at its replication rules."
    why = "raise wait_timeout; S3 replicates most objects within 15 minutes."
    if source["status"] == FAILED:
        why = (
            "look at the replication role with its trust, rights and boundary, at the buckets' versioning and at the "
            "keys. S3 Event Notifications have the reason (OperationFailedReplication)."
        )
    return f"{told} {waited:.0f} s later. Its replication status is {source['status']}: {why}"


def wait(probe: Probe, regions: list[str], timeout: float, clock: Any, sleep: Any) -> dict[str, Seen | None]:
    """Return what all regions have once they have the same; write the probe again where its copy failed."""

    def ask() -> dict[str, Seen | None]:
        seen = look(probe, regions)
        if seen[probe.region] is None or seen[probe.region]["status"] == FAILED:
            probe.write()
        return seen

    try:
        return poll(
            ask, lambda seen: not missing_in(seen, probe.region), timeout, POLL_SECONDS, clock=clock, sleep=sleep
        )
    except WaitTimeout as late:
        raise WaitTimeout(
            late.state, late.error, late.seconds, late_sentence(probe, late.state, late.seconds, late.error)
        ) from late


def probes_of(params: Mapping[str, Any], clients: Any, region: str) -> list[Probe]:
    """Return the probes that the options ask for. Raises MultiRegionError for destinations that do not fit."""
    destinations = {one["region"]: one.get("bucket") for one in params["destinations"]}
    if region in destinations:
        raise MultiRegionError(f"destinations has {region}; allowed: regions other than region, the source.")
    found: list[Probe] = []
    if params.get("bucket"):
        nameless = [name for name, bucket in destinations.items() if not bucket]
        if nameless and params["state"] == "present":
            raise MultiRegionError(
                f"destinations has no bucket in {', '.join(nameless)}; allowed: with bucket, the bucket of each region."
            )
        found.append(Objects(clients, region, {region: params["bucket"], **destinations}))
    if params.get("table_name"):
        found.append(Items(clients, region, params["table_name"]))
    return found


def described(probe: Probe, seen: Mapping[str, Seen | None]) -> dict[str, Any]:
    """Return a probe as the module reports it. Pure."""
    source, late = seen[probe.region], missing_in(seen, probe.region)
    return {
        "kind": probe.what,
        "key": probe.key,
        "version": source["version"] if source else None,
        "written_at": source["written_at"] if source else None,
        "arrived_in": [name for name in seen if name != probe.region and name not in late],
        "missing_in": late,
    }


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    clock: Any = time.monotonic,
    sleep: Any = pause,
) -> dict[str, Any]:
    """See a region's object and item arrive in the other regions, or remove them.

    Returns {changed, reason, probes, diff, seconds}. Raises MultiRegionError, AwsCallError or WaitTimeout.
    """
    region = params.get("region") or clients.default_region
    probes, passing = probes_of(params, clients, region), {"clock": clock, "sleep": sleep}
    if params["state"] == "absent":
        return remove(probes, region, check_mode, passing)
    regions = [region, *(one["region"] for one in params["destinations"])]
    before = {probe.what: retry_transient(lambda probe=probe: look(probe, regions), **passing) for probe in probes}
    due = [probe for probe in probes if regions[1:] and (params["renew"] or is_due(before[probe.what], region))]
    after = dict(before)
    if not check_mode:
        for probe in due:
            retry_transient(probe.write, **passing)
        for probe in probes if regions[1:] else []:
            after[probe.what] = wait(probe, regions, params["wait_timeout"], clock, sleep)
    reports = [[described(probe, seen[probe.what]) for probe in probes] for seen in (before, after)]
    return {
        "changed": bool(due),
        "reason": sentence(reports[1], region, [probe.what for probe in due], check_mode),
        "probes": reports[1],
        "diff": {"before": {"probes": reports[0]}, "after": {"probes": reports[1]}},
    }


def sentence(reports: list[dict[str, Any]], region: str, due: list[str], check_mode: bool) -> str:
    """Return what was seen. Pure."""
    if check_mode and due:
        return f"A new {' and '.join(due)} of {region} would be written, and waited for in the other regions."
    seen = [f"the {one['kind']} {one['key']} is in {', '.join(one['arrived_in'])}" for one in reports]
    if not any(one["arrived_in"] for one in reports):
        return f"{region} has no other region to replicate to."
    return f"What {region} writes arrives: {'; '.join(seen)}."


def remove(probes: list[Probe], region: str, check_mode: bool, passing: Mapping[str, Any]) -> dict[str, Any]:
    """Remove the objects of all regions from the region's bucket, and the region's item from the table."""
    found = {probe.what: retry_transient(probe.remains, **passing) for probe in probes}
    gone = [probe for probe in probes if found[probe.what]]
    for probe in [] if check_mode else gone:
        retry_transient(lambda probe=probe: probe.remove(found[probe.what]), **passing)
    verb = "would be" if check_mode else "are"
    names = " and ".join(f"{probe.what}s" for probe in gone)
    return {
        "changed": bool(gone),
        "reason": f"The {names} of the probe {verb} removed in {region}." if gone else f"{region} has no probe.",
        "probes": [],
        "diff": {"before": {"found": found}, "after": {"found": {} if gone else found}},
    }
