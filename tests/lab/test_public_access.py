# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 without credentials, and what an account or its organization closes to it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import without_account_in_address
from tests.lab.stage import KEY, Stage

WEST, ACCOUNT = "us-east-2", "123456789012"
CLOSED = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False}


def code_of(call: Any, **options: Any) -> str:
    """The code of a call's error, `done` for none."""
    try:
        call(**options)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


@pytest.fixture
def public(stage: Stage) -> Any:
    stage.write(WEST, "text")
    return stage.lab.client("s3", WEST, signature_version=UNSIGNED)


@pytest.fixture
def account(stage: Stage) -> Any:
    client = stage.lab.client("s3control", WEST)
    client.meta.events.register("before-sign.s3-control", without_account_in_address)
    return client


def test_without_credentials_only_what_a_policy_opens_can_be_read(stage: Stage, public: Any) -> None:
    bucket = {"Bucket": Stage.bucket(WEST)}
    assert public.get_object(**bucket, Key=KEY)["Body"].read() == b"text"
    stage.lab.client("s3", WEST).put_object(**bucket, Key="other", Body=b"")
    assert code_of(public.get_object, **bucket, Key="other") == "AccessDenied"
    assert code_of(public.get_object, **bucket, Key="absent") == "AccessDenied"
    assert code_of(public.list_objects_v2, **bucket) == "AccessDenied"
    assert code_of(public.put_object, **bucket, Key=KEY, Body=b"") == "AccessDenied"
    stage.lab.outage(WEST, "reset")
    with pytest.raises(Exception, match="Connection"):
        public.get_object(**bucket, Key=KEY)


def test_the_accounts_block_closes_every_public_object(stage: Stage, public: Any, account: Any) -> None:
    read = {"Bucket": Stage.bucket(WEST), "Key": KEY}
    assert code_of(account.get_public_access_block, AccountId=ACCOUNT) == "NoSuchPublicAccessBlockConfiguration"
    block = {**CLOSED, "RestrictPublicBuckets": True}
    account.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=block)
    assert account.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"] == block
    assert code_of(public.get_object, **read) == "AccessDenied"
    assert code_of(stage.lab.client("s3", WEST).get_object, **read) == "done", "credentials still read it"
    account.delete_public_access_block(AccountId=ACCOUNT)
    assert code_of(public.get_object, **read) == "done"


def test_an_organizations_policy_overrides_the_account_and_cannot_be_lifted_there(
    stage: Stage, public: Any, account: Any
) -> None:
    stage.lab.settings(organization_blocks_public_access=True)
    effective = account.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    assert set(effective.values()) == {True}
    assert code_of(account.delete_public_access_block, AccountId=ACCOUNT) == "AccessDenied"
    assert code_of(public.get_object, Bucket=Stage.bucket(WEST), Key=KEY) == "AccessDenied"
    policy = stage.lab.client("s3", WEST).get_bucket_policy(Bucket=Stage.bucket(WEST))["Policy"]
    put = stage.lab.client("s3", WEST).put_bucket_policy
    assert code_of(put, Bucket=Stage.bucket(WEST), Policy=policy) == "AccessDenied"
