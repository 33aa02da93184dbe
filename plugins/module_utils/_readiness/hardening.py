# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Is stored data encrypted, not public and protected against loss? Pure: one function per check.

None of these problems stops a move, so each is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import engines
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import ABSENT, EXISTING
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.policies import (
    public_resources,
    refuses_plain_http,
)
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    ALL,
    PROVISION,
    Finding,
    Seen,
    listed,
    ok,
    warning,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.public_access import closing

OPEN_IT = (
    "Exempt the account in S3 Block Public Access and in the organization's policy, or change to "
    "traffic_switch_backend cloudwatch_metric (roles/traffic/README.md)."
)
OTHERS = "Run site.yml, or change it where that layer is made: site.yml leaves it alone."
# Actions as the policies of the roles write them.
BUCKET_ACTION, TOPIC_ACTION = "s3:*", "sns:Publish"
# The default backend of the switch, the only one with a bucket.
OBJECT_BACKEND = "s3_object"
# The name of a store in sentences, and the fact with its settings.
TABLES = {"the session table": "session_table_settings", "the control table": "control_table_settings"}
STORES = {"the cluster": "database", **TABLES, "the data bucket": "data_bucket", "the topic": "topic"}
# Facts about layers that a platform may be without, and about which others decide where they have made them.
LAYERS = {
    "data_bucket": "object_storage",
    "session_table_settings": "session_table",
    "database": "global_database",
    "parameters": "global_database",
    "load_balancer": "application",
    "topic": "monitoring",
}

Problems = Callable[[Seen, str, Facts], Iterable[str]]


def has_control_bucket(seen: Seen) -> bool:
    """Return whether the switch is stored as objects in a bucket of each region."""
    return (seen.manifest.get("traffic") or {}).get("backend", OBJECT_BACKEND) == OBJECT_BACKEND


def present(seen: Seen, facts: Iterable[str]) -> list[str]:
    """Return the facts that are of this platform: of its backend, and of layers that it has."""
    return [
        fact
        for fact in facts
        if (fact != "control_bucket" or has_control_bucket(seen)) and seen.layer(LAYERS.get(fact, "")) != ABSENT
    ]


def each_region(
    seen: Seen, facts: Iterable[str], what: str, find: Problems, fine: str, regions: Iterable[str] | None = None
) -> Iterator[Finding]:
    """Yield one finding for each region: unknown, a warning with all problems, or ok with the sentence ``fine``.

    regions: those that are checked, all by default.
    """
    needed = tuple(present(seen, facts))
    remedy = OTHERS if any(seen.layer(LAYERS.get(fact, "")) == EXISTING for fact in needed) else PROVISION
    for region in seen.order if regions is None else regions:
        unknown = seen.facts[region].unknown(needed)
        if unknown:
            yield seen.unknown(region, what, listed(unknown.values()))
            continue
        problems = list(find(seen, region, seen.facts[region]))
        if problems:
            text = "; ".join(problems)
            yield warning(region, f"{text[0].upper()}{text[1:]}.", remedy)
        else:
            yield ok(region, fine)


def stores(seen: Seen, facts: Facts) -> dict[str, Mapping[str, Any] | None]:
    """Return {store: its settings, with kms_key_arn; None if it does not exist}."""
    found = {name: facts.value(fact) for name, fact in STORES.items() if present(seen, [fact])}
    groups = {f"the log group {name}": {"kms_key_arn": key} for name, key in facts.value("log_groups").items()}
    return {**found, **groups}


