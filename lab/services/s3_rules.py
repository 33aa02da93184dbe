# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication configurations of S3 buckets: which are accepted, and which rule an object falls under.

Follows: S3 User Guide, "Replication configuration file elements" (rules with `Filter` need Priority and
DeleteMarkerReplication; replication time control needs Metrics, both at 15 minutes; SSE-KMS objects need a key for
the replicas) and "Requirements and considerations for replication" (versioning on both sides); API reference
PutBucketReplication.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from moto.s3.exceptions import MalformedXML, S3ClientError
from moto.s3.models import FakeBucket, S3Backend

from lab.services.first_use import is_refused

ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
DESTINATION = re.compile(r"arn:aws[a-z-]*:s3:::([a-z0-9.-]{3,63})")
SCHEMA = "must be specified for this version of Cross Region Replication configuration schema."


def invalid(message: str) -> S3ClientError:
    return S3ClientError("InvalidRequest", message)


def enabled(part: dict[str, Any] | None) -> bool:
    return (part or {}).get("Status") == "Enabled"


def destination_name(rule: dict[str, Any]) -> str:
    return rule["Destination"]["Bucket"].rsplit(":", 1)[-1]


def check_configuration(backend: S3Backend, bucket: FakeBucket, configuration: dict[str, Any]) -> None:
    """Raise the API's fault unless the configuration can be applied; give rules without an ID one."""
    mark = vars(bucket).get("lab_versioning")
    if not bucket.is_versioned or (mark and is_refused(mark)):
        raise invalid("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    if not ROLE.fullmatch(configuration.get("Role") or ""):
        raise S3ClientError("InvalidArgument", f"Invalid role ARN: {configuration.get('Role')!r}")
    rules = configuration.get("Rules") or []
    if not rules:
        raise MalformedXML()
    for rule in rules:
        rule.setdefault("ID", uuid4().hex)
        _check_schema(rule)
        _check_destination(backend, bucket, rule)
    for name in ("ID", "Priority"):
        values = [rule[name] for rule in rules if name in rule]
        if len(set(values)) != len(values):
            raise invalid(f"Found duplicate {name} in the rules: {values}")


def _check_schema(rule: dict[str, Any]) -> None:
    criteria, destination = rule.get("SourceSelectionCriteria") or {}, rule["Destination"]
    if "Filter" in rule:
        for name in ("Priority", "DeleteMarkerReplication"):
            if rule.get(name) is None:
                raise invalid(f"{name} {SCHEMA}")
    elif rule.get("Prefix") is None:
        raise MalformedXML()
    elif "DeleteMarkerReplication" in rule or "ReplicaModifications" in criteria:
        raise MalformedXML()
    key = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if enabled(criteria.get("SseKmsEncryptedObjects")) != bool(key):
        raise invalid("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present, and only then.")
    timing, metrics = destination.get("ReplicationTime"), destination.get("Metrics")
    if enabled(timing):
        minutes = [
            (timing.get("Time") or {}).get("Minutes"),
            ((metrics or {}).get("EventThreshold") or {}).get("Minutes"),
        ]
        if not enabled(metrics) or minutes != [15, 15]:
            raise invalid("ReplicationTime needs Metrics enabled, and 15 Minutes in both")
    elif (metrics or {}).get("EventThreshold"):  # crossplane-contrib/provider-aws, issue 1117
        message = "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled"
        raise S3ClientError("InvalidArgument", message)


def _check_destination(backend: S3Backend, bucket: FakeBucket, rule: dict[str, Any]) -> None:
    if not DESTINATION.fullmatch(rule["Destination"]["Bucket"]):
        raise S3ClientError("InvalidArgument", f"Invalid bucket ARN: {rule['Destination']['Bucket']!r}")
    name = destination_name(rule)
    if name == bucket.name:
        raise invalid("Destination bucket cannot be the same as the source bucket.")
    if name not in backend.buckets:
        raise invalid("Destination bucket must exist.")
    if not backend.buckets[name].is_versioned:
        raise invalid("Destination bucket must have versioning enabled.")


def _matches(rule: dict[str, Any], key_name: str, tags: dict[str, str]) -> bool:
    given = rule.get("Filter") or {"Prefix": rule.get("Prefix") or ""}
    both = given.get("And") or {}
    wanted = both.get("Tags") or ([given["Tag"]] if given.get("Tag") else [])
    prefix = both.get("Prefix") or given.get("Prefix") or ""
    return key_name.startswith(prefix) and all(tags.get(one["Key"]) == one["Value"] for one in wanted)


def rules_for(bucket: FakeBucket, key_name: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    """The enabled rules that fit, one for each destination: that of the highest priority.

    "Replication configuration file elements": a priority decides among rules with the same destination bucket, and an
    object is replicated to every destination.
    """
    rules = (getattr(bucket, "replication", None) or {}).get("Rules", [])
    fitting = [rule for rule in rules if enabled(rule) and _matches(rule, key_name, tags)]
    ranked = sorted(fitting, key=lambda rule: rule.get("Priority", 0))
    return list({destination_name(rule): rule for rule in ranked}.values())
