# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the writer of a global database may move, and whether it has moved. Pure: no clock and no API calls.

Facts used, all of the Aurora User Guide unless stated otherwise:
- "Using switchover or failover in Aurora Global Database": a failover is requested in the target's region, a switchover
  in the current primary's; the target is identified by its ARN.
- The same page, on manual failover, and RemoveFromGlobalCluster of the RDS API Reference: if the managed failover is
  impossible, the secondary is detached. It stops replicating immediately, becomes a standalone cluster that accepts
  writes, and nothing fences the old primary. The call is made in the secondary's region, and the cluster is
  ``promoting`` in the meantime.
- "Upgrading an Amazon Aurora global database": Aurora MySQL allows neither if the patch levels differ.
- botocore has no waiter for global clusters, and ``Status: available`` is also reported before the writer has moved.
  So done means: the target is the writer and no operation is in progress, or the target is no longer a member; and its
  cluster is available, and at least one of its writer instances is available.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import identifier_of


@dataclass(frozen=True)
class Method:
    """A way to move the writer.

    operation: the API call. names_target_by: its parameter for the target's ARN.
    asked_in: the region in which the call is made, ``target`` or ``writer``.
    loses_data: true if writes that were not replicated are lost.
    """

    operation: str
    names_target_by: str
    asked_in: str
    loses_data: bool


METHODS = {
    "failover": Method("FailoverGlobalCluster", "TargetDbClusterIdentifier", "target", True),
    "switchover": Method("SwitchoverGlobalCluster", "TargetDbClusterIdentifier", "writer", False),
    "detach": Method("RemoveFromGlobalCluster", "DbClusterIdentifier", "target", True),
}
# The managed failover, or a detach if AWS cannot do the managed failover.
AUTO = "auto"


@dataclass(frozen=True)
class Request:
    """What is requested: the module's options by their names, lags in ms, ages and times in seconds."""

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
        """Return the request for a module's parameters."""
        return cls(**{name: params[name] for name in cls.__dataclass_fields__ if params.get(name) is not None})

    @property
    def loses_data(self):
        """True for a method that may lose writes that were not replicated."""
        return METHODS[self.method].loses_data

    def by(self, method):
        """Return the same request with another method."""
        return replace(self, method=method)

    def operation(self, observed):
        """Return {operation, region, parameters} of the API call that requests the move; not for method auto."""
        method = METHODS[self.method]
        parameters = {
            "GlobalClusterIdentifier": self.global_cluster_identifier,
            method.names_target_by: observed["target"]["arn"],
        }
        # Without AllowDataLoss a failover is a switchover and needs the lost region (FailoverGlobalCluster of the RDS
        # API Reference).
        if self.method == "failover":
            parameters["AllowDataLoss"] = True
        region = self.writer_region if method.asked_in == "target" else observed["writer_region"]
        return {"operation": method.operation, "region": region, "parameters": parameters}


@dataclass(frozen=True)
class Decision:
    """What to do (``none``, ``request``, ``join`` or ``refuse``), the sentence that explains it, and the method.

    method: the one to request, or that of the operation that was joined or is done. It is auto only in a refusal.
    """

    action: str
    reason: str
    method: str


def target_of(observed):
    """Return the member that is to become the writer, or None."""
    region = observed["target"]["region"]
    arn = observed["target"]["arn"]
    return next((one for one in observed["members"] if one["region"] == region and one["arn"] == arn), None)


def is_serving(observed):
    """Return True if the target's cluster and at least one of its writer instances are available."""
    target = observed["target"]
    return target["cluster_status"] == "available" and any(
        one["is_writer"] and one["status"] == "available" for one in target["instances"]
    )


def is_idle_writer(observed):
    """Return True if the target is the writer and no operation is in progress."""
    member = target_of(observed)
    return bool(member and member["is_writer"] and not observed["failover_state"])


def is_detached(observed):
    """Return True if the target's cluster exists and is not a member: it was detached, or was never a member.

    Only a cluster that the request identifies by its ARN is checked, so it was provisioned as a member.
    """
    return target_of(observed) is None and observed["target"]["cluster_status"] is not None


