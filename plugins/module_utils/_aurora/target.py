# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How far a region is on its way to be the writer. Pure: no clock and no call.

Everything takes an *observation*: the facts of the global cluster (facts.py) with the cluster to be promoted under
``target``: {region, arn, identifier, is_member, cluster_status, engine_version, endpoint, replicates_from, instances};
an instance is {identifier, status, is_writer}. The planner and the module that promotes use the same functions, so what
one allows the other does not refuse.

Facts used:

- A failover or a switchover is complete when the target is the writer and no operation is in flight; a detach when the
  target is no longer a member. Both need its cluster and a writer instance of it to serve: ``Status: available`` is
  also reported while the writer has not moved yet ("Using switchover or failover in Aurora Global Database" of the
  Aurora User Guide). botocore has no waiter for global clusters.
- A cluster that is being detached is ``promoting`` with no operation in flight. It may be listed as a member then
  (keycloak-benchmark, pull request 564) or not (terraform-provider-aws, pull request 40333), and may be ``available``
  for some seconds before (amazon.aws, pull request 1705).
- A replica names the cluster that it replicates from (ReplicationSourceIdentifier of DBCluster, RDS API Reference).
- While an operation is pending, the global cluster's own status tells which one it is (failover-global-cluster and
  switchover-global-cluster of the AWS CLI reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import (
    PROMOTING,
    cluster_passes,
    cluster_serves,
    instance_serves,
    is_settled,
)

Facts = Mapping[str, Any]

FAILOVER, SWITCHOVER, DETACH = "failover", "switchover", "detach"
METHODS = (FAILOVER, SWITCHOVER, DETACH)
# Status of an operation that is being given up, and moves nothing; of one that loses nothing.
CANCELLING, SWITCHING_OVER = "cancelling", "switching-over"


def is_same(one: str | None, other: str | None) -> bool:
    """Return True where two ARNs or identifiers name the same thing: RDS compares them without regard to case."""
    return bool(one) and bool(other) and str(one).lower() == str(other).lower()


def member_of(members: list[Facts], region: str, arn: str | None = None) -> Facts | None:
    """Return a region's member, which has to be the one of the ARN where that is known, or None."""
    return next((one for one in members if one["region"] == region and (not arn or is_same(one["arn"], arn))), None)


def observe(
    whole: Facts, region: str, arn: str | None, cluster: Facts | None, instances: list[Facts]
) -> dict[str, Any]:
    """Return the observation of one region's cluster.

    whole: the global cluster's facts; one without members where there is none. arn: that of the cluster to be promoted
    where the caller knows it, else its member's is taken.
    """
    cluster = cluster or {}
    found = member_of(whole["members"], region, arn or cluster.get("arn"))
    arn = found["arn"] if found else arn or cluster.get("arn")
    return {
        **whole,
        "target": {
            "region": region,
            "arn": arn,
            "identifier": cluster.get("identifier") or (arn.split(":", 6)[6] if arn else None),
            "is_member": bool(found),
            "cluster_status": cluster.get("status"),
            "engine_version": cluster.get("engine_version"),
            "endpoint": cluster.get("endpoint"),
            "replicates_from": cluster.get("replicates_from"),
            "instances": [
                {
                    "identifier": one["identifier"],
                    "status": one["status"],
                    # Roles are the cluster's knowledge, states the instances'.
                    "is_writer": one["identifier"] in cluster.get("writers", ()),
                }
                for one in instances
            ],
        },
    }


def target_of(observed: Facts) -> Facts | None:
    """Return the member that is to become the writer, or None."""
    return member_of(observed["members"], observed["target"]["region"], observed["target"]["arn"])


def serving_instances(observed: Facts) -> list[str]:
    """Return the identifiers of the target's instances that serve."""
    return [one["identifier"] for one in observed["target"]["instances"] if instance_serves(one["status"])]


