# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Custom CloudWatch metrics for the dashboards: one data point each, published to several regions in parallel.

A data point may become readable only some time after it was accepted ("Publish custom metrics" of the CloudWatch User
Guide), so it is not read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.fan_out import call_regions
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed

# The namespace prefix that CloudWatch reserves ("Namespace" of PutMetricData in the CloudWatch API Reference).
RESERVED = "AWS/"


@aws_call("PutMetricData")
def put_metric_data(client: Any, namespace: str, data: list[dict[str, Any]]) -> None:
    """Publish data points. A data point that is published twice has the same maximum."""
    client.put_metric_data(Namespace=namespace, MetricData=data)


def build_data(metrics: Mapping[str, Any], units: Mapping[str, str], dimensions: Mapping[str, str]) -> list[dict]:
    """Return the MetricData of the CloudWatch API. Pure. An unknown value (None) is omitted, and never becomes 0.

    metrics: {name: value}. units: {name: unit}, for metrics with a unit.
    """
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return [
        {"MetricName": name, "Value": float(value), "Unit": units.get(name, "None"), "Dimensions": named}
        for name, value in metrics.items()
        if value is not None
    ]


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Publish in all regions in parallel.

    Returns changed, reason, published (regions), not_published {region: sentence}. Raises MultiRegionError with the
    same evidence if no region accepted it, unless ``best_effort``.
    """
    namespace, regions = params["metric_namespace"], params["regions"]
    if namespace.startswith(RESERVED):
        raise MultiRegionError(f"metric_namespace is {namespace}; allowed: one that does not begin with {RESERVED}.")
    data = build_data(params["metrics"], params["units"], params["dimensions"])
    names = ", ".join(one["MetricName"] for one in data)
    nowhere = {"published": [], "not_published": {}}
    if not data:
        return {"changed": False, **nowhere, "reason": "None of the values is known."}
    if check_mode:
        return {"changed": True, **nowhere, "reason": f"{names} would be published in {', '.join(regions)}."}

    def call(region: str) -> Callable[[], None]:
        return lambda: put_metric_data(clients("cloudwatch", region), namespace, data)

    outcome = call_regions({region: call(region) for region in regions}, None, params["deadline"])
    evidence = {"published": list(outcome.done), "not_published": outcome.failed}
    failed = "; ".join(f"{region}: {why}" for region, why in outcome.failed.items())
    if not outcome.is_enough and not params["best_effort"]:
        raise MultiRegionError(f"{names} was published in no region: {failed}.", **evidence)
    if not outcome.is_enough:
        return {"changed": False, **evidence, "reason": f"{names} was published in no region: {failed}."}
    where = ", ".join(outcome.done) + (f"; not in {failed}" if failed else "")
    return {"changed": True, **evidence, "reason": f"{names} published in {where}."}
