# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read the global database from any member's region; create, adopt, change and delete it.

Facts used: "Using Amazon Aurora Global Database" of the Aurora User Guide; CreateGlobalCluster, ModifyGlobalCluster and
DeleteGlobalCluster of the RDS API Reference. A global cluster that is created from a cluster is ``available`` at first
without members; 30 to 60 s later the cluster is listed as its writer, and secondaries are refused until then
(terraform-provider-aws, issue 48769 and pull request 48076).
"""

from __future__ import annotations

import time

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import (
    add_tags,
    create_global_cluster,
    delete_global_cluster,
    list_tags,
    modify_global_cluster,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import facts_of, read_global_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    retry_transient,
    timed,
    wait_until_visible,
)

POLL_SECONDS = 2
# Properties that no API call can change once the global database exists.
FIXED = ("engine", "database_name", "storage_encrypted")


def creation_settings(wanted):
    """Return the arguments of CreateGlobalCluster. Pure.

    wanted: the module's parameters. With a source cluster, engine, version, name and encryption come from that cluster,
    and the API rejects them as arguments (CreateGlobalCluster of the RDS API Reference).
    """
    settings = {"DeletionProtection": wanted.get("deletion_protection")}
    if wanted.get("source_db_cluster_arn"):
        settings["SourceDBClusterIdentifier"] = wanted["source_db_cluster_arn"]
    else:
        settings["Engine"] = wanted.get("engine")
        settings["EngineVersion"] = wanted.get("engine_version")
        settings["EngineLifecycleSupport"] = wanted.get("engine_lifecycle_support")
        settings["DatabaseName"] = wanted.get("database_name")
        settings["StorageEncrypted"] = wanted.get("storage_encrypted")
    return {name: value for name, value in settings.items() if value is not None}


def satisfies(current, version):
    """Return True if an engine version matches the requested one; 8.0.mysql_aurora.3.08 matches any patch of 3.08."""
    return f"{current}.".startswith(f"{version}.")


def modification_settings(facts, wanted):
    """Return only the arguments of ModifyGlobalCluster that differ. Raises Refused for impossible changes. Pure."""
    name = facts["global_cluster_identifier"]
    for option in FIXED:
        asked, current = wanted.get(option), facts[option]
        if asked is not None and current is not None and asked != current:
            raise Refused(
                f"{option} of the global cluster {name} is {current}, but {asked} was requested; it cannot be changed "
                f"after creation: set {option} to {current} or omit it.",
                global_cluster=facts,
            )
    version, current = wanted.get("engine_version"), facts["engine_version"]
    if version and current and not satisfies(current, version):
        raise Refused(
            f"engine_version of the global cluster {name} is {current}, but {version} was requested: set it to "
            f"{current} or omit it. The module rds_global_cluster_version and upgrade.yml upgrade its members.",
            global_cluster=facts,
        )
    protection = wanted.get("deletion_protection")
    differs = protection is not None and protection != facts["deletion_protection"]
    return {"DeletionProtection": protection} if differs else {}


def deletion_obstacle(facts, wanted):
    """Return why the global cluster cannot be deleted, or None. Pure."""
    name = facts["global_cluster_identifier"]
    if facts["members"]:
        arns = ", ".join(member["arn"] for member in facts["members"])
        return f"The global cluster {name} still has members: {arns}. Remove or delete them first."
    if facts["deletion_protection"] and wanted.get("deletion_protection") is not False:
        return f"The global cluster {name} is protected from deletion; set deletion_protection to false to delete it."
    return None


class GlobalCluster:
    """One global cluster seen from one region: reads, writes that are safe if the response is lost, and waiting."""

    def __init__(self, client, params, clock=time.monotonic, sleep=pause):
        self.client = client
        self.name = params["global_cluster_identifier"]
        self.wait = params.get("wait", True)
        self.timeout = params.get("wait_timeout", 600)
        self.time = {"clock": clock, "sleep": sleep}

    def read(self):
        """Return the facts, or {}."""
        return retry_transient(lambda: read_global_cluster(self.client, self.name) or {}, **self.time)

    def write(self, function, *arguments, achieved):
        """Make the call once. If the response is lost, or says that it was made before, the state read back decides.

        achieved: function of the facts; returns true if the call has taken effect or is taking effect.
        """
        try:
            function(self.client, self.name, *arguments)
        except AwsCallError as error:
            seen_before = error.code in ("GlobalClusterAlreadyExistsFault", "InvalidGlobalClusterStateFault")
            if not (error.ambiguous or seen_before):
                raise
            wait_until_visible(self.read, achieved, error, **self.time)

    def reconcile(self, done, what):
        """Return the facts once done, or immediately if wait is false."""
        if not self.wait:
            return self.read()
        try:
            return poll(self.read, done, self.timeout, POLL_SECONDS, **self.time)
        except WaitTimeout as late:
            status = (late.state or {}).get("status")
            raise WaitTimeout(
                late.state,
                late.error,
                late.seconds,
                f"The global cluster {self.name} was not {what} after {late.seconds:.0f} s (wait_timeout); its status "
                f"is {status}. Run again to continue waiting.",
            ) from late


def holds(facts, settings):
    """Return True if the facts have every setting of a ModifyGlobalCluster call. Pure."""
    return bool(facts) and all(facts[name] == value for name, value in echo(settings).items())


def is_there(facts):
    """Return True for a global cluster that exists and is not being deleted."""
    return bool(facts) and facts["status"] != "deleting"


def is_settled(facts):
    """Return True for a global cluster that exists and is not being changed."""
    return facts.get("status") == "available"


def is_joined(facts, source):
    """Return True where the cluster that a global cluster is created from is listed as its writer. Pure.

    source: its ARN, or None where there is none.
    """
    return source is None or any(one["arn"] == source and one["is_writer"] for one in facts.get("members", ()))


def ensure_present(cluster, before, params, check_mode):
    """Create or change. Returns (changed, reason, facts)."""
    source = params.get("source_db_cluster_arn") or None
    aim = "available" if source is None else f"available with the writer {source}"

    def is_created(facts):
        return is_settled(facts) and is_joined(facts, source)

    if not is_there(before):
        if check_mode:
            return True, f"The global cluster {cluster.name} would be created.", predicted(params)
        if before:
            cluster.reconcile(lambda facts: not facts, "gone")
        cluster.write(create_global_cluster, creation_settings(params), achieved=is_there)
        return True, f"The global cluster {cluster.name} was created.", cluster.reconcile(is_created, aim)
    # One with members is adopted as it is, whoever its writer is.
    is_done = is_settled if before["members"] else is_created
    was_settled = is_done(before)
    if not was_settled and not check_mode:
        # The change in progress may be the one requested here: of a run whose response was lost, or of another run.
        before = cluster.reconcile(is_done, aim)
    settings = modification_settings(before, params)
    if settings:
        names = ", ".join(f"{name} to {value}" for name, value in settings.items())
        if check_mode:
            return True, f"The global cluster {cluster.name} would be changed: {names}.", {**before, **echo(settings)}
        cluster.write(modify_global_cluster, settings, achieved=lambda facts: holds(facts, settings))
        after = cluster.reconcile(lambda facts: is_settled(facts) and holds(facts, settings), "changed")
        return True, f"The global cluster {cluster.name} was changed: {names}.", after
    return (
        False,
        f"The global cluster {cluster.name} {'is as requested' if was_settled else 'was being changed'}.",
        before,
    )


def ensure_absent(cluster, before, params, check_mode):
    """Delete. Returns (changed, reason, facts)."""
    if not before:
        return False, f"There is no global cluster {cluster.name}.", {}
    if before["status"] == "deleting":
        gone = before if check_mode else cluster.reconcile(lambda facts: not facts, "deleted")
        return False, f"The global cluster {cluster.name} was being deleted.", gone
    obstacle = deletion_obstacle(before, params)
    if obstacle:
        raise Refused(obstacle, global_cluster=before)
    if check_mode:
        return True, f"The global cluster {cluster.name} would be deleted.", {}
    if before["deletion_protection"]:
        off = {"DeletionProtection": False}
        cluster.write(modify_global_cluster, off, achieved=lambda facts: holds(facts, off))
    cluster.write(delete_global_cluster, achieved=lambda facts: not facts or facts["status"] == "deleting")
    return (
        True,
        f"The global cluster {cluster.name} was deleted.",
        cluster.reconcile(lambda facts: not facts, "deleted"),
    )


def ensure_tags(cluster, facts, params, check_mode):
    """Add the wanted tags that a global cluster lacks; other tags are kept. Returns (tags before, tags after).

    Added after the creation, because botocore older than 1.35.54 cannot create a global cluster with tags.
    """
    wanted = {key: str(value) for key, value in params["tags"].items()}
    arn = facts.get("global_cluster_arn")
    if not arn:  # in check mode, one that would be created
        return {}, wanted

    def read():
        return retry_transient(lambda: list_tags(cluster.client, arn), **cluster.time)

    def lacking(tags):
        return {key: value for key, value in wanted.items() if tags.get(key) != value}

    before = read()
    missing = lacking(before)
    if not missing or check_mode:
        return before, {**before, **missing}
    failure = None
    try:
        add_tags(cluster.client, arn, missing)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    after = wait_until_visible(
        read, lambda tags: not lacking(tags), failure, f"The global cluster {cluster.name} was tagged", **cluster.time
    )
    return before, after


def echo(settings):
    """Return the settings of a ModifyGlobalCluster call under the names of the facts. Pure."""
    names = {"DeletionProtection": "deletion_protection"}
    return {names[name]: value for name, value in settings.items()}


def predicted(params):
    """Return the facts that a new global cluster would have, as far as the parameters define them. Pure."""
    asked = {"DBClusterArn": params["source_db_cluster_arn"]} if params.get("source_db_cluster_arn") else None
    return facts_of(
        {
            "GlobalClusterIdentifier": params["global_cluster_identifier"],
            "Status": "available",
            "Engine": params.get("engine"),
            "EngineVersion": params.get("engine_version"),
            "DatabaseName": params.get("database_name"),
            "StorageEncrypted": params.get("storage_encrypted"),
            "DeletionProtection": params.get("deletion_protection"),
            "GlobalClusterMembers": [{**asked, "IsWriter": True}] if asked else [],
        }
    )


@timed
def run(params, clients, check_mode=False, clock=time.monotonic, sleep=pause):
    """Bring the global cluster to the wanted state.

    Returns {changed, reason, global_cluster, diff: {before, after}, seconds}; global_cluster is {} if there is none.
    Raises Refused, AwsCallError or WaitTimeout.
    """
    cluster = GlobalCluster(clients("rds", params.get("region")), params, clock, sleep)
    before = cluster.read()
    ensure = ensure_present if params.get("state", "present") == "present" else ensure_absent
    changed, reason, after = ensure(cluster, before, params, check_mode)
    if params.get("tags") is not None and is_there(after):
        old, new = ensure_tags(cluster, after, params, check_mode)
        if old != new:
            done = "would be tagged" if check_mode else "was tagged"
            reason = f"{reason} It {done}." if changed else f"The global cluster {cluster.name} {done}."
            changed = True
        before, after = {**before, "tags": old} if before else before, {**after, "tags": new}
    return {
        "changed": changed,
        "reason": reason,
        "global_cluster": after,
        "diff": {"before": before, "after": after},
    }
