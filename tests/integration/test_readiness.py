# SPDX-License-Identifier: GPL-3.0-or-later
"""readiness.yml: a provisioned platform is ready; what would stop or spoil a failover is named and is an error."""

from __future__ import annotations

import json
import time

from tests.integration.aws import DOMAIN, GROUP, SUFFIX

EAST, WEST = "us-east-1", "us-east-2"
CONTROL_TABLE, POLICY = f"trading-failover-{SUFFIX}", f"trading-failover-runner-{SUFFIX}"


def readiness(platform, tmp_path, *options: str):
    """Run it; return (run, report)."""
    report = tmp_path / "readiness.json"
    run = platform.run("readiness", "-e", f"readiness_report_file={report}", *options)
    return run, json.loads(report.read_text()) if report.exists() else {}


def named(report: dict, state: str) -> set[tuple[str, str]]:
    """The checks and regions in a state."""
    return {(row["check"], row["region"]) for row in report["rows"] if row["state"] == state}


def runner(lab) -> tuple[str, str]:
    """Make a role that has the runner's policy and nothing else; return both ARNs."""
    iam = lab.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    policy = f"arn:aws:iam::123456789012:policy/{POLICY}"
    iam.attach_role_policy(RoleName="runner", PolicyArn=policy)
    return role, f"readiness_runner_arn={role}"


def delete_instances(lab) -> None:
    rds = lab.client("rds", WEST)
    for instance in rds.describe_db_instances()["DBInstances"]:
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)


def change_engine_and_parameter(lab) -> None:
    lab.settings(minor_upgrade_s=0)
    rds, name = lab.client("rds", WEST), f"trading-{WEST}-{SUFFIX}"
    rds.modify_db_cluster(DBClusterIdentifier=name, EngineVersion="8.0.mysql_aurora.3.12.0", ApplyImmediately=True)
    change = {"ParameterName": "require_secure_transport", "ParameterValue": "OFF", "ApplyMethod": "immediate"}
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=name, Parameters=[change])


def detach_health_check(lab) -> None:
    route53 = lab.client("route53")
    zone = route53.list_hosted_zones_by_name(DNSName=DOMAIN)["HostedZones"][0]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (primary,) = [one for one in records if one.get("Failover") == "PRIMARY" and one["Name"] == f"{DOMAIN}."]
    primary.pop("HealthCheckId")
    changes = [{"Action": "UPSERT", "ResourceRecordSet": primary}]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def close_the_way(lab) -> None:
    ec2 = lab.client("ec2", WEST)
    for table in ec2.describe_route_tables()["RouteTables"]:
        for route in table["Routes"]:
            if route.get("VpcPeeringConnectionId"):
                ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock=route["DestinationCidrBlock"])


def open_groups(lab) -> None:
    """Let the world reach the database, and the database the world."""
    ec2 = lab.client("ec2", WEST)
    names = [{"Name": "group-name", "Values": [f"trading-{SUFFIX}-database"]}]
    (group,) = ec2.describe_security_groups(Filters=names)["SecurityGroups"]
    rule = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    ec2.authorize_security_group_egress(GroupId=group["GroupId"], IpPermissions=[rule])


