# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Replicas of a table: one change at a time, waited for, each with its own settings, and never the region asked in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.global_table import run
from ansible_collections.trading.multi_region.plugins.module_utils._stores.replicas import replication_steps
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error, no_answer

A, B, C = "us-east-1", "us-east-2", "eu-west-1"
ON = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


class FakeTables(FakeAws):
    """One table and its replicas. A change takes ten seconds, and only one is allowed at a time."""

    def __init__(self, time, regions=(A,), stream=None):
        super().__init__()
        self.time = time
        self.stream = stream
        self.states = dict.fromkeys(regions, "ACTIVE")
        self.recovery = dict.fromkeys(regions, False)
        self.protection = dict.fromkeys(regions, False)
        self.tags = {region: {} for region in regions}
        self.keys = dict.fromkeys(regions)
        self.encrypting = False
        self.busy = False
        self.lists_itself = False

    def describe_table(self, region, TableName):
        if self.states.get(region) != "ACTIVE":
            raise aws_error("ResourceNotFoundException")
        others = [one for one in self.states if self.lists_itself or one != region]
        status = "UPDATING" if self.encrypting else "ENABLED"
        encryption = {"Status": status, "SSEType": "KMS", "KMSMasterKeyArn": self.keys[region]}
        return {
            "Table": {
                **({"SSEDescription": encryption} if self.keys[region] else {}),
                "TableStatus": "UPDATING" if self.busy else "ACTIVE",
                "TableArn": f"arn:aws:dynamodb:{region}:123456789012:table/{TableName}",
                "DeletionProtectionEnabled": self.protection[region],
                "StreamSpecification": self.stream,
                "Replicas": [{"RegionName": one, "ReplicaStatus": self.states[one]} for one in others],
            }
        }

    def describe_continuous_backups(self, region, TableName):
        status = "ENABLED" if self.recovery[region] else "DISABLED"
        return {
            "ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status}}
        }

    def list_tags_of_resource(self, region, ResourceArn):
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags[region].items()]}

    def update_table(self, region, TableName, StreamSpecification=None, ReplicaUpdates=None, **settings):
        if self.busy:
            raise aws_error("ResourceInUseException")
        if "DeletionProtectionEnabled" in settings:
            self.protection[region] = settings["DeletionProtectionEnabled"]
            return
        if "SSESpecification" in settings:
            assert list(self.states) == [region]
            return self.encrypt({region: settings["SSESpecification"]["KMSMasterKeyId"]})
        if ReplicaUpdates and "Update" in ReplicaUpdates[0]:
            return self.encrypt(
                {one["Update"]["RegionName"]: one["Update"]["KMSMasterKeyId"] for one in ReplicaUpdates}
            )
        self.busy = True
        if StreamSpecification:
            self.stream = StreamSpecification
            return self.time.at(self.time.now + 10, self.rest)
        assert self.stream == ON and not self.encrypting
        (update,) = ReplicaUpdates
        if "Create" in update:
            name = update["Create"]["RegionName"]
            assert name not in self.states
            self.keys[name] = update["Create"].get("KMSMasterKeyId")
            if bool(self.keys[name]) != bool(self.keys[region]):
                raise aws_error("ValidationException", message="KMSMasterKeyId must be specified for each replica.")
            self.states[name] = "CREATING"
            self.recovery[name], self.protection[name], self.tags[name] = False, False, {}
            return self.time.at(self.time.now + 10, lambda: self.rest(name))
        self.states[update["Delete"]["RegionName"]] = "DELETING"
        return self.time.at(self.time.now + 10, lambda: self.rest(gone=update["Delete"]["RegionName"]))

    def encrypt(self, keys):
        if self.encrypting:
            raise aws_error("ResourceInUseException")
        if set(keys) != set(self.states) or keys == self.keys:
            raise aws_error("ValidationException", message="KMSMasterKeyId must be specified for each replica.")
        self.keys.update(keys)
        self.encrypting = True
        self.time.at(self.time.now + 10, lambda: setattr(self, "encrypting", False))

    def rest(self, name=None, gone=None):
        self.busy = False
        if name:
            self.states[name] = "ACTIVE"
        self.states.pop(gone, None)

    def update_continuous_backups(self, region, TableName, PointInTimeRecoverySpecification):
        self.recovery[region] = PointInTimeRecoverySpecification["PointInTimeRecoveryEnabled"]

    def tag_resource(self, region, ResourceArn, Tags):
        assert f":{region}:" in ResourceArn
        self.tags[region].update({tag["Key"]: tag["Value"] for tag in Tags})


