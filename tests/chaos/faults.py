# SPDX-License-Identifier: GPL-3.0-or-later
"""What can break. A fault breaks once, at its moment, and stays broken until it is fixed after the run."""

from __future__ import annotations

import json
from dataclasses import dataclass

LOST, TARGET = "us-east-1", "us-east-2"

SUCCESSFUL, REFUSED, FAILED, KILLED = "successful", "refused", "failed", "killed"
ANY = (SUCCESSFUL, REFUSED, FAILED)
# The changing operations of a failover towards the target, and of fencing the old region.
CHANGES = {
    TARGET: {
        "rds": ["FailoverGlobalCluster"],
        "autoscaling": ["SetDesiredCapacity", "UpdateAutoScalingGroup"],
        "s3": ["PutObject"],
        "dynamodb": ["PutItem", "UpdateItem"],
        "sns": ["Publish"],
    },
    LOST: {"ec2": ["ReplaceNetworkAclEntry"], "dynamodb": ["PutItem", "UpdateItem"], "sns": ["Publish"]},
}
# What the target cannot do without. Of the other services a failover must be able to do without.
NEEDED = ("rds", "elbv2", "autoscaling", "dynamodb", "s3")


@dataclass(frozen=True)
class Fault:
    """Something that breaks.

    what: for tests/chaos/callbacks/act_at.py. may_end: how the run may end while it is broken; a fault that
    failover.yml exists for allows success alone. repeats: whether the answer of a call that was carried out may
    be lost, so that the caller has to ask again; a call that the lab throttles, refuses or lets hang was not.
    kills_after_s: seconds from its moment until the whole process group is killed, None where nothing is killed.
    """

    name: str
    what: str
    may_end: tuple[str, ...] = ANY
    repeats: bool = False
    kills_after_s: float | None = None


def _lab(*requests: tuple[str, dict]) -> str:
    return "lab " + json.dumps(requests)


def _region_lost(mode: str) -> Fault:
    return Fault(f"active region lost: {mode}", _lab(("outage", {"region": LOST, "mode": mode})), (SUCCESSFUL,))


def _service_lost(service: str, mode: str) -> Fault:
    broken = _lab(("faults", {"mode": mode, "region": TARGET, "service": service}))
    return Fault(f"target's {service} lost: {mode}", broken, ANY if service in NEEDED else (SUCCESSFUL,))


def _every_change(name: str, mode: str) -> Fault:
    """What happens once to each changing call of a failover; each is carried out."""
    requests = [
        ("faults", {"mode": mode, "region": region, "service": service, "operation": operation, "count": 1})
        for region, services in CHANGES.items()
        for service, operations in services.items()
        for operation in operations
    ]
    return Fault(name, _lab(*requests), (SUCCESSFUL,), repeats=True)


def _killed(name: str, seconds: float) -> Fault:
    # In the middle of its last step a run may have ended before.
    return Fault(name, f"kill {seconds:g}", (KILLED, SUCCESSFUL) if seconds else (KILLED,), kills_after_s=seconds)


FAULTS = (
    *(_region_lost(mode) for mode in ("hang", "reset", "5xx", "throttle")),
    Fault("30 % of all calls throttled", _lab(("faults", {"mode": "throttle", "probability": 0.3}))),
    Fault("80 % of all calls throttled", _lab(("faults", {"mode": "throttle", "probability": 0.8}))),
    Fault("every call 1 s late", _lab(("faults", {"mode": "latency", "seconds": 1.0})), (SUCCESSFUL,)),
    *(
        _service_lost(service, "5xx")
        for service in ("rds", "elbv2", "autoscaling", "dynamodb", "cloudwatch", "sns", "ssm", "s3")
    ),
    *(_service_lost(service, "hang") for service in ("rds", "dynamodb", "sns")),
    Fault(
        "Route 53, IAM and global STS lost", _lab(("outage", {"region": "aws-global", "mode": "hang"})), (SUCCESSFUL,)
    ),
    Fault("Aurora's operation sticks", _lab(("settings", {"promotion_stuck": True})), (SUCCESSFUL, FAILED)),
    _every_change("next answer of every changing call lost", "lost_answer"),
    Fault("old answer once after each write", _lab(("faults", {"mode": "stale"})), (SUCCESSFUL,)),
    Fault("controller's clock 10 minutes ahead", "clock 600"),
    Fault("controller's clock 10 minutes behind", "clock -600"),
    Fault("controller's disk full", "disk", (SUCCESSFUL,)),
    _killed("controller killed", 0),
    _killed("controller killed in the middle of the step", 0.3),
    # What a proxy does.
    _every_change("next answer of every changing call truncated", "truncated"),
    _every_change("next answer of every changing call empty", "empty"),
    _every_change("next changing calls carried out twice", "doubled"),
    Fault("a byte a second of every answer", _lab(("faults", {"mode": "trickle", "seconds": 1.0})), repeats=True),
    Fault("a page of HTML for every call", _lab(("faults", {"mode": "html"}))),
    Fault("credentials expired", _lab(("faults", {"mode": "expired"}))),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
