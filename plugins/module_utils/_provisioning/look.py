# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read what a provisioning is compared with, from all regions in parallel, and judge it. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import describe_global_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import facts_of
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import describe_group
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    MANIFEST_ID,
    get_documents,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import freshest
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import make_clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import retry_transient, timed
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.plan import (
    APPLICATION,
    AUDIT,
    DATABASE,
    MANIFEST,
    MONITORING,
    NETWORK,
    OBJECT_STORAGE,
    SECRET,
    SESSION_TABLE,
    Seen,
    Wanted,
    judge,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.global_table import describe_table
from ansible_collections.trading.multi_region.plugins.module_utils._stores.secret_family import read_secret

SERVICES = ("dynamodb", "ec2", "rds", "secretsmanager")
SERVICES_OF = {
    AUDIT: "s3",
    SESSION_TABLE: "dynamodb",
    OBJECT_STORAGE: "s3",
    APPLICATION: "autoscaling",
    MONITORING: "sns",
}


@aws_call("HeadBucket", missing=("404",))
def has_bucket(client: Any, name: str) -> bool | None:
    """Return True if the account has this bucket, None if nobody has it.

    S3 responds 403 for a bucket of another account, and only with a status code because the response has no body
    ("HeadBucket" of the S3 API Reference).
    """
    client.head_bucket(Bucket=name)
    return True


@aws_call("ListTopics")
def has_topic(client: Any, name: str) -> bool:
    """Return whether there is a topic of this name. Its ARN would need the account."""
    pages = client.get_paginator("list_topics").paginate()
    return any(one["TopicArn"].endswith(f":{name}") for page in pages for one in page["Topics"])


FINDERS: dict[str, Callable[[Any, str], Any]] = {
    AUDIT: has_bucket,
    SESSION_TABLE: describe_table,
    OBJECT_STORAGE: has_bucket,
    APPLICATION: describe_group,
    MONITORING: has_topic,
}


@aws_call("DescribeVpcs")
def read_vpcs(client: Any, name: str) -> list[dict[str, Any]]:
    """Return {vpc_id, cidr, cidrs} of every VPC with this tag Name; cidrs: with those that were added to it."""
    pages = client.get_paginator("describe_vpcs").paginate(Filters=[{"Name": "tag:Name", "Values": [name]}])
    return [
        {
            "vpc_id": one["VpcId"],
            "cidr": one["CidrBlock"],
            "cidrs": sorted(
                {one["CidrBlock"], *(more["CidrBlock"] for more in one.get("CidrBlockAssociationSet", ()))}
            ),
        }
        for page in pages
        for one in page["Vpcs"]
    ]


def read_manifest_copy(client: Any, table: str) -> dict[str, Any] | None:
    """Return {document, written_at} of a region's manifest, or None if there is no manifest or no table."""
    try:
        return get_documents(client, table, [MANIFEST_ID])[MANIFEST_ID]
    except AwsCallError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None


def resources_of(params: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """Return {part: {region: name}} of the option ``resources``."""
    return params.get("resources") or {}


def readers(params: Mapping[str, Any], clients: Any, region: str) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe one region, by fact."""

    def of_database() -> dict[str, Any] | None:
        found = describe_global_cluster(clients("rds", region), params["global_cluster_identifier"])
        return facts_of(found) if found else None

    def finder(part: str, name: str) -> Callable[[], Any]:
        return lambda: bool(FINDERS[part](clients(SERVICES_OF[part], region), name))

    return {
        **{part: finder(part, names[region]) for part, names in resources_of(params).items() if region in names},
        MANIFEST: lambda: read_manifest_copy(clients("dynamodb", region), params["table_name"]),
        NETWORK: lambda: read_vpcs(clients("ec2", region), params["vpc_name"]),
        SECRET: lambda: read_secret(clients("secretsmanager", region), params["secret_name"]),
        DATABASE: of_database,
    }


def wanted_of(params: Mapping[str, Any]) -> Wanted:
    """Return what the inventory says."""
    return Wanted(
        regions=tuple(params["regions"]),
        vpc_cidrs=params["vpc_cidrs"],
        vpc_name=params["vpc_name"],
        secret_name=params["secret_name"],
        global_cluster_identifier=params["global_cluster_identifier"],
        engine_version=params.get("engine_version") or None,
        resources=resources_of(params),
        layers=params.get("layers") or {},
        leaving=params.get("leaving_region") or None,
        is_lost=bool(params.get("leaving_region_lost")),
        states=params.get("layer_states") or {},
    )


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return changed (False), manifest_region and what ``judge`` returns.

    Raises MultiRegionError if a resource has no name in a region.
    """
    regions, leaving = tuple(params["regions"]), params.get("leaving_region") or None
    everywhere = regions if leaving is None or leaving in regions else (*regions, leaving)
    resources = resources_of(params)
    for part, names in resources.items():
        if missing := [region for region in regions if not names.get(region)]:
            raise MultiRegionError(f"resources has no {part} of {', '.join(missing)}; allowed: a name for each region.")
    make_clients(clients, {*SERVICES, *(SERVICES_OF[part] for part in resources)}, everywhere)
    wanted = wanted_of(params)
    calls = {
        (region, name): lambda call=call: retry_transient(call)
        for region in everywhere
        for name, call in readers(params, clients, region).items()
        if name in wanted.parts
    }
    answers = observe_all(calls, params["deadline"])
    facts = {
        region: Facts(region, {name: answer for (where, name), answer in answers.items() if where == region})
        for region in everywhere
    }
    apart = facts.get(leaving) if leaving in regions else facts.pop(leaving, None)
    found = freshest({region: seen[MANIFEST] for region, seen in facts.items()})
    judged = judge(Seen(wanted, facts, found[1]["document"] if found else None, apart))
    return {"changed": False, **judged, "manifest_region": found[0] if found else None}
