# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine versions the lab knows, and the parameters their families have by default.

Follows: API reference DBEngineVersion and Parameter; Aurora MySQL release notes for the versions; Aurora User Guide,
"Aurora MySQL configuration parameters" for the parameters (a selection: what platforms usually set, and its kin).
"""

from __future__ import annotations

from typing import Any

from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue

AURORA_LOGS = ["audit", "error", "general", "slowquery"]
# engine -> (versions oldest first, whether global databases are supported, log types that can be exported)
ENGINES: dict[str, tuple[list[str], bool, list[str]]] = {
    "aurora-mysql": (
        [f"5.7.mysql_aurora.2.{minor}" for minor in ("11.4", "11.5", "11.6", "12.2", "12.3", "12.4", "12.5")]
        + [
            f"8.0.mysql_aurora.3.{minor}"
            for minor in ("04.0 04.1 04.2 04.3 04.4 05.2 06.0 06.1 07.0 07.1 08.0 08.1 08.2 09.0 10.0 10.1".split())
        ],
        True,
        AURORA_LOGS,
    ),
    "aurora-postgresql": (["14.13", "15.8", "16.4"], True, ["postgresql"]),
    "mysql": (["8.0.39", "8.0.40", "8.4.3"], False, AURORA_LOGS),
    "postgres": (["15.8", "16.4"], False, ["postgresql", "upgrade"]),
}


def engine_version_names(engine: str) -> list[str]:
    return ENGINES[engine][0]


def family(engine: str, version: str) -> str:
    """The parameter group family: engine and major version, e.g. aurora-mysql8.0, postgres16."""
    parts = version.split(".")
    return engine + (parts[0] if engine.endswith(("postgresql", "postgres")) else ".".join(parts[:2]))


FAMILIES = {family(engine, version) for engine, (versions, _, _) in ENGINES.items() for version in versions}


def check_engine_version(engine: str, version: str, need_global: bool = False) -> None:
    """Raise the API's fault when the engine has no such version, or no global databases when those are needed."""
    if engine in ENGINES and version not in ENGINES[engine][0]:
        raise InvalidParameterCombination(f"Cannot find version {version} for {engine}")
    if need_global and not ENGINES[engine][1]:
        raise InvalidParameterValue(f"{engine} {version} does not support Aurora global databases")


def describe_engine_version(engine: str, version: str) -> dict[str, Any]:
    """The DBEngineVersion structure."""
    versions, supports_global, logs = ENGINES[engine]
    group_family = family(engine, version)
    newer = [other for other in versions[versions.index(version) + 1 :]]
    return {
        "Engine": engine,
        "MajorEngineVersion": group_family[len(engine) :],
        "EngineVersion": version,
        "DBParameterGroupFamily": group_family,
        "DBEngineDescription": engine,
        "DBEngineVersionDescription": f"{engine} {version}",
        "ValidUpgradeTarget": [
            {
                "Engine": engine,
                "EngineVersion": other,
                "Description": f"{engine} {other}",
                "AutoUpgrade": False,
                "IsMajorVersionUpgrade": family(engine, other) != group_family,
                "SupportsGlobalDatabases": supports_global,
            }
            for other in newer
        ],
        "ExportableLogTypes": logs,
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": True,
        "SupportedEngineModes": ["provisioned"],
        "Status": "available",
        "SupportsParallelQuery": engine == "aurora-mysql",
        "SupportsGlobalDatabases": supports_global,
    }


