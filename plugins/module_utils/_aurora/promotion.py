# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What to do to promote a region: request it, join it, leave it, or refuse. Pure: no clock and no call.

How far a promotion is, is said by target.py; why it must not begin, by guards.py.

Facts used, all of the Aurora User Guide unless said otherwise:

- "Using switchover or failover in Aurora Global Database": a failover is requested in the target's region, a switchover
  in the current primary's; the target is named by its ARN.
- The same page, on manual failover, and RemoveFromGlobalCluster of the RDS API Reference: where the managed failover is
  impossible the secondary is detached. It stops replicating immediately, becomes a cluster of its own that writes, and
  nothing fences the old primary. It is requested in the secondary's region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import (
    AUTO,
    Terms,
    cannot_serve,
    promotion_obstacles,
    version_difference,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import instance_serves
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import (
    DETACH,
    FAILOVER,
    SWITCHOVER,
    is_done,
    is_idle_writer,
    is_leaving,
    is_outside,
    is_serving,
    is_standalone,
    is_under_way,
    is_writer,
    method_in_flight,
    target_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import MAX_SAMPLE_AGE
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import after_waiting


@dataclass(frozen=True)
class Method:
    """A way to move the writer.

    operation: the API call that requests it. names_target_by: its parameter for the target's ARN.
    asked_in: whose region it is made in, ``target`` or ``writer``.
    """

    operation: str
    names_target_by: str
    asked_in: str


OPERATIONS = {
    FAILOVER: Method("FailoverGlobalCluster", "TargetDbClusterIdentifier", "target"),
    SWITCHOVER: Method("SwitchoverGlobalCluster", "TargetDbClusterIdentifier", "writer"),
    DETACH: Method("RemoveFromGlobalCluster", "DbClusterIdentifier", "target"),
}


@dataclass(frozen=True)
class Request:
    """What is requested: the module's options by their names, lags in ms, ages and times in seconds."""

    global_cluster_identifier: str
    writer_region: str
    method: str
    expected_writer_region: str | None = None
    max_replication_lag_ms: float | None = None
    max_sampled_lag_ms: float | None = None
    max_lag_sample_age: float = MAX_SAMPLE_AGE
    accept_data_loss: bool = False
    db_cluster_arns: dict[str, str] = field(default_factory=dict)
    request_accepted: bool = False
    wait: bool = True
    wait_timeout: int = 600
    poll_interval: float = 2.0

    @classmethod
    def of(cls, params):
        """Return the request for a module's parameters."""
        return cls(**{name: params[name] for name in cls.__dataclass_fields__ if params.get(name) is not None})

    def terms(self, method):
        """Return the terms of the move by a method that is not auto."""
        return Terms(
            method=method,
            is_auto=self.method == AUTO,
            max_replication_lag_ms=self.max_replication_lag_ms,
            max_sampled_lag_ms=self.max_sampled_lag_ms,
            max_lag_sample_age=self.max_lag_sample_age,
        )

    def by(self, method):
        """Return the same request with another method."""
        return replace(self, method=method)

    def operation(self, observed):
        """Return {operation, region, parameters} of the API call that requests the move; not for method auto."""
        method = OPERATIONS[self.method]
        parameters = {
            "GlobalClusterIdentifier": self.global_cluster_identifier,
            method.names_target_by: observed["target"]["arn"],
        }
        # Without AllowDataLoss a failover is a switchover and needs the lost region (FailoverGlobalCluster of the RDS
        # API Reference).
        if self.method == FAILOVER:
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


def name_operation(observed):
    """Return the operation in progress in words."""
    state = observed["failover_state"]
    start = f" from {state['from_region']}" if state["from_region"] else ""
    return f"an operation in status {state['status']}{start} to {state['to_region'] or 'an unnamed region'}"


def unexpected_writer(observed, request):
    """Return why the writer is not where the caller saw it, or None: another run may have moved it since."""
    writer = observed["writer_region"]
    if request.expected_writer_region in (None, writer):
        return None
    return (
        f"The writer was expected in {request.expected_writer_region} (expected_writer_region), but it is in "
        f"{writer or 'no region'}."
    )


def no_writer_to_ask(observed, method):
    """Return why the request cannot be made, or None: a switchover is requested of the current primary."""
    if OPERATIONS[method].asked_in == "writer" and not observed["writer_region"]:
        return f"{observed['global_cluster_identifier']} has no writer, so a {method} cannot be requested."
    return None


WITHOUT_IT = ", or set accept_data_loss to true with method auto or detach, which does without AWS's managed failover"


def decide(observed, lag, request, refused: Mapping[str, str] | None = None):
    """Return the Decision.

    refused: {method: sentence} of the requests that AWS has refused in this run.

    The order matters. An operation in progress comes before every guard, because the guards decide whether to start
    one. If it has the same target, it is joined, whichever run started it; if it has another target, it is not touched.
    One that AWS is known to have accepted need not be visible yet.
    """
    refused = refused or {}
    decision = (
        outside(observed, request)
        or moving(observed, request)
        or accepted(request)
        or begin(observed, lag, request, refused)
    )
    return replace(decision, reason=" ".join([*refused.values(), decision.reason]))


def outside(observed, request):
    """Return the Decision for a target that is not a member, or None for a member."""
    if target_of(observed) is not None:
        return None
    region, name = request.writer_region, request.global_cluster_identifier
    if not is_outside(observed):
        arns = ", ".join(one["arn"] for one in observed["members"]) or "none"
        given = request.db_cluster_arns.get(region)
        which = f" with the ARN {given} (db_cluster_arns)" if given else ""
        return Decision("refuse", f"{region} has no member of {name}{which}. Members: {arns}.", request.method)
    cluster = observed["target"]["identifier"]
    if request.method not in (DETACH, AUTO):
        return Decision(
            "refuse",
            f"The cluster {cluster} in {region} is no longer a member of {name}: it was detached. Method detach "
            f"continues with it as it is; a {request.method} is possible again once failback.yml has rebuilt it.",
            request.method,
        )
    if hopeless := cannot_serve(observed):
        return Decision("refuse", hopeless.sentence, request.method)
    if is_standalone(observed) and is_serving(observed):
        return Decision("none", f"{cluster} in {region} is detached from {name} and serves.", DETACH)
    return join(request, f"a detach of {cluster} from {name}: {describe_target(observed, 'was')}", DETACH)


def join(request, operation, method):
    """Return the Decision to wait for an operation in progress, which the caller may have requested before.

    operation: it in words.
    """
    verb = "AWS had accepted" if request.request_accepted else "Joined"
    return Decision("join", f"{verb} {operation}.", method)


def moving(observed, request):
    """Return the Decision for a member that is being promoted or was promoted, or None."""
    region, name = request.writer_region, request.global_cluster_identifier
    if is_under_way(observed):
        return join(request, name_operation(observed), method_in_flight(observed))
    if observed["failover_state"]:
        return Decision(
            "refuse",
            f"{name_operation(observed).capitalize()} is in progress; AWS runs only one at a time. "
            f"Run again when it has ended, if the writer should still be in {region}.",
            request.method,
        )
    # Where nothing is left to be requested, auto stands for what it would have tried first.
    method = FAILOVER if request.method == AUTO else request.method
    if is_done(observed):
        return Decision("none", f"{region} is the writer of {name}.", method)
    if is_writer(observed):
        found = f"{region} had the role of the writer of {name} at first; {describe_target(observed, 'was')}."
        return Decision("join", found, method)
    if not is_leaving(observed):
        return None
    if request.method in (DETACH, AUTO):
        return join(request, f"a detach from {name}: {describe_target(observed, 'was')}", DETACH)
    return Decision(
        "refuse",
        f"The cluster {observed['target']['identifier']} in {region} is promoting without a switchover or failover in "
        f"progress: it is being detached from {name}. Method detach joins that.",
        request.method,
    )


def accepted(request):
    """Return the Decision about a move that AWS has accepted and does not show, or None if none was accepted."""
    if not request.request_accepted:
        return None
    method, name = FAILOVER if request.method == AUTO else request.method, request.global_cluster_identifier
    return Decision("join", f"AWS had accepted the {method} of {name} to {request.writer_region}.", method)


def begin(observed, lag, request, refused):
    """Return the Decision about a move that has not begun."""
    # What AWS said itself is before the reason already.
    why = None if FAILOVER in refused else version_difference(observed)
    detaches = request.method == AUTO and request.accept_data_loss and bool(why or refused)
    method = DETACH if detaches else FAILOVER if request.method == AUTO else request.method
    if method in refused:
        return Decision("refuse", f"Nothing was changed{WITHOUT_IT if method == FAILOVER else ''}.", request.method)
    obstacles = [
        said for said in (unexpected_writer(observed, request), no_writer_to_ask(observed, method)) if said
    ] + [
        in_words(obstacle)
        for obstacle in promotion_obstacles(observed, lag, request.terms(method))
        if not (obstacle.override and request.accept_data_loss)
    ]
    reasons = [f"{why[0].upper()}{why[1:]}."] if detaches and why else []
    if obstacles:
        return Decision("refuse", " ".join(reasons + obstacles), request.method)
    reasons.append(
        f"A {method} of {request.global_cluster_identifier} to {request.writer_region}: {describe_lag(lag)}."
    )
    if detaches:
        reasons.append("The managed failover is impossible, and accept_data_loss allows a detach instead.")
    return Decision("request", " ".join(reasons), method)


def in_words(obstacle):
    """Return an obstacle as it is printed: code, sentence, and the option that sets it aside."""
    way_on = f" Set {obstacle.override} to go on all the same." if obstacle.override else ""
    return f"{obstacle.code}: {obstacle.sentence}{way_on}"


def describe_lag(lag):
    """Return the lag in words."""
    if lag["value_ms"] is None:
        return f"replication lag unknown ({lag['reason']})"
    return f"replication lag {lag['value_ms']:g} ms, sampled {lag['age_seconds']:.0f} s ago"


def describe_target(observed, verb="is"):
    """Return the target's progress in words.

    verb: was, where more may have happened by the time that the sentence is read.
    """
    target = observed["target"]
    ready = sum(1 for one in target["instances"] if one["is_writer"] and instance_serves(one["status"]))
    return f"its cluster {verb} {target['cluster_status']} with {ready} writer instance(s) available"


def describe_end(request, observed, seconds):
    """Return the sentence on what was reached after so many seconds."""
    name, region = request.global_cluster_identifier, request.writer_region
    if target_of(observed) is None:
        cluster = observed["target"]["identifier"]
        return f"{cluster} in {region} is detached from {name} and serves{after_waiting(seconds)}."
    return f"{region} is the writer of {name}{after_waiting(seconds)}."


def predicted(observed, method=FAILOVER):
    """Return the observation with the target as the writer, or detached, for check mode."""
    region, arn = observed["target"]["region"], observed["target"]["arn"]
    if method == DETACH:
        members = [one for one in observed["members"] if one["arn"] != arn]
        alone = {"is_member": False, "cluster_status": "available", "replicates_from": None}
        return {**observed, "members": members, "target": {**observed["target"], **alone}}
    members = [{**one, "is_writer": one["arn"] == arn} for one in observed["members"]]
    return {**observed, "members": members, "writer_region": region, "failover_state": {}}


def method_used(method, observed):
    """Return the method that led to what is observed, where that shows another one than was meant."""
    if target_of(observed) is None:
        return DETACH
    return FAILOVER if method == DETACH and is_idle_writer(observed) else method


def describe_refusal(method, code, message):
    """Return the sentence for a request that AWS refused."""
    asked = "to detach" if method == DETACH else f"the {method}"
    return f"AWS refused {asked} ({OPERATIONS[method].operation}): {code}: {message.rstrip('.')}."


def describe_unknown(request, method, refusal):
    """Return the sentence for a refusal that may be because an earlier request, without a response, was accepted."""
    return (
        f"It is unknown whether AWS accepted the {method} of {request.global_cluster_identifier} to "
        f"{request.writer_region}: one request got no response, and then {refusal} No operation is visible. Nothing "
        "else was requested. Run the same command again: it joins the operation if there is one, and otherwise "
        "requests it again."
    )


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
