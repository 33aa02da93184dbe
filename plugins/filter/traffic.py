# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the traffic role builds from the order of regions: health checks and records."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils._options.partitions import partition_of
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import backends
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import checks_and_records as checks

# The only partition with Global Accelerator (endpoints.json of botocore).
PARTITION_OF_ACCELERATORS = "aws"


def traffic_switch_checks(
    order: t.Any, buckets: t.Mapping[str, str], prefix: str = "switch", object_key: str = "active-region"
) -> list[dict[str, t.Any]]:
    """Return the switch's health checks, children before parents.

    Raises AnsibleFilterError if a region has no bucket.
    """
    return checks.build_checks(
        regions_in(order, buckets, "traffic_switch_checks", "bucket"), buckets, prefix, object_key
    )


def traffic_metric_checks(order: t.Any, prefix: str = "switch") -> list[dict[str, t.Any]]:
    """Return the health checks of the switch by metrics, children before parents."""
    return checks.build_metric_checks(list(order), prefix)


def traffic_control_checks(
    order: t.Any, routing_controls: t.Mapping[str, str], prefix: str = "switch"
) -> list[dict[str, t.Any]]:
    """Return the health checks of the switch by routing controls. A control that is not given is None."""
    return checks.build_control_checks(list(order), routing_controls, prefix)


def traffic_statement_alarms(
    order: t.Any, region: str, prefix: str = "switch", namespace: str = "Trading/TrafficSwitch"
) -> list[dict[str, t.Any]]:
    """Return the alarms for all statements of a region, in the form of amazon.aws.cloudwatch_metric_alarm."""
    return checks.statement_alarms(region, list(order), prefix, namespace)


def traffic_backend_problem(
    order: t.Any, backend: str, routing_controls: t.Mapping[str, str], cluster_endpoints: t.Any
) -> str:
    """Return what a backend lacks; empty if it lacks nothing that can be checked without AWS."""
    partition = partition_of(list(order)[0]).name
    if backend == checks.GLOBAL_ACCELERATOR and partition != PARTITION_OF_ACCELERATORS:
        return (
            f"Partition {partition} has no Global Accelerator; allowed: {checks.S3_OBJECT}, {checks.CLOUDWATCH_METRIC}."
        )
    regions = [{"region": region, "routing_control_arn": routing_controls.get(region)} for region in order]
    options = {"backend": backend, "regions": regions, "cluster_endpoints": list(cluster_endpoints or [])}
    return " ".join(backends.backend_problems(options)) if backend == checks.ARC_ROUTING_CONTROL else ""


def traffic_switch_records(
    order: t.Any,
    domain: str,
    zone_id: str,
    load_balancers: t.Mapping[str, t.Mapping[str, str]],
    prefix: str = "switch",
    endpoint_checks: t.Mapping[str, str] | None = None,
    backend: str = checks.S3_OBJECT,
) -> list[dict[str, t.Any]]:
    """Return the failover alias records, deepest first.

    :param load_balancers: by region, a mapping with ``load_balancer_dns_name`` and ``load_balancer_zone_id``.

    Raises AnsibleFilterError if a region has no load balancer.
    """
    regions = regions_in(order, load_balancers, "traffic_switch_records", "load balancer")
    targets = {
        region: {
            "dns_name": load_balancers[region]["load_balancer_dns_name"],
            "zone_id": load_balancers[region]["load_balancer_zone_id"],
        }
        for region in regions
    }
    return checks.build_records(regions, domain, zone_id, targets, prefix, endpoint_checks or None, backend)


def traffic_record_names(order: t.Any, domain: str) -> list[dict[str, t.Any]]:
    """Return name and identifier of all records that the role may have created for these regions, outermost first."""
    regions, anything = list(order), {"dns_name": "", "zone_id": ""}
    targets = dict.fromkeys(regions, anything)
    made = checks.build_records(regions, domain, "", targets, endpoint_checks=dict.fromkeys(regions, ""))
    return [{"name": record["name"], "identifier": record["identifier"]} for record in reversed(made)]


def traffic_order_problem(existing: t.Any, wanted: t.Any) -> str:
    """Return why building the records in the wanted order could move the traffic; empty if it could not."""
    return checks.order_problem(list(existing), list(wanted)) or ""


def traffic_zone_problem(
    domain: str, zone: str, exists: bool, is_private: bool = False, vpcs: int = 0, dns_servers: t.Any = ()
) -> str:
    """Return why a hosted zone cannot hold the name; empty if it can."""
    return checks.zone_problem(domain, zone, exists, is_private, vpcs, list(dns_servers or [])) or ""


def regions_in(order: t.Any, having: t.Mapping[str, t.Any], name: str, what: str) -> list[str]:
    """Return the regions as a list. Raises AnsibleFilterError if one of them lacks what is needed."""
    regions = list(order)
    missing = [region for region in regions if not having.get(region)]
    if missing:
        raise AnsibleFilterError(f"{name}: no {what} of {', '.join(missing)} is given; wanted: one for every region")
    return regions


class FilterModule:
    """Filters of the traffic role."""

    def filters(self) -> dict[str, t.Callable]:
        return {
            "traffic_backend_problem": traffic_backend_problem,
            "traffic_control_checks": traffic_control_checks,
            "traffic_metric_checks": traffic_metric_checks,
            "traffic_order_problem": traffic_order_problem,
            "traffic_record_names": traffic_record_names,
            "traffic_statement_alarms": traffic_statement_alarms,
            "traffic_switch_checks": traffic_switch_checks,
            "traffic_switch_records": traffic_switch_records,
            "traffic_zone_problem": traffic_zone_problem,
        }
