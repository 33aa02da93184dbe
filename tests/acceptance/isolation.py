# SPDX-License-Identifier: GPL-3.0-or-later
"""A region that nobody reaches: its network ACLs deny everything, before any rule that allows.

It is as far as an account can isolate a region by itself: its load balancer, instances and database are cut off, AWS's
own API still responds. Facts used: VPC User Guide, "Network ACL basics" (the lowest number decides; stateless).
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

# Before the platform's own rules, of which none has this number (roles/network/vars/main.yml).
NUMBER = 7


def acls_of(ec2: Any, vpc_name: str) -> list[str]:
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [vpc_name]}])["Vpcs"]
    of_them = [{"Name": "vpc-id", "Values": [vpc["VpcId"] for vpc in vpcs]}]
    return [acl["NetworkAclId"] for acl in ec2.describe_network_acls(Filters=of_them)["NetworkAcls"]]


def isolate(ec2: Any, vpc_name: str) -> int:
    """Deny everything, and return how many network ACLs do. Again changes nothing."""
    acls = acls_of(ec2, vpc_name)
    rule = {"RuleNumber": NUMBER, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}
    for acl in acls:
        for egress in (False, True):
            _unless(
                "NetworkAclEntryAlreadyExists", ec2.create_network_acl_entry, NetworkAclId=acl, Egress=egress, **rule
            )
    return len(acls)


def reconnect(ec2: Any, vpc_name: str) -> int:
    """Take the rules away, and return from how many network ACLs. Again changes nothing."""
    acls = acls_of(ec2, vpc_name)
    for acl in acls:
        for egress in (False, True):
            which = {"NetworkAclId": acl, "RuleNumber": NUMBER, "Egress": egress}
            _unless("InvalidNetworkAclEntry.NotFound", ec2.delete_network_acl_entry, **which)
    return len(acls)


def _unless(code: str, call: Any, **options: Any) -> None:
    try:
        call(**options)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