def is_leaving(observed):
    """Return True while the target is being detached: it is ``promoting`` with no switchover or failover in progress.

    It may still be listed as a member then: tools wait for the status (terraform-provider-aws, pull request 40333) as
    well as for the list (keycloak-benchmark, pull request 564).
    """
    if observed["failover_state"] or is_idle_writer(observed):
        return False
    if is_detached(observed):
        return not is_serving(observed)
    return observed["target"]["cluster_status"] == "promoting"


def has_arrived(observed):
    """Return True if the target is the writer and no operation is in progress, or if it is a standalone cluster."""
    return is_idle_writer(observed) or is_detached(observed)


def is_done(observed):
    """Return True if the promotion is complete, as defined at the top of this file."""
    return has_arrived(observed) and is_serving(observed)


def is_under_way(observed):
    """Return True if the operation in progress moves the writer to the target."""
    return bool(observed["failover_state"]) and observed["failover_state"]["to_arn"] == observed["target"]["arn"]


def is_moving(observed):
    """Return True if any operation is in progress, or the target has been promoted."""
    return bool(observed["failover_state"]) or has_arrived(observed) or is_leaving(observed)


def is_begun(observed, method):
    """Return True if the method's operation is in progress or done, regardless of which run requested it."""
    if is_under_way(observed) or is_idle_writer(observed):
        return True
    return method == "detach" and (is_leaving(observed) or is_detached(observed))


def method_in_flight(observed):
    """Return the method of the switchover or failover in progress."""
    return "switchover" if observed["failover_state"]["data_loss_allowed"] is False else "failover"


def name_operation(observed):
    """Return the operation in progress in words."""
    state = observed["failover_state"]
    start = f" from {state['from_region']}" if state["from_region"] else ""
    return f"an operation in status {state['status']}{start} to {state['to_region'] or 'an unnamed region'}"


def unexpected_writer(observed, lag, request):
    """Compare and set: another run may have moved the writer since the caller looked."""
    writer = observed["writer_region"]
    if request.expected_writer_region in (None, writer):
        return None
    return (
        f"The writer was expected in {request.expected_writer_region} (expected_writer_region), but it is in "
        f"{writer or 'no region'}."
    )


def no_writer_to_ask(observed, lag, request):
    """A switchover is requested from the current primary, so there has to be one."""
    if METHODS[request.method].asked_in == "writer" and not observed["writer_region"]:
        return f"{observed['global_cluster_identifier']} has no writer, so a {request.method} cannot be requested."
    return None


def known_difference(observed):
    """Return the sentence on engine versions that are known to differ, or None.

    Aurora MySQL promotes only between identical versions, patch level included.
    """
    ours, all_others = observed["target"]["engine_version"], observed["engine_version"]
    if not ours or not all_others or ours == all_others:
        return None
    return (
        f"The cluster in {observed['target']['region']} runs {ours}, the global cluster {all_others}: Aurora MySQL "
        "promotes only between identical versions, patch level included."
    )


def different_engine_version(observed, lag, request):
    """A managed move is impossible between different versions; unknown versions cannot be shown to be identical."""
    if difference := known_difference(observed):
        return f"{difference} Upgrade first{WITHOUT_IT if request.loses_data else ''}."
    if not observed["target"]["engine_version"] or not observed["engine_version"]:
        missing = "the target's cluster" if not observed["target"]["engine_version"] else "the global cluster"
        return f"The engine version of {missing} is unknown, so it cannot be shown that the versions are identical."
    return None


def no_instance(observed, lag, request):
    """A secondary may be headless (a volume without instances); it cannot accept writes."""
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
    """The bound on the data loss. An unknown lag passes only if the loss was accepted beforehand."""
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


def unaccepted_loss(observed, lag, request):
    """A detach cannot be undone: the global database has to be rebuilt, and nothing fences the old primary."""
    if request.accept_data_loss:
        return None
    return (
        f"Detaching {observed['target']['identifier']} (RemoveFromGlobalCluster) stops its replication immediately, "
        f"loses writes that were not replicated, fences nothing and requires a rebuild afterwards; {OVERRIDE}"
    )


