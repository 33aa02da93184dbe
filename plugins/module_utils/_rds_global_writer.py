# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moving the writer of an Aurora global database: read, decide, request, wait, read back.

The law is in ``_rds_global_promotion``. Everything is read in the target's region; only a switchover's request is made
elsewhere, in the current primary's. So a failover makes no call to the region that is lost.
"""

from __future__ import annotations

import time

from ansible_collections.trading.multi_region.plugins.module_utils._api import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._lag import read_lag
from ansible_collections.trading.multi_region.plugins.module_utils._rds_global import (
    describe_db_cluster,
    describe_db_instances,
    describe_global_cluster,
    facts_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._rds_global_promotion import (
    Request,
    decide,
    describe_stuck,
    instances_of,
    is_done,
    is_idle_writer,
    is_under_way,
    observe_target,
    predicted,
    target_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._wait import (
    WaitTimeout,
    patiently,
    pause,
    poll,
    timed,
)

# How long the first read, and a request that found nobody or was throttled, are repeated.
READ_SECONDS = 10
REQUEST_SECONDS = 30
# After an operation was seen to end without moving the writer, so many idle reads in a row prove that it gave up:
# one alone may fall between the end of the operation and the members being shown anew.
IDLE_READS = 3
NO_SAMPLE = {"value_ms": None, "age_seconds": None, "sampled_at": None, "metric": None}


@aws_call("FailoverGlobalCluster")
def failover_global_cluster(client, parameters):
    """Promote without the old primary's help; what was not replicated is lost. ``client``: in the target's region."""
    client.failover_global_cluster(**parameters)


@aws_call("SwitchoverGlobalCluster")
def switchover_global_cluster(client, parameters):
    """Move the writer without loss. ``client``: in the current primary's region."""
    client.switchover_global_cluster(**parameters)


CALLS = {"FailoverGlobalCluster": failover_global_cluster, "SwitchoverGlobalCluster": switchover_global_cluster}


class Writer:
    """One request at work, with the seconds spent and whether AWS accepted the request."""

    def __init__(self, request, clients, clock=time.monotonic, sleep=pause):
        self.request = request
        self.clients = clients
        self.rds = clients("rds", request.writer_region)
        self.time = {"clock": clock, "sleep": sleep}
        self.phases = {"request_seconds": 0.0, "wait_seconds": 0.0}
        self.accepted = False

    def observe(self):
        """Return the global cluster's facts with the target's cluster and instances under ``target``."""
        name = self.request.global_cluster_identifier
        facts = facts_of(describe_global_cluster(self.rds, name))
        if not facts:
            raise Refused(f"There is no global cluster {name} to be seen from {self.request.writer_region}.")
        target = observe_target(self.request, facts["members"])
        cluster = describe_db_cluster(self.rds, target["identifier"]) if target["identifier"] else None
        instances = describe_db_instances(self.rds, target["identifier"]) if cluster else []
        cluster = cluster or {}
        target["cluster_status"] = cluster.get("Status")
        target["engine_version"] = cluster.get("EngineVersion")
        target["instances"] = instances_of(cluster, instances)
        return {**facts, "target": target}

    def observe_patiently(self):
        """Return an observation although AWS may throttle or stay silent at first."""
        return patiently(self.observe, READ_SECONDS, self.request.poll_interval, **self.time)

    def lag_of(self, observed):
        """Return the lag sample with ``reason`` None, or one whose value_ms is None and whose reason says why."""
        if target_of(observed) is None or is_idle_writer(observed) or observed["failover_state"]:
            return {**NO_SAMPLE, "reason": "not asked for, since there is nothing to request"}
        try:
            cloudwatch = self.clients("cloudwatch", self.request.writer_region)
            sample = read_lag(cloudwatch, observed["target"]["identifier"])
        except AwsCallError as error:
            return {**NO_SAMPLE, "reason": str(error)}
        return {**sample, "reason": None} if sample else {**NO_SAMPLE, "reason": "no sample in CloudWatch"}

    def is_begun(self):
        """Return True when what is asked for is in flight or done already, whoever asked."""
        seen = self.observe()
        return is_under_way(seen) or is_idle_writer(seen)

    def send(self, observed):
        """Make the request until it is known to have been accepted."""
        call = self.request.operation(observed)
        client = self.clients("rds", call["region"])
        unsure = False

        def ask():
            # The answer may be lost while the request was received, or somebody else was first: asking again without
            # looking would be refused by AWS, or worse, begin a second operation.
            nonlocal unsure
            if unsure and self.is_begun():
                return True
            unsure = True
            try:
                CALLS[call["operation"]](client, call["parameters"])
            except AwsCallError:
                if self.is_begun():
                    return True
                unsure = False
                raise
            return True

        with self.measured("request_seconds"):
            try:
                patiently(ask, min(REQUEST_SECONDS, self.request.wait_timeout), self.request.poll_interval, **self.time)
            except AwsCallError as error:
                if not error.retryable:
                    raise
                raise MultiRegionError(
                    f"{error} The request was repeated without a sign of the operation. Running again is safe: it "
                    "joins what AWS may have accepted meanwhile."
                ) from error
        self.accepted = True

    def wait(self):
        """Return what is observed once done. Raises WaitTimeout, or MultiRegionError when the operation gave up."""
        progress = {"seen": False, "idle": 0}

        def settled(observed):
            progress["seen"] = progress["seen"] or is_under_way(observed)
            idle = progress["seen"] and not observed["failover_state"] and not is_idle_writer(observed)
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
                f"The operation towards {self.request.writer_region} ended and the writer is still in "
                f"{observed['writer_region'] or 'no region'}: AWS gave it up. Running again requests it anew.",
                after=observed,
            )
        return observed

    def measured(self, phase):
        """Return a context that writes the seconds spent in it to ``phases``."""
        return Phase(self.phases, phase, self.time["clock"])


