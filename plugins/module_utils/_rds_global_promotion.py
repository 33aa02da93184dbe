# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the writer of a global database may move, and whether it has: pure, no clock and no call.

Facts used, all of the Aurora User Guide unless said otherwise:

- "Using switchover or failover in Aurora Global Database": a failover is asked for in the target's region, a switchover
  in the current primary's; the target is named by its ARN.
- "Upgrading an Amazon Aurora global database": Aurora MySQL tolerates no difference of patch level for either.
- botocore has no waiter for global clusters, and ``Status: available`` is also reported while the writer has not moved
  yet. So done means: the target is the writer, no operation is in flight, its cluster is available, and at least one
  instance of it that can write is available.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.trading.multi_region.plugins.module_utils._api import Refused


@dataclass(frozen=True)
class Method:
    """A way to move the writer.

    operation: the API call that asks for it. asked_in: whose region it is made in, ``target`` or ``writer``.
    loses_data: true where what was not replicated is lost.
    """

    operation: str
    asked_in: str
    loses_data: bool


METHODS = {
    "failover": Method("FailoverGlobalCluster", "target", True),
    "switchover": Method("SwitchoverGlobalCluster", "writer", False),
}
LEAST = {"max_replication_lag_ms": 0, "max_lag_sample_age": 1, "wait_timeout": 1, "poll_interval": 1}


@dataclass(frozen=True)
class Request:
    """What is asked for: the module's options by their names, lags in ms, ages and times in seconds."""

    global_cluster_identifier: str
    writer_region: str
    method: str
    expected_writer_region: str | None = None
    max_replication_lag_ms: int | None = None
    max_lag_sample_age: int = 300
    accept_data_loss: bool = False
    db_cluster_arns: dict[str, str] = field(default_factory=dict)
    wait: bool = True
    wait_timeout: int = 600
    poll_interval: float = 2.0

    @classmethod
    def of(cls, params):
        """Return the request of a module's parameters. Raises Refused for a number that makes no sense."""
        known = {name: params[name] for name in cls.__dataclass_fields__ if params.get(name) is not None}
        for name, least in LEAST.items():
            if known.get(name, least) < least:
                raise Refused(f"{name} is {known[name]}; it must be {least} or more.")
        return cls(**known)

    @property
    def loses_data(self):
        """True for a method that may lose what was not replicated."""
        return METHODS[self.method].loses_data

    def operation(self, observed):
        """Return {operation, region, parameters} of the API call that asks for the move."""
        method = METHODS[self.method]
        parameters = {
            "GlobalClusterIdentifier": self.global_cluster_identifier,
            "TargetDbClusterIdentifier": observed["target"]["arn"],
        }
        # Without AllowDataLoss a failover is a switchover and needs the lost region (FailoverGlobalCluster of the RDS
        # API Reference).
        if method.loses_data:
            parameters["AllowDataLoss"] = True
        region = self.writer_region if method.asked_in == "target" else observed["writer_region"]
        return {"operation": method.operation, "region": region, "parameters": parameters}


@dataclass(frozen=True)
class Decision:
    """What to do: ``none``, ``request``, ``join`` or ``refuse``, with the sentence that says why."""

    action: str
    reason: str


def target_of(observed):
    """Return the member to become the writer, or None."""
    region = observed["target"]["region"]
    arn = observed["target"]["arn"]
    return next((one for one in observed["members"] if one["region"] == region and one["arn"] == arn), None)


def is_serving(observed):
    """Return True when the target's cluster and at least one instance of it that writes are available."""
    target = observed["target"]
    return target["cluster_status"] == "available" and any(
        one["is_writer"] and one["status"] == "available" for one in target["instances"]
    )


def is_idle_writer(observed):
    """Return True when the target is the writer and nothing is in flight."""
    member = target_of(observed)
    return bool(member and member["is_writer"] and not observed["failover_state"])


