# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Replicas and tags of a secret that exists; its value, rotation and resource policy are never touched.

Facts used: DescribeSecret, ReplicateSecretToRegions, RemoveRegionsFromReplication, StopReplicationToReplica,
RestoreSecret and TagResource of the AWS Secrets Manager API Reference. community.aws.secretsmanager_secret cancels the
rotation of a secret for which it is given no rotation_lambda, in check mode too, and deletes a resource policy that it
is not given (its source, 10.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    retry_transient,
    timed,
    wait_until_visible,
)


@aws_call("DescribeSecret", missing=("ResourceNotFoundException",))
def describe_secret(client: Any, name: str) -> dict[str, Any]:
    """Return the secret without its value, or None if there is none."""
    return client.describe_secret(SecretId=name)


@aws_call("RestoreSecret")
def restore_secret(client: Any, name: str, _value: Any) -> None:
    """Cancel the scheduled deletion of a secret."""
    client.restore_secret(SecretId=name)


@aws_call("TagResource")
def tag_secret(client: Any, name: str, tags: Mapping[str, str]) -> None:
    """Add tags, or change their values."""
    client.tag_resource(SecretId=name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


@aws_call("ReplicateSecretToRegions")
def replicate_secret(client: Any, name: str, keys: Mapping[str, str | None], overwrites: bool = False) -> None:
    """Add replicas. keys: {region: key that encrypts the replica, or None for the key that AWS manages}.

    overwrites: whether a secret of the same name that is there is replaced.
    """
    asked = [{"Region": region, **({"KmsKeyId": key} if key else {})} for region, key in keys.items()]
    more = {"ForceOverwriteReplicaSecret": True} if overwrites else {}
    client.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=asked, **more)


def overwrite_secrets(client: Any, name: str, keys: Mapping[str, str | None]) -> None:
    """Add replicas as ``replicate_secret`` does, also where another secret has the name."""
    replicate_secret(client, name, keys, overwrites=True)


@aws_call("StopReplicationToReplica")
def promote_replica(client: Any, name: str, _value: Any) -> None:
    """Make a replica a secret of its own, in the region of the replica."""
    client.stop_replication_to_replica(SecretId=name)


@aws_call("RemoveRegionsFromReplication")
def remove_replicas(client: Any, name: str, regions: list[str]) -> None:
    """Delete the replicas in these regions."""
    client.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=regions)


# In the order in which they are made: a secret that is scheduled for deletion cannot be changed, nor can a replica.
WRITES = {
    "restore": restore_secret,
    "promoted": promote_replica,
    "tags": tag_secret,
    "replicas_added": replicate_secret,
    "replicas_overwriting": overwrite_secrets,
    "replicas_removed": remove_replicas,
}


