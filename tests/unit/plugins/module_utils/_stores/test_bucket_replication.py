# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One replication rule among others: what is compared, what is kept, and what survives a lost answer."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from ansible_collections.trading.multi_region.plugins.module_utils._stores.bucket_replication import (
    build_configuration,
    build_remainder,
    rule_named,
    run,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error, no_answer

ROLE = "arn:aws:iam::123456789012:role/replication"
THERE = "arn:aws:s3:::data-us-east-2"
OTHER = {
    "ID": "archive",
    "Priority": 7,
    "Status": "Enabled",
    "Filter": {"Prefix": "old/"},
    "DeleteMarkerReplication": {"Status": "Disabled"},
    "Destination": {"Bucket": "arn:aws:s3:::archive", "StorageClass": "GLACIER"},
}


class FakeBucket(FakeAws):
    """A bucket with versioning that answers as S3 does: empty prefixes and disabled parts are omitted."""

    def __init__(self):
        super().__init__()
        self.configuration = None
        self.status = "Enabled"

    def get_bucket_versioning(self, region, Bucket):
        return {"Status": self.status} if self.status else {}

    def get_bucket_replication(self, region, Bucket):
        if self.configuration is None:
            raise aws_error("ReplicationConfigurationNotFoundError", status=404)
        answer = copy.deepcopy(self.configuration)
        for rule in answer["Rules"]:
            if rule["Filter"] == {"Prefix": ""}:
                rule["Filter"] = {}
            modifications = rule.get("SourceSelectionCriteria", {}).get("ReplicaModifications", {})
            if modifications.get("Status") == "Disabled":
                del rule["SourceSelectionCriteria"]["ReplicaModifications"]
        return {"ReplicationConfiguration": answer}

    def put_bucket_replication(self, region, Bucket, ReplicationConfiguration):
        self.configuration = copy.deepcopy(ReplicationConfiguration)

    def delete_bucket_replication(self, region, Bucket):
        self.configuration = None


@pytest.fixture
def bucket():
    return FakeBucket()


def params(**said):
    return {
        "bucket": "data-us-east-1",
        "state": "present",
        "rule_id": "multi-region",
        "role_arn": ROLE,
        "destination_bucket_arn": THERE,
        "delete_marker_replication": True,
        "replica_modifications": True,
        "kms_key_arn": None,
        "prefix": "",
        **said,
    }


@pytest.fixture
def ensure(fake_time):
    return lambda fake, check_mode=False, **said: run(params(**said), fake.clients, check_mode, **fake_time.passing)


def test_adds_a_rule_for_two_way_replication(bucket, ensure):
    result = ensure(bucket)
    assert result["changed"] is True
    assert bucket.configuration == {
        "Role": ROLE,
        "Rules": [
            {
                "ID": "multi-region",
                "Status": "Enabled",
                "Priority": 1,
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": {"Status": "Enabled"},
                "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}},
                "Destination": {"Bucket": THERE},
            }
        ],
    }


@pytest.mark.parametrize("modifications", [True, False])
def test_a_second_run_changes_nothing_although_s3_leaves_values_out(bucket, ensure, modifications):
    ensure(bucket, replica_modifications=modifications)
    assert ensure(bucket, replica_modifications=modifications)["changed"] is False
    assert bucket.writes() == ["put_bucket_replication"]


def test_values_that_aws_adds_change_nothing(bucket, ensure):
    ensure(bucket)
    bucket.configuration["Rules"][0]["Destination"]["Metrics"] = {"Status": "Disabled"}
    bucket.configuration["Rules"][0]["ExistingObjectReplication"] = {"Status": "Disabled"}
    assert ensure(bucket)["changed"] is False


def test_what_is_not_asked_for_survives_a_change(bucket, ensure):
    ensure(bucket, kms_key_arn="arn:key")
    bucket.configuration["Rules"][0]["Destination"]["StorageClass"] = "STANDARD_IA"
    result = ensure(bucket, delete_marker_replication=False)
    rule = result["replication_configuration"]["Rules"][0]
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    assert rule["Destination"]["StorageClass"] == "STANDARD_IA"
    assert rule["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": "arn:key"}


def test_encrypted_objects_get_the_destinations_key(bucket, ensure):
    rule = ensure(bucket, kms_key_arn="arn:key")["replication_configuration"]["Rules"][0]
    assert rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"] == {"Status": "Enabled"}
    assert rule["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": "arn:key"}