class Phase:
    """Seconds between entering and leaving, also where an error leaves."""

    def __init__(self, phases, name, clock):
        self.phases, self.name, self.clock = phases, name, clock

    def __enter__(self):
        self.started = self.clock()

    def __exit__(self, *_error):
        self.phases[self.name] = round(self.clock() - self.started, 3)


def carry_out(writer, decision, before):
    """Request and wait as decided; return what is observed afterwards."""
    if decision.action == "none":
        return before
    if decision.action == "request":
        writer.send(before)
    return writer.wait() if writer.request.wait else writer.observe_patiently()


def foresee(writer, decision, before):
    """Return what carrying the decision out would end in, for check mode."""
    reached = decision.action == "request" or (decision.action == "join" and writer.request.wait)
    return predicted(before) if reached else before


@timed
def run(params, clients, check_mode=False, clock=time.monotonic, sleep=pause):
    """Bring the writer to ``writer_region``.

    Returns {changed, reason, method, before, after, lag, plan, phases, diff, seconds}. Raises Refused (nothing was
    changed) or another MultiRegionError, with ``before``, ``lag``, ``plan`` and ``phases`` as evidence and ``changed``
    true where AWS had accepted the request.
    """
    writer = Writer(Request.of(params), clients, clock, sleep)
    before = writer.observe_patiently()
    lag = writer.lag_of(before)
    decision = decide(before, lag, writer.request)
    plan = [writer.request.operation(before)] if decision.action == "request" else []
    evidence = {"method": writer.request.method, "before": before, "lag": lag, "plan": plan, "phases": writer.phases}
    if decision.action == "refuse":
        raise Refused(decision.reason, changed=False, **evidence)
    try:
        after = (foresee if check_mode else carry_out)(writer, decision, before)
    except MultiRegionError as error:
        error.evidence = {"changed": writer.accepted, **evidence, **error.evidence}
        raise
    changed = decision.action == "request" or before["writer_region"] != after["writer_region"]
    diff = {"before": summary(before), "after": summary(after)}
    return {"changed": changed, "reason": decision.reason, **evidence, "after": after, "diff": diff}


def summary(observed):
    """Return what a diff should show: who writes, and what is in flight."""
    return {"writer_region": observed["writer_region"], "failover_state": observed["failover_state"]}