def is_serving(observed: Facts) -> bool:
    """Return True when the target's cluster serves, and so does an instance of it that writes."""
    writes = any(one["is_writer"] and instance_serves(one["status"]) for one in observed["target"]["instances"])
    return writes and cluster_serves(observed["target"]["cluster_status"])


def is_passing(observed: Facts) -> bool:
    """Return True when AWS may refuse the target only for a state that ends by itself, such as ``backing-up``."""
    target = observed["target"]
    if cluster_passes(target["cluster_status"]):
        return True
    serving = cluster_serves(target["cluster_status"]) and bool(serving_instances(observed))
    settled = is_settled(target["cluster_status"]) and any(is_settled(one["status"]) for one in target["instances"])
    return serving and not settled


def is_writer(observed: Facts) -> bool:
    """Return True when the target is the global cluster's writer, whatever else is shown."""
    member = target_of(observed)
    return bool(member and member["is_writer"])


def is_idle_writer(observed: Facts) -> bool:
    """Return True when the target is the writer and nothing is in flight."""
    return is_writer(observed) and not observed["failover_state"]


def is_promoted(observed: Facts) -> bool:
    """Return True when the target is the writer and serves, also where an operation is still shown."""
    return is_writer(observed) and is_serving(observed)


def is_outside(observed: Facts) -> bool:
    """Return True when the target's cluster exists and is no member: it was detached, or never belonged to it."""
    return target_of(observed) is None and observed["target"]["cluster_status"] is not None


def is_standalone(observed: Facts) -> bool:
    """Return True when the target is a cluster of its own: outside, not promoting and no replica of another."""
    target = observed["target"]
    return is_outside(observed) and target["cluster_status"] != PROMOTING and not target.get("replicates_from")


def is_leaving(observed: Facts) -> bool:
    """Return True while the target is being detached, listed as a member or not."""
    if observed["failover_state"] or is_writer(observed):
        return False
    if is_outside(observed):
        return not (is_standalone(observed) and is_serving(observed))
    return observed["target"]["cluster_status"] == PROMOTING


def is_detached(observed: Facts) -> bool:
    """Return True when the target is outside the global cluster, or on its way out of it."""
    return is_outside(observed) or is_leaving(observed)


def has_arrived(observed: Facts) -> bool:
    """Return True when the target is the writer and nothing is in flight, or is outside."""
    return is_idle_writer(observed) or is_outside(observed)


def is_done(observed: Facts) -> bool:
    """Return True when the promotion is complete, by the definition at the top of this file."""
    return is_serving(observed) and (is_idle_writer(observed) or is_standalone(observed))


def is_under_way(observed: Facts) -> bool:
    """Return True when an operation in flight leads to the target, and is not being given up."""
    state = observed["failover_state"]
    return bool(state) and state["status"] != CANCELLING and is_same(state["to_arn"], observed["target"]["arn"])


def is_moving(observed: Facts) -> bool:
    """Return True when anything is under way, or the target has arrived."""
    return bool(observed["failover_state"]) or has_arrived(observed) or is_leaving(observed)


def is_begun(observed: Facts, method: str) -> bool:
    """Return True when what the method asks for is in flight or has arrived already, whoever asked."""
    if is_under_way(observed) or is_idle_writer(observed):
        return True
    return method == DETACH and is_detached(observed)


def method_in_flight(whole: Facts) -> str | None:
    """Return the method of the operation in flight, or None where there is none.

    Where AWS does not say whether data may be lost, the status decides, and one that could be either is a failover,
    which promises less. A failover that may lose nothing is a switchover (FailoverGlobalCluster, RDS API Reference).
    """
    state = whole["failover_state"]
    if not state:
        return None
    if state["data_loss_allowed"] is not None:
        return FAILOVER if state["data_loss_allowed"] else SWITCHOVER
    return SWITCHOVER if SWITCHING_OVER in (state["status"], whole.get("status")) else FAILOVER


def where(observed: Facts) -> dict[str, Any]:
    """Return what a move changes: {writer_region, is_member}, the target's membership."""
    return {"writer_region": observed["writer_region"], "is_member": target_of(observed) is not None}
