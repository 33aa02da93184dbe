# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the traffic role builds, out of the order of regions: health checks and records."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils import _traffic_checks as checks


def traffic_switch_checks(
    order: t.Any, buckets: t.Mapping[str, str], prefix: str = "switch", object_key: str = "active-region"
) -> list[dict[str, t.Any]]:
    """The switch's health checks, children before parents.

    Raises AnsibleFilterError when a region has no bucket.
    """
    return checks.build_checks(
        regions_in(order, buckets, "traffic_switch_checks", "bucket"), buckets, prefix, object_key
    )


def traffic_switch_records(
    order: t.Any,
    domain: str,
    zone_id: str,
    load_balancers: t.Mapping[str, t.Mapping[str, str]],
    prefix: str = "switch",
    endpoint_checks: t.Mapping[str, str] | None = None,
) -> list[dict[str, t.Any]]:
    """The failover alias records, deepest first.

    :param load_balancers: by region, a mapping with ``load_balancer_dns_name`` and ``load_balancer_zone_id``.

    Raises AnsibleFilterError when a region has no load balancer.
    """
    regions = regions_in(order, load_balancers, "traffic_switch_records", "load balancer")
    targets = {
        region: {
            "dns_name": load_balancers[region]["load_balancer_dns_name"],
            "zone_id": load_balancers[region]["load_balancer_zone_id"],
        }
        for region in regions
    }
    return checks.build_records(regions, domain, zone_id, targets, prefix, endpoint_checks or None)


def traffic_record_names(order: t.Any, domain: str) -> list[dict[str, t.Any]]:
    """Names and identifiers of every record the role may have made for these regions, outermost first."""
    regions, anything = list(order), {"dns_name": "", "zone_id": ""}
    targets = dict.fromkeys(regions, anything)
    made = checks.build_records(regions, domain, "", targets, endpoint_checks=dict.fromkeys(regions, ""))
    return [{"name": record["name"], "identifier": record["identifier"]} for record in reversed(made)]


def traffic_order_problem(existing: t.Any, wanted: t.Any) -> str:
    """Why building the records in the wanted order could move the traffic; empty when it could not."""
    return checks.order_problem(list(existing), list(wanted)) or ""


def regions_in(order: t.Any, having: t.Mapping[str, t.Any], name: str, what: str) -> list[str]:
    """The regions as a list, each of which has what is needed."""
    regions = list(order)
    missing = [region for region in regions if not having.get(region)]
    if missing:
        raise AnsibleFilterError(f"{name}: no {what} of {', '.join(missing)} is given; wanted: one for every region")
    return regions


class FilterModule:
    """Filters of the traffic role."""

    def filters(self) -> dict[str, t.Callable]:
        return {
            "traffic_order_problem": traffic_order_problem,
            "traffic_record_names": traffic_record_names,
            "traffic_switch_checks": traffic_switch_checks,
            "traffic_switch_records": traffic_switch_records,
        }
