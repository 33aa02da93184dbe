# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas of RDS in a region: shown, and enforced where something is created.

Follows: API reference DescribeAccountAttributes and AccountQuota (names and units), DBClusterQuotaExceededFault of
CreateDBCluster, InstanceQuotaExceeded of CreateDBInstance; "Quotas and constraints for Amazon Aurora" (40 each).
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import RDSClientError

from lab.services.settings import SETTINGS


class QuotaRules:
    """Mixed into moto's RDSResponse, whose `backend` it uses."""

    backend: Any

    def describe_account_attributes(self) -> ActionResult:
        manual = [one for one in self.backend.cluster_snapshots.values() if one.snapshot_type == "manual"]
        quotas = {
            "DBClusters": (len(self.backend.clusters), SETTINGS.db_clusters_max),
            "DBInstances": (len(self.backend.databases), SETTINGS.db_instances_max),
            "ManualClusterSnapshots": (len(manual), 100),
        }
        shown = [{"AccountQuotaName": name, "Used": used, "Max": most} for name, (used, most) in quotas.items()]
        return ActionResult({"AccountQuotas": shown})

    def create_db_cluster(self) -> ActionResult:
        if len(self.backend.clusters) >= SETTINGS.db_clusters_max:
            raise RDSClientError("DBClusterQuotaExceededFault", "DB Cluster quota exceeded")
        return super().create_db_cluster()  # type: ignore[misc]

    def create_db_instance(self) -> ActionResult:
        if len(self.backend.databases) >= SETTINGS.db_instances_max:
            raise RDSClientError("InstanceQuotaExceeded", "Instance quota exceeded")
        return super().create_db_instance()  # type: ignore[misc]