OVERRIDE = "set accept_data_loss to true to continue anyway."
WITHOUT_IT = ", or set accept_data_loss to true with method auto or detach, which do not need AWS's managed failover"
MANAGED_GUARDS = (unexpected_writer, no_writer_to_ask, no_instance, unprotected, unacceptable_lag)
GUARDS = {
    "failover": (*MANAGED_GUARDS, different_engine_version),
    "switchover": (*MANAGED_GUARDS, different_engine_version),
    "detach": (unexpected_writer, no_instance, unprotected, unaccepted_loss),
    # The engine versions are compared earlier, and AWS may still refuse: auto can detach instead.
    AUTO: MANAGED_GUARDS,
}


def decide(observed, lag, request, refused: Mapping[str, str] | None = None):
    """Return the Decision.

    refused: {method: sentence} of the requests that AWS has refused in this run.

    The order matters. An operation in progress comes before every guard, because the guards decide whether to start
    one. If it has the same target, it is joined, whichever run started it; if it has another target, it is not touched.
    """
    refused = refused or {}
    decision = outside(observed, request) or moving(observed, request) or begin(observed, lag, request, refused)
    return replace(decision, reason=" ".join([*refused.values(), decision.reason]))


def outside(observed, request):
    """Return the Decision for a target that is not a member, or None for a member."""
    if target_of(observed) is not None:
        return None
    region, name = request.writer_region, request.global_cluster_identifier
    if not is_detached(observed):
        arns = ", ".join(one["arn"] for one in observed["members"]) or "none"
        given = request.db_cluster_arns.get(region)
        which = f" with the ARN {given} (db_cluster_arns)" if given else ""
        return Decision("refuse", f"{region} has no member of {name}{which}. Members: {arns}.", request.method)
    cluster = observed["target"]["identifier"]
    if request.method not in ("detach", AUTO):
        return Decision(
            "refuse",
            f"The cluster {cluster} in {region} is no longer a member of {name}: it was detached. Method detach "
            f"continues with it as it is; a {request.method} is possible again once failback.yml has rebuilt it.",
            request.method,
        )
    if not observed["target"]["instances"]:
        return Decision("refuse", no_instance(observed, None, request), request.method)
    if is_serving(observed):
        return Decision("none", f"{cluster} in {region} is already detached from {name} and available.", "detach")
    return Decision("join", f"Joined the detach of {cluster} from {name}: {describe_target(observed)}.", "detach")


def moving(observed, request):
    """Return the Decision for a member that is being promoted or was promoted, or None."""
    region, name = request.writer_region, request.global_cluster_identifier
    if is_under_way(observed):
        return Decision("join", f"Joined {name_operation(observed)}, already in progress.", method_in_flight(observed))
    if observed["failover_state"]:
        return Decision(
            "refuse",
            f"{name_operation(observed).capitalize()} is in progress; AWS runs only one at a time. "
            f"Run again when it has ended, if the writer should still be in {region}.",
            request.method,
        )
    # If nothing has to be requested, auto is reported as the method that it would have tried first.
    method = "failover" if request.method == AUTO else request.method
    if is_done(observed):
        return Decision("none", f"{region} already has the writer of {name}.", method)
    if is_idle_writer(observed):
        return Decision("join", f"{region} already has the writer of {name}; {describe_target(observed)}.", method)
    if not is_leaving(observed):
        return None
    if request.method in ("detach", AUTO):
        return Decision("join", f"Joined a detach from {name} in progress: {describe_target(observed)}.", "detach")
    return Decision(
        "refuse",
        f"The cluster {observed['target']['identifier']} in {region} is promoting without a switchover or failover in "
        f"progress: it is being detached from {name}. Method detach joins that.",
        request.method,
    )


def begin(observed, lag, request, refused):
    """Return the Decision for a move that has not begun."""
    # The reason already begins with AWS's own message in that case.
    why = None if "failover" in refused else known_difference(observed)
    detaches = request.method == AUTO and bool(why or refused)
    method = request.method if request.method != AUTO else "detach" if detaches else "failover"
    if method in refused:
        return Decision("refuse", f"Nothing was changed{WITHOUT_IT if method == 'failover' else ''}.", request.method)
    guards = GUARDS[AUTO if request.method == AUTO and not detaches else method]
    obstacles = [found for found in (guard(observed, lag, request.by(method)) for guard in guards) if found]
    sentences = [why] if detaches and why else []
    if obstacles:
        return Decision("refuse", " ".join(sentences + obstacles), request.method)
    sentences.append(
        f"A {method} of {request.global_cluster_identifier} to {request.writer_region}: {describe_lag(lag)}."
    )
    if detaches:
        sentences.append("The managed failover is impossible, and accept_data_loss allows a detach instead.")
    return Decision("request", " ".join(sentences), method)


