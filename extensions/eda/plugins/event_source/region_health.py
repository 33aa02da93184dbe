# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Event source of ansible-rulebook: the health decision of all regions, once in every interval."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Mapping
from types import SimpleNamespace
from typing import Any

from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

# ansible-rulebook runs this file by its path, without an importer for collections. Ansible's own importer
# would work, but its path hook prevents the rulebook from loading its event filters (runpy.run_path).
sys.path += [path for path in constants.COLLECTIONS_PATHS if path not in sys.path]

from ansible_collections.trading.multi_region.plugins.module_utils._automation.rule import (
    Memory,
    Settings,
    decide,
)
from ansible_collections.trading.multi_region.plugins.module_utils._automation.store import (
    PAUSE_ID,
    pause_of,
    read_all,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import manifest
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import utc_now
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions as health_regions
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._options.types import type_problems
from ansible_collections.trading.multi_region.plugins.modules.region_health_info import ARGUMENT_SPEC

DOCUMENTATION = r"""
---
short_description: Watch the health of all regions and decide about a failover
description:
  - Judges all regions once in every interval by the code of M(trading.multi_region.region_health_info), and counts by
    the rule of C(health_check.yml), here in memory.
  - Every cycle is one event, C(region_health). A cycle that failed is one too, with every verdict V(unknown); it has
    the topics that were read last, so that operators can be notified if the control tables are lost.
options:
  table_name:
    description: Name of the control table, which contains the recovery manifest and a pause of automatic failover.
    type: str
    required: true
  regions:
    description: Codes of the platform's regions, at least two.
    type: list
    elements: str
    required: true
  interval_seconds:
    description: Seconds from the start of a cycle to the start of the next one. A cycle that takes longer delays it.
    type: float
    default: 10
  timeout_seconds:
    description:
      - Seconds after which a signal without a response is unknown, for all regions together. A region that answered
        nothing for so long is asked again in each cycle, and not waited for until it has answered something.
    type: float
    default: 8
  consecutive_failures:
    description: Number of cycles in a row that must find the active region down.
    type: int
    default: 3
  quorum:
    description: Number of unhealthy signals, at least two, for a region to be down.
    type: int
    default: 2
  stream_limit:
    description: Seconds without progress of replication after which the standbys vote against the active region.
    type: float
    default: 180
  min_healthy_ratio:
    description: Least share of registered targets that must be healthy, from 0 to 1.
    type: float
    default: 0.5
  probe_proxy:
    description: URL of the HTTP proxy for the probe of the endpoints. If empty, no proxy is used.
    type: str
"""

EXAMPLES = r"""
- trading.multi_region.region_health:
    table_name: trading-failover-dev
    regions: [us-east-1, us-east-2]
"""

SPEC = {
    "table_name": {"type": "str", "required": True, "rule": rules.TABLE},
    "regions": {"type": "list", "elements": "str", "required": True, "rule": rules.REGIONS},
    "interval_seconds": {"type": "float", "default": 10, "rule": rules.seconds(0.1, 86400)},
    "timeout_seconds": {"type": "float", "default": 8, "rule": rules.seconds(0.1, 86400)},
    "consecutive_failures": {"type": "int", "default": 3, "rule": rules.FAILURES},
    "quorum": {"type": "int", "default": 2, "rule": rules.QUORUM},
    "stream_limit": {"type": "float", "default": 180, "rule": rules.PERIOD},
    "min_healthy_ratio": {"type": "float", "default": 0.5, "rule": rules.RATIO},
    "probe_proxy": {"type": "str", "rule": rules.URL},
}
# Arguments that ansible-rulebook adds for sources that want feedback on their events.
NOT_OURS = ("eda_feedback_queue",)


def refuse(message: str, **_evidence: Any) -> None:
    """Raise an error where a module would exit."""
    raise MultiRegionError(message)


def checked(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with their defaults; MultiRegionError names each invalid one."""
    # A rulebook cannot omit an argument, so an empty one counts as omitted.
    given = {name: value for name, value in args.items() if name not in NOT_OURS and value not in ("", None)}
    problems = type_problems(given, SPEC)
    if problems:
        refuse(" ".join(problems))
    result = ArgumentSpecValidator(SPEC).validate(given)
    if result.error_messages:
        refuse(f"{' '.join(result.error_messages)} Allowed: {', '.join(SPEC)}.")
    params = result.validated_parameters
    problems = rules.option_problems(params, SPEC)
    if len(set(params["regions"])) < 2:
        problems.append(f"regions is {params['regions']}; allowed: at least two regions.")
    if problems:
        refuse(" ".join(problems))
    return params


class Watch:
    """The regions, and the counters of earlier cycles."""

    def __init__(self, params: Mapping[str, Any], clients: Any) -> None:
        self.params, self.clients = params, clients
        self.memory = Memory()
        self.none_healthy = 0
        self.topics: dict[str, str] = {}
        # As it was last read; a change of it is known one cycle later.
        self.manifest: dict[str, Any] | None = None
        # Regions that answered nothing for a whole cycle, and those of them that have answered since.
        self.silent: set[str] = set()
        self.heard: set[str] = set()
        self.settings = Settings(
            quorum=params["quorum"],
            consecutive_failures=params["consecutive_failures"],
            auto_failover=True,
            # One process observes every cycle, so there is no gap, however long a cycle is.
            max_gap=float("inf"),
            min_interval=0,
            stream_limit=params["stream_limit"],
        )

    async def look(self) -> dict[str, Any]:
        """Return one cycle's event; a failure is an event as well."""
        began = time.time()
        try:
            event = await self._judge()
        except Exception as error:  # no event would look like health
            unknown = f"The cycle failed: {type(error).__name__}: {error}"
            event = {
                "action": "none",
                "active_region": UNKNOWN,
                "verdicts": dict.fromkeys(self.params["regions"], UNKNOWN),
                "conditions": dict.fromkeys(self.params["regions"], UNKNOWN),
                "consecutive_unhealthy": self.memory.count,
                "standby_healthy": False,
                "checked_at": utc_now(),
                "reason": unknown,
            }
        healthy = "healthy" in event["verdicts"].values()
        self.none_healthy = 0 if healthy else self.none_healthy + 1
        is_lost = self.none_healthy >= self.params["consecutive_failures"]
        return {**event, "topics": self.topics, "all_lost": is_lost, "seconds": round(time.time() - began, 3)}

    def _listen(self, region: str) -> None:
        """Wait for a silent region beside the cycles: one that is only slow is waited for again in the next one."""
        copies, _failed = read_all(
            self.clients, self.params["table_name"], [region], (PAUSE_ID,), self.params["timeout_seconds"]
        )
        if copies:
            self.heard.add(region)

    async def _judge(self) -> dict[str, Any]:
        params, regions, table = self.params, self.params["regions"], self.params["table_name"]
        silent, self.heard = sorted(self.silent - self.heard), set()
        for region in silent:
            threading.Thread(target=self._listen, args=(region,), daemon=True).start()
        options = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()} | {"silent_regions": silent}
        reading = {**options, "table_name": table, "regions": regions, "deadline": 4}
        asking = {
            **options,
            "deadline": params["timeout_seconds"],
            "min_healthy_ratio": params["min_healthy_ratio"],
            "probe_proxy": params["probe_proxy"],
        }

        def judge(document: Mapping[str, Any]) -> Awaitable[dict[str, Any]]:
            return asyncio.to_thread(health_regions.run, {**asking, "manifest": document}, self.clients)

        # In parallel: whoever waits for a region that has just been lost waits for it once.
        known = self.manifest
        found, (copies, failed), health = await asyncio.gather(
            asyncio.to_thread(manifest.run_info, reading, self.clients),
            asyncio.to_thread(read_all, self.clients, table, regions, (PAUSE_ID,), 4, silent),
            judge(known) if known else asyncio.sleep(0),
        )
        self.manifest = found["manifest"]
        self.topics = manifest.topics_of(self.manifest)
        if not copies:
            refuse(f"No control table shows whether automatic failover is paused: {failed}")
        health = health or await judge(self.manifest)
        self.silent = set(health["silent_regions"])
        active, verdicts = health["writer_region"], health["verdicts"]
        decision = decide(verdicts, active, self.memory, pause_of(copies), time.time(), self.settings)
        self.memory = decision.memory
        states = {region: verdict["verdict"] for region, verdict in verdicts.items()}
        return {
            # Changes that health_check.yml reports are not needed here: a rule selects failover or critical.
            "action": decision.action if decision.action != "alert" else "none",
            "active_region": active,
            "verdicts": states,
            "conditions": dict(decision.memory.conditions),
            "consecutive_unhealthy": decision.memory.count,
            "standby_healthy": "healthy" in [state for region, state in states.items() if region != active],
            "checked_at": health["checked_at"],
            "reason": decision.reason,
        }


async def main(queue: asyncio.Queue, args: dict[str, Any]) -> None:
    """Put an event into the queue once in every interval, forever."""
    params = checked(args)
    options = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
    watch = Watch(params, clients_for(SimpleNamespace(params=options, fail_json=refuse)))
    while True:
        began = time.monotonic()
        await queue.put({"region_health": await watch.look()})
        await asyncio.sleep(max(0.0, began + params["interval_seconds"] - time.monotonic()))
