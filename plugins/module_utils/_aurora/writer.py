# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Move the writer of an Aurora global database: read, decide, request, wait, read back.

``promotion.py`` decides. Everything is read in the target's region; only a switchover is requested elsewhere, in the
current primary's region. So neither a failover nor a detach makes a call to the lost region.
"""

from __future__ import annotations

import time

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import (
    describe_db_cluster,
    describe_db_instances,
    describe_global_cluster,
    facts_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import read_lag
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.promotion import (
    Request,
    decide,
    describe_refusal,
    describe_stuck,
    instances_of,
    is_begun,
    is_done,
    is_leaving,
    is_moving,
    is_under_way,
    method_used,
    observe_target,
    predicted,
    target_of,
    where,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    poll,
    retry_transient,
    timed,
)

# How long the first read, and a request that was throttled or got no response, are retried.
READ_SECONDS = 10
REQUEST_SECONDS = 30
# After an operation ended without moving the writer, this many idle reads in a row prove that AWS abandoned it: one
# read may fall between the end of the operation and the update of the members. As many prove that a request was
# rejected on its own account, and not because of an operation that is not visible yet.
IDLE_READS = 3
# Error codes with which AWS rejects a move ("Errors" of FailoverGlobalCluster, SwitchoverGlobalCluster and
# RemoveFromGlobalCluster in the RDS API Reference). The code does not say which state is the wrong one.
REFUSALS = ("InvalidGlobalClusterStateFault", "InvalidDBClusterStateFault", "DBClusterNotFoundFault")
NO_SAMPLE = {"value_ms": None, "age_seconds": None, "sampled_at": None, "metric": None}


@aws_call("FailoverGlobalCluster")
def failover_global_cluster(client, parameters):
    """Promote without the old primary; writes that were not replicated are lost. ``client``: in the target's region."""
    client.failover_global_cluster(**parameters)


@aws_call("SwitchoverGlobalCluster")
def switchover_global_cluster(client, parameters):
    """Move the writer without loss. ``client``: in the current primary's region."""
    client.switchover_global_cluster(**parameters)


@aws_call("RemoveFromGlobalCluster")
def remove_from_global_cluster(client, parameters):
    """Make a secondary a standalone cluster that accepts writes. ``client``: in the secondary's region."""
    client.remove_from_global_cluster(**parameters)


CALLS = {
    "FailoverGlobalCluster": failover_global_cluster,
    "SwitchoverGlobalCluster": switchover_global_cluster,
    "RemoveFromGlobalCluster": remove_from_global_cluster,
}


def is_refusal(error):
    """Return True if AWS rejected the call because of the state or the request."""
    return error.code in REFUSALS or error.code.startswith("InvalidParameter")


