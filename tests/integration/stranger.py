# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform that somebody else has made: plain boto3, names of its own, neither DynamoDB nor S3.

Two regions of an Aurora global database, each with an application load balancer and an Auto Scaling group.
"""

from __future__ import annotations

import json
from typing import Any

from lab.client import Lab

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
GLOBAL, VERSION = "orders", "8.0.mysql_aurora.3.10.5"
CIDRS = {EAST: "172.20.0.0/16", WEST: "172.21.0.0/16", EUROPE: "172.22.0.0/16"}
# The names differ from region to region, as they often do.
PLACES = {EAST: "virginia", WEST: "ohio", EUROPE: "ireland"}
# The alias of each region's key.
KEY = "alias/orders"
# What has which tags: LIVE all of it but the global cluster, TEAM also another VPC, the others parts of each network.
TEAM, TIER, SHARED = {"Team": "orders"}, {"Tier": "data"}, {"Tier": "shared"}
LIVE = {**TEAM, "Stage": "live"}
TABLE = "carts"
# The zone is theirs, and so is every name in it but the one whose records site.yml makes.
ZONE, DOMAIN, SHOP = "example.org", "orders.example.org", "shop.example.org"


def build(lab: Lab, regions: tuple[str, ...] = (EAST, WEST)) -> None:
    """Make it, the first region's cluster as the writer."""
    lab.client("rds", regions[0]).create_global_cluster(
        GlobalClusterIdentifier=GLOBAL, Engine="aurora-mysql", EngineVersion=VERSION, StorageEncrypted=True
    )
    for region in regions:
        network = build_network(lab, region)
        build_database(lab, region, network, is_writer=region == regions[0])
        build_application(lab, region, network)
    lab.client("route53").create_hosted_zone(Name=ZONE, CallerReference="orders")
    lab.advance(900)  # until CloudWatch shows samples of the new secondary


def point_at_the_name(lab: Lab) -> None:
    """Make another name an alias of the one that moves, as docs/existing.md says."""
    route53 = lab.client("route53")
    (zone,) = route53.list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
    alias = {"HostedZoneId": zone["Id"].split("/")[-1], "DNSName": DOMAIN, "EvaluateTargetHealth": False}
    record = {"Name": SHOP, "Type": "A", "AliasTarget": alias}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=changes)


def make_records(lab: Lab, domain: str, policy: str = "failover") -> list[str]:
    """Make a name's failover pair with an endpoint check each, as docs of Route 53 have it; return the checks' ids.

    policy: failover, or simple for one record without a check.
    """
    route53 = lab.client("route53")
    (zone,) = route53.list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
    checks, changes = [], []
    for region, role in ((EAST, "PRIMARY"), (WEST, "SECONDARY")):
        (balancer,) = lab.client("elbv2", region).describe_load_balancers()["LoadBalancers"]
        config = {"Type": "HTTP", "FullyQualifiedDomainName": balancer["DNSName"], "ResourcePath": "/alive"}
        target = {
            "HostedZoneId": balancer["CanonicalHostedZoneId"],
            # With the dot that AWS returns.
            "DNSName": f"{balancer['DNSName']}.",
            "EvaluateTargetHealth": False,
        }
        record: dict[str, Any] = {"Name": domain, "Type": "A", "AliasTarget": target}
        if policy == "failover":
            made = route53.create_health_check(CallerReference=f"{domain}-{region}", HealthCheckConfig=config)
            checks.append(made["HealthCheck"]["Id"])
            record |= {"SetIdentifier": PLACES[region], "Failover": role, "HealthCheckId": checks[-1]}
        changes.append({"Action": "CREATE", "ResourceRecordSet": record})
        if policy == "simple":
            break
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})
    return checks


