# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The health check that runs inside AWS, once a minute in a Lambda function of every region.

It is health_check.yml without its own failover: the same verdicts, the same plan for the obstacles, the same rule and
count, then people are told through the topic of the function's own region. Where the rule says failover and a webhook
is set, the controller is asked for one, once for each outage (_automation/outage_claim.py).

A function acts only where its region is a standby: the region that is watched may be the one that is lost, and who is
active is asked of AWS in every run, so that the parts change by themselves after a move.

The function's package holds this file, what it imports of the collection, and nothing else
(plugin_utils/lambda_package.py); boto3 comes with the runtime. Settings stand in the environment as JSON: {platform,
table_name, regions, webhook_secret (name of a secret as _cloud_trigger/webhook.py reads it, or empty),
consecutive_failures, quorum, stream_limit, min_healthy_ratio, cool_down}. Regions are those whose control tables may
have the manifest; the platform's are the manifest's.
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
from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.webhook import (
    destination,
    get_secret,
    post,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import (
    manifest as control_table_manifest,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import (
    client_config,
    clients_of,
    start_session,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import DATABASE_INGRESS
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions as health_regions
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import DECIDING, SIGNALS
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import notify
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._platform import observe

SETTINGS = "CLOUD_TRIGGER_SETTINGS"
COUNTERS_ID = "automation#cloud_trigger"
REQUESTED = "requested"
# The modules' defaults, where the settings do not say otherwise. Seconds and milliseconds.
MANIFEST_OPTIONS = {"deadline": 4}
HEALTH_OPTIONS = {
    "signals": list(SIGNALS),
    "deciding_signals": list(DECIDING),
    "max_replication_lag_ms": 1000,
    "max_lag_sample_age": 300,
    "deadline": 8,
}
# The move that is asked for: managed, and never with more loss than the lag allows.
PLAN_OPTIONS = {
    "method": FAILOVER,
    "fencing": DATABASE_INGRESS,
    "resume_within": 21600,
    "max_lag_sample_age": 300,
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
NOTIFY_DEADLINE = 4

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)


@timed
def run(settings: Mapping[str, Any], clients: Any, region: str, send: Any = post) -> dict[str, Any]:
    """Judge all regions from a function in one of them, and act where that one is a standby.

    Returns {region, active_region, verdicts, conditions, action, reason, delivered, seconds}; action is none, alert,
    critical, failover (due, and not asked for by this run) or requested (the controller was asked by this run).
    Raises MultiRegionError for settings of no use, and where no manifest could be read.
    """
    problems = rules.Members(SETTINGS_RULES, frozenset(SETTINGS_RULES)).problems("", settings)
    if problems:
        raise MultiRegionError(" ".join(problems))
    table = {"table_name": settings["table_name"]}
    manifest = control_table_manifest.run_info(
        {**MANIFEST_OPTIONS, **table, "regions": settings["regions"], "preferred_region": region}, clients
    )["manifest"]
    topics = {entry["region"]: entry["topic_arn"] for entry in manifest["regions"]}
    share = {"min_healthy_ratio": settings["min_healthy_ratio"]}
    health = health_regions.run({**HEALTH_OPTIONS, **share, "manifest": manifest}, clients)
    plan = {}
    if len(health["healthy_regions"]) < len(topics):
        asked = {**PLAN_OPTIONS, **share, **table, "regions": list(topics), "cool_down": settings["cool_down"]}
        plan = observe.run(asked, clients)
    # As in health_check.yml: a move that has only half happened is seen by the plan alone.
    active = plan.get("active_region", health["writer_region"])
    seen: dict[str, Any] = {"region": region, "active_region": active, "conditions": {}}
    seen["verdicts"] = {name: one["verdict"] for name, one in health["verdicts"].items()}
    if active == region:
        reason = f"{region} is active, so the standbys watch it; nothing is done here."
        return {**seen, "action": "none", "reason": reason, "delivered": {}}
    decided = decision.run(
        {
            **DECISION_OPTIONS,
            **table,
            **{name: settings[name] for name in ("consecutive_failures", "quorum", "stream_limit")},
            "regions": list(topics),
            "verdicts": health["verdicts"],
            "active_region": active,
            "obstacles": plan.get("obstacles", []),
            "auto_failover": bool(settings["webhook_secret"]),
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

    since: when the outage was first counted. Returns (failover or requested, sentence, whether people are told): they
    are told of the first attempt, and of the one that succeeds.
    """
    table, secret, active = settings["table_name"], settings["webhook_secret"], seen["active_region"]
    standbys = [name for name in regions if name != active]
    claim = outage_claim.take(clients, table, standbys, f"{active}@{since}", seen["region"])
    if isinstance(claim, str):
        return FAILOVER, claim, False
    try:
        url, token = destination(get_secret(clients("secretsmanager", seen["region"]), secret), secret)
        status = send(url, token, request_of(active, reason))
    except MultiRegionError as error:
        action, said = FAILOVER, f"The controller could not be asked: {error} The next run tries again."
    else:
        action, said = REQUESTED, f"The controller was asked, and answered with status {status}."
    try:
        outage_claim.reconcile(clients, table, claim, action == REQUESTED)
    except AwsCallError as error:
        said = f"{said} That could not be written down: {error}"
    return action, said, action == REQUESTED or claim.document["attempts"] == 1


def request_of(active_region: str, reason: str) -> dict[str, Any]:
    """Return what the controller is sent: the variables of failover.yml, as AWX takes them. Pure."""
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
    """Publish to the topic of the own region, or to all others where it takes nothing; return {region: message id}."""
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
    raise MultiRegionError(f"Nobody was told through any of {', '.join(topics)}: {reason}")


@functools.cache
def clients_in(region: str) -> Any:
    """Return the clients of a function in a region, which live as long as its process."""
    return clients_of(start_session(), client_config({}), region)


def handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Run once; what Lambda calls. The result goes into the function's log, an error counts among its errors."""
    region = os.environ["AWS_REGION"]
    result = run(json.loads(os.environ[SETTINGS]), clients_in(region), region)
    LOG.info(json.dumps(result))
    return result
