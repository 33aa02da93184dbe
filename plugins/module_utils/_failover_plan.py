# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Observing the whole platform for the planner: the manifest first, then every region at once, within seconds.

A region that has not answered a single call is not waited for to the end: it may be the lost one, and all that must be
known stands in the target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._api import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._failover.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request, State
from ansible_collections.trading.multi_region.plugins.module_utils._failover_manifest import (
    describe_copies,
    freshest,
    manifest_reader,
    nothing_found,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health_signals import (
    database_readers,
    describe_group,
    get_statements,
    given,
    make_clients,
)
from ansible_collections.trading.multi_region.plugins.module_utils._observe import Board
from ansible_collections.trading.multi_region.plugins.module_utils._traffic_switch import active_region
from ansible_collections.trading.multi_region.plugins.module_utils._wait import timed

MANIFEST = "manifest"
SERVICES = ("dynamodb", "rds", "elbv2", "autoscaling", "s3", "cloudwatch")
REQUEST_OPTIONS = (
    "target_region",
    "expected_active_region",
    "min_healthy_ratio",
    "max_replication_lag_ms",
    "max_lag_sample_age",
    "accept_data_loss",
    "force",
)

Answers = Mapping[tuple[str, str], Observation]


def build_readers(clients: Any, manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe one region for the planner, by fact; all of them calls to that region."""
    region, key = entry["region"], (manifest.get("traffic") or {}).get("switch_key") or "active-region"
    return {
        **database_readers(clients, entry, manifest["global_database"]["identifier"]),
        "group": lambda: describe_group(clients("autoscaling", region), given(entry, "autoscaling_group_name")),
        "statements": lambda: get_statements(clients("s3", region), given(entry, "control_bucket"), key),
    }


def silent_regions(answers: Answers, regions: list[str]) -> set[str]:
    """Return the regions that have not answered one call with a value. Pure."""
    return set(regions) - {region for (region, _name), answer in answers.items() if answer.known}


class Watch:
    """The observation of one run: reads the manifest everywhere, then what it names, on one clock."""

    def __init__(self, params: Mapping[str, Any], clients: Any):
        self._params = params
        self._clients = clients
        self._board = Board()
        self._asked: set[tuple[str, str]] = set()
        self._observing_since = 0.0

    def _start(self, calls: Mapping[tuple[str, str], Callable[[], Any]]) -> None:
        self._asked.update(calls)
        self._board.start(calls)

    def _patient(self, answers: Answers, seconds: float) -> bool:
        """Return whether only regions that never answered are still missing, and were waited for long enough."""
        if seconds - self._observing_since < self._params["patience"]:
            return False
        missing = {region for region, _name in self._asked - set(answers)}
        return missing <= silent_regions(answers, sorted(missing))

    @classmethod
    def _has_manifest(cls, answers: Answers, _seconds: float) -> bool:
        return freshest(cls._copies(answers)) is not None

    @staticmethod
    def _copies(answers: Answers) -> dict[str, Observation]:
        return {region: answer for (region, name), answer in answers.items() if name == MANIFEST}

    def run(self) -> tuple[dict[str, Any], str, dict[str, Observation], dict[str, Facts]]:
        """Return (manifest, region it was read from, all copies, facts by region).

        Observing starts with the first copy that arrives. Where a fresher one arrives meanwhile and says something
        else, what it names is observed once more, with as much time again. Raises MultiRegionError where there is
        no copy.
        """
        table, regions, deadline = self._params["table_name"], self._params["regions"], self._params["deadline"]
        self._start({(region, MANIFEST): manifest_reader(self._clients, table, region) for region in regions})
        make_clients(self._clients, SERVICES, regions)
        answers = self._board.wait(self._board.seconds() + deadline, self._has_manifest)
        manifest: dict[str, Any] | None = None
        while True:
            copies = self._copies(answers)
            found = freshest(copies, self._params.get("target_region"))
            if not found:
                raise nothing_found(table, copies)
            region, copy = found
            if copy["document"] == manifest:
                return copy["document"], region, copies, self._facts(answers, copy["document"])
            manifest = copy["document"]
            self._observe(copy["document"])
            answers = self._board.wait(self._observing_since + deadline, self._patient)

    def _observe(self, manifest: Mapping[str, Any]) -> None:
        self._observing_since = self._board.seconds()
        self._start(
            {
                (entry["region"], fact): call
                for entry in manifest["regions"]
                for fact, call in build_readers(self._clients, manifest, entry).items()
            }
        )

    @staticmethod
    def _facts(answers: Answers, manifest: Mapping[str, Any]) -> dict[str, Facts]:
        found: dict[str, dict[str, Observation]] = {entry["region"]: {} for entry in manifest["regions"]}
        for (region, name), answer in answers.items():
            if name != MANIFEST and region in found:
                found[region][name] = answer
        return {region: Facts(region, facts) for region, facts in found.items()}


def build_state(manifest: Mapping[str, Any], facts: Mapping[str, Facts]) -> State:
    """Return the planner's state. Pure.

    The traffic is where the control objects that could be read put it, as Route 53 reads them; where none could be
    read it is unknown.
    """
    entries = manifest["regions"]
    order = tuple(entry["region"] for entry in entries)
    view = {
        region: frozenset(seen.value("statements") or ()) if seen["statements"].known else None
        for region, seen in facts.items()
    }
    is_readable = any(said is not None for said in view.values())
    return State(
        order=order,
        facts=facts,
        traffic_region=active_region(view, order) if is_readable else None,
        capacity={entry["region"]: {name: int(n) for name, n in entry["capacity"].items()} for entry in entries},
        engine_version=manifest["global_database"].get("engine_version"),
    )


def refuse_bad(params: Mapping[str, Any]) -> None:
    """Raise MultiRegionError for an option outside what is allowed."""
    if not params["regions"]:
        raise MultiRegionError("regions is empty; allowed: the platform's regions.")
    if not 0 <= params["min_healthy_ratio"] <= 1:
        raise MultiRegionError(f"min_healthy_ratio is {params['min_healthy_ratio']}; allowed: from 0 to 1.")
    for name in ("max_replication_lag_ms", "max_lag_sample_age", "deadline", "patience"):
        if params.get(name) is not None and params[name] < 0:
            raise MultiRegionError(f"{name} is {params[name]}; allowed: 0 or more.")


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return the plan for the request with its obstacles and everything it was made from.

    Returns changed (False), what Plan.as_result lists, and manifest, manifest_region, copies, observed, verdicts,
    target (its entry), db_cluster_arns, topics, switch_regions. Raises MultiRegionError where no manifest could
    be read.
    """
    refuse_bad(params)
    manifest, manifest_region, copies, facts = Watch(params, clients).run()
    request = Request(**{name: params[name] for name in REQUEST_OPTIONS})
    state = build_state(manifest, facts)
    plan = build_plan(state, request)
    seen = Situation(state, request, plan.target_region or "")
    found = {region: seen.verdict_of(region) for region in state.order}
    entries = manifest["regions"]
    return {
        "changed": False,
        **plan.as_result(),
        "manifest": manifest,
        "manifest_region": manifest_region,
        "copies": describe_copies(copies),
        "observed": {region: seen.as_evidence() for region, seen in facts.items()},
        "verdicts": {region: {"verdict": one.verdict, "reason": one.reason} for region, one in found.items()},
        "target": next((entry for entry in entries if entry["region"] == plan.target_region), {}),
        "db_cluster_arns": {entry["region"]: entry["db_cluster_arn"] for entry in entries},
        "topics": {entry["region"]: entry["topic_arn"] for entry in entries},
        "switch_regions": [{"region": entry["region"], "bucket": entry["control_bucket"]} for entry in entries],
    }
