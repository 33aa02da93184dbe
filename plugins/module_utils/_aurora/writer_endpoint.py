# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The endpoint to which a region's applications must write, stored in an SSM parameter of that region.

The global writer endpoint follows the writer from member to member ("Connecting to Amazon Aurora Global Database" of
the Aurora User Guide), but not out of the global database: a detached cluster has only its own endpoint
("Removing a cluster from an Amazon Aurora global database" in the same guide).

The applications of the other regions must write to the same writer, or those of the old region keep writing to the old
one. Their parameters get the same value, but a region that does not respond is reported, and not waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import (
    read_cluster,
    read_global_cluster,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import PROMOTING
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import is_same
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
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
    retry_transient,
    timed,
    wait_until_visible,
)

READ_SECONDS = 10
POLL_SECONDS = 1
# How long to wait for the parameters of the other regions, in seconds: traffic waits for this step.
OTHERS_SECONDS = 2.0


@aws_call("GetParameter", missing=("ParameterNotFound",))
def get_parameter(client: Any, name: str) -> dict[str, Any] | None:
    """Return the Parameter of the SSM API, or None if there is none with that name."""
    return client.get_parameter(Name=name)["Parameter"]


@aws_call("PutParameter")
def put_parameter(client: Any, name: str, value: str) -> None:
    """Write the whole parameter; a repeated call only increases its version."""
    client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def observe(rds: Any, params: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return {is_member, global_endpoint, cluster}; cluster is the region's as facts.py has it, or None."""
    identifier = params["db_cluster_identifier"]
    whole = read_global_cluster(rds, params["global_cluster_identifier"]) or {}
    members = [one for one in whole.get("members", ()) if one["region"] == region]
    return {
        "is_member": any(is_same(one["identifier"], identifier) for one in members),
        "global_endpoint": whole.get("endpoint"),
        "cluster": read_cluster(rds, identifier),
    }


def wanted_endpoint(seen: Mapping[str, Any], params: Mapping[str, Any], region: str) -> str:
    """Return the endpoint to write to. Raises Refused if there is no correct one yet. Pure."""
    name, identifier, cluster = params["global_cluster_identifier"], params["db_cluster_identifier"], seen["cluster"]
    if seen["is_member"]:
        if not seen["global_endpoint"]:
            raise Refused(
                f"The global cluster {name} has no writer endpoint (Endpoint of DescribeGlobalClusters). Run again "
                "when its first cluster is available."
            )
        return seen["global_endpoint"]
    if cluster is None:
        raise Refused(
            f"db_cluster_identifier is {identifier}; {region} has no cluster with that identifier, and {name} no such "
            "member. Provision it with site.yml, or correct the identifier."
        )
    other = cluster["global_cluster_identifier"]
    if other and not is_same(other, name):
        raise Refused(
            f"global_cluster_identifier is {name}; {identifier} in {region} is a member of {other} instead. Correct "
            "it: the endpoint of a cluster that may be a reader must not be written."
        )
    # A cluster that is only being detached may call an instance its writer already.
    if not cluster["writers"] or cluster["status"] == PROMOTING or cluster["replicates_from"]:
        raise Refused(
            f"{identifier} in {region} is not a member of {name}, is {cluster['status']} and has no writer instance, "
            "so applications must not connect to it yet. Wait for it with rds_global_cluster_writer (method=detach), "
            "then run again."
        )
    return cluster["endpoint"]


def value_of(parameter: Mapping[str, Any] | None, name: str) -> str | None:
    """Return the parameter's value, or None. Raises Refused if the parameter is not of type String. Pure."""
    if parameter is None:
        return None
    if parameter["Type"] != "String":
        raise Refused(
            f"parameter_name is {name}; that parameter is a {parameter['Type']}, and SSM cannot change a parameter's "
            "type. Use another name, or delete it first."
        )
    return parameter["Value"]


def write(ssm: Any, name: str, value: str, pace: Mapping[str, Any]) -> None:
    """Write the parameter, and read it back until the new value is visible."""
    failure = None
    try:
        retry_transient(lambda: put_parameter(ssm, name, value), READ_SECONDS, POLL_SECONDS, **pace)
    except AwsCallError as error:
        # For example, TooManyUpdates may be the response to a retry of a write that is being carried out.
        if not error.ambiguous:
            raise
        failure = error
    try:
        wait_until_visible(
            lambda: value_of(get_parameter(ssm, name), name),
            lambda now: now == value,
            failure,
            timeout=READ_SECONDS,
            interval=POLL_SECONDS,
            **pace,
        )
    except WaitTimeout as late:
        raise MultiRegionError(
            f"{name} was written, but reads as {late.state or late.error}, not as {value}: something else writes it "
            "too. Find out what, then run again.",
            changed=True,
            after=late.state,
        ) from late


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Store the endpoint to which the region's applications must write in the parameter.

    Returns {changed, reason, before, after, is_member, repointed, not_repointed, diff, seconds}; before and after are
    the parameter's value, None if there is no parameter or, in check mode, no endpoint yet.
    """
    region, name = params.get("region") or clients.default_region, params["parameter_name"]
    others = others_of(params, region)
    lease = lease_of(params, clients)
    pace = {"clock": clock, "sleep": sleep or lease.sleep}
    rds, ssm = clients("rds", region), clients("ssm", region)
    seen = retry_transient(lambda: observe(rds, params, region), READ_SECONDS, POLL_SECONDS, **pace)
    before = value_of(retry_transient(lambda: get_parameter(ssm, name), READ_SECONDS, POLL_SECONDS, **pace), name)
    is_to_come = check_mode and before is None and seen["cluster"] is None and not seen["is_member"]
    wanted = None if is_to_come else wanted_endpoint(seen, params, region)
    changed = is_to_come or before != wanted
    if (changed or others) and not check_mode:
        lease.hold()
    if changed and not check_mode:
        try:
            write(ssm, name, wanted, pace)
        except AwsCallError as error:
            error.evidence.update(before=before, is_member=seen["is_member"])
            raise
    verb = ("would be set" if check_mode else "was set") if changed else "is right"
    followed, failed = repoint_others(others, wanted, clients, check_mode)
    return {
        "changed": changed or any(followed.values()),
        "reason": f"{name} {verb}: {because(seen, params)}.{said_of_others(followed, failed, check_mode)}",
        "before": before,
        "after": wanted,
        "is_member": seen["is_member"],
        "repointed": [region, *followed],
        "not_repointed": failed,
        "diff": {"before": {"value": before}, "after": {"value": wanted}},
    }


def others_of(params: Mapping[str, Any], region: str) -> dict[str, str]:
    """Return the parameters of the other regions, by region. Raises MultiRegionError for the region itself. Pure."""
    others = dict(params.get("other_parameters") or {})
    if region in others:
        raise MultiRegionError(
            f"other_parameters has {region}; allowed: regions other than region, whose parameter is parameter_name."
        )
    return others


def follow(ssm: Any, name: str, value: str, check_mode: bool) -> bool:
    """Give another region's parameter the value, read back; return whether it was, or would be, changed."""
    if value_of(get_parameter(ssm, name), name) == value:
        return False
    if not check_mode:
        pace = {"clock": time.monotonic, "sleep": pause}
        write(ssm, name, value, pace)
    return True


def repoint_others(
    others: Mapping[str, str], value: str | None, clients: Any, check_mode: bool
) -> tuple[dict[str, bool], dict[str, str]]:
    """Give the other regions' parameters the value, in parallel.

    others: the parameter's name by region. value: None = not known yet, in check mode. Returns whether each was
    changed, and why the others were not.
    """
    if value is None or not others:
        return {}, {}

    def call(region: str) -> Callable[[], bool]:
        return lambda: follow(clients("ssm", region), others[region], value, check_mode)

    answers = observe_all({region: call(region) for region in others}, OTHERS_SECONDS)
    done = {region: answer.value for region, answer in answers.items() if answer.known}
    return done, {region: str(answer.error) for region, answer in answers.items() if not answer.known}


def said_of_others(followed: Mapping[str, bool], failed: Mapping[str, str], check_mode: bool) -> str:
    """Return the sentences on the other regions' parameters; empty if there are none. Pure."""
    verb = "would be set" if check_mode else "was set"
    words = [f"in {region} it {verb if changed else 'is right'}" for region, changed in followed.items()]
    words += [f"in {region} it was not repointed ({why.rstrip('.')})" for region, why in failed.items()]
    return f" The same value: {', '.join(words)}." if words else ""


def because(seen: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Return why the one endpoint is right and not the other. Pure."""
    cluster, whole = params["db_cluster_identifier"], params["global_cluster_identifier"]
    if seen["is_member"]:
        return f"{cluster} is a member of {whole}, whose endpoint follows the writer"
    if seen["cluster"] is None:
        return f"{cluster} does not exist yet, so its endpoint is not known"
    return f"{cluster} is not a member of {whole}, so only its own endpoint reaches it"
