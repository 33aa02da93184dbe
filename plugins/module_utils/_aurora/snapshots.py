# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rescue snapshots: what Aurora keeps of a volume that an unplanned failover gave up, and copying it before it expires.

Facts used. "Using switchover or failover in Amazon Aurora Global Database" of the Aurora User Guide: once the old
region is back, Aurora takes a snapshot ``rds:unplanned-global-failover-<cluster>-<timestamp>`` of the old volume, which
goes with the backup retention period of that cluster. CopyDBClusterSnapshot and DBClusterSnapshot of the RDS API
Reference: a source that is not ``available`` is refused with InvalidDBClusterSnapshotStateFault, a copy names its
source. "Naming constraints in Amazon Aurora": an identifier has at most 63 characters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import describe_db_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import read_global_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import is_same
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    after_waiting,
    pause,
    poll,
    retry_transient,
    timed,
)

RESCUE = "rds:unplanned-global-failover-"
AVAILABLE, CONNECTED = "available", "connected"
# A snapshot in one of these states becomes available by itself.
ON_THE_WAY = ("creating", "copying")
LONGEST_NAME = 63
STAMP = "%Y%m%d%H%M%S"
# What follows the cluster's name: "-rescue-" or "-final-", and a time.
TAIL_CHARACTERS = len("-rescue-20260101000000")


def snapshot_prefix(cluster: str) -> str:
    """Return how the names of a cluster's manual snapshots begin: its name, cut where they would be too long. Pure."""
    return cluster[: LONGEST_NAME - TAIL_CHARACTERS].rstrip("-")


def copy_name(cluster: str, created_at: datetime) -> str:
    """Return the name of a rescue snapshot's copy. Pure."""
    return f"{snapshot_prefix(cluster)}-rescue-{created_at.strftime(STAMP)}"


@aws_call("DescribeDBClusterSnapshots")
def describe_snapshots(client: Any, cluster: str) -> list[dict[str, Any]]:
    """Return the DBClusterSnapshots of a cluster, Aurora's own and manual ones."""
    pages = client.get_paginator("describe_db_cluster_snapshots").paginate(DBClusterIdentifier=cluster)
    return [one for page in pages for one in page["DBClusterSnapshots"]]


@aws_call("CopyDBClusterSnapshot")
def copy_snapshot(client: Any, source: str, name: str, tags: Mapping[str, str]) -> None:
    """Begin the copy of a snapshot within its region."""
    client.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=source,
        TargetDBClusterSnapshotIdentifier=name,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def rescued(found: list[dict[str, Any]], cluster: str, retention_days: int | None) -> list[dict[str, Any]]:
    """Return the rescue snapshots as [{identifier, status, created_at, expires_at, copy, copy_status}]. Pure.

    found: DBClusterSnapshots of the RDS API. retention_days: of the cluster's backups, or None where it is not known.
    created_at, expires_at: None where they are not known. copy: the name of the copy, which exists unless copy_status
    is None.
    """
    manual = [one for one in found if one.get("SnapshotType") == "manual"]
    shown = []
    for one in found:
        name, created = one["DBClusterSnapshotIdentifier"], one.get("SnapshotCreateTime")
        if not name.startswith(RESCUE):
            continue
        own_name = copy_name(cluster, created) if created else None
        arn = one.get("DBClusterSnapshotArn")
        copy = next((other for other in manual if _is_copy(other, own_name, arn)), {})
        expires = created + timedelta(days=retention_days) if created and retention_days else None
        shown.append(
            {
                "identifier": name,
                "status": one.get("Status"),
                "created_at": created.isoformat() if created else None,
                "expires_at": expires.isoformat() if expires else None,
                "copy": copy.get("DBClusterSnapshotIdentifier", own_name),
                "copy_status": copy.get("Status"),
            }
        )
    return shown


def _is_copy(other: Mapping[str, Any], name: str | None, source_arn: str | None) -> bool:
    """Return whether a manual snapshot is a rescue snapshot's copy, by our name or under any other. Pure."""
    source = other.get("SourceDBClusterSnapshotArn")
    return other["DBClusterSnapshotIdentifier"] == name or (source is not None and source == source_arn)


def read_rescued(client: Any, cluster: str) -> list[dict[str, Any]]:
    """Return the rescue snapshots of a cluster, which may be gone. Raises AwsCallError."""
    found = describe_snapshots(client, cluster)
    if not any(one["DBClusterSnapshotIdentifier"].startswith(RESCUE) for one in found):
        return []
    whole = describe_db_cluster(client, cluster) or {}
    return rescued(found, cluster, whole.get("BackupRetentionPeriod"))


def is_kept(snapshot: Mapping[str, Any]) -> bool:
    """Return whether a copy exists and is whole. Pure."""
    return snapshot["copy_status"] == AVAILABLE


def is_copyable(snapshot: Mapping[str, Any]) -> bool:
    """Return whether a snapshot can be copied now. Pure."""
    return snapshot["status"] == AVAILABLE and snapshot["copy_status"] is None and snapshot["copy"] is not None


def is_on_the_way(snapshot: Mapping[str, Any]) -> bool:
    """Return whether a snapshot, or its copy, becomes available by itself. Pure."""
    if snapshot["copy_status"] is None:
        return snapshot["status"] in ON_THE_WAY or snapshot["status"] == AVAILABLE
    return snapshot["copy_status"] in ON_THE_WAY


