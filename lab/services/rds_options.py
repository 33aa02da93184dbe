# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of clusters and instances that moto takes without a look.

Groups and logs that fit the engine, capacity, storage, insights, monitoring and the life cycle.

Follows: API reference CreateDBCluster, ModifyDBCluster, CreateDBInstance and ServerlessV2ScalingConfiguration; Aurora
User Guide, "Aurora Serverless v2 capacity" and "Storage configurations for Amazon Aurora DB clusters". Wordings:
crossplane provider-upjet-aws, issue 1165 (both capacities), the Aurora User Guide (db.serverless without a capacity
range), terraform-provider-aws, issue 27736 (instance class), aws-cdk, issue 27212 (storage within 30 days),
pulumi-aws, issue 5286 (Database Insights), terraform-aws-rds, issue 136 (monitoring role). Where no source prints a
wording, it is ours.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import (
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    InvalidParameterValue,
    RDSClientError,
)
from moto.rds.models import DBCluster

from lab.services.rds_calendar import EXTENDED, VERSIONS
from lab.services.rds_engines import MYSQL_LOGS, POSTGRESQL_LOGS, SERVERLESS, check_lifecycle, family

STORAGE_TYPES = ("aurora", "aurora-iopt1")
NEXT_IO_OPTIMISED = timedelta(days=30)
INTERVALS = (0, 1, 5, 10, 15, 30, 60)
RETENTIONS = {7, 731, *(31 * months for months in range(1, 24))}
ADVANCED_DAYS = 465
# parameter -> attribute of moto's DBCluster, which its answers are made from
KEPT = {
    "DatabaseInsightsMode": "database_insights_mode",
    "EnablePerformanceInsights": "performance_insights_enabled",
    "PerformanceInsightsKMSKeyId": "performance_insights_kms_key_id",
    "PerformanceInsightsRetentionPeriod": "performance_insights_retention_period",
    "MonitoringInterval": "monitoring_interval",
    "MonitoringRoleArn": "monitoring_role_arn",
    "EngineLifecycleSupport": "engine_lifecycle_support",
}


def check_group_family(engine: str, version: str, name: str, group_family: str) -> None:
    if group_family != family(engine, version):
        raise InvalidParameterCombination(
            f"The Parameter Group {name} with DBParameterGroupFamily {group_family} cannot be used for this instance. "
            f"Please use a Parameter Group with DBParameterGroupFamily {family(engine, version)}"
        )


def check_logs(engine: str, version: str, types: list[str]) -> None:
    known = MYSQL_LOGS if "mysql" in engine else POSTGRESQL_LOGS
    if wrong := [one for one in types if one not in known]:
        raise InvalidParameterCombination(
            f"You cannot use the log types '{', '.join(wrong)}' with engine version {engine} {version}. "
            "For supported log types, see the documentation."
        )


def check_capacity(given: dict[str, Any] | None, current: Any) -> None:
    """Raise the API's fault; what a change leaves out is filled in."""
    if given is None:
        return
    least, most = given.get("MinCapacity"), given.get("MaxCapacity")
    if not current and (least is None or most is None):
        raise InvalidParameterValue(
            "Both MinCapacity and MaxCapacity must be specified when you initialize Serverless v2 scaling "
            "configuration."
        )
    given["MinCapacity"] = least = current["min_capacity"] if least is None else least
    given["MaxCapacity"] = most = current["max_capacity"] if most is None else most
    for name, value, floor in (("minimum", least, SERVERLESS["MinCapacity"]), ("maximum", most, 1.0)):
        if value * 2 % 1 or not floor <= value <= SERVERLESS["MaxCapacity"]:
            raise InvalidParameterValue(
                f"Serverless v2 {name} capacity {value} isn't valid. It must be a multiple of 0.5 from {floor} to "
                f"{SERVERLESS['MaxCapacity']}."
            )
    if least > most:
        raise InvalidParameterValue(
            f"Serverless v2 maximum capacity {most} isn't valid. It must be greater than or equal to the minimum "
            f"capacity {least}."
        )


def check_storage(engine: str, given: str | None, cluster: DBCluster | None) -> None:
    if given is None or not engine.startswith("aurora"):
        return
    if given not in STORAGE_TYPES:
        raise RDSClientError("StorageTypeNotSupported", f"Invalid storage type: {given}")
    allowed_at = cluster and vars(cluster).get("lab_next_io_optimised")
    if cluster and given == "aurora-iopt1" != cluster.storage_type and allowed_at and datetime.now(UTC) < allowed_at:
        raise RDSClientError(
            "StorageTypeNotAvailableFault",
            f"You can't modify the storage type of this DB cluster yet. Try again after {allowed_at.isoformat()}.",
        )


