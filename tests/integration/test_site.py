# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml: everything in every region, and nothing the second time."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.integration.aws import DOMAIN, SUFFIX, capacity, healthy_targets, members, name_points_at
from tests.integration.permissions import as_runner
from tests.integration.platforms import ACCOUNT, run_playbook


def assert_second_run_changes_nothing(platform, runner=None) -> None:
    before = len(platform.lab.calls())
    again = (runner or platform).run("site").ends_well()
    assert {host: count for host, count in again.changed.items() if count} == {}
    assert [call for call in platform.lab.calls()[before:] if call["mutating"]] == []


def test_every_region_serves_and_the_preferred_one_is_active(platform):
    assert members(platform.lab, "us-east-1") == {"us-east-1": True, "us-east-2": False}
    assert members(platform.lab, "us-east-2") == {"us-east-1": True, "us-east-2": False}
    assert name_points_at(platform.lab) == "us-east-1"
    for region in platform.regions:
        assert capacity(platform.lab, region) == {"min": 2, "desired": 2, "max": 6}
        assert healthy_targets(platform.lab, region) == 2


TWO = ("us-east-1", "us-east-2")
# With every option of the roles switched on (tests/integration/platforms.py).
THREE = ("eu-west-1", "ap-southeast-1", "us-west-2")


@pytest.mark.nightly
@pytest.mark.parametrize("regions", [TWO, THREE], ids=["two", "three"])
def test_every_role_verifies_what_it_promised(copy_of, regions):
    platform = copy_of(*regions)
    run = platform.run(Path(__file__).with_name("verify.yml")).ends_well()
    assert not any(run.changed.values())


@pytest.mark.nightly
def test_one_layer_runs_alone_and_reads_what_it_needs_of_the_others(platform):
    run = platform.run("site", "--tags", "failover_control").ends_well()
    assert not any(run.changed.values())


@pytest.mark.nightly
def test_private_subnets_have_their_way_out_although_it_is_made_beside_other_things(platforms):
    platform = platforms.empty("us-east-1", "us-east-2", scale=20)
    with platform.lab as lab:
        lab.settings(nat_gateway_create_s=400)
        platform.run("site", "--tags", "network").ends_well()
        for region in platform.regions:
            (gateway,) = lab.client("ec2", region).describe_nat_gateways()["NatGateways"]
            tables = lab.client("ec2", region).describe_route_tables()["RouteTables"]
            routes = [route for table in tables for route in table["Routes"] if "NatGatewayId" in route]
            assert [(route["DestinationCidrBlock"], route["NatGatewayId"]) for route in routes] == [
                ("0.0.0.0/0", gateway["NatGatewayId"])
            ]
            assert gateway["State"] == "available"


def test_second_run_changes_nothing_and_calls_nothing_that_could(platform):
    assert_second_run_changes_nothing(platform)


def test_every_regions_topic_hears_of_the_moves_and_the_maintenance_of_its_database(platform):
    for region in platform.regions:
        cluster, lab = f"trading-{region}-{SUFFIX}", platform.lab
        found = lab.client("rds", region).describe_event_subscriptions()["EventSubscriptionsList"]
        shown = {one["CustSubscriptionId"]: one for one in found}
        (topic,) = [one["TopicArn"] for one in lab.client("sns", region).list_topics()["Topics"]]
        assert {one["SnsTopicArn"] for one in found} == {topic} and all(one["Enabled"] for one in found)
        categories = {name: sorted(one["EventCategoriesList"]) for name, one in shown.items()}
        # RDS-EVENT-0238, 0239, 0397 and 0424 are events of clusters, 0390 and 0391 of instances.
        assert categories == {
            f"{cluster}-cluster": ["global failover", "maintenance"],
            f"{cluster}-instances": ["maintenance", "notification"],
        }
        assert shown[f"{cluster}-cluster"]["SourceIdsList"] == [cluster]
        assert sorted(shown[f"{cluster}-instances"]["SourceIdsList"]) == [f"{cluster}-1", f"{cluster}-2"]
        policy = lab.client("sns", region).get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
        key = lab.client("sns", region).get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]
        of_key = lab.client("kms", region).get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        assert "events.rds.amazonaws.com" in policy and "events.rds.amazonaws.com" in of_key


@pytest.mark.nightly
def test_changed_log_exports_and_tags_of_a_database_that_exists_are_applied(platform):
    exports = json.dumps({"global_database_log_exports": ["audit", "error"]})
    platform.run("site", "--tags", "global_database", "-e", exports).ends_well()
    for region in platform.regions:
        rds = platform.lab.client("rds", region)
        (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=f"trading-{region}-{SUFFIX}")["DBClusters"]
        assert sorted(cluster["EnabledCloudwatchLogsExports"]) == ["audit", "error"]
        (whole,) = rds.describe_global_clusters()["GlobalClusters"]
        assert {"Key": "Project", "Value": "trading"} in whole["TagList"]


# The last one only reads the secret.
@pytest.mark.parametrize(
    "how",
    [
        ["--tags", "encryption"],
        pytest.param(["--tags", "encryption", "--check"], marks=pytest.mark.nightly),
        pytest.param(["--tags", "application"], marks=pytest.mark.nightly),
    ],
    ids=["encryption", "dry run", "application"],
)
def test_a_rotation_and_a_policy_that_the_secrets_owner_has_set_stay(platform, how):
    secrets, name = platform.lab.client("secretsmanager", "us-east-1"), f"trading-database-{SUFFIX}"
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:owners"
    statement = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30})
    secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy)
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "CostCenter", "Value": "owners"}])
    before = secrets.describe_secret(SecretId=name)
    platform.run("site", *how).ends_well()
    after = secrets.describe_secret(SecretId=name)
    assert {**after, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}
    assert secrets.get_resource_policy(SecretId=name)["ResourcePolicy"] == policy