def loosen_load_balancer(lab) -> None:
    elb = lab.client("elbv2", WEST)
    (load_balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    keys = ("routing.http.drop_invalid_header_fields.enabled", "access_logs.s3.enabled")
    attributes = [{"Key": key, "Value": "false"} for key in keys]
    elb.modify_load_balancer_attributes(LoadBalancerArn=load_balancer["LoadBalancerArn"], Attributes=attributes)


def loosen_launch_template(lab) -> str:
    """Let instances to come answer without a token; return the template's id."""
    ec2 = lab.client("ec2", WEST)
    loose = {"MetadataOptions": {"HttpTokens": "optional"}}
    made = ec2.create_launch_template_version(
        LaunchTemplateName=f"trading-app-{SUFFIX}", SourceVersion="1", LaunchTemplateData=loose
    )["LaunchTemplateVersion"]
    version = {"LaunchTemplateId": made["LaunchTemplateId"], "Version": str(made["VersionNumber"])}
    lab.client("autoscaling", WEST).update_auto_scaling_group(AutoScalingGroupName=GROUP, LaunchTemplate=version)
    return made["LaunchTemplateId"]


def forget_the_past(lab) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    lab.client("dynamodb", WEST).update_continuous_backups(
        TableName=f"trading-sessions-{SUFFIX}", PointInTimeRecoverySpecification=off
    )


def hold_lease(lab) -> None:
    now = time.time()
    texts = {"run_id": "run-1", "claim": "run-1", "owner": "somebody", "method": "failover", "outcome": "running"}
    numbers = {"started_at": now, "acquired_at": now, "renewed_at": now, "expires_at": now + 600, "attempt": 1}
    item = {name: {"S": value} for name, value in {"id": "lease", "target_region": WEST, **texts}.items()}
    item |= {name: {"N": str(value)} for name, value in {**numbers, "lease_seconds": 600, "revision": 1}.items()}
    lab.client("dynamodb", WEST).put_item(TableName=CONTROL_TABLE, Item=item)


def test_a_provisioned_platform_is_ready(platform, tmp_path):
    _role, option = runner(platform.lab)
    before = len(platform.lab.calls())
    run, report = readiness(platform, tmp_path, "-e", option)
    run.ends_well()
    assert (report["ready"], report["ready_regions"], report["active_region"]) == (True, [WEST], EAST)
    # The demo's topics have no subscriptions, and its application is the placeholder. The checked role has the runner's
    # policy, which suffices.
    assert named(report, "warning") == {("subscriptions", EAST), ("subscriptions", WEST), ("application", "all")}
    assert report["summary"] == {"ok": len(report["rows"]) - 3, "warnings": 3, "blockers": 0, "unknown": 0}
    changing = [call["operation"] for call in platform.lab.calls()[before:] if call["mutating"]]
    assert changing == ["PutMetricData"] * 2, "the figures on the dashboards, and nothing else"
    assert sum(run.changed.values()) == 2, "these and the report"


def test_several_faults_together_are_each_named(platform, tmp_path):
    lab = platform.lab
    change_engine_and_parameter(lab)
    delete_instances(lab)
    detach_health_check(lab)
    lab.client("s3", EAST).delete_bucket_replication(Bucket=f"trading-data-{EAST}-{SUFFIX}")
    lab.client("cloudwatch", WEST).delete_alarms(AlarmNames=[f"trading-replication-lag-{SUFFIX}"])
    close_the_way(lab)
    run, report = readiness(platform, tmp_path)
    assert run.code != 0 and not report["ready"] and report["ready_regions"] == []
    blockers = {
        ("instances", WEST),
        ("engine_parity", WEST),
        ("bucket_replication", WEST),
        ("switch_records", "all"),
        ("planner", WEST),
    }
    assert named(report, "blocker") == blockers
    assert named(report, "warning") >= {
        ("parameter_groups", WEST),
        ("lag_alarm", WEST),
        ("alarms", WEST),
        ("peering", WEST),
        # The lab knows no user that these credentials belong to.
        ("runner_permissions", "all"),
    }
    assert all(f"{check} ({region})" in run.output for check, region in blockers)
    assert all(row["remedy"] for row in report["rows"] if row["state"] != "ok")


def test_faults_of_the_control_plane_and_of_keys_are_named(platform, tmp_path):
    lab = platform.lab
    role, option = runner(lab)
    deny = {"Effect": "Deny", "Action": "rds:FailoverGlobalCluster", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    lab.client("iam").put_role_policy(RoleName="runner", PolicyName="deny", PolicyDocument=document)
    hold_lease(lab)
    lab.client("dynamodb", WEST).delete_item(TableName=CONTROL_TABLE, Key={"id": {"S": "manifest"}})
    lab.client("secretsmanager", EAST).remove_regions_from_replication(
        SecretId=f"trading-database-{SUFFIX}", RemoveReplicaRegions=[WEST]
    )
    kms = lab.client("kms", WEST)
    kms.disable_key(KeyId=kms.describe_key(KeyId=f"alias/trading-{SUFFIX}")["KeyMetadata"]["KeyId"])
    lab.client("autoscaling", WEST).update_auto_scaling_group(AutoScalingGroupName=GROUP, MinSize=1, MaxSize=1)
    lab.set_targets(WEST, "unhealthy")
    run, report = readiness(platform, tmp_path, "-e", option)
    assert run.code != 0 and "Not ready" in run.output
    assert named(report, "blocker") >= {
        ("lease", WEST),
        ("manifest", WEST),
        ("secret", WEST),
        ("encryption_key", WEST),
        ("capacity", WEST),
        ("target_health", WEST),
        ("runner_permissions", "all"),
    }
    (rights,) = [row for row in report["rows"] if row["check"] == "runner_permissions"]
    assert rights["reason"] == f"{role} may not: rds:FailoverGlobalCluster."


def test_what_is_opened_or_loosened_turns_its_row(platform, tmp_path):
    lab, hardened = platform.lab, {"open_ports", "egress", "load_balancer", "instance_metadata", "backups"}
    _run, report = readiness(platform, tmp_path)
    assert named(report, "ok") >= {(check, region) for check in hardened for region in platform.regions}
    open_groups(lab)
    loosen_load_balancer(lab)
    template = loosen_launch_template(lab)
    forget_the_past(lab)
    # What is provisioned for the demo is not protected; an environment that requires it gets the missing protections.
    options = {"environment_protection": True, "global_database_keeps_last_snapshot": False}
    _run, report = readiness(platform, tmp_path, "-e", json.dumps(options))
    turned = [row for row in report["rows"] if (row["region"], row["state"]) == (WEST, "warning")]
    reasons = {row["check"]: row["reason"] for row in turned}
    assert {check: reasons[check] for check in sorted({*hardened, "protection"})} == {
        "backups": "Not enabled: point-in-time recovery of the session table.",
        "egress": f"Allowed to reach the internet: tcp 3306 (trading-{SUFFIX}-database).",
        "instance_metadata": f"Instances of {template} version 2 return metadata without a token.",
        "load_balancer": (
            "The load balancer forwards headers with invalid names; the load balancer writes no access logs."
        ),
        "open_ports": f"Open to the internet: tcp 3306 (trading-{SUFFIX}-database).",
        "protection": (
            "Not protected from deletion: the cluster, the session table, the control table, the load balancer; "
            "no final snapshot of the cluster would be taken (global_database_keeps_last_snapshot is false)."
        ),
    }
    assert named(report, "ok") >= {(check, EAST) for check in hardened}


def test_a_lost_active_region_or_control_plane_blocks_nothing(platform, tmp_path):
    platform.lab.outage("aws-global", "reset")
    run, report = readiness(platform, tmp_path)
    run.ends_well()
    unknown = {row["check"] for row in report["rows"] if row["is_unknown"]}
    assert unknown == {"switch_records", "endpoint_checks", "runner_permissions", "health_check_quota"}
    platform.lab.restore("aws-global")
    platform.lab.outage(EAST, "reset")
    run, report = readiness(platform, tmp_path)
    run.ends_well()
    assert report["ready_regions"] == [WEST]
    assert {("manifest", EAST), ("target_health", EAST)} <= named(report, "warning")


def test_nothing_that_can_be_read_is_an_error(platform, tmp_path):
    for region in platform.regions:
        platform.lab.outage(region, "reset")
    run, report = readiness(platform, tmp_path)
    assert run.code != 0 and report == {}
    assert "No usable manifest" in run.output and EAST in run.output and WEST in run.output