def is_done(observed):
    """Return True when the promotion is complete, by the definition at the top of this file."""
    return is_idle_writer(observed) and is_serving(observed)


def is_under_way(observed):
    """Return True when an operation in flight leads to the target."""
    return bool(observed["failover_state"]) and observed["failover_state"]["to_arn"] == observed["target"]["arn"]


def name_operation(observed):
    """Return the operation in flight in words."""
    state = observed["failover_state"]
    start = f" from {state['from_region']}" if state["from_region"] else ""
    return f"an operation in status {state['status']}{start} towards {state['to_region'] or 'an unnamed region'}"


def unexpected_writer(observed, lag, request):
    """The compare-and-set guard: somebody else may have moved the writer since the caller looked."""
    writer = observed["writer_region"]
    if request.expected_writer_region in (None, writer):
        return None
    return (
        f"The writer was expected in {request.expected_writer_region} (expected_writer_region), but it is in "
        f"{writer or 'no region'}."
    )


def no_writer_to_ask(observed, lag, request):
    """A switchover is asked of the current primary, so there has to be one."""
    if METHODS[request.method].asked_in == "writer" and not observed["writer_region"]:
        return f"{observed['global_cluster_identifier']} has no writer, so a {request.method} has nobody to ask."
    return None


def different_engine_version(observed, lag, request):
    """Aurora MySQL promotes only between identical versions, patch level included."""
    ours, all_others = observed["target"]["engine_version"], observed["engine_version"]
    if not ours or not all_others:
        missing = "the target's cluster" if not ours else "the global cluster"
        return f"The engine version of {missing} is unknown, so it cannot be shown that the versions are identical."
    if ours != all_others:
        return (
            f"The cluster in {request.writer_region} runs {ours}, the global cluster {all_others}: Aurora MySQL "
            "promotes only between identical versions, patch level included. Upgrade first."
        )
    return None


def no_instance(observed, lag, request):
    """A secondary may be headless (a volume without instances); such a one cannot take writes."""
    target = observed["target"]
    if not target["instances"]:
        return f"The cluster {target['identifier']} in {request.writer_region} has no instance to promote."
    if not any(one["status"] == "available" for one in target["instances"]):
        states = ", ".join(f"{one['identifier']} is {one['status']}" for one in target["instances"])
        return f"No instance of the cluster {target['identifier']} in {request.writer_region} is available: {states}."
    return None


def unprotected(observed, lag, request):
    """A member that is being rebuilt after an earlier failover holds an older state of the data."""
    member = target_of(observed)
    if member["synchronization_status"] != "pending-resync":
        return None
    if request.loses_data and request.accept_data_loss:
        return None
    return f"The cluster in {request.writer_region} is pending-resync: it does not hold the current data yet."


def unacceptable_lag(observed, lag, request):
    """The bound on what is lost. Unknown is no number: it passes only where the loss is accepted beforehand."""
    if request.accept_data_loss or (request.max_replication_lag_ms is None and not request.loses_data):
        return None
    if lag["value_ms"] is None:
        return f"The replication lag of {request.writer_region} is unknown ({lag['reason']}); {OVERRIDE}"
    if lag["age_seconds"] > request.max_lag_sample_age:
        return (
            f"The newest lag sample of {request.writer_region} is {lag['age_seconds']:.0f} s old, "
            f"{request.max_lag_sample_age} s are allowed (max_lag_sample_age); {OVERRIDE}"
        )
    limit = request.max_replication_lag_ms
    if limit is not None and lag["value_ms"] > limit:
        return (
            f"The replication lag of {request.writer_region} is {lag['value_ms']:g} ms, {limit} ms are allowed "
            f"(max_replication_lag_ms); {OVERRIDE}"
        )
    return None


OVERRIDE = "set accept_data_loss to true to go on all the same."
GUARDS = (unexpected_writer, no_writer_to_ask, different_engine_version, no_instance, unprotected, unacceptable_lag)


