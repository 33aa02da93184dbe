# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Observe the platform for the planner: the control tables first, then every region in parallel, within seconds.

A region that has not responded to any call is not waited for until the deadline: it may be the lost one, and the target
has everything that is needed. But one that lives must not be taken for lost because it, or the way to it, is slow: its
health is what refuses an unplanned move. So it is given more time if the others were slow too, or if it serves clients.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import SWITCHOVER
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer_endpoint import get_parameter
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.compute import compute_readers
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import ComputeGroup, groups_of
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import capacity_in
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import (
    describe_copies,
    freshest,
    nothing_found,
    preference_of,
    topics_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import make_clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    NOT_ASKED,
    Facts,
    Observation,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import CallGroup
from ansible_collections.trading.multi_region.plugins.module_utils._core.probe import probe
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    Request,
    State,
)
from ansible_collections.trading.multi_region.plugins.module_utils._health.readers import database_readers
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import build_hook
from ansible_collections.trading.multi_region.plugins.module_utils._hooks.options import hook_problems
from ansible_collections.trading.multi_region.plugins.module_utils._platform.control_tables import (
    CAPACITY_SEEN,
    MANIFEST,
    TABLE,
    facts_of_control_tables,
    read_control_tables,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.backends import (
    FACTS_FROM_ELSEWHERE,
    STATEMENTS,
    SWITCH_FACTS,
    switch_of,
    switch_regions,
    traffic_of,
    traffic_readers,
    traffic_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    ARC_ROUTING_CONTROL,
    CLOUDWATCH_METRIC,
    GLOBAL_ACCELERATOR,
    S3_OBJECT,
)

# The name, among those of the facts, of the call that reads a region's control table.
CONTROL_TABLE = "control_table"
PARAMETER = "writer_endpoint_parameter"
# Of a region that does not take over, it is read only to choose the one that does.
LAG = "lag"
# How long a silent region that may be alive is waited for at least, in seconds.
PATIENCE_WITH_THE_LIVING = 2.5
NETWORK_ACL_ID = "database_network_acl_id"
SERVICES = ("dynamodb", "rds", "elbv2", "autoscaling", "s3", "cloudwatch", "ssm")
SWITCH_CALLS = {
    S3_OBJECT: ("s3:PutObject",),
    CLOUDWATCH_METRIC: ("cloudwatch:PutMetricData",),
    ARC_ROUTING_CONTROL: ("route53-recovery-cluster:UpdateRoutingControlStates",),
    GLOBAL_ACCELERATOR: ("globalaccelerator:UpdateEndpointGroup",),
}
REQUEST_OPTIONS = (
    "target_region",
    "expected_active_region",
    "min_healthy_ratio",
    "max_replication_lag_ms",
    "max_sampled_lag_ms",
    "max_lag_sample_age",
    "accept_data_loss",
    "force",
    "method",
    "fencing",
    "cool_down",
    "resume_within",
    "takeover_run_id",
    "min_capacity_percent",
)

Answers = Mapping[tuple[str, str], Observation]
Call = Callable[[], Any]


def build_readers(clients: Any, manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Call]:
    """Return the calls that observe one region for the planner, by fact.

    All of them are made in that region, except those of FACTS_FROM_ELSEWHERE.
    """
    region = entry["region"]
    readers = {
        **database_readers(clients, entry, manifest["global_database"]["identifier"]),
        **compute_readers(clients, entry),
        **traffic_readers(clients, manifest, entry),
    }
    if entry.get(PARAMETER):
        readers["writer_endpoint"] = lambda: (get_parameter(clients("ssm", region), entry[PARAMETER]) or {}).get(
            "Value"
        )
    return readers


def build_probes(manifest: Mapping[str, Any], proxy: str | None) -> dict[str, Call]:
    """Return the calls that request the endpoint of each region, whose load balancer the manifest names."""
    traffic = traffic_of(manifest)
    scheme, path = traffic.get("scheme") or "http", traffic.get("health_path") or "/health"
    seconds, domain = PATIENCE_WITH_THE_LIVING, traffic.get("domain")
    return {
        entry["region"]: partial(probe, entry["load_balancer_dns_name"], scheme, path, seconds, domain, proxy)
        for entry in manifest["regions"]
        if entry.get("load_balancer_dns_name")
    }


def silent_regions(answers: Answers, regions: Iterable[str]) -> set[str]:
    """Return the regions without any successful call. Pure."""
    heard = {region for (region, name), answer in answers.items() if answer.known and name not in FACTS_FROM_ELSEWHERE}
    return set(regions) - heard


class Watch:
    """The observation for one run: reads all control tables, then what the manifest lists, with one clock."""

    def __init__(self, params: Mapping[str, Any], clients: Any):
        self._params = params
        self._clients = clients
        self._board = CallGroup()
        self._asked: set[tuple[str, str]] = set()
        self._observing_since = 0.0
        # Seconds until only silent regions had not responded; None before.
        self._others_took: float | None = None
        # Whatever answers behind a region's load balancer; asked only of those that are silent.
        self._signs_of_life = CallGroup()
        self._may_live: dict[str, Call] = {}

    def _start(self, calls: Mapping[tuple[str, str], Call]) -> None:
        self._asked.update(calls)
        self._board.start(calls)

    def _patient(self, answers: Answers, seconds: float) -> bool:
        """Return whether all missing responses are of silent regions, and these were waited for long enough."""
        missing = {region for region, _name in self._asked - set(answers)}
        if not missing <= silent_regions(answers, missing):
            return False
        waited = seconds - self._observing_since
        if self._others_took is None:
            self._others_took = waited
        found_silent = missing - set(self._params.get("silent_regions") or ())
        self._look_for_life(found_silent)
        return all(waited >= self._patience_with(region) for region in found_silent)

    def _patience_with(self, region: str) -> float:
        """Return how long to wait for a region that is silent for the first time in this run, in seconds.

        If the others took long, the way to AWS or this machine may be slow.
        """
        least = self._params["patience"]
        most = max(least, PATIENCE_WITH_THE_LIVING)
        is_alive = self._signs_of_life.wait(0).get(region, NOT_ASKED).known
        return most if is_alive else min(most, max(least, 2 * (self._others_took or 0)))

    def _look_for_life(self, regions: Collection[str]) -> None:
        self._signs_of_life.start({region: self._may_live.pop(region) for region in {*regions} & {*self._may_live}})

    @classmethod
    def _has_manifest(cls, answers: Answers, _seconds: float) -> bool:
        return freshest(cls._copies(answers)) is not None

    @staticmethod
    def _copies(answers: Answers) -> dict[str, Observation]:
        return {
            region: facts_of_control_tables(answer)[MANIFEST]
            for (region, name), answer in answers.items()
            if name == CONTROL_TABLE
        }

    def _control_table_readers(self, regions: list[str], fences: list[str]) -> dict[tuple[str, str], Call]:
        def reader(region: str) -> Call:
            return lambda: read_control_tables(self._clients("dynamodb", region), self._params["table_name"], fences)

        return {
            (region, CONTROL_TABLE): reader(region) for region in regions if (region, CONTROL_TABLE) not in self._asked
        }

    def run(self) -> tuple[dict[str, Any], str, dict[str, Observation], dict[str, Facts]]:
        """Return (manifest, region it was read from, all copies, facts by region).

        The observation starts when a first manifest arrives. If a more recent one with other contents arrives in the
        meantime, the regions that it lists are observed again, with a new deadline. Raises MultiRegionError if there is
        no manifest.
        """
        table, regions, deadline = self._params["table_name"], self._params["regions"], self._params["deadline"]
        self._start(self._control_table_readers(regions, regions))
        make_clients(self._clients, SERVICES, regions)
        answers = self._board.wait(self._board.seconds() + deadline, self._has_manifest)
        manifest: dict[str, Any] | None = None
        while True:
            copies = self._copies(answers)
            found = freshest(copies, self._params.get("target_region"))
            if not found:
                raise nothing_found(table, copies, _without_table(answers))
            region, copy = found
            if copy["document"] == manifest:
                return copy["document"], region, copies, self._facts(answers, copy["document"])
            manifest = copy["document"]
            self._observe(copy["document"])
            answers = self._board.wait(self._observing_since + deadline, self._patient)

    def _observe(self, manifest: Mapping[str, Any]) -> None:
        self._observing_since, self._others_took = self._board.seconds(), None
        self._may_live = build_probes(manifest, self._params.get("probe_proxy"))
        named = [entry["region"] for entry in manifest["regions"]]
        self._start(
            {
                **self._control_table_readers(named, named),
                **{
                    (entry["region"], fact): call
                    for entry in manifest["regions"]
                    for fact, call in build_readers(self._clients, manifest, entry).items()
                    if fact != LAG or self._params.get("target_region") in (None, entry["region"])
                },
            }
        )

    @staticmethod
    def _facts(answers: Answers, manifest: Mapping[str, Any]) -> dict[str, Facts]:
        found: dict[str, dict[str, Observation]] = {entry["region"]: {} for entry in manifest["regions"]}
        for (region, name), answer in answers.items():
            if region in found:
                found[region].update(facts_of_control_tables(answer) if name == CONTROL_TABLE else {name: answer})
        for facts in found.values():
            facts.pop(MANIFEST, None)
        return {region: Facts(region, facts) for region, facts in found.items()}


def _without_table(answers: Answers) -> set[str]:
    tables = {
        region: facts_of_control_tables(answer)[TABLE]
        for (region, name), answer in answers.items()
        if name == CONTROL_TABLE
    }
    return {region for region, table in tables.items() if table.known and table.value is None}


def build_state(manifest: Mapping[str, Any], facts: Mapping[str, Facts], table_name: str = "control table") -> State:
    """Return the planner's state. Pure.

    The region with the traffic is derived from the switch, like Route 53 does; it is unknown if nothing of it is known.
    """
    entries, backend = manifest["regions"], traffic_of(manifest)["backend"]
    return State(
        order=tuple(entry["region"] for entry in entries),
        facts=facts,
        traffic_region=traffic_region(manifest, facts),
        groups={entry["region"]: groups_of(entry) for entry in entries},
        engine_version=manifest["global_database"].get("engine_version"),
        endpoint_parameters={entry["region"]: entry[PARAMETER] for entry in entries if entry.get(PARAMETER)},
        network_acls={entry["region"]: entry[NETWORK_ACL_ID] for entry in entries if entry.get(NETWORK_ACL_ID)},
        switch_fact=SWITCH_FACTS.get(backend, STATEMENTS),
        switch_calls=SWITCH_CALLS.get(backend, SWITCH_CALLS[S3_OBJECT]),
        control_table=table_name,
        preference=preference_of(manifest),
        capacity_seen=last_capacity(facts),
        has_topics=bool(topics_of(manifest)),
    )


def last_capacity(facts: Mapping[str, Facts]) -> dict[str, int]:
    """Return the desired capacity by region, as the health checks last saw it; the most recent copy counts. Pure."""
    copies = [copy for seen in facts.values() if (copy := seen.value(CAPACITY_SEEN)) and copy["document"]]
    if not copies:
        return {}
    return capacity_in(max(copies, key=lambda copy: copy["written_at"])["document"])


def named(group: ComputeGroup) -> dict[str, str]:
    """Return a group as the result names it. Pure."""
    return {"name": group.name, "compute": group.compute, **group.as_member()}


def given_members(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a hook without those that were not given. Pure."""
    return {name: value for name, value in options.items() if value is not None}


def refuse_bad(params: Mapping[str, Any]) -> None:
    """Raise MultiRegionError for options that contradict each other."""
    if problems := hook_problems("hooks", [given_members(hook) for hook in params.get("hooks") or ()]):
        raise MultiRegionError(" ".join(problems))
    if params["method"] == SWITCHOVER and params["accept_data_loss"]:
        raise MultiRegionError(
            "accept_data_loss is true; allowed: false with method switchover, which loses no data. The methods that "
            "may lose data are failover, detach and auto."
        )


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return the plan for the request with its obstacles and everything it was derived from.

    Returns changed (False), the members of Plan.as_result, and manifest, manifest_region, copies, observed, verdicts,
    target (its entry), db_cluster_arns, topics, switch_regions, silent_regions, switch. Raises MultiRegionError if no
    manifest could be read.
    """
    refuse_bad(params)
    manifest, manifest_region, copies, facts = Watch(params, clients).run()
    hooks = tuple(build_hook(one) for one in params.get("hooks") or ())
    request = Request(trigger=params.get("trigger"), hooks=hooks, **{name: params[name] for name in REQUEST_OPTIONS})
    state = build_state(manifest, facts, params["table_name"])
    plan = build_plan(state, request)
    seen = Situation(state, request, plan.target_region or "")
    found = {region: seen.verdict_of(region) for region in state.order}
    silent = [region for region in state.order if facts[region].is_silent(FACTS_FROM_ELSEWHERE)]
    entries = manifest["regions"]
    arns = {entry["region"]: entry["db_cluster_arn"] for entry in entries}
    places = {"global_cluster_identifier": manifest["global_database"]["identifier"], "db_cluster_arns": arns}
    return {
        "changed": False,
        **plan.as_result(),
        "promotion": {**plan.promotion, **places},
        "manifest": manifest,
        "manifest_region": manifest_region,
        "copies": describe_copies(copies),
        "observed": {region: seen.as_evidence() for region, seen in facts.items()},
        "verdicts": {region: {"verdict": one.verdict, "reason": one.reason} for region, one in found.items()},
        "target": next((entry for entry in entries if entry["region"] == plan.target_region), {}),
        "db_cluster_arns": arns,
        "groups": [{"region": entry["region"], **named(one)} for entry in entries for one in groups_of(entry)],
        "topics": topics_of(manifest),
        "switch_regions": switch_regions(manifest),
        "silent_regions": silent,
        "switch": {**switch_of(manifest), "silent_regions": silent},
    }
