# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What to change of a table's replicas: pure, no call.

Facts used: "Global tables: multi-active, multi-Region replication" of the DynamoDB Developer Guide. Replicas are made
one at a time and need a stream of new and old images; point-in-time recovery, tags and deletion protection belong to
each replica.
"""

from __future__ import annotations

STREAM_VIEW = "NEW_AND_OLD_IMAGES"


def replica_states(table, region):
    """Return {region: status} of the table's replicas, the one in ``region`` left out.

    AWS lists the region asked in as well once the table is a global one; whether it does is of no interest here, since
    a table is never removed from the region it is asked in.
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


def replication_steps(states, wanted, region, purge):
    """Return the changes to make, [{"Create": {...}} | {"Delete": {...}}], in the order to make them.

    states: {region: status} now. wanted: the option ``replicas``. region: where the table is asked for; it is neither
    created nor removed. Additions come first, so that a table that moves is never without a copy.
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
    """Return the regions named more than once."""
    names = [replica["region"] for replica in wanted]
    return sorted({name for name in names if names.count(name) > 1})


def replica_changes(current, wanted):
    """Return only what differs of point_in_time_recovery, deletion_protection and tags.

    Tags that are there and not asked for stay.
    """
    changes = {
        option: wanted[option]
        for option in ("point_in_time_recovery", "deletion_protection")
        if wanted.get(option) is not None and wanted[option] != current.get(option)
    }
    tags = {key: str(value) for key, value in (wanted.get("tags") or {}).items()}
    missing = {key: value for key, value in tags.items() if current.get("tags", {}).get(key) != value}
    return {**changes, "tags": missing} if missing else changes


def obstacle(before, params):
    """Return why no call could bring about what is wanted, or None."""
    wanted = params.get("replicas") or []
    twice = duplicates(wanted)
    if twice:
        return f"replicas names {', '.join(twice)} more than once; each region is allowed once."
    view = before["stream_view_type"]
    if wanted and view not in (None, STREAM_VIEW):
        return (
            f"The stream of {params['table_name']} shows {view}, replication needs {STREAM_VIEW}; a stream cannot be "
            "changed, only disabled and enabled anew."
        )
    return None


def plan(before, params, region):
    """Return {stream, steps, settings: {region: changes}}: everything that differs."""
    wanted = params.get("replicas") or []
    states = {one["region"]: one["status"] for one in before["replicas"] if one["region"] != region}
    known = {one["region"]: one for one in before["replicas"]}
    # A replica that is being made or removed shows no settings yet; judging them has to wait.
    judged = [one for one in wanted if "arn" in known.get(one["region"], {"arn": None})]
    settings = {one["region"]: replica_changes(known.get(one["region"], {}), one) for one in judged}
    return {
        "stream": any(one["region"] != region for one in wanted) and before["stream_view_type"] is None,
        "steps": replication_steps(states, wanted, region, params.get("purge_replicas", False)),
        "settings": {name: changes for name, changes in settings.items() if changes},
    }


def removals(planned):
    """Return the regions whose replica the plan removes."""
    return [step["Delete"]["RegionName"] for step in planned["steps"] if "Delete" in step]


def is_at_rest(observed):
    """Return True where no replica is being changed."""
    return all(one["status"] == "ACTIVE" for one in observed["replicas"])


def is_empty(planned):
    """Return True for a plan that changes nothing."""
    return not (planned["stream"] or planned["steps"] or planned["settings"])


def foresee(before, planned):
    """Return the observation the plan leads to, for check mode."""
    replicas = {one["region"]: dict(one) for one in before["replicas"]}
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
    words = {"Create": "a replica is added in", "Delete": "the replica is removed from"}
    parts += [f"{words[key]} {value['RegionName']}" for step in planned["steps"] for key, value in step.items()]
    parts += [f"{', '.join(sorted(changes))} set in {region}" for region, changes in planned["settings"].items()]
    return f"{'Changed' if done else 'To be changed'} on {name}: {'; '.join(parts)}."
