# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The global database's life: creating, adopting, changing, deleting, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import version_key
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import facts_of, operation_of
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.global_cluster import (
    modification_settings,
    run,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from ansible_collections.trading.multi_region.tests.unit.fake_global_database import VERSION, FakeGlobalDatabase, arn
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error


@pytest.fixture
def database():
    return FakeGlobalDatabase()


@pytest.fixture
def empty():
    fake = FakeGlobalDatabase(regions=())
    fake.whole = None
    return fake


@pytest.fixture
def ensure(fake_time):
    """Return a function that runs the module's run in fake time."""

    def ensure(fake, check_mode=False, **said):
        params = {"global_cluster_identifier": "trading-global", "engine": "aurora-mysql", "wait_timeout": 30, **said}
        return run(params, fake.clients, check_mode, **fake_time.passing)

    return ensure


def test_creates_what_is_missing_with_what_was_given_only(empty, ensure):
    result = ensure(empty, engine_version=VERSION, database_name="trading", storage_encrypted=True)
    assert result["changed"] is True
    assert result["global_cluster"]["status"] == "available"
    assert empty.calls[1][3] == {
        "GlobalClusterIdentifier": "trading-global",
        "Engine": "aurora-mysql",
        "EngineVersion": VERSION,
        "DatabaseName": "trading",
        "StorageEncrypted": True,
    }


def test_a_second_run_changes_nothing(empty, ensure):
    ensure(empty, engine_version=VERSION)
    result = ensure(empty, engine_version=VERSION)
    assert (result["changed"], empty.writes()) == (False, ["create_global_cluster"])


def test_adopts_an_existing_cluster_and_leaves_engine_to_it(empty, ensure):
    result = ensure(empty, source_db_cluster_arn=arn("us-east-2"), engine_version=VERSION)
    assert result["global_cluster"]["writer_region"] == "us-east-2"
    assert "Engine" not in empty.calls[1][3]


def test_one_from_a_cluster_is_created_once_the_cluster_is_listed_as_its_writer(empty, ensure, fake_time):
    empty.joins_late = True
    fake_time.at(20, empty.join_source)
    result = ensure(empty, source_db_cluster_arn=arn("us-east-2"))
    assert (result["global_cluster"]["writer_region"], fake_time.now) == ("us-east-2", 20)


def test_a_second_run_waits_for_what_an_interrupted_one_began(empty, ensure, fake_time):
    empty.joins_late = True
    with pytest.raises(WaitTimeout, match=f"not available with the writer {arn('us-east-2')} after 30 s"):
        ensure(empty, source_db_cluster_arn=arn("us-east-2"))
    fake_time.at(fake_time.now + 10, empty.join_source)
    again = ensure(empty, source_db_cluster_arn=arn("us-east-2"))
    assert (again["changed"], again["global_cluster"]["writer_region"]) == (False, "us-east-2")
    assert empty.writes() == ["create_global_cluster"]


def test_takes_over_a_global_database_whose_writer_was_moved(ensure):
    fake = FakeGlobalDatabase(writer="us-east-2")
    result = ensure(fake, engine_version=VERSION, storage_encrypted=True)
    assert (result["changed"], result["global_cluster"]["writer_region"]) == (False, "us-east-2")
    assert fake.writes() == []


def test_what_is_left_out_is_left_alone(database, ensure):
    database.whole["DeletionProtection"] = True
    assert ensure(database)["changed"] is False


def test_changes_only_what_differs(database, ensure):
    result = ensure(database, engine_version=VERSION, deletion_protection=True)
    assert database.calls[1][3] == {"GlobalClusterIdentifier": "trading-global", "DeletionProtection": True}
    assert result["global_cluster"]["deletion_protection"] is True


@pytest.mark.parametrize("version", ["8.0.mysql_aurora.3.12.0", "8.0.mysql_aurora.3.07.1", "8.4.mysql_aurora.8.4.8"])
def test_another_version_is_refused_with_what_upgrades(database, ensure, version):
    with pytest.raises(Refused, match=rf"but {version} was requested.*rds_global_cluster_version"):
        ensure(database, engine_version=version)
    assert database.writes() == []


def test_the_beginning_of_a_version_asks_for_no_patch_level(database, ensure):
    assert ensure(database, engine_version="8.0.mysql_aurora.3.10")["changed"] is False


def test_a_number_is_no_beginning_of_a_longer_one(database, ensure):
    database.whole["EngineVersion"] = "8.0.mysql_aurora.3.10.5"
    with pytest.raises(Refused, match="but 8.0.mysql_aurora.3.0 was requested"):
        ensure(database, engine_version="8.0.mysql_aurora.3.0")


@pytest.mark.parametrize(
    ("option", "value"), [("engine", "aurora-postgresql"), ("database_name", "other"), ("storage_encrypted", False)]
)
def test_refuses_what_cannot_be_changed_and_names_the_option(database, ensure, option, value):
    with pytest.raises(Refused, match=f"{option} of the global cluster trading-global is"):
        ensure(database, **{option: value})
    assert database.writes() == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_foresees_and_calls_nothing(state, empty, database, ensure):
    fake = empty if state == "present" else FakeGlobalDatabase(regions=())
    result = ensure(fake, check_mode=True, state=state)
    assert (result["changed"], fake.writes()) == (True, [])
    assert bool(result["global_cluster"]) == (state == "present")


def test_check_mode_returns_the_same_keys(empty, ensure):
    foreseen = ensure(empty, check_mode=True)
    done = ensure(empty)
    assert foreseen.keys() == done.keys()
    assert foreseen["global_cluster"].keys() == done["global_cluster"].keys()


def test_a_lost_answer_to_creation_is_read_back(empty, ensure):
    empty.lose_answer("create_global_cluster")
    assert ensure(empty)["changed"] is True
    assert empty.writes() == ["create_global_cluster"]


def test_a_creation_that_aws_did_not_receive_is_an_error(empty, ensure):
    empty.fail("create_global_cluster", aws_error("InternalFailure", status=500))
    with pytest.raises(AwsCallError, match="InternalFailure"):
        ensure(empty)


def test_deletes_an_empty_one(ensure):
    fake = FakeGlobalDatabase(regions=())
    result = ensure(fake, state="absent")
    assert (result["changed"], result["global_cluster"], fake.whole) == (True, {}, None)


def test_deleting_what_is_gone_changes_nothing(empty, ensure):
    assert ensure(empty, state="absent")["changed"] is False
    assert empty.writes() == []


def test_refuses_to_delete_one_with_members_and_names_them(database, ensure):
    with pytest.raises(Refused, match=arn("us-east-2")):
        ensure(database, state="absent")


def test_refuses_to_delete_a_protected_one_unless_asked_to_lift_the_protection(ensure):
    fake = FakeGlobalDatabase(regions=())
    fake.whole["DeletionProtection"] = True
    with pytest.raises(Refused, match="deletion_protection"):
        ensure(fake, state="absent")
    assert ensure(fake, state="absent", deletion_protection=False)["changed"] is True
    assert fake.writes() == ["modify_global_cluster", "delete_global_cluster"]


def test_a_lost_answer_to_deletion_is_read_back(ensure):
    fake = FakeGlobalDatabase(regions=())
    fake.lose_answer("delete_global_cluster")
    assert ensure(fake, state="absent")["changed"] is True


def test_waits_for_one_that_is_being_changed(database, ensure, fake_time):
    database.whole["Status"] = "upgrading"
    fake_time.at(6, lambda: database.whole.update(Status="available"))
    result = ensure(database)
    assert (result["changed"], result["global_cluster"]["status"]) == (False, "available")


def test_creates_it_anew_after_a_deletion_in_progress(ensure, fake_time):
    fake = FakeGlobalDatabase(regions=())
    fake.whole["Status"] = "deleting"
    fake_time.at(4, lambda: setattr(fake, "whole", None))
    assert ensure(fake)["global_cluster"]["status"] == "available"
    assert fake.writes() == ["create_global_cluster"]


def test_a_wait_that_takes_too_long_names_the_status(database, ensure):
    database.whole["Status"] = "upgrading"
    with pytest.raises(WaitTimeout, match="upgrading. Run again"):
        ensure(database)


def test_an_answer_that_ignores_the_identifier_is_not_taken_for_ours(database, ensure):
    result = ensure(database, check_mode=True, global_cluster_identifier="third")
    assert "would be created" in result["reason"]


def test_an_idle_global_cluster_has_no_operation():
    assert operation_of({}) == operation_of({"FailoverState": {}}) == {}


def test_an_operation_without_a_target_is_still_one():
    assert operation_of({"FailoverState": {"Status": "pending"}})["status"] == "pending"


VERSIONS = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_by_number_not_by_letter(one, other):
    names = ["8.0.mysql_aurora." + ".".join(map(str, version)) for version in (one, other)]
    assert (version_key(names[0]) < version_key(names[1])) == (one < other)


@given(st.booleans(), st.one_of(st.none(), st.booleans()))
def test_only_differences_are_sent(current, asked):
    facts = facts_of({"GlobalClusterIdentifier": "x", "Status": "available", "DeletionProtection": current})
    settings = modification_settings(facts, {"deletion_protection": asked})
    assert settings == ({} if asked in (None, current) else {"DeletionProtection": asked})


@pytest.mark.parametrize("lose", ["lose_answer", "repeat"])
def test_a_creation_whose_answer_was_lost_counts_although_it_is_shown_late(empty, ensure, lose):
    if lose == "repeat":
        empty.repeated.add("create_global_cluster")
    else:
        empty.lose_answer("create_global_cluster")
    real, late = empty.describe_global_clusters, []

    def describe(region, **parameters):
        if empty.whole and not late:
            late.append("once")
            raise aws_error("GlobalClusterNotFoundFault", status=404)
        return real(region, **parameters)

    empty.describe_global_clusters = describe
    assert ensure(empty)["changed"] is True
    assert late and empty.writes() == ["create_global_cluster"]


def test_a_change_that_is_being_made_already_is_not_asked_for_again(database, ensure, fake_time):
    newer = "8.0.mysql_aurora.3.12.0"
    database.whole["Status"] = "upgrading"
    fake_time.at(6, lambda: database.whole.update(Status="available", EngineVersion=newer))
    assert ensure(database, engine_version=newer)["changed"] is False
    assert database.writes() == []
