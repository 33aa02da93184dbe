# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic as three observers see it, and where they differ.

stored   what the switch contains, read with credentials: what this collection wrote.
public   what Route 53's health checkers read: the same object without credentials, at the endpoint of its region.
name     the region that the name leads to, as its name servers answer clients.

The account's S3 Block Public Access, a policy of the organization or a remediation can close the object to the second
one. The first still reads it, and the name follows the second. Only the backend ``s3_object`` has anything public; with
the others stored and name are compared.

What could not be read is unknown and no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import given
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import PUBLIC_S3
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN, Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.backends import (
    STATEMENTS,
    order_of,
    traffic_of,
    traffic_readers,
    traffic_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import S3_OBJECT
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.objects import get_statements_publicly

PUBLIC = "public_statements"
CLOSED, STALE, ELSEWHERE = "switch_closed", "switch_stale", "name_elsewhere"

OPEN_IT = (
    "Find what closed it: S3 Block Public Access of the account, a policy of the organization, or the bucket's own "
    "settings, which site.yml restores. If objects must not be public, change to traffic_switch_backend "
    "cloudwatch_metric (roles/traffic/README.md)."
)
ONLY_HERE = (
    " If the name still leads to the right region after two minutes, only this machine is denied, for example by the "
    "policy of a VPC endpoint for S3."
)
LOOK_AGAIN = "Check that nothing between S3 and this machine caches the object, then look again."
FOLLOW_IT = (
    "If a move has just ended, look again after two minutes. Otherwise run readiness.yml, which compares the records "
    "and health checks with the switch, and site.yml, which restores them."
)


@dataclass(frozen=True)
class Difference:
    """One difference: its code, the region whose switch it is about (all: the name), the sentence and the remedy."""

    code: str
    region: str
    reason: str
    remedy: str

    def as_result(self) -> dict[str, str]:
        """Return it as modules return it."""
        return asdict(self)


def public_reader(clients: Any, manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return the call that reads a region's switch as Route 53's checkers do, by fact; {} if nothing of it is public.

    The fact is a list of statements, or None if the object is closed or absent.
    """
    traffic = traffic_of(manifest)
    if traffic["backend"] != S3_OBJECT:
        return {}
    region, key = entry["region"], traffic["switch_key"]
    return {PUBLIC: lambda: get_statements_publicly(clients(PUBLIC_S3, region), given(entry, "control_bucket"), key)}


def readers(clients: Any, manifest: Mapping[str, Any]) -> dict[tuple[str, str], Callable[[], Any]]:
    """Return the calls that read the stored and the public view, by (region, fact)."""
    return {
        (entry["region"], fact): call
        for entry in manifest["regions"]
        for fact, call in {
            **traffic_readers(clients, manifest, entry),
            **public_reader(clients, manifest, entry),
        }.items()
    }


def differences(manifest: Mapping[str, Any], facts: Mapping[str, Facts], name: Observation) -> list[Difference]:
    """Return where the three views differ. Pure.

    facts: by region, with what ``readers`` reads. name: the region that the name leads to, or unknown if it leads to
    none of them; its value is (region, sentence).
    """
    found = []
    for region in order_of(manifest):
        stored, public = facts[region][STATEMENTS], facts[region][PUBLIC]
        if stored.known and public.known:
            found += of_object(region, stored.value or [], public.value)
    says = traffic_region(manifest, facts)
    if says and name.known and name.value[0] != says:
        where, sentence = name.value
        leads = f"leads to {where}" if where != UNKNOWN else f"leads to no region ({sentence.rstrip('.')})"
        domain = traffic_of(manifest).get("domain") or "the name"
        remedy = "Open the switch first." if any(one.code == CLOSED for one in found) else FOLLOW_IT
        return [*found, Difference(ELSEWHERE, "all", f"{domain} {leads}, but the switch says {says}.", remedy)]
    return [replace(one, remedy=one.remedy + ONLY_HERE) if one.code == CLOSED else one for one in found]


def of_object(region: str, stored: list[str], public: list[str] | None) -> list[Difference]:
    """Return how one region's object differs between a reader with credentials and one without. Pure."""
    if set(stored) == set(public or ()):
        return []
    if public is None:
        words = (
            f"Route 53's health checkers cannot read the switch of {region}: a request without credentials is denied, "
            f"so {' '.join(stored)} does not count."
        )
        return [Difference(CLOSED, region, words, OPEN_IT)]
    shown = " ".join(public) or "nothing"
    contained = " ".join(stored) or "nothing"
    words = f"Route 53's health checkers read {shown} in the switch of {region}, which contains {contained}."
    return [Difference(STALE, region, words, LOOK_AGAIN)]


def as_result(manifest: Mapping[str, Any], facts: Mapping[str, Facts], name: Observation) -> dict[str, Any]:
    """Return the comparison as region_traffic_info returns it. Pure."""
    unknown = {
        f"{fact} of {region}": str(seen[fact].error)
        for region, seen in facts.items()
        for fact in ((STATEMENTS, PUBLIC) if traffic_of(manifest)["backend"] == S3_OBJECT else ())
        if not seen[fact].known
    }
    return {
        "switch_region": traffic_region(manifest, facts) or UNKNOWN,
        "switch": {region: seen.as_evidence() for region, seen in facts.items()},
        "problems": [one.as_result() for one in differences(manifest, facts, name)],
        "unknown": {**unknown, **({} if name.known else {"name": str(name.error)})},
    }
