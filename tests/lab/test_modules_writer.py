# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The writer's way out where AWS does no failover, and what follows: detach, auto, the endpoint, protection again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import (
    synchronization,
    writer,
    writer_endpoint,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import pack_lease, read_lease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import pause
from lab.client import Lab
from tests.lab.failover_platform import EAST, GLOBAL, VERSION, WEST, clients_of

NEWER, NEWEST = "8.0.mysql_aurora.3.12.0", "8.0.mysql_aurora.3.13.0"
PARAMETER = "/trading/dev/database/writer-endpoint"


def briefly(seconds: float) -> None:
    """Let a tenth of the time pass: the lab's AWS is quicker than the real one."""
    pause(seconds / 10)


class Database:
    """A global database of two regions in a lab, and our modules' functions on it; the writer is in EAST."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.clients, self.arns = lab, clients_of(lab), {}
        lab.client("rds", EAST).create_global_cluster(
            GlobalClusterIdentifier=GLOBAL, Engine="aurora-mysql", EngineVersion=VERSION
        )
        for region, login in ((EAST, {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}), (WEST, {})):
            rds, names = lab.client("rds", region), {"DBClusterIdentifier": region, "Engine": "aurora-mysql"}
            made = rds.create_db_cluster(**names, GlobalClusterIdentifier=GLOBAL, **login)
            self.arns[region] = made["DBCluster"]["DBClusterArn"]
            rds.create_db_instance(**names, DBInstanceIdentifier=f"{region}-1", DBInstanceClass="db.r6g.large")
        lab.advance(600)  # until CloudWatch shows samples of the new secondary
        lab.clear_calls()

    def move(
        self,
        region: str,
        method: str,
        check_mode: bool = False,
        clock: Callable[[], float] = time.monotonic,
        **said: Any,
    ) -> dict[str, Any]:
        """Ask for the writer in a region."""
        params = {
            "global_cluster_identifier": GLOBAL,
            "writer_region": region,
            "method": method,
            "db_cluster_arns": self.arns,
            "poll_interval": 1.0,
            "wait": True,
            "wait_timeout": 30,
        }
        return writer.run({**params, **said}, self.clients, check_mode, clock, briefly)

    def repoint(self, region: str, check_mode: bool = False, **said: Any) -> dict[str, Any]:
        """Have the region's parameter right."""
        names = {"global_cluster_identifier": GLOBAL, "db_cluster_identifier": region, "parameter_name": PARAMETER}
        return writer_endpoint.run({"region": region, **names, **said}, self.clients, check_mode)

    def protection(self, region: str, asked_in: str, **said: Any) -> dict[str, Any]:
        """Read or wait for a member's synchronization."""
        params = {"region": asked_in, "global_cluster_identifier": GLOBAL, "member_region": region}
        wait = {"wait": True, "wait_timeout": 30, "poll_interval": 1.0}
        return synchronization.run({**params, **wait, **said}, self.clients, sleep=briefly)

    def upgrade(self, version: str, region: str = WEST) -> None:
        """Change the version of one region's cluster alone."""
        self.lab.settings(minor_upgrade_s=0)
        rds = self.lab.client("rds", region)
        rds.modify_db_cluster(DBClusterIdentifier=region, EngineVersion=version, ApplyImmediately=True)

    def endpoint(self, region: str) -> str:
        """Return the endpoint of the region's own cluster."""
        found = self.lab.client("rds", region).describe_db_clusters(DBClusterIdentifier=region)["DBClusters"]
        return found[0]["Endpoint"]

    def parameter(self, region: str) -> str:
        """Return what applications of a region read."""
        return self.lab.client("ssm", region).get_parameter(Name=PARAMETER)["Parameter"]["Value"]

    def asked(self) -> list[tuple[str, str, int]]:
        """Return (region, operation, status) of the calls that move or remove."""
        names = ("FailoverGlobalCluster", "SwitchoverGlobalCluster", "RemoveFromGlobalCluster")
        calls = [call for call in self.lab.calls() if call["operation"] in names]
        return [(call["region"], call["operation"], call["status"]) for call in calls]

    def just_before_failover(self, happen: Callable[[], Any]) -> None:
        """Let something happen after the check, when the failover is about to be asked for."""

        def hook(**_about: Any) -> None:  # a hook's return value would replace AWS's answer
            happen()

        self.clients("rds", WEST).meta.events.register("before-call.rds.FailoverGlobalCluster", hook)


@pytest.fixture
def database(lab: Lab) -> Database:
    return Database(lab)


