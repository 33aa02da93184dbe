# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the lab's services for tests and demonstrations: durations in AWS seconds, and metric values.

`SETTINGS.update({"failover_s": 20, "lag_ms": None})` sets, `SETTINGS.reset()` returns to the defaults below.
Durations are the order of magnitude AWS documents or its workshops show; they pass on the lab's clock, so `scale`
times faster.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Settings:
    """Suffix `_s` = AWS seconds, `_ms` = milliseconds as CloudWatch reports them."""

    pending_s: float = 5.0  # FailoverState `pending`: the clusters are verified before the move starts
    switchover_s: float = 60.0  # whole SwitchoverGlobalCluster, `pending` included
    failover_s: float = 60.0  # whole FailoverGlobalCluster with AllowDataLoss, `pending` included
    cancel_s: float = 10.0  # `cancelling`, after the move lost one of its regions
    detach_s: float = 30.0  # RemoveFromGlobalCluster: status `promoting` until the cluster is standalone
    resync_s: float = 300.0  # a member rebuilt after an unplanned failover: `pending-resync` until `connected`
    password_s: float = 20.0  # a new master password: `resetting-master-credentials` until it is accepted
    promotion_stuck: bool = False  # a move that started never ends while this holds
    lag_ms: float | None = 120.0  # AuroraGlobalDBReplicationLag; None = no samples at all
    rpo_lag_ms: float | None = 150.0  # AuroraGlobalDBRPOLag; None = no samples at all
    lag_delay_s: float = 0.0  # real seconds by which every lag sample is older than it would be, as after lost samples
    target_initial_s: float = 30.0  # a registered target is `initial` until its first health checks passed
    target_draining_s: float = 30.0  # a deregistered target is `draining`
    instance_refresh_s: float = 120.0
    replica_create_s: float = 60.0  # a DynamoDB replica is CREATING
    replica_delete_s: float = 30.0  # a DynamoDB replica is DELETING
    encryption_s: float = 20.0  # SSEDescription of a DynamoDB table is UPDATING after a change of its key
    cluster_create_s: float = 0.0  # an Aurora cluster is `creating`; set AWS's minutes for measurements
    instance_create_s: float = 0.0  # an Aurora instance is `creating`
    nat_gateway_create_s: float = 0.0  # a NAT gateway is `pending`
    load_balancer_create_s: float = 0.0  # a load balancer is `provisioning`
    replication_s: float = 1.0  # a DynamoDB write or an S3 object reaches the other region

    def update(self, values: dict[str, Any]) -> None:
        """Set several together; an unknown name or a negative duration raises ValueError before anything is set."""
        known = asdict(self)
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
            if name.endswith("_s") and not (isinstance(value, (int, float)) and value >= 0):
                raise ValueError(f"{name} is {value!r}; it must be a number of AWS seconds, 0 or more")
        for name, value in values.items():
            setattr(self, name, value)

    def reset(self) -> None:
        for field in fields(self):
            setattr(self, field.name, field.default)


SETTINGS = Settings()
