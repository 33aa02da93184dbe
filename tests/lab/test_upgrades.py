# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of a global database: what the lab refuses as AWS does, and what the module makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import upgrade
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from tests.lab.global_database import VERSION, Global
from tests.lab.in_process import EAST, EUROPE, WEST, Aws, refused

NEWER, NEW_MAJOR = "8.0.mysql_aurora.3.12.0", "8.4.mysql_aurora.8.4.8"
GROUP = "new"


@pytest.fixture
def trio(aws: Aws) -> Global:
    aws.settings(minor_upgrade_s=60, major_upgrade_s=60)
    return Global(aws, EAST, WEST, EUROPE)


def modify(world: Global, region: str, version: str, **more: Any) -> Any:
    call = world.aws.client("rds", region).modify_db_cluster
    return call(DBClusterIdentifier=f"c-{region}", EngineVersion=version, ApplyImmediately=True, **more)


def ensure(world: Global, version: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {"global_cluster_identifier": "g", "engine_version": version, "regions": [EAST, WEST, EUROPE]}
    waits = {"wait_timeout": 20, "poll_interval": 0.01}
    return upgrade.run({**params, **waits, **options}, world.aws.client, check_mode)


def versions(world: Global) -> list[str]:
    return [world.cluster(region)["EngineVersion"] for region in (EAST, WEST, EUROPE)]


def settle(world: Global, region: str) -> dict[str, Any]:
    return world.aws.wait(lambda: world.cluster(region), lambda one: one["Status"] == "available")


def make_groups(world: Global) -> dict[str, str]:
    for region in (EAST, WEST, EUROPE):
        rds, more = world.aws.client("rds", region), {"DBParameterGroupFamily": "aurora-mysql8.4", "Description": "d"}
        rds.create_db_cluster_parameter_group(DBClusterParameterGroupName=GROUP, **more)
        rds.create_db_parameter_group(DBParameterGroupName=GROUP, **more)
    return dict.fromkeys((EAST, WEST, EUROPE), GROUP)


def groups_of(world: Global, region: str) -> set[tuple[str, str]]:
    cluster = world.cluster(region)
    name, members = cluster["DBClusterParameterGroup"], cluster["DBClusterMembers"]
    shown = {(name, one["DBClusterParameterGroupStatus"]) for one in members}
    for one in world.aws.client("rds", region).describe_db_instances()["DBInstances"]:
        shown |= {(group["DBParameterGroupName"], group["ParameterApplyStatus"]) for group in one["DBParameterGroups"]}
    return shown


# --- the lab
def test_the_primary_is_upgraded_after_all_its_secondaries(trio: Global) -> None:
    told = refused("InvalidParameterValue", modify, world=trio, region=EAST, version=NEWER)
    assert "Please upgrade global replicas first" in told
    modify(trio, WEST, NEWER)
    settle(trio, WEST)
    refused("InvalidParameterValue", modify, world=trio, region=EAST, version=NEWER)
    modify(trio, EUROPE, NEWER)
    settle(trio, EUROPE)
    modify(trio, EAST, NEWER)
    assert settle(trio, EAST)["EngineVersion"] == trio.read()["EngineVersion"] == NEWER


def test_an_upgrade_takes_its_time_and_nothing_serves_meanwhile(trio: Global) -> None:
    trio.aws.settings(minor_upgrade_s=3600)
    modify(trio, WEST, NEWER)
    shown = trio.cluster(WEST)
    assert (shown["Status"], shown["EngineVersion"]) == ("upgrading", VERSION)
    (instance,) = trio.aws.client("rds", WEST).describe_db_instances()["DBInstances"]
    assert instance["DBInstanceStatus"] == "upgrading"
    refused("InvalidDBClusterStateFault", modify, world=trio, region=WEST, version=NEWER)
    refused("InvalidDBClusterStateFault", trio.fail_over, region=WEST, AllowDataLoss=True)


def test_the_global_cluster_takes_no_minor_and_a_member_no_major_version(trio: Global) -> None:
    change = {"GlobalClusterIdentifier": "g", "EngineVersion": NEWER}
    told = refused("InvalidParameterValue", trio.aws.client("rds").modify_global_cluster, **change)
    assert told.startswith("Amazon RDS can't perform minor version upgrades through ModifyGlobalCluster")
    major = {"version": NEW_MAJOR, "AllowMajorVersionUpgrade": True}
    told = refused("InvalidParameterCombination", modify, world=trio, region=WEST, **major)
    assert "ModifyGlobalCluster" in told


def test_a_secondary_without_an_instance_is_not_upgraded(trio: Global) -> None:
    trio.aws.client("rds", WEST).delete_db_instance(DBInstanceIdentifier=f"c-{WEST}-0", SkipFinalSnapshot=True)
    refused("InvalidDBClusterStateFault", modify, world=trio, region=WEST, version=NEWER)
    with pytest.raises(Refused, match="has no instance"):
        ensure(trio, NEWER)


def test_a_major_upgrade_leaves_every_member_with_default_groups(trio: Global) -> None:
    trio.aws.client("rds").modify_global_cluster(
        GlobalClusterIdentifier="g", EngineVersion=NEW_MAJOR, AllowMajorVersionUpgrade=True
    )
    assert trio.read()["Status"] == "upgrading"
    trio.aws.wait(trio.read, lambda one: one["Status"] == "available")
    assert versions(trio) == [NEW_MAJOR] * 3
    assert groups_of(trio, WEST) == {("default.aurora-mysql8.4", "in-sync")}


# --- the module
def test_a_minor_upgrade_goes_through_the_secondaries_to_the_primary(trio: Global) -> None:
    planned = ensure(trio, NEWER, check_mode=True)
    names = [f"secondary {WEST}", f"secondary {EUROPE}", f"primary {EAST}"]
    assert (planned["kind"], [one["name"] for one in planned["steps"]]) == ("minor", names)
    assert planned["changed"] and versions(trio) == [VERSION] * 3
    done = ensure(trio, NEWER)
    assert done["changed"] and versions(trio) == [NEWER] * 3
    assert done["seconds_without_writes"] > 0
    again = ensure(trio, NEWER)
    assert (again["changed"], again["kind"], again["steps"]) == (False, "none", [])


def test_a_step_is_not_taken_before_its_turn_and_done_only_once(trio: Global) -> None:
    with pytest.raises(Refused, match=f"allowed: secondary {WEST}"):
        ensure(trio, NEWER, step=f"primary {EAST}")
    first = ensure(trio, NEWER, step=f"secondary {WEST}")
    assert first["changed"] and first["seconds_without_writes"] is None and versions(trio) == [VERSION, NEWER, VERSION]
    assert ensure(trio, NEWER, step=f"secondary {WEST}")["changed"] is False


def test_an_upgrade_that_aws_has_begun_is_waited_for(trio: Global) -> None:
    trio.aws.settings(minor_upgrade_s=3600)
    with pytest.raises(WaitTimeout, match=f"{WEST} was not upgraded .* it is upgrading and runs {VERSION}"):
        ensure(trio, NEWER, wait_timeout=1)
    assert ensure(trio, NEWER, check_mode=True)["steps"][0]["in_progress"] is True
    trio.aws.settings(minor_upgrade_s=60)
    assert ensure(trio, NEWER)["changed"] and versions(trio) == [NEWER] * 3


def test_the_stop_of_a_writer_that_was_stopped_already_is_not_proven(trio: Global) -> None:
    for region in (WEST, EUROPE, EAST):
        modify(trio, region, NEWER)
        if region != EAST:
            settle(trio, region)
        trio.aws.settings(minor_upgrade_s=1200 if region == EUROPE else 60)
    done = ensure(trio, NEWER)
    assert (done["changed"], done["seconds_without_writes"]) == (True, None)


def test_a_major_upgrade_ends_with_the_groups_applied(trio: Global) -> None:
    groups = make_groups(trio)
    planned = ensure(trio, NEW_MAJOR, check_mode=True, parameter_groups=groups)
    names = ["all members", *(f"parameter groups of {region}" for region in (WEST, EUROPE, EAST))]
    assert (planned["kind"], [one["name"] for one in planned["steps"]]) == ("major", names)
    ensure(trio, NEW_MAJOR, step="all members", parameter_groups=groups)
    # As a run that was killed between the two calls leaves it.
    trio.aws.client("rds", WEST).modify_db_cluster(DBClusterIdentifier=f"c-{WEST}", DBClusterParameterGroupName=GROUP)
    assert (GROUP, "pending-reboot") in groups_of(trio, WEST)
    rest = ensure(trio, NEW_MAJOR, parameter_groups=groups)
    assert [one["name"] for one in rest["steps"]] == names[1:]
    assert [groups_of(trio, region) for region in groups] == [{(GROUP, "in-sync")}] * 3
    assert ensure(trio, NEW_MAJOR, parameter_groups=groups)["changed"] is False


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("8.0.mysql_aurora.3.99.0", "3.99.0 is not offered in us-east-1, us-east-2, eu-west-1; the nearest"),
        ("8.0.mysql_aurora.3.04.6", "AWS cannot go back to an older version"),
        ("8.0.mysql_aurora.3.11.1", "3.11.1 is not offered in"),
        ("8.4.mysql_aurora.8.4.7", "AWS offers no such upgrade. Nearest that it can: 8.4.mysql_aurora.8.4.8"),
        ("17.7", "which has no version 17.7"),
    ],
)
def test_a_version_that_cannot_be_is_refused_before_the_first_change(trio: Global, version: str, words: str) -> None:
    with pytest.raises(Refused) as told:
        ensure(trio, version)
    assert words in str(told.value) and versions(trio) == [VERSION] * 3


def test_a_version_that_one_region_lacks_is_refused_with_what_all_have(trio: Global) -> None:
    trio.aws.settings(withheld_versions=[f"{EUROPE} {NEWER}"])
    with pytest.raises(Refused, match=f"{NEWER} is not offered in {EUROPE}; the nearest versions that are in .*3.13.0"):
        ensure(trio, NEWER)
    assert versions(trio) == [VERSION] * 3


def test_a_member_that_is_being_rebuilt_or_moved_is_not_upgraded(trio: Global) -> None:
    trio.aws.settings(switchover_s=3600)
    trio.switch_over(WEST, called_in=EAST)
    with pytest.raises(Refused, match=f"Aurora is moving the writer of g from {EAST} to {WEST}"):
        ensure(trio, NEWER)


def test_a_member_outside_the_regions_that_are_named_is_not_left_behind(trio: Global) -> None:
    with pytest.raises(Refused, match=f"has members in {EUROPE}, which regions does not list"):
        ensure(trio, NEWER, regions=[EAST, WEST])
