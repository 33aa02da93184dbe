# SPDX-License-Identifier: GPL-3.0-or-later
"""DynamoDB of the lab: moto's, with replicas added, changed and removed by UpdateTable, and keys that change.

Follows: API reference UpdateTable (ReplicaUpdates), DeleteTable and TableDescription; DynamoDB Developer Guide,
"Best practices for global tables" and "Global tables: Managing" (one change at a time; streams NEW_AND_OLD_IMAGES;
point-in-time recovery, tags and deletion protection are the replica's own; a Region that was the source of replicas
goes last).
"""

from __future__ import annotations

from typing import Any

import moto.dynamodb.urls
from moto.core.responses import TYPE_RESPONSE, ActionResult
from moto.dynamodb.exceptions import MockValidationException, ResourceInUseException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from lab.clock import CLOCK
from lab.services.dynamodb_encryption import change_key, change_keys, check_key, has_customer_key, is_encrypting, status
from lab.services.dynamodb_global import GlobalTable, Replica, advance_all, global_table, global_tables
from lab.services.settings import SETTINGS

READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet")
WRONG = "One or more parameter values were invalid: "


class LabDynamoHandler(DynamoHandler):
    def call_action(self) -> TYPE_RESPONSE:
        advance_all(self.current_account)
        try:
            return super().call_action()
        finally:
            if not self._get_action().startswith(READS):
                for group in global_tables(self.current_account):
                    if self.region in group.replicas:
                        group.capture(self.region)

    def _group(self) -> GlobalTable | None:
        return global_table(self.current_account, self.region, self.body["TableName"])

    def update_table(self) -> ActionResult:
        table, updates, group = self._table(), self.body.get("ReplicaUpdates") or [], self._group()
        if group and group.busy:
            raise ResourceInUseException(
                f"Attempt to change a resource which is still in use: Table is being updated: {table.name}"
            )
        keys = {one["Update"]["RegionName"]: one["Update"]["KMSMasterKeyId"] for one in updates if changes_key(one)}
        if len(updates) > 1 and len(keys) != len(updates):
            raise MockValidationException(WRONG + "Only one replica update is allowed at a time")
        if self.body.get("SSESpecification"):
            change_key(table, group, self.body["SSESpecification"])
        stream = self.body.get("StreamSpecification")
        if group and stream and not stream.get("StreamEnabled"):
            raise MockValidationException(WRONG + "Streams cannot be disabled on a table with replicas")
        if keys:
            change_keys(table, group, keys)
        elif updates:
            ((action, details),) = updates[0].items()
            {"Create": self._create, "Update": self._update, "Delete": self._delete}[action](table, details)
        super().update_table()
        if group and self.body.get("BillingMode"):
            for region in group.replicas:
                group.table(region).billing_mode = self.body["BillingMode"]
        return DynamoResult(table.describe())

    def _table(self) -> Table:
        return self.dynamodb_backend.get_table(self.body["TableName"])

    def _other_region(self, details: dict[str, Any]) -> str:
        if details["RegionName"] == self.region:
            raise MockValidationException(
                "Cannot add, delete, or update the local region through ReplicaUpdates. "
                "Use CreateTable, DeleteTable, or UpdateTable as required."
            )
        return details["RegionName"]

    def _create(self, table: Table, details: dict[str, Any]) -> None:
        region, key = self._other_region(details), details.get("KMSMasterKeyId")
        if is_encrypting(table):
            raise MockValidationException(
                "Operation cannot be performed while replica server-side encryption status is in UPDATING state."
            )
        if (table.stream_specification or {}).get("StreamViewType") != "NEW_AND_OLD_IMAGES":
            raise MockValidationException(
                WRONG + "Table must have DynamoDB Streams enabled with StreamViewType NEW_AND_OLD_IMAGES"
            )
        if table.name in dynamodb_backends[self.current_account][region].tables:
            raise MockValidationException(
                f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
                "already existed as tables."
            )
        if has_customer_key(table) != bool(key):
            raise MockValidationException(WRONG + "KMSMasterKeyId must be specified for each replica.")
        key = key and check_key(table.account_id, region, key)
        group = self._group()
        if group is None:
            group = GlobalTable(self.current_account, table.name, self.region)
            global_tables(self.current_account).append(group)
        replica = Replica(region, source=self.region, kms_key=key, table_class=details.get("TableClassOverride"))
        group.add(replica)

    def _existing(self, details: dict[str, Any]) -> tuple[GlobalTable, Replica]:
        group, region = self._group(), self._other_region(details)
        if group is None or region not in group.replicas:
            raise MockValidationException(
                "Update global table operation failed because one or more replicas were not part of the global table."
            )
        return group, group.replicas[region]

    def _update(self, table: Table, details: dict[str, Any]) -> None:
        _, replica = self._existing(details)
        replica.table_class = details.get("TableClassOverride", replica.table_class)
        replica.status, replica.until = "UPDATING", CLOCK.after(SETTINGS.replica_delete_s)

    def _delete(self, table: Table, details: dict[str, Any]) -> None:
        group, replica = self._existing(details)
        check_deletable(group, replica.region)
        if group.table(replica.region).deletion_protection_enabled:
            raise MockValidationException(
                f"Resource cannot be deleted as it is currently protected against deletion: {table.name}"
            )
        group.remove(replica.region)

    def delete_table(self) -> ActionResult:
        group = self._group()
        if is_encrypting(self._table()):
            raise ResourceInUseException(
                "Attempt to change a resource which is still in use: Server-Side Encryption is still being updated"
            )
        if group is None:
            return super().delete_table()
        if group.busy:
            raise ResourceInUseException(
                f"Attempt to change a resource which is still in use: Table is being updated: {group.name}"
            )
        check_deletable(group, self.region)
        result = super().delete_table()
        group.forget(self.region)
        return result

    def update_time_to_live(self) -> ActionResult:
        """Time to live is the same in all replicas."""
        result, group = super().update_time_to_live(), self._group()
        for region in group.replicas if group else ():
            group.table(region).ttl = dict(self._table().ttl)
        return result


def changes_key(update: dict[str, Any]) -> bool:
    """Whether one of ReplicaUpdates gives a replica that is there a key."""
    return "KMSMasterKeyId" in update.get("Update", {})


def check_deletable(group: GlobalTable, region: str) -> None:
    """A Region that another replica was filled from stays for 24 hours."""
    sources = {one.source for one in group.replicas.values() if not CLOCK.reached(one.keeps_source_until)}
    if region in sources:
        raise MockValidationException(
            "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
            "table in the last 24 hours."
        )


def install() -> None:
    moto.dynamodb.urls.url_paths["{0}/"] = LabDynamoHandler.dispatch
    stock_describe = Table.describe

    def describe(self: Table, base_key: str = "TableDescription") -> dict[str, Any]:
        shown = stock_describe(self, base_key)
        if "SSEDescription" in shown[base_key]:
            shown[base_key]["SSEDescription"]["Status"] = status(self)
        group = global_table(self.account_id, self.region_name, self.name)
        if group:
            shown[base_key] |= group.describe(self.region_name)
        return shown

    Table.describe = describe
