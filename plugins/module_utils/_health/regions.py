# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read all signals of all regions in parallel, and judge them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import read_lag_and_stream
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.compute import compute_readers
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import groups_of
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import utc_now
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import given, layer_state
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import make_clients, pick
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    UNKNOWN,
    Facts,
    Observation,
    trusted_view,
    writer_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.probe import probe
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._health.readers import (
    database_readers,
    describe_session_table,
    get_checkers,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import (
    HEALTHY,
    UNHEALTHY,
    Settings,
    verdict,
)
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import ABSENT

# The facts from which each signal is judged.
FACTS_OF = {
    "load_balancer_targets": ("targets",),
    "database": ("cluster", "instances"),
    "replication_lag": ("global_cluster", "lag"),
    "session_table": ("table",),
    "route53_checkers": ("checkers",),
    "endpoint_probe": ("probe",),
}
SERVICE_OF = {
    "targets": "elbv2",
    "cluster": "rds",
    "instances": "rds",
    "global_cluster": "rds",
    "lag": "cloudwatch",
    "table": "dynamodb",
    "checkers": "route53",
    "probe": None,
}
SERVICE_OF_GROUPS = "autoscaling"
# Route 53 has one API for all regions, so that its response says nothing about a region.
FACTS_FROM_ELSEWHERE = ("checkers",)
# The name of a layer, and of the signal that is judged from it.
SESSION_TABLE = "session_table"
# Always read, because every result names the writer's region.
ALWAYS = ("global_cluster",)


def build_entries(params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return (region entries, shared values), from the manifest or from the options. Pure.

    Shared: {global_cluster_identifier, domain, health_path, scheme}. An option overrides the manifest.
    """
    manifest = params.get("manifest") or {}
    entries = params.get("regions") or manifest.get("regions") or []
    names = [entry.get("region") for entry in entries]
    if not names or not all(names):
        raise MultiRegionError(f"regions is {names}; allowed: at least one entry, each with its region.")
    traffic = manifest.get("traffic") or {}
    shared = {
        "global_cluster_identifier": (manifest.get("global_database") or {}).get("identifier"),
        "domain": traffic.get("domain"),
        "health_path": traffic.get("health_path") or "/health",
        "scheme": traffic.get("scheme") or "http",
    }
    return entries, {name: params.get(name) or value for name, value in shared.items()}


def build_readers(
    clients: Any, entry: Mapping[str, Any], shared: Mapping[str, Any], params: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe one region, by fact."""
    region = entry["region"]

    def ask_endpoint() -> dict[str, Any]:
        address = given(entry, "load_balancer_dns_name")
        timeout, proxy = pick(params, "read_timeout"), params.get("probe_proxy")
        return probe(address, shared["scheme"], shared["health_path"], timeout, shared["domain"], proxy)

    return {
        **database_readers(clients, entry, shared["global_cluster_identifier"]),
        "lag": lambda: read_lag_and_stream(clients("cloudwatch", region), given(entry, "db_cluster_identifier")),
        "table": lambda: describe_session_table(clients("dynamodb", region), given(entry, "session_table")),
        "checkers": lambda: get_checkers(clients("route53", region), given(entry, "health_check_id")),
        "probe": ask_endpoint,
        **compute_readers(clients, entry),
    }


def signals_of(params: Mapping[str, Any], option: str) -> list[str]:
    """Return the signals of an option, without the session table's on a platform that has none. Pure."""
    has_table = layer_state(params.get("manifest") or {}, SESSION_TABLE) != ABSENT
    return [signal for signal in params[option] if has_table or signal != SESSION_TABLE]


def observe_regions(params: Mapping[str, Any], clients: Any) -> dict[str, Facts]:
    """Read everything that the wanted signals need, in parallel, and return the facts by region."""
    entries, shared = build_entries(params)
    signals = {*signals_of(params, "signals"), *signals_of(params, "deciding_signals")}
    # No signal is judged from groups; they are read for the option ``capacity``.
    groups = {one.fact for entry in entries for one in groups_of(entry)} if params.get("capacity") else set()
    wanted = {*ALWAYS, *groups, *(fact for signal in signals for fact in FACTS_OF[signal])}
    calls = {
        (entry["region"], fact): call
        for entry in entries
        for fact, call in build_readers(clients, entry, shared, params).items()
        if fact in wanted
    }
    services = {SERVICE_OF.get(fact, SERVICE_OF_GROUPS) for fact in wanted} - {None}
    make_clients(clients, services, [entry["region"] for entry in entries])
    silent = set(params.get("silent_regions") or ())
    answers: dict[tuple[str, str], Observation] = observe_all(
        calls, params["deadline"], silent={name for name in calls if name[0] in silent}
    )
    return {
        entry["region"]: Facts(
            entry["region"], {fact: seen for (region, fact), seen in answers.items() if region == entry["region"]}
        )
        for entry in entries
    }


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return a verdict for each region, with its signals and their reasons.

    Returns changed (False), reason, verdicts, healthy_regions, unhealthy_regions, unknown_regions, silent_regions,
    writer_region, capacity, checked_at.
    """
    checked_at = utc_now()
    entries, _shared = build_entries(params)
    facts = observe_regions(params, clients)
    settings = Settings(
        min_healthy_ratio=params["min_healthy_ratio"],
        max_replication_lag_ms=params["max_replication_lag_ms"],
        max_lag_sample_age=params["max_lag_sample_age"],
        deciding=tuple(signals_of(params, "deciding_signals")),
    )
    verdicts = {region: verdict(seen, settings, signals_of(params, "signals")) for region, seen in facts.items()}
    groups = {
        state: [region for region, found in verdicts.items() if found.verdict == state]
        for state in (HEALTHY, UNHEALTHY, UNKNOWN)
    }
    return {
        "changed": False,
        "verdicts": {region: found.as_result() for region, found in verdicts.items()},
        **{f"{state}_regions": regions for state, regions in groups.items()},
        "silent_regions": [region for region, seen in facts.items() if seen.is_silent(FACTS_FROM_ELSEWHERE)],
        "writer_region": writer_region(trusted_view(facts, tuple(facts))[1]) or UNKNOWN,
        "capacity": {
            one.seen_as(entry["region"]): group["desired"]
            for entry in entries
            for one in groups_of(entry)
            if (group := facts[entry["region"]].value(one.fact))
        },
        "checked_at": checked_at,
        "reason": " ".join(f"{region} is {found.verdict}: {found.reason}" for region, found in verdicts.items()),
    }
