# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""May the account use every region, and is there room to create again what site.yml creates? And who answers?

Pure: one function per check. A failover creates none of it, but the way back may: a region that is rebuilt, or another
one that takes its place. Quotas of capacity are in capacity.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    ALL,
    Finding,
    Seen,
    blocker,
    ok,
    warning,
)

# OptInStatus of DescribeRegions (Amazon EC2 API Reference).
OPTED_IN = ("opt-in-not-required", "opted-in")


def region_enabled(seen: Seen) -> Iterator[Finding]:
    """The account has enabled every region; AWS refuses all calls in one that it has not."""
    fact = seen.shared["region_opt_in"]
    for region in dict.fromkeys((*seen.order, *seen.regions)):
        if not fact.known:
            yield seen.unknown(region, "whether the account has enabled the region", fact.error)
            continue
        status = fact.value.get(region)
        if status in OPTED_IN:
            yield ok(region, f"The account may use the region ({status}).")
        else:
            reason = f"The account may not use the region: {status or 'AWS does not list it'}."
            remedy = f"Enable {region} for the account (EnableRegion), which takes minutes to hours."
            yield warning(region, reason, remedy) if region == seen.active else blocker(region, reason, remedy)


def _room(seen: Seen, region: str, what: str, found: Any, needed: str) -> Finding:
    """Return the finding for a quota {limit, used}: whether one more of it can be created."""
    figures = f"{found['used']:g} of {found['limit']:g} {what} are used"
    if found["used"] < found["limit"]:
        return ok(region, f"{figures}.")
    where = "" if region == ALL else f" in {region}"
    return warning(region, f"{figures}: {needed}.", f"Request a higher quota of {what}{where} from Service Quotas.")


def elastic_ip_quota(seen: Seen) -> Iterator[Finding]:
    """A NAT gateway that has to be created again gets an address."""
    for region in seen.order:
        fact = seen.facts[region]["elastic_ip_quota"]
        if fact.known:
            needed = "a NAT gateway that is created again, or for another zone, gets none"
            yield _room(seen, region, "Elastic IP addresses", fact.value, needed)
        else:
            yield seen.unknown(region, "the quota of Elastic IP addresses", fact.error)


def vpc_quota(seen: Seen) -> Iterator[Finding]:
    """A region that is built again gets a VPC."""
    for region in seen.order:
        fact = seen.facts[region]["vpc_quota"]
        if fact.known:
            yield _room(seen, region, "VPCs", fact.value, "a network that is created again gets none")
        else:
            yield seen.unknown(region, "the quota of VPCs", fact.error)


def health_check_quota(seen: Seen) -> Iterator[Finding]:
    """Another region, and a switch that is created again, get their health checks."""
    fact = seen.shared["health_check_quota"]
    if fact.known:
        yield _room(seen, ALL, "health checks of Route 53", fact.value, "another region gets none")
    else:
        yield seen.unknown(ALL, "the quota of health checks", fact.error)


def application(seen: Seen) -> Iterator[Finding]:
    """What answers on the health path is the application, not the placeholder."""
    if seen.expected.get("placeholder"):
        reason = (
            "The application is the placeholder: its health path answers without asking the database, so healthy "
            "targets prove nothing about the database."
        )
        yield warning(ALL, reason, "Set application_image to your own image and application_placeholder to false.")
    elif seen.expected.get("placeholder") is None:
        yield seen.unknown(ALL, "whether the application is the placeholder", "expected.placeholder is not given")
    else:
        yield ok(ALL, "The application is an image of your own.")
