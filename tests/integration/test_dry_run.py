# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml --check: it changes nothing, and names exactly what a run would create, change and leave alone."""

from __future__ import annotations

import re

import pytest

from tests.integration.aws import SUFFIX, TABLE
from tests.integration.platforms import Platform, Run

HOME, STANDBY = "us-east-1", "us-east-2"
LAYERS = (
    "audit network encryption session_table global_database object_storage application monitoring traffic "
    "failover_control outputs"
).split()
TITLE = "Plan of provisioning. This was a dry run: nothing has been changed."
TASK = re.compile(r"^TASK \[(?:[\w.]+ : )?(.+?)\] \**$")
CHANGED = re.compile(r"^changed: \[([\w-]+)\]")
ROW = re.compile(r"^([\w-]+): (\w+) (created|changed|removed)\. (.+)$")


def dry_run(platform: Platform, *options: str) -> Run:
    """Run site.yml in check mode. The watcher: the lab has seen no call that could have changed anything."""
    before = len(platform.lab.calls())
    run = platform.run("site", "--check", *options).ends_well()
    seen = platform.lab.calls()[before:]
    assert seen and [call for call in seen if call["mutating"]] == []
    return run


def rows(run: Run) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The plan at the end: {(region, layer): [(action, why)]}."""
    assert TITLE in run.output, run.output[-3000:]
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in run.output.partition(TITLE)[2].splitlines():
        if row := ROW.match(line):
            found.setdefault((row[1], row[2]), []).append((row[3], row[4]))
    return found


def changed_tasks(run: Run) -> set[tuple[str, str]]:
    """{(region, task)} of the tasks that reported a change."""
    task, found = "", set()
    for line in run.output.splitlines():
        if named := TASK.match(line):
            task = named[1]
        elif host := CHANGED.match(line):
            found.add((host[1], task))
    return found


def test_on_an_empty_account_everything_is_listed_as_created(platforms):
    platform = platforms.empty(HOME, STANDBY, scale=20)
    with platform.lab:
        run = dry_run(platform)
        assert rows(run).keys() == {(region, layer) for region in (HOME, STANDBY) for layer in LAYERS}
        assert {action for found in rows(run).values() for action, _why in found} == {"created"}
        assert not any(run.changed.values())


@pytest.mark.nightly
def test_on_a_platform_as_provisioned_nothing_would_change(platform):
    run = dry_run(platform)
    assert changed_tasks(run) == set() and rows(run) == {}
    assert f"{HOME}: left alone: network, encryption, global_database" in run.output
    assert not any(run.changed.values())


def audit(lab):
    lab.client("s3", STANDBY).delete_bucket_policy(Bucket=f"trading-audit-{STANDBY}-{SUFFIX}")


def network(lab):
    ec2 = lab.client("ec2", STANDBY)
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [f"trading-{SUFFIX}"]}])["Vpcs"]
    ec2.create_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": "Project", "Value": "another"}])


def encryption(lab):
    kms = lab.client("kms", STANDBY)
    kms.disable_key_rotation(KeyId=kms.describe_key(KeyId=f"alias/trading-{SUFFIX}")["KeyMetadata"]["KeyId"])


def session_table(lab):
    lab.client("dynamodb", STANDBY).update_continuous_backups(
        TableName=f"trading-sessions-{SUFFIX}", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def global_database(lab):
    lab.client("rds", STANDBY).modify_db_cluster(
        DBClusterIdentifier=f"trading-{STANDBY}-{SUFFIX}", BackupRetentionPeriod=3, ApplyImmediately=True
    )


def object_storage(lab):
    lab.client("s3", STANDBY).delete_bucket_lifecycle(Bucket=f"trading-data-{STANDBY}-{SUFFIX}")


def application(lab):
    elb = lab.client("elbv2", STANDBY)
    arn = elb.describe_target_groups(Names=[f"trading-tg-{SUFFIX}"])["TargetGroups"][0]["TargetGroupArn"]
    other = {"Key": "deregistration_delay.timeout_seconds", "Value": "17"}
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[other])


def monitoring(lab):
    cloudwatch = lab.client("cloudwatch", STANDBY)
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix="trading-")["MetricAlarms"]
    cloudwatch.delete_alarms(AlarmNames=[alarms[0]["AlarmName"]])


def traffic(lab):
    route53 = lab.client("route53")
    for one in route53.list_health_checks()["HealthChecks"]:
        if one["HealthCheckConfig"].get("FullyQualifiedDomainName", "").endswith(f"{STANDBY}.elb.amazonaws.com"):
            route53.update_health_check(HealthCheckId=one["Id"], FailureThreshold=5)


def failover_control(lab):
    lab.client("dynamodb", STANDBY).update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def outputs(lab):
    lab.client("ssm", STANDBY).put_parameter(
        Name=f"/trading/{SUFFIX}/outputs", Value="{}", Type="String", Overwrite=True
    )


# What somebody has changed by hand, by layer: how, and the task that would change it back.
DRIFTS = {
    audit: "Provision the bucket",
    network: "Provision the VPC",
    encryption: "Provision the key",
    session_table: "Provision the replicas, with key, recovery and protection of each",
    global_database: "Provision the cluster",
    object_storage: "Provision the expiry of old versions",
    application: "Provision the target group",
    monitoring: "Create the alarms",
    traffic: "Create the check of the region's endpoint",
    failover_control: "Encrypt and protect the control table",
    outputs: "Store the outputs in every region",
}
# One region makes the calls for all replicas.
FROM_HOME = (session_table,)


def drifted(platform: Platform) -> set[tuple[str, str]]:
    """Change every layer of the platform by hand, and return {(region, task)} that would change it back."""
    for drift in DRIFTS:
        drift(platform.lab)
    return {(HOME if drift in FROM_HOME else STANDBY, task) for drift, task in DRIFTS.items()}


@pytest.mark.nightly
def test_what_somebody_has_changed_is_named_for_each_layer_and_nothing_else(platform):
    expected = drifted(platform)
    run = dry_run(platform, "--diff")
    assert changed_tasks(run) == expected
    assert rows(run).keys() == {(HOME if drift in FROM_HOME else STANDBY, drift.__name__) for drift in DRIFTS}
    assert "would call s3:putbucketpolicy" in run.output.lower()
    assert "deregistration_delay.timeout_seconds" in run.output, "shown by --diff"


@pytest.mark.nightly
def test_a_run_changes_what_a_dry_run_has_named_and_then_nothing_would_change(platform):
    expected = drifted(platform)
    assert changed_tasks(platform.run("site").ends_well()) == expected
    assert changed_tasks(dry_run(platform)) == set()


@pytest.mark.nightly
def test_a_group_or_a_topic_that_somebody_has_deleted_is_listed_with_what_uses_it(platform):
    lab = platform.lab
    (topic,) = lab.client("sns", STANDBY).list_topics()["Topics"]
    lab.client("sns", STANDBY).delete_topic(TopicArn=topic["TopicArn"])
    found = rows(dry_run(platform))
    assert found[STANDBY, "monitoring"] == [("created", f"There is no trading-alerts-{SUFFIX}.")]
    assert found[HOME, "failover_control"][0][0] == "changed"
