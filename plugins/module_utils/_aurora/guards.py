# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why Aurora could not promote a region, or would lose more than is allowed. Pure; one function per obstacle.

Each guard takes an observation (target.py), the lag and the terms of the move, and returns an Obstacle or None. The
planner asks them before a run; the module that promotes asks them again before its request. The lag is a sample
(lag.py) with ``reason`` None, or {value_ms: None, reason: the sentence why it is unknown}.

Facts used: "Using switchover or failover in Aurora Global Database" and "Upgrading an Amazon Aurora global database" of
the Aurora User Guide; GlobalClusterMember and RemoveFromGlobalCluster of the RDS API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import have_parity
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import cluster_is_down
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import (
    DETACH,
    FAILOVER,
    SWITCHOVER,
    serving_instances,
    target_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    MAX_SAMPLE_AGE,
    Observation,
    rpo_bound_ms,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import ACCEPT_DATA_LOSS, Obstacle

NO_INSTANCE = "target_has_no_database_instance"
CONNECTED, PENDING_RESYNC = "connected", "pending-resync"
# The managed failover, and the detach where AWS cannot do that: no method of its own, it is resolved to one.
AUTO = "auto"

Facts = Mapping[str, Any]


def lag_of(fact: Observation) -> dict[str, Any]:
    """Return the lag as the guards take it, of what was read."""
    if fact.known and fact.value:
        return {**fact.value, "reason": None}
    return {"value_ms": None, "reason": "there is no sample of the last hour" if fact.known else fact.error}


@dataclass(frozen=True)
class Terms:
    """On what terms the writer may move.

    method: failover, switchover or detach. is_auto: it was chosen, and not asked for by name.
    max_replication_lag_ms: the most that may be lost, as the time before which all writes must have been replicated;
    for a switchover, which loses nothing, the most that the last sample may be. max_sampled_lag_ms: the most that the
    last sample may be, whenever it was taken. max_lag_sample_age: seconds.
    """

    method: str
    is_auto: bool = False
    max_replication_lag_ms: float | None = None
    max_sampled_lag_ms: float | None = None
    max_lag_sample_age: float = MAX_SAMPLE_AGE

    @property
    def loss_override(self) -> str | None:
        """What sets a bound on the loss aside; nothing does where the method promises that there is none."""
        return None if self.method == SWITCHOVER else ACCEPT_DATA_LOSS


def version_difference(observed: Facts) -> str | None:
    """Return the words for engine versions that are known to differ, or None.

    Which ones may differ depends on the engine. Versions that could not be read are left to AWS to judge.
    """
    own, whole = observed["target"]["engine_version"], observed["engine_version"]
    if not own or not whole or have_parity(observed.get("engine"), own, whole):
        return None
    region = observed["target"]["region"]
    return f"the cluster of {region} runs {own}, the global database {whole}; they must be identical"


def cannot_serve(observed: Facts) -> Obstacle | None:
    """Return the obstacle of a cluster that is down or has no instance: waiting does not help."""
    target = observed["target"]
    name, status = f"{target['identifier']} in {target['region']}", target["cluster_status"]
    if cluster_is_down(status):
        return Obstacle(NO_INSTANCE, f"Cluster {name} is {status}; it cannot be promoted.")
    if not target["instances"]:
        return Obstacle(NO_INSTANCE, f"Cluster {name} has no instance; at least 1 is needed.")
    return None


def no_instance(observed: Facts, lag: Facts, terms: Terms) -> Obstacle | None:
    """A cluster that is down, or has no instance that serves, cannot be promoted."""
    if serving_instances(observed):
        return cannot_serve(observed)
    target = observed["target"]
    name, instances = f"{target['identifier']} in {target['region']}", target["instances"]
    states = ", ".join(f"{one['identifier']} is {one['status']}" for one in instances)
    words = f"None of the {len(instances)} instances of {name} is available ({states}); at least 1 is needed."
    return cannot_serve(observed) or Obstacle(NO_INSTANCE, words)


def not_synchronized(observed: Facts, lag: Facts, terms: Terms) -> Obstacle | None:
    """A member that is being rebuilt holds less than the lag says; a switchover needs to know that it is not."""
    member = target_of(observed)
    status = member["synchronization_status"] if member else None
    if member is None or not (status == PENDING_RESYNC or (terms.method == SWITCHOVER and status != CONNECTED)):
        return None
    sentence = (
        f"The cluster of {member['region']} is {status or 'of unknown synchronization'}: it does not yet hold all data."
    )
    return Obstacle("target_not_synchronized", sentence, terms.loss_override)


def different_version(observed: Facts, lag: Facts, terms: Terms) -> Obstacle | None:
    """A managed move is impossible between versions that differ; a detach is not."""
    difference = version_difference(observed)
    if not difference or terms.method == DETACH:
        return None
    sentence, region = f"{difference[0].upper()}{difference[1:]}.", observed["target"]["region"]
    if terms.method == SWITCHOVER:
        return Obstacle("engine_version_differs", f"{sentence} Upgrade first.")
    if terms.is_auto:
        remedy = f"Without a managed failover {region} can only be detached, which loses what was not replicated."
        return Obstacle("managed_failover_impossible", f"{sentence} {remedy}", ACCEPT_DATA_LOSS)
    remedy = "Upgrade first, or use method=auto or method=detach with accept_data_loss=true, which do not need it."
    return Obstacle("engine_version_differs", f"{sentence} {remedy}")


def excessive_lag(observed: Facts, lag: Facts, terms: Terms) -> Obstacle | None:
    """The loss would exceed the limit, or cannot be bounded.

    Without a limit the lag is reported only, except where an unplanned move was not asked for by name.
    """
    limits = (terms.max_replication_lag_ms, terms.max_sampled_lag_ms)
    if terms.method == DETACH or (limits == (None, None) and not (terms.is_auto and terms.method == FAILOVER)):
        return None
    region, override = observed["target"]["region"], terms.loss_override
    if lag["value_ms"] is None:
        limit = next((f"{name} is {value:g}" for name, value in _named(terms) if value is not None), None)
        why = f"{lag['reason']}); {limit or 'method auto needs to know it'}"
        return Obstacle("lag_unknown", f"The lag of {region} is unknown ({why}.", override)
    return _above_limit(region, lag, terms) or _old_sample(region, lag, terms)


def _named(terms: Terms) -> tuple[tuple[str, float | None], ...]:
    return (
        ("max_replication_lag_ms", terms.max_replication_lag_ms),
        ("max_sampled_lag_ms", terms.max_sampled_lag_ms),
    )


def _above_limit(region: str, lag: Facts, terms: Terms) -> Obstacle | None:
    sampled = f"The lag of {region} was {lag['value_ms']:g} ms, {lag['age_seconds']:g} s ago"
    for name, limit in _named(terms):
        if limit is None:
            continue
        if name == "max_replication_lag_ms" and terms.method == FAILOVER:
            bound = rpo_bound_ms(lag)
            if bound is not None and bound > limit:
                sentence = f"{sampled}, so up to {bound} ms of writes may be lost; {name} is {limit:g}."
                return Obstacle("lag_above_limit", sentence, terms.loss_override)
        elif lag["value_ms"] > limit:
            return Obstacle("lag_above_limit", f"{sampled}; {name} is {limit:g}.", terms.loss_override)
    return None


def _old_sample(region: str, lag: Facts, terms: Terms) -> Obstacle | None:
    if lag["age_seconds"] <= terms.max_lag_sample_age:
        return None
    figures = f"{lag['value_ms']:g} ms, {lag['age_seconds']:g} s ago"
    sentence = (
        f"The last lag sample of {region} ({figures}) is older than max_lag_sample_age, {terms.max_lag_sample_age:g} s."
    )
    return Obstacle("lag_sample_old", sentence, terms.loss_override)


def detach_loses_data(observed: Facts, lag: Facts, terms: Terms) -> Obstacle | None:
    """Detaching cannot be undone: the global database has to be built again, and nothing fences the old writer."""
    if terms.method != DETACH:
        return None
    return Obstacle(
        "detach_loses_data",
        f"Detaching {observed['target']['region']} (RemoveFromGlobalCluster) loses what was not replicated, and the "
        "global database has to be built again.",
        ACCEPT_DATA_LOSS,
    )


# Those about a promotion that has not begun, in the order in which they are shown.
PROMOTION_GUARDS = (no_instance, different_version, not_synchronized, excessive_lag, detach_loses_data)


def promotion_obstacles(observed: Facts, lag: Facts, terms: Terms) -> tuple[Obstacle, ...]:
    """Return every obstacle, those included that an option may set aside."""
    return tuple(found for guard in PROMOTION_GUARDS if (found := guard(observed, lag, terms)))
