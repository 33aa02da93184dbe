# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fencing against the lab over its socket: rules as the network role makes them, real time-outs, Aurora's events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._fence import fence as region_fence
from ansible_collections.trading.multi_region.plugins.module_utils._fence import info as fence_info
from lab.client import Lab
from tests.lab.failover_platform import EAST, GLOBAL, GROUP, TABLE, VERSION, WEST, clients_of

# Seconds: what answers is done long before; what does not is waited for so long.
DEADLINE, SHORT = 6.0, 2.0


class Fenced:
    """Two regions with a control table and a cluster of one global database each; EAST has what fencing takes."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.clients = lab, clients_of(lab)
        for region in (EAST, WEST):
            lab.client("dynamodb", region).create_table(
                TableName=TABLE,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        self.database_group = self._security_groups()
        self._application()
        self._database()

    def on(self, copy: Lab) -> Fenced:
        """The same in a copy of its lab."""
        fenced = object.__new__(Fenced)
        fenced.__dict__.update(self.__dict__, lab=copy, clients=clients_of(copy))
        for service, region in (("ec2", EAST), ("autoscaling", EAST), ("rds", EAST), ("rds", WEST)):
            fenced.clients(service, region)  # making one reads a large model
        copy.clear_calls()
        return fenced

    def _security_groups(self) -> str:
        """The groups of roles/network/tasks/security_groups.yml that a database has to do with."""
        ec2 = self.lab.client("ec2", EAST)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        application, database = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
            for name in ("application", "database")
        )
        port = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}
        of_this = {"GroupId": application, "Description": "Application of this region"}
        others = [{"CidrIp": f"10.{n}.0.0/20", "Description": "Applications of the other regions"} for n in (1, 2)]
        permissions = [{**port, "UserIdGroupPairs": [of_this]}, {**port, "IpRanges": others}]
        ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=permissions)
        return database

    def _application(self) -> None:
        ec2 = self.lab.client("ec2", EAST)
        ec2.create_launch_template(
            LaunchTemplateName="app", LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.medium"}
        )
        self.lab.client("autoscaling", EAST).create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            LaunchTemplate={"LaunchTemplateName": "app", "Version": "$Latest"},
            MinSize=2,
            DesiredCapacity=3,
            MaxSize=6,
            VPCZoneIdentifier=ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        )

    def _database(self) -> None:
        self.lab.client("rds", EAST).create_global_cluster(
            GlobalClusterIdentifier=GLOBAL, Engine="aurora-mysql", EngineVersion=VERSION
        )
        for region, login in ((EAST, {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}), (WEST, {})):
            rds, names = (
                self.lab.client("rds", region),
                {"DBClusterIdentifier": f"c-{region}", "Engine": "aurora-mysql"},
            )
            rds.create_db_cluster(**names, GlobalClusterIdentifier=GLOBAL, **login)
            rds.create_db_instance(**names, DBInstanceIdentifier=f"i-{region}", DBInstanceClass="db.r6g.large")

    def shown(self) -> dict[str, Any]:
        """What DescribeSecurityGroups answers for the database's group."""
        groups = self.lab.client("ec2", EAST).describe_security_groups(GroupIds=[self.database_group])
        return groups["SecurityGroups"][0]

    def sizes(self) -> tuple[int, int, int]:
        """Minimum, desired and maximum of the application's group."""
        (group,) = self.lab.client("autoscaling", EAST).describe_auto_scaling_groups()["AutoScalingGroups"]
        return group["MinSize"], group["DesiredCapacity"], group["MaxSize"]

    def fence(self, state: str = "present", mode: str | None = "database_ingress", **more: Any) -> dict[str, Any]:
        params = {
            "region": EAST,
            "regions": [EAST, WEST],
            "state": state,
            "mode": mode,
            "security_group_id": self.database_group,
            "autoscaling_group_name": GROUP,
            "traffic_region": WEST,
            "table_name": TABLE,
            "run_id": "run-1",
            "deadline": DEADLINE,
        }
        return region_fence.run({**params, **more}, self.clients)

    def info(self, since: float = 0.0, **more: Any) -> dict[str, Any]:
        params = {"region": EAST, "regions": [EAST, WEST], "table_name": TABLE, "since": since, "deadline": DEADLINE}
        clusters = {region: f"c-{region}" for region in (EAST, WEST)}
        return fence_info.run({**params, "db_clusters": clusters, **more}, self.clients)

    def items(self) -> list[int]:
        """How many items each control table has."""
        return [self.lab.client("dynamodb", region).scan(TableName=TABLE)["Count"] for region in (EAST, WEST)]

    def changed(self) -> list[str]:
        """The operations that changed something since the lab was copied, but for the tables' own."""
        return [call["operation"] for call in self.lab.calls() if call["mutating"] and call["service"] != "dynamodb"]


