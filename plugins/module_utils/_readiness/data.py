# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Does each standby have the data that the application reads? Pure: one function per check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import TABLE_SERVES
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import (
    ALL,
    GIVE,
    PROVISION,
    Finding,
    Seen,
    counted,
    listed,
    ok,
    warning,
)
from ansible_collections.trading.multi_region.plugins.module_utils._stores.replication_probe import FAILED
from ansible_collections.trading.multi_region.plugins.module_utils._stores.secret_family import (
    primary_of,
    strangers,
)

# "Troubleshooting replication" of the S3 User Guide: most objects take less.
SLOW_MINUTES = 15


def session_table(seen: Seen) -> Iterator[Finding]:
    """Every region has a replica of the session table that lists all the others."""
    for region in seen.order:
        fact = seen.facts[region]["table"]
        if not fact.known:
            yield seen.unknown(region, "the session table", fact.error)
            continue
        if fact.value is None:
            yield seen.broken(region, "The session table does not exist here.", PROVISION)
            continue
        table = fact.value
        missing = [other for other in seen.others(region) if other not in table["replicas"]]
        unready = {other: state for other, state in table["replicas"].items() if state not in TABLE_SERVES}
        if table["status"] not in TABLE_SERVES:
            yield seen.broken(region, f"The session table is {table['status']}.", "Wait until it is ACTIVE.")
        elif missing:
            reason = f"The session table is not replicated to {listed(missing)}: sessions created there are not here."
            yield seen.broken(region, reason, PROVISION)
        elif unready:
            states = listed(f"{other} is {state}" for other, state in unready.items())
            reason = f"The session table is {table['status']}; of its replicas {states}."
            yield warning(region, reason, "Wait, look again.")
        else:
            yield ok(
                region, f"The session table is {table['status']}, like {counted(len(table['replicas']), 'replica')}."
            )


def bucket_replication(seen: Seen) -> Iterator[Finding]:
    """Objects are replicated from every region to every other, because a failover reverses the direction."""
    for region in seen.order:
        fact = seen.facts[region]["replication"]
        for other in seen.others(region):
            nameless = [one for one in (region, other) if not seen.entry(one).get("data_bucket")]
            if nameless:
                what = f"the data bucket of {listed(nameless)}"
                yield seen.unknown(other, what, "the manifest names none", remedy=PROVISION)
            elif not fact.known:
                yield seen.unknown(other, f"the replication of objects from {region}", fact.error)
            else:
                yield _replication_to(seen, region, other, seen.entry(other)["data_bucket"], fact.value)


def _replication_to(seen: Seen, region: str, other: str, bucket: str, configuration: Any) -> Finding:
    rules = [
        rule
        for rule in (configuration or {}).get("Rules", [])
        if rule["Destination"]["Bucket"].rpartition(":::")[2] == bucket
    ]
    if any(rule["Status"] == "Enabled" for rule in rules):
        return ok(other, f"Objects of {region} are replicated to {bucket}.")
    why = f"the rule to {bucket} is disabled" if rules else f"no rule leads to {bucket}"
    reason = f"Objects are not replicated from {region} to {other}: {why}."
    # Objects that the target lacks are lost with the active region; in the other direction no objects are pending.
    remedy = "Run site.yml; objects that were written in the meantime need S3 Batch Replication."
    if seen.active in (region, None):
        return seen.broken(other, reason, remedy)
    return warning(other, reason, remedy)


def object_arrival(seen: Seen) -> Iterator[Finding]:
    """The last object that each region has written to see whether it arrives is in every other region."""
    return _arrivals(seen, "probe_objects", "object")


def item_arrival(seen: Seen) -> Iterator[Finding]:
    """The last item that each region has written to see whether it arrives is in every other region."""
    return _arrivals(seen, "probe_items", "item")


def _arrivals(seen: Seen, fact: str, what: str) -> Iterator[Finding]:
    for region in seen.order:
        for other in seen.others(region):
            own, there = seen.facts[region][fact], seen.facts[other][fact]
            unknown = [one.error for one in (own, there) if not one.known]
            if unknown:
                yield seen.unknown(other, f"whether {what}s of {region} arrive", listed(unknown))
            else:
                yield _arrival(seen, (region, other), what, own.value.get(region), there.value.get(region))