def encryption_at_rest(seen: Seen) -> Iterator[Finding]:
    """Everything that a region stores is encrypted with its own key, which can be revoked and whose use is logged.

    The control bucket is an exception: health checkers read its one object without credentials, and KMS keys cannot be
    used without credentials.
    """

    def find(seen: Seen, _region: str, facts: Facts) -> Iterator[str]:
        own = (facts.value("key") or {}).get("arn")
        if own is None:
            yield "there is no key to compare with"
            return
        for store, settings in stores(seen, facts).items():
            if settings is None:
                yield f"{store} does not exist"
            elif settings["kms_key_arn"] != own:
                other = settings["kms_key_arn"] or "a key of AWS"
                yield f"{store} is encrypted with {other}, not with the region's key"

    facts = ("key", *STORES.values(), "log_groups")
    fine = "Cluster, tables, bucket, topic and log groups are encrypted with the region's key."
    yield from each_region(seen, facts, "the keys of its stores", find, fine)


def bucket_resources(cluster_arn: str, name: str) -> list[str]:
    """Return the ARNs of a bucket and of its objects; the partition is taken from the cluster's ARN."""
    arn = f"arn:{cluster_arn.split(':')[1]}:s3:::{name}"
    return [arn, f"{arn}/*"]


def tls_only(seen: Seen) -> Iterator[Finding]:
    """Database, buckets and topic reject connections without TLS."""

    def find(seen: Seen, region: str, facts: Facts) -> Iterator[str]:
        entry = seen.entry(region)
        database, parameters = facts.value("database"), facts.value("parameters")["cluster"]
        if database and not engines.requires_tls(database["engine"], database["engine_version"], parameters):
            name = engines.of(database["engine"]).tls_parameter
            setting = parameters.get(name, "its default, OFF")
            yield f"the database accepts clients without TLS ({name} is {setting})"
        for name, fact in buckets(seen).items():
            bucket = facts.value(fact)
            resources = bucket_resources(entry["db_cluster_arn"], entry[fact])
            if bucket and not refuses_plain_http(bucket["policy"], BUCKET_ACTION, resources):
                yield f"{name} accepts requests without TLS"
        topic = facts.value("topic")
        if topic and not refuses_plain_http(topic["policy"], TOPIC_ACTION, [entry["topic_arn"]]):
            yield "the topic accepts messages without TLS"

    facts = ("database", "parameters", "data_bucket", "control_bucket", "topic")
    yield from each_region(seen, facts, "who must use TLS", find, "Database, buckets and topic take TLS only.")


def buckets(seen: Seen) -> dict[str, str]:
    """Return {name of a bucket in sentences: its fact, which is also its key in the manifest's entry}."""
    found = {"the data bucket": "data_bucket", "the control bucket": "control_bucket"}
    return {name: fact for name, fact in found.items() if present(seen, [fact])}


def public_access(seen: Seen) -> Iterator[Finding]:
    """Nothing is public except the switch's object, and no database instance has a public address."""

    def find(seen: Seen, region: str, facts: Facts) -> Iterator[str]:
        entry, data = seen.entry(region), facts.value("data_bucket")
        if data and not all(data["public_access_block"].values()):
            yield "the data bucket does not block public access"
        if data and (allowed := list(public_resources(data["policy"]))):
            yield f"the data bucket's policy allows everyone {listed(allowed)}"
        if has_control_bucket(seen) and (control := facts.value("control_bucket")):
            yield from open_switch(seen, entry, control)
        exposed = [
            one["identifier"] for one in (facts.value("database") or {}).get("instances", []) if one["is_public"]
        ]
        if exposed:
            yield f"{listed(exposed)} can be reached from the internet"

    facts = ("data_bucket", "control_bucket", "database")
    fine = "Nothing is public." if not has_control_bucket(seen) else "Nothing is public except the switch's object."
    yield from each_region(seen, facts, "what is public", find, fine)


def switch_access(seen: Seen, entry: Mapping[str, Any]) -> str:
    """Return what a control bucket's policy has to allow everyone: to read the switch's object."""
    bucket = bucket_resources(entry["db_cluster_arn"], entry["control_bucket"])[0]
    return f"s3:GetObject on {bucket}/{seen.manifest['traffic']['switch_key']}"


