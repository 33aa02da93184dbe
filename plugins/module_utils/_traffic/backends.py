# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the traffic is, for code that only reads it, and what each backend of the switch requires.

The recovery manifest's member ``traffic`` is {backend, domain, name_servers, health_path, scheme}, zone_is_private if
the name is in a private hosted zone, and, by backend:

=======================  =============================================================================
``s3_object``            switch_key; entries of regions: control_bucket
``cloudwatch_metric``    platform, metric_namespace
``arc_routing_control``  routing_controls {region: ARN}, cluster_endpoints [{region, endpoint}]
``global_accelerator``   accelerator {arn, dns_name, addresses, endpoint_groups {region: ARN}}
=======================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import given
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    ARC_ROUTING_CONTROL,
    BACKENDS,
    CLOUDWATCH_METRIC,
    GLOBAL_ACCELERATOR,
    S3_OBJECT,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.metrics import CloudwatchMetrics
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.objects import get_statements
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.routing_controls import (
    ENDPOINTS,
    ON,
    Cluster,
    active_control,
    panel_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.statements import active_region
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.traffic_dials import (
    Dials,
    active_dial,
    listener_of,
)

STATEMENTS, CONTROL, DIAL = "statements", "routing_control", "traffic_dial"
# The fact with a region's part of the switch, where it is not STATEMENTS.
SWITCH_FACTS = {ARC_ROUTING_CONTROL: CONTROL, GLOBAL_ACCELERATOR: DIAL}
# Facts of a region that are read elsewhere, so they do not show whether the region responds.
FACTS_FROM_ELSEWHERE = frozenset({CONTROL, DIAL})
# What each backend requires of the module's options, and of each entry of ``regions``.
NEEDED = {
    S3_OBJECT: ("object_key",),
    CLOUDWATCH_METRIC: ("platform", "metric_namespace"),
    ARC_ROUTING_CONTROL: (),
    GLOBAL_ACCELERATOR: (),
}
NEEDED_OF_REGIONS = {
    S3_OBJECT: "bucket",
    CLOUDWATCH_METRIC: "region",
    ARC_ROUTING_CONTROL: "routing_control_arn",
    GLOBAL_ACCELERATOR: "endpoint_group_arn",
}

REGION_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "bucket": {"type": "str", "rule": rules.BUCKET},
    "routing_control_arn": {"type": "str", "rule": rules.CONTROL_ARN},
    "endpoint_group_arn": {"type": "str", "rule": rules.ENDPOINT_GROUP_ARN},
}
ENDPOINT_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "endpoint": {"type": "str", "required": True, "rule": rules.URL},
}
# The options of the doc fragment "switch".
SWITCH_SPEC = {
    "regions": {"type": "list", "elements": "dict", "required": True, "options": REGION_SPEC},
    "object_key": {"type": "str", "default": "active-region", "no_log": False, "rule": rules.line(1024)},
    "backend": {"type": "str", "choices": list(BACKENDS), "default": S3_OBJECT},
    "platform": {"type": "str", "rule": rules.NAME},
    "metric_namespace": {"type": "str", "default": "Trading/TrafficSwitch", "rule": rules.NAMESPACE},
    "cluster_endpoints": {"type": "list", "elements": "dict", "options": ENDPOINT_SPEC},
}
# Those of the options that a manifest has by the same name, if its backend requires them.
OF_SOME_BACKENDS = ("platform", "metric_namespace", "cluster_endpoints")


def backend_problems(params: Mapping[str, Any]) -> list[str]:
    """Return the problems of a backend's options, as sentences; empty if there are none. Pure.

    params: options of region_traffic.
    """
    backend = params["backend"]
    missing = [name for name in NEEDED[backend] if not params.get(name)]
    problems = [f"{name} is missing; backend {backend} requires it." for name in missing]
    member = NEEDED_OF_REGIONS[backend]
    bare = [entry["region"] for entry in params["regions"] if not entry.get(member)]
    if bare:
        problems.append(
            f"{member} of {', '.join(bare)} is missing in regions; backend {backend} requires it for every region."
        )
    if backend == ARC_ROUTING_CONTROL:
        problems += endpoint_problems(params.get("cluster_endpoints") or [])
        problems += [] if bare else panel_problems([entry[member] for entry in params["regions"]])
    if backend == GLOBAL_ACCELERATOR and not bare:
        problems += listener_problems([entry[member] for entry in params["regions"]])
    return problems


def endpoint_problems(endpoints: list[Mapping[str, str]]) -> list[str]:
    """Return the problems of the endpoints of a routing control cluster. Pure."""
    if len({place.get("endpoint") for place in endpoints}) == ENDPOINTS and all(p.get("region") for p in endpoints):
        return []
    return [
        f"cluster_endpoints has {len(endpoints)} entries; allowed: the {ENDPOINTS} different endpoints of the cluster "
        "with region and endpoint each, as DescribeCluster of route53-recovery-control-config shows them."
    ]