def test_auto_explains_and_detaches_only_with_accepted_loss_and_the_endpoint_is_repointed(
    lab: Lab, database: Database
) -> None:
    everywhere = database.repoint(WEST)["after"]
    assert ".global-" in everywhere
    versions = iter((NEWER, NEWEST))
    database.just_before_failover(lambda: database.upgrade(next(versions)))
    lab.outage(EAST, "reset")
    with pytest.raises(Refused) as refused:
        database.move(WEST, "auto")
    for part in ("AWS refused the failover", "Engine versions differ", "set accept_data_loss to true"):
        assert part in str(refused.value)
    assert refused.value.evidence["changed"] is False
    assert database.asked() == [(WEST, "FailoverGlobalCluster", 400)]
    assert database.repoint(WEST)["changed"] is False

    lab.restore(EAST)
    database.upgrade(NEWER, EAST)
    lab.outage(EAST, "reset")
    moved = database.move(WEST, "auto", accept_data_loss=True)
    assert (moved["changed"], moved["method"]) == (True, "detach")
    for part in ("AWS refused the failover", "Engine versions differ", "accept_data_loss allows a detach"):
        assert part in moved["reason"]
    assert database.asked()[1:] == [(WEST, "FailoverGlobalCluster", 400), (WEST, "RemoveFromGlobalCluster", 200)]
    assert [one["region"] for one in moved["after"]["members"]] == [EAST]

    assert database.repoint(WEST, check_mode=True)["after"] == database.endpoint(WEST)
    assert database.parameter(WEST) == everywhere
    repointed = database.repoint(WEST, other_parameters={EAST: PARAMETER})
    assert (repointed["repointed"], list(repointed["not_repointed"])) == ([WEST], [EAST])
    assert (repointed["before"], repointed["is_member"]) == (everywhere, False)
    assert database.parameter(WEST) == database.endpoint(WEST) == moved["after"]["target"]["endpoint"]

    lab.clear_calls()
    for method in ("auto", "detach"):
        again = database.move(WEST, method, accept_data_loss=True)
        assert (again["changed"], again["method"]) == (False, "detach")
    assert database.repoint(WEST)["changed"] is False
    assert "method detach" in str(pytest.raises(Refused, database.move, WEST, "failover").value).lower()
    assert database.asked() == []
    assert {call["region"] for call in lab.calls()} == {WEST}


def test_versions_known_to_differ_are_not_asked_about(database: Database) -> None:
    database.upgrade(NEWER)
    with pytest.raises(Refused, match="runs .*3.12.0.*method=auto or method=detach"):
        database.move(WEST, "failover")
    with pytest.raises(Refused, match="runs .*3.12.0.*accept_data_loss"):
        database.move(WEST, "auto")
    foreseen = database.move(WEST, "auto", check_mode=True, accept_data_loss=True)
    assert (foreseen["method"], foreseen["plan"][0]["operation"]) == ("detach", "RemoveFromGlobalCluster")
    assert database.asked() == []
    assert database.move(WEST, "auto", accept_data_loss=True)["method"] == "detach"
    assert database.asked() == [(WEST, "RemoveFromGlobalCluster", 200)]


def test_a_detach_is_asked_for_once_and_joined(lab: Lab, database: Database) -> None:
    lab.outage(EAST, "hang")
    with pytest.raises(Refused, match="accept_data_loss"):
        database.move(WEST, "detach")
    lab.settings(detach_s=600)
    first = database.move(WEST, "detach", accept_data_loss=True, wait=False)
    assert (first["changed"], first["after"]["target"]["cluster_status"]) == (True, "promoting")
    with pytest.raises(Refused, match="no writer instance|being detached"):
        database.move(WEST, "failover")
    joined = database.move(WEST, "detach", accept_data_loss=True)
    assert (joined["changed"], joined["after"]["target"]["is_member"]) == (True, False)
    assert database.asked() == [(WEST, "RemoveFromGlobalCluster", 200)]


def test_stuck_past_the_time_out_says_how_to_resume_and_resuming_joins(lab: Lab, database: Database) -> None:
    lab.settings(promotion_stuck=True)
    with pytest.raises(MultiRegionError) as stuck:
        database.move(WEST, "auto", wait_timeout=1)
    for part in (
        "not complete after 1 s (wait_timeout)",
        "failing-over",
        "run the same playbook",
        "joins the operation",
    ):
        assert part in str(stuck.value)
    assert (stuck.value.evidence["changed"], stuck.value.evidence["method"]) == (True, "failover")
    with pytest.raises(Refused, match="to us-east-2 is in progress; AWS runs only one at a time"):
        database.move(EAST, "failover", accept_data_loss=True)
    lab.settings(promotion_stuck=False)
    resumed = database.move(WEST, "auto")
    assert (resumed["method"], resumed["after"]["writer_region"]) == ("failover", WEST)
    assert database.asked() == [(WEST, "FailoverGlobalCluster", 200)]


def test_a_move_that_somebody_else_began_meanwhile_is_joined(lab: Lab, database: Database) -> None:
    names = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": database.arns[WEST]}
    other = lab.client("rds", WEST)
    database.just_before_failover(lambda: other.failover_global_cluster(**names, AllowDataLoss=True))
    moved = database.move(WEST, "auto", accept_data_loss=True)
    assert (moved["method"], moved["after"]["writer_region"]) == ("failover", WEST)
    assert [status for _region, _operation, status in database.asked()] == [200, 400]


