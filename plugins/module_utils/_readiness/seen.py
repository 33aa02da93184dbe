# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The input and the findings of the readiness checks. Pure: no boto3, no clock.

A check is a function of ``Seen`` that returns findings, one for each region or pair that it checks. Rules:

1. A finding is ok, a warning or a blocker; its reason is a sentence with figures. Unless it is ok, it has a remedy.
2. What could not be read is never ok. It is a warning, or a blocker if a move cannot be decided without it, except in
   the active region, which a failover must not need.
3. A problem in a standby is a blocker if a move to it would fail or leave the platform broken. The same problem in the
   active region is a warning, because a failover leads away from it.

Shapes of the facts besides those in _core/observation.py, by name:

automation: None or {document, written_at} of the control table's item about automatic failover
database: None or {identifier, engine, engine_version, parameter_group, deletion_protection, backup_retention_days,
    kms_key_arn, instances: [{identifier, class, is_public, parameter_groups: [names]}], pending_reboot: [instance
    identifiers]}
engine_support: None or {engine, version, status: available, deprecated or None (AWS does not know the version),
    targets: [versions], ends_at: epoch seconds at which standard support of the major version ends, or None}
parameters: {cluster: {name: value}, instance: {name: value}}, without defaults
rescue_snapshots: [{identifier, status, created_at, expires_at, copy, copy_status}], see _aurora/snapshots.py
instance_types: {instance type: vCPUs of one}, of the group's instances or else of its launch template;
    instance_types_<name>: the same of another group of the region
capacity_reservations: None (the group prefers none) or {preference, capacity_reservation_ids, reservations: None (one
    is gone) or [{id, type, state, total, available}]}
vcpu_quota: {limit, used, used_error}; used is None if unknown, and used_error then contains the reason
target_quota: the maximum number of targets of a load balancer
elastic_ip_quota, vpc_quota: {limit, used}
session_table_settings, control_table_settings: None or {kms_key_arn, deletion_protection, is_recoverable}
data_bucket: None or {kms_key_arn, is_versioned, public_access_block: {setting of the S3 API: bool}, policy: its text or
    None}; control_bucket: the same
account_block: {setting of the S3 API: bool}, the account's effective ones
public_statements: None (closed or absent) or [statements that a client without credentials reads]
topic: None or {kms_key_arn, policy}
log_groups: {name: kms_key_arn} of the cluster's log groups
secret: None or {arn, primary_region, is_deleted, replicas: {region: {status, message}}}
key: None or {arn, state}
network: None or {vpc_id, cidr, peerings: [{id, status, vpc_ids}], tables: {name: {destination: {via, state}}}}
security_groups: None (no VPC) or {id: {name, ingress: [rule], egress: [rule]}}; a rule is {protocol, first_port,
    last_port, networks: [CIDRs]}, its ports None for all ports
network_acl: None or the NetworkAcl of the API that the manifest's entry names
load_balancer: None or {security_group_ids, drops_invalid_headers, log_bucket: None without access logs,
    deletion_protection}
launch_templates: {id and version: {http_tokens, security_group_ids}}, those of the group and of its instances
alarms: [{name, namespace, metric, dimensions, comparison, actions_enabled, actions, state}]
replication: None or S3's ReplicationConfiguration of the data bucket
probe_objects, probe_items: {region: None or {version, status: PENDING, COMPLETED, FAILED, REPLICA or None, written_at}}
    of what each region has written to see whether it arrives
subscriptions: {confirmed, pending}

and without a region:

name: (region or unknown, sentence) of the load balancer that the name leads to
records: None (no zone) or [{name, identifier, failover, health_check_id, target}], names without the last dot; with an
    accelerator the alias records that are no failover records