def zone_as_its_owner_made_it(lab, zone: str) -> dict:
    route53 = lab.client("route53")
    number = zone.rpartition("/")[2]
    found = route53.get_hosted_zone(Id=zone)["HostedZone"]
    return {
        "comment": found["Config"]["Comment"],
        "tags": route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=number)["ResourceTagSet"]["Tags"],
        "dnssec": route53.get_dnssec(HostedZoneId=zone)["Status"],
    }


@pytest.mark.nightly
def test_a_zone_that_belongs_to_somebody_is_used_as_it_is_and_outlives_the_platform(platform):
    lab, route53 = platform.lab, platform.lab.client("route53")
    zone = route53.create_hosted_zone(
        Name="example.com", CallerReference="owner", HostedZoneConfig={"Comment": "of the firm"}
    )["HostedZone"]["Id"]
    route53.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=zone.rpartition("/")[2], AddTags=[{"Key": "Owner", "Value": "dns"}]
    )
    key = {"KeyManagementServiceArn": "arn:aws:kms:us-east-1:123456789012:key/1", "Name": "key", "Status": "ACTIVE"}
    route53.create_key_signing_key(CallerReference="owner", HostedZoneId=zone, **key)
    route53.enable_hosted_zone_dnssec(HostedZoneId=zone)
    before = zone_as_its_owner_made_it(lab, zone)
    assert before["dnssec"] == {"ServeSignature": "SIGNING"}

    name = "trade.example.com"
    options = ("-e", f"traffic_domain={name}", "-e", "traffic_zone_name=example.com", "--tags", "traffic")
    calls = len(lab.calls())
    refused = platform.run("site", *options, "-e", "traffic_zone_name=absent.example.com")
    assert refused.code != 0 and f"{name} does not lie in it" in " ".join(refused.output.split())
    assert [call for call in lab.calls()[calls:] if call["mutating"]] == []
    platform.run("site", *options).ends_well()
    assert zone_as_its_owner_made_it(lab, zone) == before
    names = {one["Name"] for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]}
    assert f"{name}." in names
    assert not any(platform.run("site", *options).ends_well().changed.values())

    platform.run(Path(__file__).with_name("retire_traffic.yml"), *options[:-2]).ends_well()
    assert zone_as_its_owner_made_it(lab, zone) == before
    left = {one["Type"] for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]}
    assert left == {"NS", "SOA"}


@pytest.mark.nightly
def test_a_region_that_is_added_to_a_live_platform_takes_no_traffic(platforms, tmp_path):
    # So slow that without a wait the records are there before the new checks have had three results in a row.
    platform = platforms.copy(*TWO, scale=1)
    with platform.lab as lab:
        lab.settings(target_initial_s=1, target_draining_s=1, replica_create_s=1)
        inventory = tmp_path / "inventory"
        shutil.copytree(platform.inventory, inventory, symlinks=True)
        with (inventory / "hosts").open("a") as hosts:
            hosts.write("eu-west-1 vpc_cidr=10.2.0.0/16\n")
        started = time.time()
        run_playbook("site", lab=lab, inventory=inventory).ends_well()
        leads_to = {entry["name"].get(DOMAIN) for entry in lab.timeline(started)}
        assert leads_to == {"us-east-1"}
        records = lab.resolve(DOMAIN)["why"]
        assert any("eu-west-1" in step["name"] for step in records), "the new region is compared"


@pytest.mark.nightly
def test_a_name_in_a_private_zone_follows_the_switch_and_is_resolved_inside_its_vpcs(platform):
    lab, route53, name = platform.lab, platform.lab.client("route53"), "trade.internal.example"
    vpc = {"VPCRegion": "us-east-1", "VPCId": "vpc-of-the-clients"}
    zone = route53.create_hosted_zone(
        Name="internal.example", CallerReference="owner", HostedZoneConfig={"PrivateZone": True}, VPC=vpc
    )["HostedZone"]["Id"]
    given = {"traffic_domain": name, "traffic_zone_name": "internal.example", "traffic_zone_private": True}
    options = ("-e", json.dumps(given))
    calls = len(lab.calls())
    refused = platform.run("site", *options, "-e", '{"traffic_dns_servers": []}')
    assert refused.code != 0 and "traffic_dns_servers is empty" in " ".join(refused.output.split())
    assert [call for call in lab.calls()[calls:] if call["mutating"]] == [], "before the first change"

    platform.run("site", *options, "--tags", "traffic,failover_control").ends_well()
    lab.settings(dns_client_vpc="vpc-of-the-clients")
    assert lab.resolve(name)["region"] == "us-east-1"
    names = {one["Name"] for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]}
    assert f"{name}." in names
    platform.run("switchover", *options, "-e", "target_region=us-east-2").ends_well()
    assert lab.resolve(name)["region"] == "us-east-2"
    platform.run(Path(__file__).with_name("retire_traffic.yml"), *options).ends_well()
    left = {one["Type"] for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]}
    assert left == {"NS", "SOA"}


@pytest.mark.nightly
def test_other_regions_and_more_of_them_differ_only_in_the_inventory(copy_of):
    regions, platform = THREE, copy_of(*THREE)
    assert members(platform.lab, regions[-1]) == {region: region == regions[0] for region in regions}
    assert_second_run_changes_nothing(platform, as_runner(platform, "provisioning"))

    target = regions[1]
    platform.lab.outage(regions[0], "reset")
    platform.run("failover", "-e", f"target_region={target}").ends_well()
    assert members(platform.lab, target) == {region: region == target for region in regions}
    assert name_points_at(platform.lab) == target
