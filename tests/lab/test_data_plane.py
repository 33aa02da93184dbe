# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab has its data plane do: in which order, when the region is cut off, and over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from lab import timeline
from lab.client import Lab
from lab.data_plane import PLANE, DataPlane
from lab.services.access import accesses, allows, capacities
from lab.services.settings import SETTINGS
from lab.world import WORLD
from tests.gameday.plane import PlaneServer
from tests.lab.ecs_service import make_service
from tests.lab.global_database import Global
from tests.lab.in_process import EAST, EUROPE, WEST, Aws


class Recorder(DataPlane):
    """Notes every call that changes something; `caught_up` and `rebuilt` are what it answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.caught_up = self.rebuilt = True

    def __getattribute__(self, name: str) -> Any:
        if name in ("promote", "demote", "block_writes", "follow", "unfollow", "rebuild", "keep_volume"):
            return lambda *values, **named: self.calls.append((name, *values, *named.values()))
        return super().__getattribute__(name)

    def is_caught_up(self, region: str) -> bool:
        return self.caught_up

    def is_rebuilt(self, region: str) -> bool:
        return self.rebuilt


@pytest.fixture
def plane(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(PLANE, "here", recorder)
    return recorder


def made(aws: Aws, plane: Recorder, *regions: str) -> Global:
    found = Global(aws, *regions)
    plane.calls.clear()
    return found


def test_a_new_member_is_a_copy_of_the_writer(aws, plane):
    Global(aws, EAST, WEST)
    assert plane.calls == [("rebuild", WEST, EAST)]


def test_a_switchover_stops_the_old_writer_before_it_promotes(aws, plane):
    database = made(aws, plane, EAST, WEST)
    database.switch_over(WEST, called_in=EAST)
    database.wait_idle()
    assert plane.calls == [("demote", EAST), ("promote", WEST), ("follow", EAST, WEST)]


def test_a_switchover_waits_until_the_target_has_everything(aws, plane):
    database = made(aws, plane, EAST, WEST)
    plane.caught_up = False
    database.switch_over(WEST, called_in=EAST)
    aws.wait(lambda: ("demote", EAST) in plane.calls)
    WORLD.clock.advance(600)
    assert (database.writer(), plane.calls) == (EAST, [("demote", EAST)])
    plane.caught_up = True
    database.wait_idle()
    assert database.writer() == WEST


def test_a_cancelled_switchover_lets_the_old_writer_write_again(aws, plane):
    database = made(aws, plane, EAST, WEST)
    plane.caught_up = False
    database.switch_over(WEST, called_in=EAST)
    aws.wait(lambda: database.read() and ("demote", EAST) in plane.calls)
    aws.lose(WEST)
    database.wait_idle()
    assert plane.calls[-1] == ("promote", EAST)


@pytest.mark.parametrize(
    ("setting", "is_out", "blocks", "event"),
    [
        ("by_outage", False, True, "succeeded"),
        ("by_outage", True, False, "timed out"),
        ("succeeds", True, True, "succeeded"),
        ("times_out", False, False, "timed out"),
        ("not_asked", False, False, None),
    ],
)
def test_a_managed_failover_blocks_writes_as_its_event_says(aws, plane, setting, is_out, blocks, event):
    database = made(aws, plane, EAST, WEST)
    aws.settings(write_block=setting)
    if is_out:
        aws.lose(EAST)
    database.fail_over(WEST, AllowDataLoss=True)
    database.wait_idle()
    assert (("block_writes", EAST) in plane.calls) == blocks
    rest = [call for call in plane.calls if call[0] != "block_writes"]
    assert rest[:2] == [("unfollow", WEST), ("promote", WEST)]
    messages = [
        one["Message"]
        for region in (EAST, WEST)
        for one in aws.client("rds", region).describe_events(SourceType="db-instance")["Events"]
        if "block writes" in one["Message"]
    ]
    assert [message.rstrip(".").endswith(event) for message in messages] == ([True] if event else [])


def test_the_old_volume_is_kept_before_it_is_rebuilt(aws, plane):
    database = made(aws, plane, EAST, WEST)
    database.fail_over(WEST, AllowDataLoss=True)
    database.wait_idle()
    plane.rebuilt = False
    aws.wait(lambda: database.read() and plane.calls[-1][0] == "rebuild")
    assert [call[:2] for call in plane.calls[-2:]] == [("keep_volume", EAST), ("rebuild", EAST)]
    WORLD.clock.advance(600)
    assert database.member(EAST)["SynchronizationStatus"] == "pending-resync"
    plane.rebuilt = True
    assert aws.wait(lambda: database.member(EAST)["SynchronizationStatus"] == "connected")


def test_a_detach_promotes_when_it_is_done(aws, plane):
    database = made(aws, plane, EAST, WEST)
    aws.client("rds", WEST).remove_from_global_cluster(
        GlobalClusterIdentifier="g", DbClusterIdentifier=database.arns[WEST]
    )
    assert plane.calls == [("unfollow", WEST)]
    aws.wait(lambda: len(database.read()["GlobalClusterMembers"]) == 1)
    assert plane.calls == [("unfollow", WEST), ("promote", WEST)]


def test_an_unknown_write_block_is_refused():
    with pytest.raises(ValueError, match="write_block is 'maybe'; it must be one of by_outage, succeeds"):
        SETTINGS.update({"write_block": "maybe"})


def test_a_partitioned_region_lives_for_customers_alone(aws):
    WORLD.outages[EAST] = "partition"
    assert (WORLD.region_is_out(EAST), WORLD.region_is_dead(EAST)) == (True, False)
    WORLD.outages[EAST] = "hang"
    assert WORLD.region_is_dead(EAST)
    assert not WORLD.region_is_dead(WEST)


def cluster_in_subnets(aws: Aws) -> tuple[Any, str]:
    """An EC2 client, and the id of the network ACL of the subnets of a new cluster."""
    ec2, rds = aws.client("ec2"), aws.client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{EAST}{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    ids = [one["SubnetId"] for one in subnets]
    rds.create_db_subnet_group(DBSubnetGroupName="group", DBSubnetGroupDescription="group", SubnetIds=ids)
    rds.create_db_cluster(
        DBClusterIdentifier="alone",
        Engine="aurora-mysql",
        MasterUsername="admin",
        MasterUserPassword="not-secret",
        DBSubnetGroupName="group",
    )
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    return ec2, acls[0]["NetworkAclId"]


def test_a_network_acl_that_denies_is_seen_until_it_allows_again(aws):
    ec2, acl = cluster_in_subnets(aws)
    assert accesses()[EAST][1] is False
    rule = {"NetworkAclId": acl, "RuleNumber": 1, "Protocol": "6", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    ec2.create_network_acl_entry(**rule, RuleAction="deny", PortRange={"From": 3306, "To": 3306})
    assert accesses()[EAST][1] is True
    ec2.replace_network_acl_entry(**rule, RuleAction="allow", PortRange={"From": 3306, "To": 3306})
    assert accesses()[EAST][1] is False


def test_what_no_rule_of_an_acl_allows_is_denied():
    assert not allows([], 3306, "10.0.0.1")


def test_a_lab_passes_access_and_capacity_on_over_http(stage):
    seen: list[tuple[str, int]] = []

    class Counting(DataPlane):
        def capacity(self, region: str, instances: int) -> None:
            seen.append((region, instances))

    server = PlaneServer(Counting())
    try:
        lab: Lab = stage.lab
        lab.attach_data_plane(server.url)
        aws = lab.client("autoscaling", EUROPE)
        ec2 = lab.client("ec2", EUROPE)
        template = {"LaunchTemplateName": "template", "LaunchTemplateData": {"ImageId": "ami-12345678"}}
        ec2.create_launch_template(**template)
        aws.create_auto_scaling_group(
            AutoScalingGroupName="group",
            MinSize=0,
            MaxSize=3,
            DesiredCapacity=2,
            LaunchTemplate={"LaunchTemplateName": "template"},
            AvailabilityZones=[f"{EUROPE}a"],
        )
        assert (EUROPE, 2) in seen
        aws.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=1)
        assert seen[-1] == (EUROPE, 1)
        lab.attach_data_plane(None)
        aws.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=3)
        assert seen[-1] == (EUROPE, 1)
    finally:
        server.close()


def test_tasks_of_a_service_are_capacity_once_they_run(aws):
    aws.settings(task_start_s=600)
    subnet = aws.client("ec2").describe_subnets()["Subnets"][0]
    make_service(aws, EAST, [subnet["SubnetId"]], "", count=2)
    aws.tick()
    assert capacities() == {EAST: 0}
    WORLD.clock.advance(600)
    aws.tick()
    assert capacities() == {EAST: 2}
    aws.client("ecs").update_service(cluster="trading", service="orders", desiredCount=0)
    assert capacities() == {EAST: 0}


def test_who_writes_over_open_connections_is_known(aws, plane):
    database = made(aws, plane, EAST, WEST)
    aws.settings(write_block="times_out", rescue_snapshot_s=600)
    database.fail_over(WEST, AllowDataLoss=True)
    database.wait_idle()
    assert (timeline.writers(), timeline.open_writers()) == ([WEST], [EAST, WEST])
    WORLD.clock.advance(600)
    assert (timeline.writers(), timeline.open_writers()) == ([WEST], [WEST])


def test_a_blocked_old_primary_writes_to_nobody(aws, plane):
    database = made(aws, plane, EAST, WEST)
    database.fail_over(WEST, AllowDataLoss=True)
    database.wait_idle()
    assert timeline.open_writers() == [WEST]


def test_a_revoked_security_group_leaves_open_connections_and_an_acl_none(aws):
    ec2, acl = cluster_in_subnets(aws)
    group = ec2.create_security_group(GroupName="none", Description="no ingress")["GroupId"]
    aws.client("rds").create_db_instance(
        DBInstanceIdentifier="one", DBClusterIdentifier="alone", Engine="aurora-mysql", DBInstanceClass="db.r6g.large"
    )
    aws.client("rds").modify_db_cluster(DBClusterIdentifier="alone", VpcSecurityGroupIds=[group])
    assert (timeline.writers(), timeline.open_writers()) == ([], [EAST])
    ec2.create_network_acl_entry(
        NetworkAclId=acl, RuleNumber=1, Protocol="-1", Egress=False, CidrBlock="0.0.0.0/0", RuleAction="deny"
    )
    assert timeline.open_writers() == []