accelerator: {status, enabled, groups: {region: Group}}, if the switch is one
health_checks: {id: HealthCheckConfig}
health_check_quota: {limit, used}
region_opt_in: {region: OptInStatus of the EC2 API}, of all regions
credentials: {region: {method: botocore's name of the provider, bound_to: {other region: what of it is needed}}}
permissions: {principal, simulated: [{sid, action, decisions: {resource: decision}}], errors: {sid: sentence}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    ComputeGroup,
    compute_of,
    groups_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import layer_state
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import (
    MAX_SAMPLE_AGE,
    Facts,
    Observation,
    trusted_view,
    writer_region,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.database import Database
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request, State

OK, WARNING, BLOCKER = "ok", "warning", "blocker"
# Used if a finding is about the platform as a whole.
ALL = "all"
PROVISION = "Run site.yml."
GIVE = "Set the option."
LOOK_AGAIN = "Find out why AWS did not respond (region, permissions, network), then run readiness.yml again."


@dataclass(frozen=True)
class Finding:
    """The result of a check in one region: state, the sentence with its figures, and the remedy."""

    region: str
    state: str
    reason: str
    remedy: str = ""
    is_unknown: bool = False


@dataclass(frozen=True)
class Limits:
    """Settings of the operator. Ages in seconds, lag in milliseconds.

    max_replication_lag_ms: the limit that a failover would use, or None; above it the failover would be refused.
    warn_replication_lag_ms: a larger lag is a warning.
    """

    min_healthy_ratio: float = 0.5
    max_replication_lag_ms: float | None = None
    max_sampled_lag_ms: float | None = None
    warn_replication_lag_ms: float = 1000
    max_lag_sample_age: float = MAX_SAMPLE_AGE
    cool_down: float = 3600


@dataclass(frozen=True)
class Seen:
    """Everything that was read.

    manifest: the most recent copy, from manifest_region; copies: the response of each region's control table.
    facts: by region; shared: what belongs to no region.
    state: the planner's input.
    regions: those of the inventory. expected: names that the manifest does not contain.
    now: epoch seconds.
    """

    manifest: Mapping[str, Any]
    manifest_region: str
    copies: Mapping[str, Observation]
    facts: Mapping[str, Facts]
    shared: Facts
    state: State
    regions: tuple[str, ...]
    expected: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    now: float = 0.0

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The manifest's regions, in the order in which the switch was built."""
        return tuple(entry["region"] for entry in self.manifest["regions"])

    @cached_property
    def view(self) -> dict[str, Any] | None:
        """The global database as seen by the most trustworthy region, or None if none responded."""
        return trusted_view(self.facts, self.order)[1]

    @cached_property
    def active(self) -> str | None:
        """The region that holds the writer; while it moves, the one it comes from; None if it is unknown."""
        return writer_region(self.view) or ((self.view or {}).get("failover_state") or {}).get("from_region")

    @cached_property
    def _database(self) -> Database:
        """The database as the planner judges it for the region that has the traffic."""
        return Database(self.state, Request(), self.state.traffic_region or self.reference)

    @property
    def writer(self) -> str | None:
        """The region whose writer the platform uses: after a detach the detached one, if it has the traffic."""
        return self._database.writer

    @property
    def is_apart(self) -> bool:
        """Whether the platform uses a writer outside the global database."""
        return self.writer != self._database.member_writer

    @cached_property
    def standbys(self) -> tuple[str, ...]:
        """Every region except the active one; all regions if the active one is unknown."""
        return tuple(region for region in self.order if region != self.active)

    @property
    def reference(self) -> str:
        """The region with which others are compared: the active one, else the first."""
        return self.active or self.order[0]

    def layer(self, name: str) -> str:
        """Return what a layer is, by the manifest: managed, existing or absent."""
        return layer_state(self.manifest, name)

    def entry(self, region: str) -> Mapping[str, Any]:
        """Return the manifest's entry of a region."""
        return next(entry for entry in self.manifest["regions"] if entry["region"] == region)

    def compute(self, region: str) -> str:
        """Return what a region runs its application on, by the manifest."""
        return compute_of(self.entry(region))

    def groups(self, region: str) -> tuple[ComputeGroup, ...]:
        """Return the groups of a region by the manifest, in the order in which a move raises them."""
        return groups_of(self.entry(region))

    def standbys_of(self, compute: str) -> tuple[str, ...]:
        """Return the standbys that run their application on this compute."""
        return tuple(region for region in self.standbys if self.compute(region) == compute)

    def others(self, region: str) -> tuple[str, ...]:
        """Return all regions but one."""
        return tuple(other for other in self.order if other != region)

    def severity(self, region: str) -> str:
        """Return the state of a problem in a region that would prevent a move there."""
        return WARNING if region == self.active else BLOCKER

    def broken(self, region: str, reason: str, remedy: str) -> Finding:
        """Return the finding for a problem that would prevent a move to the region."""
        return Finding(region, self.severity(region), reason, remedy)

    def unknown(
        self, region: str, what: str, why: str | None, is_vital: bool = False, remedy: str = LOOK_AGAIN
    ) -> Finding:
        """Return the finding for a fact that could not be read.

        is_vital: a move to the region cannot be decided or carried out without it.
        """
        state = self.severity(region) if is_vital and region != ALL else WARNING
        reason = f"Unknown: {what} could not be read: {(why or 'no reason given').rstrip('. ')}."
        return Finding(region, state, reason, remedy, is_unknown=True)


def ok(region: str, reason: str) -> Finding:
    """Return the finding that something is as it should be."""
    return Finding(region, OK, reason)


def warning(region: str, reason: str, remedy: str) -> Finding:
    """Return the finding for a problem that would not stop a move."""
    return Finding(region, WARNING, reason, remedy)


def blocker(region: str, reason: str, remedy: str) -> Finding:
    """Return the finding for a problem that would stop a move or leave the platform broken."""
    return Finding(region, BLOCKER, reason, remedy)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(items: Any, limit: int = 5) -> str:
    """Return names as a text, truncated after some."""
    names = [str(item) for item in items]
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")
