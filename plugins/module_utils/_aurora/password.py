# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A new password for the first user of a global database, in the database and in every copy of its secret.

Secrets Manager's label AWSPENDING is the journal: it stands from the first step to the last, so that a run that was
killed anywhere is taken up by the next one, with the same password:

1. the new password waits as AWSPENDING, and every region's copy shows it;
2. the cluster that writes is given it; the others receive it as they receive all rows;
3. AWSCURRENT moves to it;
4. every region's copy shows that, and AWSPENDING is taken off.

So whoever tries AWSCURRENT and then AWSPENDING of the own region's copy always holds the password that the writer
accepts. These are the steps of a rotation function ("Lambda rotation functions", AWS Secrets Manager User Guide).
Aurora itself manages no password of a cluster in a global database ("Password management with Amazon Aurora and AWS
Secrets Manager", limitations, Aurora User Guide).
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

# How long all regions together are waited for when they are asked in parallel, in seconds.
LOOK_SECONDS = 12
DAY_SECONDS = 86400
# RDS takes them all ("MasterUserPassword" of ModifyDBCluster), and none means anything to a shell or in an address.
ALPHABET = string.ascii_letters + string.digits
# A version of that id exists, with another value.
TAKEN = "ResourceExistsException"
# A label is not where it was when the request was made.
MOVED = "InvalidParameterException"
BUSY = "InvalidDBClusterStateFault"
# RDS-EVENT-0016 of a DB cluster ("Amazon RDS event categories and event messages for Aurora", Aurora User Guide).
RESET_EVENT = "master credentials"


@aws_call("ModifyDBCluster")
def set_master_password(client: Any, identifier: str, password: Hidden) -> None:
    """Ask for another password; the same again changes nothing. It is accepted some time after the answer."""
    client.modify_db_cluster(
        DBClusterIdentifier=identifier, MasterUserPassword=password.reveal(), ApplyImmediately=True
    )


@aws_call("DescribeEvents")
def reset_events(client: Any, identifier: str) -> set[tuple[str, str]]:
    """Return (time, message) of each reset of the cluster's password in the last hour, as far as RDS tells them."""
    told = client.describe_events(SourceType="db-cluster", SourceIdentifier=identifier, Duration=60).get("Events", [])
    return {(str(event["Date"]), event["Message"]) for event in told if RESET_EVENT in event["Message"].lower()}


def next_version(secret: Mapping[str, Any]) -> str:
    """Return the id of the version that follows the secret's state. Pure.

    Two runs that begin at the same moment mean the same version, and Secrets Manager lets only the first of them give
    it a value. An id says nothing of the value.
    """
    state = "|".join([secret["arn"], version_at(secret, CURRENT) or "", *sorted(secret["versions"])])
    return str(uuid.uuid5(uuid.NAMESPACE_URL, state))


def parse(value: Hidden | None, name: str, version: str) -> dict[str, Any]:
    """Return a version's JSON object. Raises Refused, without the text, where it is none that has a password."""
    try:
        found = json.loads(value.reveal()) if value else None
    except ValueError:
        found = None
    if not (isinstance(found, dict) and isinstance(found.get("password"), str) and found["password"]):
        raise Refused(
            f"Version {version} of {name} is no JSON object with a password. Where it is the remains of another "
            f"rotation take the label off it: aws secretsmanager update-secret-version-stage --secret-id {name} "
            f"--version-stage {PENDING} --remove-from-version-id {version}"
        )
    return found


class Reset:
    """A password that a cluster was asked to accept, until it does.

    ``proof`` tells how that is known: ``event`` (RDS said so), ``status`` (the cluster was busy with it and is no
    longer) or ``time`` (neither was seen, and settle_seconds are over: RDS tells events "on a best effort basis", and
    a status may be missed between two looks). Only a login would prove it; a cluster in private subnets is not asked.
    """

    def __init__(self, client: Any, identifier: str, settle_seconds: float, clock: Callable[[], float]):
        self.client, self.identifier, self.clock = client, identifier, clock
        self.settle_seconds = settle_seconds
        self.was_busy = False
        self.proof: str | None = None
        self.known = reset_events(client, identifier)
        self.since = clock()

    def read(self) -> tuple[bool, bool]:
        """Return whether the cluster is at rest, and whether RDS told of a reset that it had not told of before."""
        cluster = describe_db_cluster(self.client, self.identifier) or {}
        pending = "MasterUserPassword" in (cluster.get("PendingModifiedValues") or {})
        is_idle = cluster.get("Status") == "available" and not pending
        return is_idle, bool(reset_events(self.client, self.identifier) - self.known)

    def is_done(self, state: tuple[bool, bool]) -> bool:
        """Return whether the password counts as accepted."""
        is_idle, is_told = state
        self.was_busy = self.was_busy or not is_idle
        if is_idle and is_told:
            self.proof = "event"
        elif is_idle and self.was_busy:
            self.proof = "status"
        elif is_idle and self.clock() - self.since >= self.settle_seconds:
            self.proof = "time"
        return self.proof is not None


class Rotation:
    """The steps, each safe to take again."""

    def __init__(self, params: Mapping[str, Any], clients: Any, pace: Mapping[str, Any]):
        self.params, self.clients, self.pace = params, clients, pace
        self.name, self.regions = params["secret_name"], list(params["regions"])
        self.primary_region = ""
        self.passed_over: dict[str, str] = {}
        self.has_written = False
        self.proof: str | None = None

    def look(self) -> Seen:
        """Ask every region in parallel; raise Refused where a rotation must not go on."""
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
                "Run again when all regions answer, or with accept_gap=true if the change cannot wait.",
                gaps=self.passed_over,
            )

    def secret(self) -> Mapping[str, Any]:
        """Return the first copy as it is now."""
        client = self.clients("secretsmanager", self.primary_region)
        return retry_transient(lambda: describe_versions(client, self.name) or {}, **self.pace)

    def value_of(self, version: str) -> dict[str, Any]:
        """Return the JSON object of a version."""
        client = self.clients("secretsmanager", self.primary_region)
        return parse(retry_transient(lambda: get_value(client, self.name, version), **self.pace), self.name, version)

    def is_young(self, secret: Mapping[str, Any], now: float) -> bool:
        """Return whether the current password may stay."""
        days = self.params["max_age_days"]
        if not days:
            return False
        client, version = self.clients("secretsmanager", self.primary_region), version_at(secret, CURRENT)
        made_at = retry_transient(lambda: created_at(client, self.name, version), **self.pace)
        return made_at is not None and now - made_at < days * DAY_SECONDS

    def begin(self, secret: Mapping[str, Any]) -> str:
        """Have a new password wait as AWSPENDING; return its version, which may be that of a run beside this one."""
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
            # Put there by a rotation that somebody gave up by taking the label off: it was never used, so it can be.
            move_label(client, self.name, PENDING, to=version)
        found = wait_until_visible(self.secret, lambda now: version_at(now, PENDING), failure, **self.pace)
        return version_at(found, PENDING)

    def spread(self, label: str, version: str, so_far: str) -> dict[str, str]:
        """Wait until every region's copy shows the label at the version; return why some do not, by region.

        so_far: sentence on the database, for the MultiRegionError that is raised where some do not after
        replica_timeout and no gap is accepted.
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
                "again when the copies are in sync: it goes on from here. With accept_gap=true they may lag behind.",
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
                late[region] = f"{region} does not answer ({fact.error})"
            elif version_at(fact.value, label) != version:
                late[region] = f"the copy in {region} does not show {label} at version {version}"
            elif statuses.get(region, "InSync") != "InSync":
                late[region] = f"the copy in {region} is {statuses[region]}"
        return late

    def apply(self, version: str) -> None:
        """Have the writer accept the password that waits, and make it the one that everybody reads."""
        self.spread(PENDING, version, "The database still has the old password.")
        password = Hidden(self.value_of(version)["password"])
        # Much may have happened since the first look: a move, or another run that has finished this very rotation.
        writer = self._still_ours(version)
        if writer:
            self._reset(writer, password)
            if self._still_ours(version) not in (writer, None):
                raise Refused(
                    f"The writer left {writer['region']} while its password was being changed, so whether it has the "
                    f"new one is not known. {PENDING} still has it: run again, which gives it to the new writer."
                )
        self._make_current(version)

    def _still_ours(self, version: str) -> Mapping[str, Any] | None:
        """Return the writer, or None where another run has made the version current already."""
        seen = self.look()
        if version_at(seen.secret, CURRENT) == version:
            return None
        if version_at(seen.secret, PENDING) != version:
            raise Refused(f"{PENDING} of {self.name} was taken off version {version} by somebody. Run again.")
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
        """Take AWSPENDING off once every copy shows the version as current; return why some do not, by region."""
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
    """Return the lease of the client's region, None where there is none or no table that could hold one."""
    try:
        return read_lease(client, table)
    except AwsCallError as error:
        if error.code != MISSING:
            raise
        return None


