# SPDX-License-Identifier: GPL-3.0-or-later
"""upgrade.yml: a minor and a major version, killed on the way and continued, and a move that is asked for meanwhile."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.aws import TABLE, cluster, control_item, members
from tests.integration.permissions import as_runner

HOME, OTHER = "us-east-1", "us-east-2"
VERSION, NEWER, NEW_MAJOR = "8.0.mysql_aurora.3.10.5", "8.0.mysql_aurora.3.12.0", "8.4.mysql_aurora.8.4.8"
ASKING = ("ModifyDBCluster", "ModifyGlobalCluster", "ModifyDBInstance", "RebootDBInstance", "PutItem", "UpdateItem")


def versions(lab) -> dict[str, str]:
    return {region: cluster(lab, region)["EngineVersion"] for region in (HOME, OTHER)}


def upgrade(platform, version: str, *options: str, **how):
    return platform.run("upgrade", "-e", f"engine_version={version}", *options, **how)


def changed(run) -> int:
    return sum(run.changed.values())


def group(lab, region: str) -> str:
    """The one parameter group that the cluster and all its instances have applied."""
    shown = cluster(lab, region)
    name, listed = shown["DBClusterParameterGroup"], shown["DBClusterMembers"]
    groups = {(name, one["DBClusterParameterGroupStatus"]) for one in listed}
    for instance in lab.client("rds", region).describe_db_instances()["DBInstances"]:
        groups |= {(one["DBParameterGroupName"], one["ParameterApplyStatus"]) for one in instance["DBParameterGroups"]}
    ((name, status),) = groups
    assert status == "in-sync"
    return name


def let_the_lease_expire(lab) -> None:
    """What a minute without a renewal does."""
    lab.client("dynamodb", HOME).update_item(
        TableName=TABLE,
        Key={"id": {"S": "lease"}},
        UpdateExpression="SET expires_at = :now",
        ExpressionAttributeValues={":now": {"N": str(time.time() - 1)}},
    )


@pytest.mark.nightly
def test_a_minor_upgrade_reaches_the_writer_last_goes_on_after_a_kill_and_lets_no_move_in(platform):
    lab = platform.lab
    lab.settings(minor_upgrade_s=20)
    calls = len(lab.calls())
    planned = upgrade(platform, NEWER, "--check").ends_well()
    assert f"1. secondary {OTHER}" in planned.output and f"2. primary {HOME}" in planned.output
    assert [call for call in lab.calls()[calls:] if call["operation"] in ASKING] == []

    killed = upgrade(platform, NEWER, break_at=f"Upgrade | primary {HOME}", breaks="kill")
    assert killed.code != 0 and versions(lab) == {HOME: VERSION, OTHER: NEWER}
    lease = control_item(lab, HOME, "lease")
    assert (lease["method"], lease["step"]) == ("upgrade", f"secondary {OTHER}")
    refused = platform.run("switchover")
    assert refused.code != 0 and f"method upgrade, step secondary {OTHER}" in refused.output
    let_the_lease_expire(lab)
    refused = platform.run("switchover")
    assert refused.code != 0 and "3.10.5" in refused.output and "3.12.0" in refused.output

    lab.settings(minor_upgrade_s=150)
    with ThreadPoolExecutor() as pool:
        run = pool.submit(upgrade, platform, NEWER)
        deadline = time.monotonic() + 60
        while cluster(lab, HOME)["Status"] != "upgrading":
            assert time.monotonic() < deadline and not run.done()
            time.sleep(0.1)
        refused = platform.run("failover", "-e", "force=true")
        done = run.result().ends_well()
    assert refused.code != 0 and f"method upgrade, step primary {HOME}" in refused.output
    assert members(lab, HOME) == {HOME: True, OTHER: False} and versions(lab) == {HOME: NEWER, OTHER: NEWER}
    assert "Writes stopped for at most" in " ".join(done.output.split())
    assert control_item(lab, OTHER, "manifest")["global_database"]["engine_version"] == NEWER
    asked = [(call["region"], call["operation"]) for call in lab.calls()[calls:] if call["operation"] in ASKING[:4]]
    assert asked == [(OTHER, "ModifyDBCluster"), (HOME, "ModifyDBCluster")]

    assert changed(upgrade(platform, NEWER).ends_well()) == 0
    platform.run("switchover").ends_well()
    assert members(lab, HOME) == {HOME: False, OTHER: True}


@pytest.mark.nightly
def test_a_major_upgrade_ends_with_its_own_parameter_groups_and_nothing_for_site_to_change(platform):
    lab, platform = platform.lab, as_runner(platform, "provisioning").platform
    lab.settings(major_upgrade_s=20)
    name = "trading-{region}-dev-aurora-mysql8-4"
    killed = upgrade(platform, NEW_MAJOR, break_at=f"Upgrade | parameter groups of {HOME}", breaks="kill")
    assert killed.code != 0 and group(lab, OTHER) == name.format(region=OTHER)
    let_the_lease_expire(lab)
    upgrade(platform, NEW_MAJOR).ends_well()
    assert versions(lab) == {HOME: NEW_MAJOR, OTHER: NEW_MAJOR}
    assert {group(lab, region) for region in (HOME, OTHER)} == {name.format(region=region) for region in (HOME, OTHER)}
    wanted = ("-e", f"global_database_engine_version={NEW_MAJOR}", "--tags", "global_database")
    assert changed(platform.run("site", *wanted).ends_well()) == 0


@pytest.mark.nightly
def test_an_upgrade_that_cannot_be_is_refused_before_the_first_change(platform):
    platform.lab.settings(withheld_versions=[f"{OTHER} {NEWER}"])
    calls = len(platform.lab.calls())
    refusals = {
        NEWER: f"{NEWER} is not offered in {OTHER}",
        "8.0.mysql_aurora.3.04.6": "AWS cannot go back to an older version",
        "17.7": "allowed: a version of Aurora MySQL",
    }
    for version, words in refusals.items():
        refused = upgrade(platform, version)
        assert refused.code != 0 and words in " ".join(refused.output.split()), version
    platform.lab.settings(withheld_versions=[])
    platform.lab.set_targets(OTHER, "unhealthy")
    refused = upgrade(platform, NEWER)
    assert refused.code != 0 and f"target_health ({OTHER})" in " ".join(refused.output.split())
    assert [call for call in platform.lab.calls()[calls:] if call["operation"] in ASKING] == []


@pytest.mark.nightly
def test_a_postgresql_platform_is_upgraded_once_no_bound_on_its_loss_is_set(postgresql):
    lab, rds = postgresql.lab, postgresql.lab.client("rds", HOME)
    lab.settings(minor_upgrade_s=20, major_upgrade_s=20)
    bound = {"ParameterName": "rds.global_db_rpo", "ApplyMethod": "immediate"}
    own = {"DBClusterParameterGroupName": f"trading-{HOME}-dev"}
    rds.modify_db_cluster_parameter_group(**own, Parameters=[{**bound, "ParameterValue": "20"}])
    calls = len(lab.calls())
    refused = upgrade(postgresql, "18.3")
    assert refused.code != 0 and "rds.global_db_rpo is set" in " ".join(refused.output.split())
    assert [call for call in lab.calls()[calls:] if call["operation"] in ASKING] == []
    upgrade(postgresql, "17.9").ends_well()
    assert versions(lab) == {HOME: "17.9", OTHER: "17.9"}
    rds.reset_db_cluster_parameter_group(**own, Parameters=[bound])
    upgrade(postgresql, "18.3").ends_well()
    assert versions(lab) == {HOME: "18.3", OTHER: "18.3"}
    assert {group(lab, region)[-len("aurora-postgresql18") :] for region in (HOME, OTHER)} == {"aurora-postgresql18"}
    postgresql.run("switchover").ends_well()
    assert members(lab, HOME) == {HOME: False, OTHER: True}
