# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The health check that runs inside AWS, once a minute in a Lambda function in every region.

It is health_check.yml without its own failover: the same verdicts, the same plan for the obstacles, the same rule and
count, then a notification through the topic of the function's own region. If the rule decides on a failover and a way
to a controller is configured (_cloud_trigger/delivery.py), it is asked for one, once for each outage
(_automation/outage_claim.py).

A function acts only if its region is a standby, because the region that is watched may be the one that is lost. The
active region is read from AWS in every run, so the roles change automatically after a move.

The function's package contains this file, the modules of the collection that it imports, and nothing else
(plugin_utils/lambda_package.py); boto3 is part of the runtime. Settings are in the environment as JSON: {platform,
table_name, regions, consecutive_failures, quorum, stream_limit, min_healthy_ratio, cool_down}, and at most one of
{webhook_secret (name of a secret for _cloud_trigger/webhook.py), queue_arn, event_bus_arn}. Regions are those whose
control tables may have the manifest; the platform's regions are the manifest's.
"""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._automation import decision, outage_claim
from ansible_collections.trading.multi_region.plugins.module_utils._automation.rule import CRITICAL, FAILOVER
from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.delivery import deliver, way_of
from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.webhook import post
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import (
    manifest as control_table_manifest,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import (
    client_config,
    clients_of,
    start_session,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import MAX_SAMPLE_AGE
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import NETWORK_ACL
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions as health_regions
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import DECIDING, SIGNALS
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import notify
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._platform import observe

SETTINGS = "CLOUD_TRIGGER_SETTINGS"
COUNTERS_ID = "automation#cloud_trigger"
REQUESTED = "requested"
# The modules' defaults, unless the settings override them. Seconds and milliseconds.
MANIFEST_OPTIONS = {"deadline": 4}
HEALTH_OPTIONS = {
    "signals": list(SIGNALS),
    "deciding_signals": list(DECIDING),
    "max_replication_lag_ms": 1000,
    "max_lag_sample_age": MAX_SAMPLE_AGE,
    "capacity": True,
    "deadline": 8,
}
# The requested move: a managed failover, never with more loss than the lag allows.
PLAN_OPTIONS = {
    "method": FAILOVER,
    "fencing": NETWORK_ACL,
    "resume_within": 21600,
    "min_capacity_percent": 50,
    "max_lag_sample_age": MAX_SAMPLE_AGE,
    "accept_data_loss": False,
    "force": False,
    "deadline": 4,
    "patience": 2.5,
    **dict.fromkeys(("target_region", "takeover_run_id", "expected_active_region")),
    **dict.fromkeys(("max_replication_lag_ms", "max_sampled_lag_ms")),
}
# Functions start within seconds of each minute. What a second standby sees within the same one is not counted.
DECISION_OPTIONS = {"max_gap": 300, "min_interval": 45, "deadline": 8}
SETTINGS_RULES = {
    "table_name": rules.TABLE,
    "regions": rules.REGIONS,
    "consecutive_failures": rules.FAILURES,
    "quorum": rules.QUORUM,
    "stream_limit": rules.PERIOD,
    "min_healthy_ratio": rules.RATIO,
    "cool_down": rules.COOL_DOWN,
}
WAY_RULES = {"queue_arn": rules.QUEUE_ARN, "event_bus_arn": rules.EVENT_BUS_ARN}
NOTIFY_DEADLINE = 4

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)


@timed
def run(settings: Mapping[str, Any], clients: Any, region: str, send: Any = post) -> dict[str, Any]:
    """Judge all regions from a function in one of them, and act if that one is a standby.

    Returns {region, active_region, verdicts, conditions, action, reason, delivered, seconds}; action is none, alert,
    critical, failover (due, but not requested by this run) or requested (this run asked the controller).
    Raises MultiRegionError for invalid settings, and if no manifest could be read.
    """
    problems = rules.Members({**SETTINGS_RULES, **WAY_RULES}, frozenset(SETTINGS_RULES)).problems("", settings)
    if problems:
        raise MultiRegionError(" ".join(problems))
    way = way_of(settings)
    table = {"table_name": settings["table_name"]}
    manifest = control_table_manifest.run_info(
        {**MANIFEST_OPTIONS, **table, "regions": settings["regions"], "preferred_region": region}, clients
    )["manifest"]
    topics = control_table_manifest.topics_of(manifest)
    share = {"min_healthy_ratio": settings["min_healthy_ratio"]}
    health = health_regions.run({**HEALTH_OPTIONS, **share, "manifest": manifest}, clients)
    plan = {}
    if len(health["healthy_regions"]) < len(topics):
        options = {**PLAN_OPTIONS, **share, **table, "regions": list(topics), "cool_down": settings["cool_down"]}
        plan = observe.run(options, clients)
    # As in health_check.yml: only the plan shows that a move is half done.
    active = plan.get("active_region", health["writer_region"])
    seen: dict[str, Any] = {"region": region, "active_region": active, "conditions": {}}
    seen["verdicts"] = {name: one["verdict"] for name, one in health["verdicts"].items()}
    if active == region:
        reason = f"{region} is active, so the standbys watch it; this function does nothing."
        return {**seen, "action": "none", "reason": reason, "delivered": {}}
    decided = decision.run(
        {
            **DECISION_OPTIONS,
            **table,
            **{name: settings[name] for name in ("consecutive_failures", "quorum", "stream_limit")},
            "regions": list(topics),
            "verdicts": health["verdicts"],
            "capacity": health["capacity"],
            "active_region": active,
            "obstacles": plan.get("obstacles", []),
            "auto_failover": way is not None,
        },
        clients,
        counters=COUNTERS_ID,
    )
    seen["conditions"] = decided["conditions"]
    action, reason, is_news = decided["action"], decided["reason"], decided["is_news"]
    if action == FAILOVER:
        since = decided["diff"]["after"]["since"]
        action, said, is_news = ask_for_failover(settings, clients, seen, list(topics), since, reason, send)
        reason = f"{reason} {said}"
    delivered = tell(settings, clients, seen, action, reason, topics) if is_news else {}
    return {**seen, "action": action, "reason": reason, "delivered": delivered}


def ask_for_failover(
    settings: Mapping[str, Any],
    clients: Any,
    seen: Mapping[str, Any],
    regions: list[str],
    since: float,
    reason: str,
    send: Any,
) -> tuple[str, str, bool]:
    """Ask the controller to leave the active region, unless that was done for this outage.

    since: when the outage was first counted. Returns (failover or requested, sentence, whether to notify operators):
    they are notified of the first attempt, and of the one that succeeds.
    """
    table, active = settings["table_name"], seen["active_region"]
    standbys = [name for name in regions if name != active]
    claim = outage_claim.take(clients, table, standbys, f"{active}@{since}", seen["region"])
    if isinstance(claim, str):
        return FAILOVER, claim, False
    try:
        result = deliver(settings, clients, seen["region"], request_of(active, reason), send)
        action = REQUESTED
    except MultiRegionError as error:
        action, result = FAILOVER, f"The controller could not be asked: {error} The next run tries again."
    try:
        outage_claim.reconcile(clients, table, claim, action == REQUESTED)
    except AwsCallError as error:
        result = f"{result} That could not be recorded: {error}"
    return action, result, action == REQUESTED or claim.document["attempts"] == 1


def request_of(active_region: str, reason: str) -> dict[str, Any]:
    """Return the request to the controller: the variables of failover.yml, in the form that AWX accepts. Pure."""
    return {
        "extra_vars": {
            "move_method": FAILOVER,
            "expected_active_region": active_region,
            "failover_reason": f"cloud_trigger: {reason}",
        }
    }


def tell(
    settings: Mapping[str, Any],
    clients: Any,
    seen: Mapping[str, Any],
    action: str,
    reason: str,
    topics: Mapping[str, str],
) -> dict[str, str]:
    """Publish to the own region's topic, or to all others if it does not accept; return {region: message id}."""
    region, platform = seen["region"], settings["platform"]
    heading = f"CRITICAL {platform}: every region is unhealthy" if action == CRITICAL else platform
    states = ", ".join(f"{name} {state}" for name, state in seen["conditions"].items())
    message = {
        "subject": f"{heading}: {states}",
        "msg": f"{reason}\nActive: {seen['active_region']}. Seen from {region}, by the trigger inside AWS.",
        "attributes": {"event": f"cloud_trigger_{action}"},
        "best_effort": True,
        "deadline": NOTIFY_DEADLINE,
    }
    own = {region: topics[region]} if region in topics else {}
    others = {name: topic for name, topic in topics.items() if name != region}
    for wanted in (own, others):
        delivered = notify.run({**message, "topics": wanted}, clients)["delivered"] if wanted else {}
        if delivered:
            return delivered
    raise MultiRegionError(f"No notification was sent through any of {', '.join(topics)}: {reason}")


@functools.cache
def clients_in(region: str) -> Any:
    """Return the clients of a function in a region, cached for the life of its process."""
    config = client_config({})
    return clients_of(start_session(config=config), config, region)


def handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Run once; the function that Lambda calls. The result is logged; an error counts as an error of the function."""
    region = os.environ["AWS_REGION"]
    result = run(json.loads(os.environ[SETTINGS]), clients_in(region), region)
    LOG.info(json.dumps(result))
    return result
