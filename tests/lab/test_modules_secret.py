# SPDX-License-Identifier: GPL-3.0-or-later
"""secretsmanager_secret_replication against the lab: what it adds, and what of the owner's it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._stores import secret_replication
from tests.lab.in_process import EAST, EUROPE, WEST, Aws, refused

FUNCTION = f"arn:aws:lambda:{EAST}:123456789012:function:owners"


class Secret:
    """The secret `s`, and what the module does with it."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.client = aws, aws.client("secretsmanager")
        self.client.create_secret(Name="s", SecretString="first", Tags=[{"Key": "Owner", "Value": "them"}])

    def ensure(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return secret_replication.run({"region": EAST, "name": "s", **options}, self.aws.client, check_mode)

    def regions(self) -> list[str]:
        found = self.client.describe_secret(SecretId="s").get("ReplicationStatus", [])
        return [one["Region"] for one in found]


@pytest.fixture
def secret(aws: Aws) -> Secret:
    return Secret(aws)


def test_replicas_and_tags_are_added_once_and_others_are_kept(secret: Secret) -> None:
    key = secret.aws.client("kms", WEST).create_key()["KeyMetadata"]["Arn"]
    secret.ensure(replicas=[{"region": EUROPE}])
    wanted = {"replicas": [{"region": WEST, "kms_key_id": key}], "tags": {"Project": "ours"}}
    made = secret.ensure(**wanted)
    assert made["changed"] and made["metadata"]["tags"] == {"Owner": "them", "Project": "ours"}
    assert {one["region"]: one["kms_key_id"] for one in made["metadata"]["replication_status"]}[WEST] == key
    assert sorted(secret.regions()) == [EUROPE, WEST]
    again = secret.ensure(**wanted)
    assert not again["changed"] and again["diff"]["before"] == again["diff"]["after"]


def test_a_second_copy_is_added_to_a_secret_that_has_two(secret: Secret) -> None:
    secret.ensure(replicas=[{"region": EUROPE}, {"region": WEST}])
    assert secret.ensure(replicas=[{"region": one} for one in ("eu-west-2", WEST, EUROPE)])["changed"]
    assert sorted(secret.regions()) == [EUROPE, "eu-west-2", WEST]


def test_all_replicas_are_removed_only_where_that_is_asked_for(secret: Secret) -> None:
    secret.ensure(replicas=[{"region": WEST}])
    assert not secret.ensure(replicas=[])["changed"] and secret.regions() == [WEST]
    assert secret.ensure(replicas=[], purge_replicas=True)["changed"] and secret.regions() == []


def test_check_mode_predicts_and_changes_nothing(secret: Secret) -> None:
    told = secret.ensure(check_mode=True, replicas=[{"region": WEST}], tags={"Owner": "us"})
    after = told["diff"]["after"]
    assert told["changed"] and after["tags"] == {"Owner": "us"} and after["replication_status"][0]["region"] == WEST
    assert secret.regions() == [] and secret.ensure()["metadata"]["tags"] == {"Owner": "them"}


@pytest.mark.parametrize("check_mode", [True, False])
def test_value_rotation_and_policy_are_their_owners(secret: Secret, check_mode: bool) -> None:
    secret.client.rotate_secret(SecretId="s", RotationLambdaARN=FUNCTION, RotationRules={"AutomaticallyAfterDays": 30})
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    secret.client.put_resource_policy(SecretId="s", ResourcePolicy=policy)
    secret.ensure(check_mode, replicas=[{"region": WEST}], tags={"Owner": "us"}, restore=True, purge_replicas=True)
    assert secret.client.describe_secret(SecretId="s")["RotationEnabled"]
    assert secret.client.get_resource_policy(SecretId="s")["ResourcePolicy"] == policy
    assert secret.client.get_secret_value(SecretId="s")["SecretString"] == "first"


def test_a_secret_that_waits_for_its_deletion_is_restored_only_where_that_is_asked_for(secret: Secret) -> None:
    secret.client.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    with pytest.raises(Refused, match="scheduled for deletion; set restore"):
        secret.ensure(tags={"Owner": "us"})
    told = secret.ensure(replicas=[{"region": WEST}], restore=True)
    assert told["changed"] and not told["metadata"]["is_deleted"] and secret.regions() == [WEST]


def test_a_secret_that_is_not_there_is_read_as_none_and_gets_no_replicas(secret: Secret) -> None:
    assert secret.ensure(name="t")["metadata"] == {}
    with pytest.raises(Refused, match="There is no secret t"):
        secret.ensure(name="t", replicas=[{"region": WEST}])
    assert not secret.ensure(check_mode=True, name="t", replicas=[{"region": WEST}])["changed"]


def test_a_rotation_without_a_function_is_refused(secret: Secret) -> None:
    message = refused("InvalidRequestException", secret.client.rotate_secret, SecretId="s")
    assert "No Lambda rotation function" in message