def rotate(rotation: Rotation, check_mode: bool, now: float) -> dict[str, Any]:
    """Take the steps that are left."""
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
        how = f"version {pending}, which waits as {PENDING}" if pending else "a new version"
        return {**result, "reason": f"The password of {where} would become {how} of {name} in {seen.primaries[0]}."}
    version = pending or rotation.begin(secret)
    if version != current:
        rotation.apply(version)
    late = rotation.finish(version)
    told = f"{', '.join(region for region in rotation.regions if region not in late)} show it"
    left = f" Run again when this is fixed: {'; '.join(late.values())}." if late else ""
    return {
        **result,
        "reason": f"Version {version} of {name} is the password of {where}; {told}.{left}",
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
    """Give the database's first user a password that is at most max_age_days old, and finish what was begun.

    Returns {changed, reason, resumed, writer_region, primary_region, version_id, previous_version_id, proof, gaps,
    seconds}; no password. Raises Refused, AwsCallError, WaitTimeout or MultiRegionError; ``changed`` of the evidence
    tells whether anything was written, and the next run goes on from there.
    """
    rotation = Rotation(params, clients, {"clock": clock, "sleep": sleep})
    try:
        return rotate(rotation, check_mode, now())
    except MultiRegionError as error:
        error.evidence.setdefault("changed", rotation.has_written)
        raise
