# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Our AWS modules through their main(), over the socket, against the lab: real requests, real answers, real outages."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from lab.client import Lab

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
VERSION = "8.0.mysql_aurora.3.10.5"
MODULES = "ansible_collections.trading.multi_region.plugins.modules"
ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., dict[str, Any]]


def environment(lab: Lab) -> dict[str, str]:
    """The lab's variables with a secret that is no part of any word, so that no output is masked for its sake."""
    return {**lab.env(), "AWS_SECRET_ACCESS_KEY": "0nly-for-the-1ab"}


@pytest.fixture
def run(lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function (module, check_mode=False, **arguments) -> the module's JSON."""
    for name, value in environment(lab).items():
        monkeypatch.setenv(name, value)

    def main(module: str, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        loaded = importlib.import_module(f"{MODULES}.{module}")
        capsys.readouterr()
        with patch_module_args({**arguments, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            loaded.main()
        return json.loads(capsys.readouterr().out)

    return main


def mutating(lab: Lab) -> list[tuple[str, str]]:
    """Return (region, operation) of the calls that change something."""
    return [(call["region"], call["operation"]) for call in lab.calls() if call["mutating"]]


@pytest.fixture
def database(lab: Lab, run: Run) -> Callable[..., dict[str, Any]]:
    """A global database of two regions made with our module; returns a function that asks for its writer."""
    made = run(
        "rds_global_cluster",
        region=EAST,
        global_cluster_identifier="trading-global",
        engine_version=VERSION,
        database_name="trading",
    )
    assert made["changed"] is True, made
    for region, first in ((EAST, {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}), (WEST, {})):
        rds = lab.client("rds", region)
        names = {"DBClusterIdentifier": f"trading-{region}", "Engine": "aurora-mysql"}
        rds.create_db_cluster(**names, GlobalClusterIdentifier="trading-global", **first)
        rds.create_db_instance(**names, DBInstanceIdentifier=f"trading-{region}-1", DBInstanceClass="db.r6g.large")

    def writer(region: str, method: str, **said: Any) -> dict[str, Any]:
        wanted = {"global_cluster_identifier": "trading-global", "writer_region": region, "poll_interval": 1}
        return run("rds_global_cluster_writer", **wanted, method=method, **said)

    lab.advance(600)  # until CloudWatch shows samples of the new secondary
    lab.clear_calls()
    return writer


def wait_for(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("mode", ["hang", "reset", "5xx", "throttle"])
def test_failover_ends_in_the_target_without_a_call_to_the_lost_region(lab: Lab, database: Run, mode: str) -> None:
    lab.outage(EAST, mode)
    result = database(WEST, "failover", max_sampled_lag_ms=5000)
    assert result.get("changed") is True, result
    assert result["after"]["writer_region"] == WEST
    assert result["lag"]["value_ms"] is not None and result["lag"]["age_seconds"] < 120
    assert {call["region"] for call in lab.calls()} == {WEST}
    assert mutating(lab) == [(WEST, "FailoverGlobalCluster")]
    assert database(WEST, "failover")["changed"] is False


def test_a_global_cluster_asked_for_again_after_a_failover_stays_as_it_is(lab: Lab, database: Run, run: Run) -> None:
    database(WEST, "failover")
    lab.clear_calls()
    again = run(
        "rds_global_cluster",
        region=EAST,
        global_cluster_identifier="trading-global",
        engine_version=VERSION,
        database_name="trading",
    )
    assert (again["changed"], again["global_cluster"]["writer_region"]) == (False, WEST)
    assert mutating(lab) == []


def test_a_global_cluster_is_tagged_once_and_keeps_its_other_tags(lab: Lab, database: Run, run: Run) -> None:
    arn = run("rds_global_cluster", global_cluster_identifier="trading-global")["global_cluster"]["global_cluster_arn"]
    client = lab.client("rds", EAST)
    client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "CostCenter", "Value": "7"}])
    wanted = {"global_cluster_identifier": "trading-global", "tags": {"Project": "trading", "Number": 1}}
    lab.clear_calls()
    foreseen = run("rds_global_cluster", check_mode=True, **wanted)
    assert foreseen["changed"] and mutating(lab) == []
    made = run("rds_global_cluster", **wanted)
    assert made["changed"] and made["diff"]["after"] == foreseen["diff"]["after"] != made["diff"]["before"]
    shown = {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceName=arn)["TagList"]}
    assert shown == made["global_cluster"]["tags"] == {"CostCenter": "7", "Project": "trading", "Number": "1"}
    assert not run("rds_global_cluster", **wanted)["changed"]
    assert [operation for _region, operation in mutating(lab)] == ["AddTagsToResource"]


def test_a_new_global_cluster_has_its_tags(run: Run) -> None:
    wanted = {"global_cluster_identifier": "fresh", "tags": {"Project": "trading"}}
    assert run("rds_global_cluster", check_mode=True, **wanted)["global_cluster"]["tags"] == {"Project": "trading"}
    assert run("rds_global_cluster", **wanted)["global_cluster"]["tags"] == {"Project": "trading"}


def test_switchover_there_and_back(lab: Lab, database: Run) -> None:
    assert database(WEST, "switchover", expected_writer_region=EAST)["after"]["writer_region"] == WEST
    assert database(EAST, "switchover", expected_writer_region=WEST)["after"]["writer_region"] == EAST
    assert mutating(lab) == [(EAST, "SwitchoverGlobalCluster"), (WEST, "SwitchoverGlobalCluster")]


def test_check_mode_changes_nothing_and_names_the_call(lab: Lab, database: Run) -> None:
    result = database(WEST, "failover", check_mode=True)
    assert (result["changed"], result["plan"][0]["operation"]) == (True, "FailoverGlobalCluster")
    assert mutating(lab) == []


def test_missing_lag_is_refused_before_any_change_and_can_be_accepted(lab: Lab, database: Run) -> None:
    lab.settings(lag_ms=None, rpo_lag_ms=None)
    lab.advance(4000 * lab.scale)  # beyond the hour that is looked back
    refused = database(WEST, "failover", max_sampled_lag_ms=5000)
    assert refused["failed"] is True and "lag of us-east-2 is unknown" in refused["msg"]
    assert mutating(lab) == []
    assert database(WEST, "failover", max_sampled_lag_ms=5000, accept_data_loss=True)["after"]["writer_region"] == WEST


def test_a_headless_target_is_refused(lab: Lab, database: Run) -> None:
    lab.client("rds", WEST).delete_db_instance(DBInstanceIdentifier=f"trading-{WEST}-1", SkipFinalSnapshot=True)
    lab.clear_calls()
    assert "has no instance" in database(WEST, "failover")["msg"]
    assert mutating(lab) == []


def test_the_rebuilt_old_primary_is_refused_until_it_is_protected(lab: Lab, database: Run) -> None:
    lab.outage(EAST, "reset")
    database(WEST, "failover")
    lab.restore()
    lab.settings(resync_s=100000)
    refused = database(EAST, "switchover")
    assert refused["failed"] is True and "pending-resync" in refused["msg"]


def test_a_stuck_promotion_is_named_and_resumed(lab: Lab, database: Run) -> None:
    lab.settings(promotion_stuck=True)
    stuck = database(WEST, "failover", wait_timeout=2)
    assert stuck["failed"] is True and stuck["changed"] is True
    assert "failing-over" in stuck["msg"] and "to resume the wait, run" in stuck["msg"]
    lab.settings(promotion_stuck=False)
    resumed = database(WEST, "failover")
    assert resumed["after"]["writer_region"] == WEST
    assert mutating(lab) == [(WEST, "FailoverGlobalCluster")]


def test_without_wait_the_request_is_accepted_immediately_and_joined_later(lab: Lab, database: Run) -> None:
    lab.settings(failover_s=1200)
    first = database(WEST, "failover", wait=False)
    assert first["after"]["failover_state"]["to_region"] == WEST
    refused = database(EAST, "switchover")
    assert refused["failed"] is True and "to us-east-2" in refused["msg"]
    joined = database(WEST, "failover")
    assert "Joined" in joined["reason"] and joined["after"]["writer_region"] == WEST
    assert mutating(lab) == [(WEST, "FailoverGlobalCluster")]


def test_an_empty_global_cluster_is_deleted_and_one_with_members_is_not(database: Run, run: Run) -> None:
    absent = {"region": EAST, "state": "absent"}
    refused = run("rds_global_cluster", global_cluster_identifier="trading-global", **absent)
    assert "still has members" in refused["msg"]
    run("rds_global_cluster", region=EAST, global_cluster_identifier="empty", deletion_protection=True)
    assert "deletion_protection" in run("rds_global_cluster", global_cluster_identifier="empty", **absent)["msg"]
    gone = run("rds_global_cluster", global_cluster_identifier="empty", deletion_protection=False, **absent)
    assert (gone["changed"], gone["global_cluster"]) == (True, {})
    assert run("rds_global_cluster", global_cluster_identifier="empty", **absent)["changed"] is False


@pytest.mark.parametrize(
    "options",
    [
        {
            "type": "HTTPS_STR_MATCH",
            "fqdn": "control.s3.us-east-2.amazonaws.com",
            "port": 443,
            "resource_path": "/active-region",
            "search_string": "[us-east-2 claims over us-east-1]",
            "request_interval": 10,
            "failure_threshold": 3,
            "inverted": True,
        },
        {"type": "CALCULATED", "child_health_checks": ["first", "second"], "health_threshold": 1},
        {
            "type": "CLOUDWATCH_METRIC",
            "alarm": {"region": WEST, "name": "switch", "insufficient_data_health_status": "LastKnownStatus"},
        },
        {"type": "HTTP", "fqdn": "balancer.example.com", "resource_path": "/health", "measure_latency": True},
    ],
    ids=lambda options: options["type"],
)
def test_health_checks_of_every_type_are_made_kept_and_removed(lab: Lab, run: Run, options: dict[str, Any]) -> None:
    made = run("route53_health_check", name="trading-check", tags={"Project": "trading"}, **options)
    assert made.get("changed") is True, made
    again = run("route53_health_check", name="trading-check", tags={"Project": "trading"}, **options)
    assert (again["changed"], again["health_check_id"]) == (False, made["health_check_id"])
    assert again["health_check"]["tags"] == {"Name": "trading-check", "Project": "trading"}
    assert run("route53_health_check", name="trading-check", state="absent")["changed"] is True
    assert run("route53_health_check", name="trading-check", state="absent")["changed"] is False
    assert lab.client("route53").list_health_checks()["HealthChecks"] == []


def test_a_health_check_is_changed_in_place(run: Run) -> None:
    options = {"name": "trading-check", "type": "HTTP", "fqdn": "a.example.com", "failure_threshold": 3}
    made = run("route53_health_check", **options, inverted=True)
    changed = run("route53_health_check", **{**options, "failure_threshold": 2}, inverted=False)
    assert (changed["changed"], changed["health_check_id"]) == (True, made["health_check_id"])
    assert changed["health_check"]["config"]["FailureThreshold"] == 2
    assert changed["health_check"]["config"]["Inverted"] is False


def test_a_table_gets_replicas_with_their_own_settings_and_loses_them_again(lab: Lab, run: Run) -> None:
    lab.client("dynamodb", EAST).create_table(
        TableName="sessions",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    settings = {"point_in_time_recovery": True, "tags": {"Project": "trading"}}
    wanted = [{"region": region, **settings} for region in (EAST, WEST, EUROPE)]
    made = run("dynamodb_global_table", region=EAST, table_name="sessions", replicas=wanted)
    assert made.get("changed") is True, made
    assert [(one["region"], one["status"]) for one in made["replicas"]] == [
        (EUROPE, "ACTIVE"),
        (EAST, "ACTIVE"),
        (WEST, "ACTIVE"),
    ]
    assert all(one["point_in_time_recovery"] and one["tags"] == {"Project": "trading"} for one in made["replicas"])
    lab.client("dynamodb", EAST).put_item(TableName="sessions", Item={"id": {"S": "one"}})
    copy = lab.client("dynamodb", WEST)
    wait_for(lambda: "Item" in copy.get_item(TableName="sessions", Key={"id": {"S": "one"}}))
    lab.clear_calls()
    for region in (EAST, WEST):
        again = run("dynamodb_global_table", region=region, table_name="sessions", replicas=wanted)
        assert again.get("changed") is False, again
    assert mutating(lab) == []
    purge = {"table_name": "sessions", "purge_replicas": True}
    refused = run("dynamodb_global_table", region=WEST, **purge)
    assert "has acted as a source region" in refused["msg"]
    left = run("dynamodb_global_table", region=EAST, **purge)
    assert [one["region"] for one in left["replicas"]] == [EAST]


def test_two_buckets_replicate_both_ways_and_stop(lab: Lab, run: Run) -> None:
    for region in (EAST, WEST):
        s3 = lab.client("s3", region)
        where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=f"data-{region}", **where)
    role = "arn:aws:iam::123456789012:role/replication"

    def rule(source: str, target: str, **said: Any) -> dict[str, Any]:
        ends = {"bucket": f"data-{source}", "destination_bucket_arn": f"arn:aws:s3:::data-{target}"}
        return run("s3_bucket_replication", region=source, role_arn=role, **ends, **said)

    assert "is not enabled, but replication" in rule(EAST, WEST)["msg"]
    for region in (EAST, WEST):
        versioning = {"Status": "Enabled"}
        lab.client("s3", region).put_bucket_versioning(Bucket=f"data-{region}", VersioningConfiguration=versioning)
    for ends in ((EAST, WEST), (WEST, EAST)):
        assert rule(*ends).get("changed") is True
        assert rule(*ends).get("changed") is False
    assert rule(EAST, WEST, delete_marker_replication=False)["changed"] is True
    assert rule(EAST, WEST, delete_marker_replication=False)["changed"] is False
    assert rule(EAST, WEST, state="absent")["replication_configuration"] == {}
    assert rule(EAST, WEST, state="absent")["changed"] is False


def test_a_module_runs_as_ansible_runs_it(lab: Lab) -> None:
    arguments = {"region": WEST, "global_cluster_identifier": "by-ansible"}
    command = [
        str(Path(sys.executable).with_name("ansible")),
        *("localhost", "-e", f"ansible_python_interpreter={sys.executable}"),
        *("-m", "trading.multi_region.rds_global_cluster", "-a", json.dumps(arguments)),
    ]
    env = {**os.environ, **environment(lab), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_FORCE_COLOR": "false"}
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "The global cluster by-ansible was created." in ran.stdout


def test_log_groups_and_topics_that_are_there_get_keys_in_place(lab: Lab, run: Run) -> None:
    key = lab.client("kms", WEST).create_key()["KeyMetadata"]["Arn"]
    topic = lab.client("sns", WEST).create_topic(Name="alerts")["TopicArn"]
    lab.client("logs", WEST).create_log_group(logGroupName="/aws/rds/cluster/c/audit")
    groups = {"names": ["/aws/rds/cluster/c/audit", "/aws/rds/cluster/c/error"], "retention_in_days": 30}
    wanted = [
        ("cloudwatch_log_groups", {**groups, "kms_key_arn": key}),
        ("sns_topic_encryption", {"topic_arn": topic, "kms_key_arn": key}),
    ]
    assert [run(module, region=WEST, **options).get("changed") for module, options in wanted] == [True, True]
    lab.clear_calls()
    assert [run(module, region=WEST, **options).get("changed") for module, options in wanted] == [False, False]
    assert mutating(lab) == []
    shown = lab.client("logs", WEST).describe_log_groups()["logGroups"]
    assert {(one["logGroupName"], one["kmsKeyId"], one["retentionInDays"]) for one in shown} == {
        (name, key, 30) for name in groups["names"]
    }
    assert lab.client("sns", WEST).get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key


def test_replicas_that_were_made_without_keys_get_theirs_in_place(lab: Lab, run: Run) -> None:
    lab.client("dynamodb", EAST).create_table(
        TableName="sessions",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    old = [{"region": region} for region in (EAST, WEST)]
    assert run("dynamodb_global_table", region=EAST, table_name="sessions", replicas=old)["changed"] is True
    keys = {one: lab.client("kms", one).create_key()["KeyMetadata"]["Arn"] for one in (EAST, WEST, EUROPE)}
    wanted = [{"region": region, "kms_key_arn": key} for region, key in keys.items()]
    made = run("dynamodb_global_table", region=EAST, table_name="sessions", replicas=wanted)
    assert {one["region"]: one["kms_key_arn"] for one in made["replicas"]} == keys, made
    for region, key in keys.items():
        shown = lab.client("dynamodb", region).describe_table(TableName="sessions")["Table"]["SSEDescription"]
        assert shown == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    again = run("dynamodb_global_table", region=WEST, table_name="sessions", replicas=wanted)
    assert again["changed"] is False
