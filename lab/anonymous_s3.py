# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 as a client without credentials sees it, such as a Route 53 health checker.

Follows: S3 User Guide, "How Amazon S3 authorizes a request for an object operation", "Blocking public access to your
Amazon S3 storage" (the most restrictive combination of the settings of account and bucket counts), "Configuring block
public access settings for your account" (an organization's policy overrides those of the account) and, for new buckets,
"Default settings for new S3 buckets FAQ". S3 Control API Reference: GetPublicAccessBlock returns the effective settings
of the account; PutPublicAccessBlock and DeletePublicAccessBlock are denied under an organization's policy.
"""

from __future__ import annotations

import fnmatch
import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.models import FakeBucket, FakeKey, PublicAccessBlock, S3Backend, s3_backends
from moto.s3control import urls as control_urls
from moto.s3control.models import s3control_backends
from moto.s3control.responses import S3ControlResponse

from lab.elb import Fetched
from lab.faults import Answer, error_answer
from lab.request import ApiRequest, Form, read_scope
from lab.services.settings import SETTINGS
from lab.world import WORLD

HOST = re.compile(r"(?P<bucket>.+?)\.s3(?:\.dualstack)?(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com")
GET_OBJECT = "s3:GetObject"
# TLS between S3 and its clients: 1.2 is required, 1.3 recommended (S3 User Guide, "Infrastructure security").
TLS_VERSION = 1.3


MEMBERS = {
    "BlockPublicAcls": "block_public_acls",
    "IgnorePublicAcls": "ignore_public_acls",
    "BlockPublicPolicy": "block_public_policy",
    "RestrictPublicBuckets": "restrict_public_buckets",
}


def account_blocks() -> dict[str, bool] | None:
    """The effective settings of the account, None where it has none; an organization's policy overrides them."""
    if SETTINGS.organization_blocks_public_access:
        return dict.fromkeys(MEMBERS, True)
    own = s3control_backends[DEFAULT_ACCOUNT_ID]["aws"].public_access_block
    return {member: _is_on(getattr(own, name)) for member, name in MEMBERS.items()} if own else None


def _is_on(value: Any) -> bool:
    return str(value).lower() == "true"


def is_blocked(bucket: FakeBucket, member: str) -> bool:
    """Whether a setting of S3 Block Public Access holds for a bucket: its own, or the account's."""
    own = bucket.public_access_block
    return (own is not None and _is_on(getattr(own, MEMBERS[member]))) or (account_blocks() or {}).get(member, False)


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


def refusal(request: ApiRequest, form: Form) -> Answer | None:
    """The answer to an API call without credentials unless its bucket is open to it; None for any other call.

    "How Amazon S3 authorizes a request": the requester is anonymous, and only a bucket's policy can allow it. The lab
    has no TLS; a client of its API counts as one that uses it, as at AWS.
    """
    if request.service != "s3" or read_scope(form) is not None:
        return None
    bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(request.bucket or "")
    if bucket is None:
        return error_answer(request, 404, "NoSuchBucket", "The specified bucket does not exist")
    key_name = unquote(form.path).partition(f"/{bucket.name}/")[2]
    # Without s3:ListBucket a missing key is denied, not missing (GetObject, "Permissions").
    if request.operation != "GetObject" or not may_read(bucket, key_name) or key_name not in bucket.keys:
        return error_answer(request, 403, "AccessDenied", "Access Denied")
    return None


def may_read(bucket: FakeBucket, key_name: str, https: bool = True) -> bool:
    """Whether the bucket allows anonymous clients to read the key."""
    if bucket.policy is None or is_blocked(bucket, "RestrictPublicBuckets"):
        return False
    resource = f"arn:aws:s3:::{bucket.name}/{key_name}"
    return _allows(bucket.policy, resource, https)


@lru_cache(maxsize=1024)
def _allows(policy: bytes | str, resource: str, https: bool) -> bool:
    """Whether a bucket's policy allows anonymous clients to read an object."""
    effects = {one["Effect"] for one in _statements(policy) if applies(one, GET_OBJECT, resource, https)}
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


class LabS3Control(S3ControlResponse):
    """moto's S3 Control with the effective settings of the account."""

    def get_public_access_block(self) -> ActionResult:
        if account_blocks() is None:
            return super().get_public_access_block()
        return ActionResult({"PublicAccessBlockConfiguration": account_blocks()})

    def put_public_access_block(self) -> EmptyResult:
        self._refuse_the_organizations()
        return super().put_public_access_block()

    def delete_public_access_block(self) -> EmptyResult:
        self._refuse_the_organizations()
        return super().delete_public_access_block()

    @staticmethod
    def _refuse_the_organizations() -> None:
        if SETTINGS.organization_blocks_public_access:
            raise S3AccessDeniedError()


def install() -> None:
    """New buckets block public access, as AWS's do since April 2023; BlockPublicPolicy refuses a public policy."""
    for path, handler in control_urls.url_paths.items():
        if handler == S3ControlResponse.dispatch:
            control_urls.url_paths[path] = LabS3Control.dispatch
    create_bucket, put_bucket_policy = S3Backend.create_bucket, S3Backend.put_bucket_policy

    def create_blocked(self: S3Backend, *args: Any, **kwargs: Any) -> FakeBucket:
        bucket = create_bucket(self, *args, **kwargs)
        bucket.public_access_block = PublicAccessBlock(True, True, True, True)
        return bucket

    def put_checked(self: S3Backend, bucket_name: str, policy: bytes) -> None:
        if is_public(policy) and is_blocked(self.get_bucket(bucket_name), "BlockPublicPolicy"):
            refusal = S3AccessDeniedError()
            refusal.message = "public policies are blocked by the BlockPublicPolicy block public access setting"
            raise refusal
        put_bucket_policy(self, bucket_name, policy)

    S3Backend.create_bucket = create_blocked
    S3Backend.put_bucket_policy = put_checked
