# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small platform of fakes: what the failover modules read and write, by region."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
VERSION = "8.0.mysql_aurora.3.10.5"
TABLE = "trading-failover-dev"


def arn_of(service, region, name):
    return f"arn:aws:{service}:{region}:123456789012:{name}"


def entry_of(region):
    """The manifest's entry of a region."""
    return {
        "region": region,
        "db_cluster_identifier": f"c-{region}",
        "db_cluster_arn": arn_of("rds", region, f"cluster:c-{region}"),
        "target_group_arn": arn_of("elasticloadbalancing", region, "targetgroup/tg/1"),
        "autoscaling_group_name": "asg",
        "load_balancer_dns_name": f"alb.{region}.example",
        "capacity": {"min": 2, "desired": 2, "max": 6},
        "topic_arn": arn_of("sns", region, "alerts"),
        "control_bucket": f"control-{region}",
        "session_table": "sessions",
        "health_check_id": f"check-{region}",
    }


def manifest_of(*regions):
    """A manifest of these regions, in this order of preference."""
    return {
        "version": 1,
        "environment": "dev",
        "global_database": {"identifier": "g", "engine_version": VERSION},
        "traffic": {"backend": "s3_object", "domain": "trading.example.com", "switch_key": "active-region"},
        "regions": [entry_of(region) for region in regions],
    }


def dated(now):
    """What an answer at this time, in epoch seconds, contains besides its content."""
    date = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)
    return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}