def describe_lag(lag):
    """Return the lag in words."""
    if lag["value_ms"] is None:
        return f"replication lag unknown ({lag['reason']})"
    return f"replication lag {lag['value_ms']:g} ms, sampled {lag['age_seconds']:.0f} s ago"


def describe_target(observed):
    """Return the target's progress in words."""
    target = observed["target"]
    ready = sum(1 for one in target["instances"] if one["is_writer"] and one["status"] == "available")
    return f"its cluster is {target['cluster_status']} with {ready} writer instance(s) available"


def observe_target(request, members):
    """Return {region, arn, identifier, is_member} of the target.

    If it is not a member, these are of the ARN in the request, or None.
    """
    region = request.writer_region
    given = request.db_cluster_arns.get(region)
    found = next((one for one in members if one["region"] == region and given in (None, one["arn"])), None)
    arn = found["arn"] if found else given
    return {"region": region, "arn": arn, "identifier": identifier_of(arn) if arn else None, "is_member": bool(found)}


def instances_of(cluster, instances):
    """Return [{identifier, status, is_writer}]; the roles are read from the cluster, the states from the instances."""
    writers = {one["DBInstanceIdentifier"] for one in cluster.get("DBClusterMembers", []) if one.get("IsClusterWriter")}
    return [
        {
            "identifier": one["DBInstanceIdentifier"],
            "status": one.get("DBInstanceStatus"),
            "is_writer": one["DBInstanceIdentifier"] in writers,
        }
        for one in instances
    ]


def predicted(observed, method="failover"):
    """Return the observation with the target as the writer, or detached, for check mode."""
    region, arn = observed["target"]["region"], observed["target"]["arn"]
    if method == "detach":
        members = [one for one in observed["members"] if one["arn"] != arn]
        alone = {"is_member": False, "cluster_status": "available"}
        return {**observed, "members": members, "target": {**observed["target"], **alone}}
    members = [{**one, "is_writer": one["arn"] == arn} for one in observed["members"]]
    return {**observed, "members": members, "writer_region": region, "failover_state": {}}


def where(observed):
    """Return what a move changes: {writer_region, is_member}, the target's membership."""
    return {"writer_region": observed["writer_region"], "is_member": target_of(observed) is not None}


def method_used(method, observed):
    """Return the method that led to the observed state, if it shows another one than intended."""
    if target_of(observed) is None:
        return "detach"
    return "failover" if method == "detach" and is_idle_writer(observed) else method


def describe_refusal(method, code, message):
    """Return the sentence for a request that AWS rejected."""
    asked = "to detach" if method == "detach" else f"the {method}"
    return f"AWS refused {asked} ({METHODS[method].operation}): {code}: {message.rstrip('.')}."


def describe_stuck(request, observed, seconds, error):
    """Return the sentence for a wait that timed out: what is missing, and what to do.

    observed: the last observation, or None if nothing could be read (error says why in that case).
    """
    if observed is None:
        state = f"nothing could be read: {error}"
    else:
        flight = name_operation(observed) if observed["failover_state"] else "no operation"
        state = f"{flight} is in progress, {request.writer_region} is {role_of(observed)}, {describe_target(observed)}"
    return (
        f"The promotion of {request.writer_region} in {request.global_cluster_identifier} is not complete after "
        f"{seconds:.0f} s (wait_timeout): {state}. AWS continues; to resume the wait, run the same playbook with the "
        "same options again. It joins the operation in progress and does not request it again."
    )


def role_of(observed):
    """Return the target's role in the global database, in words."""
    member = target_of(observed)
    if member is None:
        return "no member"
    return "the writer" if member["is_writer"] else "not the writer"
