# SPDX-License-Identifier: GPL-3.0-or-later
"""The calendar of engine versions: what is offered when and where, what it can be upgraded to, and its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.lab.global_database import VERSION, Global
from tests.lab.in_process import EAST, EUROPE, WEST, Aws, refused

MYSQL, POSTGRESQL = "aurora-mysql", "aurora-postgresql"
RETIRED, OLD_MAJOR, NEWER = "8.0.mysql_aurora.3.04.0", "5.7.mysql_aurora.2.12.5", "8.0.mysql_aurora.3.12.0"
DISABLED = "open-source-rds-extended-support-disabled"


def listed(aws: Aws, region: str = EAST, **asked: Any) -> list[dict[str, Any]]:
    return aws.client("rds", region).describe_db_engine_versions(**asked)["DBEngineVersions"]


def names(shown: list[dict[str, Any]]) -> list[str]:
    return [one["EngineVersion"] for one in shown]


def test_a_version_tells_its_family_its_logs_and_global_support(aws: Aws) -> None:
    (shown,) = listed(aws, Engine=MYSQL, EngineVersion=VERSION)
    assert (shown["DBParameterGroupFamily"], shown["MajorEngineVersion"]) == ("aurora-mysql8.0", "8.0")
    assert (shown["Status"], shown["SupportsGlobalDatabases"]) == ("available", True)
    assert {"audit", "slowquery"} < set(shown["ExportableLogTypes"])
    (newest,) = listed(aws, Engine=MYSQL, EngineVersion="8.4.mysql_aurora.8.4.7")
    assert newest["DBParameterGroupFamily"] == "aurora-mysql8.4"
    (other,) = listed(aws, Engine=POSTGRESQL, EngineVersion="17.7")
    assert (other["DBParameterGroupFamily"], "postgresql" in other["ExportableLogTypes"]) == (
        "aurora-postgresql17",
        True,
    )


def test_limitless_and_other_engines_have_no_global_databases(aws: Aws) -> None:
    shown = listed(aws, Engine="mysql") + listed(aws, Engine=POSTGRESQL, EngineVersion="16.8-limitless")
    assert len(shown) > 1 and not any(one["SupportsGlobalDatabases"] for one in shown)


def test_what_has_lost_its_support_is_listed_only_with_all(aws: Aws) -> None:
    assert RETIRED not in names(listed(aws, Engine=MYSQL)) and listed(aws, Engine=MYSQL, EngineVersion=RETIRED) == []
    (shown,) = listed(aws, Engine=MYSQL, EngineVersion=RETIRED, IncludeAll=True)
    assert shown["Status"] == "deprecated"
    assert RETIRED in names(listed(aws, IncludeAll=True, Filters=[{"Name": "status", "Values": ["deprecated"]}]))


def test_the_day_decides_what_is_offered(aws: Aws) -> None:
    aws.settings(calendar_date="2026-10-31")
    assert RETIRED in names(listed(aws, Engine=MYSQL))
    aws.settings(calendar_date="2026-08-01")
    assert "8.0.mysql_aurora.3.13.0" not in names(listed(aws, Engine=MYSQL, IncludeAll=True))


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-01"])
def test_a_day_that_is_none_is_refused(aws: Aws, day: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month"):
        aws.settings(calendar_date=day)


def test_a_region_may_lack_a_version_that_others_have(aws: Aws) -> None:
    aws.settings(withheld_versions=[f"{WEST} {VERSION}"])
    assert VERSION in names(listed(aws, Engine=MYSQL)) and VERSION not in names(listed(aws, WEST, Engine=MYSQL))


def test_answers_come_in_pages(aws: Aws) -> None:
    pages = list(
        aws.client("rds").get_paginator("describe_db_engine_versions").paginate(PaginationConfig={"PageSize": 20})
    )
    assert len(pages) > 1
    assert names([one for page in pages for one in page["DBEngineVersions"]]) == names(listed(aws))
    refused("InvalidParameterValue", aws.client("rds").describe_db_engine_versions, MaxRecords=10)


def test_filters_and_the_default_go_by_engine_and_major_version(aws: Aws) -> None:
    family = [{"Name": "db-parameter-group-family", "Values": ["aurora-mysql8.4"]}]
    assert names(listed(aws, Filters=family)) == ["8.4.mysql_aurora.8.4.7", "8.4.mysql_aurora.8.4.8"]
    assert names(listed(aws, Engine=POSTGRESQL, EngineVersion="17", DefaultOnly=True)) == ["17.7"]
    unknown = [{"Name": "colour", "Values": ["blue"]}]
    refused("InvalidParameterValue", aws.client("rds").describe_db_engine_versions, Filters=unknown)


@pytest.mark.parametrize(
    ("engine", "version", "reached", "major", "missed"),
    [
        (MYSQL, VERSION, NEWER, False, "8.0.mysql_aurora.3.10.4"),
        (MYSQL, VERSION, "8.4.mysql_aurora.8.4.8", True, VERSION),
        (MYSQL, OLD_MAJOR, VERSION, True, "8.4.mysql_aurora.8.4.7"),
        (MYSQL, "8.0.mysql_aurora.3.13.0", "8.4.mysql_aurora.8.4.8", True, "8.4.mysql_aurora.8.4.7"),
        (POSTGRESQL, "14.22", "17.9", True, "17.7"),
        (POSTGRESQL, "17.7", "17.9", False, "16.14"),
    ],
)
def test_a_version_can_be_upgraded_to_newer_ones_one_major_version_on(
    aws: Aws, engine: str, version: str, reached: str, major: bool, missed: str
) -> None:
    (shown,) = listed(aws, Engine=engine, EngineVersion=version)
    targets = {one["EngineVersion"]: one["IsMajorVersionUpgrade"] for one in shown["ValidUpgradeTarget"]}
    assert targets[reached] is major and missed not in targets


def test_a_retired_version_makes_no_global_cluster_and_no_cluster(aws: Aws) -> None:
    rds = aws.client("rds")
    for version in (RETIRED, "9"):
        given = {"GlobalClusterIdentifier": "g", "Engine": MYSQL, "EngineVersion": version}
        assert "was not found" in refused("InvalidParameterValue", rds.create_global_cluster, **given)
        named = {"DBClusterIdentifier": "c", "Engine": MYSQL, "EngineVersion": version}
        said = refused("InvalidParameterCombination", rds.create_db_cluster, **named)
        assert said == f"Cannot find version {version} for {MYSQL}"
    limitless = {"Engine": POSTGRESQL, "EngineVersion": "16.8-limitless"}
    refused("InvalidParameterValue", rds.create_global_cluster, GlobalClusterIdentifier="g", **limitless)
    refused("InvalidParameterValue", rds.create_global_cluster, GlobalClusterIdentifier="g", Engine="mysql")


def test_a_database_whose_version_was_retired_gets_no_new_member(aws: Aws) -> None:
    aws.settings(calendar_date="2026-11-01", minor_upgrade_s=0)
    world = Global(aws, EAST)
    aws.client("rds").modify_db_cluster(DBClusterIdentifier=f"c-{EAST}", EngineVersion="8.0.mysql_aurora.3.11.1")
    aws.settings(calendar_date="2026-11-29")
    assert world.cluster(EAST)["EngineVersion"] == "8.0.mysql_aurora.3.11.1"
    given = {"DBClusterIdentifier": "c", "Engine": MYSQL, "GlobalClusterIdentifier": "g"}
    assert "Cannot find" in refused("InvalidParameterCombination", aws.client("rds", WEST).create_db_cluster, **given)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("8.0.mysql_aurora.3.10.4", "Cannot upgrade aurora-mysql from"),
        ("8.4.mysql_aurora.8.4.8", "The AllowMajorVersionUpgrade flag"),
        (RETIRED, "Cannot find version"),
    ],
)
def test_a_cluster_takes_no_version_that_it_cannot_be_upgraded_to(aws: Aws, version: str, words: str) -> None:
    Global(aws, EAST, WEST)
    change = aws.client("rds", WEST).modify_db_cluster
    told = refused("InvalidParameterCombination", change, DBClusterIdentifier=f"c-{WEST}", EngineVersion=version)
    assert words in told


def test_extended_support_is_the_default_and_shows(aws: Aws) -> None:
    rds = aws.client("rds", EUROPE)
    for name, more in (("a", {}), ("b", {"EngineLifecycleSupport": DISABLED})):
        given = {"Engine": POSTGRESQL, "EngineVersion": "17.7", **more}
        shown = rds.create_global_cluster(GlobalClusterIdentifier=name, **given)["GlobalCluster"]
        assert shown["EngineLifecycleSupport"] == more.get("EngineLifecycleSupport", DISABLED.removesuffix("-disabled"))
    old = {"Engine": POSTGRESQL, "EngineVersion": "13.23", "GlobalClusterIdentifier": "c"}
    refused("InvalidParameterCombination", rds.create_global_cluster, **old, EngineLifecycleSupport=DISABLED)
    rds.create_global_cluster(**old)
    given = {"DBClusterIdentifier": "c", "Engine": MYSQL, "MasterUsername": "admin", "MasterUserPassword": "not-secret"}
    assert rds.create_db_cluster(**given)["DBCluster"]["EngineLifecycleSupport"].endswith("extended-support")
    changed = rds.modify_db_cluster(DBClusterIdentifier="c", EngineLifecycleSupport=DISABLED)["DBCluster"]
    assert changed["EngineLifecycleSupport"] == DISABLED


def test_the_ends_of_a_major_version_stay_as_far_away_as_the_calendar_has_them(aws: Aws) -> None:
    aws.settings(calendar_date="2028-03-01")
    describe = aws.client("rds").describe_db_major_engine_versions
    (shown,) = describe(Engine=MYSQL, MajorEngineVersion="8.0")["DBMajorEngineVersions"]
    ends = {one["LifecycleSupportName"]: one["LifecycleSupportEndDate"] for one in shown["SupportedEngineLifecycles"]}
    assert (ends["open-source-rds-standard-support"].date() - datetime.now(UTC).date()).days == 60
    assert set(ends) == {"open-source-rds-standard-support", "open-source-rds-extended-support"}
