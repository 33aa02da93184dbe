# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Replicas of a DynamoDB table (global tables, version 2019.11.21): add, remove, and change settings of each replica.

``replicas.py`` decides what to change; this module reads, and makes one change at a time. Sources: UpdateTable,
UpdateContinuousBackups and TagResource of the DynamoDB API Reference.
"""

from __future__ import annotations

import time

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    timed,
    wait_until_visible,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.replicas import (
    STREAM_VIEW,
    describe_plan,
    encryption_status,
    foresee,
    is_at_rest,
    is_empty,
    key_of,
    keys_there,
    obstacle,
    plan,
    removals,
    replica_changes,
    replica_states,
    stream_view,
)

POLL_SECONDS = 2
# How long a replica that is reported as active may be missing in its own region.
APPEAR_SECONDS = 30
# Transient codes: the table, or too many tables of the account, are being changed, or the replica is too new.
BUSY = ("ResourceInUseException", "LimitExceededException", "ContinuousBackupsUnavailableException")
FAILED = ("CREATION_FAILED", "REGION_DISABLED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REPLICATION_NOT_AUTHORIZED")


@aws_call("DescribeTable", missing=("ResourceNotFoundException",))
def describe_table(client, name):
    """Return the Table of the DynamoDB API as seen in the client's region, or None."""
    return client.describe_table(TableName=name)["Table"]


@aws_call("UpdateTable")
def update_table(client, name, settings):
    """Make one change to a table."""
    client.update_table(TableName=name, **settings)


@aws_call("DescribeContinuousBackups")
def describe_recovery(client, name):
    """Return True if point-in-time recovery is enabled."""
    answer = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return answer.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


@aws_call("UpdateContinuousBackups")
def update_recovery(client, name, enabled):
    """Enable or disable point-in-time recovery."""
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
    )


@aws_call("ListTagsOfResource")
def list_tags(client, arn):
    """Return {key: value} of all tags."""
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags", [])}


@aws_call("TagResource")
def tag_resource(client, arn, tags):
    """Add or change tags."""
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())])


def is_passing(error):
    """Return True if the same call may succeed a little later."""
    return error.retryable or error.code in BUSY


