# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API says of engine versions, and the parameters their families have by default.

Follows: API reference DBEngineVersion, DBMajorEngineVersion and Parameter; Aurora User Guide, "Aurora MySQL
configuration parameters" and "Aurora PostgreSQL cluster parameters" (a selection: what platforms usually set, and its
kin). Fields of a version and log types: as printed in aws-cdk, pull request 36517. Which versions there are:
rds_calendar.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue

from lab.services.rds_calendar import (
    EXTENDED,
    MAJORS,
    STANDARD,
    VERSIONS,
    Version,
    is_past_standard_support,
    major_of,
    offered,
    shown,
    upgrade_targets,
)

MYSQL_LOGS = ["audit", "error", "general", "iam-db-auth-error", "instance", "slowquery"]
POSTGRESQL_LOGS = ["iam-db-auth-error", "instance", "postgresql"]
# The range of capacities of db.serverless: to 256 ACUs and from 0 in recent versions ("Aurora Serverless v2 capacity").
SERVERLESS = {"MinCapacity": 0.0, "MaxCapacity": 256.0}


def family(engine: str, version: str) -> str:
    """The parameter group family: engine and major version, e.g. aurora-mysql8.0, postgres16."""
    return engine + major_of(engine, version)


FAMILIES = {family(engine, name) for engine, versions in VERSIONS.items() for name in versions}


def check_engine_version(engine: str, version: str, region: str) -> None:
    """Raise the API's fault when the Region does not offer the version (copilot-cli, issue 5812)."""
    if engine in VERSIONS and version not in [one.name for one in offered(engine, region)]:
        raise InvalidParameterCombination(f"Cannot find version {version} for {engine}")


def check_global_version(engine: str, version: str, region: str) -> None:
    """Raise the API's fault for a global cluster (terraform-provider-aws, issue 28189)."""
    if version not in [one.name for one in offered(engine, region) if one.supports_global]:
        raise InvalidParameterValue(
            "The requested engine version was not found or does not support global functionality"
        )


def check_upgrade(engine: str, current: str, version: str, allow_major: bool) -> None:
    """Raise the API's fault for a downgrade or a step too far (terraform-provider-aws, issues 45026 and 13490)."""
    if version not in [one.name for one in upgrade_targets(engine, current)]:
        raise InvalidParameterCombination(f"Cannot upgrade {engine} from {current} to {version}")
    if major_of(engine, version) != major_of(engine, current) and not allow_major:
        raise InvalidParameterCombination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        )


def check_lifecycle(engine: str, version: str, lifecycle: str | None) -> None:
    """Without extended support nothing past its standard support is created (API reference CreateDBCluster)."""
    allowed = (EXTENDED, f"{EXTENDED}-disabled")
    if lifecycle not in (None, *allowed):
        raise InvalidParameterValue(
            f"Invalid engine lifecycle support: {lifecycle}. Valid values: {', '.join(allowed)}"
        )
    if lifecycle == allowed[1] and is_past_standard_support(engine, version):
        raise InvalidParameterCombination(
            f"{engine} {version} is past its end of standard support date: enable RDS Extended Support to use it."
        )


def describe_engine_version(version: Version) -> dict[str, Any]:
    """The DBEngineVersion structure."""
    engine, is_mysql = version.engine, "mysql" in version.engine
    return {
        "Engine": engine,
        "MajorEngineVersion": version.major,
        "EngineVersion": version.name,
        "DBParameterGroupFamily": family(engine, version.name),
        "DBEngineDescription": engine,
        "DBEngineVersionDescription": f"{engine} {version.name}",
        "ValidUpgradeTarget": [
            {
                "Engine": engine,
                "EngineVersion": other.name,
                "Description": f"{engine} {other.name}",
                "AutoUpgrade": False,
                "IsMajorVersionUpgrade": other.major != version.major,
                "SupportedEngineModes": ["provisioned"],
                "SupportsGlobalDatabases": other.supports_global,
            }
            for other in upgrade_targets(engine, version.name)
        ],
        "ExportableLogTypes": MYSQL_LOGS if is_mysql else POSTGRESQL_LOGS,
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": False,
        "SupportedEngineModes": ["provisioned"],
        "Status": "available" if version.is_offered else "deprecated",
        "SupportsParallelQuery": engine == "aurora-mysql",
        "SupportsGlobalDatabases": version.supports_global,
        **({"ServerlessV2FeaturesSupport": SERVERLESS} if version.supports_global else {}),
    }


