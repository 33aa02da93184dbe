# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Move the writer of an Aurora global database: read, decide, request, wait, read back.

What to do is decided in ``promotion.py``. Everything is read in the target's region; only a switchover's request is
made elsewhere, in the current primary's. So neither a failover nor a detach makes a call to the region that is lost.
"""

from __future__ import annotations

import time

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import (
    absent,
    facts_of,
    identifier_of,
    read_cluster,
    read_global_cluster,
    read_instances,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.lag import read_lag
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.promotion import (
    Request,
    decide,
    describe_end,
    describe_refusal,
    describe_stuck,
    describe_target,
    describe_unknown,
    method_used,
    name_operation,
    predicted,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import (
    DETACH,
    is_begun,
    is_done,
    is_leaving,
    is_moving,
    is_passing,
    is_promoted,
    is_under_way,
    is_writer,
    member_of,
    observe,
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
# So many reads that show nothing prove that a request was refused for its own sake, and not because of an operation
# that is not shown yet.
IDLE_READS = 3
# How long an operation is looked for that AWS may have accepted without its response having arrived.
UNSURE_SECONDS = 30
# No document says how soon the members show the new writer once the operation is over, or when the operation ceases to
# be shown once they do. These seconds are margins for both.
IDLE_SECONDS = 30
LINGERING_SECONDS = 60
# What AWS refuses a move with ("Errors" of FailoverGlobalCluster, SwitchoverGlobalCluster and RemoveFromGlobalCluster
# in the RDS API Reference); which of the states it is that is wrong, the code does not tell.
REFUSALS = ("InvalidGlobalClusterStateFault", "InvalidDBClusterStateFault", "DBClusterNotFoundFault")
NO_SAMPLE = {"value_ms": None, "age_seconds": None, "sampled_at": None, "metric": None}


@aws_call("FailoverGlobalCluster")
def failover_global_cluster(client, parameters):
    """Promote without the old primary; writes that were not replicated are lost. ``client``: in the target's region.

    Like the other requests it returns the global cluster's facts as AWS answers them, which show the operation.
    """
    return facts_of(client.failover_global_cluster(**parameters)["GlobalCluster"])


@aws_call("SwitchoverGlobalCluster")
def switchover_global_cluster(client, parameters):
    """Move the writer without loss. ``client``: in the current primary's region."""
    return facts_of(client.switchover_global_cluster(**parameters)["GlobalCluster"])