@pytest.fixture(scope="module")
def whole(empty_server: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fenced]:
    """What the tests take copies of."""
    with empty_server.fork(tmp_path_factory.mktemp("whole")) as lab:
        yield Fenced(lab)


@pytest.fixture
def fenced(whole: Fenced, tmp_path: Path) -> Iterator[Fenced]:
    """A copy to break."""
    with whole.lab.fork(tmp_path / "copy") as lab:
        yield whole.on(lab)


def test_no_rule_is_left_and_giving_back_shows_the_very_same_group(fenced: Fenced) -> None:
    before = fenced.shown()
    assert len(before["IpPermissions"][0]["IpRanges"]) == 2 and before["IpPermissions"][0]["UserIdGroupPairs"]
    assert fenced.fence()["fenced"] == "fenced"
    assert fenced.shown() == {**before, "IpPermissions": []}
    assert not fenced.fence(run_id="run-2")["changed"]
    assert fenced.items() == [1, 1]
    found = fenced.info()
    assert found["outcome"] == "not proven" and found["fences"][EAST]["removed"] == before["IpPermissions"]
    assert fenced.fence("absent")["changed"]
    assert fenced.shown() == before
    assert fenced.items() == [0, 0]
    assert not fenced.fence("absent")["changed"]
    assert fenced.changed() == ["RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress"]


def test_no_instance_is_left_and_the_sizes_come_back(fenced: Fenced) -> None:
    assert fenced.fence(mode="application_capacity")["fenced"] == "fenced"
    assert fenced.sizes() == (0, 0, 6)
    assert fenced.fence("absent")["changed"]
    assert fenced.sizes() == (2, 3, 6)


@pytest.mark.parametrize("mode", ["reset", "hang", "5xx"])
def test_a_lost_region_is_not_fenced_within_the_deadline(fenced: Fenced, mode: str) -> None:
    before = fenced.shown()
    fenced.lab.outage(EAST, mode)
    began = time.monotonic()
    done = fenced.fence(deadline=SHORT)
    assert time.monotonic() - began < SHORT + 1.0
    assert done["fenced"] == "not fenced" and done["copied_to"] == [WEST], done["reason"]
    found = fenced.info(deadline=1.0)
    assert found["fences"][EAST]["state"] == "failed" and found["outcome"] == "unknown", found
    with pytest.raises(MultiRegionError, match="was not restored"):
        fenced.fence("absent", deadline=1.0)
    fenced.lab.restore()
    assert fenced.shown() == before
    assert fenced.fence("absent")["changed"] and fenced.items() == [0, 0]
    assert fenced.changed() == []


def test_a_region_lost_in_the_middle_is_unknown_and_the_next_run_finds_out(fenced: Fenced) -> None:
    fenced.lab.fault("hang", region=EAST, service="ec2", operation="RevokeSecurityGroupIngress")
    done = fenced.fence(deadline=1.5 * SHORT)
    assert done["fenced"] == "unknown" and "interrupted after it was requested" in done["reason"]
    assert done["document"]["state"] == "intended" and done["copied_to"] == [WEST]
    fenced.lab.clear_faults()
    assert fenced.info()["outcome"] == "unknown"
    assert fenced.fence()["fenced"] == "fenced"


@pytest.mark.parametrize(("is_lost", "state"), [(False, "fenced"), (True, "timed_out")])
def test_auroras_own_fencing_is_reported_wherever_it_was_recorded(fenced: Fenced, is_lost: bool, state: str) -> None:
    since = time.time() - 1
    if is_lost:
        fenced.lab.outage(EAST, "reset")
    arn = fenced.lab.client("rds", WEST).describe_db_clusters()["DBClusters"][0]["DBClusterArn"]
    fenced.lab.client("rds", WEST).failover_global_cluster(
        GlobalClusterIdentifier=GLOBAL, TargetDbClusterIdentifier=arn, AllowDataLoss=True
    )
    found = fenced.info(since)
    assert found["aurora"][EAST]["state"] == state and found["aurora"][WEST]["state"] == "unknown"
    assert f"c-{EAST} in Region {EAST}" in found["aurora"][EAST]["message"]
    assert found["outcome"] == ("fenced" if state == "fenced" else "unknown")
