# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the tags of an inventory find the parts of a network that others have made. Pure.

Of each part but the subnets exactly one must be found, and all of them must be the cluster's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.rows import MISSING, OK, Row, unread

VPC, SUBNETS, GROUP, ACL = "vpc", "subnets", "security_group", "network_acl"
# The name of each part in sentences, and the variable with its tags.
PARTS = {
    VPC: ("VPC", "network_vpc_tags"),
    SUBNETS: ("database subnets", "network_database_subnet_tags"),
    GROUP: ("database security group", "network_database_security_group_tags"),
    ACL: ("database network ACL", "network_database_network_acl_tags"),
}

Tags = Mapping[str, Mapping[str, Any]]
Cluster = Mapping[str, Any]


def found_ids(fact: Observation, part: str) -> Sequence[str]:
    """Return the ids that the tags of a part have found; empty if they could not be read."""
    return (fact.value or {}).get(part, ()) if fact.known else ()


def only_id(fact: Observation, part: str) -> str:
    """Return the one id that the tags of a part have found; empty if there are none or several."""
    found = found_ids(fact, part)
    return found[0] if len(found) == 1 else ""


def shown_tags(tags: Mapping[str, Any]) -> str:
    """Return tags as sentences have them: Team=orders, Stage=live."""
    return ", ".join(f"{name}={value}" for name, value in tags.items())


def row_unless_one(row: Row, shown: str, found: Sequence[str], untagged: str, ambiguous: str) -> Row | None:
    """Return what is missing if the tags find nothing, or more than one; None if they find exactly one.

    row: the region and what is looked for. untagged, ambiguous: the remedies.
    """
    if not found:
        return replace(row, state=MISSING, reason=f"Nothing has the tags {shown}.", remedy=untagged)
    if len(found) > 1:
        reason = f"{', '.join(found)} have the tags {shown}; which one is meant is unknown."
        return replace(row, state=MISSING, reason=reason, remedy=ambiguous)
    return None


def tagged_rows(region: str, tags: Tags, fact: Observation, cluster: Cluster) -> Iterator[Row]:
    """Yield a row for each part of a region's network that tags name.

    fact: {part: [ids]}. cluster: what was read of the database there; empty if it is unknown or not there.
    """
    for part, (what, variable) in PARTS.items():
        if not tags.get(part):
            continue
        shown, found = shown_tags(tags[part]), found_ids(fact, part)
        ok = Row(region, what, OK, f"The tags {shown} find {', '.join(found)}.")
        remedies = (f"Correct {variable}, or tag it.", f"Add a tag to {variable} that only one of them has.")
        if not fact.known:
            yield unread(region, what, fact.error)
        elif row := row_unless_one(ok, shown, found[:1] if part == SUBNETS else found, *remedies):
            yield row
        elif stray := _stray(part, found, cluster):
            yield Row(
                region, what, MISSING, f"The tags {shown} find {', '.join(found)}, {stray}.", f"Correct {variable}."
            )
        else:
            yield ok


def _stray(part: str, found: Sequence[str], cluster: Cluster) -> str:
    """Return in which way what was found is not the cluster's; empty if it is. A fence checks group and ACL itself."""
    if part == VPC and cluster.get("vpc_id") not in (None, *found):
        return f"but the cluster is in {cluster['vpc_id']}"
    if part == SUBNETS and cluster and sorted(found) != sorted(cluster["subnet_ids"]):
        return f"but the cluster's subnets are {', '.join(cluster['subnet_ids'])}"
    return ""
