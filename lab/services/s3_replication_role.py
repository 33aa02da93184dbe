# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether S3 can copy a version with the role of a replication configuration.

Follows: S3 User Guide, "Amazon S3 replication failure reasons" (AssumeRoleNotPermitted, and a denied call is one too),
"Setting up permissions for live replication" (the role trusts s3.amazonaws.com; its rights on both buckets) and
"Replicating encrypted objects" (kms:Decrypt with the source's key, kms:Encrypt with the replica's, through S3 in the
key's Region; landing-zone-accelerator-on-aws issue 1144 has seen that GenerateDataKey is not needed).

S3 assumes the role without any of the caller's condition keys: no example of AWS has a condition in the trust of this
role, and services differ in what they send (prowler, issues 7021 and 4714).
"""

from __future__ import annotations

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import IAMBackend, iam_backends
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey

from lab.iam_policies import ALLOWED, as_list, condition_holds, decide, is_like
from lab.role_trust import statements_of
from lab.services.first_use import is_refused, unsettle
from lab.services.iam_simulation import boundary_of, documents_of

SERVICE = "s3.amazonaws.com"
OF_SOURCE_BUCKET = ("s3:GetReplicationConfiguration", "s3:ListBucket")
OF_SOURCE_OBJECT = ("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging")


def refusal(arn: str, version: FakeKey | FakeDeleteMarker, source: FakeBucket, to: FakeBucket, key: str | None) -> str:
    """Why the role of this ARN cannot copy a version; empty if it can. key: the key of KMS for the replica."""
    iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    role = next((one for one in iam.roles.values() if one.arn == arn), None)
    if (
        role is None
        or not any(trusts_s3(one) for one in statements_of(role))
        or is_refused(role, f"s3 in {source.region_name}")
    ):
        return "AssumeRoleNotPermitted"
    boundary = boundary_of(iam, arn)
    bounds = [list(documents_of(iam, arn)), *([[boundary]] if boundary else [])]
    asked = needs(version, source, to, key)
    return next((one[0] for one in asked if any(decide(bound, *one) != ALLOWED for bound in bounds)), "")


def trusts_s3(statement: dict[str, Any]) -> bool:
    """Whether a statement of a trust policy lets S3 assume the role."""
    principal = statement["Principal"]
    named = as_list(principal.get("Service", [])) if isinstance(principal, dict) else [principal]
    actions = [str(one) for one in as_list(statement["Action"])]
    is_for_s3 = SERVICE in named and any(is_like("sts:AssumeRole", one) for one in actions)
    return is_for_s3 and statement["Effect"] == "Allow" and condition_holds(statement.get("Condition") or {}, {})


def needs(
    version: FakeKey | FakeDeleteMarker, source: FakeBucket, to: FakeBucket, key: str | None
) -> list[tuple[str, str, dict[str, list[str]]]]:
    """(action, resource, context) of everything that the role must be allowed."""
    there = f"{to.arn}/{version.name}"
    asked = [(action, source.arn, {}) for action in OF_SOURCE_BUCKET]
    asked += [(action, f"{source.arn}/{version.name}", {}) for action in OF_SOURCE_OBJECT]
    if isinstance(version, FakeDeleteMarker):
        return [*asked, ("s3:ReplicateDelete", there, {})]
    asked += [(action, there, {}) for action in ("s3:ReplicateObject", "s3:ReplicateTags")]
    if version.encryption == "aws:kms":
        for action, arn, bucket in (("kms:Decrypt", version.kms_key_id, source), ("kms:Encrypt", key, to)):
            if arn:
                asked.append((action, arn, {"kms:viaservice": [f"s3.{bucket.region_name}.amazonaws.com"]}))
    return asked


def install() -> None:
    """A role that was made a moment ago cannot be used yet, where the setting first_use_refused says so.

    "Changes that I make are not always immediately visible" of the IAM User Guide. S3 does not try such a copy again.
    """
    create = IAMBackend.create_role

    def create_role(self: IAMBackend, *args: Any, **named: Any) -> Any:
        role = create(self, *args, **named)
        unsettle(role)
        return role

    IAMBackend.create_role = create_role