def facts_of(secret: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return {arn, name, primary_region, is_deleted, tags, replication_status}, or {} for None. Pure.

    primary_region: None for a secret without replicas.
    """
    if secret is None:
        return {}
    return {
        "arn": secret["ARN"],
        "name": secret["Name"],
        "primary_region": secret.get("PrimaryRegion"),
        "is_deleted": bool(secret.get("DeletedDate")),
        "tags": {tag["Key"]: tag["Value"] for tag in secret.get("Tags") or []},
        "replication_status": [
            {
                "region": one["Region"],
                "kms_key_id": one.get("KmsKeyId"),
                "status": one.get("Status"),
                "status_message": one.get("StatusMessage"),
            }
            for one in secret.get("ReplicationStatus") or []
        ],
    }


def regions_in(facts: Mapping[str, Any]) -> list[str]:
    """Return the regions that have a replica. Pure."""
    return [one["region"] for one in facts.get("replication_status", ())]


def is_replica(facts: Mapping[str, Any]) -> bool:
    """Return whether the secret is a replica of another region's. Pure."""
    return bool(facts) and facts["primary_region"] not in (None, facts["arn"].split(":")[3])


def changes_to(facts: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return {name in WRITES: its argument} of what differs. Pure."""
    tags = {key: str(value) for key, value in (params.get("tags") or {}).items()}
    wanted, there = params.get("replicas"), regions_in(facts)
    keys = {one["region"]: one.get("kms_key_id") for one in wanted or ()}
    removed = [one for one in there if one not in keys] if wanted is not None and params.get("purge_replicas") else []
    added = "replicas_overwriting" if params.get("overwrite") else "replicas_added"
    found = {
        "restore": bool(params.get("restore") and facts["is_deleted"]),
        "promoted": bool(params.get("promote") and is_replica(facts)),
        "tags": {key: value for key, value in tags.items() if facts["tags"].get(key) != value},
        added: {region: key for region, key in keys.items() if region not in there},
        "replicas_removed": removed,
    }
    return {name: found[name] for name in WRITES if found.get(name)}


def added_by(changes: Mapping[str, Any]) -> dict[str, str | None]:
    """Return {region: key} of the replicas that changes add. Pure."""
    return {**changes.get("replicas_added", {}), **changes.get("replicas_overwriting", {})}


def predicted(facts: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that a secret will have. Pure."""
    removed, added = changes.get("replicas_removed", ()), added_by(changes)
    kept = [one for one in facts["replication_status"] if one["region"] not in removed]
    fresh = [
        {"region": region, "kms_key_id": key, "status": "InProgress", "status_message": None}
        for region, key in added.items()
    ]
    return {
        **facts,
        "is_deleted": facts["is_deleted"] and "restore" not in changes,
        "primary_region": None if "promoted" in changes else facts["primary_region"],
        "tags": {**facts["tags"], **changes.get("tags", {})},
        "replication_status": kept + fresh,
    }


def shows(facts: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Return whether a secret has what was changed. Pure."""
    there = regions_in(facts)
    return (
        bool(facts)
        and not ("restore" in changes and facts["is_deleted"])
        and not ("promoted" in changes and is_replica(facts))
        and all(facts["tags"].get(key) == value for key, value in changes.get("tags", {}).items())
        and all(region in there for region in added_by(changes))
        and not any(region in there for region in changes.get("replicas_removed", ()))
    )


def write(client: Any, name: str, changes: Mapping[str, Any], read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Make the changes in their order, and return the facts once AWS shows all of them."""
    facts: dict[str, Any] = {}
    for one, value in changes.items():
        failure = None
        try:
            WRITES[one](client, name, value)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        made = {one: value}
        facts = wait_until_visible(
            read, lambda now, made=made: shows(now, made), failure, f"The secret {name} was changed"
        )
    return facts


def words_for(changes: Mapping[str, Any]) -> str:
    """Return what is changed, for the reason. Pure."""
    words = {
        "restore": lambda _: "no longer scheduled for deletion",
        "promoted": lambda _: "no primary in another region",
        "tags": lambda tags: f"tags {', '.join(tags)}",
        "replicas_added": lambda keys: f"replicas in {', '.join(keys)}",
        "replicas_overwriting": lambda keys: f"replicas in {', '.join(keys)} instead of other secrets of the name",
        "replicas_removed": lambda regions: f"no replicas in {', '.join(regions)}",
    }
    return "; ".join(words[one](value) for one, value in changes.items())


@timed
def run(params: Mapping[str, Any], clients: Callable[..., Any], check_mode: bool = False) -> dict[str, Any]:
    """Bring replicas and tags of a secret to the wanted state.

    Returns {changed, reason, metadata, diff, seconds}; metadata is {} if there is none. Raises Refused or AwsCallError.
    """
    name = params["name"]
    client = clients("secretsmanager", params.get("region"))

    def read() -> dict[str, Any]:
        return facts_of(retry_transient(lambda: describe_secret(client, name)))

    before = read()
    if not before:
        # In check mode the task that creates it has not run.
        if params.get("replicas") and not check_mode:
            raise Refused(f"There is no secret {name} (name).")
        reason = f"There is no secret {name}."
        return {"changed": False, "reason": reason, "metadata": {}, "diff": {"before": {}, "after": {}}}
    changes = changes_to(before, params)
    if before["is_deleted"] and changes and "restore" not in changes:
        raise Refused(f"The secret {name} is scheduled for deletion; set restore to true to keep it.", metadata=before)
    after = predicted(before, changes)
    if changes and not check_mode:
        after = write(client, name, changes, read)
    verb = "would have" if check_mode else "has now"
    return {
        "changed": bool(changes),
        "reason": f"The secret {name} {verb}: {words_for(changes)}."
        if changes
        else f"The secret {name} is as requested.",
        "metadata": after,
        "diff": {"before": before, "after": after},
    }
