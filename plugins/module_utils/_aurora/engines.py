# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What differs between Aurora MySQL and Aurora PostgreSQL, as data. Pure.

Sources: "Using Amazon Aurora Global Database" of the Aurora User Guide ("Upgrading an Amazon Aurora global database"
for patch levels, "Managing RPOs for Aurora PostgreSQL-based global databases"), "Security with Amazon Aurora MySQL" and
"Security with Amazon Aurora PostgreSQL" for TLS, "Amazon CloudWatch metrics for Amazon Aurora"; EngineLifecycleSupport
of CreateGlobalCluster in the RDS API Reference; the release calendars for the default versions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXTENDED_SUPPORT = "open-source-rds-extended-support"
NO_EXTENDED_SUPPORT = f"{EXTENDED_SUPPORT}-disabled"
LIFECYCLES = (NO_EXTENDED_SUPPORT, EXTENDED_SUPPORT)
SERVERLESS_CLASS = "db.serverless"
LARGEST_CAPACITY = 256


@dataclass(frozen=True)
class Engine:
    """One engine. Parameters are those that the platform sets where nobody sets others."""

    name: str
    title: str
    # The only place of the default versions: the newest patch of the newest long-term support version.
    default_version: str
    # Form of a version: major version, minor version, and the patch where the version has one.
    version_form: str
    major_version_parts: int
    # Whether a major version may be left out on the way to a later one.
    skips_major_versions: bool
    port: int
    # Of an address that a client is given, as in mysql://host:3306/database.
    scheme: str
    log_types: tuple[str, ...]
    tls_parameter: str
    tls_values: tuple[str, ...]
    # The major version from which on TLS is required unless a parameter says otherwise.
    tls_default_from: int | None
    cluster_parameters: Mapping[str, str]
    instance_parameters: Mapping[str, str]
    # The parameter that holds commits back rather than lose more than so many seconds; None: the engine has none.
    rpo_parameter: str | None
    # Whether CreateGlobalCluster heeds EngineLifecycleSupport; with the others each cluster has its own.
    has_global_lifecycle: bool


# Of both engines; Aurora MySQL reports the second one since 3.04.0. The larger value is the bound on the data loss.
LAG_METRICS = ("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag")
ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            name="aurora-mysql",
            title="Aurora MySQL",
            default_version="8.0.mysql_aurora.3.10.5",
            version_form=r"\d+\.\d+\.mysql_aurora\.\d+\.\d+(?:\.\d+){0,2}",
            major_version_parts=2,
            skips_major_versions=False,
            port=3306,
            scheme="mysql",
            log_types=("audit", "error", "general", "slowquery"),
            tls_parameter="require_secure_transport",
            tls_values=("ON", "1"),
            tls_default_from=None,
            cluster_parameters={
                # TLS is 1.2 or 1.3 from 3.04.0 on, so tls_version need not be set ("TLS versions for Aurora MySQL").
                "require_secure_transport": "ON",
                "server_audit_logging": "1",
                "server_audit_events": "CONNECT,QUERY_DCL,QUERY_DDL",
            },
            instance_parameters={"slow_query_log": "1", "long_query_time": "2", "log_output": "FILE"},
            rpo_parameter=None,
            has_global_lifecycle=False,
        ),
        Engine(
            name="aurora-postgresql",
            title="Aurora PostgreSQL",
            default_version="17.7",
            version_form=r"[1-9]\d\.\d+(?:\.\d+)?",
            major_version_parts=1,
            skips_major_versions=True,
            port=5432,
            scheme="postgresql",
            log_types=("postgresql",),
            tls_parameter="rds.force_ssl",
            tls_values=("1", "on"),
            tls_default_from=17,
            cluster_parameters={"rds.force_ssl": "1"},
            # Statements as `audit` and `slowquery` of Aurora MySQL have them.
            instance_parameters={
                "log_connections": "1",
                "log_disconnections": "1",
                "log_min_duration_statement": "2000",
                "log_statement": "ddl",
            },
            rpo_parameter="rds.global_db_rpo",
            has_global_lifecycle=True,
        ),
    )
}


def of(name: str) -> Engine:
    """Return an engine; KeyError where there is none of the name."""
    return ENGINES[name]


def is_version(name: str, version: Any) -> bool:
    """Return whether a text has the form of a version of the engine. Whether AWS offers it, AWS has to be asked."""
    return isinstance(version, str) and bool(re.fullmatch(of(name).version_form, version, re.ASCII))


def major_version(name: str, version: str) -> str:
    """Return the major version: 8.0 of 8.0.mysql_aurora.3.10.5, 17 of 17.7."""
    return ".".join(version.split(".")[: of(name).major_version_parts])


def family(name: str, version: str) -> str:
    """Return the family of parameter groups, such as aurora-mysql8.4 and aurora-postgresql17."""
    return f"{name}{major_version(name, version)}"


def parameter_group(base: str, wanted: str, taken: str | None) -> str:
    """Return the name of a cluster's parameter groups of a family: the base, unless that one is of another family.

    A group's family cannot be changed, so another major version needs other groups. taken: the family of the group that
    has the base as its name, None where there is none.
    """
    return base if taken in (None, wanted) else f"{base}-{wanted.replace('.', '-')}"


def version_key(version: str) -> list[tuple[int, int, str]]:
    """Return something that orders the versions of an engine."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in version.split(".")]


def have_parity(name: str | None, one: str | None, other: str | None) -> bool:
    """Return whether the writer can move between clusters of two versions.

    Aurora MySQL wants the same patch. Of Aurora PostgreSQL the API shows major and minor version, which must be the
    same; where it shows a patch, that may differ.
    """
    if not (one and other):
        return False
    if name in ENGINES and of(name).major_version_parts == 1:
        return one.split(".")[:2] == other.split(".")[:2]
    return one == other


def requires_tls(name: str, version: str, parameters: Mapping[str, str]) -> bool:
    """Return whether a cluster refuses clients without TLS, by the parameters that its group sets."""
    engine = of(name)
    if engine.tls_parameter in parameters:
        return parameters[engine.tls_parameter].upper() in [value.upper() for value in engine.tls_values]
    return engine.tls_default_from is not None and float(major_version(name, version)) >= engine.tls_default_from


def capacity_problem(instance_class: str, least: Any, most: Any) -> str | None:
    """Return what is wrong with the capacities of db.serverless, or None. Capacities are ACUs; None is not given."""
    if least is None and most is None:
        is_missing = instance_class == SERVERLESS_CLASS
        return f"{SERVERLESS_CLASS} needs a least and a largest capacity in ACUs." if is_missing else None
    if least is None or most is None:
        return "A least and a largest capacity are given together, or neither is."
    for what, value, floor in (("least", least, 0), ("largest", most, 1)):
        if isinstance(value, bool) or not isinstance(value, int | float) or value * 2 % 1:
            return f"The {what} capacity is {value}; allowed: a multiple of 0.5 ACUs."
        if not floor <= value <= LARGEST_CAPACITY:
            return f"The {what} capacity is {value}; allowed: {floor} to {LARGEST_CAPACITY} ACUs."
    return f"The least capacity is {least}; allowed: at most the largest, {most} ACUs." if least > most else None
