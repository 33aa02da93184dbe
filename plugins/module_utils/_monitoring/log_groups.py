# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""CloudWatch log groups: existence, key and retention.

Source: CreateLogGroup, DescribeLogGroups, AssociateKmsKey, PutRetentionPolicy and DeleteLogGroup of the CloudWatch Logs
API Reference. Each of these writes sets the complete wanted state, so it may be repeated; all are read back.
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed, wait_until_visible

MISSING = ("ResourceNotFoundException",)
# "retentionInDays" of PutRetentionPolicy.
PERIODS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
SETTINGS = ("kms_key_arn", "retention_in_days")


@aws_call("DescribeLogGroups")
def describe_group(client, name):
    """Return {kms_key_arn, retention_in_days} of a log group, each None if it is not set; None if there is no group."""
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    found = [one for page in pages for one in page["logGroups"] if one["logGroupName"] == name]
    if not found:
        return None
    return {"kms_key_arn": found[0].get("kmsKeyId"), "retention_in_days": found[0].get("retentionInDays")}


@aws_call("CreateLogGroup", missing=("ResourceAlreadyExistsException",))
def create_group(client, name, tags, key):
    """Create a log group. If it exists in the meantime, that is not an error."""
    options = {**({"tags": tags} if tags else {}), **({"kmsKeyId": key} if key else {})}
    client.create_log_group(logGroupName=name, **options)


@aws_call("AssociateKmsKey")
def set_key(client, name, key):
    """Encrypt future log events of a group with a key."""
    client.associate_kms_key(logGroupName=name, kmsKeyId=key)


@aws_call("PutRetentionPolicy")
def set_retention(client, name, days):
    """Set how many days log events are kept."""
    client.put_retention_policy(logGroupName=name, retentionInDays=days)


@aws_call("DeleteLogGroup", missing=MISSING)
def delete_group(client, name):
    """Delete a group and its log events. Does nothing if it does not exist."""
    client.delete_log_group(logGroupName=name)


def differences(group, wanted):
    """Return the names of the settings to change; wanted: {setting: value, or None to keep it}. Pure."""
    return [setting for setting in SETTINGS if wanted[setting] is not None and group[setting] != wanted[setting]]


def work_on(before, wanted):
    """Return {name: [what to change]} of the groups that differ. Pure.

    before: {name: settings or None}. wanted: the settings, or None for no groups.
    """
    if wanted is None:
        return {name: ["deleted"] for name, group in before.items() if group}
    found = {name: differences(group, wanted) if group else ["created"] for name, group in before.items()}
    return {name: changes for name, changes in found.items() if changes}


def foresee(group, wanted):
    """Return the settings that a group will have, or None for no group. Pure."""
    if wanted is None:
        return None
    return {setting: wanted[setting] or (group or {}).get(setting) for setting in SETTINGS}


def attempt(write, *options):
    """Make a write; return the AwsCallError of one that may have been carried out nevertheless, or None."""
    try:
        write(*options)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        return error
    return None


def change(client, name, changes, params, wanted):
    """Change one group to the wanted settings, and return them once AWS shows them."""
    key, days = params.get("kms_key_arn"), params.get("retention_in_days")
    failures = []
    if "deleted" in changes:
        failures.append(attempt(delete_group, client, name))
    if "created" in changes:
        tags = {tag: str(value) for tag, value in (params.get("tags") or {}).items()}
        failures.append(attempt(create_group, client, name, tags, key))
    if "kms_key_arn" in changes:
        failures.append(attempt(set_key, client, name, key))
    if "retention_in_days" in changes or ("created" in changes and days):
        failures.append(attempt(set_retention, client, name, days))
    failure = next((error for error in failures if error), None)
    return wait_until_visible(
        lambda: describe_group(client, name), lambda now: now == wanted, failure, f"The log group {name} was changed"
    )


@timed
def run(params, clients, check_mode=False):
    """Bring the log groups to the wanted state.

    Returns {changed, reason, log_groups, diff, seconds}. Raises Refused or AwsCallError.
    """
    names = params["names"]
    client = clients("logs", params.get("region"))
    wanted = {setting: params.get(setting) for setting in SETTINGS} if params["state"] == "present" else None
    before = {name: describe_group(client, name) for name in names}
    work = work_on(before, wanted)
    after = {name: foresee(group, wanted) if name in work else group for name, group in before.items()}
    if not check_mode:
        for name, changes in work.items():
            change(client, name, changes, params, after[name])
    changes = "; ".join(f"{name} ({', '.join(parts)})" for name, parts in work.items())
    return {
        "changed": bool(work),
        "reason": f"{'To be changed' if check_mode else 'Changed'}: {changes}." if work else "All are as requested.",
        "log_groups": {name: group for name, group in after.items() if group},
        "diff": {"before": before, "after": after},
    }