@aws_call("RemoveFromGlobalCluster")
def remove_from_global_cluster(client, parameters):
    """Make a secondary a standalone cluster that accepts writes. ``client``: in the secondary's region."""
    return facts_of(client.remove_from_global_cluster(**parameters)["GlobalCluster"])


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
    refused: {method: sentence} of the requests that AWS rejected. answer: the global cluster's facts with which AWS
    answered the one that it accepted, or None. seen: the last observation.
    unsure: whether AWS may have accepted a request whose response did not arrive. What it says about a later one may be
    because of that.
    """

    def __init__(self, request, clients, lease, clock=time.monotonic, sleep=None):
        self.request = request
        self.clients = clients
        self.lease = lease
        self.rds = clients("rds", request.writer_region)
        self.time = {"clock": clock, "sleep": sleep or lease.sleep}
        self.phases = {"request_seconds": 0.0, "wait_seconds": 0.0}
        self.accepted = self.unsure = False
        self.decision = self.answer = self.seen = None
        self.calls = []
        self.refused = {}
        self.warnings = []

    def read_whole(self):
        """Return the global cluster, or None if the target's region shows none."""
        return read_global_cluster(self.rds, self.request.global_cluster_identifier)

    def observe(self):
        """Return the observation of the target, as target.py has it."""
        self.seen = self.complete(self.read_whole())
        return self.seen

    def complete(self, whole):
        """Return the observation of the target in a global cluster, with its own cluster and instances."""
        name, region = self.request.global_cluster_identifier, self.request.writer_region
        arn = self.request.db_cluster_arns.get(region)
        found = member_of((whole or {}).get("members", []), region, arn)
        arn = found["arn"] if found else arn
        identifier = identifier_of(arn) if arn else None
        cluster = read_cluster(self.rds, identifier) if identifier else None
        if whole is None and (cluster is None or self.request.method not in (DETACH, AUTO)):
            raise Refused(f"There is no global cluster {name} to be seen from {region}.")
        instances = read_instances(self.rds, identifier) if cluster else []
        return observe(whole or absent(name), region, arn, cluster, instances)

    def observe_patiently(self):
        """Return an observation, retrying if AWS throttles or does not respond at first."""
        return retry_transient(self.observe, READ_SECONDS, self.request.poll_interval, **self.time)

    def observe_progress(self, ends):
        """Return an observation for a wait until a time of the clock.

        While AWS shows the operation and the target is not the writer, its cluster and instances decide nothing. They
        are as they were seen last until then, and read for what the end of the wait reports.
        """
        whole = self.read_whole()
        if whole and self.time["clock"]() < ends:
            shown = {**self.seen, **whole}
            if is_under_way(shown) and not is_writer(shown):
                return shown
        self.seen = self.complete(whole)
        return self.seen

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
        ends = self.time["clock"]() + (UNSURE_SECONDS if self.unsure else 0)
        observed, reads = self.observe_patiently(), 1
        while not is_moving(observed) and (reads < IDLE_READS or self.time["clock"]() < ends):
            self.time["sleep"](self.request.poll_interval)
            observed, reads = self.observe_patiently(), reads + 1
        return observed

    def decide(self, observed, lag):
        """Return the Decision for the observed state and the requests that AWS has rejected."""
        self.decision = decide(observed, lag, self.request, self.refused)
        return self.decision

    def request_move(self, observed, lag):
        """Request the move from AWS as decided.

        A refusal because it is under way already is as good as an acceptance: it is this request, repeated after a lost
        response, or another's. A refusal for a state that ends by itself is no answer yet: the request is repeated.
        Else it is decided again from what is seen, so that ``auto`` may go its other way, and a race lost to another
        operation is named as that. Raises Refused with AWS's reason.

        A refusal after a request without a response may be because that one was accepted, whatever is seen: it is no
        ground for another method, and ends in a MultiRegionError that says so.
        """
        ends = self.time["clock"]() + self.request.wait_timeout
        while self.decision.action == "request":
            try:
                return self.send(self.decision.method, observed)
            except AwsCallError as error:
                if not is_refusal(error):
                    raise
                method, was_passing = self.decision.method, is_passing(observed)
                observed = self.observe_closely()
                if is_begun(observed, method):
                    self.accepted = True
                    return
                # The state may have ended between the refusal and this look: then it is asked once more.
                is_repeated = (was_passing or is_passing(observed)) and self.time["clock"]() < ends
                if self.unsure and not is_repeated and not is_moving(observed):
                    unknown = describe_unknown(
                        self.request, method, describe_refusal(method, error.code, error.message)
                    )
                    raise MultiRegionError(unknown, after=observed, error_code=error.code) from error
                if not is_repeated:
                    self.refused[method] = describe_refusal(method, error.code, error.message)
                if self.decide(observed, lag).action == "refuse":
                    raise Refused(self.decision.reason, after=observed, error_code=error.code) from error

    def send(self, method, observed):
        """Send the request until AWS is known to have accepted it."""
        call = self.request.by(method).operation(observed)
        client = self.clients("rds", call["region"])
        self.lease.hold()
        if call not in self.calls[-1:]:
            self.calls.append(call)

        def ask():
            # The response may be lost although the request was received, or another run was first: a request that is
            # repeated without looking would be refused by AWS, or begin a second operation.
            if self.unsure and is_begun(self.observe(), method):
                return True
            try:
                self.answer = CALLS[call["operation"]](client, call["parameters"])
            except AwsCallError as error:
                self.unsure = self.unsure or error.ambiguous
                if is_begun(self.observe(), method):
                    return True
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

    def observe_accepted(self, before):
        """Return the observation right after the request: AWS's answer to it where that shows the move, or another."""
        answered = {**before, **(self.answer or {})}
        return answered if is_begun(answered, self.decision.method) else self.observe_patiently()

    def wait(self):
        """Return what is observed once done. Raises WaitTimeout, or MultiRegionError when the operation gave up."""
        progress = Progress(self.decision.method, self.time["clock"])
        ends = self.time["clock"]() + self.request.wait_timeout
        with self.measured("wait_seconds"):
            try:
                observed = poll(
                    lambda: self.observe_progress(ends),
                    progress.is_settled,
                    self.request.wait_timeout,
                    self.request.poll_interval,
                    **self.time,
                )
            except WaitTimeout as late:
                stuck = describe_stuck(self.request, late.state, late.seconds, late.error)
                raise MultiRegionError(stuck, after=late.state or {}) from late
        if is_done(observed):
            return observed
        if is_promoted(observed):
            self.warnings.append(
                f"AWS still shows {name_operation(observed)}, {LINGERING_SECONDS} s after {self.request.writer_region} "
                f"became the writer of {self.request.global_cluster_identifier}; {describe_target(observed)}. The "
                "promotion is taken for complete."
            )
            return observed
        raise MultiRegionError(
            f"The operation towards {self.request.writer_region} ended and the writer is still in "
            f"{observed['writer_region'] or 'no region'}: AWS abandoned it. Running again requests it again.",
            after=observed,
        )

    def measured(self, phase):
        """Return a context manager that adds the seconds spent in it to ``phases``."""
        return Phase(self.phases, phase, self.time["clock"])


