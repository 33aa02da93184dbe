# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas of the account as AWS reports them; the settings have their values, and nothing is refused for their sake.

Follows: Service Quotas API reference GetServiceQuota and MetricInfo ("EC2-VPC Elastic IPs" is L-0263D0A3 of the service
ec2, "VPCs per Region" L-F678F1CE of vpc, 5 each by default; "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z)
instances" L-1216C47A of ec2, in vCPUs, "Amazon EC2 instance type quotas"), CloudWatch User Guide, "AWS usage metrics"
(ResourceCount), and Route 53 API reference GetAccountLimit (200 health checks by default).
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.route53 import urls
from moto.route53.responses import Route53
from moto.servicequotas.models import ServiceQuotasBackend

from lab.services.settings import SETTINGS

STANDARD_VCPUS = ("ec2", "L-1216C47A")
QUOTAS = {
    ("ec2", "L-0263D0A3"): ("EC2-VPC Elastic IPs", "elastic_ips_max"),
    ("vpc", "L-F678F1CE"): ("VPCs per Region", "vpcs_max"),
    STANDARD_VCPUS: ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "vcpus_max"),
}
USAGE = {
    "MetricNamespace": "AWS/Usage",
    "MetricName": "ResourceCount",
    "MetricDimensions": {"Class": "Standard/OnDemand", "Resource": "vCPU", "Service": "EC2", "Type": "Resource"},
    "MetricStatisticRecommendation": "Maximum",
}
STANDARD_FAMILY = re.compile(r"(?:a|c|d|h|i|im|is|m|r|t|z)[0-9]")


def install() -> None:
    """Let AWS report them."""
    stock = ServiceQuotasBackend.get_service_quota

    def get_service_quota(self: Any, service_code: str, quota_code: str) -> dict[str, Any]:
        if (service_code, quota_code) not in QUOTAS:
            return stock(self, service_code, quota_code)
        name, setting = QUOTAS[service_code, quota_code]
        value = float(getattr(SETTINGS, setting))
        shown = {
            "ServiceCode": service_code,
            "QuotaCode": quota_code,
            "QuotaName": name,
            "Value": value,
            "Unit": "None",
        }
        return shown | ({"UsageMetric": USAGE} if (service_code, quota_code) == STANDARD_VCPUS else {})

    ServiceQuotasBackend.get_service_quota = get_service_quota
    Route53.get_account_limit = get_account_limit
    urls.url_paths[r"{0}/(?P<api_version>[\d_-]+)/accountlimit/(?P<limit>[^/]+)$"] = Route53.dispatch


def used_vcpus(account: str, region: str) -> float:
    """vCPUs of a region's running instances of the standard families."""
    running = [
        instance.instance_type
        for reservation in ec2_backends[account][region].reservations.values()
        for instance in reservation.instances
        if instance.state == "running" and STANDARD_FAMILY.match(instance.instance_type)
    ]
    return float(sum(INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"] for kind in running))


def get_account_limit(self: Route53) -> ActionResult:
    """GetAccountLimit, which moto lacks, of health checks."""
    kind = self.parsed_url.path.rpartition("/")[2]
    if kind != "MAX_HEALTH_CHECKS_BY_OWNER":
        raise NotImplementedError
    limit = {"Type": kind, "Value": SETTINGS.health_checks_max}
    return ActionResult({"Limit": limit, "Count": len(self.backend.health_checks)})