def describe_major_version(engine: str, major: str) -> dict[str, Any]:
    """The DBMajorEngineVersion structure."""
    standard_end, extended_end = MAJORS[engine][major]
    first = min(one.released for one in VERSIONS[engine].values() if one.major == major)
    spans = ((STANDARD, first, standard_end), (EXTENDED, standard_end, extended_end))
    return {
        "Engine": engine,
        "MajorEngineVersion": major,
        "SupportedEngineLifecycles": [
            {
                "LifecycleSupportName": name,
                "LifecycleSupportStartDate": shown(start),
                # At the day's last millisecond, as printed in "Viewing support dates" of the Aurora User Guide.
                "LifecycleSupportEndDate": shown(end) + timedelta(days=1, milliseconds=-1),
            }
            for name, start, end in spans
        ],
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
# $FORCE_SSL: on from 17 on ("Security with Amazon Aurora PostgreSQL").
POSTGRESQL_PARAMETERS = """
c autovacuum boolean dynamic 0,1 1
c idle_in_transaction_session_timeout integer dynamic 0-2147483647 86400000
c log_autovacuum_min_duration integer dynamic -1-2147483647 -
c rds.force_ssl boolean dynamic 0,1 $FORCE_SSL
c rds.global_db_rpo integer dynamic 20-2147483647 -
c rds.logical_replication boolean static 0,1 0
c shared_preload_libraries list static auto_explain,pg_stat_statements,pg_hint_plan,pgaudit,pg_cron pg_stat_statements
c ssl_max_protocol_version string dynamic TLSv1.2,TLSv1.3 -
c ssl_min_protocol_version string dynamic TLSv1,TLSv1.1,TLSv1.2,TLSv1.3 TLSv1.2
c timezone string dynamic - UTC
ci log_connections boolean dynamic 0,1 -
ci log_disconnections boolean dynamic 0,1 -
ci log_lock_waits boolean dynamic 0,1 -
ci log_min_duration_statement integer dynamic -1-2147483647 -
ci log_min_error_statement string dynamic debug5,debug1,info,notice,warning,error,log,fatal,panic -
ci log_statement string dynamic none,ddl,mod,all -
ci log_temp_files integer dynamic -1-2147483647 -
ci max_connections integer static 6-262143 LEAST({DBInstanceClassMemory/9531392},5000)
ci pg_stat_statements.track string dynamic none,top,all -
ci random_page_cost float dynamic 0-2147483647 -
ci statement_timeout integer dynamic 0-2147483647 -
ci track_activity_query_size integer static 100-102400 4096
ci work_mem integer dynamic 64-2147483647 -
ci !port integer static 1150-65535 -
""".strip()


def default_parameters(group_family: str, level: str) -> dict[str, dict[str, Any]]:
    """{name: Parameter structure} of a family; level `c` = cluster group, `i` = instance group; {} elsewhere."""
    if "mysql" not in group_family and not group_family.startswith("aurora-postgresql"):
        return {}
    defaults = {}
    text = MYSQL_PARAMETERS if "mysql" in group_family else POSTGRESQL_PARAMETERS
    force_ssl = "1" if group_family.startswith("aurora-postgresql") and int(group_family[17:]) >= 17 else "0"
    for line in text.splitlines():
        levels, name, data_type, apply_type, allowed, value = line.split()
        if level not in levels and not group_family.startswith("mysql"):
            continue
        value = value.replace("$MAX_CONNECTIONS", MAX_CONNECTIONS).replace("$FORCE_SSL", force_ssl)
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
        parameter |= {"ParameterValue": value} if value != "-" else {}
        defaults[parameter["ParameterName"]] = parameter
    return defaults
