# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter groups that list their engine's defaults, and engine versions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.in_process import Aws, refused

FAMILY = "aurora-mysql8.0"


class Groups:
    """A cluster parameter group `cluster` and an instance parameter group `instance`."""

    def __init__(self, aws: Aws) -> None:
        self.rds = aws.client("rds")
        given = {"DBParameterGroupFamily": FAMILY, "Description": "d"}
        self.rds.create_db_cluster_parameter_group(DBClusterParameterGroupName="cluster", **given)
        self.rds.create_db_parameter_group(DBParameterGroupName="instance", **given)

    def cluster(self, **more: Any) -> dict[str, dict[str, Any]]:
        shown = self.rds.describe_db_cluster_parameters(DBClusterParameterGroupName="cluster", **more)["Parameters"]
        return {one["ParameterName"]: one for one in shown}

    def instance(self) -> dict[str, dict[str, Any]]:
        shown = self.rds.describe_db_parameters(DBParameterGroupName="instance")["Parameters"]
        return {one["ParameterName"]: one for one in shown}

    def change(self, name: str, value: str) -> None:
        parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
        self.rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="cluster", Parameters=[parameter])


@pytest.fixture
def groups(aws: Aws) -> Groups:
    return Groups(aws)


def test_a_new_group_lists_the_engines_defaults(groups: Groups) -> None:
    shown = groups.cluster()["binlog_format"]
    assert (shown["ParameterValue"], shown["Source"], shown["IsModifiable"]) == ("OFF", "engine-default", True)
    assert "ParameterValue" not in groups.instance()["long_query_time"]
    assert "binlog_format" not in groups.instance()
    defaults = groups.rds.describe_engine_default_cluster_parameters(DBParameterGroupFamily=FAMILY)["EngineDefaults"]
    assert {one["ParameterName"] for one in defaults["Parameters"]} == set(groups.cluster())


def test_what_is_set_shows_as_the_users(groups: Groups) -> None:
    groups.change("binlog_format", "ROW")
    shown = groups.cluster()["binlog_format"]
    assert (shown["ParameterValue"], shown["Source"]) == ("ROW", "user")
    assert (shown["ApplyMethod"], shown["DataType"]) == ("pending-reboot", "string")
    assert set(groups.cluster(Source="user")) == {"binlog_format"}


def test_what_is_reset_is_the_engines_again(groups: Groups) -> None:
    for given in (
        {"Parameters": [{"ParameterName": "binlog_format", "ApplyMethod": "pending-reboot"}]},
        {"ResetAllParameters": True},
    ):
        groups.change("binlog_format", "ROW")
        groups.rds.reset_db_cluster_parameter_group(DBClusterParameterGroupName="cluster", **given)
        assert groups.cluster(Source="user") == {}
        assert groups.cluster()["binlog_format"]["ParameterValue"] == "OFF"


def test_every_family_has_a_default_group_with_nothing_set(groups: Groups) -> None:
    shown = groups.rds.describe_db_cluster_parameters(DBClusterParameterGroupName=f"default.{FAMILY}")["Parameters"]
    assert {one["ParameterName"] for one in shown} == set(groups.cluster())
    refused(
        "InvalidParameterValue", groups.rds.describe_db_cluster_parameters, DBClusterParameterGroupName="default.no"
    )


@pytest.mark.parametrize(
    ("name", "value"), [("no_such", "1"), ("port", "3307"), ("binlog_format", "LINE"), ("lock_wait_timeout", "0")]
)
def test_wrong_parameters_are_refused(groups: Groups, name: str, value: str) -> None:
    with pytest.raises(groups.rds.exceptions.ClientError, match="InvalidParameterValue"):
        groups.change(name, value)


def test_unknown_groups_and_families_are_refused(groups: Groups) -> None:
    rds = groups.rds
    refused("DBParameterGroupNotFound", rds.describe_db_parameter_groups, DBParameterGroupName="no")
    refused("DBParameterGroupNotFound", rds.describe_db_cluster_parameters, DBClusterParameterGroupName="no")
    given = {"DBParameterGroupName": "x", "DBParameterGroupFamily": "aurora-mysql9", "Description": "d"}
    refused("InvalidParameterValue", rds.create_db_parameter_group, **given)
