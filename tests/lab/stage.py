# SPDX-License-Identifier: GPL-3.0-or-later
"""A small platform in the lab, for the tests of names, checks, DNS and probes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from lab.client import Lab

SCALE = 600  # AWS seconds per second
DOMAIN = "platform.example.com"
KEY = "active-region"


def wait(read: Callable[[], Any], done: Callable[[Any], bool] = bool, seconds: float = 10.0) -> Any:
    """Read until it is done; the last value either way, for the caller to assert."""
    deadline = time.monotonic() + seconds
    while not done(value := read()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


class Stage:
    """Load balancers {region: as boto3 describes it} with two healthy targets each, public keys, and a zone."""

    def __init__(self, lab: Lab, *regions: str) -> None:
        self.lab, self.regions = lab, regions
        self.route53 = lab.client("route53")
        self.balancers: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, str] = {}
        self.zone_id = ""

    def build(self) -> Stage:
        """Make everything."""
        for region in self.regions:
            self._serve(region)
            self._make_bucket(region)
        self.zone_id = self.route53.create_hosted_zone(Name=DOMAIN, CallerReference="zone")["HostedZone"]["Id"]
        return self

    def on(self, copy: Lab) -> Stage:
        """The same stage in a copy of its lab."""
        stage = Stage(copy, *self.regions)
        stage.balancers, stage.groups, stage.zone_id = self.balancers, self.groups, self.zone_id
        return stage

    def _serve(self, region: str) -> None:
        subnets = self.lab.client("ec2", region).describe_subnets()["Subnets"][:2]
        elbv2 = self.lab.client("elbv2", region)
        ids = [subnet["SubnetId"] for subnet in subnets]
        balancer = elbv2.create_load_balancer(Name=f"alb-{region}", Subnets=ids)["LoadBalancers"][0]
        options = {"Protocol": "HTTP", "Port": 80, "VpcId": subnets[0]["VpcId"], "TargetType": "ip"}
        group = elbv2.create_target_group(Name="tg", **options)["TargetGroups"][0]["TargetGroupArn"]
        forward = {"Type": "forward", "TargetGroupArn": group}
        arn = balancer["LoadBalancerArn"]
        elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[forward])
        self.balancers[region], self.groups[region] = balancer, group
        self.register(region, "10.0.0.1", "10.0.0.2")

    def register(self, region: str, *addresses: str) -> None:
        """Register targets and wait until they are healthy."""
        elbv2, group = self.lab.client("elbv2", region), self.groups[region]
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": address} for address in addresses])

        def states() -> set[str]:
            shown = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
            return {one["TargetHealth"]["State"] for one in shown}

        assert wait(states, lambda now: now == {"healthy"}) == {"healthy"}

    def deregister_all(self, region: str) -> None:
        """Leave the region's target group without a target."""
        targets = [{"Id": "10.0.0.1"}, {"Id": "10.0.0.2"}]
        self.lab.client("elbv2", region).deregister_targets(TargetGroupArn=self.groups[region], Targets=targets)

    def _make_bucket(self, region: str) -> None:
        s3, bucket = self.lab.client("s3", region), self.bucket(region)
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
        s3.create_bucket(Bucket=bucket, **place)
        self.block_public_access(region, False)
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
        statement["Resource"] = f"arn:aws:s3:::{bucket}/{KEY}"
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    def block_public_access(self, region: str, block: bool) -> None:
        """Let policies make the bucket public, or not."""
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        configuration = {name: block for name in names}
        self.lab.client("s3", region).put_public_access_block(
            Bucket=self.bucket(region), PublicAccessBlockConfiguration=configuration
        )

    @staticmethod
    def bucket(region: str) -> str:
        return f"control-{region}"

    def write(self, region: str, text: str) -> None:
        """Write the region's public object."""
        self.lab.client("s3", region).put_object(Bucket=self.bucket(region), Key=KEY, Body=text.encode())

    def check(self, name: str, **config: Any) -> str:
        """Make a health check; its id."""
        made = self.route53.create_health_check(CallerReference=name, HealthCheckConfig=config)["HealthCheck"]
        tags = [{"Key": "Name", "Value": name}]
        self.route53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=made["Id"], AddTags=tags)
        return made["Id"]

    def endpoint_check(self, region: str, **config: Any) -> str:
        """A check of a region's load balancer: 10 s, 3 failures."""
        host = self.balancers[region]["DNSName"]
        settings = {"Type": "HTTP", "Port": 80, "ResourcePath": "/health", "RequestInterval": 10, "FailureThreshold": 3}
        return self.check(f"endpoint-{region}", **{**settings, "FullyQualifiedDomainName": host, **config})

    def object_check(self, name: str, region: str, text: str, inverted: bool = True, **config: Any) -> str:
        """A check of a region's public object: 10 s, 3 failures."""
        settings = {
            "Type": "HTTPS_STR_MATCH",
            "FullyQualifiedDomainName": f"{self.bucket(region)}.s3.{region}.amazonaws.com",
            "Port": 443,
            "ResourcePath": f"/{KEY}",
            "SearchString": text,
            "Inverted": inverted,
            "RequestInterval": 10,
            "FailureThreshold": 3,
        }
        return self.check(name, **{**settings, **config})

    def alias(self, region_or_name: str, evaluate: bool = False, name: str = DOMAIN, **record: Any) -> dict[str, Any]:
        """An alias record to a region's load balancer, or to a name of the zone."""
        balancer = self.balancers.get(region_or_name)
        target = {
            "HostedZoneId": balancer["CanonicalHostedZoneId"] if balancer else self.zone_id.rpartition("/")[2],
            "DNSName": balancer["DNSName"] if balancer else region_or_name,
            "EvaluateTargetHealth": evaluate,
        }
        return {"Name": name, "Type": "A", "AliasTarget": target, **record}

    def failover(self, role: str, target: str, check: str | None = None, **more: Any) -> dict[str, Any]:
        """A failover alias record."""
        with_check = {"HealthCheckId": check} if check else {}
        return self.alias(target, SetIdentifier=role.lower(), Failover=role, **with_check, **more)

    def put(self, *records: dict[str, Any], action: str = "UPSERT") -> None:
        """Change the zone."""
        changes = [{"Action": action, "ResourceRecordSet": record} for record in records]
        self.route53.change_resource_record_sets(HostedZoneId=self.zone_id, ChangeBatch={"Changes": changes})

    def region(self, name: str = DOMAIN) -> str:
        """The region the name answers with now."""
        return self.lab.resolve(name)["region"]

    def healthy(self, check: str) -> bool:
        """The status of a check, as a record of its own shows it."""
        self.put(self.alias(self.regions[0], name=f"probe.{DOMAIN}", SetIdentifier="x", Weight=1, HealthCheckId=check))
        return self.lab.resolve(f"probe.{DOMAIN}")["why"][0]["records"][0]["health_check"]["healthy"]

    def observed(self, check: str) -> str:
        """What the first checker reports."""
        return self.route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"][0]["StatusReport"][
            "Status"
        ]

    def settle(self, check: str) -> None:
        """Wait for a check's first data."""
        assert "no data" not in wait(lambda: self.observed(check), lambda status: "no data" not in status)