class Writer:
    """One request in progress: the decision, the calls made, whether AWS accepted one, and the time spent.

    decision: the current Decision, None before the first. calls: the API calls made, in order.
    refused: {method: sentence} of the requests that AWS rejected.
    """

    def __init__(self, request, clients, lease, clock=time.monotonic, sleep=None):
        self.request = request
        self.clients = clients
        self.lease = lease
        self.rds = clients("rds", request.writer_region)
        self.time = {"clock": clock, "sleep": sleep or lease.sleep}
        self.phases = {"request_seconds": 0.0, "wait_seconds": 0.0}
        self.accepted = False
        self.decision = None
        self.calls = []
        self.refused = {}

    def observe(self):
        """Return the global cluster's facts with the target's cluster and instances under ``target``."""
        name = self.request.global_cluster_identifier
        facts = facts_of(describe_global_cluster(self.rds, name))
        if not facts:
            raise Refused(f"There is no global cluster {name} as seen from {self.request.writer_region}.")
        target = observe_target(self.request, facts["members"])
        cluster = describe_db_cluster(self.rds, target["identifier"]) if target["identifier"] else None
        instances = describe_db_instances(self.rds, target["identifier"]) if cluster else []
        cluster = cluster or {}
        target["cluster_status"] = cluster.get("Status")
        target["engine_version"] = cluster.get("EngineVersion")
        target["endpoint"] = cluster.get("Endpoint")
        target["instances"] = instances_of(cluster, instances)
        return {**facts, "target": target}

    def observe_patiently(self):
        """Return an observation, retrying if AWS throttles or does not respond at first."""
        return retry_transient(self.observe, READ_SECONDS, self.request.poll_interval, **self.time)

    def lag_of(self, observed):
        """Return the lag sample with ``reason`` None, or one with value_ms None and the reason why."""
        if is_moving(observed) or target_of(observed) is None:
            return {**NO_SAMPLE, "reason": "not read, because nothing has to be requested"}
        try:
            cloudwatch = self.clients("cloudwatch", self.request.writer_region)
            sample = read_lag(cloudwatch, observed["target"]["identifier"])
        except AwsCallError as error:
            return {**NO_SAMPLE, "reason": str(error)}
        return {**sample, "reason": None} if sample else {**NO_SAMPLE, "reason": "no sample in CloudWatch"}

    def observe_closely(self):
        """Return an observation that shows an operation, or the last of several that show none."""
        observed = self.observe_patiently()
        for _again in range(1, IDLE_READS):
            if is_moving(observed):
                break
            self.time["sleep"](self.request.poll_interval)
            observed = self.observe_patiently()
        return observed

    def decide(self, observed, lag):
        """Return the Decision for the observed state and the requests that AWS has rejected."""
        self.decision = decide(observed, lag, self.request, self.refused)
        return self.decision

    def request_move(self, observed, lag):
        """Request the move from AWS as decided.

        If AWS rejects the request because the operation is already in progress, that is a success: it is this request,
        repeated after a lost response, or another run's. Otherwise it is decided again from the observed state, so that
        ``auto`` may detach, and so that the reason names an operation that came first. Raises Refused with AWS's
        message.
        """
        while self.decision.action == "request":
            try:
                return self.send(self.decision.method, observed)
            except AwsCallError as error:
                if not is_refusal(error):
                    raise
                method, observed = self.decision.method, self.observe_closely()
                if is_begun(observed, method):
                    self.accepted = True
                    return
                self.refused[method] = describe_refusal(method, error.code, error.message)
                if self.decide(observed, lag).action == "refuse":
                    raise Refused(self.decision.reason, after=observed, error_code=error.code) from error

    def send(self, method, observed):
        """Send the request until AWS is known to have accepted it."""
        call = self.request.by(method).operation(observed)
        client = self.clients("rds", call["region"])
        self.lease.hold()
        self.calls.append(call)
        unsure = False

        def ask():
            # AWS may have received a request whose response was lost, or another run was first. Repeating it without
            # looking would be rejected by AWS or, worse, start a second operation.
            nonlocal unsure
            if unsure and is_begun(self.observe(), method):
                return True
            unsure = True
            try:
                CALLS[call["operation"]](client, call["parameters"])
            except AwsCallError as error:
                if is_begun(self.observe(), method):
                    return True
                unsure = error.ambiguous
                raise
            return True

        with self.measured("request_seconds"):
            try:
                retry_transient(
                    ask, min(REQUEST_SECONDS, self.request.wait_timeout), self.request.poll_interval, **self.time
                )
            except AwsCallError as error:
                if not error.retryable:
                    raise
                raise MultiRegionError(
                    f"{error} The request was repeated, but no operation is visible. Running again is safe: it "
                    "joins an operation that AWS may have accepted in the meantime."
                ) from error
        self.accepted = True

    def wait(self):
        """Return the observation once done. Raises MultiRegionError on a timeout, or if AWS abandoned the operation."""
        progress = {"seen": False, "idle": 0}

        def settled(observed):
            moves = is_under_way(observed) or is_leaving(observed)
            progress["seen"] = progress["seen"] or moves
            idle = progress["seen"] and not is_moving(observed)
            progress["idle"] = progress["idle"] + 1 if idle else 0
            return is_done(observed) or progress["idle"] >= IDLE_READS

        with self.measured("wait_seconds"):
            try:
                observed = poll(
                    self.observe, settled, self.request.wait_timeout, self.request.poll_interval, **self.time
                )
            except WaitTimeout as late:
                stuck = describe_stuck(self.request, late.state, late.seconds, late.error)
                raise MultiRegionError(stuck, after=late.state or {}) from late
        if not is_done(observed):
            raise MultiRegionError(
                f"The operation to {self.request.writer_region} ended and the writer is still in "
                f"{observed['writer_region'] or 'no region'}: AWS abandoned it. Running again requests it again.",
                after=observed,
            )
        return observed

    def measured(self, phase):
        """Return a context manager that adds the seconds spent in it to ``phases``."""
        return Phase(self.phases, phase, self.time["clock"])


class Phase:
    """Adds the seconds between enter and exit, also if an error is raised."""

    def __init__(self, phases, name, clock):
        self.phases, self.name, self.clock = phases, name, clock

    def __enter__(self):
        self.started = self.clock()

    def __exit__(self, *_error):
        self.phases[self.name] = round(self.phases[self.name] + self.clock() - self.started, 3)


def carry_out(writer, before, lag):
    """Request and wait as decided; return the observation afterwards."""
    writer.request_move(before, lag)
    if writer.decision.action == "none":
        return writer.observe_patiently() if writer.calls else before
    return writer.wait() if writer.request.wait else writer.observe_patiently()


def foresee(writer, before, lag):
    """Return what carrying out the decision would lead to, for check mode."""
    action, method = writer.decision.action, writer.decision.method
    if action == "request":
        writer.calls.append(writer.request.by(method).operation(before))
    reached = action == "request" or (action == "join" and writer.request.wait)
    return predicted(before, method) if reached else before


@timed
def run(params, clients, check_mode=False, clock=time.monotonic, sleep=None):
    """Move the writer to ``writer_region``.

    Returns {changed, reason, method, before, after, lag, plan, phases, diff, seconds}. Raises Refused (nothing was
    changed) or another MultiRegionError, with ``before``, ``lag``, ``plan`` and ``phases`` as evidence and ``changed``
    true if AWS accepted the request. ``method`` is the one that was used, ``plan`` lists the calls that were made.
    """
    writer = Writer(Request.of(params), clients, lease_of(params, clients), clock, sleep)
    before = writer.observe_patiently()
    lag = writer.lag_of(before)
    evidence = {"before": before, "lag": lag, "plan": writer.calls, "phases": writer.phases}
    try:
        if writer.decide(before, lag).action == "refuse":
            raise Refused(writer.decision.reason)
        after = (foresee if check_mode else carry_out)(writer, before, lag)
    except MultiRegionError as error:
        found = {"changed": writer.accepted, "method": writer.decision.method, **evidence}
        error.evidence = {**found, **error.evidence}
        raise
    decision = writer.decision
    changed = decision.action == "request" or where(before) != where(after)
    diff = {"before": summary(before), "after": summary(after)}
    outcome = {"changed": changed, "reason": decision.reason, "method": method_used(decision.method, after)}
    return {**outcome, **evidence, "after": after, "diff": diff}


def summary(observed):
    """Return what a diff shows: the writer's region, whether the target is a member, and the operation in progress."""
    return {**where(observed), "failover_state": observed["failover_state"]}