def records_of(lab: Lab, domain: str) -> dict[str, dict[str, Any]]:
    """Return the name's records of type A, by set identifier."""
    route53 = lab.client("route53")
    (zone,) = route53.list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
    found = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return {one["SetIdentifier"]: one for one in found if one["Name"] == f"{domain}." and one["Type"] == "A"}


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def filters_of(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{name}", "Values": [value]} for name, value in tags.items()]


def spec_of(kind: str, tags: dict[str, str]) -> dict[str, Any]:
    return {"ResourceType": kind, "Tags": listed(tags)}


def build_network(lab: Lab, region: str) -> dict[str, Any]:
    """Make a VPC with two subnets for each tier, and a group for each."""
    ec2, place = lab.client("ec2", region), PLACES[region]
    cidr = CIDRS[region]
    vpc, _old = (
        ec2.create_vpc(CidrBlock=cidr, TagSpecifications=[spec_of("vpc", tags)])["Vpc"]["VpcId"]
        for tags in (LIVE, TEAM)
    )
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnets = {
        tier: [
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=cidr.replace("0.0/16", f"{first + n}.0/24"), AvailabilityZone=f"{region}{zone}"
            )["Subnet"]["SubnetId"]
            for n, zone in enumerate("ab")
        ]
        for tier, first in (("front", 0), ("data", 50))
    }
    groups = {
        tier: ec2.create_security_group(GroupName=f"{place}-{tier}", Description=tier, VpcId=vpc)["GroupId"]
        for tier in ("front", "app", "data")
    }
    for tier, port, source in (
        ("front", 80, {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
        ("app", 8080, {"UserIdGroupPairs": [{"GroupId": groups["front"]}]}),
        ("data", 3306, {"UserIdGroupPairs": [{"GroupId": groups["app"]}]}),
    ):
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}
        ec2.authorize_security_group_ingress(GroupId=groups[tier], IpPermissions=[rule])
    ec2.create_tags(Resources=[groups["data"], *subnets["data"]], Tags=listed(TIER))
    (acl,) = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    ec2.create_tags(Resources=[acl["NetworkAclId"]], Tags=listed(SHARED))
    return {"vpc": vpc, "subnets": subnets, "groups": groups}


def separate_databases(lab: Lab, regions: tuple[str, ...] = (EAST, WEST)) -> None:
    """Give the database's subnets a network ACL of their own, which a fence can turn, as docs/existing.md has it."""
    for region in regions:
        ec2 = lab.client("ec2", region)
        subnets = ec2.describe_subnets(Filters=filters_of(TIER))["Subnets"]
        vpc, held = subnets[0]["VpcId"], {one["SubnetId"] for one in subnets}
        shared = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
        made = ec2.create_network_acl(VpcId=vpc, TagSpecifications=[spec_of("network-acl", TIER)])
        acl = made["NetworkAcl"]["NetworkAclId"]
        for egress in (False, True):
            rule = {"RuleNumber": 10, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
            ec2.create_network_acl_entry(NetworkAclId=acl, Egress=egress, **rule)
        for one in (one for found in shared for one in found["Associations"] if one["SubnetId"] in held):
            ec2.replace_network_acl_association(AssociationId=one["NetworkAclAssociationId"], NetworkAclId=acl)


def actions_of_acl(lab: Lab, region: str) -> set[str]:
    """Return what the two rules of that ACL do: allow or deny."""
    (acl,) = lab.client("ec2", region).describe_network_acls(Filters=filters_of(TIER))["NetworkAcls"]
    return {one["RuleAction"] for one in acl["Entries"] if one["RuleNumber"] == 10}


def build_stores(lab: Lab, regions: tuple[str, ...] = (EAST, WEST)) -> None:
    """Make a global table, whose replica has no tags, and a bucket in each region."""
    dynamodb = lab.client("dynamodb", regions[0])
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=listed(LIVE),
    )
    for region in regions:
        s3, place = lab.client("s3", region), {"LocationConstraint": region}
        s3.create_bucket(
            Bucket=f"files-{PLACES[region]}", **({} if region == EAST else {"CreateBucketConfiguration": place})
        )
        s3.put_bucket_tagging(Bucket=f"files-{PLACES[region]}", Tagging={"TagSet": listed(LIVE)})


def remove_stores(lab: Lab, regions: tuple[str, ...] = (EAST, WEST)) -> None:
    """Remove what build_stores has made."""
    lab.client("dynamodb", regions[0]).delete_table(TableName=TABLE)
    for region in regions:
        lab.client("s3", region).delete_bucket(Bucket=f"files-{PLACES[region]}")


def build_key(lab: Lab, region: str) -> str:
    """Make the region's key, which the account and what publishes to encrypted topics may use; return its ARN."""
    kms, account = lab.client("kms", region), lab.client("sts", region).get_caller_identity()["Account"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
            },
        ],
    }
    key = kms.create_key(Description=f"orders {region}", Policy=json.dumps(policy))["KeyMetadata"]
    kms.create_alias(AliasName=KEY, TargetKeyId=key["KeyId"])
    return key["Arn"]


def build_database(lab: Lab, region: str, network: dict[str, Any], is_writer: bool) -> None:
    """Make the region's cluster with two instances."""
    rds, name = lab.client("rds", region), f"orders-{PLACES[region]}"
    rds.create_db_subnet_group(
        DBSubnetGroupName=f"{name}-subnets", DBSubnetGroupDescription="data", SubnetIds=network["subnets"]["data"]
    )
    key = build_key(lab, region)
    login = {"MasterUsername": "orders", "MasterUserPassword": "not-a-secret"} if is_writer else {}
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-mysql",
        EngineVersion=VERSION,
        GlobalClusterIdentifier=GLOBAL,
        DBSubnetGroupName=f"{name}-subnets",
        VpcSecurityGroupIds=[network["groups"]["data"]],
        StorageEncrypted=True,
        KmsKeyId=key,
        BackupRetentionPeriod=7,
        Tags=listed(LIVE),
        **login,
    )
    for number in ("one", "two"):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{number}",
            DBClusterIdentifier=name,
            Engine="aurora-mysql",
            DBInstanceClass="db.r6g.large",
        )


def build_application(lab: Lab, region: str, network: dict[str, Any]) -> None:
    """Make the load balancer, its target group and the Auto Scaling group behind it."""
    ec2, elb, place = lab.client("ec2", region), lab.client("elbv2", region), PLACES[region]
    target = elb.create_target_group(
        Name=f"web-{place}", Protocol="HTTP", Port=8080, VpcId=network["vpc"], HealthCheckPath="/alive"
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer = elb.create_load_balancer(
        Name=f"front-{place}",
        Subnets=network["subnets"]["front"],
        SecurityGroups=[network["groups"]["front"]],
        Tags=listed(LIVE),
    )["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target}],
    )
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName=f"web-{place}",
        LaunchTemplateData={
            "ImageId": image,
            "InstanceType": "t3.medium",
            "SecurityGroupIds": [network["groups"]["app"]],
        },
    )
    lab.client("autoscaling", region).create_auto_scaling_group(
        AutoScalingGroupName=f"workers-{place}",
        LaunchTemplate={"LaunchTemplateName": f"web-{place}", "Version": "$Latest"},
        MinSize=2,
        DesiredCapacity=2,
        MaxSize=6,
        VPCZoneIdentifier=",".join(network["subnets"]["front"]),
        TargetGroupARNs=[target],
    )
