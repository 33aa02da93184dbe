# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS must look up before it can authorize a request: tags, and the resources behind ids and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from lab.services.accelerator import EDGE


def tags_on(arn: str) -> dict[str, str]:
    """The tags of what an ARN names. Policies of this project ask for those of EC2's resources, keys, accelerators."""
    _arn, _partition, service, region, *_account = arn.split(":", 4) if arn != "*" else [""] * 4
    name = arn.rpartition("/")[2]
    if service == "ec2":
        return ec2_backends[DEFAULT_ACCOUNT_ID][region].tags.get(name, {})
    if service == "globalaccelerator":
        found = EDGE.accelerators.get(arn)
        return found.tags if found else {}
    if service == "kms":
        return kms_backends[DEFAULT_ACCOUNT_ID][region].tagger.get_tag_dict_for_resource(name)
    return {}


def aliases_on(arn: str) -> list[str]:
    """The aliases of the key that an ARN names; none for anything else.

    "kms:ResourceAliases" of "Condition keys for AWS KMS" of the KMS Developer Guide.
    """
    _arn, _partition, service, region, *_account = arn.split(":", 4) if arn != "*" else [""] * 4
    key = kms_backends[DEFAULT_ACCOUNT_ID][region].keys.get(arn.rpartition("/")[2]) if service == "kms" else None
    return sorted(key.aliases) if key else []


def key_id(region: str, name: str) -> str | None:
    """The id of the key of an alias, None for an unknown alias; any other name as it is."""
    if not name.startswith("alias/"):
        return name
    keys = kms_backends[DEFAULT_ACCOUNT_ID][region].keys.values()
    return next((key.id for key in keys if name in key.aliases), None)


def name_with_path(kind: str, name: str, given: Mapping[str, Any]) -> str:
    """A name of IAM as its ARN has it: with the path of what exists, else of the request that creates it.

    "IAM identifiers" of the IAM User Guide; the Service Authorization Reference calls it RoleNameWithPath.
    """
    backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    places = {
        "instance-profile": backend.instance_profiles,
        "policy": backend.managed_policies,
        "role": backend.roles,
        "user": backend.users,
    }
    known = next((one.path for one in places.get(kind, {}).values() if one.name == name), None)
    return (known or str(given.get("Path") or "/")).lstrip("/") + name


def behind(region: str, given: Mapping[str, Any]) -> list[str]:
    """The EC2 ids behind those that a request names: the accepter of a peering, both sides of an association."""
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    peering = backend.vpc_pcxs.get(given.get("VpcPeeringConnectionId"))
    found = [peering.peer_vpc.id] if peering else []
    for acl in backend.network_acls.values():
        if given.get("AssociationId") in acl._associations:
            found.append(acl._associations[given["AssociationId"]].subnet_id)
    for table in backend.route_tables.values():
        if given.get("AssociationId") in table._associations:
            found += [table.id, table._associations[given["AssociationId"]]]
    return found


@dataclass(frozen=True)
class Launch:
    """What a launch template describes: its id, ids of its image and security groups, tags by type, roles' ARNs."""

    template: str
    image: str
    security_groups: list[str]
    tags: dict[str, dict[str, str]]
    roles: list[str]


def launch_of(region: str, specification: Mapping[str, str]) -> Launch | None:
    """The launch template with an id or name, and version; None if there is no such template."""
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    by_name = backend.launch_template_name_to_ids.get(specification.get("LaunchTemplateName", ""))
    template = backend.launch_templates.get(specification.get("LaunchTemplateId") or by_name)
    if template is None:
        return None
    data = template.get_version(specification.get("Version", "$Default")).data
    arn = (data.get("IamInstanceProfile") or {}).get("Arn")
    profiles = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].instance_profiles.values()
    return Launch(
        template.id,
        data.get("ImageId", ""),
        data.get("SecurityGroupIds", []),
        {
            one["ResourceType"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]}
            for one in data.get("TagSpecifications", [])
        },
        [role.arn for profile in profiles if profile.arn == arn for role in profile.roles],
    )


def is_there(bucket: str, key: str) -> bool:
    """Whether a bucket holds an object."""
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(bucket)
    return found is not None and key in found.keys
