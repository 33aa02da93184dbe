# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Are the secrets of one name in several regions one secret with replicas? Pure, and the call that reads one.

secret: {arn, primary_region, is_deleted, replicas: {region: {status, message}}}, or None. A replica has the ARN of its
primary but for the region, and names the primary's region ("DescribeSecret" and "Secret ARN" of the AWS Secrets Manager
documentation); a secret without replicas names none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

Secrets: TypeAlias = "Mapping[str, Mapping[str, Any] | None]"
KEEP = "Keep its value if anything uses it"
FORCE = "--force-delete-without-recovery"
AGAIN = "run site.yml, which creates the replica."
PROMOTED = (
    "Give the secret that stays the value that the database accepts, and make the other one its replica: "
    "docs/password_rotation.md."
)


@aws_call("DescribeSecret", missing=("ResourceNotFoundException",))
def read_secret(client: Any, name: str) -> dict[str, Any] | None:
    """Return the secret without its value, or None if there is none."""
    found = client.describe_secret(SecretId=name)
    return {
        "arn": found["ARN"],
        "primary_region": found.get("PrimaryRegion"),
        "is_deleted": bool(found.get("DeletedDate")),
        "replicas": {
            one["Region"]: {"status": one.get("Status"), "message": one.get("StatusMessage")}
            for one in found.get("ReplicationStatus", [])
        },
    }


def identity(arn: str) -> str:
    """Return what the ARNs of a secret and of its replicas have in common: everything but the region."""
    parts = arn.split(":", 4)
    return ":".join([*parts[:3], *parts[4:]])


def primary_of(secrets: Secrets, order: Sequence[str]) -> str | None:
    """Return the region of the platform's primary secret, or None if no region has a secret.

    It may be a region that was not read: its replicas name it. Where the regions have secrets of several families, it
    is that of the largest one, and on a tie of the first region in order.
    """
    homes = {region: home_of(region, secrets[region]) for region in order if secrets.get(region)}

    def size(home: str) -> int:
        listed = (secrets.get(home) or {"replicas": ()})["replicas"]
        return len({home, *listed, *(region for region, one in homes.items() if one == home)})

    return max(homes.values(), key=size, default=None)


def home_of(region: str, secret: Mapping[str, Any]) -> str:
    """Return the region of the primary of a region's secret."""
    return secret["primary_region"] or region


def strangers(secrets: Secrets, primary: str | None, name: str) -> dict[str, tuple[str, str]]:
    """Return by region (why its secret is not the primary's replica, the remedy). Regions without a secret are omitted.

    name: of the secret. A promoted replica keeps its ARN; it may have the newer password, so nothing is deleted.
    """
    there = {region: secret for region, secret in secrets.items() if secret}
    family = [secret for region, secret in there.items() if home_of(region, secret) == primary]
    wanted, found = there.get(primary or "") or next(iter(family), None), {}
    for region, secret in there.items():
        home, is_same = home_of(region, secret), identity(secret["arn"]) == identity(wanted["arn"])
        delete = f"{KEEP}, delete it (aws secretsmanager delete-secret --region {region} --secret-id {name} {FORCE})"
        if home == primary and is_same:
            continue
        if home == region and is_same:
            why = f"was promoted to a secret of its own, apart from the one in {primary}: their passwords may differ"
            found[region] = f"{name} in {region} {why}.", PROMOTED
        elif home == region:
            why = f"is a secret of its own, not a replica of the one in {primary}: its password differs"
            found[region] = f"{name} in {region} {why}.", f"{delete}, then {AGAIN}"
        else:
            why = f"is a replica of {secret['arn']} in {home}, not of the secret in {primary}"
            remove = f"aws secretsmanager remove-regions-from-replication --region {home} --secret-id {name}"
            removal = f"Remove it ({remove} --remove-replica-regions {region})"
            found[region] = f"{name} in {region} {why}.", f"{removal}, then {AGAIN}"
    return found