def test_the_old_primary_is_waited_for_until_it_is_protected(lab: Lab, database: Database) -> None:
    lab.outage(EAST, "reset")
    database.move(WEST, "failover")
    lab.restore()
    lab.settings(resync_s=900)
    result = database.protection(EAST, asked_in=WEST, wait=False)
    assert (result["synchronization_status"], result["is_writer"]) == ("pending-resync", False)
    with pytest.raises(MultiRegionError, match="us-east-1 is pending-resync .* run the same playbook again"):
        database.protection(EAST, asked_in=WEST, wait_timeout=1)
    assert database.protection(EAST, asked_in=WEST)["synchronization_status"] == "connected"
    assert database.protection(WEST, asked_in=WEST)["is_writer"] is True
    assert database.move(EAST, "switchover")["after"]["writer_region"] == EAST


def test_a_region_that_was_detached_is_no_member_to_wait_for(database: Database) -> None:
    database.move(WEST, "detach", accept_data_loss=True)
    with pytest.raises(Refused, match="has no member there.*failback.yml"):
        database.protection(WEST, asked_in=EAST)


def test_a_move_under_a_lease_renews_it_and_without_it_asks_for_nothing(lab: Lab, database: Database) -> None:
    table = lab.client("dynamodb", WEST)
    table.create_table(
        TableName="control",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    held = {
        "run_id": "run-1",
        "owner": "operator",
        "outcome": "running",
        "attempt": 1,
        "revision": 1,
        "lease_seconds": 60,
        **dict.fromkeys(("started_at", "acquired_at", "renewed_at"), time.time()),
        "expires_at": time.time() + 60,
    }
    table.put_item(TableName="control", Item=pack_lease(held))
    lease = {"table_name": "control", "region": WEST, "run_id": "run-1", "lease_seconds": 60, "step": "promote_request"}
    with pytest.raises(Refused, match="lease lost to operator"):
        database.move(WEST, "failover", lease={**lease, "attempt": 2})
    assert database.asked() == []
    assert database.move(WEST, "failover", lease={**lease, "attempt": 1})["changed"] is True
    after = read_lease(table, "control")
    assert (after["step"], after["revision"] > 1) == ("promote_request", True)


# What no document settles, and what a standby may be in the middle of.


def test_a_standby_that_is_backed_up_is_promoted_once_aws_accepts_it(database):
    database.lab.set_database(WEST, WEST, status="backing-up", instances="backing-up")
    asked = database.move(WEST, "failover", check_mode=True)
    assert [one["operation"] for one in asked["plan"]] == ["FailoverGlobalCluster"]
    threading.Timer(1.5, database.lab.set_database, (WEST, WEST, "available", "available")).start()
    moved = database.move(WEST, "auto", accept_data_loss=True, wait_timeout=600)
    assert (moved["method"], moved["after"]["writer_region"]) == ("failover", WEST)


def test_a_writer_whose_cluster_is_backed_up_is_done(database):
    database.lab.set_database(EAST, EAST, status="backing-up", instances="backing-up")
    assert database.move(EAST, "failover")["reason"] == f"{EAST} is the writer of {GLOBAL}."


@pytest.mark.parametrize("claims", [True, False])
def test_a_secondary_that_calls_an_instance_its_writer_is_promoted_all_the_same(database, claims):
    database.lab.settings(secondary_claims_writer=claims)
    assert database.move(WEST, "failover", accept_data_loss=True)["after"]["writer_region"] == WEST


@pytest.mark.parametrize("order", [{"detach_quiet_s": 20.0}, {"detach_quiet_s": 20.0, "detach_delists_first": True}])
@pytest.mark.parametrize("claims", [True, False])
def test_a_detach_is_complete_only_when_the_cluster_is_its_own(database, order, claims):
    database.lab.settings(detach_s=60.0, secondary_claims_writer=claims, **order)
    database.move(WEST, "detach", accept_data_loss=True, wait=False)
    found = database.move(WEST, "detach", accept_data_loss=True, wait_timeout=600)["after"]
    assert (found["target"]["is_member"], found["target"]["cluster_status"]) == (False, "available")
    assert found["target"]["replicates_from"] is None


def test_an_operation_that_is_shown_after_the_promotion_is_passed_over_with_a_warning(database):
    database.lab.settings(lingering_s=1_000_000.0)
    database.move(WEST, "failover", accept_data_loss=True, wait=False)
    # Ten times the module's own pace, like briefly: the minute that it waits takes six seconds.
    moved = database.move(WEST, "failover", wait_timeout=600, clock=lambda: 10 * time.monotonic())
    assert moved["after"]["writer_region"] == WEST
    assert "AWS still shows an operation" in moved["warnings"][0]