def switch_readable(seen: Seen) -> Iterator[Finding]:
    """Health checkers can read the switch; otherwise the name would not follow a move."""
    if not has_control_bucket(seen):
        yield ok(ALL, "This switch is not stored as objects.")
        return
    for region in seen.order:
        entry, facts = seen.entry(region), seen.facts[region]
        fact, account = facts["control_bucket"], facts["account_block"]
        if not fact.known or not account.known:
            yield seen.unknown(region, "who may read the switch", fact.error or account.error)
        elif closed_by := closing(account.value):
            reason = f"The account does not let objects be public ({', '.join(closed_by)}), and so closes the switch."
            yield seen.broken(region, reason, OPEN_IT)
        elif fact.value is None:
            yield seen.broken(region, f"The control bucket {entry['control_bucket']} does not exist.", PROVISION)
        elif fact.value["public_access_block"].get("RestrictPublicBuckets"):
            reason = "The control bucket denies access without credentials, and so to health checkers."
            yield seen.broken(region, reason, PROVISION)
        elif switch_access(seen, entry) not in public_resources(fact.value["policy"]):
            reason = "The control bucket's policy does not let health checkers read the switch."
            yield seen.broken(region, reason, PROVISION)
        else:
            yield ok(region, "Health checkers may read the switch.")


def open_switch(seen: Seen, entry: Mapping[str, Any], control: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is public in a control bucket besides the switch's object. That needs a policy, but no public ACLs."""
    block = control["public_access_block"]
    if not (block.get("BlockPublicAcls") and block.get("IgnorePublicAcls")):
        yield "the control bucket lets ACLs make objects public"
    more = [one for one in public_resources(control["policy"]) if one != switch_access(seen, entry)]
    if more:
        yield f"the control bucket's policy allows everyone {listed(more)}"


def protection(seen: Seen) -> Iterator[Finding]:
    """Important resources are protected against deletion, if the environment is configured for that."""
    if not seen.expected.get("protection"):
        yield ok(ALL, "This environment uses no deletion protection (environment_protection is false).")
        return

    def find(seen: Seen, _region: str, facts: Facts) -> Iterator[str]:
        judged = {name: facts.value(fact) or {} for name, fact in guards.items() if present(seen, [fact])}
        unguarded = [name for name, settings in judged.items() if not settings.get("deletion_protection")]
        if unguarded:
            yield f"not protected from deletion: {listed(unguarded)}"
        # The final snapshot is an argument of the deletion, so it cannot be read from AWS.
        if seen.expected.get("last_snapshot") is False:
            yield "no final snapshot of the cluster would be taken (global_database_keeps_last_snapshot is false)"

    guards = {"the cluster": "database", **TABLES, "the load balancer": "load_balancer"}
    fine = "Cluster, tables and load balancer are protected from deletion."
    yield from each_region(seen, guards.values(), "the deletion protection", find, fine)


def backups(seen: Seen) -> Iterator[Finding]:
    """Every region can restore its data to a time before it was damaged, because replicas copy the damage.

    Point-in-time recovery is a setting of each replica ("Global tables" of the DynamoDB Developer Guide).
    """

    def find(seen: Seen, _region: str, facts: Facts) -> Iterator[str]:
        cluster, bucket = facts.value("database") or {}, facts.value("data_bucket") or {}
        wanted = {"backups of the cluster": cluster.get("backup_retention_days")}
        if present(seen, ["data_bucket"]):
            wanted["versions in the data bucket"] = bucket.get("is_versioned")
        for name, fact in TABLES.items():
            if present(seen, [fact]):
                wanted[f"point-in-time recovery of {name}"] = (facts.value(fact) or {}).get("is_recoverable")
        missing = [name for name, state in wanted.items() if not state]
        if missing:
            yield f"not enabled: {listed(missing)}"

    facts = ("database", "data_bucket", *TABLES.values())
    fine = "Cluster, tables and objects can be restored."
    yield from each_region(seen, facts, "what can be restored", find, fine)