def _arrival(seen: Seen, way: tuple[str, str], what: str, own: Any, there: Any) -> Finding:
    region, other = way
    if own is None:
        reason = f"No {what} has been written in {region} to see whether it arrives."
        return warning(other, reason, PROVISION)
    minutes = (seen.now - own["written_at"]) / 60
    if there is not None and there["version"] == own["version"]:
        return ok(other, f"The last {what} that {region} wrote to see it, {minutes:.0f} minutes ago, is here.")
    reason = f"The last {what} that {region} wrote to see whether it arrives, {minutes:.0f} minutes ago, is not here"
    if own["status"] == FAILED:
        reason, remedy = f"{reason}: its replication failed.", "Run site.yml, which writes it again and reports why."
    elif minutes < SLOW_MINUTES:
        return warning(other, f"{reason} yet.", "Wait, look again.")
    else:
        reason, remedy = f"{reason}.", "Look at the replication and run site.yml, which writes it again."
    if seen.active in (region, None):
        return seen.broken(other, reason, remedy)
    return warning(other, reason, remedy)


def secret(seen: Seen) -> Iterator[Finding]:
    """Every region can read the database password, and receives the next one."""
    if not seen.expected.get("secret_name"):
        yield seen.unknown(ALL, "the database's secret", "expected.secret_name is not given", remedy=GIVE)
        return
    found = {region: seen.facts[region]["secret"].value for region in seen.order if seen.facts[region]["secret"].known}
    primary = primary_of(found, seen.order)
    foreign = strangers(found, primary, seen.expected["secret_name"])
    for region in seen.order:
        fact = seen.facts[region]["secret"]
        if not fact.known:
            yield seen.unknown(region, "the secret", fact.error)
        elif fact.value is None:
            reason = f"There is no secret {seen.expected['secret_name']}; the application could not log in."
            yield seen.broken(region, reason, PROVISION)
        elif region in foreign:
            yield seen.broken(region, *foreign[region])
        elif fact.value["is_deleted"]:
            yield seen.broken(region, "The secret is marked for deletion.", "Restore it with RestoreSecret.")
        elif region == primary:
            yield ok(region, f"The secret is here, with {counted(len(fact.value['replicas']), 'replica')}.")
        else:
            yield _replica(seen, region, found.get(primary))


def _replica(seen: Seen, region: str, primary: Mapping[str, Any] | None) -> Finding:
    if primary is None:
        return seen.unknown(
            region, "the secret is here, but whether it is in sync", "its primary region did not report it"
        )
    replica = primary["replicas"].get(region)
    if replica is None:
        reason = "The secret is here, but not as a replica: a new password would not reach it."
        return warning(region, reason, PROVISION)
    if replica["status"] == "InSync":
        return ok(region, "The replica of the secret is InSync.")
    message = f" ({replica['message']})" if replica["message"] else ""
    reason = f"The replica of the secret is {replica['status']}{message}."
    if replica["status"] == "InProgress":
        return warning(region, reason, "Wait, look again.")
    return seen.broken(region, reason, "Remove the replica and run site.yml, which creates it again.")


def encryption_key(seen: Seen) -> Iterator[Finding]:
    """Every region's own key is enabled: its cluster, objects and secret are encrypted with it.

    One that others have made is in the manifest.
    """
    named = {region: seen.entry(region).get("key_arn") or seen.expected.get("key_alias") for region in seen.order}
    if not all(named.values()):
        yield seen.unknown(ALL, "the keys", "expected.key_alias is not given", remedy=GIVE)
        return
    for region in seen.order:
        fact, cluster = seen.facts[region]["key"], seen.facts[region].value("database") or {}
        if not fact.known:
            yield seen.unknown(region, "the key", fact.error)
        elif fact.value is None:
            yield seen.broken(region, f"There is no key {named[region]}.", PROVISION)
        elif fact.value["state"] != "Enabled":
            remedy = "Cancel its deletion and enable it: without the key nothing that it encrypted can be read."
            yield seen.broken(region, f"The key {named[region]} is {fact.value['state']}.", remedy)
        elif cluster.get("kms_key_arn") not in (None, fact.value["arn"]):
            reason = f"The key is Enabled, but the cluster is encrypted with another one, {cluster['kms_key_arn']}."
            yield warning(region, reason, "Check that the other key is enabled, and why it is used.")
        else:
            yield ok(region, f"The key {named[region]} is Enabled.")
