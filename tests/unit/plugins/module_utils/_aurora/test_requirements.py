# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nothing is deleted for a replacement that AWS would refuse: each thing that is missing is named."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.requirements import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

VERSION, FAMILY = "8.0.mysql_aurora.3.08.0", "aurora-mysql8.0"


class FakeRegion(FakeAws):
    """A region in which everything is there; None where something is not."""

    def __init__(self):
        super().__init__()
        self.version = {"EngineVersion": VERSION, "DBParameterGroupFamily": FAMILY, "SupportsGlobalDatabases": True}
        self.subnets = {"SubnetGroupStatus": "Complete"}
        self.cluster_group = self.group = {"DBParameterGroupFamily": FAMILY}
        self.instances = 2
        self.quotas = {"DBClusters": (40, 40), "DBInstances": (40, 40), "ManualClusterSnapshots": (3, 100)}

    def describe_db_engine_versions(self, region, Engine, EngineVersion):
        return {"DBEngineVersions": [self.version] if self.version else []}

    def describe_db_subnet_groups(self, region, DBSubnetGroupName):
        return {"DBSubnetGroups": [found(self.subnets, "DBSubnetGroupNotFoundFault")]}

    def describe_db_cluster_parameter_groups(self, region, DBClusterParameterGroupName):
        return {"DBClusterParameterGroups": [found(self.cluster_group, "DBParameterGroupNotFound")]}

    def describe_db_parameter_groups(self, region, DBParameterGroupName):
        return {"DBParameterGroups": [found(self.group, "DBParameterGroupNotFound")]}

    def describe_db_clusters(self, region, DBClusterIdentifier):
        return {"DBClusters": [found(self.instances, "DBClusterNotFoundFault")]}

    def describe_db_instances(self, region, Filters):
        return {"DBInstances": [{}] * (self.instances or 0)}

    def describe_account_attributes(self, region):
        shown = self.quotas.items()
        return {
            "AccountQuotas": [{"AccountQuotaName": name, "Used": used, "Max": most} for name, (used, most) in shown]
        }


def found(thing, fault):
    """Return a thing, or raise its fault."""
    if thing is None:
        raise aws_error(fault, status=404)
    return thing


@pytest.fixture
def aws():
    return FakeRegion()


def ask(aws, fake_time, **given):
    names = (
        "db_cluster_identifier",
        "db_subnet_group_name",
        "db_cluster_parameter_group_name",
        "db_parameter_group_name",
    )
    params = {"region": "us-east-1", "engine": "aurora-mysql", "engine_version": VERSION, "instance_count": 2}
    return run(params | dict.fromkeys(names, "trading") | given, aws.clients, **fake_time.passing)


def test_what_is_replaced_makes_room_for_its_replacement(aws, fake_time):
    assert ask(aws, fake_time)["reason"] == "trading can be created in us-east-1."
    assert aws.writes() == []


MISSING = [
    ({"version": None}, f"aurora-mysql {VERSION} is not offered"),
    ({"version": {"EngineVersion": VERSION, "Status": "deprecated"}}, "is deprecated"),
    ({"version": {"EngineVersion": VERSION, "SupportsGlobalDatabases": False}}, "supports no global databases"),
    ({"subnets": None}, "the subnet group trading does not exist"),
    ({"subnets": {"SubnetGroupStatus": "Invalid"}}, "the subnet group trading is Invalid"),
    ({"cluster_group": None}, "the cluster parameter group trading does not exist"),
    (
        {"group": {"DBParameterGroupFamily": "aurora-mysql5.7"}},
        f"of the family aurora-mysql5.7, the version needs {FAMILY}",
    ),
    ({"instances": None}, "the quota DBClusters of 40 has room for 0, needed: 1"),
    ({"instances": 1}, "the quota DBInstances of 40 has room for 0, needed: 1"),
    ({"quotas": {"ManualClusterSnapshots": (100, 100)}}, "the quota ManualClusterSnapshots of 100 has room for 0"),
]


@pytest.mark.parametrize(("change", "words"), MISSING)
def test_what_is_missing_is_named(aws, fake_time, change, words):
    vars(aws).update(change)
    with pytest.raises(Refused) as refusal:
        ask(aws, fake_time)
    assert words in str(refusal.value) and "Nothing has been deleted" in str(refusal.value)


def test_everything_that_is_missing_is_named_together(aws, fake_time):
    aws.version = aws.subnets = aws.group = None
    with pytest.raises(Refused) as refusal:
        ask(aws, fake_time)
    assert len(refusal.value.evidence["problems"]) == 3


def test_what_could_not_be_asked_is_no_leave_to_delete(aws, fake_time):
    aws.fail("describe_account_attributes", aws_error("AccessDenied", status=403))
    with pytest.raises(AwsCallError, match="AccessDenied"):
        ask(aws, fake_time)
