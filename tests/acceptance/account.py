# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the account is the one that is meant, and has room for the platform. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import version_key

ENGINE = "aurora-mysql"
# (service, quota, what one more is needed of in each region, how many are used): the account's default quotas are 5.
VPCS, ADDRESSES = "L-F678F1CE", "L-0263D0A3"

Clients = Callable[[str, str], Any]


class Unfit(Exception):
    """The account is another one, or lacks something; each argument is a sentence."""


def account_of(clients: Clients, regions: Sequence[str]) -> str:
    """The account of the credentials, asked of each region's own STS. Raises Unfit."""
    found = {}
    for region in regions:
        try:
            found[region] = clients("sts", region).get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise Unfit(f"STS in {region} does not know the credentials: {error}") from None
    if len(set(found.values())) > 1:
        raise Unfit(f"The credentials belong to different accounts: {found}; allowed: one account.")
    return found[regions[0]]


def versions_of(clients: Clients, regions: Sequence[str]) -> list[str]:
    """The newest version that all regions offer, after an older one of which it is a minor upgrade. Raises Unfit."""
    offered, targets = None, {}
    for region in regions:
        pages = clients("rds", region).get_paginator("describe_db_engine_versions").paginate(Engine=ENGINE)
        found = [one for page in pages for one in page["DBEngineVersions"]]
        here = {one["EngineVersion"] for one in found if one.get("SupportsGlobalDatabases")}
        offered = here if offered is None else offered & here
        targets |= {one["EngineVersion"]: [to["EngineVersion"] for to in _minor(one)] for one in found}
    pairs = [(old, new) for old in offered or () for new in targets[old] if new in offered]
    if not pairs:
        raise Unfit(
            f"{ENGINE} has no two versions in {' and '.join(regions)} of which one can be upgraded to the other."
        )
    old, new = max(pairs, key=lambda pair: (version_key(pair[1]), version_key(pair[0])))
    return [old, new]


def _minor(version: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for target in version.get("ValidUpgradeTarget", ()):
        if not target["IsMajorVersionUpgrade"] and target.get("SupportsGlobalDatabases", True):
            yield target


def lacks(clients: Clients, regions: Sequence[str]) -> list[str]:
    """Sentences about quotas that have no room for the platform; one that cannot be read is one too."""
    return [sentence for region in regions for sentence in _lacks_in(clients, region)]


def _lacks_in(clients: Clients, region: str) -> Iterator[str]:
    try:
        ec2, quotas = clients("ec2", region), clients("service-quotas", region)
        used = {VPCS: len(ec2.describe_vpcs()["Vpcs"]), ADDRESSES: len(ec2.describe_addresses()["Addresses"])}
        for service, code, what in (("vpc", VPCS, "VPCs"), ("ec2", ADDRESSES, "Elastic IP addresses")):
            quota = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
            if used[code] >= quota:
                yield f"{region} has {used[code]} of at most {quota:g} {what}; one more is needed."
        for quota in clients("rds", region).describe_account_attributes()["AccountQuotas"]:
            if quota["AccountQuotaName"] in ("DBClusters", "DBInstances") and quota["Used"] >= quota["Max"]:
                name, used, most = quota["AccountQuotaName"], quota["Used"], quota["Max"]
                yield f"{region} has {used} of at most {most} {name}; one more is needed."
    except (BotoCoreError, ClientError) as error:
        yield f"A quota could not be read in {region}: {error}"
