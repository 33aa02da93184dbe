# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Settings of an Aurora cluster that amazon.aws.rds_cluster cannot change.

Source: ModifyDBCluster and DBCluster of the RDS API Reference; "Turning on the Advanced mode of Database Insights" of
the Aurora User Guide (Performance Insights with 465 days, in the same call). amazon.aws.rds_cluster has no option for
the life cycle and for insights, asks for storage_type aurora whatever it is given, and gives log exports to new
clusters only (its source, 10.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import describe_db_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed, wait_until_visible

# option -> parameter of ModifyDBCluster, member of DBCluster
SETTINGS = {
    "engine_lifecycle_support": ("EngineLifecycleSupport", "EngineLifecycleSupport"),
    "storage_type": ("StorageType", "StorageType"),
    "database_insights_mode": ("DatabaseInsightsMode", "DatabaseInsightsMode"),
    "performance_insights_enabled": ("EnablePerformanceInsights", "PerformanceInsightsEnabled"),
    "performance_insights_retention_days": ("PerformanceInsightsRetentionPeriod", "PerformanceInsightsRetentionPeriod"),
    "performance_insights_kms_key_arn": ("PerformanceInsightsKMSKeyId", "PerformanceInsightsKMSKeyId"),
    "enable_cloudwatch_logs_exports": ("CloudwatchLogsExportConfiguration", "EnabledCloudwatchLogsExports"),
}
EXPORTS = "enable_cloudwatch_logs_exports"
INSIGHTS = [name for name in SETTINGS if "insights" in name]
STORAGE_TYPES = ("aurora", "aurora-iopt1")
INSIGHTS_MODES = ("standard", "advanced")
# Days of Performance Insights that a mode of Database Insights has, the least that AWS takes.
RETENTION_DAYS = {"standard": 7, "advanced": 465}
READ_BACK_SECONDS = 60


@aws_call("ModifyDBCluster")
def modify_db_cluster(client: Any, identifier: str, changes: Mapping[str, Any]) -> None:
    """Change settings, without waiting for the maintenance window."""
    client.modify_db_cluster(DBClusterIdentifier=identifier, ApplyImmediately=True, **changes)


def known_parameters(client: Any) -> frozenset[str]:
    """Return the parameters of ModifyDBCluster that the installed botocore knows."""
    return frozenset(client.meta.service_model.operation_model("ModifyDBCluster").input_shape.members)


def settings_of(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a cluster has, or will have once AWS is done with a change. Pure."""
    shown = {**cluster, **(cluster.get("PendingModifiedValues") or {})}
    found = {name: shown.get(member) for name, (_parameter, member) in SETTINGS.items()}
    # The API leaves out the standard storage.
    return {**found, "storage_type": found["storage_type"] or STORAGE_TYPES[0], EXPORTS: exports_of(cluster)}


def exports_of(cluster: Mapping[str, Any]) -> list[str]:
    """Return the log types that a cluster publishes, or will once a change is done. Pure."""
    pending = (cluster.get("PendingModifiedValues") or {}).get("PendingCloudwatchLogsExports") or {}
    kept = set(cluster.get(SETTINGS[EXPORTS][1]) or ()) - set(pending.get("LogTypesToDisable") or ())
    return sorted(kept | set(pending.get("LogTypesToEnable") or ()))


def wanted_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for; a mode of Database Insights brings Performance Insights with it. Pure."""
    asked = {name: params.get(name) for name in SETTINGS}
    if mode := asked["database_insights_mode"]:
        asked["performance_insights_enabled"] = True
        asked["performance_insights_retention_days"] = (
            asked["performance_insights_retention_days"] or RETENTION_DAYS[mode]
        )
    if asked[EXPORTS] is not None:
        asked[EXPORTS] = sorted(set(asked[EXPORTS]))
    return {name: value for name, value in asked.items() if value is not None}


def changes_to(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings to change; those of insights go together, because AWS judges them together. Pure."""
    differing = [name for name, value in wanted.items() if before[name] != value]
    names = {*differing, *(INSIGHTS if set(differing) & set(INSIGHTS) else ())}
    return {name: wanted[name] for name in SETTINGS if name in names and name in wanted}


def arguments_for(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ModifyDBCluster for the changes. Pure."""
    found = {SETTINGS[one][0]: value for one, value in changes.items()}
    if EXPORTS in changes:
        there, wanted = set(before[EXPORTS]), set(changes[EXPORTS])
        sides = {"EnableLogTypes": sorted(wanted - there), "DisableLogTypes": sorted(there - wanted)}
        found[SETTINGS[EXPORTS][0]] = {side: types for side, types in sides.items() if types}
    return found


def shown(value: Any) -> str:
    """Return a setting as the reason shows it. Pure."""
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)


def insights_problem(wanted: Mapping[str, Any]) -> str | None:
    """Return why AWS would refuse the settings of insights, or None. Pure."""
    mode, days = wanted.get("database_insights_mode"), wanted.get("performance_insights_retention_days")
    if mode == "advanced" and days < RETENTION_DAYS[mode]:
        return (
            f"performance_insights_retention_days is {days}; allowed with database_insights_mode advanced: "
            f"{RETENTION_DAYS[mode]} or more."
        )
    return None


@timed
def run(params: Mapping[str, Any], clients: Callable[..., Any], check_mode: bool = False) -> dict[str, Any]:
    """Have a cluster so set.

    Returns {changed, reason, settings, warnings, diff, seconds}. Raises Refused or AwsCallError.
    """
    name, wanted = params["db_cluster_identifier"], wanted_settings(params)
    if problem := insights_problem(wanted):
        raise Refused(problem)
    client = clients("rds", params.get("region"))

    def read() -> dict[str, Any]:
        cluster = describe_db_cluster(client, name)
        if cluster is None:
            raise Refused(f"There is no cluster {name} (db_cluster_identifier).")
        return settings_of(cluster)

    before = read()
    changes = changes_to(before, wanted)
    unknown = [one for one in changes if SETTINGS[one][0] not in known_parameters(client)]
    changes = {one: value for one, value in changes.items() if one not in unknown}
    warnings = [
        f"The installed botocore cannot set {one} of a cluster: {name} keeps {before[one]}. A later botocore can."
        for one in unknown
    ]
    if changes and not check_mode:
        write(client, name, before, changes, read)
    after = {**before, **changes}
    told = ", ".join(f"{one} to {shown(value)}" for one, value in changes.items() if before[one] != value)
    verb = "would be changed" if check_mode else "was changed"
    return {
        "changed": bool(changes),
        "reason": f"The cluster {name} {verb}: {told}." if changes else f"The cluster {name} is as requested.",
        "settings": after,
        "warnings": warnings,
        "diff": {"before": before, "after": after},
    }


def write(
    client: Any,
    name: str,
    before: Mapping[str, Any],
    changes: Mapping[str, Any],
    read: Callable[[], dict[str, Any]],
) -> None:
    """Make the changes, and return once the cluster shows them."""
    failure = None
    try:
        modify_db_cluster(client, name, arguments_for(before, changes))
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        read,
        lambda now: all(now[one] == value for one, value in changes.items()),
        failure,
        f"The settings of {name} were changed",
        READ_BACK_SECONDS,
        1,
    )