class Progress:
    """When a wait is over: the move is done, or it will not get any further.

    method: that of the move. A detach that AWS has accepted cannot be cancelled (RemoveFromGlobalCluster of the RDS API
    Reference names no such outcome), so it is waited for as long as the caller allows.
    """

    def __init__(self, method, clock):
        self.method, self.clock = method, clock
        self.is_seen = False
        self.seen_last = self.since = None

    def is_settled(self, observed):
        """Return True where there is nothing left to wait for."""
        if is_done(observed):
            return True
        self.is_seen = self.is_seen or is_under_way(observed) or is_leaving(observed)
        sign = (observed["failover_state"], observed["writer_region"], is_promoted(observed))
        if sign != self.seen_last:
            self.seen_last, self.since = sign, self.clock()
        seconds = self.clock() - self.since
        if is_promoted(observed):
            return seconds >= LINGERING_SECONDS
        is_idle = self.is_seen and self.method != DETACH and not is_moving(observed)
        return is_idle and seconds >= IDLE_SECONDS


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
    return writer.wait() if writer.request.wait else writer.observe_accepted(before)


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

    Returns {changed, accepted, reason, method, before, after, lag, plan, phases, diff, seconds}. Raises Refused
    (nothing was changed) or another MultiRegionError, with ``before``, ``lag``, ``plan`` and ``phases`` as evidence and
    ``changed`` true if AWS accepted, or may have accepted, the request. ``method`` is the one that was used, ``plan``
    lists the calls that were made.
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
        # What may have been accepted may have changed something.
        found = {"changed": writer.accepted or writer.unsure, "method": writer.decision.method, **evidence}
        error.evidence = {**found, **error.evidence}
        raise
    decision = writer.decision
    changed = decision.action == "request" or where(before) != where(after)
    diff = {"before": summary(before), "after": summary(after)}
    reason = decision.reason
    if writer.request.wait and not check_mode and decision.action != "none":
        reason = f"{describe_end(writer.request, after, sum(writer.phases.values()))} {reason}"
    outcome = {"changed": changed, "reason": reason, "method": method_used(decision.method, after)}
    outcome["accepted"] = writer.accepted or decision.action in ("join", "none")
    warnings = {"warnings": writer.warnings} if writer.warnings else {}
    return {**outcome, **evidence, **warnings, "after": after, "diff": diff}


def summary(observed):
    """Return what a diff shows: the writer's region, whether the target is a member, and the operation in progress."""
    return {**where(observed), "failover_state": observed["failover_state"]}
