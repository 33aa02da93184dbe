# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What to change in a table's replicas. Pure: no calls.

Facts used: "Global tables: multi-active, multi-Region replication" of the DynamoDB Developer Guide. Replicas are
created one at a time and require a stream of new and old images; point-in-time recovery, tags and deletion protection
are settings of each replica. So is the key, but all replicas must have keys of one kind (the account's, or DynamoDB's
own), and existing ones change their keys together in one UpdateTable call: AWS rejects one at a time with
"KMSMasterKeyId must be specified for each replica" (hashicorp/terraform-provider-aws, issue 21726 and the test
Replica_doubleAddCMK).
"""

from __future__ import annotations

STREAM_VIEW = "NEW_AND_OLD_IMAGES"


def replica_states(table, region):
    """Return {region: status} of the table's replicas without the one in ``region``.

    For a global table AWS also lists the region of the request. Whether it does is not relevant here, because a table
    is never removed from that region.
    """
    return {
        replica["RegionName"]: replica.get("ReplicaStatus", "ACTIVE")
        for replica in table.get("Replicas", [])
        if replica["RegionName"] != region
    }


def stream_view(table):
    """Return the view type of an enabled stream, or None."""
    stream = table.get("StreamSpecification") or {}
    return stream.get("StreamViewType") if stream.get("StreamEnabled") else None


def key_of(table):
    """Return the ARN of the KMS key that encrypts a table, or None for DynamoDB's own key."""
    return (table.get("SSEDescription") or {}).get("KMSMasterKeyArn")


def encryption_status(table):
    """Return ENABLED or UPDATING, or None for DynamoDB's own key."""
    return (table.get("SSEDescription") or {}).get("Status")


def replication_steps(states, wanted, region, purge):
    """Return the changes to make, [{"Create": {...}} | {"Delete": {...}}], in order.

    states: current {region: status}. wanted: the option ``replicas``. region: the managing region, whose replica is
    neither created nor removed. Additions come first, so that a table that moves always has a replica.
    """
    asked = {replica["region"]: replica for replica in wanted}
    steps = []
    for name, replica in asked.items():
        if name != region and name not in states:
            create = {"RegionName": name}
            if replica.get("kms_key_arn"):
                create["KMSMasterKeyId"] = replica["kms_key_arn"]
            steps.append({"Create": create})
    if purge:
        steps += [{"Delete": {"RegionName": name}} for name in states if name not in asked and name != region]
    return steps


def duplicates(wanted):
    """Return the regions that occur more than once."""
    names = [replica["region"] for replica in wanted]
    return sorted({name for name in names if names.count(name) > 1})


def replica_changes(current, wanted):
    """Return only the differences in point_in_time_recovery, deletion_protection and tags.

    Existing tags that are not in wanted are kept.
    """
    changes = {
        option: wanted[option]
        for option in ("point_in_time_recovery", "deletion_protection")
        if wanted.get(option) is not None and wanted[option] != current.get(option)
    }
    tags = {key: str(value) for key, value in (wanted.get("tags") or {}).items()}
    missing = {key: value for key, value in tags.items() if current.get("tags", {}).get(key) != value}
    return {**changes, "tags": missing} if missing else changes


def keys_asked(wanted):
    """Return {region: key ARN} from the option ``replicas``."""
    return {replica["region"]: replica["kms_key_arn"] for replica in wanted if replica.get("kms_key_arn")}


def keys_there(replicas):
    """Return {region: key ARN or None} of the observed replicas whose settings are known."""
    return {one["region"]: one.get("kms_key_arn") for one in replicas if "arn" in one}


def key_changes(replicas, wanted):
    """Return {region: key ARN} of all existing replicas if one of them needs another key; else {}."""
    there = keys_there(replicas)
    keys = {name: keys_asked(wanted).get(name, key) for name, key in there.items()}
    return keys if keys != there else {}


def foreign_keys(wanted):
    """Return {region: key} of the keys that are not the ARN of a key in the replica's own region."""

    def is_own(region, arn):
        fields = arn.split(":")
        return fields[2:4] == ["kms", region] and fields[-1].startswith("key/")

    return {region: arn for region, arn in keys_asked(wanted).items() if not is_own(region, arn)}


