# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests whether stock moto still has the bugs that the lab works around. Run as a script, in a process without the lab.

Prints one JSON object: {name of a patch, or of what a service of the lab adds: whether stock moto still lacks it}.
"""

from __future__ import annotations

import base64
import io
import json
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

EAST, WEST = "us-east-1", "us-east-2"
IMAGE = "ami-12345678"
CPU = "ASGAverageCPUUtilization"
SESSION = boto3.session.Session()
CLIENTS: dict[tuple[str, str], Any] = {}
PROBES: dict[str, Callable[[], bool]] = {}


def probe(function: Callable[[], bool]) -> Callable[[], bool]:
    PROBES[function.__name__] = function
    return function


def client(service: str, region: str = EAST) -> Any:
    key = (service, region)
    if key not in CLIENTS:
        CLIENTS[key] = SESSION.client(service, region, aws_access_key_id="a", aws_secret_access_key="b")
    return CLIENTS[key]


def lacks(call: Callable[..., Any], **parameters: Any) -> bool:
    """Whether moto does not have the operation at all."""
    try:
        call(**parameters)
    except NotImplementedError:
        return True
    except ClientError:
        return False
    return False


def subnets() -> list[str]:
    return [one["SubnetId"] for one in client("ec2").describe_subnets()["Subnets"][:2]]


def template(**data: Any) -> None:
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "Project", "Value": "trading"}]}]
    data = {"ImageId": IMAGE, "InstanceType": "t3.medium", **data}
    client("ec2").create_launch_template(LaunchTemplateName="template", LaunchTemplateData=data, TagSpecifications=tags)


def group(desired: int, target_group: str | None = None) -> None:
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="asg",
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=desired,
        LaunchTemplate={"LaunchTemplateName": "template", "Version": "$Latest"},
        VPCZoneIdentifier=subnets()[0],
        **({"TargetGroupARNs": [target_group]} if target_group else {}),
    )


def target_group() -> str:
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    made = client("elbv2").create_target_group(Name="tg", Protocol="HTTP", Port=80, VpcId=vpc)
    return made["TargetGroups"][0]["TargetGroupArn"]


def table(**more: Any) -> dict[str, Any]:
    return client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )["TableDescription"]


def cluster(identifier: str = "c", region: str = EAST, **more: Any) -> dict[str, Any]:
    given = {"Engine": "aurora-mysql", "MasterUsername": "admin", "MasterUserPassword": "not-secret", **more}
    return client("rds", region).create_db_cluster(DBClusterIdentifier=identifier, **given)["DBCluster"]


def snapshots() -> list[str]:
    shown = client("rds").describe_db_cluster_snapshots()["DBClusterSnapshots"]
    return [one["DBClusterSnapshotIdentifier"] for one in shown]


@probe
def nat_gateway_resource_type() -> bool:
    address = client("ec2").allocate_address(Domain="vpc")["AllocationId"]
    tags = [{"ResourceType": "natgateway", "Tags": [{"Key": "Name", "Value": "nat"}]}]
    client("ec2").create_nat_gateway(SubnetId=subnets()[0], AllocationId=address, TagSpecifications=tags)
    wanted = [{"Name": "resource-type", "Values": ["natgateway"]}]
    return client("ec2").describe_tags(Filters=wanted)["Tags"] == []


@probe
def launch_template_tags() -> bool:
    template()
    shown = client("ec2").describe_launch_template_versions(LaunchTemplateName="template")["LaunchTemplateVersions"]
    return "TagSpecifications" in shown[0]["LaunchTemplateData"]


@probe
def launch_template_version_user_data() -> bool:
    template()
    user_data = base64.b64encode(b"echo").decode()
    data = {"ImageId": IMAGE, "InstanceType": "t3.medium", "UserData": user_data}
    client("ec2").create_launch_template_version(LaunchTemplateName="template", LaunchTemplateData=data)
    try:
        group(1)
    except AssertionError:
        return True
    return False


@probe
def launch_template_versions_can_be_deleted() -> bool:
    template()
    template_id = client("ec2").describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]
    return lacks(client("ec2").delete_launch_template_versions, LaunchTemplateId=template_id, Versions=["2"])


@probe
def launch_template_tags_follow() -> bool:
    template()
    shown = client("ec2").describe_launch_templates()["LaunchTemplates"][0]
    client("ec2").create_tags(Resources=[shown["LaunchTemplateId"]], Tags=[{"Key": "Later", "Value": "1"}])
    return "Later" not in {
        one["Key"] for one in client("ec2").describe_launch_templates()["LaunchTemplates"][0]["Tags"]
    }


@probe
def instance_launch_template_version() -> bool:
    template()
    data = {"ImageId": IMAGE, "InstanceType": "t3.large"}
    client("ec2").create_launch_template_version(LaunchTemplateName="template", LaunchTemplateData=data)
    group(1)
    shown = client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]["Instances"][0]
    return shown["LaunchTemplate"]["Version"] != "2"


@probe
def load_balancer_attributes() -> bool:
    made = client("elbv2").create_load_balancer(Name="alb", Subnets=subnets())["LoadBalancers"][0]
    shown = client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"])["Attributes"]
    return "idle_timeout.timeout_seconds" not in {one["Key"] for one in shown}


@probe
def access_logs_need_their_bucket() -> bool:
    made = client("elbv2").create_load_balancer(Name="alb", Subnets=subnets())["LoadBalancers"][0]
    client("s3").create_bucket(Bucket="closed-to-logs")
    logs = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "closed-to-logs"}
    asked = [{"Key": key, "Value": value} for key, value in logs.items()]
    change = client("elbv2").modify_load_balancer_attributes
    return not refuses(change, LoadBalancerArn=made["LoadBalancerArn"], Attributes=asked)


@probe
def instance_metadata_options() -> bool:
    template(MetadataOptions={"HttpTokens": "required"})
    group(1)
    shown = client("ec2").describe_instances()["Reservations"][0]["Instances"][0]
    return shown["MetadataOptions"]["HttpTokens"] != "required"


@probe
def trail_is_deleted_by_arn() -> bool:
    client("s3").create_bucket(Bucket="trail-bucket")
    arn = client("cloudtrail").create_trail(Name="trail", S3BucketName="trail-bucket")["TrailARN"]
    client("cloudtrail").delete_trail(Name=arn)
    return client("cloudtrail").describe_trails()["trailList"] != []


@probe
def mappings_by_function_arn() -> bool:
    role = client("iam").create_role(RoleName="mapped", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    made = {"Runtime": "python3.12", "Handler": "app.handler", "Code": {"ZipFile": file.getvalue()}, "Role": role}
    arn = client("lambda").create_function(FunctionName="mapped", **made)["FunctionArn"]
    queue = client("sqs").create_queue(QueueName="mapped")["QueueUrl"]
    source = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("lambda").create_event_source_mapping(FunctionName="mapped", EventSourceArn=source)
    return client("lambda").list_event_source_mappings(FunctionName=arn)["EventSourceMappings"] == []


def web_acl() -> dict[str, Any]:
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "acl"}
    asked = {"Name": "acl", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": seen}
    return client("wafv2").create_web_acl(**asked)["Summary"]


@probe
def resources_of_a_web_acl() -> bool:
    return lacks(client("wafv2").list_resources_for_web_acl, WebACLArn=web_acl()["ARN"])


@probe
def web_acl_in_use_is_kept() -> bool:
    made, waf = web_acl(), client("wafv2")
    load_balancer = client("elbv2").create_load_balancer(Name="alb", Subnets=subnets())["LoadBalancers"][0]
    waf.associate_web_acl(WebACLArn=made["ARN"], ResourceArn=load_balancer["LoadBalancerArn"])
    return not refuses(waf.delete_web_acl, **{key: made[key] for key in ("Name", "Id", "LockToken")}, Scope="REGIONAL")


@probe
def target_group_attributes() -> bool:
    shown = client("elbv2").describe_target_group_attributes(TargetGroupArn=target_group())["Attributes"]
    return not any(one["Key"].startswith("target_group_health.") for one in shown)


@probe
def table_id() -> bool:
    return "TableId" not in table()


@probe
def table_tags_overwrite() -> bool:
    arn = table(Tags=[{"Key": "k", "Value": "1"}])["TableArn"]
    client("dynamodb").tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": "2"}])
    return len(client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]) != 1


@probe
def tagged_buckets_are_in_their_region() -> bool:
    there = {"LocationConstraint": WEST}
    client("s3", WEST).create_bucket(Bucket="tagged", CreateBucketConfiguration=there)
    client("s3", WEST).put_bucket_tagging(Bucket="tagged", Tagging={"TagSet": [{"Key": "k", "Value": "1"}]})
    found = client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["s3"])
    return found["ResourceTagMappingList"] != []


@probe
def global_cluster_moves() -> bool:
    names = {"GlobalClusterIdentifier": "g", "TargetDbClusterIdentifier": "arn:aws:rds:us-east-2:1:cluster:c"}
    rds = client("rds")
    return lacks(rds.failover_global_cluster, **names) and lacks(rds.switchover_global_cluster, **names)


@probe
def global_cluster_identifier_is_respected() -> bool:
    client("rds").create_global_cluster(GlobalClusterIdentifier="g", Engine="aurora-mysql")
    try:
        return client("rds").describe_global_clusters(GlobalClusterIdentifier="other")["GlobalClusters"] != []
    except ClientError:
        return False


@probe
def engine_versions_and_defaults() -> bool:
    defaults = client("rds").describe_engine_default_cluster_parameters
    return lacks(client("rds").describe_db_engine_versions) and lacks(
        defaults, DBParameterGroupFamily="aurora-mysql8.0"
    )


@probe
def parameter_groups_list_defaults() -> bool:
    given = {"DBParameterGroupFamily": "aurora-mysql8.0", "Description": "d"}
    client("rds").create_db_cluster_parameter_group(DBClusterParameterGroupName="p", **given)
    return client("rds").describe_db_cluster_parameters(DBClusterParameterGroupName="p")["Parameters"] == []


@probe
def cluster_is_not_overwritten() -> bool:
    cluster()
    client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=snapshots()[0])  # its name would collide
    return not refuses(cluster)


@probe
def cluster_log_exports_are_modified() -> bool:
    cluster()
    change = {"EnableLogTypes": ["audit"]}
    client("rds").modify_db_cluster(DBClusterIdentifier="c", CloudwatchLogsExportConfiguration=change)
    return client("rds").describe_db_clusters()["DBClusters"][0]["EnabledCloudwatchLogsExports"] == []


@probe
def cluster_deletion_needs_a_word_on_snapshots() -> bool:
    cluster()
    return not refuses(client("rds").delete_db_cluster, DBClusterIdentifier="c")


@probe
def windows_may_touch() -> bool:
    given = {"DBInstanceIdentifier": "w", "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": 20}
    windows = {"PreferredBackupWindow": "03:00-04:00", "PreferredMaintenanceWindow": "mon:04:00-mon:05:00"}
    login = {"MasterUsername": "admin", "MasterUserPassword": "not-a-secret"}
    return refuses(client("rds").create_db_instance, **given, **login, **windows)


@probe
def cluster_parameter_group_waits_for_a_restart() -> bool:
    cluster()
    rds = client("rds")
    instance = {"DBInstanceIdentifier": "c-1", "DBClusterIdentifier": "c", "Engine": "aurora-mysql"}
    rds.create_db_instance(**instance, DBInstanceClass="db.r6g.large")
    group = {"DBClusterParameterGroupName": "other", "DBParameterGroupFamily": "aurora-mysql8.0", "Description": "d"}
    rds.create_db_cluster_parameter_group(**group)
    rds.modify_db_cluster(DBClusterIdentifier="c", DBClusterParameterGroupName="other")
    (member,) = rds.describe_db_clusters(DBClusterIdentifier="c")["DBClusters"][0]["DBClusterMembers"]
    return member["DBClusterParameterGroupStatus"] == "in-sync"


@probe
def upgrade_takes_time() -> bool:
    cluster()
    rds = client("rds")
    rds.modify_db_cluster(DBClusterIdentifier="c", EngineVersion="8.0.mysql_aurora.3.13.0", ApplyImmediately=True)
    return rds.describe_db_clusters(DBClusterIdentifier="c")["DBClusters"][0]["Status"] == "available"


@probe
def events_of_an_interval() -> bool:
    given = {"DBInstanceIdentifier": "i", "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": 20}
    given |= {"MasterUsername": "admin", "MasterUserPassword": "not-a-secret"}
    client("rds").create_db_instance(**given)
    client("rds").create_db_snapshot(DBInstanceIdentifier="i", DBSnapshotIdentifier="s")
    before = datetime.now(UTC) - timedelta(hours=2)
    return client("rds").describe_events(StartTime=before, EndTime=before + timedelta(hours=1))["Events"] != []


def refuses(call: Callable[..., Any], **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError:
        return True
    return False


@probe
def target_health_has_states() -> bool:
    arn = target_group()
    instance = client("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])
    shown = client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return shown[0]["TargetHealth"]["State"] == "healthy"  # never checked: nothing listens to the group


@probe
def scaling_in_deregisters() -> bool:
    arn = target_group()
    template()
    group(2, arn)
    client("autoscaling").set_desired_capacity(AutoScalingGroupName="asg", DesiredCapacity=0)
    shown = client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return len([one for one in shown if one["TargetHealth"]["State"] != "draining"]) == 2


@probe
def simulate_principal_policy() -> bool:
    arn = client("iam").create_user(UserName="runner")["User"]["Arn"]
    return lacks(client("iam").simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"])


@probe
def metrics_collection_is_switched_off() -> bool:
    return lacks(client("autoscaling").disable_metrics_collection, AutoScalingGroupName="asg")


@probe
def instance_refresh() -> bool:
    return lacks(client("autoscaling").start_instance_refresh, AutoScalingGroupName="asg")


@probe
def scaling_activities() -> bool:
    template()
    group(1)
    return client("autoscaling").describe_scaling_activities(AutoScalingGroupName="asg")["Activities"] == []


@probe
def updates_keep_a_mixed_instances_policy() -> bool:
    template()
    group(1)
    scaling = client("autoscaling")
    launch = {"LaunchTemplateSpecification": {"LaunchTemplateName": "template", "Version": "$Latest"}}
    scaling.update_auto_scaling_group(AutoScalingGroupName="asg", MixedInstancesPolicy={"LaunchTemplate": launch})
    scaling.update_auto_scaling_group(AutoScalingGroupName="asg", MinSize=0)
    return not scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0].get("MixedInstancesPolicy")


@probe
def a_scheduled_action_is_of_its_group() -> bool:
    template()
    group(1)
    action = {"AutoScalingGroupName": "asg", "ScheduledActionName": "later", "MinSize": 1}
    return not refuses(
        client("autoscaling").put_scheduled_update_group_action, **{**action, "AutoScalingGroupName": "b"}
    )


@probe
def group_sizes_are_checked() -> bool:
    template()
    group(1)
    return not refuses(client("autoscaling").set_desired_capacity, AutoScalingGroupName="asg", DesiredCapacity=9)


@probe
def table_replicas() -> bool:
    table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    create = [{"Create": {"RegionName": WEST}}]
    client("dynamodb").update_table(TableName="table", ReplicaUpdates=create)
    return client("dynamodb", WEST).list_tables()["TableNames"] == []


@probe
def table_key_is_changed() -> bool:
    table()
    wanted = {"Enabled": True, "SSEType": "KMS"}
    return (
        "SSEDescription"
        not in client("dynamodb").update_table(TableName="table", SSESpecification=wanted)["TableDescription"]
    )


@probe
def log_group_gets_a_key() -> bool:
    client("logs").create_log_group(logGroupName="group")
    return lacks(client("logs").associate_kms_key, logGroupName="group", kmsKeyId="arn:aws:kms:us-east-1:1:key/k")


@probe
def bucket_replication_reads_back() -> bool:
    for name in ("one", "two"):
        client("s3").create_bucket(Bucket=f"bucket-{name}")
        status = {"Status": "Enabled"}
        client("s3").put_bucket_versioning(Bucket=f"bucket-{name}", VersioningConfiguration=status)
    rule = {
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": "a/"},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": "arn:aws:s3:::bucket-two"},
    }
    configuration = {"Role": "arn:aws:iam::123456789012:role/r", "Rules": [rule]}
    client("s3").put_bucket_replication(Bucket="bucket-one", ReplicationConfiguration=configuration)
    shown = client("s3").get_bucket_replication(Bucket="bucket-one")["ReplicationConfiguration"]["Rules"][0]
    client("s3").put_object(Bucket="bucket-one", Key="a/b", Body=b"1")
    copied = client("s3").list_objects_v2(Bucket="bucket-two")["KeyCount"]
    return shown["DeleteMarkerReplication"]["Status"] == "Disabled" and copied == 0


@probe
def bucket_policy_conditions() -> bool:
    s3, bucket = client("s3"), "only-by-tls"
    s3.create_bucket(Bucket=bucket)
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    only_tls = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [{**only_tls, "Condition": insecure}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    try:
        s3.put_object(Bucket=bucket, Key="key", Body=b"value")
    except ClientError:
        return True
    return False


@probe
def cidr_blocks_are_canonical() -> bool:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.203.9.9/16")["Vpc"]
    subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.203.1.1/24")["Subnet"]
    return (vpc["CidrBlock"], subnet["CidrBlock"]) != ("10.203.0.0/16", "10.203.1.0/24")


@probe
def peering_filters() -> bool:
    ec2 = client("ec2")
    one, other = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (201, 202))
    ec2.create_vpc_peering_connection(VpcId=one, PeerVpcId=other)
    asked = [{"Name": "requester-vpc-info.vpc-id", "Values": [other]}]
    return bool(ec2.describe_vpc_peering_connections(Filters=asked)["VpcPeeringConnections"])


def described_rules() -> tuple[dict[str, str], list[dict[str, Any]]]:
    """A security group with two described rules, and how one asks for these without their descriptions."""
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    groups = [
        ec2.create_security_group(GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in ("source", "guarded")
    ]
    port = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}
    pair, cidr = {"GroupId": groups[0]}, {"CidrIp": "10.1.0.0/16"}
    described = {"Description": "described"}
    permission = {**port, "UserIdGroupPairs": [pair | described], "IpRanges": [cidr | described]}
    ec2.authorize_security_group_ingress(GroupId=groups[1], IpPermissions=[permission])
    return {"GroupId": groups[1]}, [{**port, "UserIdGroupPairs": [pair]}, {**port, "IpRanges": [cidr]}]


@probe
def security_group_rules_without_descriptions() -> bool:
    where, rules = described_rules()
    return refuses(client("ec2").revoke_security_group_ingress, **where, IpPermissions=rules)


@probe
def security_group_revokes_all_or_none() -> bool:
    where, (_, rule) = described_rules()
    absent = {**rule, "IpRanges": [{"CidrIp": "10.9.0.0/16"}]}
    if not refuses(client("ec2").revoke_security_group_ingress, **where, IpPermissions=[rule, absent]):
        return True
    (shown,) = client("ec2").describe_security_groups(GroupIds=[where["GroupId"]])["SecurityGroups"]
    return not shown["IpPermissions"][0]["IpRanges"]


@probe
def key_operations_by_arn() -> bool:
    kms = client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    try:
        kms.disable_key(KeyId=arn)
        kms.enable_key(KeyId=arn)
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
        kms.cancel_key_deletion(KeyId=arn)
    except KeyError:
        return True
    return False


@probe
def secret_replica_key() -> bool:
    key = client("kms", WEST).create_key()["KeyMetadata"]["Arn"]
    secrets = client("secretsmanager")
    secrets.create_secret(Name="copied", SecretString="s", AddReplicaRegions=[{"Region": WEST, "KmsKeyId": key}])
    (copy,) = secrets.describe_secret(SecretId="copied")["ReplicationStatus"]
    return copy["KmsKeyId"] != key


@probe
def secret_replica_can_be_promoted() -> bool:
    return lacks(client("secretsmanager", WEST).stop_replication_to_replica, SecretId="nothing")


@probe
def secret_has_one_replica_in_a_region() -> bool:
    secrets, again = client("secretsmanager"), [{"Region": WEST}]
    secrets.create_secret(Name="once", SecretString="s", AddReplicaRegions=again)
    return passes(secrets.replicate_secret_to_regions, SecretId="once", AddReplicaRegions=again)


@probe
def policies_show_alarms() -> bool:
    template()
    group(1)
    tracking = {"TargetValue": 50.0, "PredefinedMetricSpecification": {"PredefinedMetricType": CPU}}
    given = {"AutoScalingGroupName": "asg", "PolicyName": "p", "PolicyType": "TargetTrackingScaling"}
    client("autoscaling").put_scaling_policy(**given, TargetTrackingConfiguration=tracking)
    (shown,) = client("autoscaling").describe_policies(AutoScalingGroupName="asg")["ScalingPolicies"]
    return not {"Alarms", "Enabled"} <= shown.keys()


@probe
def route_tables_show_gateways() -> bool:
    return "PropagatingVgws" not in client("ec2").describe_route_tables()["RouteTables"][0]


@probe
def private_interfaces_have_no_association() -> bool:
    interface = {"DeviceIndex": 0, "SubnetId": subnets()[0], "AssociatePublicIpAddress": False}
    made = client("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, NetworkInterfaces=[interface])
    found = client("ec2").describe_instances(InstanceIds=[made["Instances"][0]["InstanceId"]])["Reservations"]
    return "Association" in found[0]["Instances"][0]["NetworkInterfaces"][0]


@probe
def keys_have_a_usage() -> bool:
    return "KeyUsage" not in client("kms").create_key()["KeyMetadata"]


@probe
def unused_managed_keys_have_no_target() -> bool:
    aliases = client("kms").list_aliases()["Aliases"]
    return any("TargetKeyId" in one for one in aliases if one["AliasName"] == "alias/aws/acm")


@probe
def secret_versions_show_their_keys() -> bool:
    client("secretsmanager").create_secret(Name="plain", SecretString="s")
    return "KmsKeyIds" not in client("secretsmanager").list_secret_version_ids(SecretId="plain")["Versions"][0]


@probe
def secret_shows_when_it_was_read() -> bool:
    client("secretsmanager").create_secret(Name="read", SecretString="s")
    client("secretsmanager").get_secret_value(SecretId="read")
    return "LastAccessedDate" not in client("secretsmanager").describe_secret(SecretId="read")


@probe
def metric_data_has_messages() -> bool:
    now = datetime.now(UTC)
    stat = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}
    query = [{"Id": "one", "MetricStat": stat}]
    given = {"StartTime": now - timedelta(hours=1), "EndTime": now}
    return "Messages" not in client("cloudwatch").get_metric_data(MetricDataQueries=query, **given)


@probe
def quota_of_vcpus() -> bool:
    quota = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
    return refuses(client("service-quotas").get_service_quota, **quota)


TOKENS = ["0" * 32, "1" * 32, "2" * 32]


def secret_versions() -> Any:
    """A secret with three versions: AWSCURRENT, a label of ours, AWSPENDING."""
    secrets = client("secretsmanager")
    secrets.create_secret(Name="versions", SecretString="first", ClientRequestToken=TOKENS[0])
    for token, label, value in ((TOKENS[1], "ours", "second"), (TOKENS[2], "AWSPENDING", "third")):
        secrets.put_secret_value(
            SecretId="versions", SecretString=value, ClientRequestToken=token, VersionStages=[label]
        )
    return secrets


def passes(call: Callable[..., Any], **parameters: Any) -> bool:
    """Whether a call that must be refused is not."""
    try:
        call(**parameters)
    except ClientError:
        return False
    return True


@probe
def secret_label_is_at_one_version() -> bool:
    move = secret_versions().update_secret_version_stage
    return passes(move, SecretId="versions", VersionStage="AWSPENDING", MoveToVersionId=TOKENS[1])


@probe
def secret_current_follows_its_label() -> bool:
    secrets = secret_versions()
    secrets.update_secret_version_stage(
        SecretId="versions", VersionStage="AWSCURRENT", MoveToVersionId=TOKENS[2], RemoveFromVersionId=TOKENS[0]
    )
    return secrets.get_secret_value(SecretId="versions")["SecretString"] != "third"


@probe
def event_subscription_changes() -> bool:
    return lacks(client("rds").modify_event_subscription, SubscriptionName="nobodys", Enabled=False)


@probe
def secret_rotation_needs_a_function() -> bool:
    client("secretsmanager").create_secret(Name="rotated", SecretString="s")
    return passes(client("secretsmanager").rotate_secret, SecretId="rotated")


@probe
def secret_version_is_final() -> bool:
    put = secret_versions().put_secret_value
    asked = {"ClientRequestToken": TOKENS[2], "VersionStages": ["AWSPENDING"]}
    return passes(put, SecretId="versions", SecretString="another", **asked)


def main() -> None:
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # no probe needs them, and they take long
    found = {}
    for name, function in PROBES.items():
        with mock_aws():
            found[name] = function()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
