# SPDX-License-Identifier: GPL-3.0-or-later
"""A database's password in the lab: when it is accepted and where; and its rotation by our module's function."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.password import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import Clients
from lab.services.rds_passwords import accepts
from tests.lab.global_database import Global
from tests.lab.in_process import EAST, EUROPE, WEST, Aws, client_of, refused

NAME, FIRST, SECOND = "trading-database-dev", "not-secret", "not-secret-either"


@pytest.fixture
def pair(aws: Aws) -> Global:
    """The writer is in EUROPE, the primary secret in EAST."""
    value = json.dumps({"username": "admin", "password": FIRST})
    copies = [{"Region": EUROPE}]
    aws.client("secretsmanager", EAST).create_secret(Name=NAME, SecretString=value, AddReplicaRegions=copies)
    return Global(aws, EUROPE, EAST)


def reset(pair: Global, region: str, password: str = SECOND) -> dict[str, Any]:
    change = pair.aws.client("rds", region).modify_db_cluster
    return change(DBClusterIdentifier=f"c-{region}", MasterUserPassword=password, ApplyImmediately=True)["DBCluster"]


def accepted(region: str, password: str) -> bool:
    return accepts(region, f"c-{region}", password)


def test_a_new_password_is_accepted_after_a_while_by_every_member(pair: Global) -> None:
    pair.aws.settings(password_s=600)
    reset(pair, EUROPE)
    cluster = pair.cluster(EUROPE)
    assert cluster["Status"] == "resetting-master-credentials"
    assert cluster["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    assert accepted(EUROPE, FIRST) and accepted(EAST, FIRST)
    cluster = pair.aws.wait(lambda: pair.cluster(EUROPE), lambda now: now["Status"] == "available")
    assert "PendingModifiedValues" not in cluster
    assert accepted(EUROPE, SECOND) and accepted(EAST, SECOND) and not accepted(EUROPE, FIRST)


def test_an_event_tells_of_it_without_the_password(pair: Global) -> None:
    reset(pair, EUROPE)
    rds = pair.aws.client("rds", EUROPE)
    reported = pair.aws.wait(
        lambda: rds.describe_events(SourceType="db-cluster", SourceIdentifier=f"c-{EUROPE}")["Events"]
    )
    assert [event["Message"] for event in reported] == ["Reset master credentials"]


def test_a_failover_on_the_way_loses_it_and_the_rebuilt_member_follows_the_new_writer(pair: Global) -> None:
    pair.aws.settings(password_s=3000)
    reset(pair, EUROPE)
    pair.fail_over(EAST, AllowDataLoss=True)
    pair.wait_idle()
    assert pair.writer() == EAST and accepted(EAST, FIRST)
    pair.aws.wait(lambda: pair.member(EUROPE)["SynchronizationStatus"], lambda now: now == "connected")
    assert accepted(EUROPE, FIRST)


@pytest.mark.parametrize("password", ["short", "x" * 42, "with/slash", 'with"quote', "with@sign", "with\ttab"])
def test_a_password_that_the_api_refuses_is_refused(pair: Global, password: str) -> None:
    refused("InvalidParameterValue", reset, pair=pair, region=EUROPE, password=password)


def test_nobody_logs_in_to_a_cluster_that_is_not_there(pair: Global) -> None:
    with pytest.raises(LookupError, match="us-east-2 has no cluster c-us-east-2"):
        accepted(WEST, FIRST)


# --- the rotation ----------------------------------------------------------------------------------------------------


def rotate(pair: Global, check_mode: bool = False, **said: Any) -> dict[str, Any]:
    params = {
        "secret_name": NAME,
        "global_cluster_identifier": "g",
        "regions": [EAST, EUROPE],
        "max_age_days": 0,
        "password_length": 41,
        "accept_gap": False,
        "replica_timeout": 5,
        "settle_seconds": 5,
        "wait_timeout": 5,
        "poll_interval": 0.01,
        **said,
    }
    return run(params, Clients(client_of, EAST), check_mode)


def password(pair: Global, region: str, label: str = "AWSCURRENT") -> str:
    secrets = pair.aws.client("secretsmanager", region)
    return json.loads(secrets.get_secret_value(SecretId=NAME, VersionStage=label)["SecretString"])["password"]


def test_database_and_copies_have_the_same_new_password(pair: Global) -> None:
    reported = rotate(pair)
    assert (reported["writer_region"], reported["primary_region"], reported["proof"]) == (EUROPE, EAST, "event")
    new = password(pair, EAST)
    assert len(new) == 41 and new == password(pair, EUROPE) and accepted(EUROPE, new) and accepted(EAST, new)
    assert password(pair, EUROPE, "AWSPREVIOUS") == FIRST
    described = pair.aws.client("secretsmanager", EAST).describe_secret(SecretId=NAME)
    assert sorted(map(tuple, described["VersionIdsToStages"].values())) == [("AWSCURRENT",), ("AWSPREVIOUS",)]


def test_it_continues_at_the_new_writer_after_a_move(pair: Global) -> None:
    rotate(pair)
    pair.switch_over(EAST, called_in=EUROPE)
    pair.wait_idle()
    assert rotate(pair)["writer_region"] == EAST
    assert accepted(EAST, password(pair, EUROPE))


def test_a_password_of_today_stays(pair: Global) -> None:
    assert rotate(pair, max_age_days=1)["changed"] is False
    assert password(pair, EAST) == FIRST


def test_check_mode_leaves_secret_and_database_alone(pair: Global) -> None:
    assert rotate(pair, check_mode=True)["changed"] is True
    time.sleep(0.05)
    assert password(pair, EAST) == FIRST and accepted(EUROPE, FIRST)
