# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS does not offer of an engine is refused before the first change, and PostgreSQL works as MySQL does."""

from __future__ import annotations

import json

import pytest

from lab.client import Lab
from tests.integration.aws import cluster, members, name_points_at
from tests.integration.platforms import run_playbook

HOME, OTHER = "us-east-1", "us-east-2"
POSTGRESQL = {"global_database_engine": "aurora-postgresql"}


@pytest.fixture
def empty(tmp_path):
    lab = Lab.start(tmp_path / "lab", scale=600)
    yield lab
    lab.stop()


def written(lab) -> list[str]:
    """Calls that changed something."""
    return [call["operation"] for call in lab.calls() if call["mutating"]]


def changes_nothing(run) -> None:
    run.ends_well()
    found = [line for line in run.output.splitlines() if line.startswith(("TASK", "changed"))]
    told = [f"{task}: {line}" for task, line in zip(found, found[1:], strict=False) if line.startswith("changed")]
    assert told == []


def site(lab, **given):
    return run_playbook("site", "-e", json.dumps(given), lab=lab)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"global_database_engine_version": "8.0.mysql_aurora.3.04.0"},
            ["8.0.mysql_aurora.3.04.0 is not offered in us-east-1, us-east-2", "8.0.mysql_aurora.3.10.0"],
        ),
        ({"global_database_engine_version": "8.0.mysql_aurora.3.99.0"}, ["3.99.0 is not offered", "3.13.0"]),
        (
            {"global_database_instance_class": "db.serverless", "global_database_min_capacity": 8}
            | {"global_database_max_capacity": 4},
            ["global_database_min_capacity 8", "at most the largest, 4"],
        ),
        ({"global_database_instance_class": "db.serverless"}, ["needs a least and a largest capacity"]),
        ({"global_database_monitoring_interval": 60}, ["global_database_monitoring_interval is 60", "with a role"]),
    ],
)
def test_what_aws_does_not_offer_is_refused_before_the_first_change(empty, given, told):
    refused = site(empty, **given)
    said = " ".join(refused.output.split())
    assert refused.code != 0 and [words for words in [*told, "Nothing has been changed"] if words not in said] == []
    assert written(empty) == []


def test_a_version_that_one_region_lacks_is_refused_with_what_all_regions_have(empty):
    empty.settings(withheld_versions=[f"{OTHER} 8.0.mysql_aurora.3.10.5"])
    refused = site(empty)
    said = " ".join(refused.output.split())
    assert refused.code != 0 and f"8.0.mysql_aurora.3.10.5 is not offered in {OTHER};" in said
    assert "8.0.mysql_aurora.3.12.0" in said and written(empty) == []


def test_the_engine_of_a_database_that_exists_cannot_be_changed(platform):
    before = len(written(platform.lab))
    refused = platform.run("site", "-e", json.dumps(POSTGRESQL))
    said = " ".join(refused.output.split())
    assert refused.code != 0 and "allowed: aurora-mysql, which trading-global-dev has" in said
    assert len(written(platform.lab)) == before


def test_a_platform_whose_version_was_retired_is_provisioned_again_as_it_is(platform):
    platform.lab.settings(calendar_date="2028-05-01")
    changes_nothing(platform.run("site"))


def test_a_serverless_platform_of_the_newest_major_version_is_made_and_left_as_it_is(empty):
    given = {
        "global_database_engine_version": "8.4.mysql_aurora.8.4.7",
        "global_database_instance_class": "db.serverless",
        "global_database_min_capacity": 0.5,
        "global_database_max_capacity": 16,
    }
    site(empty, **given).ends_well()
    for region in (HOME, OTHER):
        shown = cluster(empty, region)
        assert shown["EngineVersion"] == "8.4.mysql_aurora.8.4.7"
        assert shown["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 16.0}
    changes_nothing(site(empty, **given))


def test_a_postgresql_platform_is_made_left_as_it_is_and_fails_over_with_a_region_that_hangs(empty):
    site(empty, **POSTGRESQL).ends_well()
    changes_nothing(site(empty, **POSTGRESQL))
    for region in (HOME, OTHER):
        shown = cluster(empty, region)
        assert (shown["Engine"], shown["Port"]) == ("aurora-postgresql", 5432)
        assert shown["EnabledCloudwatchLogsExports"] == ["postgresql"]
    empty.outage(HOME, "hang")
    run_playbook("failover", "-e", json.dumps(POSTGRESQL), lab=empty).ends_well()
    assert members(empty, OTHER) == {HOME: False, OTHER: True} and name_points_at(empty) == OTHER
