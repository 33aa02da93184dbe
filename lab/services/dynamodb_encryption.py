# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of DynamoDB tables: which one encrypts a table or a replica, and a change of it, which takes time.

Follows: API reference UpdateTable (SSESpecification, ReplicaUpdates) and SSEDescription; DynamoDB Developer Guide,
"DynamoDB encryption at rest". Not documented, but known from AWS's refusals in public threads (terraform-provider-aws,
issue 21726 and pull request 29102): keys of a global table change by ReplicaUpdates alone, all replicas in one request,
including the called one, and a request that changes nothing is refused.
"""

from __future__ import annotations

from typing import Any

from moto.dynamodb.exceptions import MockValidationException, ResourceInUseException
from moto.dynamodb.models.table import Table
from moto.kms.models import kms_backends

from lab.clock import CLOCK
from lab.services.dynamodb_global import GlobalTable
from lab.services.settings import SETTINGS

WRONG = "One or more parameter values were invalid: "


def has_customer_key(table: Table) -> bool:
    """Whether the table is encrypted by a key of the account's own, so that each replica needs one of its Region."""
    key = (table.sse_specification or {}).get("KMSMasterKeyId")
    return bool(key) and key != table._get_default_encryption_key(table.account_id, table.region_name)


def is_encrypting(table: Table) -> bool:
    """Whether the table's key is being changed."""
    return not CLOCK.reached(vars(table).get("lab_encrypting_until", 0.0))


def status(table: Table) -> str:
    """SSEDescription's Status."""
    return "UPDATING" if is_encrypting(table) else "ENABLED"


def check_key(account: str, region: str, name: str) -> str:
    """The ARN of a key of the region, given by id or ARN."""
    key = kms_backends[account][region].keys.get(name.rpartition("/")[2])
    if key is None or name not in (key.id, key.arn):
        raise MockValidationException(f"KMS validation error for region {region}: Key '{name}' does not exist")
    if key.key_state != "Enabled":
        raise MockValidationException(f"KMS validation error for region {region}: {key.arn} is {key.key_state}")
    return key.arn


def encrypt(table: Table, arn: str) -> None:
    """Begin to encrypt a table with a key."""
    table.sse_specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn}
    table.lab_encrypting_until = CLOCK.after(SETTINGS.encryption_s)


def refuse_while_encrypting(table: Table) -> None:
    """One change of the key at a time."""
    if is_encrypting(table):
        raise ResourceInUseException(
            "Attempt to change a resource which is still in use: Server-Side Encryption is still being updated"
        )


def change_key(table: Table, group: GlobalTable | None, wanted: dict[str, Any]) -> None:
    """UpdateTable with SSESpecification. Without a key all replicas get the one AWS manages, or DynamoDB's own."""
    refuse_while_encrypting(table)
    tables = [group.table(region) for region in group.replicas] if group else [table]
    if not wanted.get("Enabled"):
        for one in tables:
            one.sse_specification = None
    elif "KMSMasterKeyId" not in wanted:
        for one in tables:
            encrypt(one, one._get_default_encryption_key(one.account_id, one.region_name))
    elif group:
        raise MockValidationException(
            "Invalid operation: Customer Managed CMKs on Global Table Version 2019.11.21 replicas cannot be updated "
            "through SSESpecification parameter and can only be updated through ReplicaUpdates parameter"
        )
    else:
        encrypt(table, check_key(table.account_id, table.region_name, wanted["KMSMasterKeyId"]))


def change_keys(table: Table, group: GlobalTable | None, wanted: dict[str, str]) -> None:
    """UpdateTable with an Update of each replica in ReplicaUpdates."""
    refuse_while_encrypting(table)
    keys = {region: check_key(table.account_id, region, name) for region, name in wanted.items()}
    if group is None or set(keys) != set(group.replicas) or keys == {one: group.key(one) for one in keys}:
        raise MockValidationException(WRONG + "KMSMasterKeyId must be specified for each replica.")
    for region, arn in keys.items():
        encrypt(group.table(region), arn)