class Rescue:
    """Keeping the rescue snapshots of one cluster."""

    def __init__(self, client: Any, params: Mapping[str, Any], check_mode: bool) -> None:
        self.client = client
        self.cluster = params["db_cluster_identifier"]
        self.whole = params.get("global_cluster_identifier")
        self.tags = params.get("tags") or {}
        self.check_mode = check_mode
        self.asked: set[str] = set()
        # What was read last, also if a copy could not be requested then.
        self.seen: dict[str, Any] | None = None

    def synchronization(self) -> str | None:
        """Return the member's synchronization status; None where there is nothing to wait for: no member, or writer."""
        whole = read_global_cluster(self.client, self.whole) if self.whole else None
        members = [one for one in (whole or {}).get("members", ()) if one["region"] == self.client.meta.region_name]
        own = next((one for one in members if is_same(one["identifier"], self.cluster)), None)
        return None if own is None or own["is_writer"] else own["synchronization_status"]

    def look(self) -> dict[str, Any]:
        """Return {synchronization_status, snapshots} after asking for the copies that can be made."""
        # The status first: what appears until then is seen by the look after it.
        status = self.synchronization()
        snapshots = read_rescued(self.client, self.cluster)
        self.seen = {"synchronization_status": status, "snapshots": snapshots}
        for snapshot in snapshots:
            if is_copyable(snapshot) and not self.check_mode:
                self.copy(snapshot)
        return self.seen

    def copy(self, snapshot: Mapping[str, Any]) -> None:
        """Ask for a copy. One that AWS cannot make yet, or that exists by now, is seen at the next look."""
        try:
            copy_snapshot(self.client, snapshot["identifier"], snapshot["copy"], self.tags)
        except AwsCallError as error:
            if error.ambiguous:
                self.asked.add(snapshot["copy"])
            if error.code not in ("InvalidDBClusterSnapshotStateFault", "DBClusterSnapshotAlreadyExistsFault"):
                raise
        else:
            self.asked.add(snapshot["copy"])

    def copied(self, snapshots: list[dict[str, Any]]) -> int:
        """Return how many copies this run has made, or would make in check mode."""
        made = [one["copy_status"] is not None and one["copy"] in self.asked for one in snapshots]
        return sum(map(is_copyable, snapshots)) if self.check_mode else sum(made)


def is_done(state: Mapping[str, Any]) -> bool:
    """Return whether nothing is left to wait for: the member holds all data, and no copy is on its way. Pure."""
    return state["synchronization_status"] in (None, CONNECTED) and not any(map(is_on_the_way, state["snapshots"]))


def describe(cluster: str, state: Mapping[str, Any], copied: int, check_mode: bool) -> str:
    """Return the outcome in one sentence. Pure."""
    snapshots = state["snapshots"]
    if not snapshots:
        return f"Aurora keeps no snapshot of an earlier volume of {cluster}."
    verb = "would be copied" if check_mode else "copied"
    left = [f"{one['identifier']} is {one['status']}" for one in snapshots if one["copy_status"] is None]
    words = f"Rescue snapshots of {cluster}: {len(snapshots)}; {copied} {verb} by this run"
    return f"{words}; not copied: {', '.join(left)}." if left and not check_mode else f"{words}."


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = pause,
) -> dict[str, Any]:
    """Copy the rescue snapshots of a cluster, and with wait: true go on until no more of them can appear.

    Returns {changed, reason, snapshots, synchronization_status, seconds}. Raises AwsCallError, or WaitTimeout.
    """
    rescue, began = Rescue(clients("rds", params.get("region")), params, check_mode), clock()
    pace = {"clock": clock, "sleep": sleep}
    if params["wait"] and not check_mode:
        state = wait(rescue, params, pace)
    else:
        state = retry_transient(rescue.look, **pace)
        if rescue.asked:
            # Asked for by this run, so that the copies are seen soon.
            state = retry_transient(rescue.look, **pace)
    unusable = [one for one in state["snapshots"] if one["copy_status"] is not None and not is_kept(one)]
    broken = [one for one in unusable if not is_on_the_way(one)]
    if broken:
        copies = ", ".join(f"{one['copy']} is {one['copy_status']}" for one in broken)
        raise Refused(f"Copies of rescue snapshots cannot be used: {copies}. Delete them, and run again.", **state)
    copied = rescue.copied(state["snapshots"])
    reason = describe(rescue.cluster, state, copied, check_mode)
    if params["wait"] and not check_mode:
        reason = f"{reason.removesuffix('.')}{after_waiting(clock() - began)}."
    return {"changed": copied > 0, "reason": reason, **state}


def wait(rescue: Rescue, params: Mapping[str, Any], pace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state once it is done. Raises WaitTimeout with the state and the remedy."""
    try:
        return poll(rescue.look, is_done, params["wait_timeout"], params["poll_interval"], **pace)
    except WaitTimeout as late:
        state = rescue.seen or {"synchronization_status": None, "snapshots": []}
        left = [f"{one['identifier']} is {one['status']}" for one in state["snapshots"] if not is_kept(one)]
        found = [f"the member is {state['synchronization_status']}"] if rescue.seen else []
        seen = ", ".join(found + ([f"last error: {late.error}"] if late.error else []))
        unknown = "none" if rescue.seen else "unknown"
        failure = WaitTimeout(
            late.state,
            late.error,
            late.seconds,
            f"Rescue snapshots of {rescue.cluster} are not all kept after {late.seconds:.0f} s (wait_timeout): {seen}; "
            f"not copied: {', '.join(left) or unknown}. Run again to go on, or raise wait_timeout.",
        )
        failure.evidence = dict(state)
        raise failure from late
