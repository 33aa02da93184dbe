# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lab refuses what EC2 refuses about network ACLs, and the fence turns one entry there and back."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._fence.resources import DatabaseNetworkAcl
from lab.client import Lab
from tests.lab.failover_platform import EAST

RULE = {
    "RuleNumber": 10,
    "Protocol": "6",
    "RuleAction": "allow",
    "Egress": False,
    "CidrBlock": "0.0.0.0/0",
    "PortRange": {"From": 3306, "To": 3306},
}
ALL = {**RULE, "RuleNumber": 100, "Protocol": "-1"}


def refused(call: Any, **given: Any) -> str:
    """Return the code with which EC2 refuses a call."""
    with pytest.raises(ClientError) as error:
        call(**given)
    return error.value.response["Error"]["Code"]


@pytest.fixture
def ec2(lab: Lab) -> Any:
    return lab.client("ec2", EAST)


@pytest.fixture
def acl(ec2: Any) -> str:
    """A network ACL of one subnet, without rules."""
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (before,) = ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    (association,) = [one for one in before["Associations"] if one["SubnetId"] == subnet]
    ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=made)
    return made


def entries(ec2: Any, acl: str) -> dict[tuple[bool, int], str]:
    found = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    return {(one["Egress"], one["RuleNumber"]): one["RuleAction"] for one in found}


def test_a_new_acl_denies_everything(ec2: Any, acl: str) -> None:
    assert entries(ec2, acl) == {(True, 32767): "deny", (False, 32767): "deny"}


def test_entries_that_ec2_refuses_are_refused_and_change_nothing(ec2: Any, acl: str) -> None:
    ec2.create_network_acl_entry(NetworkAclId=acl, **RULE)
    before = entries(ec2, acl)
    create, replace = ec2.create_network_acl_entry, ec2.replace_network_acl_entry
    no_ports = {name: value for name, value in RULE.items() if name != "PortRange"}
    assert refused(create, NetworkAclId=acl, **RULE) == "NetworkAclEntryAlreadyExists"
    for number in (0, 32767):
        assert refused(create, NetworkAclId=acl, **{**RULE, "RuleNumber": number}) == "InvalidParameterValue"
    assert refused(replace, NetworkAclId=acl, **no_ports) == "MissingParameter"
    assert refused(replace, NetworkAclId=acl, **{**RULE, "RuleNumber": 11}) == "InvalidNetworkAclEntry.NotFound"
    assert refused(replace, NetworkAclId=acl, **{**RULE, "Egress": True}) == "InvalidNetworkAclEntry.NotFound"
    assert refused(replace, NetworkAclId="acl-00000000", **RULE) == "InvalidNetworkAclID.NotFound"
    assert refused(ec2.describe_network_acls, NetworkAclIds=["acl-00000000"]) == "InvalidNetworkAclID.NotFound"
    assert entries(ec2, acl) == before


def test_a_direction_has_at_most_twenty_rules(ec2: Any, acl: str) -> None:
    for number in range(1, 21):
        ec2.create_network_acl_entry(NetworkAclId=acl, **{**RULE, "RuleNumber": number})
    code = refused(ec2.create_network_acl_entry, NetworkAclId=acl, **{**RULE, "RuleNumber": 21})
    assert code == "NetworkAclEntryLimitExceeded"
    ec2.create_network_acl_entry(NetworkAclId=acl, **{**RULE, "Egress": True})
    ec2.replace_network_acl_entry(NetworkAclId=acl, **{**RULE, "RuleAction": "deny"})


def test_a_vpc_takes_only_its_default_acl_along_and_a_subnet_its_association(ec2: Any, acl: str) -> None:
    (found,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    vpc, (association,) = found["VpcId"], found["Associations"]
    assert refused(ec2.delete_network_acl, NetworkAclId=acl) == "DependencyViolation"
    ec2.delete_subnet(SubnetId=association["SubnetId"])
    assert ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Associations"] == []
    assert refused(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    ec2.delete_network_acl(NetworkAclId=acl)
    ec2.delete_vpc(VpcId=vpc)
    assert ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"] == []


def test_the_fence_is_one_call_a_direction_there_and_one_back(lab: Lab, ec2: Any, acl: str) -> None:
    for egress in (True, False):
        ec2.create_network_acl_entry(NetworkAclId=acl, **{**ALL, "RuleNumber": 10, "Egress": egress})
    lab.clear_calls()
    fence, before = DatabaseNetworkAcl(ec2, acl), entries(ec2, acl)
    seen = fence.read()
    assert seen is not None and fence.is_open(seen)
    removed = fence.remember(None, seen)
    fence.take(seen)
    assert entries(ec2, acl) == {**before, (False, 10): "deny", (True, 10): "deny"}
    assert fence.give(fence.lacking(removed, fence.read() or {})) == []
    assert fence.read() == seen and entries(ec2, acl) == before
    made = [call["operation"] for call in lab.calls() if call["mutating"]]
    assert made == ["ReplaceNetworkAclEntry"] * 4
    assert DatabaseNetworkAcl(ec2, "acl-00000000").read() is None
