# SPDX-License-Identifier: GPL-3.0-or-later
"""rds_cluster_instance_class against the lab: one instance after the other, and the writer's role moves first."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import instance_class
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from tests.lab.in_process import Aws

OLD, NEW = "db.r6g.large", "db.r6g.xlarge"
CLUSTER = {
    "DBClusterIdentifier": "c",
    "Engine": "aurora-mysql",
    "MasterUsername": "admin",
    "MasterUserPassword": "not-secret",
}


class Database:
    """The cluster `c` with some instances, and what is asked of RDS, in order."""

    def __init__(self, aws: Aws, count: int) -> None:
        self.rds = aws.client("rds")
        self.rds.create_db_cluster(**CLUSTER)
        for number in range(1, count + 1):
            self.rds.create_db_instance(
                DBInstanceIdentifier=f"c-{number}", DBClusterIdentifier="c", Engine="aurora-mysql", DBInstanceClass=OLD
            )
        self.asked: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.rds, name)

        def spy(**options: Any) -> Any:
            if name in ("modify_db_instance", "failover_db_cluster"):
                key = "DBInstanceIdentifier" if name == "modify_db_instance" else "TargetDBInstanceIdentifier"
                self.asked.append((name, options[key]))
                others = {one["status"] for one in self.read() if one["identifier"] != options[key]}
                assert others <= {"available"}, "one after the other"
            return call(**options)

        return spy

    def read(self) -> list[dict[str, Any]]:
        return instance_class.read(self.rds, "c", True)

    def ensure(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        params = {"db_cluster_identifier": "c", "db_instance_class": NEW, "is_writer": True}
        params |= {"wait_timeout": 20, "poll_interval": 0.02, **options}
        return instance_class.run(params, lambda _service, _region=None: self, check_mode)


def test_readers_are_changed_first_and_the_writer_last_after_a_failover(aws: Aws) -> None:
    database = Database(aws, 3)
    told = database.ensure()
    assert told["changed"] and "with apply_immediately" in told["reason"]
    assert database.asked == [
        ("modify_db_instance", "c-2"),
        ("modify_db_instance", "c-3"),
        ("failover_db_cluster", "c-2"),
        ("modify_db_instance", "c-1"),
    ]
    assert [(one["class"], one["is_writer"]) for one in database.read()] == [(NEW, False), (NEW, False), (NEW, True)]
    assert database.ensure()["changed"] is False and len(database.asked) == 4


def test_a_run_that_was_interrupted_goes_on(aws: Aws) -> None:
    database = Database(aws, 2)
    database.ensure(db_instance_class=OLD)
    aws.client("rds").modify_db_instance(DBInstanceIdentifier="c-2", DBInstanceClass=NEW, ApplyImmediately=True)
    database.ensure()
    assert {one["class"] for one in database.read()} == {NEW}
    assert ("failover_db_cluster", "c-2") in database.asked


def test_check_mode_lists_the_steps_and_changes_nothing(aws: Aws) -> None:
    database = Database(aws, 2)
    told = database.ensure(check_mode=True)
    assert told["changed"] and [one["action"] for one in told["steps"]] == ["modify", "failover", "modify"]
    assert "would be changed from db.r6g.large to db.r6g.xlarge" in told["reason"]
    assert database.asked == [] and {one["class"] for one in database.read()} == {OLD}


def test_a_secondary_has_readers_only_and_a_single_instance_needs_no_failover(aws: Aws) -> None:
    database = Database(aws, 2)
    database.ensure(is_writer=False)
    assert [name for name, _instance in database.asked] == ["modify_db_instance"] * 2


def test_without_a_cluster_there_is_nothing_to_change(aws: Aws) -> None:
    params = {"db_cluster_identifier": "none", "db_instance_class": NEW, "is_writer": True}
    told = instance_class.run(params, lambda _service, _region=None: aws.client("rds"))
    assert (told["changed"], told["instances"]) == (False, []) and "no cluster none yet" in told["reason"]


def test_an_instance_that_does_not_become_available_ends_the_wait_with_its_state(aws: Aws) -> None:
    aws.settings(instance_class_s=1e6)
    database = Database(aws, 2)
    with pytest.raises(MultiRegionError, match=r"c-2 of c is not db.r6g.xlarge after 0.1 s: .*modifying"):
        database.ensure(wait_timeout=0.1)


# --- the lab itself ---


def test_a_class_waits_for_the_window_unless_it_is_applied_immediately(aws: Aws) -> None:
    database = Database(aws, 1)
    rds = aws.client("rds")

    def shown() -> dict[str, Any]:
        return rds.describe_db_instances(DBInstanceIdentifier="c-1")["DBInstances"][0]

    rds.modify_db_instance(DBInstanceIdentifier="c-1", DBInstanceClass=NEW)
    assert (shown()["DBInstanceClass"], shown()["PendingModifiedValues"]) == (OLD, {"DBInstanceClass": NEW})
    aws.settings(instance_class_s=1e6)
    rds.modify_db_instance(DBInstanceIdentifier="c-1", DBInstanceClass=NEW, ApplyImmediately=True)
    assert (shown()["DBInstanceClass"], shown()["DBInstanceStatus"]) == (OLD, "modifying")
    assert not shown().get("PendingModifiedValues")
    with pytest.raises(ClientError, match="not in available state"):
        rds.modify_db_instance(DBInstanceIdentifier="c-1", DBInstanceClass=OLD, ApplyImmediately=True)
    assert database.read()[0]["status"] == "modifying"
