# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All readiness checks, and their summary. Pure.

To add a check, write a function of ``Seen`` that yields findings, and add it to CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import ABSENT, EXISTING
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import (
    capacity,
    control,
    data,
    database,
    exposure,
    hardening,
    name,
    quotas,
    surroundings,
)
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    ALL,
    BLOCKER,
    OK,
    PROVISION,
    WARNING,
    Finding,
    Seen,
    ok,
)

CHECKS: dict[str, Callable[[Seen], Iterable[Finding]]] = {
    "writer_known": database.writer_known,
    "planner": control.planner,
    "members": database.members,
    "engine_parity": database.engine_parity,
    "engine_support": database.engine_support,
    "instances": database.instances,
    "replication_lag": database.lag,
    "parameter_groups": database.parameter_groups,
    "writer_endpoint": database.writer_endpoint,
    "rescue_snapshots": database.rescue_snapshots,
    "target_health": capacity.target_health,
    "capacity": capacity.capacity,
    "vcpu_quota": capacity.vcpu_quota,
    "capacity_reservations": capacity.capacity_reservations,
    "target_quota": capacity.target_quota,
    "region_enabled": quotas.region_enabled,
    "elastic_ip_quota": quotas.elastic_ip_quota,
    "vpc_quota": quotas.vpc_quota,
    "health_check_quota": quotas.health_check_quota,
    "application": quotas.application,
    "session_table": data.session_table,
    "bucket_replication": data.bucket_replication,
    "object_arrival": data.object_arrival,
    "item_arrival": data.item_arrival,
    "secret": data.secret,
    "encryption_key": data.encryption_key,
    "encryption_at_rest": hardening.encryption_at_rest,
    "tls_only": hardening.tls_only,
    "public_access": hardening.public_access,
    "open_ports": exposure.open_ports,
    "egress": exposure.egress,
    "load_balancer": exposure.load_balancer,
    "instance_metadata": exposure.instance_metadata,
    "switch_records": name.switch_records,
    "switch_alarms": name.switch_alarms,
    "switch_accelerator": name.switch_accelerator,
    "switch_seen": name.switch_seen,
    "switch_readable": hardening.switch_readable,
    "endpoint_checks": name.endpoint_checks,
    "peering": surroundings.peering,
    "lag_alarm": surroundings.lag_alarm,
    "alarms": surroundings.alarms,
    "subscriptions": surroundings.subscriptions,
    "manifest": control.manifest,
    "manifest_facts": control.manifest_facts,
    "lease": control.lease,
    "fences": control.fences,
    "fence_prepared": control.fence_prepared,
    "cool_down": control.cool_down,
    "automation": control.automation,
    "credentials": control.credentials,
    "runner_permissions": control.runner_permissions,
    "protection": hardening.protection,
    "backups": hardening.backups,
}

# The layer that a check is about, of those that a platform may be without or that others may have made.
LAYER_OF = {
    **dict.fromkeys(("parameter_groups", "rescue_snapshots"), "global_database"),
    **dict.fromkeys(("application", "capacity_reservations", "load_balancer", "instance_metadata"), "application"),
    **dict.fromkeys(("session_table", "item_arrival"), "session_table"),
    **dict.fromkeys(("bucket_replication", "object_arrival"), "object_storage"),
    **dict.fromkeys(("secret", "encryption_key", "encryption_at_rest"), "encryption"),
    **dict.fromkeys(("lag_alarm", "alarms", "subscriptions"), "monitoring"),
    **dict.fromkeys(("peering", "open_ports", "egress", "fence_prepared"), "network"),
}
# Remedies that site.yml would be.
OF_SITE = (PROVISION, control.FIRST_ACL)
# What is judged by names and rules of site.yml's own, and so of a layer that it has made.
OF_OURS = frozenset(
    {
        *("peering", "open_ports", "egress"),
        *("application", "secret", "item_arrival", "bucket_replication", "object_arrival"),
    }
)


def findings_of(seen: Seen, title: str) -> Iterable[Finding]:
    """Return the findings of a check, as far as it is about a layer that the platform has."""
    layer = LAYER_OF.get(title, "")
    state = seen.layer(layer)
    if state == ABSENT:
        return [ok(ALL, f"This platform has no layer {layer} (platform_layers).")]
    if state == EXISTING and title in OF_OURS:
        return [ok(ALL, f"Not judged: the layer {layer} is not site.yml's (platform_layers).")]
    found = CHECKS[title](seen)
    if state == EXISTING:
        remedy = f"Change it where the layer {layer} is made: site.yml leaves it alone."
        return [replace(one, remedy=remedy) if one.remedy in OF_SITE else one for one in found]
    return found


def judge(seen: Seen) -> list[dict[str, Any]]:
    """Return the rows [{check, region, state, reason, remedy, is_unknown}] of all checks, in the order of CHECKS."""
    return [{"check": title, **asdict(finding)} for title in CHECKS for finding in findings_of(seen, title)]


def summary(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many rows are ok, warnings and blockers, and how many of the latter two are unknown values."""
    states = [row["state"] for row in rows]
    return {
        "ok": states.count(OK),
        "warnings": states.count(WARNING),
        "blockers": states.count(BLOCKER),
        "unknown": sum(row["is_unknown"] for row in rows),
    }


def ready_regions(seen: Seen, rows: list[dict[str, Any]]) -> list[str]:
    """Return the standbys to which a failover is possible now: no blocker of their own, none for the whole platform."""
    blocked = {row["region"] for row in rows if row["state"] == BLOCKER}
    return [] if ALL in blocked else [region for region in seen.standbys if region not in blocked]
