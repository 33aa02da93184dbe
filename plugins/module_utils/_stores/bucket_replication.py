# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One replication rule of an S3 bucket; the bucket's other rules are kept.

Facts used: "Replicating objects within and across Regions" of the Amazon S3 User Guide (versioning on both sides; rules
with Filter are of the second version and need Priority and DeleteMarkerReplication; two-way replication of metadata
needs ReplicaModifications; encrypted objects need SseKmsEncryptedObjects and a key of the destination's region), and
"Using S3 Replication metrics" there (per rule, also without Replication Time Control); PutBucketReplication of the
Amazon S3 API Reference (the call replaces the whole configuration).
"""

from __future__ import annotations

import copy
import functools
import time

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    retry_transient,
    timed,
)

# How long an accepted change may take to become visible.
READ_BACK_SECONDS = 30
POLL_SECONDS = 1


@aws_call("GetBucketVersioning")
def get_versioning(client, bucket):
    """Return ``Enabled``, ``Suspended`` or None."""
    return client.get_bucket_versioning(Bucket=bucket).get("Status")


@aws_call("GetBucketReplication", missing=("ReplicationConfigurationNotFoundError",))
def get_replication(client, bucket):
    """Return the ReplicationConfiguration of the S3 API, or None."""
    return client.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]


@aws_call("PutBucketReplication")
def put_replication(client, bucket, configuration):
    """Set the whole configuration."""
    client.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)


@aws_call("DeleteBucketReplication")
def delete_replication(client, bucket):
    """Remove the whole configuration. Does nothing if there is none."""
    client.delete_bucket_replication(Bucket=bucket)


def build_rule(wanted):
    """Return the wanted rule, without priority. Pure.

    wanted: the module's parameters. An option that is None is omitted, and so not changed in an existing rule.
    """
    rule = {
        "ID": wanted["rule_id"],
        "Status": "Enabled",
        "Filter": {"Prefix": wanted.get("prefix") or ""},
        "DeleteMarkerReplication": {"Status": switch(wanted.get("delete_marker_replication", True))},
        "SourceSelectionCriteria": {
            "ReplicaModifications": {"Status": switch(wanted.get("replica_modifications", True))}
        },
        "Destination": {"Bucket": wanted["destination_bucket_arn"]},
    }
    if wanted.get("kms_key_arn"):
        rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"] = {"Status": "Enabled"}
        rule["Destination"]["EncryptionConfiguration"] = {"ReplicaKmsKeyID": wanted["kms_key_arn"]}
    if wanted.get("replication_metrics") is not None:
        rule["Destination"]["Metrics"] = {"Status": switch(wanted["replication_metrics"])}
    return rule


def switch(value):
    """Return S3's word for a boolean."""
    return "Enabled" if value else "Disabled"


def rule_named(configuration, rule_id):
    """Return the rule with that ID, or None. Pure."""
    return next((rule for rule in (configuration or {}).get("Rules", []) if rule.get("ID") == rule_id), None)


def normal(rule):
    """Return a rule with the values that S3 omits from its responses, so that rules can be compared. Pure.

    S3 omits an empty prefix, and may omit what is disabled.
    """
    rule = copy.deepcopy(rule)
    if set(rule.get("Filter") or {}) <= {"Prefix"}:
        rule["Filter"] = {"Prefix": (rule.get("Filter") or {}).get("Prefix", rule.get("Prefix")) or ""}
    rule.setdefault("DeleteMarkerReplication", {"Status": "Disabled"})
    rule.setdefault("SourceSelectionCriteria", {}).setdefault("ReplicaModifications", {"Status": "Disabled"})
    rule["Destination"].setdefault("Metrics", {"Status": "Disabled"})
    return rule


def covers(current, wanted):
    """Return True if current contains everything in wanted; what it contains beyond that does not matter. Pure."""
    if isinstance(wanted, dict):
        return isinstance(current, dict) and all(covers(current.get(key), value) for key, value in wanted.items())
    return current == wanted


def overlay(current, wanted):
    """Return current, updated recursively with wanted. Pure."""
    if not isinstance(current, dict) or not isinstance(wanted, dict):
        return copy.deepcopy(wanted)
    return {**current, **{key: overlay(current.get(key), value) for key, value in wanted.items()}}


def free_priority(configuration):
    """Return an unused priority, because S3 requires them to be unique for each destination. Pure."""
    return max((rule.get("Priority", 0) for rule in (configuration or {}).get("Rules", [])), default=0) + 1


def build_configuration(current, wanted):
    """Return the configuration to put, or None if the current one contains what is wanted. Pure.

    current: ReplicationConfiguration or None. Other rules are kept unchanged.
    """
    rule = build_rule(wanted)
    existing = rule_named(current, wanted["rule_id"])
    role = wanted["role_arn"]
    if existing is not None:
        if covers(normal(existing), rule) and current.get("Role") == role:
            return None
        merged = overlay(normal(existing), rule)
        # A filter is one unit (prefix, tag or both), so the wanted one replaces it.
        merged["Filter"] = rule["Filter"]
        # Rules of the first version have the prefix outside the filter, and S3 does not accept both.
        merged.pop("Prefix", None)
        merged.setdefault("Priority", free_priority(current))
        rules = [merged if one is existing else one for one in current["Rules"]]
    else:
        rules = [*(current or {}).get("Rules", []), {**rule, "Priority": free_priority(current)}]
    return {"Role": role, "Rules": rules}


def build_remainder(current, rule_id):
    """Return the configuration without the rule: None if nothing changes, {} if no rule is left. Pure."""
    if rule_named(current, rule_id) is None:
        return None
    rules = [rule for rule in current["Rules"] if rule.get("ID") != rule_id]
    return {"Role": current["Role"], "Rules": rules} if rules else {}


class Bucket:
    """One bucket's replication."""

    def __init__(self, client, name, clock=time.monotonic, sleep=pause):
        self.client = client
        self.name = name
        self.time = {"clock": clock, "sleep": sleep}

    def versioning(self):
        """Return the versioning status."""
        return retry_transient(lambda: get_versioning(self.client, self.name), **self.time)

    def replication(self):
        """Return the configuration, or None."""
        return retry_transient(lambda: get_replication(self.client, self.name), **self.time)

    def write(self, configuration):
        """Put the configuration, or remove it if it is empty. Both may be repeated if the response is lost."""
        if configuration:
            put = functools.partial(put_replication, self.client, self.name, configuration)
            retry_transient(put, settling="bucket_replication", **self.time)
        else:
            retry_transient(lambda: delete_replication(self.client, self.name), **self.time)

    def wait_until_visible(self, is_reached):
        """Return the configuration once is_reached(it); S3 may return the old one for a moment."""
        try:
            return poll(self.replication, is_reached, READ_BACK_SECONDS, POLL_SECONDS, **self.time)
        except WaitTimeout as late:
            raise WaitTimeout(
                late.state,
                late.error,
                late.seconds,
                f"The replication of {self.name} was set, but S3 still returns {late.state} after "
                f"{late.seconds:.0f} s.",
            ) from late


def decide(bucket, current, params):
    """Return (configuration to write or None, predicate for the result, sentence)."""
    name, rule_id = params["bucket"], params["rule_id"]
    if params.get("state", "present") == "absent":
        wanted = build_remainder(current, rule_id)
        reason = f"{name} has no rule {rule_id}." if wanted is None else f"The rule {rule_id} of {name} is removed."
        return wanted, lambda now: build_remainder(now, rule_id) is None, reason
    wanted = build_configuration(current, params)
    if wanted is None:
        return None, bool, f"The rule {rule_id} of {name} is as requested."
    if bucket.versioning() != "Enabled":
        raise Refused(f"Versioning of the bucket {name} is not enabled, but replication requires it. Enable it first.")
    verb = "changed" if rule_named(current, rule_id) else "added"
    return (
        wanted,
        lambda now: bool(now) and build_configuration(now, params) is None,
        f"The rule {rule_id} of {name} is {verb}.",
    )


@timed
def run(params, clients, check_mode=False, clock=time.monotonic, sleep=pause):
    """Bring one replication rule to the wanted state.

    Returns {changed, reason, replication_configuration, diff, seconds}; the configuration is {} if there is none.
    Raises Refused, AwsCallError or WaitTimeout.
    """
    bucket = Bucket(clients("s3", params.get("region")), params["bucket"], clock, sleep)
    before = bucket.replication()
    wanted, is_reached, reason = decide(bucket, before, params)
    after = before
    if wanted is not None:
        if check_mode:
            after = wanted
        else:
            bucket.write(wanted)
            after = bucket.wait_until_visible(is_reached)
    return {
        "changed": wanted is not None,
        "reason": reason,
        "replication_configuration": after or {},
        "diff": {"before": before or {}, "after": after or {}},
    }