@pytest.fixture
def tables(fake_time):
    return FakeTables(fake_time)


@pytest.fixture
def ensure(fake_time):
    def ensure(fake, *replicas, check_mode=False, **said):
        wanted = [one if isinstance(one, dict) else {"region": one} for one in replicas]
        params = {"table_name": "sessions", "region": A, "replicas": wanted, "wait_timeout": 60, **said}
        return run(params, fake.clients, check_mode, **fake_time.passing)

    return ensure


def regions(result):
    return [one["region"] for one in result["replicas"]]


def test_enables_the_stream_then_adds_the_replica_and_waits_for_it(tables, ensure):
    result = ensure(tables, A, B)
    assert result["changed"] is True
    assert [one["status"] for one in result["replicas"]] == ["ACTIVE", "ACTIVE"]
    assert result["stream_view_type"] == "NEW_AND_OLD_IMAGES"
    assert tables.made("update_table") == [(A, "update_table")] * 2


@pytest.mark.parametrize("lists_itself", [True, False])
def test_a_second_run_changes_nothing(tables, ensure, lists_itself):
    tables.lists_itself = lists_itself
    wanted = {"region": B, "point_in_time_recovery": True, "tags": {"Project": "trading"}}
    ensure(tables, A, wanted)
    tables.calls.clear()
    assert ensure(tables, A, wanted)["changed"] is False
    assert tables.writes() == []


def test_many_replicas_are_added_one_at_a_time(tables, ensure):
    assert regions(ensure(tables, B, C)) == [C, A, B]


def test_settings_are_made_in_each_replicas_region(tables, ensure):
    settings = {"point_in_time_recovery": True, "deletion_protection": True, "tags": {"Project": "trading"}}
    ensure(tables, {"region": A, **settings}, {"region": B, **settings})
    assert tables.recovery == tables.protection == {A: True, B: True}
    assert tables.tags == {A: {"Project": "trading"}, B: {"Project": "trading"}}


def test_what_is_left_out_is_left_alone(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    fake.recovery[B], fake.tags[B] = True, {"Owner": "somebody"}
    assert ensure(fake, {"region": B, "tags": {}})["changed"] is False
    ensure(fake, {"region": B, "tags": {"Project": "trading"}})
    assert (fake.recovery[B], fake.tags[B]) == (True, {"Owner": "somebody", "Project": "trading"})


def test_replicas_that_are_not_named_stay_unless_asked_otherwise(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B, C), ON)
    assert ensure(fake, B)["changed"] is False
    assert regions(ensure(fake, B, purge_replicas=True)) == [A, B]


