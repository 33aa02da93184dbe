# SPDX-License-Identifier: GPL-3.0-or-later
"""What could be reached over time, each moment of it, over the socket."""

from __future__ import annotations

import json
from typing import Any

from lab.client import Lab
from tests.lab.stage import Stage, wait
from tests.lab.test_cli import run

EAST = "us-east-1"


def each(log: list[dict[str, Any]], *path: str) -> list[Any]:
    """A fact over time, each change once."""
    values: list[Any] = []
    for entry in log:
        value: Any = entry
        for name in path:
            value = value.get(name, {})
        if [value] != values[-1:]:
            values.append(value)
    return values


def test_a_rule_that_is_away_for_a_moment_is_seen(lab: Lab) -> None:
    ec2 = lab.client("ec2", EAST)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="front", Description="front", VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    there = ["80 from 0.0.0.0/0"]
    assert each(lab.reachability(), "ingress", EAST, "front") == [{}, [], there, [], there]


def test_a_check_that_fails_for_a_moment_is_seen_although_no_name_follows(stage: Stage) -> None:
    stage.write(EAST, "up")
    stage.object_check("switch", EAST, "up")
    wait(lambda: stage.lab.reachability()[-1]["checks"].get("switch"))
    stage.block_public_access(EAST, True)
    stage.block_public_access(EAST, False)
    assert each(stage.lab.reachability(), "checks", "switch")[-3:] == [True, False, True]


def test_healthy_targets_are_counted_and_the_command_prints_what_python_reads(stage: Stage) -> None:
    stage.lab.set_targets(EAST, "unhealthy")
    assert each(stage.lab.reachability(), "healthy", EAST, "tg")[-2:] == [2, 0]
    lines = run("reachability", directory=stage.lab.directory).stdout.splitlines()
    assert [json.loads(line) for line in lines] == stage.lab.reachability()
