# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether AWS offers a version of an engine, what it offers in its place, and where a version can be upgraded to. Pure.

Offers are DBEngineVersion structures of DescribeDBEngineVersions, with the keys of amazon.aws.rds_engine_versions_info.
The calendar is AWS's alone: it answers with what can be created on the day in the region that is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import engines

NAMED = 3


def is_available(offer: Mapping[str, Any]) -> bool:
    """Return whether AWS offers a version today, and does not merely know it."""
    return offer.get("status", "available") == "available"


def usable(offers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the versions that a new global database can have, oldest first."""
    return [one["engine_version"] for one in offers if one.get("supports_global_databases") and is_available(one)]


def nearest(engine: str, wanted: str, versions: Iterable[str]) -> list[str]:
    """Return up to three versions, nearest first: of the same major version before others, newer before older."""
    ordered = sorted(versions, key=engines.version_key)
    key, major = engines.version_key(wanted), engines.major_version(engine, wanted)
    newer = [one for one in ordered if engines.version_key(one) > key]
    older = [one for one in reversed(ordered) if engines.version_key(one) < key]
    own = [one for one in [*newer, *older] if engines.major_version(engine, one) == major]
    return [*own, *(one for one in [*newer, *older] if one not in own)][:NAMED]


def offer_problem(engine: str, wanted: str, offers: Mapping[str, Iterable[Mapping[str, Any]]]) -> str | None:
    """Return why a version cannot be used in every region, with the nearest that can, or None.

    offers: what AWS offers, by region.
    """
    lists = {region: list(found) for region, found in offers.items()}
    able = {region: usable(found) for region, found in lists.items()}
    missing = [region for region, found in able.items() if wanted not in found]
    if not missing:
        return None
    everywhere = [one for one in next(iter(able.values())) if all(one in found for found in able.values())]
    listed = [region for region in missing if any(one["engine_version"] == wanted for one in lists[region])]
    why = "is offered without global databases" if listed == missing else "is not offered"
    told = ", ".join(nearest(engine, wanted, everywhere)) or "none"
    return (
        f"{engines.of(engine).title} {wanted} {why} in {', '.join(missing)}; the nearest versions that are in "
        f"{', '.join(able)}: {told}."
    )


def upgrade_problem(engine: str, current: str, wanted: str, targets: Iterable[Mapping[str, Any]]) -> str | None:
    """Return why a global database cannot be upgraded to a version, with what it can be upgraded to, or None.

    targets: the ValidUpgradeTarget structures of the current version.
    """
    able = [one["engine_version"] for one in targets if one.get("supports_global_databases", True)]
    if wanted in able or wanted == current:
        return None
    why = "AWS offers no such upgrade"
    if engines.version_key(wanted) < engines.version_key(current):
        why = "AWS cannot go back to an older version"
    elif _skips(engine, current, wanted, able):
        why = "a major version in between cannot be left out, so that takes two upgrades"
    told = ", ".join(nearest(engine, wanted, able)) or "none"
    return f"{engines.of(engine).title} {current} cannot be upgraded to {wanted}: {why}. Nearest that it can: {told}."


def _skips(engine: str, current: str, wanted: str, able: Iterable[str]) -> bool:
    """Return whether a major version that can be reached lies before the wanted one."""
    majors = {engines.major_version(engine, one) for one in (current, *able)}
    own = engines.major_version(engine, wanted)
    is_later = [engines.version_key(own) > engines.version_key(one) for one in majors]
    return not engines.of(engine).skips_major_versions and own not in majors and all(is_later)
