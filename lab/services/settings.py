# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the lab's services for tests and demonstrations: durations in AWS seconds, and metric values.

`SETTINGS.update({"failover_s": 20, "lag_ms": None})` sets, `SETTINGS.reset()` returns to the defaults below.
Durations are the order of magnitude AWS documents or its workshops show; they pass on the lab's clock, so `scale`
times faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

# Called before values change: what has been so far is to be noted with the old ones.
WRITE_BLOCKS = ("by_outage", "succeeds", "times_out", "not_asked")
BEFORE_CHANGE: list[Callable[[], None]] = []


@dataclass
class Settings:
    """Suffix `_s` = AWS seconds, `_ms` = milliseconds as CloudWatch reports them."""

    pending_s: float = 5.0  # FailoverState `pending`: the clusters are verified before the move starts
    switchover_s: float = 60.0  # whole SwitchoverGlobalCluster, `pending` included
    failover_s: float = 60.0  # whole FailoverGlobalCluster with AllowDataLoss, `pending` included
    cancel_s: float = 10.0  # `cancelling`, after the move lost one of its regions
    detach_s: float = 30.0  # RemoveFromGlobalCluster: status `promoting` until the cluster stands alone
    detach_quiet_s: float = 0.0  # of detach_s, the first seconds: still a member and `available` (amazon.aws, 1705)
    detach_delists_first: bool = False  # leaves the list before it is `promoting`; reports show both orders
    lingering_s: float = 0.0  # FailoverState goes on being shown once the writer has moved; no document says how long
    # From the writer's move until the DNS of the global endpoint follows (RDS-EVENT-0397); AWS gives no time.
    endpoint_dns_s: float = 10.0
    secondary_claims_writer: bool = False  # a secondary's own DBClusterMembers call an instance writer; undocumented
    resync_s: float = 300.0  # a member rebuilt after an unplanned failover: `pending-resync` until `connected`
    global_create_s: float = 45.0  # until the cluster that a global cluster is created from is listed as its writer
    write_block: str = (
        "by_outage"  # of the old primary by a managed failover: succeeds, times_out, not_asked, by_outage
    )
    rescue_snapshot_s: float = 30.0  # from the old region's return until the snapshot of its old volume is listed
    rescue_snapshot_create_s: float = 30.0  # which is `creating` at first
    minor_upgrade_s: float = 120.0  # a cluster is `upgrading` until it has another version of its major version
    major_upgrade_s: float = 300.0  # all members of a global database are, until they have another major version
    instance_class_s: float = 120.0  # an instance is `modifying` until it has another class
    password_s: float = 20.0  # a new master password: `resetting-master-credentials` until it is accepted
    promotion_stuck: bool = False  # a move that started never ends while this holds
    # Metrics of RDS (lab/services/rds_metrics.py). A change counts for the samples of later minutes.
    lag_ms: float | None = 120.0  # AuroraGlobalDBReplicationLag; None = no samples
    rpo_lag_ms: float | None = 150.0  # AuroraGlobalDBRPOLag; None = no samples
    cpu_percent: float | None = 10.0  # CPUUtilization of every cluster with an instance; None = no samples
    metric_delay_s: float = 120.0  # a sample can be read so long after its minute began, at the earliest ...
    metric_delay_spread_s: float = 120.0  # ... and up to so much later, which differs by minute and metric
    lag_delay_s: float = 0.0  # real seconds by which samples of the lag come later still
    replication_cut: bool = False  # no secondary receives anything, though all regions are there
    lag_grows: bool = False  # a secondary that receives nothing goes on to report, ever more lag; else it is silent
    target_initial_s: float = 30.0  # a registered target is `initial` until its first health checks passed
    target_draining_s: float = 30.0  # a deregistered target is `draining`
    instance_refresh_s: float = 120.0
    task_start_s: float = 30.0  # a task of an ECS service is pending; tens of seconds on Fargate
    # CPU of Auto Scaling groups to which no name leads (lab/services/instances.py); None = no samples
    idle_cpu_percent: float | None = 5.0
    replica_create_s: float = 60.0  # a DynamoDB replica is CREATING
    replica_delete_s: float = 30.0  # a DynamoDB replica is DELETING
    encryption_s: float = 20.0  # SSEDescription of a DynamoDB table is UPDATING after a change of its key
    cluster_create_s: float = 0.0  # an Aurora cluster is `creating`; set AWS's minutes for measurements
    instance_create_s: float = 0.0  # an Aurora instance is `creating`
    snapshot_create_s: float = 0.0  # a cluster's snapshot, or the copy of one, is `creating`
    nat_gateway_create_s: float = 0.0  # a NAT gateway is `pending`
    load_balancer_create_s: float = 0.0  # a load balancer is `provisioning`
    # A change of an accelerator is IN_PROGRESS, then it routes by it; AWS gives no time (lab/services/accelerator.py).
    accelerator_deploy_s: float = 20.0
    db_clusters_max: int = 40  # quotas of RDS in each region
    db_instances_max: int = 40
    elastic_ips_max: int = 5  # quotas that are reported only
    vpcs_max: int = 5
    health_checks_max: int = 200
    vcpus_max: int = 64  # AWS gives a new account 5 (L-1216C47A)
    organization_blocks_public_access: bool = False  # an S3 policy of AWS Organizations (lab/anonymous_s3.py)
    dns_client_vpc: str = ""  # the VPC from which the lab's DNS is asked; empty = the internet (private hosted zones)
    replication_s: float = 1.0  # a DynamoDB write or an S3 object reaches the other region
    calendar_date: str = "2026-11-29"  # the day by which engine versions are offered and retired (rds_calendar.py)
    controller_address: str = "192.0.2.10"  # from where probes come, for security groups of load balancers
    first_use_refused: bool = False  # what was created a moment ago is refused once (lab/services/settling.py)
    withheld_versions: tuple[str, ...] = ()  # `region version`: engine versions that a region has not got

    def update(self, values: dict[str, Any]) -> None:
        """Set several together; an unknown name or a negative duration raises ValueError before anything is set."""
        known = asdict(self)
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
            if name.endswith("_s") and not (isinstance(value, (int, float)) and value >= 0):
                raise ValueError(f"{name} is {value!r}; it must be a number of AWS seconds, 0 or more")
            if name == "write_block" and value not in WRITE_BLOCKS:
                raise ValueError(f"write_block is {value!r}; it must be one of {', '.join(WRITE_BLOCKS)}")
            if name.endswith("_date"):
                date.fromisoformat(value)
        for note in BEFORE_CHANGE:
            note()
        for name, value in values.items():
            setattr(self, name, value)

    def reset(self) -> None:
        for field in fields(self):
            setattr(self, field.name, field.default)


SETTINGS = Settings()