def test_other_rules_stay_and_priorities_differ(bucket, ensure):
    bucket.configuration = {"Role": ROLE, "Rules": [OTHER]}
    ensure(bucket)
    assert bucket.configuration["Rules"][0] == OTHER
    assert bucket.configuration["Rules"][1]["Priority"] == 8


def test_a_new_role_is_set(bucket, ensure):
    ensure(bucket)
    assert ensure(bucket, role_arn=ROLE + "2")["replication_configuration"]["Role"] == ROLE + "2"


def test_a_rule_of_the_first_version_gets_a_filter(bucket):
    old = {"Role": ROLE, "Rules": [{"ID": "multi-region", "Prefix": "", "Status": "Enabled", "Destination": {}}]}
    rule = build_configuration(old, params())["Rules"][0]
    assert "Prefix" not in rule
    assert (rule["Filter"], rule["Priority"]) == ({"Prefix": ""}, 1)


def test_refuses_a_bucket_without_versioning(bucket, ensure):
    bucket.status = "Suspended"
    with pytest.raises(Refused, match="Versioning of the bucket data-us-east-1 is not enabled"):
        ensure(bucket)
    assert bucket.writes() == []


def test_check_mode_foresees_and_calls_nothing(bucket, ensure):
    foreseen = ensure(bucket, check_mode=True)
    assert bucket.writes() == []
    done = ensure(bucket)
    assert foreseen["changed"] is True
    assert foreseen.keys() == done.keys()
    assert foreseen["diff"]["before"] == {}


def test_removes_only_its_rule(bucket, ensure):
    bucket.configuration = {"Role": ROLE, "Rules": [OTHER]}
    ensure(bucket)
    assert ensure(bucket, state="absent")["changed"] is True
    assert bucket.configuration == {"Role": ROLE, "Rules": [OTHER]}


def test_removes_the_configuration_with_its_last_rule(bucket, ensure):
    ensure(bucket)
    result = ensure(bucket, state="absent")
    assert (result["replication_configuration"], bucket.configuration) == ({}, None)
    assert ensure(bucket, state="absent")["changed"] is False


def test_a_lost_answer_is_asked_again_without_harm(bucket, ensure):
    bucket.lose_answer("put_bucket_replication")
    assert ensure(bucket)["changed"] is True
    assert len(bucket.configuration["Rules"]) == 1


def test_reads_back_until_s3_shows_the_change(bucket, ensure, fake_time):
    shown = bucket.put_bucket_replication
    bucket.put_bucket_replication = lambda *given, **said: fake_time.at(3, lambda: shown(*given, **said))
    assert rule_named(ensure(bucket)["replication_configuration"], "multi-region")


def test_a_change_that_never_shows_is_an_error(bucket, ensure):
    bucket.put_bucket_replication = lambda *given, **said: None
    with pytest.raises(WaitTimeout, match="S3 still returns"):
        ensure(bucket)


def test_a_missing_bucket_is_reported_by_aws(bucket, ensure):
    bucket.fail("get_bucket_replication", aws_error("NoSuchBucket", status=404))
    with pytest.raises(AwsCallError, match="NoSuchBucket"):
        ensure(bucket)


def test_passing_failures_do_not_end_the_run(bucket, ensure):
    bucket.fail("get_bucket_replication", aws_error("SlowDown", status=503), no_answer())
    assert ensure(bucket)["changed"] is True


WISHES = st.fixed_dictionaries(
    {
        "delete_marker_replication": st.booleans(),
        "replica_modifications": st.booleans(),
        "kms_key_arn": st.sampled_from([None, "arn:key-1", "arn:key-2"]),
        "prefix": st.sampled_from(["", "orders/"]),
        "destination_bucket_arn": st.sampled_from([THERE, THERE + "-b"]),
    }
)


@given(WISHES, WISHES)
def test_what_was_built_is_what_is_wanted_and_others_are_untouched(first, second):
    current = {"Role": ROLE, "Rules": [OTHER]}
    for wish in (first, second):
        current = build_configuration(current, params(**wish)) or current
        assert build_configuration(current, params(**wish)) is None
        assert current["Rules"][0] == OTHER
        assert len({rule["Priority"] for rule in current["Rules"]}) == 2
    assert build_remainder(current, "multi-region") == {"Role": ROLE, "Rules": [OTHER]}