class FakePlatform(FakeAws):
    """Everything a failover asks of AWS. ``hanging`` regions answer nothing until ``over`` is set."""

    def __init__(self, *regions):
        super().__init__()
        self.regions = regions or (EAST, WEST)
        self.items = {region: {} for region in self.regions}
        self.groups = {region: {"min": 2, "desired": 2, "max": 6} for region in self.regions}
        self.activities = {region: [] for region in self.regions}
        self.holds = {}
        # The target groups with which the groups register their instances.
        self.registers = []
        self.healthy = dict.fromkeys(self.regions, 2)
        self.registered = dict.fromkeys(self.regions, 2)
        self.objects = {}
        self.topics = {region: [] for region in self.regions}
        self.lag_ms = 120.0
        self.missing_tables = {}
        self.parameters = {}
        self.now = 1_800_000_000.0
        self.hanging = set()
        self.over = threading.Event()

    def answer(self, service, region, operation, parameters):
        if region in self.hanging:
            self.over.wait(30)
        return super().answer(service, region, operation, parameters)

    # --- dynamodb
    def get_item(self, region, TableName, Key, ConsistentRead):
        assert ConsistentRead
        item = self.items[region].get((TableName, Key["id"]["S"]))
        return {"Item": item} if item else {}

    def update_item(self, region, **_request):
        """The proof of a lease that nobody holds."""
        raise aws_error("ConditionalCheckFailedException", "UpdateItem")

    def batch_get_item(self, region, RequestItems):
        ((table, asked),) = RequestItems.items()
        assert asked["ConsistentRead"]
        if table in self.missing_tables.get(region, ()):
            raise aws_error("ResourceNotFoundException", "BatchGetItem")
        found = [self.items[region].get((table, key["id"]["S"])) for key in asked["Keys"]]
        return {
            "Responses": {table: [item for item in found if item]},
            "UnprocessedKeys": {},
            **dated(self.now),
        }

    def put_item(self, region, TableName, Item, ReturnValues, ExpressionAttributeValues=None, **_condition):
        key = (TableName, Item["id"]["S"])
        old = self.items[region].get(key)
        # The one condition of these modules: no item of a later attempt exists.
        least = (ExpressionAttributeValues or {}).get(":attempt", {}).get("N")
        if least is not None and old and int(old.get("attempt", {"N": "0"})["N"]) > int(least):
            raise aws_error("ConditionalCheckFailedException", "PutItem")
        self.items[region][key] = Item
        return {"Attributes": old} if old else {}

    def scan(self, region, TableName, FilterExpression, ExpressionAttributeValues, ExclusiveStartKey=None, **_more):
        assert FilterExpression == "#id <> :manifest"
        found = [item for (table, name), item in sorted(self.items[region].items()) if table == TableName]
        start = int(ExclusiveStartKey["id"]["S"]) if ExclusiveStartKey else 0
        page = [item for item in found[start : start + 2] if item["id"] != ExpressionAttributeValues[":manifest"]]
        more = {"LastEvaluatedKey": {"id": {"S": str(start + 2)}}} if start + 2 < len(found) else {}
        return {"Items": page, **more}

    def describe_table(self, region, TableName):
        return {"Table": {"TableStatus": "ACTIVE", "Replicas": [{"RegionName": EAST, "ReplicaStatus": "ACTIVE"}]}}

    # --- rds
    def describe_global_clusters(self, region, GlobalClusterIdentifier):
        members = [
            {
                "DBClusterArn": arn_of("rds", name, f"cluster:c-{name}"),
                "IsWriter": name == self.regions[0],
                "SynchronizationStatus": "connected",
            }
            for name in self.regions
        ]
        cluster = {
            "GlobalClusterIdentifier": "g",
            "Status": "available",
            "EngineVersion": VERSION,
            "Endpoint": "g.global",
        }
        return {"GlobalClusters": [{**cluster, "GlobalClusterMembers": members, "FailoverState": {}}]}

    def describe_db_clusters(self, region, DBClusterIdentifier):
        writer = region == self.regions[0]
        members = [{"DBInstanceIdentifier": f"{DBClusterIdentifier}-1", "IsClusterWriter": writer}]
        cluster = {"DBClusterIdentifier": DBClusterIdentifier, "Status": "available", "EngineVersion": VERSION}
        cluster["Endpoint"] = f"{DBClusterIdentifier}.example"
        return {"DBClusters": [{**cluster, "DBClusterMembers": members}]}

    def describe_db_instances(self, region, Filters):
        (name,) = Filters[0]["Values"]
        one = {"DBInstanceIdentifier": f"{name}-1", "DBClusterIdentifier": name, "DBInstanceStatus": "available"}
        return {"DBInstances": [one, {**one, "DBClusterIdentifier": "another"}]}

    # --- cloudwatch, elbv2, route53, autoscaling
    def get_metric_data(self, region, **_query):
        if region == self.regions[0] or self.lag_ms is None:
            return {"MetricDataResults": []}
        when = datetime.now(UTC) - timedelta(seconds=20)
        return {"MetricDataResults": [{"Id": "lag0", "Timestamps": [when], "Values": [self.lag_ms]}]}

    def describe_target_health(self, region, TargetGroupArn):
        states = ["healthy"] * self.healthy[region]
        states += ["unhealthy"] * (self.registered[region] - self.healthy[region])
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in states]}

    def get_health_check_status(self, region, HealthCheckId):
        reports = ["Success: HTTP Status Code 200, OK", "Failure: Connection timed out"]
        return {"HealthCheckObservations": [{"StatusReport": {"Status": report}} for report in reports]}

    def describe_auto_scaling_groups(self, region, AutoScalingGroupNames):
        if AutoScalingGroupNames != ["asg"]:
            return {"AutoScalingGroups": []}
        sizes = self.groups[region]
        group = {"MinSize": sizes["min"], "DesiredCapacity": sizes["desired"], "MaxSize": sizes["max"]}
        suspended = [{"ProcessName": name} for name in sizes.get("suspended", ())]
        instances = [{"LifecycleState": "InService"}] * sizes["desired"]
        group["TargetGroupARNs"] = self.registers
        return {"AutoScalingGroups": [{**group, "Instances": instances, "SuspendedProcesses": suspended}]}

    def set_desired_capacity(self, region, AutoScalingGroupName, DesiredCapacity, HonorCooldown):
        assert not HonorCooldown
        self.groups[region]["desired"] = DesiredCapacity

    def update_auto_scaling_group(self, region, AutoScalingGroupName, **given):
        names = {"MinSize": "min", "DesiredCapacity": "desired", "MaxSize": "max"}
        self.groups[region].update({names[name]: value for name, value in given.items()})

    def describe_scaling_activities(self, region, AutoScalingGroupName, MaxRecords):
        return {"Activities": self.activities[region][:MaxRecords]}

    def describe_scheduled_actions(self, region, AutoScalingGroupName, ScheduledActionNames):
        (name,) = ScheduledActionNames
        return {"ScheduledUpdateGroupActions": [self.holds[region]] if region in self.holds else []}

    def put_scheduled_update_group_action(self, region, AutoScalingGroupName, **action):
        self.holds[region] = action

    def delete_scheduled_action(self, region, AutoScalingGroupName, ScheduledActionName):
        if self.holds.pop(region, None) is None:
            raise aws_error("ValidationError", "DeleteScheduledAction")

    # --- ssm, s3, sns
    def get_parameter(self, region, Name):
        if (region, Name) not in self.parameters:
            raise aws_error("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Name": Name, "Type": "String", "Value": self.parameters[region, Name]}}

    def get_object(self, region, Bucket, Key):
        if Bucket not in self.objects:
            raise aws_error("NoSuchKey", "GetObject", status=404)
        return {"Body": io.BytesIO(self.objects[Bucket].encode())}

    def publish(self, region, **message):
        self.topics[region].append(message)
        return {"MessageId": f"{region}-{len(self.topics[region])}"}
