# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read what a provisioning is compared with, from all regions in parallel, and judge it. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import describe_global_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import facts_of
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    MANIFEST_ID,
    get_documents,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import freshest
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import make_clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import retry_transient, timed
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.plan import (
    DATABASE,
    MANIFEST,
    NETWORK,
    SECRET,
    Seen,
    Wanted,
    judge,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.secret_family import read_secret

SERVICES = ("dynamodb", "ec2", "rds", "secretsmanager")


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


def readers(params: Mapping[str, Any], clients: Any, region: str) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe one region, by fact."""

    def of_database() -> dict[str, Any] | None:
        found = describe_global_cluster(clients("rds", region), params["global_cluster_identifier"])
        return facts_of(found) if found else None

    return {
        MANIFEST: lambda: read_manifest_copy(clients("dynamodb", region), params["table_name"]),
        NETWORK: lambda: read_vpcs(clients("ec2", region), params["vpc_name"]),
        SECRET: lambda: read_secret(clients("secretsmanager", region), params["secret_name"]),
        DATABASE: of_database,
    }


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return changed (False), manifest_region and what ``judge`` returns."""
    regions, leaving = tuple(params["regions"]), params.get("leaving_region") or None
    everywhere = regions if leaving is None or leaving in regions else (*regions, leaving)
    make_clients(clients, SERVICES, everywhere)
    calls = {
        (region, name): lambda call=call: retry_transient(call)
        for region in everywhere
        for name, call in readers(params, clients, region).items()
    }
    answers = observe_all(calls, params["deadline"])
    facts = {
        region: Facts(region, {name: answer for (where, name), answer in answers.items() if where == region})
        for region in everywhere
    }
    apart = facts.get(leaving) if leaving in regions else facts.pop(leaving, None)
    found = freshest({region: seen[MANIFEST] for region, seen in facts.items()})
    wanted = Wanted(
        regions=regions,
        vpc_cidrs=params["vpc_cidrs"],
        vpc_name=params["vpc_name"],
        secret_name=params["secret_name"],
        global_cluster_identifier=params["global_cluster_identifier"],
        engine_version=params.get("engine_version") or None,
        leaving=leaving,
        is_lost=bool(params.get("leaving_region_lost")),
    )
    judged = judge(Seen(wanted, facts, found[1]["document"] if found else None, apart))
    return {"changed": False, **judged, "manifest_region": found[0] if found else None}