def check_insights(params: Any, cluster: DBCluster | None) -> None:
    days = params.get("PerformanceInsightsRetentionPeriod")
    if days is not None and days not in RETENTIONS:
        raise InvalidParameterValue(
            f"Invalid Performance Insights retention period: {days}. Valid values: 7, a multiple of 31 up to 713, 731"
        )
    mode = params.get("DatabaseInsightsMode")
    if mode not in (None, "standard", "advanced"):
        raise InvalidParameterValue(f"Invalid Database Insights mode: {mode}")

    def after(name: str) -> Any:
        given = params.get(name)
        return getattr(cluster, KEPT[name], None) if given is None else given

    is_enough = (
        after("EnablePerformanceInsights") and (after("PerformanceInsightsRetentionPeriod") or 7) >= ADVANCED_DAYS
    )
    if after("DatabaseInsightsMode") == "advanced" and not is_enough:
        raise InvalidParameterCombination(
            "To enable the Advanced mode of Database Insights, modify your cluster to enable Performance Insights and "
            f"set the retention period for Performance Insights to at least {ADVANCED_DAYS} days."
        )


def check_monitoring(params: Any, thing: Any) -> None:
    interval, role = params.get("MonitoringInterval"), params.get("MonitoringRoleArn")
    if interval is not None and interval not in INTERVALS:
        raise InvalidParameterValue(f"Invalid monitoring interval: {interval}. Valid values: {INTERVALS}")
    interval = getattr(thing, "monitoring_interval", 0) if interval is None else interval
    if interval and not (role or getattr(thing, "monitoring_role_arn", None)):
        raise InvalidParameterCombination(
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        )
    if role and not interval:
        raise InvalidParameterCombination(
            "You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value."
        )


class OptionRules:
    """Mixed into moto's RDSResponse before ClusterRules, whose checks of the cluster itself come after these."""

    params: Any
    backend: Any

    def _check_cluster_options(self, engine: str, version: str, cluster: DBCluster | None) -> None:
        """Raise the API's fault for options that do not go together; `cluster` is None for a new one."""
        if engine not in VERSIONS:
            return
        exports = self.params.get("CloudwatchLogsExportConfiguration") or {}
        check_logs(
            engine,
            version,
            [*(self.params.get("EnableCloudwatchLogsExports") or []), *(exports.get("EnableLogTypes") or [])],
        )
        name = self.params.get("DBClusterParameterGroupName") or ""
        if group := self.backend.db_cluster_parameter_groups.get(name):
            check_group_family(engine, version, name, group.db_parameter_group_family)
        check_lifecycle(engine, version, self.params.get("EngineLifecycleSupport"))
        current = getattr(cluster, "serverless_v2_scaling_configuration", None)
        check_capacity(self.params.get("ServerlessV2ScalingConfiguration"), current)
        check_storage(engine, self.params.get("StorageType"), cluster)
        check_insights(self.params, cluster)
        check_monitoring(self.params, cluster)

    def _keep_cluster_options(self, cluster: DBCluster, storage: str | None, asked: str | None) -> None:
        """Have the answers show them; DatabaseInsightsMode and Performance Insights are the instances' too."""
        vars(cluster).setdefault("engine_lifecycle_support", EXTENDED)
        vars(cluster).setdefault("database_insights_mode", "standard")
        vars(cluster).setdefault("monitoring_interval", 0)
        for name, attribute in KEPT.items():
            if self.params.get(name) is not None:
                setattr(cluster, attribute, self.params[name])
        if storage != "aurora-iopt1" == asked:
            vars(cluster)["lab_next_io_optimised"] = datetime.now(UTC) + NEXT_IO_OPTIMISED

    def create_db_instance(self) -> ActionResult:
        self._check_instance()
        return super().create_db_instance()  # type: ignore[misc]

    def modify_db_instance(self) -> ActionResult:
        instance = self.backend.databases.get(self.params["DBInstanceIdentifier"])
        if instance is not None:
            check_monitoring(self.params, instance)
            if getattr(instance, "cluster", None) is not None:
                self._check_class(instance.cluster)
        return super().modify_db_instance()  # type: ignore[misc]

    def _check_instance(self) -> None:
        check_monitoring(self.params, None)
        cluster = self.backend.clusters.get(self.params.get("DBClusterIdentifier") or "")
        if cluster is None or cluster.engine not in VERSIONS:
            return
        self._check_class(cluster)
        name = self.params.get("DBParameterGroupName") or ""
        if group := self.backend.db_parameter_groups.get(name):
            check_group_family(cluster.engine, cluster.engine_version, name, group.family)
        if self.params.get("Engine") != cluster.engine:
            raise InvalidParameterCombination(
                f"The engine name requested for your DB instance ({self.params.get('Engine')}) doesn't match the "
                f"engine name of your DB cluster ({cluster.engine})."
            )

    def _check_class(self, cluster: DBCluster) -> None:
        asked = self.params.get("DBInstanceClass")
        if asked == "db.serverless" and not cluster.serverless_v2_scaling_configuration:
            raise InvalidDBClusterStateFault(
                "Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 "
                "DB instance."
            )
        if asked and asked.startswith("db.t") and cluster.global_cluster_identifier:
            raise InvalidParameterCombination(
                f"The requested instance class is not supported by global databases: {asked}"
            )