def panel_problems(arns: list[str]) -> list[str]:
    """Return the problems of the routing controls of all regions. Pure."""
    problems = [
        f"routing_control_arn is {arn}; allowed: the ARN of a routing control." for arn in arns if panel_of(arn) == arn
    ]
    if len(set(arns)) < len(arns):
        problems.append(
            "routing_control_arn is the same for two regions; allowed: one routing control for each region."
        )
    panels = sorted({panel_of(arn) for arn in arns})
    if not problems and len(panels) > 1:
        problems.append(
            f"The routing controls are in {len(panels)} control panels ({', '.join(panels)}); allowed: one, because "
            "only controls of one panel can be changed in one transaction."
        )
    return problems


def listener_problems(arns: list[str]) -> list[str]:
    """Return the problems of the endpoint groups of all regions. Pure."""
    if len(set(arns)) < len(arns):
        return ["endpoint_group_arn is the same for two regions; allowed: one endpoint group for each region."]
    listeners = sorted({listener_of(arn) for arn in arns})
    if len(listeners) > 1:
        return [
            f"The endpoint groups belong to {len(listeners)} listeners ({', '.join(listeners)}); allowed: one, because "
            "a traffic dial divides the traffic of its listener only."
        ]
    return []


def endpoint_groups_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return {region: ARN of its endpoint group}, {} with other backends. Pure."""
    return (traffic_of(manifest).get("accelerator") or {}).get("endpoint_groups") or {}


def order_of(manifest: Mapping[str, Any]) -> list[str]:
    """Return the regions of a manifest in the order of the switch. Pure."""
    return [entry["region"] for entry in manifest["regions"]]


def switch_regions(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the option ``regions`` of region_traffic. Pure."""
    controls, groups = traffic_of(manifest).get("routing_controls") or {}, endpoint_groups_of(manifest)
    return [
        {
            "region": entry["region"],
            "bucket": entry.get("control_bucket"),
            "routing_control_arn": controls.get(entry["region"]),
            "endpoint_group_arn": groups.get(entry["region"]),
        }
        for entry in manifest["regions"]
    ]


def switch_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of SWITCH_SPEC; those that the manifest does not contain are omitted. Pure."""
    part = traffic_of(manifest)
    return {
        "backend": part["backend"],
        "object_key": part["switch_key"],
        **{name: part[name] for name in OF_SOME_BACKENDS if part.get(name)},
        "regions": switch_regions(manifest),
    }


def traffic_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest's part about the traffic, completed if an earlier version wrote it. Pure."""
    part = manifest.get("traffic") or {}
    return {"backend": S3_OBJECT, **part, "switch_key": part.get("switch_key") or "active-region"}


def traffic_readers(
    clients: Any, manifest: Mapping[str, Any], entry: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
    """Return the call that reads a region's part of the switch, under the name of its fact.

    The fact ``statements`` is a list of texts or None, read in the region itself. The fact ``routing_control`` is On or
    Off, read from the cluster, so that it is known for lost regions as well (``FACTS_FROM_ELSEWHERE``). So is
    ``traffic_dial``, {dial, endpoints}, unless the one region of Global Accelerator's API is lost.
    """
    traffic, region = traffic_of(manifest), entry["region"]
    if traffic["backend"] == GLOBAL_ACCELERATOR:
        dials = Dials(clients, endpoint_groups_of(manifest))

        def read_dial() -> dict[str, Any]:
            return dials.read()[region].as_fact()

        return {DIAL: read_dial}
    if traffic["backend"] == ARC_ROUTING_CONTROL:
        cluster = Cluster(clients, traffic["routing_controls"], traffic["cluster_endpoints"])
        return {CONTROL: lambda: cluster.states()[region]}
    if traffic["backend"] == CLOUDWATCH_METRIC:
        params = {**traffic, "regions": [{"region": name} for name in order_of(manifest)]}
        return {STATEMENTS: lambda: sorted(CloudwatchMetrics(clients, params).read(region))}
    key = traffic["switch_key"]
    return {STATEMENTS: lambda: get_statements(clients("s3", region), given(entry, "control_bucket"), key)}


def traffic_region(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """Return the region that has the traffic, or None if unknown. Pure.

    facts: Facts by region, with what ``traffic_readers`` reads. Statements are interpreted as Route 53 does; if none
    could be read, the region is unknown.
    """
    order = order_of(manifest)
    if traffic_of(manifest)["backend"] == ARC_ROUTING_CONTROL:
        states = {region: facts[region].value(CONTROL) for region in order}
        return active_control(states, order) if ON in states.values() or None not in states.values() else None
    if traffic_of(manifest)["backend"] == GLOBAL_ACCELERATOR:
        return active_dial({region: (facts[region].value(DIAL) or {}).get("dial") for region in order}, order)
    view = {
        region: frozenset(seen.value(STATEMENTS) or ()) if seen[STATEMENTS].known else None
        for region, seen in facts.items()
    }
    return active_region(view, order) if any(statements is not None for statements in view.values()) else None
