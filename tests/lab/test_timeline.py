# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline over the socket: who could write, where names led and what groups were to have, whenever it changed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lab.client import Lab
from lab.clock import CLOCK
from lab.world import WORLD, World, once_a_look
from tests.lab.global_database import Global
from tests.lab.stage import DOMAIN, Stage, wait

EAST, WEST = "us-east-1", "us-east-2"


def last(lab: Lab) -> dict[str, Any]:
    return lab.timeline()[-1]


def writers(lab: Lab) -> list[list[str]]:
    """Who could write, over time, each change once."""
    seen = [entry["writers"] for entry in lab.timeline()]
    return [one for one, before in zip(seen, [None, *seen], strict=False) if one != before]


def make_group(lab: Lab, region: str, desired: int) -> None:
    ec2 = lab.client("ec2", region)
    template = {"ImageId": "ami-12345678", "InstanceType": "t3.medium"}
    ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData=template)
    lab.client("autoscaling", region).create_auto_scaling_group(
        AutoScalingGroupName="app",
        LaunchTemplate={"LaunchTemplateName": "app", "Version": "$Latest"},
        MinSize=0,
        DesiredCapacity=desired,
        MaxSize=5,
        VPCZoneIdentifier=ec2.describe_subnets()["Subnets"][0]["SubnetId"],
    )


def test_an_empty_lab_has_one_entry_and_reading_adds_none(lab: Lab) -> None:
    before = time.time()
    lab.reset()
    lab.client("sns").list_topics()
    lab.client("sns").create_topic(Name="topic")
    time.sleep(0.3)
    (entry,) = lab.timeline()
    nothing = {"writers": [], "open_writers": [], "name": {}, "desired": {}, "routes": {}}
    assert entry == {"time": entry["time"], **nothing}
    assert before - 0.001 <= entry["time"] <= time.time()


def test_a_failover_hands_writing_over_and_never_to_two(lab: Lab) -> None:
    database = Global(lab, EAST, WEST)
    assert last(lab)["writers"] == [EAST]
    lab.outage(EAST, "reset")
    assert last(lab)["writers"] == []
    database.fail_over(WEST, AllowDataLoss=True)
    assert wait(lambda: last(lab)["writers"]) == [WEST]
    lab.restore(EAST)
    assert writers(lab) == [[], [EAST], [], [WEST]]


def test_a_switchover_is_seen_when_it_happens_without_any_read(lab: Lab) -> None:
    lab.settings(switchover_s=300)
    database = Global(lab, EAST, WEST)
    started = time.time()
    database.switch_over(WEST, called_in=EAST)
    time.sleep(1.0)  # 300 AWS seconds are half a second here
    (moved,) = lab.timeline(started)
    assert moved["writers"] == [WEST]
    assert 0.4 < moved["time"] - started < 0.9


def test_a_detached_cluster_makes_two_writers_once_the_old_region_is_back(lab: Lab) -> None:
    database = Global(lab, EAST, WEST)
    lab.outage(EAST)
    lab.client("rds", WEST).remove_from_global_cluster(
        GlobalClusterIdentifier="g", DbClusterIdentifier=database.arns[WEST]
    )
    assert wait(lambda: last(lab)["writers"]) == [WEST]
    lab.restore(EAST)
    assert last(lab)["writers"] == [EAST, WEST]