class GlobalTable:
    """One table and its replicas, managed from one region."""

    def __init__(self, params, clients, clock=time.monotonic, sleep=pause):
        self.name = params["table_name"]
        self.clients = clients
        self.region = params.get("region") or clients.default_region
        self.listed = {one["region"] for one in params.get("replicas") or ()}
        self.purges = params.get("purge_replicas", False)
        self.wait = params.get("wait", True)
        self.timeout = params.get("wait_timeout", 600)
        self.time = {"clock": clock, "sleep": sleep}

    def client(self, region=None):
        """Return the dynamodb client of a region (default: the managing one)."""
        return self.clients("dynamodb", region or self.region)

    def table(self, region=None):
        """Return the table, which has to exist."""
        timeout = 0 if region in (None, self.region) else APPEAR_SECONDS
        try:
            return self.repeat(lambda: describe_table(self.client(region), self.name), bool, timeout)
        except WaitTimeout as late:
            raise Refused(f"There is no table {self.name} in {region or self.region} (table_name, region).") from late

    def repeat(self, call, done=lambda _answer: True, timeout=None):
        """Return what call returns once done, waiting for busy tables and transient failures. Raises WaitTimeout."""
        try:
            timeout = self.timeout if timeout is None else timeout
            return poll(call, done, timeout, POLL_SECONDS, tolerate=is_passing, **self.time)
        except WaitTimeout as late:
            if late.error is None:
                raise
            raise late.error from late

    def states(self):
        """Return {region: status} of the other replicas."""
        return replica_states(self.table(), self.region)

    def replica(self, region):
        """Return the replica as its own region reports it.

        Keys: region, status, arn, kms_key_arn, encryption_status, point_in_time_recovery, deletion_protection, tags.
        """
        client = self.client(region)
        table = self.table(region)
        return {
            "region": region,
            "status": table["TableStatus"],
            "arn": table["TableArn"],
            "kms_key_arn": key_of(table),
            "encryption_status": encryption_status(table),
            "point_in_time_recovery": self.repeat(lambda: describe_recovery(client, self.name)),
            "deletion_protection": bool(table.get("DeletionProtectionEnabled")),
            "tags": self.repeat(lambda: list_tags(client, table["TableArn"])),
        }

    def observe(self):
        """Return {stream, replicas}: the replicas of all regions; those that are not ACTIVE have only their status.

        So has one that is not asked for, if its region does not respond.
        """
        table = self.table()
        states = replica_states(table, self.region)
        there = [name for name, status in states.items() if status == "ACTIVE"]
        replicas = [self.replica(self.region), *(self.other(name, states[name]) for name in there)]
        replicas += [{"region": name, "status": status} for name, status in states.items() if name not in there]
        return {"stream_view_type": stream_view(table), "replicas": sorted(replicas, key=lambda one: one["region"])}

    def other(self, region, status):
        """Return the replica of another region; only {region, status} if it may stay unknown."""
        if region not in self.listed and not self.purges:
            try:
                describe_table(self.client(region), self.name)
            except AwsCallError as error:
                if not error.unreachable:
                    raise
                return {"region": region, "status": status}
        return self.replica(region)

    def observe_after(self, is_done, params):
        """Return an observation that is not older than the changes made, and in which no replica is being changed.

        is_done: function of the plan that is left. Without ``wait`` the first observation is returned.
        """

        def shows(observed):
            return not self.wait or (is_at_rest(observed) and is_done(plan(observed, params, self.region)))

        return wait_until_visible(
            self.observe, shows, done=f"{self.name} was changed", timeout=APPEAR_SECONDS, **self.time
        )

    def write(self, region, settings, achieved):
        """Make one UpdateTable call once the table allows it; after a lost response, look before repeating it."""
        client = self.client(region)
        unsure = False

        def ask():
            nonlocal unsure
            if unsure and achieved():
                return True
            was_asked, unsure = unsure, True
            try:
                update_table(client, self.name, settings)
            except AwsCallError as error:
                if is_passing(error) or not (was_asked or error.ambiguous):
                    raise
                # The retry was rejected, perhaps because the first try succeeded, which DescribeTable shows late.
                wait_until_visible(achieved, bool, error, **self.time)
            return True

        self.repeat(ask)

    def reconcile(self, done, waiting_for):
        """Poll the table until done(table)."""
        try:
            return poll(self.table, done, self.timeout, POLL_SECONDS, **self.time)
        except WaitTimeout as late:
            states = replica_states(late.state, self.region) if late.state else {}
            raise MultiRegionError(
                f"{waiting_for} after {late.seconds:.0f} s (wait_timeout); replicas of {self.name}: {states}. "
                "Run again to continue waiting."
            ) from late

    def enable_stream(self):
        """Enable the stream that replication requires."""
        settings = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}}
        self.write(self.region, settings, lambda: stream_view(self.table()) == STREAM_VIEW)
        self.reconcile(
            lambda now: now["TableStatus"] == "ACTIVE" and stream_view(now) == STREAM_VIEW,
            f"The stream of {self.name} is not enabled",
        )

    def encrypt(self, keys, wait):
        """Encrypt the table of each region with its key. All existing replicas change their keys together.

        The key of a table without replicas is a separate setting (UpdateTable, SSESpecification).
        """
        updates = [{"Update": {"RegionName": name, "KMSMasterKeyId": arn}} for name, arn in sorted(keys.items())]
        settings = {"ReplicaUpdates": updates}
        if list(keys) == [self.region]:
            settings = {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": keys[self.region]}}
        self.write(self.region, settings, lambda: self.is_encrypted(keys, or_soon=True))
        if wait:
            self.reconcile_keys(keys)

    def is_encrypted(self, keys, or_soon=False):
        """Return True if the table of each region has its key (None: any), and no key is being changed.

        or_soon: also accept tables whose key is being changed.
        """
        for name, arn in keys.items():
            table = self.table(name)
            if encryption_status(table) == "UPDATING":
                if not or_soon:
                    return False
            elif arn not in (None, key_of(table)):
                return False
        return True

    def reconcile_keys(self, keys):
        """Wait until the table of each region has its key (None: any), and no key is being changed."""
        try:
            poll(lambda: self.is_encrypted(keys), bool, self.timeout, POLL_SECONDS, **self.time)
        except WaitTimeout as late:
            raise MultiRegionError(
                f"{self.name} is not encrypted with its keys in {', '.join(sorted(keys))} after {late.seconds:.0f} s "
                "(wait_timeout). Run again to continue waiting."
            ) from late

    def make_step(self, step, wait):
        """Create or delete one replica and wait for it."""
        action, name = next((key, value["RegionName"]) for key, value in step.items())
        creating = action == "Create"
        self.write(self.region, {"ReplicaUpdates": [step]}, lambda: (name in self.states()) == creating)
        if not wait:
            return

        def done(table):
            status = replica_states(table, self.region).get(name)
            if status in FAILED:
                raise MultiRegionError(
                    f"The replica of {self.name} in {name} is {status}; AWS does not continue by itself."
                )
            return table["TableStatus"] == "ACTIVE" and (status == "ACTIVE" if creating else status is None)

        self.reconcile(done, f"The replica of {self.name} in {name} is not {'ACTIVE' if creating else 'gone'}")

    def reconcile_replicas(self, leaving):
        """Wait until no replica is being changed, so that the next change is not rejected.

        leaving: regions whose replica is to be removed, regardless of its status.
        """

        def still(table):
            states = replica_states(table, self.region).items()
            broken = {name: status for name, status in states if status in FAILED and name not in leaving}
            if broken:
                raise MultiRegionError(f"Replicas of {self.name} failed and need an operator: {broken}.")
            return table["TableStatus"] == "ACTIVE" and all(status in ("ACTIVE", *FAILED) for _name, status in states)

        self.reconcile(still, f"{self.name} is still being changed")

    def configure(self, region, changes):
        """Apply the result of replica_changes."""
        client = self.client(region)
        if "point_in_time_recovery" in changes:
            enabled = changes["point_in_time_recovery"]
            self.repeat(lambda: update_recovery(client, self.name, enabled))
        if "deletion_protection" in changes:
            wanted = changes["deletion_protection"]
            self.write(
                region,
                {"DeletionProtectionEnabled": wanted},
                lambda: bool(self.table(region).get("DeletionProtectionEnabled")) == wanted,
            )
        if "tags" in changes:
            arn = self.table(region)["TableArn"]
            self.repeat(lambda: tag_resource(client, arn, changes["tags"]))


def carry_out(table, planned, params):
    """Make the changes one by one, configure new replicas, and return what is read back."""
    wanted = params.get("replicas") or []
    if planned["stream"]:
        table.enable_stream()
    if planned["keys"]:
        # Before the replicas: AWS creates none while a key is being changed, and a new one gets a key of the same kind.
        table.encrypt(planned["keys"], wait=table.wait or bool(planned["steps"]))
    for index, step in enumerate(planned["steps"], start=1):
        # AWS makes one change at a time, so only the last one need not be waited for.
        table.make_step(step, wait=table.wait or index < len(planned["steps"]))
    observed = table.observe_after(lambda left: not (left["stream"] or left["steps"]), params)
    for replica in wanted:
        current = next((one for one in observed["replicas"] if one["region"] == replica["region"]), {})
        changes = replica_changes(current, replica) if "arn" in current else {}
        if changes:
            table.configure(replica["region"], changes)
    return table.observe_after(is_empty, params)


@timed
def run(params, clients, check_mode=False, clock=time.monotonic, sleep=pause):
    """Bring the replicas of a table to the wanted state.

    Returns {changed, reason, replicas, stream_view_type, diff, seconds}. Raises a MultiRegionError.
    """
    table = GlobalTable(params, clients, clock, sleep)
    before = table.observe()
    refusal = obstacle(before, params)
    if refusal:
        raise Refused(refusal)
    planned = plan(before, params, table.region)
    if not check_mode and (table.wait or planned["steps"]) and not is_at_rest(before):
        # A change by an earlier or another run is in progress; its result determines what remains to be done.
        table.reconcile_replicas(leaving=removals(planned))
        table.reconcile_keys(dict.fromkeys(keys_there(before["replicas"])))
        before = table.observe()
        planned = plan(before, params, table.region)
    changed = not is_empty(planned)
    after = before
    if changed and check_mode:
        after = foresee(before, planned)
    elif changed:
        after = carry_out(table, planned, params)
    reason = describe_plan(planned, table.name, not check_mode) if changed else f"{table.name} is as requested."
    return {"changed": changed, "reason": reason, **after, "diff": {"before": before, "after": after}}
