# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The class of an Aurora cluster's instances: changed one after the other, readers first, the writer last.

Source: "DBInstanceClass" and "ApplyImmediately" of ModifyDBInstance in the RDS API Reference (an outage occurs during
the change, and without ApplyImmediately it waits for the maintenance window); FailoverDBCluster of the same reference,
which is a failover within the region. So the writer's role goes to a reader that has the class already, and the former
writer is changed as a reader: writes stop for a failover of seconds, not for the minutes of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import (
    describe_db_cluster,
    describe_db_instances,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout, poll, timed

AVAILABLE = "available"


@aws_call("ModifyDBInstance")
def modify_class(client: Any, identifier: str, instance_class: str) -> None:
    """Change an instance's class without waiting for the maintenance window."""
    client.modify_db_instance(DBInstanceIdentifier=identifier, DBInstanceClass=instance_class, ApplyImmediately=True)


@aws_call("FailoverDBCluster")
def fail_over(client: Any, cluster: str, target: str) -> None:
    """Give the writer's role to another instance of the same cluster."""
    client.failover_db_cluster(DBClusterIdentifier=cluster, TargetDBInstanceIdentifier=target)


def read(client: Any, cluster: str, is_writer_cluster: bool) -> list[dict[str, Any]]:
    """Return {identifier, class, status, is_writer} of each instance, the writer last; empty if there is no cluster.

    is_writer_cluster: whether the cluster has the global database's writer. A secondary has readers only, whatever it
    says of itself.
    """
    found = describe_db_cluster(client, cluster)
    if found is None:
        return []
    writers = {one["DBInstanceIdentifier"] for one in found.get("DBClusterMembers", ()) if one.get("IsClusterWriter")}
    instances = [
        {
            "identifier": one["DBInstanceIdentifier"],
            "class": one["DBInstanceClass"],
            "status": one["DBInstanceStatus"],
            "is_writer": is_writer_cluster and one["DBInstanceIdentifier"] in writers,
        }
        for one in describe_db_instances(client, cluster)
    ]
    return sorted(instances, key=lambda one: (one["is_writer"], one["identifier"]))


def steps_for(instances: list[dict[str, Any]], wanted: str) -> list[dict[str, str]]:
    """Return the steps: {action (modify or failover), instance}. Pure."""
    behind = [one for one in instances if one["class"] != wanted]
    steps = [{"action": "modify", "instance": one["identifier"]} for one in behind if not one["is_writer"]]
    readers = [one["identifier"] for one in instances if not one["is_writer"]]
    for writer in (one for one in behind if one["is_writer"]):
        steps += [{"action": "failover", "instance": readers[0]}] if readers else []
        steps.append({"action": "modify", "instance": writer["identifier"]})
    return steps


def sentence(cluster: str, before: list[dict[str, Any]], steps: list[dict[str, str]], wanted: str, done: bool) -> str:
    """Return what is done, or would be. Pure."""
    if not steps:
        return f"All instances of {cluster} are {wanted}." if before else f"There is no cluster {cluster} yet."
    words = {"modify": "change {}", "failover": "fail over to {} in the region"}
    listed = ", ".join(words[step["action"]].format(step["instance"]) for step in steps)
    classes = ", ".join(sorted({one["class"] for one in before} - {wanted}))
    tense = "was changed" if done else "would be changed"
    return (
        f"The class of {cluster} {tense} from {classes} to {wanted} with apply_immediately, one instance after the "
        f"other: {listed}."
    )


@timed
def run(params: Mapping[str, Any], clients: Callable[..., Any], check_mode: bool = False) -> dict[str, Any]:
    """Have all instances of a cluster of one class.

    Returns changed, reason, steps, instances (identifiers), diff. Raises MultiRegionError if an instance is not
    available in time; what was changed stays, and the next run goes on.
    """
    cluster, wanted = params["db_cluster_identifier"], params["db_instance_class"]
    client, is_writer_cluster = clients("rds", params.get("region")), params["is_writer"]

    def look() -> list[dict[str, Any]]:
        return read(client, cluster, is_writer_cluster)

    before = look()
    steps = steps_for(before, wanted)
    if not check_mode:
        for step in steps:
            take(client, cluster, step, wanted, look, params)
    classes = {one["identifier"]: one["class"] for one in before}
    return {
        "changed": bool(steps),
        "reason": sentence(cluster, before, steps, wanted, not check_mode),
        "steps": steps,
        "instances": list(classes),
        "diff": {"before": classes, "after": dict.fromkeys(classes, wanted)},
    }


def take(
    client: Any,
    cluster: str,
    step: Mapping[str, str],
    wanted: str,
    look: Callable[[], list[dict[str, Any]]],
    params: Mapping[str, Any],
) -> None:
    """Take one step, once all instances are available, and wait for its effect."""
    name = step["instance"]

    def settled(instances: list[dict[str, Any]]) -> bool:
        return all(one["status"] == AVAILABLE for one in instances)

    def is_done(instances: list[dict[str, Any]]) -> bool:
        (one,) = [one for one in instances if one["identifier"] == name]
        return settled(instances) and (one["is_writer"] if step["action"] == "failover" else one["class"] == wanted)

    def wait(done: Callable[[list[dict[str, Any]]], bool], what: str) -> None:
        try:
            poll(look, done, params["wait_timeout"], params["poll_interval"])
        except WaitTimeout as late:
            raise MultiRegionError(
                f"{what} after {params['wait_timeout']} s: {late.state or late.error}. Run it again, which goes on."
            ) from late

    wait(settled, f"The instances of {cluster} are not all {AVAILABLE}")
    try:
        if step["action"] == "failover":
            fail_over(client, cluster, name)
        else:
            modify_class(client, name, wanted)
    except AwsCallError as error:
        # What may have been carried out shows below.
        if not error.ambiguous:
            raise
    wait(is_done, f"{name} of {cluster} is not {'the writer' if step['action'] == 'failover' else wanted}")
