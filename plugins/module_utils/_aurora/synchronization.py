# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a member of a global database holds the current data again, and waiting until it does.

After an unplanned failover the old primary rejoins on a new volume without any call and is ``pending-resync`` until it
is ``connected``, which takes minutes to hours ("Using switchover or failover in Aurora Global Database" of the Aurora
User Guide; GlobalClusterMember of the RDS API Reference). Only then can the writer move back without data loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import read_global_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import member_of
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    after_waiting,
    poll,
    retry_transient,
    timed,
)

READ_SECONDS = 10
CONNECTED, UNKNOWN = "connected", "unknown"
NOTHING_READ = {"synchronization_status": UNKNOWN, "is_writer": None, "members": []}


def find_member(members: list[dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the member in the requested region. Raises Refused if there is none: waiting would not help. Pure."""
    region, name = params["member_region"], params["global_cluster_identifier"]
    if member := member_of(members, region):
        return member
    regions = ", ".join(one["region"] for one in members) or "none"
    raise Refused(
        f"member_region is {region}; {name} has no member there. Regions of its members: {regions}. A region that was "
        "detached becomes a member again when failback.yml rebuilds the topology.",
        synchronization_status=UNKNOWN,
        is_writer=False,
        members=members,
    )


def state_of(member: Mapping[str, Any], members: list[dict[str, Any]]) -> dict[str, Any]:
    """Return {synchronization_status, is_writer, members} as the modules return it. Pure."""
    return {
        "synchronization_status": member["synchronization_status"] or UNKNOWN,
        "is_writer": member["is_writer"],
        "members": members,
    }


def is_settled(state: Mapping[str, Any]) -> bool:
    """Return True if there is nothing to wait for; the writer itself is not synchronized. Pure."""
    return state["is_writer"] or state["synchronization_status"] == CONNECTED


def describe(state: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Return the state in words. Pure."""
    region, name, status = params["member_region"], params["global_cluster_identifier"], state["synchronization_status"]
    if state["is_writer"]:
        return f"{region} is the writer of {name}"
    if status == UNKNOWN:
        return f"{region} has an unknown synchronization status in {name}: AWS returns none"
    return f"{region} is {status} in {name}"


def read(client: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state now. Raises Refused where there is no such cluster or member, or AwsCallError."""
    whole = read_global_cluster(client, params["global_cluster_identifier"])
    if whole is None:
        raise Refused(
            f"global_cluster_identifier is {params['global_cluster_identifier']}; there is no global cluster of that "
            "identifier. Provision it with site.yml, or correct the identifier."
        )
    return state_of(find_member(whole["members"], params), whole["members"])


def read_once(client: Any, params: Mapping[str, Any], pace: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the state, and the state in words; a state that cannot be read is unknown, and the words say why."""
    try:
        state = retry_transient(lambda: read(client, params), READ_SECONDS, params["poll_interval"], **pace)
    except AwsCallError as error:
        if not error.retryable:
            raise
        return NOTHING_READ, f"{params['member_region']} has an unknown synchronization status: {error}"
    return state, describe(state, params)


def wait_connected(client: Any, params: Mapping[str, Any], pace: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the state once the member is connected, and it in words. Raises WaitTimeout with the state and remedy."""
    try:
        state = poll(lambda: read(client, params), is_settled, params["wait_timeout"], params["poll_interval"], **pace)
    except WaitTimeout as late:
        seen = describe(late.state, params) if late.state else f"nothing could be read: {late.error}"
        failure = WaitTimeout(
            late.state,
            late.error,
            late.seconds,
            f"{params['member_region']} is not connected after {late.seconds:.0f} s (wait_timeout): {seen}. AWS keeps "
            "rebuilding it, for minutes to hours; run the same playbook again to continue waiting, or raise "
            "wait_timeout.",
        )
        failure.evidence = {**(late.state or NOTHING_READ)}
        raise failure from late
    return state, describe(state, params)


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Report a member's synchronization, or wait for it.

    Returns {changed: false, reason, synchronization_status, is_writer, members, seconds}; synchronization_status is
    connected, pending-resync or unknown. It also waits in check mode, because it changes nothing.
    """
    client, began = clients("rds", params.get("region") or clients.default_region), clock()
    pace = {"clock": clock, "sleep": sleep or lease_of(params, clients).sleep}
    state, words = (wait_connected if params["wait"] else read_once)(client, params, pace)
    end = after_waiting(clock() - began) if params["wait"] else ""
    return {"changed": False, "reason": f"{words.rstrip('.')}{end}.", **state}
