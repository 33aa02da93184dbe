# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All failover alias records of some names, replaced in one change batch.

Facts used: ChangeResourceRecordSets of the Route 53 API Reference (a batch is made as a whole or not at all; the change
is PENDING until all authoritative name servers have it, then INSYNC); ResourceRecordSet there (a name has one PRIMARY
and one SECONDARY). A record that changes its role would be the second one of that role, if the records were changed one
by one as amazon.aws.route53 does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import HOSTED_ZONES
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    pause,
    poll,
    retry_transient,
    timed,
    wait_until_visible,
)

TYPE, IN_SYNC, POLL_SECONDS = "A", "INSYNC", 2

Key = tuple[str, str]
Records = dict[Key, dict[str, Any]]


@aws_call("ListResourceRecordSets")
def list_records(client: Any, zone: str) -> list[dict[str, Any]]:
    """Return all ResourceRecordSets of a hosted zone."""
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    return [record for page in pages for record in page["ResourceRecordSets"]]


@aws_call("ChangeResourceRecordSets")
def change_records(client: Any, zone: str, changes: list[dict[str, Any]]) -> str:
    """Make all changes or none, and return the id of the change."""
    answer = client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    return answer["ChangeInfo"]["Id"]


@aws_call("GetChange")
def get_change(client: Any, change: str) -> str:
    """Return PENDING or INSYNC."""
    return client.get_change(Id=change)["ChangeInfo"]["Status"]


def plain(name: str) -> str:
    """Return a domain name in lower case without the dot at its end, with which AWS returns it."""
    return name.lower().removesuffix(".")


def record_set(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ResourceRecordSet of a record as the module's options describe it. Pure."""
    found = {
        "Name": plain(wanted["name"]),
        "Type": TYPE,
        "SetIdentifier": wanted["identifier"],
        "Failover": wanted["failover"],
        "AliasTarget": {
            "HostedZoneId": wanted["target_zone_id"],
            # With the dot that AWS returns.
            "DNSName": f"{plain(wanted['target'])}.",
            "EvaluateTargetHealth": bool(wanted.get("evaluate_target_health")),
        },
    }
    return {**found, **({"HealthCheckId": wanted["health_check_id"]} if wanted.get("health_check_id") else {})}


def failover_records(found: list[dict[str, Any]], names: set[str]) -> Records:
    """Return the failover alias records of these names, by name and identifier, in the form of record_set. Pure."""
    return {
        (plain(one["Name"]), one["SetIdentifier"]): record_set(
            {
                "name": one["Name"],
                "identifier": one["SetIdentifier"],
                "failover": one["Failover"],
                "target": one["AliasTarget"]["DNSName"],
                "target_zone_id": one["AliasTarget"]["HostedZoneId"],
                "evaluate_target_health": one["AliasTarget"]["EvaluateTargetHealth"],
                "health_check_id": one.get("HealthCheckId"),
            }
        )
        for one in found
        if plain(one["Name"]) in names and one["Type"] == TYPE and one.get("Failover") and one.get("AliasTarget")
    }


def changes_to(before: Records, wanted: Records) -> list[dict[str, Any]]:
    """Return the changes of a batch: what goes first, so that no role is taken when a record gets it. Pure."""
    gone = [key for key, one in before.items() if wanted.get(key, {}).get("Failover") != one["Failover"]]
    made = [key for key in wanted if key not in before or key in gone]
    changed = [key for key, one in wanted.items() if key in before and key not in gone and before[key] != one]
    return [
        *({"Action": "DELETE", "ResourceRecordSet": before[key]} for key in gone),
        *({"Action": "CREATE", "ResourceRecordSet": wanted[key]} for key in made),
        *({"Action": "UPSERT", "ResourceRecordSet": wanted[key]} for key in changed),
    ]


def shown(changes: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return {action, name, identifier} of each change, for the result. Pure."""
    sets = [(one["Action"], one["ResourceRecordSet"]) for one in changes]
    return [{"action": action, "name": one["Name"], "identifier": one["SetIdentifier"]} for action, one in sets]


class Zone:
    """A hosted zone, and the names whose failover records are managed."""

    def __init__(self, client: Any, zone: str, names: set[str], timeout: float, sleep: Callable[[float], None]):
        self.client, self.zone, self.names, self.timeout, self.sleep = client, zone, names, timeout, sleep

    def read(self) -> Records:
        return failover_records(retry_transient(lambda: list_records(self.client, self.zone)), self.names)

    def replace(self, wanted: Records, changes: list[dict[str, Any]]) -> None:
        """Make the changes, and return once all name servers have them."""
        change, failure = "", None
        try:
            change = change_records(self.client, self.zone, changes)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        wait_until_visible(self.read, lambda now: now == wanted, failure, "The records were changed", sleep=self.sleep)
        if not change:
            # Its id was lost with the answer. The same records again are another change, which ends after it.
            same = [{"Action": "UPSERT", "ResourceRecordSet": one} for one in wanted.values()]
            change = retry_transient(lambda: change_records(self.client, self.zone, same), sleep=self.sleep)
        poll(
            lambda: get_change(self.client, change),
            lambda status: status == IN_SYNC,
            self.timeout,
            POLL_SECONDS,
            sleep=self.sleep,
        )


@timed
def run(
    params: Mapping[str, Any],
    clients: Callable[..., Any],
    check_mode: bool = False,
    sleep: Callable[[float], None] = pause,
) -> dict[str, Any]:
    """Give the names exactly the wanted failover records.

    Returns {changed, reason, changes, diff, seconds}. Raises Refused, AwsCallError or WaitTimeout.
    """
    names = {plain(name) for name in params["names"]}
    wanted = {(one["Name"], one["SetIdentifier"]): one for one in map(record_set, params["records"])}
    foreign = sorted({name for name, _identifier in wanted} - names)
    if foreign:
        raise Refused(f"records has the name {foreign[0]}; allowed: one of names, {', '.join(sorted(names))}.")
    zone = Zone(
        clients(HOSTED_ZONES, params.get("region")), params["hosted_zone_id"], names, params["wait_timeout"], sleep
    )
    before = zone.read()
    changes = changes_to(before, wanted)
    if changes and not check_mode:
        zone.replace(wanted, changes)
    verb = "would be changed" if check_mode else "were changed in one request"
    return {
        "changed": bool(changes),
        "reason": f"{len(changes)} of the failover records of {', '.join(sorted(names))} {verb}."
        if changes
        else f"The failover records of {', '.join(sorted(names))} are as requested.",
        "changes": shown(changes),
        "diff": {"before": {"records": list(before.values())}, "after": {"records": list(wanted.values())}},
    }