def keyless(replicas, wanted):
    """Return the regions that would keep DynamoDB's own key while others have a key of the account."""
    asked, there = keys_asked(wanted), keys_there(replicas)
    names = {*there, *(replica["region"] for replica in wanted)} if asked else set()
    return sorted(name for name in names if not (asked.get(name) or there.get(name)))


def obstacle(before, params):
    """Return why the wanted state is impossible, or None."""
    wanted = params.get("replicas") or []
    twice = duplicates(wanted)
    if twice:
        return f"replicas has {', '.join(twice)} more than once; each region is allowed once."
    foreign = foreign_keys(wanted)
    if foreign:
        region, arn = min(foreign.items())
        return f"kms_key_arn of the replica in {region} is {arn}; allowed: the ARN of a key of {region}."
    without = keyless(before["replicas"], wanted)
    if without:
        return (
            f"replicas has no kms_key_arn for {', '.join(without)}; allowed: one for each existing or wanted replica, "
            "or none at all, because all replicas of a table have keys of one kind."
        )
    view = before["stream_view_type"]
    if wanted and view not in (None, STREAM_VIEW):
        return (
            f"The stream of {params['table_name']} has {view}, but replication requires {STREAM_VIEW}; a stream cannot "
            "be changed, only disabled and enabled again."
        )
    return None


def plan(before, params, region):
    """Return {stream, keys: {region: key ARN}, steps, settings: {region: changes}}: everything that differs."""
    wanted = params.get("replicas") or []
    states = {one["region"]: one["status"] for one in before["replicas"] if one["region"] != region}
    known = {one["region"]: one for one in before["replicas"]}
    # The settings of a replica that is being created or removed are not known yet, so they are compared later.
    judged = [one for one in wanted if "arn" in known.get(one["region"], {"arn": None})]
    settings = {one["region"]: replica_changes(known.get(one["region"], {}), one) for one in judged}
    return {
        "stream": any(one["region"] != region for one in wanted) and before["stream_view_type"] is None,
        "keys": key_changes(before["replicas"], wanted),
        "steps": replication_steps(states, wanted, region, params.get("purge_replicas", False)),
        "settings": {name: changes for name, changes in settings.items() if changes},
    }


def removals(planned):
    """Return the regions whose replica the plan removes."""
    return [step["Delete"]["RegionName"] for step in planned["steps"] if "Delete" in step]


def is_at_rest(observed):
    """Return True if no replica is being changed."""
    return all(one["status"] == "ACTIVE" and one.get("encryption_status") != "UPDATING" for one in observed["replicas"])


def is_empty(planned):
    """Return True for a plan that changes nothing."""
    return not any(planned.values())


def foresee(before, planned):
    """Return the observation to which the plan leads, for check mode."""
    replicas = {one["region"]: dict(one) for one in before["replicas"]}
    for name, arn in planned["keys"].items():
        replicas[name].update(kms_key_arn=arn, encryption_status="ENABLED")
    for step in planned["steps"]:
        for action, value in step.items():
            name = value["RegionName"]
            if action == "Create":
                replicas[name] = {"region": name, "status": "ACTIVE"}
            else:
                replicas.pop(name)
    for name, changes in planned["settings"].items():
        merged = {**replicas[name].get("tags", {}), **changes.get("tags", {})}
        replicas[name].update({**changes, "tags": merged} if merged else changes)
    view = STREAM_VIEW if planned["stream"] else before["stream_view_type"]
    return {"stream_view_type": view, "replicas": [replicas[name] for name in sorted(replicas)]}


def describe_plan(planned, name, done):
    """Return the plan in one sentence."""
    parts = ["its stream is enabled"] if planned["stream"] else []
    parts += [f"it is encrypted with {arn} in {region}" for region, arn in sorted(planned["keys"].items())]
    words = {"Create": "a replica is added in", "Delete": "the replica is removed from"}
    parts += [f"{words[key]} {value['RegionName']}" for step in planned["steps"] for key, value in step.items()]
    parts += [f"{', '.join(sorted(changes))} set in {region}" for region, changes in planned["settings"].items()]
    return f"{'Changed' if done else 'To be changed'} on {name}: {'; '.join(parts)}."
