# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 as a client without credentials sees it, such as a Route 53 health checker.

Follows: S3 User Guide, "How Amazon S3 authorizes a request for an object operation", "Blocking public access to your
Amazon S3 storage" and, for new buckets, "Default settings for new S3 buckets FAQ".
"""

from __future__ import annotations

import fnmatch
import json
import re
from typing import Any
from urllib.parse import unquote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.models import FakeBucket, FakeKey, PublicAccessBlock, S3Backend, s3_backends

from lab.elb import Fetched
from lab.world import WORLD

HOST = re.compile(r"(?P<bucket>.+?)\.s3(?:\.dualstack)?(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com")
GET_OBJECT = "s3:GetObject"
# TLS between S3 and its clients: 1.2 is required, 1.3 recommended (S3 User Guide, "Infrastructure security").
TLS_VERSION = 1.3


def bucket_of_host(host: str) -> re.Match[str] | None:
    """`bucket` and `region` of a virtual-hosted-style name, None for another name."""
    return HOST.fullmatch(host.lower().rstrip("."))


def get(host: str, path: str, https: bool) -> Fetched:
    """An anonymous GET of a virtual-hosted-style URL."""
    found = bucket_of_host(host)
    bucket: FakeBucket | None = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(found["bucket"]) if found else None
    if bucket is None:
        return Fetched(404, "NoSuchBucket")
    if WORLD.region_is_out(bucket.region_name):
        return Fetched(None, f"connection timed out: {bucket.region_name} is out")
    if found and found["region"] not in (None, bucket.region_name):
        return Fetched(301, f"PermanentRedirect: the bucket is in {bucket.region_name}")
    key_name = unquote(path.partition("?")[0]).lstrip("/")
    if not may_read(bucket, key_name, https):
        return Fetched(403, "AccessDenied")
    key = bucket.keys.get(key_name)
    # Without s3:ListBucket a missing key is denied, not missing (GetObject, "Permissions").
    return Fetched(200, "OK", key.value) if isinstance(key, FakeKey) else Fetched(403, "AccessDenied: no such key")


def may_read(bucket: FakeBucket, key_name: str, https: bool = True) -> bool:
    """Whether the bucket allows anonymous clients to read the key."""
    block = bucket.public_access_block
    if bucket.policy is None or (block is not None and block.restrict_public_buckets):
        return False
    resource = f"arn:aws:s3:::{bucket.name}/{key_name}"
    effects = {s["Effect"] for s in _statements(bucket.policy) if applies(s, GET_OBJECT, resource, https)}
    return effects == {"Allow"}


def _statements(policy: bytes | str) -> list[dict[str, Any]]:
    return _as_list(json.loads(policy).get("Statement"))


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def applies(statement: dict[str, Any], action: str, resource: str, https: bool) -> bool:
    """Whether a policy statement applies to an anonymous request.

    Conditions that are understood are aws:SecureTransport and a least s3:TlsVersion, which plain HTTP has none of; any
    other keeps an Allow from applying and lets a Deny apply, so that the lab never shows more than AWS would.
    """
    denies = statement["Effect"] == "Deny"
    if not _is_anybody(statement, denies):
        return False
    if not _covers(statement, "Action", action) or not _covers(statement, "Resource", resource):
        return False
    conditions = statement.get("Condition") or {}
    return all(_condition_holds(operator, keys, https, denies) for operator, keys in conditions.items())


def _is_anybody(statement: dict[str, Any], denies: bool) -> bool:
    principal = statement.get("Principal")
    if principal is None:
        return denies  # NotPrincipal
    return "*" in (_as_list(principal.get("AWS")) if isinstance(principal, dict) else _as_list(principal))


def _covers(statement: dict[str, Any], element: str, value: str) -> bool:
    if element in statement:
        return _any_matches(statement[element], value)
    return not _any_matches(statement.get(f"Not{element}"), value)


def _any_matches(patterns: Any, value: str) -> bool:
    return any(fnmatch.fnmatchcase(value.lower(), pattern.lower()) for pattern in _as_list(patterns))


def _condition_holds(operator: str, keys: dict[str, Any], https: bool, denies: bool) -> bool:
    if operator == "Bool" and set(keys) == {"aws:SecureTransport"}:
        return str(_as_list(keys["aws:SecureTransport"])[0]).lower() == str(https).lower()
    if operator == "NumericLessThan" and set(keys) == {"s3:TlsVersion"}:
        return https and float(_as_list(keys["s3:TlsVersion"])[0]) > TLS_VERSION
    return denies


def is_public(policy: bytes | str) -> bool:
    """Whether a policy is public, as BlockPublicPolicy defines it."""
    return any(
        statement["Effect"] == "Allow" and _is_anybody(statement, False) and not statement.get("Condition")
        for statement in _statements(policy)
    )


def install() -> None:
    """New buckets block public access, as AWS's do since April 2023; BlockPublicPolicy refuses a public policy."""
    create_bucket, put_bucket_policy = S3Backend.create_bucket, S3Backend.put_bucket_policy

    def create_blocked(self: S3Backend, *args: Any, **kwargs: Any) -> FakeBucket:
        bucket = create_bucket(self, *args, **kwargs)
        bucket.public_access_block = PublicAccessBlock(True, True, True, True)
        return bucket

    def put_checked(self: S3Backend, bucket_name: str, policy: bytes) -> None:
        block = self.get_bucket(bucket_name).public_access_block
        if block is not None and block.block_public_policy and is_public(policy):
            refusal = S3AccessDeniedError()
            refusal.message = "public policies are blocked by the BlockPublicPolicy block public access setting"
            raise refusal
        put_bucket_policy(self, bucket_name, policy)

    S3Backend.create_bucket = create_blocked
    S3Backend.put_bucket_policy = put_checked
