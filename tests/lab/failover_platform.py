# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that a failover needs, made by boto3 in a lab: two regions of everything the manifest names."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import Clients, client_config
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import clients_of as make_clients
from lab.client import Lab

EAST, WEST = "us-east-1", "us-east-2"
VERSION = "8.0.mysql_aurora.3.10.5"
TABLE, GLOBAL, GROUP, KEY = "trading-failover-dev", "trading-global-dev", "trading-asg-dev", "active-region"


def clients_of(lab: Lab) -> Clients:
    """Clients as the modules make them: short time-outs, one retry."""
    env = lab.env()
    keys = {name: env[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
    return make_clients(_session(), client_config({}), EAST, env["AWS_ENDPOINT_URL"], keys)


@cache
def _session() -> boto3.session.Session:
    """One session for all labs: each reads the services' models again."""
    return boto3.session.Session()


class Platform:
    """A platform in a lab; ``manifest`` is what site.yml would write."""

    def __init__(self, lab: Lab, regions: tuple[str, ...] = (EAST, WEST)) -> None:
        self.lab = lab
        self.clients = clients_of(lab)
        self.regions = regions
        rds = lab.client("rds", regions[0])
        rds.create_global_cluster(GlobalClusterIdentifier=GLOBAL, Engine="aurora-mysql", EngineVersion=VERSION)
        self.manifest = {
            "version": 1,
            "environment": "dev",
            "global_database": {"identifier": GLOBAL, "engine_version": VERSION},
            "traffic": {
                "backend": "s3_object",
                "domain": "trading-platform-dev.example.com",
                "name_servers": [],
                "switch_key": KEY,
                "health_path": "/health",
                "scheme": "http",
            },
            "regions": [self._region(region, is_writer=region == regions[0]) for region in regions],
        }
        lab.advance(900)  # until CloudWatch shows samples of the new secondary

    def _region(self, region: str, is_writer: bool) -> dict[str, Any]:
        client = self.lab.client
        bucket, sessions = f"trading-control-{region}-dev", "trading-sessions-dev"
        for table, key in ((TABLE, "id"), (sessions, "sessionId")):
            client("dynamodb", region).create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client("s3", region).create_bucket(Bucket=bucket, **where)
        return {
            "region": region,
            **self._database(region, is_writer),
            **self._application(region),
            "capacity": {"min": 2, "desired": 2, "max": 6},
            "topic_arn": client("sns", region).create_topic(Name="trading-alerts-dev")["TopicArn"],
            "control_table": TABLE,
            "control_bucket": bucket,
            "session_table": sessions,
        }

    def _database(self, region: str, is_writer: bool) -> dict[str, Any]:
        rds, name = self.lab.client("rds", region), f"trading-{region}-dev"
        login = {"MasterUsername": "admin", "MasterUserPassword": "not-a-secret"} if is_writer else {}
        cluster = rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-mysql",
            EngineVersion=VERSION,
            GlobalClusterIdentifier=GLOBAL,
            **login,
        )["DBCluster"]
        for number in (1, 2):
            rds.create_db_instance(
                DBInstanceIdentifier=f"{name}-{number}",
                DBClusterIdentifier=name,
                Engine="aurora-mysql",
                DBInstanceClass="db.r6g.large",
            )
        return {"db_cluster_identifier": name, "db_cluster_arn": cluster["DBClusterArn"]}

    def _application(self, region: str) -> dict[str, Any]:
        ec2, elb = self.lab.client("ec2", region), self.lab.client("elbv2", region)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{region}{zone}")
            for n, zone in enumerate("ab")
        ]
        subnet_ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
        group = elb.create_target_group(Name="trading-tg-dev", Protocol="HTTP", Port=8080, VpcId=vpc)
        arn = group["TargetGroups"][0]["TargetGroupArn"]
        balancer = elb.create_load_balancer(Name="trading-alb-dev", Subnets=subnet_ids)["LoadBalancers"][0]
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        ec2.create_launch_template(
            LaunchTemplateName="app", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.medium"}
        )
        self.lab.client("autoscaling", region).create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            LaunchTemplate={"LaunchTemplateName": "app", "Version": "$Latest"},
            MinSize=2,
            DesiredCapacity=2,
            MaxSize=6,
            VPCZoneIdentifier=",".join(subnet_ids),
            TargetGroupARNs=[arn],
        )
        return {
            "autoscaling_group_name": GROUP,
            "target_group_arn": arn,
            "load_balancer_arn": balancer["LoadBalancerArn"],
            "load_balancer_dns_name": balancer["DNSName"],
        }

    def say(self, region: str, text: str) -> None:
        """Write a region's traffic control object."""
        self.lab.client("s3", region).put_object(Bucket=f"trading-control-{region}-dev", Key=KEY, Body=text.encode())

    def entry(self, region: str) -> dict[str, Any]:
        """Return the manifest's entry of a region."""
        return next(entry for entry in self.manifest["regions"] if entry["region"] == region)


def wait_for(read: Callable[[], Any], done: Callable[[Any], bool], seconds: float = 30.0) -> Any:
    """Read until it is done; fails the test with the last value otherwise."""
    deadline = time.monotonic() + seconds
    while not done(value := read()):
        assert time.monotonic() < deadline, value
        time.sleep(0.1)
    return value
