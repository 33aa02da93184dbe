# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rotate the master password of a global database, in the database and in every replica of its secret.

The staging label AWSPENDING of Secrets Manager is the journal: it exists from the first step to the last. If a run is
killed at any step, the next run continues with the same password:

1. store the new password as AWSPENDING, and wait until every region's replica has it;
2. set it on the writer's cluster; the other clusters receive it by replication;
3. move AWSCURRENT to the new version;
4. wait until every region's replica has that, and remove AWSPENDING.

So an application that tries AWSCURRENT and then AWSPENDING of its own region's replica always has the password that the
writer accepts. These are the steps of a rotation function ("Lambda rotation functions", AWS Secrets Manager User
Guide). Aurora does not manage passwords of clusters in a global database ("Password management with Amazon Aurora and
AWS Secrets Manager", limitations, Aurora User Guide).
"""

from __future__ import annotations

import json
import secrets
import string
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import describe_db_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import read_global_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.password_guards import Seen, obstacle
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.secret_versions import (
    CURRENT,
    MISSING,
    PENDING,
    Hidden,
    created_at,
    describe_versions,
    discreet,
    get_value,
    move_label,
    put_value,
    version_at,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import read_lease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    retry_transient,
    timed,
    wait_until_visible,
)

# Deadline in seconds for the parallel calls to all regions.
LOOK_SECONDS = 12
DAY_SECONDS = 86400
# RDS accepts all of these ("MasterUserPassword" of ModifyDBCluster), and none is special in a shell or a URL.
ALPHABET = string.ascii_letters + string.digits
# A version with that id exists and has another value.
TAKEN = "ResourceExistsException"
# The label has moved since the request was prepared.
MOVED = "InvalidParameterException"
BUSY = "InvalidDBClusterStateFault"
# RDS-EVENT-0016 of a DB cluster ("Amazon RDS event categories and event messages for Aurora", Aurora User Guide).
RESET_EVENT = "master credentials"


@aws_call("ModifyDBCluster")
def set_master_password(client: Any, identifier: str, password: Hidden) -> None:
    """Request a new password. A repeated call is harmless. RDS applies the password some time after the response."""
    client.modify_db_cluster(
        DBClusterIdentifier=identifier, MasterUserPassword=password.reveal(), ApplyImmediately=True
    )


@aws_call("DescribeEvents")
def reset_events(client: Any, identifier: str) -> set[tuple[str, str]]:
    """Return (time, message) of each reset of the cluster's password in the last hour, as far as RDS reports them."""
    events = client.describe_events(SourceType="db-cluster", SourceIdentifier=identifier, Duration=60).get("Events", [])
    return {(str(event["Date"]), event["Message"]) for event in events if RESET_EVENT in event["Message"].lower()}


def next_version(secret: Mapping[str, Any]) -> str:
    """Return the id of the version that follows the secret's current state. Pure.

    Two runs that start at the same moment compute the same id, and Secrets Manager lets only the first one set its
    value. The id reveals nothing about the value.
    """
    state = "|".join([secret["arn"], version_at(secret, CURRENT) or "", *sorted(secret["versions"])])
    return str(uuid.uuid5(uuid.NAMESPACE_URL, state))


def parse(value: Hidden | None, name: str, version: str) -> dict[str, Any]:
    """Return a version's JSON object. Raises Refused, without quoting the text, if it has no password."""
    try:
        found = json.loads(value.reveal()) if value else None
    except ValueError:
        found = None
    if not (isinstance(found, dict) and isinstance(found.get("password"), str) and found["password"]):
        raise Refused(
            f"Version {version} of {name} is not a JSON object with a password. If it is left over from another "
            f"rotation, remove its label: aws secretsmanager update-secret-version-stage --secret-id {name} "
            f"--version-stage {PENDING} --remove-from-version-id {version}"
        )
    return found


class Reset:
    """A password change that was requested of a cluster, until the cluster accepts it.

    ``proof`` says how that is known: ``event`` (RDS reported it), ``status`` (the cluster was busy with it and is no
    longer) or ``time`` (neither was observed, and settle_seconds have passed: RDS sends events "on a best effort
    basis", and a status can be missed between two polls). Only a login would prove it, but a cluster in private subnets
    cannot be reached from here.
    """

    def __init__(self, client: Any, identifier: str, settle_seconds: float, clock: Callable[[], float]):
        self.client, self.identifier, self.clock = client, identifier, clock
        self.settle_seconds = settle_seconds
        self.was_busy = False
        self.proof: str | None = None
        self.known = reset_events(client, identifier)
        self.since = clock()

    def read(self) -> tuple[bool, bool]:
        """Return whether the cluster is idle, and whether RDS reports a reset that it had not reported before."""
        cluster = describe_db_cluster(self.client, self.identifier) or {}
        pending = "MasterUserPassword" in (cluster.get("PendingModifiedValues") or {})
        is_idle = cluster.get("Status") == "available" and not pending
        return is_idle, bool(reset_events(self.client, self.identifier) - self.known)

    def is_done(self, state: tuple[bool, bool]) -> bool:
        """Return whether the password counts as accepted."""
        is_idle, is_reported = state
        self.was_busy = self.was_busy or not is_idle
        if is_idle and is_reported:
            self.proof = "event"
        elif is_idle and self.was_busy:
            self.proof = "status"
        elif is_idle and self.clock() - self.since >= self.settle_seconds:
            self.proof = "time"
        return self.proof is not None


class Rotation:
    """The steps of a rotation; each can be repeated safely."""

    def __init__(self, params: Mapping[str, Any], clients: Any, pace: Mapping[str, Any]):
        self.params, self.clients, self.pace = params, clients, pace
        self.name, self.regions = params["secret_name"], list(params["regions"])
        self.primary_region = ""
        self.passed_over: dict[str, str] = {}
        self.has_written = False
        self.proof: str | None = None

    def look(self) -> Seen:
        """Query all regions in parallel. Raises Refused if the rotation must not continue."""
        table = self.params.get("table_name")
        identifier = self.params["global_cluster_identifier"]
        calls: dict[tuple[str, str], Callable[[], Any]] = {}
        for region in self.regions:
            calls["secret", region] = self._call("secretsmanager", region, describe_versions, self.name)
            calls["database", region] = self._call("rds", region, global_facts, identifier)
            if table:
                calls["lease", region] = self._call("dynamodb", region, lease_in, table)
        answers = observe_all(calls, LOOK_SECONDS)
        facts: dict[str, dict[str, Any]] = {"secret": {}, "database": {}, "lease": {}}
        for (kind, region), answer in answers.items():
            facts[kind][region] = answer
        seen = Seen(facts["secret"], facts["database"], facts["lease"])
        self._refuse(seen)
        self.primary_region = seen.primaries[0]
        return seen

    def _call(self, service: str, region: str, function: Callable[..., Any], argument: str) -> Callable[[], Any]:
        return lambda: function(self.clients(service, region), argument)

    def _refuse(self, seen: Seen) -> None:
        why = obstacle(seen, self.params)
        if why:
            raise Refused(why)
        self.passed_over = seen.gaps()
        if self.passed_over and not self.params["accept_gap"]:
            raise Refused(
                f"{'; '.join(self.passed_over.values())}. Applications there could be left without the new password. "
                "Run again when all regions respond, or set accept_gap=true if the change cannot wait.",
                gaps=self.passed_over,
            )

    def secret(self) -> Mapping[str, Any]:
        """Return the primary secret as it is now."""
        client = self.clients("secretsmanager", self.primary_region)
        return retry_transient(lambda: describe_versions(client, self.name) or {}, **self.pace)

    def value_of(self, version: str) -> dict[str, Any]:
        """Return the JSON object of a version."""
        client = self.clients("secretsmanager", self.primary_region)
        return parse(retry_transient(lambda: get_value(client, self.name, version), **self.pace), self.name, version)

    def is_young(self, secret: Mapping[str, Any], now: float) -> bool:
        """Return whether the current password is recent enough to keep."""
        days = self.params["max_age_days"]
        if not days:
            return False
        client, version = self.clients("secretsmanager", self.primary_region), version_at(secret, CURRENT)
        made_at = retry_transient(lambda: created_at(client, self.name, version), **self.pace)
        return made_at is not None and now - made_at < days * DAY_SECONDS

    def begin(self, secret: Mapping[str, Any]) -> str:
        """Store a new password as AWSPENDING. Return its version, which may be that of a concurrent run."""
        client, version = self.clients("secretsmanager", self.primary_region), next_version(secret)
        now = self.value_of(version_at(secret, CURRENT) or "")
        password = Hidden("".join(secrets.choice(ALPHABET) for _each in range(self.params["password_length"])))
        value = Hidden(json.dumps({**now, "password": password.reveal()}))
        failure = None
        self.has_written = True
        try:
            with discreet(password):
                put_value(client, self.name, version, value, PENDING)
        except AwsCallError as error:
            if not (error.ambiguous or error.code == TAKEN):
                raise
            failure = error
        if failure and failure.code == TAKEN and not version_at(self.secret(), PENDING):
            # Left by a rotation that was abandoned by removing the label. It was never used, so it can be used now.
            move_label(client, self.name, PENDING, to=version)
        found = wait_until_visible(self.secret, lambda now: version_at(now, PENDING), failure, **self.pace)
        return version_at(found, PENDING)

    def spread(self, label: str, version: str, so_far: str) -> dict[str, str]:
        """Wait until the label is at the version in every region's replica. Return by region why it is not in some.

        so_far: sentence on the state of the database, for the MultiRegionError that is raised if replicas are still
        behind after replica_timeout and gaps are not accepted.
        """

        def is_enough(late: Mapping[str, str]) -> bool:
            return not set(late) - set(self.passed_over)

        timeout, interval = self.params["replica_timeout"], self.params["poll_interval"]
        try:
            return poll(lambda: self._late(label, version), is_enough, timeout, interval, **self.pace)
        except WaitTimeout as slow:
            if self.params["accept_gap"]:
                return slow.state or {}
            raise MultiRegionError(
                f"{'; '.join((slow.state or {}).values()) or slow.error} ({timeout} s, replica_timeout). {so_far} Run "
                "again when the replicas are in sync; the rotation continues from here. With accept_gap=true they may "
                "lag behind.",
                gaps=slow.state or {},
            ) from slow

    def _late(self, label: str, version: str) -> dict[str, str]:
        asked = {region: self._call("secretsmanager", region, describe_versions, self.name) for region in self.regions}
        seen = observe_all(asked, LOOK_SECONDS)
        primary = seen[self.primary_region]
        statuses = primary.value["replicas"] if primary.known and primary.value else {}
        late = {}
        for region, fact in seen.items():
            if not fact.known:
                late[region] = f"{region} does not respond ({fact.error})"
            elif version_at(fact.value, label) != version:
                late[region] = f"the replica in {region} does not have {label} at version {version}"
            elif statuses.get(region, "InSync") != "InSync":
                late[region] = f"the replica in {region} is {statuses[region]}"
        return late

    def apply(self, version: str) -> None:
        """Set the pending password on the writer, and make it the current one."""
        self.spread(PENDING, version, "The database still has the old password.")
        password = Hidden(self.value_of(version)["password"])
        # A move may have started since the first look, or another run may have finished this very rotation.
        writer = self._still_ours(version)
        if writer:
            self._reset(writer, password)
            if self._still_ours(version) not in (writer, None):
                raise Refused(
                    f"The writer left {writer['region']} while its password was being changed, so it is not known if "
                    f"it has the new one. {PENDING} still has it: run again to set it on the new writer."
                )
        self._make_current(version)

    def _still_ours(self, version: str) -> Mapping[str, Any] | None:
        """Return the writer, or None if another run has already made the version current."""
        seen = self.look()
        if version_at(seen.secret, CURRENT) == version:
            return None
        if version_at(seen.secret, PENDING) != version:
            raise Refused(f"Someone removed {PENDING} of {self.name} from version {version}. Run again.")
        return {name: seen.writer[name] for name in ("region", "identifier")}

    def _reset(self, writer: Mapping[str, Any], password: Hidden) -> None:
        rds, timeout = self.clients("rds", writer["region"]), self.params["wait_timeout"]
        reset = Reset(rds, writer["identifier"], self.params["settle_seconds"], self.pace["clock"])

        def ask() -> None:
            with discreet(password):
                set_master_password(rds, writer["identifier"], password)

        def may_pass(error: AwsCallError) -> bool:
            return error.retryable or error.code == BUSY

        self.has_written = True
        interval = self.params["poll_interval"]
        poll(ask, lambda _answer: True, timeout, interval, **self.pace, tolerate=may_pass)
        poll(reset.read, reset.is_done, timeout, interval, **self.pace)
        self.proof = reset.proof

    def _make_current(self, version: str) -> None:
        before = version_at(self.secret(), CURRENT)
        if before != version:
            self._move(CURRENT, lambda secret: version_at(secret, CURRENT) == version, to=version, away_from=before)

    def finish(self, version: str) -> dict[str, str]:
        """Remove AWSPENDING once every replica has the version as current. Return by region why it is not in some."""
        late = self.spread(CURRENT, version, "The database has the new password.")
        if not late:
            self._move(PENDING, lambda secret: not version_at(secret, PENDING), away_from=version)
        return late

    def _move(self, label: str, is_moved: Callable[[Mapping[str, Any]], bool], **places: str | None) -> None:
        client, failure = self.clients("secretsmanager", self.primary_region), None
        self.has_written = True
        try:
            move_label(client, self.name, label, **places)
        except AwsCallError as error:
            if not (error.ambiguous or error.code == MOVED):
                raise
            failure = error
        wait_until_visible(self.secret, is_moved, failure, **self.pace)


def global_facts(client: Any, identifier: str) -> dict[str, Any]:
    """Return the global cluster as facts.py has it, {} where there is none."""
    return read_global_cluster(client, identifier) or {}


def lease_in(client: Any, table: str) -> dict[str, Any] | None:
    """Return the lease of the client's region, or None if there is no lease or no control table."""
    try:
        return read_lease(client, table)
    except AwsCallError as error:
        if error.code != MISSING:
            raise
        return None


def rotate(rotation: Rotation, check_mode: bool, now: float) -> dict[str, Any]:
    """Carry out the remaining steps."""
    seen = rotation.look()
    secret, writer, name = seen.secret, seen.writer, rotation.name
    current, pending = version_at(secret, CURRENT), version_at(secret, PENDING)
    where = f"{writer['identifier']} in {writer['region']}"
    result = {
        "changed": True,
        "resumed": pending is not None,
        "writer_region": writer["region"],
        "primary_region": rotation.primary_region,
        "version_id": current,
        "previous_version_id": None,
        "proof": None,
        "gaps": rotation.passed_over,
    }
    if pending is None and rotation.is_young(secret, now):
        days = rotation.params["max_age_days"]
        return {**result, "changed": False, "reason": f"The password of {where} is younger than {days} days."}
    if check_mode:
        how = f"version {pending}, which is {PENDING} now" if pending else "a new version"
        return {**result, "reason": f"The password of {where} would become {how} of {name} in {seen.primaries[0]}."}
    version = pending or rotation.begin(secret)
    if version != current:
        rotation.apply(version)
    late = rotation.finish(version)
    synced = f"{', '.join(region for region in rotation.regions if region not in late)} have it"
    remedy = f" Run again when this is fixed: {'; '.join(late.values())}." if late else ""
    return {
        **result,
        "reason": f"Version {version} of {name} is the password of {where}; {synced}.{remedy}",
        "version_id": version,
        "previous_version_id": current if version != current else None,
        "proof": rotation.proof,
        "gaps": late,
    }


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = pause,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Rotate the master password if it is older than max_age_days, and finish an interrupted rotation.

    Returns {changed, reason, resumed, writer_region, primary_region, version_id, previous_version_id, proof, gaps,
    seconds}; never a password. Raises Refused, AwsCallError, WaitTimeout or MultiRegionError; ``changed`` in the
    evidence says whether anything was written, and the next run continues from there.
    """
    rotation = Rotation(params, clients, {"clock": clock, "sleep": sleep})
    try:
        return rotate(rotation, check_mode, now())
    except MultiRegionError as error:
        error.evidence.setdefault("changed", rotation.has_written)
        raise