def test_a_cluster_that_no_client_can_reach_is_no_writer(lab: Lab) -> None:
    ec2 = lab.client("ec2", EAST)
    group = ec2.create_security_group(GroupName="database", Description="database")["GroupId"]
    rules = [{"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    database = Global(lab)
    owner = {"MasterUsername": "admin", "MasterUserPassword": "not-secret", "VpcSecurityGroupIds": [group]}
    database.add(EAST, instances=0, **owner)
    assert last(lab)["writers"] == []
    lab.client("rds", EAST).create_db_instance(
        DBInstanceIdentifier="one",
        DBClusterIdentifier=f"c-{EAST}",
        Engine="aurora-mysql",
        DBInstanceClass="db.r6g.large",
    )
    assert last(lab)["writers"] == [EAST]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)
    assert last(lab)["writers"] == []
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    assert last(lab)["writers"] == [EAST]


def test_a_name_that_moves_by_itself_is_seen(stage: Stage) -> None:
    check = stage.endpoint_check(EAST)
    stage.put(stage.failover("PRIMARY", EAST, check), stage.failover("SECONDARY", WEST))
    stage.settle(check)
    assert last(stage.lab)["name"] == {DOMAIN: EAST}
    stage.lab.outage(EAST)
    assert wait(lambda: last(stage.lab)["name"], lambda name: name == {DOMAIN: WEST}) == {DOMAIN: WEST}
    assert [entry["name"] for entry in stage.lab.timeline()] == [{}, {DOMAIN: EAST}, {DOMAIN: WEST}]


def test_weighted_records_show_every_region_that_may_answer_and_do_not_flicker(stage: Stage) -> None:
    shares = [stage.alias(region, SetIdentifier=region, Weight=1) for region in (EAST, WEST)]
    stage.put(*shares)
    time.sleep(0.5)
    assert [entry["name"] for entry in stage.lab.timeline()] == [{}, {DOMAIN: f"{EAST},{WEST}"}]
    stage.put({**shares[0], "Weight": 0})
    assert last(stage.lab)["name"] == {DOMAIN: WEST}


def test_a_name_without_a_load_balancer_leads_nowhere(stage: Stage) -> None:
    stage.put(stage.alias(EAST), stage.alias(f"nothing.{DOMAIN}", name=f"www.{DOMAIN}"))
    assert last(stage.lab)["name"] == {DOMAIN: EAST, f"www.{DOMAIN}": None}


def test_desired_capacities_are_seen_in_every_region(lab: Lab) -> None:
    make_group(lab, EAST, 2)
    make_group(lab, WEST, 0)
    assert last(lab)["desired"] == {EAST: {"app": 2}, WEST: {"app": 0}}
    lab.client("autoscaling", WEST).set_desired_capacity(AutoScalingGroupName="app", DesiredCapacity=3)
    assert last(lab)["desired"] == {EAST: {"app": 2}, WEST: {"app": 3}}


def test_a_change_whose_answer_was_lost_is_seen(lab: Lab) -> None:
    make_group(lab, EAST, 2)
    lab.fault("lost_answer", service="autoscaling", operation="SetDesiredCapacity", count=1)
    group = lab.client("autoscaling", EAST, retries={"total_max_attempts": 2})
    group.set_desired_capacity(AutoScalingGroupName="app", DesiredCapacity=3)
    assert [entry["desired"] for entry in lab.timeline()] == [{}, {EAST: {"app": 2}}, {EAST: {"app": 3}}]


def test_since_leaves_out_what_came_before(lab: Lab) -> None:
    make_group(lab, EAST, 2)
    mark = time.time()
    make_group(lab, WEST, 1)
    (entry,) = lab.timeline(mark)
    assert entry["desired"] == {EAST: {"app": 2}, WEST: {"app": 1}}


def test_a_copy_begins_with_the_present(lab: Lab, tmp_path: Path) -> None:
    make_group(lab, EAST, 2)
    make_group(lab, WEST, 1)
    with lab.fork(tmp_path / "copy") as copy:
        (entry,) = copy.timeline()
        assert entry["desired"] == {EAST: {"app": 2}, WEST: {"app": 1}}
        assert entry["time"] >= last(lab)["time"]
        copy.client("autoscaling", WEST).set_desired_capacity(AutoScalingGroupName="app", DesiredCapacity=3)
        assert (len(copy.timeline()), len(lab.timeline())) == (2, 3)


def test_whoever_ends_a_rest_of_the_lab_sees_the_present() -> None:
    world, looks = World(CLOCK), []
    world.tick_hooks.append(lambda: looks.append("present"))
    world.note_request()
    assert not world.rests() and not looks
    world.asked_at -= 60
    assert world.rests()
    world.note_request()
    assert looks == ["present"] and not world.rests()


def test_what_one_look_has_found_out_is_asked_anew_by_the_next() -> None:
    present = ["first"]
    look = once_a_look(lambda name: f"{name}: {present[-1]}")
    with WORLD.lock, WORLD.looking():
        assert look("writer") == "writer: first"
        present.append("second")
        assert look("writer") == "writer: first" and look("name") == "name: second"
    assert look("writer") == "writer: second"
    with WORLD.lock, WORLD.looking():
        assert look("writer") == "writer: second"