def test_never_removes_the_replica_of_the_region_asked_in(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    assert regions(ensure(fake, region=B, purge_replicas=True)) == [B]


def test_can_be_asked_in_the_region_of_any_replica(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    result = ensure(fake, {"region": A, "point_in_time_recovery": True}, C, region=B)
    assert regions(result) == [C, A, B]
    assert fake.recovery[A] is True
    assert {region for region, _operation in fake.made("update_table")} == {B}


def test_check_mode_foresees_and_calls_nothing(tables, ensure):
    wanted = {"region": B, "point_in_time_recovery": True}
    foreseen = ensure(tables, wanted, check_mode=True)
    assert (foreseen["changed"], tables.writes()) == (True, [])
    done = ensure(tables, wanted)
    assert foreseen.keys() == done.keys()
    assert regions(foreseen) == regions(done)


def test_joins_a_replica_that_is_being_made_and_sets_it_up(fake_time, ensure):
    fake = FakeTables(fake_time, (A,), ON)
    fake.update_table(A, TableName="sessions", ReplicaUpdates=[{"Create": {"RegionName": B}}])
    result = ensure(fake, {"region": B, "point_in_time_recovery": True})
    assert regions(result) == [A, B]
    assert fake.recovery[B] is True
    assert "update_table" not in fake.writes()


def test_a_replica_that_is_being_removed_is_made_anew(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    fake.update_table(A, TableName="sessions", ReplicaUpdates=[{"Delete": {"RegionName": B}}])
    assert regions(ensure(fake, B)) == [A, B]
    assert fake.states == {A: "ACTIVE", B: "ACTIVE"}


def test_without_wait_returns_while_the_last_replica_is_being_made(fake_time, ensure):
    fake = FakeTables(fake_time, (A,), ON)
    result = ensure(fake, B, wait=False)
    assert [one["status"] for one in result["replicas"]] == ["UPDATING", "CREATING"]


def test_a_lost_answer_is_read_back_and_not_asked_twice(fake_time, ensure):
    fake = FakeTables(fake_time, (A,), ON)
    fake.lose_answer("update_table")
    assert regions(ensure(fake, B)) == [A, B]
    assert fake.made("update_table") == [(A, "update_table")]


def test_waits_for_its_turn(tables, ensure):
    tables.fail("update_table", aws_error("LimitExceededException"), aws_error("ResourceInUseException"), no_answer())
    assert regions(ensure(tables, B)) == [A, B]


def test_a_refused_change_is_reported_in_the_words_of_aws(fake_time, ensure):
    fake = FakeTables(fake_time, (A,), ON)
    fake.fail("update_table", aws_error("ValidationException", message="no such region"))
    with pytest.raises(AwsCallError, match="no such region"):
        ensure(fake, B)


def test_a_wait_that_takes_too_long_names_the_states(fake_time, ensure):
    fake = FakeTables(fake_time, (A,), ON)
    with pytest.raises(MultiRegionError, match=r"us-east-2.*CREATING.*Run again"):
        ensure(fake, B, wait_timeout=5)


def test_a_replica_that_failed_is_reported_immediately(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    fake.states[B] = "CREATION_FAILED"
    with pytest.raises(MultiRegionError, match="CREATION_FAILED"):
        ensure(fake, B)
    assert regions(ensure(fake, purge_replicas=True)) == [A]


def test_refuses_a_table_that_does_not_exist(tables, ensure):
    with pytest.raises(Refused, match="no table sessions in eu-west-1"):
        ensure(tables, region=C)


def test_refuses_a_stream_of_another_kind(fake_time, ensure):
    fake = FakeTables(fake_time, stream={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    with pytest.raises(Refused, match="KEYS_ONLY"):
        ensure(fake, B)
    assert fake.writes() == []


def test_refuses_a_region_named_twice(tables, ensure):
    with pytest.raises(Refused, match="us-east-2 more than once"):
        ensure(tables, B, B)


def key(region, number=1):
    return f"arn:aws:kms:{region}:123456789012:key/{number}"


def keyed(*names, number=1):
    return [{"region": name, "kms_key_arn": key(name, number)} for name in names]


def test_a_table_and_its_new_replicas_are_encrypted_with_the_keys_of_their_regions(tables, ensure):
    result = ensure(tables, *keyed(A, B, C))
    assert {one["region"]: one["kms_key_arn"] for one in result["replicas"]} == {name: key(name) for name in (A, B, C)}
    assert ensure(tables, *keyed(A, B, C))["changed"] is False


def test_a_table_without_replicas_gets_a_key(tables, ensure):
    result = ensure(tables, *keyed(A))
    assert [(one["kms_key_arn"], one["encryption_status"]) for one in result["replicas"]] == [(key(A), "ENABLED")]
    assert result["reason"] == f"Changed on sessions: it is encrypted with {key(A)} in {A}."


def test_replicas_made_without_keys_get_theirs_in_place_and_together(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B, C), ON)
    ensure(fake, *keyed(A, B, C), region=B)
    assert fake.keys == {name: key(name) for name in (A, B, C)}
    assert fake.made("update_table") == [(B, "update_table")]


def test_a_replica_keeps_its_key_when_another_one_changes(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    fake.keys = {A: key(A), B: key(B)}
    ensure(fake, *keyed(B, number=2))
    assert fake.keys == {A: key(A), B: key(B, 2)}


def test_keys_that_are_left_out_are_left_alone(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    fake.keys = {A: key(A), B: key(B)}
    assert ensure(fake, A, B)["changed"] is False


def test_check_mode_foresees_the_keys(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    foreseen = ensure(fake, *keyed(A, B), check_mode=True)
    assert (foreseen["changed"], fake.writes()) == (True, [])
    assert foreseen["replicas"] == ensure(fake, *keyed(A, B))["replicas"]


def test_waits_for_a_key_that_another_run_is_changing(fake_time, ensure):
    fake = FakeTables(fake_time, (A,), ON)
    fake.encrypt({A: key(A)})
    ensure(fake, *keyed(A, B))
    assert fake.keys == {A: key(A), B: key(B)}


def test_a_lost_answer_about_keys_is_read_back_and_not_asked_twice(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    fake.lose_answer("update_table")
    ensure(fake, *keyed(A, B))
    assert fake.made("update_table") == [(A, "update_table")]


def test_a_key_that_takes_too_long_is_reported(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    with pytest.raises(MultiRegionError, match=r"not encrypted with its keys in us-east-1, us-east-2.*Run again"):
        ensure(fake, *keyed(A, B), wait_timeout=5)


def test_refuses_a_key_for_one_replica_and_none_for_another(fake_time, ensure):
    fake = FakeTables(fake_time, (A, B), ON)
    with pytest.raises(Refused, match="no kms_key_arn for us-east-2; allowed: one for each"):
        ensure(fake, *keyed(A, C))
    assert fake.writes() == []


@pytest.mark.parametrize("bad", ["alias/trading", key(B), "arn:aws:kms:us-east-1:123456789012:alias/trading", "key/1"])
def test_refuses_what_is_no_key_of_the_replicas_region(tables, ensure, bad):
    with pytest.raises(Refused, match="kms_key_arn of the replica in us-east-1 is .*; allowed: the ARN of a key of"):
        ensure(tables, {"region": A, "kms_key_arn": bad})


NAMES = st.sampled_from(["r1", "r2", "r3", "r4"])


@given(st.sets(NAMES), st.sets(NAMES), NAMES, st.booleans())
def test_the_steps_lead_to_what_is_wanted_and_spare_the_region_asked_in(there, wanted, region, purge):
    states = dict.fromkeys(there, "ACTIVE")
    now = set(states)
    for step in replication_steps(states, [{"region": name} for name in sorted(wanted)], region, purge):
        assert len(step) == 1
        for action, value in step.items():
            assert value["RegionName"] != region
            now = now | {value["RegionName"]} if action == "Create" else now - {value["RegionName"]}
    assert now - {region} == (wanted if purge else there | wanted) - {region}


def test_a_repetition_that_is_refused_is_our_own_change(fake_time, ensure):
    """DynamoDB refuses a replica that is there with a ValidationException."""
    fake = FakeTables(fake_time, (A,), ON)
    real = fake.update_table

    def update(region, ReplicaUpdates, **more):
        if B in fake.states:
            raise aws_error("ValidationException", message="the replica exists")
        return real(region, ReplicaUpdates=ReplicaUpdates, **more)

    fake.update_table = update
    fake.repeated.add("update_table")
    fake.stale["describe_table"] = 2
    result = ensure(fake, B)
    assert (result["changed"], regions(result)) == (True, [A, B])


@pytest.mark.parametrize("operation", ["describe_table", "describe_continuous_backups", "list_tags_of_resource"])
def test_an_old_reading_is_neither_returned_nor_decided_by(fake_time, ensure, operation):
    fake = FakeTables(fake_time, (A, B), ON)
    fake.stale[operation] = 2
    wanted = {"region": B, "point_in_time_recovery": True, "deletion_protection": True, "tags": {"a": "b"}}
    result = ensure(fake, A, wanted)
    replica = next(one for one in result["replicas"] if one["region"] == B)
    assert {name: replica[name] for name in wanted} == wanted
    assert ensure(fake, A, wanted)["changed"] is False


def test_a_new_replica_that_is_shown_late_gets_its_settings(fake_time, ensure):
    fake = FakeTables(fake_time, (A,), ON)
    fake.stale["describe_table"] = 3
    result = ensure(fake, {"region": B, "tags": {"a": "b"}})
    assert fake.tags[B] == {"a": "b"} and regions(result) == [A, B]
