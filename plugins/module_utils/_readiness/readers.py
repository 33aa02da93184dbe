# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers for the readiness checks, besides those of the planner: one function per API call, one region each.

They return the shapes listed in _readiness/seen.py and raise AwsCallError if AWS cannot be queried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import (
    describe_db_cluster,
    describe_db_instances,
    get_cluster_parameters,
    get_instance_parameters,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import major_version
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.snapshots import read_rescued
from ansible_collections.trading.multi_region.plugins.module_utils._automation.store import PAUSE_ID
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.reservations import (
    describe_reservations,
    specification_in,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AUTOSCALING,
    ComputeGroup,
    groups_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import get_document
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import given
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import PUBLIC_S3
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._fence.resources import describe_acl
from ansible_collections.trading.multi_region.plugins.module_utils._health.readers import describe_session_table
from ansible_collections.trading.multi_region.plugins.module_utils._network.load_balancer import (
    describe_load_balancer,
    get_attributes,
)
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.capacity import STANDARD_QUOTA
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.readers_quotas import (
    read_elastic_ip_quota,
    read_vpc_quota,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.bucket_replication import get_replication
from ansible_collections.trading.multi_region.plugins.module_utils._stores.keys import describe_key
from ansible_collections.trading.multi_region.plugins.module_utils._stores.replication_probe import (
    read_items,
    read_objects,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.secret_family import read_secret
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.public_access import read_account_block

SERVICES = (
    "dynamodb",
    "rds",
    "elbv2",
    "autoscaling",
    "s3",
    "s3control",
    PUBLIC_S3,
    "cloudwatch",
    "ec2",
    "service-quotas",
    "secretsmanager",
    "kms",
    "sns",
    "logs",
)
# The name of the target quota in DescribeAccountLimits ("Limit" of the Elastic Load Balancing API Reference).
TARGET_LIMIT = "targets-per-application-load-balancer"
# Time range in which the newest sample of a quota's use is searched; there is one every few minutes.
USAGE_LOOK_BACK = timedelta(hours=1)
PENDING = "PendingConfirmation"
STANDARD_SUPPORT = "open-source-rds-standard-support"


def read_database(client: Any, identifier: str) -> dict[str, Any] | None:
    """Return the fact ``database``."""
    cluster = describe_db_cluster(client, identifier)
    if cluster is None:
        return None
    instances = [
        {
            "identifier": one["DBInstanceIdentifier"],
            "class": one.get("DBInstanceClass"),
            "is_public": bool(one.get("PubliclyAccessible")),
            "parameter_groups": [group["DBParameterGroupName"] for group in one.get("DBParameterGroups", [])],
            "pending": [group.get("ParameterApplyStatus") for group in one.get("DBParameterGroups", [])],
        }
        for one in describe_db_instances(client, identifier)
    ]
    members = cluster.get("DBClusterMembers", [])
    pending = {one["DBInstanceIdentifier"] for one in members if is_pending(one.get("DBClusterParameterGroupStatus"))}
    pending.update(one["identifier"] for one in instances if any(is_pending(state) for state in one.pop("pending")))
    return {
        "identifier": identifier,
        "engine": cluster.get("Engine"),
        "engine_version": cluster.get("EngineVersion"),
        "parameter_group": cluster.get("DBClusterParameterGroup"),
        "deletion_protection": bool(cluster.get("DeletionProtection")),
        "backup_retention_days": cluster.get("BackupRetentionPeriod", 0),
        "kms_key_arn": cluster.get("KmsKeyId") if cluster.get("StorageEncrypted") else None,
        "instances": instances,
        "pending_reboot": sorted(pending),
    }


@aws_call("DescribeDBEngineVersions")
def get_engine_version(client: Any, engine: str, version: str) -> dict[str, Any] | None:
    """Return the DBEngineVersion of a version, also of one that AWS no longer offers; None of an unknown one."""
    found = client.describe_db_engine_versions(Engine=engine, EngineVersion=version, IncludeAll=True)
    return next((one for one in found["DBEngineVersions"] if one["EngineVersion"] == version), None)


@aws_call("DescribeDBMajorEngineVersions")
def get_standard_support_end(client: Any, engine: str, major_version: str) -> float | None:
    """Return the epoch seconds at which standard support of a major version ends, None where AWS names none."""
    found = client.describe_db_major_engine_versions(Engine=engine, MajorEngineVersion=major_version)
    ends = [
        cycle["LifecycleSupportEndDate"].timestamp()
        for one in found["DBMajorEngineVersions"]
        for cycle in one.get("SupportedEngineLifecycles", [])
        if cycle["LifecycleSupportName"] == STANDARD_SUPPORT
    ]
    return min(ends, default=None)


def read_engine_support(client: Any, identifier: str) -> dict[str, Any] | None:
    """Return the fact ``engine_support``."""
    cluster = describe_db_cluster(client, identifier)
    if cluster is None:
        return None
    engine, version = cluster["Engine"], cluster["EngineVersion"]
    described = get_engine_version(client, engine, version) or {}
    # Without the operation botocore is older than it, and the end stays unknown.
    can_ask = hasattr(client, "describe_db_major_engine_versions")
    return {
        "engine": engine,
        "version": version,
        "status": described.get("Status"),
        "targets": [
            one["EngineVersion"]
            for one in described.get("ValidUpgradeTarget", [])
            if one.get("SupportsGlobalDatabases", True)
        ],
        "ends_at": get_standard_support_end(client, engine, major_version(engine, version)) if can_ask else None,
    }


def is_pending(status: str | None) -> bool:
    """Return whether an instance must be restarted to apply its parameter group. Pure."""
    return status == "pending-reboot"


def read_parameters(client: Any, identifier: str) -> dict[str, Any]:
    """Return the fact ``parameters``: of the cluster's group, and of all groups of its instances."""
    database = read_database(client, identifier)
    if database is None:
        raise MultiRegionError(f"the cluster {identifier} does not exist")
    groups = sorted({group for one in database["instances"] for group in one["parameter_groups"]})
    values: dict[str, str] = {}
    for group in groups:
        values.update(get_instance_parameters(client, group))
    return {"cluster": get_cluster_parameters(client, database["parameter_group"]), "instance": values}


@aws_call("DescribeAutoScalingGroups")
def get_group(client: Any, name: str) -> dict[str, Any]:
    """Return the AutoScalingGroup of the API."""
    groups = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not groups:
        raise MultiRegionError(f"the group {name} does not exist")
    return groups[0]


@aws_call("DescribeLaunchTemplateVersions")
def get_template(client: Any, identifier: str, versions: Iterable[str]) -> list[dict[str, Any]]:
    """Return the LaunchTemplateVersions of the EC2 API."""
    answer = client.describe_launch_template_versions(LaunchTemplateId=identifier, Versions=sorted(versions))
    return answer["LaunchTemplateVersions"]


def template_in(holder: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return (id, version) of the launch template of a group or an instance, or None. Pure."""
    policy = (holder.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    template = holder.get("LaunchTemplate") or policy.get("LaunchTemplateSpecification")
    return (template["LaunchTemplateId"], template.get("Version") or "$Default") if template else None


def read_launch_templates(autoscaling: Any, ec2: Any, name: str) -> dict[str, Any]:
    """Return the fact ``launch_templates``."""
    group = get_group(autoscaling, name)
    named = {template_in(holder) for holder in (group, *group.get("Instances", []))} - {None}
    if not named:
        raise MultiRegionError(f"the group {name} has no launch template")
    versions: dict[str, set[str]] = {}
    for identifier, version in named:
        versions.setdefault(identifier, set()).add(version)
    return {
        f"{identifier} version {one['VersionNumber']}": {
            "http_tokens": one["LaunchTemplateData"].get("MetadataOptions", {}).get("HttpTokens"),
            "security_group_ids": one["LaunchTemplateData"].get("SecurityGroupIds", []),
        }
        for identifier, wanted in sorted(versions.items())
        for one in get_template(ec2, identifier, wanted)
    }


@aws_call("DescribeInstanceTypes")
def get_vcpus(client: Any, types: list[str]) -> dict[str, int]:
    """Return {instance type: vCPUs}."""
    answer = client.describe_instance_types(InstanceTypes=types)
    return {one["InstanceType"]: one["VCpuInfo"]["DefaultVCpus"] for one in answer["InstanceTypes"]}


def read_instance_types(autoscaling: Any, ec2: Any, name: str) -> dict[str, int]:
    """Return the fact ``instance_types``."""
    group = get_group(autoscaling, name)
    policy = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    # The largest of the types that may be launched decides what the quota has to allow.
    types = {one.get("InstanceType") for one in [*group.get("Instances", []), *policy.get("Overrides", [])]} - {None}
    template = template_in(group)
    if not types and template:
        found = get_template(ec2, template[0], [template[1]])
        types = {one["LaunchTemplateData"].get("InstanceType") for one in found} - {None}
    return get_vcpus(ec2, sorted(types)) if types else {}


def read_capacity_reservations(autoscaling: Any, ec2: Any, name: str) -> dict[str, Any] | None:
    """Return the fact ``capacity_reservations``."""
    setting = specification_in(get_group(autoscaling, name))
    if setting["preference"] not in rules.RESERVING:
        return None
    return {**setting, "reservations": describe_reservations(ec2, setting["capacity_reservation_ids"])}


@aws_call("GetServiceQuota")
def get_quota(client: Any) -> dict[str, Any]:
    """Return the Quota of vCPUs of the Service Quotas API."""
    return client.get_service_quota(ServiceCode="ec2", QuotaCode=STANDARD_QUOTA)["Quota"]


@aws_call("GetMetricData")
def get_newest(client: Any, metric: Mapping[str, Any], now: datetime) -> float | None:
    """Return the newest value of a quota's usage metric, or None.

    metric: UsageMetric as returned by Service Quotas ("MetricInfo" of its API Reference).
    """
    dimensions = [{"Name": name, "Value": value} for name, value in metric.get("MetricDimensions", {}).items()]
    named = {"Namespace": metric["MetricNamespace"], "MetricName": metric["MetricName"], "Dimensions": dimensions}
    stat = {"Metric": named, "Period": 300, "Stat": metric.get("MetricStatisticRecommendation") or "Maximum"}
    results = client.get_metric_data(
        MetricDataQueries=[{"Id": "used", "MetricStat": stat}],
        StartTime=now - USAGE_LOOK_BACK,
        EndTime=now,
        ScanBy="TimestampDescending",
    )["MetricDataResults"]
    values = results[0].get("Values", []) if results else []
    return float(values[0]) if values else None


def read_vcpu_quota(quotas: Any, cloudwatch: Any) -> dict[str, Any]:
    """Return the fact ``vcpu_quota``; if the use cannot be read, it contains the reason."""
    quota = get_quota(quotas)
    limit, metric = float(quota["Value"]), quota.get("UsageMetric") or {}
    if not metric.get("MetricName"):
        return {"limit": limit, "used": None, "used_error": "Service Quotas has no usage metric for it"}
    try:
        used = get_newest(cloudwatch, metric, datetime.now(UTC))
    except AwsCallError as error:
        return {"limit": limit, "used": None, "used_error": str(error)}
    return {"limit": limit, "used": used, "used_error": "its metric has no sample" if used is None else None}


@aws_call("DescribeAccountLimits")
def get_target_quota(client: Any) -> int:
    """Return how many targets one application load balancer may have."""
    limits = {one["Name"]: one["Max"] for one in client.describe_account_limits()["Limits"]}
    if TARGET_LIMIT not in limits:
        raise MultiRegionError(f"AWS returns no limit {TARGET_LIMIT}")
    return int(limits[TARGET_LIMIT])


def read_load_balancer(client: Any, arn: str) -> dict[str, Any] | None:
    """Return the fact ``load_balancer``."""
    found, attributes = describe_load_balancer(client, arn), get_attributes(client, arn)
    if found is None or attributes is None:
        return None
    has_logs = attributes.get("access_logs.s3.enabled") == "true"
    return {
        "security_group_ids": found.get("SecurityGroups", []),
        "drops_invalid_headers": attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true",
        "log_bucket": attributes.get("access_logs.s3.bucket") if has_logs else None,
        "deletion_protection": attributes.get("deletion_protection.enabled") == "true",
    }


@aws_call("DescribeContinuousBackups")
def is_recoverable(client: Any, table: str) -> bool:
    """Return whether point-in-time recovery of a table is on."""
    found = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    return found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


@aws_call("DescribeTable", missing=("ResourceNotFoundException",))
def describe_table(client: Any, name: str) -> dict[str, Any] | None:
    """Return the Table of the DynamoDB API, or None."""
    return client.describe_table(TableName=name)["Table"]


def read_table_settings(client: Any, name: str) -> dict[str, Any] | None:
    """Return the fact ``session_table_settings`` or ``control_table_settings``."""
    table = describe_table(client, name)
    if table is None:
        return None
    return {
        "kms_key_arn": (table.get("SSEDescription") or {}).get("KMSMasterKeyArn"),
        "deletion_protection": bool(table.get("DeletionProtectionEnabled")),
        "is_recoverable": is_recoverable(client, name),
    }


@aws_call("GetBucketVersioning", missing=("NoSuchBucket",))
def get_versioning(client: Any, bucket: str) -> str | None:
    """Return the state of a bucket's versioning, empty if it was never enabled, or None without a bucket."""
    return client.get_bucket_versioning(Bucket=bucket).get("Status", "")


@aws_call("GetBucketEncryption", missing=("ServerSideEncryptionConfigurationNotFoundError",))
def get_bucket_key(client: Any, bucket: str) -> str | None:
    """Return the KMS key with which a bucket encrypts new objects, or None."""
    rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")


@aws_call("GetPublicAccessBlock", missing=("NoSuchPublicAccessBlockConfiguration",))
def get_public_access_block(client: Any, bucket: str) -> dict[str, bool] | None:
    """Return the PublicAccessBlockConfiguration of the S3 API, or None."""
    return client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]


@aws_call("GetBucketPolicy", missing=("NoSuchBucketPolicy",))
def get_bucket_policy(client: Any, bucket: str) -> str | None:
    """Return the text of a bucket's policy, or None."""
    return client.get_bucket_policy(Bucket=bucket)["Policy"]


def read_bucket(client: Any, bucket: str) -> dict[str, Any] | None:
    """Return the fact ``data_bucket`` or ``control_bucket``."""
    versioning = get_versioning(client, bucket)
    if versioning is None:
        return None
    return {
        "is_versioned": versioning == "Enabled",
        "kms_key_arn": get_bucket_key(client, bucket),
        "public_access_block": get_public_access_block(client, bucket) or {"BlockPublicAcls": False},
        "policy": get_bucket_policy(client, bucket),
    }


def read_account_block_of(client: Any, cluster_arn: str) -> dict[str, bool]:
    """Return the fact ``account_block``: of the account that a cluster is in."""
    return read_account_block(client, cluster_arn.split(":")[4])


@aws_call("GetTopicAttributes", missing=("NotFound", "NotFoundException"))
def read_topic(client: Any, arn: str) -> dict[str, Any] | None:
    """Return the fact ``topic``."""
    attributes = client.get_topic_attributes(TopicArn=arn)["Attributes"]
    return {"kms_key_arn": attributes.get("KmsMasterKeyId") or None, "policy": attributes.get("Policy")}


@aws_call("DescribeLogGroups")
def read_log_groups(client: Any, cluster: str) -> dict[str, str | None]:
    """Return the fact ``log_groups``: those to which Amazon RDS writes a cluster's logs."""
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/rds/cluster/{cluster}/")
    return {one["logGroupName"]: one.get("kmsKeyId") for page in pages for one in page["logGroups"]}


def read_key(client: Any, key_id: str) -> dict[str, Any] | None:
    """Return the fact ``key``."""
    found = describe_key(client, key_id)
    return {"arn": found["Arn"], "state": found.get("KeyState")} if found else None


@aws_call("DescribeVpcs")
def get_vpc(client: Any, name: str) -> dict[str, Any] | None:
    """Return the Vpc with that name tag, or None."""
    found = client.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"]
    if len(found) > 1:
        raise MultiRegionError(f"{len(found)} VPCs are named {name}")
    return found[0] if found else None


@aws_call("DescribeVpcPeeringConnections")
def get_peerings(client: Any, vpc_id: str) -> list[dict[str, Any]]:
    """Return the peerings of a VPC, as requester or accepter, including deleted and rejected ones."""
    pages = client.get_paginator("describe_vpc_peering_connections").paginate()
    found = [
        {
            "id": one["VpcPeeringConnectionId"],
            "status": one["Status"]["Code"],
            "vpc_ids": [one[side].get("VpcId") for side in ("RequesterVpcInfo", "AccepterVpcInfo")],
        }
        for page in pages
        for one in page["VpcPeeringConnections"]
    ]
    return [one for one in found if vpc_id in one["vpc_ids"]]


@aws_call("DescribeRouteTables")
def get_tables(client: Any, vpc_id: str) -> dict[str, Any]:
    """Return by name the routes of the VPC's route tables that are associated with subnets."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    pages = client.get_paginator("describe_route_tables").paginate(Filters=filters)
    return {
        next((tag["Value"] for tag in table.get("Tags", []) if tag["Key"] == "Name"), table["RouteTableId"]): {
            route["DestinationCidrBlock"]: {
                "via": route.get("VpcPeeringConnectionId") or route.get("GatewayId"),
                "state": route.get("State"),
            }
            for route in table["Routes"]
            if route.get("DestinationCidrBlock")
        }
        for page in pages
        for table in page["RouteTables"]
        if any(one.get("SubnetId") for one in table.get("Associations", []))
    }


def read_network(client: Any, name: str) -> dict[str, Any] | None:
    """Return the fact ``network``."""
    vpc = get_vpc(client, name)
    if vpc is None:
        return None
    identifier = vpc["VpcId"]
    return {
        "vpc_id": identifier,
        "cidr": vpc["CidrBlock"],
        "peerings": get_peerings(client, identifier),
        "tables": get_tables(client, identifier),
    }


def rule_of(permission: Mapping[str, Any]) -> dict[str, Any]:
    """Return an IpPermission of the EC2 API as a rule, without its groups and prefix lists. Pure."""
    networks = [one["CidrIp"] for one in permission.get("IpRanges", [])]
    return {
        "protocol": permission["IpProtocol"],
        "first_port": permission.get("FromPort"),
        "last_port": permission.get("ToPort"),
        "networks": networks + [one["CidrIpv6"] for one in permission.get("Ipv6Ranges", [])],
    }


@aws_call("DescribeSecurityGroups")
def get_security_groups(client: Any, vpc_id: str) -> dict[str, Any]:
    """Return all security groups of a VPC, including those that this collection did not create."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    pages = client.get_paginator("describe_security_groups").paginate(Filters=filters)
    return {
        group["GroupId"]: {
            "name": group["GroupName"],
            "ingress": [rule_of(one) for one in group.get("IpPermissions", [])],
            "egress": [rule_of(one) for one in group.get("IpPermissionsEgress", [])],
        }
        for page in pages
        for group in page["SecurityGroups"]
    }


def read_security_groups(client: Any, name: str) -> dict[str, Any] | None:
    """Return the fact ``security_groups``."""
    vpc = get_vpc(client, name)
    return get_security_groups(client, vpc["VpcId"]) if vpc else None


@aws_call("DescribeAlarms")
def get_alarms(client: Any, prefix: str) -> list[dict[str, Any]]:
    """Return the fact ``alarms``: those whose names start with the prefix."""
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    return [
        {
            "name": one["AlarmName"],
            "namespace": one.get("Namespace"),
            "metric": one.get("MetricName"),
            "dimensions": {dimension["Name"]: dimension["Value"] for dimension in one.get("Dimensions", [])},
            "comparison": one.get("ComparisonOperator", ""),
            "actions_enabled": bool(one.get("ActionsEnabled")),
            "actions": one.get("AlarmActions", []),
            "state": one.get("StateValue"),
        }
        for page in pages
        for one in page["MetricAlarms"]
    ]


@aws_call("ListSubscriptionsByTopic")
def get_subscriptions(client: Any, topic_arn: str) -> dict[str, int]:
    """Return the fact ``subscriptions``."""
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    arns = [one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]]
    confirmed = sum(arn.startswith("arn:") for arn in arns)
    return {"confirmed": confirmed, "pending": arns.count(PENDING)}


def regional_readers(
    clients: Any, entry: Mapping[str, Any], table: str, expected: Mapping[str, Any], regions: Iterable[str]
) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe one region for readiness, by fact; all of them are made in that region.

    regions: all regions of the platform.
    """
    region, everywhere = entry["region"], list(regions)

    def of_entry(service: str, function: Callable[..., Any], name: str) -> Callable[[], Any]:
        return lambda: function(clients(service, region), given(entry, name))

    def of_group(function: Callable[..., Any], one: ComputeGroup) -> Callable[[], Any]:
        name = "autoscaling_group_name"
        return lambda: function(clients("autoscaling", region), clients("ec2", region), given(one.as_member(), name))

    def of_option(service: str, function: Callable[..., Any], name: str) -> Callable[[], Any]:
        def ask() -> Any:
            if not expected.get(name):
                raise MultiRegionError(f"expected.{name} is not given")
            return function(clients(service, region), expected[name])

        return ask

    groups = [one for one in groups_of(entry) if one.compute == AUTOSCALING]
    of_own = (("capacity_reservations", read_capacity_reservations), ("launch_templates", read_launch_templates))
    of_instances = {
        "launch_templates": dict,
        **{one.named("instance_types"): of_group(read_instance_types, one) for one in groups},
        **{fact: of_group(function, one) for one in groups if one.is_own for fact, function in of_own},
    }
    # A key that others have made is in the manifest.
    of_alias = of_option("kms", read_key, "key_alias")
    return {
        **of_instances,
        "automation": lambda: get_document(clients("dynamodb", region), table, PAUSE_ID),
        "database": of_entry("rds", read_database, "db_cluster_identifier"),
        "engine_support": of_entry("rds", read_engine_support, "db_cluster_identifier"),
        "parameters": of_entry("rds", read_parameters, "db_cluster_identifier"),
        "rescue_snapshots": of_entry("rds", read_rescued, "db_cluster_identifier"),
        "table": of_entry("dynamodb", describe_session_table, "session_table"),
        "session_table_settings": of_entry("dynamodb", read_table_settings, "session_table"),
        "control_table_settings": lambda: read_table_settings(clients("dynamodb", region), table),
        "data_bucket": of_entry("s3", read_bucket, "data_bucket"),
        "control_bucket": of_entry("s3", read_bucket, "control_bucket"),
        "account_block": of_entry("s3control", read_account_block_of, "db_cluster_arn"),
        "topic": of_entry("sns", read_topic, "topic_arn"),
        "log_groups": of_entry("logs", read_log_groups, "db_cluster_identifier"),
        "replication": of_entry("s3", get_replication, "data_bucket"),
        "probe_objects": of_entry("s3", lambda client, name: read_objects(client, name, everywhere), "data_bucket"),
        "probe_items": of_entry("dynamodb", lambda client, name: read_items(client, name, everywhere), "session_table"),
        "subscriptions": of_entry("sns", get_subscriptions, "topic_arn"),
        "load_balancer": of_entry("elbv2", read_load_balancer, "load_balancer_arn"),
        "vcpu_quota": lambda: read_vcpu_quota(clients("service-quotas", region), clients("cloudwatch", region)),
        "target_quota": lambda: get_target_quota(clients("elbv2", region)),
        "elastic_ip_quota": lambda: read_elastic_ip_quota(clients("service-quotas", region), clients("ec2", region)),
        "vpc_quota": lambda: read_vpc_quota(clients("service-quotas", region), clients("ec2", region)),
        "secret": of_option("secretsmanager", read_secret, "secret_name"),
        "key": of_entry("kms", read_key, "key_arn") if entry.get("key_arn") else of_alias,
        "network": of_option("ec2", read_network, "vpc_name"),
        "network_acl": of_entry("ec2", describe_acl, "database_network_acl_id"),
        "security_groups": of_option("ec2", read_security_groups, "vpc_name"),
        "alarms": of_option("cloudwatch", get_alarms, "alarm_prefix"),
    }