MAX_CONNECTIONS = "GREATEST({log(DBInstanceClassMemory/805306368)*45},{log(DBInstanceClassMemory/8187281408)*1000})"
# A parameter a line: levels (c = cluster, i = instance), name (! = fixed), data type, apply type, allowed values and
# default (- = none).
MYSQL_PARAMETERS = """
c aurora_binlog_replication_max_yield_seconds integer dynamic 0-36000 0
c aurora_enable_staggered_replica_restart boolean static 0,1 1
c aurora_load_from_s3_role string dynamic - -
c aurora_parallel_query boolean dynamic 0,1 0
c aurora_replica_read_consistency string dynamic EVENTUAL,SESSION,GLOBAL -
c auto_increment_increment integer dynamic 1-65535 -
c auto_increment_offset integer dynamic 1-65535 -
c aws_default_s3_role string dynamic - -
c binlog_checksum string dynamic NONE,CRC32 -
c binlog_format string static ROW,STATEMENT,MIXED,OFF OFF
c binlog_row_image string dynamic full,minimal,noblob -
c character_set_client string dynamic utf8,utf8mb3,utf8mb4,latin1 -
c character_set_connection string dynamic utf8,utf8mb3,utf8mb4,latin1 -
c character_set_database string dynamic utf8,utf8mb3,utf8mb4,latin1 -
c character_set_results string dynamic utf8,utf8mb3,utf8mb4,latin1 -
c character_set_server string dynamic utf8,utf8mb3,utf8mb4,latin1 -
c collation_connection string dynamic - -
c collation_server string dynamic - -
c default_password_lifetime integer dynamic 0-65535 -
c enforce_gtid_consistency string static OFF,WARN,ON OFF
c event_scheduler string dynamic ON,OFF ON
c gtid-mode string static OFF,OFF_PERMISSIVE,ON_PERMISSIVE,ON OFF_PERMISSIVE
c innodb_flush_log_at_trx_commit integer dynamic 0,1,2 1
c innodb_purge_threads integer static 1-32 -
c lower_case_table_names integer static 0,1 0
c partial_revokes boolean dynamic 0,1 -
c require_secure_transport string dynamic ON,OFF OFF
c server_audit_cw_upload boolean dynamic 0,1 0
c server_audit_events list dynamic CONNECT,QUERY,QUERY_DCL,QUERY_DDL,QUERY_DML,TABLE -
c server_audit_excl_users string dynamic - -
c server_audit_incl_users string dynamic - -
c server_audit_logging boolean dynamic 0,1 0
c skip-character-set-client-handshake boolean static 0,1 -
c time_zone string dynamic - -
c tls_version list static TLSv1.2,TLSv1.3 -
ci connect_timeout integer dynamic 2-31536000 -
ci general_log boolean dynamic 0,1 -
ci group_concat_max_len integer dynamic 4-18446744073709551615 -
ci innodb_lock_wait_timeout integer dynamic 1-1073741824 -
ci innodb_print_all_deadlocks boolean dynamic 0,1 -
ci interactive_timeout integer dynamic 1-31536000 -
ci local_infile boolean dynamic 0,1 1
ci lock_wait_timeout integer dynamic 1-31536000 -
ci log_bin_trust_function_creators boolean dynamic 0,1 -
ci log_output string dynamic TABLE,FILE,NONE FILE
ci log_queries_not_using_indexes boolean dynamic 0,1 -
ci long_query_time float dynamic 0-31536000 -
ci max_allowed_packet integer dynamic 1024-1073741824 -
ci max_connect_errors integer dynamic 1-9223372036854775807 -
ci max_connections integer dynamic 1-16000 $MAX_CONNECTIONS
ci max_execution_time integer dynamic 0-4294967295 -
ci net_read_timeout integer dynamic 1-31536000 -
ci net_write_timeout integer dynamic 1-31536000 -
ci performance_schema boolean static 0,1 -
ci query_cache_type integer dynamic 0,1,2 -
ci slow_query_log boolean dynamic 0,1 -
ci sql_mode list dynamic - -
ci table_open_cache integer dynamic 1-524288 -
ci transaction_isolation string dynamic READ-UNCOMMITTED,READ-COMMITTED,REPEATABLE-READ,SERIALIZABLE -
ci tx_isolation string dynamic READ-UNCOMMITTED,READ-COMMITTED,REPEATABLE-READ,SERIALIZABLE -
ci wait_timeout integer dynamic 1-31536000 -
ci !datadir string static - /rdsdbdata/db/
ci !port integer static 1150-65535 -
""".strip()


def default_parameters(group_family: str, level: str) -> dict[str, dict[str, Any]]:
    """{name: Parameter structure} of a family; level `c` = cluster group, `i` = instance group; {} elsewhere."""
    if "mysql" not in group_family:
        return {}
    defaults = {}
    for line in MYSQL_PARAMETERS.splitlines():
        levels, name, data_type, apply_type, allowed, value = line.split()
        if level not in levels and not group_family.startswith("mysql"):
            continue
        parameter = {
            "ParameterName": name.lstrip("!"),
            "Description": f"{name.lstrip('!')} of {group_family}",
            "Source": "system" if name.startswith("!") else "engine-default",
            "ApplyType": apply_type,
            "DataType": data_type,
            "IsModifiable": not name.startswith("!"),
            "ApplyMethod": "pending-reboot",
            "SupportedEngineModes": ["provisioned"],
        }
        parameter |= {"AllowedValues": allowed} if allowed != "-" else {}
        parameter |= {"ParameterValue": value.replace("$MAX_CONNECTIONS", MAX_CONNECTIONS)} if value != "-" else {}
        defaults[parameter["ParameterName"]] = parameter
    return defaults