def decide(observed, lag, request):
    """Return the Decision.

    The order matters. An operation in flight comes before every guard: the guards judge a beginning, and this one has
    begun already. Towards the same target it is joined, whoever started it; towards another one it is left alone.
    """
    region, name = request.writer_region, request.global_cluster_identifier
    if target_of(observed) is None:
        arns = ", ".join(one["arn"] for one in observed["members"]) or "none"
        given = request.db_cluster_arns.get(region)
        which = f" with the ARN {given} (db_cluster_arns)" if given else ""
        return Decision("refuse", f"{region} has no member of {name}{which}. Members: {arns}.")
    if is_under_way(observed):
        return Decision("join", f"Joined {name_operation(observed)}, already in flight.")
    if observed["failover_state"]:
        return Decision("refuse", f"{name_operation(observed).capitalize()} is in flight; it has to end first.")
    if is_done(observed):
        return Decision("none", f"{region} already has the writer of {name}.")
    if is_idle_writer(observed):
        return Decision("join", f"{region} already has the writer of {name}; {describe_target(observed)}.")
    obstacles = [said for said in (guard(observed, lag, request) for guard in GUARDS) if said]
    if obstacles:
        return Decision("refuse", " ".join(obstacles))
    return Decision("request", f"A {request.method} of {name} to {region}: {describe_lag(lag)}.")


def describe_lag(lag):
    """Return the lag in words."""
    if lag["value_ms"] is None:
        return f"replication lag unknown ({lag['reason']})"
    return f"replication lag {lag['value_ms']:g} ms, sampled {lag['age_seconds']:.0f} s ago"


def describe_target(observed):
    """Return in words how far the target is."""
    target = observed["target"]
    ready = sum(1 for one in target["instances"] if one["is_writer"] and one["status"] == "available")
    return f"its cluster is {target['cluster_status']} with {ready} writer instance(s) available"


def observe_target(request, members):
    """Return {region, arn, identifier} of the wanted writer; arn and identifier are None where it is no member."""
    region = request.writer_region
    given = request.db_cluster_arns.get(region)
    found = next((one for one in members if one["region"] == region and given in (None, one["arn"])), None)
    return {
        "region": region,
        "arn": found["arn"] if found else None,
        "identifier": found["identifier"] if found else None,
    }


def instances_of(cluster, instances):
    """Return [{identifier, status, is_writer}]: roles are the cluster's knowledge, states the instances'."""
    writers = {one["DBInstanceIdentifier"] for one in cluster.get("DBClusterMembers", []) if one.get("IsClusterWriter")}
    return [
        {
            "identifier": one["DBInstanceIdentifier"],
            "status": one.get("DBInstanceStatus"),
            "is_writer": one["DBInstanceIdentifier"] in writers,
        }
        for one in instances
    ]


def predicted(observed):
    """Return the observation with the target as the writer, for check mode."""
    region, arn = observed["target"]["region"], observed["target"]["arn"]
    members = [{**one, "is_writer": one["arn"] == arn} for one in observed["members"]]
    return {**observed, "members": members, "writer_region": region, "failover_state": {}}


def describe_stuck(request, observed, seconds, error):
    """Return the sentence of a wait that took too long: what is missing, and what to do.

    observed: the last observation, or None where nothing could be read (then error says why).
    """
    if observed is None:
        where = f"nothing could be read: {error}"
    else:
        member = target_of(observed)
        flight = name_operation(observed) if observed["failover_state"] else "no operation"
        role = "the writer" if member and member["is_writer"] else "not the writer"
        where = f"{flight} is in flight, {request.writer_region} is {role}, {describe_target(observed)}"
    return (
        f"The promotion of {request.writer_region} in {request.global_cluster_identifier} is not complete after "
        f"{seconds:.0f} s (wait_timeout): {where}. AWS goes on; running again resumes the wait."
    )
